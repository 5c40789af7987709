"""Several sources become one set of questions to learn from, and one to validate on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.sources import agreed_first, held_out, load_training_data
from tests.model.tiny import tiny_settings, write_ships
from utils.questions import DataError, Gold

GOLDS = st.lists(st.builds(Gold, st.sampled_from(["a", "an owl", "owls"]), st.integers(0, 3)), min_size=1)


def settings_of(data, **changes):
    values = tiny_settings("sample", "runs").model_dump() | changes | {"sources": [{"data": str(one)} for one in data]}
    return type(tiny_settings("sample", "runs")).model_validate(values)


@given(GOLDS)
def test_the_gold_that_most_gave_comes_first(golds):
    ordered = agreed_first(golds)
    assert sorted(ordered, key=repr) == sorted(golds, key=repr)
    assert golds.count(ordered[0]) == max(map(golds.count, golds))


def test_about_the_share_asked_for_is_held_out():
    drawn = [held_out(f"text {number}", 0.2) for number in range(2000)]
    assert 0.17 < np.mean(drawn) < 0.23
    assert held_out("It rained, again.", 0.5) == held_out("it  rained again", 0.5)


def test_no_context_is_on_both_sides(tmp_path):
    first = write_ships(tmp_path / "first")
    folders = [first, write_ships(tmp_path / "second", train=20)]  # the second has paragraphs of the first
    data = load_training_data(settings_of(folders, held_out=0.3, unanswerable=0.4))
    contexts = {question.context for question in data.train}
    held = {question.context for question in data.validation}
    assert held and contexts and not held & contexts
    assert len(data.weights) == len(data.train)
    assert len({question.id for question in data.train}) == len(data.train)
    for questions in (data.train, data.validation):
        assert any(question.id.endswith("-altered") for question in questions)


def test_weights_are_those_of_the_sources(tmp_path):
    folder = write_ships(tmp_path / "ships")
    settings = settings_of([folder / "train.json", folder / "validation.json"], held_out=0.1)
    settings = settings.model_copy(
        update={"sources": (settings.sources[0], settings.sources[1].model_copy(update={"weight": 0.25}))}
    )
    data = load_training_data(settings)
    for question, weight in zip(data.train, data.weights.tolist(), strict=True):
        assert weight == (1.0 if question.id.startswith("train/") else 0.25)


def test_a_source_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="no such file or folder"):
        load_training_data(settings_of([tmp_path / "owls"]))
