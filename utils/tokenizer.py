"""The tokenizer of a model folder, and texts -> token ids with the characters that each token stands for."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from project_config import ProjectError

_BATCH = 512  # texts tokenised at once: enough for every core, few enough that their encodings stay small


class TokenizerError(ProjectError):
    """A tokenizer is missing, broken, or lays out a pair of texts in a way that the windows cannot follow."""


class Template(NamedTuple):
    """Token ids around a question and a context, as the tokenizer's own post-processor gives them."""

    before: list[int]
    between: list[int]
    after: list[int]
    pad: int
    unknown: int

    @property
    def size(self) -> int:
        """Special tokens in a window."""
        return len(self.before) + len(self.between) + len(self.after)


class Tokens(NamedTuple):
    """The tokens of one text."""

    ids: NDArray[np.int32]  # [n]
    spans: NDArray[np.int32]  # [n, 2] characters [start, end); together all visible characters beside a token


def load_tokenizer(folder: Path) -> Tokenizer:
    """The tokenizer that a model folder holds.

    Raises:
        TokenizerError: if ``tokenizer.json`` is missing or broken, has no padding or unknown token, or does not join a
            question and a context as ``[CLS] question [SEP] context [SEP]``.
    """
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise TokenizerError(f"{path} does not exist. Put the model's tokenizer.json there, or set `model`.")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises nothing narrower
        raise TokenizerError(f"{path} is not a tokenizer: {error}. Copy it from the model again.") from error
    try:
        pair_template(tokenizer)
    except TokenizerError as error:
        raise TokenizerError(f"{path}: {error}") from error
    return tokenizer


def pair_template(tokenizer: Tokenizer) -> Template:
    """The special tokens that a tokenizer puts around a pair of texts, found by giving it one.

    Raises:
        TokenizerError: if it is not ``[CLS] first [SEP] second [SEP]`` with type 1 from the second text on, or
            there is no padding or unknown token.
    """
    pair = _plain_copy(tokenizer).encode("a", "b")
    sides = pair.sequence_ids
    if 0 not in sides or 1 not in sides:
        raise TokenizerError("it gives no tokens for a letter. Train it again, or copy it from the model again.")
    first, second = sides.index(0), sides.index(1)
    first_end, second_end = len(sides) - sides[::-1].index(0), len(sides) - sides[::-1].index(1)
    types = [0] * second + [1] * (len(sides) - second)
    if not 0 < first < first_end < second < second_end < len(sides) or pair.type_ids != types:
        raise TokenizerError(
            f"it joins two texts as {' '.join(pair.tokens)} with types {pair.type_ids}, not as [CLS] question [SEP] "
            "context [SEP] with type 1 from the context on. Use a tokenizer of BERT's or ALBERT's kind."
        )
    return Template(
        before=pair.ids[:first],
        between=pair.ids[first_end:second],
        after=pair.ids[second_end:],
        pad=_id_of(tokenizer, "<pad>", "[PAD]") if tokenizer.padding is None else tokenizer.padding["pad_id"],
        unknown=_id_of(tokenizer, "<unk>", "[UNK]"),
    )


def tokenise(texts: Iterable[str], tokenizer: Tokenizer, template: Template) -> Iterator[Tokens]:
    """The tokens of each text, without special tokens.

    `[SEP]` written in a text is text like any other. Where the vocabulary gives it the special token even so, as
    Unigram does, it becomes the unknown token.
    """
    special = np.zeros(1 + max(tokenizer.get_vocab().values()), np.bool_)
    special[[*template.before, *template.between, *template.after, template.pad]] = True
    for encoding, spans in _encoded(texts, tokenizer):
        ids = np.array(encoding.ids, np.int32)
        ids[special[ids]] = template.unknown
        yield Tokens(ids, spans)


def token_spans(texts: Iterable[str], tokenizer: Tokenizer) -> Iterator[NDArray[np.int32]]:
    """The characters [start, end) of the tokens of each text, int32 [n, 2], as ``tokenise`` gives them."""
    return (spans for _, spans in _encoded(texts, tokenizer))


def _encoded(texts: Iterable[str], tokenizer: Tokenizer) -> Iterator[tuple[Any, NDArray[np.int32]]]:
    """The encoding of each text by the library, and the spans of its tokens."""
    plain = _plain_copy(tokenizer)
    remaining = iter(texts)
    while batch := list(islice(remaining, _BATCH)):
        for text, encoding in zip(batch, plain.encode_batch(batch, add_special_tokens=False), strict=True):
            spans = np.fromiter(chain.from_iterable(encoding.offsets), np.int32, 2 * len(encoding)).reshape(-1, 2)
            _reclaim(text, spans)
            yield encoding, spans


def _reclaim(text: str, spans: NDArray[np.int32]) -> None:
    """Stretches tokens over visible characters beside them that belong to no token.

    A normaliser that drops accents leaves a combining mark outside the token of its letter, and one that makes one
    quotation mark of two characters gives it only the last of them. Control and format characters stay outside.
    """
    starts, ends = spans[:, 0], spans[:, 1]
    opened, closed = (np.bincount(places, minlength=len(text) + 1) for places in (starts, ends))
    outside = np.flatnonzero(np.cumsum(opened - closed)[:-1] == 0).tolist()
    lost = {place: kind for place in outside if (kind := unicodedata.category(text[place])[0]) not in "CZ"}
    for place in reversed([place for place, kind in lost.items() if kind != "M"]):
        starts[(starts == place + 1) & (ends > place + 1)] = place
    for place in lost:
        if not np.any((starts <= place) & (ends > place)):
            ends[(ends == place) & (starts < place)] = place + 1


def _plain_copy(tokenizer: Tokenizer) -> Tokenizer:
    """A copy that neither cuts nor pads; it is not to be changed, as equal tokenizers share it."""
    return _plain(tokenizer.to_str())


@lru_cache(maxsize=4)
def _plain(text: str) -> Tokenizer:
    plain = Tokenizer.from_str(text)
    plain.no_truncation()
    plain.no_padding()
    plain.encode_special_tokens = True
    return plain


def _id_of(tokenizer: Tokenizer, *names: str) -> int:
    for name in names:
        number = tokenizer.token_to_id(name)
        if number is not None:
            return int(number)
    raise TokenizerError(f"it has no token {' or '.join(names)}. Add one to it, or use the model's own tokenizer.")
