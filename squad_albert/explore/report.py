"""``report.html``: all sections of a run on one page, which needs no other file and no network."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from project_config import Settings
from squad_albert.run_tables import RunTables
from squad_albert.tables import counted
from squad_albert.token_pictures import NAMES
from utils.files import whole_file

from . import charts
from .glance import apart, glance
from .marked import marked, methods
from .modules import script_of
from .overview import headline_split
from .section import Section
from .style import COLOURS, number, percent, visible

TEMPLATES = Path(__file__).parent / "templates"
SERVED = Path(__file__).parents[1] / "serve"
SOURCES = (TEMPLATES, SERVED / "static", SERVED / "templates")
"""Where the page's parts are: the report's own, and those of the map, which the explorer has, too."""

MOST_CLUSTERS = 6
"""Clusters of each kind that are shown with examples; the tables have all."""

MOST_EXPLAINED = 3
"""Questions whose tokens are coloured."""

NUMERIC = {
    "questions", "exact match", "95 % interval", "F1", "mean loss", "errors", "beyond its share", "elsewhere", "wrong",
    "p, corrected", "text", "latent", "question → answer", "by chance", "entropy",
}  # fmt: skip
"""Heads of columns of numbers."""


_NUMBER_AND_SIGN = re.compile(r"(?<=\d) ?%")
_CLUSTER_TOLD = ("Cluster ", "High-loss cluster ")  # sentences about single clusters, which have cards of their own


@dataclass(frozen=True)
class Part:
    """A part of the page."""

    id: str  # anchor, and name of its template
    short: str  # in the contents
    title: str
    section: str | None = None  # whose sentences and tables it shows
    sentences: list[str] = field(default_factory=list)
    empty: str | None = None  # why it has nothing to show
    filled: bool = True  # whether it has


PARTS = (
    Part("overview", "Overview", "How well does it answer?", "overview"),
    Part("population", "Population map", "The population, as the model sees it", "population"),
    Part("separation", "Distance of splits", "How far apart are the splits?", "population"),
    Part("clusters", "High-loss clusters", "High-loss clusters", "clusters"),
    Part("slices", "Error slices", "Error slices: which metadata go with errors?", "slices"),
    Part("composition", "Unlabelled clusters", "What the clusters are made of", "composition"),
    Part("near_duplicates", "Near-duplicates", "Near-duplicates and leakage", "near_duplicates"),
    Part("saliency", "Loss analysis", "Loss analysis: which tokens drive the loss?", "saliency"),
    Part("attention", "Attention", "Attention: what is looked at?", "attention"),
    Part("labels", "Labels to review", "False and ambiguous labels", "labels"),
    Part("reading", "How to read this", "How to read this"),
    Part("glossary", "Glossary", "Glossary"),
)
"""The page from top to bottom."""


def write_report(path: Path, run: RunTables, sections: Mapping[str, Section], settings: Settings) -> None:
    """Writes the page.

    Args:
        path: of the file.
        run: what was analysed.
        sections: by name, as ``explore`` makes them; those that are missing are said to be.
        settings: ``seed``, for the points drawn where there are too many.

    Raises:
        WriteError: if the file cannot be written.
    """
    with whole_file(path) as stream:
        stream.write(render(run, sections, settings))


def render(run: RunTables, sections: Mapping[str, Section], settings: Settings) -> str:
    """The page as one string; every text of the data in it is escaped."""
    parts = [_part(part, sections, run.folder) for part in PARTS]
    questions = run.questions.assign(outcome=charts.outcome(run.questions)).set_index("id", drop=False)
    return _environment().get_template("report.html").render(
        name=run.folder.resolve().name,
        meta=_meta(run),
        parts=parts,
        glance=[(_part_of(name), sentence) for name, sentence in glance(sections)],
        tiles=_tiles(run, sections),
        sections=sections,
        questions=len(questions),
        question=lambda key: _question(questions.loc[key]),
        cluster_groups=_cluster_groups(sections.get("clusters")),
        compositions=_compositions(sections.get("composition")),
        method_names=NAMES,
        explained=_explained(sections.get("saliency"), questions),
        charts=_charts(run, sections),
        map=charts.map_data(run, sections, settings.seed),
        map_script=Markup(script_of("report-map.js", SOURCES)),
        numeric=NUMERIC,
        palette=_palette(),
        dark=dict(COLOURS.values()),
        versions=f"plotly {version('plotly')}",
        plotly=Markup(get_plotlyjs()),
        rows=_rows,
    )  # fmt: skip


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(SOURCES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters = (_text, percent, number, counted, _chance, _count, _unit, _json, _spec)
    environment.filters |= {one.__name__.lstrip("_"): one for one in filters}
    return environment


def _text(value: object, longest: int | None = None) -> str:
    return visible(str(value), longest)


def _chance(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _count(value: int) -> str:
    return f"{int(value):,}"


def _unit(share: float) -> str:
    return f"{min(1.0, max(0.0, share)):.3f}"


def _json(value: Any) -> Markup:
    """JSON inside of a script element, which no text in it can close."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def _spec(chart: charts.Chart) -> Markup:
    return _json({"figure": json.loads(chart.figure.to_json()), "choices": [*chart.choices.values()]})


