from __future__ import annotations

import pytest
import yaml

from model.experiment import checkpoints, claim, keep_checkpoint, last_good
from model.train import TrainingError
from project_config import SettingsError
from tests.model.tiny import tiny_settings


@pytest.fixture
def settings(tmp_path):
    return tiny_settings(tmp_path / "data", tmp_path)


def test_an_experiment_is_claimed_once_and_found_again(settings, tmp_path):
    claim(tmp_path / "one", settings)
    assert yaml.safe_load((tmp_path / "one" / "config.yaml").read_text()) == settings.model_dump(mode="json")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["config.yaml"]
    claim(tmp_path / "one", settings)


def test_changed_settings_are_named(settings, tmp_path):
    claim(tmp_path / "one", settings)
    changed = settings.model_copy(update={"learning_rate": 1.0, "steps": 9})
    with pytest.raises(TrainingError, match=r"begun with other settings \(steps, learning_rate differ\)"):
        claim(tmp_path / "one", changed)


def test_settings_that_were_spoilt(settings, tmp_path):
    claim(tmp_path / "one", settings)
    (tmp_path / "one" / "config.yaml").write_text("owls")
    with pytest.raises(SettingsError, match="holds str"):
        claim(tmp_path / "one", settings)


def test_a_kill_while_claiming_is_no_matter(settings, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / ".config.yaml.99.part").write_text("model: scr")
    claim(tmp_path / "one", settings)
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["config.yaml"]


def test_a_folder_of_something_else_is_left_alone(settings, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "owl.png").touch()
    with pytest.raises(TrainingError, match="holds something else than an experiment"):
        claim(tmp_path / "photos", settings)
    (tmp_path / "file").touch()
    with pytest.raises(TrainingError, match="file cannot be written"):
        claim(tmp_path / "file", settings)


def test_checkpoints_are_whole_in_order_and_few(tmp_path):
    assert last_good(tmp_path) == "No checkpoint had been written yet."
    for step in (9, 10, 100):
        written = tmp_path / f"checkpoint-{step}"
        written.mkdir()
        (written / "trainer_state.json").touch()
        keep_checkpoint(written, tmp_path)
    (tmp_path / "checkpoints" / "checkpoint-200").mkdir()
    assert [path.name for path in checkpoints(tmp_path)] == ["checkpoint-10", "checkpoint-100"]
    assert not (tmp_path / "checkpoints" / "checkpoint-9").exists()
    assert last_good(tmp_path).endswith("checkpoint-100.")
