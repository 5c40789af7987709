"""How time and memory grow with the number of questions: reading, windows, decoding, scoring and a whole run.

``make scale`` runs it. The questions are the bundled corpus over and over, every copy with ids and contexts of its own
so that nothing is found done already. Each stage at each size runs in a process of its own, whose peak memory is
compared with what the process had before the stage, and with the tables themselves. The exponent of growth is that of
the power law fitted to the times: 1 is proportional.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from project_config import ROOT, Settings, load_settings
from squad_albert.tables import table
from utils.questions import Question
from utils.squad import load_file

from .apart import Figures, figures_of
from .peers import peak_memory

SIZES = (1_000, 3_000, 10_000, 30_000, 100_000)
MOST_EXPONENT = 1.05
SHORT = 30.0
"""A stage that takes at most so many seconds is measured three times, and its median taken."""


def repeated(count: int) -> list[Question]:
    """So many questions: the bundled validation split, copy after copy, with fresh ids and contexts."""
    questions = load_file(ROOT / "data" / "validation.json", warnings=[])
    found: list[Question] = []
    for copy in range(-(-count // len(questions))):
        contexts = {question.context: f"{question.context} ({copy})" for question in questions}
        found += [
            replace(question, id=f"{question.id}.{copy}", context=contexts[question.context]) for question in questions
        ]
    return found[:count]


def squad(questions: Sequence[Question]) -> dict[str, object]:
    """Questions as SQuAD 2.0."""
    articles: dict[str, dict[str, list[object]]] = {}
    for question in questions:
        answers = [{"text": gold.text, "answer_start": gold.start} for gold in question.golds]
        one = {"id": question.id, "question": question.question, "answers": answers, "is_impossible": not answers}
        articles.setdefault(question.title, {}).setdefault(question.context, []).append(one)
    return {
        "version": "v2.0",
        "data": [
            {
                "title": title,
                "paragraphs": [{"context": context, "qas": asked} for context, asked in paragraphs.items()],
            }
            for title, paragraphs in articles.items()
        ],
    }


def read_stage(data: Path, settings: Settings) -> Figures:
    """Reading and checking the file."""
    before, began = peak_memory(), time.perf_counter()
    load_file(data, warnings=[])
    return {"before": before, "seconds": time.perf_counter() - began}


def windows_stage(data: Path, settings: Settings) -> Figures:
    """Building the windows and leaving them on the disk."""
    from utils.samples import model_folder
    from utils.windows import build_windows, load_tokenizer

    questions, tokenizer = load_file(data, warnings=[]), load_tokenizer(model_folder(settings))
    before, began = peak_memory(), time.perf_counter()
    windows = build_windows(questions, tokenizer, settings)
    seconds = time.perf_counter() - began
    return {
        "before": before,
        "seconds": seconds,
        "tables": float(sum(array.nbytes for array in vars(windows).values())),
    }


def decode_stage(data: Path, settings: Settings) -> Figures:
    """Decoding random logits, group by group."""
    from model.runtime import question_groups
    from utils.decoders import decode_questions, window_spans
    from utils.samples import model_folder
    from utils.windows import build_windows, load_tokenizer

    questions = load_file(data, warnings=[])
    windows = build_windows(questions, load_tokenizer(model_folder(settings)), settings)
    draw = np.random.default_rng(0)
    before, seconds = peak_memory(), 0.0
    for group in question_groups(windows.first):
        rows = slice(int(windows.first[group.start]), int(windows.first[group.stop]))
        logits = draw.standard_normal((rows.stop - rows.start, windows.max_length, 2), np.float32)
        began = time.perf_counter()
        spans = window_spans(logits, windows.context_start[rows], windows.context_end[rows], settings)
        decode_questions(spans, windows, questions, settings, group)
        seconds += time.perf_counter() - began
    return {"before": before, "seconds": seconds}


def score_stage(data: Path, settings: Settings) -> Figures:
    """Scoring answers by the official rules, thresholds included."""
    from utils.squad_metrics import evaluate

    questions = load_file(data, warnings=[])
    answers = {question.id: question.context[:20] for question in questions}
    odds = dict(zip(answers, np.random.default_rng(0).random(len(answers)).tolist(), strict=True))
    before, began = peak_memory(), time.perf_counter()
    evaluate(answers, questions, odds)
    return {"before": before, "seconds": time.perf_counter() - began}


def evaluate_stage(data: Path, settings: Settings) -> Figures:
    """A whole run: reading, windows, model, decoding, files and figures."""
    from squad_albert.run import evaluate

    with tempfile.TemporaryDirectory() as scratch:
        before, began = peak_memory(), time.perf_counter()
        evaluate(settings.model_copy(update={"data": str(data)}), None, Path(scratch, "run"), lambda warnings: None)
        return {"before": before, "seconds": time.perf_counter() - began}


STAGES: Mapping[str, Callable[[Path, Settings], Figures]] = {
    "read": read_stage,
    "windows": windows_stage,
    "decode": decode_stage,
    "score": score_stage,
    "evaluate": evaluate_stage,
}


def run_stage(stage: str, data: Path, settings: Settings) -> Figures:
    """One stage in this process, and the most memory that it has had, in bytes."""
    figures = STAGES[stage](data, settings)
    return {**figures, "peak": peak_memory()}


def measure(stage: str, data: Path) -> Figures:
    """One stage in a process of its own, with a new cache."""
    with tempfile.TemporaryDirectory(dir=data.parent) as cache:
        arguments = ["--stage", stage, "--data", str(data), "--cache", cache]
        return figures_of(f"{data.stem} {stage}", "bench.scale", arguments)


def measure_all(sizes: Sequence[int], stages: Iterable[str]) -> dict[str, list[Figures]]:
    """Every one of the stages at every size."""
    found: dict[str, list[Figures]] = {stage: [] for stage in stages}
    for size in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            data = Path(scratch, f"validation-{size}.json")
            data.write_text(json.dumps(squad(repeated(size))), encoding="utf-8")
            for stage, figures in found.items():
                runs = [measure(stage, data)]
                if runs[0]["seconds"] <= SHORT:
                    runs += [measure(stage, data) for _ in range(2)]
                figures.append({name: statistics.median(run[name] for run in runs) for name in runs[0]})
    return found


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The exponent of the power law through the times.

    >>> round(exponent([10, 100, 1000], [0.1, 1.0, 10.0]), 6)
    1.0
    """
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def lines(sizes: Sequence[int], found: Mapping[str, Sequence[Figures]]) -> list[str]:
    """Times, the memory that a stage adds to what was there before, and the exponents of growth."""
    rows = [["", *(f"{size:,}" for size in sizes), "exponent", f"<= {MOST_EXPONENT}"]]
    for stage, figures in found.items():
        growth = exponent(sizes, [one["seconds"] for one in figures])
        verdict = "yes" if growth <= MOST_EXPONENT else "no"
        rows.append([stage, *(f"{one['seconds']:.2f} s" for one in figures), f"{growth:.2f}", verdict])
        rows.append(["  adds to memory", *(_megabytes(one["peak"] - one["before"]) for one in figures), "", ""])
        if stage == "windows":
            rows.append(["  of it tables", *(_megabytes(one["tables"]) for one in figures), "", ""])
    return table(rows)


def _megabytes(size: float) -> str:
    return f"{size / 2**20:,.0f} MB"


def main() -> None:
    """Measures every stage at every size and prints times, memory and the exponents of growth."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=main.__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--only", choices=STAGES, nargs="+", default=STAGES, help="these stages; default: all")
    parser.add_argument("--stage", choices=STAGES, help="this one alone, in this process, as JSON")
    parser.add_argument("--data", type=Path, help="the file for --stage")
    parser.add_argument("--cache", help="folder for the windows of --stage")
    options = parser.parse_args()
    if options.stage:
        figures = run_stage(options.stage, options.data, load_settings(overrides={"cache": options.cache}))
        print(json.dumps(figures))
        return
    print("\n".join(lines(options.sizes, measure_all(options.sizes, options.only))))


if __name__ == "__main__":
    main()
