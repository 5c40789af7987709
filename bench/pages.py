"""How long the explorer's map takes to come, to answer a lasso, and to be moved, in a real Chromium.

``make bench-pages`` runs it. The run is generated, as are the places of its questions. Times are those that a person
waits: from the request for the page until points are painted, from letting go of a lasso until figures and table show
what it holds, and from one painted step to the next while the map is dragged. The server is another thread of this
process.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from playwright.sync_api import Browser, Page

from project_config import Settings, load_settings
from squad_albert.explore.section import Section
from squad_albert.explore.store import Store, identity
from squad_albert.run_tables import read_run
from squad_albert.serve.api import create_app
from squad_albert.serve.service import Service
from squad_albert.tables import table
from tests.browser import launched
from tests.squad_albert.serve.browser.live import opened, served

from .explore import make_run

SIZES = (10_000, 20_000)
ROUNDS = 5
MOST_FIRST = 1_500
MOST_LASSO = 300

_WATCH = """
window.painted = [];
addEventListener("drawn", () => painted.push(performance.now()));
addEventListener("pointerup", () => { window.released = performance.now(); window.answered = {}; }, true);
addEventListener("DOMContentLoaded", () => {
    new MutationObserver((changes) => {
        for (const { attributeName } of changes) if (window.answered) answered[attributeName] = performance.now();
    }).observe(document.getElementById("main"), { attributeFilter: ["data-counted", "data-listed"] });
});
"""

Figures = dict[str, float]


def make_explored(folder: Path, count: int) -> Path:
    """A generated run with a map: clouds of questions, drawn by chance."""
    make_run(folder, count, dimensions=2)
    run = read_run(folder / "run")
    places = np.load(folder / "vectors.npy").astype(np.float64)
    points = pd.DataFrame({"id": run.questions["id"], "x": places[:, 0], "y": places[:, 1]})
    store = Store(run.folder, identity(run.folder, load_settings()))
    store.write(Section("population", "Population", points, [], {"method": "umap"}))
    return run.folder


def measure(browser: Browser, address: str) -> Figures:
    """One round: milliseconds to the first map (``first``), after a lasso (``lasso``), between steps (``step``)."""
    with opened(browser, "about:blank") as (page, _):
        page.add_init_script(_WATCH)
        page.goto(address)
        page.wait_for_selector("#main[data-listed][data-counted]")
        first = page.evaluate("painted[0]")
        step = _drag(page)
        page.click("button[data-mode=lasso]")
        _draw(page, [(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7), (0.3, 0.31)])
        page.wait_for_selector("#main[data-listed*=lasso][data-counted*=lasso]")
        lasso = page.evaluate("Math.max(...Object.values(answered)) - released")
    return {"first": first, "lasso": lasso, "step": step}


def _drag(page: Page) -> float:
    """Milliseconds from one painted step to the next, in the middle, while the map is dragged."""
    begun: int = page.evaluate("painted.length")
    _draw(page, [(0.5, 0.5), (0.7, 0.5), (0.5, 0.6), (0.4, 0.4)])
    times: list[float] = page.evaluate("begun => painted.slice(begun)", begun)
    return statistics.median(after - before for before, after in pairwise(times))


def _draw(page: Page, path: Sequence[tuple[float, float]]) -> None:
    """Drags the pointer over the map, through shares of its width and height."""
    box: Any = page.locator("#map").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=10)
    page.mouse.up()


def measure_all(sizes: Sequence[int], rounds: int, settings: Settings) -> dict[int, Figures]:
    """By number of questions, the median of each figure."""
    found = {}
    with launched() as browser:
        for size in sizes:
            with tempfile.TemporaryDirectory(prefix="pages-") as scratch:
                run = make_explored(Path(scratch), size)
                with served(create_app(Service(settings, [run]))) as address:
                    every = [measure(browser, f"{address}/explore/{run.name}") for _ in range(rounds)]
            found[size] = {name: statistics.median(one[name] for one in every) for name in every[0]}
    return found


def lines(found: Mapping[int, Figures]) -> list[str]:
    """The figures beside their targets, which are those of the first size."""
    rows = [["questions", "first map", "answer to a lasso", "step of a drag"]]
    for size, one in found.items():
        rows.append([f"{size:,}", *(f"{one[name]:.0f} ms" for name in ("first", "lasso", "step"))])
    first = next(iter(found.values()))
    met = [_verdict(first["first"], MOST_FIRST), _verdict(first["lasso"], MOST_LASSO)]
    return table([*rows, ["target", *met, ""]])


def _verdict(milliseconds: float, most: int) -> str:
    return f"< {most} ms: {'yes' if milliseconds < most else 'no'}"


def main() -> None:
    """Prints, for each number of questions, how long people wait for the explorer."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=main.__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args()
    print("\n".join(lines(measure_all(options.sizes, options.rounds, load_settings()))))


if __name__ == "__main__":
    main()
