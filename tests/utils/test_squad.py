from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project_config import Settings
from utils import squad
from utils.squad import DataError, Leak, Question, draw, leakage, load_data, load_file

CONTEXT = "An owl flies by night."


def squad_file(path: Path, *titles: str, labeled: bool = True, context: str = CONTEXT) -> Path:
    """A file with one question a title; ids, questions and contexts carry the file's stem."""
    articles = []
    for number, title in enumerate(titles):
        record: dict[str, Any] = {"id": f"{path.stem}-{number}", "question": f"What is {path.stem} {number}?"}
        if labeled:
            record["answers"] = [{"text": "owl", "answer_start": 3}]
        articles.append({"title": title, "paragraphs": [{"context": f"{context} ({path.stem})", "qas": [record]}]})
    path.write_text(json.dumps({"data": articles}), encoding="utf-8")
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    squad_file(tmp_path / "train.json", *["Owls"] * 6, *["Eels"] * 3)
    squad_file(tmp_path / "dev.json", "Owls", "Rays")
    squad_file(tmp_path / "test.json", "Rays")
    squad_file(tmp_path / "unlabeled.json", "Rays", labeled=False)
    return tmp_path


def load(data: Path | str, **settings: Any) -> tuple[dict[str, list[Question]], list[str]]:
    warnings: list[str] = []
    found = load_data(Settings(data=str(data), **settings), warnings=warnings)
    return found, warnings


def test_a_folder_has_its_splits_in_order(folder: Path) -> None:
    data, warnings = load(folder)
    assert {split: len(questions) for split, questions in data.items()} == {
        "train": 9,
        "validation": 2,
        "test": 1,
        "unlabeled": 1,
    }
    assert list(data) == ["train", "validation", "test", "unlabeled"]
    assert not data["unlabeled"][0].labeled
    assert warnings == []


def test_optional_splits_may_be_absent(folder: Path) -> None:
    (folder / "test.json").unlink()
    (folder / "unlabeled.json").unlink()
    assert list(load(folder)[0]) == ["train", "validation"]


def test_only_wanted_splits_are_read(folder: Path) -> None:
    (folder / "train.json").write_text("broken")
    data = load_data(Settings(data=str(folder)), splits=["validation"])
    assert list(data) == ["validation"]


def test_a_folder_without_any_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no train and no validation file. Add train.json or train.parquet"):
        load(tmp_path)
    squad_file(tmp_path / "train.json", "Owls")
    for split in ("validation", "test"):
        with pytest.raises(DataError, match=rf"has no {split} file. Add {split}.json"):
            load_data(Settings(data=str(tmp_path)), splits=[split])


@pytest.mark.parametrize(("present", "absent"), [("train", "validation"), ("validation", "train")])
def test_a_folder_of_one_split_is_read_with_a_note(tmp_path: Path, present: str, absent: str) -> None:
    squad_file(tmp_path / f"{present}.json", "Owls")
    data, warnings = load(tmp_path)
    assert list(data) == [present]
    assert warnings == [f"{tmp_path}: taken as it is meant: there is no {absent} file"]


def test_splits_that_had_to_be_guessed_are_told_in_one_note(tmp_path: Path) -> None:
    squad_file(tmp_path / "my_train.json", "Owls")
    (tmp_path / "dev").mkdir()
    for number in range(2):
        squad_file(tmp_path / "dev" / f"000{number}.json", "Eels")
    data, warnings = load(tmp_path)
    assert [question.id for question in data["validation"]] == ["0000-0", "0001-0"]
    note = "taken as it is meant: validation is dev/0000.json to 0001.json; train is my_train.json"
    assert warnings == [f"{tmp_path}: {note}"]


@pytest.mark.parametrize(
    ("name", "labeled", "split"),
    [
        ("dev.json", True, "validation"),
        ("train.json", True, "train"),
        ("test.json", True, "test"),
        ("anything.json", True, "validation"),
        ("anything.json", False, "unlabeled"),
        ("test.json", False, "unlabeled"),
        ("my_train.json", True, "train"),
        ("TRAIN.JSON", True, "train"),
        ("squad-test.json.gz", True, "test"),
    ],
)
def test_a_file_is_its_split_alone(tmp_path: Path, name: str, labeled: bool, split: str) -> None:
    path = squad_file(tmp_path / name, "Owls", labeled=labeled)
    assert {split: load_file(path)} == load(path)[0]


def test_sample_is_the_data_folder_of_the_project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squad, "ROOT", folder.parent)
    folder.rename(folder.parent / "data")
    assert len(load("sample")[0]["train"]) == 9


def test_a_relative_path_is_sought_beside_the_project_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(squad, "ROOT", folder.parent)
    assert len(load(f"{folder.name}/dev.json")[0]["validation"]) == 2


def test_labels_must_fit_the_split(folder: Path) -> None:
    squad_file(folder / "test.json", "Rays", labeled=False)
    with pytest.raises(DataError, match=r"test.json is of the wrong kind: the test split needs `answers`.*unlabeled"):
        load(folder)
    squad_file(folder / "test.json", "Rays")
    squad_file(folder / "unlabeled.json", "Rays")
    with pytest.raises(DataError, match=r"unlabeled.json is of the wrong kind: its questions have answers"):
        load(folder)


@pytest.mark.parametrize("name", ["x" * 5000, "~nobody-at-all/x.json"])
def test_data_that_cannot_be_looked_for(name: str) -> None:
    with pytest.raises(DataError, match=r"cannot be looked for: .*Name `sample`"):
        load(name)


