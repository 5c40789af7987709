from __future__ import annotations

import json
import logging
from collections import Counter
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import SHARED_SQUAD
from utils.questions import Gold, Question
from utils.squad_metrics import (
    ScoreError,
    evaluate,
    exact_match,
    f1,
    group_scores,
    lenient_answer,
    lenient_match,
    normalize_answer,
    read_answers,
    read_null_odds,
    read_predictions,
)

TEXT = st.text(st.sampled_from("aAbthe “”'.,-—«» \n\u00a0½") | st.characters(codec="utf-8"), max_size=20)
WORDS = st.lists(st.sampled_from(["the", "red", "Owl", "owls", "of", "—", "."]), max_size=6).map(" ".join)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("The Owl", "owl"),
        ("an owl, a hen and the rat.", "owl hen and rat"),
        ("theatre", "theatre"),
        ("twenty-five", "twentyfive"),
        ("“the” owl", "“ ” owl"),
        ("$1,200", "1200"),
        ("the", ""),
        ("a\u00a0b\n c", "b c"),
        ("ÉCOLE", "école"),
    ],
)
def test_official_normalisation(text, normal):
    assert normalize_answer(text) == normal


@given(TEXT)
def test_normal_text_has_neither_capitals_nor_surplus_white_space(text):
    normal = normalize_answer(text)
    assert normal == " ".join(normal.split())
    assert not set(normal) & set("ABCXYZ.,'-")
    assert not {"a", "an", "the"} & set(normal.split())


@pytest.mark.parametrize(
    ("prediction", "golds", "exact", "overlap"),
    [
        ("the owl", ["Owl!"], 1, 1),
        ("red owl", ["owl", "grey owl"], 0, 2 / 3),
        ("red red owl", ["red owl"], 0, 0.8),
        ("hen", ["owl"], 0, 0),
        ("", ["owl"], 0, 0),
        ("owl", [], 0, 0),
        ("", [], 1, 1),
        ("the", [], 1, 1),
        ("", ["the", "."], 1, 1),
        ("owl", ["the", "owl"], 1, 1),
    ],
)
def test_official_exact_match_and_f1(prediction, golds, exact, overlap):
    assert exact_match(prediction, golds) == exact
    assert f1(prediction, golds) == pytest.approx(overlap, abs=1e-12)


@given(WORDS, st.lists(WORDS, max_size=3))
def test_f1_is_the_harmonic_mean_of_word_precision_and_recall(prediction, golds):
    scored = [gold for gold in golds if normalize_answer(gold)] or [""]
    expected = []
    for gold in scored:
        given_words, gold_words = normalize_answer(prediction).split(), normalize_answer(gold).split()
        common = (Counter(given_words) & Counter(gold_words)).total()
        both = len(given_words) + len(gold_words)
        expected.append(2 * common / both if both else 1.0)
    assert f1(prediction, golds) == pytest.approx(max(expected), abs=1e-12)


@given(TEXT, st.lists(TEXT, max_size=3))
def test_measures_are_ordered(prediction, golds):
    exact, overlap, lenient = exact_match(prediction, golds), f1(prediction, golds), lenient_match(prediction, golds)
    assert 0 <= exact <= overlap <= 1
    assert exact <= lenient <= 1
    assert exact_match(prediction, [prediction, *golds]) == (normalize_answer(prediction) != "" or exact)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("“Glass River”", "Glass River", True),
        ("“the” owl", "owl", True),
        ("1939—1945", "1939-1945", True),
        ("„Owl“ …", "«owl»", True),
        ("owl", "owls", False),
        ("£5", "5", False),
    ],
)
def test_lenient_match_ignores_marks_only(one, other, equal):
    assert (lenient_answer(one) == lenient_answer(other)) is equal
    assert lenient_match(one, [other]) == equal


def question(key, *golds, title="t", labeled=True):
    context = " ".join(golds) or "x"
    return Question(key, title, "?", context, tuple(Gold(gold, context.index(gold)) for gold in golds), labeled)


QUESTIONS = [question("a", "owl"), question("b", "red hen", "hen"), question("c"), question("d", title="u")]
PREDICTIONS = {"a": "the owl", "b": "red cock", "c": "", "d": "owl"}


def test_totals_have_the_official_names_and_order():
    assert list(evaluate(PREDICTIONS, QUESTIONS).items()) == [
        ("exact", 50.0),
        ("f1", 62.5),
        ("total", 4),
        ("HasAns_exact", 50.0),
        ("HasAns_f1", 75.0),
        ("HasAns_total", 2),
        ("NoAns_exact", 50.0),
        ("NoAns_f1", 50.0),
        ("NoAns_total", 2),
    ]


def test_a_class_without_questions_is_left_out():
    assert list(evaluate(PREDICTIONS, QUESTIONS[:2]))[-1] == "HasAns_total"
    assert [key for key in evaluate(PREDICTIONS, QUESTIONS[2:]) if key.startswith("Has")] == []


