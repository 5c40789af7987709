"""How the analyses of a run grow with the number of questions: map, clusters, slices and similar questions.

``python -m bench.explore`` runs it. The questions are the bundled ones over and over, their vectors of 768 drawn around
a centre for each question type and title, on a spectrum that falls as a trained model's does. Each analysis at each
size runs in a process of its own, which first does it with few questions, so that imports and compilation are told
apart from the work. The exponent of growth is that of the power law through the times: 1 is proportional. Similar
questions are compared each with each, exactly, so theirs is 2. Last, the report of 10,000 questions is opened in
Chromium.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from project_config import Settings, load_settings
from squad_albert.explore.clusters import clusters
from squad_albert.explore.composition import composition
from squad_albert.explore.labels import labels
from squad_albert.explore.latent import space
from squad_albert.explore.neighbours import neighbours
from squad_albert.explore.overview import overview
from squad_albert.explore.population import population
from squad_albert.explore.report import write_report
from squad_albert.explore.slices import slices
from squad_albert.run import evaluate_predictions
from squad_albert.run_tables import RunTables, read_run
from squad_albert.tables import table
from utils.question_types import question_type
from utils.squad import load_data

from .apart import Figures, figures_of
from .peers import peak_memory
from .scale import exponent, repeated, squad

SIZES = (10_000, 30_000, 100_000)
DIMENSIONS = 768
MOST_EXPONENT = 1.2
MOST_MINUTES = 15
MOST_GIGABYTES = 6
REPORTED = 10_000
"""Questions of the report that is opened."""
MOST_SECONDS = 3
"""In which it is loaded and its map drawn."""

_WRONG = 0.25  # of the answers
_FEW = 500  # questions of the first, untimed round
_RANK = 60  # directions in which vectors differ by what they mean
_PATIENCE = 600_000  # milliseconds

Analysis = Callable[[RunTables, Settings], object]


def map_analysis(run: RunTables, settings: Settings) -> None:
    """The population map with the distances of the splits."""
    population(run, space(run, settings), settings)


def cluster_analysis(run: RunTables, settings: Settings) -> None:
    """The clusters in words, and their composition."""
    shared = space(run, settings)
    members = clusters(run, shared, settings).more["cluster_members"]
    composition(run, shared, members, settings)


ANALYSES: Mapping[str, Analysis] = {
    "map": map_analysis,
    "clusters": cluster_analysis,
    "slices": slices,
    "similar": neighbours,
}
QUADRATIC = "similar"


def make_run(folder: Path, count: int, dimensions: int = DIMENSIONS) -> None:
    """A run of the bundled questions, over and over, mostly right: ``run``, ``vectors.npy`` and ``loss.npy``."""
    copies, validation = repeated(count), min(600, count // 5)
    (folder / "data").mkdir(parents=True)
    for split, part in (("train", copies[validation:]), ("validation", copies[:validation])):
        (folder / "data" / f"{split}.json").write_text(json.dumps(squad(part)), encoding="utf-8")
    settings = load_settings(overrides={"data": str(folder / "data"), "cache": str(folder / "cache")})
    data = load_data(settings)
    questions = [question for split in ("train", "validation") for question in data[split]]
    draw = np.random.default_rng(settings.seed)
    wrong = draw.random(len(questions)) < _WRONG
    answers = {
        question.id: question.context[:20] if bad else "".join(gold.text for gold in question.golds[:1])
        for question, bad in zip(questions, wrong, strict=True)
    }
    predictions = folder / "predictions.json"
    predictions.write_text(json.dumps(answers), encoding="utf-8")
    evaluate_predictions(settings, "train,validation", predictions, None, folder / "run", lambda warnings: None)
    np.save(folder / "loss.npy", draw.exponential(np.where(wrong, 6.0, 1.0)))
    meanings = [np.unique(names, return_inverse=True)[1] for names in (
        [question_type(question.question) for question in questions], [question.title for question in questions]
    )]  # fmt: skip
    write_vectors(folder / "vectors.npy", meanings, dimensions, draw)


def write_vectors(
    path: Path, meanings: Sequence[NDArray[np.int64]], dimensions: int, draw: np.random.Generator
) -> None:
    """Vectors, float32 [N, dimensions], that differ by each of the meanings, the first most, and by chance."""
    spectrum = 1 / np.sqrt(np.arange(1, _RANK + 1))
    axes = draw.normal(size=(_RANK, dimensions)) * spectrum[:, None]
    centres = [draw.normal(0, 1 / place, (names.max() + 1, _RANK)) for place, names in enumerate(meanings, 1)]
    vectors = np.lib.format.open_memmap(path, "w+", np.float32, (len(meanings[0]), dimensions))
    for start in range(0, len(vectors), 10_000):
        block = slice(start, start + 10_000)
        meaning = sum(centre[names[block]] for centre, names in zip(centres, meanings, strict=True))
        latent = meaning + draw.normal(0, 0.3, (len(vectors[block]), _RANK))
        vectors[block] = latent @ axes + draw.normal(0, 0.1, (len(latent), dimensions))
    vectors.flush()


def open_run(folder: Path, rows: int | None = None) -> RunTables:
    """What ``make_run`` wrote; ``rows`` takes only the first ones."""
    run = read_run(folder / "run")
    questions = run.questions.assign(loss=np.load(folder / "loss.npy")).iloc[:rows]
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")[:rows]
    return replace(run, questions=questions, vectors=dict.fromkeys(("cls", "context", "answer"), vectors))


def run_analysis(name: str, folder: Path) -> Figures:
    """One analysis in this process: seconds to start and to do it, and the most memory of the process, in bytes."""
    settings = load_settings()
    times = []
    for rows in (_FEW, None):
        run = open_run(folder, rows)
        began = time.perf_counter()
        ANALYSES[name](run, settings)
        times.append(time.perf_counter() - began)
    return {"start": times[0], "seconds": times[1], "peak": peak_memory()}


def measure(name: str, folder: Path) -> Figures:
    """One analysis in a process of its own."""
    return figures_of(f"{folder.name} {name}", "bench.explore", ["--analysis", name, "--folder", str(folder)])


def measure_all(sizes: Sequence[int]) -> dict[str, list[Figures]]:
    """Every analysis at every size."""
    found: dict[str, list[Figures]] = {name: [] for name in ANALYSES}
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix=f"explore-{size}-") as folder:
            make_run(Path(folder), size)
            for name, figures in found.items():
                figures.append(measure(name, Path(folder)))
    return found


def write_large_report(folder: Path) -> Path:
    """The report of a run, with all that needs no model; the map is drawn by PCA, as only its points count."""
    run, settings = open_run(folder), load_settings(overrides={"map": "pca"})
    shared = space(run, settings)
    found = clusters(run, shared, settings)
    sections = {
        "overview": overview(run),
        "population": population(run, shared, settings),
        "clusters": found,
        "slices": slices(run, settings),
        "composition": composition(run, shared, found.more["cluster_members"], settings),
        "labels": labels(run, settings),
    }
    write_report(folder / "report.html", run, sections, settings)
    return folder / "report.html"


def open_report(path: Path) -> Figures:
    """Seconds until Chromium has loaded a report, and until its map is drawn, with the time that it takes to get there.

    Args:
        path: the report.
    """
    from tests.browser import launched

    with launched() as browser:
        page = browser.new_page()
        page.set_default_timeout(_PATIENCE)
        began = time.perf_counter()
        page.goto(path.as_uri())
        loaded = time.perf_counter() - began
        page.wait_for_selector("#map[data-drawn]")
        page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return {"loaded": loaded, "drawn": time.perf_counter() - began, "bytes": path.stat().st_size}


def measure_report(count: int = REPORTED) -> Figures:
    """The report of so many generated questions."""
    with tempfile.TemporaryDirectory(prefix="report-") as scratch:
        make_run(Path(scratch), count)
        return open_report(write_large_report(Path(scratch)))


def report_line(figures: Figures) -> str:
    """How long it takes to open, beside the target."""
    return (
        f"The report of {REPORTED:,} questions, {figures['bytes'] / 1e6:.1f} MB, is loaded after "
        f"{figures['loaded']:.1f} s and its map drawn after {figures['drawn']:.1f} s; "
        f"{_verdict(figures['drawn'] < MOST_SECONDS, f'< {MOST_SECONDS} s')}"
    )


def lines(sizes: Sequence[int], found: Mapping[str, Sequence[Figures]]) -> list[str]:
    """Times, peak memory and exponents of growth, and all together beside their targets."""
    rows = [["", *(f"{size:,}" for size in sizes), "exponent", ""]]
    for name, figures in found.items():
        growth = exponent(sizes, [one["seconds"] for one in figures])
        verdict = "exact" if name == QUADRATIC else _verdict(growth <= MOST_EXPONENT, f"<= {MOST_EXPONENT}")
        rows.append([name, *(f"{one['seconds']:.1f} s" for one in figures), f"{growth:.2f}", verdict])
        rows.append(["  memory", *(f"{one['peak'] / 2**30:.2f} GB" for one in figures), "", ""])
        rows.append(["  to start", *(f"{one['start']:.1f} s" for one in figures), "", ""])
    together = [
        sum(one["start"] + one["seconds"] for one in column) / 60 for column in zip(*found.values(), strict=True)
    ]
    peaks = [max(one["peak"] for one in column) / 2**30 for column in zip(*found.values(), strict=True)]
    rows.append(["all together", *(f"{minutes:.1f} min" for minutes in together), "",
                 _verdict(together[-1] < MOST_MINUTES, f"< {MOST_MINUTES} min")])  # fmt: skip
    rows.append(["most memory", *(f"{peak:.2f} GB" for peak in peaks), "",
                 _verdict(peaks[-1] < MOST_GIGABYTES, f"< {MOST_GIGABYTES} GB")])  # fmt: skip
    return table(rows)


def _verdict(good: bool, target: str) -> str:
    return f"{target}: {'yes' if good else 'no'}"


def main() -> None:
    """Measures every analysis at every size and prints times, memory and the exponents of growth."""
    parser = argparse.ArgumentParser(prog="python -m bench.explore", description=main.__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--analysis", choices=ANALYSES, help="only this one, in this process, as JSON")
    parser.add_argument("--folder", type=Path, help="of the run for --analysis")
    parser.add_argument("--report", action="store_true", help="only open the report")
    options = parser.parse_args()
    if options.analysis:
        print(json.dumps(run_analysis(options.analysis, options.folder)))
        return
    if not options.report:
        print("\n".join(lines(options.sizes, measure_all(options.sizes))))
    print(report_line(measure_report()))


if __name__ == "__main__":
    main()
