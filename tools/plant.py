"""Plants defects in SQuAD data, so that what finds them can be measured: ``python -m tools.plant``.

- *false labels*: the answer moves to a wrong place; half of them to a value of the same kind, the others to any other
  answer of the paragraph or to the same words where they mean something else;
- *unquoted title*: in the article with the most answers in quotation marks, the golds lose these marks;
- *near-duplicates*: a question is asked three times in all but the same words;
- *hard titles*: the questions of an article are full of slips of the keyboard.

Draws depend on the seed alone.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from project_config import ProjectError
from utils.answer_types import answer_type, is_quoted
from utils.files import whole_file
from utils.squad import load_file
from utils.words import WORD

LEADS = ("Exactly ", "Do you know: ", "According to the text, ", "And ")
QUESTION_WORDS = ("What", "Who", "When", "Where", "Which", "Why", "How")
MARKS = '"“”'
FEWEST_QUOTED = 4
"""An article must have as many quoted answers to lose their marks."""

SLIP_SHARE = 0.8
"""The share of the longer words of a hard title's questions that are misspelt."""

LONGEST_WORDS = 4
"""Words of more letters than this are misspelt."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Defects:
    """How much is planted in a file."""

    false_labels: float = 0.0  # share of the answerable questions
    unquoted_titles: int = 0
    near_duplicates: int = 0  # groups of three
    hard_titles: int = 0


@dataclass
class Planted:
    """What was planted: question ids, or titles."""

    false_labels: list[str] = field(default_factory=list)
    quoted_titles: list[str] = field(default_factory=list)
    near_duplicates: list[list[str]] = field(default_factory=list)
    hard_titles: list[str] = field(default_factory=list)


def plant(articles: list[Record], defects: Defects, seed: int) -> Planted:
    """Plants defects in the articles of a file of SQuAD JSON, which are changed in place.

    Args:
        articles: what stands under ``data``.
        defects: how many.
        seed: decides where.

    Returns:
        What was planted: less than was asked for where the data has no place for it.

    Example:
        >>> qa = {"id": "q1", "question": "Who sang?", "answers": [{"text": '"Oh"', "answer_start": 0}]}
        >>> articles = [{"title": "Songs", "paragraphs": [{"context": '"Oh" was sung.', "qas": [qa] * 4}]}]
        >>> plant(articles, Defects(unquoted_titles=1), seed=7).quoted_titles, qa["answers"][0]["text"]
        (['Songs'], 'Oh')
    """
    planted = Planted()
    random = Random(f"{seed} {len(articles)} planted")
    _lose_marks(articles, defects.unquoted_titles, planted)
    _misspell(articles, defects.hard_titles, planted, random)
    _repeat(articles, defects.near_duplicates, planted, random)
    _mislabel(articles, defects.false_labels, planted, random)
    return planted


def _asked(articles: Sequence[Record]) -> Iterator[tuple[Record, Record, Record]]:
    """Every article, paragraph and question."""
    for article in articles:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                yield article, paragraph, qa


def _lose_marks(articles: list[Record], count: int, planted: Planted) -> None:
    quoted = {id(article): sum(_marked(qa) for _, _, qa in _asked([article])) for article in articles}
    for article in sorted(articles, key=lambda article: -quoted[id(article)])[:count]:
        if quoted[id(article)] < FEWEST_QUOTED:
            return
        for _, _, qa in _asked([article]):
            qa["answers"] = [_unmarked(gold) for gold in qa["answers"]]
        planted.quoted_titles.append(article["title"])


def _marked(qa: Record) -> bool:
    return any(gold["text"][0] in MARKS and gold["text"][-1] in MARKS for gold in qa.get("answers") or [])


def _unmarked(gold: Record) -> Record:
    text = gold["text"].lstrip(MARKS)
    start = gold["answer_start"] + len(gold["text"]) - len(text)
    return {"text": text.rstrip(MARKS), "answer_start": start}


def _misspell(articles: list[Record], count: int, planted: Planted, random: Random) -> None:
    free = [article for article in articles if article["title"] not in planted.quoted_titles]
    for article in random.sample(free, min(count, len(free))):
        for _, _, qa in _asked([article]):
            qa["question"] = WORD.sub(lambda match: _slip(match.group(), random), qa["question"])
        planted.hard_titles.append(article["title"])


def _slip(word: str, random: Random) -> str:
    """The word with two letters swapped, one doubled or one left out, its first one apart."""
    if len(word) <= LONGEST_WORDS or random.random() > SLIP_SHARE:
        return word
    at = random.randrange(1, len(word) - 1)
    return random.choice(
        (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1 :],
        )
    )


def _repeat(articles: list[Record], count: int, planted: Planted, random: Random) -> None:
    asked = [
        (paragraph, qa)
        for article, paragraph, qa in _asked(articles)
        if qa["question"].split(maxsplit=1)[0] in QUESTION_WORDS and article["title"] not in planted.hard_titles
    ]
    for paragraph, qa in random.sample(asked, min(count, len(asked))):
        group = [qa["id"]]
        for number, lead in enumerate(random.sample(LEADS, 2), 1):
            question = lead + qa["question"][0].lower() + qa["question"][1:]
            twin = dict(qa, id=f"{qa['id']}-again-{number}", question=question)
            paragraph["qas"].append(twin)
            group.append(twin["id"])
        planted.near_duplicates.append(group)


def _mislabel(articles: list[Record], share: float, planted: Planted, random: Random) -> None:
    repeated = {key for group in planted.near_duplicates for key in group}
    answerable = [
        (paragraph, qa)
        for article, paragraph, qa in _asked(articles)
        if qa.get("answers") and qa["id"] not in repeated and article["title"] not in planted.quoted_titles
    ]
    random.shuffle(answerable)
    total = sum(bool(qa.get("answers")) for _, _, qa in _asked(articles))
    wanted = round(share * total)
    labels = [  # found before any answer moves, so that no false label is the copy of another
        [(qa, found) for paragraph, qa in answerable if (found := find(paragraph, qa, random))]
        for find in (_of_same_kind, _anywhere)
    ]
    for candidates, number in zip(labels, (wanted - wanted // 2, wanted // 2), strict=True):
        fresh = [(qa, label) for qa, label in candidates if qa["id"] not in planted.false_labels]
        for qa, label in fresh[:number]:
            qa["answers"] = [label]
            planted.false_labels.append(qa["id"])


def _of_same_kind(paragraph: Record, qa: Record, random: Random) -> Record | None:
    """The answer to another question of the paragraph, of the same type: a year for a year, a name for a name."""
    kind = _kind(paragraph, qa)
    found = [gold for other, gold in _others(paragraph, qa) if _kind(paragraph, other) == kind]
    return random.choice(found) if found else None


def _anywhere(paragraph: Record, qa: Record, random: Random) -> Record | None:
    """The words of the answer where they stand for something else, or else an answer to any other question."""
    gold, context = qa["answers"][0], paragraph["context"]
    golds = [(one["answer_start"], one["answer_start"] + len(one["text"])) for one in qa["answers"]]
    same = [
        {"text": match.group(), "answer_start": match.start()}
        for match in re.finditer(rf"(?<!\w){re.escape(gold['text'])}(?!\w)", context)
        if not any(start < match.end() and match.start() < end for start, end in golds)
    ]
    found = same or [other for _, other in _others(paragraph, qa)]
    return random.choice(found) if found else None


def _others(paragraph: Record, qa: Record) -> list[tuple[Record, Record]]:
    """The other questions of the paragraph, each with its first gold, where that says something else."""
    golds = [gold["text"].lower() for gold in qa["answers"]]
    return [
        (other, dict(other["answers"][0]))
        for other in paragraph["qas"]
        if other is not qa
        and other.get("answers")
        and not any(own in other["answers"][0]["text"].lower() or other["answers"][0]["text"].lower() in own
                    for own in golds)
    ]  # fmt: skip


def _kind(paragraph: Record, qa: Record) -> str:
    gold = qa["answers"][0]
    quoted = is_quoted(paragraph["context"], gold["answer_start"], gold["text"])
    return answer_type(gold["text"], qa["question"], quoted=quoted)


def main(arguments: list[str] | None = None) -> None:
    """Plants defects in a file of SQuAD JSON and writes it with a list of them."""
    parser = argparse.ArgumentParser(prog="python -m tools.plant", description=main.__doc__)
    parser.add_argument("file", type=Path, help="SQuAD JSON")
    parser.add_argument("--out", type=Path, required=True, help="the file with the defects")
    parser.add_argument("--planted", type=Path, required=True, help="the list of them, as JSON")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--false-labels", type=float, default=0.03, help="share of the answerable questions")
    parser.add_argument("--unquoted-titles", type=int, default=1)
    parser.add_argument("--near-duplicates", type=int, default=12, help="groups of three questions")
    parser.add_argument("--hard-titles", type=int, default=2)
    options = parser.parse_args(arguments)
    defects = Defects(options.false_labels, options.unquoted_titles, options.near_duplicates, options.hard_titles)
    try:
        load_file(options.file)  # all that is wrong with it is said here
        data = json.loads(options.file.read_text(encoding="utf-8"))
        planted = plant(data["data"], defects, options.seed)
        write_json(options.out, data)
        write_json(options.planted, vars(planted))
    except (ProjectError, OSError) as error:
        parser.exit(2, f"{error}\n")
    sys.stderr.write(f"Planted {json.dumps({name: len(found) for name, found in vars(planted).items()})}\n")


def write_json(path: Path, content: Any) -> None:
    """Writes compact JSON, whole or not at all.

    Raises:
        WriteError: if the file cannot be written.
    """
    with whole_file(path) as stream:
        stream.write(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
