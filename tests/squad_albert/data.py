"""Questions as SQuAD files, and a model folder, for the tests of the commands."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from utils.squad import Question


def write_squad(path: Path, questions: Iterable[Question], labeled: bool = True) -> Path:
    """Writes questions as SQuAD 2.0 JSON, one paragraph each."""
    articles = []
    for question in questions:
        qa: dict[str, Any] = {"id": question.id, "question": question.question}
        if labeled:
            qa["answers"] = [{"text": gold.text, "answer_start": gold.start} for gold in question.golds]
            qa["is_impossible"] = not question.golds
        articles.append({"title": question.title, "paragraphs": [{"context": question.context, "qas": [qa]}]})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": "v2.0", "data": articles}), encoding="utf-8")
    return path
