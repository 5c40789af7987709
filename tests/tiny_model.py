"""Model folders made in code: a random ALBERT, and graphs that are odd on purpose."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper
from tokenizers import Tokenizer
from transformers import AlbertConfig, AlbertForQuestionAnswering

INPUTS = ("input_ids", "attention_mask", "token_type_ids")


class SpanModel(torch.nn.Module):
    """ALBERT as the platform wants it: three float32 inputs ``[B, L]``, one output ``[B, L, 2]``."""

    def __init__(self, config: AlbertConfig) -> None:
        super().__init__()
        self.albert = AlbertForQuestionAnswering(config)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        hidden = self.albert.albert.embeddings(ids.long(), token_type_ids=types.long())
        bias = (1 - mask)[:, None, None, :] * -1e4
        output = self.albert.albert.encoder(hidden, attention_mask=bias)
        return self.albert.qa_outputs(output[0])


def write_albert(
    folder: Path, tokenizer: Tokenizer, positions: int = 384, seed: int = 5, vocabulary: int | None = None
) -> SpanModel:
    """Writes a model folder with a random two-layer ALBERT, and returns the same model in torch."""
    vocabulary = vocabulary or tokenizer.get_vocab_size()
    config = AlbertConfig(
        vocab_size=vocabulary,
        embedding_size=16,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=positions,
        initializer_range=0.4,
        attn_implementation="eager",
    )
    torch.manual_seed(seed)
    model = SpanModel(config).eval()
    folder.mkdir(parents=True, exist_ok=True)
    axes = {name: {0: "batch", 1: "length"} for name in (*INPUTS, "logits")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch: the exporter is the old one, and shapes are traced
        torch.onnx.export(
            model,
            tuple(torch.ones(2, 7) for _ in INPUTS),
            str(folder / "model.onnx"),
            input_names=list(INPUTS),
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=14,
            dynamo=False,
        )
    write_config(folder, tokenizer, positions, vocab_size=vocabulary)
    return model


def write_config(folder: Path, tokenizer: Tokenizer, positions: int = 384, **other: Any) -> None:
    """Writes the two small files of a model folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"vocab_size": tokenizer.get_vocab_size(), "max_position_embeddings": positions, **other}
    (folder / "config.json").write_text(json.dumps(config))


def write_graph(
    folder: Path,
    tokenizer: Tokenizer,
    *,
    inputs: Sequence[str] = INPUTS,
    dtype: int = TensorProto.FLOAT,
    shape: Sequence[str | int] = ("batch", "length"),
    output_shape: Sequence[str | int] = ("batch", "length", 2),
    more_outputs: Sequence[str] = (),
    axis: int = 2,
    twice: bool = False,
) -> None:
    """Writes a model folder whose start logits are the token ids and whose end logits are minus them."""
    nodes = [
        helper.make_node("Cast", [inputs[0]], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Neg", ["ids"], ["minus"]),
        helper.make_node("Unsqueeze", ["ids", "axis"], ["start"]),
        helper.make_node("Unsqueeze", ["minus", "axis"], ["end"]),
        helper.make_node("Concat", ["start", "end"], ["both" if twice else "logits"], axis=axis),
    ]
    constants = [helper.make_tensor("axis", TensorProto.INT64, [1], [axis])]
    if twice:
        nodes.append(helper.make_node("Concat", ["both", "both"], ["logits"], axis=1))
    nodes += [helper.make_node("Identity", ["ids"], [name]) for name in more_outputs]
    graph = helper.make_graph(
        nodes,
        "odd",
        [helper.make_tensor_value_info(name, dtype, list(shape)) for name in inputs],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, list(output_shape)),
            *(helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape)) for name in more_outputs),
        ],
        constants,
    )
    write_config(folder, tokenizer)
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8), folder / "model.onnx"
    )
