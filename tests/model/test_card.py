from __future__ import annotations

import csv
import hashlib
import re
from dataclasses import replace

import yaml

from model.card import _before, hash_questions, write_curve
from utils.squad import load_file

HISTORY = [
    {"loss": 2.5, "learning_rate": 0.1, "grad_norm": 3.0, "step": 5},
    {"eval_exact": 10.0, "eval_f1": 20.0, "eval_total": 9, "step": 5},
    {"train_loss": 2.0, "step": 5},
]


def test_the_curve_as_numbers_and_as_a_picture(tmp_path):
    write_curve(tmp_path, HISTORY)
    with (tmp_path / "curve.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows == [
        {"step": "5", "loss": "2.5", "learning_rate": "0.1", "eval_exact": "", "eval_f1": ""},
        {"step": "5", "loss": "", "learning_rate": "", "eval_exact": "10.0", "eval_f1": "20.0"},
    ]
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curve.csv", "curve.png"]


def test_a_curve_of_nothing_yet(tmp_path):
    write_curve(tmp_path, [])
    assert (tmp_path / "curve.png").stat().st_size > 1000


def test_the_hash_changes_with_all_that_is_learned(questions):
    first = questions[0]
    changed = [replace(first, question="Who?"), replace(first, golds=first.golds[:1]), replace(first, id="x")]
    hashes = {hash_questions([one, *questions[1:]]) for one in (first, *changed)}
    assert len(hashes) == 4
    assert hash_questions([]) == hashlib.sha256().hexdigest()


def test_the_card_says_how_the_model_came_about(trained, ships):
    folder, report = trained
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert card == (folder / "best" / "README.md").read_text(encoding="utf-8")
    assert card.startswith("# undisturbed\n")
    settings = yaml.safe_load(re.search(r"```yaml\n(.*?)```", card, re.DOTALL)[1])
    assert settings == yaml.safe_load((folder / "config.yaml").read_text())
    for split in ("train", "validation"):
        assert f"SHA-256 of the {split} questions: `{hash_questions(load_file(ships / f'{split}.json'))}`" in card
    assert re.search(r"seed 7; Python 3\.1\d\.\d+, torch .*, transformers .*, tokenizers .*, numpy", card)
    assert re.search(r"8 steps in \d+\.\d minutes on CPU; the model is that of step \d", card)
    rows = dict(re.findall(r"^\| (\w[\w ]*) \| (.*) \|$", card, re.MULTILINE))
    assert rows["all"] == f"12 | {report['exact']:.1f} | {report['f1']:.1f}"
    assert rows["without answer"].startswith(f"{report['NoAns_total']} | ")
    types = [name for name in rows if name in ("when", "where", "who")]
    assert sum(int(rows[name].split(" | ")[0]) for name in types) == 12


def test_a_card_tells_what_training_went_on_from(trained, tmp_path):
    folder, _ = trained
    told = "\n".join(_before(str(folder / "best")))
    assert told.startswith(f"\n### Before that, `{folder / 'best'}`\n\n`squad-albert train --config FILE`")
    assert "8 steps in" in told
    assert "## Validation" not in told
    (tmp_path / "README.md").write_text("# a card of another kind\n", encoding="utf-8")
    assert _before(str(tmp_path)) == _before("scratch") == []
