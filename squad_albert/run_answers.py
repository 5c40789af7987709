"""Where the answers of a run come from: a model, or somebody's predictions. Both give the rows of question groups."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Protocol

import numpy as np
import pyarrow as pa

from model.runtime import Model, question_groups
from utils.decoders import decode_questions
from utils.metadata import SplitMetadata
from utils.reach import out_of_reach
from utils.windows import build_windows

from .asked import Asked
from .background import ahead
from .parts import Part
from .progress import Progress
from .run_columns import QUESTIONS
from .run_rows import Row, decoded_row, described_row, given_row, scored_row, window_table
from .window_results import WindowResults, window_results


class Answers(Protocol):
    """Answers to the questions of a run, group by group."""

    groups: list[range]  # of questions, in order

    def part(self, group: range, progress: Progress) -> Part:
        """The rows of a group."""


class ModelAnswers:
    """A model's answers.

    While it computes, the batch before is decoded; but a group is never begun before the rows of the one before have
    been given, so that they can be on the disk by then.

    Args:
        asked: the questions.
        model: opened with ``inner=last_hidden``.
    """

    def __init__(self, asked: Asked, model: Model) -> None:
        self._asked = asked
        self._model = model
        self._windows = build_windows(asked.questions, model.tokenizer, asked.settings, progress=True)
        self.groups = question_groups(self._windows.first)

    def warnings(self) -> list[str]:
        """What no answer of the model can reach, a line for each kind."""
        found = out_of_reach(self._asked.questions, self._windows, self._asked.settings)
        return found.lines(", ".join(self._asked.splits))

    def part(self, group: range, progress: Progress) -> Part:
        """The rows of a group."""
        windows, questions, settings = self._windows, self._asked.questions, self._asked.settings
        start, stop = (int(windows.first[bound]) for bound in (group.start, group.stop))
        described, results = self._compute(range(start, stop), progress)
        rows: list[Row] = []
        decoded = decode_questions(results.spans, windows, questions, settings, group)
        for number, one in zip(group, decoded, strict=True):
            own = slice(windows.first[number] - start, windows.first[number + 1] - start)
            holds = windows.holds_answer[windows.first[number] : windows.first[number + 1]]
            row = decoded_row(questions[number], one, results.loss[own], results.gold[own], holds, settings)
            rows.append(given_row(questions[number], self._asked.split_of[number]) | described[number] | row)
        chosen = np.array([row["window"] for row in rows]) - start
        answered = np.array([bool(row["prediction"]) for row in rows])
        vectors = {
            "cls": results.cls[chosen],
            "context": results.context[chosen],
            "answer": np.where(answered[:, None], results.answer[chosen], results.cls[chosen]),
        }
        table = window_table(results, range(start, stop), windows, questions)
        return Part(pa.Table.from_pylist(rows, QUESTIONS), table, vectors)

    def _compute(self, rows: range, progress: Progress) -> tuple[dict[int, Row], WindowResults]:
        """The description of the questions of these windows, by number, and what the model makes of the windows."""
        windows, questions, settings = self._windows, self._asked.questions, self._asked.settings
        metadata = SplitMetadata(questions, windows)
        described: dict[int, Row] = {}
        results, places = [], []
        with closing(ahead(self._model.outputs(windows, np.arange(rows.start, rows.stop)))) as batches:
            for batch in batches:
                own = batch.at + rows.start
                results.append(window_results(batch, own, windows, questions, settings))
                places.append(batch.at)
                for row in own[windows.index[own] == 0].tolist():
                    described[int(windows.question[row])] = described_row(metadata, row)
                progress.advance(float((1 / windows.count[own]).sum()))
        return described, WindowResults.in_order(results, places)


class GivenAnswers:
    """Somebody's answers.

    Args:
        asked: the questions.
        predictions: ``{id: text}`` of all of them.
        null_odds: ``{id: number}`` of all of them, or of none.
    """

    def __init__(self, asked: Asked, predictions: Mapping[str, str], null_odds: Mapping[str, float]) -> None:
        self._asked = asked
        self._predictions = predictions
        self._null_odds = null_odds
        self.groups = question_groups(np.arange(len(asked.questions) + 1, dtype=np.int32))

    def part(self, group: range, progress: Progress) -> Part:
        """The rows of a group; a prediction is taken to stand where its context first has its text."""
        metadata = SplitMetadata(self._asked.questions, None)
        rows: list[Row] = []
        for number in group:
            question = self._asked.questions[number]
            text = self._predictions[question.id]
            row = given_row(question, self._asked.split_of[number]) | described_row(metadata, number)
            row |= scored_row(question, text, question.context.find(text))
            rows.append(row | {"null_odds": self._null_odds.get(question.id)})
            progress.advance(1)
        return Part(pa.Table.from_pylist(rows, QUESTIONS))
