"""What a SQuAD question is once it has been read and checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from project_config import ProjectError

SPLITS = ("train", "validation", "test", "unlabeled")
"""The splits that data may have, in the order in which they are read."""


class DataError(ProjectError):
    """Data cannot be used: the message names file, article, paragraph, question and remedy."""


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold answer: its text and the offset of its first character in the context."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class Question:
    """A question about a context; the questions of a paragraph share one context string.

    Example:
        >>> Question("q1", "Owls", "What flies?", "An owl flies.", (Gold("An owl", 0),)).answerable
        True
    """

    id: str
    title: str
    question: str
    context: str
    golds: tuple[Gold, ...]  # empty: unanswerable, or unlabeled
    labeled: bool = True  # False: the data gives neither answers nor is_impossible

    @property
    def answerable(self) -> bool:
        """Whether the question is known to have an answer."""
        return self.labeled and bool(self.golds)


def has_unanswerable(questions: Iterable[Question]) -> bool:
    """Whether any labeled question has no answer.

    Example:
        >>> has_unanswerable([Question("q1", "Owls", "What swims?", "An owl flies.", ())])
        True
    """
    return any(question.labeled and not question.golds for question in questions)
