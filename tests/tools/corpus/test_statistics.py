"""The page about the corpus is computed from it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from project_config import ROOT
from tools.corpus import __main__ as command
from tools.corpus.statistics import describe
from utils.squad import SPLITS
from utils.windows import TokenizerError

BUNDLED = ROOT / "model" / "albert"


@pytest.fixture
def model(tmp_path: Path, tokenizer: Tokenizer) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Some articles of each split."""
    folder = tmp_path / "small"
    folder.mkdir()
    for split in SPLITS:
        data = json.loads((ROOT / "data" / f"{split}.json").read_text(encoding="utf-8"))
        data["data"] = data["data"][:2] + data["data"][-1:]
        (folder / f"{split}.json").write_text(json.dumps(data), encoding="utf-8")
    shutil.copy(ROOT / "data" / "planted.json", folder)
    return folder


def test_the_bundled_page_is_what_the_figures_say() -> None:
    if not (BUNDLED / "tokenizer.json").exists():
        pytest.skip("the bundled tokenizer, with which windows are counted, is not there")
    page = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    assert page == describe(ROOT / "data", BUNDLED), "run `make corpus`"


def test_more_than_a_twentieth_of_the_questions_needs_several_windows() -> None:
    page = (ROOT / "data" / "README.md").read_text(encoding="utf-8")
    share = page.split("% of the questions need more than one")[0].split()[-1]
    assert float(share) >= 5


def test_the_page_counts_what_is_there(small: Path, model: Path) -> None:
    page = describe(small, model)
    questions = {
        split: [
            qa
            for article in json.loads((small / f"{split}.json").read_text(encoding="utf-8"))["data"]
            for paragraph in article["paragraphs"]
            for qa in paragraph["qas"]
        ]
        for split in SPLITS
    }
    lines = page.splitlines()
    for split, asked in questions.items():
        contents = next(line for line in lines if line.startswith(f"| {split} |")).split(" | ")
        assert contents[1] == "3"
        assert contents[3] == f"{len(asked):,}"
    assert any(line.startswith(f"| **validation** | {len(questions['validation'])} |") for line in lines)


def test_a_missing_tokenizer_is_named(small: Path, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="tokenizer"):
        describe(small, tmp_path)


def test_the_command_writes_files_and_page(model: Path, tmp_path: Path) -> None:
    command.main(["--out", str(tmp_path / "data"), "--tokenizer", str(model)])
    assert "## Baseline" in (tmp_path / "data" / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in (tmp_path / "data").iterdir()} == {path.name for path in (ROOT / "data").iterdir()}


def test_the_command_says_what_the_page_lacks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--out", str(tmp_path / "data"), "--tokenizer", str(tmp_path)])
    assert ended.value.code == 2
    assert "tokenizer.json does not exist" in capsys.readouterr().err
