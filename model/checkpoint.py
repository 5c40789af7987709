"""Whether the tokenizer that transformers found for a checkpoint can be the model's own."""

from __future__ import annotations

from typing import Any

from transformers import PreTrainedTokenizerFast

SPARE_ROWS = 128
SPARE_SHARE = 0.02
"""Embeddings are padded by so many rows, or by this share of them, for the sake of speed."""


def misfit(tokenizer: Any, model: Any) -> str | None:
    """What keeps a tokenizer from being the model's, to go on after the checkpoint's name; None if nothing does.

    Where a folder has no tokenizer, transformers makes one up that knows nothing but special tokens.
    """
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        return "has no fast tokenizer (tokenizer.json), which windows need."
    ids = set(tokenizer.get_vocab().values())
    if ids <= set(tokenizer.all_special_ids):
        return "has no tokenizer. Copy tokenizer.json and tokenizer_config.json of the model into its folder."
    count, rows = max(ids) + 1, model.get_input_embeddings().num_embeddings
    if count > rows or rows - count > max(SPARE_ROWS, SPARE_SHARE * rows):
        return (
            f"has a tokenizer of {count:,} ids and a model of {rows:,}: it is another model's tokenizer. Copy "
            "tokenizer.json and tokenizer_config.json of the model into its folder."
        )
    return None
