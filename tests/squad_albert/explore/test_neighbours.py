from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project_config import ROOT, Settings
from squad_albert.explore.neighbours import COLUMNS, neighbours, similar, similar_lines, similar_records
from squad_albert.files import to_json
from squad_albert.run_folder import RunError
from squad_albert.run_tables import RunTables
from tests.tiny_run import tiny_run
from utils.squad import load_data

SETTINGS = Settings()


def asked(rows: list[dict[str, object]]) -> RunTables:
    """A run without a model of these questions; what they do not say is the same for all."""
    same = {"split": "train", "title": "Ships", "context": "A", "golds": ["x"], "labeled": True, "prediction": ""}
    table = [{"id": f"q{number}", **same, **row} for number, row in enumerate(rows)]
    return RunTables(Path("tiny"), {}, pd.DataFrame(table), None, {})


def pairs(run: RunTables) -> list[tuple[str, str, str, str]]:
    table = neighbours(run, SETTINGS).table
    return list(zip(table["id_a"], table["id_b"], table["kind"], table["shared"], strict=True))


def test_similar_samples():
    run = tiny_run(40)
    found = similar(run, "train-6", 7, SETTINGS)
    vectors = run.latent("answer").astype(np.float64)
    cosine = vectors @ vectors[6] / np.linalg.norm(vectors, axis=1) / np.linalg.norm(vectors[6])
    best = [row for row in np.argsort(-cosine) if row != 6][:7]
    assert found["id"].tolist() == run.questions["id"].iloc[best].tolist()
    np.testing.assert_allclose(found["similarity"], cosine[best], atol=1e-6)
    assert list(found) == ["id", "similarity", "split", "title", "question", "prediction", "gold", "exact"]
    assert found["exact"].tolist() == run.questions["exact"].iloc[best].tolist()
    golds = [next(iter(golds), "") for golds in run.questions["golds"].iloc[best]]
    assert found["gold"].tolist() == golds


def test_the_latent_vector_is_a_setting():
    run = tiny_run(40)
    found = similar(run, "train-6", 5, Settings(latent="cls"))
    assert found["id"].tolist() != similar(run, "train-6", 5, SETTINGS)["id"].tolist()


def test_more_neighbours_than_there_are():
    run = tiny_run(5)
    assert sorted(similar(run, "train-0", 20, SETTINGS)["id"]) == sorted(run.questions["id"][1:])
    only = similar(tiny_run(1), "train-0", 20, SETTINGS)
    assert only.empty
    assert similar_lines(tiny_run(1), "train-0", only)[-1].split() == ["id", "similarity", "split", "answer"]


def test_similar_samples_for_people_and_for_json():
    run = tiny_run(12, splits=("train", "unlabeled"))
    found = similar(run, "train-0", 11, SETTINGS)
    lines = similar_lines(run, "train-0", found)
    assert lines[0].startswith("train-0 (train, ")
    assert len(lines) == 3 + 11
    unlabeled = next(line for line in lines if line.startswith("unlabeled-"))
    assert "unlabeled       ?  " in unlabeled
    records = json.loads(to_json(similar_records(found)))
    assert [record["id"] for record in records] == found["id"].tolist()
    assert {record["exact"] for record in records if record["split"] == "unlabeled"} == {None}
    assert {record["gold"] for record in records if record["split"] == "unlabeled"} == {None}


def test_similar_needs_a_known_question_and_a_model():
    with pytest.raises(RunError, match="no question `train-1`"):
        similar(tiny_run(12), "train-1", 3, SETTINGS)
    with pytest.raises(RunError, match="made from predictions, without a model"):
        similar(tiny_run(12, model=False), "train-0", 3, SETTINGS)


def test_near_duplicates_and_every_kind_of_leak():
    asks = "When was the Heron built in Tarn?"
    run = asked(
        [
            {"question": asks},
            {"question": "Who built it?"},
            {"question": f"Exactly {asks.lower()}", "golds": ["y"]},
            {"question": f"And {asks.lower()}", "split": "validation"},
            {"question": "Who built the Heron?", "split": "validation"},
            {"question": "who built  it?", "split": "validation", "context": "B"},
            {"question": "Why?", "split": "test", "context": "C"},
        ]
    )
    assert pairs(run) == [
        ("q0", "q3", "leakage", "question and context"),
        ("q2", "q3", "leakage", "question and context"),
        ("q1", "q5", "leakage", "question"),
        ("q1", "q4", "leakage", "context"),
        ("q0", "q2", "near-duplicate", "question and context"),
    ]
    section = neighbours(run, SETTINGS)
    assert section.facts == {
        "near_duplicate_pairs": 1,
        "near_duplicate_groups": 1,
        "near_duplicates_disagree": 1,
        "leakage_pairs": 4,
        "leaked_context_train_validation": 2,
        "leaked_question_train_validation": 1,
    }
    assert "2 questions of validation have the same context as one of train, e.g. q3, q4." in section.sentences
    assert section.table["same_answer"].tolist() == [True, False, True, True, False]
    assert section.table["similarity"].isna().all()
    assert section.table["text_similarity"].between(0, 1).all()


