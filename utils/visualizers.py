"""What the engine draws of a sample: its tokens, the answers, and where the model looked for them.

Tokens come from the split's own windows, never from the tensors that the engine hands over: it
stores these as float16, which knows no token id above 2,048 exactly. Lists of tokens are as long
as the model's input, with an empty string wherever there is nothing to show.
"""

from typing import Any

import numpy as np
from code_loader.contract.datasetclasses import SamplePreprocessResponse
from code_loader.contract.visualizer_classes import LeapGraph, LeapHorizontalBar, LeapText, LeapTextMask
from numpy.typing import NDArray

from .decoders import Answer, Decoded, decode_windows, window_answers
from .samples import Samples
from .squad_metrics import exact_match

NO_ANSWER = "(no answer)"
UNLABELED = "(unlabeled)"
SEGMENTS = ["other", "question", "context", "gold", "predicted", "overlap"]
"""What the numbers of the segments' mask stand for, in order from 0."""

TOP = 5
"""Answers that are drawn as bars, beside no answer."""

Floats = NDArray[Any]


def sample_of(sample: SamplePreprocessResponse) -> tuple[Samples, str]:
    """The split and the id of the one sample that a visualizer is asked for.

    The id comes alone in the integration test and in an array of one on the platform.
    """
    return sample.preprocess_response.data, str(np.ravel(sample.sample_ids)[0])


def all_tokens(samples: Samples, sample_id: str) -> LeapText:
    """Every token of a window, special ones included: L strings."""
    row = samples.row(sample_id)
    return LeapText(_tokens(samples, row, 0, int(samples.split.windows.length[row])))


def question_tokens(samples: Samples, sample_id: str) -> LeapText:
    """The tokens of the question, at their places: L strings."""
    row, windows = samples.row(sample_id), samples.split.windows
    return LeapText(_tokens(samples, row, int(windows.question_start[row]), int(windows.question_end[row])))


def context_tokens(samples: Samples, sample_id: str) -> LeapText:
    """The tokens of this window's part of the context, at their places: L strings."""
    row, windows = samples.row(sample_id), samples.split.windows
    return LeapText(_tokens(samples, row, int(windows.context_start[row]), int(windows.context_end[row])))


def predicted_answer(logits: Floats, samples: Samples, sample_id: str) -> LeapText:
    """The answer given to a window, cut from the original context, and L - 1 empty strings.

    Args:
        logits: float [L, 2], or [1, L, 2] as the integration test has it.
        samples: the split.
        sample_id: the window.
    """
    _, answer = _decode(logits, samples, sample_id)
    return _listed([answer.text or NO_ANSWER], samples)


def gold_answers(samples: Samples, sample_id: str) -> LeapText:
    """The different gold answers that lie wholly in a window, filled up to L with empty strings."""
    if not samples.split.question(sample_id).labeled:
        return _listed([UNLABELED], samples)
    return _listed(_gold_texts(samples, sample_id) or [NO_ANSWER], samples)


def segments(logits: Floats, samples: Samples, sample_id: str) -> LeapTextMask:
    """A window's tokens, each in one of ``SEGMENTS``: uint8 [L] and L strings.

    Gold tokens are those of any gold answer. No answer, gold or predicted, marks [CLS].

    Args:
        logits: float [L, 2] or [1, L, 2].
        samples: the split.
        sample_id: the window.
    """
    row, windows = samples.row(sample_id), samples.split.windows
    mask = np.zeros(windows.max_length, np.uint8)
    mask[windows.question_start[row] : windows.question_end[row]] = SEGMENTS.index("question")
    mask[windows.context_start[row] : windows.context_end[row]] = SEGMENTS.index("context")
    gold, predicted = np.zeros_like(mask, bool), np.zeros_like(mask, bool)
    if samples.split.question(sample_id).labeled:
        for first, last in windows.whole_golds(row)[:, 1:].tolist() or [(0, 0)]:
            gold[first : last + 1] = True
    _, answer = _decode(logits, samples, sample_id)
    predicted[answer.token_start : answer.token_end + 1] = True
    mask[gold] = SEGMENTS.index("gold")
    mask[predicted] = SEGMENTS.index("predicted")
    mask[gold & predicted] = SEGMENTS.index("overlap")
    return LeapTextMask(mask, all_tokens(samples, sample_id).data, list(SEGMENTS))


