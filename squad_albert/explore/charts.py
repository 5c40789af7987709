"""The report's figures, each from the tables of one section, None where they are empty.

Plotly draws them in the browser, all but the map. Their colours are those of a light ground; the page replaces them by
their dark partners (``style.COLOURS``).
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from squad_albert.run_tables import RunTables
from squad_albert.token_pictures import NAMES

from .error_groups import FEWEST
from .overview import LOSS_DIGITS, headline_split
from .section import Section
from .style import LIGHT, OUTCOMES, SERIES, SERIES_NAMES, visible

MOST_POINTS = 20_000
"""Points on the map; of more questions as many are drawn by chance."""

MOST_ROWS = 15
"""Rows of a ranking that is drawn; the tables have all."""

MOST_CATEGORIES = len(SERIES)
"""Categories with a colour of their own; the others share the grey."""

LONGEST = {"question": 300, "gold": 120, "prediction": 120, "title": 60}
"""Characters of a text that the map shows."""

_LABEL = 34  # characters of a label at an axis


@dataclass(frozen=True)
class Chart:
    """A figure, and what it shows in few words for those who cannot see it."""

    name: str
    figure: go.Figure
    alt: str
    choices: dict[str, dict[str, Any]] = field(default_factory=dict)  # by name, what changes in the first trace

    @property
    def height(self) -> int:
        """Pixels."""
        return int(self.figure.layout.height)


def scores(section: Section) -> Chart | None:
    """Exact match by question type, a colour a split, with intervals."""
    table = section.table[section.table["group"] == "question type"]
    if table.empty:
        return None
    splits = list(table["split"].unique())
    first = table[table["split"] == headline_split(splits)]
    order = list(first.sort_values(["exact", "value"])["value"])
    order = [value for value in table["value"].unique() if value not in order] + order
    traces = [
        _dots(part, "exact", part["value"].map(label), split, SERIES[place], "%{x:.1%}")
        for place, (split, part) in enumerate(table.groupby("split", sort=False))
    ]
    figure = _figure(traces, 28 * len(order) * max(1, len(splits) // 2) + 90)
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", title_text="exact match")
    figure.update_yaxes(categoryorder="array", categoryarray=[label(value) for value in order])
    figure.update_layout(scattermode="group", scattergap=0.5)
    return Chart("scores", figure, "Exact match by question type and split, with 95 % intervals")


def calibration(section: Section) -> Chart | None:
    """The share of right answers against the probability that the model gave them."""
    table = section.more["calibration"]
    if table.empty:
        return None
    perfect = go.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": LIGHT["muted"], "dash": "dot", "width": 1}, hoverinfo="skip",
        showlegend=False,
    )  # fmt: skip
    traces = [
        go.Scatter(
            x=part["probability"], y=part["exact"], customdata=part["questions"], name=label(split),
            mode="lines+markers", line={"color": SERIES[place], "width": 2}, marker={"size": 7},
            error_y=_error(part, "exact", SERIES[place]),
            hovertemplate="claimed %{x:.1%}, right %{y:.1%} of %{customdata:,}<extra></extra>",
        )
        for place, (split, part) in enumerate(table.groupby("split", sort=False))
    ]  # fmt: skip
    figure = _figure([perfect, *traces], 380)
    figure.update_xaxes(range=[-0.02, 1.02], tickformat=".0%", title_text="mean probability of the answer given")
    figure.update_yaxes(range=[-0.02, 1.02], tickformat=".0%", title_text="share that is right")
    return Chart("calibration", figure, "Calibration curve: share of right answers against their probability")


def separation(section: Section) -> Chart | None:
    """How well a classifier tells one split from another, between guessing and certainty."""
    table = section.more.get("split_distances", pd.DataFrame())
    if table.empty:
        return None
    names = [f"{label(row.split_a)}, {label(row.split_b)}" for row in table.itertuples()]
    figure = _figure([_dots(table, "auc", names, "AUC", LIGHT["blue"], "%{x:.3f}", size=11)], 44 * len(table) + 70)
    figure.update_xaxes(
        range=[min(0.47, float(table["auc_low"].min()) - 0.02), 1.02], tickvals=[0.5, 0.6, 0.7, 0.8, 0.9, 1],
        ticktext=["0.5<br>guessing", "0.6", "0.7", "0.8", "0.9", "1<br>certainty"],
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(showlegend=False)
    figure.add_vline(0.5, line={"color": LIGHT["soft"], "width": 1, "dash": "dot"})
    return Chart("split-distances", figure, "AUC of a classifier that tells the splits apart, with its 95 % interval")


def cluster_losses(section: Section, mean: float) -> Chart | None:
    """The clusters of the highest loss, with intervals, against the mean loss of the run."""
    table = section.table.sort_values("rank").head(MOST_ROWS)
    if table.empty or table["loss"].isna().all():
        return None
    names = [cluster_name(row.cluster, row.terms) for row in table.itertuples()]
    figure = _figure([_dots(table, "loss", names, "mean loss", LIGHT["wine"], "%{x:.2f}")], 26 * len(table) + 90)
    figure.update_xaxes(rangemode="tozero", title_text="mean loss (dotted: all questions)")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(showlegend=False)
    figure.add_vline(mean, line={"color": LIGHT["soft"], "width": 1, "dash": "dot"})
    return Chart("cluster-losses", figure, "Mean loss of the clusters, the highest first, with 95 % intervals")


def slice_effects(section: Section) -> Chart | None:
    """By how much the share of errors of each slice is above that of the rest."""
    table = section.table.head(MOST_ROWS)
    if table.empty:
        return None
    names = [f"{place}. {label(text, 44)}" for place, text in enumerate(table["slice"], 1)]
    figure = _figure([_dots(table, "effect", names, "effect", LIGHT["wine"], "%{x:+.1%}")], 26 * len(table) + 90)
    figure.update_xaxes(rangemode="tozero", tickformat=".0%", title_text="share of wrong answers above the rest")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(showlegend=False)
    return Chart(
        "slice-effects", figure, "Error slices by how far their errors are above the rest, with 95 % intervals"
    )


def cluster_types(section: Section) -> Chart | None:
    """What types of answers each cluster is made of."""
    if section.table.empty:
        return None
    counts = section.table.pivot_table(index="cluster", columns="answer_type", values="count", fill_value=0)
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False).index[:MOST_ROWS]]
    types = [name for name in counts.sum().sort_values(ascending=False).index if name != "none"]
    columns = {str(name): (counts[name], colour) for name, colour in zip(types, SERIES, strict=False)}
    if types[MOST_CATEGORIES:]:
        columns["other types"] = counts[types[MOST_CATEGORIES:]].sum(axis=1), LIGHT["muted"]
    if "none" in counts:
        columns["no answer"] = counts["none"], LIGHT["grey"]
    total = counts.sum(axis=1)
    names = [cluster_name(cluster) for cluster in counts.index]
    traces = [
        go.Bar(
            y=names, x=values / total, name=label(name), orientation="h", customdata=values,
            marker={"color": colour, "line": {"color": LIGHT["surface"], "width": 1}},
            hovertemplate="%{y}: %{x:.0%} %{fullData.name} (%{customdata:,})<extra></extra>",
        )
        for name, (values, colour) in columns.items()
    ]  # fmt: skip
    figure = _figure(traces, 26 * len(counts) + 110)
    figure.update_layout(barmode="stack", bargap=0.3, legend_traceorder="normal")
    figure.update_xaxes(range=[0, 1], tickformat=".0%", title_text="share of the cluster's questions", showgrid=False)
    figure.update_yaxes(autorange="reversed")
    return Chart("cluster-types", figure, "Share of answer types in each cluster, the largest first")


def deletion(section: Section) -> Chart | None:
    """The loss as more and more of the tokens that matter most are masked, against as many random ones."""
    table = section.more.get("deletion", pd.DataFrame())
    if table.empty:
        return None
    methods = list(table["method"].unique())
    traces = []
    for place, method in enumerate(methods):
        part = table[table["method"] == method].sort_values("share")
        traces += _band(part["share"], part["loss"], part["low"], part["high"], NAMES[str(method)], SERIES[place])
    first = table[table["method"] == methods[0]].sort_values("share")
    traces.append(
        go.Scatter(
            x=first["share"], y=first["random_loss"], name="random tokens", mode="lines+markers",
            line={"color": LIGHT["muted"], "width": 2, "dash": "dot"}, marker={"size": 6},
            hovertemplate="%{x:.0%} masked: %{y:.2f} with random tokens<extra></extra>",
        )
    )  # fmt: skip
    figure = _figure(traces, 360)
    figure.update_xaxes(tickformat=".0%", title_text="share of tokens masked, those that lower the loss most first")
    figure.update_yaxes(rangemode="tozero", title_text="mean loss")
    return Chart("deletion", figure, "Deletion curve: loss as the most important tokens are masked, by method")


MEASURES = {
    "question → answer": "question_to_answer",
    "answer → question": "answer_to_question",
    "context → question": "context_to_question",
    "special tokens": "special",
    "same token": "same_token",
    "entropy (1: spread evenly)": "entropy_normalised",
}
"""What the heat map of the heads may show, with the columns."""


def heads(section: Section) -> Chart | None:
    """Every head of every layer, by a measure that the reader chooses."""
    if section.table.empty:
        return None
    grids = {name: section.table.pivot(index="layer", columns="head", values=key) for name, key in MEASURES.items()}
    first = next(iter(grids.values()))
    trace = go.Heatmap(
        z=_cells(first), x=[f"head {head}" for head in first.columns], y=[f"layer {layer}" for layer in first.index],
        colorscale=_scale("blue"), xgap=2, ygap=2, colorbar=_colorbar(), zmin=0,
        hovertemplate="%{y}, %{x}: %{z:.3f}<extra></extra>",
    )  # fmt: skip
    figure = _figure([trace], 30 * len(first) + 90)
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False, autorange="reversed")
    choices = {name: {"z": _cells(grid)} for name, grid in grids.items()}
    return Chart("heads", figure, "Attention of every layer and head, by the measure chosen", choices)


def attention_example(section: Section) -> Chart | None:
    """One question: how much each of its words attends to the words of the context, by head."""
    table = section.more.get("attention_example", pd.DataFrame())
    if table.empty:
        return None
    grids = {
        f"layer {layer}, head {head}": part.pivot(index="row", columns="column", values="weight")
        for (layer, head), part in table.groupby(["layer", "head"])
    }
    strongest = section.table.sort_values("question_to_answer", ascending=False).iloc[0]
    first = f"layer {strongest['layer']}, head {strongest['head']}"
    ordered = {first: grids[first], **grids}
    rows = table.drop_duplicates("row").sort_values("row")["query"]
    keys = table.drop_duplicates("column").sort_values("column")
    words = zip(keys["key"], keys["in_answer"], strict=True)
    names = [f"<b>{label(key)}</b>" if own else label(key) for key, own in words]
    trace = go.Heatmap(
        z=_cells(grids[first]), x=list(range(len(keys))), y=list(range(len(rows))), colorscale=_scale("blue"), zmin=0,
        xgap=1, ygap=1, colorbar=_colorbar(), customdata=_pairs(rows, keys["key"]),
        hovertemplate="“%{customdata[0]}” to “%{customdata[1]}”: %{z:.3f}<extra></extra>",
    )  # fmt: skip
    figure = _figure([trace], 26 * len(rows) + 150)
    figure.update_xaxes(showgrid=False, tickvals=list(range(len(keys))), ticktext=names, tickangle=-90)
    figure.update_yaxes(
        showgrid=False, tickvals=list(range(len(rows))), ticktext=[label(word) for word in rows], autorange="reversed"
    )
    choices = {name: {"z": _cells(grid)} for name, grid in ordered.items()}
    return Chart("attention-example", figure, "Attention of question words to context words in one question", choices)


def cluster_name(cluster: int, terms: Sequence[str] | None = None) -> str:
    """A cluster at an axis.

    >>> cluster_name(3, ["launched", "ship", "year"])
    '3: launched, ship, year'
    """
    words = label(", ".join(list(terms)[:3]), _LABEL) if terms is not None and len(terms) else ""
    return f"{cluster}: {words}" if words else f"cluster {cluster}"


def map_data(run: RunTables, sections: Mapping[str, Section], seed: int) -> dict[str, Any] | None:
    """The columns of the map's points, for the page's script.

    Args:
        run: the run.
        sections: ``population``, and ``clusters`` where there are some.
        seed: of the draw, where there are more questions than ``MOST_POINTS``.

    Returns:
        ``maps`` (by name, ``x`` and ``y`` each), ``colours`` (``name``, ``categories`` and ``codes`` each, -1 for
        grey), their ``palette``, ``size`` (0 to 1, by loss), and the texts of the points; None without a map.
    """
    points = sections["population"].table if "population" in sections else pd.DataFrame()
    if points.empty:
        return None
    table = points.merge(run.questions, on="id", validate="1:1", suffixes=("", "_of_run"))
    if len(table) > MOST_POINTS:
        drawn = np.random.default_rng(seed).choice(len(table), MOST_POINTS, replace=False)
        table = table.iloc[np.sort(drawn)]
    members = sections["clusters"].more.get("cluster_members") if "clusters" in sections else None
    return {
        "maps": _maps(table, sections["population"]),
        "colours": _colours(table, members),
        "palette": {"series": SERIES_NAMES, "outcomes": OUTCOMES},
        "outcome": outcome(table).to_list(),
        "size": _sizes(table["loss"]),
        "loss": _rounded(table["loss"]),
        "id": [visible(text, 80) for text in table["id"]],
        **{name: [visible(text, LONGEST[name]) for text in table[name]] for name in ("question", "title")},
        "gold": [_gold(golds, labeled) for golds, labeled in zip(table["golds"], table["labeled"], strict=True)],
        "prediction": [visible(text, LONGEST["prediction"]) or "no answer" for text in table["prediction"]],
    }


def outcome(questions: pd.DataFrame) -> pd.Series[str]:
    """What became of each question: one of ``OUTCOMES``."""
    names = list(OUTCOMES)
    right, lenient = questions["exact"] == 1, questions["lenient"] == 1
    values = np.select([~questions["labeled"], right, lenient], [names[3], names[0], names[1]], names[2])
    return pd.Series(values, questions.index)


def label(text: object, longest: int = _LABEL) -> str:
    """Text of the data at an axis: short, and no mark-up to Plotly."""
    return html.escape(" ".join(visible(str(text), longest).split()), quote=False)


def _maps(table: pd.DataFrame, section: Section) -> dict[str, dict[str, list[float | None]]]:
    method = str(section.facts.get("method", "map")).upper()
    maps = {method: {"x": _rounded(table["x"]), "y": _rounded(table["y"])}}
    if method != "PCA":
        maps["PCA"] = {"x": _rounded(table["pca_x"]), "y": _rounded(table["pca_y"])}
    return maps


def _colours(table: pd.DataFrame, members: pd.DataFrame | None) -> list[dict[str, Any]]:
    types = table["answer_type"].where(table["labeled"], table["prediction_type"])
    outcomes = outcome(table)
    colours = [
        _categories("outcome", outcomes, [name for name in OUTCOMES if (outcomes == name).any()]),
        _categories("split", table["split"]),
        _categories("question type", table["question_type"]),
        _categories("answer type", types),
        _categories("title", table["title"], _hardest(table)),
    ]
    if members is not None and len(members):
        clusters = table["id"].map(members.set_index("id")["cluster"])
        found = clusters[clusters >= 0].value_counts().index[:MOST_CATEGORIES]
        names = clusters.map({cluster: f"cluster {cluster:.0f}" for cluster in found})
        colours.append(_categories("cluster", names, [f"cluster {cluster:.0f}" for cluster in sorted(found)]))
    return colours


def _categories(name: str, values: pd.Series, shown: Sequence[str] | None = None) -> dict[str, Any]:
    """Values in codes: those shown in their order, by default the most frequent, the others -1."""
    names = list(values.value_counts().index[:MOST_CATEGORIES]) if shown is None else list(shown)
    codes = values.map({value: code for code, value in enumerate(names)}).fillna(-1).astype(int)
    shown = [visible(str(value), _LABEL) for value in names]
    return {"name": name, "categories": shown, "codes": codes.to_list(), "others": "others"}


def _hardest(table: pd.DataFrame) -> list[str]:
    """The titles of the highest loss, among those of enough questions, else the most frequent ones."""
    titles = table.groupby("title")["loss"].agg(["mean", "count"])
    shown = titles[titles["count"] >= FEWEST].round({"mean": LOSS_DIGITS})
    ranked = shown.sort_values("mean", ascending=False, kind="stable").index
    return list(ranked[:MOST_CATEGORIES]) or list(table["title"].value_counts().index[:MOST_CATEGORIES])


def _sizes(loss: pd.Series[float]) -> list[float]:
    """Loss as a share of its 98th percentile, by its root, so that a disc's area grows with it."""
    top = loss.quantile(0.98)
    if not top > 0:  # no loss at all, or none above zero
        return [0.0] * len(loss)
    share: list[float] = np.sqrt((loss.fillna(0) / top).clip(0, 1)).round(2).to_list()
    return share


