from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.squad import DataError, Gold
from utils.squad_checks import Checker, normalizes_to_nothing, quote, same_word
from utils.squad_metrics import normalize_answer

CONTEXT = "The old owl saw an owlet."


def check(*records: dict[str, Any], context: str = CONTEXT) -> Checker:
    checker = Checker("owls.json")
    for record in records:
        checker.question(record, "Owls", context, "article 1 (Owls), paragraph 1")
    return checker


def record(key: str = "q1", **fields: Any) -> dict[str, Any]:
    return {"id": key, "question": "What saw?", "answers": [{"text": "owl", "answer_start": 8}], **fields}


def report(*records: dict[str, Any], context: str = CONTEXT) -> str:
    with pytest.raises(DataError) as caught:
        check(*records, context=context).finish()
    return str(caught.value)


def test_a_good_question_is_kept_whole() -> None:
    (question,) = check(record(fact="owl.saw")).finish()
    assert (question.id, question.title, question.question) == ("q1", "Owls", "What saw?")
    assert question.context == CONTEXT
    assert question.golds == (Gold("owl", 8),)
    assert question.answerable and question.labeled and question.fact == "owl.saw"


@pytest.mark.parametrize(
    ("fields", "golds", "labeled"),
    [
        ({"answers": [], "is_impossible": True}, 0, True),
        ({"answers": []}, 0, True),
        ({"answers": None, "is_impossible": True}, 0, True),
        ({"answers": None}, 0, False),
        ({"is_impossible": False}, 1, True),
        ({"answers": {"text": ["owl", "owlet"], "answer_start": [8, 19]}}, 2, True),
    ],
)
def test_labels(fields: dict[str, Any], golds: int, labeled: bool) -> None:
    (question,) = check(record(**fields)).finish()
    assert (len(question.golds), question.labeled) == (golds, labeled)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"question": None}, "`question` is missing; add it"),
        ({"question": 5}, "`question` is a number (5), not text; make it a string"),
        ({"question": " \n"}, "`question` is empty; write the question or remove the entry"),
        ({"question": "What\ud800?"}, "`question` holds half of a surrogate pair at character 4"),
        ({"is_impossible": True}, "`is_impossible` is true, but there are answers (1); correct one of the two"),
        ({"is_impossible": False, "answers": []}, "`is_impossible` is false, but there is no answer"),
        ({"is_impossible": False, "answers": None}, "`is_impossible` is false, but there is no answer"),
        ({"is_impossible": "no"}, "`is_impossible` is text ('no'); make it true or false"),
        ({"answers": "owl"}, "`answers` is text, not a list"),
        ({"answers": ["owl"]}, "item 1 of `answers` is text ('owl'), not an object"),
        ({"answers": {"text": ["owl"], "answer_start": []}}, "`answers` has not one `answer_start` for each `text`"),
        ({"answers": {"text": "owl", "answer_start": 8}}, "`answers` has not one `answer_start` for each `text`"),
        ({"answers": [{"answer_start": 8}]}, "answer 1: `text` is None, not an answer"),
        ({"answers": [{"text": "", "answer_start": 8}]}, "answer 1: `text` is '', not an answer"),
        ({"answers": [{"text": "owl"}]}, "answer 1: `answer_start` is None, not a whole number"),
        ({"answers": [{"text": "owl", "answer_start": True}]}, "`answer_start` is True, not a whole number"),
        ({"answers": [{"text": "owl", "answer_start": 8.0}]}, "`answer_start` is 8.0, not a whole number"),
        (
            {"answers": [{"text": "owl", "answer_start": 4}]},
            "answer 1: 'owl' is not at `answer_start` 4, where 'old' stands; the nearest place of the text is 8",
        ),
        ({"answers": [{"text": "owl", "answer_start": 18}]}, "the nearest place of the text is 19"),
        (
            {"answers": [{"text": "owl", "answer_start": -1}]},
            f"'owl' is not at `answer_start` -1: the context has characters 0 to {len(CONTEXT) - 1}",
        ),
        ({"answers": [{"text": "owl", "answer_start": 99}]}, "is not at `answer_start` 99: the context has characters"),
        ({"answers": [{"text": "eel", "answer_start": 4}]}, "the context does not hold this text, so correct the text"),
    ],
)
def test_a_problem_says_what_and_where_and_how_to_mend_it(fields: dict[str, Any], message: str) -> None:
    text = report(record(**fields))
    assert text.startswith("owls.json has 1 problem:\n  article 1 (Owls), paragraph 1, question q1")
    assert message in text


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (7, "paragraph 1: `id` is a number (7), not text"),
        (None, "paragraph 1: `id` is missing"),
        ("q#1", "question q#1: the id holds `#`"),
    ],
)
def test_a_bad_id_is_refused(key: Any, message: str) -> None:
    assert message in report(record(key))


