"""The population map: where the questions lie in latent space, and how far the splits lie apart."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd

from project_config import Settings
from squad_albert.run_tables import RunTables
from squad_albert.tables import counted

from .embed import FITTED, NEIGHBOURS, umap_plane
from .latent import VECTORS_OF, Float32, Space, nearest_points
from .section import Section
from .separation import Separation, separation

NAME, TITLE = "population", "Population map"
COLUMNS = ["id", "x", "y", "pca_x", "pca_y"]
APART = ["split_a", "split_b", "auc", "auc_low", "auc_high"]

_PROBES = 1000  # questions by which it is judged how many neighbours a map keeps
_STRENGTHS = ((0.6, "a little"), (0.75, "clearly"), (0.9, "far"), (1.01, "almost wholly"))


def population(run: RunTables, space: Space, settings: Settings) -> Section:
    """The map of all questions, with the AUC of a classifier that tells one split from another.

    Args:
        run: a run over one or more splits.
        space: its latent space.
        settings: ``map`` and ``seed``.

    Returns:
        ``population``: ``id``, ``x``, ``y`` and the two principal components ``pca_x``, ``pca_y`` a question. ``more``
        has ``split_distances``: ``split_a``, ``split_b``, ``auc``, ``auc_low``, ``auc_high``, the run's first split
        against each other one. Facts: the figures of its first row, if there is one.
    """
    apart = pd.DataFrame(columns=APART)
    if space.empty:
        return Section(NAME, TITLE, pd.DataFrame(columns=COLUMNS), [], {}, {"split_distances": apart}, space.empty)
    plane, method, about = _plane(space.points, settings)
    facts: dict[str, float | str | int] = {"questions": len(plane), "method": method, "kept": space.kept}
    table = pd.DataFrame({"id": run.questions["id"].to_numpy(), **_columns(plane, space.points[:, :2])})
    figures, sentences = _distances(run.questions, space.points, settings.seed)
    if figures:
        apart = pd.DataFrame(figures, columns=APART)
        facts |= apart.loc[0].to_dict()
    if len(plane) > NEIGHBOURS:
        kept = _neighbours_kept(space.points, [plane, space.points[:, :2]], settings.seed)
        facts |= dict(zip(("neighbours_kept", "neighbours_kept_pca"), kept, strict=True))
        about.append(_warning(method, *kept))
    return Section(NAME, TITLE, table, [*about, *sentences], facts, {"split_distances": apart})


def _plane(points: Float32, settings: Settings) -> tuple[Float32, str, list[str]]:
    """The coordinates drawn, how they were made, and what to say of it."""
    count = len(points)
    dimensions = f"{points.shape[1]} principal components of the latent vectors of {VECTORS_OF[settings.latent]}"
    if settings.map == "umap" and count > NEIGHBOURS:
        about = f"{counted(count, 'question')}, drawn by UMAP from {dimensions}."
        if count > FITTED:
            about += f" UMAP placed {FITTED:,} of them, drawn by chance; the others lie between the nearest of these."
        return umap_plane(points, settings.seed), "umap", [about]
    about = f"{counted(count, 'question')}, drawn by the first two of {dimensions}."
    if settings.map == "umap":
        about += f" UMAP needs more than {NEIGHBOURS} questions; run more of them."
    return points[:, :2], "pca", [about]


def _columns(plane: Float32, components: Float32) -> dict[str, Float32]:
    return {"x": plane[:, 0], "y": plane[:, 1], "pca_x": components[:, 0], "pca_y": components[:, 1]}


def _distances(questions: pd.DataFrame, points: Float32, seed: int) -> tuple[list[dict[str, object]], list[str]]:
    """A row and a sentence for the first split (training, where the run has it) with each other one."""
    splits = list(questions["split"].unique())
    splits.sort(key=lambda split: split != "train")
    if len(splits) == 1:
        return [], [f"The run has one split only, {splits[0]}, so nothing can be said of how far splits lie apart."]
    rows: list[dict[str, object]] = []
    sentences = []
    for first, second in product(splits[:1], splits[1:]):
        chosen = questions["split"].isin([first, second]).to_numpy()
        part = questions[chosen]
        found = separation(points[chosen], (part["split"] == second).to_numpy(), part["title"], seed)
        if found:
            figures = (first, second, found.auc, found.low, found.high)
            rows.append(dict(zip(APART, figures, strict=True)))
        sentences.append(_apart(first, second, found))
    return rows, sentences


def _apart(first: str, second: str, found: Separation | None) -> str:
    if found is None:
        return (
            f"How far {first} and {second} lie apart cannot be judged: that takes two titles or more of each, as the "
            "questions of a title are alike."
        )
    figure = f"AUC {found.auc:.3f} (95 % {found.low:.3f} to {found.high:.3f}; 0.5 is guessing, 1 is certainty)"
    how = f"a linear classifier, judged by titles that it has not seen ({found.folds} folds)"
    if found.low <= 0.5:
        less = " Below 0.5 is an artefact of leaving out whole titles." if found.high < 0.5 else ""
        return f"{first.capitalize()} and {second} cannot be told apart by {how}: {figure}.{less}"
    strength = next(word for limit, word in _STRENGTHS if found.auc < limit)
    return f"{first.capitalize()} and {second} lie {strength} apart, by {how}: {figure}."


def _neighbours_kept(points: Float32, planes: list[Float32], seed: int) -> list[float]:
    """The share of a question's nearest neighbours in latent space that are among its nearest on each plane."""
    count = NEIGHBOURS
    probes = np.random.default_rng(seed).permutation(len(points))[:_PROBES]
    true = nearest_points(points[probes], points, count + 1)[0]
    shares = []
    for plane in planes:
        shown = nearest_points(plane[probes], plane, count + 1)[0]
        both = [
            len((set(a) & set(b)) - {probe}) / count
            for a, b, probe in zip(true.tolist(), shown.tolist(), probes.tolist(), strict=True)
        ]
        shares.append(float(np.mean(both)))
    return shares


def _warning(method: str, kept: float, kept_by_pca: float) -> str:
    beside = f" ({kept_by_pca:.0%} in the drawing by PCA)" if method == "umap" else ""
    return (
        f"The map alone misleads: of a question's {NEIGHBOURS} nearest in latent space it shows {kept:.0%}{beside} "
        f"among the {NEIGHBOURS} nearest, and gaps, sizes and densities of its islands are the drawing's as much as "
        "the data's. Whether splits differ is therefore measured in latent space itself."
    ).replace("%", " %")
