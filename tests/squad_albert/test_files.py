from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squad_albert.files import EntryWriter, sha256, to_json, write_json


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=4)))
def test_entries_make_the_object_one_a_line(entries):
    stream = io.StringIO()
    writer = EntryWriter(stream)
    for key, value in entries.items():
        writer.add(key, value)
    writer.close()
    assert json.loads(stream.getvalue()) == entries
    assert stream.getvalue().count("\n") == (len(entries) + 2 if entries else 1)


def test_json_keeps_letters_and_refuses_what_it_cannot_say(tmp_path):
    assert "Øresund" in to_json({"place": "Øresund"})
    write_json(tmp_path / "a.json", {"place": "Øresund"})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == to_json({"place": "Øresund"}) + "\n"
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            to_json(value)
        with pytest.raises(ValueError, match="not JSON compliant"):
            EntryWriter(io.StringIO()).add("a", value)


def test_sha256(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
