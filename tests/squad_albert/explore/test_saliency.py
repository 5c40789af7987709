"""The section on the loss, of a small run with its model."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tokenizers import Tokenizer

from project_config import Settings
from squad_albert.attribution import METHODS, Attributor
from squad_albert.explore import saliency
from squad_albert.explore.deletion import SHARES
from squad_albert.explore.saliency import loss_analysis
from squad_albert.explore.section import Section
from squad_albert.run_tables import RunTables
from tests.exported import SMALL, model_run, write_exported
from tests.tiny_run import tiny_run
from utils.questions import Question

SETTINGS = Settings(threads=1)

pytest.importorskip("keras_hub", reason="the extra `explore` is not installed")


@pytest.fixture(scope="module")
def albert(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    return write_exported(tmp_path_factory.mktemp("models") / "albert", tokenizer)


@pytest.fixture
def run(albert: Path, questions: list[Question]) -> RunTables:
    """A run in which the model is said to have answered one question right."""
    run = model_run(questions, albert)
    run.questions.loc[run.questions["id"] == "songs-1", "exact"] = 1.0
    return run


@pytest.fixture
def section(run: RunTables) -> Section:
    return loss_analysis(run, SETTINGS)


def test_the_highest_losses_and_a_right_answer_are_explained(run: RunTables, section: Section) -> None:
    kinds = section.table.drop_duplicates("id").set_index("id")["kind"]
    order = run.questions.sort_values("loss", ascending=False)["id"]
    highest = [key for key in order if kinds.get(key) == "highest loss"]
    assert highest == order.head(saliency.HIGHEST).tolist()
    assert kinds[kinds == "answered right"].index.tolist() in ([], ["songs-1"])
    assert set(kinds) <= {"highest loss", "answered right"}


def test_the_right_answer_is_the_one_in_the_middle() -> None:
    run = tiny_run(40, exact=[1.0] * 40, answerable=True, loss=list(range(40)))
    shown = saliency._shown(run.questions)
    assert [row for row, kind in shown.items() if kind == "highest loss"] == [39, 38]
    assert [row for row, kind in shown.items() if kind == "answered right"] == [19]


def test_tokens_and_scores(run: RunTables, section: Section, albert: Path) -> None:
    table, questions = section.table, run.questions.set_index("id")
    for key, tokens in table.groupby("id"):
        assert tokens["position"].tolist() == list(range(len(tokens)))
        assert tokens["token"].iloc[0] == "[CLS]"
        for row in tokens.itertuples():
            if row.segment != "special":
                assert questions.loc[key, row.segment][row.start : row.end] == row.token
        assert tokens["target"].any()
    assert table[list(METHODS)].notna().all(axis=None)
    assert (table.loc[table["segment"] == "special", list(METHODS)] == 0).all(axis=None)
    attributor = Attributor(albert, SMALL)
    key = table["id"].iloc[0]
    expected = attributor.occlusion(saliency._samples(run, [run.row(key)], attributor, SMALL).targets)[0]
    found = table.loc[table["id"] == key, "occlusion"].to_numpy()
    np.testing.assert_allclose(found, expected[: len(found)], atol=1e-4)


def test_targets_are_marked(run: RunTables, section: Section) -> None:
    questions = run.questions.set_index("id")
    for key, tokens in section.table[section.table["target"]].groupby("id"):
        golds = list(questions.loc[key, "golds"])
        if golds and (tokens["segment"] == "context").all():
            text = questions.loc[key, "context"][tokens["start"].min() : tokens["end"].max()]
            assert any(text == gold.strip() for gold in golds)
        else:
            assert tokens["token"].tolist() == ["[CLS]"]


def test_curve_and_parts(run: RunTables, section: Section) -> None:
    curve, parts = section.more["deletion"], section.more["saliency_parts"]
    assert curve["method"].unique().tolist() == ["integrated_gradients", "gradient_input"]
    assert curve.groupby("method")["share"].apply(list).tolist() == [[0, *SHARES]] * 2
    assert (curve["samples"] == len(run.questions)).all()
    assert curve["loss"].iloc[0] == pytest.approx(run.questions["loss"].mean(), abs=1e-4)
    assert set(parts["method"]) == {"gradient_input", "integrated_gradients"}


def test_numbers_in_the_sentences(section: Section) -> None:
    facts = section.facts
    assert facts["completeness_gap"] < 0.01
    assert facts["disagreement"] < 1e-4
    text = "\n".join(section.sentences)
    assert f"{facts['integrated_gradients_difference']:.2f}" in text
    assert f"{facts['gradient_input_random_loss']:.2f}" in text
    assert f"within {100 * facts['completeness_gap']:.1f} %" in text
    assert f"of {facts['integrated_gradients_samples']} samples" in text


def test_the_same_seed_gives_the_same_section(run: RunTables, section: Section) -> None:
    again = loss_analysis(run, SETTINGS)
    for name, table in {"saliency": section.table, **section.more}.items():
        other = {"saliency": again.table, **again.more}[name]
        pd.testing.assert_frame_equal(table, other, atol=1e-4)


def test_fewer_samples_are_drawn_with_the_seed(run: RunTables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(saliency, "CURVE_SAMPLES", 4)
    monkeypatch.setattr(saliency, "HIGHEST", 1)
    losses = set()
    for seed in range(3):
        section = loss_analysis(run, SETTINGS.model_copy(update={"seed": seed}))
        samples = section.more["deletion"].groupby("method")["samples"].max()
        assert samples.to_dict() == {"integrated_gradients": 4, "gradient_input": 4}
        losses.add(round(float(section.more["deletion"]["loss"].iloc[0]), 6))
    assert len(losses) > 1


def test_short_windows_are_taken_of_those_drawn() -> None:
    run = tiny_run(40)
    assert run.windows is not None
    tokens = run.windows.groupby("question")["length"].max()
    rows = saliency._drawn(run, 20, np.random.default_rng(7))
    assert len(set(rows)) == 20
    assert tokens[rows].max() <= tokens.drop(rows).min()
    few = saliency._drawn(run, 5, np.random.default_rng(7))
    assert few != saliency._drawn(run, 5, np.random.default_rng(8))


def test_another_architecture_is_explained_by_occlusion(
    tokenizer: Tokenizer, questions: list[Question], tmp_path: Path
) -> None:
    bert = write_exported(tmp_path / "bert", tokenizer, "bert")
    section = loss_analysis(model_run(questions[:4], bert), SETTINGS)
    assert section.empty is None
    assert section.table["occlusion"].notna().all()
    assert section.table[["gradient_input", "integrated_gradients"]].isna().all(axis=None)
    assert section.more["deletion"]["method"].unique().tolist() == ["occlusion"]
    assert re.search(r"Only occlusion is shown, .*type bert", section.sentences[-1])


def test_without_labels_the_answers_are_explained(albert: Path, questions: list[Question]) -> None:
    run = model_run([replace(question, golds=(), labeled=False) for question in questions], albert)
    section = loss_analysis(run, SETTINGS)
    assert set(section.table["kind"]) == {"least confident"}
    shown = run.questions.round({"confidence": 2})  # last digits decide nothing; of equal ones the first is taken
    least = shown.sort_values("confidence", kind="stable")["id"].head(saliency.HIGHEST)
    assert section.table["id"].unique().tolist() == least.tolist()
    assert np.isfinite(section.more["deletion"]["loss"]).all()


def test_one_question(albert: Path, questions: list[Question]) -> None:
    section = loss_analysis(model_run(questions[:1], albert), SETTINGS)
    assert section.table["id"].unique().tolist() == ["heron-1"]
    assert (section.more["deletion"]["samples"] == 1).all()


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (tiny_run(12, model=False), "made from predictions, without a model"),
        (replace(tiny_run(12), questions=tiny_run(12).questions.head(0)), "has no questions"),
        (tiny_run(12), "model.onnx has changed since the run"),
    ],
)
def test_why_there_is_nothing(run: RunTables, why: str) -> None:
    section = loss_analysis(run, SETTINGS)
    assert section.empty is not None
    assert why in section.empty
    assert section.table.empty
    assert list(section.table.columns) == list(saliency.COLUMNS)
    assert {name: len(table) for name, table in section.more.items()} == {"deletion": 0, "saliency_parts": 0}
