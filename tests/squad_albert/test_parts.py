from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squad_albert.parts import Answered, Parts

ONE = Answered("q1", "owl\u2028", "owl", -0.1, [{"text": "owl", "score": 1 / 3}])


def test_groups_come_back_in_the_order_asked_for(tmp_path):
    parts = Parts(tmp_path / "parts")
    assert parts.done() == set()
    parts.write(range(2, 10), [ONE._replace(id=f"q{n}") for n in range(2, 10)])
    parts.write(range(0, 2), [ONE._replace(id=f"q{n}") for n in range(2)])
    assert parts.done() == {range(0, 2), range(2, 10)}
    read = list(parts.read([range(0, 2), range(2, 10)]))
    assert [one.id for one in read] == [f"q{n}" for n in range(10)]
    assert read[0] == ONE._replace(id="q0")
    parts.remove()
    assert not (tmp_path / "parts").exists()
    parts.remove()


def test_a_group_that_fails_half_way_is_absent(tmp_path):
    parts = Parts(tmp_path / "parts")

    def answers():
        yield ONE
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        parts.write(range(3), answers())
    (tmp_path / "parts" / ".0-3.jsonl.999.part").write_text('["q1"')
    assert parts.done() == set()


@given(value=st.floats(allow_nan=False, allow_infinity=False), text=st.text())
def test_numbers_and_texts_come_back_exactly(tmp_path_factory, value, text):
    parts = Parts(Path(tmp_path_factory.mktemp("run")) / "parts")
    one = Answered("q", text, text, value, [{"text": text, "score": value}])
    parts.write(range(1), [one])
    assert list(parts.read([range(1)])) == [one]
