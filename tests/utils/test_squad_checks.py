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
    (question,) = check(record()).finish()
    assert (question.id, question.title, question.question) == ("q1", "Owls", "What saw?")
    assert question.context == CONTEXT
    assert question.golds == (Gold("owl", 8),)
    assert question.answerable and question.labeled


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
        ({"answers": [{"text": "owl", "answer_start": 8.5}]}, "`answer_start` is 8.5, not a whole number"),
        ({"answers": [{"text": "owl", "answer_start": float("inf")}]}, "`answer_start` is inf, not a whole number"),
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
    ("context", "text", "start", "message"),
    [
        ("the Pure Land, then another Pure Land", "Pure Land", 5, "the nearest place of the text is 4"),
        ("the Pure Land, then another Pure Land", "Pure Land", 3, "the nearest place of the text is 4"),
        ("the Pure Land, then another Pure Land", "Pure Land", 27, "the nearest place of the text is 28"),
        ("ananas", "ana", 1, "the nearest place of the text is 0"),
        ("📉📰 opened in 1874.", "1874", 15, "is 13; if UTF-16 units were counted, 15 means 13"),
        ("naïve: 1874. And 1874.", "1874", 8, "is 7; if bytes of UTF-8 were counted, 8 means 7"),
        ("📉" * 9 + " 1874 or rather 1874", "1874", 19, "is 25; if UTF-16 units were counted, 19 means 10"),
        ("An owl flew.", "owl", 10**400, "the nearest place of the text is 3"),
        ("An owl flew.", "owl", -(10**400), "the nearest place of the text is 3"),
    ],
)
def test_the_nearest_place_is_named(context: str, text: str, start: int, message: str) -> None:
    assert message in report(record(answers=[{"text": text, "answer_start": start}]), context=context)


@given(st.text("ab", min_size=1, max_size=12), st.text("ab", min_size=1, max_size=3), st.integers(-3, 15))
def test_no_place_is_nearer_than_the_one_named(context: str, text: str, start: int) -> None:
    places = [place for place in range(len(context)) if context.startswith(text, place)]
    if start in places:
        return
    told = report(record(answers=[{"text": text, "answer_start": start}]), context=context)
    if not places:
        assert "the context does not hold this text" in told
    else:
        named = int(told.rpartition("the nearest place of the text is ")[2].partition(";")[0])
        assert named in places
        assert abs(named - start) == min(abs(place - start) for place in places)


def test_what_can_only_mean_one_thing_is_taken_with_one_note() -> None:
    checker = Checker("owls.json", title="owls")
    title, place = checker.title({"title": None}, "article 1")
    assert (title, place) == ("owls", "article 1")
    assert checker.title({"title": " "}, "article 2") == ("owls", "article 2")
    assert checker.title({"title": "Owls"}, "article 3") == ("Owls", "article 3 (Owls)")
    for number in range(2):
        answers = [{"text": "owl", "answer_start": 8.0, "answer_id": 1, "document_id": 2}]
        checker.question({"id": 5 + number, "question": "What saw?", "answers": answers}, title, CONTEXT, place)
    assert [(question.id, question.golds) for question in checker.finish()] == [
        ("5", (Gold("owl", 8),)),
        ("6", (Gold("owl", 8),)),
    ]
    assert checker.warnings() == [
        "owls.json: taken as it is meant: missing titles, as `owls` (2); ids that are numbers, as text (2); "
        "offsets with a decimal point, as whole numbers (2); not read: 'answer_id', 'document_id'"
    ]


def test_many_keys_that_are_not_read_are_counted() -> None:
    checker = Checker("owls.json")
    assert list(checker.objects([{f"k{number}": 1 for number in range(7)}], "data", "top level"))
    assert checker.warnings() == ["owls.json: taken as it is meant: not read: 'k0', 'k1', 'k2', 'k3', 'k4' and 2 more"]


def test_an_id_that_is_a_number_is_that_of_its_text() -> None:
    assert "question 5: the id was used before" in report(record("5"), record(5))


@pytest.mark.parametrize(
    "fields",
    [
        {"answer": [{"text": "owl", "answer_start": 8}]},
        {"answer": "owl"},
        {"answers": None, "Answers": ["owl"]},
        {"answers": [], "anwsers": ["owl"]},
        {"answers": [], "is_impossible": False, "answer": "owl"},
        {"answers.text": ["owl"], "answers.answer_start": [8]},
        {"answers_text": "owl"},
        {"answer_text": "owl", "answer_start": 8},
        {"gold_answers": ["owl"]},
    ],
)
def test_answers_under_another_name_are_no_unlabeled_question(fields: dict[str, Any]) -> None:
    bare = {"id": "q1", "question": "What saw?", **fields}
    name = next(key for key in fields if key not in ("answers", "is_impossible"))
    told = report(bare)
    assert "has 1 problem" in told
    assert f"`{name}`: did you mean `answers`?" in told


@pytest.mark.parametrize(
    ("fields", "labeled"),
    [
        ({"answer": None, "answer_category": "short"}, False),
        ({"answer": "", "answers": []}, True),
        ({"is_impossible": True, "answer": "none"}, True),
    ],
)
def test_where_no_answer_is_lost_none_is_missed(fields: dict[str, Any], labeled: bool) -> None:
    (question,) = check({"id": "q1", "question": "What saw?", **fields}).finish()
    assert (question.labeled, question.golds) == (labeled, ())


@pytest.mark.parametrize(
    ("bare", "message"),
    [
        ({"qid": "q1", "question": "What saw?", "answers": []}, "`id` is missing; `qid`: did you mean `id`?"),
        ({"id": "q1", "query": "What saw?", "answers": []}, "`question` is missing; `query`: did you mean `question`?"),
        ({"id": "q1", "question": "?", "answers": [{"answer": "owl"}]}, "`answer`: did you mean `text`?"),
        (
            {"id": "q1", "question": "?", "answers": [{"text": "owl", "start": 8}]},
            "`start`: did you mean `answer_start`",
        ),
    ],
)
def test_a_near_miss_of_a_key_is_named(bare: dict[str, Any], message: str) -> None:
    assert message in report(bare)


def test_half_of_a_surrogate_pair_is_taken_nowhere() -> None:
    assert "is not at `answer_start` 8" in report(record(answers=[{"text": "ow\ud800", "answer_start": 8}]))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (7.5, "paragraph 1: `id` is a number (7.5), not text"),
        (True, "paragraph 1: `id` is true or false (True), not text"),
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


@pytest.mark.parametrize("value", ["x" * 500, ["x" * 500], {"x": "y" * 500}, 10**500, [[["x"] * 20] * 20] * 20])
def test_long_values_are_cut(value: Any) -> None:
    assert len(quote(value)) < 50 and "…" in quote(value)


def test_deep_values_are_shown_in_part() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert quote(deep).startswith("[[[")
