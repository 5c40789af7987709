"""Paragraphs say what they are asked, where they are said to."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squad_albert.corpus.names import SPLITS
from squad_albert.corpus.wordings import domains
from squad_albert.corpus.writer import Paragraph, Statement, Topic, Writer, draw_topic

SEEDS = st.integers(0, 10_000)


def write(seed: int, rivals: int = 2, unanswerable: float = 0.15, unseen: float = 0.0) -> tuple[Topic, Paragraph]:
    random = Random(seed)
    writer = Writer(random, "train", unseen)
    topic = draw_topic(random.choice(domains()), writer.names)
    facts = random.sample(topic.domain.facts, 4)
    return topic, writer.paragraph(topic, facts, rivals=rivals, asides=2, unanswerable=unanswerable)


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_every_answer_stands_where_its_question_says(seed: int) -> None:
    _, paragraph = write(seed, unanswerable=0.0)
    assert len(paragraph.asks) >= 4
    for ask in paragraph.asks:
        assert ask.value is not None
        assert ask.start is not None
        found = paragraph.context[ask.start : ask.start + len(ask.value.text)]
        assert found in (ask.value.text, ask.value.text[0].upper() + ask.value.text[1:])


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_a_question_in_vain_is_about_what_is_not_told(seed: int) -> None:
    topic, paragraph = write(seed, rivals=0, unanswerable=1.0)
    for ask in paragraph.asks:
        assert (ask.value, ask.start) == (None, None)
        value = topic.values[ask.fact.split(".")[1]].text
        is_told = re.search(rf"(?<![\w,]){re.escape(value)}(?!\w|,\d)", paragraph.context, re.IGNORECASE)
        if topic.name in ask.question and len(value) > 6:  # a short one may be found in an aside by chance
            assert not is_told
        elif topic.name not in ask.question:
            assert is_told


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_no_question_is_asked_twice(seed: int) -> None:
    _, paragraph = write(seed, rivals=5)
    asked = [ask.question for ask in paragraph.asks]
    assert len(set(asked)) == len(asked)


@settings(deadline=None, max_examples=25)
@given(SEEDS)
def test_the_first_sentence_names_the_topic(seed: int) -> None:
    topic, paragraph = write(seed)
    first = paragraph.context.split(". ")[0]
    assert topic.name in first or topic.name[0].upper() + topic.name[1:] in first


def test_wordings_kept_from_training_are_marked() -> None:
    _, known = write(3, unanswerable=0.0)
    _, unknown = write(3, unanswerable=0.0, unseen=1.0)
    assert not any(ask.unseen for ask in known.asks)
    assert all(ask.unseen for ask in unknown.asks)


def test_the_same_seed_writes_the_same() -> None:
    assert write(5) == write(5)
    assert write(5) != write(6)


@pytest.mark.parametrize("split", SPLITS)
def test_values_of_a_topic_differ(split: str) -> None:
    for number, domain in enumerate(domains()):
        texts = [value.text for value in draw_topic(domain, Writer(Random(number), split).names).values.values()]
        assert not [(a, b) for a in texts for b in texts if a is not b and a in b]


def test_a_name_keeps_its_capital_within_a_sentence() -> None:
    assert Statement("The Glass River is a song.", starts_with_name=True).within().startswith("The Glass")
    assert Statement("The river is long.").within().startswith("the river")
