from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from squad_albert.explore.verdicts import Verdict, VerdictError, save_verdicts
from squad_albert.relabel import Relabeled, relabel, relabel_lines
from utils.squad import DataError, load_file

TARN = "The Heron was built in Tarn. She was sold in Tarn in 1871."
ULM = "Nothing is known of Ulm."


def qa(key: str, question: str, answers: list[tuple[str, int]], **other: Any) -> dict[str, Any]:
    return {"id": key, "question": question, "answers": [{"text": t, "answer_start": s} for t, s in answers], **other}


@pytest.fixture
def document() -> dict[str, Any]:
    built = qa("built", "Where was she built?", [("Tarn", 45), ("in Tarn", 42)], is_impossible=False, fact="ship.place")
    sold = qa("sold", "When was she sold?", [("1871", 53)], is_impossible=False)
    who = qa("who", "Who built her?", [], is_impossible=True, plausible_answers=[{"text": "Tarn", "answer_start": 23}])
    known = qa("known", "What is known?", [("Nothing", 0)], is_impossible=False)
    return {
        "version": "v2.0",
        "data": [
            {"title": "Heron", "paragraphs": [{"context": TARN, "qas": [built, sold, who]}]},
            {"title": "Ulm", "paragraphs": [{"context": ULM, "qas": [known], "source": "é"}]},
        ],
    }


@pytest.fixture
def data(tmp_path: Path, document: dict[str, Any]) -> Path:
    path = tmp_path / "train.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def apply(data: Path, *verdicts: Verdict) -> tuple[Relabeled, dict[str, Any]]:
    path, out = data.with_name("verdicts.csv"), data.with_name("out.json")
    path.unlink(missing_ok=True)
    save_verdicts(path, verdicts)
    result = relabel(data, path, out, lambda warnings: None)
    return result, json.loads(out.read_text(encoding="utf-8"))


def test_verdicts_are_applied_and_all_else_stays(data: Path, document: dict[str, Any]):
    before = data.read_bytes()
    result, written = apply(
        data,
        Verdict("built", "fix", "Tarn", 23),
        Verdict("sold", "drop"),
        Verdict("known", "keep"),
        Verdict("other", "drop"),
    )
    qas = document["data"][0]["paragraphs"][0]["qas"]
    qas[0]["answers"] = [{"text": "Tarn", "answer_start": 23}]
    del qas[1]
    assert written == document
    assert data.read_bytes() == before
    assert result == Relabeled(data.with_name("out.json"), 4, kept=1, fixed=1, dropped=1, elsewhere=1)
    assert result.undecided == 1 and result.as_dict()["undecided"] == 1
    assert relabel_lines(result) == [
        "4 questions: 1 fixed, 1 dropped, 1 kept by verdict, 1 without a verdict, which stay as they are.",
        "1 verdicts are on questions that the file does not have.",
        f"The relabeled file is {result.out}.",
    ]


def test_a_question_gets_and_loses_its_answer(data: Path):
    _, written = apply(data, Verdict("who", "fix", "Heron"), Verdict("sold", "fix", ""))
    built, sold, who = written["data"][0]["paragraphs"][0]["qas"]
    assert who == qa("who", "Who built her?", [("Heron", 4)], is_impossible=False)
    assert sold == qa("sold", "When was she sold?", [], is_impossible=True)
    assert built["is_impossible"] is False
    questions = {question.id: question for question in load_file(data.with_name("out.json"))}
    assert not questions["sold"].answerable and questions["who"].answerable


def test_a_file_of_squad_1_stays_one(tmp_path: Path):
    data = tmp_path / "train.json"
    paragraph = {"context": TARN, "qas": [qa("a", "Where?", [("Tarn", 23)]), qa("b", "When?", [("1871", 53)])]}
    data.write_text(json.dumps({"data": [{"title": "Heron", "paragraphs": [paragraph]}]}))
    _, written = apply(data, Verdict("a", "fix", "Heron"))
    assert written["data"][0]["paragraphs"][0]["qas"][0] == qa("a", "Where?", [("Heron", 4)])


