"""Data, a model and copies of the entry file for the tests of the integration."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from project_config import ROOT
from tests.squad_albert.data import write_squad
from utils.squad import Question

STATES = {"train": "training", "validation": "validation", "test": "test", "unlabeled": "unlabeled"}


def write_data(folder: Path, questions: Sequence[Question]) -> Path:
    """Writes four splits that share their contexts; ids begin with the split's name. Test has no unanswerable ones."""
    for split in STATES:
        chosen = [q for q in questions if q.golds] if split == "test" else questions
        own = [replace(q, id=f"{split}-{q.id}") for q in chosen]
        write_squad(folder / f"{split}.json", own, labeled=split != "unlabeled")
    return folder


def write_entry(folder: Path, *changes: tuple[str, str]) -> Path:
    """A folder whose leap.yaml names a copy of leap_binder.py with some texts replaced, each of which must be there."""
    source = (ROOT / "leap_binder.py").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in source, f"leap_binder.py no longer holds {old!r}"
        source = source.replace(old, new)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "leap_binder.py").write_text(source, encoding="utf-8")
    shutil.copy(ROOT / "leap.yaml", folder)
    return folder