@pytest.mark.parametrize("name", ["squad", "./nothing/here", "no/such/thing", "nothing.json"])
def test_no_such_data(name: str) -> None:
    with pytest.raises(
        DataError, match=rf"No data `{name}`: there is no such file or folder.*or a hub id as owner/name"
    ):
        load(name)


def test_a_mistyped_path_is_corrected(folder: Path) -> None:
    with pytest.raises(DataError, match=r"did you mean `.*dev.json`\?"):
        load(folder / "devv.json")


def test_one_problem_stops_the_folder_and_names_the_file(folder: Path) -> None:
    (folder / "dev.json").write_text("{}")
    with pytest.raises(DataError, match=r"dev.json is of the wrong kind"):
        load(folder)


def test_limits_and_titles_cut_each_split(folder: Path) -> None:
    data, _ = load(folder, train_limit=3, validation_limit=1)
    assert Counter(question.title for question in data["train"]) == {"Owls": 2, "Eels": 1}
    assert [len(data[split]) for split in ("validation", "test")] == [1, 1]
    data, warnings = load(folder, titles=["Owls"])
    assert {split: len(questions) for split, questions in data.items()} == {"train": 6, "validation": 1}
    assert warnings == [
        "test: left out, as it has no question of the chosen titles",
        "unlabeled: left out, as it has no question of the chosen titles",
    ]


def test_an_unknown_title_is_an_error(folder: Path) -> None:
    with pytest.raises(DataError, match=r"No question has the title `Owl`; did you mean `Owls`\?"):
        load(folder, titles=["Eels", "Owl"])
    with pytest.raises(DataError, match=r"`zzz`; Titles there are: Owls, Eels, Rays"):
        load(folder, titles=["zzz"])


def test_warnings_are_logged_when_nobody_takes_them(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    squad_file(folder / "dev.json", "Owls", context=f"  {CONTEXT[2:]}")
    with caplog.at_level(logging.WARNING):
        load_data(Settings(data=str(folder)))
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "dev.json: contexts that begin or end with white space (1), e.g. " in caplog.text
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        load_file(folder / "dev.json")
    assert "dev.json: contexts that begin or end with white space (1), e.g. " in caplog.text


def test_a_split_without_any_answer_is_told(folder: Path) -> None:
    text = (folder / "test.json").read_text()
    (folder / "test.json").write_text(text.replace('{"text": "owl", "answer_start": 3}', ""))
    assert load(folder)[1] == ["test: no question has an answer"]


def question(key: str, *, text: str | None = None, context: str | None = None, title: str = "T") -> Question:
    return Question(key, title, f"What is {key}?" if text is None else text, context or f"Context of {key}.", ())


def test_leakage_counts_contexts_questions_and_ids() -> None:
    data = {
        "train": [question("a"), question("b", text="Who?"), question("c")],
        "validation": [question("d", text=" who? "), question("e", context="context of  A."), question("f")],
        "test": [question("c"), question("d")],
    }
    assert leakage(data) == [
        Leak("context", ("train", "validation"), 1, ("e",)),
        Leak("context", ("train", "test"), 1, ("c",)),
        Leak("context", ("validation", "test"), 1, ("d",)),
        Leak("question", ("train", "validation"), 1, ("d",)),
        Leak("question", ("train", "test"), 1, ("c",)),
        Leak("id", ("train", "test"), 1, ("c",)),
        Leak("id", ("validation", "test"), 1, ("d",)),
    ]


def test_leakage_shows_a_few_examples_of_many() -> None:
    shared = [question(f"q{number}", text=f"{number}?", context="One context.") for number in range(5)]
    (leak,) = leakage({"train": [question("a", context="One context.")], "validation": shared})
    assert str(leak) == "leakage: 5 questions share their context with train in validation, e.g. q0, q1, q2"
    assert leakage({"train": shared}) == []


def test_leakage_is_among_the_warnings(folder: Path) -> None:
    (folder / "dev.json").write_text((folder / "test.json").read_text())
    warnings = load(folder)[1]
    assert [line.split(" with ")[0] for line in warnings] == [
        "leakage: 1 question shares its context",
        "leakage: 1 question shares its question",
        "leakage: 1 question shares its id",
    ]


TITLES = st.lists(st.integers(0, 5), min_size=1, max_size=60)


@given(TITLES, st.integers(1, 70), st.integers(0, 3))
def test_a_draw_is_seeded_in_order_and_fair(titles: list[int], limit: int, seed: int) -> None:
    pool = [question(f"q{index}", title=f"T{title}") for index, title in enumerate(titles)]
    drawn = draw(pool, limit, seed, "train")
    assert len(drawn) == min(limit, len(pool))
    assert drawn == draw(pool, limit, seed, "train")
    places = [pool.index(one) for one in drawn]
    assert places == sorted(set(places))
    sizes, shares = Counter(q.title for q in pool), Counter(q.title for q in drawn)
    for title, size in sizes.items():
        assert abs(shares[title] - size * len(drawn) / len(pool)) < 1


def test_draws_differ_by_seed_and_split() -> None:
    pool = [question(f"q{index}") for index in range(200)]
    draws = {tuple(q.id for q in draw(pool, 20, seed, split)) for seed in (1, 2) for split in ("train", "test")}
    assert len(draws) == 4
    assert draw(pool, None, 1) == pool


def test_a_draw_is_the_same_everywhere() -> None:
    pool = [question(f"q{index}", title=f"T{index % 3}") for index in range(30)]
    assert [q.id for q in draw(pool, 4, 7, "train")] == ["q3", "q4", "q11", "q18"]
