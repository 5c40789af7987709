from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from project_config import Settings
from squad_albert.explore.label_signals import LEAST_PROBABILITY
from squad_albert.explore.labels import COLUMNS, labels, surprise
from squad_albert.run_folder import RunError
from tests.tiny_run import tiny_run

SHIPS = "The Heron was launched in 1871. The Otter was launched in 1902, after a long quarrel about her name."


def ranked(**columns):
    size = len(next(iter(columns.values())))
    return labels(tiny_run(questions=size, splits=("train",), **columns), Settings())


def span(text, probability, context=SHIPS):
    start = context.index(text)
    return {"text": text, "start": start, "end": start + len(text), "score": 0.0, "probability": probability}


def test_a_label_that_the_model_contradicts_comes_first():
    size = 12
    columns = {
        "question": ["When was the Heron launched?"] * size,
        "context": [SHIPS] * size,
        "golds": [["1902"]] + [["1871"]] * (size - 1),
        "gold_starts": [[SHIPS.index("1902")]] + [[SHIPS.index("1871")]] * (size - 1),
        "labeled": [True] * size,
        "nbest": [[span("1871", 0.9), span("1902", 0.05)]] * size,
        "answer_agreement": [math.nan] * size,
    }
    found = ranked(**columns)
    first, second = found.table.iloc[0], found.table.iloc[1]
    assert first["gold"] == "1902"
    assert first["score"] > second["score"]
    assert list(found.table["rank"]) == list(range(1, size + 1))


def test_every_label_has_a_rank_and_a_reason():
    found = labels(tiny_run(questions=60), Settings())
    assert found.empty is None
    assert found.table["score"].is_monotonic_decreasing
    assert found.table["reason"].str.len().gt(0).all()
    assert found.table["id"].is_unique


def test_a_run_of_given_answers_is_ranked_too():
    found = labels(tiny_run(questions=40, model=False), Settings())
    assert len(found.table)
    assert found.table["score"].is_monotonic_decreasing


def test_without_labels_it_says_why_it_is_empty():
    found = labels(tiny_run(questions=20, splits=("unlabeled",)), Settings())
    assert found.empty


def test_what_a_fold_says_counts_instead():
    run = tiny_run(questions=40, splits=("train",))
    key = run.questions["id"][run.questions["answerable"]].iloc[0]
    row = run.row(key)
    start = run.questions["context"][row].index("The")
    other = {"text": "The", "start": start, "end": start + 3, "score": 9.0, "probability": 0.99}
    nbest = [[other] if number == row else value for number, value in enumerate(run.questions["nbest"])]
    fold = tiny_run(questions=40, splits=("train",), nbest=nbest, no_answer_probability=0.0)
    fold = replace(fold, questions=fold.questions.iloc[[row]])
    before, after = (labels(run, Settings(), folds).table.set_index("id") for folds in ((), (fold,)))
    assert after["model"][key] == pytest.approx(math.log(0.99 / LEAST_PROBABILITY))
    assert after["model"][key] > before["model"][key]
    assert "“The”" in after["reason"][key]
    others = [one for one in after.index if one != key]
    assert (after["model"][others].fillna(0) == before["model"][others].fillna(0)).all()


def test_a_fold_of_other_questions_is_an_error():
    with pytest.raises(RunError, match="answers none of the run's questions"):
        labels(tiny_run(20, splits=("train",)), Settings(), [tiny_run(20, splits=("validation",))])


def test_only_what_stands_out_is_told():
    found = labels(tiny_run(questions=60), Settings()).table
    assert list(found.columns) == COLUMNS
    plain = found[found["reason"] == "nothing stands out"]
    assert 0 < len(plain) < len(found)
    assert plain["score"].max() < found["score"].max()


def test_surprise_is_the_rarity_of_so_much():
    assert surprise(np.array([5.0, 1.0, 1.0, 1.0])).tolist() == [math.log(4), 0, 0, 0]
    assert surprise(np.array([math.nan, math.nan])).tolist() == [0, 0]
    assert surprise(np.array([])).tolist() == []


def test_last_digits_of_logits_decide_nothing():
    before, after = (
        labels(tiny_run(questions=300, sureness=5.0, disturbed=much), Settings()).table for much in (0.0, 1e-5)
    )
    assert before["model"].tolist() != after["model"].tolist()
    assert before["id"].tolist() == after["id"].tolist()
    assert before["score"].tolist() == after["score"].tolist()
    ties = before.groupby("score")["id"].agg(list)
    assert (ties.map(len) > 1).any()
    assert all(ids == sorted(ids) for ids in ties)


def test_of_foreign_answers_nothing_is_said_of_a_model():
    run = tiny_run(questions=60, model=False)
    is_right = run.questions["exact"] == 1
    few_wrong = run.questions[is_right | (is_right.cumsum() < 5)].reset_index(drop=True)
    found = labels(replace(run, questions=few_wrong), Settings())
    told = " ".join([*found.sentences, *found.table["reason"]])
    assert f"The answers given contradict {found.facts['contradicted']} label" in told
    assert "the answer given is " in told
    assert "the model" not in told.lower() and "%" not in told
    right = run.questions[is_right].reset_index(drop=True)
    assert "contradict" not in " ".join(labels(replace(run, questions=right), Settings()).sentences)


def test_a_label_that_nothing_speaks_against_is_not_called_suspicious():
    assert labels(tiny_run(questions=1), Settings()).sentences[0] == "None of 1 label stands out."
