"""A random ALBERT in a folder, made once, and a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from tokenizers import Tokenizer

from tests.browser import browser
from tests.tiny_model import SpanModel, write_albert

__all__ = ["browser"]


@pytest.fixture(scope="session")
def torch_albert(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> tuple[Path, SpanModel]:
    """The folder, and the same model in torch."""
    folder = tmp_path_factory.mktemp("albert")
    return folder, write_albert(folder, tokenizer)


@pytest.fixture
def albert(torch_albert: tuple[Path, SpanModel]) -> Path:
    """The model folder."""
    return torch_albert[0]
