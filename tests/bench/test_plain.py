from __future__ import annotations

import numpy as np
import pytest

from bench.plain import loop_spans, pipeline_answer
from utils.decoders import decode, window_spans
from utils.questions import Question
from utils.windows import build_windows

from .conftest import SETTINGS


def random_logits(windows, seed):
    return np.random.default_rng(seed).standard_normal((len(windows), windows.max_length, 2), np.float32) * 3


def test_the_loop_finds_spans_that_are_among_ours(questions, tokenizer):
    windows = build_windows(questions, tokenizer, SETTINGS, cache=False)
    logits = random_logits(windows, 2)
    exact = window_spans(logits, windows.context_start, windows.context_end, SETTINGS)
    equal = 0
    for row in range(len(windows)):
        loop = loop_spans(logits[row], row, windows, SETTINGS)
        assert loop
        scores = np.asarray([one["score"] for one in loop])
        assert (scores <= exact.score[row, : len(scores)] + 1e-6).all()  # it looks at fewer spans
        equal += loop[0]["start"] == exact.start[row, 0] and loop[0]["end"] == exact.end[row, 0]
    assert equal > len(windows) / 2


@pytest.mark.parametrize("no_answer", [True, False])
def test_the_pipeline_answers_as_we_do_where_there_is_one_window(questions, tokenizer, no_answer):
    settings = SETTINGS.model_copy(update={"max_length": 384, "whole_words": False})
    windows = build_windows(questions, tokenizer, settings, cache=False)
    logits = random_logits(windows, 3)
    logits[::2, 0] += 9  # the null wins in every other window
    answers = []
    for number, one in enumerate(decode(logits, windows, questions, settings)):
        rows = slice(windows.first[number], windows.first[number + 1])
        if len(logits[rows]) == 1:
            context = questions[number].context
            answers.append(pipeline_answer(logits[rows], number, context, windows, settings, no_answer))
            assert answers[-1] == one.best(no_answer, 0.0).text
    assert len(set(answers)) > 3
    assert ("" in answers) == no_answer


def test_the_pipeline_compares_probabilities_within_windows(tokenizer):
    question = Question("q", "", "Who?", " ".join(f"word{number}" for number in range(60)), (), labeled=False)
    windows = build_windows([question], tokenizer, SETTINGS, cache=False)
    assert len(windows) > 1
    logits = np.zeros((len(windows), windows.max_length, 2), np.float32)
    first, last = int(windows.context_start[0]), int(windows.context_start[-1])
    logits[0, 0] = 8.0  # a window that is sure of nothing but its null
    logits[0, first] = 7.0
    logits[-1, last] = 5.0  # lower, and far above all else in its window
    [ours] = decode(logits, windows, [question], SETTINGS)
    assert (ours.answers[0].window, ours.answers[0].token_start) == (0, first)
    theirs = pipeline_answer(logits, 0, question.context, windows, SETTINGS, no_answer=True)
    begin, stop = windows.offsets[len(windows) - 1, last]
    assert theirs == question.context[begin:stop].strip() != ours.answers[0].text


def test_the_pipeline_adds_up_equal_texts(tokenizer):
    context = " ".join(["Ada", *["far"] * 60, "ada", *["far"] * 10])
    question = Question("q", "", "Who?", context, (), labeled=False)
    windows = build_windows([question], tokenizer, SETTINGS, cache=False)
    assert len(windows) > 2
    logits = np.full((len(windows), windows.max_length, 2), -20.0, np.float32)
    logits[:, 0] = 0.0
    at = {}
    for text in ("Ada", "ada"):
        begin = context.index(text)
        inside = (windows.offsets[..., 1] > begin) & (windows.offsets[..., 0] < begin + 3)
        inside &= windows.offsets[..., 1] > 0
        row = int(np.flatnonzero(inside.any(axis=1))[-1])
        tokens = np.flatnonzero(inside[row])
        logits[row, tokens[0], 0] = logits[row, tokens[-1], 1] = 0.0  # 1/4 each, as much as the null
        at[text] = row
    assert at["Ada"] != at["ada"]
    logits[:, 0] += 0.1  # now the null has more than 1/4 and less than 1/2
    assert pipeline_answer(logits, 0, context, windows, SETTINGS, no_answer=True) == "Ada"