def top_answers(logits: Floats, samples: Samples, sample_id: str) -> LeapHorizontalBar:
    """The likeliest answers and no answer, the likeliest first, with 1 as ground truth where one is right.

    Spans of the same text are one bar. A gold text that is not among the likeliest has a bar too.

    Args:
        logits: float [L, 2] or [1, L, 2].
        samples: the split.
        sample_id: the window.
    """
    decoded, _ = _decode(logits, samples, sample_id)
    share = dict[str, float]()
    for answer in decoded.answers:
        share[answer.text] = share.get(answer.text, 0.0) + answer.probability
    golds = _gold_texts(samples, sample_id)
    shown = sorted(share, key=lambda text: -share[text])[:TOP]
    shown += [gold for gold in golds if not any(exact_match(text, [gold]) for text in shown)]
    bars = {text: share.get(text, 0.0) for text in shown} | {NO_ANSWER: decoded.null_probability}
    labels = sorted(bars, key=lambda text: -bars[text])
    if golds:
        right = [text != NO_ANSWER and exact_match(text, golds) for text in labels]
    else:
        right = [text == NO_ANSWER and samples.split.question(sample_id).labeled for text in labels]
    return LeapHorizontalBar(np.array([bars[text] for text in labels], np.float32), labels, np.array(right, np.float32))


def start_end_probabilities(logits: Floats, samples: Samples, sample_id: str) -> LeapGraph:
    """Softmax of the start and of the end logits over [CLS] and the context: float32 [L, 2], 0 elsewhere.

    Args:
        logits: float [L, 2] or [1, L, 2].
        samples: the split.
        sample_id: the window.
    """
    row, windows = samples.row(sample_id), samples.split.windows
    values = _unbatched(logits).astype(np.float64)
    allowed = np.zeros(len(values), bool)
    allowed[windows.context_start[row] : windows.context_end[row]] = True
    allowed[0] = True
    values[~allowed] = -np.inf
    weights = np.exp(values - values.max(axis=0))
    return LeapGraph(
        (weights / weights.sum(axis=0)).astype(np.float32),
        x_label="token",
        y_label="probability",
        legend=["start", "end"],
    )


def _unbatched(logits: Floats) -> Floats:
    return logits[0] if logits.ndim == 3 else logits


def _decode(logits: Floats, samples: Samples, sample_id: str) -> tuple[Decoded, Answer]:
    """The best spans of a window and the answer that is given to it."""
    rows, split = [samples.row(sample_id)], samples.split
    decoded = decode_windows(_unbatched(logits)[None], rows, split.windows, split.questions, samples.settings)
    answers = window_answers(decoded, rows, split.windows, split.questions, samples.settings)
    return decoded[0], answers[0]


def _gold_texts(samples: Samples, sample_id: str) -> list[str]:
    """The different golds that count for a window: those whole in it, or all if it is the only one."""
    row, windows, question = samples.row(sample_id), samples.split.windows, samples.split.question(sample_id)
    alone = windows.count[row] == 1
    golds = question.golds if alone else [question.golds[index] for index in windows.whole_golds(row)[:, 0].tolist()]
    return list(dict.fromkeys(gold.text for gold in golds))


def _tokens(samples: Samples, row: int, first: int, end: int) -> list[str]:
    """The tokens [first, end) of a window at their places, without the mark for a preceding space: L strings."""
    ids = samples.split.windows.input_ids[row]
    tokens = [""] * len(ids)
    for place in range(first, end):
        token = samples.tokenizer.id_to_token(int(ids[place])) or ""
        tokens[place] = token.removeprefix("▁") or token
    return tokens


def _listed(texts: list[str], samples: Samples) -> LeapText:
    length = samples.split.windows.max_length
    return LeapText((texts + [""] * length)[:length])
