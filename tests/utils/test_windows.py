"""Windows: what holds for every text, by hypothesis, and what is asked of a split by example."""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from unicodedata import category

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import Encoding, Tokenizer, normalizers, processors

from project_config import Settings
from tests.conftest import SHARED_SQUAD
from tests.utils import tiny_tokenizers
from utils.questions import Gold, Question
from utils.windows import TokenizerError, build_windows, sample_ids

TOKENIZERS = [tiny_tokenizers.albert, tiny_tokenizers.spaced, tiny_tokenizers.bert]
SMALL = Settings(max_length=32, overlap=6, max_question_tokens=8)

# What has surprised tokenizers: ligatures, fractions, marks apart from their letter, white space of many
# kinds, characters that vanish, text that looks like a special token.
_PIECES = """cat|the cat|1962|½|ﬁ|''|``|e\u0301|é|İ|ß|…|東京|🙂|👩\u200d👩|[SEP]|<pad>|▁|##s|\u0301|\ufe0f|.|"""
_GAPS = [" ", "  ", "\n", "\t", "\u00a0", "\u3000", "\x85", "\x00", "\u200b", "\ufeff"]
_PIECE = st.one_of(st.sampled_from([*_PIECES.split("|"), *_GAPS]), st.characters(exclude_categories=["Cs"]))
_CONTEXT = st.lists(_PIECE, max_size=60).map("".join)
_ASKED = st.lists(_PIECE, max_size=8).map("".join)


@dataclass
class Case:
    """One question, its windows and what they are made with."""

    question: Question
    tokenizer: Tokenizer
    settings: Settings

    def __post_init__(self) -> None:
        self.windows = build_windows([self.question], self.tokenizer, self.settings, cache=False)

    def tokens(self, row: int) -> range:
        return range(self.windows.context_start[row], self.windows.context_end[row])

    def place(self, row: int, first: int, last: int) -> tuple[int, str]:
        """Where the text of these tokens begins and what it is, white space around it left out."""
        offsets = self.windows.offsets[row]
        start, end = offsets[first, 0], offsets[last, 1]
        return place(Gold(self.question.context[start:end], int(start)))

    def touching(self, row: int, gold: Gold) -> list[int]:
        """The tokens that share a character with the gold, white space around it left out."""
        start, text = place(gold)
        wanted = range(start, start + len(text))
        spans = self.windows.offsets[row].tolist()
        return [token for token in self.tokens(row) if {*wanted} & {*range(*spans[token])}]


def place(gold: Gold) -> tuple[int, str]:
    """Where a gold begins and what it is, white space around it left out."""
    return gold.start + len(gold.text) - len(gold.text.lstrip()), gold.text.strip()


def plain(tokenizer: Tokenizer) -> Tokenizer:
    """A copy to which `[SEP]` in a text is text."""
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.encode_special_tokens = True
    return copy


def text_ids(encoding: Encoding) -> list[int]:
    """Token ids, where a special token that the model saw in a text counts as unknown."""
    unknown = tiny_tokenizers.SPECIAL.index("<unk>")
    return [
        unknown if side is not None and token < len(tiny_tokenizers.SPECIAL) else token
        for token, side in zip(encoding.ids, encoding.sequence_ids, strict=True)
    ]


def unsplit(case: Case) -> Case:
    """The same with room for the whole context in one window."""
    return Case(case.question, case.tokenizer, Settings(max_length=4096))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    context = draw(_CONTEXT)
    golds = []
    for _ in range(draw(st.integers(0, 3)) if context else 0):
        first = draw(st.integers(0, len(context) - 1))
        golds.append(Gold(context[first : draw(st.integers(first + 1, len(context)))], first))
    question = Question("q", "t", draw(_ASKED), context, tuple(golds))
    tokenizer = draw(st.sampled_from(TOKENIZERS))()
    settings = Settings(
        max_length=draw(st.integers(32, 40)),
        overlap=draw(st.integers(0, 12)),
        max_question_tokens=draw(st.integers(1, 12)),
    )
    return Case(question, tokenizer, settings)


@given(cases())
def test_windows_are_what_the_tokenizer_itself_would_give(case: Case) -> None:
    """Also proves that the installed tokenizers does not drop overflow windows, as 0.23.1 and 0.23.2 did."""
    oracle = plain(case.tokenizer)
    asked = case.question.question.lstrip()
    assume(len(oracle.encode(asked, add_special_tokens=False)) <= case.settings.max_question_tokens)
    oracle.enable_truncation(case.settings.max_length, stride=case.settings.overlap, strategy="only_second")
    pair = oracle.encode(asked, case.question.context)
    windows = [pair, *pair.overflowing]
    assert [text_ids(window) for window in windows] == [
        ids[:length].tolist() for ids, length in zip(case.windows.input_ids, case.windows.length, strict=True)
    ]
    rows = list(range(len(windows)))
    for window, mask, types in zip(
        windows, case.windows.attention_mask(rows), case.windows.token_type_ids(rows), strict=True
    ):
        missing = [0] * (case.settings.max_length - len(window.ids))
        assert mask.tolist() == window.attention_mask + missing
        assert types.tolist() == window.type_ids + missing


