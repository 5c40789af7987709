"""How much each token of a window raises or lowers the loss, by three methods with one meaning of the sign.

All three compare a token with [MASK], which says that something stands there but not what. A positive score says
that the token raises the loss: with [MASK] in its place the model would be nearer to the target. A negative score says
that the token lowers the loss: the model needs it.

``occlusion`` replaces one token after another and looks at the loss; it needs no gradients and works with every
model. ``gradient_input`` estimates the same from one gradient: that of the loss at the token's embedding, times the
difference between this embedding and that of [MASK]. ``integrated_gradients`` averages the gradient over the way from
a window of nothing but [MASK] to the real one, so that the scores of all tokens sum to the difference of their losses.

Special tokens and padding are never replaced; their scores are 0.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.differentiable import Differentiable, DifferentiableError
from model.engines import cores
from model.runtime import Model
from project_config import Settings
from utils.loss import span_cross_entropy
from utils.tokenizer import pair_template

from .targets import Targets

Float = NDArray[np.float32]
Int = NDArray[np.int32]
Rows = NDArray[np.int64]

GRADIENTS = ("gradient_input", "integrated_gradients")
METHODS = (*GRADIENTS, "occlusion")

STEPS = 32
"""Points on the way of integrated gradients; doubled, to ``MOST_STEPS`` at most, where they do not suffice."""

MOST_STEPS = 512

LOSS_TOKENS, GRADIENT_TOKENS = 512, 2048
"""Tokens, padding included, at once: a small model is twice as fast in the cache; gradients need more to pay. As few
tokens keep only one thread busy, losses are computed in as many batches at a time as there are threads."""

RADAU = ((1 / 3, 3 / 4), (1.0, 1 / 4))
"""Points on the way and their weights: of all rules of two points that hold the end, the most exact (by Radau)."""

AGREEMENT = 1e-3
"""The largest difference between a loss in Keras and in ONNX Runtime; more comes of other weights."""

COMPLETENESS = 0.01
"""How far the sum of integrated gradients may be from the difference of losses, as a share of it."""


@dataclass(frozen=True, eq=False)
class Integrated:
    """Integrated gradients of a batch."""

    scores: Float  # [B, L]
    difference: Float  # [B] loss of the windows, less that of windows of nothing but [MASK]
    steps: Int  # [B]

    @property
    def gap(self) -> Float:
        """How far the scores are from summing to the difference, as a share of it, ``[B]``."""
        gap: Float = np.abs(self.scores.sum(axis=1) - self.difference) / np.abs(self.difference).clip(1e-6)
        return gap


class Attributor:
    """A model folder, opened for all methods.

    Args:
        folder: holds model.onnx, tokenizer.json and config.json; for gradients also model.safetensors.
        settings: as for ``Model``; the precision is always fp32, as small differences between losses count here.

    Raises:
        ModelError: as ``Model`` does, as it does SignatureError and TokenizerError.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        self.folder = folder
        own = {"batch_tokens": LOSS_TOKENS, "precision": "fp32", "threads": 1}
        self.model = Model(folder, settings.model_copy(update=own))
        self._threads = settings.threads or cores()
        self.mask = mask_token(self.model.tokenizer)
        self.check: Callable[[], None] = lambda: None
        """Called before each batch; what it raises ends the work."""
        self._loading = threading.Lock()
        self._differentiable: Differentiable | None = None

    def scores(self, method: str, targets: Targets) -> Float:
        """Scores of every token by one of ``METHODS``, float32 ``[B, L]``.

        Raises:
            DifferentiableError: if the method needs gradients, and they cannot be had.
            ModelError: if the model fails.
        """
        if method == "occlusion":
            return self.occlusion(targets)
        if method == "integrated_gradients":
            return self.integrated_gradients(targets).scores
        return self.gradient_input(targets)

    def losses(self, targets: Targets, samples: Rows, input_ids: Int) -> Float:
        """The loss of altered windows, float32 ``[n]``.

        Args:
            targets: a batch.
            samples: which of it each altered window was, ``[n]``.
            input_ids: its tokens, int32 ``[n, L]``.
        """
        windows, rows = targets.windows, targets.rows[samples]
        altered = replace(
            windows, input_ids=input_ids, length=windows.length[rows], context_start=windows.context_start[rows]
        )
        places = np.arange(windows.max_length)
        start, end = (side[samples][:, None] == places for side in (targets.start, targets.end))
        losses = np.empty(len(samples), np.float32)

        def compute(part: Rows) -> None:
            for batch in self.model.outputs(altered, part):
                self.check()
                at, length = part[batch.at], batch.logits.shape[1]
                losses[at] = span_cross_entropy(batch.logits, start[at, :length], end[at, :length])

        order = np.argsort(-altered.length, kind="stable")
        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(compute, (order[first :: self._threads] for first in range(self._threads))))
        return losses

    def occlusion(self, targets: Targets) -> Float:
        """The loss, less that with [MASK] in the place of one token: float32 ``[B, L]``."""
        scores = np.zeros(targets.replaceable.shape, np.float32)
        for sample in range(len(targets)):  # one by one: a long window makes as many altered ones as it has tokens
            [places] = np.nonzero(targets.replaceable[sample])
            altered = np.repeat(targets.input_ids[[sample]], len(places), axis=0)
            altered[np.arange(len(places)), places] = self.mask
            scores[sample, places] = targets.loss[sample] - self.losses(targets, np.full(len(places), sample), altered)
        return scores

    def gradient_input(self, targets: Targets) -> Float:
        """The gradient at each token's embedding, times its difference from that of [MASK]: float32 ``[B, L]``."""
        scores: Float = self._path(targets, np.ones(1))[0][0]
        return scores

    def rough_gradients(self, targets: Targets) -> dict[str, Float]:
        """Both of ``GRADIENTS``, float32 ``[B, L]`` each, from the gradients at two points: enough to order tokens.

        Gradient x input is exact; integrated gradients need not add up.
        """
        points, weights = np.array(RADAU).T
        products = self._path(targets, points)[0]
        integrated = np.tensordot(weights.astype(np.float32), products, axes=1)
        return {"integrated_gradients": integrated, "gradient_input": products[-1]}

    def integrated_gradients(self, targets: Targets, steps: int = STEPS, most_steps: int = MOST_STEPS) -> Integrated:
        """Integrated gradients from a window of nothing but [MASK], with twice the steps where they do not add up.

        Source: M. Sundararajan, A. Taly, Q. Yan (2017), Axiomatic attribution for deep networks. ICML.

        Args:
            targets: a batch.
            steps: points on the way, at the middles of equal parts.
            most_steps: where to stop, whether or not the scores add up to ``COMPLETENESS``.
        """
        masked = np.where(targets.replaceable, self.mask, targets.input_ids).astype(np.int32)
        difference = targets.loss - self.losses(targets, np.arange(len(targets)), masked)
        scores = self._path(targets, (np.arange(steps) + 0.5) / steps)[0].mean(axis=0)
        whole = Integrated(scores, difference, np.full(len(targets), steps, np.int32))
        [open_] = np.nonzero(whole.gap > COMPLETENESS)
        if 2 * steps <= most_steps and len(open_):
            finer = self.integrated_gradients(targets[open_], 2 * steps, most_steps)
            whole.scores[open_], whole.steps[open_] = finer.scores, finer.steps
        return whole

    @property
    def differentiable(self) -> Differentiable:
        """The same weights in Keras, read at the first use, by whichever thread comes first.

        Raises:
            DifferentiableError: if they cannot be had; occlusion works all the same.
        """
        with self._loading:
            self._differentiable = self._differentiable or Differentiable(self.folder)
        return self._differentiable

    def warm(self) -> None:
        """Makes gradients ready, so that the first ones take no longer than others.

        Raises:
            DifferentiableError: if they cannot be had.
        """
        one = np.ones((1, 1), np.int32)
        self.differentiable.loss_gradient(self.differentiable.embed(one), one, one, one[0] - 1, one[0] - 1)

    def disagreement(self, targets: Targets) -> float:
        """The largest difference between the losses in Keras and in ONNX Runtime.

        Raises:
            DifferentiableError: if it is more than ``AGREEMENT``, or gradients cannot be had.
        """
        difference = float(np.abs(self._path(targets, np.ones(1))[1][:, 0] - targets.loss).max(initial=0))
        if difference > AGREEMENT:
            raise DifferentiableError(
                f"{self.folder}: losses by model.safetensors and by model.onnx differ by {difference:.2g}, so they are "
                "two models. Export the checkpoint again; the method occlusion works."
            )
        return difference

    def _path(self, targets: Targets, points: NDArray[np.float64]) -> tuple[Float, Float]:
        """Along the way from a window of nothing but [MASK], 0, to the real one, 1, at the points given.

        Returns:
            The gradient at each point times the whole way, float32 ``[points, B, L]``, and the losses, float32
            ``[B, points]``.
        """
        products = np.zeros((len(points), *targets.replaceable.shape), np.float32)
        losses = np.zeros((len(targets), len(points)), np.float32)
        sample, point = (index.ravel() for index in np.indices(losses.shape))
        for at in _batches(targets.length[sample]):
            self.check()
            part = targets[sample[at]]
            length = int(part.length.max())
            end = self.differentiable.embed(part.input_ids[:, :length])
            way = end - self.differentiable.embed(np.array(self.mask))
            way[~part.replaceable[:, :length]] = 0
            loss, gradient = self.differentiable.loss_gradient(
                end - (1 - points[point[at]].astype(np.float32))[:, None, None] * way,
                part.windows.attention_mask(part.rows)[:, :length],
                part.windows.token_type_ids(part.rows)[:, :length],
                part.start,
                part.end,
            )
            losses[sample[at], point[at]] = loss
            products[point[at], sample[at], :length] = (gradient * way).sum(axis=-1)
        return products, losses


def _batches(length: Int) -> Iterator[Rows]:
    """Positions of windows of like length, the longest first, at most ``GRADIENT_TOKENS`` together."""
    order = np.argsort(-length, kind="stable")
    start = 0
    while start < len(order):
        size = max(1, GRADIENT_TOKENS // int(length[order[start]]))
        yield order[start : start + size]
        start += size


def mask_token(tokenizer: Any) -> int:
    """The id of what tokens are compared with: [MASK], or the unknown token where a tokenizer has no such token."""
    for name in ("[MASK]", "<mask>"):
        number = tokenizer.token_to_id(name)
        if number is not None:
            return int(number)
    return pair_template(tokenizer).unknown
