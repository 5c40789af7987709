from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from project_config import ROOT
from utils.files import (
    WriteError,
    leftovers,
    make_folder,
    mend_folder,
    remove_leftovers,
    scratch_folder,
    whole_file,
    whole_folder,
    whole_path,
)


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
        assert list(tmp_path.iterdir()) == [aside]
    assert (tmp_path / "a.bin").read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.bin"]


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


_DIES = """
import os, signal, sys
from pathlib import Path
from utils.files import scratch_folder, whole_file
with {what}:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def die_within(what: str) -> None:
    """Kills a process within a context."""
    done = subprocess.run([sys.executable, "-c", _DIES.format(what=what)], cwd=ROOT, check=False)
    assert done.returncode == -9


def test_what_a_killed_process_left_is_removed_by_the_next_that_writes_the_same(tmp_path: Path) -> None:
    die_within(f"whole_file(Path({str(tmp_path / 'a.txt')!r}))")
    [half] = tmp_path.iterdir()
    assert leftovers(tmp_path) == leftovers(tmp_path, "a.txt") == [half]
    assert leftovers(tmp_path, "b.txt") == []
    with whole_file(tmp_path / "b.txt") as stream:
        stream.write("b")
    assert half.exists()  # in a folder of the user's, nothing but what is known to be half of the same file
    with whole_file(tmp_path / "a.txt") as stream:
        stream.write("a")
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", "b.txt"}


def test_a_scratch_folder_of_a_killed_process_is_removed_by_the_next(tmp_path: Path) -> None:
    die_within(f"scratch_folder('umap', Path({str(tmp_path)!r})) as folder, whole_file(folder / 'a')")
    assert [path.name for path in next(tmp_path.iterdir()).iterdir()]
    with scratch_folder("umap", tmp_path) as folder:
        assert list(tmp_path.iterdir()) == [folder]
        assert not list(folder.iterdir())
    assert list(tmp_path.iterdir()) == []


def test_what_is_being_written_is_no_leftover(tmp_path: Path) -> None:
    with whole_path(tmp_path / "a.bin") as first, whole_path(tmp_path / "a.bin") as second:
        with scratch_folder("a.bin", tmp_path) as third:
            assert leftovers(tmp_path) == []
            remove_leftovers(tmp_path)
            assert sorted(tmp_path.iterdir()) == sorted([first, second, third])
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert (tmp_path / "a.bin").read_bytes() == b"first"  # the outer one comes last


def test_what_only_looks_like_a_leftover_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / ".a.1.part").symlink_to(outside)
    (inside / ".b.1.part").symlink_to(outside / "mine")
    os.mkfifo(inside / ".c.1.part")
    (inside / ".d.mine.part").touch()
    before = sorted(inside.iterdir())
    remove_leftovers(inside)
    assert leftovers(inside) == []
    assert sorted(inside.iterdir()) == before
    assert (outside / "mine").read_text() == "mine"


def test_permissions_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    os.umask(before := os.umask(0))
    for mode in (None, 0o600, 0o664):
        if mode:
            path.chmod(mode)
        with whole_file(path) as stream:
            stream.write("a")
        assert stat.S_IMODE(path.stat().st_mode) == (mode or 0o666 & ~before)


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("mine")
    (tmp_path / "link").symlink_to("outside")
    with whole_file(tmp_path / "link") as stream:
        stream.write("a")
    assert (tmp_path / "outside").read_text() == "mine"
    assert (tmp_path / "link").read_text() == "a" and not (tmp_path / "link").is_symlink()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_nothing_but_a_file_is_replaced(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a")
    told = r"a cannot be written: it is there already, and no file\."
    with pytest.raises(WriteError, match=told), whole_file(tmp_path / "a"):
        pass
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_a_folder_whose_name_a_file_has_is_told(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "b"):
        with pytest.raises(WriteError, match=r"cannot be made: .*--out"):
            make_folder(folder)
