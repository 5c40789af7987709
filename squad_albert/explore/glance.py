"""What stands out in a run: one sentence for each section that has a finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from squad_albert.token_pictures import NAMES

from .clusters import hardest_sentences
from .problems import MARKS
from .section import Section
from .slices import slice_sentence
from .style import percent


def glance(sections: Mapping[str, Section]) -> list[tuple[str, str]]:
    """The findings, each with the name of its section, in the order of the report.

    Sections that are missing or empty are left out.
    """
    found = [(name, tell(sections[name])) for name, tell in _TELL.items() if name in sections]
    return [(name, sentence) for name, sentence in found if sentence]


def apart(section: Section) -> list[str]:
    """Those sentences about the population that tell how far splits lie apart."""
    return [sentence for sentence in section.sentences if " apart" in sentence]


def _separation(section: Section) -> str:
    return next((_head(sentence) for sentence in apart(section)), "")


def _overview(section: Section) -> str:
    """Where the errors are."""
    return "" if section.empty else section.sentences[0]


def _clusters(section: Section) -> str:
    if section.table.empty or section.table["loss"].isna().all():
        return ""
    told = hardest_sentences(section.table, section.facts)
    tables = (("High-loss cluster", section.more["high_loss_clusters"]), ("Cluster", section.table))
    reasons = [
        f"{name} {row.cluster}, where a reason is visible: {row.reason}."
        for name, table in tables
        for row in table.sort_values("rank").itertuples()
        if row.reason
    ]
    reasons.sort(key=lambda reason: MARKS not in reason)  # the one that is easily mended first
    return " ".join([*told, *reasons[:1]])


def _slices(section: Section) -> str:
    return "" if section.table.empty else slice_sentence(section.table.iloc[0])


def _labels(section: Section) -> str:
    """The first label, whole: its question may have several sentences."""
    return "" if section.table.empty else section.sentences[0]


def _attention(section: Section) -> str:
    facts = section.facts
    if "best_layer" not in facts:
        return _first(section)
    share, chance = float(facts["question_to_answer"]), float(facts["question_to_answer_chance"])
    return (
        f"Question words attend to the answer most in layer {facts['best_layer']}, head {facts['best_head']}: with "
        f"{percent(share)} of their attention, {share / chance:.1f} times the chance."
    )


def _saliency(section: Section) -> str:
    """Of the method whose masking hurts most."""
    differences = {name: section.facts.get(f"{method}_difference") for method, name in NAMES.items()}
    known = {name: float(value) for name, value in differences.items() if value is not None}
    if not known:
        return _first(section)
    best = max(known, key=lambda name: known[name])
    return next((_head(text) for text in section.sentences if best in text), "")


def _first(section: Section) -> str:
    return _head(section.sentences[0]) if section.sentences and len(section.table) else ""


def _head(text: str) -> str:
    """The first of several sentences.

    >>> _head("An AUC of 0.5. That is guessing.")
    'An AUC of 0.5.'
    """
    return re.split(r"(?<=\.) (?=[A-Z])", text, maxsplit=1)[0]


_TELL: dict[str, Callable[[Section], str]] = {
    "overview": _overview,
    "population": _separation,
    "clusters": _clusters,
    "slices": _slices,
    "composition": _first,
    "near_duplicates": _first,
    "saliency": _saliency,
    "attention": _attention,
    "labels": _labels,
}