def _palette() -> Markup:
    """The colours as CSS variables, for both grounds."""
    light, dark = ("".join(f"--{name}:{pair[ground]};" for name, pair in COLOURS.items()) for ground in (0, 1))
    return Markup(
        f":root{{color-scheme:light;{light}}}"
        f":root[data-theme=dark]{{color-scheme:dark;{dark}}}"
        f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{dark}}}}}"
    )


def _part(part: Part, sections: Mapping[str, Section], folder: Path) -> Part:
    """A part with what its section says."""
    if part.section is None:
        return part
    section = sections.get(part.section)
    if section is None:
        why = f"This analysis was not made yet: squad-albert explore {folder} --only {part.section}"
        return Part(part.id, part.short, part.title, part.section, [], why, filled=False)
    filled = section.empty is None or not section.table.empty
    return Part(part.id, part.short, part.title, part.section, _sentences(part, section), section.empty, filled)


def _sentences(part: Part, section: Section) -> list[str]:
    """What a part says of its section, its per cents not torn from their numbers."""
    return [_NUMBER_AND_SIGN.sub("\N{NO-BREAK SPACE}%", sentence) for sentence in _said(part, section)]


def _said(part: Part, section: Section) -> list[str]:
    """Those sentences of a section that belong to a part; what is drawn beside them is not said twice."""
    if part.section == "population":
        return [sentence for sentence in section.sentences if (sentence in apart(section)) == (part.id == "separation")]
    if part.id == "clusters":
        return [sentence for sentence in section.sentences if not sentence.startswith(_CLUSTER_TOLD)]
    return section.sentences


def _part_of(name: str) -> Part:
    """The part that tells the finding of a section."""
    return next(part for part in reversed(PARTS) if part.section == name)


def _charts(run: RunTables, sections: Mapping[str, Section]) -> dict[str, charts.Chart]:
    loss = run.questions["loss"].mean()
    draws = {
        "overview": (charts.scores, charts.calibration),
        "population": (charts.separation,),
        "clusters": (lambda section: charts.cluster_losses(section, loss),),
        "slices": (charts.slice_effects,),
        "composition": (charts.cluster_types,),
        "saliency": (charts.deletion,),
        "attention": (charts.heads, charts.attention_example),
    }
    filled = {name: section for name, section in sections.items() if section.empty is None}
    drawn = [draw(filled[name]) for name, some in draws.items() if name in filled for draw in some]
    return {chart.name: chart for chart in drawn if chart is not None}


