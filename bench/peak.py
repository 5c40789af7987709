"""How fast a machine multiplies matrices: the yardstick of every share of its peak.

Chains of products at a model's own shapes, so that what goes in and out of a library is little beside the products.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper, numpy_helper

Float = NDArray[np.float32]
Product = Callable[[], Float]

PRODUCTS = 8  # in a chain
SECONDS = 1.0


def best_products(config: Mapping[str, int], tokens: int, precision: str, threads: int) -> dict[str, float]:
    """The best sustained matrix product of each library, in FLOP/s.

    Args:
        config: ``hidden_size`` and ``intermediate_size`` of a model.
        tokens: rows of the left matrix, as of a batch.
        precision: "fp32" or "bf16".
        threads: of every library.
    """
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    libraries = {"torch": torch_chain, "openvino": openvino_chain}
    if precision == "fp32":
        libraries["onnxruntime"] = onnxruntime_chain
    return {
        name: max(
            sustained(make(left, weights, precision, threads), left, weights)
            for left, weights in (chain(tokens, widths) for widths in ((hidden, hidden), (hidden, inner)))
        )
        for name, make in libraries.items()
    }


def chain(rows: int, widths: tuple[int, int]) -> tuple[Float, list[Float]]:
    """A matrix and ``PRODUCTS`` weights that lead from one width to the other and back, values staying about 1."""
    random = np.random.default_rng(0)
    shapes = [widths, widths[::-1]] * (PRODUCTS // 2)
    weights = [random.standard_normal(shape, np.float32) / np.float32(np.sqrt(shape[0])) for shape in shapes]
    return random.standard_normal((rows, widths[0]), np.float32), weights


def sustained(product: Product, left: Float, weights: Sequence[Float]) -> float:
    """FLOP/s of a chain that is repeated for a while."""
    product()
    count, began = 0, time.perf_counter()
    while (seconds := time.perf_counter() - began) < SECONDS:
        product()
        count += 1
    return 2.0 * count * len(left) * sum(weight.size for weight in weights) / seconds


def torch_chain(left: Float, weights: Sequence[Float], precision: str, threads: int) -> Product:
    """The chain in torch."""
    import torch

    torch.set_num_threads(threads)
    kind = {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]
    first, others = torch.from_numpy(left).to(kind), [torch.from_numpy(weight).to(kind) for weight in weights]

    def product() -> Float:
        value = first
        for weight in others:
            value = value @ weight
        result: Float = value.float().numpy()
        return result

    return product


def openvino_chain(left: Float, weights: Sequence[Float], precision: str, threads: int) -> Product:
    """The chain in OpenVINO."""
    import openvino
    from openvino import opset13

    parameter = value = opset13.parameter(list(left.shape), np.float32)
    for weight in weights:
        value = opset13.matmul(value, weight, False, False)
    options = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    model = openvino.Model([value], [parameter])
    request = openvino.Core().compile_model(model, "CPU", options).create_infer_request()

    def product() -> Float:
        result: Float = request.infer([left], share_inputs=True, share_outputs=True)[0]
        return result

    return product


def onnxruntime_chain(left: Float, weights: Sequence[Float], precision: str, threads: int) -> Product:
    """The chain in ONNX Runtime, which knows no other precision than fp32 here."""
    names = [f"value{number}" for number in range(len(weights) + 1)]
    graph = helper.make_graph(
        [helper.make_node("MatMul", [names[n], f"weight{n}"], [names[n + 1]]) for n in range(len(weights))],
        "chain",
        [helper.make_tensor_value_info(names[0], onnx.TensorProto.FLOAT, list(left.shape))],
        [helper.make_tensor_value_info(names[-1], onnx.TensorProto.FLOAT, [len(left), weights[-1].shape[1]])],
        [numpy_helper.from_array(weight, f"weight{n}") for n, weight in enumerate(weights)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def product() -> Float:
        result: Float = session.run(None, {names[0]: left})[0]
        return result

    return product
