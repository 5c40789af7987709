"""What computes an exported model: ONNX Runtime, or OpenVINO, which is the extra ``fast``, behind one small interface.

An engine takes float32 inputs by name and gives float32 logits, whatever it computes in between. It can also give
tensors from inside of the model, which it makes outputs in memory; the file stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as states

from project_config import ProjectError, Settings
from utils.signature import Session, Tensor

if TYPE_CHECKING:
    import onnx

Float = NDArray[np.float32]


class ModelError(ProjectError):
    """A model folder is missing or damaged, its model does not fit the windows, or its engine cannot be had."""


class Engine(Session, Protocol):
    """A loaded model file. May be called from several threads."""

    name: str  # with version and precision: on these the last digits of the logits depend
    failures: tuple[type[Exception], ...]  # what ``run`` raises when the model fails on a batch

    def run(self, feed: Mapping[str, Float]) -> Float:
        """The model's one output, float32 ``[B, L, 2]``, for its inputs by name, float32 ``[B, L]`` each."""

    def run_inner(self, feed: Mapping[str, Float]) -> list[Float]:
        """The same, and then the inner tensors that were asked for, float32."""


def open_engine(path: Path, settings: Settings, inner: Sequence[str] = ()) -> Engine:
    """The engine that the settings name, with a model file loaded.

    Args:
        path: an ONNX file.
        settings: ``engine``, ``precision`` and ``threads``.
        inner: names of tensors inside of the model that ``run_inner`` gives, too.

    Raises:
        ModelError: if the file cannot be loaded, has no such tensors, or the engine is not installed or lacks the
            precision.
    """
    threads = settings.threads or cores()
    if settings.engine == "openvino" or settings.precision == "bf16":
        return OpenVino(path, settings.precision, threads, inner)
    return OnnxRuntime(path, threads, inner)


def read_proto(path: Path) -> onnx.ModelProto:
    """An ONNX file as it is, weights that lie in files beside it left there.

    Raises:
        ModelError: if it cannot be read.
    """
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load(path, load_external_data=False)
    except (OSError, DecodeError) as error:
        raise _not_loaded(path, error) from error
    if not model.graph.output:
        raise ModelError(f"{path} holds no model: it gives nothing. Export or copy the model again.")
    return model


def weight_files(path: Path) -> list[str]:
    """The files beside an ONNX file that hold weights of it, relative to its folder, sorted.

    Raises:
        ModelError: if it cannot be read, or such a file is not in its folder.
    """
    names = sorted(
        {entry.value for tensor in _tensors(read_proto(path).graph) for entry in tensor.external_data
         if entry.key == "location"}
    )  # fmt: skip
    for name in names:
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or not (path.parent / place).is_file():
            raise ModelError(
                f"{path} has weights in {name!r:.100}, which is not in its folder. Export or copy the model again."
            )
    return names


def _tensors(graph: onnx.GraphProto) -> Iterator[onnx.TensorProto]:
    """The constants of a graph, and of those that its nodes have inside of them."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for attribute in (attribute for node in graph.node for attribute in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for inner in (attribute.g, *attribute.graphs):
            yield from _tensors(inner)


class OnnxRuntime:
    """ONNX Runtime, in fp32."""

    failures: tuple[type[Exception], ...] = (
        states.EPFail,
        states.Fail,
        states.InvalidArgument,
        states.InvalidGraph,
        states.InvalidProtobuf,
        states.NotFound,
        states.NotImplemented,
        states.RuntimeException,
    )  # it gives its errors no common class

    def __init__(self, path: Path, threads: int, inner: Sequence[str] = ()) -> None:
        self.name = f"onnxruntime {onnxruntime.__version__} fp32"
        options = session_options(path, threads)
        self._inner = len(inner)
        model = _with_outputs(path, inner) if inner else str(path)
        try:
            self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except self.failures as error:
            raise _not_loaded(path, error) from error

    def get_inputs(self) -> Sequence[Tensor]:
        """What the model takes, in order."""
        return self._session.get_inputs()  # type: ignore[no-any-return]

    def get_outputs(self) -> Sequence[Tensor]:
        """What the model gives, in order."""
        outputs: Sequence[Tensor] = self._session.get_outputs()
        return outputs[: len(outputs) - self._inner]

    def run(self, feed: Mapping[str, Float]) -> Float:
        """Float32 logits ``[B, L, 2]``."""
        logits: Float = self._session.run(None, dict(feed))[0]
        return logits

    def run_inner(self, feed: Mapping[str, Float]) -> list[Float]:
        """Float32 logits ``[B, L, 2]`` and the inner tensors."""
        return [np.asarray(value, np.float32) for value in self._session.run(None, dict(feed))]


def session_options(path: Path, threads: int) -> onnxruntime.SessionOptions:
    """How ONNX Runtime is to load and run a model file."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = False  # it would keep a plan for every shape that it meets
    # Threads that wait in a loop would take the processor from what is decoded beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # its errors are raised, and told once
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(path.parent))
    return options