@given(cases())
def test_windows_cover_every_character_that_the_tokenizer_keeps(case: Case) -> None:
    def characters(spans: object) -> set[int]:
        return {place for first, end in spans for place in range(first, end)}  # type: ignore[attr-defined]

    kept = characters(plain(case.tokenizer).encode(case.question.context, add_special_tokens=False).offsets)
    covered = characters(case.windows.offsets.reshape(-1, 2).tolist())
    context = case.question.context
    assert {place for place in kept if not context[place].isspace()} <= covered
    lost = {place for place, char in enumerate(context) if category(char)[0] not in "CZ"} - covered
    assert not {place - 1 for place in lost} & covered
    assert not {place + 1 for place in lost if category(context[place])[0] != "M"} & covered


@given(cases())
def test_neighbours_share_the_overlap_and_join_to_the_whole_context(case: Case) -> None:
    windows, overlap = case.windows, case.settings.overlap
    parts = [windows.input_ids[row, case.tokens(row)].tolist() for row in range(len(windows))]
    for before, after in itertools.pairwise(parts):
        assert before[len(before) - overlap :] == after[:overlap]
        assert len(after) > overlap
    joined = parts[0] + [token for part in parts[1:] for token in part[overlap:]]
    assert joined == text_ids(plain(case.tokenizer).encode(case.question.context, add_special_tokens=False))


@given(cases())
def test_special_and_padding_tokens_are_never_text(case: Case) -> None:
    windows = case.windows
    special = {case.tokenizer.token_to_id(token) for token in ("<pad>", "[CLS]", "[SEP]")}
    for row in range(len(windows)):
        asked, read = range(windows.question_start[row], windows.question_end[row]), case.tokens(row)
        assert len(asked) <= case.settings.max_question_tokens
        outside = sorted(set(range(case.settings.max_length)) - {*asked, *read})
        assert set(windows.input_ids[row, outside].tolist()) <= special
        assert not special & set(windows.input_ids[row, [*asked, *read]].tolist())
        assert len(asked) + len(read) + 3 == windows.length[row]
        assert not windows.offsets[row, [place for place in range(case.settings.max_length) if place not in read]].any()


@given(cases())
def test_golds_come_back_from_their_tokens_or_are_reported(case: Case) -> None:
    whole = unsplit(case)
    reported = {gold for _, gold in case.windows.unrecoverable.tolist()}
    for index, gold in enumerate(case.question.golds):
        tokens = whole.tokens(0)
        needed = whole.touching(0, gold)
        pairs = [(first, last) for first in tokens for last in tokens if {*needed} <= {*range(first, last + 1)}]
        recovered = bool(needed) and any(whole.place(0, *pair) == place(gold) for pair in pairs)
        assert (index in reported) == (not recovered)
        for row in range(len(case.windows)) if recovered else ():
            for _, first, last in (found for found in case.windows.whole_golds(row).tolist() if found[0] == index):
                assert case.place(row, first, last) == place(gold)


@given(cases())
def test_a_gold_is_whole_where_all_its_tokens_are_and_the_first_such_is_the_target(case: Case) -> None:
    whole, windows = unsplit(case), case.windows
    for row in range(len(windows)):
        expected = []
        for index, gold in enumerate(case.question.golds):
            inside = case.touching(row, gold)
            if inside and len(inside) == len(whole.touching(0, gold)):
                expected.append([index, inside[0], inside[-1]])
        assert windows.whole_golds(row).tolist() == expected
        assert windows.holds_answer[row] == bool(expected)
        assert [windows.start[row], windows.end[row]] == (expected[0][1:] if expected else [0, 0])


def test_real_characters_are_all_covered(questions: list[Question], tokenizer: Tokenizer) -> None:
    windows = build_windows(questions, tokenizer, SMALL, cache=False)
    for number, question in enumerate(questions):
        spans = windows.offsets[windows.first[number] : windows.first[number + 1]].reshape(-1, 2).tolist()
        covered = {place for first, end in spans for place in range(first, end)}
        assert {place for place, char in enumerate(question.context) if not char.isspace()} <= covered


