"""Questions -> overlapping token windows, once for a whole split.

A model sees at most ``max_length`` tokens. A longer context is therefore read in windows that share ``overlap``
tokens, each with the whole question before it, laid out by the tokenizer's own template::

    [CLS] question [SEP] part of the context [SEP] padding

Every text is tokenised once, however many questions share a context, and the windows are cut out of the
result. All that is asked later about a sample is a look-up in these arrays.
"""

from __future__ import annotations

import hashlib
import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tokenizers
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tqdm import tqdm

from project_config import Settings

from .cache import cached_arrays
from .questions import Question
from .tokenizer import Template, TokenizerError, Tokens, load_tokenizer, pair_template, tokenise

__all__ = ["TokenizerError", "Windows", "build_windows", "load_tokenizer", "sample_ids"]

Int = NDArray[np.int32]
Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Rows = NDArray[np.integer[Any]] | list[int] | slice

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Windows:
    """N windows of Q questions, L tokens each. The arrays may be memory-mapped; they are not to be written to."""

    input_ids: Int  # [N, L] padded with the pad id
    offsets: Int  # [N, L, 2] characters [start, end) of each context token in the context; (0, 0) elsewhere
    length: Int  # [N] tokens that are not padding
    question_start: Int  # [N] tokens [start, end) of the question
    question_end: Int  # [N]
    context_start: Int  # [N] tokens [start, end) of the context, special tokens excluded
    context_end: Int  # [N]
    question: Int  # [N] index of the question in the split
    index: Int  # [N] 0, 1, ... within the question
    count: Int  # [N] windows of that question
    start: Int  # [N] first target token: of the first gold that is whole in the window, else 0, which is [CLS]
    end: Int  # [N] last target token
    truncated_question: Bool  # [N] whether the question was cut
    holds_answer: Bool  # [N] whether a whole gold is in the window
    golds: Int  # [G, 3] the golds that are whole in a window: index in `Question.golds`, first and last token
    golds_first: Int  # [N + 1] window n has golds[golds_first[n] : golds_first[n + 1]]
    unrecoverable: Int  # [K, 2] question and gold whose tokens do not give back its text, as for part of a word
    first: Int  # [Q + 1] question q has windows first[q] : first[q + 1]

    def __len__(self) -> int:
        return len(self.length)

    @property
    def max_length(self) -> int:
        """L, the tokens of every window, padding included."""
        return int(self.input_ids.shape[1])

    def attention_mask(self, rows: Rows) -> Float:
        """1 over every token that is not padding: float32 [len(rows), L]."""
        return self._between(0, self.length[rows])

    def token_type_ids(self, rows: Rows) -> Float:
        """1 over the context and the special token after it: float32 [len(rows), L]."""
        return self._between(self.context_start[rows], self.length[rows])

    def whole_golds(self, row: int) -> Int:
        """The golds that lie whole in a window: int32 [g, 3] of index in ``Question.golds``, first and last token."""
        return self.golds[self.golds_first[row] : self.golds_first[row + 1]]

    def _between(self, start: Int | int, end: Int) -> Float:
        position = np.arange(self.max_length)
        return ((position >= np.asarray(start)[..., None]) & (position < end[..., None])).astype(np.float32)


def build_windows(
    questions: Sequence[Question],
    tokenizer: Tokenizer,
    settings: Settings,
    *,
    progress: bool = False,
    cache: bool = True,
) -> Windows:
    """The windows of a split.

    Args:
        questions: the split, in order.
        tokenizer: a fast tokenizer with a template for pairs; it is left as it is.
        settings: ``max_length``, ``overlap``, ``max_question_tokens`` and ``cache``, the folder.
        progress: show a bar on a terminal.
        cache: take the windows from the disk, or leave them there, memory-mapped.

    Raises:
        TokenizerError: if the tokenizer does not suit, or its special tokens leave no room for a context.
        CacheError: if the folder that ``settings.cache`` names cannot be used.
    """
    if not cache:
        return _build(questions, tokenizer, settings, progress)
    key = _key(questions, tokenizer, settings)
    return Windows(
        **cached_arrays(key, lambda: dict(vars(_build(questions, tokenizer, settings, progress))), settings.cache)
    )


