from __future__ import annotations

import json
from pathlib import Path

import pytest

from squad_albert.score import score, score_lines
from tests.conftest import SHARED_SQUAD
from tests.squad_albert.data import write_squad
from utils.squad_metrics import ScoreError, evaluate

needs_squad = pytest.mark.skipif(not SHARED_SQUAD.is_dir(), reason="../shared/squad is not there")


@needs_squad
@pytest.mark.parametrize(
    ("name", "version", "null_odds"),
    [("v1.1", "v1.1", None), ("v2.0", "v2.0", None), ("v2.0_with_na_prob", "v2.0", "na-prob-v2.0.json")],
)
def test_official_figures_of_real_squad(name, version, null_odds):
    expected = json.loads((SHARED_SQUAD / "expected.json").read_text())[name]
    figures = score(
        SHARED_SQUAD / f"dev-{version}.json",
        SHARED_SQUAD / f"predictions-{version}.json",
        SHARED_SQUAD / null_odds if null_odds else None,
        None,
        lambda _: None,
    )
    assert figures == pytest.approx(expected, abs=1e-9, rel=0)


def test_files_are_read_and_warnings_told(tmp_path: Path, questions):
    data = write_squad(tmp_path / "dev.json", questions)
    predictions = {question.id: question.golds[0].text if question.golds else "x" for question in questions}
    odds = {question.id: float(number) for number, question in enumerate(questions)}
    (tmp_path / "predictions.json").write_text(json.dumps(predictions))
    (tmp_path / "odds.json").write_text(json.dumps(odds))
    heard: list[str] = []
    figures = score(data, tmp_path / "predictions.json", tmp_path / "odds.json", 4.5, heard.extend)
    assert figures == evaluate(predictions, questions, odds, 4.5)
    assert any("white space" in warning for warning in heard)
    with pytest.raises(ScoreError, match=r"predictions\.json"):
        score(data, tmp_path / "no-predictions.json", None, None, heard.extend)


@pytest.mark.parametrize(
    ("threshold", "odds", "message"), [(0.5, False, "Add --null-odds"), (float("nan"), True, "not a")]
)
def test_a_threshold_that_would_be_ignored_is_refused(tmp_path: Path, questions, threshold, odds, message):
    data = write_squad(tmp_path / "dev.json", questions)
    path = tmp_path / "odds.json"
    path.write_text(json.dumps({question.id: 0.5 for question in questions}))
    (tmp_path / "p.json").write_text(json.dumps({question.id: "x" for question in questions}))
    with pytest.raises(ScoreError, match=message):
        score(data, tmp_path / "p.json", path if odds else None, threshold, lambda _: None)


def test_without_a_threshold_the_official_one_counts(tmp_path: Path, questions):
    data = write_squad(tmp_path / "dev.json", questions)
    (tmp_path / "p.json").write_text(json.dumps({question.id: "x" for question in questions} | {"other": "y"}))
    (tmp_path / "odds.json").write_text(json.dumps({question.id: 0.9 for question in questions}))
    heard: list[str] = []
    files = (data, tmp_path / "p.json", tmp_path / "odds.json")
    assert score(*files, None, heard.extend) == score(*files, 1.0, heard.extend)
    assert score(*files, 0.5, heard.extend)["NoAns_exact"] == 100.0
    assert any("ids that are not in the data, left out (1)" in line for line in heard)


def test_lines_name_every_figure():
    assert score_lines({"exact": 74.5, "total": 1534}) == ["exact  74.5000", "total    1,534"]
