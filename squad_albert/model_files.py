"""The files that a model consists of, and their hashes."""

from __future__ import annotations

from pathlib import Path

from model.runtime import MODEL_FILES, weight_files

from .files import sha256


def model_hashes(folder: Path) -> dict[str, str]:
    """The SHA-256 of each of a model's files, by name: also of those beside ``model.onnx`` that hold its weights.

    Args:
        folder: of the model; a file that it lacks is left out.

    Raises:
        ModelError: if the model cannot be read, or names weights that do not lie in its folder.
    """
    path = folder / MODEL_FILES[0]
    names = [*MODEL_FILES, *(weight_files(path) if path.is_file() else [])]
    return {name: sha256(folder / name) for name in names if (folder / name).is_file()}
