"""Logits become answers, in the one way that the engine, the command line and the API share.

A legal span starts no later than it ends, lies inside the context and has at most
``max_answer_tokens`` tokens. ``window_spans`` finds the best spans of many windows at once;
``decode_questions`` pools them over the windows of a question, as text of the original context.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from project_config import ProjectError, Settings

from .questions import Question, has_unanswerable
from .words import whole_words

if TYPE_CHECKING:
    from .windows import Windows

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int32 = NDArray[np.int32]
Int64 = NDArray[np.int64]

LOWEST = float(np.finfo(np.float32).min)
"""The score of a span that does not exist: low beyond every logit, yet a number that JSON can hold."""

_CHUNK = 128  # windows expanded at once: their candidates stay in the processor's cache
_CODE = 0xFFFFFFFF  # the low half of a key
_UNDERFLOW = 50.0  # float32 exponentials lose digits below -87, and vanish at -104


class DecodingError(ProjectError):
    """The logits cannot be decoded."""


@dataclass(frozen=True, slots=True)
class Spans:
    """The n-best legal token spans of B windows, best first; ties go to the earlier start, then the earlier end."""

    start: Int32  # [B, K] first token
    end: Int32  # [B, K] last token, inclusive
    score: Float32  # [B, K] start logit + end logit; -inf (and tokens 0, 0) where a window has fewer spans
    null: Float32  # [B] start logit + end logit of [CLS]
    log_spans: Float64  # [B] logsumexp of the scores of all legal spans, not only the K best; -inf where none

    @property
    def log_total(self) -> Float64:
        """Logsumexp over all legal spans and the null, [B]."""
        return np.logaddexp(self.log_spans, self.null.astype(np.float64))

    def __len__(self) -> int:
        return len(self.null)

    def __getitem__(self, rows: slice | Int64) -> Spans:
        return Spans(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def concatenate(parts: Sequence[Spans]) -> Spans:
        """The windows of several batches, in order."""
        return Spans(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Spans)))


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of the context without white space around it, or no answer: text ``""``, both offsets 0."""

    text: str
    start: int  # characters in the context, end exclusive
    end: int
    score: float  # start logit + end logit
    probability: float  # softmax over all legal spans of all windows, and the null
    window: int  # row of the split's windows
    token_start: int  # tokens of that window, end inclusive; both 0, [CLS], for no answer
    token_end: int


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a model says to a question: its n-best answers, and how likely it is that there is none."""

    answers: list[Answer]  # best first, no two of the same characters, without the null
    null_score: float  # the lowest over the windows
    null_probability: float
    null_window: int  # row of the window with that score
    margin: float  # null score - best answer's score; without any answer a huge number
    log_total: float  # logsumexp over all legal spans of all windows, and the null

    def best(self, allow_no_answer: bool, threshold: float) -> Answer:
        """The answer to give: none if that is allowed and the margin is over the threshold."""
        if self.answers and not (allow_no_answer and self.margin > threshold):
            return self.answers[0]
        return Answer("", 0, 0, self.null_score, self.null_probability, self.null_window, 0, 0)


def allows_no_answer(settings: Settings, questions: Sequence[Question]) -> bool:
    """Whether the setting ``no_answer`` lets these questions be answered with `no answer`.

    Example:
        >>> allows_no_answer(Settings(no_answer="always"), [])
        True
    """
    return settings.no_answer == "always" or (settings.no_answer == "auto" and has_unanswerable(questions))


def best_texts(decoded: Sequence[Decoded], questions: Sequence[Question], settings: Settings) -> dict[str, str]:
    """The answers given, ``{id: text}``, as the official evaluation wants them."""
    allowed = allows_no_answer(settings, questions)
    return {
        question.id: one.best(allowed, settings.no_answer_threshold).text
        for question, one in zip(questions, decoded, strict=True)
    }


def decode(logits: NDArray[Any], windows: Windows, questions: Sequence[Question], settings: Settings) -> list[Decoded]:
    """The answers to every question of a split.

    Args:
        logits: float [N, L, 2], start and end logits of every window, in order.
        windows: the N windows of the split.
        questions: the questions of the split.
        settings: ``max_answer_tokens`` and ``n_best``.

    Raises:
        DecodingError: if a logit is not a number or infinite.
    """
    spans = window_spans(logits, windows.context_start, windows.context_end, settings)
    return decode_questions(spans, windows, questions, settings)


def decode_questions(
    spans: Spans, windows: Windows, questions: Sequence[Question], settings: Settings, which: range | None = None
) -> list[Decoded]:
    """Answers to consecutive questions, each pooled over its windows.

    Args:
        spans: the spans of all windows of these questions, in order.
        windows: the windows of the split.
        questions: the questions of the split.
        settings: ``n_best`` and ``whole_words``.
        which: indices of the questions that ``spans`` belongs to; default: all.
    """
    which = range(len(questions)) if which is None else which
    bounds = windows.first[which.start : which.stop + 1]
    contexts = [questions[number].context for number in which]
    return _pool(spans, np.arange(bounds[0], bounds[-1]), bounds - bounds[0], windows, contexts, settings)


def decode_windows(
    logits: NDArray[Any], rows: Sequence[int], windows: Windows, questions: Sequence[Question], settings: Settings
) -> list[Decoded]:
    """Each window by itself, as the engine sees it: ``logits[i]``, float [L, 2], are those of row ``rows[i]``.

    Raises:
        DecodingError: if a logit of [CLS] or of the context is not a number or infinite.
    """
    spans = window_spans(logits, windows.context_start[rows], windows.context_end[rows], settings)
    return decode_alone(spans, rows, windows, questions, settings)


def decode_alone(
    spans: Spans, rows: Sequence[int], windows: Windows, questions: Sequence[Question], settings: Settings
) -> list[Decoded]:
    """Each window by itself, of which the spans are known: ``spans[i]`` are those of row ``rows[i]``."""
    contexts = [questions[number].context for number in windows.question[rows].tolist()]
    return _pool(spans, np.asarray(rows, np.intp), np.arange(len(rows) + 1), windows, contexts, settings)


def window_answers(
    decoded: Sequence[Decoded],
    rows: Sequence[int],
    windows: Windows,
    questions: Sequence[Question],
    settings: Settings,
) -> list[Answer]:
    """The answers given to windows that stand alone.

    One of several windows may always be left without an answer, as it need not hold one, unless
    ``no_answer`` is ``never``.
    """
    allowed = allows_no_answer(settings, questions)
    partly = settings.no_answer != "never"
    return [
        one.best(allowed or (partly and bool(windows.count[row] > 1)), settings.no_answer_threshold)
        for one, row in zip(decoded, rows, strict=True)
    ]


def _pool(
    spans: Spans,
    rows: NDArray[Any],
    bounds: NDArray[Any],
    windows: Windows,
    contexts: Sequence[str],
    settings: Settings,
) -> list[Decoded]:
    """One ``Decoded`` for each context: that of ``spans[bounds[i] : bounds[i + 1]]``, whose windows are in ``rows``."""
    if not contexts:
        return []
    null = np.minimum.reduceat(spans.null, bounds[:-1])
    log_total = np.logaddexp(np.logaddexp.reduceat(spans.log_spans, bounds[:-1]), null)
    probability = np.exp(spans.score - np.repeat(log_total, np.diff(bounds))[:, None])
    columns = [
        -spans.score,
        windows.offsets[rows[:, None], spans.start, 0],
        windows.offsets[rows[:, None], spans.end, 1],
        np.broadcast_to(rows[:, None], spans.score.shape),
        spans.start,
        spans.end,
        probability,
    ]
    decoded = []
    for i, context in enumerate(contexts):
        part = slice(bounds[i], bounds[i + 1])
        candidates = sorted(zip(*(column[part].ravel().tolist() for column in columns), strict=True))
        answers = _answers(candidates, context, windows, settings)
        decoded.append(
            Decoded(
                answers=answers,
                null_score=float(null[i]),
                null_probability=math.exp(null[i] - log_total[i]),
                null_window=int(rows[part][spans.null[part].argmin()]),
                margin=float(null[i]) - (answers[0].score if answers else LOWEST),
                log_total=float(log_total[i]),
            )
        )
    return decoded


def _answers(candidates: Sequence[tuple[Any, ...]], context: str, windows: Windows, settings: Settings) -> list[Answer]:
    """The first candidates that are text, each once; they are (-score, characters, row, tokens, probability)."""
    answers: dict[tuple[int, int], Answer] = {}
    for cost, begin, stop, row, first, last, probability in candidates:
        if cost == math.inf or len(answers) == settings.n_best:
            break
        text = context[begin:stop].lstrip()
        start = stop - len(text)
        span, tokens = (start, start + len(text.rstrip())), (first, last)
        if settings.whole_words and (grown := whole_words(context, *span)) != span:
            span, tokens = grown, _tokens_over(windows, row, *tokens, grown)
        if span[0] < span[1] and span not in answers:
            answers[span] = Answer(context[slice(*span)], *span, -cost, probability, row, *tokens)
    return list(answers.values())


def _tokens_over(windows: Windows, row: int, first: int, last: int, span: tuple[int, int]) -> tuple[int, int]:
    """The tokens, from some of them on, that a span of characters touches, as far as the window goes."""
    offsets = windows.offsets[row]
    while first > windows.context_start[row] and offsets[first - 1, 1] > span[0]:
        first -= 1
    while last + 1 < windows.context_end[row] and offsets[last + 1, 0] < span[1]:
        last += 1
    return first, last


def window_spans(
    logits: NDArray[Any], context_start: NDArray[Any], context_end: NDArray[Any], settings: Settings
) -> Spans:
    """The n-best legal spans of each window, exactly, without a loop over windows.

    A start is among those of the K best spans only if its own best span is among the K best of
    all starts. So each start is first given its best end logit (a sliding maximum), then only the
    K best starts are expanded to their ends.

    Args:
        logits: float [B, L, 2] of any precision, start and end.
        context_start: int [B], first context token.
        context_end: int [B], behind the last context token.
        settings: ``max_answer_tokens`` and ``n_best``.

    Raises:
        DecodingError: if a logit of [CLS] or of the context is not a number or infinite.
    """
    order = np.argsort(context_end, kind="stable")  # contexts of a length together, or most of a chunk may be empty
    chunks = [order[at : at + _CHUNK] for at in range(0, len(order), _CHUNK)] or [order]
    with np.errstate(over="ignore"):  # two masked logits add up to -inf, which is what they mean
        parts = [_chunk_spans(logits[rows], context_start[rows], context_end[rows], settings) for rows in chunks]
    return Spans.concatenate(parts)[np.argsort(order)]


def _chunk_spans(
    logits: NDArray[Any], context_start: NDArray[Any], context_end: NDArray[Any], settings: Settings
) -> Spans:
    null = logits[:, 0, :].astype(np.float32).sum(axis=1)
    left, start, end = _context_logits(logits, context_start, context_end, settings)
    if not (np.isfinite(null).all() and (start < np.inf).all() and (end < np.inf).all()):
        raise DecodingError(
            "The model gave logits that are not numbers, or infinite. Check the exported model "
            "(and its precision: float16 overflows) with `squad-albert check`."
        )
    keep, width = settings.n_best, start.shape[1]
    size = end.shape[1] - width + 1
    keys = _keys(start + _sliding(np.maximum, end, size), np.arange(width))
    keys.partition(keep - 1, axis=1)
    starts = np.sort(keys[:, :keep] & _CODE, axis=1)  # [B, K]
    rows = np.arange(len(logits))[:, None]
    scores = np.lib.stride_tricks.sliding_window_view(end, size, axis=1)[rows, starts]  # [B, K, size]
    scores += start[rows, starts][:, :, None]
    keys = _keys(scores.reshape(len(logits), keep * size), np.arange(keep * size))
    keys.partition(keep - 1, axis=1)
    keys = np.sort(keys[:, :keep], axis=1)

    score = _scores(keys)
    exists = score > -np.inf
    place, longer = np.divmod(keys & _CODE, size)
    found = starts[rows, place] + left
    first = np.where(exists, found, 0).astype(np.int32)
    last = np.where(exists, found + longer, 0).astype(np.int32)
    return Spans(first, last, score, null, _log_spans(start, end, score[:, 0], size))


def _context_logits(
    logits: NDArray[Any], context_start: NDArray[Any], context_end: NDArray[Any], settings: Settings
) -> tuple[int, Float32, Float32]:
    """The first token of any context, then start and end logits from there on, -inf outside of the context.

    Both are float32: starts [B, W], ends [B, W + size - 1], where no span is longer than ``size`` and
    W is at least n-best, so that there are always as many starts to choose from.
    """
    left = int(context_start.min(initial=logits.shape[1]))
    used = max(int(context_end.max(initial=0)) - left, 0)
    size = max(min(settings.max_answer_tokens, int((context_end - context_start).max(initial=0))), 1)
    column = np.arange(left, left + used)
    inside = (column >= np.asarray(context_start)[:, None]) & (column < np.asarray(context_end)[:, None])
    width = max(used, settings.n_best)
    start = np.full((len(logits), width), -np.inf, np.float32)
    end = np.full((len(logits), width + size - 1), -np.inf, np.float32)
    np.copyto(start[:, :used], logits[:, left : left + used, 0], where=inside)
    np.copyto(end[:, :used], logits[:, left : left + used, 1], where=inside)
    start += np.float32(0)  # -0.0 becomes 0.0, with which it must tie
    return left, start, end


def _sliding(reduce: np.ufunc, values: NDArray[Any], width: int) -> NDArray[Any]:
    """``reduce`` over every run of ``width`` neighbours, [B, n] -> [B, n - width + 1].

    Runs are put together from runs of 1, 2, 4, … values, so sums of positive values lose nothing,
    as a difference of cumulative sums would.
    """
    count = values.shape[1] - width + 1
    total: NDArray[Any] | None = None
    taken, size = 0, 1
    while True:
        if width & size:
            part = values[:, taken : taken + count]
            total = part if total is None else reduce(total, part)
            taken += size
        if taken == width and total is not None:
            return total
        values = reduce(values[:, :-size], values[:, size:])
        size *= 2


def _keys(scores: Float32, codes: Int64) -> Int64:
    """Integers that sort by descending score, then by ascending code (0 <= code < 2^32)."""
    keys = _ordered(scores.view(np.int32)).astype(np.int64)
    np.invert(keys, out=keys)
    keys <<= 32
    keys |= codes
    return keys


def _scores(keys: Int64) -> Float32:
    """The scores that ``_keys`` packed."""
    return _ordered(~(keys >> 32).astype(np.int32)).view(np.float32)


def _ordered(bits: Int32) -> Int32:
    """A float's bits, as an integer of the same order; its own inverse."""
    flip = bits >> 31
    flip &= np.int32(0x7FFFFFFF)
    flip ^= bits
    return flip


def _log_spans(start: Float32, end: Float32, best: Float32, size: int) -> Float64:
    """Logsumexp over all legal spans, [B], to about six digits of their sum; -inf where there are none.

    The sum over ends slides like the maximum, relative to the window's largest start and end
    logits. The few windows where no legal span comes near these two are summed span by span.
    """
    start_peak = np.maximum(start.max(axis=1), LOWEST, dtype=np.float32)
    end_peak = np.maximum(end.max(axis=1), LOWEST, dtype=np.float32)
    starts = np.exp(start - start_peak[:, None])
    ends = _sliding(np.add, np.exp(end - end_peak[:, None]), size)
    base = start_peak.astype(np.float64) + end_peak
    with np.errstate(divide="ignore"):
        total: Float64 = np.log((starts * ends).sum(axis=1, dtype=np.float64)) + base
    for row in np.flatnonzero((best > -np.inf) & (best - base < -_UNDERFLOW)):
        spans = start[row][:, None] + np.lib.stride_tricks.sliding_window_view(end[row], size).astype(np.float64)
        total[row] = np.log(np.exp(spans - best[row]).sum()) + best[row]
    return total
