"""Runs an exported model over windows, with the engine that the settings name.

Long work goes group by group: consecutive whole questions, so that memory stays flat. Windows are batched by length,
the longest first: little padding is computed, and no later batch needs more memory than the first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from project_config import Settings
from utils.decoders import LOWEST
from utils.encoders import INPUT_NAMES
from utils.signature import fitting
from utils.tokenizer import load_tokenizer
from utils.windows import Windows

from .engines import ModelError, open_engine, weight_files

__all__ = ["GROUP", "MODEL_FILES", "Batch", "Model", "ModelError", "question_groups", "weight_files"]

Float = NDArray[np.float32]
Rows = NDArray[np.int64]

MODEL_FILES = ("model.onnx", "tokenizer.json", "config.json")
"""What a model folder holds."""

GROUP = 1024
"""Windows that are sorted by length together; a question with more of them makes a group of its own."""


class Batch(NamedTuple):
    """What a model computes at once: b windows, cut to the l tokens of the longest."""

    at: Rows  # [b] which of the rows that were asked for
    logits: Float  # [b, l, 2] with ``LOWEST`` on padding
    inner: list[Float]  # the inner tensors that the model was opened with, their first axis b


class Model:
    """A model folder, loaded: an engine with the model, and the tokenizer.

    Args:
        folder: holds ``MODEL_FILES``.
        settings: ``max_length``, ``batch_tokens``, ``engine``, ``precision`` and ``threads``.
        inner: given the ONNX file, names the tensors inside of it that ``outputs`` gives, as ``inner.last_hidden``.

    Raises:
        ModelError: if the folder or a file is missing or damaged, the model knows too few positions or token ids, or
            the engine is not installed or lacks the precision.
        SignatureError: if inputs or output do not fit the windows.
        TokenizerError: if the tokenizer does not suit.
    """

    def __init__(self, folder: Path, settings: Settings, inner: Callable[[Path], Sequence[str]] | None = None) -> None:
        self.folder = folder
        if not folder.is_dir():
            raise ModelError(f"there is no model folder {folder}. {_REMEDY}")
        missing = [name for name in MODEL_FILES if not (folder / name).is_file()]
        if missing:
            raise ModelError(f"model folder {folder} has no {' and no '.join(missing)}. {_REMEDY}")
        self.tokenizer = load_tokenizer(folder)
        self._batch_tokens = settings.batch_tokens
        _check_config(folder / "config.json", settings.max_length, self.tokenizer.get_vocab_size())
        path = folder / "model.onnx"
        self._has_inner = inner is not None
        engine = open_engine(path, settings, inner(path)) if inner else open_engine(path, settings)
        self._engine = fitting(engine, settings.model_copy(update={"model": str(folder)}))
        self._length = next(
            (size for _, size in (tensor.shape for tensor in engine.get_inputs()) if isinstance(size, int)), None
        )

    @property
    def engine(self) -> str:
        """What computes the logits: the engine, its version and precision."""
        return self._engine.name

    def logits(
        self, windows: Windows, rows: Rows | None = None, on_batch: Callable[[Rows], None] | None = None
    ) -> Float:
        """Start and end logits, float32 ``[n, L, 2]``, with ``LOWEST`` on padding.

        Args:
            windows: the windows of a split.
            rows: which of them; default: all.
            on_batch: told the rows of every batch that the model is through with.

        Raises:
            ModelError: if the model fails on a batch.
        """
        rows = np.arange(len(windows)) if rows is None else rows
        logits = np.full((len(rows), windows.max_length, 2), LOWEST, np.float32)
        for batch in self.outputs(windows, rows):
            logits[batch.at, : batch.logits.shape[1]] = batch.logits
            if on_batch:
                on_batch(rows[batch.at])
        return logits

    def outputs(self, windows: Windows, rows: Rows | None = None) -> Iterator[Batch]:
        """Logits and inner tensors, batch by batch as they are computed, the longest windows first.

        Args:
            windows: the windows of a split.
            rows: which of them; default: all.

        Raises:
            ModelError: if the model fails on a batch.
        """
        rows = np.arange(len(windows)) if rows is None else rows
        for at in _batches(windows.length[rows], self._batch_tokens):
            size = windows.length[rows[at]]
            length = self._length or int(size.max())
            logits, *inner = self._run(windows, rows[at], length)
            logits[np.arange(length) >= size[:, None]] = LOWEST
            yield Batch(at, logits, inner)

    def _run(self, windows: Windows, rows: Rows, length: int) -> list[Float]:
        values = (windows.input_ids[rows], windows.attention_mask(rows), windows.token_type_ids(rows))
        feed = {
            name: np.ascontiguousarray(value[:, :length], np.float32)
            for name, value in zip(INPUT_NAMES, values, strict=True)
        }
        try:
            outputs = self._engine.run_inner(feed) if self._has_inner else [self._engine.run(feed)]
        except self._engine.failures as error:
            raise ModelError(
                f"{self.folder / 'model.onnx'} fails on inputs {[len(rows), length]}: {str(error).strip()} "
                "Export the model again, with dynamic batch and length axes."
            ) from error
        shape = outputs[0].shape
        if shape != (len(rows), length, 2):
            raise ModelError(
                f"{self.folder / 'model.onnx'} gives logits {list(shape)} for inputs {[len(rows), length]}, "
                "not one start and one end logit for each token. Export a question-answering model."
            )
        return outputs


_REMEDY = (
    "Name a folder with model.onnx, tokenizer.json and config.json by `model` in config.yaml, SQUAD_ALBERT_MODEL "
    "or --model; `squad-albert export` makes one."
)


def _check_config(path: Path, max_length: int, vocabulary: int) -> None:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON: {error}. Copy it from the model again.") from error
    if not isinstance(config, dict):
        raise ModelError(f"{path} is not a JSON object. Copy it from the model again.")
    for key, needed, what in (
        ("max_position_embeddings", max_length, "tokens, fewer than max_length; lower max_length"),
        ("vocab_size", vocabulary, "token ids, fewer than tokenizer.json has; take the model's own tokenizer"),
    ):
        size = config.get(key)
        if isinstance(size, int) and size < needed:
            raise ModelError(f"{path}: the model knows {size} {what} ({key} {size}, needed {needed}).")


def question_groups(first: NDArray[np.int32]) -> list[range]:
    """Consecutive questions with at most ``GROUP`` windows together, or one question with more.

    Args:
        first: ``Windows.first``: question q has windows ``first[q] : first[q + 1]``.

    >>> question_groups(np.array([0, 500, 1000, 1500, 4000]))
    [range(0, 2), range(2, 3), range(3, 4)]
    """
    groups: list[range] = []
    start, questions = 0, len(first) - 1
    while start < questions:
        stop = int(np.searchsorted(first, first[start] + GROUP, side="right")) - 1
        groups.append(range(start, max(stop, start + 1)))
        start = groups[-1].stop
    return groups


def _batches(length: NDArray[np.int32], batch_tokens: int) -> Iterator[Rows]:
    """Positions batch by batch, the longest windows first, at most ``batch_tokens`` in a batch, padding included."""
    order = np.argsort(-length, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, batch_tokens // max(1, int(length[order[start]])))
        yield order[start : start + size]
        start += size