def _meta(run: RunTables) -> dict[str, str]:
    sources, manifest = run.manifest["sources"], run.manifest
    meta = {"data": str(sources.get("data")), "splits": ", ".join(manifest["splits"])}
    meta["questions"] = f"{len(run.questions):,}"
    if manifest["model"] is None:
        return meta | {"model": "none: answers from a file"}
    return meta | {"model": str(sources.get("model")), "engine": str(manifest["engine"])}


def _tiles(run: RunTables, sections: Mapping[str, Section]) -> list[dict[str, str]]:
    """The few figures at the top, of the split that says most about unseen questions."""
    tiles = [{"value": f"{len(run.questions):,}", "name": "question" if len(run.questions) == 1 else "questions"}]
    facts = sections["overview"].facts if "overview" in sections else {}
    splits = [key.removesuffix("_exact") for key in facts if key.endswith("_exact")]
    if splits:
        split = headline_split(splits)
        tiles.append({"value": percent(float(facts[f"{split}_exact"])), "name": f"exact match, {split}"})
        tiles.append({"value": percent(float(facts[f"{split}_f1"])), "name": f"F1, {split}"})
        if f"{split}_calibration_error" in facts:
            error = 100 * float(facts[f"{split}_calibration_error"])
            tiles.append({"value": f"{error:.1f} points", "name": f"calibration error, {split}"})
    return tiles


def _question(row: pd.Series[Any]) -> dict[str, Any]:
    golds = list(dict.fromkeys(row["golds"]))
    return {
        "id": row["id"],
        "question": row["question"],
        "gold": " | ".join(golds) if golds else "no answer" if row["labeled"] else "not labeled",
        "prediction": row["prediction"] or "no answer",
        "loss": None if pd.isna(row["loss"]) else float(row["loss"]),
        "outcome": row["outcome"],
    }


def _cluster_groups(section: Section | None) -> list[dict[str, Any]]:
    """The clusters that have cards: of all questions, and of those of the highest loss."""
    if section is None or section.empty:
        return []
    hard = section.more.get("high_loss_clusters", pd.DataFrame())
    groups = [("The hardest clusters of all questions", "Cluster", section.table)]
    groups.append(("Clusters among the questions of the highest loss", "High-loss cluster", hard))
    return [
        {"title": title, "name": name, "rows": _rows(table.sort_values("rank"), MOST_CLUSTERS)}
        for title, name, table in groups
        if len(table)
    ]


def _explained(section: Section | None, questions: pd.DataFrame) -> list[dict[str, Any]]:
    """Questions whose tokens have scores, with these in colours: one answered right, then those of the highest loss."""
    if section is None or section.table.empty:
        return []
    table = section.table
    kinds = table.drop_duplicates("id").set_index("id")["kind"]
    ids = [*kinds.index[kinds == "answered right"], *kinds.index[kinds != "answered right"]][:MOST_EXPLAINED]
    shown = methods(table)
    return [
        {
            "kind": kinds[key],
            "question": _question(questions.loc[key]),
            "methods": {method: marked(questions.loc[key], table[table["id"] == key], method) for method in shown},
        }
        for key in ids
    ]


def _compositions(section: Section | None) -> list[dict[str, Any]]:
    """The largest clusters with the questions nearest their centres."""
    if section is None or section.table.empty:
        return []
    groups = section.table.drop_duplicates("cluster").sort_values("size", ascending=False).head(MOST_CLUSTERS)
    examples = section.more["composition_examples"].sort_values("rank")
    return [
        {
            "cluster": row.cluster, "size": row.size, "purity": row.purity, "dominant": row.dominant,
            "ids": list(examples[examples["cluster"] == row.cluster]["id"][:3]),
        }
        for row in groups.itertuples()
    ]  # fmt: skip


def _rows(table: pd.DataFrame, first: int | None = None, **wanted: Iterable[str]) -> list[dict[str, Any]]:
    """Rows for a template, optionally only the first, or those with wanted values."""
    for name, values in wanted.items():
        table = table[table[name].isin(values)]
    rows: list[dict[str, Any]] = table.head(len(table) if first is None else first).to_dict("records")
    return rows
