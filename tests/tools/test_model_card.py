import sys

from squad_albert.files import write_json
from tests.tiny_model import write_albert
from tools import model_card
from tools.model_card import HEADING, NOTES, section, write_section

SCORES = {"exact": 50.0, "f1": 62.5, "total": 2}
METRICS = {
    "official": SCORES | {"HasAns_exact": 100.0, "HasAns_f1": 100.0, "HasAns_total": 1},
    "part": {"gen": SCORES},
    "question_type": {"what": SCORES},
}


def test_a_section_tells_every_figure_that_there_is():
    assert section("Somewhere", METRICS, 0.0314).splitlines() == [
        "### Somewhere",
        "",
        "Probabilities are off by 3.1 points on average (expected calibration error).",
        "",
        "| | questions | EM | F1 |",
        "|---|---|---|---|",
        "| all | 2 | 50.0 | 62.5 |",
        "| with answer | 1 | 100.0 | 100.0 |",
        "| `gen` | 2 | 50.0 | 62.5 |",
        "| `what` | 2 | 50.0 | 62.5 |",
    ]


def test_measuring_again_takes_the_place_of_the_earlier_figures(tmp_path):
    card = tmp_path / "README.md"
    card.write_text("# A model\n\nMade here.\n", encoding="utf-8")
    write_section(card, ["first"], "From there.")
    write_section(card, ["second", "third"], "From here.")
    told = f"# A model\n\nMade here.\n\n{NOTES}\n\nFrom here.\n\n{HEADING}\n\nsecond\n\nthird\n"
    assert card.read_text(encoding="utf-8") == told


def test_the_command_measures_the_bundled_splits_and_other_files(tmp_path, tokenizer, monkeypatch):
    write_albert(tmp_path, tokenizer)
    (tmp_path / "README.md").write_text("# A model\n", encoding="utf-8")
    paragraph = {
        "context": "An owl flies.",
        "qas": [{"id": "a", "question": "What flies?", "answers": [{"text": "An owl", "answer_start": 0}]}],
    }
    other = tmp_path / "other.json"
    write_json(other, {"version": "1.1", "data": [{"title": "Owls", "paragraphs": [paragraph]}]})
    monkeypatch.setenv("SQUAD_ALBERT_VALIDATION_LIMIT", "20")
    monkeypatch.setenv("SQUAD_ALBERT_TEST_LIMIT", "20")
    monkeypatch.setattr(
        sys, "argv", ["model_card", "--model", str(tmp_path), "--also", str(other), "--made-by", "make it"]
    )
    model_card.main()
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    titles = [line for line in text.splitlines() if line.startswith("#")]
    assert titles == [
        "# A model",
        HEADING,
        "### Bundled corpus, validation",
        "### Bundled corpus, test",
        "### `other.json`",
    ]
    assert f"{HEADING}\n\n`make it` makes such a model again" in text
    assert "| all | 20 |" in text
    assert "| all | 1 |" in text
