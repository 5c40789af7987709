"""Answers one question about one context."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from model.runtime import Model
from project_config import Settings
from utils.decoders import Decoded, decode
from utils.questions import DataError, Question
from utils.samples import model_folder
from utils.windows import build_windows
from utils.words import sentence_spans

from .answers import entry, ranked
from .tables import table

UNSURE = 0.5
"""Below this probability an answer is rather wrong than right, and its passage is shown with it."""


def predict(question: str, context: str, top_k: int, settings: Settings) -> dict[str, Any]:
    """The answer to a question, and the ``top_k`` best ones.

    As nothing says that the question has an answer, `no answer` may be given unless the setting is ``never``.

    Returns:
        ``question``, ``answer``, ``no_answer`` (whether the answer is that there is none), ``no_answer_probability``,
        ``margin`` (logits by which no answer beats the best span), ``unsure`` (whether the answer's probability is
        below ``UNSURE``), ``passage`` (the sentences that the best span stands in, with their characters) and
        ``answers``, best first, each with ``text``, ``start`` and ``end`` (characters), ``score`` and ``probability``;
        the empty text is no answer.

    Raises:
        DataError: if question or context is empty.
        ModelError: if the model is missing or damaged.
        SignatureError: if it does not fit the windows.
    """
    for name, text in (("question", question), ("context", context)):
        if not text.strip():
            raise DataError(f"the {name} is empty. Give some text with --{name}.")
    [answer] = answers([(question, context, top_k)], Model(model_folder(settings), settings), settings)
    return answer


def answers(asked: Sequence[tuple[str, str, int]], model: Model, settings: Settings) -> list[dict[str, Any]]:
    """The answers to several questions at once, each as ``predict`` gives it.

    Args:
        asked: question, context and ``top_k`` of each; no text is empty.
        model: loaded with these settings.
        settings: how windows are built and decoded.

    Raises:
        ModelError: if the model fails.
        DecodingError: if it gives what are no numbers.
    """
    settings = settings.model_copy(update={"n_best": max(settings.n_best, *(top_k for _, _, top_k in asked))})
    questions = [
        Question(f"question {number}", "", question, context, (), labeled=False)
        for number, (question, context, _) in enumerate(asked)
    ]
    windows = build_windows(questions, model.tokenizer, settings, cache=False)
    decoded = decode(model.logits(windows), windows, questions, settings)
    return [
        _prediction(question, one, top_k, settings)
        for question, one, (_, _, top_k) in zip(questions, decoded, asked, strict=True)
    ]


def _prediction(question: Question, decoded: Decoded, top_k: int, settings: Settings) -> dict[str, Any]:
    allowed = settings.no_answer != "never"
    best = decoded.best(allowed, settings.no_answer_threshold)
    return {
        "question": question.question,
        "answer": best.text,
        "no_answer": not best.text,
        **{key: value for key, value in entry(best).items() if key != "text"},
        "no_answer_probability": decoded.null_probability,
        "margin": decoded.margin,
        "unsure": best.probability < UNSURE,
        "passage": _passage(question.context, decoded),
        "answers": ranked(decoded, allowed)[:top_k],
    }


def _passage(context: str, decoded: Decoded) -> dict[str, Any] | None:
    """The sentences that the best span stands in; None where there is no span."""
    if not decoded.answers:
        return None
    best = decoded.answers[0]
    within = [(start, end) for start, end in sentence_spans(context) if start < best.end and best.start < end]
    start, end = within[0][0], within[-1][1]
    text = context[start:end].rstrip()
    start += len(text) - len(text.lstrip())
    return {"text": text.lstrip(), "start": start, "end": start + len(text.lstrip())}


def prediction_lines(prediction: dict[str, Any]) -> list[str]:
    """A prediction for people: the answer, the passage where the model is unsure, a table if several were asked for."""
    lines = [f"{prediction['answer'] or 'no answer'} ({prediction['probability']:.1%})"]
    if prediction["unsure"] and prediction["passage"]:
        lines += [f"The model is unsure. The passage: {prediction['passage']['text']}"]
    answers = prediction["answers"]
    if len(answers) > 1:
        rows = [["answer", "characters", "probability"]]
        for answer in answers:
            place = f"{answer['start']}-{answer['end']}" if answer["text"] else ""
            rows.append([answer["text"] or "no answer", place, f"{answer['probability']:.1%}"])
        lines += ["", *table(rows)]
    return lines
