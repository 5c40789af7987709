from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from tokenizers import Tokenizer

from project_config import Settings
from utils import metadata
from utils.metadata import ANSWER_TYPES, CONTEXT_TYPES, QUESTION_TYPES, WINDOW_TYPES, SplitMetadata, leap_types
from utils.questions import Gold, Question
from utils.windows import Windows, build_windows

SETTINGS = Settings(max_length=96, overlap=24, max_question_tokens=30)
GROUPS = {"question": QUESTION_TYPES, "answer": ANSWER_TYPES, "context": CONTEXT_TYPES, "window": WINDOW_TYPES}


@pytest.fixture
def windows(questions: list[Question], tokenizer: Tokenizer) -> Windows:
    return build_windows(questions, tokenizer, SETTINGS, cache=False)


@pytest.fixture
def split(questions: list[Question], windows: Windows) -> SplitMetadata:
    return SplitMetadata(questions, windows)


def row(questions: list[Question], windows: Windows, key: str) -> int:
    return int(windows.first[[question.id for question in questions].index(key)])


@pytest.mark.parametrize("group", GROUPS)
def test_every_field_is_there_with_its_type(group: str, split: SplitMetadata, windows: Windows) -> None:
    seen = set()
    for number in range(len(windows)):
        values = getattr(split, group)(number)
        assert values.keys() == GROUPS[group].keys()
        assert all(value is None or type(value) is GROUPS[group][key] for key, value in values.items())
        seen |= {key for key, value in values.items() if value is not None}
    assert seen == GROUPS[group].keys()


def test_question(questions: list[Question], windows: Windows, split: SplitMetadata, tokenizer: Tokenizer) -> None:
    values = split.question(row(questions, windows, "heron-2"))
    tokens = len(tokenizer.encode("How many passengers did she carry?", add_special_tokens=False).ids)
    assert values["type"] == "how many"
    assert values["words"] == 6
    assert values["tokens"] == tokens


def test_answer(questions: list[Question], windows: Windows, split: SplitMetadata, tokenizer: Tokenizer) -> None:
    values = split.answer(row(questions, windows, "heron-1"))
    context = questions[0].context
    before = len(tokenizer.encode(context[: context.index("4 May")].rstrip(), add_special_tokens=False).ids)
    whole = len(tokenizer.encode(context, add_special_tokens=False).ids)
    assert values["type"] == "date"
    assert values["answerable"] is True
    assert values["golds"] == 3
    # F1 of (4 May 1871, May 1871), (4 May 1871, 1871), (May 1871, 1871)
    assert values["agreement"] == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)
    assert values["words"] == 3
    assert values["tokens"] == len(tokenizer.encode("4 May 1871", add_special_tokens=False).ids)
    assert values["position"] == before
    assert values["relative_position"] == pytest.approx(before / whole)
    assert values["question_overlap"] == 1.0  # grey, heron, launched


def test_overlap_is_with_the_sentence_of_the_answer(tokenizer: Tokenizer) -> None:
    context = "Tolm has a mill. The mill burnt in 1871. Its owner moved to Hesk."
    asked = [
        Question("a", "t", "When was the mill of Tolm rebuilt?", context, (Gold("1871", context.index("1871")),)),
        Question("b", "t", "Where was it?", context, (Gold("Hesk", context.index("Hesk")),)),
    ]
    split = SplitMetadata(asked, build_windows(asked, tokenizer, SETTINGS, cache=False))
    assert split.answer(0)["question_overlap"] == pytest.approx(1 / 3)  # mill, not Tolm, not rebuilt
    assert split.answer(1)["question_overlap"] is None  # no content word is asked
    assert split.answer(0)["agreement"] is None


def test_equal_golds_agree(tokenizer: Tokenizer) -> None:
    asked = [Question("a", "t", "Where?", "In Tolm.", (Gold("Tolm", 3), Gold("Tolm", 3)))]
    split = SplitMetadata(asked, build_windows(asked, tokenizer, SETTINGS, cache=False))
    assert split.answer(0)["agreement"] == 1.0


def test_quotation_marks_outside_the_answer_make_a_title(
    questions: list[Question], windows: Windows, split: SplitMetadata
) -> None:
    assert split.answer(row(questions, windows, "songs-1"))["type"] == "quoted title"


def test_unanswerable(questions: list[Question], windows: Windows, split: SplitMetadata) -> None:
    values = split.answer(row(questions, windows, "heron-5"))
    assert (values.pop("type"), values.pop("answerable"), values.pop("golds")) == ("none", False, 0)
    assert set(values.values()) == {None}
    assert split.window(row(questions, windows, "heron-5"))["holds_answer"] is False


