"""The ``squad-albert`` command: one function a command, no logic of its own.

Results go to standard output, the rest to standard error. Commands import what they need when they run,
so that each starts as fast as it can.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from project_config import ProjectError, load_settings

SHOWN_WARNINGS = 5

app = typer.Typer(
    help="Understand extractive question answering: check, evaluate, score, predict, train and export.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Data = Annotated[str | None, typer.Option(help="sample, a folder, one file or a hub dataset.", show_default="config")]
ModelFolder = Annotated[
    str | None, typer.Option(help="Folder with model.onnx, tokenizer.json and config.json.", show_default="config")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def check(
    bundle: Annotated[bool, typer.Option("--bundle", help="Also check the bundle that would be pushed.")] = False,
    as_json: Json = False,
) -> None:
    """Check the integration as the Tensorleap engine does."""
    from squad_albert.check import check

    report = check(bundle)
    _show(as_json, report.as_dict(), report.lines)
    if not report.ok:
        raise typer.Exit(2)


@app.command()
def evaluate(
    data: Data = None,
    split: Annotated[
        str | None,
        typer.Option(help="train, validation, test or unlabeled; several with commas.", show_default="validation"),
    ] = None,
    model: ModelFolder = None,
    predictions: Annotated[
        Path | None, typer.Option(help='JSON of {"id": "text"}: take these answers, not those of a model.')
    ] = None,
    null_odds: Annotated[
        Path | None, typer.Option(help='With --predictions: JSON of {"id": number}, higher: rather no answer.')
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Draw this many questions of each split.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run.", show_default="a folder of its own in runs")
    ] = None,
    as_json: Json = False,
) -> None:
    """Answer and score questions; writes a run: tables, vectors, predictions and metrics."""
    from squad_albert.measures import metric_lines
    from squad_albert.run import evaluate, evaluate_predictions, limits

    if predictions and model:
        raise typer.BadParameter("a run has its answers from --model or from --predictions, not from both")
    if null_odds and not predictions:
        raise typer.BadParameter("--null-odds goes with --predictions")
    settings = load_settings(overrides={"data": data, "model": model, **limits(limit)})
    if predictions:
        run = evaluate_predictions(settings, split, predictions, null_odds, out, _warn)
    else:
        run = evaluate(settings, split, out, _warn)
    _show(as_json, {"run": str(run.folder), **run.metrics}, metric_lines(run.metrics))
    note = " It was complete already; remove it to run again." if run.found else ""
    typer.echo(f"The run is in {run.folder}.{note}", err=True)


@app.command()
def score(
    data: Annotated[Path, typer.Option(help="SQuAD file, JSON or Parquet.")],
    predictions: Annotated[Path, typer.Option(help='JSON of {"id": "text"}; no answer is "".')],
    null_odds: Annotated[Path | None, typer.Option(help='JSON of {"id": number}, higher: rather no answer.')] = None,
    threshold: Annotated[float, typer.Option(help="Null odds above it mean no answer.")] = 1.0,
    as_json: Json = False,
) -> None:
    """Score predictions as the official SQuAD script does; needs no model."""
    from squad_albert.score import score, score_lines

    figures = score(data, predictions, null_odds, threshold, _warn)
    _show(as_json, figures, score_lines(figures))


@app.command()
def predict(
    question: Annotated[str, typer.Option(help="What is asked.")],
    context: Annotated[str, typer.Option(help="The text that holds the answer.")],
    top_k: Annotated[int, typer.Option(min=1, help="How many answers to show.")] = 1,
    model: ModelFolder = None,
    as_json: Json = False,
) -> None:
    """Answer one question about a text."""
    from squad_albert.predict import predict, prediction_lines

    prediction = predict(question, context, top_k, load_settings(overrides={"model": model}))
    _show(as_json, prediction, prediction_lines(prediction))


@app.command()
def train(
    config: Annotated[Path, typer.Option(help="YAML file of the training settings.")],
    name: Annotated[str | None, typer.Option(help="Name of the experiment.", show_default="the file's name")] = None,
    as_json: Json = False,
) -> None:
    """Train a model, or go on where an interrupted training stopped."""
    from squad_albert.extras import require

    require("train", "torch", "transformers", "accelerate", "matplotlib")
    from model.train import train
    from model.training_settings import load_training_settings

    report = train(load_training_settings(config), name or config.stem)
    if report:  # of several processes, the main one has it
        _show(as_json, report, [f"{key}: {value}" for key, value in report.items()])


@app.command()
def export(
    checkpoint: Annotated[str, typer.Option(help="Folder or hub id of a transformers checkpoint.")],
    out: Annotated[Path, typer.Option(help="Folder for model.onnx and what goes with it.")],
    as_json: Json = False,
) -> None:
    """Export a trained model to the ONNX file that is pushed."""
    from squad_albert.extras import require

    require("train", "torch", "transformers", "onnx", "safetensors")
    from model.export import export

    report = export(checkpoint, out)
    _show(as_json, report, [f"{key}: {value}" for key, value in report.items()])


def main() -> None:
    """Runs a command and exits.

    With 0 for success, 2 for what a user can mend, 130 after Ctrl-C; a bug ends in its traceback and 1.
    """
    try:
        app(prog_name="squad-albert")
    except ProjectError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


def _show(as_json: bool, value: Any, lines: Iterable[str]) -> None:
    from squad_albert.files import to_json

    typer.echo(to_json(value) if as_json else "\n".join(lines))


def _warn(warnings: list[str]) -> None:
    for warning in warnings[:SHOWN_WARNINGS]:
        typer.echo(f"warning: {warning}", err=True)
    if len(warnings) > SHOWN_WARNINGS:
        typer.echo(f"warning: {len(warnings) - SHOWN_WARNINGS} more kinds of warnings", err=True)
