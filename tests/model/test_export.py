from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper, numpy_helper
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from transformers import AlbertConfig, AlbertForQuestionAnswering, AutoModelForQuestionAnswering

from model import export as exporting
from model.calibration import build_in
from model.export import CONVERTIBLE, MASKED, Exportable, ExportError, export, share_weights
from model.runtime import Model
from project_config import ROOT, Settings
from tests.model.tiny import tiny_settings, with_vocabulary, write_checkpoint
from utils.decoders import LOWEST
from utils.encoders import INPUT_NAMES
from utils.squad import Question
from utils.windows import Windows, build_windows

SMALL = Settings(max_length=96, overlap=16, max_question_tokens=24, threads=1)
FILES = {"model.onnx", "model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "export.json"}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    folder = write_checkpoint(tmp_path_factory.mktemp("albert") / "best", "albert", tokenizer)
    (folder / "README.md").write_text("# Owls")
    return folder


@pytest.fixture(scope="module")
def exported(checkpoint: Path) -> tuple[Path, dict[str, Any]]:
    """The folder of an export, not to be changed, and its report."""
    out = checkpoint.parent / "exported"
    return out, export(str(checkpoint), out)


@pytest.fixture
def windows(questions: list[Question], tokenizer: Tokenizer) -> Windows:
    return build_windows(questions, tokenizer, SMALL, cache=False)


def logits_of(folder: Path, windows: Windows) -> np.ndarray:
    return Model(folder, SMALL).logits(windows)


def test_all_that_belongs_to_the_model_is_there(exported, checkpoint):
    folder, report = exported
    assert {path.name for path in folder.iterdir()} == {*FILES, "README.md"}
    assert [path.name for path in folder.parent.glob(".*")] == []
    assert (folder / "README.md").read_text() == "# Owls"
    assert json.loads((folder / "export.json").read_text()) == report
    assert report["checkpoint"] == "/".join(checkpoint.parts[-2:])
    assert report["opset"] == 14
    assert report["bytes"] == (folder / "model.onnx").stat().st_size
    assert set(report["sha256"]) == {"model.onnx", "model.safetensors", "config.json", "tokenizer.json"}
    assert set(report["versions"]) == {"torch", "transformers", "onnx", "onnxruntime"}
    parity = report["parity"]
    assert parity["lengths"] == [96, 130]
    assert parity["questions"] == 24
    assert parity["windows"] > 48
    assert 0 <= parity["largest_difference"] < 1e-5


def test_half_precision_keeps_the_same_values_in_both_files(checkpoint, tmp_path, windows):
    model = AutoModelForQuestionAnswering.from_pretrained(checkpoint)
    build_in(model, 1.5)
    model.save_pretrained(tmp_path / "best")
    for path in checkpoint.glob("tokenizer*"):
        (tmp_path / "best" / path.name).write_bytes(path.read_bytes())
    report = export(str(tmp_path / "best"), tmp_path / "half", half=True)
    assert (report["weights"], report["temperature"]) == ("fp16", 1.5)
    weights = load_file(tmp_path / "half" / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    again = AutoModelForQuestionAnswering.from_pretrained(tmp_path / "half", dtype=torch.float32).eval()
    cut = Model(tmp_path / "half", SMALL).logits(windows, np.array([0]))[0, : windows.length[0], 0]
    length = int(windows.length[0])
    inputs = {"input_ids": torch.from_numpy(windows.input_ids[:1, :length].astype(np.int64)),
              "token_type_ids": torch.from_numpy(windows.token_type_ids([0])[:, :length].astype(np.int64))}  # fmt: skip
    with torch.no_grad():
        found = again(**inputs).start_logits[0].numpy()
    assert np.abs(cut - found).max() < 1e-5


def test_the_platform_can_take_the_file(exported):
    folder, report = exported
    graph = onnx.load(folder / "model.onnx")
    onnx.checker.check_model(graph, full_check=True)
    assert report["operations"].keys() <= CONVERTIBLE
    assert {node.domain for node in graph.graph.node} == {""}
    for tensor, last in [*((one, []) for one in graph.graph.input), (graph.graph.output[0], [2])]:
        kind = tensor.type.tensor_type
        assert kind.elem_type == onnx.TensorProto.FLOAT
        sizes = [size.dim_param or size.dim_value for size in kind.shape.dim]
        assert sizes == ["batch", "length", *last]
    assert [tensor.name for tensor in graph.graph.input] == list(INPUT_NAMES)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_answers_are_the_checkpoint_s_in_any_batch(exported, checkpoint, windows, rows):
    chosen = np.arange(rows) * 3
    found = Model(exported[0], SMALL).logits(windows, chosen)
    model = AutoModelForQuestionAnswering.from_pretrained(checkpoint).eval()
    for row, logits in zip(chosen, found, strict=True):
        length = int(windows.length[row])
        inputs = {
            "input_ids": windows.input_ids[row, :length],
            "token_type_ids": windows.token_type_ids([row])[0, :length],
        }
        with torch.no_grad():
            alone = model(**{name: torch.tensor(value[None].astype(np.int64)) for name, value in inputs.items()})
        assert np.abs(logits[:length, 0] - alone.start_logits[0].numpy()).max() < 1e-5
        assert np.abs(logits[:length, 1] - alone.end_logits[0].numpy()).max() < 1e-5


def test_no_number_in_the_file_can_spoil_a_gradient(exported, checkpoint):
    graph = onnx.load(exported[0] / "model.onnx")
    tensors = [*graph.graph.initializer]
    tensors += [attribute.t for node in graph.graph.node for attribute in node.attribute if attribute.HasField("t")]
    floats = [array for array in map(numpy_helper.to_array, tensors) if array.dtype == np.float32]
    assert min(array.min() for array in floats if array.size) == MASKED
    assert max(np.abs(array).max() for array in floats if array.size) <= -MASKED
    model = Exportable(AlbertForQuestionAnswering.from_pretrained(checkpoint, attn_implementation="eager"))
    mask = torch.tensor([[1.0, 1, 1, 0, 0]], requires_grad=True)
    model(torch.full((1, 5), 9.0), mask, torch.zeros(1, 5))[:, :3].sum().backward()
    assert mask.grad.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)


def test_layers_that_share_weights_share_them_in_the_file(exported):
    graph = onnx.load(exported[0] / "model.onnx")
    sizes = [int(np.prod(tensor.dims)) for tensor in graph.graph.initializer]
    used = [name for node in graph.graph.node for name in node.input]
    inner = [tensor.name for tensor in graph.graph.initializer if sorted(tensor.dims) == [16, 32]]
    assert sum(sizes) <= exported[1]["parameters"] + 64
    assert sorted(used.count(name) for name in inner) == [2, 2]  # up and down, in both layers


def test_equal_weights_become_one():
    tensors = [
        numpy_helper.from_array(np.full(3, value, np.float32), name)
        for name, value in zip("abc", (1, 2, 1), strict=True)
    ]
    nodes = [helper.make_node("Sum", ["a", "b", "c"], ["y"])]
    graph = helper.make_model(helper.make_graph(nodes, "sums", [], [], tensors))
    share_weights(graph)
    assert [tensor.name for tensor in graph.graph.initializer] == ["a", "b"]
    assert list(graph.graph.node[0].input) == ["a", "b", "a"]


def test_albert_of_the_base_size_stays_small(tmp_path, tokenizer, monkeypatch):
    monkeypatch.setattr(exporting, "PARITY_LENGTHS", (96,))
    monkeypatch.setattr(exporting, "PARITY_QUESTIONS", 1)
    size = {"hidden_size": 768, "num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
    large = with_vocabulary(tokenizer, 30_000)
    checkpoint = write_checkpoint(
        tmp_path / "base", "albert", large, **size, embedding_size=128, initializer_range=0.02
    )
    report = export(str(checkpoint), tmp_path / "out")
    assert report["parameters"] > 11e6
    assert report["bytes"] < 50e6


@pytest.mark.parametrize("activation", ["gelu_new", "gelu_pytorch_tanh"])
def test_gelu_is_computed_at_once(tmp_path, tokenizer, activation):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "albert", tokenizer, hidden_act=activation)
    export(str(checkpoint), tmp_path / "out")
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(tmp_path / "out" / "model.onnx", options, providers=["CPUExecutionProvider"])
    operations = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    assert (operations["FastGelu"], operations["Tanh"]) == (2, 0)  # one a layer


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "electra"])
def test_other_plain_architectures(tmp_path, tokenizer, windows, architecture):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", architecture, tokenizer)
    report = export(str(checkpoint), tmp_path / "out")
    assert "Erf" in report["operations"]
    assert np.isfinite(logits_of(tmp_path / "out", windows)).all()


