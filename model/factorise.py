"""Makes the embedding of an ALBERT narrower, which is where half of a small model's size lies.

ALBERT normalises its embedding before a mapping widens it. So the narrow embedding is chosen to keep what the
normalisation leaves: the directions in which frequent tokens vary most (a principal component analysis, weighted by
frequency), in a space whose mean over dimensions is zero, as the normalisation takes that mean away. The mapping is
then fitted to give what the wide one gave, by least squares over tokens drawn as they occur.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AlbertConfig, AlbertForQuestionAnswering

from .bert import ArchitectureError

SAMPLES = 20_000
"""Tokens, each at some position, over which the mapping is fitted."""

RARE = 0.1
"""What a token counts that never occurs, beside one for each time that another does."""

Matrix = NDArray[np.float64]


def factorise(
    model: AlbertForQuestionAnswering, size: int, counts: NDArray[np.int64], positions: int, seed: int
) -> AlbertForQuestionAnswering:
    """A copy of a model whose embedding is as narrow as that.

    Args:
        model: with a wider embedding.
        size: width of the new embedding.
        counts: int64 ``[vocabulary]``, how often each token occurs in the text that the model is to read.
        positions: the longest input that is expected, in tokens.
        seed: of the tokens over which the mapping is fitted.

    Raises:
        ArchitectureError: if the model is no ALBERT, or its embedding is no wider than that.
    """
    config = model.config
    if config.model_type != "albert" or size >= config.embedding_size:
        raise ArchitectureError(
            f"embedding_size {size} does not make a model of type {config.model_type} smaller, whose embedding has "
            f"{getattr(config, 'embedding_size', config.hidden_size)} dimensions. Leave it out, or take "
            "`architecture: albert`."
        )
    state = model.state_dict()
    word, position, kind = (
        _array(state[f"albert.embeddings.{name}_embeddings.weight"]) for name in ("word", "position", "token_type")
    )
    random, weights = np.random.default_rng(seed), counts + RARE
    drawn = random.choice(len(word), SAMPLES, p=weights / weights.sum())
    sums = word[drawn] + position[random.integers(0, positions, SAMPLES)] + kind[random.integers(0, len(kind), SAMPLES)]
    scale, shift, mapping, bias = (
        _array(state[f"albert.{name}"])
        for name in (
            "embeddings.LayerNorm.weight",
            "embeddings.LayerNorm.bias",
            "encoder.embedding_hidden_mapping_in.weight",
            "encoder.embedding_hidden_mapping_in.bias",
        )
    )
    wanted = (_normalised(sums, config.layer_norm_eps) * scale + shift) @ mapping.T + bias
    narrow = _projection(_normalised(sums, config.layer_norm_eps), size)
    inputs = np.column_stack([_normalised(sums @ narrow, config.layer_norm_eps), np.ones(SAMPLES)])
    fitted = np.linalg.lstsq(inputs, wanted, rcond=None)[0]
    made = AlbertForQuestionAnswering(AlbertConfig(**{**config.to_dict(), "embedding_size": size}))
    new = {
        "embeddings.word_embeddings.weight": word @ narrow,
        "embeddings.position_embeddings.weight": position @ narrow,
        "embeddings.token_type_embeddings.weight": kind @ narrow,
        "embeddings.LayerNorm.weight": np.ones(size),
        "embeddings.LayerNorm.bias": np.zeros(size),
        "encoder.embedding_hidden_mapping_in.weight": fitted[:-1].T,
        "encoder.embedding_hidden_mapping_in.bias": fitted[-1],
    }
    made.load_state_dict(state | {f"albert.{name}": torch.from_numpy(array).float() for name, array in new.items()})
    return made


def _array(tensor: torch.Tensor) -> Matrix:
    array: Matrix = tensor.double().numpy()
    return array


def _normalised(rows: Matrix, epsilon: float) -> Matrix:
    """What layer normalisation makes of the rows, before its scale and shift."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    result: Matrix = centred / np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
    return result


def _projection(rows: Matrix, size: int) -> Matrix:
    """``[width, size]``, onto the strongest ``size - 1`` directions, laid out so that each row's mean is 0."""
    width = rows.shape[1]
    centring = np.eye(width) - 1 / width
    strongest = np.linalg.eigh(rows.T @ rows)[1][:, ::-1][:, : size - 1]
    across = np.linalg.qr(np.column_stack([np.ones(size), np.eye(size)[:, : size - 1]]))[0][:, 1:]
    result: Matrix = centring @ strongest @ across.T
    return result
