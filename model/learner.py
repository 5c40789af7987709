"""The training objective around any question-answering model of transformers."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .inputs import input_names

ILLEGAL = -1e4
"""What a token that cannot be an answer gets as logit; within float16, unlike minus infinity."""


class Learner(nn.Module):  # type: ignore[misc]
    """A question-answering model with the loss it is trained by.

    The span loss is a softmax over the context and [CLS] alone.

    Args:
        model: a transformers model with ``start_logits`` and ``end_logits``.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self.inputs = input_names(model)

    def forward(self, **batch: torch.Tensor) -> dict[str, torch.Tensor]:
        """The loss (float32 scalar) and the span logits (float32 ``[B, L, 2]``) of a batch."""
        outputs = self.model(**{name: batch[name] for name in self.inputs})
        logits = torch.stack([outputs.start_logits, outputs.end_logits], dim=-1).float()
        masked = logits.masked_fill(~batch["legal"].unsqueeze(-1), ILLEGAL)
        loss = (
            functional.cross_entropy(masked[..., 0], batch["start_positions"])
            + functional.cross_entropy(masked[..., 1], batch["end_positions"])
        ) / 2
        return {"loss": loss, "logits": logits}
