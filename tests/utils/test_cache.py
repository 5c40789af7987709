from __future__ import annotations

import logging
import mmap
import multiprocessing
import os
import queue
import tempfile
import threading
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from utils.cache import Arrays, CacheError, cached_arrays


class Builder:
    """Counts how often the arrays are built."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> Arrays:
        self.calls += 1
        return {"numbers": np.arange(5000, dtype=np.int32), "none": np.zeros((0, 2), np.int32)}


@pytest.fixture
def build() -> Builder:
    return Builder()


def assert_right(arrays: Arrays) -> None:
    assert arrays.keys() == {"numbers", "none"}
    np.testing.assert_array_equal(arrays["numbers"], np.arange(5000))
    assert arrays["none"].shape == (0, 2)


def test_arrays_are_built_once_and_memory_mapped(build: Builder, tmp_path: Path) -> None:
    for _ in range(3):
        arrays = cached_arrays("key", build, str(tmp_path))
        assert_right(arrays)
        base: Any = arrays["numbers"]
        while isinstance(base, np.ndarray):
            assert not base.flags.writeable
            base = base.base
        assert isinstance(base, mmap.mmap)
    assert build.calls == 1
    assert [folder.name for folder in tmp_path.iterdir()] == ["key"]


def test_keys_are_apart(build: Builder, tmp_path: Path) -> None:
    cached_arrays("one", build, str(tmp_path))
    cached_arrays("two", build, str(tmp_path))
    assert build.calls == 2


def _cut(folder: Path) -> None:
    with (folder / "numbers.npy").open("r+b") as file:
        file.truncate(1000)


def _flip(folder: Path) -> None:
    with (folder / "numbers.npy").open("r+b") as file:
        file.seek(-2, os.SEEK_END)
        file.write(b"\xff")


def _cut_manifest(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:20])


def _binary_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_bytes(b"\xff\xfe\x00")


def _other_manifest(folder: Path) -> None:
    (folder / "manifest.json").write_text("[]")


DAMAGES: list[Callable[[Path], None]] = [
    _cut,
    _flip,
    _cut_manifest,
    _binary_manifest,
    _other_manifest,
    lambda folder: (folder / "numbers.npy").unlink(),
    lambda folder: (folder / "manifest.json").unlink(),
    lambda folder: [path.unlink() for path in folder.iterdir()].clear(),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_torn_folder_is_built_again(
    damage: Callable[[Path], None], build: Builder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cached_arrays("key", build, str(tmp_path))
    damage(tmp_path / "key")
    assert_right(cached_arrays("key", build, str(tmp_path)))
    assert build.calls == 2
    assert f"{tmp_path / 'key'} is damaged and will be built again." in caplog.messages
    assert_right(cached_arrays("key", build, str(tmp_path)))
    assert build.calls == 2
    assert [folder.name for folder in tmp_path.iterdir()] == ["key"]


def test_the_default_folder_is_the_users_own_and_needs_no_home(
    build: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert_right(cached_arrays("key", build, None))
    root = tmp_path / f"squad-albert-{os.getuid()}"
    assert (root / "key").is_dir()
    assert root.stat().st_mode & 0o077 == 0


def test_a_default_folder_of_another_user_is_not_trusted(
    build: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    uid = os.getuid() + 1
    (tmp_path / f"squad-albert-{uid}").mkdir()
    monkeypatch.setattr(os, "getuid", lambda: uid)
    with pytest.raises(CacheError, match="belongs to another user"):
        cached_arrays("key", build, None)
    assert build.calls == 0


def test_without_a_default_folder_the_arrays_stay_in_memory_and_that_is_said(
    build: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(tempfile, "tempdir", str(file))
    assert_right(cached_arrays("key", build, None))
    assert build.calls == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "Nothing is cached" in caplog.text


def test_a_configured_folder_that_cannot_be_made_is_an_error(build: Builder, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CacheError, match=r"file/x` cannot be used: .*Set `cache` to a folder"):
        cached_arrays("key", build, str(tmp_path / "file" / "x"))


def test_a_full_disk_is_an_error_and_leaves_nothing(
    build: Builder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(CacheError, match="No space left on device"):
        cached_arrays("key", build, str(tmp_path))
    assert not list(tmp_path.iterdir())


def test_what_killed_builders_left_is_swept_after_a_day(build: Builder, tmp_path: Path) -> None:
    old, recent = tmp_path / ".aside-old", tmp_path / ".aside-recent"
    for folder in (old, recent):
        folder.mkdir()
    os.utime(old, (1, 1))
    cached_arrays("key", build, str(tmp_path))
    assert sorted(folder.name for folder in tmp_path.iterdir()) == [".aside-recent", "key"]


def _build_together(root: str, together: Barrier | threading.Barrier, totals: Any) -> None:
    builder = Builder()

    def build() -> Arrays:
        together.wait(60)  # nobody publishes before everybody builds
        return builder()

    arrays = cached_arrays("key", build, root)
    totals.put((builder.calls, int(arrays["numbers"].sum())))


def assert_built_together(workers: Sequence[BaseProcess | threading.Thread], totals: Any, root: Path) -> None:
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [totals.get() for _ in workers] == [(1, 4999 * 2500)] * len(workers)
    assert [folder.name for folder in root.iterdir()] == ["key"]
    fresh = Builder()
    assert_right(cached_arrays("key", fresh, str(root)))
    assert fresh.calls == 0


def test_two_processes_may_build_the_same_key_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    arguments = (str(tmp_path), context.Barrier(2), context.SimpleQueue())
    workers = [context.Process(target=_build_together, args=arguments) for _ in range(2)]
    assert_built_together(workers, arguments[2], tmp_path)


def test_a_torn_folder_may_be_mended_by_many_at_once(build: Builder, tmp_path: Path) -> None:
    cached_arrays("key", build, str(tmp_path))
    _flip(tmp_path / "key")
    arguments = (str(tmp_path), threading.Barrier(4), queue.SimpleQueue[tuple[int, int]]())
    workers = [threading.Thread(target=_build_together, args=arguments) for _ in range(4)]
    assert_built_together(workers, arguments[2], tmp_path)
