from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from project_config import Settings
from tests.utils.tiny_tokenizers import bert
from utils.questions import Gold, Question
from utils.reach import OutOfReach, out_of_reach
from utils.windows import build_windows

WORDS = "the cat sat in".split() * 20  # each a token
SETTINGS = Settings(max_length=32, overlap=8, max_question_tokens=4)  # windows of 28 words, one every 20


def question(key: str, *spans: tuple[int, int]) -> Question:
    """A question whose golds are so many words from a word on."""
    golds = []
    for first, count in spans:
        start = len(" ".join(WORDS[:first])) + (first > 0)
        golds.append(Gold(" ".join(WORDS[first : first + count]), start))
    return Question(key, "Cats", "cat", " ".join(WORDS), tuple(golds))


def found_of(questions: list[Question], longest: int) -> OutOfReach:
    settings = SETTINGS.model_copy(update={"max_answer_tokens": longest})
    return out_of_reach(questions, build_windows(questions, bert(), settings, cache=False), settings)


def test_golds_out_of_reach_are_found_and_told() -> None:
    found = found_of(
        [
            question("fine", (0, 12)),
            question("long", (0, 13)),
            question("other", (0, 13), (0, 1)),
            question("none"),
            question("across", (15, 21)),
            question("both", (0, 13), (0, 29)),
            question("cut", (15, 21), (30, 2)),
        ],
        12,
    )
    assert found.too_long == ("long", "other", "across", "both", "cut")
    assert found.in_no_window == ("across", "both", "cut")
    assert found.hopeless == {"long", "across", "both"}
    assert found.lines("dev") == [
        "dev: golds longer than max_answer_tokens 12 are out of reach (5 questions, 3 without another): "
        "long, other, across, both, cut",
        "dev: golds that fit no window are out of reach; raise overlap or max_length (3 questions, 2 without another): "
        "across, both, cut",
    ]


def test_many_ids_are_counted() -> None:
    ids = tuple(f"q{number}" for number in range(1200))
    (line,) = OutOfReach(30, ids, (), frozenset()).lines("train")
    assert "(1,200 questions, 0 without another): q0, q1" in line
    assert line.endswith("q9 and 1,190 more")
    assert OutOfReach(30, (), (), frozenset()).lines("train") == []


@given(st.integers(0, 79), st.integers(1, 40), st.integers(1, 30))
def test_a_gold_is_in_reach_if_it_is_short_enough_and_whole_in_a_window(first: int, count: int, longest: int) -> None:
    count = min(count, len(WORDS) - first)
    whole = any(start <= first and first + count <= start + 28 for start in (0, 20, 40, 60))
    found = found_of([question("q", (first, count))], longest)
    assert bool(found.in_no_window) is not whole
    assert bool(found.too_long) is (count > longest)
    assert bool(found.hopeless) is not (whole and count <= longest)