def test_null_odds_over_the_threshold_silence_a_prediction():
    odds = {"a": 0.9, "b": 0.1, "c": 0.2, "d": 0.5}
    official = evaluate(PREDICTIONS, QUESTIONS, odds)
    assert (official["exact"], official["NoAns_exact"]) == (50.0, 50.0)
    strict = evaluate(PREDICTIONS, QUESTIONS, odds, threshold=0.5)
    assert (strict["exact"], strict["HasAns_exact"], strict["NoAns_exact"]) == (25.0, 0.0, 50.0)
    assert evaluate(PREDICTIONS, QUESTIONS, odds, threshold=0.49)["NoAns_exact"] == 100.0


def test_best_thresholds():
    figures = evaluate(PREDICTIONS, QUESTIONS, {"a": 0.1, "b": 0.3, "c": 0.2, "d": 0.5})
    assert (figures["best_exact"], figures["best_exact_thresh"]) == (75.0, 0.1)
    assert (figures["best_f1"], figures["best_f1_thresh"]) == (87.5, 0.3)
    assert list(figures)[-4:] == ["best_exact", "best_exact_thresh", "best_f1", "best_f1_thresh"]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(["", "owl", "red owl"]), st.floats(-5, 5)), min_size=1))
def test_the_best_threshold_reaches_the_best_total(rows):
    questions = [question(str(i), *(["owl"] if has else [])) for i, (has, _, _) in enumerate(rows)]
    predictions = {str(i): text for i, (_, text, _) in enumerate(rows)}
    odds = {str(i): value + i * 1e-6 for i, (_, _, value) in enumerate(rows)}  # no ties
    best = evaluate(predictions, questions, odds)["best_f1"]
    sweep = [evaluate(predictions, questions, odds, threshold)["f1"] for threshold in [-9, *odds.values()]]
    assert best == pytest.approx(max(sweep))


@pytest.mark.parametrize(
    ("predictions", "asked", "odds", "message"),
    [
        ({"a": "owl"}, QUESTIONS[:3], None, "2 questions without prediction: 'b', 'c'"),
        (PREDICTIONS, QUESTIONS, {"a": 0.5, "b": 0, "c": 0}, "1 question without null odds: 'd'"),
        (PREDICTIONS, [], None, "no question to score"),
        ({"l": "owl"}, [question("l", labeled=False)], None, "1 question unlabeled: 'l'"),
    ],
)
def test_what_cannot_be_scored_is_refused(predictions, asked, odds, message):
    with pytest.raises(ScoreError, match=message):
        evaluate(predictions, asked, odds)


def test_groups_come_largest_first():
    groups = group_scores(PREDICTIONS, QUESTIONS, lambda one: one.title)
    assert list(groups.items()) == [
        ("t", {"exact": 200 / 3, "f1": pytest.approx(250 / 3), "total": 3}),
        ("u", {"exact": 0.0, "f1": 0.0, "total": 1}),
    ]
    answerable = group_scores(PREDICTIONS, QUESTIONS, lambda one: "yes" if one.answerable else "no")
    assert {name: scores["exact"] for name, scores in answerable.items()} == {"no": 50.0, "yes": 50.0}


def test_prediction_files_are_read(tmp_path):
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(PREDICTIONS), encoding="utf-8")
    assert read_predictions(path, QUESTIONS) == PREDICTIONS
    path.write_text('{"a": 1, "b": 0.5, "c": -2, "d": 0}', encoding="utf-8")
    assert read_null_odds(path, QUESTIONS) == {"a": 1.0, "b": 0.5, "c": -2.0, "d": 0.0}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"p\.json cannot be read as JSON"),
        (b"\xff", r"p\.json cannot be read as JSON"),
        ("[1]", r"p\.json holds a JSON list, not an object"),
        ({"a": "x", "b": 3, "c": None, "d": ""}, r"2 questions given a value in .*p\.json that is not text: 'b', 'c'"),
        ({"a": "x", "b": "y", "c": ""}, r"1 question without prediction in .*p\.json: 'd'"),
        ({str(number): "" for number in range(30)}, "none of them in the data: .*'18', '19' and 10 more"),
        ({"z" * 400: ""}, "none of them in the data: 'z{100}…'"),
        ('{"a": "x", "b": "y", "a": "z"}', r"p\.json cannot be read as JSON: top level: the key `a` is given twice"),
        ({**PREDICTIONS, "b": "x\ud83d"}, r"1 question given half of a surrogate pair in .*p\.json: 'b'"),
        ('{"a": ' * 100_000, r"p\.json cannot be read as JSON: it is nested too deeply"),
        ('{"a": ' + "1" * 5000 + "}", r"it holds a number of more than 4,300 digits"),
        ('{"a": "x"}\n{"b": "y"}', r"p\.json holds JSON lines, not an object"),
        ('{"version": "v2.0", "data": []}', r"p\.json holds SQuAD data"),
    ],
)
def test_bad_prediction_files_are_refused(tmp_path, text, message):
    path = tmp_path / "p.json"
    path.write_bytes(
        text if isinstance(text, bytes) else (text if isinstance(text, str) else json.dumps(text)).encode()
    )
    with pytest.raises(ScoreError, match=message):
        read_predictions(path, QUESTIONS)


