"""Runs made in memory, of questions about ships: for the tests of all that reads a run.

Answer types make clusters in latent space, the title ``Hard`` holds most errors, a wrong answer goes with a high
loss and a low probability, and one question in six has no answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import parquet

from squad_albert.files import sha256, write_json
from squad_albert.run_columns import QUESTIONS, VECTORS, WINDOWS
from squad_albert.run_folder import FORMAT, MANIFEST
from squad_albert.run_tables import RunTables, frame
from utils.squad_metrics import exact_match, f1, lenient_match

SHIPS = ["Heron", "Swan", "Gull", "Tern", "Stork", "Crane"]
PLACES = ["Tarn", "Ulm", "Orrin", "Veldt", "Skarrel", "Wick"]
PEOPLE = ["Ada Brook", "Ione Var", "Tom Reed", "Lise Ott"]
TITLES = ["Ships", "Harbours", "Canals", "Hard"]
ASKED = {
    "name": ("where", "Where was the {ship} built?", "place"),
    "year": ("when", "When was the {ship} built?", "year"),
    "number": ("how many", "How many passengers did the {ship} carry?", "number"),
    "clause": ("why", "Why was the {ship} sold?", "reason"),
}
NEEDS_MODEL = (
    "best_span nbest loss confidence gold_probability no_answer_probability no_answer_margin null_odds window "
    "prediction_start prediction_end question_tokens answer_tokens answer_position answer_relative_position "
    "context_tokens window_count truncated_question"
).split()
"""Null where the run was made from predictions alone."""


def tiny_run(
    questions: int = 60,
    seed: int = 7,
    dimensions: int = 8,
    splits: tuple[str, ...] = ("train", "validation"),
    model: bool = True,
    sureness: float = 1.0,
    disturbed: float = 0.0,
    **columns: Any,
) -> RunTables:
    """A run of that many questions; ``columns`` replaces columns of its questions, by a value or by a list.

    Questions of the split ``unlabeled`` have no golds and no scores. The last question of every twelve has two
    windows. Ids are ``train-0``, ``validation-1``, ... Logits are ``sureness`` times as far apart as usual, and
    ``disturbed`` by that much of themselves, as by another processor.
    """
    draw, noise = np.random.default_rng(seed), np.random.default_rng(seed + 1)
    rows, windows = [], []
    for number in range(questions):
        factor = sureness * (1 + disturbed * float(noise.uniform(-1, 1)))
        row = _question(number, splits[number % len(splits)], draw, factor)
        windows += _windows(number, row, 2 if number % 12 == 11 else 1)
        row["window"] = len(windows) - 1
        rows.append(row if model else row | dict.fromkeys(NEEDS_MODEL))
    table = frame(pa.Table.from_pylist(rows, QUESTIONS))
    for name, values in columns.items():
        table[name] = values
    manifest = {
        "format": FORMAT,
        "splits": list(splits),
        "data": dict.fromkeys(splits, "0" * 64),
        "model": {"model.onnx": "0" * 64} if model else None,
        "settings": {"no_answer": "always", "no_answer_threshold": 0.0},
        "engine": "onnxruntime 1 fp32" if model else None,
        "sources": {"data": "sample", "model": "model/albert" if model else None},
    }
    vectors = {name: _vectors(rows, dimensions, draw) for name in VECTORS} if model else {}
    for name, values in vectors.items():
        vectors[name] = values * (1 + disturbed * noise.uniform(-1, 1, values.shape)).astype(np.float32)
    windows_table = frame(pa.Table.from_pylist(windows, WINDOWS)) if model else None
    return RunTables(Path("tiny"), manifest, table, windows_table, vectors)


def write_run(tables: RunTables, folder: Path) -> Path:
    """Writes a run into a folder, as ``read_run`` reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.Table.from_pandas(tables.questions, QUESTIONS, False), folder / "questions.parquet")
    if tables.windows is not None:
        parquet.write_table(pa.Table.from_pandas(tables.windows, WINDOWS, False), folder / "windows.parquet")
    for name, vectors in tables.vectors.items():
        np.save(folder / f"latent_{name}.npy", vectors)
    ids = tables.questions["id"]
    (folder / "predictions.json").write_text(json.dumps(dict(zip(ids, tables.questions["prediction"], strict=True))))
    files = {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}
    write_json(folder / MANIFEST, {**tables.manifest, "complete": True, "files": files})
    return folder


