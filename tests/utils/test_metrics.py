from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from project_config import Settings
from utils import encoders
from utils.decoders import best_texts, decode
from utils.encoders import SplitData
from utils.metrics import HIGHER_IS_BETTER, answer_scores, span_iou, token_scores
from utils.questions import Question
from utils.squad_metrics import question_scores
from utils.windows import build_windows

SETTINGS = Settings(max_length=256, overlap=32, max_question_tokens=32)


@pytest.fixture
def split(questions, tokenizer):
    return SplitData.of(questions, build_windows(questions, tokenizer, SETTINGS, cache=False))


@pytest.fixture
def alone(split):
    return [sample for sample, row in split.row_of.items() if split.windows.count[row] == 1]


def noise(count, seed=0, dtype=np.float16):
    return np.random.default_rng(seed).normal(0, 3, (count, 256, 2)).astype(dtype)


def one_hot(split, samples):
    return tuple(np.stack([side(split, sample) for sample in samples]) for side in (encoders.start, encoders.end))


def perfect(split, samples):
    """Logits of a model that knows each target."""
    return np.stack(one_hot(split, samples), axis=-1).astype(np.float16) * np.float16(40)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("no_answer", ["auto", "never", "always"])
def test_a_sample_scores_as_its_question_does_when_it_has_one_window(split, alone, seed, no_answer):
    settings = SETTINGS.model_copy(update={"no_answer": no_answer})
    logits = noise(len(split.windows), seed)
    if seed % 2:
        logits += perfect(split, split.row_of)
    texts = best_texts(decode(logits, split.windows, split.questions, settings), split.questions, settings)
    exact, overlap = question_scores(texts, split.questions)
    rows = [split.row_of[sample] for sample in alone]
    scores = answer_scores(logits[rows], split, alone, settings)
    assert 5 < len(alone) < len(split.windows)
    assert scores["exact_match"].tolist() == [exact[sample] for sample in alone]
    assert scores["f1"].tolist() == pytest.approx([overlap[sample] for sample in alone])


def test_a_model_that_knows_the_targets_is_perfect(split):
    samples = list(split.row_of)
    logits = perfect(split, samples)
    scores = answer_scores(logits, split, np.array(samples), SETTINGS) | token_scores(logits, *one_hot(split, samples))
    assert set(scores) == set(HIGHER_IS_BETTER)
    for name, values in scores.items():
        assert (values.shape, values.dtype) == ((len(samples),), np.float32), name
    known = [i for i, sample in enumerate(samples) if sample not in broken(split)]
    for name in ("exact_match", "f1", "lenient_match", "start_accuracy", "end_accuracy", "span_iou"):
        assert np.all(scores[name][known] == 1), name
    assert scores["gold_probability"] == pytest.approx(1)
    assert scores["no_answer_margin"].min() > 39
    assert scores["start_cross_entropy"] == pytest.approx(0, abs=1e-6)
    assert scores["confidence"].min() < 1e-6
    assert scores["confidence"].max() == pytest.approx(1)


def broken(split):
    """Ids of questions with a gold whose tokens do not give back its text."""
    return {split.questions[number].id for number in split.windows.unrecoverable[:, 0]}


def test_windows_without_the_answer_are_right_to_say_nothing(split):
    samples = [sample for sample, row in split.row_of.items() if split.windows.count[row] > 1]
    holds = split.windows.holds_answer[[split.row_of[sample] for sample in samples]]
    logits = np.zeros((len(samples), 256, 2), np.float16)
    logits[:, 0] = 9
    scores = answer_scores(logits, split, samples, SETTINGS)
    assert 0 < holds.sum() < len(holds)
    assert scores["exact_match"].tolist() == (~holds).astype(float).tolist()
    assert scores["span_iou"].tolist() == (~holds).astype(float).tolist()
    assert np.array_equal(scores["no_answer_margin"] > 0, ~holds)
    assert np.array_equal(scores["gold_probability"] > 0.5, ~holds)


def test_any_gold_counts(split):
    row = split.row_of["heron-1"]
    (_, first, last), *_, (_, year, _) = split.windows.whole_golds(row).tolist()
    logits = np.zeros((1, 256, 2), np.float32)
    logits[0, year, 0] = logits[0, last, 1] = 20
    scores = answer_scores(logits, split, ["heron-1"], SETTINGS)
    assert first < year
    assert (scores["exact_match"], scores["span_iou"]) == (1, 1)
    assert scores["gold_probability"] == pytest.approx(1)


def test_a_gold_that_is_too_long_to_be_given_has_no_probability(split):
    settings = SETTINGS.model_copy(update={"max_answer_tokens": 1})
    scores = answer_scores(perfect(split, ["heron-4"]), split, ["heron-4"], settings)
    assert scores["gold_probability"] == 0


def test_quotation_marks_cost_the_exact_match_only(split):
    row = split.row_of["songs-3"]
    start, end = split.windows.start[row], split.windows.end[row]
    logits = np.zeros((1, 256, 2), np.float32)
    logits[0, start - 1, 0] = logits[0, end + 1, 1] = 20
    scores = answer_scores(logits, split, ["songs-3"], SETTINGS)
    assert (scores["exact_match"], scores["lenient_match"]) == (0, 1)


def test_one_id_may_come_as_a_scalar(split):
    logits = noise(1)
    alone = answer_scores(logits, split, np.array("heron-2"), SETTINGS)
    assert alone == answer_scores(logits, split, ["heron-2"], SETTINGS)


def test_float16_changes_little(split, alone):
    rough, exact = (
        answer_scores(noise(len(alone), 3, dtype), split, alone, SETTINGS) for dtype in (np.float16, np.float32)
    )
    for name, values in exact.items():
        assert rough[name] == pytest.approx(values, abs=0.02), name


def test_unlabeled_questions_have_confidence_only(tokenizer):
    questions = [Question("q", "t", "Who sailed?", "Ada Brook sailed.", (), labeled=False)]
    split = SplitData.of(questions, build_windows(questions, tokenizer, SETTINGS, cache=False))
    scores = answer_scores(noise(1), split, ["q"], SETTINGS)
    assert [name for name, values in scores.items() if not math.isnan(values[0])] == ["confidence"]


SPAN = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: (min(pair), max(pair)))


@given(SPAN, SPAN)
def test_span_iou_is_that_of_the_sets_of_tokens(one, other):
    tokens, others = (set(range(first, last + 1)) for first, last in (one, other))
    assert span_iou(one, other) == pytest.approx(len(tokens & others) / len(tokens | others))


def test_token_scores_are_of_each_side():
    logits = np.zeros((2, 4, 2), np.float16)
    logits[0, 1, 0], logits[1, 2, 1] = 5, 5
    scores = token_scores(logits, np.eye(4)[[1, 1]], np.eye(4)[[3, 2]])
    assert scores["start_accuracy"].tolist() == [1, 0]
    assert scores["end_accuracy"].tolist() == [0, 1]
    assert scores["start_cross_entropy"] == pytest.approx([math.log(3 + math.exp(5)) - 5, math.log(4)])
    assert scores["end_cross_entropy"] == pytest.approx([math.log(4), math.log(3 + math.exp(5)) - 5])