def test_duplicate_ids_name_both_places() -> None:
    text = report(record("q1"), record("q2"), record("q1"))
    assert "question q1: the id was used before, at owls.json, article 1 (Owls), paragraph 1, question q1" in text


def test_questions_without_labels_among_labeled_ones_are_refused() -> None:
    text = report(record("q1", answers=None), record("q2"), record("q3", answers=None))
    assert "owls.json has 2 problems:" in text
    assert "question q1: neither `answers` nor `is_impossible` is given" in text
    assert "question q3: neither" in text


def test_all_problems_are_counted_and_the_first_twenty_shown() -> None:
    text = report(*(record(f"q{number}", question="") for number in range(23)))
    lines = text.splitlines()
    assert lines[0] == "owls.json has 23 problems; the first 20:"
    assert len(lines) == 21
    assert "question q19:" in lines[-1]


def test_twenty_problems_are_all_shown() -> None:
    lines = report(*(record(f"q{number}", question="") for number in range(20))).splitlines()
    assert lines[0] == "owls.json has 20 problems:"
    assert len(lines) == 21


def test_nothing_read_is_an_error() -> None:
    assert "holds no question" in report()


def test_equal_contexts_become_one_object() -> None:
    checker = Checker("owls.parquet")
    first = checker.context({"context": "".join(["An ", "owl."])}, "row 1")
    second = checker.context({"context": "".join(["An ", "owl."])}, "row 2")
    assert first == "An owl." and first is second


def test_a_context_with_a_problem_is_told_each_time() -> None:
    checker = Checker("owls.parquet")
    assert checker.context({"context": " "}, "row 1") is None
    assert checker.context({"context": " "}, "row 2") is None
    with pytest.raises(DataError, match="2 problems"):
        checker.finish()


def test_good_data_has_no_warning() -> None:
    checker = check(record("q1"), record("q2", answers=[{"text": "an owlet.", "answer_start": 16}]))
    assert checker.warnings() == []


def test_warnings_are_counted_with_examples() -> None:
    checker = check(
        record("q1", question=" What saw?"),
        *(record(f"w{number}", answers=[{"text": "wl", "answer_start": 9}]) for number in range(5)),
        record("q2", answers=[{"text": "The ", "answer_start": 0}]),
        record("q3", answers=[{"text": "owl", "answer_start": 19}]),
    )
    checker.context({"context": "An owl.\n"}, "row 1")
    assert len(checker.finish()) == 8
    space, parts, answers, nothing, contexts = checker.warnings()
    assert space.startswith(
        "owls.json: questions that begin or end with white space (1), e.g. article 1 (Owls), paragraph 1"
    )
    assert parts.startswith("owls.json: answers that hold only part of a word (6), e.g. ")
    assert "question w0, answer 1 'wl' in 'The old owl saw an owle'" in parts
    assert "w2" in parts and "w3" not in parts
    assert answers.startswith("owls.json: answers that begin or end with white space (1)")
    assert nothing.startswith("owls.json: answers that normalise to nothing (1)")
    assert contexts == "owls.json: contexts that begin or end with white space (1), e.g. row 1"


@pytest.mark.parametrize(
    ("pair", "same"),
    [
        ("ab", True),
        ("a ", False),
        ("9s", True),
        ("a-", False),
        ("e\u0301", True),
        ("の首", False),
        ("a", False),
        ("", False),
    ],
)
def test_same_word(pair: str, same: bool) -> None:
    assert same_word(pair) is same


WORDS = st.lists(st.sampled_from(["a", "An", "THE", "the", "...", "“", "a.n", "é", "—", " ", "\u00a0", "!"]))


@given(st.one_of(st.text(), WORDS.map(" ".join), WORDS.map("".join)))
def test_what_normalizes_to_nothing_agrees_with_the_scorer(text: str) -> None:
    assert normalizes_to_nothing(text) is (normalize_answer(text) == "")


@pytest.mark.parametrize("value", ["x" * 500, ["x" * 500], {"x": "y" * 500}])
def test_long_values_are_cut(value: Any) -> None:
    assert len(quote(value)) < 50 and "…" in quote(value)
