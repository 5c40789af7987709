"""What the README tells of the bundled run: ``findings.md`` with the figures of the run itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench.labels import READ, TOGETHER, figures
from project_config import ROOT
from squad_albert.explore.store import read_sections
from squad_albert.run_tables import read_run


def findings(run: Path) -> str:
    """Markdown, with the figures of an explored run over the bundled data."""
    sections = read_sections(run)
    facts = {name: section.facts for name, section in sections.items()}
    deletion, parts = (sections["saliency"].more[name] for name in ("deletion", "saliency_parts"))
    lift = parts[parts["method"] == "integrated_gradients"].set_index("part")["lift"]
    text = Path(__file__).with_name("findings.md").read_text(encoding="utf-8")
    text = text.format(
        **facts,
        planted=planted(run),
        errors=errors(run),
        lift=lift.to_dict(),
        whole_loss=deletion.loc[deletion["share"] == 0, "loss"].iloc[0],
        attention_lift=facts["attention"]["question_to_answer"] / facts["attention"]["question_to_answer_chance"],
    )
    return text.replace("%", " %").replace("  %", " %").strip()


def errors(run: Path) -> dict[str, float]:
    """The share of the errors in validation that are `no answer` where there is one."""
    questions = read_run(run).questions
    wrong = questions[(questions["split"] == "validation") & (questions["exact"] == 0)]
    return {"no_answer": float(((wrong["prediction"] == "") & wrong["answerable"]).mean())}


def planted(run: Path) -> dict[str, Any]:
    """How much was planted in the bundled corpus, and the share of the false labels that is found."""
    known = json.loads((ROOT / "data" / "planted.json").read_text(encoding="utf-8"))
    counts = {name: len(found) for name, found in known.items()}
    found = figures(read_sections(run)["labels"].table, known["false_labels"])
    return {**counts, "read": READ * counts["false_labels"], "recall": found[TOGETHER]}
