from __future__ import annotations

import pandas as pd
import pytest

from squad_albert.explore.marked import Run, marked, methods

QUESTION = pd.Series({
    "question": "Who sank it?", "context": "In 1871 Ada Brook sank it.", "golds": ["Ada Brook"], "gold_starts": [8]
})  # fmt: skip
TOKENS = pd.DataFrame(
    [
        ("special", 0, 0, 0.0), ("question", 0, 3, 1.0), ("question", 4, 8, -2.0), ("context", 8, 11, -4.0),
        ("context", 12, 17, 2.0), ("context", 18, 22, 0.0),
    ],
    columns=["segment", "start", "end", "occlusion"],
)  # fmt: skip


def test_texts_are_cut_into_tokens_with_shares_of_the_greatest_score() -> None:
    question, context = marked(QUESTION, TOKENS, "occlusion")
    assert question == [Run("Who", 0.25), Run(" "), Run("sank", -0.5)]
    assert context == [
        Run("Ada", -1.0, gold=True), Run(" ", gold=True), Run("Brook", 0.5, gold=True), Run(" "), Run("sank")
    ]  # fmt: skip


def test_without_tokens_of_a_segment_there_is_nothing() -> None:
    question, _ = marked(QUESTION, TOKENS[TOKENS["segment"] == "context"], "occlusion")
    assert question == []


@pytest.mark.parametrize(("lacking", "left"), [([], 3), (["gradient_input", "integrated_gradients"], 1)])
def test_methods_without_scores_are_left_out(lacking: list[str], left: int) -> None:
    table = pd.DataFrame({"gradient_input": [1.0], "integrated_gradients": [1.0], "occlusion": [1.0]})
    table[lacking] = float("nan")
    assert len(methods(table)) == left
    assert methods(table)[-1] == "occlusion"
