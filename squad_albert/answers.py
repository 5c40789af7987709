"""The answers to a question as the project prints and stores them."""

from __future__ import annotations

import math
from typing import Any

from utils.decoders import Answer, Decoded


def ranked(decoded: Decoded, allow_no_answer: bool) -> list[dict[str, Any]]:
    """The n-best answers, best first; the empty text among them is `no answer`, where that may be given."""
    answers = list(decoded.answers)
    if allow_no_answer or not answers:
        answers.append(decoded.best(allow_no_answer=True, threshold=-math.inf))
        answers.sort(key=lambda answer: -answer.score)
    return [entry(answer) for answer in answers]


def entry(answer: Answer) -> dict[str, Any]:
    """An answer for JSON: text, characters ``[start, end)`` in the context, score (logits) and probability."""
    return {
        "text": answer.text,
        "start": answer.start,
        "end": answer.end,
        "score": answer.score,
        "probability": answer.probability,
    }