def _gold(golds: Sequence[str], labeled: bool) -> str:
    if not labeled:
        return "not labeled"
    distinct = list(dict.fromkeys(golds))
    return visible(" | ".join(distinct), LONGEST["gold"]) if distinct else "no answer"


def _rounded(values: pd.Series) -> list[float | None]:
    return [None if value != value else round(float(value), 3) for value in values]


def _dots(table: pd.DataFrame, column: str, y: Any, name: Any, colour: str, shown: str, size: int = 9) -> go.Scatter:
    """Dots with their intervals, a row of the table each."""
    ends = np.stack([table[f"{column}_low"], table[f"{column}_high"]], axis=1)
    places = [shown.replace("%{x", f"%{{customdata[{end}]") for end in (0, 1)]
    return go.Scatter(
        x=table[column], y=list(y), name=label(name), mode="markers", customdata=ends,
        marker={"color": colour, "size": size}, error_x=_error(table, column, colour),
        hovertemplate=f"%{{y}}: {shown} ({places[0]} to {places[1]})<extra></extra>",
    )  # fmt: skip


def _error(table: pd.DataFrame, column: str, colour: str) -> dict[str, Any]:
    return {
        "type": "data", "symmetric": False, "color": colour, "thickness": 1.5, "width": 0,
        "array": table[f"{column}_high"] - table[column], "arrayminus": table[column] - table[f"{column}_low"],
    }  # fmt: skip


