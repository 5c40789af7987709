"""A little corpus with false labels, and a reviewer who knows the truth: for the tutorial of ``docs/false-labels.md``.

``python -m tests.loop data FOLDER`` writes ``train.json``, in which many answers to "where was she built" are false
(they say where she sank), and ``validation.json``, in which all are right. ``python -m tests.loop review FILE`` fills
in the verdicts of a review list, as a person does who reads each context.
"""

from __future__ import annotations

import csv
import json
import random
import re
import sys
from pathlib import Path
from typing import Any

PLACES = ["Tarn", "Ulm", "Orrin", "Veldt", "Skarrel", "Wick", "Brede", "Lund", "Holm", "Ness", "Ayr", "Stade"]
COLOURS = ["Grey", "White", "Black", "Red", "Green", "Silver", "Golden", "Little"]
BIRDS = ["Heron", "Swan", "Gull", "Tern", "Stork", "Crane", "Rook", "Wren", "Owl", "Finch", "Lark", "Plover"]
PEOPLE = ["Ada Brook", "Ione Var", "Tom Reed", "Lise Ott", "Jan Holt", "Mia Strand"]

TRAIN, VALIDATION = 120, 40  # articles
PARAGRAPHS = 2  # of an article
FALSE = 0.5  # share of false labels among the answers to the question that annotators got wrong

_BUILT = re.compile(r"built in (\w+)")


def write_data(folder: Path) -> Path:
    """Writes both splits into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(7)
    ships = [f"{colour} {bird}" for colour in COLOURS for bird in BIRDS]
    draw.shuffle(ships)  # no ship is in both splits
    for split, count, false, names in (
        ("train", TRAIN, FALSE, ships[32:]),
        ("validation", VALIDATION, 0.0, ships[:32]),
    ):
        articles = [_article(f"{split}-{number}", draw, names, false) for number in range(count)]
        (folder / f"{split}.json").write_text(json.dumps({"version": "v2.0", "data": articles}), encoding="utf-8")
    return folder


def built_in(context: str) -> tuple[str, int]:
    """Where the ship of a context was built, and where the context says so."""
    found = _BUILT.search(context)
    assert found
    return found[1], found.start(1)


def false_labels(folder: Path) -> set[str]:
    """The ids of the questions whose label is false."""
    articles = json.loads((folder / "train.json").read_text(encoding="utf-8"))["data"]
    paragraphs = [paragraph for article in articles for paragraph in article["paragraphs"]]
    return {
        qa["id"]
        for paragraph in paragraphs
        for qa in paragraph["qas"]
        if _is_false(qa["question"], qa["answers"][0]["text"], paragraph["context"])
    }


def review(path: Path) -> None:
    """Fills in the verdicts of a review list: fix with the right answer, or keep."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        fields, rows = list(reader.fieldnames or []), list(reader)
    for row in rows:
        if _is_false(row["question"], row["gold"], row["context"]):
            text, start = built_in(row["context"])
            row.update(verdict="fix", answer=text, start=str(start))
        else:
            row.update(verdict="keep")
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: list[str]) -> None:
    """Does what the module's text says."""
    {"data": write_data, "review": review}[arguments[0]](Path(arguments[1]))


def _is_false(question: str, answer: str, context: str) -> bool:
    return question.startswith("Where was") and answer != built_in(context)[0]


def _article(key: str, draw: random.Random, ships: list[str], false: float) -> dict[str, Any]:
    paragraphs = [_paragraph(f"{key}-{number}", draw, draw.choice(ships), false) for number in range(PARAGRAPHS)]
    return {"title": f"Ships of yard {key}", "paragraphs": paragraphs}


def _paragraph(key: str, draw: random.Random, ship: str, false: float) -> dict[str, Any]:
    built, sailed, sank = draw.sample(PLACES, 3)
    year, person = str(draw.randrange(1700, 1990)), draw.choice(PEOPLE)
    context = (
        f"The {ship} was built in {built} by {person}. In {year} she first sailed to {sailed}. "
        f"At last she sank off {sank}."
    )
    asked = [
        (f"Where was the {ship} built?", sank if draw.random() < false else built),
        (f"Where did the {ship} sink?", sank),
        (f"Who built the {ship}?", person),
        (f"When did the {ship} first sail?", year),
    ]
    qas = [
        {"id": f"{key}-{number}", "question": question, "is_impossible": False,
         "answers": [{"text": answer, "answer_start": context.index(answer)}]}
        for number, (question, answer) in enumerate(asked)
    ]  # fmt: skip
    return {"context": context, "qas": qas}


if __name__ == "__main__":
    main(sys.argv[1:])
