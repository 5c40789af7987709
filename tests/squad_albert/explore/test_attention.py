"""The section on attention, of a small run with its model."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from model.attention import open_attention, read_attention
from project_config import Settings
from squad_albert.explore import attention as module
from squad_albert.explore.attention import COLUMNS, EXAMPLE_COLUMNS, MAIN_COLUMNS, ROLES, attention, role
from squad_albert.explore.attention_measures import SHARES, entropy
from squad_albert.explore.section import Section
from squad_albert.run import evaluate
from squad_albert.run_tables import RunTables, read_run
from tests.squad_albert.data import write_squad
from tests.tiny_model import write_graph
from tests.tiny_run import tiny_run
from utils.questions import Question
from utils.windows import build_windows

SETTINGS = Settings(threads=1)
SIZES = {"max_length": 96, "overlap": 16, "max_question_tokens": 24, "no_answer": "never", "threads": 1}


@pytest.fixture
def run(albert: Path, questions: list[Question], tmp_path: Path) -> RunTables:
    """A run with one question that is said to be answered right, in a window that holds the answer."""
    write_squad(tmp_path / "data" / "validation.json", questions)
    write_squad(tmp_path / "data" / "train.json", [replace(questions[0], id="train-1")])
    write_squad(tmp_path / "data" / "unlabeled.json", [replace(one, id=f"un-{one.id}") for one in questions[:2]], False)
    model = shutil.copytree(albert, tmp_path / "model")
    settings = Settings(data=str(tmp_path / "data"), model=str(model), cache=str(tmp_path / "cache"), **SIZES)
    made = evaluate(settings, "validation,unlabeled", tmp_path / "run", lambda _: None)
    run = read_run(made.folder)
    held = run.questions["window"].map(run.windows["holds_answer"]) & run.questions["labeled"]
    run.questions["exact"] = run.questions["exact"].where(run.questions["exact"].isna(), 0.0)
    run.questions.loc[held.idxmax(), "exact"] = 1.0
    return run


@pytest.fixture
def section(run: RunTables) -> Section:
    return attention(run, SETTINGS)


def test_every_head_has_its_row(section: Section, run: RunTables) -> None:
    table = section.table
    assert list(table.columns) == list(COLUMNS)
    assert list(zip(table["layer"], table["head"], strict=True)) == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert set(table["samples"]) == {len(run.questions)} == {15}
    assert (table["answered"] > 2).all()
    assert table["entropy_normalised"].between(0, 1).all()
    shares = table[[name for name in SHARES if name != "same_token"]]
    assert ((shares >= 0) & (shares <= 1)).all(axis=None)
    assert (table["question_to_answer_low"] < table["question_to_answer"]).all()
    assert (table["question_to_answer"] < table["question_to_answer_high"]).all()


def test_the_figures_are_means_over_the_windows_answered_in(
    section: Section, run: RunTables, questions: list[Question]
) -> None:
    settings = SETTINGS.model_copy(update=run.manifest["settings"])
    model = open_attention(Path(run.manifest["sources"]["model"]), settings)
    windows = build_windows(questions, model.tokenizer, settings, cache=False)
    bits, answers = [], []
    for number in range(len(questions)):
        row = int(run.questions["window"].iloc[number])  # validation comes first, so rows are the same
        weights, _ = read_attention(model, windows, row)
        bits.append(entropy(weights))
        if windows.holds_answer[row]:
            asked = slice(windows.question_start[row], windows.question_end[row])
            gold = slice(windows.start[row], windows.end[row] + 1)
            answers.append(weights[..., asked, gold].sum(axis=-1).mean(axis=-1))
    only = attention(replace(run, questions=run.questions.iloc[: len(questions)]), SETTINGS).table
    np.testing.assert_allclose(only["entropy"], np.mean(bits, axis=0).ravel(), rtol=1e-5)
    np.testing.assert_allclose(only["question_to_answer"], np.mean(answers, axis=0).ravel(), rtol=1e-5)
    assert set(only["answered"]) == {len(answers)}
    more = section.table["answered"].iloc[0] - len(answers)
    assert more == 2  # unlabeled questions count with the answer given


def test_right_and_wrong_answers_are_told_apart(section: Section) -> None:
    table = section.table
    mean = table["question_to_answer_right"].to_numpy()
    assert np.isfinite(mean).all()
    assert (np.abs(mean - table["question_to_answer_wrong"]) > 0).all()
    assert any("where the model gives it" in sentence for sentence in section.sentences)


def test_words_that_answers_attend_to(section: Section, run: RunTables) -> None:
    main = section.more["attention_main_words"]
    assert list(main.columns) == list(MAIN_COLUMNS)
    sums = main.groupby(["layer", "head"])["samples"].sum()
    assert (sums <= section.table["answered"].to_numpy()).all()
    first = main.drop_duplicates(["layer", "head"])
    assert first["word"].tolist() == section.table["main_attended"].tolist()
    assert first["share"].tolist() == section.table["main_attended_share"].tolist()
    asked = " ".join(run.questions["question"]).lower()
    assert all(word in asked for word in main["word"])


def test_the_example_is_the_right_answer(section: Section, run: RunTables) -> None:
    example = section.more["attention_example"]
    assert list(example.columns) == list(EXAMPLE_COLUMNS)
    right = run.questions[run.questions["exact"] == 1].iloc[0]
    assert example["id"].unique().tolist() == [right["id"]]
    one = example[(example["layer"] == 2) & (example["head"] == 1)]
    assert len(one) * 4 == len(example)
    asked = one.drop_duplicates("row")["query"].tolist()
    assert "".join(asked) == right["question"].replace(" ", "")
    assert all(right["context"][row.start : row.end] == row.key for row in one.itertuples())
    assert one.groupby("row")["weight"].sum().between(0.01, 1).all()
    assert one[one["row"] == one["row"].min()]["column"].is_monotonic_increasing
    assert one["in_answer"].any()


def test_facts_and_sentences_tell_the_same(section: Section) -> None:
    facts, table = section.facts, section.table
    best = table.loc[table["question_to_answer"].idxmax()]
    assert (facts["best_layer"], facts["best_head"]) == (best["layer"], best["head"])
    assert facts["question_to_answer"] == best["question_to_answer"]
    assert facts["question_to_answer_layer_2"] == pytest.approx(table["question_to_answer"][2:].mean())
    text = " ".join(section.sentences)
    assert "Read: 15 questions, drawn with the seed, in 2 layers of 2 heads" in text
    assert f"head {best['head']} of layer {best['layer']}: {best['question_to_answer']:.1%}" in text
    assert all(name in text for name in table["role"])
    assert section.empty is None


def test_the_draw_is_the_seed_s(run: RunTables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SAMPLES", 4)
    one, same = (attention(run, SETTINGS).table for _ in range(2))
    pd.testing.assert_frame_equal(one, same)
    assert set(one["samples"]) == {4}
    other = attention(run, SETTINGS.model_copy(update={"seed": 8})).table
    assert not np.allclose(one["entropy"], other["entropy"])


def test_nothing_answered(run: RunTables) -> None:
    unanswerable = run.questions[~run.questions["answerable"] & run.questions["labeled"]]
    section = attention(replace(run, questions=unanswerable.reset_index(drop=True)), SETTINGS)
    assert set(section.table["answered"]) == {0}
    assert section.table["question_to_answer"].isna().all()
    assert set(section.table["main_attended"]) == {""}
    assert section.more["attention_main_words"].empty
    assert section.more["attention_example"].empty
    assert "nothing is said about attention to answers" in " ".join(section.sentences)
    assert not any(isinstance(value, float) and math.isnan(value) for value in section.facts.values())


def test_one_question(run: RunTables) -> None:
    section = attention(replace(run, questions=run.questions.iloc[:1]), SETTINGS)
    assert set(section.table["samples"]) == {1}
    assert section.table["question_to_answer_low"].isna().all()


@pytest.mark.parametrize("kind", ["predictions", "questions", "model", "attention"])
def test_what_is_lacking_is_said(run: RunTables, kind: str, tmp_path: Path, tokenizer: object) -> None:
    if kind == "predictions":
        run, why = tiny_run(6, model=False), "made from predictions, without a model"
    elif kind == "questions":
        run, why = replace(run, questions=run.questions.iloc[:0]), "has no questions"
    elif kind == "model":
        (tmp_path / "model" / "config.json").write_text("{}")
        why = "config.json has changed since the run"
    else:
        write_graph(tmp_path / "model", tokenizer)
        hashes = {name: module_hash(tmp_path / "model" / name) for name in run.manifest["model"]}
        run, why = replace(run, manifest={**run.manifest, "model": hashes}), "has no readable attention"
    section = attention(run, SETTINGS)
    assert section.empty is not None
    assert why in section.empty
    assert section.sentences == []
    for table, columns in (
        (section.table, COLUMNS),
        (section.more["attention_main_words"], MAIN_COLUMNS),
        (section.more["attention_example"], EXAMPLE_COLUMNS),
    ):
        assert list(table.columns) == list(columns)
        assert table.empty


def module_hash(path: Path) -> str:
    from squad_albert.files import sha256

    return sha256(path)


def head(**changes: float) -> pd.Series:
    values = dict.fromkeys(SHARES, 0.01) | {f"{name}_chance": 0.02 for name in SHARES}
    return pd.Series(values | {"entropy_normalised": 0.5} | changes)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "mixed"),
        ({"entropy_normalised": 0.9}, "everything alike"),
        ({"previous": 0.5, "before": 0.7}, "previous token"),
        ({"before": 0.5}, "5 tokens before"),
        ({"special": 0.19}, "mixed"),
        ({"special": 0.5, "special_chance": 0.2}, "mixed"),
        ({"question_to_answer": 0.06}, "question to answer"),
        ({"special": 0.4, "next": 0.3, "itself": 0.25, "question_to_answer": 0.1},
         "question to answer, special tokens, next token"),
        ({"context_to_question": 0.3, "answer_to_question": 0.4}, "context to question"),
        ({"answer_to_question": 0.4, "same_token": math.nan}, "answer to question"),
    ],
)  # fmt: skip
def test_what_a_head_does(changes: dict[str, float], expected: str) -> None:
    assert role(head(**changes)) == expected


def test_roles_are_of_shares() -> None:
    assert set(ROLES) <= set(SHARES)


def test_many_heads_are_counted() -> None:
    table = pd.DataFrame({"layer": 1, "head": range(1, 21), "role": ["mixed"] * 19 + ["next token"]})
    assert module._roles(table) == ["mixed (19 heads)", "next token (1.20)"]
