"""What is wrong with an answer, as far as answer and golds tell."""

from __future__ import annotations

import numpy as np
import pandas as pd

from utils.words import words

RIGHT = "right"
MARKS = "right but for quotation marks or punctuation"
UNWANTED = "an answer where there is none"
WITHHELD = "no answer where there is one"
BOUNDARIES = "wrong boundaries, part of the answer is right"
VALUE = "another value of the right type"
TYPE = "a value of another type"
PROBLEMS = (MARKS, UNWANTED, WITHHELD, BOUNDARIES, VALUE, TYPE)
"""Every kind of problem. The official rules count ``MARKS`` as right where the marks are ASCII, the loss never does."""


def problems(questions: pd.DataFrame) -> pd.Series[str]:
    """One of ``PROBLEMS`` or ``RIGHT`` for each question of a run; None where it is unlabeled.

    >>> answers = {"prediction": ["“Glass River”", "1871", ""], "golds": [["Glass River"], ["May 1871"], []]}
    >>> scores = {"exact": [0, 0, 1], "f1": [0, 0.7, 1], "labeled": True, "answerable": [True, True, False]}
    >>> types = {"answer_type": "name", "prediction_type": "name"}
    >>> [*problems(pd.DataFrame(answers | scores | types))]
    ['right but for quotation marks or punctuation', 'wrong boundaries, part of the answer is right', 'right']
    """
    answerable, given = questions["answerable"], questions["prediction"] != ""
    kinds = [
        (~questions["labeled"], None),
        (_only_marks_differ(questions), MARKS),
        (questions["exact"] == 1, RIGHT),
        (~answerable & given, UNWANTED),
        (answerable & ~given, WITHHELD),
        (questions["f1"] > 0, BOUNDARIES),
        (questions["answer_type"] == questions["prediction_type"], VALUE),
    ]
    conditions = [condition.to_numpy(bool) for condition, _ in kinds]
    chosen = np.select(conditions, [np.array(kind, object) for _, kind in kinds], np.array(TYPE, object))
    return pd.Series(chosen, questions.index)


def only_marks_differ(prediction: str, gold: str) -> bool:
    """Whether two texts have the same words and are still not the same.

    >>> only_marks_differ("“Glass River”", "Glass River"), only_marks_differ("the Glass River", "Glass River")
    (True, False)
    """
    return prediction != gold and words(prediction) == words(gold) != []


def _only_marks_differ(questions: pd.DataFrame) -> pd.Series[bool]:
    pairs = zip(questions["prediction"], questions["golds"].tolist(), strict=True)
    found = [
        prediction not in golds and any(only_marks_differ(prediction, gold) for gold in golds)
        for prediction, golds in pairs
    ]
    return pd.Series(found, questions.index)
