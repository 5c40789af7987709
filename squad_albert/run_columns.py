"""The columns of a run's two tables, ``questions.parquet`` and ``windows.parquet``.

A row a question and a row a window, in the order of the data. What a run cannot know is null: scores of
unlabeled questions, and all that needs a model where the answers came from a file.
"""

from __future__ import annotations

import pyarrow as pa

VECTORS = ("cls", "context", "answer")
"""The latent vectors of a question, in ``latent_<name>.npy``: float32 [Q, H] each, of the last hidden layer."""

_ANSWER = pa.struct(
    {"text": pa.string(), "start": pa.int32(), "end": pa.int32(), "score": pa.float64(), "probability": pa.float64()}
)

METADATA = {
    "question_type": pa.string(),
    "question_tokens": pa.int32(),
    "question_words": pa.int32(),
    "question_readability": pa.float64(),
    "answer_type": pa.string(),
    "answer_golds": pa.int32(),
    "answer_agreement": pa.float64(),
    "answer_tokens": pa.int32(),
    "answer_words": pa.int32(),
    "answer_position": pa.int32(),
    "answer_relative_position": pa.float64(),
    "answer_question_overlap": pa.float64(),
    "context_tokens": pa.int32(),
    "context_words": pa.int32(),
    "context_sentences": pa.int32(),
    "context_readability": pa.float64(),
    "context_polarity": pa.float64(),
    "context_subjectivity": pa.float64(),
    "window_count": pa.int32(),
    "truncated_question": pa.bool_(),
}
"""The columns of a question that describe it, named <group>_<field> after ``utils.metadata``."""

QUESTIONS = pa.schema(
    {
        "id": pa.string(),
        "split": pa.string(),
        "title": pa.string(),
        "question": pa.string(),
        "context": pa.string(),
        "golds": pa.list_(pa.string()),
        "gold_starts": pa.list_(pa.int32()),  # characters of the context
        "labeled": pa.bool_(),
        "answerable": pa.bool_(),
        "prediction": pa.string(),  # "" for no answer
        "prediction_start": pa.int32(),  # characters of the context, end exclusive; 0, 0 for no answer
        "prediction_end": pa.int32(),
        "prediction_type": pa.string(),  # answer type of the prediction
        "best_span": pa.string(),  # whether or not no answer was given
        "nbest": pa.list_(_ANSWER),
        "exact": pa.float64(),  # 0 to 1, as f1 and lenient
        "f1": pa.float64(),
        "lenient": pa.float64(),
        "loss": pa.float64(),  # lowest of the windows that hold a whole gold; where none does, the mean over all
        "confidence": pa.float64(),  # probability of the best span
        "gold_probability": pa.float64(),  # of the gold spans, or of no answer, whichever is right
        "no_answer_probability": pa.float64(),
        "no_answer_margin": pa.float64(),  # logits by which the right one of best span and no answer beats the other
        "null_odds": pa.float64(),  # logits by which no answer beats the best span
        "window": pa.int32(),  # row of windows.parquet that the prediction came from
        **METADATA,
    }
)
"""A row a question."""

ALWAYS_KNOWN = ("id", "split", "title", "question", "context", "golds", "gold_starts", "labeled", "prediction")
"""The columns of a question that no run lacks."""

WINDOWS = pa.schema(
    {
        "id": pa.string(),  # of the sample: the question's, then id#1, id#2, ...
        "question": pa.int32(),  # row of questions.parquet
        "index": pa.int32(),
        "count": pa.int32(),
        "length": pa.int32(),
        "question_start": pa.int32(),
        "question_end": pa.int32(),
        "context_start": pa.int32(),
        "context_end": pa.int32(),
        "start": pa.int32(),  # target tokens, inclusive; 0 is [CLS]
        "end": pa.int32(),
        "predicted_start": pa.int32(),  # tokens of the window's own best span, inclusive; 0, 0 where it has none
        "predicted_end": pa.int32(),
        "score": pa.float64(),  # logits of that span; null where there is none
        "null_score": pa.float64(),
        "loss": pa.float64(),  # null where unlabeled
        "holds_answer": pa.bool_(),
        "truncated_question": pa.bool_(),
    }
)
"""A row a window."""

KNOWN_OF_WINDOWS = ("id", "question")
"""The columns of a window that no run lacks."""
