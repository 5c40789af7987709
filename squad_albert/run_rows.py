"""The rows of a run's tables: questions with their answers, scores and description, and windows.

The columns, and what each of them says, are in ``run_columns``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from project_config import Settings
from utils.answer_types import answer_type, is_quoted
from utils.decoders import Decoded
from utils.metadata import SplitMetadata
from utils.questions import Question
from utils.squad_metrics import exact_match, f1, lenient_match
from utils.windows import Windows

from .answers import ranked
from .run_columns import METADATA, WINDOWS
from .window_results import WindowResults

Row = dict[str, Any]


def given_row(question: Question, split: str) -> Row:
    """What the data says of a question."""
    return {
        "id": question.id,
        "split": split,
        "title": question.title,
        "question": question.question,
        "context": question.context,
        "golds": [gold.text for gold in question.golds],
        "gold_starts": [gold.start for gold in question.golds],
        "labeled": question.labeled,
        "answerable": question.answerable,
    }


def described_row(metadata: SplitMetadata, row: int) -> Row:
    """The metadata of a window's question."""
    groups = {
        "question": metadata.question(row),
        "answer": metadata.answer(row),
        "context": metadata.context(row),
        "window": metadata.window(row),
    }
    fields = {f"{name}_{field}": value for name, group in groups.items() for field, value in group.items()}
    fields["truncated_question"] = fields["window_truncated_question"]
    return {name: fields[name] for name in METADATA}


def scored_row(question: Question, prediction: str, start: int) -> Row:
    """How good a prediction is, and of what type; ``start`` is its place in the context, for the type alone."""
    golds = [gold.text for gold in question.golds]
    quoted = is_quoted(question.context, start, prediction)
    row: Row = {
        "prediction": prediction,
        "prediction_type": answer_type(prediction, question.question, quoted=quoted),
    }
    if question.labeled:
        row["exact"] = exact_match(prediction, golds)
        row["f1"] = f1(prediction, golds)
        row["lenient"] = lenient_match(prediction, golds)
    return row


def decoded_row(question: Question, decoded: Decoded, loss: Any, gold: Any, holds: Any, settings: Settings) -> Row:
    """What a model says to a question.

    Args:
        question: the question.
        decoded: its answers, pooled over its w windows.
        loss: [w] of its windows.
        gold: [w] as in ``WindowResults``.
        holds: [w] whether a window holds a whole gold. Where none does, `no answer` is right, as it is for a window.
        settings: ``no_answer`` (always or never) and the threshold.
    """
    allowed = settings.no_answer == "always"
    best = decoded.best(allowed, settings.no_answer_threshold)
    row = scored_row(question, best.text, best.start) | {
        "prediction_start": best.start,
        "prediction_end": best.end,
        "best_span": decoded.answers[0].text if decoded.answers else "",
        "nbest": ranked(decoded, allowed),
        "confidence": decoded.answers[0].probability if decoded.answers else 0.0,
        "no_answer_probability": decoded.null_probability,
        "null_odds": decoded.margin,
        "window": best.window,
    }
    if question.labeled:
        found = float(np.exp(gold[holds] - decoded.log_total).sum())
        row["loss"] = float(loss[holds].min() if holds.any() else loss.mean())
        row["gold_probability"] = min(found, 1.0) if holds.any() else decoded.null_probability
        row["no_answer_margin"] = -decoded.margin if question.golds else decoded.margin
    return row


def window_table(results: WindowResults, rows: range, windows: Windows, questions: list[Question]) -> pa.Table:
    """The rows of consecutive windows."""
    part = slice(rows.start, rows.stop)
    index, number = windows.index[part], windows.question[part]
    ids = [questions[q].id for q in number.tolist()]
    unlabeled = np.array([not questions[q].labeled for q in number.tolist()])
    columns = {
        "id": [f"{key}#{i}" if i else key for key, i in zip(ids, index.tolist(), strict=True)],
        "predicted_start": results.tokens[:, 0],
        "predicted_end": results.tokens[:, 1],
        "score": pa.array(results.score, mask=np.isnan(results.score)),
        "null_score": results.spans.null,
        "loss": pa.array(results.loss, pa.float32(), mask=unlabeled),
        "holds_answer": pa.array(windows.holds_answer[part], mask=unlabeled),
    }
    arrays = [pa.array(columns.get(name, getattr(windows, name, np.empty(0))[part])) for name in WINDOWS.names]
    return pa.table(arrays, WINDOWS.names).cast(WINDOWS)
