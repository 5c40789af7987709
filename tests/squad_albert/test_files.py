from __future__ import annotations

import errno
import io
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from squad_albert.files import EntryWriter, WriteError, sha256, to_json, whole_file, write_json


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"a": 1})
    with pytest.raises(KeyboardInterrupt), whole_file(path) as stream:
        stream.write("half")
        raise KeyboardInterrupt
    assert json.loads(path.read_text()) == {"a": 1}
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.json"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"a\.json cannot be written: .*No space left.*Free some space"):
        write_json(tmp_path / "a.json", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be written"):
        write_json(tmp_path / "file" / "a.json", 1)


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.text() | st.integers(), st.lists, max_leaves=4)))
def test_entries_make_the_object_one_a_line(entries):
    stream = io.StringIO()
    writer = EntryWriter(stream)
    for key, value in entries.items():
        writer.add(key, value)
    writer.close()
    assert json.loads(stream.getvalue()) == entries
    assert stream.getvalue().count("\n") == (len(entries) + 2 if entries else 1)


def test_json_keeps_letters_and_refuses_what_it_cannot_say():
    assert "Øresund" in to_json({"place": "Øresund"})
    for value in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="not JSON compliant"):
            to_json(value)
        with pytest.raises(ValueError, match="not JSON compliant"):
            EntryWriter(io.StringIO()).add("a", value)


def test_sha256(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
