"""The weights in Keras compute what the ONNX file does, and their gradients are right."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer
from transformers import AutoModelForQuestionAnswering

import model.differentiable
from model.differentiable import Differentiable, DifferentiableError
from model.runtime import Model
from project_config import ROOT, Settings
from tests.exported import SMALL, write_exported
from utils.decoders import LOWEST
from utils.loss import span_cross_entropy
from utils.questions import Question
from utils.squad import load_file as load_questions
from utils.windows import Windows, build_windows

keras = pytest.importorskip("keras", reason="the extra `explore` is not installed")

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "gelu_new": {},
    "gelu_pytorch_tanh": {"hidden_act": "gelu_pytorch_tanh"},
    "gelu": {"hidden_act": "gelu"},
    "groups": {"num_hidden_groups": 2, "num_hidden_layers": 4, "inner_group_num": 2},
}


@pytest.fixture
def windows(questions: list[Question], tokenizer: Tokenizer) -> Windows:
    return build_windows(questions, tokenizer, SMALL, cache=False)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> dict[str, Path]:
    """A checkpoint and its ONNX file by kind; values wide enough for activations to differ."""
    base = tmp_path_factory.mktemp("checkpoints")
    return {name: write_exported(base / name, tokenizer, **changes) for name, changes in ARCHITECTURES.items()}


@pytest.fixture(scope="module")
def differentiable(folders: dict[str, Path]) -> Differentiable:
    return Differentiable(folders["gelu_new"])


def inputs(windows: Windows, rows: list[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Token ids, attention mask and token types, cut to the longest."""
    length = int(windows.length[rows].max())
    values = (windows.input_ids[rows], windows.attention_mask(rows), windows.token_type_ids(rows))
    ids, mask, types = (value[:, :length] for value in values)
    return ids, mask, types


@pytest.mark.parametrize("kind", ARCHITECTURES)
def test_logits_equal_those_of_the_onnx_file(kind: str, folders: dict[str, Path], windows: Windows) -> None:
    rows = np.arange(len(windows))
    expected = Model(folders[kind], SMALL).logits(windows)
    model = Differentiable(folders[kind])
    ids, mask, types = inputs(windows, rows.tolist())
    found = model.logits(model.embed(ids), mask, types)
    assert np.abs(found - expected[:, : ids.shape[1]])[mask > 0].max() < 1e-4
    assert (found[mask == 0] == np.float32(LOWEST)).all()
    assert np.ptp(found[mask > 0]) > 1


def test_logits_of_the_bundled_model_equal_those_of_its_onnx_file() -> None:
    settings = Settings(threads=1)
    onnx = Model(ROOT / "model" / "albert", settings)
    questions = load_questions(ROOT / "data" / "validation.json")[:400:50]
    windows = build_windows(questions, onnx.tokenizer, settings, cache=False)
    model = Differentiable(onnx.folder)
    ids, mask, types = inputs(windows, list(range(len(windows))))
    found = model.logits(model.embed(ids), mask, types)
    assert np.abs(found - onnx.logits(windows)[:, : ids.shape[1]])[mask > 0].max() < 1e-4


def test_the_activations_differ_by_more_than_the_tolerance(folders: dict[str, Path], windows: Windows) -> None:
    logits = [Model(folders[kind], SMALL).logits(windows, np.array([0]))[0, 0] for kind in ("gelu_new", "gelu")]
    assert np.abs(logits[0] - logits[1]).max() > 1e-4


