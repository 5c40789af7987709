"""Data about ships, and one experiment that ran undisturbed, made once."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from model.train import train
from tests.model.tiny import tiny_settings, write_ships


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Windows are cached in a folder of the session's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def ships(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the data."""
    return write_ships(tmp_path_factory.mktemp("ships"))


@pytest.fixture(scope="session")
def trained(ships: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of a finished experiment, not to be changed, and what ``train`` told."""
    settings = tiny_settings(ships, tmp_path_factory.mktemp("runs"))
    return Path(settings.output) / "undisturbed", train(settings, "undisturbed")