def test_a_split_is_a_table_of_its_questions(questions: list[Question], tokenizer: Tokenizer) -> None:
    windows = build_windows(questions, tokenizer, SMALL, cache=False)
    apart = [build_windows([question], tokenizer, SMALL, cache=False) for question in questions]
    assert len(windows) == sum(map(len, apart)) > len(questions)
    assert windows.first.tolist() == np.cumsum([0, *map(len, apart)]).tolist()
    for number, one in enumerate(apart):
        rows = slice(windows.first[number], windows.first[number + 1])
        assert (windows.question[rows] == number).all()
        assert windows.index[rows].tolist() == list(range(len(one)))
        assert (windows.count[rows] == len(one)).all()
        for name in ("input_ids", "offsets", "length", "start", "end", "holds_answer", "context_end"):
            np.testing.assert_array_equal(getattr(windows, name)[rows], getattr(one, name))


def test_the_arrays_have_the_types_that_they_promise(questions: list[Question], tokenizer: Tokenizer) -> None:
    windows = build_windows(questions, tokenizer, SMALL, cache=False)
    flags = {"truncated_question", "holds_answer"}
    assert {name for name, array in vars(windows).items() if array.dtype == np.bool_} == flags
    assert all(array.dtype == np.int32 for name, array in vars(windows).items() if name not in flags)
    assert windows.input_ids.shape == (len(windows), windows.max_length) == windows.offsets.shape[:2]
    assert windows.attention_mask([0, 1]).dtype == windows.token_type_ids([0, 1]).dtype == np.float32
    assert windows.attention_mask(slice(None)).sum() == windows.length.sum()


def test_a_split_without_questions_has_no_windows(tokenizer: Tokenizer) -> None:
    windows = build_windows([], tokenizer, SMALL, cache=False)
    assert len(windows) == 0
    assert windows.first.tolist() == [0]
    assert sample_ids([], windows) == []


def test_further_windows_of_a_question_are_numbered(questions: list[Question], tokenizer: Tokenizer) -> None:
    two = [question for question in questions if question.id in ("heron-1", "scripts-1")]
    windows = build_windows(two, tokenizer, Settings(max_length=96, overlap=24, max_question_tokens=32), cache=False)
    assert sample_ids(two, windows) == ["heron-1", "heron-1#1", "heron-1#2", "scripts-1"]


def test_the_first_gold_is_the_target_where_it_is_whole_else_the_next() -> None:
    context = "one two three four five six " * 4 + "the quick cat sat"
    golds = (Gold("cat", context.index("cat")), Gold("quick", context.index("quick")), Gold("two", 4))
    question = Question("q", "t", "in?", context, golds)
    windows = build_windows([question], tiny_tokenizers.bert(), SMALL, cache=False)
    first, last = windows.whole_golds(0), windows.whole_golds(len(windows) - 1)
    assert first[:, 0].tolist() == [2]
    assert last[:, 0].tolist() == [0, 1]
    assert [windows.start[0], windows.end[0]] == first[0, 1:].tolist()
    assert [windows.start[-1], windows.end[-1]] == last[0, 1:].tolist()


def test_part_of_a_word_is_reported_and_still_has_a_target() -> None:
    questions = [
        Question("part", "t", "in?", "the 1962 cat", (Gold("the", 0), Gold("962", 5))),
        Question("whole", "t", "in?", "the 1962 cat", (Gold(" 1962 ", 3),)),
    ]
    windows = build_windows(questions, tiny_tokenizers.albert(), SMALL, cache=False)
    assert windows.unrecoverable.tolist() == [[0, 1]]
    assert windows.whole_golds(0)[:, 0].tolist() == [0, 1]
    assert windows.holds_answer.all()


@pytest.mark.parametrize("gold", ["cafe\u0301", "''cat''", "``cat", "cat''", "½"])
def test_characters_that_the_tokenizer_drops_stay_with_their_neighbours(gold: str) -> None:
    context = f"the {gold} sat"
    question = Question("q", "t", "in?", context, (Gold(gold, 4),))
    windows = build_windows([question], tiny_tokenizers.albert(), SMALL, cache=False)
    offsets = windows.offsets[0]
    assert not len(windows.unrecoverable)
    assert context[offsets[windows.start[0], 0] : offsets[windows.end[0], 1]] == gold


def test_a_long_question_is_cut_and_leading_white_space_is_removed() -> None:
    questions = [Question(str(spaces), "t", " " * spaces + "the cat sat in " * 9, "cat", ()) for spaces in (0, 3)]
    questions.append(Question("short", "t", "the cat", "cat", ()))
    windows = build_windows(questions, tiny_tokenizers.spaced(), SMALL, cache=False)
    assert windows.truncated_question.tolist() == [True, True, False]
    assert (windows.question_end - windows.question_start).tolist() == [8, 8, 2]
    assert windows.input_ids[0].tolist() == windows.input_ids[1].tolist()


