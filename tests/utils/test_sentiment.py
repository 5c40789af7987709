from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from utils.sentiment import sentiment

ROOT = Path(__file__).resolve().parents[2]
PRAISE = "The singing was wonderful and the evening a great success."
BLAME = "The hall was horrible, the food bad and the crew unhappy."
FACT = "The bridge has seventeen arches and crosses the river at Tolm."


def test_direction() -> None:
    assert sentiment(PRAISE).polarity > 0.3
    assert sentiment(BLAME).polarity < -0.3
    assert sentiment(PRAISE).subjectivity > 0.5
    assert sentiment(FACT) == sentiment("") == (0.0, 0.0)


def test_it_is_what_textblob_says() -> None:
    from textblob import TextBlob

    for text in (PRAISE, BLAME, FACT, "It isn't good :-)"):
        assert sentiment(text) == tuple(TextBlob(text).sentiment)


@pytest.mark.parametrize("home", ["", "/nonexistent"])
def test_it_needs_no_home_and_no_corpus(home: str, tmp_path: Path) -> None:
    program = f"from utils.sentiment import sentiment; assert tuple(sentiment({BLAME!r})) == {tuple(sentiment(BLAME))}"
    environment = {"HOME": home, "NLTK_DATA": str(tmp_path), "PATH": os.defpath, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.iterdir())
