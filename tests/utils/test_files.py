from __future__ import annotations

import errno
import os

import pytest

from utils.files import WriteError, leftovers, mend_folder, whole_file, whole_folder, whole_path


def test_a_file_is_whole_or_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    with whole_file(path) as stream:
        stream.write("é\n")
    assert path.read_bytes() == "é\n".encode()
    with pytest.raises(KeyboardInterrupt), whole_file(path) as stream:
        stream.write("half")
        raise KeyboardInterrupt
    assert path.read_bytes() == "é\n".encode()
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.txt"]


def test_a_file_may_be_written_by_other_means(tmp_path):
    with whole_path(tmp_path / "a.bin") as aside:
        aside.write_bytes(b"abc")
        assert leftovers(tmp_path) == [aside]
        assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin").read_bytes() == b"abc"
    assert leftovers(tmp_path) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, monkeypatch):
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    told = r"a\.txt cannot be written: .*No space left.*Free some space"
    with pytest.raises(WriteError, match=told), whole_file(tmp_path / "a.txt") as stream:
        stream.write("a")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(WriteError, match="cannot be written"), whole_file(tmp_path / "file" / "a.txt") as stream:
        stream.write("a")


def test_a_folder_is_replaced_as_a_whole(tmp_path):
    for text in ("old", "new"):
        with whole_folder(tmp_path / "best") as aside:
            assert not list(aside.iterdir())
            (aside / text).touch()
    assert [path.name for path in tmp_path.iterdir()] == ["best"]
    assert [path.name for path in (tmp_path / "best").iterdir()] == ["new"]
    with pytest.raises(ValueError, match="full"), whole_folder(tmp_path / "best") as aside:
        (aside / "half").touch()
        raise ValueError("full")
    assert [path.name for path in tmp_path.rglob("*")] == ["best", "new"]


def test_a_kill_between_the_renames_is_mended(tmp_path):
    (tmp_path / "best.old").mkdir()
    (tmp_path / "best.part").mkdir()
    mend_folder(tmp_path / "best")
    assert (tmp_path / "best").is_dir()
    assert not (tmp_path / "best.old").exists()
    (tmp_path / "best" / "good").touch()
    (tmp_path / "best.old").mkdir()
    mend_folder(tmp_path / "best")
    assert (tmp_path / "best" / "good").exists()