class OpenVino:
    """OpenVINO, in fp32, or in bf16 on a processor that has it."""

    failures: tuple[type[Exception], ...] = (RuntimeError,)

    def __init__(self, path: Path, precision: str, threads: int, inner: Sequence[str] = ()) -> None:
        if find_spec("openvino") is None:
            raise ModelError(
                "engine openvino (and with it precision bf16) needs openvino, which is not installed. Install the "
                "extra in the checkout: `make install-fast`, or pip install -e '.[fast]'; or set engine: onnxruntime"
            )
        import openvino

        core = openvino.Core()
        if precision == "bf16" and not has_bf16():
            raise ModelError("This processor has no bf16 (avx512_bf16 or amx_bf16). Set precision: fp32.")
        self.name = f"openvino {openvino.__version__} {precision}"
        self._lock = Lock()
        try:
            model = core.read_model(path)
            self._inputs = [_port(port) for port in model.inputs]
            self._integers = _take_integers(model, openvino.Type.i32)
            self._outputs = [_port(port) for port in model.outputs]
            if inner:
                model.add_outputs(list(inner))
            options = {
                "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
                "INFERENCE_NUM_THREADS": threads,
                "PERFORMANCE_HINT": "LATENCY",  # one batch at a time, on all threads
            }
            self._request = core.compile_model(model, "CPU", options).create_infer_request()
        except self.failures as error:
            raise _not_loaded(path, error) from error

    def get_inputs(self) -> Sequence[Tensor]:
        """What the model takes, in order."""
        return self._inputs

    def get_outputs(self) -> Sequence[Tensor]:
        """What the model gives, in order."""
        return self._outputs

    def run(self, feed: Mapping[str, Float]) -> Float:
        """Float32 logits ``[B, L, 2]``."""
        return self.run_inner(feed)[0]

    def run_inner(self, feed: Mapping[str, Float]) -> list[Float]:
        """Float32 logits ``[B, L, 2]`` and the inner tensors."""
        inputs = {name: value.astype(np.int32) if name in self._integers else value for name, value in feed.items()}
        with self._lock:  # a request serves one caller at a time
            found = self._request.infer(inputs, share_inputs=True)
            return [np.asarray(found[number], np.float32) for number in range(len(found))]


@dataclass
class _Port:
    """An input or output, in ONNX Runtime's words."""

    name: str
    type: str
    shape: Sequence[int | str | None]


def _port(port: Any) -> _Port:
    kind = port.get_element_type().get_type_name()
    shape = [None if size.is_dynamic else size.get_length() for size in port.get_partial_shape()]
    return _Port(port.get_any_name(), f"tensor({'float' if kind == 'f32' else kind})", shape)


def _take_integers(model: Any, integer: Any) -> set[str]:
    """Lets the model take the inputs that it casts as they are; OpenVINO would round them to bf16 before the cast.

    A token id over 256 would become that of its neighbour, without any error.
    """
    cast = [
        port
        for port in model.inputs
        if all(target.get_node().get_type_name() == "Convert" for target in port.get_target_inputs())
    ]
    names = {port.get_any_name() for port in cast}
    for port in cast:
        port.get_node().set_element_type(integer)
    model.validate_nodes_and_infer_types()
    return names


def _with_outputs(path: Path, names: Sequence[str]) -> bytes:
    """A model file whose inner tensors of these names are outputs, after its own."""
    import onnx

    model = read_proto(path)
    missing = set(names) - {name for node in model.graph.node for name in node.output}
    if missing:
        raise ModelError(f"{path} has no inner tensor {' and no '.join(sorted(missing))}. Name one of its own.")
    model.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    return bytes(model.SerializeToString())


def _not_loaded(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path} cannot be loaded: {str(error).strip()} Export or copy the model again.")


def has_bf16() -> bool:
    """Whether OpenVINO, which must be installed, can compute in bf16 on this processor."""
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def cores() -> int:
    """The cores that this process may use, which containers and job schedulers limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
