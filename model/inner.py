"""Finds tensors inside an exported model, by name, so that an engine can give them beside the logits.

The file that is pushed stays as it is: the engine makes the tensors outputs in memory. ``last_hidden`` names those
that a run keeps as latent vectors::

    model = Model(folder, settings, inner=last_hidden)
    for batch in model.outputs(windows):
        [hidden] = batch.inner
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .engines import ModelError, read_proto

if TYPE_CHECKING:
    import onnx

_PRODUCTS = frozenset({"Gemm", "MatMul", "MatMulInteger"})
"""What multiplies with the weights of a layer."""

_SAME = frozenset({"Cast", "DequantizeLinear", "Dropout", "DynamicQuantizeLinear", "Identity", "QuantizeLinear"})
"""What gives the values of its first input, in another form."""

_FOLDS = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze"})
"""What some exporters put before and after a product of two axes: [B, L, H] -> [B * L, H]."""


def last_hidden(path: Path) -> list[str]:
    """The tensor of the last hidden layer, float [B, L, H]: that which the final projection turns into logits.

    Args:
        path: an ONNX file with one output, the logits.

    Returns:
        Its name, as the only element.

    Raises:
        ModelError: if the file cannot be read, or there is no such tensor: no product with constant weights yields
            the logits, or several of different tensors.
    """
    graph = read_proto(path).graph
    makers = {name: node for node in graph.node for name in node.output}
    constants = {tensor.name for tensor in graph.initializer}
    found = {_unfolded(node.input[0], makers) for node in _final(graph.output[0].name, makers, constants)}
    if len(found) != 1:
        what = "no product with weights yields the logits" if not found else f"{len(found)} tensors yield the logits"
        raise ModelError(
            f"{path} has no last hidden layer that can be read, from which a run takes its latent vectors: {what}. "
            "Export the checkpoint again with `squad-albert export`."
        )
    return list(found)


def _final(name: str, makers: dict[str, onnx.NodeProto], constants: set[str]) -> Iterator[onnx.NodeProto]:
    """The products with constant weights that come first on every way back from a tensor."""
    seen, waiting = {name}, [name]
    while waiting:
        node = makers.get(waiting.pop())
        if node is None or node.op_type == "DynamicQuantizeLinear":  # of it come only the scales of a product's input
            continue
        if node.op_type in _PRODUCTS and len(node.input) > 1 and _is_constant(node.input[1], makers, constants):
            yield node
            continue
        fresh = [source for source in node.input if source not in seen]
        seen.update(fresh)
        waiting += fresh


def _is_constant(name: str, makers: dict[str, onnx.NodeProto], constants: set[str]) -> bool:
    """Whether a tensor does not depend on the model's inputs."""
    if name in constants or not name:
        return True
    node = makers.get(name)
    return node is not None and all(_is_constant(source, makers, constants) for source in node.input)


def _unfolded(name: str, makers: dict[str, onnx.NodeProto]) -> str:
    """The tensor [B, L, H] of which this one is another form."""
    while name in makers and makers[name].input and makers[name].op_type in _SAME | _FOLDS:
        name = makers[name].input[0]
    return name