def test_a_paragraph_and_an_article_without_questions_go(data: Path):
    result, written = apply(data, Verdict("known", "drop"))
    assert [article["title"] for article in written["data"]] == ["Heron"]
    assert result.dropped == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_ids_that_are_numbers_and_texts_that_are_not_read(tmp_path: Path, encoding: str):
    data = tmp_path / "train.json"
    numbered = [{**qa("", "Where?", [("Tarn", 23)]), "id": 7, "remark": "é\ud83d"}, qa("8", "When?", [("1871", 53)])]
    document = {"data": [{"paragraphs": [{"context": TARN, "qas": numbered}]}]}
    data.write_text(json.dumps(document), encoding=encoding)
    result, written = apply(data, Verdict("7", "fix", "Heron"), Verdict("8", "drop"))
    assert (result.fixed, result.dropped) == (1, 1)
    fixed = {**numbered[0], "answers": [{"text": "Heron", "answer_start": 4}]}
    assert written == {"data": [{"paragraphs": [{"context": TARN, "qas": [fixed]}]}]}


@pytest.mark.parametrize("around", [lambda row: [row], lambda row: {"data": [row]}, lambda row: row])
def test_rows_are_not_written_back(tmp_path: Path, around: Any):
    data = tmp_path / "train.json"
    data.write_text(json.dumps(around({**qa("a", "Where?", [("Tarn", 23)]), "context": TARN})))
    with pytest.raises(VerdictError, match="holds rows"):
        apply(data, Verdict("a", "drop"))


@pytest.mark.parametrize(
    ("verdict", "message"),
    [
        (Verdict("built", "fix", "Tarn"), "built: the context holds 'Tarn' 2 times; write the right one of 23, 45"),
        (Verdict("built", "fix", "Tarn", 24), "built: the context holds 'Tarn' at 23, 45, not at 24"),
        (Verdict("built", "fix", "tarn"), "built: the context does not hold 'tarn'"),
        (Verdict("bulit", "drop"), "has none of the questions that .* the nearest id in it is built"),
    ],
)
def test_verdicts_that_do_not_fit_are_named(data: Path, verdict: Verdict, message: str):
    with pytest.raises(VerdictError, match=message):
        apply(data, verdict)
    assert not data.with_name("out.json").exists()


def test_all_verdicts_that_do_not_fit_are_named_at_once(data: Path):
    with pytest.raises(VerdictError, match=r"(?s)built: .*sold: "):
        apply(data, Verdict("built", "fix", "Ulm"), Verdict("sold", "fix", "Ulm"))


def test_no_question_left_and_no_verdict_are_errors(data: Path):
    with pytest.raises(VerdictError, match="drops every question"):
        apply(data, *(Verdict(key, "drop") for key in ("built", "sold", "who", "known")))
    with pytest.raises(VerdictError, match="decides on no question yet"):
        apply(data)


@pytest.mark.parametrize("link", [lambda old, new: None, Path.symlink_to, Path.hardlink_to])
def test_the_original_is_never_the_output(data: Path, link: Any):
    verdicts = data.with_name("verdicts.csv")
    save_verdicts(verdicts, [Verdict("sold", "drop")])
    out = data.with_name("alias.json")
    if link(out, data) is None and not out.exists():
        out = Path(os.path.relpath(data))
    before = data.read_bytes()
    with pytest.raises(VerdictError, match="the file of the data, which stays as it is"):
        relabel(data, verdicts, out, lambda warnings: None)
    with pytest.raises(VerdictError, match="the file of the verdicts"):
        relabel(data, verdicts, verdicts, lambda warnings: None)
    assert data.read_bytes() == before


def test_bad_data_is_an_error(data: Path, tmp_path: Path):
    verdicts = tmp_path / "verdicts.csv"
    save_verdicts(verdicts, [Verdict("sold", "drop")])
    data.write_text(data.read_text().replace('"answer_start": 53', '"answer_start": 3'))
    with pytest.raises(DataError, match="sold"):
        relabel(data, verdicts, tmp_path / "out.json", lambda warnings: None)
    with pytest.raises(VerdictError, match="no JSON file"):
        relabel(tmp_path / "train.parquet", verdicts, tmp_path / "out.json", lambda warnings: None)
    with pytest.raises(DataError, match="cannot be read"):
        relabel(tmp_path / "absent.json", verdicts, tmp_path / "out.json", lambda warnings: None)


def test_warnings_about_the_data_are_passed_on(data: Path, tmp_path: Path):
    verdicts = tmp_path / "verdicts.csv"
    save_verdicts(verdicts, [Verdict("built", "keep")])
    data.write_text(data.read_text().replace('"text": "Tarn", "answer_start": 45', '"text": "Tar", "answer_start": 45'))
    warnings: list[str] = []
    relabel(data, verdicts, tmp_path / "out.json", warnings.extend)
    assert any("part of a word" in warning for warning in warnings)
