"""The questions that a run answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from project_config import Settings
from utils.decoders import allows_no_answer
from utils.questions import Question
from utils.squad import SPLITS, DataError, load_data

Warn = Callable[[list[str]], None]


@dataclass(frozen=True)
class Asked:
    """The questions of a run, and the settings with ``no_answer`` decided: always or never."""

    splits: dict[str, list[Question]]
    settings: Settings

    @cached_property
    def questions(self) -> list[Question]:
        """Those of all splits, one after the other."""
        return [question for questions in self.splits.values() for question in questions]

    @cached_property
    def split_of(self) -> list[str]:
        """The split of each of these questions."""
        return [split for split, questions in self.splits.items() for _ in questions]


def load_asked(settings: Settings, split: str | None, warn: Warn) -> Asked:
    """The questions of one or several splits.

    Args:
        settings: the data, and the limits.
        split: names with commas between them; default: validation, or the one split of data that is one file.
        warn: receives the warnings about the data.

    Raises:
        DataError: if the data is bad, has no such split, or an id is in two of the splits.
    """
    names = [] if split is None else list(dict.fromkeys(name.strip() for name in split.split(",")))
    unknown = [name for name in names if name not in SPLITS]
    if unknown:
        raise DataError(f"there is no split `{unknown[0]}`. Splits are {', '.join(SPLITS)}.")
    warnings: list[str] = []
    data = load_data(settings, warnings=warnings)  # whole, as it decides whether `no answer` may be given
    warn(warnings)
    names = names or ["validation" if "validation" in data else next(iter(data))]
    missing = [name for name in names if name not in data]
    if missing:
        raise DataError(
            f"data `{settings.data}` has no {missing[0]} split, only {', '.join(data)}. Name one with --split."
        )
    splits = {name: data[name] for name in names}
    _check_ids(splits)
    allowed = allows_no_answer(settings, [question for questions in data.values() for question in questions])
    return Asked(splits, settings.model_copy(update={"no_answer": "always" if allowed else "never"}))


def _check_ids(splits: Mapping[str, Sequence[Question]]) -> None:
    found = Counter(question.id for questions in splits.values() for question in questions)
    shared = [key for key, count in found.items() if count > 1]
    if shared:
        where = [name for name, questions in splits.items() if any(question.id == shared[0] for question in questions)]
        raise DataError(
            f"{len(shared)} question id{'s are' if len(shared) > 1 else ' is'} in more than one split of the run: "
            f"`{shared[0]}` is in {' and in '.join(where)}. Give every question an id of its own, or run one split."
        )
