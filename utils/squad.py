"""Reads SQuAD data: files, folders and hub datasets become checked questions, by split."""

from __future__ import annotations

import difflib
import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from random import Random

from project_config import ROOT, Settings

from .questions import SPLITS, DataError, Gold, Question, has_unanswerable
from .squad_files import folder_files, is_data_file, read_files, split_named, split_within, stem
from .squad_hub import is_hub_id, read_hub

__all__ = [
    "SPLITS",
    "DataError",
    "Gold",
    "Leak",
    "Question",
    "draw",
    "has_unanswerable",
    "leakage",
    "load_data",
    "load_file",
]

_USUAL = ("train", "validation")
_FORMS = (
    "Name `sample`, a folder with train and validation files, one .json or .parquet file, or a hub id as owner/name."
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Leak:
    """Questions of a later split whose context, question or id an earlier split has too."""

    what: str  # "context", "question" or "id"
    splits: tuple[str, str]
    count: int  # such questions in the later split
    examples: tuple[str, ...]  # their first ids

    def __str__(self) -> str:
        earlier, later = self.splits
        share = "1 question shares its" if self.count == 1 else f"{self.count} questions share their"
        return f"leakage: {share} {self.what} with {earlier} in {later}, e.g. {', '.join(self.examples)}"


def load_data(
    settings: Settings, *, splits: Collection[str] = SPLITS, warnings: list[str] | None = None
) -> dict[str, list[Question]]:
    """The questions that the settings name, by split, cut to the settings' titles and limits.

    Args:
        settings: ``data``, the limits, ``titles`` and ``seed`` are read.
        splits: the splits to read; ``data`` that is one file is its one split and read in any case.
        warnings: receives a line for each kind of oddity; without it they are logged.

    Returns:
        The splits that the data has, in the order of ``SPLITS``.

    Raises:
        DataError: if the data cannot be found or has problems, or a title is in no split.
    """
    data, notes = _read(settings.data, splits)
    data, left_out = _of_titles(data, settings.titles)
    data = {split: draw(questions, settings.limit(split), settings.seed, split) for split, questions in data.items()}
    notes += left_out
    notes += [
        f"{split}: no question has an answer"
        for split, questions in data.items()
        if split != "unlabeled" and not any(question.golds for question in questions)
    ]
    notes += [str(leak) for leak in leakage(data)]
    _pass_on(notes, warnings)
    return data


def load_file(path: Path, *, warnings: list[str] | None = None) -> list[Question]:
    """The questions of one SQuAD JSON or Parquet file.

    Args:
        path: a ``.json`` (SQuAD 1.1 or 2.0) or ``.parquet`` file (the hub's columns).
        warnings: receives a line for each kind of oddity; without it they are logged.

    Raises:
        DataError: with all problems of the file.
    """
    questions, notes = read_files([path])
    _pass_on(notes, warnings)
    return questions


def draw(questions: Sequence[Question], limit: int | None, seed: int, split: str = "") -> list[Question]:
    """At most ``limit`` questions, in their order, each title keeping its share.

    Shares are rounded so that they sum up to the limit; the draw depends on seed and split alone.

    >>> owls = [Question(f"o{n}", "Owls", "?", ".", ()) for n in range(6)]
    >>> eels = [Question(f"e{n}", "Eels", "?", ".", ()) for n in range(3)]
    >>> [question.title for question in draw(owls + eels, 3, seed=7)]
    ['Owls', 'Owls', 'Eels']
    """
    if limit is None or limit >= len(questions):
        return list(questions)
    random = Random(f"{seed} {split}")
    by_title: dict[str, list[int]] = {}
    for index, question in enumerate(questions):
        by_title.setdefault(question.title, []).append(index)
    titles = sorted(by_title)
    random.shuffle(titles)  # decides between equal remainders
    shares = {title: divmod(len(by_title[title]) * limit, len(questions)) for title in titles}
    spare = limit - sum(whole for whole, _ in shares.values())
    favoured = set(sorted(titles, key=lambda title: -shares[title][1])[:spare])
    chosen = (
        index for title in titles for index in random.sample(by_title[title], shares[title][0] + (title in favoured))
    )
    return [questions[index] for index in sorted(chosen)]


def leakage(data: Mapping[str, Sequence[Question]]) -> list[Leak]:
    """What any two splits share: contexts and questions (case and white space aside), and ids."""
    leaks = []
    for what in ("context", "question", "id"):
        keys = {split: _keys(questions, what) for split, questions in data.items()}
        for earlier, later in combinations(keys, 2):
            known = set(keys[earlier])
            shared = [q.id for q, key in zip(data[later], keys[later], strict=True) if key in known]
            if shared:
                leaks.append(Leak(what, (earlier, later), len(shared), tuple(shared[:3])))
    return leaks


def _pass_on(notes: Sequence[str], warnings: list[str] | None) -> None:
    if warnings is not None:
        warnings.extend(notes)
        return
    for note in notes:
        log.warning(note)


def _keys(questions: Iterable[Question], what: str) -> list[str]:
    texts = [str(getattr(question, what)) for question in questions]
    if what == "id":
        return texts
    normal = {text: " ".join(text.split()).casefold() for text in set(texts)}
    return [normal[text] for text in texts]


def _read(name: str, splits: Collection[str]) -> tuple[dict[str, list[Question]], list[str]]:
    path = ROOT / "data" if name == "sample" else _existing(name)
    if path is not None and path.is_dir():
        return _read_folder(path, splits)
    if path is not None:
        questions, warnings = read_files([path])
        split = split_named(stem(path)) or split_within(stem(path)) or "validation"
        split = split if questions[0].labeled else "unlabeled"
        _check_labels(split, questions, path)
        return {split: questions}, warnings
    if is_hub_id(name) and not is_data_file(name):
        data, warnings = read_hub(name, splits)
        for split, questions in data.items():
            _check_labels(split, questions, name)
        return data, warnings
    raise DataError(f"No data `{name}`: there is no such file or folder{_nearest(name)}. {_FORMS}")


def _existing(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        return next((place for place in (path, ROOT / path) if name and place.exists()), None)
    except (OSError, RuntimeError) as error:  # too long a name, a folder that may not be entered, nobody's home
        raise DataError(f"data `{name}` cannot be looked for: {error}. {_FORMS}") from error


def _nearest(name: str) -> str:
    folder = Path(name).expanduser().parent
    siblings = [path.name for path in folder.glob("*")]
    near = difflib.get_close_matches(Path(name).name, siblings, n=1)
    return f"; did you mean `{folder / near[0]}`?" if near else ""


def _read_folder(folder: Path, splits: Collection[str]) -> tuple[dict[str, list[Question]], list[str]]:
    files = {split: paths for split, paths in folder_files(folder).items() if split in splits}
    missing = [split for split in _USUAL if split in splits and split not in files]
    if not files:
        missing = missing or list(splits)
        raise DataError(
            f"{folder} has no {' and no '.join(missing)} file. Add {missing[0]}.json or {missing[0]}.parquet; "
            "to evaluate one file, name the file itself."
        )
    data: dict[str, list[Question]] = {}
    warnings = _guesses(folder, files, missing)
    for split in SPLITS:
        if split in files:
            data[split], notes = read_files(files[split])
            _check_labels(split, data[split], files[split][0])
            warnings += notes
    return data, warnings


def _guesses(folder: Path, files: Mapping[str, Sequence[Path]], missing: Sequence[str]) -> list[str]:
    """A note of what the names of the files do not say by themselves."""
    guesses = [
        f"{split} is {paths[0].relative_to(folder)}" + (f" to {paths[-1].name}" if len(paths) > 1 else "")
        for split, paths in files.items()
        if split_named(stem(paths[0])) != split
    ]
    guesses += [f"there is no {split} file" for split in missing]
    return [f"{folder}: taken as it is meant: {'; '.join(guesses)}"] if guesses else []


def _check_labels(split: str, questions: Sequence[Question], source: Path | str) -> None:
    labeled = questions[0].labeled
    if labeled and split == "unlabeled":
        raise DataError(f"{source} is of the wrong kind: its questions have answers. Rename it, for example to test.")
    if not labeled and split != "unlabeled":
        raise DataError(
            f"{source} is of the wrong kind: the {split} split needs `answers`, which its questions lack. "
            "Add them, or rename it to unlabeled."
        )


def _of_titles(data: dict[str, list[Question]], titles: Sequence[str]) -> tuple[dict[str, list[Question]], list[str]]:
    if not titles:
        return data, []
    known = Counter(question.title for questions in data.values() for question in questions)
    unknown = [title for title in titles if title not in known]
    if unknown:
        near = difflib.get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"Titles there are: {', '.join(list(known)[:10])}, …"
        raise DataError(f"No question has the title `{unknown[0]}`; {hint}")
    chosen = set(titles)
    kept = {split: [q for q in questions if q.title in chosen] for split, questions in data.items()}
    warnings = [f"{split}: left out, as it has no question of the chosen titles" for split in kept if not kept[split]]
    return {split: questions for split, questions in kept.items() if questions}, warnings
