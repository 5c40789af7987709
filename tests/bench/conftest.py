from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer

from bench import evaluate
from project_config import Settings
from tests.tiny_model import write_albert
from utils.questions import Question

SETTINGS = Settings(max_length=64, overlap=16, max_question_tokens=24, batch_tokens=512, threads=1)


@pytest.fixture(scope="session")
def albert(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    """A model folder that is a checkpoint, too."""
    folder = tmp_path_factory.mktemp("albert")
    write_albert(folder, tokenizer).albert.save_pretrained(folder)
    return folder


@pytest.fixture
def job(albert: Path, questions: list[Question]) -> dict[str, Any]:
    return evaluate.job_of(albert, questions, SETTINGS)
