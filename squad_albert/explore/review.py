"""The labels of an explored run that look wrong, in a file for a person to decide on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from squad_albert.run_folder import RunError
from squad_albert.run_tables import read_run
from squad_albert.tables import counted

from .store import read_sections
from .verdicts import write_review


def review(folder: Path, out: Path, first: int) -> dict[str, Any]:
    """Writes the most suspicious labels into a verdict file, yet undecided; verdicts that it has stay.

    Args:
        folder: of a run that was explored.
        out: the verdict file; made if need be.
        first: how many labels.

    Returns:
        ``file``, ``labels`` of the review list, and how many of them were ``added``.

    Raises:
        RunError: if the run is damaged, or its labels were not analysed.
        VerdictError: if the file that is there cannot be read.
        WriteError: if it cannot be written.
    """
    run = read_run(folder)
    section = read_sections(folder).get("labels")
    if section is None or section.table.empty:
        why = f": {section.empty}" if section and section.empty else ""
        raise RunError(f"{folder} has no labels to review{why}. Analyse them: squad-albert explore {folder}")
    table = section.table.drop(columns="context", errors="ignore").merge(run.questions[["id", "context"]], on="id")
    return {"file": str(out), "labels": len(table), "added": write_review(out, table, first)}


def review_lines(result: dict[str, Any]) -> list[str]:
    r"""What was written, for people, and what to do with it.

    >>> print(*review_lines({"file": "review.csv", "labels": 500, "added": 100}), sep="\n")
    100 of 500 labels were added to review.csv.
    Write keep, fix (and the answer) or drop into its column `verdict`; then: squad-albert relabel
    """
    were = "was" if result["labels"] == 1 else "were"
    return [
        f"{result['added']:,} of {counted(result['labels'], 'label')} {were} added to {result['file']}.",
        "Write keep, fix (and the answer) or drop into its column `verdict`; then: squad-albert relabel",
    ]
