"""What a question-answering model of transformers takes, which differs between architectures."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from utils.encoders import INPUT_NAMES


def input_names(model: Any) -> list[str]:
    """Those of ``INPUT_NAMES`` that a model uses.

    RoBERTa takes token types but has only one, and DeBERTa-v3 takes them and ignores them.
    """
    taken = inspect.signature(model.forward).parameters
    typed = getattr(model.config, "type_vocab_size", 0) > 1
    return [name for name in INPUT_NAMES if name in taken and (typed or name != "token_type_ids")]


def max_positions(model: Any) -> int | None:
    """The longest input, in tokens; None where positions are only relative.

    A position table with a padding row, as RoBERTa has one, counts positions from behind that row.
    """
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, nn.Embedding):
            unused = 0 if module.padding_idx is None else module.padding_idx + 1
            return int(module.num_embeddings) - unused
    return None