def test_a_missing_prediction_file_is_refused(tmp_path):
    with pytest.raises(ScoreError, match="cannot be read"):
        read_predictions(tmp_path / "none.json", QUESTIONS)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_predictions_are_read_in_any_encoding_and_other_ids_left_out(tmp_path, encoding):
    path = tmp_path / "p.json"
    path.write_text(json.dumps({**PREDICTIONS, "z": 1, "y\ud83d": "é"}, ensure_ascii=True), encoding=encoding)
    warnings: list[str] = []
    assert read_predictions(path, QUESTIONS, warnings=warnings) == PREDICTIONS
    assert warnings == [f"{path}: ids that are not in the data, left out (2), e.g. 'z', 'y\\ud83d'"]


def test_other_ids_are_logged_when_nobody_takes_the_note(tmp_path, caplog):
    path = tmp_path / "o.json"
    path.write_text('{"a": 1, "b": 0.5, "c": -2, "d": 0, "e": 1}')
    with caplog.at_level(logging.WARNING):
        assert len(read_null_odds(path, QUESTIONS)) == 4
    assert "ids that are not in the data, left out (1)" in caplog.text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**400), 10**400) | st.floats() | st.text(st.characters(), max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "data", "z"]), inner, max_size=3),
    max_leaves=6,
)
ENTRIES = st.lists(st.tuples(st.sampled_from(["a", "b", "c", "d", "a\\ud83d", "data"]), JSON | st.text()), max_size=6)


def object_of(entries) -> str:
    return "{" + ", ".join(f'"{key}": {json.dumps(value)}' for key, value in entries) + "}"


@given(
    st.one_of(st.binary(), JSON.map(json.dumps).map(str.encode), ENTRIES.map(object_of).map(str.encode)),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", b'{"a": "x"}\n']),
)
@example(object_of([(key, 10**400) for key in "abcd"]).encode(), b"")
@example(object_of([(key, "x\ud83d") for key in "abcd"]).encode(), b"")
def test_any_file_of_predictions_is_read_or_refused(tmp_path_factory, content, before):
    path = tmp_path_factory.getbasetemp() / "fuzz.json"
    path.write_bytes(before + content)
    for read in (
        read_answers,
        partial(read_predictions, questions=QUESTIONS),
        partial(read_null_odds, questions=QUESTIONS),
    ):
        try:
            read(path)
        except ScoreError as error:
            assert "fuzz.json" in str(error)


def test_a_threshold_that_is_no_number_is_refused():
    odds = dict.fromkeys(PREDICTIONS, 0.5)
    with pytest.raises(ScoreError, match="not a number"):
        evaluate(PREDICTIONS, QUESTIONS, odds, float("nan"))


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e999", "1" + "0" * 400, "true", '"0.5"', "null"])
def test_null_odds_must_be_finite_numbers(tmp_path, value):
    path = tmp_path / "odds.json"
    path.write_text(f'{{"a": 0, "b": {value}, "c": 1, "d": 0}}', encoding="utf-8")
    with pytest.raises(ScoreError, match="not a finite number: 'b'"):
        read_null_odds(path, QUESTIONS)


@pytest.mark.skipif(not SHARED_SQUAD.is_dir(), reason=f"real SQuAD slices are not at {SHARED_SQUAD}")
@pytest.mark.parametrize(("version", "key"), [("v1.1", "v1.1"), ("v2.0", "v2.0"), ("v2.0", "v2.0_with_na_prob")])
def test_figures_are_those_of_the_official_script(version, key):
    data = json.loads((SHARED_SQUAD / f"dev-{version}.json").read_text(encoding="utf-8"))["data"]
    questions = [
        Question(
            qa["id"],
            article["title"],
            qa["question"],
            paragraph["context"],
            tuple(Gold(answer["text"], answer["answer_start"]) for answer in qa["answers"]),
        )
        for article in data
        for paragraph in article["paragraphs"]
        for qa in paragraph["qas"]
    ]
    predictions = read_predictions(SHARED_SQUAD / f"predictions-{version}.json", questions)
    odds = read_null_odds(SHARED_SQUAD / "na-prob-v2.0.json", questions) if key.endswith("prob") else None
    expected = json.loads((SHARED_SQUAD / "expected.json").read_text(encoding="utf-8"))[key]
    figures = evaluate(predictions, questions, odds)
    assert list(figures) == list(expected)
    assert figures == pytest.approx(expected, abs=1e-9, rel=0)
