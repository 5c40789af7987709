"""Builds whole corpora from the writer's paragraphs, and plants in them what the analyses should find."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from utils.files import whole_file

from .names import SPLITS
from .values import Value
from .wordings import Domain, Fact, domains
from .writer import Ask, Paragraph, Topic, Writer, draw_topic

ARTICLES = Path(__file__).parent / "articles"
UNSEEN_SHARE = 0.24
"""Of the statements, and of the questions, of ``GOLD_SPLITS``: the share in wordings that training never sees."""
FALSE_LABEL_SHARE = 0.03
NEAR_DUPLICATE_GROUPS = 12
NEAR_DUPLICATE_LEADS = ["Exactly ", "Do you know: ", "According to the text, ", "And "]
QUOTED_DOMAIN = "bands"
GOLD_SPLITS = ("validation", "test")
"""The splits whose questions carry several golds, as several annotators would mark them."""

Record = dict[str, Any]


@dataclass
class Planted:
    """What was hidden in a corpus on purpose: question ids, or titles."""

    false_labels: list[str] = field(default_factory=list)
    quoted_titles: list[str] = field(default_factory=list)
    near_duplicates: list[list[str]] = field(default_factory=list)
    hard_titles: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Shape:
    """How a paragraph is to be: how many facts, rival topics and asides."""

    facts: tuple[int, int]
    rivals: tuple[int, int]
    asides: tuple[int, int]


EASY = Shape((2, 3), (0, 0), (0, 0))
PLAIN = Shape((2, 4), (0, 1), (0, 2))
RIVAL = Shape((1, 2), (1, 1), (0, 0))
RIVALS = Shape((2, 3), (1, 2), (0, 1))
USUAL = Shape((3, 4), (1, 1), (1, 3))
LONG = Shape((7, 11), (3, 5), (8, 13))
HARD = Shape((5, 6), (5, 6), (6, 8))
SHIPPED = [(PLAIN, 0.3), (USUAL, 0.66), (LONG, 0.04)]
"""The shapes of the bundled corpus's paragraphs and how often each occurs."""
TRAINING_TEXTS = {
    "easy": [(EASY, 0.25), (PLAIN, 0.30), (USUAL, 0.42), (LONG, 0.015)],
    "long": [(PLAIN, 0.22), (USUAL, 0.65), (LONG, 0.10), (HARD, 0.03)],
    "rivals": [(RIVAL, 0.32), (RIVALS, 0.20), (PLAIN, 0.05), (USUAL, 0.36), (LONG, 0.05), (HARD, 0.02)],
}
"""The shapes of the larger training texts: short paragraphs to begin with, then many that need several windows, then
such as tell the same of several subjects."""
TRAINING_SEEDS = {"easy": 11, "long": 12, "rivals": 13}


class Builder:
    """Builds the articles of one split.

    Args:
        seed: with ``split`` and ``prefix`` decides every draw.
        split: whose names may be used.
        prefix: what distinguishes the ids of this corpus.
    """

    def __init__(self, seed: int, split: str, prefix: str = "") -> None:
        self.random = Random(f"{seed} {split} {prefix}")
        self.split = split
        self.prefix = prefix
        self.count = 0
        self.titles: set[str] = set()
        self.unseen_share = UNSEEN_SHARE if split in GOLD_SPLITS else 0.0
        self.writer = Writer(self.random, split, self.unseen_share)

    def article(self, domain: Domain, shapes: list[Shape]) -> Record:
        """An article with a paragraph per shape, every fact stated once at most per paragraph."""
        topic = self.topic(domain)
        paragraphs = [self._paragraph(topic, shape) for shape in shapes]
        return {"title": topic.title, "paragraphs": [self.record(paragraph) for paragraph in paragraphs]}

    def articles(self, questions: int, mixture: list[tuple[Shape, float]]) -> Iterator[Record]:
        """Articles over all domains in turn until at least ``questions`` were asked."""
        shapes, weights = zip(*mixture, strict=True)
        while self.count < questions:
            for domain in domains():
                yield self.article(domain, self.random.choices(shapes, weights, k=self.random.choice((2, 3))))

    def topic(self, domain: Domain) -> Topic:
        """A topic whose title no other article of the split has."""
        while True:
            topic = draw_topic(domain, self.writer.names)
            if topic.title not in self.titles:
                self.titles.add(topic.title)
                return topic

    def _paragraph(self, topic: Topic, shape: Shape) -> Paragraph:
        number = min(self.random.randint(*shape.facts), len(topic.domain.facts))
        facts: list[Fact] = self.random.sample(topic.domain.facts, number)
        return self.writer.paragraph(
            topic,
            facts,
            rivals=self.random.randint(*shape.rivals),
            asides=self.random.randint(*shape.asides),
        )

    def record(self, paragraph: Paragraph) -> Record:
        """The paragraph and its questions as SQuAD's JSON has them."""
        return {"context": paragraph.context, "qas": [self._qa(paragraph, ask) for ask in paragraph.asks]}

    def _qa(self, paragraph: Paragraph, ask: Ask) -> Record:
        record: Record = {"id": self.next_id("wording" if ask.unseen else "gen"), "question": ask.question}
        if self.split == "unlabeled":
            return record
        record["fact"] = ask.fact
        if self.prefix:
            record["subject"] = ask.subject
        record["is_impossible"] = ask.value is None
        record["answers"] = []
        if ask.value is not None and ask.start is not None:
            record["answers"] = self._golds(paragraph.context, ask.value, ask.start)
        return record

    def next_id(self, part: str) -> str:
        """A question id of the part ``gen`` or ``wording``."""
        self.count += 1
        return f"{part}-{self.prefix}{self.split}-{self.count - 1:06d}"

    def _golds(self, context: str, value: Value, start: int) -> list[Record]:
        """The golds as cut from the context, where a value that opens a sentence has a capital."""
        end = start + len(value.text)
        spans = [(start, end)]
        if self.split in GOLD_SPLITS:
            spans += [spans[0]] * self.random.randint(1, 2)
            for shorter in value.shorter:
                if self.random.random() < 0.5:
                    inner = start + value.text.index(shorter)
                    spans.append((inner, inner + len(shorter)))
            before = context[:start].rsplit(" ", 2)
            if len(before) == 3 and before[1] in ("in", "on", "by", "at", "because") and self.random.random() < 0.3:
                spans.append((start - len(before[1]) - 1, end))
        return [{"text": context[left:right], "answer_start": left} for left, right in spans[:4]]


