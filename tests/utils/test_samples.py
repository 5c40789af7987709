from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from project_config import ROOT, Settings
from tests.squad_albert.data import write_squad
from utils.samples import load_samples, model_folder
from utils.squad import Question
from utils.tokenizer import TokenizerError


@pytest.fixture
def settings(tmp_path: Path, questions: list[Question], tokenizer: Tokenizer) -> Settings:
    for split, chosen in {"train": questions, "validation": [q for q in questions if q.golds]}.items():
        write_squad(tmp_path / "data" / f"{split}.json", [replace(q, id=f"{split}-{q.id}") for q in chosen])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return Settings(data=str(tmp_path / "data"), model=str(tmp_path), cache=str(tmp_path / "cache"))


def test_every_split_with_all_its_windows(settings: Settings, questions: list[Question]) -> None:
    samples = load_samples(settings)
    assert list(samples) == ["train", "validation"]
    train = samples["train"]
    assert len(train.ids) == len(train.split.windows) > len(questions)
    assert [train.row(sample) for sample in train.ids] == list(range(len(train.ids)))
    assert train.metadata.context(train.row("train-heron-2"))["title"] == "Heron"


def test_no_answer_is_decided_for_the_whole_data(settings: Settings) -> None:
    decided = {name: split.settings.no_answer for name, split in load_samples(settings).items()}
    assert decided == {"train": "always", "validation": "always"}


@pytest.mark.parametrize("titles", [["Heron"], ["Marsh"]])
def test_no_answer_stays_open_where_no_question_lacks_one(settings: Settings, titles: list[str]) -> None:
    samples = load_samples(settings.model_copy(update={"titles": titles}))
    assert samples["validation"].settings.no_answer == ("always" if titles == ["Heron"] else "auto")


def test_never_stays_never(settings: Settings) -> None:
    samples = load_samples(settings.model_copy(update={"no_answer": "never"}))
    assert samples["train"].settings.no_answer == "never"


def test_missing_tokenizer_is_told(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match=r"tokenizer\.json does not exist"):
        load_samples(settings.model_copy(update={"model": str(tmp_path / "nowhere")}))


def test_model_folder_is_looked_for_here_and_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_folder(Settings(model="mine")) == ROOT / "mine"
    (tmp_path / "mine").mkdir()
    assert model_folder(Settings(model="mine")).resolve() == tmp_path / "mine"
