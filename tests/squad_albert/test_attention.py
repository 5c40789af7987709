"""The command `attention`: pairs, samples of a run, pictures."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from model.attention import open_attention
from project_config import Settings
from squad_albert.attend import AttentionError
from squad_albert.attention import (
    AttentionView,
    attention_lines,
    attention_of_pair,
    attention_of_sample,
    open_view,
)
from squad_albert.run import evaluate
from squad_albert.run_folder import RunError
from tests.conftest import HERON, MARSH
from tests.squad_albert.data import write_squad
from utils.files import WriteError
from utils.questions import DataError, Question

SMALL = Settings(max_length=64, overlap=16, max_question_tokens=24, no_answer="never", threads=1)


@pytest.fixture
def view(albert: Path) -> AttentionView:
    return AttentionView(open_attention(albert, SMALL), SMALL)


def test_a_pair(albert: Path) -> None:
    view = open_view(SMALL.model_copy(update={"model": str(albert)}), "2", "1-2")
    found = attention_of_pair("Who sank her?", HERON, view)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert (found["layers"], found["heads"]) == ([2], [1, 2])
    assert [one["word"] for one in found["question_words"]] == ["Who", "sank", "her", "?"]
    assert all(HERON[one["start"] : one["end"]] == one["context_word"] for one in found["question_words"])
    assert "files" not in found


def test_layers_that_are_not_there(albert: Path) -> None:
    view = AttentionView(open_attention(albert, SMALL), SMALL, "3")
    with pytest.raises(AttentionError, match="the model has no layers 3: its layers are 1 to 2"):
        attention_of_pair("Who?", HERON, view)


def test_one_pair_after_another(view: AttentionView) -> None:
    asked: list[str] = []
    lines = f"Who sank her?\n{HERON}\n  When? \n\nHow many owls?\n{MARSH}\n\nWho never asked?\n{HERON}\n"
    found = list(view.pairs(io.StringIO(lines), asked.append))
    assert [one["question"] for one in found] == ["Who sank her?", "When?", "How many owls?"]
    assert found[0]["windows"] == found[1]["windows"] != found[2]["windows"]
    assert asked == [
        "question (empty: end)", "context",
        "question (empty: end)", "context (empty: the same again)",
        "question (empty: end)", "context (empty: the same again)",
        "question (empty: end)",
    ]  # fmt: skip
    assert list(view.pairs(io.StringIO(""), asked.append)) == []


def test_a_first_pair_without_a_context(view: AttentionView) -> None:
    with pytest.raises(DataError, match="the context is empty"):
        list(view.pairs(io.StringIO("Who?\n\n"), lambda _: None))


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_lines_that_are_no_text_are_told(view: AttentionView, errors: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(b"Who?\nA caf\xff.\n"), encoding="utf-8", errors=errors)
    with pytest.raises(DataError, match="a line of standard input is not UTF-8"):
        list(view.pairs(stream, lambda _: None))


def test_standard_input_that_is_closed_has_no_questions(view: AttentionView) -> None:
    assert list(view.pairs(None, lambda _: None)) == []


def test_pictures_and_pages_of_several_pairs(albert: Path, tmp_path: Path) -> None:
    view = AttentionView(open_attention(albert, SMALL), SMALL, out=tmp_path / "new" / "folder")
    found = list(view.pairs(io.StringIO(f"Who?\n{HERON}\nWhen?\n"), lambda _: None))
    names = {path.name for path in (tmp_path / "new" / "folder").iterdir()}
    endings = (".png", ".html", "-heads.png")
    assert names == {f"attention-{number}{ending}" for number in (1, 2) for ending in endings}
    assert found[1]["files"]["page"] == str(tmp_path / "new" / "folder" / "attention-2.html")
    assert all(Path(path).stat().st_size > 5000 for one in found for path in one["files"].values())


def test_one_head_needs_no_picture_of_all(albert: Path, tmp_path: Path) -> None:
    view = AttentionView(open_attention(albert, SMALL), SMALL, "1", "2", tmp_path)
    assert set(attention_of_pair("Who?", HERON, view)["files"]) == {"heat map", "page"}


def test_a_folder_that_cannot_be_made(albert: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    view = AttentionView(open_attention(albert, SMALL), SMALL, out=tmp_path / "file" / "out")
    with pytest.raises(WriteError, match=r"out cannot be made: .*Name another folder with --out"):
        attention_of_pair("Who?", HERON, view)


def test_a_sample_of_a_run(albert: Path, questions: list[Question], tmp_path: Path) -> None:
    write_squad(tmp_path / "data" / "validation.json", questions)
    write_squad(tmp_path / "data" / "train.json", questions[:1])
    made = {"data": str(tmp_path / "data"), "model": str(albert), "cache": str(tmp_path / "cache")}
    settings = SMALL.model_copy(update=made)
    run = evaluate(settings, "validation", tmp_path / "run", lambda _: None)
    predictions = json.loads((run.folder / "predictions.json").read_text())
    found = attention_of_sample(run.folder, "marsh-2", Settings(threads=1), "1", "all")
    assert (found["id"], found["split"], found["title"]) == ("marsh-2", "validation", "Marsh")
    assert found["golds"] == ["the warden"]
    assert found["answer"] == predictions["marsh-2"]
    assert found["windows"] > 1  # of the run's length, not of the settings'
    for key in ("marsh-1", "marsh-2"):
        shown = attention_of_sample(run.folder, key, Settings(threads=1), "1", "1", tmp_path / "out")
        assert shown["files"] == {
            "heat map": str(tmp_path / "out" / f"{key}.png"),
            "page": str(tmp_path / "out" / f"{key}.html"),
        }
    with pytest.raises(RunError, match=r"has no question `marsh-9`\. Did you mean marsh-"):
        attention_of_sample(run.folder, "marsh-9", Settings())


def told(**changes: object) -> dict[str, object]:
    heads = [
        {"layer": 1, "head": 1, "question_to_answer": 0.02, "chance": 0.01},
        {"layer": 1, "head": 2, "question_to_answer": 0.5, "chance": 0.01},
    ]
    words = [
        {"word": "Who", "context_word": "Ione", "start": 0, "end": 4, "share": 0.25},
        {"word": "sa\u202eng", "context_word": "sang", "start": 5, "end": 9, "share": 0.125},
    ]
    found = {
        "question": " Who sang? ", "answer": "Ione", "probability": 0.75, "layers": [1], "heads": [1, 2], "window": 2,
        "windows": 3, "question_words": words, "main_attended": {"word": "Who", "share": 0.6}, "by_head": heads,
    }  # fmt: skip
    return found | changes


def test_lines() -> None:
    lines = attention_lines(told())
    assert lines[:4] == [
        "question: Who sang?",
        "answer: Ione (75.0%)",
        "window: 2 of 3",
        "mean over layers 1, heads 1, 2",
    ]
    assert [line.split() for line in lines[5:7]] == [
        ["question", "attends", "most", "to", "share"],
        ["Who", "Ione", "25.0%"],
    ]
    assert lines[7].startswith("sa[U+202E]ng ")  # what turns text around does nothing
    assert "main attended word: “Who”, with 60.0% of what the answer gives to the question" in lines
    assert [line.split() for line in lines[-2:]] == [["1", "2", "50.0%", "1.0%"], ["1", "1", "2.0%", "1.0%"]]


def test_lines_of_a_sample_without_an_answer() -> None:
    lines = attention_lines(told(golds=[], answer="", windows=1, by_head=[told()["by_head"][0]], heads=[1]))
    assert lines[:4] == ["question: Who sang?", "gold: no answer", "answer: no answer (75.0%)", "layer 1, head 1"]
    assert attention_lines(told(golds=["Ione", "Ione", "Var"]))[1] == "gold: Ione | Var"
    assert attention_lines(told(golds=None))[1].startswith("answer: ")
    assert attention_lines(told(files={"page": "out/attention.html"}))[-1] == "written: out/attention.html"
