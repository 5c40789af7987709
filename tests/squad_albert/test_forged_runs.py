"""A run folder from elsewhere, with anything in its manifest and list of analyses: it is read, or refused in words."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from project_config import ProjectError, Settings
from squad_albert.explore.section import Section
from squad_albert.explore.store import EXPLORED, Store, identity, read_sections
from squad_albert.files import sha256
from squad_albert.run_folder import MANIFEST, RunError, RunFolder
from squad_albert.run_model import run_questions, run_settings
from squad_albert.run_tables import RunTables, read_run
from tests.tiny_run import tiny_run, write_run

VICTIM = "victim.parquet"
"""Lies beside the run's folder."""


@dataclass(frozen=True)
class Explored:
    """An explored run, which can be put back as it was."""

    folder: Path
    files: dict[str, bytes]

    def restore(self) -> None:
        for path in self.folder.iterdir():
            if path.name not in self.files:
                path.unlink()
        for name, content in self.files.items():
            if not (self.folder / name).is_file() or (self.folder / name).read_bytes() != content:
                (self.folder / name).write_bytes(content)

    def values(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.files[name])
        return found


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Explored:
    parent = tmp_path_factory.mktemp("runs")
    (parent / VICTIM).write_bytes(b"mine")
    folder = write_run(tiny_run(12), parent / "run")
    store = Store(folder, identity(folder, Settings()))
    store.take_over()
    table = pd.DataFrame({"id": ["train-0"]})
    store.write(Section("clusters", "Clusters", table, ["One."], {"mean": 0.5}, {"cluster_members": table}))
    store.write(Section("slices", "Slices", table, []))
    return Explored(folder, {path.name: path.read_bytes() for path in folder.iterdir()})


def write(explored: Explored, name: str, values: Any) -> None:
    (explored.folder / name).write_text(json.dumps(values), encoding="utf-8")


def read_all(folder: Path) -> None:
    """Everything that takes a run or its analyses from a folder."""
    readers: list[Callable[[], object]] = [
        lambda: _use(read_run(folder)),
        lambda: read_sections(folder),
        lambda: Store(folder, identity(folder, Settings())).take_over(),
        lambda: Store(folder, identity(folder, Settings(seed=8))).take_over(),
        lambda: RunFolder(folder, tiny_run(12).manifest, {}).__enter__().__exit__(),
    ]
    for reader in readers:
        try:
            reader()
        except ProjectError as error:
            str(error).encode()  # as it is printed


def _use(run: RunTables) -> None:
    run_questions(run, [0])
    run_settings(run, Settings())


def check_untouched(explored: Explored) -> None:
    outside = explored.folder.parent
    assert {path.name for path in outside.iterdir()} == {VICTIM, explored.folder.name}
    assert (outside / VICTIM).read_bytes() == b"mine"
    for name in ("questions.parquet", "windows.parquet"):
        assert (explored.folder / name).read_bytes() == explored.files[name]


NAMES = ["../victim", f"../{VICTIM}", "/etc/passwd", "a/b", "", ".", "\0", "\ud800", "questions", "windows", "x" * 300]
KEYS = st.sampled_from(NAMES) | st.text(max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside of one."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*way, key)
        yield from places(one, (*way, key))


def forge(data: st.DataObject, values: dict[str, Any]) -> dict[str, Any]:
    """The values with some replaced, removed, or called otherwise."""
    values = copy.deepcopy(values)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(list(places(values)) or [("splits",)]))
        parent: Any = values
        for key in way:
            parent = parent[key]
        kind = data.draw(st.sampled_from(["replace", "remove", "rename"]))
        if kind == "replace":
            parent[last] = data.draw(VALUES)
        elif kind == "rename" and isinstance(parent, dict):
            parent[data.draw(KEYS)] = parent.pop(last, None)
        elif last in parent or isinstance(parent, list):
            del parent[last]
    return values


@pytest.mark.parametrize("name", [MANIFEST, EXPLORED])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_values_are_read_or_refused(explored: Explored, name: str, data: st.DataObject) -> None:
    explored.restore()
    write(explored, name, forge(data, explored.values(name)))
    read_all(explored.folder)
    check_untouched(explored)


@pytest.mark.parametrize("name", [MANIFEST, EXPLORED])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=40) | VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_read_or_refused(explored: Explored, name: str, content: bytes) -> None:
    explored.restore()
    (explored.folder / name).write_bytes(content)
    read_all(explored.folder)
    check_untouched(explored)


