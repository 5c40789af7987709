"""Error slices: which combinations of metadata hold significantly more errors.

What SliceLine looks for (Sagadeeva and Boehm 2021, SIGMOD): conjunctions of up to three conditions that enough rows
fulfil, and that hold more errors than the rest. SliceLine prunes the lattice of conjunctions by bounds on a score;
here every conjunction is counted, by sums over the cells of each group of columns. That is exact, takes seconds
where the package takes minutes, and gives each slice a p-value, so that the correction is for all that were looked at.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from project_config import Settings
from squad_albert.measures import parts
from squad_albert.run_tables import RunTables
from squad_albert.tables import counted

from .intervals import difference_interval
from .section import Section
from .style import percent

LEVELS = 3
"""Conditions of a slice, at most."""

LEAST = 20
"""Questions that a slice must have, or a thousandth of all if that is more."""

BINS = 5
"""Ranges of a numeric column, of equal numbers of questions; as many distinct values or fewer stay as they are."""

SIGNIFICANT = 0.05
"""Adjusted p-value up to which a slice is reported."""

MOST = 40
"""Slices that are reported."""

SAME_ROWS = 0.6
"""Of two slices of which more than this share of their joint rows is in both, the less significant is left out."""

TEXT_COLUMNS = ("split", "part", "title", "question_type", "answer_type", "truncated_question")
NUMBER_COLUMNS = (
    "question_words", "question_readability", "answer_golds", "answer_agreement", "answer_words",
    "answer_relative_position", "answer_question_overlap", "context_words", "context_sentences",
    "context_readability", "context_polarity", "context_subjectivity", "window_count",
)  # fmt: skip
"""Without counts of tokens, which say the same as those of words, and without what the model answered."""

SLICES = [
    "slice", "conditions", "level", "size", "errors", "excess", "error", "rest_error", "effect", "effect_low",
    "effect_high", "loss", "rest_loss", "p", "p_adjusted",
]  # fmt: skip

NAME, TITLE = "slices", "Error slices"

_DIGITS = 6  # decimals of errors that count in a ranking: what is beyond is the machine's
_CANDIDATES = 500  # significant slices from which those that are reported are chosen

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Mask = NDArray[np.bool_]
Group = tuple[int, ...]
"""Columns, by their place."""
Slice = tuple[tuple[int, int], ...]
"""Columns, by their place, each with the code that its rows have."""


@dataclass(frozen=True)
class Condition:
    """A value of a column, or a range of it, ends included."""

    column: str
    value: str | None = None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is not None:
            return f"{self.column} = {self.value}"
        low, high = (f"{end:.3g}" if isinstance(end, float) else f"{end}" for end in (self.low, self.high))
        return f"{self.column} = {low}" if low == high else f"{self.column} {low} to {high}"


@dataclass(frozen=True)
class _Column:
    """A column in codes: 0 where there is no value or too rare a one, else the index of the condition + 1."""

    codes: Int
    conditions: Sequence[Condition]


@dataclass(frozen=True)
class _Cells:
    """The rows in every combination of codes of a group of columns; flat, by the combination's index."""

    shape: tuple[int, ...]
    count: Int
    errors: Int

    @staticmethod
    def of(codes: Sequence[Int], wrong: Mask) -> _Cells:
        """The cells of rows with these codes, of which some are wrong."""
        shape = tuple(int(column.max()) + 1 for column in codes)
        index = np.ravel_multi_index(list(codes), shape) if shape else np.zeros(len(wrong), np.int64)
        count = np.bincount(index, minlength=math.prod(shape))
        return _Cells(shape, count, np.bincount(index[wrong], minlength=len(count)))


@dataclass(frozen=True)
class _Answers:
    """What slices are described by, a row a labeled question."""

    wrong: Mask
    usual: Float  # share of errors in the split of the question
    loss: Float  # NaN where it is not known