def test_unlabeled_says_nothing_that_needs_an_answer(questions: list[Question], tokenizer: Tokenizer) -> None:
    unlabeled = [replace(question, golds=(), labeled=False) for question in questions]
    windows = build_windows(unlabeled, tokenizer, SETTINGS, cache=False)
    split = SplitMetadata(unlabeled, windows)
    for number in range(len(windows)):
        assert set(split.answer(number).values()) == {None}
        assert split.answer(number).keys() == ANSWER_TYPES.keys()
        assert split.window(number)["holds_answer"] is None
        assert None not in split.context(number).values()


def test_context_tokens_are_counted_once_over_all_windows(
    questions: list[Question], windows: Windows, split: SplitMetadata, tokenizer: Tokenizer
) -> None:
    assert max(windows.count) > 3
    for number, question in enumerate(windows.question):
        context = questions[question].context
        assert split.context(number)["tokens"] == len(tokenizer.encode(context, add_special_tokens=False).ids)


def test_position_counts_from_the_beginning_of_the_context_in_every_window(
    questions: list[Question], windows: Windows, split: SplitMetadata
) -> None:
    first = row(questions, windows, "marsh-1")
    count = int(windows.count[first])
    assert len({str(split.answer(first + index)) for index in range(count)}) == 1
    position = split.answer(first)["position"]
    assert isinstance(position, int)
    assert position > int(windows.context_end[first] - windows.context_start[first])  # beyond the first window


def test_context(questions: list[Question], windows: Windows, split: SplitMetadata) -> None:
    values = split.context(row(questions, windows, "heron-3"))
    assert values["title"] == "Heron"
    assert values["sentences"] == 3
    assert values["words"] == 43  # 15 + 14 + 14


def test_window(questions: list[Question], windows: Windows, split: SplitMetadata) -> None:
    first = row(questions, windows, "marsh-1")
    groups = [split.window(first + index) for index in range(int(windows.count[first]))]
    assert [group["index"] for group in groups] == list(range(len(groups)))
    assert {group["count"] for group in groups} == {len(groups)}
    assert {group["holds_answer"] for group in groups} == {True, False}


def test_truncated_question(questions: list[Question], tokenizer: Tokenizer) -> None:
    settings = Settings(max_length=64, overlap=16, max_question_tokens=5)
    split = SplitMetadata(questions, build_windows(questions, tokenizer, settings, cache=False))
    assert split.window(0)["truncated_question"] is True
    assert split.question(0)["tokens"] == 5


def test_each_thing_is_computed_once(
    questions: list[Question], windows: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: Counter[str] = Counter()
    for name in ("sentiment", "question_type", "answer_type"):
        original = getattr(metadata, name)

        def counted(*args: object, _name: str = name, _original: object = original, **options: object) -> object:
            calls[_name] += 1
            return _original(*args, **options)  # type: ignore[operator]

        monkeypatch.setattr(metadata, name, counted)
    split = SplitMetadata(questions, windows)
    for _ in range(2):
        for number in range(len(windows)):
            for group in GROUPS:
                getattr(split, group)(number)
    answered = sum(question.answerable for question in questions)
    contexts = len({question.context for question in questions})
    assert calls == {"sentiment": contexts, "question_type": len(questions), "answer_type": answered}


def test_the_caller_may_change_what_it_got(split: SplitMetadata) -> None:
    for group in GROUPS:
        before = getattr(split, group)(0)
        before.clear()
        assert getattr(split, group)(0)


def test_types_for_the_engine() -> None:
    from code_loader.contract.enums import DatasetMetadataType

    for table in GROUPS.values():
        assert leap_types(table).keys() == table.keys()
    assert leap_types(WINDOW_TYPES)["holds_answer"] is DatasetMetadataType.boolean
    assert leap_types(CONTEXT_TYPES)["title"] is DatasetMetadataType.string


def test_without_windows_only_what_takes_tokens_is_none(
    questions: list[Question], windows: Windows, split: SplitMetadata
) -> None:
    alone = SplitMetadata(questions, None)
    tokens = {"question": {"tokens"}, "answer": {"tokens", "position", "relative_position"}, "context": {"tokens"}}
    for number in range(len(questions)):
        for group, missing in tokens.items():
            known, whole = getattr(alone, group)(number), getattr(split, group)(int(windows.first[number]))
            assert known == whole | dict.fromkeys(missing)
        assert alone.window(number) == dict.fromkeys(WINDOW_TYPES)
