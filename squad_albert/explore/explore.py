"""Every analysis of a run, into its folder: tables, ``explore.json`` and ``report.html``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

import pandas as pd

from project_config import ProjectError, Settings
from squad_albert.progress import Progress
from squad_albert.run_tables import RunTables, read_run
from utils.files import locked

from . import attention, clusters, composition, labels, latent, neighbours, overview, population, saliency, slices
from .report import write_report
from .section import Section
from .store import Store, identity, read_sections

REPORT = "report.html"


class ExploreError(ProjectError):
    """An analysis is not known."""


@dataclass(frozen=True)
class Explored:
    """A run with its analyses."""

    folder: Path
    sections: dict[str, Section]  # by name, in the order of the report
    report: Path

    def as_dict(self) -> dict[str, object]:
        """For JSON: the report, and of each section the numbers, or why it is empty."""
        sections = {name: {"facts": one.facts, "empty": one.empty} for name, one in self.sections.items()}
        return {"report": str(self.report), "sections": sections}


class _Work:
    """A run, and what several analyses share."""

    def __init__(self, run: RunTables, settings: Settings) -> None:
        self.run = run
        self.settings = settings
        self._lock = Lock()  # of the space, which two threads may want at once

    @property
    def space(self) -> latent.Space:
        with self._lock:
            return self._space

    @cached_property
    def _space(self) -> latent.Space:
        return latent.space(self.run, self.settings)

    @cached_property
    def clusters(self) -> Section:
        return clusters.clusters(self.run, self.space, self.settings)

    def composition(self) -> Section:
        members = self.clusters.more["cluster_members"]
        return composition.composition(self.run, self.space, members, self.settings)


ANALYSES: dict[str, Callable[[_Work], Section]] = {
    "overview": lambda work: overview.overview(work.run),
    "population": lambda work: population.population(work.run, work.space, work.settings),
    "clusters": lambda work: work.clusters,
    "slices": lambda work: slices.slices(work.run, work.settings),
    "composition": _Work.composition,
    "near_duplicates": lambda work: neighbours.neighbours(work.run, work.settings),
    "saliency": lambda work: saliency.loss_analysis(work.run, work.settings),
    "attention": lambda work: attention.attention(work.run, work.settings),
    "labels": lambda work: labels.labels(work.run, work.settings),
}
"""Each by the name of its main table, in the order of the report."""

BESIDE = ("population",)
"""Made in a thread: what waits for a process of its own, which has one core busy for long."""


def explore(folder: Path, settings: Settings, only: Iterable[str] | None = None) -> Explored:
    """Analyses a run; its folder gets the tables, ``explore.json`` and ``report.html``.

    Args:
        folder: of a finished run.
        settings: which latent vectors, which map, and the seed.
        only: names of ``ANALYSES``; the others stay as they are, where the run has them. Default: all.

    Raises:
        RunError: if the folder is no finished run, or damaged, or another process explores it with other settings.
        ExploreError: for a name that is not known.
        WriteError: if a file cannot be written.
    """
    wanted = _wanted(only)
    work = _Work(read_run(folder), settings)
    store = Store(folder, identity(folder, settings))
    store.take_over()
    with Progress("explore", len(wanted), "analyses") as progress:
        for section in _all_made(wanted, work):
            store.write(section)
            progress.advance(1)
    with locked(folder):  # so that the report of the last of several processes has the sections of all
        found = read_sections(folder)
        sections = {name: found[name] for name in ANALYSES if name in found}
        write_report(folder / REPORT, work.run, sections, settings)
    return Explored(folder, sections, folder / REPORT)


def explored_lines(explored: Explored) -> list[str]:
    """What was found, for people: the sentences of each section, or why it is empty."""
    lines = []
    for section in explored.sections.values():
        lines += [section.title, *(f"  {sentence}" for sentence in section.sentences)]
        lines += [f"  nothing to show: {section.empty}"] if section.empty else []
    return lines


def _all_made(names: Iterable[str], work: _Work) -> Iterator[Section]:
    """The sections as they are made: the slow ones in a thread of their own, beside the others."""
    with ThreadPoolExecutor(1) as beside:
        slow = [beside.submit(_made, name, work) for name in names if name in BESIDE]
        yield from (_made(name, work) for name in names if name not in BESIDE)
        yield from (made.result() for made in slow)


def _made(name: str, work: _Work) -> Section:
    """A section; of an analysis that cannot be made, an empty one that says why, as the others do without it."""
    try:
        return ANALYSES[name](work)
    except ProjectError as error:
        return Section(name, name.replace("_", " "), pd.DataFrame(columns=["id"]), [], empty=str(error))


def _wanted(only: Iterable[str] | None) -> list[str]:
    names = set(ANALYSES if only is None else only)
    unknown = sorted(names - set(ANALYSES))
    if unknown:
        raise ExploreError(f"there is no analysis `{unknown[0]}`. There are {', '.join(ANALYSES)}.")
    return [name for name in ANALYSES if name in names]
