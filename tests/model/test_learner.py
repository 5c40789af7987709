from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import log_softmax
from transformers import AutoModelForQuestionAnswering

from model.batches import Collator
from model.learner import SUBJECTS, UNKNOWN, Learner, name_facts, name_subjects
from project_config import Settings
from tests.model.tiny import write_checkpoint
from utils.windows import Windows, build_windows


@pytest.fixture
def albert(tmp_path, tokenizer):
    return AutoModelForQuestionAnswering.from_pretrained(write_checkpoint(tmp_path, "albert", tokenizer)).eval()


@pytest.fixture
def windows(questions, tokenizer) -> Windows:
    return build_windows(questions, tokenizer, Settings(max_length=96, overlap=16, max_question_tokens=24), cache=False)


def test_the_loss_is_a_softmax_over_the_context_and_the_first_token(albert, windows):
    rows = [0, 3, 5]
    batch = Collator(windows)(rows)
    found = Learner(albert)(**batch)
    expected = 0.0
    for position, row in enumerate(rows):
        legal = [0, *range(windows.context_start[row], windows.context_end[row])]
        for side, target in enumerate((windows.start[row], windows.end[row])):
            logits = found["logits"][position, legal, side]
            expected -= log_softmax(logits, dim=0)[legal.index(int(target))].item() / 2 / len(rows)
    assert found["logits"].shape == (3, int(windows.length[rows].max()), 2)
    assert found["loss"].item() == pytest.approx(expected, rel=1e-5)


def test_facts_of_questions_and_tokens(questions, windows):
    facts = {"heron-1": "launched", "heron-2": "carried", "marsh-1": "counted"}
    named = [replace(question, fact=facts.get(question.id)) for question in questions]
    names, asked, told = name_facts(named, windows)
    assert names == ["carried", "counted", "launched"]
    for row, question in enumerate(windows.question.tolist()):
        fact = named[question].fact
        assert asked[row] == (names.index(fact) + 1 if fact else -1)
    row = int(windows.first[[question.id for question in questions].index("heron-3")])  # shares heron-1's context
    spans = windows.offsets[row][told[row] == names.index("launched") + 1]
    context = named[windows.question[row]].context
    assert context[spans[0, 0] : spans[-1, 1]].strip() == "4 May 1871"
    assert not told[int(windows.first[-2])].any()  # nothing is known of the last context


def test_auxiliary_heads_add_their_loss_and_are_left_behind(albert, questions, windows):
    named = [replace(question, fact="launched" if question.id == "heron-1" else None) for question in questions]
    names, asked, told = name_facts(named, windows)
    batch = Collator(windows, {"asked_fact": asked, "told_facts": told})([0, 1])
    torch.manual_seed(0)
    with_heads, without = Learner(albert, len(names), 0.5), Learner(albert)
    spans = without(**batch)["loss"]
    losses = with_heads(**batch)["loss"]
    with_heads.fact_weight = 1.0
    assert losses > spans
    assert with_heads(**batch)["loss"].item() == pytest.approx(2 * losses.item() - spans.item(), rel=1e-5)
    assert not any("head" in name for name in with_heads.model.state_dict())


def test_windows_of_which_nothing_is_known_teach_no_question(albert, windows):
    told = np.zeros(windows.input_ids.shape, np.int16)
    told[1, windows.context_start[1]] = 1
    learner = Learner(albert, 1, 0.5)
    losses = []
    for asked in (1, -1):
        batch = Collator(windows, {"asked_fact": np.array([-1, asked]), "told_facts": told})([0, 1])
        losses.append(learner(**batch)["loss"].item())
    assert np.isfinite(losses).all()
    assert losses[0] > losses[1] > Learner(albert)(**batch)["loss"].item()


def test_subjects_of_tokens(questions, windows):
    of = {"heron-1": "the Grey Heron", "heron-2": "the Grey Heron", "heron-4": "Ada Brook", "marsh-2": "Ulm"}
    named = [replace(question, subject=of.get(question.id)) for question in questions]
    tags = name_subjects(named, windows)
    keys = [question.id for question in questions]

    def spoken(key: str, tag: int) -> str:
        """The tokens so tagged in any of the question's windows, in the context's order."""
        index = keys.index(key)
        spans = {
            (int(start), int(end))
            for row in np.flatnonzero(windows.question == index)
            for start, end in windows.offsets[row][tags[row] == tag]
        }
        return "".join(questions[index].context[start:end].strip() for start, end in sorted(spans))

    asked, other = (SUBJECTS.index(name) for name in ("asked", "other"))
    assert spoken("heron-4", asked) == "AdaBrookbecausetheownerstrustednobodyelse"
    assert spoken("heron-4", other) == "TheGreyHeron4May18711,200"
    assert spoken("heron-3", asked) == spoken("heron-3", other) == ""  # it names no subject
    assert spoken("songs-1", asked) == spoken("songs-1", other) == ""
    marsh = windows.question == keys.index("marsh-2")
    assert (tags[marsh] == asked).any(axis=1).sum() > 1  # in every window that has the name
    assert set(np.unique(tags[marsh])) == {UNKNOWN, asked}


def test_a_head_tells_subjects_apart(albert, questions, windows):
    named = [replace(question, subject="Ada Brook" if question.id == "heron-4" else None) for question in questions]
    rows = np.flatnonzero(windows.question == 3).tolist()
    batch = Collator(windows, {"told_subjects": name_subjects(named, windows)})(rows)
    torch.manual_seed(0)
    learner = Learner(albert, subject_weight=0.5)
    optimizer = torch.optim.Adam(learner.subject_heads.parameters(), lr=0.1)
    losses = []
    for _ in range(30):
        loss = learner(**batch)["loss"]
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0] - 0.1
    spans = Learner(albert)(**batch)["loss"].item()
    assert spans < losses[-1] < spans + 0.1


def test_batches_without_a_known_subject_teach_none(albert, windows):
    batch = Collator(windows, {"told_subjects": np.full(windows.input_ids.shape, UNKNOWN, np.int8)})([0, 1])
    assert Learner(albert, subject_weight=0.5)(**batch)["loss"] == Learner(albert)(**batch)["loss"]
