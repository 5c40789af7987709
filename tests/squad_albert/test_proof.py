from __future__ import annotations

import numpy as np
import pytest
from code_loader.contract.visualizer_classes import LeapHorizontalBar, LeapText

from squad_albert.proof import Interface, Part, Proof, parts_of


@pytest.mark.parametrize(
    ("values", "described"),
    [
        ([np.array([[0.5, 2]], np.float32), np.array([[-1, 1]], np.float32)], "float32 [1, 2], -1 to 2"),
        ([3, 40], "int, 3 to 40"),
        ([0.25], "float, 0.25 to 0.25"),
        ([True, False], "bool, 0 to 1"),
        (["who", "when", "who"], "text, 2 different, as 'when'"),
        ([["a", "b", ""]], "text [3], 2 different, as 'a'"),
        (["x" * 30], f"text, 1 different, as '{'x' * 23}…'"),
        ([None, 7, None], "int, 7 to 7, 2 times none"),
        ([None], "1 times none"),
    ],
)
def test_part_tells_type_shape_and_range(values: list[object], described: str) -> None:
    part = Part()
    assert {part.take(value) for value in values} == {True}
    assert part.describe() == described


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_noticed(bad: float) -> None:
    part = Part()
    assert part.take(np.array([1, bad], np.float16)) is False
    assert part.describe() == "float16 [2], 1 to 1"


def test_parts_of_what_handlers_give() -> None:
    bars = LeapHorizontalBar(np.ones(1, np.float32), ["a"], np.zeros(1, np.float32))
    assert parts_of(bars).keys() == {"body", "labels", "gt"}
    assert parts_of(LeapText(["a", ""])) == {"data": ["a", ""]}


def test_interface_names_the_parts_that_are_not_finite() -> None:
    answer = Interface("metric", "answer", needs_truth=True)
    values = {"f1": np.array([np.nan]), "exact": np.array([1.0])}
    assert answer.take("training", values) == ["answer.f1"]
    assert answer.take("unlabeled", values) == []  # the engine does not ask for it there
    assert Interface("metric", "confidence").take("unlabeled", np.array([np.nan])) == ["confidence"]
    assert (answer.calls, answer.splits) == (2, ["training", "unlabeled"])


def test_proof_is_a_table_of_interfaces() -> None:
    proof = Proof(
        "leap_binder.py", samples={"training": ["a"], "test": ["b", "c"]}, sizes={"training": 1000, "test": 2}
    )
    loss = Interface("loss", "cross_entropy")
    loss.take("training", np.array([0.5]))
    question = Interface("metadata", "question")
    for split in ("training", "test"):
        question.take(split, {"words": 4, "type": "who"})
    proof.interfaces = [loss, question, Interface("visualizer", "tokens")]
    assert proof.lines() == [
        "leap_binder.py: the engine's check, then samples: 1 of 1,000 training, 2 of 2 test",
        "",
        "interface   name            splits    calls  what came back",
        "loss        cross_entropy   training  1      float64 [1], 0.5 to 0.5",
        "metadata    question.words  all       2      int, 4 to 4",
        "            question.type                    text, 1 different, as 'who'",
        "visualizer  tokens                    0      nothing",
        "",
        "All 3 interfaces work on every split.",
    ]


def test_problems_are_told_once() -> None:
    proof = Proof("leap_binder.py")
    proof.add("it fails")
    proof.add("it fails")
    assert not proof.ok
    assert proof.lines() == ["leap_binder.py: the engine's check", "", "FAILED: it fails"]
    assert proof.as_dict()["problems"] == ["it fails"]
