"""The attention that is read from an exported file is the checkpoint's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper
from tokenizers import Tokenizer
from transformers import AutoModelForQuestionAnswering

from model.attention import attention_tensors, open_attention, read_attention
from model.export import Exportable, _trace, share_weights
from model.inputs import input_names
from model.runtime import Model, ModelError
from project_config import Settings
from squad_albert.files import sha256
from tests.model.tiny import write_checkpoint
from tests.tiny_model import write_albert, write_graph
from utils.encoders import INPUT_NAMES
from utils.squad import Question
from utils.windows import Windows, build_windows

SMALL = Settings(max_length=96, overlap=16, max_question_tokens=24, threads=1)


@pytest.fixture
def windows(questions: list[Question], tokenizer: Tokenizer) -> Windows:
    return build_windows(questions, tokenizer, SMALL, cache=False)


@pytest.fixture(scope="module")
def albert(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    folder = tmp_path_factory.mktemp("albert")
    write_albert(folder, tokenizer)
    return folder


def trace(checkpoint: Path) -> Path:
    """Adds the ONNX file that ``export`` would write, also where the platform could not convert it."""
    file = checkpoint / "model.onnx"
    model = AutoModelForQuestionAnswering.from_pretrained(checkpoint, attn_implementation="eager").eval()
    _trace(Exportable(model).eval(), file, str(checkpoint))
    graph = onnx.load(file)
    share_weights(graph)
    onnx.save(graph, file)
    return file


def by_transformers(checkpoint: Path, windows: Windows, row: int) -> np.ndarray:
    model = AutoModelForQuestionAnswering.from_pretrained(checkpoint, attn_implementation="eager").eval()
    size = windows.length[row]
    values = (windows.input_ids[[row]], windows.attention_mask([row]), windows.token_type_ids([row]))
    inputs = {
        name: torch.tensor(value[:, :size].astype(np.int64))
        for name, value in zip(INPUT_NAMES, values, strict=True)
        if name in input_names(model)
    }
    with torch.no_grad():
        return torch.cat(model(**inputs, output_attentions=True).attentions).numpy()


@pytest.mark.parametrize("architecture", ["albert", "bert", "distilbert", "roberta"])
def test_weights_are_those_of_the_checkpoint(architecture, tokenizer, windows, tmp_path):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", architecture, tokenizer)
    file = trace(checkpoint)
    before = sha256(file)
    model = open_attention(checkpoint, SMALL)
    spread = []
    for row in (0, len(windows) - 1):
        weights, logits = read_attention(model, windows, row)
        size = int(windows.length[row])
        assert weights.shape == (2, 2, size, size)
        assert weights.dtype == np.float32
        np.testing.assert_allclose(weights, by_transformers(checkpoint, windows, row), atol=1e-5)
        np.testing.assert_allclose(weights.sum(axis=-1), 1, atol=1e-5)
        expected = Model(checkpoint, SMALL).logits(windows, np.array([row]))[0, :size]
        np.testing.assert_allclose(logits, expected, atol=1e-5)
        spread.append(np.abs(weights[0] - weights[1]).max())
    assert min(spread) > 0.02  # layers differ, so their order is told
    assert sha256(file) == before


def test_padding_of_a_model_of_fixed_length_is_left_out(albert, windows, tmp_path):
    shutil.copytree(albert, tmp_path / "fixed")
    graph = onnx.load(albert / "model.onnx")
    for tensor in (*graph.graph.input, *graph.graph.output):
        tensor.type.tensor_type.shape.dim[1].dim_value = SMALL.max_length
    onnx.save(graph, tmp_path / "fixed" / "model.onnx")
    row = int(np.argmin(windows.length))
    assert windows.length[row] < SMALL.max_length
    found = read_attention(open_attention(tmp_path / "fixed", SMALL), windows, row)
    for one, other in zip(found, read_attention(open_attention(albert, SMALL), windows, row), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_engine_and_precision_do_not_matter(albert, windows):
    fast = SMALL.model_copy(update={"precision": "bf16"})
    np.testing.assert_array_equal(
        read_attention(open_attention(albert, fast), windows, 0)[0],
        read_attention(open_attention(albert, SMALL), windows, 0)[0],
    )


def test_only_softmaxes_that_weigh_values_are_attention(tmp_path):
    nodes = [
        helper.make_node("Softmax", ["scores"], ["first"], axis=3),
        helper.make_node("Identity", ["first"], ["same"]),
        helper.make_node("MatMul", ["same", "values"], ["mixed"]),
        helper.make_node("Softmax", ["mixed"], ["second"], axis=-1),
        helper.make_node("MatMul", ["values", "second"], ["other side"]),
        helper.make_node("Softmax", ["mixed"], ["across"], axis=1),
        helper.make_node("MatMul", ["across", "values"], ["not tokens"]),
        helper.make_node("Softmax", ["mixed"], ["third"]),
        helper.make_node("MatMul", ["third", "values"], ["end"]),
        helper.make_node("Softmax", ["end"], ["answers"], axis=-1),
    ]
    given = [helper.make_tensor_value_info("answers", onnx.TensorProto.FLOAT, None)]
    onnx.save(helper.make_model(helper.make_graph(nodes, "odd", [], given)), tmp_path / "model.onnx")
    assert attention_tensors(tmp_path / "model.onnx") == ["first", "third"]


def test_a_model_without_attention_is_told(tmp_path, tokenizer):
    write_graph(tmp_path, tokenizer)
    with pytest.raises(ModelError, match=r"model\.onnx has no readable attention: .* with values\. Export"):
        open_attention(tmp_path, SMALL)


def test_fused_attention_is_named(tmp_path, tokenizer):
    write_graph(tmp_path, tokenizer)
    graph = onnx.load(tmp_path / "model.onnx")
    zeros = helper.make_tensor("zeros", TensorProto.FLOAT, [1, 1, 2], [0.0, 0.0])
    graph.graph.initializer.append(zeros)
    attention = helper.make_node(
        "MultiHeadAttention", ["zeros", "zeros", "zeros"], ["unused"], domain="com.microsoft", num_heads=1
    )
    graph.graph.node.append(attention)
    graph.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    onnx.save(graph, tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="and MultiHeadAttention computes attention in one piece"):
        open_attention(tmp_path, SMALL)


def test_attention_of_another_shape_is_told(tmp_path, tokenizer, windows):
    write_graph(tmp_path, tokenizer)
    graph = onnx.load(tmp_path / "model.onnx")
    softmax = [
        helper.make_node("Softmax", ["start"], ["weights"], axis=-1),
        helper.make_node("MatMul", ["weights", "one"], ["unused"]),
    ]
    graph.graph.node.extend(softmax)
    graph.graph.initializer.append(helper.make_tensor("one", TensorProto.FLOAT, [1, 1], [1.0]))
    onnx.save(graph, tmp_path / "model.onnx")
    model = open_attention(tmp_path, SMALL)
    with pytest.raises(ModelError, match=r"has the shapes \[\(1, (\d+), 1\)\], not \[1, heads, \1, \1\] in"):
        read_attention(model, windows, 0)


def test_a_model_that_fails_on_a_window_is_told(tmp_path, tokenizer, windows):
    write_albert(tmp_path, tokenizer, positions=32)
    (tmp_path / "config.json").write_text("{}")
    model = open_attention(tmp_path, SMALL)
    with pytest.raises(ModelError, match=r"(?s)model\.onnx fails on inputs .*Export the model again"):
        read_attention(model, windows, int(np.argmax(windows.length)))
