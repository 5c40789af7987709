from __future__ import annotations

import json
from typing import Any

import pytest

from bench import operations
from bench.evaluate import model_flops
from utils.windows import build_windows

from .conftest import SETTINGS


def event(operation: str, microseconds: int, inputs: list[list[int]], output: list[int]) -> dict[str, Any]:
    shapes = {"input_type_shape": [{"float": shape} for shape in inputs], "output_type_shape": [{"float": output}]}
    return {"dur": microseconds, "args": {"op_name": operation, **shapes}}


def test_every_operation_of_the_model_is_counted(albert, questions, tokenizer):
    alone = SETTINGS.model_copy(update={"batch_tokens": 1})  # a window a batch, so that no padding is computed
    events = operations.node_events(albert, questions, alone)
    config = json.loads((albert / "config.json").read_text())
    lengths = build_windows(questions, tokenizer, alone, cache=False).length.tolist()
    assert sum(map(operations.flops_of, events)) == model_flops(config, lengths)
    layers = config["num_hidden_layers"] * len(lengths)
    kinds = [operations.kind_of(event) for event in events]
    assert [kinds.count(kind) for kind in (operations.ATTENTION, "Softmax")] == [2 * layers, layers]


def test_the_lines_tell_what_costs_most_and_the_bound():
    events = [
        event("Gelu", 300, [[10, 40]], [10, 40]),
        event("MatMul", 1000, [[10, 100]], [10, 50]),  # 100,000 operations
        event("FusedMatMul", 695, [[2, 10, 25], [2, 10, 25]], [2, 10, 10]),  # 10,000
        event("Shape", 4, [[10]], [1]),
        event("Cast", 1, [[10]], [10]),
    ]
    assert [line.split() for line in operations.lines(events, 1e9)] == [
        ["calls", "share", "of", "time", "GFLOP/s"],
        ["products", "with", "weights", "1", "50.0%", "0"],
        ["products", "of", "attention", "1", "34.8%", "0"],
        ["Gelu", "1", "15.0%"],
        ["all", "others", "2", "0.2%"],
        "the machine's best matrix product: 1 GFLOP/s".split(),
        "were all products as fast, and all else free: 18.18 times as fast".split(),
    ]


def test_products_tell_their_speed():
    line = operations.lines([event("MatMul", 1000, [[100, 1000]], [100, 250])], 1e11)[1]
    assert line.split()[-1] == "50"
    assert operations.flops_of(event("Add", 1, [[10, 10], [10, 10]], [10, 10])) == 0


def test_the_command(albert, questions, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(operations, "BUILD", tmp_path)
    monkeypatch.setattr(operations, "measure", lambda engine, job: {"flops": {engine: 1e9}})
    monkeypatch.setattr(operations, "load_file", lambda path, warnings: questions)
    monkeypatch.setattr("sys.argv", ["operations", "--model", str(albert), "--questions", "3"])
    operations.main()
    printed = capsys.readouterr().out
    assert "3 questions of the test split" in printed
    assert "products with weights" in printed


@pytest.mark.parametrize(("operation", "kind"), [("FusedGemm", "FusedGemm"), ("MatMul", operations.WEIGHTS)])
def test_what_is_no_matrix_product_keeps_its_name(operation, kind):
    assert operations.kind_of(event(operation, 1, [[1, 1]], [1, 1])) == kind
