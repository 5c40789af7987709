"""Which tokens drive the loss: the samples of the highest loss explained, and what the explanations are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from model.differentiable import DifferentiableError
from project_config import ProjectError, Settings
from squad_albert.attribution import METHODS, Attributor
from squad_albert.run_model import run_model_folder, run_questions, run_settings
from squad_albert.run_tables import RunTables
from squad_albert.tables import counted
from squad_albert.targets import Targets, choose_targets
from squad_albert.token_pictures import NAMES
from squad_albert.window_tokens import Token, window_tokens
from utils.questions import Question

from .deletion import COLUMNS as DELETION_COLUMNS
from .deletion import deletion_curve
from .section import Section
from .style import percent
from .token_parts import COLUMNS as PART_COLUMNS
from .token_parts import part_lifts

Float = NDArray[np.float32]

HIGHEST = 2
"""Samples of the highest loss that are explained, beside one that was answered right."""

CURVE_SAMPLES, OCCLUSION_SAMPLES = 200, 20
"""Questions of the deletion curves of the gradient methods, and of that of occlusion, which is drawn where gradients
cannot be had, as it takes one model call a token."""

HEADLINE = 0.05
"""The share of tokens masked that the sentences are about."""

NAMED = 6
"""Tokens of a sample that are named."""

_DIGITS = 2  # decimals of losses and probabilities that count in a ranking; of equal ones the first row

TITLE = "Loss analysis"
COLUMNS = {
    "id": "str",
    "kind": "str",
    "position": "int64",
    "token": "str",
    "start": "int64",
    "end": "int64",
    "segment": "str",
    "target": "bool",
    **dict.fromkeys(METHODS, "float64"),
}


@dataclass(frozen=True, eq=False)
class _Samples:
    """Questions of a run in the windows that are explained."""

    questions: list[Question]
    targets: Targets
    tokens: list[list[Token]]


def loss_analysis(run: RunTables, settings: Settings) -> Section:
    """Explains the samples of the highest loss and one right one, and measures what the explanations are worth.

    Scores say by how much a token raises the loss, compared with [MASK] in its place; negative ones lower it. The loss
    is that of the gold, or of the answer given where there are no labels. A model whose gradients cannot be had is
    explained by occlusion alone.

    Args:
        run: made with a model that is still where it was.
        settings: ``seed`` and ``threads``.

    Returns:
        ``saliency``: a row a token of each explained sample, with its scores by method (NaN where there is none) and
        whether it is of the ``target``; ``kind`` is `highest loss`, `answered right` or `least confident` (where
        nothing is labeled). ``deletion``: see ``deletion_curve``. ``saliency_parts``: see ``part_lifts``.
    """
    if run.windows is None:
        return _empty(
            f"{run.folder} was made from predictions, without a model. Attributions need one: "
            "squad-albert evaluate --model FOLDER --out RUN"
        )
    if run.questions.empty:
        return _empty(f"{run.folder} has no questions. Evaluate a split that has some.")
    settings = run_settings(run, settings)
    try:
        attributor = Attributor(run_model_folder(run, settings), settings)
    except ProjectError as error:  # the other analyses do without
        return _empty(str(error))
    kinds = _shown(run.questions)
    shown = _samples(run, list(kinds), attributor, settings)
    without: str | None = None
    try:
        facts: dict[str, Any] = {"disagreement": attributor.disagreement(shown.targets)}
    except DifferentiableError as error:
        facts, without = {}, str(error)
    table = _explained(attributor, shown, list(kinds.values()), facts, without is None)
    curve, parts = _checked(run, attributor, settings, without is None)
    facts |= _curve_facts(curve)
    sentences = [*_curve_sentences(curve), *_part_sentences(curve, parts), *_named_sentences(table)]
    if "completeness_gap" in facts:
        sentences.append(
            f"Integrated gradients add up to the difference of losses within {percent(facts['completeness_gap'])}, and "
            f"the weights in Keras give the ONNX model's losses to {facts['disagreement']:.0e}."
        )
    if without:
        sentences.append(f"Only occlusion is shown, as gradients cannot be had: {without}")
    return Section("saliency", TITLE, table, sentences, facts, {"deletion": curve, "saliency_parts": parts})


def _empty(why: str) -> Section:
    more = {
        "deletion": pd.DataFrame(columns=list(DELETION_COLUMNS)).astype(DELETION_COLUMNS),
        "saliency_parts": pd.DataFrame(columns=list(PART_COLUMNS)).astype(PART_COLUMNS),
    }
    return Section("saliency", TITLE, pd.DataFrame(columns=list(COLUMNS)).astype(COLUMNS), [], {}, more, why)


def _shown(questions: pd.DataFrame) -> dict[int, str]:
    """Rows of the questions that are explained, and why."""
    known = questions[questions["loss"].notna()]
    if known.empty:
        rows = questions["confidence"].round(_DIGITS).argsort(kind="stable")[:HIGHEST]
        return dict.fromkeys(rows, "least confident")
    shown = dict.fromkeys(known["loss"].round(_DIGITS).nlargest(HIGHEST).index, "highest loss")
    right = known[(known["exact"] == 1) & known["answerable"]].drop(index=list(shown), errors="ignore")
    if len(right):  # the one in the middle: neither the easiest nor a hard one
        shown[right["loss"].round(_DIGITS).sort_values(kind="stable").index[len(right) // 2]] = "answered right"
    return shown


def _samples(run: RunTables, rows: Sequence[int], attributor: Attributor, settings: Settings) -> _Samples:
    questions = run_questions(run, rows)
    targets, _ = choose_targets(attributor.model, questions, settings)
    tokens = window_tokens(questions, targets.windows, targets.rows.tolist(), attributor.model.tokenizer)
    return _Samples(questions, targets, tokens)


def _explained(
    attributor: Attributor, shown: _Samples, kinds: Sequence[str], facts: dict[str, Any], gradients: bool
) -> pd.DataFrame:
    """The main table; ``facts`` is told how well integrated gradients add up."""
    scores = {"occlusion": attributor.occlusion(shown.targets)}
    if gradients:
        integrated = attributor.integrated_gradients(shown.targets)
        facts |= {"completeness_gap": float(integrated.gap.max()), "most_steps": int(integrated.steps.max())}
        scores |= {
            "gradient_input": attributor.gradient_input(shown.targets),
            "integrated_gradients": integrated.scores,
        }
    rows = []
    for sample, (question, kind) in enumerate(zip(shown.questions, kinds, strict=True)):
        start, end = shown.targets.start[sample], shown.targets.end[sample]
        for place, token in enumerate(shown.tokens[sample]):
            values = {method: float(scores[method][sample, place]) for method in scores}
            of = {"id": question.id, "kind": kind, "position": place, "target": bool(start <= place <= end)}
            what = {"token": token.text, "segment": token.segment, "start": token.start, "end": token.end}
            rows.append(of | what | values)
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(COLUMNS)


def _checked(
    run: RunTables, attributor: Attributor, settings: Settings, gradients: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The deletion curve, and the scores of the windows' parts, over drawn samples."""
    draw = np.random.default_rng(settings.seed)
    rows = _drawn(run, CURVE_SAMPLES if gradients else OCCLUSION_SAMPLES, draw)
    drawn = _samples(run, rows, attributor, settings)
    if gradients:
        scores = attributor.rough_gradients(drawn.targets)
    else:
        scores = {"occlusion": attributor.occlusion(drawn.targets)}
    parts = part_lifts(drawn.questions, drawn.targets, drawn.tokens, scores)
    return deletion_curve(attributor, drawn.targets, scores, draw), parts


