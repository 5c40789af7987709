"""What the Tensorleap engine runs: every function here is decorated, and calls ``utils`` for its work.

A sample is one window of a question. The engine imports this file several times and in places
where there is no model, so importing it is quick and does nothing; data are read at the first use.
"""

# mypy: disable-error-code="untyped-decorator"
# Code-loader's decorators are untyped. And no `from __future__ import annotations` here: it reads real annotations.

from functools import cache
from typing import Any

import numpy as np
from code_loader.contract.datasetclasses import PredictionTypeHandler, PreprocessResponse, SamplePreprocessResponse
from code_loader.contract.enums import DataStateType, LeapDataType, MetricDirection
from code_loader.contract.visualizer_classes import LeapGraph, LeapHorizontalBar, LeapText, LeapTextMask
from code_loader.inner_leap_binder.leapbinder_decorators import (
    tensorleap_custom_loss,
    tensorleap_custom_metric,
    tensorleap_custom_visualizer,
    tensorleap_gt_encoder,
    tensorleap_input_encoder,
    tensorleap_integration_test,
    tensorleap_load_model,
    tensorleap_metadata,
    tensorleap_preprocess,
)
from numpy.typing import NDArray

from project_config import load_settings
from utils import encoders, loss, metrics, visualizers
from utils.metadata import ANSWER_TYPES, CONTEXT_TYPES, QUESTION_TYPES, WINDOW_TYPES, leap_types
from utils.samples import Samples, load_samples
from utils.signature import fitting, model_path

Float = NDArray[np.float32]
Floats = NDArray[Any]  # as the engine stores them: float16, or float32 where they are large
Metadata = dict[str, str | int | float | bool | None]

SETTINGS = load_settings()
STATES = {
    "train": DataStateType.training,
    "validation": DataStateType.validation,
    "test": DataStateType.test,
    "unlabeled": DataStateType.unlabeled,
}
TOKEN_SCORES = ("start_cross_entropy", "end_cross_entropy", "start_accuracy", "end_accuracy")
ANSWER_SCORES = ("exact_match", "f1", "lenient_match", "span_iou", "gold_probability", "no_answer_margin")


def directions(names: tuple[str, ...]) -> dict[str, MetricDirection]:
    """Which way each of these metrics gets better."""
    upward = metrics.HIGHER_IS_BETTER
    return {name: MetricDirection.Upward if upward[name] else MetricDirection.Downward for name in names}


@cache
def samples() -> dict[str, Samples]:
    """The splits of the data, read and tokenised once."""
    return load_samples(SETTINGS)


@tensorleap_preprocess()
def preprocess() -> list[PreprocessResponse]:
    """The splits and the ids of their windows."""
    return [
        PreprocessResponse(sample_ids=split.ids, data=split, state=STATES[name]) for name, split in samples().items()
    ]


# Inputs, in the model's order


@tensorleap_input_encoder("input_ids", channel_dim=-1)
def input_ids(sample_id: str, preprocess: PreprocessResponse) -> Float:
    """Token ids, float32 [L]."""
    return encoders.input_ids(preprocess.data.split, sample_id)


@tensorleap_input_encoder("attention_mask", channel_dim=-1)
def attention_mask(sample_id: str, preprocess: PreprocessResponse) -> Float:
    """1 over all but padding, float32 [L]."""
    return encoders.attention_mask(preprocess.data.split, sample_id)


@tensorleap_input_encoder("token_type_ids", channel_dim=-1)
def token_type_ids(sample_id: str, preprocess: PreprocessResponse) -> Float:
    """1 over the context, float32 [L]."""
    return encoders.token_type_ids(preprocess.data.split, sample_id)


# Ground truth


@tensorleap_gt_encoder("start")
def start(sample_id: str, preprocess: PreprocessResponse) -> Float:
    """One-hot of the answer's first token, or of [CLS], float32 [L]."""
    return encoders.start(preprocess.data.split, sample_id)


@tensorleap_gt_encoder("end")
def end(sample_id: str, preprocess: PreprocessResponse) -> Float:
    """One-hot of the answer's last token, or of [CLS], float32 [L]."""
    return encoders.end(preprocess.data.split, sample_id)


# Loss and metrics


@tensorleap_custom_loss("span_cross_entropy")
def span_cross_entropy(logits: Floats, start: Floats, end: Floats) -> Float:
    """Cross-entropy of start plus that of end: [B, L, 2], [B, L], [B, L] -> [B]."""
    return loss.span_cross_entropy(logits, start, end)


@tensorleap_custom_metric("token", direction=directions(TOKEN_SCORES))
def token_scores(logits: Floats, start: Floats, end: Floats) -> dict[str, Float]:
    """How well start and end, each by itself, are hit: [B] each."""
    return metrics.token_scores(logits, start, end)


@tensorleap_custom_metric("answer", direction=directions(ANSWER_SCORES))
def answer_scores(logits: Floats, start: Floats, end: Floats, sample: SamplePreprocessResponse) -> dict[str, Float]:
    """How good the answer is: [B] each. `start` and `end` keep it from samples that have no ground truth."""
    data = sample.preprocess_response.data
    scores = metrics.answer_scores(logits, data.split, sample.sample_ids, data.settings)
    return {name: scores[name] for name in ANSWER_SCORES}


@tensorleap_custom_metric("confidence", direction=MetricDirection.Upward)
def confidence(logits: Floats, sample: SamplePreprocessResponse) -> Float:
    """The probability of the best span: [B], for unlabeled samples too."""
    data = sample.preprocess_response.data
    return metrics.answer_scores(logits, data.split, sample.sample_ids, data.settings)["confidence"]