def sample_ids(questions: Sequence[Question], windows: Windows) -> list[str]:
    """An id for each window: that of its question, then ``id#1``, ``id#2``, ... for the further ones."""
    return [
        f"{questions[question].id}#{index}" if index else questions[question].id
        for question, index in zip(windows.question.tolist(), windows.index.tolist(), strict=True)
    ]


class _Layout(NamedTuple):
    """Which part of which texts every window holds."""

    arrays: dict[str, Any]  # the fields of Windows that need no text
    skipped: Int  # [N] context tokens before the window


class _Golds(NamedTuple):
    identity: Int  # [G, 2] question and index in its golds
    tokens: Int  # [G, 2] first and last token in the context; first > last: no token stands for the gold
    recovered: Bool  # [G] whether these tokens give back the gold's text


def _key(questions: Sequence[Question], tokenizer: Tokenizer, settings: Settings) -> str:
    """A name that changes with all that windows depend on: texts, tokenizer, settings, versions and this code."""
    digest = hashlib.sha256()
    for module in (Path(__file__), Path(__file__).with_name("tokenizer.py")):
        digest.update(module.read_bytes())
    sizes = (settings.max_length, settings.overlap, settings.max_question_tokens)
    digest.update(repr((sizes, tokenizers.__version__, unicodedata.unidata_version, tokenizer.to_str())).encode())
    for question in questions:
        golds = [(gold.text, gold.start) for gold in question.golds]
        digest.update(repr((question.question, question.context, golds)).encode())
    return f"windows-{digest.hexdigest()[:32]}"


def _build(questions: Sequence[Question], tokenizer: Tokenizer, settings: Settings, progress: bool) -> Windows:
    template = pair_template(tokenizer)
    if settings.max_length - settings.max_question_tokens - template.size <= settings.overlap:
        raise TokenizerError(
            f"max_length {settings.max_length} leaves no new context tokens after max_question_tokens "
            f"{settings.max_question_tokens}, {template.size} special tokens and overlap {settings.overlap}. "
            "Raise max_length or lower one of the others."
        )
    asked, contexts = _tokens_of_questions(questions, tokenizer, template, progress)
    layout = _layout(asked, contexts, template, settings)
    input_ids, offsets = _fill(layout, asked, contexts, template, settings.max_length)
    golds = _gold_tokens(questions, contexts)
    _logger.info("%d questions make %d windows.", len(questions), len(input_ids))
    return Windows(
        input_ids=input_ids,
        offsets=offsets,
        **layout.arrays,
        **_targets(golds, layout),
        unrecoverable=golds.identity[~golds.recovered],
    )


def _tokens_of_questions(
    questions: Sequence[Question], tokenizer: Tokenizer, template: Template, progress: bool
) -> tuple[list[Tokens], list[Tokens]]:
    """The tokens of every question and of its context; those of equal texts are one object."""
    asked = [question.question.lstrip() for question in questions]
    contexts = [question.context for question in questions]
    texts = list(dict.fromkeys([*asked, *contexts]))
    bar = tqdm(
        tokenise(texts, tokenizer, template), "tokenise", len(texts), unit=" texts", disable=None if progress else True
    )
    tokens = dict(zip(texts, bar, strict=True))
    return [tokens[text] for text in asked], [tokens[text] for text in contexts]


