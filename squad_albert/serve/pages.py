"""The pages: made of templates on the server, then given life by the modules under ``/static``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from project_config import ROOT
from squad_albert.explore.style import COLOURS, NONE, OUTCOMES, SERIES_NAMES, number, percent, visible
from squad_albert.explore.verdicts import VerdictError
from squad_albert.token_pictures import NAMES
from utils.squad import load_file

from .errors import ConflictError, NotFoundError
from .marks import overlap, stretches
from .routing import question_id
from .service import Service

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"

EXAMPLES = (
    "news-f-water-ration-02",
    "recipe-f-lemon-almond-cake-21",
    "letter-f-old-market-letter-25",
    "guide-e-white-line-winter-01",
    "guide-e-white-line-winter-19",
    "article-ommerdale-canal-15",
)
"""Questions of the bundled validation split that the first page offers; the last but one has no answer, and the last
is beyond the bundled model."""

HEAT = ("occlusion", "integrated_gradients", "gradient_input")
"""By what tokens are coloured; the first, at first, needs no gradients."""

EXPORTS = {"csv": "CSV", "json": "JSON", "squad": "SQuAD JSON", "ids": "sample ids"}
"""What a selection can be downloaded as."""

VERDICTS = {
    "": "not looked at yet",
    "keep": "the label is right",
    "fix": "another answer is right",
    "drop": "the question is of no use",
}
"""What a person may say of a label."""

PARTS = {"questions": "Questions", "clusters": "Clusters", "slices": "Slices", "labels": "Labels to review"}
"""The lists of the explorer."""

LISTS: Mapping[str, Mapping[str, Any]] = {
    "clusters": {
        "note": "Questions that lie densely together on the map, the highest loss first. Click one to select it.",
        "heads": ["cluster", "words", "why", "questions", "mean loss", "wrong"],
        "numbers": {"questions", "mean loss", "wrong"},
    },
    "slices": {
        "note": "Conditions on metadata that go with more errors than elsewhere. Click one to select its questions.",
        "heads": ["slice", "questions", "wrong", "elsewhere", "mean loss", "p, corrected"],
        "numbers": {"questions", "wrong", "elsewhere", "mean loss", "p, corrected"},
    },
    "labels": {
        "note": "Labels that are most likely wrong or ambiguous, the most suspicious first.",
        "heads": ["question", "gold", "answer", "why", "rank"],
        "numbers": {"rank"},
    },
}

Record = dict[str, Any]


def add_pages(app: FastAPI, service: Service) -> None:
    """Adds the pages and what they load to the server.

    Args:
        app: receives ``/``, ``/ask``, ``/explore/{run}``, ``/explore/{run}/questions/{id}`` and ``/static``.
        service: what they show.
    """
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    environment = make_environment()

    def page(request: Request, name: str, make: Callable[[], Record]) -> HTMLResponse:
        """A page; one that says so where what it is about is not there, or not usable."""
        runs = service.list_runs()
        try:
            return HTMLResponse(environment.get_template(f"{name}.html").render(page=name, runs=runs, **make()))
        except (NotFoundError, ConflictError, VerdictError) as error:
            missing = isinstance(error, NotFoundError)
            told = {"title": "Not found" if missing else "Not usable", "message": _sentence(str(error))}
            text = environment.get_template("error.html").render(page="error", runs=runs, **told)
            return HTMLResponse(text, status_code=404 if missing else 409)

    @router.get("/")
    @router.get("/ask")
    def ask(request: Request, run: str | None = None, id: str | None = None) -> HTMLResponse:
        return page(request, "ask", lambda: _ask(service, run, id))

    @router.get("/explore/{run}")
    def explore(request: Request, run: str) -> HTMLResponse:
        return page(request, "explore", lambda: _explore(service, run))

    @router.get("/explore/{run}/questions/{id}")
    def question(request: Request, run: str, id: str) -> HTMLResponse:
        return page(request, "question", lambda: _question(service, run, question_id(id)))

    @router.get("/static/palette.css")
    def palette() -> Response:
        return Response(palette_css(), media_type="text/css")

    app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")


def make_environment() -> Environment:
    """The templates, every text in them escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, auto_reload=False,
    )  # fmt: skip
    environment.filters |= {"text": _text, "number": number, "chance": chance, "string_literal": json.dumps}
    environment.globals |= {"path": address, "methods": HEAT, "method_names": NAMES, "modules": modules}
    return environment


def address(*parts: str) -> str:
    """The path of a page; names and ids may hold any character.

    >>> address("explore", "demo", "questions", "a/b?c")
    '/explore/demo/questions/a%2Fb%3Fc'
    """
    return "/" + "/".join(quote(part, safe="") for part in parts)


