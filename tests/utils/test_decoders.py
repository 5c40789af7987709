from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from project_config import Settings
from tests.utils.reference import plain_decode, plain_spans
from utils.decoders import (
    DecodingError,
    Spans,
    allows_no_answer,
    best_texts,
    decode,
    decode_questions,
    decode_windows,
    window_answers,
    window_spans,
)
from utils.questions import Gold, Question
from utils.windows import build_windows
from utils.words import whole_words

SHORT = Settings(max_length=64, overlap=16, max_question_tokens=16, max_answer_tokens=8, n_best=5, whole_words=False)


@pytest.fixture
def windows(questions, tokenizer):
    return build_windows(questions, tokenizer, SHORT, cache=False)


def random_logits(seed, shape, kind):
    """Few values, so many ties; or usual ones; or stored as float16; or far apart."""
    generator = np.random.default_rng(seed)
    if kind == "ties":
        return generator.integers(-2, 3, shape).astype(np.float32) * np.float32(0.5)
    if kind == "negative zeros":
        return generator.choice(np.array([-0.0, 0.0, -1.0], np.float32), shape)
    scale, dtype = {"usual": (4, np.float32), "half": (4, np.float16), "far": (3000, np.float32)}[kind]
    return generator.normal(0, scale, shape).astype(dtype)


KINDS = ["ties", "negative zeros", "usual", "half", "far"]


@st.composite
def batches(draw):
    size, length = draw(st.integers(1, 5)), draw(st.integers(2, 70))
    logits = random_logits(draw(st.integers(0, 2**32)), (size, length, 2), draw(st.sampled_from(KINDS)))
    start = np.array(draw(st.lists(st.integers(1, length), min_size=size, max_size=size)), np.int32)
    end = np.array([draw(st.integers(int(first), length)) for first in start], np.int32)
    settings = Settings(max_answer_tokens=draw(st.integers(1, 90)), n_best=draw(st.integers(1, 30)))
    return logits, start, end, settings


def assert_plain(spans, logits, start, end, settings):
    for row in range(len(logits)):
        expected, total = plain_spans(logits[row], start[row], end[row], settings.max_answer_tokens, settings.n_best)
        count = len(expected)
        found = zip(spans.score[row].tolist(), spans.start[row].tolist(), spans.end[row].tolist(), strict=True)
        assert list(found)[:count] == [(float(score), first, last) for score, first, last in expected]
        assert np.all(spans.score[row, count:] == -np.inf)
        assert not spans.start[row, count:].any()
        assert not spans.end[row, count:].any()
        assert spans.log_spans[row] == pytest.approx(total, rel=1e-6, abs=2e-5)
        assert spans.null[row] == np.float32(logits[row, 0, 0]) + np.float32(logits[row, 0, 1])


@given(batches())
def test_spans_equal_the_plain_reference_ties_included(batch):
    logits, start, end, settings = batch
    assert_plain(window_spans(logits, start, end, settings), logits, start, end, settings)


def test_spans_of_more_windows_than_a_chunk_equal_the_reference():
    logits = random_logits(3, (150, 40, 2), "ties")
    start, end = np.full(150, 5, np.int32), np.arange(150, dtype=np.int32) % 35 + 5
    settings = Settings(max_answer_tokens=6, n_best=4)
    assert_plain(window_spans(logits, start, end, settings), logits, start, end, settings)


def test_spans_are_legal_although_others_score_higher():
    logits = np.zeros((1, 10, 2), np.float32)
    logits[0, 2, 0] = logits[0, 9, 1] = 100  # the question's start and the last [SEP]
    logits[0, 7, 0], logits[0, 5, 1] = 9, 9  # end before start
    logits[0, 4, 0], logits[0, 8, 1] = 7, 7  # longer than 3 tokens
    spans = window_spans(logits, np.array([4]), np.array([9]), Settings(max_answer_tokens=3, n_best=3))
    found = list(zip(spans.start[0].tolist(), spans.end[0].tolist(), spans.score[0].tolist(), strict=True))
    assert found == [(4, 5, 16), (7, 8, 16), (5, 5, 9)]


def test_no_windows_give_no_spans():
    none = np.zeros(0, np.int32)
    assert len(window_spans(np.zeros((0, 9, 2), np.float32), none, none, Settings())) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("token", [0, 4])
def test_logits_that_are_not_numbers_are_refused(bad, token):
    logits = np.zeros((1, 9, 2), np.float32)
    logits[0, token, 1] = bad
    with pytest.raises(DecodingError, match="not numbers, or infinite"):
        window_spans(logits, np.array([3]), np.array([8]), Settings())


