"""The training objective around any question-answering model of transformers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from utils.questions import Question
from utils.windows import Windows

from .inputs import input_names

ILLEGAL = -1e4
"""What a token that cannot be an answer gets as logit; within float16, unlike minus infinity."""

UNKNOWN = -1
"""Stands where the data does not name a token's subject."""

SUBJECTS = ("asked", "other")
"""What the heads for subjects tell apart, by the tag of a token."""

UNTOLD_WEIGHT = 0.05
"""The weight of a token that tells no fact; there are some twenty of them for each that tells one."""


class Learner(nn.Module):  # type: ignore[misc]
    """A question-answering model with the loss it is trained by.

    The span loss is a softmax over the context and [CLS] alone. Auxiliary heads, which are left behind when
    the model is saved, teach the two things that an answer is found by, where the data names them:

    - what is asked: a head on the middle layer names the asked fact at [CLS] and tags every token of the
      context with the fact it tells. It is one head for both, so that what is asked and what is told look
      alike to the layers above.
    - of whom it is asked: on every layer a head tells the tokens that speak of the asked subject from those
      that speak of another. Without them a small model takes the right kind of answer of either.

    Args:
        model: a transformers model with ``start_logits`` and ``end_logits``.
        facts: how many facts the first head tells apart; 0 for no head.
        fact_weight: the weight of that head's loss.
        subject_weight: the weight of the mean of the other heads' losses; 0 for no heads.
    """

    def __init__(self, model: Any, facts: int = 0, fact_weight: float = 0.0, subject_weight: float = 0.0) -> None:
        super().__init__()
        self.model = model
        self.facts = facts
        self.fact_weight = fact_weight
        self.subject_weight = subject_weight
        self.inputs = input_names(model)
        if facts:
            self.fact_head = nn.Linear(model.config.hidden_size, facts + 1)
            weights = torch.ones(facts + 1)
            weights[0] = UNTOLD_WEIGHT
            self.register_buffer("fact_weights", weights, persistent=False)
        if subject_weight:
            config = model.config
            layers = config.num_hidden_layers * getattr(config, "inner_group_num", 1)
            self.subject_heads = nn.ModuleList(nn.Linear(config.hidden_size, len(SUBJECTS)) for _ in range(layers))

    def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """The loss (float32 scalar) and the span logits (float32 ``[B, L, 2]``) of a batch."""
        hidden = self.facts > 0 or self.subject_weight > 0
        outputs = self.model(**{name: batch[name] for name in self.inputs}, output_hidden_states=hidden)
        logits = torch.stack([outputs.start_logits, outputs.end_logits], dim=-1).float()
        masked = logits.masked_fill(~batch["legal"].unsqueeze(-1), ILLEGAL)
        loss = (
            functional.cross_entropy(masked[..., 0], batch["start_positions"])
            + functional.cross_entropy(masked[..., 1], batch["end_positions"])
        ) / 2
        if self.facts:
            loss = loss + self.fact_weight * self._fact_loss(outputs.hidden_states, batch)
        if self.subject_weight:
            loss = loss + self.subject_weight * self._subject_loss(outputs.hidden_states, batch)
        return {"loss": loss, "logits": logits}

    def _fact_loss(self, hidden_states: Sequence[torch.Tensor], batch: dict[str, torch.Tensor]) -> torch.Tensor:
        told = self.fact_head(hidden_states[len(hidden_states) // 2]).float()
        targets = batch["told_facts"].masked_fill(~batch["legal"], -1)
        weights = self.fact_weights
        loss = functional.cross_entropy(told.flatten(0, 1), targets.flatten(), weights, ignore_index=-1)
        asked = batch["asked_fact"]
        if (asked >= 0).any():  # the mean over no questions would be no number
            loss = loss + functional.cross_entropy(told[:, 0], asked, ignore_index=-1)
        return loss

    def _subject_loss(self, hidden_states: Sequence[torch.Tensor], batch: dict[str, torch.Tensor]) -> torch.Tensor:
        known = batch["legal"] & (batch["told_subjects"] != UNKNOWN)
        targets = batch["told_subjects"][known]
        losses = [
            functional.cross_entropy(head(hidden[known]).float(), targets, reduction="sum")
            for head, hidden in zip(self.subject_heads, hidden_states[1:], strict=True)
        ]
        return torch.stack(losses).mean() / max(1, len(targets))


def name_subjects(questions: Sequence[Question], windows: Windows) -> NDArray[np.int8]:
    """Of whom each token speaks, as far as data says that names the subjects of its questions.

    Known are the subjects' names and the answers to the other questions about the same context.

    Returns:
        int8 ``[N, L]``: 0 for the subject that the window's question asks about, 1 for another, -1 for unknown.
    """
    told: dict[int, list[tuple[int, int, str]]] = {}
    names: dict[int, dict[str, None]] = {}
    for question in questions:
        if question.subject:
            spans = told.setdefault(id(question.context), [])
            spans += [(gold.start, gold.start + len(gold.text), question.subject) for gold in question.golds[:1]]
            names.setdefault(id(question.context), {})[question.subject] = None
    for question in questions:
        for name in names.pop(id(question.context), ()):
            found = re.finditer(re.escape(name), question.context, re.IGNORECASE)
            told[id(question.context)] += [(*match.span(), name) for match in found]
    tags = np.full(windows.input_ids.shape, UNKNOWN, np.int8)
    for row, q in enumerate(windows.question.tolist()):
        asked = questions[q].subject
        if asked:
            spans = told[id(questions[q].context)]
            _tag(tags, windows, row, ((start, end, int(subject != asked)) for start, end, subject in spans))
    return tags


def name_facts(
    questions: Sequence[Question], windows: Windows
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int16]]:
    """What the auxiliary head learns from data that names facts.

    Returns:
        The facts' names; the fact that each window's question asks for, int64 ``[N]``, counted from 1, -1 where
        the data does not say; and the fact that each token tells, int16 ``[N, L]``, with 0 for none.
    """
    names = sorted({question.fact for question in questions if question.fact})
    number = {name: index for index, name in enumerate(names, 1)}
    told: dict[int, list[tuple[int, int, int]]] = {}
    for question in questions:
        spans = told.setdefault(id(question.context), [])
        if question.fact and question.golds:
            gold = question.golds[0]
            spans.append((gold.start, gold.start + len(gold.text), number[question.fact]))
    asked = np.array([number.get(questions[q].fact or "", -1) for q in windows.question.tolist()], np.int64)
    tags = np.zeros(windows.input_ids.shape, np.int16)
    for row, q in enumerate(windows.question.tolist()):
        _tag(tags, windows, row, told[id(questions[q].context)])
    return names, asked, tags


def _tag(tags: NDArray[Any], windows: Windows, row: int, spans: Iterable[tuple[int, int, int]]) -> None:
    """Gives the context tokens of a window that touch spans of characters, (start, end, tag), the spans' tags."""
    first, last = int(windows.context_start[row]), int(windows.context_end[row])
    offsets = windows.offsets[row, first:last]
    for start, end, tag in spans:
        tags[row, first:last][(offsets[:, 0] < end) & (offsets[:, 1] > start)] = tag
