"""Exports a trained model to the ONNX file that the Tensorleap platform can convert.

The platform turns ONNX into Keras and knows only the operations in ``CONVERTIBLE``; its models take
float32 inputs. So the graph casts the ids itself, builds its additive mask from a finite number, and is
traced with eager attention. A file that would not convert or does not answer as the checkpoint does is
never left behind.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import AutoModelForQuestionAnswering, AutoTokenizer, PreTrainedTokenizerFast
from transformers.activations import GELUTanh, NewGELUActivation
from transformers.utils import logging as transformers_logging

from project_config import ROOT, ProjectError, Settings, validate
from utils.decoders import LOWEST, decode
from utils.encoders import INPUT_NAMES
from utils.files import scratch_folder
from utils.questions import Question
from utils.signature import SignatureError
from utils.squad import load_file
from utils.windows import Windows, build_windows

from .checkpoint import misfit
from .inputs import input_names, max_positions
from .runtime import Model, ModelError

OPSET = 14
MASKED = -1e4
"""What the attention scores of padding are raised by; minus infinity would make gradients infinite."""

TOLERANCE = 1e-4
"""The largest difference between a logit of the file and of the checkpoint that is let pass."""

PARITY_QUESTIONS = 24
PARITY_LENGTHS = (96, 160, 384)
"""Window lengths at which file and checkpoint are compared; those that a model cannot take become its longest."""
PARITY_SETTINGS = {"overlap": 16, "max_question_tokens": 32, "threads": 1}

CONVERTIBLE = frozenset(
    "Add Cast Concat Constant Div Erf Gather Identity MatMul Mul Pow ReduceMean Reshape Shape Slice Softmax Split "
    "Sqrt Squeeze Sub Tanh Transpose Unsqueeze".split()
)
"""The operations that the platform's converter was tried with, and Erf, of BERT's activation, which it knows too."""


class ExportError(ProjectError):
    """A checkpoint cannot be exported; nothing was written."""


class Exportable(nn.Module):  # type: ignore[misc]
    """A question-answering model as the platform wants it.

    Three float32 inputs ``[B, L]`` in the order of ``INPUT_NAMES``; one output, logits float32 ``[B, L, 2]``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.has_types = "token_type_ids" in input_names(model)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor) -> Any:
        """Logits; a model without token types takes them and adds nothing of them."""
        bias = (1.0 - attention_mask)[:, None, None, :] * MASKED
        inputs = {"input_ids": input_ids.long(), "attention_mask": bias}
        if self.has_types:
            inputs["token_type_ids"] = token_type_ids.long()
        outputs = self.model(**inputs)
        logits = torch.stack([outputs.start_logits, outputs.end_logits], dim=-1)
        return logits if self.has_types else logits + token_type_ids[..., None] * 0.0


def export(checkpoint: str, out: Path, *, half: bool = False) -> dict[str, Any]:
    """Exports a checkpoint into a folder: the model, its tokenizer, config and weights, and ``export.json``.

    Args:
        checkpoint: the folder of a transformers checkpoint with its tokenizer, or a hub id.
        out: the folder; files of the same names in it are replaced, others are left.
        half: round the weights to float16, in which ``model.safetensors`` then keeps them; the graph computes with the
            same values in float32.

    Returns:
        What ``export.json`` holds: opset, operations, hashes, versions, size, the temperature that was built into the
        logits, and parity.

    Raises:
        ExportError: if the checkpoint cannot be loaded or traced, it has no tokenizer or another model's, its logits or
            answers differ from the file's, the graph holds an operation that the platform cannot convert, or ``out``
            cannot be written.
    """
    if not sys.stderr.isatty():
        transformers_logging.disable_progress_bar()
    model, tokenizer = _load(checkpoint)
    if half:
        model.half().float()  # the values that float16 can hold, in float32
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with scratch_folder(out.name, out.parent) as aside:
            report = _export_into(aside, checkpoint, model, tokenizer, half)
            _move(aside, out)
    except OSError as error:
        raise ExportError(f"{out} cannot be written: {error}. Free space or give another --out.") from error
    return report