def _layout(asked: list[Tokens], contexts: list[Tokens], template: Template, settings: Settings) -> _Layout:
    full = np.array([len(tokens.ids) for tokens in asked], np.int64)
    kept = np.minimum(full, settings.max_question_tokens)
    size = np.array([len(tokens.ids) for tokens in contexts], np.int64)
    room = settings.max_length - template.size - kept  # [Q] context tokens in a window
    step = room - settings.overlap
    count = 1 + np.maximum(0, -((room - size) // step))  # one more for every step that the context sticks out
    first = np.concatenate([[0], np.cumsum(count)])
    question = np.repeat(np.arange(len(asked)), count)
    index = np.arange(first[-1]) - first[question]
    skipped = index * step[question]
    question_end = len(template.before) + kept[question]
    context_start = question_end + len(template.between)
    context_end = context_start + np.minimum(room[question], size[question] - skipped)
    arrays = {
        "length": context_end + len(template.after),
        "question_start": np.full(len(question), len(template.before)),
        "question_end": question_end,
        "context_start": context_start,
        "context_end": context_end,
        "question": question,
        "index": index,
        "count": count[question],
        "first": first,
    }
    arrays = {name: array.astype(np.int32) for name, array in arrays.items()}
    return _Layout(arrays | {"truncated_question": (full > kept)[question]}, skipped.astype(np.int32))


def _fill(
    layout: _Layout, asked: list[Tokens], contexts: list[Tokens], template: Template, max_length: int
) -> tuple[Int, Int]:
    names = ("question", "question_start", "question_end", "context_start", "context_end", "length")
    columns = [layout.arrays[name].tolist() for name in names]
    input_ids = np.full((len(layout.skipped), max_length), template.pad, np.int32)
    offsets = np.zeros((len(layout.skipped), max_length, 2), np.int32)
    for row, span, skip, (q, start, end, context_start, context_end, length) in zip(
        input_ids, offsets, layout.skipped.tolist(), zip(*columns, strict=True), strict=True
    ):
        part = slice(skip, skip + context_end - context_start)
        row[:start] = template.before
        row[start:end] = asked[q].ids[: end - start]
        row[end:context_start] = template.between
        row[context_start:context_end] = contexts[q].ids[part]
        row[context_end:length] = template.after
        span[context_start:context_end] = contexts[q].spans[part]
    return input_ids, offsets


def _gold_tokens(questions: Sequence[Question], contexts: list[Tokens]) -> _Golds:
    identity, tokens, recovered = [], [], []
    for number, (question, context) in enumerate(zip(questions, contexts, strict=True)):
        for index, gold in enumerate(question.golds):
            wanted = gold.text.strip()
            start = gold.start + len(gold.text) - len(gold.text.lstrip())
            touching = np.flatnonzero((context.spans[:, 1] > start) & (context.spans[:, 0] < start + len(wanted)))
            first, last = (int(touching[0]), int(touching[-1])) if wanted and len(touching) else (0, -1)
            identity.append((number, index))
            tokens.append((first, last))
            recovered.append(
                first <= last and question.context[context.spans[first, 0] : context.spans[last, 1]].strip() == wanted
            )
    return _Golds(
        np.array(identity, np.int32).reshape(-1, 2),
        np.array(tokens, np.int32).reshape(-1, 2),
        np.array(recovered, np.bool_),
    )


def _targets(golds: _Golds, layout: _Layout) -> dict[str, Any]:
    """The golds that are whole in each window, and the first of them as its target."""
    arrays = layout.arrays
    of_question = golds.identity[:, 0]
    windows = arrays["first"][of_question + 1] - arrays["first"][of_question]  # [G] windows to look at
    pair = np.repeat(np.arange(len(of_question)), windows)  # every gold beside every window of its question
    before = np.cumsum(windows) - windows
    window = arrays["first"][of_question][pair] + np.arange(len(pair)) - before[pair]
    tokens = golds.tokens[pair] - layout.skipped[window][:, None] + arrays["context_start"][window][:, None]
    whole = (tokens[:, 0] <= tokens[:, 1]) & (tokens[:, 0] >= arrays["context_start"][window])
    whole &= tokens[:, 1] < arrays["context_end"][window]
    rows, found, tokens = window[whole], golds.identity[pair[whole], 1], tokens[whole]
    order = np.argsort(rows, kind="stable")  # by window, and there in the order of the golds
    table = np.column_stack([found, tokens])[order].astype(np.int32)
    each = np.bincount(rows, minlength=len(layout.skipped))
    golds_first = np.concatenate([[0], np.cumsum(each)]).astype(np.int32)
    target = np.zeros((len(each), 2), np.int32)
    target[each > 0] = table[golds_first[:-1][each > 0], 1:]
    return {
        "start": target[:, 0],
        "end": target[:, 1],
        "holds_answer": each > 0,
        "golds": table,
        "golds_first": golds_first,
    }
