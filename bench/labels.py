"""How early false labels come in the review list: those of the bundled corpus, and those that other seeds plant in it.

``python -m bench.labels`` runs it. Every corpus is evaluated and explored as a user would, by the bundled model, over
training and validation. The model and the signals were made without knowing which labels are false.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from project_config import ROOT, Settings, load_settings
from squad_albert.explore.explore import explore
from squad_albert.explore.label_signals import SIGNALS
from squad_albert.explore.labels import surprise
from squad_albert.run import evaluate
from squad_albert.tables import table
from tools.corpus.build import write_corpus

BUNDLED = 7
"""The seed of ``data/``."""

SEEDS = (BUNDLED, 21, 22)
READ = 2
"""So many times the number of false labels is read from the top of the list."""

LEAST = 0.8
"""What is asked of the mean over the corpora."""

TOGETHER = "together"
SPLITS = "train,validation"

Figures = dict[str, float]


def recall(scores: NDArray[np.float64], false: NDArray[np.bool_]) -> float:
    """The share of the false labels among the highest scores, ``READ`` times as many as there are false labels.

    >>> recall(np.array([4.0, 3.0, 2.0, 1.0]), np.array([True, False, False, False]))
    1.0
    """
    first = np.argsort(-scores, kind="stable")[: READ * int(false.sum())]
    return float(false[first].sum() / false.sum())


def figures(labels: pd.DataFrame, planted: Sequence[str]) -> Figures:
    """How many labels there are, how many of them false, and the recall of all signals together and of each alone.

    Args:
        labels: the table of ``explore.labels``.
        planted: ids of the questions with a false label.
    """
    labels = labels.sort_values("id")  # where a signal says the same of many, not the other signals decide
    false = labels["id"].isin(planted).to_numpy()
    by_signal = {name: recall(surprise(labels[name].to_numpy(np.float64)), false) for name in SIGNALS}
    together = recall(-labels["rank"].to_numpy(np.float64), false)
    return {"labels": len(labels), "false": float(false.sum()), TOGETHER: together, **by_signal}


def measure(data: Path, folder: Path, settings: Settings) -> Figures:
    """Evaluates and explores a corpus.

    Args:
        data: the corpus, with its ``planted.json``.
        folder: of the run.
        settings: all but the data.
    """
    settings = settings.model_copy(update={"data": str(data)})
    evaluate(settings, SPLITS, folder, lambda warnings: None)
    found = explore(folder, settings, ["labels"]).sections["labels"]
    planted = json.loads((data / "planted.json").read_text(encoding="utf-8"))["false_labels"]
    return figures(found.table, planted)


def measure_all(seeds: Sequence[int], settings: Settings) -> dict[int, Figures]:
    """Every corpus, by its seed."""
    found = {}
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix=f"labels-{seed}-") as scratch:
            data = ROOT / "data"
            if seed != BUNDLED:
                data = Path(scratch, "data")
                write_corpus(data, seed)
            found[seed] = measure(data, Path(scratch, "run"), settings)
            sys.stderr.write(f"seed {seed}: {found[seed]}\n")
    return found


def lines(found: Mapping[int, Figures]) -> list[str]:
    """Recall of each corpus and the mean, beside what is asked of it; then each signal alone."""
    names = [TOGETHER, *SIGNALS]
    mean = {name: float(np.mean([one[name] for one in found.values()])) for name in names}
    head = [f"{READ} x as many read", *(f"seed {seed}" for seed in found), "mean", ""]
    rows = [head, *([title, *(f"{one[key]:,.0f}" for one in found.values()), "", ""]
                    for title, key in (("labels", "labels"), ("false ones", "false")))]  # fmt: skip
    for name in names:
        verdict = f">= {LEAST:.0%}: {'yes' if mean[name] >= LEAST else 'no'}" if name == TOGETHER else ""
        title = f"found {name}" if name == TOGETHER else f"  {name} alone"
        rows.append([title, *(f"{one[name]:.1%}" for one in found.values()), f"{mean[name]:.1%}", verdict])
    return table(rows)


def main() -> None:
    """Finds the planted false labels of several corpora and prints how many come first."""
    parser = argparse.ArgumentParser(prog="python -m bench.labels", description=main.__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help=f"{BUNDLED} is the bundled corpus")
    options = parser.parse_args()
    print("\n".join(lines(measure_all(options.seeds, load_settings()))))


if __name__ == "__main__":
    main()
