"""Makes the files of ``data/`` from the articles, with the defects that are planted in them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tools.plant import Defects, Planted, plant, write_json
from utils.questions import SPLITS

ARTICLES = Path(__file__).parent / "articles"

DEFECTS = {
    "train": Defects(false_labels=0.03, unquoted_titles=1, near_duplicates=12),
    "validation": Defects(unquoted_titles=1, near_duplicates=12, hard_titles=2),
    "test": Defects(),
    "unlabeled": Defects(),
}
"""What is planted in each split."""

KINDS = {
    "encyclopaedia": "article",
    "news report": "news",
    "biography": "biography",
    "product manual": "manual",
    "travel guide": "guide",
    "minutes of a meeting": "minutes",
    "letter": "letter",
    "lab report": "lab",
    "match report": "match",
    "recipe": "recipe",
    "legal notice": "legal",
    "interview": "interview",
}
"""The kinds of text, and what the ids of questions about them begin with."""

Record = dict[str, Any]


class Article(NamedTuple):
    """An article as it was written."""

    slug: str  # the name of its file
    title: str
    kind: str
    split: str
    paragraphs: list[Record]  # text, and questions with their answers


def read_articles(folder: Path = ARTICLES) -> list[Article]:
    """The articles of a folder, by their files' names."""
    return [
        Article(path.stem, **yaml.safe_load(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.yaml"))
    ]


def squad(article: Article) -> Record:
    """An article as SQuAD 2.0 has it.

    >>> asked = [{"question": "Who fell?", "answers": ["Ann", {"text": "Ann", "occurrence": 2}]}]
    >>> squad(Article("a-mill", "Mill", "letter", "train", [{"text": "Ann and Ann fell.", "questions": asked}]))
    ... # doctest: +NORMALIZE_WHITESPACE
    {'title': 'Mill', 'paragraphs': [{'context': 'Ann and Ann fell.', 'qas': [{'id': 'letter-a-mill-00',
     'question': 'Who fell?', 'is_impossible': False,
     'answers': [{'text': 'Ann', 'answer_start': 0}, {'text': 'Ann', 'answer_start': 8}]}]}]}
    """
    paragraphs = []
    count = 0
    for paragraph in article.paragraphs:
        context, qas = paragraph["text"].strip(), []
        for asked in paragraph["questions"]:
            qa: Record = {"id": f"{KINDS[article.kind]}-{article.slug}-{count:02d}", "question": asked["question"]}
            if "answers" in asked:
                qa["is_impossible"] = not asked["answers"]
                qa["answers"] = [_located(context, answer) for answer in asked["answers"]]
            qas.append(qa)
            count += 1
        paragraphs.append({"context": context, "qas": qas})
    return {"title": article.title, "paragraphs": paragraphs}


def _located(context: str, answer: str | Record) -> Record:
    """A gold: its text, or a mapping that says which occurrence of the text it is."""
    wanted: Record = {"text": answer} if isinstance(answer, str) else answer
    start = -1
    for _ in range(wanted.get("occurrence", 1)):
        start = context.index(wanted["text"], start + 1)
    return {"text": wanted["text"], "answer_start": start}


def build_corpus(articles: Iterable[Article], seed: int) -> tuple[dict[str, list[Record]], Planted]:
    """The articles by split, with what is planted in them."""
    corpus: dict[str, list[Record]] = {split: [] for split in SPLITS}
    for article in articles:
        corpus[article.split].append(squad(article))
    planted = Planted()
    for split, written in corpus.items():
        for name, found in vars(plant(written, DEFECTS[split], seed)).items():
            getattr(planted, name).extend(found)
    return corpus, planted


def write_corpus(folder: Path, seed: int = 7) -> None:
    """Writes the corpus and ``planted.json`` into a folder; the seed decides what is planted where.

    Raises:
        OSError: if the folder cannot be made.
        WriteError: if a file cannot be written.
    """
    corpus, planted = build_corpus(read_articles(), seed)
    folder.mkdir(parents=True, exist_ok=True)
    for split, articles in corpus.items():
        write_json(folder / f"{split}.json", {"version": "v2.0", "data": articles})
    write_json(folder / "planted.json", vars(planted))
