from __future__ import annotations

import json
import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from project_config import Settings
from squad_albert.explore.section import Section
from squad_albert.explore.store import EXPLORED, Store, identity, read_sections
from squad_albert.run_folder import RunError
from tests.tiny_run import tiny_run, write_run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_run(tiny_run(12), tmp_path / "run")


def opened(folder: Path, **settings: object) -> Store:
    store = Store(folder, identity(folder, Settings.model_validate(settings)))
    store.take_over()
    return store


def section(name: str = "clusters", **more: pd.DataFrame) -> Section:
    table = pd.DataFrame({"id": ["a", "b"], "terms": [["x", "y"], []], "loss": [1.5, math.nan]})
    return Section(name, "Clusters", table, ["Two clusters."], {"mean": 1.5, "count": 2, "kind": "umap"}, dict(more))


def test_what_is_written_is_read(folder: Path) -> None:
    opened(folder).write(section(members=pd.DataFrame({"id": ["a"], "cluster": [0]})))
    found = read_sections(folder)
    assert list(found) == ["clusters"]
    assert found["clusters"].title == "Clusters"
    assert found["clusters"].sentences == ["Two clusters."]
    assert found["clusters"].facts == {"mean": 1.5, "count": 2, "kind": "umap"}
    assert found["clusters"].empty is None
    assert [list(terms) for terms in found["clusters"].table["terms"]] == [["x", "y"], []]
    assert found["clusters"].more["members"]["cluster"].to_list() == [0]
    assert not list(folder.glob(".*"))


def test_a_section_without_rows_keeps_its_columns(folder: Path) -> None:
    table = pd.DataFrame(columns=["id", "cluster"])
    opened(folder).write(Section("clusters", "Clusters", table, [], {}, {}, "Too few questions."))
    found = read_sections(folder)["clusters"]
    assert list(found.table.columns) == ["id", "cluster"]
    assert found.empty == "Too few questions."


def test_facts_of_numpy_are_plain_and_what_is_not_finite_is_null(folder: Path) -> None:
    facts = {"share": np.float32(0.5), "count": np.int64(3), "low": -math.inf, "auc": np.float64("nan")}
    opened(folder).write(Section("clusters", "", pd.DataFrame({"id": ["a"]}), [], facts))
    assert read_sections(folder)["clusters"].facts == {"share": 0.5, "count": 3, "low": None, "auc": None}


def test_sections_that_are_not_made_again_stay(folder: Path) -> None:
    opened(folder).write(section("clusters"))
    opened(folder).write(section("slices"))
    assert set(read_sections(folder)) == {"clusters", "slices"}


def test_a_section_that_is_made_again_replaces_its_tables(folder: Path) -> None:
    opened(folder).write(section(members=pd.DataFrame({"id": ["a"]})))
    opened(folder).write(section())
    assert not (folder / "members.parquet").exists()
    assert read_sections(folder)["clusters"].more == {}


def test_two_that_explore_at_once_lose_nothing_of_each_other(folder: Path) -> None:
    stores = [opened(folder), opened(folder)]
    for number, name in enumerate(("clusters", "slices", "labels", "clusters")):
        stores[number % 2].write(section(name))
    assert set(read_sections(folder)) == {"clusters", "slices", "labels"}


def test_sections_that_are_written_at_the_same_time_are_all_there(folder: Path) -> None:
    names = [f"section_{number}" for number in range(8)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda name: opened(folder).write(section(name)), names))
    assert set(read_sections(folder)) == set(names)


@pytest.mark.parametrize("explored", [True, False])
def test_another_that_explores_with_other_settings_is_noticed(folder: Path, explored: bool) -> None:
    if explored:
        opened(folder).write(section("slices"))
    store = opened(folder)
    opened(folder, seed=8).write(section("labels"))
    with pytest.raises(RunError, match=r"another process explores .* with other settings\. Wait for it"):
        store.write(section("clusters"))
    assert set(read_sections(folder)) == {"labels"}


def test_a_run_that_is_made_anew_meanwhile_is_noticed(folder: Path) -> None:
    store = opened(folder)
    write_run(tiny_run(13), folder)
    with pytest.raises(RunError, match="made anew while it was explored"):
        store.write(section("clusters"))
    assert not (folder / "clusters.parquet").exists()


def test_what_a_killed_process_left_is_removed(folder: Path) -> None:
    (folder / ".slices.parquet.999.part").write_bytes(b"half")
    opened(folder)
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("settings", [{"seed": 8}, {"latent": "cls"}, {"map": "pca"}])
def test_other_settings_remove_what_is_there(folder: Path, settings: dict[str, object]) -> None:
    opened(folder).write(section("clusters"))
    opened(folder, **settings).write(section("slices"))
    assert set(read_sections(folder)) == {"slices"}
    assert not (folder / "clusters.parquet").exists()


def test_a_run_that_is_not_explored_says_how(folder: Path) -> None:
    with pytest.raises(RunError, match=r"is not explored yet\. Explore it: squad-albert explore"):
        read_sections(folder)


def test_analyses_of_another_run_are_noticed(folder: Path) -> None:
    opened(folder).write(section())
    write_run(tiny_run(13), folder)
    with pytest.raises(RunError, match="are of another run"):
        read_sections(folder)


def test_another_version_is_noticed(folder: Path) -> None:
    opened(folder).write(section())
    values = json.loads((folder / EXPLORED).read_text())
    (folder / EXPLORED).write_text(json.dumps({**values, "format": 0}))
    with pytest.raises(RunError, match="another version"):
        read_sections(folder)


@pytest.mark.parametrize("damage", ["delete", "change"])
def test_a_damaged_table_is_named(folder: Path, damage: str) -> None:
    opened(folder).write(section())
    path = folder / "clusters.parquet"
    path.unlink() if damage == "delete" else path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(RunError, match=r"clusters\.parquet is gone or changed.*squad-albert explore"):
        read_sections(folder)


@pytest.mark.parametrize("text", ["{", "[]", '{"sections": 1}'])
def test_a_broken_list_of_analyses_is_named(folder: Path, text: str) -> None:
    (folder / EXPLORED).write_text(text)
    with pytest.raises(RunError, match=rf"{EXPLORED} .*Remove it"):
        read_sections(folder)


def test_a_kill_between_tables_and_list_is_noticed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(folder).write(section())
    again = Section("clusters", "", pd.DataFrame({"id": ["other"]}), [])
    store = opened(folder)
    with monkeypatch.context() as patched:
        patched.setattr("squad_albert.explore.store.write_json", _killed)
        with pytest.raises(KeyboardInterrupt):
            store.write(again)
    with pytest.raises(RunError, match="gone or changed"):
        read_sections(folder)
    opened(folder).write(again)
    assert read_sections(folder)["clusters"].table["id"].to_list() == ["other"]


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
