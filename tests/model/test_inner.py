"""Inner tensors are those of the checkpoint, whoever exported it, and reading them changes nothing else."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import quantize_dynamic
from tokenizers import Tokenizer
from transformers import AutoModelForQuestionAnswering

from model.engines import open_engine
from model.export import export
from model.inner import last_hidden
from model.inputs import input_names
from model.runtime import Model, ModelError
from project_config import ROOT, Settings
from squad_albert.files import sha256
from tests.model.tiny import write_checkpoint
from tests.tiny_model import INPUTS, write_albert, write_config, write_graph
from utils.squad import Question
from utils.windows import Windows, build_windows

SMALL = Settings(max_length=96, overlap=16, max_question_tokens=24, batch_tokens=512, threads=1)
VINO = SMALL.model_copy(update={"engine": "openvino"})
WIDTH = 6


@pytest.fixture
def windows(questions: list[Question], tokenizer: Tokenizer) -> Windows:
    return build_windows(questions, tokenizer, SMALL, cache=False)


def inputs_of(windows: Windows) -> dict[str, torch.Tensor]:
    rows = np.arange(len(windows))
    values = (windows.input_ids, windows.attention_mask(rows), windows.token_type_ids(rows))
    return {name: torch.tensor(np.asarray(value, np.int64)) for name, value in zip(INPUTS, values, strict=True)}


def hidden_of_checkpoint(checkpoint: Path, windows: Windows) -> np.ndarray:
    model = AutoModelForQuestionAnswering.from_pretrained(checkpoint, attn_implementation="eager").eval()
    inputs = {name: value for name, value in inputs_of(windows).items() if name in input_names(model)}
    with torch.no_grad():
        return model(**inputs, output_hidden_states=True).hidden_states[-1].numpy()


def compare(model: Model, windows: Windows, expected: np.ndarray) -> None:
    """Every real token of every window has the expected vector."""
    seen = []
    for batch in model.outputs(windows):
        [hidden] = batch.inner
        length = batch.logits.shape[1]
        assert hidden.shape == (len(batch.at), length, expected.shape[2])
        assert hidden.dtype == np.float32
        real = windows.attention_mask(batch.at)[:, :length] > 0
        np.testing.assert_allclose(hidden[real], expected[batch.at, :length][real], atol=2e-4)
        seen += batch.at.tolist()
    assert sorted(seen) == list(range(len(windows)))
    assert expected.std() > 0.1


@pytest.mark.parametrize("architecture", ["albert", "bert", "distilbert"])
def test_the_last_hidden_layer_of_our_exports(architecture, tokenizer, windows, tmp_path):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", architecture, tokenizer)
    export(str(checkpoint), tmp_path / "out")
    compare(Model(tmp_path / "out", SMALL, last_hidden), windows, hidden_of_checkpoint(checkpoint, windows))


@pytest.mark.parametrize("architecture", ["albert", "distilbert", "roberta"])
def test_the_last_hidden_layer_of_files_with_start_and_end_logits(architecture, tokenizer, windows, tmp_path):
    """As the exporters of transformers and optimum write them: integer inputs, two outputs, fused where they can."""
    checkpoint = write_checkpoint(tmp_path / "checkpoint", architecture, tokenizer)
    model = AutoModelForQuestionAnswering.from_pretrained(checkpoint, attn_implementation="eager").eval()
    model.config.return_dict = False
    names = input_names(model)
    path = tmp_path / "model.onnx"
    example = {name: value[:2, :9] for name, value in inputs_of(windows).items() if name in names}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch: the exporter is the old one, and shapes are traced
        torch.onnx.export(
            model,
            (example,),
            str(path),
            input_names=names,
            output_names=["start_logits", "end_logits"],
            dynamic_axes={name: {0: "batch", 1: "length"} for name in [*names, "start_logits", "end_logits"]},
            opset_version=17,
            dynamo=False,
        )
    engine = open_engine(path, SMALL, last_hidden(path))
    feed: Any = {name: value.numpy() for name, value in inputs_of(windows).items() if name in names}
    start, end, hidden = engine.run_inner(feed)
    assert start.shape == end.shape == hidden.shape[:2]
    real = feed["attention_mask"] > 0
    np.testing.assert_allclose(hidden[real], hidden_of_checkpoint(checkpoint, windows)[real], atol=2e-4)


def test_the_bundled_model_has_one():
    [name] = last_hidden(ROOT / "model" / "albert" / "model.onnx")
    assert name


@pytest.fixture(scope="module")
def albert(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("albert")
    return folder, write_albert(folder, tokenizer)


def hidden_of_torch(model: Any, windows: Windows) -> np.ndarray:
    inputs = inputs_of(windows)
    with torch.no_grad():
        embedded = model.albert.albert.embeddings(inputs["input_ids"], token_type_ids=inputs["token_type_ids"])
        bias = (1 - inputs["attention_mask"].float())[:, None, None, :] * -1e4
        return model.albert.albert.encoder(embedded, attention_mask=bias)[0].numpy()


@pytest.mark.parametrize("settings", [SMALL, VINO])
def test_reading_it_leaves_logits_and_file_alone(albert, windows, settings):
    if settings is VINO:
        pytest.importorskip("openvino", reason="the extra `fast` is not installed")
    folder, torch_model = albert
    before = sha256(folder / "model.onnx")
    with_hidden = Model(folder, settings, last_hidden)
    np.testing.assert_array_equal(with_hidden.logits(windows), Model(folder, settings).logits(windows))
    compare(with_hidden, windows, hidden_of_torch(torch_model, windows))
    assert sha256(folder / "model.onnx") == before
    assert all(batch.inner == [] for batch in Model(folder, settings).outputs(windows))


def test_rows_can_be_chosen(albert, windows):
    rows = np.array([4, 1, 3])
    model = Model(albert[0], SMALL, last_hidden)
    whole = np.zeros((len(windows), windows.max_length, 16), np.float32)
    for batch in model.outputs(windows):
        whole[batch.at, : batch.logits.shape[1]] = batch.inner[0]
    for batch in model.outputs(windows, rows):
        for at, hidden in zip(batch.at, batch.inner[0], strict=True):
            size = windows.length[rows[at]]
            np.testing.assert_allclose(hidden[:size], whole[rows[at], :size], atol=1e-5)


@pytest.mark.parametrize("settings", [SMALL, VINO])
def test_weights_may_lie_in_a_file_beside_the_graph(albert, windows, tmp_path, settings, tokenizer):
    if settings is VINO:
        pytest.importorskip("openvino", reason="the extra `fast` is not installed")
    folder, torch_model = albert
    write_config(tmp_path, tokenizer)
    onnx.save(
        onnx.load(folder / "model.onnx"),
        tmp_path / "model.onnx",
        save_as_external_data=True,
        location="weights.bin",
        size_threshold=64,
    )
    compare(Model(tmp_path, settings, last_hidden), windows, hidden_of_torch(torch_model, windows))


def test_quantised_products_count(albert, windows, tmp_path):
    folder, torch_model = albert
    quantize_dynamic(folder / "model.onnx", tmp_path / "model.onnx")
    assert "MatMulInteger" in {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
    [name] = last_hidden(tmp_path / "model.onnx")
    engine = open_engine(tmp_path / "model.onnx", SMALL, [name])
    feed = {key: value.numpy().astype(np.float32) for key, value in inputs_of(windows).items()}
    _, hidden = engine.run_inner(feed)
    expected = hidden_of_torch(torch_model, windows)
    assert np.corrcoef(hidden.ravel(), expected.ravel())[0, 1] > 0.9


def write_product(path: Path, folded: bool, heads: int) -> np.ndarray:
    """A graph whose hidden tensor is the ids times 1 to 6, with one projection to two logits or two to one each."""
    weights = np.random.default_rng(1).standard_normal((WIDTH, 2)).astype(np.float32)
    constants = [
        numpy_helper.from_array(np.arange(1, WIDTH + 1, dtype=np.float32)[None], "spread"),
        numpy_helper.from_array(np.array([-1], np.int64), "last"),
        numpy_helper.from_array(np.array([-1, WIDTH], np.int64), "rows"),
        numpy_helper.from_array(np.zeros(2, np.float32), "bias"),
    ]
    nodes = [
        helper.make_node("Unsqueeze", ["input_ids", "last"], ["column"]),
        helper.make_node("MatMul", ["column", "spread"], ["hidden"]),
    ]
    if folded:
        constants += [numpy_helper.from_array(weights.T.copy(), "w"), numpy_helper.from_array(np.array([0, 2]), "two")]
        nodes += [
            helper.make_node("Shape", ["input_ids"], ["shape"]),
            helper.make_node("Concat", ["shape", "pair"], ["whole"], axis=0),
            helper.make_node("Reshape", ["hidden", "rows"], ["flat"]),
            helper.make_node("Gemm", ["flat", "w", "bias"], ["product"], transB=1),
            helper.make_node("Reshape", ["product", "whole"], ["logits"]),
        ]
        constants.append(numpy_helper.from_array(np.array([2], np.int64), "pair"))
    elif heads == 1:
        constants.append(numpy_helper.from_array(weights, "w"))
        nodes.append(helper.make_node("MatMul", ["hidden", "w"], ["logits"]))
    else:
        for side in (0, 1):
            constants.append(numpy_helper.from_array(weights[:, side : side + 1].copy(), f"w{side}"))
            nodes.append(helper.make_node("MatMul", ["hidden", f"w{side}"], [f"side{side}"]))
        nodes.append(helper.make_node("Concat", ["side0", "side1"], ["logits"], axis=2))
    graph = helper.make_graph(
        nodes,
        "product",
        [helper.make_tensor_value_info("input_ids", TensorProto.FLOAT, ["batch", "length"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "length", 2])],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), path)
    return weights


@pytest.mark.parametrize(("folded", "heads"), [(False, 1), (False, 2), (True, 1)])
def test_a_projection_may_be_written_in_several_ways(tmp_path, folded, heads):
    weights = write_product(tmp_path / "model.onnx", folded, heads)
    assert last_hidden(tmp_path / "model.onnx") == ["hidden"]
    engine = open_engine(tmp_path / "model.onnx", SMALL, ["hidden"])
    logits, hidden = engine.run_inner({"input_ids": np.array([[1, 2, 3]], np.float32)})
    np.testing.assert_allclose(hidden @ weights, logits, rtol=1e-5)
    assert hidden.shape == (1, 3, WIDTH)


def test_a_graph_without_a_projection_is_refused(tmp_path, tokenizer):
    write_graph(tmp_path, tokenizer)
    with pytest.raises(ModelError, match=r"model\.onnx has no last hidden layer .*no product .*squad-albert export"):
        Model(tmp_path, SMALL, last_hidden)


def test_projections_of_different_tensors_are_refused(tmp_path):
    write_product(tmp_path / "model.onnx", False, 2)
    model = onnx.load(tmp_path / "model.onnx")
    model.graph.node.insert(2, helper.make_node("Neg", ["hidden"], ["other"]))
    next(node for node in model.graph.node if node.output[0] == "side1").input[0] = "other"
    onnx.save(model, tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="2 tensors yield the logits"):
        last_hidden(tmp_path / "model.onnx")


@pytest.mark.parametrize("settings", [SMALL, VINO])
def test_unknown_tensors_and_damaged_files_are_named(albert, tmp_path, settings):
    if settings is VINO:
        pytest.importorskip("openvino", reason="the extra `fast` is not installed")
    with pytest.raises(ModelError, match=r"(?s)no inner tensor nothing|cannot be loaded: .*'nothing' was not found"):
        open_engine(albert[0] / "model.onnx", settings, ["nothing"])
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    with pytest.raises(ModelError, match="cannot be loaded"):
        last_hidden(tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="cannot be loaded"):
        last_hidden(tmp_path / "none.onnx")