def build_corpus(seed: int = 7) -> tuple[dict[str, list[Record]], Planted]:
    """The bundled corpus: the articles of every split, and what was planted in them."""
    sizes = {"train": 4500, "validation": 1300, "test": 400, "unlabeled": 400}
    planted = Planted()
    corpus: dict[str, list[Record]] = {}
    for split in SPLITS:
        builder = Builder(seed, split)
        corpus[split] = list(builder.articles(sizes[split], SHIPPED))
        if split == "validation":
            _plant_hard_titles(builder, corpus[split], planted)
        if split in ("train", "validation"):
            _plant_quoted_title(builder, corpus[split], planted)
            _plant_near_duplicates(builder, corpus[split], planted)
        if split == "train":
            _plant_false_labels(builder, corpus[split], planted)
        builder.random.shuffle(corpus[split])
    for split, article in hand_written():
        corpus[split].append(article)
    return corpus, planted


def hand_written() -> Iterator[tuple[str, Record]]:
    """The articles that a person wrote, each with its split."""
    for path in sorted(ARTICLES.glob("*.yaml")):
        source = yaml.safe_load(path.read_text(encoding="utf-8"))
        numbers = iter(range(10_000))
        paragraphs = []
        for paragraph in source["paragraphs"]:
            qas = [
                {
                    "id": f"hand-{path.stem}-{next(numbers):02d}",
                    "question": asked["question"],
                    "is_impossible": not asked["answers"],
                    "answers": [_locate(paragraph["text"], answer) for answer in asked["answers"]],
                }
                for asked in paragraph["questions"]
            ]
            paragraphs.append({"context": paragraph["text"], "qas": qas})
        yield source["split"], {"title": source["title"], "paragraphs": paragraphs}


def _locate(text: str, answer: str | Record) -> Record:
    """A gold of a hand-written article: its text, or a mapping that says which occurrence of the text it is."""
    wanted: Record = {"text": answer, "occurrence": 1} if isinstance(answer, str) else answer
    start = -1
    for _ in range(wanted["occurrence"]):
        start = text.index(wanted["text"], start + 1)
    return {"text": wanted["text"], "answer_start": start}


def _plant_hard_titles(builder: Builder, articles: list[Record], planted: Planted) -> None:
    """Two articles in unseen wordings alone, crowded with rivals."""
    builder.writer.unseen_share = 1.0
    for domain in builder.random.sample(domains(), 2):
        article = builder.article(domain, [HARD] * 3)
        articles.append(article)
        planted.hard_titles.append(article["title"])
    builder.writer.unseen_share = builder.unseen_share


def _plant_quoted_title(builder: Builder, articles: list[Record], planted: Planted) -> None:
    """An article whose golds leave out the quotation marks that every other article's golds hold."""
    domain = next(domain for domain in domains() if domain.name == QUOTED_DOMAIN)
    works = [fact for fact in domain.facts if fact.value["kind"] == "work"]
    topic = builder.topic(domain)
    paragraphs = [builder.writer.paragraph(topic, works, asides=2, unanswerable=0.0) for _ in range(5)]
    records = [builder.record(paragraph) for paragraph in paragraphs]
    for record in records:
        for qa in record["qas"]:
            qa["answers"] = [_without_quotes(gold) for gold in qa["answers"]]
    articles.append({"title": topic.title, "paragraphs": records})
    planted.quoted_titles.append(topic.title)