def test_settings_that_leave_no_context_are_refused(tokenizer: Tokenizer) -> None:
    roomy = Tokenizer.from_str(tokenizer.to_str())
    end = roomy.token_to_id("[SEP]")
    roomy.post_processor = processors.TemplateProcessing(
        single="$A",
        pair="[CLS]:0 $A:0 [SEP]:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", roomy.token_to_id("[CLS]")), ("[SEP]", end)],
    )
    tight = Settings(max_length=32, overlap=20, max_question_tokens=8)
    assert len(build_windows([], tokenizer, tight, cache=False)) == 0
    with pytest.raises(TokenizerError, match="4 special tokens and overlap 20"):
        build_windows([], roomy, tight, cache=False)


def test_the_tokenizer_is_left_as_it_is(questions: list[Question], tokenizer: Tokenizer) -> None:
    copy = Tokenizer.from_str(tokenizer.to_str())
    copy.enable_truncation(7)
    copy.enable_padding(pad_id=1, length=50)
    before = copy.to_str()
    windows = build_windows(questions, copy, SMALL, cache=False)
    assert copy.to_str() == before
    assert set(windows.input_ids[windows.attention_mask(slice(None)) == 0].tolist()) == {1}


def test_progress_is_shown_on_a_terminal_only_when_asked_for(
    questions: list[Question], tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    def shown(stream: io.StringIO, progress: bool) -> str:
        monkeypatch.setattr(sys, "stderr", stream)
        build_windows(questions, tokenizer, SMALL, progress=progress, cache=False)
        return stream.getvalue()

    assert "100%" in shown(Terminal(), True)
    assert shown(Terminal(), False) == shown(io.StringIO(), True) == ""


def test_windows_from_the_cache_equal_those_that_are_built(
    questions: list[Question], tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = SMALL.model_copy(update={"cache": str(tmp_path)})
    built = build_windows(questions, tokenizer, settings, cache=False)
    assert not list(tmp_path.iterdir())
    kept = build_windows(questions, tokenizer, settings)
    monkeypatch.setattr("utils.windows.tokenise", None)  # from here on only the cache can answer
    again = build_windows(questions, tokenizer, settings)
    for name, array in vars(built).items():
        for other in (kept, again):
            np.testing.assert_array_equal(array, getattr(other, name))
            assert array.dtype == getattr(other, name).dtype
            assert not getattr(other, name).flags.writeable


def test_whatever_changes_the_windows_changes_their_name_in_the_cache(
    questions: list[Question], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    settings = SMALL.model_copy(update={"cache": str(tmp_path)})
    one = questions[0]
    build_windows([one], tokenizer, settings)
    build_windows([dataclasses.replace(one, id="other", title="other")], tokenizer, settings)
    assert len(list(tmp_path.iterdir())) == 1

    other = Tokenizer.from_str(tokenizer.to_str())
    other.normalizer = normalizers.NFKC()
    build_windows([one], other, settings)
    for change in ({"question": "What?"}, {"context": one.context + " End."}, {"golds": one.golds[:1]}):
        build_windows([dataclasses.replace(one, **change)], tokenizer, settings)
    for size in ({"max_length": 40}, {"overlap": 5}, {"max_question_tokens": 7}):
        build_windows([one], tokenizer, settings.model_copy(update=size))
    build_windows([one, one], tokenizer, settings)
    assert len(list(tmp_path.iterdir())) == 9


@pytest.mark.skipif(not SHARED_SQUAD.is_dir(), reason="the real SQuAD slices are not beside this checkout")
def test_real_golds_are_recovered(tokenizer: Tokenizer) -> None:
    file = json.loads((SHARED_SQUAD / "dev-v1.1.json").read_text(encoding="utf-8"))
    questions = [
        Question(
            qa["id"],
            article["title"],
            qa["question"],
            paragraph["context"],
            tuple(Gold(answer["text"], answer["answer_start"]) for answer in qa["answers"]),
        )
        for article in file["data"]
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]
    windows = build_windows(questions, tokenizer, Settings(), cache=False)
    for number, index in windows.unrecoverable.tolist():
        gold, context = questions[number].golds[index], questions[number].context
        around = context[gold.start - 1 : gold.start] + context[gold.start + len(gold.text) :][:1]
        assert any(char.isalnum() for char in around), f"{gold} is not part of a word"
    found = set(windows.question[windows.holds_answer].tolist())
    assert len(windows.unrecoverable) < 0.01 * len(questions)
    assert found == set(range(len(questions)))
