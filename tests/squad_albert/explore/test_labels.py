from __future__ import annotations

import math

from project_config import Settings
from squad_albert.explore.labels import labels
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