def palette_css() -> str:
    """The project's colours as CSS variables, on a light and on a dark ground."""
    light, dark = ("".join(f"--{name}:{pair[ground]};" for name, pair in COLOURS.items()) for ground in (0, 1))
    return f":root{{{light}}}\n@media(prefers-color-scheme:dark){{:root{{{dark}}}}}\n"


def chance(probability: float | None) -> str:
    """A probability; small ones are not rounded to nothing.

    >>> chance(0.5), chance(1e-9), chance(0.99999)
    ('50.0 %', '< 0.1 %', '> 99.9 %')
    """
    if probability is None:
        return NONE
    if 0 < probability < 0.001:
        return "< 0.1 %"
    return "> 99.9 %" if 0.999 < probability < 1 else percent(probability)


@cache
def examples() -> list[dict[str, str]]:
    """The questions that the first page offers, with their contexts."""
    known = {question.id: question for question in load_file(ROOT / "data" / "validation.json")}
    return [{"question": known[key].question, "context": known[key].context} for key in EXAMPLES]


@cache
def modules(entry: str) -> list[str]:
    """A module and all that it needs: a browser that is told fetches them at once, not one layer after the other.

    >>> modules("dom.js"), "polygon.js" in modules("explore.js")
    (['dom.js'], True)
    """
    found = [entry]
    for name in found:  # grows on the way
        text = (STATIC / name).read_text(encoding="utf-8")
        found += [one for one in re.findall(r'from "\./([\w.]+)"', text) if one not in found]
    return found


def _ask(service: Service, run: str | None, key: str | None) -> Record:
    """The first page, with the context of a run's question if it is asked for."""
    context = service.run(run).question(key)["context"] if run is not None and key is not None else ""
    return {"examples": examples(), "question": "", "context": context}


def _explore(service: Service, name: str) -> Record:
    summary = service.run(name).summary
    meta = {"splits": ", ".join(summary["splits"]), "model": summary["model"] or "none: answers from a file"}
    meta |= {"engine": summary["engine"]} if summary["engine"] else {}
    palette = json.dumps({"series": SERIES_NAMES, "outcomes": OUTCOMES})
    lists = {"parts": PARTS, "lists": LISTS, "exports": EXPORTS}
    return {"run": name, "meta": meta, "tiles": _tiles(summary), "palette": palette, **lists}


def _tiles(summary: Record) -> list[Record]:
    tiles = [{"value": f"{summary['questions']:,}", "name": "questions"}]
    for split, metrics in summary["metrics"].items():
        if metrics["exact"] is not None:
            tiles.append({"value": percent(metrics["exact"]), "name": f"exact match, {split}"})
            tiles.append({"value": percent(metrics["f1"]), "name": f"F1, {split}"})
    return tiles


def _question(service: Service, name: str, key: str) -> Record:
    question = service.run(name).question(key)
    golds = [(start, start + len(gold)) for start, gold in zip(question["gold_starts"], question["golds"], strict=True)]
    answer = (question["prediction_start"], question["prediction_end"]) if question["prediction"] else None
    if answer and answer[0] is None:
        answer = None  # an answer that was given as a text, without its place
    return {
        "run": name,
        "question": question,
        "golds": list(dict.fromkeys(question["golds"])),
        "stretches": stretches(question["context"], golds, answer),
        "overlap": overlap(golds, answer),
        "nbest": [one | {"gold": one["text"] in question["golds"]} for one in question["nbest"] or []],
        "metadata": _metadata(question),
        "verdicts": VERDICTS,
    }


_SHOWN_ELSEWHERE = {"row", "id", "question", "context", "golds", "gold_starts", "nbest", "windows", "verdict"}
_NOISE = {("cluster", -1), ("high_loss_cluster", -1)}
_GROUPS = {"question": "Question", "answer": "Answer", "context": "Context"}


def _metadata(question: Record) -> dict[str, dict[str, str]]:
    """Every field that is not shown elsewhere on the page, in groups."""
    groups: dict[str, dict[str, str]] = {"Result": {}, **{title: {} for title in _GROUPS.values()}}
    for name, value in question.items():
        if name in _SHOWN_ELSEWHERE:
            continue
        first, _, rest = name.partition("_")
        group, field = (_GROUPS[first], rest) if first in _GROUPS else ("Result", name)
        groups[group][field.replace("_", " ")] = "none" if (name, value) in _NOISE else _told(value)
    return groups


def _told(value: Any) -> str:
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, 0 if value.is_integer() else 3)
    return f"{value:,}" if isinstance(value, int) else str(value)


def _text(value: object, longest: int | None = None) -> str:
    return visible(str(value), longest)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
