"""The corpus made anew, once, and the bundled files as questions."""

from __future__ import annotations

from pathlib import Path

import pytest

from project_config import ROOT
from squad_albert.corpus.build import write_corpus
from squad_albert.corpus.names import SPLITS
from utils.squad import Question, load_file


@pytest.fixture(scope="session")
def made_anew(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the generator has just written the corpus."""
    folder = tmp_path_factory.mktemp("corpus")
    write_corpus(folder)
    return folder


@pytest.fixture(scope="session")
def corpus() -> dict[str, list[Question]]:
    """The bundled questions by split."""
    return {split: load_file(ROOT / "data" / f"{split}.json") for split in SPLITS}
