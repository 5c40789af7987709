from __future__ import annotations

import csv
from pathlib import Path

import pytest

from project_config import Settings
from squad_albert.explore.labels import labels
from squad_albert.explore.review import review
from squad_albert.explore.store import Store, identity
from squad_albert.explore.verdicts import FIELDS, READING, Verdict, VerdictError, read_verdicts, save_verdict
from squad_albert.run_folder import RunError
from squad_albert.run_tables import RunTables
from tests.tiny_run import tiny_run, write_run
from utils.files import WriteError


def explored(run: RunTables, folder: Path) -> Path:
    """A run whose labels, and nothing else, were analysed."""
    write_run(run, folder)
    Store(folder, identity(folder, Settings())).write(labels(run, Settings()))
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_most_suspicious_labels_are_written_with_what_helps_to_decide(tmp_path: Path) -> None:
    run = tiny_run(30)
    folder, out = explored(run, tmp_path / "run"), tmp_path / "verdicts.csv"
    assert review(folder, out, 4) == {"file": str(out), "labels": 30, "added": 4}
    table = labels(run, Settings()).table.head(4)
    found = rows(out)
    assert set(found[0]) == {*FIELDS, *READING}
    assert [row["id"] for row in found] == table["id"].tolist()
    assert [row["rank"] for row in found] == ["1", "2", "3", "4"]
    assert [row["reason"] for row in found] == table["reason"].tolist()
    contexts = run.questions.set_index("id")["context"]
    assert all(row["context"] == contexts[row["id"]] for row in found)
    assert read_verdicts(out) == {}


def test_a_longer_list_spares_what_was_decided(tmp_path: Path) -> None:
    folder, out = explored(tiny_run(30), tmp_path / "run"), tmp_path / "verdicts.csv"
    review(folder, out, 2)
    first = rows(out)[0]["id"]
    save_verdict(out, Verdict(first, "keep", note="read twice"))
    assert review(folder, out, 100)["added"] == 28
    assert read_verdicts(out) == {first: Verdict(first, "keep", note="read twice")}


def test_a_run_that_is_not_explored_is_an_error(tmp_path: Path) -> None:
    folder = write_run(tiny_run(12), tmp_path / "run")
    with pytest.raises(RunError, match=f"squad-albert explore {folder}"):
        review(folder, tmp_path / "verdicts.csv", 5)
    with pytest.raises(RunError, match="is no run"):
        review(tmp_path, tmp_path / "verdicts.csv", 5)


def test_without_labels_it_says_why(tmp_path: Path) -> None:
    folder = explored(tiny_run(12, splits=("unlabeled",)), tmp_path / "run")
    with pytest.raises(RunError, match=r"no labels to review: No question of the run is labeled\."):
        review(folder, tmp_path / "verdicts.csv", 5)
    assert not (tmp_path / "verdicts.csv").exists()


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    folder = explored(tiny_run(12), tmp_path / "run")
    with pytest.raises(WriteError, match="cannot be written"):
        review(folder, tmp_path / "no" / "verdicts.csv", 5)
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(VerdictError, match="has no column id"):
        review(folder, tmp_path / "other.csv", 5)
