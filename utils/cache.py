"""Arrays kept on disk from run to run, memory-mapped: each set of them in a folder that is named by its key.

A folder is written aside and appears by one rename, so it is whole or absent, and processes that build the
same one at the same time do not disturb each other. What a crash or a full disk may still leave behind is
found by the manifest, and built again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from project_config import ROOT, ProjectError

Arrays = dict[str, NDArray[Any]]

_MANIFEST = "manifest.json"
_ASIDE = ".aside-"
_ABANDONED = 24 * 3600  # seconds after which a folder aside can only be that of a killed process

_logger = logging.getLogger(__name__)


class CacheError(ProjectError):
    """The cache folder that was asked for cannot be used."""


def cached_arrays(key: str, build: Callable[[], Arrays], configured: str | None) -> Arrays:
    """The arrays of a key, read-only and memory-mapped; built and kept if they are not there yet.

    Args:
        key: names the folder; it must change with everything that the arrays depend on.
        build: makes the arrays.
        configured: the folder of all keys, relative to the project; None for one of the user's own under the
            system's temporary folder. If nothing can be kept in that one, a warning is logged and the
            arrays stay in memory.

    Raises:
        CacheError: if the configured folder cannot be written to, or the default one is another user's.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     cached_arrays("key", lambda: {"ones": np.ones(2)}, folder)["ones"].tolist()
        [1.0, 1.0]
    """
    arrays: Arrays | None = None
    try:
        folder = _root(configured) / key
        kept = _read(folder)
        if kept is None:
            arrays = build()
            kept = _write(folder, arrays)
    except OSError as error:
        if configured is not None:
            raise CacheError(
                f"The cache folder `{configured}` cannot be used: {error}. Set `cache` to a folder with room that you "
                "may write to, or leave it out."
            ) from error
        _logger.warning("Nothing is cached: %s. Set `cache` to a folder with room that you may write to.", error)
        return build() if arrays is None else arrays
    return kept


def _root(configured: str | None) -> Path:
    if configured is not None:
        try:
            return ROOT / Path(configured).expanduser()
        except RuntimeError as error:
            raise CacheError(f"`cache` is {configured}, but there is no home folder. Give a full path.") from error
    root = Path(tempfile.gettempdir()) / f"squad-albert-{os.getuid()}"
    if root.exists() and root.lstat().st_uid != os.getuid():  # anyone can make it, and we would trust what is in it
        raise CacheError(f"{root} belongs to another user. Set `cache` to a folder of your own.")
    return root


def _read(folder: Path) -> Arrays | None:
    """The arrays in a folder, None if it is absent or torn; a torn one is moved out of the way."""
    if not folder.is_dir():
        return None
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
        if manifest == _describe(folder):
            return _map(folder, manifest)
    except (FileNotFoundError, ValueError):  # no manifest, half of one, or another process is replacing it
        pass
    _logger.warning("%s is damaged and will be built again.", folder)
    _discard(folder)
    return None


def _write(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> Arrays:
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    _sweep(folder.parent)
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder.parent))
    try:
        for name, array in arrays.items():
            np.save(aside / f"{name}.npy", array, allow_pickle=False)
        manifest = _describe(aside)
        (aside / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
        kept = _map(aside, manifest)  # before the rename: a map outlives whatever others do to the folder
        aside.rename(folder)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        # Another process was first, with equal arrays: the maps of ours serve as well.
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return kept


def _describe(folder: Path) -> dict[str, list[Any]]:
    """Size and SHA-256 of every array file."""
    described: dict[str, list[Any]] = {}
    for path in folder.glob("*.npy"):
        with path.open("rb") as file:
            described[path.name] = [path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()]
    return described


def _map(folder: Path, names: Iterable[str]) -> Arrays:
    # Plain views of the maps: indexing the memmap class itself costs several times as much.
    return {Path(name).stem: np.asarray(np.load(folder / name, mmap_mode="r")) for name in names}


def _discard(folder: Path) -> None:
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder.parent))
    try:
        folder.rename(aside / folder.name)
    except FileNotFoundError:  # another process has moved it
        pass
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _sweep(root: Path) -> None:
    for aside in root.glob(f"{_ASIDE}*"):
        try:
            abandoned = time.time() - aside.stat().st_mtime > _ABANDONED
        except FileNotFoundError:  # it has just been renamed
            continue
        if abandoned:
            shutil.rmtree(aside, ignore_errors=True)
