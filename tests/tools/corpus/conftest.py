"""The bundled files as questions."""

from __future__ import annotations

import pytest

from project_config import ROOT
from utils.squad import SPLITS, Question, load_file


@pytest.fixture(scope="session")
def corpus() -> dict[str, list[Question]]:
    """The bundled questions by split."""
    return {split: load_file(ROOT / "data" / f"{split}.json") for split in SPLITS}