def _band(x: Any, y: Any, low: Any, high: Any, name: str, colour: str) -> list[go.Scatter]:
    """A line and its interval."""
    fill = f"rgba({int(colour[1:3], 16)},{int(colour[3:5], 16)},{int(colour[5:], 16)},0.15)"
    return [
        go.Scatter(
            x=[*x, *reversed(list(x))], y=[*high, *reversed(list(low))], fill="toself", fillcolor=fill, mode="lines",
            line={"width": 0}, hoverinfo="skip", showlegend=False,
        ),
        go.Scatter(
            x=x, y=y, name=label(name), mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 6},
            hovertemplate="%{x:.0%} masked: %{y:.2f} with %{fullData.name}<extra></extra>",
        ),
    ]  # fmt: skip


def _cells(grid: pd.DataFrame) -> list[list[float | None]]:
    return [[None if value != value else round(float(value), 4) for value in row] for row in grid.to_numpy(float)]


def _pairs(rows: Sequence[str], columns: Sequence[str]) -> list[list[list[str]]]:
    return [[[label(row), label(column)] for column in columns] for row in rows]


def _scale(name: str) -> list[list[Any]]:
    """From the ground to a colour."""
    return [[0, LIGHT["wash"]], [1, LIGHT[name]]]


def _colorbar() -> dict[str, Any]:
    return {"thickness": 10, "outlinewidth": 0, "tickfont": {"color": LIGHT["soft"]}, "len": 1}


def _figure(traces: Sequence[Any], height: int) -> go.Figure:
    figure = go.Figure(traces)
    axis = {
        "gridcolor": LIGHT["grid"], "linecolor": LIGHT["axis"], "zeroline": False, "automargin": True,
        "fixedrange": True, "title": {"font": {"color": LIGHT["soft"], "size": 13}, "standoff": 10},
    }  # fmt: skip
    figure.update_layout(
        template="none", height=height, margin={"l": 8, "r": 16, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": LIGHT["soft"]},
        legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.0, "yanchor": "bottom"},
        hoverlabel={"bgcolor": LIGHT["raised"], "bordercolor": LIGHT["axis"], "font": {"color": LIGHT["ink"]}},
    )  # fmt: skip
    figure.update_xaxes(**axis)
    figure.update_yaxes(**axis | {"gridcolor": LIGHT["grid"], "showline": False, "ticks": "", "ticklabelstandoff": 6})
    return figure
