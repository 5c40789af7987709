from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from squad_albert.parts import Part, Parts
from squad_albert.run_inside import RunError


def part(first: int, count: int, with_model: bool = True) -> Part:
    questions = pa.table(
        {"id": [f"q{number}" for number in range(first, first + count)], "golds": [["a", "é"]] * count}
    )
    if not with_model:
        return Part(questions)
    vectors = np.random.default_rng(first).standard_normal((2, count, 3)).astype(np.float32)
    return Part(questions, pa.table({"index": [0] * count}), {"cls": vectors[0], "answer": vectors[1]})


@pytest.mark.parametrize("with_model", [True, False])
def test_parts_are_read_as_they_were_written(tmp_path, with_model):
    parts = Parts(tmp_path)
    assert parts.done() == set()
    groups = {range(12, 20): part(12, 8, with_model), range(0, 12): part(0, 12, with_model)}
    for group, one in groups.items():
        parts.write(group, one)
    again = Parts(tmp_path)
    assert again.done() == set(groups)
    for group, one in groups.items():
        found = again.read(group)
        assert found.questions == one.questions
        assert found.windows == one.windows
        assert list(found.vectors) == list(one.vectors)
        for name, vectors in one.vectors.items():
            assert found.vectors[name].dtype == np.float32
            np.testing.assert_array_equal(found.vectors[name], vectors)


def test_a_group_is_done_once_its_questions_are_there(tmp_path):
    parts = Parts(tmp_path)
    parts.write(range(0, 2), part(0, 2))
    (tmp_path / "parts" / "0-2.questions.arrow").rename(tmp_path / "parts" / ".0-2.questions.arrow.9.part")
    assert parts.done() == set()


def test_removing_them_leaves_nothing(tmp_path):
    parts = Parts(tmp_path)
    parts.write(range(0, 2), part(0, 2))
    parts.remove()
    assert list(tmp_path.iterdir()) == []
    parts.remove()


def forge(folder: Path, kind: str) -> None:
    """Something that is no part of questions 0 and 1, or not one that was written here."""
    path = folder / "parts" / "0-2.questions.arrow"
    other = folder / "parts" / "0-9.questions.arrow"
    if kind == "garbage":
        path.write_bytes(b"ARROW1")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "count":
        path.rename(other)
    elif kind == "link":
        path.rename(folder / "elsewhere")
        path.symlink_to(folder / "elsewhere")
    elif kind == "vectors":
        path.unlink()
        Parts(folder).write(range(0, 2), Part(pa.table({"id": ["a", "b"], "latent_cls": [1.5, 2.5]})))
    else:
        path.rename(path.with_name(kind + ".questions.arrow"))


@pytest.mark.parametrize(
    "kind", ["garbage", "empty", "count", "link", "vectors", "x", "0-x", "-1-2", "0-2-3", "²-³", ""]
)
def test_what_is_no_part_is_told(tmp_path: Path, kind: str) -> None:
    parts = Parts(tmp_path)
    parts.write(range(0, 2), part(0, 2))
    forge(tmp_path, kind)
    with pytest.raises(RunError, match=r"(is no part of the run: .*Remove .*parts|is a link, not a file)"):
        for group in parts.done():
            parts.read(group)


def test_parts_are_not_written_or_removed_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").touch()
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "parts").symlink_to(tmp_path / "mine")
    with pytest.raises(RunError, match="parts is a link, not a folder"):
        Parts(tmp_path / "run")
    assert (tmp_path / "mine" / "file").exists()
