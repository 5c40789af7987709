"""Applies verdicts to a SQuAD file: a new file is written, the original stays as it is."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from utils.files import real_path, whole_file
from utils.json_files import read_json
from utils.squad import load_file

from .explore.verdicts import Verdict, VerdictError, read_verdicts

Record = dict[str, Any]


@dataclass(frozen=True)
class Relabeled:
    """How many questions of a file were kept, fixed and dropped by verdict, and how many there were before."""

    out: Path
    questions: int
    kept: int
    fixed: int
    dropped: int
    elsewhere: int  # verdicts on questions that the file does not have

    @property
    def undecided(self) -> int:
        """Questions without a verdict; they stay as they are."""
        return self.questions - self.kept - self.fixed - self.dropped

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON."""
        return {**vars(self), "out": str(self.out), "undecided": self.undecided}


def relabel(data: Path, verdicts: Path, out: Path, warn: Callable[[list[str]], None]) -> Relabeled:
    """Writes ``data`` with the labels that a person has decided on.

    A fixed question has the one answer given, or none; a dropped one is left out, with paragraph and article if
    they have no question left. All else in the file stays.

    Args:
        data: a SQuAD JSON file.
        verdicts: a file as ``explore.verdicts`` describes it; it may also be about questions of other files.
        out: the file to write; neither of the others.
        warn: receives the warnings about the data.

    Raises:
        DataError: if the data is bad.
        VerdictError: if the verdicts are bad, do not fit the contexts, or none is about a question of the file; or if
            ``out`` is one of the other two files, or ``data`` no JSON file of articles.
        WriteError: if ``out`` cannot be written.
    """
    _check_paths(data, verdicts, out)
    decided = read_verdicts(verdicts)
    warnings: list[str] = []
    questions = load_file(data, warnings=warnings)  # for its checks: what follows may trust the file
    warn(warnings)
    _check_ids(decided, [question.id for question in questions], data, verdicts)
    document = _document(data)
    problems = []
    for context, qa in _qas(document):
        verdict = decided.get(str(qa["id"]))
        if verdict is not None and verdict.verdict == "fix":
            problems += _fix(qa, context, verdict)
    if problems:
        raise VerdictError("\n  ".join([f"{verdicts} does not fit {data}:", *problems]))
    here = [decided[question.id].verdict for question in questions if question.id in decided]
    if here.count("drop") == len(questions):
        raise VerdictError(f"{verdicts} drops every question of {data}, which leaves none to write. Keep or fix some.")
    _drop(document, {key for key, verdict in decided.items() if verdict.verdict == "drop"})
    text = json.dumps(document, ensure_ascii=False)
    with whole_file(real_path(out)) as stream:
        # What is not read may hold half of a surrogate pair, which goes back as the escape that it was.
        stream.write(text.encode(errors="backslashreplace").decode() + "\n")
    kept, fixed, dropped = (here.count(kind) for kind in ("keep", "fix", "drop"))
    return Relabeled(out, len(questions), kept, fixed, dropped, len(decided) - len(here))


def relabel_lines(result: Relabeled) -> list[str]:
    """The counts for people."""
    lines = [
        f"{result.questions:,} questions: {result.fixed:,} fixed, {result.dropped:,} dropped, {result.kept:,} kept by "
        f"verdict, {result.undecided:,} without a verdict, which stay as they are."
    ]
    if result.elsewhere:
        lines.append(f"{result.elsewhere:,} verdicts are on questions that the file does not have.")
    return [*lines, f"The relabeled file is {result.out}."]


def _check_paths(data: Path, verdicts: Path, out: Path) -> None:
    for path, what in ((data, "data"), (verdicts, "verdicts")):
        if out.resolve() == path.resolve() or (out.exists() and path.exists() and out.samefile(path)):
            raise VerdictError(f"{out} is the file of the {what}, which stays as it is. Name another file with --out.")
    if data.suffix != ".json":
        raise VerdictError(f"{data} is no JSON file. Name a SQuAD file that ends in .json with --data.")


def _check_ids(decided: Mapping[str, Verdict], ids: list[str], data: Path, verdicts: Path) -> None:
    if not decided:
        raise VerdictError(f"{verdicts} decides on no question yet. Write keep, fix or drop into its column `verdict`.")
    if not set(decided) & set(ids):
        key = next(iter(decided))
        near = difflib.get_close_matches(key, ids, n=1, cutoff=0.0)
        raise VerdictError(
            f"{data} has none of the questions that {verdicts} decides on, such as {key}; the nearest id in it is "
            f"{near[0]}. Name the file that was reviewed with --data."
        )


def _document(data: Path) -> Record:
    """The articles that a file holds, once it is known to hold questions."""
    found = read_json(data).value
    articles = found.get("data", [{}]) if isinstance(found, dict) else [{}]
    if not all("paragraphs" in article for article in articles):
        raise VerdictError(
            f"{data} holds rows, or articles without the list `data` around them; only SQuAD JSON is written back. "
            "Write it as an object with a list `data` of articles, and name that file with --data."
        )
    return dict(found)


def _qas(document: Record) -> Iterator[tuple[str, Record]]:
    """Every question as the file has it, with its context."""
    for article in document["data"]:
        for paragraph in article["paragraphs"]:
            for qa in paragraph["qas"]:
                yield paragraph["context"], qa


def _fix(qa: Record, context: str, verdict: Verdict) -> list[str]:
    """Gives a question the answer of the verdict; returns what hinders it."""
    answers = []
    if verdict.answer:
        places = list(_places(context, verdict.answer))
        chosen = places if verdict.start is None else [place for place in places if place == verdict.start]
        if len(chosen) != 1:
            return [_misfit(verdict, places)]
        answers = [{"text": verdict.answer, "answer_start": chosen[0]}]
    qa["answers"] = answers
    if not answers or "is_impossible" in qa:
        qa["is_impossible"] = not answers
    qa.pop("plausible_answers", None)
    return []


def _places(context: str, text: str) -> Iterator[int]:
    place = context.find(text)
    while place >= 0:
        yield place
        place = context.find(text, place + 1)


def _misfit(verdict: Verdict, places: list[int]) -> str:
    what = f"{verdict.id}: the context holds {verdict.answer!r}"
    if not places:
        return f"{verdict.id}: the context does not hold {verdict.answer!r}; copy the answer from it, letter by letter."
    shown = ", ".join(map(str, places))
    if verdict.start is None:
        return f"{what} {len(places)} times; write the right one of {shown} into `start`."
    return f"{what} at {shown}, not at {verdict.start}; correct `start`, or leave it empty if there is one place only."


def _drop(document: Record, gone: set[str]) -> None:
    """Removes questions, and the paragraphs and articles that lose all of theirs."""
    articles = []
    for article in document["data"]:
        paragraphs = []
        for paragraph in article["paragraphs"]:
            left = [qa for qa in paragraph["qas"] if str(qa["id"]) not in gone]
            if left or not paragraph["qas"]:
                paragraphs.append(paragraph | {"qas": left})
        if paragraphs or not article["paragraphs"]:
            articles.append(article | {"paragraphs": paragraphs})
    document["data"] = articles
