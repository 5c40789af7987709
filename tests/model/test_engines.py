"""The engines agree with each other, and each says what it lacks."""

from __future__ import annotations

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from model import engines
from model.runtime import Model, ModelError
from project_config import Settings, SettingsError, load_settings
from tests.tiny_model import write_albert, write_graph
from utils.decoders import window_spans
from utils.signature import SignatureError
from utils.squad import Question
from utils.windows import Windows, build_windows

openvino = pytest.importorskip("openvino", reason="the extra `fast` is not installed")

SMALL = Settings(max_length=64, overlap=16, max_question_tokens=24, batch_tokens=512)
VINO = SMALL.model_copy(update={"engine": "openvino"})
BF16 = SMALL.model_copy(update={"precision": "bf16"})
VOCABULARY = 4000

needs_bf16 = pytest.mark.skipif(not engines.has_bf16(), reason="no bf16 on this processor")


@pytest.fixture(scope="module")
def albert(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    folder = tmp_path_factory.mktemp("albert")
    write_albert(folder, tokenizer, vocabulary=VOCABULARY)
    return folder


@pytest.fixture
def windows(questions: list[Question], tokenizer: Tokenizer) -> Windows:
    """Token ids up to the vocabulary's end, most of which bf16 could not tell apart."""
    windows = build_windows(questions, tokenizer, SMALL, cache=False)
    ids = np.random.default_rng(11).integers(5, VOCABULARY, windows.input_ids.shape, np.int32)
    return replace(windows, input_ids=ids)


def real_logits(folder: Path, settings: Settings, windows: Windows) -> np.ndarray:
    logits = Model(folder, settings).logits(windows)
    assert logits.dtype == np.float32
    return logits[windows.attention_mask(range(len(windows))) > 0]


def test_fp32_engines_give_the_same_logits(albert, windows):
    expected = real_logits(albert, SMALL, windows)
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(real_logits(albert, VINO, windows), expected, atol=1e-4)


def test_the_same_engine_gives_the_same_bytes_again(albert, windows):
    for settings in (SMALL, VINO):
        np.testing.assert_array_equal(real_logits(albert, settings, windows), real_logits(albert, settings, windows))


@needs_bf16
def test_bf16_is_near_and_reads_every_token_id(albert, windows):
    expected = real_logits(albert, SMALL, windows)
    difference = np.abs(real_logits(albert, BF16, windows) - expected)
    assert 0 < difference.max() < 0.1 * np.ptp(expected)
    assert np.sqrt((difference**2).mean()) < 0.06 * expected.std()  # rounded token ids would make it 1


@needs_bf16
def test_bf16_chooses_answers_that_are_about_as_good(albert, windows):
    logits = Model(albert, SMALL).logits(windows)
    exact = window_spans(logits, windows.context_start, windows.context_end, SMALL)
    near = window_spans(Model(albert, BF16).logits(windows), windows.context_start, windows.context_end, SMALL)
    rows = np.arange(len(windows))
    score = logits[rows, near.start[:, 0], 0] + logits[rows, near.end[:, 0], 1]
    assert (exact.score[:, 0] - score).max() < 0.3  # logits
    assert ((near.start == exact.start) & (near.end == exact.end))[:, 0].mean() > 0.75


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        (SMALL, "onnxruntime .* fp32"),
        (SMALL.model_copy(update={"engine": "onnxruntime"}), "onnxruntime .* fp32"),
        (VINO, "openvino .* fp32"),
        pytest.param(BF16, "openvino .* bf16", marks=needs_bf16),
    ],
)
def test_settings_choose_the_engine(albert, settings, name):
    assert re.fullmatch(name, Model(albert, settings).engine)


def test_onnxruntime_with_bf16_is_a_contradiction(monkeypatch):
    monkeypatch.setenv("SQUAD_ALBERT_ENGINE", "onnxruntime")
    with pytest.raises(SettingsError, match="engine onnxruntime has no precision bf16; set engine to openvino or auto"):
        load_settings(overrides={"precision": "bf16"})


def test_a_missing_extra_is_named_with_its_command(albert, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    for settings in (VINO, BF16):
        with pytest.raises(ModelError, match=r"openvino, which is not installed.*`make install-fast`"):
            Model(albert, settings)
    Model(albert, SMALL)


def test_a_processor_without_bf16_is_told(albert, monkeypatch):
    class Core:
        def get_property(self, *_: str) -> list[str]:
            return ["FP32"]

    monkeypatch.setattr(openvino, "Core", Core)
    with pytest.raises(ModelError, match=r"no bf16.*Set precision: fp32"):
        Model(albert, BF16)


def test_openvino_names_a_damaged_file(tmp_path, tokenizer):
    write_graph(tmp_path, tokenizer)
    whole = (tmp_path / "model.onnx").read_bytes()
    for broken in (b"", b"not a model", whole[: len(whole) // 2]):
        (tmp_path / "model.onnx").write_bytes(broken)
        with pytest.raises((ModelError, SignatureError), match=r"cannot be loaded|does not fit"):
            Model(tmp_path, VINO)


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ({"inputs": ("input_ids", "token_type_ids", "attention_mask")}, "its inputs are input_ids, token_type_ids"),
        ({"dtype": 7}, r"input_ids is tensor\(i64\)"),
        ({"shape": (1, "length")}, r"input_ids is tensor\(float\) \[1, None\]"),
        ({"more_outputs": ("hidden",)}, "it has 2 outputs, not one"),
    ],
)
def test_openvino_refuses_a_model_that_does_not_fit(tmp_path, tokenizer, odd, message):
    write_graph(tmp_path, tokenizer, **odd)
    with pytest.raises(SignatureError, match=f"does not fit windows of 64 tokens: .*{message}"):
        Model(tmp_path, VINO)


@pytest.mark.parametrize("shape", [("batch", "length"), ("batch", 64)])
def test_openvino_runs_models_of_free_and_of_fixed_length(tmp_path, tokenizer, questions, shape):
    write_graph(tmp_path, tokenizer, shape=shape, output_shape=(*shape, 2))
    windows = build_windows(questions, tokenizer, SMALL, cache=False)
    logits = Model(tmp_path, VINO).logits(windows)
    real = windows.attention_mask(range(len(windows))) > 0
    np.testing.assert_array_equal(logits[..., 1][real], -windows.input_ids[real])


def test_openvino_says_when_a_batch_fails(tmp_path, tokenizer, windows):
    write_albert(tmp_path, tokenizer, positions=32, vocabulary=VOCABULARY)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=r"(?s)model\.onnx fails on inputs \[\d+, \d+\].*Export the model again"):
        Model(tmp_path, VINO).logits(windows)


@pytest.mark.parametrize("settings", [SMALL, VINO])
def test_threads_may_share_an_engine(albert, windows, settings):
    model = Model(albert, settings)
    expected = model.logits(windows)
    with ThreadPoolExecutor(4) as pool:
        results: list[Any] = list(pool.map(lambda _: model.logits(windows), range(8)))
    for logits in results:
        np.testing.assert_array_equal(logits, expected)
