"""Nothing outside of a run's folder is taken for a file of it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from squad_albert.run_inside import RunError, inside, inside_folder, read_object


@pytest.mark.parametrize("name", ["questions.parquet", "latent_cls.npy", "0-12.questions.arrow", "missing"])
def test_a_file_of_the_folder_has_a_path(tmp_path: Path, name: str) -> None:
    if name != "missing":
        (tmp_path / name).touch()
    assert inside(tmp_path, name) == tmp_path / name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../a", "/etc/passwd", "a/b", "a\\b", ".hidden", "a..b", "a\0", "a\n", "\ud800", "é", "x" * 300],
)
def test_what_is_no_name_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(RunError, match=r"names a file .* which cannot be in it\. .*remove the folder") as error:
        inside(tmp_path, name)
    assert len(str(error.value).encode()) < 500


def test_links_folders_and_devices_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "link").symlink_to("mine")
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "dangling", "folder", "pipe"):
        with pytest.raises(RunError, match=f"{name} is (a link|something else), not a file: .*nothing outside"):
            inside(tmp_path, name)
    assert inside_folder(tmp_path, "folder") == tmp_path / "folder"
    (tmp_path / "away").symlink_to("folder")
    for name in ("mine", "away"):
        with pytest.raises(RunError, match=f"{name} is .*, not a folder"):
            inside_folder(tmp_path, name)


@pytest.mark.parametrize(
    "text",
    ["", "[1]", '"a"', "{", '{"a": NaN}', '{"a": "\\ud800"}', '{"a": ' + "1" * 5000 + "}", "[" * 100_000, "\x00"],
)
def test_what_is_no_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match=r"\w"):
        read_object(tmp_path / "a.json")


def test_an_object_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"é": [1, 2.5, None, "🙂"]}))
    assert read_object(tmp_path / "a.json") == {"é": [1, 2.5, None, "🙂"]}