def _load(checkpoint: str) -> tuple[Any, PreTrainedTokenizerFast]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(checkpoint)
        model, loaded = AutoModelForQuestionAnswering.from_pretrained(
            checkpoint, attn_implementation="eager", output_loading_info=True, dtype=torch.float32
        )
    except Exception as error:  # tokenizers raises nothing narrower, and a broken config leads to anything
        raise ExportError(
            f"checkpoint `{checkpoint}` cannot be loaded: {error}. Give the folder of a transformers checkpoint "
            "with its tokenizer, such as the `best` of an experiment, or a hub id that can be reached."
        ) from error
    if loaded["missing_keys"]:
        raise ExportError(
            f"checkpoint `{checkpoint}` lacks {', '.join(sorted(loaded['missing_keys']))}: it is no "
            "question-answering model. Train it first: squad-albert train."
        )
    if reason := misfit(tokenizer, model):
        raise ExportError(f"checkpoint `{checkpoint}` {reason}")
    return model.eval(), tokenizer


def _export_into(
    folder: Path, checkpoint: str, model: Any, tokenizer: PreTrainedTokenizerFast, half: bool
) -> dict[str, Any]:
    """Writes everything into an empty folder and returns the report."""
    (model.half() if half else model).save_pretrained(folder)
    model.float()
    tokenizer.save_pretrained(folder)
    card = Path(checkpoint) / "README.md"
    if card.is_file():
        shutil.copy(card, folder / "README.md")
    path = folder / "model.onnx"
    _trace(Exportable(model).eval(), path, checkpoint)  # the exporter restores the mode that it finds
    graph = onnx.load(path)
    share_weights(graph)
    onnx.save(graph, path)
    operations = Counter(node.op_type for node in graph.graph.node)
    unknown = sorted(operations.keys() - CONVERTIBLE)
    if unknown:
        raise ExportError(
            f"checkpoint `{checkpoint}` ({model.config.model_type}) needs {', '.join(unknown)}, which the platform's "
            "converter does not know. Export a model with plain attention, such as ALBERT, BERT or DistilBERT."
        )
    report = {
        "checkpoint": "/".join(Path(checkpoint).parts[-2:]),
        "opset": OPSET,
        "operations": dict(sorted(operations.items())),
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "weights": "fp16" if half else "fp32",
        "temperature": getattr(model.config, "span_temperature", None),
        "bytes": path.stat().st_size,
        "sha256": {
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in ("model.onnx", "model.safetensors", "config.json", "tokenizer.json")
        },
        "versions": {name: version(name) for name in ("torch", "transformers", "onnx", "onnxruntime")},
        "parity": compare(folder, model, tokenizer),
    }
    (folder / "export.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return report


def _trace(model: Exportable, path: Path, checkpoint: str) -> None:
    example = tuple(torch.ones(2, 16) for _ in INPUT_NAMES)
    axes = {name: {0: "batch", 1: "length"} for name in (*INPUT_NAMES, "logits")}
    try:
        with _without_exporter_noise(), _known_gelu(model), torch.no_grad():
            torch.onnx.export(
                model,
                example,
                str(path),
                input_names=list(INPUT_NAMES),
                output_names=["logits"],
                dynamic_axes=axes,
                opset_version=OPSET,
                do_constant_folding=True,
                dynamo=False,
            )
    except (RuntimeError, TypeError, ValueError, torch.onnx.errors.OnnxExporterError) as error:
        raise ExportError(
            f"checkpoint `{checkpoint}` ({model.model.config.model_type}) cannot be traced: {error} "
            "Export a model with plain attention, such as ALBERT, BERT or DistilBERT."
        ) from error


@contextmanager
def _known_gelu(model: nn.Module) -> Iterator[None]:
    """Spells torch's own tanh Gelu as transformers does, which runtimes know as one operation and compute at once."""
    places = [
        (parent, name, child)
        for parent in model.modules()
        for name, child in parent.named_children()
        if isinstance(child, GELUTanh)
    ]
    for parent, name, _ in places:
        setattr(parent, name, NewGELUActivation())
    try:
        yield
    finally:
        for parent, name, child in places:
            setattr(parent, name, child)


@contextmanager
def _without_exporter_noise() -> Iterator[None]:
    """Silences what torch says of its older exporter, the one whose files the platform can convert, and of tracing."""
    with warnings.catch_warnings():
        for category in (DeprecationWarning, torch.jit.TracerWarning, UserWarning):
            warnings.simplefilter("ignore", category)
        yield


def share_weights(graph: onnx.ModelProto) -> None:
    """Lets equal weights be one: ALBERT's layers share theirs, which constant folding may undo."""
    kept: dict[str, str] = {}
    renamed: dict[str, str] = {}
    initializers = list(graph.graph.initializer)
    del graph.graph.initializer[:]
    for tensor in initializers:
        name, tensor.name = tensor.name, ""
        key = hashlib.sha256(tensor.SerializeToString(deterministic=True)).hexdigest()
        tensor.name = name
        renamed[name] = kept.setdefault(key, name)
        if renamed[name] == name:
            graph.graph.initializer.append(tensor)
    for node in graph.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = renamed.get(name, name)


def compare(folder: Path, model: Any, tokenizer: PreTrainedTokenizerFast) -> dict[str, Any]:
    """How far the exported file is from the checkpoint, over windows of several lengths, padded and not.

    Args:
        folder: the exported model.
        model: the checkpoint as it is, with its own mask and integer inputs.
        tokenizer: that of both.

    Returns:
        ``questions``, ``windows``, ``lengths`` and ``largest_difference`` (of a logit).

    Raises:
        ExportError: if a logit differs by more than ``TOLERANCE``, an answer differs at all, or the file does not
            take float32 inputs or batches of every size.
    """
    questions = parity_questions()
    longest = max_positions(model) or max(PARITY_LENGTHS)
    lengths = sorted({min(length, longest) for length in PARITY_LENGTHS})
    count, largest = 0, 0.0
    for length in lengths:
        settings = validate(Settings, {**PARITY_SETTINGS, "max_length": length}, f"a model of {longest} tokens")
        windows = build_windows(questions, tokenizer.backend_tokenizer, settings, cache=False)
        expected, found = _torch_logits(model, windows), _onnx_logits(folder, settings, windows)
        difference = float(np.abs(found - expected).max())
        if not difference <= TOLERANCE:
            raise ExportError(
                f"the exported logits differ from the checkpoint's by {difference:.2g} at windows of {length} tokens, "
                f"more than {TOLERANCE:g}. Nothing was written; report this with the checkpoint."
            )
        _compare_answers(expected, found, windows, questions, settings)
        largest, count = max(largest, difference), count + len(windows)
    return {"questions": len(questions), "windows": count, "lengths": lengths, "largest_difference": largest}


def parity_questions() -> list[Question]:
    """The fixed questions of the comparison: every so many of the bundled validation split."""
    questions = load_file(ROOT / "data" / "validation.json")
    return questions[:: max(1, len(questions) // PARITY_QUESTIONS)][:PARITY_QUESTIONS]


def _torch_logits(model: Any, windows: Windows) -> NDArray[np.float32]:
    """The checkpoint's logits at full length, float32 ``[N, L, 2]``, with ``LOWEST`` on padding."""
    rows = np.arange(len(windows))
    values = (windows.input_ids[rows], windows.attention_mask(rows), windows.token_type_ids(rows))
    inputs = {name: torch.from_numpy(value.astype(np.int64)) for name, value in zip(INPUT_NAMES, values, strict=True)}
    with torch.no_grad():
        outputs = model(**{name: inputs[name] for name in input_names(model)})
    logits: NDArray[np.float32] = torch.stack([outputs.start_logits, outputs.end_logits], dim=-1).numpy()
    return np.where(values[1][..., None] > 0, logits, LOWEST)


def _onnx_logits(folder: Path, settings: Settings, windows: Windows) -> NDArray[np.float32]:
    """The file's logits through the project's own runtime, the first two windows in batches of one."""
    try:
        model = Model(folder, settings)
        alone = [model.logits(windows, np.array([row])) for row in range(2)]
        return np.concatenate([*alone, model.logits(windows, np.arange(2, len(windows)))])
    except (ModelError, SignatureError) as error:
        raise ExportError(f"the exported file does not run as the platform runs it: {error}") from error


def _compare_answers(
    expected: NDArray[np.float32],
    found: NDArray[np.float32],
    windows: Windows,
    questions: list[Question],
    settings: Settings,
) -> None:
    pairs = zip(*(decode(logits, windows, questions, settings) for logits in (expected, found)), strict=True)
    for question, (wanted, got) in zip(questions, pairs, strict=True):
        for allow_no_answer in (True, False):
            answers = [decoded.best(allow_no_answer, 0.0).text for decoded in (wanted, got)]
            if answers[0] != answers[1]:
                raise ExportError(
                    f"the exported model answers {answers[1]!r} to {question.id}, the checkpoint {answers[0]!r}. "
                    "Nothing was written; report this with the checkpoint."
                )


def _move(aside: Path, out: Path) -> None:
    """Moves the files into place, the model last, so that a whole model stands behind every ``model.onnx``."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "model.onnx").unlink(missing_ok=True)
    for path in sorted(aside.iterdir(), key=lambda path: path.name == "model.onnx"):
        path.replace(out / path.name)