def test_logits_outside_of_the_context_do_not_matter():
    logits = np.zeros((1, 9, 2), np.float32)
    logits[0, 1], logits[0, 8] = np.nan, np.finfo(np.float32).min
    spans = window_spans(logits, np.array([3]), np.array([8]), Settings())
    assert spans.log_spans[0] == pytest.approx(math.log(15))


def test_masked_context_tokens_are_never_chosen():
    logits = np.full((1, 9, 2), np.finfo(np.float32).min, np.float32)
    logits[0, [0, 4]] = 1
    spans = window_spans(logits, np.array([3]), np.array([8]), Settings(n_best=3))
    assert (spans.start[0, 0], spans.end[0, 0], spans.score[0, 0]) == (4, 4, 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_decoding_equals_the_plain_reference(questions, windows, kind, seed):
    logits = random_logits(seed, (len(windows), 64, 2), kind)
    decoded = decode(logits, windows, questions, SHORT)
    assert max(windows.count) > 1
    for found, (answers, null, null_probability) in zip(
        decoded, plain_decode(logits, windows, questions, SHORT), strict=True
    ):
        assert [(a.start, a.end, a.text, a.score) for a in found.answers] == [answer[:4] for answer in answers]
        assert [a.probability for a in found.answers] == pytest.approx([answer[4] for answer in answers], abs=1e-3)
        assert found.null_score == null
        assert found.null_probability == pytest.approx(null_probability, abs=1e-3)
        assert found.margin == null - answers[0][3]


def test_answers_are_text_of_the_context_from_their_own_tokens(questions, windows):
    decoded = decode(random_logits(0, (len(windows), 64, 2), "usual"), windows, questions, SHORT)
    for number, (question, one) in enumerate(zip(questions, decoded, strict=True)):
        assert one.answers
        for answer in one.answers:
            assert question.context[answer.start : answer.end] == answer.text == answer.text.strip() != ""
            assert windows.question[answer.window] == number
            span = (
                windows.offsets[answer.window, answer.token_start, 0],
                windows.offsets[answer.window, answer.token_end, 1],
            )
            assert span[0] <= answer.start < answer.end <= span[1]


def test_probabilities_of_all_spans_and_the_null_sum_to_one(tokenizer):
    settings = SHORT.model_copy(update={"n_best": 10_000})
    questions = [Question("q", "t", "Who sailed?", "Ada Brook sailed her.", ())]
    windows = build_windows(questions, tokenizer, settings, cache=False)
    (one,) = decode(random_logits(5, (1, 64, 2), "usual"), windows, questions, settings)
    spans = window_spans(random_logits(5, (1, 64, 2), "usual"), windows.context_start, windows.context_end, settings)
    total = np.exp(spans.score - one.log_total).sum() + one.null_probability
    assert total == pytest.approx(1, abs=1e-5)
    assert one.log_total == pytest.approx(spans.log_total[0])


def test_the_null_is_the_lowest_of_the_windows(questions, windows):
    number = next(q for q in range(len(questions)) if windows.first[q + 1] - windows.first[q] > 1)
    rows = range(windows.first[number], windows.first[number + 1])
    logits = np.zeros((len(windows), 64, 2), np.float32)
    logits[rows, 0, 0] = 9 - np.arange(len(rows))
    one = decode(logits, windows, questions, SHORT)[number]
    assert (one.null_score, one.null_window) == (10 - len(rows), rows[-1])


def test_some_questions_decode_as_all_do(questions, windows):
    logits = random_logits(2, (len(windows), 64, 2), "ties")
    decoded = decode(logits, windows, questions, SHORT)
    rows = slice(windows.first[4], windows.first[11])
    spans = window_spans(logits[rows], windows.context_start[rows], windows.context_end[rows], SHORT)
    joined = Spans.concatenate([spans[:3], spans[3:]])
    assert decode_questions(joined, windows, questions, SHORT, range(4, 11)) == decoded[4:11]


def test_a_context_without_tokens_is_answered_with_no_answer():
    class Empty:
        first = np.array([0, 1])
        context_start = context_end = np.array([6])
        offsets = np.zeros((1, 9, 2), np.int32)

    questions = [Question("q", "t", "Who?", " ", (), labeled=False)]
    (one,) = decode(np.ones((1, 9, 2), np.float32), Empty, questions, Settings())
    assert (one.answers, one.null_probability) == ([], 1)
    assert one.best(allow_no_answer=False, threshold=0).text == ""
    assert json.loads(json.dumps(one.margin, allow_nan=False)) > 1e38


def test_white_space_is_no_answer():
    class Spaces:
        first = np.array([0, 1])
        context_start, context_end = np.array([1]), np.array([4])
        offsets = np.array([[[0, 0], [0, 2], [2, 3], [3, 5]]], np.int32)

    logits = np.zeros((1, 4, 2), np.float32)
    logits[0, 1] = 5
    (one,) = decode(logits, Spaces, [Question("q", "t", "?", " \nx  ", ())], Settings())
    assert [(a.text, a.start, a.end, a.score) for a in one.answers] == [("x", 2, 3, 5)]


def test_no_answer_is_given_when_allowed_and_over_the_threshold(questions, windows):
    logits = np.zeros((len(windows), 64, 2), np.float32)
    logits[:, 0, 0] = 2
    one = decode(logits, windows, questions, SHORT)[0]
    assert one.margin == 2
    assert one.best(True, 1.9).text == ""
    assert one.best(True, 1.9).probability == one.null_probability
    assert one.best(True, 2.0) is one.answers[0]
    assert one.best(False, 0.0) is one.answers[0]


ANSWERED = Question("a", "t", "?", "x", (Gold("x", 0),))
UNANSWERABLE = Question("u", "t", "?", "x", ())
UNLABELED = Question("l", "t", "?", "x", (), labeled=False)


@pytest.mark.parametrize(
    ("setting", "asked", "allowed"),
    [
        ("auto", [ANSWERED, UNANSWERABLE], True),
        ("auto", [ANSWERED, UNLABELED], False),
        ("always", [ANSWERED], True),
        ("never", [UNANSWERABLE], False),
    ],
)
def test_no_answer_follows_the_setting_and_the_data(setting, asked, allowed):
    assert allows_no_answer(Settings(no_answer=setting), asked) is allowed


def test_best_texts_are_by_id(questions, windows):
    logits = np.zeros((len(windows), 64, 2), np.float32)
    logits[:, 0] = 9
    decoded = decode(logits, windows, questions, SHORT)
    assert best_texts(decoded, questions, SHORT) == {question.id: "" for question in questions}
    never = SHORT.model_copy(update={"no_answer": "never"})
    assert best_texts(decoded, questions, never) == {
        question.id: one.answers[0].text for question, one in zip(questions, decoded, strict=True)
    }


def test_one_of_several_windows_may_be_left_without_an_answer(questions, windows):
    labeled = [question for question in questions if question.answerable]
    rows = list(range(len(windows)))
    logits = np.zeros((len(windows), 64, 2), np.float32)
    logits[:, 0] = 9
    kept = [row for row in rows if questions[windows.question[row]].answerable]
    decoded = decode_windows(logits[kept], kept, windows, questions, SHORT)
    texts = {
        row: answer.text
        for row, answer in zip(kept, window_answers(decoded, kept, windows, labeled, SHORT), strict=True)
    }
    assert {row for row, text in texts.items() if not text} == {row for row in kept if windows.count[row] > 1}
    never = SHORT.model_copy(update={"no_answer": "never"})
    assert all(answer.text for answer in window_answers(decoded, kept, windows, labeled, never))


def test_a_window_by_itself_decodes_as_a_question_of_one_window(questions, tokenizer):
    settings = SHORT.model_copy(update={"max_length": 256})
    windows = build_windows(questions, tokenizer, settings, cache=False)
    logits = random_logits(1, (len(windows), 256, 2), "usual")
    pooled = decode(logits, windows, questions, settings)
    rows = [row for row in range(len(windows)) if windows.count[row] == 1]
    assert 0 < len(rows) < len(windows)
    alone = decode_windows(logits[rows], rows, windows, questions, settings)
    assert alone == [pooled[windows.question[row]] for row in rows]


@pytest.mark.parametrize("seed", range(3))
def test_answers_of_whole_words_are_the_cut_ones_grown(questions, windows, seed):
    logits = random_logits(seed, (len(windows), 64, 2), "usual")
    cut = decode(logits, windows, questions, SHORT)
    whole = decode(logits, windows, questions, SHORT.model_copy(update={"whole_words": True}))
    grown = 0
    for question, one, other in zip(questions, cut, whole, strict=True):
        assert other.null_probability == one.null_probability
        found = {(answer.start, answer.end): answer for answer in other.answers}
        for answer in one.answers:
            span = whole_words(question.context, answer.start, answer.end)
            if span in found:  # it may lie behind the n-best, where several became one
                assert found[span].score >= answer.score
                grown += span != (answer.start, answer.end)
        assert len(found) == len(other.answers)
        for answer in other.answers:
            assert whole_words(question.context, answer.start, answer.end) == (answer.start, answer.end)
            offsets = windows.offsets[answer.window]
            inside = offsets[answer.token_start : answer.token_end + 1]
            assert answer.start < inside[0, 1] and inside[-1, 0] < answer.end
            first, last = windows.context_start[answer.window], windows.context_end[answer.window]
            assert answer.token_start == first or inside[0, 0] <= answer.start
            assert answer.token_end + 1 == last or inside[-1, 1] >= answer.end
    assert grown
