"""Real tokenizers of a few hundred tokens, of the kinds whose offsets differ: made in code, in milliseconds."""

from __future__ import annotations

import string
from functools import cache

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ["<pad>", "<unk>", "[CLS]", "[SEP]"]
_LETTERS = [*string.ascii_letters, *string.digits, *string.punctuation, "é", "ß", "東", "\u0301", "\u2044", "🙂"]
_WORDS = ["the", "cat", "19", "62", "in", "sat", "quick"]


def with_template(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer, with ALBERT's template for pairs."""
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in ("[CLS]", "[SEP]")],
    )
    return tokenizer


@cache
def albert() -> Tokenizer:
    """ALBERT's pipeline: quotation marks joined, NFKD, accents dropped, lower case; words marked by ▁."""
    tokenizer = _unigram()
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Replace("``", '"'),
            normalizers.Replace("''", '"'),
            normalizers.NFKD(),
            normalizers.StripAccents(),
            normalizers.Lowercase(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    return tokenizer


@cache
def spaced() -> Tokenizer:
    """No normaliser, and tokens that begin at the space before a word."""
    tokenizer = _unigram()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(split=False)
    return tokenizer


@cache
def bert() -> Tokenizer:
    """BERT's pipeline: control characters dropped, words unknown as a whole."""
    pieces = [*SPECIAL, *_LETTERS, *_WORDS, *("##" + piece for piece in [*_LETTERS, *_WORDS])]
    vocabulary = {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(SPECIAL)
    return with_template(tokenizer)


def _unigram() -> Tokenizer:
    pieces = dict.fromkeys([*SPECIAL, *_LETTERS, "▁", *_WORDS, *("▁" + word for word in _WORDS)])
    tokenizer = Tokenizer(models.Unigram([(piece, -1.0) for piece in pieces], unk_id=1))
    tokenizer.add_special_tokens(SPECIAL)
    return with_template(tokenizer)