def _drawn(run: RunTables, count: int, draw: np.random.Generator) -> list[int]:
    """So many rows at most: of twice as many drawn, the half with the shortest windows, which cost least."""
    assert run.windows is not None  # as loss_analysis has seen
    tokens = run.windows.groupby("question")["length"].max()
    rows = draw.choice(len(run.questions), min(len(run.questions), 2 * count), replace=False)
    chosen: list[int] = rows[tokens[rows].to_numpy().argsort(kind="stable")[:count]].tolist()
    return chosen


def _curve_facts(curve: pd.DataFrame) -> dict[str, Any]:
    """Of each method at ``HEADLINE``."""
    facts: dict[str, Any] = {}
    for row in curve[curve["share"] == HEADLINE].itertuples():
        facts[f"{row.method}_samples"] = int(row.samples)
        for name in ("loss", "random_loss", "difference", "difference_low", "difference_high"):
            facts[f"{row.method}_{name}"] = float(getattr(row, name))
    return facts


def _curve_sentences(curve: pd.DataFrame) -> list[str]:
    before = dict(curve.loc[curve["share"] == 0, ["method", "loss"]].itertuples(index=False))
    return [
        f"With the {percent(HEADLINE, 0)} of the tokens masked that lower the loss most by {NAMES[row.method]}, the "
        f"mean loss of {counted(row.samples, 'sample')} with short windows goes from {before[row.method]:.2f} to "
        f"{row.loss:.2f}; with as many random tokens it goes to {row.random_loss:.2f}. The difference, "
        f"{row.difference:.2f} ({row.difference_low:.2f} to {row.difference_high:.2f}), says that these scores "
        f"{'show what the model relies on' if row.difference_low > 0 else 'are no better than chance'}."
        for row in curve[curve["share"] == HEADLINE].itertuples()
    ]


def _part_sentences(curve: pd.DataFrame, parts: pd.DataFrame) -> list[str]:
    """Of the method whose curve is the steepest."""
    best = curve.loc[curve["difference"].idxmax(), "method"]
    found = parts[parts["method"] == best].sort_values("lift", ascending=False)
    if found.empty:
        return []
    lifts = ", ".join(f"{row.part} {row.lift:.1f}" for row in found.itertuples())
    return [f"The score of a token by {NAMES[best]}, as a multiple of the mean token's, by where it stands: {lifts}."]


def _named_sentences(table: pd.DataFrame) -> list[str]:
    """The strongest tokens, by each method, of the highest loss and of the right answer."""
    first = table.drop_duplicates("kind").set_index("kind")["id"]
    return [
        f"In {first[kind]} ({kind}) the tokens that {verb} the loss most are "
        f"{_strongest(table[table['id'] == first[kind]], sign)}."
        for kind, verb, sign in (("highest loss", "raise", -1), ("answered right", "lower", 1))
        if kind in first
    ]


def _strongest(sample: pd.DataFrame, sign: int) -> str:
    tokens = sample[sample["segment"] != "special"]
    return "; ".join(
        f"{', '.join(tokens.loc[(sign * tokens[method]).nsmallest(NAMED).index, 'token'])} by {NAMES[method]}"
        for method in METHODS
        if tokens[method].notna().any()
    )
