"""What others do with logits, written plainly: the loop of example scripts, and the pipeline's way to pool windows.

The first is a yardstick of speed; the second tells whether an answer differs for this reason alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from project_config import Settings
from utils.windows import Windows

Float = NDArray[np.float32]


def loop_spans(logits: Float, row: int, windows: Windows, settings: Settings) -> list[dict[str, float]]:
    """The spans of a window as example scripts find them: the best starts by the best ends, pair by pair.

    Args:
        logits: float [L, 2] of the window.
        row: its row in ``windows``.
        windows: the windows of the split.
        settings: ``n_best`` and ``max_answer_tokens``.
    """
    first, last = int(windows.context_start[row]), int(windows.context_end[row])
    tops = [np.argsort(logits[:, side])[: -settings.n_best - 1 : -1].tolist() for side in (0, 1)]
    found = []
    for start in tops[0]:
        for end in tops[1]:
            if not (first <= start < last and first <= end < last):
                continue
            if end < start or end - start + 1 > settings.max_answer_tokens:
                continue
            found.append({"start": start, "end": end, "score": logits[start, 0] + logits[end, 1]})
    return sorted(found, key=lambda one: one["score"], reverse=True)[: settings.n_best]


def pipeline_answer(
    logits: Float, question: int, context: str, windows: Windows, settings: Settings, no_answer: bool
) -> str:
    """The text that the transformers pipeline gives for a question, were these its logits.

    Start and end become probabilities in every window by itself, over [CLS] and the context. A window's best span
    scores their product; equal texts of several windows add up; the null scores the lowest such product of [CLS].

    Args:
        logits: float [n, L, 2] of the windows of the question.
        question: its index in the split.
        context: its context.
        windows: the windows of the split.
        settings: ``max_answer_tokens``.
        no_answer: whether the null may win.
    """
    scores: dict[str, float] = {}
    texts: dict[str, str] = {}
    null = np.inf
    for both, row in zip(logits, range(windows.first[question], windows.first[question + 1]), strict=True):
        inside = slice(int(windows.context_start[row]), int(windows.context_end[row]))
        kept = np.concatenate([both[:1], both[inside]]).astype(np.float64)
        kept = np.exp(kept - kept.max(axis=0))
        start, end = (kept / kept.sum(axis=0)).T
        null = min(null, start[0] * end[0])
        spans = np.tril(np.triu(np.outer(start[1:], end[1:])), settings.max_answer_tokens - 1)
        first, last = np.unravel_index(spans.argmax(), spans.shape)
        text = context[windows.offsets[row, inside][first, 0] : windows.offsets[row, inside][last, 1]]
        texts.setdefault(text.lower(), text)
        scores[text.lower()] = scores.get(text.lower(), 0.0) + float(spans[first, last])
    best = max(scores, key=lambda key: scores[key])
    return "" if no_answer and null > scores[best] else texts[best].strip()
