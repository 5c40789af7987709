"""The decoder as plainly as it can be written: what the vectorised one must equal."""

from __future__ import annotations

import math

import numpy as np


def plain_spans(logits, context_start, context_end, longest, n_best):
    """All legal spans of one window, best first, cut to the n best; and logsumexp over all of them."""
    logits = np.asarray(logits).astype(np.float32)
    spans = [
        (logits[start, 0] + logits[end, 1], start, end)
        for start in range(context_start, context_end)
        for end in range(start, min(start + longest, context_end))
    ]
    spans.sort(key=lambda span: (-span[0], span[1], span[2]))
    return spans[:n_best], log_sum([float(span[0]) for span in spans])


def log_sum(values):
    top = max(values, default=-math.inf)
    if top == -math.inf:
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


def plain_decode(logits, windows, questions, settings):
    """For each question: [(start, end, text, score, probability)], null score, null probability."""
    decoded = []
    for number, question in enumerate(questions):
        rows = [row for row in range(len(windows)) if windows.question[row] == number]
        found, sums, nulls = [], [], []
        for row in rows:
            spans, total = plain_spans(
                logits[row],
                int(windows.context_start[row]),
                int(windows.context_end[row]),
                settings.max_answer_tokens,
                settings.n_best,
            )
            sums.append(total)
            nulls.append(float(np.float32(logits[row][0, 0]) + np.float32(logits[row][0, 1])))
            for score, start, end in spans:
                begin, stop = int(windows.offsets[row, start, 0]), int(windows.offsets[row, end, 1])
                found.append((-float(score), begin, stop))
        null = min(nulls)
        total = log_sum([*sums, null])
        answers, seen = [], set()
        for cost, first, last in sorted(found):
            begin, stop = strip(question.context, first, last)
            if begin < stop and (begin, stop) not in seen:
                seen.add((begin, stop))
                answers.append((begin, stop, question.context[begin:stop], -cost, math.exp(-cost - total)))
        decoded.append((answers[: settings.n_best], null, math.exp(null - total)))
    return decoded


def strip(text, begin, stop):
    while begin < stop and text[begin].isspace():
        begin += 1
    while begin < stop and text[stop - 1].isspace():
        stop -= 1
    return begin, stop
