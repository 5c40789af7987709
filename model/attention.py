"""The attention of an exported model: the weights of every layer and head, read out of its own graph.

What is read are the results of the graph's softmaxes. Layers that share their parameters, as ALBERT's do, are
unrolled in the graph, so each has its own weights::

    model = open_attention(folder, settings)
    weights, logits = read_attention(model, windows, row)
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from project_config import Settings
from utils.windows import Windows

from .engines import ModelError, read_proto
from .runtime import Model

if TYPE_CHECKING:
    import onnx

Float = NDArray[np.float32]

_THROUGH = frozenset({"Cast", "Dropout", "Identity", "Where"})
"""Operations that weights may pass between the softmax and the product with the values."""

_LAST = (-1, 3)
"""The axis of the tokens attended to, in [batch, heads, tokens, tokens]."""


def open_attention(folder: Path, settings: Settings) -> Model:
    """A model that gives its attention beside its logits; always in fp32, by ONNX Runtime.

    Args:
        folder: as for ``Model``.
        settings: as for ``Model``; engine and precision do not matter.

    Raises:
        ModelError: as for ``Model``, and if the graph computes no attention that can be read.
        SignatureError: if inputs or output do not fit the windows.
        TokenizerError: if the tokenizer does not suit.
    """
    exact = settings.model_copy(update={"engine": "onnxruntime", "precision": "fp32"})
    return Model(folder, exact, inner=attention_tensors)


def read_attention(model: Model, windows: Windows, row: int) -> tuple[Float, Float]:
    """What a model computes for one window, padding left out.

    Args:
        model: opened by ``open_attention``.
        windows: the windows of a split.
        row: which of them; it has n tokens.

    Returns:
        Attention weights, float32 ``[layers, heads, n, n]``, in which every row sums to 1: layer by layer from the
        first, the tokens that attend before those attended to. And the logits, float32 ``[n, 2]``.

    Raises:
        ModelError: if the model fails, or its attention is not that of every token to every token.
    """
    size = int(windows.length[row])
    [batch] = model.outputs(windows, np.array([row]))
    length = batch.logits.shape[1]
    shapes = sorted({layer.shape for layer in batch.inner})
    if len(shapes) > 1 or len(shapes[0]) != 4 or shapes[0][2:] != (length, length):
        raise ModelError(
            f"{model.folder / 'model.onnx'}: attention over {length} tokens has the shapes {shapes}, not "
            f"[1, heads, {length}, {length}] in every layer. Export a model whose tokens all attend to each other."
        )
    return np.concatenate(batch.inner)[..., :size, :size], batch.logits[0, :size]


def attention_tensors(path: Path) -> list[str]:
    """The tensors that hold attention weights, float ``[B, heads, L, L]``, layer by layer.

    They are the results of softmaxes over the last axis that are the left side of a matrix product: of the values,
    which they weigh. A graph lists its nodes in an order in which they can be computed, so the first layer's is first.

    Args:
        path: an ONNX file.

    Raises:
        ModelError: if the file cannot be read, or there is no such tensor.
    """
    graph = read_proto(path).graph
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    def weighs_values(name: str) -> bool:
        return any(
            (node.op_type == "MatMul" and node.input[0] == name)
            or (node.op_type in _THROUGH and weighs_values(node.output[0]))
            for node in readers.get(name, [])
        )

    softmaxes = [node for node in graph.node if node.op_type == "Softmax" and _axis(node) in _LAST]
    names = [node.output[0] for node in softmaxes if weighs_values(node.output[0])]
    if not names:
        raise ModelError(
            f"{path} has no readable attention: in its graph no Softmax over tokens is multiplied with values"
            f"{_fused(graph)}. Export the checkpoint again with `squad-albert export`, which traces plain attention."
        )
    return names


def _axis(node: onnx.NodeProto) -> int:
    return next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1)


def _fused(graph: onnx.GraphProto) -> str:
    """Names what computes attention in one piece, if anything does."""
    fused = sorted({node.op_type for node in graph.node if "Attention" in node.op_type})
    return f", and {' and '.join(fused)} computes attention in one piece" if fused else ""
