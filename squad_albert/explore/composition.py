"""What the clusters are made of by type of answer: it needs no labels, so that unlabeled questions are sorted by it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from project_config import Settings
from squad_albert.run_tables import RunTables
from squad_albert.tables import counted

from .density import NONE, nearest_centre
from .intervals import wilson
from .latent import Space
from .section import Section
from .style import percent

NAME, TITLE = "composition", "Unlabelled clusters"
COLUMNS = ["cluster", "size", "purity", "dominant", "answer_type", "count", "share"]
EXAMPLES = ["cluster", "rank", "id"]

_EXAMPLES = 8  # questions nearest the centre
_SHUFFLES = 100
_TOLD = 3  # clusters that have a sentence


def composition(run: RunTables, space: Space, members: pd.DataFrame, settings: Settings) -> Section:
    """The clusters by type of answer, which the clustering knows nothing of.

    Args:
        run: a run. The type is that of the gold answer, and of the model's answer where a question is unlabeled.
        space: its latent space.
        members: ``id`` and ``cluster`` of each question, in the run's order, -1 for none.
        settings: ``seed``.

    Returns:
        ``composition``, a row for each cluster and type in it, the largest first: ``cluster``, ``size``, ``purity``
        (share of the most frequent type, the ``dominant`` one), ``answer_type``, ``count``, ``share``. ``more`` has
        ``composition_examples``: ``cluster``, ``rank`` (1 is nearest the centre), ``id``.
    """
    labels = members["cluster"].to_numpy(np.int64)
    if not (labels != NONE).any():
        why = space.empty or "There is no cluster. Explore a run of more questions."
        examples = pd.DataFrame(columns=EXAMPLES)
        return Section(NAME, TITLE, pd.DataFrame(columns=COLUMNS), [], {}, {"composition_examples": examples}, why)
    unlabeled = ~run.questions["labeled"]
    types = run.questions["answer_type"].mask(unlabeled, run.questions["prediction_type"])
    table = _table(types, labels)
    facts = _facts(types, labels, unlabeled.to_numpy(bool), settings.seed)
    more = {"composition_examples": _examples(run.questions["id"], space, labels)}
    return Section(NAME, TITLE, table, _sentences(facts, table), facts, more)


def _table(types: pd.Series[str], labels: NDArray[np.int64]) -> pd.DataFrame:
    inside = labels != NONE
    counts = pd.crosstab(labels[inside], types[inside].to_numpy()).stack()
    table = counts[counts > 0].rename("count").rename_axis(["cluster", "answer_type"]).reset_index()
    table["size"] = table.groupby("cluster")["count"].transform("sum")
    table["share"] = table["count"] / table["size"]
    table["purity"] = table.groupby("cluster")["share"].transform("max")
    table = table.sort_values(["cluster", "count"], ascending=[True, False], ignore_index=True, kind="stable")
    table["dominant"] = table.groupby("cluster")["answer_type"].transform("first")
    return table[COLUMNS]


def _facts(
    types: pd.Series[str], labels: NDArray[np.int64], unlabeled: NDArray[np.bool_], seed: int
) -> dict[str, float | str | int]:
    """Purity over all clusters, with what it would be for clusters that have nothing to do with the types."""
    inside = labels != NONE
    codes = pd.factorize(types)[0]
    pure = _pure(codes[inside], labels[inside])
    low, high = wilson(pure, int(inside.sum()))
    draw = np.random.default_rng(seed)
    shuffled = [_pure(draw.permutation(codes[inside]), labels[inside]) for _ in range(_SHUFFLES)]
    facts: dict[str, float | str | int] = {
        "clusters": int(labels.max()) + 1,
        "questions": int(inside.sum()),
        "outside": float((~inside).mean()),
        "purity": pure / int(inside.sum()),
        "purity_low": low,
        "purity_high": high,
        "purity_shuffled": float(np.mean(shuffled) / inside.sum()),
        "largest_type": str(types[inside].value_counts().index[0]),
        "largest_share": float(types[inside].value_counts(normalize=True).iloc[0]),
        "unlabeled": int(unlabeled.sum()),
    }
    part = inside & unlabeled
    if part.any():
        facts["purity_unlabeled"] = _pure(codes[part], labels[part]) / int(part.sum())
    return facts


def _pure(codes: NDArray[np.int64], labels: NDArray[np.int64]) -> int:
    """How many questions are of the most frequent type of their cluster."""
    counts = np.zeros((labels.max() + 1, codes.max() + 1), np.int64)
    np.add.at(counts, (labels, codes), 1)
    return int(counts.max(axis=1).sum())


def _examples(ids: pd.Series[str], space: Space, labels: NDArray[np.int64]) -> pd.DataFrame:
    rows = [
        (cluster, rank, ids.iloc[row])
        for cluster, nearest in enumerate(nearest_centre(space.points, labels, _EXAMPLES))
        for rank, row in enumerate(nearest, 1)
    ]
    return pd.DataFrame(rows, columns=EXAMPLES)


def _sentences(facts: dict[str, Any], table: pd.DataFrame) -> list[str]:
    sentences = [
        f"{percent(facts['purity'])} of {counted(facts['questions'], 'question')} in "
        f"{counted(facts['clusters'], 'cluster')} are of the most frequent answer type of their cluster (95 % "
        f"{facts['purity_low'] * 100:.1f} to {facts['purity_high'] * 100:.1f}). With types shuffled it would be "
        f"{percent(facts['purity_shuffled'])}; the most frequent type of all, {facts['largest_type']}, has "
        f"{percent(facts['largest_share'])}. The clusters know nothing of types or labels; "
        f"{percent(facts['outside'], 0)} of all questions are in none.",
    ]
    if facts["unlabeled"]:
        sentences.append(
            f"Unlabeled questions: {facts['unlabeled']:,}; theirs is the type of the answer that the model gives."
        )
    if "purity_unlabeled" in facts:
        sentences.append(f"Of the unlabeled ones by themselves {percent(facts['purity_unlabeled'])} are of it.")
    first = table.drop_duplicates("cluster").head(_TOLD)
    told = (
        f"cluster {row.cluster} ({counted(row.size, 'question')}) {percent(row.purity, 0)} {row.dominant}"
        for row in first.itertuples()
    )
    return [*sentences, f"The largest: {', '.join(told)}."]
