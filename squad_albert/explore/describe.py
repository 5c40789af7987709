"""Groups of questions in words: their typical terms, and what they are made of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from utils.words import word_set, words

Float64 = NDArray[np.float64]

MOST_TERMS = 6

_EVERYDAY = word_set(
    "a about after all also an and any are as at be been before between but by can did do does for from had has have he"
    " her him his how if in into is it its many more most much no not of on one or other out over she so some such than"
    " that the their them then there these they this those through to up was were what when where which who whom whose"
    " why will with would you your"
)
"""Words that say nothing of what a text is about; what kind of question it is is told apart from its terms."""

_PRIOR = (
    10.0  # texts with terms as frequent as in all, added to each side, so that rare terms do not stand out by chance
)
_CERTAIN = 1.96  # standard errors by which a term must be typical
_LEAST_TEXTS = 3  # that have a term, over all
_LEAST_SHARE = 0.1  # of a group's texts that have it


def typical_terms(texts: Sequence[str], groups: NDArray[np.int64]) -> list[list[str]]:
    """The terms that each group has more often than the rest, most typical first, at most ``MOST_TERMS``.

    By the log-odds ratio of having the term, in the group against all other texts, with all texts as a prior, in
    standard errors. A text has a term or not, however often.

    Args:
        texts: N texts.
        groups: int64 [N], their groups 0, 1, ...; negative for texts of no group.

    Source: Monroe, Colaresi and Quinn (2008), Fightin' words. Political Analysis 16.
    """
    size = int(groups.max(initial=-1)) + 1
    if not size:
        return []
    incidence, terms = _incidence(texts)
    grouped = groups >= 0
    members = sparse.csr_array(
        (np.ones(int(grouped.sum())), (groups[grouped], np.flatnonzero(grouped))), (size, len(texts))
    )
    found: Float64 = (members @ incidence).toarray()
    texts_in = np.bincount(groups[grouped], minlength=size)[:, None]
    ratio = _log_odds(found, texts_in, np.asarray(incidence.sum(axis=0)), len(texts))
    ratio[found < _LEAST_SHARE * texts_in] = 0
    best = np.argsort(-ratio, axis=1, kind="stable")[:, :MOST_TERMS]
    return [[terms[term] for term in row if ratio[group, term] > _CERTAIN] for group, row in enumerate(best.tolist())]


def shares(values: Iterable[str], most: int = 3, least: float = 0.1) -> str:
    """What a group is made of, the most frequent first.

    Args:
        values: one for each member.
        most: how many kinds are named.
        least: share that a kind must have to be named.

    >>> shares(["what", "who", "what", "what"]), shares(f"title {number}" for number in range(20))
    ('what 75 %, who 25 %', '20 different')
    """
    found = pd.Series(list(values), dtype=object).value_counts(normalize=True)
    named = found[found >= least].head(most)
    return ", ".join(f"{kind} {share * 100:.0f} %" for kind, share in named.items()) or f"{len(found)} different"


def _incidence(texts: Sequence[str]) -> tuple[sparse.csr_array, list[str]]:
    """Which text has which term, 0 or 1 [N, T], and the terms; without those that are too rare."""
    found = [sorted({word.removesuffix("'s") for word in words(text.lower())} - _EVERYDAY) for text in texts]
    rows = np.repeat(np.arange(len(texts)), [len(one) for one in found])
    codes, terms = pd.factorize(np.array([term for one in found for term in one], object))
    incidence = sparse.csr_array((np.ones(len(rows)), (rows, codes)), (len(texts), len(terms)))
    kept = np.flatnonzero(np.asarray(incidence.sum(axis=0)) >= _LEAST_TEXTS)
    return incidence[:, kept], [str(terms[place]) for place in kept]


def _log_odds(found: Float64, texts_in: NDArray[np.int64], total: Float64, texts: int) -> Float64:
    """Log-odds ratios of terms in each group against the rest, in standard errors, [G, T].

    Args:
        found: texts of each group that have each term, [G, T].
        texts_in: texts of each group, [G, 1].
        total: texts of all that have each term, [T].
        texts: how many there are.
    """
    prior_with = _PRIOR * total / texts
    prior_without = _PRIOR - prior_with
    # A term that every text has would have no odds.
    with_in, without_in = found + prior_with, texts_in - found + prior_without + 1e-9
    with_out, without_out = total - found + prior_with, texts - texts_in - (total - found) + prior_without + 1e-9
    error = np.sqrt(1 / with_in + 1 / without_in + 1 / with_out + 1 / without_out)
    ratio: Float64 = np.log(with_in / without_in * without_out / with_out) / error
    return ratio
