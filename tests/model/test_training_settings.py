from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from model.training_settings import ScratchSettings, TrainingSettings, load_training_settings
from project_config import ROOT, SettingsError

NEEDED = {"model": "scratch", "steps": 10}


@pytest.fixture
def load(tmp_path: Path):
    def load(values: object) -> TrainingSettings:
        (tmp_path / "train.yaml").write_text(yaml.safe_dump(values))
        return load_training_settings(tmp_path / "train.yaml")

    return load


def test_the_keys_that_were_asked_for_exist():
    named = {"model", "data", "epochs", "steps", "learning_rate", "warmup", "weight_decay", "batch_size", "output"}
    named |= {"gradient_accumulation", "max_length", "overlap", "precision", "seed", "patience"}
    named |= {"evaluate_every", "checkpoint_every"}
    assert named <= TrainingSettings.model_fields.keys()


def test_the_bundled_files_are_read():
    for name in ("train", "train-hub"):
        settings = load_training_settings(ROOT / "model" / "albert" / f"{name}.yaml")
        assert (settings.architecture, settings.no_answer) == ("albert", "always")
        assert settings.sources


def test_numbers_that_yaml_takes_for_text(load):
    assert load({**NEEDED, "learning_rate": "3e-4"}).learning_rate == 3e-4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({**NEEDED, "warm_up": 0.1}, "unknown setting `warm_up`; did you mean `warmup`?"),
        ({**NEEDED, "gradient_acumulation": 2}, "did you mean `gradient_accumulation`?"),
        ({**NEEDED, "scratch": {"layer": 2}}, r"scratch: unknown setting `layer`; did you mean `layers`\?"),
        ({**NEEDED, "scratch": {"hidden_size": 130}}, "hidden_size 130 is not a multiple of heads 4"),
        ({**NEEDED, "scratch": "small"}, r"train.yaml: scratch: Input should be a valid dictionary"),
        ({**NEEDED, "precision": "fp16"}, "`precision`: .*fp32.*bf16"),
        ({**NEEDED, "batch_size": 0}, "`batch_size`: .*greater than or equal to 1"),
        ({**NEEDED, "learning_rate": "fast"}, "`learning_rate`: "),
        ({**NEEDED, "epochs": 3}, "give either epochs or steps"),
        ({"model": "scratch"}, "give either epochs or steps"),
        ({"steps": 10}, "`model`: Field required"),
        ({**NEEDED, "warmup": 0.2}, "warmup and decay are shares of the same steps"),
        ({**NEEDED, "overlap": 380}, "max_length 384 leaves 317 context tokens"),
        (["model"], "holds list"),
        (
            {**NEEDED, "sources": [{"data": "a"}, {"dat": "b"}]},
            r"source 2: .*unknown setting `dat`; did you mean `data`\?",
        ),
        ({**NEEDED, "sources": "squad"}, "`sources`: "),
        ({**NEEDED, "sources": [{"data": "a", "weight": 0}]}, "source 1: `weight`: "),
        ({**NEEDED, "data": "owls", "sources": [{"data": "a"}]}, "give either data or sources"),
    ],
)
def test_wrong_settings_are_told(load, values, message):
    with pytest.raises(SettingsError, match=message):
        load(values)


def test_data_is_read_and_cut_as_the_settings_say():
    settings = TrainingSettings(model="bert", epochs=1, data="owls", max_length=128, overlap=32, seed=3, train_limit=9)
    shared = settings.window_settings()
    assert (shared.data, shared.max_length, shared.overlap, shared.seed, shared.train_limit) == ("owls", 128, 32, 3, 9)
    assert shared.model != "bert"


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(SettingsError, match=r"no.yaml cannot be read"):
        load_training_settings(tmp_path / "no.yaml")


def test_a_size_is_whole_by_itself():
    assert ScratchSettings().hidden_size % ScratchSettings().heads == 0
