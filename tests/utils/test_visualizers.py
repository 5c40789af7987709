from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from code_loader.contract.datasetclasses import SamplePreprocessResponse
from tokenizers import Tokenizer

from project_config import Settings
from utils import visualizers
from utils.encoders import SplitData
from utils.metadata import SplitMetadata
from utils.samples import Samples
from utils.squad import Question
from utils.visualizers import NO_ANSWER, SEGMENTS, UNLABELED
from utils.windows import build_windows

SETTINGS = Settings(max_length=128, overlap=32, max_question_tokens=40, n_best=5)


def make(questions: list[Question], tokenizer: Tokenizer) -> Samples:
    windows = build_windows(questions, tokenizer, SETTINGS, cache=False)
    settings = SETTINGS.model_copy(update={"no_answer": "always"})
    return Samples(SplitData.of(questions, windows), SplitMetadata(questions, windows), tokenizer, settings)


@pytest.fixture
def samples(questions: list[Question], tokenizer: Tokenizer) -> Samples:
    return make(questions, tokenizer)


def logits_for(samples: Samples, sample_id: str, first: int, last: int) -> np.ndarray:
    """Logits [L, 2] that point at a span of tokens."""
    logits = np.zeros((samples.split.windows.max_length, 2), np.float32)
    logits[first, 0] = logits[last, 1] = 12
    return logits


def gold_logits(samples: Samples, sample_id: str) -> np.ndarray:
    row, windows = samples.row(sample_id), samples.split.windows
    return logits_for(samples, sample_id, windows.start[row], windows.end[row])


def test_tokens_stand_at_their_places(samples: Samples) -> None:
    windows = samples.split.windows
    for sample in samples.ids:
        row = samples.row(sample)
        every = visualizers.all_tokens(samples, sample).data
        question = visualizers.question_tokens(samples, sample).data
        context = visualizers.context_tokens(samples, sample).data
        assert len(every) == len(question) == len(context) == windows.max_length
        assert every[0] == "[CLS]" and every[windows.length[row] - 1] == "[SEP]"
        assert [i for i, token in enumerate(every) if token] == list(range(windows.length[row]))
        assert [i for i, token in enumerate(question) if token] == list(
            range(windows.question_start[row], windows.question_end[row])
        )
        assert [i for i, token in enumerate(context) if token] == list(
            range(windows.context_start[row], windows.context_end[row])
        )
        merged = [a or b for a, b in zip(question, context, strict=True)]
        assert all(token in ("", every[i]) for i, token in enumerate(merged))


def test_tokens_lose_the_mark_for_a_space_only(samples: Samples) -> None:
    question = visualizers.question_tokens(samples, "heron-1").data
    assert {token for token in question if "▁" in token} == {"▁"}  # a piece of its own before an unknown word
    assert "".join(question).replace("▁", "") == "whenwasthegreyheronlaunched?"


def test_predicted_answer_is_text_of_the_context(samples: Samples) -> None:
    text = visualizers.predicted_answer(gold_logits(samples, "songs-2"), samples, "songs-2").data
    assert text == ["the café in Øresund"] + [""] * 127


def test_predicted_no_answer_is_said(samples: Samples) -> None:
    text = visualizers.predicted_answer(logits_for(samples, "heron-1", 0, 0), samples, "heron-1").data
    assert text[0] == NO_ANSWER and not any(text[1:])


def test_a_leading_batch_axis_changes_nothing(samples: Samples) -> None:
    logits = gold_logits(samples, "songs-1").astype(np.float16)
    for draw in (visualizers.predicted_answer, visualizers.segments, visualizers.top_answers):
        one, batched = draw(logits, samples, "songs-1"), draw(logits[None], samples, "songs-1")
        assert vars(one).keys() == vars(batched).keys()
        for name, value in vars(one).items():
            assert np.array_equal(value, vars(batched)[name]), (draw, name)


def test_gold_answers(samples: Samples, questions: list[Question], tokenizer: Tokenizer) -> None:
    def shown(some: Samples, sample: str) -> list[str]:
        return [text for text in visualizers.gold_answers(some, sample).data if text]

    assert shown(samples, "heron-1") == ["4 May 1871", "May 1871", "1871"]
    assert shown(samples, "heron-5") == [NO_ANSWER]
    late = [sample for sample in samples.ids if sample.startswith("marsh-1")]
    assert shown(samples, late[0]) == [NO_ANSWER]  # the gold lies in a later window
    assert any(shown(samples, sample) == ["3 of storks"] for sample in late)
    unlabeled = make([replace(q, golds=(), labeled=False) for q in questions], tokenizer)
    assert shown(unlabeled, "heron-1") == [UNLABELED]


