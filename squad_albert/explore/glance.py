"""What stands out in a run: one sentence for each section that has a finding."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from squad_albert.token_pictures import NAMES

from .problems import MARKS
from .section import Section
from .style import number, percent


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


def _clusters(section: Section) -> str:
    if section.table.empty or section.table["loss"].isna().all():
        return ""
    worst = section.table.sort_values("rank").iloc[0]
    told = (
        f"The hardest of {len(section.table)} clusters, of {worst['size']:,} questions, has a mean loss of "
        f"{number(worst['loss'])}."
    )
    tables = (section.more["high_loss_clusters"], section.table)
    reasons = [reason for table in tables for reason in table.sort_values("rank")["reason"] if reason]
    reasons.sort(key=lambda reason: MARKS not in reason)  # the one that is easily mended first
    return f"{told} Where a cluster's reason is visible: {reasons[0]}." if reasons else told


def _slices(section: Section) -> str:
    if section.table.empty:
        return ""
    worst = section.table.iloc[0]
    return (
        f"The worst of {len(section.table)} error slices is {worst['slice']}: {percent(worst['error'], 0)} of its "
        f"{worst['size']:,} questions are answered wrong."
    )


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
    "population": _separation,
    "clusters": _clusters,
    "slices": _slices,
    "composition": _first,
    "near_duplicates": _first,
    "saliency": _saliency,
    "attention": _attention,
    "labels": _first,
}
