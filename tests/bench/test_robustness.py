from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import robustness
from bench.robustness import contraction, distraction, typo
from tests.squad_albert.data import write_squad
from tests.tiny_model import write_albert
from utils.questions import Question


def asked(text: str) -> Question:
    return Question("q", "Owls", text, "An owl flies.", ())


@given(st.text(max_size=40), st.integers(0, 9))
def test_a_typing_error_swaps_two_letters(text, seed):
    found = typo(asked(text), Random(seed))
    if found is not None:
        assert found.question != text
        assert sorted(found.question) == sorted(text)
        assert sum(one != other for one, other in zip(found.question, text, strict=True)) == 2


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("What is it?", "What's it?"),
        ("What's it?", "What is it?"),
        ("Why did it not fly?", "Why'd it not fly?"),
        ("Which did not fly?", "Which didn't fly?"),
        ("Which flew?", None),
        ("Whatisit did nothing?", None),
    ],
)
def test_contractions(text, other):
    found = contraction(asked(text), Random(0))
    assert (found.question if found else None) == other


def test_a_distraction_is_of_another_article(questions):
    perturb = distraction(questions)
    for question in questions:
        found = perturb(question, Random(2))
        assert found.context.startswith(question.context)
        added = found.context[len(question.context) :].strip()
        assert any(added in other.context for other in questions if other.title != question.title)
    assert distraction(questions[:1])(questions[0], Random(2)) is None


def test_the_table(monkeypatch, capsys, questions, tokenizer, tmp_path: Path):
    write_albert(tmp_path / "model", tokenizer)
    write_squad(tmp_path / "test.json", questions)
    values = ["--model", str(tmp_path / "model"), "--data", str(tmp_path / "test.json"), "--limit", "6"]
    monkeypatch.setattr(sys, "argv", ["robustness", *values])
    robustness.main()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [line[0] for line in lines[1:]] == ["typing", "contraction", "distracting", "mean"]
    shares = [float(next(part for part in line if part.endswith("%")).rstrip("%")) for line in lines[1:]]
    assert shares[3] == pytest.approx(sum(shares[:3]) / 3, abs=0.1)
