from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tokenizers import Tokenizer

import leap_test
from project_config import ProjectError
from squad_albert.proof import Proof
from tests.leap_project import STATES, write_data, write_entry
from tests.tiny_model import write_albert, write_graph
from utils.squad import Question

KINDS = {"preprocess", "input", "ground truth", "prediction", "loss", "metric", "metadata", "visualizer"}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, tokenizer: Tokenizer) -> Path:
    folder = tmp_path_factory.mktemp("albert")
    write_albert(folder, tokenizer)
    return folder


@pytest.fixture(autouse=True)
def project(tmp_path: Path, model: Path, questions: list[Question], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQUAD_ALBERT_DATA", str(write_data(tmp_path / "data", questions)))
    monkeypatch.setenv("SQUAD_ALBERT_MODEL", str(model))
    monkeypatch.setenv("SQUAD_ALBERT_CACHE", str(tmp_path / "cache"))
    for name in ("keras", "tensorflow"):  # code-loader imports them where they are, for seconds
        monkeypatch.setitem(sys.modules, name, None)


@pytest.fixture
def sound(tmp_path: Path) -> Proof:
    return leap_test.prove(write_entry(tmp_path / "root"))


def test_sound_integration_passes(sound: Proof) -> None:
    assert sound.problems == []
    assert {one.kind for one in sound.interfaces} == KINDS
    assert list(sound.samples) == list(STATES.values())
    for one in sound.interfaces:
        assert one.splits == list(STATES.values()), one.name
        assert one.calls == (4 if one.kind == "preprocess" else sum(map(len, sound.samples.values()))), one.name
        assert one.parts, one.name


def test_what_came_back_is_told(sound: Proof) -> None:
    text = "\n".join(sound.lines())
    assert "All 23 interfaces work on every split." in text
    told = {one.name: one.parts for one in sound.interfaces}
    assert told["input_ids"][""].describe().startswith("float32 [1, 384], 0 to ")
    assert told["logits"][""].form == "float32 [1, 384, 2]"
    assert told["start"][""].describe() == "float32 [1, 384], 0 to 1"
    assert told["answer"].keys() >= {"exact_match", "f1"} or told["answer"].keys() >= {"type", "answerable"}
    assert told["all_tokens"]["data"].form == "text [384]"
    as_dict = sound.as_dict()
    assert as_dict["ok"] is True and len(as_dict["interfaces"]) == 23


def test_samples_include_the_odd_ones(sound: Proof) -> None:
    tried = sound.samples["training"]
    assert any("#" in sample for sample in tried)
    assert {"train-heron-5", "train-songs-4"} & set(tried)  # unanswerable
    assert len(tried) == leap_test.SAMPLES


def test_twice_in_a_process(tmp_path: Path, sound: Proof) -> None:
    again = leap_test.prove(write_entry(tmp_path / "again"))
    assert again.problems == []
    assert again.samples == sound.samples


def test_greetings_of_libraries_are_not_passed_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    greeting = ("    import onnxruntime\n\n", "    import onnxruntime\n    import os; os.write(2, b'no GPU here')\n\n")
    assert leap_test.prove(write_entry(tmp_path / "root", greeting)).problems == []
    assert capfd.readouterr().err == ""


BROKEN = {
    "handler that fails": (
        [("data.metadata.question(data.row(sample_id))", "{'type': 1 / 0}")],
        "the engine's check of question fails",
    ),
    "handler that fails on a later sample": (
        [("visualizers.context_tokens(", 'visualizers.context_tokens(*{False: ()}["#" in str(sample.sample_ids)], ')],
        "visualizer context_tokens fails on training sample train-",
    ),
    "interface that the test forgets": (
        [("    confidence(logits, sample)\n\n", "\n")],
        "metric confidence is missing from the integration test. Call it there",
    ),
    "no loss": (
        [
            ('@tensorleap_custom_loss("span_cross_entropy")\n', ""),
            ("    span_cross_entropy(logits, first, last)\n", ""),
        ],
        "has no loss. Decorate a function with @tensorleap_custom_loss",
    ),
    "channel_dim by default": (
        [('("input_ids", channel_dim=-1)', '("input_ids")')],
        "input_ids relies on a default, channel_dim = -1. Set it explicitly.",
    ),
    "direction by default": (
        [('"confidence", direction=MetricDirection.Upward', '"confidence"')],
        "confidence relies on a default, direction = MetricDirection.Downward",
    ),
    "prediction types by default": (
        [('[PredictionTypeHandler("logits", ["start", "end"], channel_dim=-1)]', "")],
        "load_model relies on a default, prediction_types",
    ),
    "value that is not finite": (
        [('data.settings)["confidence"]', 'data.settings)["confidence"] * np.nan')],
        "in the training split confidence is not finite",
    ),
    "metric that knows only one sample": (
        [('data.settings)["confidence"]', 'data.settings)["confidence"][:1]')],
        "metric confidence fails as the engine calls it, for 6 training samples: confidence has shape [1], not [6]",
    ),
    "visualizer that wants a batch": (
        [("visualizers.segments(logits,", "visualizers.segments(logits[0],")],
        "visualizer segments fails as the engine calls it",
    ),
    "logic in the integration test": (
        [("    confidence(logits, sample)\n\n", "    confidence(logits * 1, sample)\n\n")],
        "The integration test may only call decorated functions: move all other code into them.",
    ),
    "no integration test": (
        [("@tensorleap_integration_test()\n", "")],
        "has no integration test. Decorate one with @tensorleap_integration_test().",
    ),
    "entry that cannot be imported": (
        [("from utils import encoders", "import no_such_module\nfrom utils import encoders")],
        "leap_binder.py cannot be run: ",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_integration_fails_with_name_and_remedy(name: str, tmp_path: Path) -> None:
    changes, expected = BROKEN[name]
    proof = leap_test.prove(write_entry(tmp_path / "root", *changes))
    assert not proof.ok
    assert any(expected in problem for problem in proof.problems), proof.problems
    assert any(expected in line and line.startswith("FAILED: ") for line in proof.lines())


def test_model_that_does_not_fit_fails(tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    write_graph(tmp_path / "odd", tokenizer, inputs=("tokens", "attention_mask", "token_type_ids"))
    monkeypatch.setenv("SQUAD_ALBERT_MODEL", str(tmp_path / "odd"))
    proof = leap_test.prove(write_entry(tmp_path / "root"))
    assert len(proof.problems) == len(STATES)  # once for a split
    told = "prediction logits fails on training sample train-heron-1: SignatureError: The model in "
    assert proof.problems[0].startswith(told)
    assert "does not fit windows of 384 tokens: its inputs are tokens, attention_mask" in proof.problems[0]


def test_bad_data_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SQUAD_ALBERT_DATA", str(tmp_path / "nowhere"))
    proof = leap_test.prove(write_entry(tmp_path / "root"))
    assert not proof.ok
    assert "nowhere" in proof.problems[0]


@pytest.mark.parametrize(("problems", "code"), [([], 0), (["something is wrong"], 1)])
def test_main_prints_and_exits(
    problems: list[str], code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(leap_test, "prove", lambda: Proof("leap_binder.py", problems=problems))
    with pytest.raises(SystemExit) as exit_:
        leap_test.main()
    assert exit_.value.code == code
    assert ("FAILED: something is wrong" in capsys.readouterr().out) is bool(problems)


def test_main_tells_what_a_user_can_mend(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def prove() -> Proof:
        raise ProjectError("leap.yaml is not there. Restore it.")

    monkeypatch.setattr(leap_test, "prove", prove)
    with pytest.raises(SystemExit) as exit_:
        leap_test.main()
    assert exit_.value.code == 2
    assert capsys.readouterr().err == "leap.yaml is not there. Restore it.\n"