@pytest.mark.parametrize("architecture", ["deberta-v2", "roberta"])
def test_architectures_whose_operations_the_platform_lacks(tmp_path, tokenizer, architecture):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", architecture, tokenizer)
    with pytest.raises(ExportError, match=rf"\({architecture}\) (needs|cannot be traced).*such as ALBERT, BERT"):
        export(str(checkpoint), tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def sabotage(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Lets the traced file be changed before it is looked at."""
    share = exporting.share_weights

    def shared(graph: onnx.ModelProto) -> None:
        share(graph)
        change(graph)

    monkeypatch.setattr(exporting, "share_weights", shared)


def biased(graph: onnx.ModelProto, bias: Any) -> None:
    """Adds something to the logits."""
    node = next(node for node in graph.graph.node if "logits" in node.output)
    node.output[0] = "plain"
    graph.graph.initializer.append(numpy_helper.from_array(np.asarray(bias, np.float32), "bias"))
    graph.graph.node.append(helper.make_node("Add", ["plain", "bias"], ["logits"]))


def foreign(graph: onnx.ModelProto) -> None:
    next(node for node in graph.graph.node if node.op_type == "Tanh").op_type = "Sin"


def of_one_batch_size(graph: onnx.ModelProto) -> None:
    node = next(node for node in graph.graph.node if "logits" in node.output)
    node.output[0] = "plain"
    graph.graph.initializer.append(numpy_helper.from_array(np.array([2, -1, 2]), "shape"))
    graph.graph.node.append(helper.make_node("Reshape", ["plain", "shape"], ["logits"]))


def of_whole_numbers(graph: onnx.ModelProto) -> None:
    graph.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64


def mask_turned_around(graph: onnx.ModelProto) -> None:
    for node in graph.graph.node:
        for position, name in enumerate(node.input):
            if name == "token_type_ids":
                node.input[position] = "attention_mask"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda graph: biased(graph, [0.0, 2e-4]), "differ from the checkpoint's by 0.0002 at windows of 96 tokens"),
        (lambda graph: biased(graph, [float("nan"), 0]), "differ from the checkpoint's by nan"),
        (mask_turned_around, "differ from the checkpoint's by"),
        (foreign, r"needs Sin, which the platform's converter does not know"),
        (of_one_batch_size, "does not run as the platform runs it"),
        (of_whole_numbers, "does not run as the platform runs it"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_never_written(checkpoint, tmp_path, monkeypatch, change, message):
    sabotage(monkeypatch, change)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.onnx").write_text("before")
    with pytest.raises(ExportError, match=message):
        export(str(checkpoint), tmp_path / "out")
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "model.onnx"]
    assert (tmp_path / "out" / "model.onnx").read_text() == "before"


def test_answers_that_differ_are_told_even_within_the_tolerance(checkpoint, tmp_path, monkeypatch):
    sabotage(monkeypatch, lambda graph: biased(graph, [0.0, 5.0]))
    monkeypatch.setattr(exporting, "TOLERANCE", 10.0)
    monkeypatch.setattr(exporting, "_onnx_logits", _reversed(exporting._onnx_logits))
    with pytest.raises(ExportError, match=r"the exported model answers '.*' to .*, the checkpoint '"):
        export(str(checkpoint), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def _reversed(run: Any) -> Any:
    def changed(*arguments: Any) -> Any:
        logits = run(*arguments)
        return np.where(logits > LOWEST, -logits / 5, logits)

    return changed


def test_a_new_export_takes_the_place_of_the_old_one(checkpoint, tmp_path, monkeypatch):
    (tmp_path / "train.yaml").write_text("kept")
    (tmp_path / "config.json").write_text("old")
    order: list[str] = []
    replace = Path.replace
    monkeypatch.setattr(Path, "replace", lambda self, to: (order.append(self.name), replace(self, to))[1])
    export(str(checkpoint), tmp_path)
    assert order[-1] == "model.onnx"
    assert (tmp_path / "train.yaml").read_text() == "kept"
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "albert"


def test_what_a_killed_export_left_is_removed(tmp_path, monkeypatch):
    left = tmp_path / ".out.0a1b2c3d.part"
    left.mkdir()
    (left / "model.onnx").write_bytes(b"half")
    monkeypatch.setattr(exporting, "_load", lambda checkpoint: (None, None))
    monkeypatch.setattr(exporting, "_export_into", lambda folder, *_: (folder / "model.onnx").write_bytes(b"whole"))
    export("checkpoint", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "model.onnx").read_bytes() == b"whole"


def test_a_place_that_cannot_be_written(checkpoint, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ExportError, match=r"file.out cannot be written: .* Free space or give another --out"):
        export(str(checkpoint), tmp_path / "file" / "out")


def without_head(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name: value for name, value in weights.items() if "qa_" not in name}, folder / "model.safetensors")


def spoilt(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"spoilt" * 9)


def without_tokenizer(folder: Path) -> None:
    for path in folder.glob("tokenizer*"):
        path.unlink()


def too_short(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text()) | {"max_position_embeddings": 40}
    (folder / "config.json").write_text(json.dumps(config))
    weights = load_file(folder / "model.safetensors")
    for name, value in weights.items():
        if "position" in name:
            weights[name] = value[:40].clone()
    save_file(weights, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (without_head, r"lacks qa_outputs.bias, qa_outputs.weight: it is no question-answering model"),
        (spoilt, r"cannot be loaded: .*Give the folder of a transformers checkpoint"),
        (too_short, r"a model of 40 tokens: max_length 40 leaves 5 context tokens"),
        (lambda folder: (folder / "config.json").unlink(), "cannot be loaded"),
        (
            lambda folder: (folder / "config.json").write_text('{"model_type": "albert", "hidden_size": []}'),
            "be loaded",
        ),
        (lambda folder: (folder / "tokenizer.json").write_text("owls"), "cannot be loaded"),
        (without_tokenizer, r"checkpoint` has no tokenizer\. Copy tokenizer.json"),
    ],
)
def test_checkpoints_that_are_none(tmp_path, tokenizer, change, message):
    from project_config import ProjectError

    checkpoint = write_checkpoint(tmp_path / "checkpoint", "albert", tokenizer)
    change(checkpoint)
    with pytest.raises(ProjectError, match=message):
        export(str(checkpoint), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("size", [100, 600])
def test_the_tokenizer_of_another_model_is_refused(tmp_path, tokenizer, size):
    checkpoint = write_checkpoint(tmp_path / "checkpoint", "bert", with_vocabulary(tokenizer, size), vocab_size=300)
    with pytest.raises(ExportError, match=rf"has a tokenizer of {size} ids and a model of 300: it is another model's"):
        export(str(checkpoint), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_trained_experiment_is_exported(trained, tmp_path):
    report = export(str(trained[0] / "best"), tmp_path / "out")
    assert report["checkpoint"] == "undisturbed/best"
    assert (tmp_path / "out" / "README.md").read_text().startswith("# undisturbed")


def test_the_same_weights_in_keras_hub_agree(exported, windows, tmp_path):
    keras_hub = pytest.importorskip("keras_hub", reason="the extra `explore` is not installed")
    weights = load_file(exported[0] / "model.safetensors")
    config = AlbertConfig.from_pretrained(exported[0])
    width = config.hidden_size
    for name, shape in (("weight", (width, width)), ("bias", (width,))):  # a pooler, which spans do not need
        weights[f"albert.pooler.{name}"] = torch.zeros(shape)
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    text = json.dumps({**config.to_dict(), "architectures": ["AlbertModel"]})
    (tmp_path / "config.json").write_text(text)
    backbone = keras_hub.models.AlbertBackbone.from_preset(str(tmp_path))
    rows = np.arange(8)
    hidden = backbone(
        {
            "token_ids": windows.input_ids[rows],
            "segment_ids": windows.token_type_ids(rows).astype(np.int32),
            "padding_mask": windows.attention_mask(rows).astype(np.int32),
        }
    )["sequence_output"]
    logits = np.asarray(hidden) @ weights["qa_outputs.weight"].numpy().T + weights["qa_outputs.bias"].numpy()
    found = Model(exported[0], SMALL).logits(windows, rows)
    real = windows.attention_mask(rows) > 0
    assert np.abs(found[real] - logits[real]).max() < 1e-4


class Hub(http.server.BaseHTTPRequestHandler):
    """Answers what transformers asks of the hub about the one checkpoint below `root`."""

    root: Path

    def do_GET(self) -> None:
        owner_and_name, _, rest = self.path.lstrip("/").partition("/resolve/main/")
        path = self.root / rest
        found = owner_and_name == "owls/tiny" and rest and path.is_file()
        body = path.read_bytes() if found else b"{}"
        self.send_response(200 if found else 404)
        self.send_header("X-Repo-Commit", "1" * 40)
        self.send_header("ETag", f'"{abs(hash(body))}"')
        self.send_header("Content-Length", str(len(body)))
        if not found:
            known = owner_and_name == "owls/tiny" or "owls/tiny" in self.path
            self.send_header("X-Error-Code", "EntryNotFound" if known else "RepoNotFound")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Keeps the test's output clean."""


@pytest.fixture
def hub(checkpoint: Path) -> Iterator[str]:
    handler = type("TestHub", (Hub,), {"root": checkpoint})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


FROM_THE_HUB = """
import json, sys
from pathlib import Path
from model.export import ExportError, export
from model.train import train
from model.training_settings import load_training_settings

report = train(load_training_settings(Path("train.json")), "tuned")
told = export("owls/tiny", Path("out"))
try:
    export("owls/none", Path("none"))
except ExportError as error:
    sys.stdout.write(json.dumps([report["steps"], told["checkpoint"], str(error)]))
"""


def test_checkpoints_of_the_hub(hub, ships, tmp_path):
    """In another process, as the hub's client reads HF_ENDPOINT when it is imported."""
    settings = tiny_settings(ships, tmp_path, model="owls/tiny", steps=1)
    (tmp_path / "train.json").write_text(json.dumps(settings.model_dump()))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    environment = {
        "HF_ENDPOINT": hub,
        "HF_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", FROM_THE_HUB],
        env=kept | environment | {"NO_PROXY": "127.0.0.1", "OMP_NUM_THREADS": "1"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    steps, checkpoint, error = json.loads(done.stdout)
    assert (steps, checkpoint) == (1, "owls/tiny")
    assert error.startswith("checkpoint `owls/none` cannot be loaded: ")
    assert (tmp_path / "out" / "model.onnx").is_file()
    assert not (tmp_path / "none").exists()