def slices(run: RunTables, settings: Settings) -> Section:
    """The slices that hold significantly more errors than the rest.

    A slice must have a higher share of errors, by Newcombe's interval, and more of them than chance would give it, by
    Fisher's test, not only of all questions but also of those that fulfil all its conditions but any one. Each level
    (number of conditions) gets a third of the tolerated error, and in it p is corrected by Holm for all slices of the
    level. Of slices of nearly the same rows one is reported.

    Args:
        run: its labeled questions count.
        settings: none counts so far.

    Returns:
        ``slices``, those with the most errors beyond their share first: ``slice`` in words, its ``conditions``,
        ``level`` (how many), ``size``, ``errors``, ``excess`` (errors beyond those that as many questions of the same
        splits usually have), ``error`` and ``rest_error`` (shares of wrong answers inside and outside), ``effect``
        (their difference, with Newcombe's 95 % interval), ``loss`` and ``rest_loss`` (means, NaN where there is no
        loss), ``p`` and ``p_adjusted``.
    """
    labeled = run.questions[run.questions["labeled"]].reset_index(drop=True)
    wrong = labeled["exact"] < 1
    why = _nothing_to_slice(wrong)
    if why:
        return Section(NAME, TITLE, pd.DataFrame(columns=SLICES), [], {}, empty=why)
    least = max(LEAST, len(labeled) // 1000)
    columns = _columns(labeled.assign(part=parts(list(labeled["id"])) or ""), least)
    usual = wrong.groupby(labeled["split"]).transform("mean").to_numpy(np.float64)
    answers = _Answers(wrong.to_numpy(bool), usual, labeled["loss"].to_numpy(np.float64))
    found, looked_at = _significant([column.codes for column in columns], answers.wrong, least)
    rows = {slice_: _describe(slice_, columns, answers) for slice_ in found}
    worse = [slice_ for slice_, row in rows.items() if row["effect_low"] > 0 and round(row["excess"], _DIGITS) > 0]
    told = _different(worse, columns)
    told.sort(key=lambda slice_: -round(rows[slice_]["excess"], _DIGITS))  # of equal ones, the most significant first
    table = pd.DataFrame([rows[slice_] | found[slice_] for slice_ in told], columns=SLICES)
    return _section(table, {"looked_at": looked_at, "significant": len(worse), "found": len(told)})


def _nothing_to_slice(wrong: pd.Series[bool]) -> str | None:
    if len(wrong) < 2 * LEAST:
        return f"Slices need {2 * LEAST} labeled questions, and the run has {len(wrong)}. Evaluate more with --limit."
    if wrong.all() or not wrong.any():
        return f"Every answer is {'wrong' if wrong.all() else 'right'}, so that no slice can hold more errors."
    return None


def _section(table: pd.DataFrame, facts: Mapping[str, float | str | int]) -> Section:
    """The section, with what it shows in words."""
    if table.empty:
        why = f"None of {facts['looked_at']:,} combinations holds significantly more errors than the rest."
        return Section(NAME, TITLE, table, [], dict(facts), empty=why)
    how = (
        f"Of {facts['looked_at']:,} combinations of up to {LEVELS} conditions, those with significantly more errors "
        f"(Holm, p at most {SIGNIFICANT:g}) number {facts['significant']:,}. By errors beyond their share, without "
        f"near repetitions, {counted(int(facts['found']), 'slice')} remain{'s' * (facts['found'] == 1)}."
    )
    return Section(NAME, TITLE, table, [slice_sentence(table.iloc[0]), how], dict(facts))


def slice_sentence(row: pd.Series[Any]) -> str:
    """What a slice has more than its share of, and the numbers that prove it."""
    return (
        f"The slice with the most errors beyond its share is {row['slice']}: {row['errors']:,} errors in "
        f"{counted(row['size'], 'question')}, {row['errors'] - row['excess']:.0f} would be usual; "
        f"{percent(row['error'], 0)} are wrong, {percent(row['rest_error'], 0)} elsewhere (difference "
        f"{100 * row['effect_low']:.0f} to {100 * row['effect_high']:.0f} points)."
    )


def _columns(questions: pd.DataFrame, least: int) -> list[_Column]:
    """The columns in codes, without those of one value only."""
    columns = [_text_column(questions[name], least) for name in TEXT_COLUMNS]
    columns += [_number_column(questions[name]) for name in NUMBER_COLUMNS]
    return [column for column in columns if len(column.conditions) > 1]


def _text_column(values: pd.Series, least: int) -> _Column:
    names = values.map({True: "yes", False: "no"}) if values.dtype == bool else values
    counts = names.value_counts()
    frequent = sorted(counts.index[counts >= least])
    places = {name: place for place, name in enumerate(frequent, 1)}
    codes = names.map(places).fillna(0).to_numpy(np.int64)
    return _Column(codes, [Condition(str(values.name), name) for name in frequent])


def _number_column(values: pd.Series) -> _Column:
    """Ranges between quantiles, named by the least and the greatest value in them."""
    numbers = values.to_numpy(np.float64, na_value=np.nan)
    there = np.isfinite(numbers)
    edges = np.unique(numbers[there])
    kind = int if (edges == np.round(edges)).all() else float
    if len(edges) > BINS:
        edges = np.unique(np.quantile(numbers[there], np.arange(BINS) / BINS, method="higher"))
    codes = np.where(there, np.searchsorted(edges, numbers, side="right"), 0)
    ranges = [numbers[codes == code] for code in range(1, len(edges) + 1)]
    return _Column(codes, [Condition(str(values.name), None, kind(part.min()), kind(part.max())) for part in ranges])


def _significant(codes: Sequence[Int], wrong: Mask, least: int) -> tuple[dict[Slice, dict[str, float]], int]:
    """The ``_CANDIDATES`` most significant slices with their p-values, and how many slices were looked at."""
    found: dict[Slice, dict[str, float]] = {}
    cells: dict[Group, _Cells] = {(): _Cells.of([], wrong)}
    looked_at = 0
    for level in range(1, LEVELS + 1):
        tests, slices_, p = 0, [], np.empty(0)
        for group, enough in _groups(codes, wrong, level, least, cells):
            chances = _chances(group, enough, cells)
            few = np.flatnonzero(chances * LEVELS <= SIGNIFICANT)
            tests += len(enough)
            slices_ += _slices(group, np.unravel_index(enough[few], cells[group].shape))
            p = np.concatenate([p, chances[few]])
        adjusted = np.minimum(LEVELS * holm(p, tests), 1)
        chosen = np.flatnonzero(adjusted <= SIGNIFICANT)
        found |= {slices_[at]: {"p": float(p[at]), "p_adjusted": float(adjusted[at])} for at in chosen}
        looked_at += tests
    best = sorted(found, key=lambda slice_: (found[slice_]["p"], len(slice_), slice_))
    return {slice_: found[slice_] for slice_ in best[:_CANDIDATES]}, looked_at


def _groups(
    codes: Sequence[Int], wrong: Mask, level: int, least: int, cells: dict[Group, _Cells]
) -> Iterator[tuple[Group, Int]]:
    """Groups of so many columns, each with the indices of its slices; their cells are added to ``cells``.

    A group of which a part has no slice has none either.
    """
    for group in combinations(range(len(codes)), level):
        if all(part in cells for part in combinations(group, level - 1)):
            here = _Cells.of([codes[place] for place in group], wrong)
            index = np.flatnonzero(here.count >= least)
            index = index[np.all(np.unravel_index(index, here.shape), axis=0)]
            if len(index):
                cells[group] = here
                yield group, index


def _slices(group: Group, digits: Sequence[Int]) -> list[Slice]:
    rows = zip(*(digit.tolist() for digit in digits), strict=True)
    return [tuple(zip(group, row, strict=True)) for row in rows]


def _chances(group: Group, index: Int, cells: Mapping[Group, _Cells]) -> Float:
    """The p-value of each slice: the largest against all questions, and against those of all its conditions but one."""
    here = cells[group]
    count, errors = here.count[index], here.errors[index]
    digits = np.unravel_index(index, here.shape)
    p = _chance(count, errors, cells[()], np.zeros(len(index), np.int64))
    for dropped in range(len(group)) if len(group) > 1 else ():
        wider = cells[group[:dropped] + group[dropped + 1 :]]
        others = np.ravel_multi_index([digit for at, digit in enumerate(digits) if at != dropped], wider.shape)
        p = np.maximum(p, _chance(count, errors, wider, others))
    return p


def _chance(count: Int, errors: Int, wider: _Cells, index: Int) -> Float:
    """The chance that as many rows drawn from those of wider slices have at least as many errors."""
    return np.asarray(stats.hypergeom.sf(errors - 1, wider.count[index], wider.errors[index], count))


def _describe(slice_: Slice, columns: Sequence[_Column], answers: _Answers) -> dict[str, Any]:
    inside = _rows(slice_, columns)
    conditions = [columns[column].conditions[code - 1] for column, code in slice_]
    size, errors = int(inside.sum()), int(answers.wrong[inside].sum())
    others, rest = int((~inside).sum()), int(answers.wrong[~inside].sum())
    low, high = difference_interval((errors, size), (rest, others))
    return {
        "slice": " and ".join(map(str, conditions)),
        "conditions": [asdict(condition) for condition in conditions],
        "level": len(slice_),
        "size": size,
        "errors": errors,
        "excess": errors - float(answers.usual[inside].sum()),
        "error": errors / size,
        "rest_error": rest / others,
        "effect": errors / size - rest / others,
        "effect_low": low,
        "effect_high": high,
        "loss": float(answers.loss[inside].mean()),
        "rest_loss": float(answers.loss[~inside].mean()),
    }


def _different(found: Sequence[Slice], columns: Sequence[_Column]) -> list[Slice]:
    """The first ``MOST`` of these that do not share most of their rows with one before."""
    kept: dict[Slice, Mask] = {}
    for slice_ in found:
        rows = _rows(slice_, columns)
        if all((rows & other).sum() <= SAME_ROWS * (rows | other).sum() for other in kept.values()):
            kept[slice_] = rows
        if len(kept) == MOST:
            break
    return list(kept)


def _rows(slice_: Slice, columns: Sequence[_Column]) -> Mask:
    """The rows that fulfil every condition."""
    rows: Mask = np.all([columns[column].codes == code for column, code in slice_], axis=0)
    return rows


def holm(p: Float, tests: int) -> Float:
    """P-values corrected by Holm's method, so that the chance of any false finding is bounded.

    Args:
        p: float [n], the smallest of all p-values.
        tests: how many p-values there are.

    Source: S. Holm (1979), A simple sequentially rejective multiple test procedure. Scand. J. Statist. 6.

    >>> holm(np.array([0.01, 0.04, 0.03]), 3).round(2).tolist()
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p, kind="stable")
    adjusted = np.maximum.accumulate(p[order] * (tests - np.arange(len(p))))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(adjusted, 1.0)
    return corrected