# Metadata: four groups of scalars


@tensorleap_metadata("question", leap_types(QUESTION_TYPES))
def question(sample_id: str, preprocess: PreprocessResponse) -> Metadata:
    """Type, length and readability of the question."""
    data: Samples = preprocess.data
    return data.metadata.question(data.row(sample_id))


@tensorleap_metadata("answer", leap_types(ANSWER_TYPES))
def answer(sample_id: str, preprocess: PreprocessResponse) -> Metadata:
    """Type, length, place and agreement of the gold answers of the whole question."""
    data: Samples = preprocess.data
    return data.metadata.answer(data.row(sample_id))


@tensorleap_metadata("context", leap_types(CONTEXT_TYPES))
def context(sample_id: str, preprocess: PreprocessResponse) -> Metadata:
    """Title, length, readability and mood of the context."""
    data: Samples = preprocess.data
    return data.metadata.context(data.row(sample_id))


@tensorleap_metadata("window", leap_types(WINDOW_TYPES))
def window(sample_id: str, preprocess: PreprocessResponse) -> Metadata:
    """Which of the question's windows this is, and whether it holds the answer."""
    data: Samples = preprocess.data
    return data.metadata.window(data.row(sample_id))


# Visualizers


@tensorleap_custom_visualizer("all_tokens", LeapDataType.Text)
def all_tokens(input_ids: Floats, sample: SamplePreprocessResponse) -> LeapText:
    """The whole window, as the model sees it."""
    return visualizers.all_tokens(*visualizers.sample_of(sample))


@tensorleap_custom_visualizer("question_tokens", LeapDataType.Text)
def question_tokens(input_ids: Floats, sample: SamplePreprocessResponse) -> LeapText:
    """The question, at its place in the window."""
    return visualizers.question_tokens(*visualizers.sample_of(sample))


@tensorleap_custom_visualizer("context_tokens", LeapDataType.Text)
def context_tokens(input_ids: Floats, sample: SamplePreprocessResponse) -> LeapText:
    """This window's part of the context, at its place."""
    return visualizers.context_tokens(*visualizers.sample_of(sample))


@tensorleap_custom_visualizer("predicted_answer", LeapDataType.Text)
def predicted_answer(logits: Floats, sample: SamplePreprocessResponse) -> LeapText:
    """The text that is answered."""
    return visualizers.predicted_answer(logits, *visualizers.sample_of(sample))


@tensorleap_custom_visualizer("gold_answers", LeapDataType.Text)
def gold_answers(input_ids: Floats, sample: SamplePreprocessResponse) -> LeapText:
    """The gold answers that lie in this window."""
    return visualizers.gold_answers(*visualizers.sample_of(sample))


@tensorleap_custom_visualizer("segments", LeapDataType.TextMask)
def segments(logits: Floats, sample: SamplePreprocessResponse) -> LeapTextMask:
    """Question, context, gold and predicted answer and their overlap, in colours."""
    return visualizers.segments(logits, *visualizers.sample_of(sample))


@tensorleap_custom_visualizer("top_answers", LeapDataType.HorizontalBar)
def top_answers(logits: Floats, sample: SamplePreprocessResponse) -> LeapHorizontalBar:
    """The likeliest answers with their probabilities, and which are gold."""
    return visualizers.top_answers(logits, *visualizers.sample_of(sample))


@tensorleap_custom_visualizer("start_end_probabilities", LeapDataType.Graph)
def start_end_probabilities(logits: Floats, sample: SamplePreprocessResponse) -> LeapGraph:
    """How likely each token is to be the first, and the last, of the answer."""
    return visualizers.start_end_probabilities(logits, *visualizers.sample_of(sample))


# The model, and how all of this is wired to it


@tensorleap_load_model([PredictionTypeHandler("logits", ["start", "end"], channel_dim=-1)])
def load_model() -> Any:
    """The exported model as an ONNX Runtime session; refused if it does not fit the windows."""
    import onnxruntime

    return fitting(onnxruntime.InferenceSession(model_path(SETTINGS), providers=["CPUExecutionProvider"]), SETTINGS)


@tensorleap_integration_test()
def integration_test(sample_id: str, preprocess: PreprocessResponse) -> None:
    """One sample through every interface. The engine also runs this with placeholders: only decorated calls here."""
    model = load_model()
    ids, mask, types = (
        input_ids(sample_id, preprocess),
        attention_mask(sample_id, preprocess),
        token_type_ids(sample_id, preprocess),
    )
    inputs = model.get_inputs()
    logits = model.run(None, {inputs[0].name: ids, inputs[1].name: mask, inputs[2].name: types})[0]

    first, last = start(sample_id, preprocess), end(sample_id, preprocess)
    sample = SamplePreprocessResponse(sample_id, preprocess)
    span_cross_entropy(logits, first, last)
    token_scores(logits, first, last)
    answer_scores(logits, first, last, sample)
    confidence(logits, sample)

    question(sample_id, preprocess)
    answer(sample_id, preprocess)
    context(sample_id, preprocess)
    window(sample_id, preprocess)

    all_tokens(ids, sample)
    question_tokens(ids, sample)
    context_tokens(ids, sample)
    gold_answers(ids, sample)
    predicted_answer(logits, sample)
    segments(logits, sample)
    top_answers(logits, sample)
    start_end_probabilities(logits, sample)
