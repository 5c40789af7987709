"""Gives an ALBERT a head that sees which words of the context the question has, too.

Telling the subjects of a context apart begins with that, and a small model does not find it by itself: the head
would have to compare tokens before anything rewards it. So it is set up by hand and trained on like any other
weight, as Trockman and Kolter (2023, "Mimetic Initialization of Self-Attention Layers") start heads from what
trained ones look like.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch.nn import functional
from transformers import AlbertForQuestionAnswering

from .experiment import TrainingError

SHARPNESS = 8.0
"""The attention score of two tokens that are alike, above that of two that are not; half of it is for the question."""

SIGNAL = 4.0
"""The length of what the head adds to a token that it found in the question."""

SAMPLE = 2000
"""Tokens by which it is measured how embedded tokens lie."""


def add_inner_layers(model: Any, layers: int) -> Any:
    """An ALBERT that computes the same, in whose shared group each of some layers has weights of its own.

    Args:
        model: an ``AlbertForQuestionAnswering`` with one group of one layer.
        layers: in the new group, which a token passes through the fewer times.

    Raises:
        TrainingError: for another architecture, or where the layers do not come out even.
    """
    _check_albert(model, "inner_layers")
    config = deepcopy(model.config)
    if config.inner_group_num * config.num_hidden_groups != 1 or config.num_hidden_layers % layers:
        raise TrainingError(
            f"inner_layers {layers} does not suit a model of {config.num_hidden_layers} layers in "
            f"{config.num_hidden_groups} groups of {config.inner_group_num}. Take one whose layers are all the same, "
            "and a divisor of their number."
        )
    config.inner_group_num, config.num_hidden_layers = layers, config.num_hidden_layers // layers
    grown = AlbertForQuestionAnswering(config).to(model.dtype)
    weights = model.state_dict()
    for name in [name for name in weights if ".albert_layers.0." in name]:
        for layer in range(1, layers):
            weights[name.replace(".albert_layers.0.", f".albert_layers.{layer}.")] = weights[name]
    grown.load_state_dict(weights)
    return grown


@torch.no_grad()  # type: ignore[untyped-decorator]
def add_matching_head(model: Any, seed: int) -> None:
    """Makes the last head of an ALBERT's first layer attend from a token to those of the question that look like it.

    Queries and keys are one projection, from which positions and token types are taken out; of their width, one
    unit is left to prefer the question. A token that finds nothing attends to itself. The values say whether
    the question was attended to.

    Args:
        model: an ``AlbertForQuestionAnswering``, changed in place.
        seed: of the projection.

    Raises:
        TrainingError: for another architecture, or for fewer than two heads.
    """
    _check_albert(model, "matching_head")
    config = model.config
    if config.num_attention_heads < 2:
        raise TrainingError("matching_head takes one head of the first layer, and the model has no other. Give it two.")
    width = config.hidden_size // config.num_attention_heads
    attention = model.albert.encoder.albert_layer_groups[0].albert_layers[0].attention
    draw = torch.Generator().manual_seed(seed)
    question, context = (_embedded(model, segment, draw) for segment in (0, 1))
    apart, positions = _directions(model)
    basis = _projection(torch.cat([positions, apart[None]]), width - 1, draw)
    middle = context.mean(dim=0)
    alike = ((context - middle) @ basis.T).square().sum(dim=-1).mean()
    basis *= (SHARPNESS * width**0.5 / alike).sqrt()
    side = apart / ((question - context) @ apart).mean()  # 1 in the question, 0 in the context, as a rule
    start, rows = slice(-width, -width + 1), slice(1 - width, None)
    for layer in (attention.query, attention.key):
        layer.weight[rows], layer.bias[rows] = basis, -basis @ middle
    attention.query.weight[start], attention.query.bias[start] = 0.0, width**0.5
    attention.key.weight[start] = side * SHARPNESS / 2
    attention.key.bias[start] = -(side @ middle) * SHARPNESS / 2
    attention.value.weight[rows], attention.value.bias[rows] = 0.0, 0.0
    attention.value.weight[start], attention.value.bias[start] = 2 * side, -1 - 2 * side @ middle
    signal = torch.randn(config.hidden_size, generator=draw)
    attention.dense.weight[:, start] = (functional.normalize(signal, dim=0) * SIGNAL)[:, None]


def _embedded(model: Any, segment: int, draw: torch.Generator) -> torch.Tensor:
    """Random tokens at random positions, as they enter the first layer: float32 ``[SAMPLE, H]``."""
    embeddings, config = model.albert.embeddings, model.config
    pieces = torch.randint(config.vocab_size, (SAMPLE,), generator=draw)
    positions = torch.randint(config.max_position_embeddings, (SAMPLE,), generator=draw)
    total = (
        embeddings.word_embeddings.weight[pieces]
        + embeddings.position_embeddings.weight[positions]
        + embeddings.token_type_embeddings.weight[segment]
    )
    entered: torch.Tensor = model.albert.encoder.embedding_hidden_mapping_in(embeddings.LayerNorm(total))
    return entered


def _directions(model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """In which directions of the first layer's input the token type, ``[H]``, and the position, ``[P, H]``, show."""
    embeddings = model.albert.embeddings
    mapping = (model.albert.encoder.embedding_hidden_mapping_in.weight * embeddings.LayerNorm.weight).T
    types, positions = embeddings.token_type_embeddings.weight, embeddings.position_embeddings.weight
    _, _, directions = torch.linalg.svd((positions - positions.mean(dim=0)) @ mapping, full_matrices=False)
    return (types[0] - types[1]) @ mapping, directions[: model.config.hidden_size // 3]


def _projection(without: torch.Tensor, width: int, draw: torch.Generator) -> torch.Tensor:
    """Random orthonormal rows ``[width, H]``, at right angles to those of ``without``."""
    taken, _ = torch.linalg.qr(without.T)
    columns = torch.randn(without.shape[1], width, generator=draw)
    basis, _ = torch.linalg.qr(columns - taken @ (taken.T @ columns))
    return basis.T.contiguous()


def _check_albert(model: Any, setting: str) -> None:
    if not isinstance(model, AlbertForQuestionAnswering):
        raise TrainingError(
            f"{setting} is for ALBERT alone, and the model is a {type(model).__name__}. "
            "Leave it out, or train an ALBERT."
        )