def _question(number: int, split: str, draw: np.random.Generator, factor: float) -> dict[str, Any]:
    title = TITLES[int(draw.integers(len(TITLES)))]
    kind = list(ASKED)[int(draw.integers(len(ASKED)))]
    word, asks, field = ASKED[kind]
    ship = str(draw.choice(SHIPS))
    facts = {
        "place": str(draw.choice(PLACES)),
        "year": str(draw.integers(1800, 1990)),
        "number": str(draw.integers(20, 900)),
        "reason": f"because the owners trusted {draw.choice(PEOPLE)}",
    }
    context = (
        f"The {ship} was built in {facts['place']} in {facts['year']}. She carried {facts['number']} passengers to "
        f"{draw.choice(PLACES)}. In the end she was sold, {facts['reason']}."
    )
    labeled, answerable = split != "unlabeled", draw.random() > 1 / 6
    text = facts[field]
    golds = [text] * (1 if split == "train" else 3) if labeled and answerable else []
    wrong = draw.random() < (0.6 if title == "Hard" else 0.1)
    other = facts["place"] if field != "place" else facts["year"]
    answer = text if answerable else ""
    prediction = (other if draw.random() < 0.5 or not answerable else "") if wrong else answer
    score = factor * (-draw.uniform(0.5, 6) if wrong else draw.uniform(0.5, 8))  # logits by which the right one wins
    right = float(1 / (1 + np.exp(-score)))
    margin = float(score if not answerable else -score)
    span = prediction or other
    start = context.index(prediction)
    best, second = max(5.0 + score, 5.0), min(5.0 + score, 5.0)
    nbest = [
        _answer(context, span, best, max(right, 1 - right)),
        _answer(context, other if span == text else text, second, min(right, 1 - right)),
        _answer(context, "", best + margin, float(1 / (1 + np.exp(-margin)))),
    ]
    nbest.sort(key=lambda one: -one["score"])
    return {
        "id": f"{split}-{number}",
        "split": split,
        "title": title,
        "question": asks.format(ship=ship) if answerable else f"Who sank the {ship}?",
        "context": context,
        "golds": golds,
        "gold_starts": [context.index(gold) for gold in golds],
        "labeled": labeled,
        "answerable": labeled and answerable,
        "prediction": prediction,
        "prediction_start": start,
        "prediction_end": start + len(prediction),
        "prediction_type": _type(prediction, kind, other),
        "best_span": span,
        "nbest": nbest,
        "exact": exact_match(prediction, golds) if labeled else None,
        "f1": f1(prediction, golds) if labeled else None,
        "lenient": lenient_match(prediction, golds) if labeled else None,
        "loss": float(-2 * np.log(right) + draw.exponential(0.05)) if labeled else None,
        "confidence": right if span == text else 1 - right,
        "gold_probability": right if labeled else None,
        "no_answer_probability": float(1 / (1 + np.exp(-margin))),
        "no_answer_margin": float(score) if labeled else None,
        "null_odds": margin,
        "question_type": word if answerable else "who",
        "question_tokens": 8 + number % 3,
        "question_words": 5 + number % 3,
        "question_readability": float(draw.uniform(40, 100)),
        "answer_type": (kind if answerable else "none") if labeled else None,
        "answer_golds": len(golds) if labeled else None,
        "answer_agreement": 1.0 if len(golds) > 1 else None,
        "answer_tokens": 1 + len(text) // 4 if golds else None,
        "answer_words": len(text.split()) if golds else None,
        "answer_position": context.index(text) // 4 if golds else None,
        "answer_relative_position": context.index(text) / len(context) if golds else None,
        "answer_question_overlap": float(draw.random()) if golds else None,
        "context_tokens": len(context) // 4,
        "context_words": len(context.split()),
        "context_sentences": 3,
        "context_readability": float(draw.uniform(20, 90)),
        "context_polarity": float(draw.uniform(-0.5, 0.5)),
        "context_subjectivity": float(draw.random()),
        "window_count": 2 if number % 12 == 11 else 1,
        "truncated_question": False,
    }


def _answer(context: str, text: str, score: float, probability: float) -> dict[str, Any]:
    start = context.index(text)
    return {"text": text, "start": start, "end": start + len(text), "score": score, "probability": probability}


def _type(prediction: str, kind: str, other: str) -> str:
    if not prediction:
        return "none"
    if prediction == other:
        return "year" if other.isdecimal() else "name"
    return kind


def _windows(number: int, row: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """The answer is in the last of them."""
    question_end = 1 + row["question_tokens"]
    windows = []
    for index in range(count):
        last = index == count - 1
        holds = last and bool(row["golds"])
        start = question_end + 1 + row["answer_position"] if holds else 0
        span = next(answer for answer in row["nbest"] if answer["text"])
        predicted = question_end + 1 + span["start"] // 4
        windows.append(
            {
                "id": f"{row['id']}#{index}" if index else row["id"],
                "question": number,
                "index": index,
                "count": count,
                "length": question_end + 2 + row["context_tokens"],
                "question_start": 1,
                "question_end": question_end,
                "context_start": question_end + 1,
                "context_end": question_end + 1 + row["context_tokens"],
                "start": start,
                "end": start + row["answer_tokens"] - 1 if holds else 0,
                "predicted_start": predicted,
                "predicted_end": predicted + len(span["text"]) // 4,
                "score": span["score"],
                "null_score": span["score"] + row["null_odds"],
                "loss": row["loss"],
                "holds_answer": holds,
                "truncated_question": False,
            }
        )
    return windows


def _vectors(rows: list[dict[str, Any]], dimensions: int, draw: np.random.Generator) -> NDArray[np.float32]:
    """A blob for each type of answer asked for; the title Hard stands a little apart."""
    words = sorted({row["question_type"] for row in rows})
    centres = draw.normal(0, 4, (len(words), dimensions))
    place = np.array([words.index(row["question_type"]) for row in rows])
    hard = np.array([row["title"] == "Hard" for row in rows])
    vectors = centres[place] + hard[:, None] * 1.5 + draw.normal(0, 1, (len(rows), dimensions))
    return vectors.astype(np.float32)
