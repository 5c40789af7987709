from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squad_albert.files import EntryWriter, picture_name, sha256, to_json, write_json


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


IDS = st.text(max_size=5) | st.text("aA/_-.# é", max_size=4) | st.text("x", min_size=90, max_size=110)


@given(st.lists(IDS, unique=True, max_size=6))
def test_pictures_of_different_ids_never_share_a_file(ids):
    names = [picture_name(key) for key in ids]
    files = [name + ending for name in names for ending in (".png", ".html", "-heads.png")]
    assert len({file.lower() for file in files}) == len(files)  # also where capitals are no letters of their own
    for name in names:
        assert name and not re.search(r"[/\0\s]", name) and name not in (".", "..")
        assert len(name.encode()) <= 200


def test_ids_that_were_one_file_are_two():
    long = "x" * 100
    groups = [["a/b", "a_b", "a b"], [long + "1", long + "2"], ["a", "a-heads"], ["q", "Q"]]
    groups += [[".a", "_a"], ["a/b", picture_name("a/b")], ["é", "e\u0301"], ["", "_"], ["\ud800", "?"]]
    for ids in groups:
        assert len({picture_name(key) for key in ids}) == len(ids)
    assert picture_name("56be4db0acb8001400a502ec") == "56be4db0acb8001400a502ec"
    assert picture_name("marsh-1#2") == "marsh-1#2"
