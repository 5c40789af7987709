from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Regex, Tokenizer, models, normalizers, processors

from tests.utils import tiny_tokenizers
from utils.tokenizer import TokenizerError, load_tokenizer, pair_template, tokenise


def test_a_saved_tokenizer_is_loaded(tokenizer: Tokenizer, tmp_path: Path) -> None:
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    assert load_tokenizer(tmp_path).encode("the ship", "a cat").ids == tokenizer.encode("the ship", "a cat").ids


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer\.json does not exist\. Put"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": "1.0"}', "\x00"])
def test_a_broken_tokenizer_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    with pytest.raises(TokenizerError, match="is not a tokenizer"):
        load_tokenizer(tmp_path)


def test_a_tokenizer_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    Tokenizer(models.WordPiece({"a": 0, "b": 1, "<unk>": 2, "<pad>": 3}, unk_token="<unk>")).save(
        str(tmp_path / "tokenizer.json")
    )
    with pytest.raises(TokenizerError, match=r"tokenizer\.json: it joins two texts as a b with types \[0, 1\]"):
        load_tokenizer(tmp_path)


@pytest.mark.parametrize("pair", ["$A:0 [SEP]:0 $B:0 [SEP]:0 [CLS]:0", "[CLS]:0 $B:0 [SEP]:0 $A:1 [SEP]:1"])
def test_another_order_or_other_types_are_refused(pair: str) -> None:
    tokenizer = Tokenizer.from_str(tiny_tokenizers.bert().to_str())
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A", pair=pair, special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    with pytest.raises(TokenizerError, match="BERT's or ALBERT's kind"):
        pair_template(tokenizer)


@pytest.mark.parametrize("missing", ["<pad>", "<unk>"])
def test_padding_and_unknown_tokens_are_needed(missing: str) -> None:
    vocabulary = ["<pad>", "<unk>", "[CLS]", "[SEP]", "a", "b"]
    vocabulary.remove(missing)
    ids = {token: number for number, token in enumerate(vocabulary)}
    tokenizer = tiny_tokenizers.with_template(Tokenizer(models.WordPiece(ids, unk_token="[SEP]")))
    with pytest.raises(TokenizerError, match=f"it has no token {missing}"):
        pair_template(tokenizer)


def test_a_tokenizer_that_gives_nothing_is_refused() -> None:
    tokenizer = Tokenizer.from_str(tiny_tokenizers.bert().to_str())
    tokenizer.normalizer = normalizers.Replace(Regex("."), "")
    with pytest.raises(TokenizerError, match="gives no tokens for a letter"):
        pair_template(tokenizer)


def test_the_template_is_the_tokenizers_own() -> None:
    template = pair_template(tiny_tokenizers.albert())
    assert template == ([2], [3], [3], 0, 1)
    assert template.size == 3


def test_special_tokens_in_a_text_are_not_special() -> None:
    for tokenizer in (tiny_tokenizers.albert(), tiny_tokenizers.spaced(), tiny_tokenizers.bert()):
        (tokens,) = tokenise(["[SEP] <pad>[CLS]"], tokenizer, pair_template(tokenizer))
        assert not {0, 2, 3} & set(tokens.ids.tolist())


def test_texts_come_in_order_over_many_batches() -> None:
    tokenizer = tiny_tokenizers.bert()
    texts = ["the cat " * (number % 3) + "sat" for number in range(1100)]
    lengths = [len(tokens.ids) for tokens in tokenise(texts, tokenizer, pair_template(tokenizer))]
    assert lengths == [2 * (number % 3) + 1 for number in range(1100)]


def test_ids_may_have_gaps() -> None:
    ids = {"<pad>": 0, "<unk>": 1, "[CLS]": 2, "[SEP]": 3, "a": 5, "b": 90}
    tokenizer = tiny_tokenizers.with_template(Tokenizer(models.WordPiece(ids, unk_token="<unk>")))
    (tokens,) = tokenise(["b"], tokenizer, pair_template(tokenizer))
    assert tokens.ids.tolist() == [90]
