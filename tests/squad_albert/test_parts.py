from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from squad_albert.parts import Part, Parts


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
    parts = Parts(tmp_path / "parts")
    assert parts.done() == set()
    groups = {range(12, 20): part(12, 8, with_model), range(0, 12): part(0, 12, with_model)}
    for group, one in groups.items():
        parts.write(group, one)
    again = Parts(tmp_path / "parts")
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
    parts = Parts(tmp_path / "parts")
    parts.write(range(0, 2), part(0, 2))
    (tmp_path / "parts" / "0-2.questions.arrow").rename(tmp_path / "parts" / ".0-2.questions.arrow.9.part")
    assert parts.done() == set()


def test_removing_them_leaves_nothing(tmp_path):
    parts = Parts(tmp_path / "parts")
    parts.write(range(0, 2), part(0, 2))
    parts.remove()
    assert list(tmp_path.iterdir()) == []
    parts.remove()
