"""The baseline answers by rule alone, and does not solve the corpus."""

from __future__ import annotations

import pytest

from tools.corpus.baseline import answer, scores
from utils.questions import Gold, Question
from utils.squad_metrics import ScoreError

CONTEXT = (
    "Mara Veldt built the Orrin Bridge in 1874 because the ferry had sunk, and it cost 1,200 crowns. "
    'On 4 May 1902 a storm took the roof of the bridge. Songs such as "Glass River" praise the 12 piers of Tolm, '
    "where 30 percent of the timber was saved by tying it to oxen."
)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who built the Orrin Bridge?", "Mara Veldt"),
        ("In what year was the Orrin Bridge built?", "1874"),
        ("Why was the Orrin Bridge built?", "the ferry had sunk"),
        ("How much did Mara Veldt's Orrin Bridge cost?", "1,200 crowns"),
        ("When did a storm take the roof?", "4 May 1902"),
        ("What song praises the piers?", '"Glass River"'),
        ("How many piers do the songs praise?", "12"),
        ("What percentage of the timber was saved?", "30 percent"),
        ("How was the timber saved by the people?", "tying it to oxen"),
        ("Which place do the songs with the piers praise?", '"Glass River"'),
        ("Who saw the storm that took the roof of the bridge?", ""),
    ],
)
def test_the_first_span_of_the_type_asked_for_in_the_nearest_sentence(question: str, expected: str) -> None:
    assert answer(question, CONTEXT) == expected


def test_the_corpus_is_worth_a_model(corpus: dict[str, list[Question]]) -> None:
    for split in ("validation", "test"):
        figures, _ = scores(corpus[split])
        assert 5 < figures["exact"] <= 30
        assert 5 < figures["HasAns_exact"] <= 30


def test_scores_are_given_by_group() -> None:
    questions = [
        Question("a-1", "Orrin", "Who built the Orrin Bridge?", CONTEXT, (Gold("Mara Veldt", 0),)),
        Question("b-1", "Orrin", "When did a storm take the roof?", CONTEXT, (Gold("1902", CONTEXT.index("1902")),)),
    ]
    figures, [by_part] = scores(questions, lambda question: question.id[0])
    assert figures["exact"] == 50
    assert {name: group["exact"] for name, group in by_part.items()} == {"a": 100, "b": 0}


def test_questions_without_labels_cannot_be_scored() -> None:
    with pytest.raises(ScoreError):
        scores([Question("a-1", "Orrin", "Who?", CONTEXT, (), labeled=False)])
