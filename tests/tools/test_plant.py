"""Defects are planted where the data has a place for them, told in the list, and nowhere else."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project_config import ROOT
from tools.plant import Defects, main, plant
from utils.squad import load_file

Record = dict[str, Any]
ALL = Defects(false_labels=0.1, unquoted_titles=1, near_duplicates=5, hard_titles=2)


def articles() -> list[Record]:
    data: list[Record] = json.loads((ROOT / "data" / "test.json").read_text(encoding="utf-8"))["data"]
    return data


def asked(articles: list[Record]) -> Iterator[tuple[Record, Record, Record]]:
    for article in articles:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                yield article, paragraph, qa


@pytest.fixture(scope="module")
def planted() -> tuple[list[Record], list[Record], Any]:
    before, after = articles(), articles()
    return before, after, plant(after, ALL, seed=7)


def test_what_is_not_listed_is_untouched(planted):
    before, after, listed = planted
    touched = {*listed.false_labels, *(key for group in listed.near_duplicates for key in group[1:])}
    old = {qa["id"]: qa for _, _, qa in asked(before)}
    for article, _, qa in asked(after):
        if qa["id"] in touched or article["title"] in [*listed.quoted_titles, *listed.hard_titles]:
            continue
        assert qa == old[qa["id"]]


def test_false_labels_are_wrong_and_as_many_as_asked_for(planted):
    before, after, listed = planted
    old = {qa["id"]: qa for _, _, qa in asked(before)}
    answerable = sum(bool(qa["answers"]) for _, _, qa in asked(after))
    assert len(listed.false_labels) == round(0.1 * answerable)
    for _, paragraph, qa in asked(after):
        if qa["id"] in listed.false_labels:
            [label] = qa["answers"]
            end = label["answer_start"] + len(label["text"])
            assert paragraph["context"][label["answer_start"] : end] == label["text"]
            for gold in old[qa["id"]]["answers"]:
                assert end <= gold["answer_start"] or gold["answer_start"] + len(gold["text"]) <= label["answer_start"]


def test_an_article_loses_its_marks(planted):
    before, after, listed = planted
    [title] = listed.quoted_titles
    golds = [
        [gold["text"] for article, _, qa in asked(some) if article["title"] == title for gold in qa["answers"]]
        for some in (before, after)
    ]
    assert sum(text.startswith('"') for text in golds[0]) >= 4
    assert not any('"' in (text[0], text[-1]) for text in golds[1])


def test_hard_titles_are_misspelt(planted):
    before, after, listed = planted
    assert len(set(listed.hard_titles)) == 2
    old = {qa["id"]: qa["question"] for _, _, qa in asked(before)}
    hard = [qa for article, _, qa in asked(after) if article["title"] in listed.hard_titles]
    slips = [old[qa["id"]] != qa["question"] for qa in hard if qa["id"] in old]
    assert sum(slips) / len(slips) > 0.9


def test_groups_ask_the_same_in_other_words(planted):
    _, after, listed = planted
    questions = {qa["id"]: (paragraph["context"], qa) for _, paragraph, qa in asked(after)}
    assert len(listed.near_duplicates) == 5
    for group in listed.near_duplicates:
        assert len(group) == 3
        texts = {questions[key][1]["question"].lower()[-20:] for key in group}
        assert len(texts) == len({questions[key][0] for key in group}) == 1
        assert len({questions[key][1]["question"] for key in group}) == 3


def test_seeds_decide():
    first, same, other = articles(), articles(), articles()
    assert plant(first, ALL, 7) == plant(same, ALL, 7)
    assert first == same
    assert plant(other, ALL, 8) != plant(copy.deepcopy(first), ALL, 7)


WORDS = st.lists(st.sampled_from(["Ann", '"Oh"', "fell", "1874", "a", "mill,"]), min_size=1, max_size=6)


@given(st.lists(WORDS, max_size=5), st.integers(0, 9))
def test_little_data_has_little_place(texts, seed):
    data = []
    for number, words in enumerate(texts):
        qa = {"id": f"q{number}", "question": f"What {words[-1]}?", "is_impossible": False,
              "answers": [{"text": words[0], "answer_start": 0}]}  # fmt: skip
        data.append({"title": f"T{number}", "paragraphs": [{"context": " ".join(words), "qas": [qa]}]})
    plant(data, Defects(0.5, 1, 3, 2), seed)
    for _, paragraph, qa in asked(data):
        for gold in qa["answers"]:
            assert paragraph["context"][gold["answer_start"] :].startswith(gold["text"])


def test_the_command_writes_a_file_that_can_be_read(tmp_path: Path, capsys):
    out, listed = tmp_path / "out.json", tmp_path / "planted.json"
    main([str(ROOT / "data" / "test.json"), "--out", str(out), "--planted", str(listed), "--hard-titles", "1"])
    found = json.loads(listed.read_text())
    assert len(found["hard_titles"]) == 1
    assert len(load_file(out)) == len(load_file(ROOT / "data" / "test.json")) + 2 * len(found["near_duplicates"])
    assert '"near_duplicates": 12' in capsys.readouterr().err


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as ended:
        main([str(tmp_path / "no.json"), "--out", str(tmp_path / "out.json"), "--planted", str(tmp_path / "p.json")])
    assert ended.value.code == 2
    assert "no.json" in capsys.readouterr().err
    assert not (tmp_path / "out.json").exists()