def test_loss_is_that_of_the_run(differentiable: Differentiable, folders: dict[str, Path], windows: Windows) -> None:
    rows = list(range(6))
    ids, mask, types = inputs(windows, rows)
    places = np.arange(ids.shape[1])
    start, end = windows.start[rows], windows.end[rows]
    found, _ = differentiable.loss_gradient(differentiable.embed(ids), mask, types, start, end)
    logits = Model(folders["gelu_new"], SMALL).logits(windows, np.array(rows))[:, : len(places)]
    expected = span_cross_entropy(logits, start[:, None] == places, end[:, None] == places)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_gradient_is_that_of_torch(differentiable: Differentiable, folders: dict[str, Path], windows: Windows) -> None:
    rows = [0, 9]
    ids, mask, types = inputs(windows, rows)
    start, end = windows.start[rows], windows.end[rows]
    _, found = differentiable.loss_gradient(differentiable.embed(ids), mask, types, start, end)
    peer = AutoModelForQuestionAnswering.from_pretrained(folders["gelu_new"], attn_implementation="eager").eval()
    embedded = torch.tensor(differentiable.embed(ids), requires_grad=True)
    outputs = peer(
        inputs_embeds=embedded,
        attention_mask=torch.tensor(mask),
        token_type_ids=torch.tensor(types, dtype=torch.long),
    )
    padding = torch.tensor(mask) == 0
    loss = sum(
        torch.nn.functional.cross_entropy(
            logits.masked_fill(padding, -1e30), torch.tensor(target, dtype=torch.long), reduction="sum"
        )
        for logits, target in ((outputs.start_logits, start), (outputs.end_logits, end))
    )
    loss.backward()
    np.testing.assert_allclose(found, embedded.grad.numpy(), atol=1e-4)
    assert np.abs(found).max() > 0.01
    assert (found[mask == 0] == 0).all()


def test_one_graph_serves_every_size(differentiable: Differentiable, windows: Windows) -> None:
    for rows in ([0], [1, 2, 3], [9, 10]):
        ids, mask, types = inputs(windows, rows)
        zeros = np.zeros(len(rows), int)
        differentiable.loss_gradient(differentiable.embed(ids), mask, types, zeros, zeros)
    assert differentiable._backward.experimental_get_tracing_count() == 1


def config_with(**changes: Any) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return damage


def without_head(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {name: value for name, value in tensors.items() if "qa_outputs" not in name}, folder / "model.safetensors"
    )


def other_width(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    name = "albert.encoder.embedding_hidden_mapping_in.weight"
    save_file({**tensors, name: np.zeros((3, 3), np.float32)}, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "model.safetensors").unlink(), "has no model.safetensors.*occlusion"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"no"), "does not hold an ALBERT.*occlusion"),
        (lambda folder: (folder / "config.json").write_text("{"), "cannot be read as JSON"),
        (lambda folder: (folder / "config.json").write_text("[]"), "type None.*occlusion works"),
        (config_with(model_type="bert"), "type bert.*ALBERT alone.*occlusion works"),
        (config_with(hidden_act="relu"), "hidden_act relu.*gelu_new.*occlusion works"),
        (config_with(layer_norm_eps=1e-5), "layer_norm_eps 1e-05.*1e-12"),
        (without_head, "does not hold an ALBERT with a span head.*qa_outputs"),
        (other_width, "does not hold an ALBERT with a span head"),
    ],
)
def test_a_folder_without_such_a_checkpoint_is_told(
    damage: Callable[[Path], Any], message: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "odd"
    shutil.copytree(folders["gelu_new"], folder)
    damage(folder)
    with pytest.raises(DifferentiableError, match=message):
        Differentiable(folder)


def test_a_missing_extra_is_told(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model.differentiable, "find_spec", lambda name: None if name == "keras_hub" else name)
    with pytest.raises(DifferentiableError, match=r"need keras_hub, which is not installed.*make install-explore"):
        Differentiable(folders["gelu_new"])


def test_another_backend_is_told(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(DifferentiableError, match=r"Keras runs on torch.*KERAS_BACKEND"):
        Differentiable(folders["gelu_new"])


def test_loading_prints_nothing(folders: dict[str, Path]) -> None:
    code = (
        "import sys; from pathlib import Path; from model.differentiable import Differentiable; import os; "
        "Differentiable(Path(sys.argv[1])); os.write(2, b'end')"
    )
    environment = {key: value for key, value in os.environ.items() if key != "TF_CPP_MIN_LOG_LEVEL"}
    command = [sys.executable, "-W", "error", "-c", code, str(folders["gelu_new"])]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"end")
