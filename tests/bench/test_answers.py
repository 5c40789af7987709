from __future__ import annotations

import pytest

from bench import answers
from utils.questions import Gold, Question

EXACT = {
    "text": "owl",
    "start": 3,
    "end": 6,
    "null": -1.0,
    "pooled": "owl",
    "ranked": [[3, 6, 2.0], [3, 8, 1.9999], [9, 12, 0.5]],
}
EEL = {"text": "eel", "start": 9, "end": 12}
NONE = {"text": "", "start": 0, "end": 0}


@pytest.mark.parametrize(
    ("theirs", "ours", "exact", "reason"),
    [
        ({"text": "owl\n s", "start": 3, "end": 8}, {"text": "owl s"}, {}, answers.WHITE_SPACE),
        ({"text": "owl s", "start": 3, "end": 8}, {}, {}, answers.TIED),
        (EEL, {"pooled": "eel"}, {}, answers.WINDOWS),
        (EEL, {}, {}, answers.UNEXPLAINED),
        (NONE, {}, {}, answers.UNEXPLAINED),
        (EXACT, {**EEL, "pooled": "eel"}, {}, answers.ROUNDED),
        (EXACT, {**NONE, "pooled": ""}, {}, answers.ROUNDED),
        (EXACT, {**EEL, "pooled": "owl"}, {}, answers.WINDOWS),
    ],
)
def test_differences_are_explained(theirs, ours, exact, reason):
    assert answers.explain(theirs, {**EXACT, **ours}, {**EXACT, **exact}) == reason


@pytest.mark.parametrize(
    ("theirs", "ours", "logits"),
    [
        (EEL, EXACT, 1.5),
        (NONE, EXACT, 3.0),
        ({"text": "newt", "start": 20, "end": 24}, EXACT, float("inf")),
        ({"text": "newt", "start": 20, "end": 24}, {"text": "ne", "start": 20, "end": 22}, float("inf")),
    ],
)
def test_distances_are_those_of_the_exact_logits(theirs, ours, logits):
    assert answers.distance(theirs, ours, EXACT) == logits


def test_lines_count_equal_answers_and_reasons():
    questions = [Question(key, "", "?", "An owl, an eel.", (Gold("owl", 3),)) for key in "abcd"]
    exact = {"a": EXACT, "b": {**EXACT, "pooled": "eel"}, "c": EXACT, "d": EXACT}
    found = {
        "pipeline": {"a": EXACT, "b": EEL, "c": EXACT, "d": EEL},
        answers.EXACT: exact,
        "openvino bf16": {**exact, "c": {**EXACT, **EEL, "pooled": "eel"}},
    }
    lines = answers.answer_lines(found, questions)
    assert [line.split()[-3:] for line in lines[1:5]] == [
        ["50.00", "50.00", "100.00%"],
        ["100.00", "100.00", "50.00%"],
        ["75.00", "75.00", "25.00%"],
        ["75.00", "75.00", "75.00%"],
    ]
    assert lines[4].startswith(answers.POOLED)
    assert lines[5:] == [
        f"{answers.EXACT}: 1 differ, by 1.5 logits in the median: {answers.WINDOWS}",
        f"{answers.EXACT}: 1 differ, by 1.5 logits in the median: {answers.UNEXPLAINED}",
        "  d: 'eel' there, 'owl' here",
        f"openvino bf16: 1 differ, by 1.5 logits in the median: {answers.WINDOWS}",
        f"openvino bf16: 1 differ, by 1.5 logits in the median: {answers.ROUNDED}",
        f"openvino bf16: 1 differ, by 1.5 logits in the median: {answers.UNEXPLAINED}",
        "  d: 'eel' there, 'owl' here",
    ]
