from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto
from tokenizers import Tokenizer

from model import runtime
from model.runtime import MODEL_FILES, Model, ModelError, question_groups
from project_config import ROOT, Settings
from tests.tiny_model import SpanModel, write_albert, write_config, write_graph
from utils.decoders import LOWEST
from utils.signature import SignatureError
from utils.squad import Question
from utils.tokenizer import TokenizerError
from utils.windows import Windows, build_windows

SMALL = Settings(max_length=64, overlap=16, max_question_tokens=24)


@pytest.fixture(scope="module")
def albert(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> tuple[Path, SpanModel]:
    folder = tmp_path_factory.mktemp("albert")
    return folder, write_albert(folder, tokenizer)


@pytest.fixture
def windows(questions: list[Question], tokenizer: Tokenizer) -> Windows:
    return build_windows(questions, tokenizer, SMALL, cache=False)


def logits_of_torch(model: SpanModel, windows: Windows) -> np.ndarray:
    """Every window at full length, with all its padding."""
    rows = np.arange(len(windows))
    inputs = (windows.input_ids, windows.attention_mask(rows), windows.token_type_ids(rows))
    with torch.no_grad():
        return model(*(torch.tensor(np.asarray(values, np.float32)) for values in inputs)).numpy()


@pytest.mark.parametrize("batch_tokens", [384, 1000, 8192])
def test_logits_are_those_of_torch_at_full_length(albert, windows, batch_tokens):
    folder, torch_model = albert
    expected = logits_of_torch(torch_model, windows)
    logits = Model(folder, SMALL.model_copy(update={"batch_tokens": batch_tokens})).logits(windows)
    real = windows.attention_mask(range(len(windows))) > 0
    assert logits.shape == (len(windows), 64, 2)
    assert logits.dtype == np.float32
    assert np.ptp(expected[real]) > 1  # the random model does tell tokens apart
    np.testing.assert_allclose(logits[real], expected[real], atol=2e-5)
    assert (logits[~real] == LOWEST).all()


def test_rows_can_be_chosen(albert, windows):
    model = Model(albert[0], SMALL)
    rows = np.array([3, 0, 5])
    np.testing.assert_allclose(model.logits(windows, rows), model.logits(windows)[rows], atol=2e-5)


@settings(max_examples=50)
@given(counts=st.lists(st.integers(1, 12), max_size=30), size=st.integers(1, 40))
def test_groups_are_whole_questions_in_order(counts, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runtime, "GROUP", size)
        groups = question_groups(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    assert [number for group in groups for number in group] == list(range(len(counts)))
    totals = [sum(counts[number] for number in group) for group in groups]
    assert all(total <= size or len(group) == 1 for total, group in zip(totals, groups, strict=True))
    assert all(total + counts[group.stop] > size for total, group in zip(totals[:-1], groups[:-1], strict=True))


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    folder = tmp_path_factory.mktemp("graph")
    write_graph(folder, tokenizer)
    return folder


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=40), batch_tokens=st.integers(384, 2000))
def test_batches_hold_every_row_once_within_the_bound_longest_first(graph, tokenizer, lengths, batch_tokens):
    asked = [Question(f"q{n}", "T", "who", "marsh " * length, ()) for n, length in enumerate(lengths)]
    windows = build_windows(asked, tokenizer, SMALL, cache=False)
    batches: list[np.ndarray] = []
    model = Model(graph, SMALL.model_copy(update={"batch_tokens": batch_tokens}))
    logits = model.logits(windows, on_batch=batches.append)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(windows)))
    longest = [int(windows.length[rows].max()) for rows in batches]
    assert longest == sorted(longest, reverse=True)
    assert all(len(rows) * size <= batch_tokens for rows, size in zip(batches, longest, strict=True))
    real = windows.attention_mask(range(len(windows))) > 0
    np.testing.assert_array_equal(logits[..., 0][real], windows.input_ids[real])


def test_little_padding_is_computed(graph, tokenizer):
    draw = np.random.default_rng(3)
    asked = [
        Question(f"q{n}", "T", "who", "marsh " * length, ()) for n, length in enumerate(draw.integers(20, 300, 1000))
    ]
    settings = Settings()
    windows = build_windows(asked, tokenizer, settings, cache=False)
    computed: list[int] = []
    Model(graph, settings).logits(
        windows, on_batch=lambda rows: computed.append(len(rows) * int(windows.length[rows].max()))
    )
    assert sum(computed) < 1.03 * windows.length.sum()


