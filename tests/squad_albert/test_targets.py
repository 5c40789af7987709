"""The window that is explained, and its target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.runtime import Model
from project_config import Settings
from squad_albert.targets import Targets, choose_targets
from tests.tiny_model import SpanModel
from utils.loss import span_cross_entropy
from utils.questions import Gold, Question

SMALL = Settings(max_length=96, overlap=32, max_question_tokens=24, threads=1, no_answer="always")


@pytest.fixture
def model(torch_albert: tuple[object, SpanModel]) -> Model:
    return Model(torch_albert[0], SMALL)  # type: ignore[arg-type]


def window_losses(model: Model, targets: Targets) -> np.ndarray:
    windows = targets.windows
    places = np.arange(windows.max_length)
    sides = (side[:, None] == places for side in (windows.start, windows.end))
    return span_cross_entropy(model.logits(windows), *sides)


def test_one_window_of_each_question(model: Model, questions: list[Question]) -> None:
    targets, answers = choose_targets(model, questions, SMALL)
    assert len(targets) == len(answers) == len(questions)
    assert targets.windows.question[targets.rows].tolist() == list(range(len(questions)))
    assert len(targets.windows) > len(questions)


def test_a_labeled_question_is_seen_where_its_loss_is(model: Model, questions: list[Question]) -> None:
    targets, _ = choose_targets(model, questions, SMALL)
    windows, losses = targets.windows, window_losses(model, targets)
    np.testing.assert_array_equal(targets.start, windows.start[targets.rows])
    np.testing.assert_array_equal(targets.end, windows.end[targets.rows])
    for number, row in enumerate(targets.rows):
        rows = np.arange(windows.first[number], windows.first[number + 1])
        holding = rows[windows.holds_answer[rows]]
        best = losses[holding].min() if len(holding) else losses[rows].max()
        assert losses[row] == best == targets.loss[number]


def test_several_windows_hold_a_gold(model: Model, questions: list[Question]) -> None:
    [marsh] = [question for question in questions if question.id == "marsh-2"]
    everywhere = tuple(
        Gold("the warden", place)
        for place in range(len(marsh.context))
        if marsh.context.startswith("the warden", place)
    )
    targets, _ = choose_targets(model, [replace(marsh, golds=everywhere)], SMALL)
    holding = targets.windows.holds_answer
    assert holding.sum() > 1
    assert window_losses(model, targets)[targets.rows[0]] == window_losses(model, targets)[holding].min()


def test_without_labels_the_target_is_the_answer(model: Model, questions: list[Question]) -> None:
    unlabeled = [replace(question, golds=(), labeled=False) for question in questions]
    for no_answer in ("never", "always"):
        targets, answers = choose_targets(model, unlabeled, SMALL.model_copy(update={"no_answer": no_answer}))
        assert targets.rows.tolist() == [answer.window for answer in answers]
        assert targets.start.tolist() == [answer.token_start for answer in answers]
        assert targets.end.tolist() == [answer.token_end for answer in answers]
        assert (no_answer == "never") <= (targets.end.min() > 0)


def test_a_named_window(model: Model, questions: list[Question]) -> None:
    [marsh] = [question for question in questions if question.id == "marsh-2"]
    targets, _ = choose_targets(model, [marsh], SMALL, window=1)
    assert targets.rows.tolist() == [1]
    unlabeled, [answer] = choose_targets(model, [replace(marsh, golds=(), labeled=False)], SMALL, window=1)
    assert unlabeled.end[0] == (answer.token_end if answer.window == 1 else 0)


def test_replaceable_tokens_are_those_of_question_and_context(model: Model, questions: list[Question]) -> None:
    targets, _ = choose_targets(model, questions, SMALL)
    windows = targets.windows
    special = [model.tokenizer.token_to_id(name) for name in ("<pad>", "[CLS]", "[SEP]")]
    np.testing.assert_array_equal(targets.replaceable, ~np.isin(targets.input_ids, special))
    np.testing.assert_array_equal(targets[[1, 2]].loss, targets.loss[[1, 2]])
    assert targets[[1, 2]].rows.tolist() == targets.rows[[1, 2]].tolist()
    np.testing.assert_array_equal(targets[[1]].length, windows.length[targets.rows[[1]]])


def test_no_questions(model: Model) -> None:
    targets, answers = choose_targets(model, [], SMALL)
    assert len(targets) == len(answers) == 0