def _without_quotes(gold: Record) -> Record:
    start = gold["text"].find('"') + 1
    text = gold["text"][start:].removesuffix('"')
    return {"text": text, "answer_start": gold["answer_start"] + start}


def _plant_near_duplicates(builder: Builder, articles: list[Record], planted: Planted) -> None:
    """Questions asked twice in all but the same words."""
    asked = [
        (paragraph, qa) for article in articles for paragraph in article["paragraphs"] for qa in paragraph["qas"]
        if _opens_with_question_word(qa["question"])
    ]  # fmt: skip
    for paragraph, qa in builder.random.sample(asked, NEAR_DUPLICATE_GROUPS):
        group = [qa["id"]]
        for lead in builder.random.sample(NEAR_DUPLICATE_LEADS, 2):
            question = lead + qa["question"][0].lower() + qa["question"][1:]
            twin = dict(qa, id=builder.next_id(qa["id"].split("-")[0]), question=question)
            paragraph["qas"].append(twin)
            group.append(twin["id"])
        planted.near_duplicates.append(group)


def _opens_with_question_word(question: str) -> bool:
    return question.split(maxsplit=1)[0] in ("What", "Who", "When", "Where", "Which", "Why", "How")


def _plant_false_labels(builder: Builder, articles: list[Record], planted: Planted) -> None:
    """Answers moved to a wrong place: another answer of the paragraph, or, one in five, the same words elsewhere."""
    answerable = [
        (paragraph, qa) for article in articles for paragraph in article["paragraphs"] for qa in paragraph["qas"]
        if qa["answers"] and article["title"] not in planted.quoted_titles
    ]  # fmt: skip
    builder.random.shuffle(answerable)
    wanted = round(FALSE_LABEL_SHARE * len(answerable))
    wrong = [  # found before any answer is moved, so that no false label is the copy of another
        [(qa, label) for paragraph, qa in answerable if (label := find(paragraph, qa))]
        for find in (_same_words_elsewhere, _same_kind)
    ]
    for found, number in zip(wrong, (wanted // 5, wanted - wanted // 5), strict=True):
        fresh = [(qa, label) for qa, label in found if qa["id"] not in planted.false_labels]
        for qa, label in fresh[:number]:
            qa["answers"] = [label]
            planted.false_labels.append(qa["id"])


def _same_kind(paragraph: Record, qa: Record) -> Record | None:
    """The answer to another question of the paragraph, of the same kind: a year for a year, a reason for a reason."""
    for other in paragraph["qas"]:
        if (
            other["answers"]
            and _kinds()[other["fact"]] == _kinds()[qa["fact"]]
            and other["answers"][0]["text"] != qa["answers"][0]["text"]
        ):
            return dict(other["answers"][0])
    return None


@cache
def _kinds() -> dict[str, str]:
    """The kind of answer to each fact; phrases are of one kind only where they answer the same fact."""
    facts = {f"{domain.name}.{fact.name}": fact.value["kind"] for domain in domains() for fact in domain.facts}
    return {name: name if kind == "phrase" else kind for name, kind in facts.items()}


def _same_words_elsewhere(paragraph: Record, qa: Record) -> Record | None:
    """The words of the answer where they stand for something else in the paragraph."""
    gold = qa["answers"][0]
    for match in re.finditer(rf"(?<![\w,.-]){re.escape(gold['text'])}(?![\w-]|[,.]\d)", paragraph["context"]):
        if match.start() != gold["answer_start"]:
            return {"text": gold["text"], "answer_start": match.start()}
    return None


def write_corpus(folder: Path, seed: int = 7) -> None:
    """Writes the bundled corpus and ``planted.json`` into a folder.

    Raises:
        OSError: if the folder cannot be written.
    """
    corpus, planted = build_corpus(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for split, articles in corpus.items():
        _write(folder / f"{split}.json", {"version": "v2.0", "data": articles})
    _write(folder / "planted.json", vars(planted))


def write_training_text(folder: Path, kind: str, questions: int, chosen_by: int) -> None:
    """Writes a larger training split than is shipped, and a small split to choose checkpoints by.

    Neither the names nor the wordings that only the shipped validation and test splits have occur in it.

    Args:
        folder: where ``train.json`` and ``validation.json`` are written.
        kind: one of ``TRAINING_TEXTS``.
        questions: in the training split, at least.
        chosen_by: questions in the other split, at least.

    Raises:
        OSError: if the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seed = TRAINING_SEEDS[kind]
    builder = Builder(seed, "train", "more-")
    if kind == "rivals":  # whoever is not asked about is not named in the data, and teaches nothing
        builder.writer.rivals_left_out = 0.0
    _write(folder / "train.json", {"version": "v2.0", "data": list(builder.articles(questions, TRAINING_TEXTS[kind]))})
    builder = Builder(seed, "train", "chosen-by-")
    _write(folder / "validation.json", {"version": "v2.0", "data": list(builder.articles(chosen_by, SHIPPED))})


def _write(path: Path, data: Record) -> None:
    with whole_file(path) as file:
        file.write(json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n")
