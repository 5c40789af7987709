from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyarrow import parquet

from squad_albert.compare import CompareError, compare, comparison_lines
from squad_albert.files import to_json
from squad_albert.run_folder import RunError
from squad_albert.run_tables import RunTables
from tests.squad_albert.data import write_squad
from tests.tiny_run import tiny_run, write_run
from utils.files import WriteError
from utils.questions import Question
from utils.squad_metrics import ScoreError, evaluate


def better(run: RunTables, fixed: int, broke: int) -> dict[str, Any]:
    """Predictions that are right for the first of the wrong ones, and wrong for the first of the right ones."""
    rows = run.questions
    predictions = rows["prediction"].copy()
    for row in rows.index[rows["exact"] == 0][:fixed]:
        predictions[row] = next(iter(rows["golds"][row]), "")
    for row in rows.index[(rows["exact"] == 1) & (rows["prediction"] != "")][:broke]:
        predictions[row] = ""
    return {"prediction": predictions}


def write_predictions(path: Path, predictions: Mapping[str, str]) -> Path:
    path.write_text(json.dumps(predictions))
    return path


def compared(a: Path, b: Path, **options: Any) -> dict[str, Any]:
    warnings: list[str] = []
    result = compare(a, b, seed=7, warn=warnings.extend, **options)
    assert json.loads(to_json(result)) == result
    return result


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two runs over the same questions, the second with 12 fixed and 5 broken; the first was explored."""
    folder = tmp_path_factory.mktemp("runs")
    first = tiny_run(150)
    a = write_run(first, folder / "a")
    members = pd.DataFrame({"id": first.questions["id"], "cluster": [row % 3 - 1 for row in range(150)]})
    members.to_parquet(a / "cluster_members.parquet")
    return a, write_run(tiny_run(150, **better(first, 12, 5)), folder / "b")


def test_what_changed_between_two_runs(runs):
    result = compared(*runs)
    assert (result["questions"], result["scored"], result["answers_changed"]) == (150, 150, 17)
    assert (len(result["fixed"]), len(result["broke"])) == (12, 5)
    assert result["left_out"] == {"a": 0, "b": 0, "other": 0}
    rows = tiny_run(150).questions
    assert result["exact"]["a"] == pytest.approx(100 * rows["exact"].mean())
    assert result["f1"]["a"] == pytest.approx(100 * rows["f1"].mean())
    assert result["exact"]["difference"] == pytest.approx(100 * 7 / 150)
    assert result["exact"]["low"] < result["exact"]["difference"] < result["exact"]["high"]
    assert result["p"] == pytest.approx(0.1435, abs=1e-4)
    one = result["fixed"][0]
    row = rows.set_index("id").loc[one["id"]]
    assert one == {
        **{"id": one["id"], "title": row["title"], "question": row["question"], "a": row["prediction"]},
        **{"b": next(iter(row["golds"]), ""), "golds": list(row["golds"])},
    }


def test_a_run_against_itself(runs):
    result = compared(runs[0], runs[0])
    assert result["exact"]["low"] == result["exact"]["high"] == result["exact"]["difference"] == 0
    assert result["p"] == 1
    assert not result["fixed"]
    assert not any("by title" in line or "fixed, " in line[:7] for line in comparison_lines(result))


def test_slices_add_up(runs):
    slices = pd.DataFrame(compared(*runs)["slices"])
    assert slices["slice"].unique().tolist() == ["split", "question_type", "answer_type", "title", "cluster"]
    for _, part in slices.groupby("slice"):
        assert part[["questions", "fixed", "broke"]].sum().tolist() == [150, 12, 5]
        net = (part["fixed"] - part["broke"]).abs().tolist()
        assert net == sorted(net, reverse=True)
        gain = ((part["exact_b"] - part["exact_a"]) * part["questions"]).sum() / 100
        assert gain == pytest.approx(7)
    assert sorted(slices["value"][slices["slice"] == "cluster"]) == ["0", "1", "none"]
    assert (slices["p_adjusted"] >= slices["p"]).all()


def test_tables_are_written(runs, tmp_path):
    result = compared(*runs, out=tmp_path / "new" / "folder")
    table, slices = (parquet.read_table(path).to_pandas() for path in result["tables"])
    assert table["change"].value_counts()[["fixed", "broke"]].tolist() == [12, 5]
    assert set(table["change"]) == {"fixed", "broke", "right", "wrong"}
    assert {"id", "cluster", "prediction_a", "prediction_b", "exact_a", "exact_b", "f1_a", "f1_b"} <= set(table)
    assert len(slices) == len(result["slices"])
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "comparison.parquet",
        "comparison_slices.parquet",
    ]


def test_tables_that_cannot_be_written(runs, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="file cannot be made"):
        compared(*runs, out=tmp_path / "file")
    (tmp_path / "comparison.parquet").mkdir()
    with pytest.raises(WriteError, match=r"comparison\.parquet cannot be written"):
        compared(*runs, out=tmp_path)


def test_for_people(runs):
    result = compared(*runs)
    lines = comparison_lines(result)
    text = "\n".join(lines)
    assert "150 questions are answered by both, 17 differently." in text
    assert "12 fixed, 5 broke (McNemar p = 0.14)." in text
    score = next(line.split() for line in lines if line.startswith("EM"))
    assert score[1:4] == [f"{result['exact']['a']:.2f}", f"{result['exact']['b']:.2f}", "+4.67"]
    assert "by cluster of A" in text
    assert "fixed, 5 of 12:" in text
    assert "broke, 5 of 5:" in text
    assert "-> (no answer) (gold: " in text


def test_few_titles_are_not_drawn_from(runs, tmp_path):
    result = compared(*runs)
    assert result["drawn"]["unit"] == "paragraph"
    assert result["notes"] == [
        "4 titles are too few to draw from: the intervals are for other paragraphs of the same, not for other titles."
    ]
    titles = [f"Title {row % 25}" for row in range(150)]
    a = write_run(tiny_run(150, title=titles), tmp_path / "a")
    b = write_run(tiny_run(150, title=titles, **better(tiny_run(150), 12, 5)), tmp_path / "b")
    many = compared(a, b)
    assert many["drawn"] == {"unit": "title", "units": 25, "draws": 5000, "seed": 7}
    assert many["notes"] == []
    one = write_run(tiny_run(12, title="One", context="A"), tmp_path / "one")
    few = compared(one, one)
    assert (few["drawn"]["unit"], few["drawn"]["units"]) == ("question", 12)
    assert few["notes"][0].startswith("1 title is too few")


def test_runs_over_other_questions(runs, tmp_path):
    rows = tiny_run(150).questions
    ids = [key if row < 100 else f"new-{row}" for row, key in enumerate(rows["id"])]
    other = write_run(tiny_run(150, id=ids), tmp_path / "other")
    result = compared(runs[0], other)
    assert result["questions"] == 100
    assert result["left_out"] == {"a": 50, "b": 50, "other": 0}
    assert "left out: 50 that only A answers, 50 that only B answers." in comparison_lines(result)[2]
    nothing = write_run(tiny_run(9, id=[f"new-{row}" for row in range(9)]), tmp_path / "nothing")
    with pytest.raises(CompareError, match=r"no question of .*nothing is answered by both: .*train-0.*new-0"):
        compared(runs[0], nothing)


def test_the_same_ids_with_other_questions_or_contexts(runs, tmp_path):
    rows = tiny_run(150).questions
    questions = [f"{text}?" if row < 10 else text for row, text in enumerate(rows["question"])]
    contexts = [f"{text} Indeed." if 5 <= row < 20 else text for row, text in enumerate(rows["context"])]
    other = write_run(tiny_run(150, question=questions, context=contexts), tmp_path / "other")
    result = compared(runs[0], other)
    assert (result["questions"], result["left_out"]["other"]) == (130, 20)
    assert "left out: 20 of the same id that ask something else." in comparison_lines(result)[2]
    all_other = write_run(tiny_run(150, context="B"), tmp_path / "all")
    with pytest.raises(CompareError, match="all 150 questions whose ids are in both ask something else"):
        compared(runs[0], all_other)


def test_changed_golds_are_told_and_both_are_scored_by_the_newer(runs, tmp_path):
    run = tiny_run(150, **better(tiny_run(150), 12, 5))
    rows = run.questions
    relabeled = next(row for row in rows.index if rows["exact"][row] == 1 and rows["prediction"][row])
    golds = [["never said"] if row == relabeled else list(golds) for row, golds in enumerate(rows["golds"])]
    b = write_run(tiny_run(150, golds=golds, prediction=rows["prediction"]), tmp_path / "b")
    before, after = compared(*runs), compared(runs[0], b)
    assert after["exact"]["a"] == pytest.approx(before["exact"]["a"] - 100 / 150)
    assert after["notes"][0] == (
        f"1 question has other golds in {runs[0]}, e.g. {rows['id'][relabeled]}; both are scored by those of {b}."
    )


def test_two_files_of_predictions(questions: list[Question], tmp_path):
    data = write_squad(tmp_path / "dev.json", questions)
    right = {one.id: one.golds[0].text if one.golds else "" for one in questions}
    wrong = {**right, "heron-1": "Tarn", "songs-4": "Night", "marsh-1": ""}
    a, b = write_predictions(tmp_path / "a.json", wrong), write_predictions(tmp_path / "b.json", right)
    result = compared(a, b, data=data)
    assert [one["id"] for one in result["fixed"]] == ["heron-1", "songs-4", "marsh-1"]
    official = evaluate(wrong, questions)
    assert (result["exact"]["a"], result["f1"]["a"]) == pytest.approx((official["exact"], official["f1"]))
    assert {row["slice"] for row in result["slices"]} == {"question_type", "answer_type", "title"}
    none = next(row for row in result["slices"] if (row["slice"], row["value"]) == ("answer_type", "none"))
    assert (none["questions"], none["fixed"]) == (2, 1)


def test_files_of_other_questions(questions: list[Question], tmp_path):
    data = write_squad(tmp_path / "dev.json", questions)
    a = write_predictions(tmp_path / "a.json", {"heron-1": "Tarn", "heron-2": "1,200"})
    b = write_predictions(tmp_path / "b.json", {"heron-2": "1,200", "owl": "x"})
    result = compared(a, b, data=data)
    assert (result["questions"], result["left_out"]) == (1, {"a": 1, "b": 1, "other": 0})
    with pytest.raises(CompareError, match=r"Name the data with --data FILE"):
        compared(a, b)


def test_a_run_and_a_file(runs, tmp_path):
    rows = tiny_run(150).questions
    predictions = write_predictions(tmp_path / "b.json", dict.fromkeys(rows["id"], ""))
    result = compared(runs[0], predictions)
    assert result["golds"] == str(runs[0])
    assert result["exact"]["b"] == pytest.approx(100 * (rows["golds"].map(len) == 0).mean())
    assert compared(predictions, runs[0])["exact"]["difference"] == pytest.approx(-result["exact"]["difference"])


def test_predictions_in_utf_16_are_read(runs, tmp_path):
    rows = tiny_run(150).questions
    path = tmp_path / "b.json"
    path.write_text(json.dumps(dict.fromkeys(rows["id"], "Tarn")), encoding="utf-16")
    assert compared(runs[0], path)["questions"] == 150


def test_unlabeled_questions_are_compared_but_not_scored(tmp_path):
    run = tiny_run(20, splits=("unlabeled",))
    a = write_run(run, tmp_path / "a")
    b = write_run(tiny_run(20, splits=("unlabeled",), prediction="no"), tmp_path / "b")
    result = compared(a, b)
    assert (result["scored"], result["exact"], result["p"], result["fixed"]) == (0, None, None, [])
    assert result["answers_changed"] == 20
    assert comparison_lines(result)[-1] == "None of them has golds, so nothing is scored."
    mixed = write_run(tiny_run(20, splits=("train", "unlabeled")), tmp_path / "mixed")
    assert compared(mixed, mixed)["scored"] == 10


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "holds a JSON list, not an object"),
        ('{"q": 1}', "1 question given a value in .* that is not text: 'q'"),
        ('{"q": "a", "q": "b"}', "top level: the key `q` is given twice"),
        ('{"q": "\\ud83d"}', "1 question given half of a surrogate pair in .*: 'q'"),
    ],
)
def test_bad_predictions(content, match, runs, tmp_path):
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(ScoreError, match=match):
        compared(runs[0], tmp_path / "bad.json")


def test_what_is_not_there(runs, tmp_path):
    with pytest.raises(ScoreError, match=r"cannot be read: No such file"):
        compared(runs[0], tmp_path / "nothing.json")
    with pytest.raises(RunError, match="is no run"):
        compared(runs[0], tmp_path)


def test_a_damaged_table_of_clusters(tmp_path):
    run = write_run(tiny_run(20), tmp_path / "run")
    (run / "cluster_members.parquet").write_text("owls")
    with pytest.raises(CompareError, match="Write it anew: squad-albert explore"):
        compared(run, run)


def test_long_answers_are_cut_for_people(runs, tmp_path):
    rows = tiny_run(150).questions
    long = {
        key: " ".join([text, *["and so on"] * 30]).strip()
        for key, text in zip(rows["id"], rows["prediction"], strict=True)
    }
    result = compared(runs[0], write_predictions(tmp_path / "long.json", long))
    assert result["broke"]
    assert max(map(len, comparison_lines(result))) < 300
    assert any("…" in line for line in comparison_lines(result))
