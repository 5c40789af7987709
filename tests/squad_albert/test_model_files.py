"""A model is all of its files, also those beside ``model.onnx`` that hold its weights."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model.inner import last_hidden
from model.runtime import Model, ModelError, weight_files
from project_config import Settings
from squad_albert.model_files import model_hashes


def weights_beside(path: Path) -> None:
    """Writes the model anew, with its weights in ``weights.bin``."""
    graph = onnx.load(path)
    onnx.save(graph, path, save_as_external_data=True, location="weights.bin", size_threshold=0)


@pytest.fixture
def folder(albert: Path, tmp_path: Path) -> Path:
    return shutil.copytree(albert, tmp_path / "model")


def test_weights_beside_the_model_belong_to_it(folder: Path) -> None:
    assert weight_files(folder / "model.onnx") == []
    assert list(model_hashes(folder)) == ["model.onnx", "tokenizer.json", "config.json"]
    weights_beside(folder / "model.onnx")
    before = model_hashes(folder)
    assert list(before) == ["model.onnx", "tokenizer.json", "config.json", "weights.bin"]
    weights = bytearray((folder / "weights.bin").read_bytes())
    weights[0] ^= 1
    (folder / "weights.bin").write_bytes(weights)
    after = model_hashes(folder)
    assert {name for name in before if before[name] != after[name]} == {"weights.bin"}


def test_constants_of_nodes_and_inner_graphs_count(tmp_path: Path) -> None:
    def beside(name: str) -> TensorProto:
        tensor = numpy_helper.from_array(np.ones(2, np.float32), name)
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=f"{name}.bin")
        tensor.external_data.add(key="offset", value="0")
        (tmp_path / f"{name}.bin").write_bytes(b"12345678")
        return tensor

    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])
    inner = helper.make_graph([helper.make_node("Constant", [], ["y"], value=beside("inner"))], "g", [], [output])
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    graph = helper.make_graph([node], "g", [], [output], [beside("outer")])
    onnx.save(helper.make_model(graph), tmp_path / "model.onnx")
    assert weight_files(tmp_path / "model.onnx") == ["inner.bin", "outer.bin"]


@pytest.mark.parametrize("place", ["../weights.bin", "/etc/passwd", "gone.bin"])
def test_weights_that_are_not_in_the_folder_are_told(folder: Path, place: str) -> None:
    weights_beside(folder / "model.onnx")
    (folder.parent / "weights.bin").write_bytes(b"1")
    graph = onnx.load(folder / "model.onnx", load_external_data=False)
    for tensor in graph.graph.initializer:
        tensor.external_data[0].value = place
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match=r"has weights in .*, which is not in its folder\. Export or copy"):
        model_hashes(folder)


@pytest.mark.parametrize("content", [b"", b"x", b"\x08\x07", b"\x00" * 100, b"half"])
@pytest.mark.parametrize("inner", [None, last_hidden])
def test_a_file_that_holds_no_model_is_told(folder: Path, content: bytes, inner: object) -> None:
    path = folder / "model.onnx"
    path.write_bytes(path.read_bytes()[:1000] if content == b"half" else content)
    small = Settings(max_length=64, overlap=16, max_question_tokens=24)
    with pytest.raises(ModelError, match=r"model\.onnx .*Export or copy the model again"):
        Model(folder, small, inner)  # type: ignore[arg-type]
