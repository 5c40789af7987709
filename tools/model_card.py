"""Measures an exported model and adds the figures to its card: ``python -m tools.model_card``.

Training writes how a model came about; what it is worth on text that it never saw is measured here, with
the exported file, by the same evaluation that users run.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from project_config import load_settings
from squad_albert.explore.overview import calibration_error, overview
from squad_albert.run import evaluate
from squad_albert.run_tables import read_run
from utils.files import whole_file
from utils.squad_metrics import by_answerability

NOTES = "## Where it comes from"
HEADING = "## Measured with the exported file"


def main() -> None:
    """Evaluates a model on the bundled validation and test splits, and on files given, and rewrites its card."""
    parser = argparse.ArgumentParser(prog="python -m tools.model_card", description=main.__doc__)
    parser.add_argument("--model", type=Path, default=Path("model/albert"), help="folder of the exported model")
    parser.add_argument("--also", type=Path, nargs="*", default=[], help="SQuAD files to measure it on, too")
    parser.add_argument("--made-by", help="the one command that makes all of it again, from the training data on")
    parser.add_argument("--notes", type=Path, help="Markdown on sources, licences and limits, to stand in the card")
    options = parser.parse_args()
    sources: list[tuple[str, str | None, str]] = [
        ("sample", split, f"Bundled corpus, {split}") for split in ("validation", "test")
    ]
    sources += [(str(path), None, f"`{path.name}`") for path in options.also]
    made = [f"`{options.made_by}` makes such a model again: base checkpoint, training, export and these figures."]
    sections = made if options.made_by else []
    sections += [_section(options.model, data, split, title) for data, split, title in sources]
    notes = options.notes.read_text(encoding="utf-8").strip() if options.notes else ""
    write_section(options.model / "README.md", sections, notes)


def write_section(card: Path, sections: Sequence[str], notes: str = "") -> None:
    """Puts notes and the measured sections at the end of a card, in place of earlier ones.

    Raises:
        WriteError: if the card cannot be written.
    """
    kept = card.read_text(encoding="utf-8").split(HEADING)[0].split(NOTES)[0].rstrip()
    told = [f"{NOTES}\n\n{notes}"] if notes else []
    with whole_file(card) as file:
        file.write("\n\n".join([kept, *told, HEADING, *sections]) + "\n")


def section(title: str, metrics: Mapping[str, Any], calibration: float) -> str:
    """A measured section: the official figures, by part of the data and by question type.

    Args:
        title: what was measured on.
        metrics: those of a split in a run's ``metrics.json``, of labeled questions.
        calibration: the expected calibration error.
    """
    rows = [_row(name, scores) for name, scores in by_answerability(metrics["official"]).items()]
    for group in ("part", "question_type"):
        rows += [_row(f"`{name}`", scores) for name, scores in metrics.get(group, {}).items()]
    trust = f"Probabilities are off by {100 * calibration:.1f} points on average (expected calibration error)."
    return "\n".join([f"### {title}", "", trust, "", "| | questions | EM | F1 |", "|---|---|---|---|", *rows])


def _section(model: Path, data: str, split: str | None, title: str) -> str:
    settings = load_settings(overrides={"model": str(model), "data": data})
    with tempfile.TemporaryDirectory() as folder:
        run = evaluate(settings, split, Path(folder) / "run", lambda _: None)
        calibration = overview(read_run(run.folder)).more["calibration"]
    [metrics] = run.metrics["splits"].values()
    return section(title, metrics, calibration_error(calibration))


def _row(name: str, scores: Mapping[str, float]) -> str:
    return f"| {name} | {scores['total']:,} | {scores['exact']:.1f} | {scores['f1']:.1f} |"


if __name__ == "__main__":
    main()