def test_a_model_of_one_length_gets_it(tmp_path, tokenizer, windows):
    write_graph(tmp_path, tokenizer, shape=("batch", 64), output_shape=("batch", 64, 2))
    logits = Model(tmp_path, SMALL).logits(windows)
    real = windows.attention_mask(range(len(windows))) > 0
    np.testing.assert_array_equal(logits[..., 1][real], -windows.input_ids[real])
    assert (logits[~real] == LOWEST).all()


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no model folder .*nowhere.*squad-albert export"):
        Model(tmp_path / "nowhere", SMALL)


@pytest.mark.parametrize("name", MODEL_FILES)
def test_a_missing_file_is_named(tmp_path, tokenizer, name):
    write_graph(tmp_path, tokenizer)
    (tmp_path / name).unlink()
    with pytest.raises(ModelError, match=rf"has no {name}\. .*squad-albert export"):
        Model(tmp_path, SMALL)


def test_a_damaged_graph_is_named(tmp_path, tokenizer):
    write_graph(tmp_path, tokenizer)
    whole = (tmp_path / "model.onnx").read_bytes()
    for broken in (b"", b"not a model", whole[: len(whole) // 2]):
        (tmp_path / "model.onnx").write_bytes(broken)
        with pytest.raises((ModelError, SignatureError), match=r"cannot be loaded|does not fit"):
            Model(tmp_path, SMALL)


def test_a_damaged_tokenizer_is_named(tmp_path, tokenizer):
    write_graph(tmp_path, tokenizer)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(TokenizerError, match=r"tokenizer\.json"):
        Model(tmp_path, SMALL)


@pytest.mark.parametrize("text", ["", "[1]", "{", "\udcff"])
def test_a_damaged_config_is_named(tmp_path, tokenizer, text):
    write_graph(tmp_path, tokenizer)
    (tmp_path / "config.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ModelError, match=r"config\.json .*Copy it from the model again"):
        Model(tmp_path, SMALL)


def test_a_model_with_too_few_positions_or_token_ids_is_refused(tmp_path, tokenizer):
    write_graph(tmp_path, tokenizer)
    write_config(tmp_path, tokenizer, positions=63)
    with pytest.raises(ModelError, match=r"max_position_embeddings 63, needed 64"):
        Model(tmp_path, SMALL)
    write_config(tmp_path, tokenizer, vocab_size=20)
    with pytest.raises(ModelError, match="vocab_size 20, needed"):
        Model(tmp_path, SMALL)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "other"}))
    Model(tmp_path, SMALL)


@pytest.mark.parametrize(
    ("odd", "message"),
    [
        ({"inputs": ("input_ids", "token_type_ids", "attention_mask")}, "its inputs are input_ids, token_type_ids"),
        ({"inputs": ("input_ids", "attention_mask")}, "its inputs are input_ids, attention_mask, not"),
        ({"dtype": TensorProto.INT64}, r"input_ids is tensor\(int64\)"),
        ({"shape": (1, "length")}, r"input_ids is tensor\(float\) \[1, 'length'\]"),
        ({"shape": ("batch", 128), "output_shape": ("batch", 128, 2)}, r"\['batch', 128\], not .*\[any, 64\]"),
        ({"more_outputs": ("hidden",)}, "it has 2 outputs, not one"),
        ({"axis": 1, "output_shape": ("batch", 2, 64), "shape": ("batch", 64)}, r"logits is .*\['batch', 2, 64\]"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(tmp_path, tokenizer, odd, message):
    write_graph(tmp_path, tokenizer, **odd)
    with pytest.raises(SignatureError, match=f"does not fit windows of 64 tokens: .*{message}"):
        Model(tmp_path, SMALL)


def test_a_model_that_gives_other_shapes_than_it_declares_is_caught(tmp_path, tokenizer, windows):
    write_graph(tmp_path, tokenizer, twice=True, output_shape=("a", "b", "c"))
    with pytest.raises(ModelError, match=r"gives logits \[\d+, 128, 2\] for inputs \[\d+, 64\]"):
        Model(tmp_path, SMALL).logits(windows)


def test_a_model_that_fails_on_a_batch_is_named(tmp_path, tokenizer, windows):
    write_albert(tmp_path, tokenizer, positions=32)
    write_config(tmp_path, tokenizer, positions=64)
    with pytest.raises(ModelError, match=r"model\.onnx fails on inputs \[\d+, \d+\].*Export the model again"):
        Model(tmp_path, SMALL).logits(windows)


def test_loading_imports_no_training_library(graph):
    code = (
        "import sys; from pathlib import Path; from model.runtime import Model; from project_config import Settings; "
        "Model(Path(sys.argv[1]), Settings()); "
        "print({'torch', 'tensorflow', 'transformers', 'keras', 'datasets'} & sys.modules.keys())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(graph)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
