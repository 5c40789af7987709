"""The pictures of a run for a README: PNG files that tell its findings, each with the numbers in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from project_config import Settings
from squad_albert.run_tables import RunTables, read_run
from squad_albert.tables import counted
from squad_albert.token_pictures import NAMES
from utils.files import make_folder

from .glance import apart, glance
from .marked import marked, methods
from .neighbours import similar
from .problems import MARKS
from .section import Section
from .sheet import BODY, HEADING, MARGIN, SMALL, WIDTH, Sheet, drawable, height, measure
from .store import read_sections
from .style import LIGHT, SERIES, number, percent, quoted

_SHADES = LinearSegmentedColormap.from_list("shades", [LIGHT["wash"], LIGHT["blue"], "#0d2c54"])
_SIMILAR = 6  # samples that are listed
_LABELS = 6
_PURE = 0.75  # from which on a cluster may show what it is made of
_INNER = WIDTH - 2 * MARGIN


_SHOWN = (("question → answer", "question_to_answer", None), ("entropy, 1 is even", "entropy_normalised", 1.0))
"""Measures of the heads, with the columns, and what has the full colour."""


@dataclass(frozen=True)
class Figures:
    """What was drawn."""

    paths: list[Path]
    left_out: dict[str, str]  # pictures that could not be drawn, with the reason

    def as_dict(self) -> dict[str, object]:
        """The same for JSON."""
        return {"pictures": [str(path) for path in self.paths], "left_out": self.left_out}


@dataclass(frozen=True, eq=False)
class Explored:
    """A run with its sections."""

    run: RunTables
    sections: Mapping[str, Section]
    settings: Settings

    def question(self, key: str) -> pd.Series[Any]:
        """A question by its id."""
        return self.run.questions.iloc[self.run.row(key)]


def figures(folder: Path, out: Path, settings: Settings) -> Figures:
    """Draws the pictures of a run that was explored.

    Args:
        folder: of the run.
        out: folder of the pictures; made if need be.
        settings: ``latent``, for the similar samples.

    Returns:
        The files written; pictures of sections that are empty are left out.

    Raises:
        RunError: if the run is damaged, or not explored.
        WriteError: if a file cannot be written.
    """
    explored = Explored(read_run(folder), read_sections(folder), settings)
    make_folder(out)
    paths, left_out = [], {}
    for name, (section, draw) in PICTURES.items():
        why = _lacking(explored, section)
        if why:
            left_out[name] = why
            continue
        path = out / f"{name}.png"
        draw(explored).save(path)
        paths.append(path)
    return Figures(paths, left_out)


def figures_lines(found: Figures) -> list[str]:
    """What was drawn and what not, for people."""
    return [*map(str, found.paths), *(f"{name} is left out: {why}" for name, why in found.left_out.items())]


def _lacking(explored: Explored, name: str) -> str | None:
    section = explored.sections.get(name)
    if section is None:
        return f"its analysis was not made; squad-albert explore {explored.run.folder} --only {name}"
    return (section.empty or "its table is empty") if section.table.empty else None


def population(explored: Explored) -> Sheet:
    """The map by split."""
    section = explored.sections["population"]
    sheet = Sheet(6.4, "Population by split", " ".join(apart(section)) or section.sentences[0])
    points = _points(explored)
    colours = dict(zip(points["split"].unique(), SERIES, strict=False))
    left = MARGIN
    for split, count in points["split"].value_counts(sort=False).items():
        name = f"{split} ({count:,})"
        sheet.bar(left, sheet.top + 0.03, 0.13, 0.13, colours[split])
        sheet.text(left + 0.2, sheet.top, name)
        left += 0.5 + measure(name, BODY)
    axes = sheet.axes(MARGIN, sheet.top + 0.3, _INNER, 5.9 - sheet.top)
    points = points.sample(frac=1, random_state=explored.settings.seed)  # so that no split lies on top
    axes.scatter(points["x"], points["y"], s=7, c=points["split"].map(colours), linewidths=0, alpha=0.6)
    axes.set(xticks=[], yticks=[])
    return sheet


def high_loss_cluster(explored: Explored) -> Sheet:
    """One cluster of high loss on the map, with its reason and examples."""
    row, column = _telling_cluster(explored.sections["clusters"])
    labeled = explored.run.questions[explored.run.questions["labeled"]]
    sheet = Sheet(
        5.2, f"A high-loss cluster of {counted(row['size'], 'question')}",
        f"Mean loss {number(row['loss'])} ({number(row['loss_low'])} to {number(row['loss_high'])}), "
        f"{percent(row['errors'], 0)} wrong; over all {number(labeled['loss'].mean())} and "
        f"{percent((labeled['exact'] < 1).mean(), 0)}.",
    )  # fmt: skip
    members = explored.sections["clusters"].more["cluster_members"]
    chosen = set(members.loc[members[column] == row["cluster"], "id"])
    _spotlight(sheet.axes(MARGIN, sheet.top, 3.4, 5 - sheet.top), _points(explored), {LIGHT["wine"]: chosen})
    left, width, top = 4.0, WIDTH - 4.0 - MARGIN, sheet.top
    if row["reason"]:
        top = sheet.paragraph(left, top, str(row["reason"]), width, BODY, weight="bold", most=5) + 0.1
    if len(row["terms"]):
        terms = f"Typical: {', '.join(row['terms'])}"
        top = sheet.paragraph(left, top, terms, width, SMALL, LIGHT["soft"], most=2) + 0.1
    for key in list(row["central"])[:3]:
        top = _told(sheet, explored.question(key), left, top, width)
    return sheet


def unlabelled_clusters(explored: Explored) -> Sheet:
    """Two clusters that are of one type of answer each, found without a label."""
    table = explored.sections["composition"].table
    pair = _two_pure(table)
    sheet = Sheet(
        6.0, "Clusters sort answers by type, without a label",
        explored.sections["composition"].sentences[0],
    )  # fmt: skip
    members = explored.sections["clusters"].more["cluster_members"]
    colours = [LIGHT["blue"], LIGHT["gold"]]
    found = {
        colour: set(members.loc[members["cluster"] == row["cluster"], "id"])
        for colour, row in zip(colours, pair, strict=False)
    }
    _spotlight(sheet.axes(MARGIN, sheet.top, 3.4, 5.8 - sheet.top), _points(explored), found)
    examples = explored.sections["composition"].more["composition_examples"].sort_values("rank")
    left, width, top = 4.0, WIDTH - 4.0 - MARGIN, sheet.top
    for colour, row in zip(colours, pair, strict=False):
        sheet.bar(left, top + 0.03, 0.13, 0.13, colour)
        heading = f"{percent(row['purity'], 0)} {row['dominant']}, {counted(row['size'], 'question')}"
        top = sheet.paragraph(left + 0.22, top, heading, width, HEADING, weight="bold") + 0.05
        for key in list(examples[examples["cluster"] == row["cluster"]]["id"])[:3]:
            top = _told(sheet, explored.question(key), left, top, width, scored=False)
        top += 0.15
    return sheet


def similar_samples(explored: Explored) -> Sheet:
    """A question and those nearest to it."""
    key = _question_of_interest(explored)
    asked, found = explored.question(key), similar(explored.run, key, _SIMILAR, explored.settings)
    sheet = Sheet(
        1.75 + 0.62 * len(found), "Similar samples",
        f"Nearest by the cosine of their latent vectors to {quoted(asked['question'].strip())} ({asked['split']}, "
        f"{asked['title']}), answered {quoted(asked['prediction'] or 'no answer')}.",
    )  # fmt: skip
    top = sheet.top
    for row in found.to_dict("records"):
        sheet.rule(top - 0.06)
        sheet.bar(MARGIN, top + 0.04, 0.9 * max(0.0, row["similarity"]), 0.1, LIGHT["blue"])
        sheet.text(MARGIN + 1.0, top, f"{row['similarity']:.3f}", BODY, LIGHT["soft"])
        sheet.paragraph(MARGIN + 1.7, top, row["question"], _INNER - 1.7, BODY, most=1)
        answer = f"{row['prediction'] or 'no answer'}{_verdict(row['exact'])}, {row['title']}, {row['split']}"
        sheet.paragraph(MARGIN + 1.7, top + 0.22, answer, _INNER - 1.7, SMALL, LIGHT["soft"], most=1)
        top += 0.6
    return sheet


def loss_analysis(explored: Explored) -> Sheet:
    """The tokens of one question by what they do to its loss, and the deletion curve."""
    section = explored.sections["saliency"]
    kinds = section.table.drop_duplicates("id").set_index("id")["kind"]
    key = str((kinds != "answered right").sort_values(kind="stable").index[0])  # that one, where there is one
    method = methods(section.table)[0]
    row, tokens = explored.question(key), section.table[section.table["id"] == key]
    texts = marked(row, tokens, method)
    sheet = Sheet(7.4, "Which tokens drive the loss", section.sentences[0])
    top = sheet.marks(MARGIN, sheet.top, texts[0], _INNER) + 0.05
    top = sheet.marks(MARGIN, top, texts[1][:400], _INNER) + 0.1
    note = (
        f"Red raises the loss ({number(row['loss'])}), blue lowers it; the gold answer is underlined. "
        f"The model answers {quoted(row['prediction'] or 'no answer')}. By {NAMES[method]}."
    )
    top = sheet.paragraph(MARGIN, top, note, _INNER, SMALL, LIGHT["soft"]) + 0.25
    deletion = section.more["deletion"]
    if len(deletion):
        _deletion(sheet.axes(MARGIN + 0.5, top, _INNER - 0.5, max(1.6, 6.9 - top)), deletion)
    return sheet


def false_labels(explored: Explored) -> Sheet:
    """The head of the review list."""
    section = explored.sections["labels"]
    rows = section.table.sort_values("rank").head(_LABELS).to_dict("records")
    inner = _INNER - 0.4
    heights = [0.65 + height(row["reason"], inner, SMALL) for row in rows]
    told = section.sentences[0]
    sheet = Sheet(1.1 + height(told, _INNER, BODY) + sum(heights), "Labels to review", told)
    top = sheet.top
    for row, high in zip(rows, heights, strict=True):
        sheet.rule(top - 0.06)
        sheet.text(MARGIN, top, f"{row['rank']}.", BODY, LIGHT["soft"])
        sheet.paragraph(MARGIN + 0.4, top, row["question"], inner, BODY, weight="bold", most=1)
        label, answer = (row[name] or "no answer" for name in ("gold", "prediction"))
        sheet.paragraph(MARGIN + 0.4, top + 0.22, f"label: {label}", 3.4, BODY, LIGHT["bad"], most=1)
        sheet.paragraph(4.2, top + 0.22, f"model: {answer}", 3.5, BODY, LIGHT["good"], most=1)
        sheet.paragraph(MARGIN + 0.4, top + 0.45, row["reason"], inner, SMALL, LIGHT["soft"])
        top += high
    return sheet


def attention(explored: Explored) -> Sheet:
    """All heads by how much question and answer attend to each other, and one head at work."""
    section = explored.sections["attention"]
    strongest = section.table.sort_values("question_to_answer", ascending=False).iloc[0]
    example = section.more["attention_example"]
    chosen = example[(example["layer"] == strongest["layer"]) & (example["head"] == strongest["head"])]
    layers = section.table["layer"].nunique()
    height = 0.3 + 0.32 * layers
    told = dict(glance({"attention": section}))["attention"]
    sheet = Sheet(3.3 + height + 0.24 * chosen["row"].nunique(), "Where the question finds its answer", told)
    top = sheet.top + 0.3
    for place, (name, column, highest) in enumerate(_SHOWN):
        left = MARGIN + 0.7 + place * _INNER / 2
        sheet.text(left, top - 0.28, name, SMALL, LIGHT["soft"])
        grid = section.table.pivot(index="layer", columns="head", values=column)
        names = [f"{head}" for head in grid.columns], [f"layer {layer}" for layer in grid.index]
        _heat(sheet.axes(left, top, _INNER / 2 - 1.0, height), grid, *names, highest=highest)
    if len(chosen):
        heading = f"Layer {strongest['layer']}, head {strongest['head']} reads a question"
        sheet.text(MARGIN, top + height + 0.55, heading, HEADING, weight="bold")
        grid = chosen.pivot(index="row", columns="column", values="weight")
        keys, queries = (chosen.drop_duplicates(name).sort_values(name) for name in ("column", "row"))
        axes = sheet.axes(MARGIN + 1.1, top + height + 0.85, _INNER - 1.1, 0.24 * len(grid))
        _heat(axes, grid, list(keys["key"]), list(queries["query"]), list(keys["in_answer"]))
    return sheet


def _points(explored: Explored) -> pd.DataFrame:
    points = explored.sections["population"].table
    return points.merge(explored.run.questions[["id", "split"]], on="id", validate="1:1")


def _spotlight(axes: Axes, points: pd.DataFrame, chosen: Mapping[str, set[str]]) -> None:
    """The map in grey, with the chosen questions in their colours."""
    axes.scatter(points["x"], points["y"], s=3, c=LIGHT["axis"], linewidths=0, alpha=0.5)
    for colour, ids in chosen.items():
        part = points[points["id"].isin(ids)]
        axes.scatter(part["x"], part["y"], s=14, c=colour, linewidths=0.4, edgecolors=LIGHT["raised"])
    axes.set(xticks=[], yticks=[])


def _telling_cluster(section: Section) -> tuple[pd.Series[Any], str]:
    """The first cluster whose reason is visible, best of all marks; else the hardest one. And its column of members."""
    tables = {"high_loss_cluster": section.more["high_loss_clusters"], "cluster": section.table}
    for wanted in (MARKS, ""):
        for column, table in tables.items():
            named = table[(table["reason"] != "") & table["reason"].str.contains(wanted, regex=False)]
            if len(named):
                return named.sort_values("rank").iloc[0], column
    return section.table.sort_values("rank").iloc[0], "cluster"


def _two_pure(table: pd.DataFrame) -> list[pd.Series[Any]]:
    """The two largest clusters of one type each, types that differ, none of them `none`."""
    one = table.drop_duplicates("cluster").sort_values(["size", "cluster"], ascending=[False, True])
    pure = one[(one["purity"] >= _PURE) & (one["dominant"] != "none")].drop_duplicates("dominant")
    chosen = (pure if len(pure) > 1 else one.drop_duplicates("dominant")).head(2)
    return [chosen.iloc[place] for place in range(len(chosen))]


def _question_of_interest(explored: Explored) -> str:
    """One of a near-duplicate pair, else the wrong answer of the highest loss, else the first question."""
    pairs = explored.sections.get("near_duplicates")
    if pairs is not None and len(pairs.table):
        return str(pairs.table["id_a"].iloc[0])
    ranked = explored.run.questions.sort_values(["exact", "loss"], ascending=[True, False], kind="stable")
    return str(ranked["id"].iloc[0])


def _told(sheet: Sheet, row: pd.Series[Any], left: float, top: float, width: float, scored: bool = True) -> float:
    """A question with its answer and, if it is scored, its gold; returns where it ends."""
    top = sheet.paragraph(left, top, row["question"], width, SMALL, most=2)
    answer = f"{row['prediction'] or 'no answer'}{_verdict(row['exact']) if scored else ''}"
    if scored and row["labeled"] and row["exact"] < 1:
        answer += f"; label: {next(iter(row['golds']), 'no answer')}"
    return sheet.paragraph(left, top, f"→ {answer}", width, SMALL, LIGHT["soft"], most=2) + 0.1


def _verdict(exact: float) -> str:
    return {1.0: " (right)", 0.0: " (wrong)"}.get(exact, "")


def _deletion(axes: Axes, curve: pd.DataFrame) -> None:
    """The loss as tokens are masked, by method and at random."""
    for place, (method, part) in enumerate(curve.groupby("method", sort=False)):
        axes.fill_between(part["share"], part["low"], part["high"], color=SERIES[place], alpha=0.15, linewidth=0)
        axes.plot(part["share"], part["loss"], color=SERIES[place], marker="o", markersize=4, label=NAMES[str(method)])
    first = curve[curve["method"] == curve["method"].iloc[0]]
    axes.plot(first["share"], first["random_loss"], color=LIGHT["muted"], linestyle=":", marker="o", markersize=4,
              label="random tokens")  # fmt: skip
    axes.grid(color=LIGHT["grid"], linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_ylim(bottom=0)
    axes.set_xticks(first["share"])
    axes.xaxis.set_major_formatter(lambda share, _: percent(share, 0))
    axes.set_xlabel("share of tokens masked, those that lower the loss most first", size=SMALL, color=LIGHT["soft"])
    axes.set_ylabel("mean loss", size=SMALL, color=LIGHT["soft"])
    axes.legend(frameon=False, fontsize=SMALL, labelcolor=LIGHT["ink"])


def _heat(
    axes: Axes, grid: pd.DataFrame, columns: Sequence[str], rows: Sequence[str], bold: Sequence[bool] | None = None,
    highest: float | None = None,
) -> None:  # fmt: skip
    """A heat map with its words; long columns are turned, those in bold are the answer's."""
    axes.imshow(grid.to_numpy(np.float64), cmap=_SHADES, vmin=0, vmax=highest, aspect="auto")
    turned = max(map(len, columns)) > 2
    axes.set_xticks(range(len(columns)), [drawable(text) for text in columns], rotation=90 if turned else 0)
    axes.set_yticks(range(len(rows)), [drawable(text) for text in rows])
    for place, tick in enumerate(axes.get_xticklabels()):
        tick.set(parse_math=False, weight="bold" if bold is not None and bold[place] else "normal")
    for tick in axes.get_yticklabels():
        tick.set_parse_math(False)


PICTURES: dict[str, tuple[str, Callable[[Explored], Sheet]]] = {
    "population": ("population", population),
    "high-loss-cluster": ("clusters", high_loss_cluster),
    "unlabelled-clusters": ("composition", unlabelled_clusters),
    "similar-samples": ("population", similar_samples),
    "loss-analysis": ("saliency", loss_analysis),
    "false-labels": ("labels", false_labels),
    "attention": ("attention", attention),
}
"""By file name: the section that a picture needs, and what draws it."""