def test_segments_name_every_token(samples: Samples) -> None:
    samples = replace(samples, settings=samples.settings.model_copy(update={"whole_words": False}))
    row, windows = samples.row("heron-1"), samples.split.windows
    first, last = int(windows.start[row]), int(windows.end[row])
    drawn = visualizers.segments(logits_for(samples, "heron-1", last, last + 2), samples, "heron-1")
    kind = [SEGMENTS[value] for value in drawn.mask]
    assert drawn.mask.dtype == np.uint8 and drawn.labels == SEGMENTS
    assert drawn.text == visualizers.all_tokens(samples, "heron-1").data
    assert set(kind[first:last]) == {"gold"}
    assert kind[last : last + 3] == ["overlap", "predicted", "predicted"]
    assert set(kind[windows.question_start[row] : windows.question_end[row]]) == {"question"}
    assert kind[0] == "other" and set(kind[windows.length[row] - 1 :]) == {"other"}
    rest = set(range(windows.context_start[row], windows.context_end[row])) - set(range(first, last + 3))
    assert {kind[place] for place in rest} == {"context"}


def test_segments_mark_no_answer_at_the_first_token(samples: Samples) -> None:
    drawn = visualizers.segments(logits_for(samples, "heron-5", 0, 0), samples, "heron-5")
    assert SEGMENTS[drawn.mask[0]] == "overlap"
    assert set(drawn.mask[1:]) <= {SEGMENTS.index(name) for name in ("other", "question", "context")}


def test_unlabeled_windows_have_no_gold_segment(questions: list[Question], tokenizer: Tokenizer) -> None:
    unlabeled = make([replace(q, golds=(), labeled=False) for q in questions], tokenizer)
    drawn = visualizers.segments(logits_for(unlabeled, "heron-1", 0, 0), unlabeled, "heron-1")
    assert SEGMENTS[drawn.mask[0]] == "predicted"


def test_top_answers_are_ranked_and_judged(samples: Samples) -> None:
    drawn = visualizers.top_answers(gold_logits(samples, "heron-1"), samples, "heron-1")
    assert drawn.labels[0] == "4 May 1871" and NO_ANSWER in drawn.labels
    assert {"May 1871", "1871"} <= set(drawn.labels)  # golds, however unlikely
    assert (np.diff(drawn.body) <= 0).all() and 0.9 < drawn.body.sum() <= 1 + 1e-6
    right = {label for label, value in zip(drawn.labels, drawn.gt, strict=True) if value}
    assert right == {"4 May 1871", "May 1871", "1871"}
    assert len(set(drawn.labels)) == len(drawn.labels) == len(drawn.body) == len(drawn.gt)


def test_no_answer_is_right_where_there_is_none(samples: Samples) -> None:
    drawn = visualizers.top_answers(logits_for(samples, "heron-5", 0, 0), samples, "heron-5")
    assert drawn.labels[0] == NO_ANSWER and drawn.gt.tolist() == [1.0] + [0.0] * (len(drawn.labels) - 1)


def test_nothing_is_right_where_nobody_knows(questions: list[Question], tokenizer: Tokenizer) -> None:
    unlabeled = make([replace(q, golds=(), labeled=False) for q in questions], tokenizer)
    assert not visualizers.top_answers(logits_for(unlabeled, "heron-1", 0, 0), unlabeled, "heron-1").gt.any()


def test_start_and_end_probabilities(samples: Samples) -> None:
    row, windows = samples.row("heron-1"), samples.split.windows
    logits = gold_logits(samples, "heron-1")
    logits[windows.question_start[row]] = logits[-1] = 1000  # neither question nor padding can be an answer
    drawn = visualizers.start_end_probabilities(logits.astype(np.float16), samples, "heron-1").data
    assert drawn.shape == (128, 2) and drawn.dtype == np.float32
    assert drawn.sum(axis=0) == pytest.approx([1, 1], abs=1e-5)
    assert drawn.argmax(axis=0).tolist() == [windows.start[row], windows.end[row]]
    inside = np.zeros(128, bool)
    inside[[0, *range(windows.context_start[row], windows.context_end[row])]] = True
    assert (drawn[~inside] == 0).all() and (drawn[inside] > 0).all()


@pytest.mark.parametrize("ids", ["heron-1", np.array("heron-1"), np.array(["heron-1"])])
def test_sample_is_found_alone_and_in_an_array(samples: Samples, ids: object) -> None:
    asked = SamplePreprocessResponse(ids, SimpleNamespace(data=samples))  # type: ignore[arg-type]
    assert visualizers.sample_of(asked) == (samples, "heron-1")