@pytest.mark.parametrize("table", ["../victim", "questions", "windows", "a.b", "", "clusters\n"])
@pytest.mark.parametrize("seed", [7, 8])
def test_no_table_of_another_name_is_removed(explored: Explored, table: str, seed: int) -> None:
    explored.restore()
    values = explored.values(EXPLORED)
    values["sections"]["clusters"]["tables"][table] = "0" * 64
    write(explored, EXPLORED, values)
    store = Store(explored.folder, identity(explored.folder, Settings(seed=seed)))
    with pytest.raises(RunError, match=rf"{EXPLORED} is not as squad-albert writes it: .*Remove it"):
        store.take_over()
    check_untouched(explored)
    assert (explored.folder / "clusters.parquet").exists()


def test_an_absolute_name_is_refused(explored: Explored) -> None:
    explored.restore()
    values = explored.values(EXPLORED)
    values["sections"]["clusters"]["tables"][str(explored.folder.parent / "victim")] = "0" * 64
    write(explored, EXPLORED, values)
    with pytest.raises(RunError, match="Remove it"):
        Store(explored.folder, identity(explored.folder, Settings(seed=8))).take_over()
    check_untouched(explored)


@pytest.mark.parametrize("name", ["questions.parquet", "latent_cls.npy", MANIFEST, "clusters.parquet", EXPLORED])
def test_no_link_is_followed(explored: Explored, tmp_path: Path, name: str) -> None:
    explored.restore()
    (tmp_path / name).write_bytes(explored.files[name])
    (explored.folder / name).unlink()
    (explored.folder / name).symlink_to(tmp_path / name)
    try:
        with pytest.raises(RunError, match=rf"{name} is a link, not a file"):
            read_run(explored.folder)
            read_sections(explored.folder)
        with pytest.raises(RunError, match=rf"{name} is a link, not a file"):
            RunFolder(explored.folder, tiny_run(12).manifest, {}).__enter__().__exit__()
            Store(explored.folder, identity(explored.folder, Settings(seed=8))).take_over()
    finally:
        (explored.folder / name).unlink()
    assert (tmp_path / name).read_bytes() == explored.files[name]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"files": {}}, r"does not list questions\.parquet"),
        ({"files": {f"../{VICTIM}": "0" * 64}}, "which cannot be in it"),
        ({"files": ["questions.parquet"]}, "`files`"),
        ({"splits": []}, "`splits`"),
        ({"model": 3}, "`model`"),
        ({"settings": {"cache": "/etc"}}, "it sets 'cache'"),
        ({"settings": {"n_best": "many"}}, "`n_best`"),
        ({"sources": None}, "`sources`"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_told(explored: Explored, changes: dict[str, Any], told: str) -> None:
    explored.restore()
    write(explored, MANIFEST, explored.values(MANIFEST) | changes)
    with pytest.raises(RunError, match=f"{told}.*(make the run|make it|squad-albert evaluate)"):
        read_run(explored.folder)


def test_forged_tables_and_vectors_are_refused(explored: Explored) -> None:
    questions = parquet.read_table(pa.BufferReader(explored.files["questions.parquet"]))
    no_ids = questions.set_column(0, "id", pa.nulls(len(questions), pa.string()))
    same_ids = questions.set_column(0, "id", pa.array(["a"] * len(questions)))
    away = questions.set_column(questions.column_names.index("window"), "window", pa.array([99] * len(questions)))
    forged: list[tuple[str, Any]] = [
        ("questions.parquet", b""),
        ("questions.parquet", b"PAR1"),
        ("questions.parquet", pa.table({"other": [1]})),
        ("questions.parquet", no_ids),
        ("questions.parquet", same_ids),
        ("questions.parquet", away),
        ("windows.parquet", questions),
        ("latent_cls.npy", b""),
        ("latent_cls.npy", np.zeros((3, 8), np.float32)),
        ("latent_cls.npy", np.zeros((12, 8), np.float64)),
        ("latent_cls.npy", np.zeros(12, np.float32)),
        ("latent_cls.npy", np.array([{}] * 12, object)),
    ]
    for name, content in forged:
        explored.restore()
        path = explored.folder / name
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif isinstance(content, pa.Table):
            parquet.write_table(content, path)
        else:
            np.save(path, content)
        values = explored.values(MANIFEST)
        values["files"][name] = sha256(path)
        write(explored, MANIFEST, values)
        with pytest.raises(RunError, match=rf"{name} is not as squad-albert writes it: .*Make the run again"):
            read_run(explored.folder)


def test_a_section_that_is_no_table_is_refused(explored: Explored) -> None:
    explored.restore()
    path = explored.folder / "clusters.parquet"
    path.write_bytes(b"PAR1")
    values = explored.values(EXPLORED)
    values["sections"]["clusters"]["tables"]["clusters"] = sha256(path)
    write(explored, EXPLORED, values)
    with pytest.raises(RunError, match=r"clusters\.parquet cannot be read: .*squad-albert explore"):
        read_sections(explored.folder)
