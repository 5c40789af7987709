"""The ``squad-albert`` command: one function a command, no logic of its own.

Results go to standard output, the rest to standard error. Commands import what they need when they run,
so that each starts as fast as it can.
"""

# ruff: noqa: E402

from __future__ import annotations

from .interrupts import INTERRUPTED, EndsAtOnce

_start = EndsAtOnce()  # before the imports, as they take time

import errno
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from project_config import MOST, MOST_ANSWERS, ProjectError, load_settings

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

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
    limit: Annotated[int | None, typer.Option(min=1, max=MOST, help="Draw this many questions of each split.")] = None,
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
    threshold: Annotated[
        float | None, typer.Option(help="With --null-odds: those above it mean no answer.", show_default="1.0")
    ] = None,
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
    top_k: Annotated[int, typer.Option(min=1, max=MOST_ANSWERS, help="How many answers to show.")] = 1,
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
    half: Annotated[
        bool, typer.Option("--half", help="Round the weights to float16: safetensors half as large.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Export a trained model to the ONNX file that is pushed."""
    from squad_albert.extras import require

    require("train", "torch", "transformers", "onnx", "safetensors")
    from model.export import export

    report = export(checkpoint, out, half=half)
    _show(as_json, report, [f"{key}: {value}" for key, value in report.items()])


Run = Annotated[Path, typer.Argument(metavar="RUN", help="Folder that evaluate --out made.", show_default=False)]


@app.command()
def explore(
    run: Run,
    latent: Annotated[
        str | None, typer.Option(help="Latent vectors: cls, context or answer.", show_default="config")
    ] = None,
    map_: Annotated[str | None, typer.Option("--map", help="Map: umap or pca.", show_default="config")] = None,
    only: Annotated[str | None, typer.Option(help="Some analyses, with commas.", show_default="all")] = None,
    as_json: Json = False,
) -> None:
    """Analyse a run; writes tables and a report that opens in any browser."""
    _explore_extra()
    from squad_albert.explore.explore import explore, explored_lines

    settings = load_settings(overrides={"latent": latent, "map": map_})
    explored = explore(run, settings, only.split(",") if only else None)
    _show(as_json, explored.as_dict(), explored_lines(explored))
    typer.echo(f"The report is {explored.report}.", err=True)


@app.command()
def similar(
    run: Run,
    id_: Annotated[str, typer.Option("--id", help="Question id.")],
    k: Annotated[int, typer.Option(min=1, max=MOST, help="How many.")] = 20,
    latent: Annotated[
        str | None, typer.Option(help="Latent vectors: cls, context or answer.", show_default="config")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the samples of a run that are most like one, for the model."""
    _explore_extra()
    from squad_albert.explore.neighbours import similar, similar_lines, similar_records
    from squad_albert.run_tables import read_run

    tables = read_run(run)
    found = similar(tables, id_, k, load_settings(overrides={"latent": latent}))
    _show(as_json, similar_records(found), similar_lines(tables, id_, found))


@app.command()
def explain(
    run: Run,
    id_: Annotated[str, typer.Option("--id", help="Question id, or that of one of its windows (id#1).")],
    method: Annotated[
        str | None,
        typer.Option(help="gradient_input, integrated_gradients, occlusion; several with commas.", show_default="all"),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of PNG and HTML.", show_default="RUN/explain")] = None,
    as_json: Json = False,
) -> None:
    """Show which tokens drive the loss of a sample."""
    _explore_extra()
    from squad_albert.attribution import METHODS
    from squad_albert.explain import explain, explain_lines

    result = explain(run, id_, load_settings(), method.split(",") if method else METHODS, out)
    _show(as_json, result, explain_lines(result, _colours()))


@app.command()
def attention(
    question: Annotated[str | None, typer.Option(help="What is asked.", show_default="none")] = None,
    context: Annotated[str | None, typer.Option(help="The text that holds the answer.", show_default="none")] = None,
    run: Annotated[Path | None, typer.Option(help="Folder of a run, for --id.", show_default="none")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="A question of that run.", show_default="none")] = None,
    interactive: Annotated[
        bool, typer.Option("--interactive", help="Ask for one question and context after another.")
    ] = False,
    layers: Annotated[str, typer.Option(help="all, or numbers and ranges from 1: 1,3-4.")] = "all",
    heads: Annotated[str, typer.Option(help="Likewise, of each of these layers.")] = "all",
    model: ModelFolder = None,
    out: Annotated[Path | None, typer.Option(help="Folder of heat maps and pages.", show_default="none")] = None,
    as_json: Json = False,
) -> None:
    """Show what a question attends to: of any text, or of a run's question."""
    _explore_extra()
    from squad_albert.attention import attention_lines, attention_of_pair, attention_of_sample, open_view

    ways = [question is not None and context is not None, run is not None and id_ is not None, interactive]
    if ways.count(True) != 1:
        raise typer.BadParameter("give --question and --context, or --run and --id, or --interactive")
    settings = load_settings(overrides={"model": model})
    if run and id_:
        found = attention_of_sample(run, id_, settings, layers, heads, out)
        _show(as_json, found, attention_lines(found))
        return
    view = open_view(settings, layers, heads, out)
    if question is not None and context is not None:
        found = attention_of_pair(question, context, view)
        _show(as_json, found, attention_lines(found))
        return
    for found in view.pairs(sys.stdin, lambda prompt: typer.echo(f"{prompt}:", err=True)):
        _show(as_json, found, attention_lines(found))


@app.command()
def figures(
    run: Run,
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")],
    as_json: Json = False,
) -> None:
    """Draw the pictures of a run that was explored."""
    _explore_extra()
    from squad_albert.explore.pictures import figures, figures_lines

    drawn = figures(run, out, load_settings())
    _show(as_json, drawn.as_dict(), figures_lines(drawn))


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="Folder of a run, or a JSON file of predictions.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Likewise.")],
    data: Annotated[Path | None, typer.Option(help="SQuAD file with the golds; needed where neither is a run.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the tables.", show_default="none")] = None,
    as_json: Json = False,
) -> None:
    """Tell what got fixed and what broke from one run, or prediction file, to another."""
    _explore_extra()
    from squad_albert.compare import compare, comparison_lines

    result = compare(a, b, seed=load_settings().seed, warn=_warn, data=data, out=out)
    _show(as_json, result, comparison_lines(result))


@app.command()
def review(
    run: Run,
    out: Annotated[Path, typer.Option(help="CSV file to edit: keep, fix or drop.")],
    first: Annotated[int, typer.Option(min=1, max=MOST, help="How many of the most suspicious labels.")] = 100,
    as_json: Json = False,
) -> None:
    """Write the labels of an explored run that look wrong into a file for a person to decide on."""
    _explore_extra()
    from squad_albert.explore.review import review, review_lines

    result = review(run, out, first)
    _show(as_json, result, review_lines(result))


@app.command()
def relabel(
    data: Annotated[Path, typer.Option(help="SQuAD JSON file; it stays as it is.")],
    verdicts: Annotated[Path, typer.Option(help="CSV file with verdicts: keep, fix or drop.")],
    out: Annotated[Path, typer.Option(help="SQuAD JSON file to write.")],
    as_json: Json = False,
) -> None:
    """Write a SQuAD file with the verdicts applied."""
    _explore_extra()
    from squad_albert.relabel import relabel, relabel_lines

    result = relabel(data, verdicts, out, _warn)
    _show(as_json, result.as_dict(), relabel_lines(result))


@app.command()
def serve(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]...", help="Folders that evaluate made.", show_default=False)
    ] = None,
    model: ModelFolder = None,
    host: Annotated[str, typer.Option(help="Address to listen at; others than this reach beyond the machine.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8000,
) -> None:
    """Explore runs and ask questions in a browser, and over HTTP."""
    from squad_albert.extras import require

    require("serve", "fastapi", "uvicorn", "jinja2", "plotly", "duckdb")
    require("explore", "pandas", "sklearn")
    from squad_albert.serve.server import serve

    serve(load_settings(overrides={"model": model}), runs or [], host, port, lambda line: typer.echo(line, err=True))


def main() -> None:
    """Runs a command and exits.

    With 0 for success, 2 for what a user can mend, 130 after Ctrl-C; a bug ends in its traceback and 1.
    """
    try:
        _check_arguments(sys.argv[1:])
        app(prog_name="squad-albert")
    except KeyboardInterrupt:  # before typer catches it
        sys.exit(INTERRUPTED)
    except ProjectError as error:
        _fail(str(error))
    except UnicodeEncodeError as error:
        if error.encoding.startswith("utf"):  # then a text is at fault, not the encoding
            raise
        _fail(
            f"the encoding here is {error.encoding}, which has no {error.object[error.start]!r}. "
            "Set PYTHONUTF8=1, or a locale with UTF-8."
        )
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        _discard_output()
        _fail(f"the output cannot be written: {error}. Free some space, or direct it elsewhere.")


def _check_arguments(arguments: list[str]) -> None:
    """Refuses bytes that are no text here, which Python lets through as lone surrogates."""
    for number, argument in enumerate(arguments, 1):
        try:
            argument.encode()
        except UnicodeEncodeError as error:
            raise ProjectError(
                f"argument {number} is not {sys.getfilesystemencoding().upper()}: {argument!r}. Write it anew; in "
                "another locale than one with UTF-8, set PYTHONUTF8=1; rename a file of such a name."
            ) from error


def _discard_output() -> None:
    """Lets what waits to be written go nowhere, or Python would try again at its end, and tell."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stdout__.fileno() if sys.__stdout__ else 1)


def _fail(message: str) -> NoReturn:
    with suppress(OSError):  # where standard error cannot be written either, the code tells
        typer.echo(f"error: {message}", err=True)
    sys.exit(2)


def _show(as_json: bool, value: Any, lines: Iterable[str]) -> None:
    from squad_albert.files import to_json

    typer.echo(to_json(value) if as_json else "\n".join(lines))


def _explore_extra() -> None:
    from squad_albert.extras import require

    require("explore", "pandas", "sklearn", "umap", "plotly", "jinja2", "matplotlib", "tensorflow", "keras_hub")


def _colours() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _warn(warnings: list[str]) -> None:
    for warning in warnings[:SHOWN_WARNINGS]:
        typer.echo(f"warning: {warning}", err=True)
    if len(warnings) > SHOWN_WARNINGS:
        typer.echo(f"warning: {len(warnings) - SHOWN_WARNINGS} more kinds of warnings", err=True)


_start.over()