def test_the_earlier_split_comes_first_whatever_the_order_of_rows():
    run = asked([{"question": "Who built it?", "split": split} for split in ("test", "validation", "train")])
    assert [pair[:2] for pair in pairs(run)] == [("q1", "q0"), ("q2", "q0"), ("q2", "q1")]


def test_unlabeled_questions_say_nothing_about_answers():
    run = asked([{"question": "Who built it?"}, {"question": "Who built it?", "split": "unlabeled", "labeled": False}])
    assert neighbours(run, SETTINGS).table["same_answer"].isna().tolist() == [True]


def test_answers_are_the_same_if_they_share_a_gold_or_are_none():
    asks = [
        {"question": "Who built it?", "golds": golds} for golds in (["Ada", "Ada Brook"], ["the ada"], [], [], ["Tom"])
    ]
    table = neighbours(asked(asks), SETTINGS).table.set_index(["id_a", "id_b"])["same_answer"]
    assert {pair for pair, same in table.items() if same} == {("q0", "q1"), ("q2", "q3")}
    assert len(table) == 10


def test_latent_neighbours_bring_forward_what_text_leaves_out():
    run = tiny_run(60, splits=("train",))
    rows = run.questions
    golds = [["x"]] * 60
    asks = [f"Who was number {row} of the old list of sailors?" for row in range(60)]
    asks[0], asks[59] = "Who was the first captain of the ship?", "Who was the very first captain of the ship?"
    rows = rows.drop(columns="golds").assign(question=asks, context="A", golds=golds, labeled=True)
    vectors = {"answer": run.vectors["answer"].copy()}
    vectors["answer"][59] = 2 * vectors["answer"][0]
    with_model = RunTables(run.folder, run.manifest, rows, run.windows, vectors)
    table = neighbours(with_model, SETTINGS).table
    assert table[["id_a", "id_b"]].to_numpy().tolist() == [["train-0", "train-59"]]
    assert table["similarity"].tolist() == pytest.approx([1.0])
    assert neighbours(RunTables(run.folder, run.manifest, rows, None, {}), SETTINGS).table.empty


def test_neighbours_agree_in_answer_type_as_they_were_made():
    section = neighbours(tiny_run(120), SETTINGS)
    share, chance = (section.facts[f"neighbours_same_answer_type{end}"] for end in ("", "_by_chance"))
    assert 0.9 < share <= 1
    assert 0.15 < chance < 0.3
    assert f"{100 * share:.0f} % have its answer type; {100 * chance:.0f} % would by chance." in section.sentences[-1]


@pytest.mark.parametrize("count", [1, 2])
def test_a_section_with_nothing_to_show_says_why(count):
    section = neighbours(tiny_run(count, splits=("train",)), SETTINGS)
    assert section.empty == "No question is asked twice, and no two splits share a question or a context."
    assert section.table.empty
    assert list(section.table) == list(COLUMNS)
    assert section.sentences[:2] == [
        "Within a split, no question is asked twice in nearly the same words about the same paragraph.",
        "The run has one split only, so nothing is said about leakage.",
    ]


def test_two_splits_that_share_nothing():
    run = asked([{"question": "Who?"}, {"question": "Why?", "split": "test", "context": "B"}])
    assert neighbours(run, SETTINGS).sentences[1] == ("No two of the splits train, test share a question or a context.")


def test_vectors_that_are_not_finite():
    run = tiny_run(10)
    run.vectors["answer"][4, 2] = np.nan
    with pytest.raises(RunError, match="latent vectors `answer` are not finite, the first of question train-4"):
        neighbours(run, SETTINGS)


def test_the_planted_near_duplicates_are_found_and_nothing_else():
    data = load_data(SETTINGS, warnings=[])
    rows = [
        {**{key: getattr(one, key) for key in ("id", "title", "question", "context", "labeled")}, "split": split}
        | {"golds": [gold.text for gold in one.golds]}
        for split, questions in data.items()
        for one in questions
    ]
    table = neighbours(asked(rows), SETTINGS).table
    groups = json.loads((ROOT / "data" / "planted.json").read_text(encoding="utf-8"))["near_duplicates"]
    planted = {frozenset(pair) for group in groups for pair in itertools.combinations(group, 2)}
    found = {frozenset(pair) for pair in zip(table["id_a"], table["id_b"], strict=True)}
    recall, precision = len(found & planted) / len(planted), len(found & planted) / len(found)
    assert min(recall, precision) >= 0.95
