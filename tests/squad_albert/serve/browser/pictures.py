"""The README's pictures of the pages: ``python -m tests.squad_albert.serve.browser.pictures RUN --out images``.

RUN is an explored run of the bundled model. The pictures are those of a person who goes through the pages.
"""

from __future__ import annotations

import argparse
import math
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect

from project_config import load_settings
from squad_albert.serve.api import create_app
from squad_albert.serve.service import Service
from tests.browser import launched

from .live import PHONE, opened, served

WIDE = {"viewport": {"width": 1280, "height": 860}, "device_scale_factor": 1.5}
HAND = {**PHONE, "viewport": {"width": 390, "height": 1200}, "device_scale_factor": 2}
TALL = {**WIDE, "viewport": {"width": 1280, "height": 1320}}

HARD = (0.76, 0.575, 0.11)  # where the lasso goes: shares of the map's width and height


def explorer(page: Page, address: str) -> None:
    """The map coloured by what became of the questions, the largest of them the hardest."""
    page.goto(f"{address}?by=loss")
    _listed(page)


def selection(page: Page, address: str) -> None:
    """A lasso, and what it holds beside the rest."""
    page.goto(f"{address}?color=question_type&show=answer_type")
    _listed(page)
    page.click("button[data-mode=lasso]")
    box: Any = page.locator("#map").bounding_box()
    x, y, radius = HARD
    turns = [turn / 4 for turn in range(26)]
    shares = [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]
    corners = [(box["x"] + box["width"] * right, box["y"] + box["height"] * down) for right, down in shares]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners:
        page.mouse.move(*corner)
    page.mouse.up()
    page.wait_for_selector("#main[data-listed*=lasso][data-counted*=lasso]")


def clusters(page: Page, address: str) -> None:
    """The clusters in words, on a dark ground, the first of them selected."""
    page.goto(f"{address}?part=clusters")
    page.locator("#clusters-rows button").first.click()
    page.wait_for_selector("#main[data-counted*=cluster]")


def question(page: Page, address: str) -> None:
    """One question with all that is known of it."""
    page.goto(f"{address}/questions/article-ommerdale-canal-06")
    _explained(page)
    expect(page.locator("#similar li")).not_to_have_count(0)


def ask(page: Page, address: str) -> None:
    """A question about a text, its answer and why."""
    page.goto(address.rpartition("/explore")[0])
    page.locator(".examples-list button").first.click()
    _explained(page)


PICTURES: Mapping[str, tuple[Callable[[Page, str], None], Mapping[str, Any]]] = {
    "explorer": (explorer, TALL),
    "explorer-selection": (selection, WIDE),
    "explorer-clusters": (clusters, {**TALL, "color_scheme": "dark"}),
    "explorer-question": (question, TALL),
    "explorer-phone": (explorer, HAND),
    "ask": (ask, TALL),
}
"""By the name of the file, who makes it and in what window."""


def take(browser: Browser, address: str, out: Path) -> list[Path]:
    """Takes every picture of the run at an address."""
    paths = []
    for name, (make, window) in PICTURES.items():
        with opened(browser, "about:blank", reduced_motion="reduce", **window) as (page, problems):
            make(page, address)
            page.mouse.move(0, 0)
            page.evaluate("scrollTo(0, 0)")
            paths.append(out / f"{name}.png")
            page.screenshot(path=paths[-1])
            assert problems == []
    return paths


def _listed(page: Page) -> None:
    page.wait_for_selector("#main[data-listed][data-counted]")


def _explained(page: Page) -> None:
    expect(page.locator("#heat mark")).not_to_have_count(0)
    expect(page.locator("#attention tbody tr")).not_to_have_count(0)


def main() -> None:
    """Serves a copy of a run and takes the pictures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--out", type=Path, default=Path("images"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        run = Path(shutil.copytree(options.run, Path(scratch, options.run.resolve().name)))
        with served(create_app(Service(load_settings(), [run]))) as address, launched() as browser:
            for path in take(browser, f"{address}/explore/{run.name}", options.out):
                print(path)  # noqa: T201


if __name__ == "__main__":
    main()
