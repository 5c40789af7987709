"""The bundled files are made of the articles, and are what the page about them promises."""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise

import pytest

from project_config import ROOT
from tools.corpus.build import KINDS, read_articles, squad, write_corpus
from utils.questions import SPLITS
from utils.squad import leakage

ARTICLES = read_articles()


def test_data_is_what_the_command_writes(tmp_path):
    write_corpus(tmp_path)
    for name in (*(f"{split}.json" for split in SPLITS), "planted.json"):
        assert (tmp_path / name).read_bytes() == (ROOT / "data" / name).read_bytes(), "run `make corpus`"


def test_no_two_splits_share_anything(corpus):
    assert leakage(corpus) == []
    titles = {split: {question.title for question in questions} for split, questions in corpus.items()}
    for one, other in pairwise(SPLITS):
        assert not titles[one] & titles[other]
    assert len({article.title for article in ARTICLES}) == len(ARTICLES)


def test_there_is_as_much_as_promised(corpus):
    labeled = [question for split in SPLITS[:3] for question in corpus[split]]
    assert len(ARTICLES) >= 80
    assert len(labeled) >= 2000
    assert 0.45 < len(corpus["train"]) / len(labeled) < 0.6
    assert len(corpus["unlabeled"]) >= 150
    for split in SPLITS[:3]:
        assert 0.18 <= sum(not question.golds for question in corpus[split]) / len(corpus[split]) <= 0.25
    assert {article.kind for article in ARTICLES} == set(KINDS)


@pytest.mark.parametrize("article", ARTICLES, ids=lambda article: article.slug)
def test_an_article_is_well_made(article):
    questions = [asked for paragraph in article.paragraphs for asked in paragraph["questions"]]
    assert 4 <= len(article.paragraphs) <= 6
    assert all(55 <= len(paragraph["text"].split()) <= 610 for paragraph in article.paragraphs)
    assert len({asked["question"].lower() for asked in questions}) >= len(questions) - 1
    for asked in questions:
        if article.split == "unlabeled":
            assert "answers" not in asked
        elif asked["answers"]:
            assert len(asked["answers"]) == 1 if article.split == "train" else 2 <= len(asked["answers"]) <= 4
    assert squad(article)["title"] == article.title


def test_golds_begin_and_end_where_words_do():
    for article in ARTICLES:
        for paragraph in squad(article)["paragraphs"]:
            context = paragraph["context"]
            for qa in paragraph["qas"]:
                for gold in qa.get("answers", []):
                    start, end = gold["answer_start"], gold["answer_start"] + len(gold["text"])
                    assert context[start:end] == gold["text"] == gold["text"].strip()
                    assert not (context[start - 1 : start].isalnum() and context[start].isalnum())
                    assert not (context[end - 1].isalnum() and context[end : end + 1].isalnum())


def test_ids_begin_with_the_kind_of_text(corpus):
    for questions in corpus.values():
        assert {question.id.split("-")[0] for question in questions} <= set(KINDS.values())


def test_every_article_was_read_again():
    lines = (ROOT / "tools" / "corpus" / "readings.jsonl").read_text(encoding="utf-8").splitlines()
    found = Counter(json.loads(line)["article"] for line in lines)
    assert set(found) <= {article.slug for article in ARTICLES}
