"""Attention of one question at a time: what ``squad-albert attention`` shows, in text, pictures and a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from model.attention import open_attention
from model.runtime import Model
from project_config import Settings
from utils.files import make_folder, whole_file, whole_path
from utils.questions import DataError, Question
from utils.samples import model_folder

from .attend import Attended, attend, chosen, summary
from .explore.style import visible
from .files import picture_name
from .run_model import run_model_folder, run_questions, run_settings
from .run_tables import read_run
from .tables import table

STRONGEST = 5
"""Heads that are listed of those in which the question attends most to the answer."""


class AttentionView:
    """A model, and the layers and heads of it that are looked at.

    Args:
        model: opened by ``model.attention.open_attention``.
        settings: that it was opened with.
        layers: ``all``, or numbers and ranges from 1 on.
        heads: likewise, of each of these layers.
        out: a folder for pictures and pages; default: none are made.

    Raises:
        AttentionError: for layers that the model does not have.
    """

    def __init__(
        self, model: Model, settings: Settings, layers: str = "all", heads: str = "all", out: Path | None = None
    ) -> None:
        self._model = model
        self._settings = settings
        self._layers, self._heads = layers, heads
        self._out = out

    def __call__(self, question: Question, name: str = "attention") -> dict[str, Any]:
        """What a question attends to, as ``attend.summary`` has it, and ``files``, by kind, where any are made.

        Args:
            question: with its context.
            name: of the files.

        Raises:
            DataError: if question or context is empty.
            AttentionError: for layers or heads that the model does not have.
            WriteError: if a file cannot be written.
        """
        attended = attend(self._model, question, self._settings)
        layers = chosen(self._layers, attended.layers, "layers")
        heads = chosen(self._heads, attended.heads, "heads")
        found = summary(attended, layers, heads)
        return found | {"files": _write(attended, layers, heads, self._out, name)} if self._out else found

    def pairs(self, stream: TextIO | None, ask: Callable[[str], None]) -> Iterator[dict[str, Any]]:
        """One question after another, each from two lines: the question and its context.

        An empty context stands for the one before. An empty question ends it, as the end of the stream does. Files
        are named ``attention-1``, ``attention-2``, ...

        Args:
            stream: standard input, for people; None, as Python has it where it is closed, is as if it had ended.
            ask: told what the next line is to be.

        Raises:
            DataError: if a line is not text.
        """
        context, number = "", 0
        while True:
            ask("question (empty: end)")
            question = _line(stream)
            if not question:
                return
            ask("context (empty: the same again)" if context else "context")
            context = _line(stream) or context
            number += 1
            yield self(_pair(question, context), f"attention-{number}")


def open_view(settings: Settings, layers: str = "all", heads: str = "all", out: Path | None = None) -> AttentionView:
    """A view of the model that the settings name.

    Raises:
        ModelError: if the model is missing or damaged, or its attention cannot be read.
        SignatureError: if it does not fit the windows.
    """
    return AttentionView(open_attention(model_folder(settings), settings), settings, layers, heads, out)


def attention_of_pair(question: str, context: str, view: AttentionView) -> dict[str, Any]:
    """What a question attends to in a context; see ``AttentionView``."""
    return view(_pair(question, context))


def attention_of_sample(
    folder: Path, question_id: str, settings: Settings, layers: str = "all", heads: str = "all", out: Path | None = None
) -> dict[str, Any]:
    """What a question of a run attends to, in the model that the run was made with.

    Args:
        folder: of the run.
        question_id: of one of its questions.
        settings: ``threads``; all else is the run's.
        layers: as for ``AttentionView``, as the rest.
        heads: which of each of these layers.
        out: a folder for pictures and pages, which are named after the question.

    Returns:
        As ``AttentionView`` gives it, with ``id``, ``split``, ``title`` and ``golds`` (null where unlabeled).

    Raises:
        RunError: if the run is damaged, was made without a model or with another one, or has no such question.
    """
    run = read_run(folder)
    row = run.row(question_id)
    [question] = run_questions(run, [row])
    settings = run_settings(run, settings)
    view = AttentionView(open_attention(run_model_folder(run, settings), settings), settings, layers, heads, out)
    golds = [gold.text for gold in question.golds] if question.labeled else None
    known = {"id": question.id, "split": str(run.questions["split"].iloc[row]), "title": question.title}
    return {**known, "golds": golds, **view(question, picture_name(question.id))}


def attention_lines(found: dict[str, Any]) -> list[str]:
    """For people: question and answer, what each word of the question attends to, and the strongest heads."""
    rows = [["question", "attends most to", "share"]]
    rows += [[one["word"], one["context_word"], f"{one['share']:.1%}"] for one in found["question_words"]]
    main = found["main_attended"]
    heads = sorted(found["by_head"], key=lambda head: -head["question_to_answer"])[:STRONGEST]
    strongest = [["layer", "head", "question to answer", "by chance"]]
    strongest += [
        [str(one["layer"]), str(one["head"]), f"{one['question_to_answer']:.1%}", f"{one['chance']:.1%}"]
        for one in heads
    ]
    answer = found["answer"] or "no answer"
    lines = [*_head(found), f"answer: {answer} ({found['probability']:.1%})"]
    if found["windows"] > 1:
        lines.append(f"window: {found['window']} of {found['windows']}")
    lines += [_which(found), "", *table(rows), ""]
    lines += [
        f"main attended word: “{main['word']}”, with {main['share']:.1%} of what the answer gives to the question"
    ]
    lines += ["", *table(strongest)]
    lines += [f"written: {path}" for path in found.get("files", {}).values()]
    return [visible(line) for line in lines]


def _line(stream: TextIO | None) -> str:
    try:
        line = stream.readline().strip() if stream else ""
        line.encode()  # where the locale is C, Python reads what is not UTF-8 as lone surrogates
    except UnicodeError as error:
        raise DataError(
            f"a line of standard input is not UTF-8: {error}. Give question and context in UTF-8."
        ) from error
    return line


def _head(found: dict[str, Any]) -> list[str]:
    question = f"question: {found['question'].strip()}"
    if found.get("golds") is None:
        return [question]
    return [question, f"gold: {' | '.join(dict.fromkeys(found['golds'])) or 'no answer'}"]


def _which(found: dict[str, Any]) -> str:
    layers, heads = (", ".join(map(str, found[name])) for name in ("layers", "heads"))
    alone = len(found["by_head"]) == 1
    return f"layer {layers}, head {heads}" if alone else f"mean over layers {layers}, heads {heads}"


def _pair(question: str, context: str) -> Question:
    return Question("question", "", question, context, (), labeled=False)


def _write(attended: Attended, layers: list[int], heads: list[int], out: Path, name: str) -> dict[str, str]:
    from .attention_pictures import head_maps, heat_map, page

    make_folder(out)
    files = {"heat map": out / f"{name}.png", "page": out / f"{name}.html"}
    with whole_path(files["heat map"]) as aside:
        heat_map(attended, layers, heads).savefig(aside, format="png")
    with whole_file(files["page"]) as stream:
        stream.write(page(attended, layers, heads))
    if len(layers) * len(heads) > 1:
        files["heads"] = out / f"{name}-heads.png"
        with whole_path(files["heads"]) as aside:
            head_maps(attended, layers, heads).savefig(aside, format="png")
    return {kind: str(path) for kind, path in files.items()}
