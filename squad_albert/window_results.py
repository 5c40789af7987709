"""What a run keeps of a window that the model has seen: spans, loss and vectors, but neither logits nor hidden layers.

All of it is taken batch by batch, while the model computes the next one, so that no more than a few batches of hidden
layers are in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.runtime import Batch, ModelError
from project_config import Settings
from utils.decoders import Spans, decode_alone, window_spans
from utils.loss import span_cross_entropy
from utils.questions import Question
from utils.windows import Windows

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class WindowResults:
    """B windows."""

    spans: Spans  # the n-best token spans
    tokens: Int  # [B, 2] first and last token of the window's own best answer; 0, 0 where it has none
    score: Float64  # [B] logits of that answer; NaN where there is none
    loss: Float32  # [B] span cross-entropy
    gold: Float64  # [B] logsumexp of the scores of the gold spans that are whole in the window; -inf where none is
    cls: Float32  # [B, H] last hidden layer: of [CLS],
    context: Float32  # [B, H] mean over the context,
    answer: Float32  # [B, H] mean over the window's own best answer; where there are no such tokens, of [CLS]

    @staticmethod
    def in_order(parts: Sequence[WindowResults], at: Sequence[Int]) -> WindowResults:
        """The windows of several batches by their positions, which make 0, 1, ... together."""
        order = np.argsort(np.concatenate(at))
        names = [field.name for field in fields(WindowResults) if field.name != "spans"]
        columns = {name: np.concatenate([getattr(part, name) for part in parts])[order] for name in names}
        return WindowResults(spans=Spans.concatenate([part.spans for part in parts])[order], **columns)


def window_results(
    batch: Batch, rows: Int, windows: Windows, questions: Sequence[Question], settings: Settings
) -> WindowResults:
    """What is kept of a batch.

    Args:
        batch: with the last hidden layer as its one inner tensor, [b, l, H].
        rows: [b] its windows.
        windows: those of the whole data.
        questions: those of the whole data.
        settings: of decoding.

    Raises:
        DecodingError: if a logit of [CLS] or of the context is not a number or infinite.
        ModelError: if the inner tensor is not one vector a token.
    """
    [hidden] = batch.inner
    if hidden.ndim != 3 or hidden.shape[:2] != batch.logits.shape[:2]:
        raise ModelError(
            f"the model's last hidden layer is {list(hidden.shape)} for logits {list(batch.logits.shape)}, not one "
            "vector a token. Export the checkpoint again with `squad-albert export`."
        )
    logits = batch.logits
    first, last = windows.context_start[rows], windows.context_end[rows]
    spans = window_spans(logits, first, last, settings)
    decoded = decode_alone(spans, rows.tolist(), windows, questions, settings.model_copy(update={"n_best": 1}))
    best = [one.answers[:1] for one in decoded]
    tokens = np.array([(own[0].token_start, own[0].token_end) if own else (0, 0) for own in best], np.int64)
    position = np.arange(logits.shape[1])
    targets = (position == side[rows][:, None] for side in (windows.start, windows.end))
    return WindowResults(
        spans=spans,
        tokens=tokens,
        score=np.array([own[0].score if own else np.nan for own in best]),
        loss=span_cross_entropy(logits, *targets),
        gold=np.array([_gold(*one, windows, settings) for one in zip(logits, rows.tolist(), strict=True)]),
        cls=hidden[:, 0].copy(),
        context=_means(hidden, first, last),
        answer=_means(hidden, tokens[:, 0], tokens[:, 1] + 1),
    )


def _gold(logits: Float32, row: int, windows: Windows, settings: Settings) -> float:
    """Golds may share their tokens; a gold that is too long to be given as an answer does not count."""
    golds = {(first, last) for _, first, last in windows.whole_golds(row).tolist()}
    spans = [span for span in golds if span[1] - span[0] < settings.max_answer_tokens]
    starts, ends = logits[:, 0].astype(np.float64), logits[:, 1].astype(np.float64)
    return float(np.logaddexp.reduce([starts[first] + ends[last] for first, last in sorted(spans)], initial=-np.inf))


def _means(hidden: Float32, first: NDArray[Any], end: NDArray[Any]) -> Float32:
    """The mean vector over the tokens [first, end) of each window; of [CLS] where there are none."""
    return np.array([one[a:b].mean(axis=0) if a < b else one[0] for one, a, b in zip(hidden, first, end, strict=True)])
