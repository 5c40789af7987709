"""Takes a BERT as an ALBERT, the architecture that the platform's graph is made for.

An ALBERT with as many groups as layers shares no weights, and one whose embedding is as wide as its layers maps it
by the identity: such an ALBERT computes what the BERT does. So every encoder of BERT's shape (BERT, MiniLM, bge,
e5, gte and others) can be trained, exported and explained as an ALBERT.
"""

from __future__ import annotations

import torch
from transformers import AlbertConfig, AlbertForQuestionAnswering, PreTrainedModel

from project_config import ProjectError

SHARED_FIELDS = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "max_position_embeddings",
    "type_vocab_size",
    "initializer_range",
    "layer_norm_eps",
    "pad_token_id",
)
"""What both configurations call by the same name."""

LAYER_PARTS = {
    "attention.self.query": "attention.query",
    "attention.self.key": "attention.key",
    "attention.self.value": "attention.value",
    "attention.output.dense": "attention.dense",
    "attention.output.LayerNorm": "attention.LayerNorm",
    "intermediate.dense": "ffn",
    "output.dense": "ffn_output",
    "output.LayerNorm": "full_layer_layer_norm",
}
"""A layer's parts, by BERT's name, and what ALBERT calls them."""


class ArchitectureError(ProjectError):
    """A checkpoint is not of the shape that was asked for."""


def albert_of_bert(bert: PreTrainedModel) -> AlbertForQuestionAnswering:
    """An ALBERT with the hidden states of a BERT, and its span head, or a fresh one; seed torch first.

    Args:
        bert: a ``BertModel``, or a model with one inside, as ``BertForQuestionAnswering``.

    Returns:
        The model, without dropout, in which every layer is a group of its own.

    Raises:
        ArchitectureError: if the model is no BERT, or has relative positions.

    Example:
        >>> from transformers import BertConfig, BertModel
        >>> config = BertConfig(vocab_size=99, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
        ...                     intermediate_size=16)
        >>> albert_of_bert(BertModel(config)).config.num_hidden_groups
        2
    """
    config = bert.config
    if config.model_type != "bert" or getattr(config, "position_embedding_type", "absolute") != "absolute":
        raise ArchitectureError(
            f"a model of type {config.model_type} cannot be taken as an ALBERT. Give a checkpoint of BERT's "
            "shape with absolute positions (BERT, MiniLM, bge, e5), or leave `architecture` out."
        )
    albert = AlbertForQuestionAnswering(
        AlbertConfig(
            **{name: getattr(config, name) for name in SHARED_FIELDS},
            embedding_size=config.hidden_size,
            num_hidden_groups=config.num_hidden_layers,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
    )
    found = {_albert_name(name): tensor for name, tensor in bert.state_dict().items()}
    found["albert.encoder.embedding_hidden_mapping_in.weight"] = torch.eye(config.hidden_size)
    found["albert.encoder.embedding_hidden_mapping_in.bias"] = torch.zeros(config.hidden_size)
    wanted = albert.state_dict()
    lacking = [name for name in wanted if name not in found and not name.startswith("qa_outputs")]
    if lacking:
        raise ArchitectureError(f"the checkpoint lacks the weights for {', '.join(lacking[:3])}. Give a whole BERT.")
    albert.load_state_dict({name: found.get(name, tensor) for name, tensor in wanted.items()})
    return albert


def _albert_name(name: str) -> str:
    """What ALBERT calls a weight of BERT.

    >>> _albert_name("bert.encoder.layer.3.attention.self.query.weight")
    'albert.encoder.albert_layer_groups.3.albert_layers.0.attention.query.weight'
    >>> _albert_name("embeddings.LayerNorm.bias")
    'albert.embeddings.LayerNorm.bias'
    """
    parts = name.removeprefix("bert.").split(".")
    if parts[0] == "embeddings":
        return ".".join(["albert", *parts])
    if parts[:2] != ["encoder", "layer"]:
        return name
    part = ".".join(parts[3:-1])
    layer = f"albert.encoder.albert_layer_groups.{parts[2]}.albert_layers.0"
    return f"{layer}.{LAYER_PARTS.get(part, part)}.{parts[-1]}"
