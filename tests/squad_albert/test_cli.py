from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from project_config import ROOT, ProjectError
from squad_albert import cli, extras
from squad_albert import predict as predicting
from tests.conftest import HERON
from tests.squad_albert.data import write_squad

MAIN = "from squad_albert.cli import main; main()"


@dataclass
class Done:
    """What a command did."""

    code: int
    out: str
    err: str


@pytest.fixture
def run(monkeypatch, capsys, tmp_path, albert) -> Callable[..., Done]:
    """Runs a command in this process, in an empty folder, with small windows and the random model."""
    monkeypatch.chdir(tmp_path)
    for key, value in environment(tmp_path, albert).items():
        monkeypatch.setenv(key, value)

    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["squad-albert", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return Done(int(stopped.value.code or 0), *capsys.readouterr())

    return run


def environment(folder: Path, albert: Path) -> dict[str, str]:
    values = {"model": albert, "cache": folder / "cache", "max_length": 64, "overlap": 16, "max_question_tokens": 24}
    return {f"SQUAD_ALBERT_{key.upper()}": str(value) for key, value in values.items()}


@pytest.fixture
def module(monkeypatch) -> Callable[..., None]:
    """Puts a module of the given functions in place of a real one."""

    def put(name: str, **functions: Any) -> None:
        made = ModuleType(name)
        for key, value in functions.items():
            setattr(made, key, value)
        monkeypatch.setitem(sys.modules, name, made)

    return put


def test_help_lists_the_commands(run):
    done = run("--help")
    assert done.code == 0
    for command in ("check", "evaluate", "score", "predict", "train", "export"):
        assert f"\n  {command} " in done.out
    options = {
        "check": ["--bundle", "--json"],
        "evaluate": "--data --split --model --predictions --null-odds --limit --out --json".split(),
        "score": ["--data", "--predictions", "--null-odds", "--threshold", "--json"],
        "predict": ["--question", "--context", "--top-k", "--model", "--json"],
        "train": ["--config", "--name", "--json"],
        "export": ["--checkpoint", "--out"],
    }
    for command, names in options.items():
        shown = run(command, "--help").out
        assert all(f" {name} " in shown for name in names), command
        assert "--no-" not in shown


def test_evaluate_writes_a_run_and_prints_its_figures(run, tmp_path, questions):
    data = write_squad(tmp_path / "dev.json", questions)
    done = run("evaluate", "--data", data, "--out", "mine")
    assert done.code == 0
    assert "EM" in done.out
    assert "without answer" in done.out
    assert "by part of the data" in done.out
    assert "warning: " in done.err
    assert f"{len(questions)} of {len(questions)} questions" in done.err
    assert "The run is in mine." in done.err
    assert set(json.loads(Path("mine/predictions.json").read_text())) == {question.id for question in questions}

    again = run("evaluate", "--data", data, "--out", "mine", "--json")
    printed = json.loads(again.out)
    assert printed.pop("run") == "mine"
    assert printed == json.loads(Path("mine/metrics.json").read_text())


def test_evaluate_takes_split_limit_and_model(run, tmp_path, questions, albert):
    for split in ("train", "validation"):
        write_squad(tmp_path / "data" / f"{split}.json", questions)
    arguments = ("evaluate", "--data", tmp_path / "data", "--split", "train", "--limit", "3", "--json")
    printed = json.loads(run(*arguments).out)
    assert {split: figures["questions"] for split, figures in printed["splits"].items()} == {"train": 3}
    assert Path(printed["run"]).parent == Path("runs")
    missing = run(*arguments, "--model", "nowhere")
    assert missing.code == 2
    assert missing.out == ""
    assert "error: there is no model folder " in missing.err


def test_evaluate_takes_several_splits_and_somebodys_predictions(run, tmp_path, questions):
    for split in ("train", "validation"):
        own = [replace(question, id=f"{split}-{question.id}") for question in questions]
        write_squad(tmp_path / "data" / f"{split}.json", own)
    arguments = ("evaluate", "--data", tmp_path / "data", "--split", "train,validation", "--json")
    printed = json.loads(run(*arguments, "--out", "one").out)
    assert list(printed["splits"]) == ["train", "validation"]
    predicted = (*arguments, "--predictions", "one/predictions.json")
    again = json.loads(run(*predicted, "--null-odds", "one/null_odds.json", "--out", "two").out)
    for split, figures in printed["splits"].items():
        assert again["splits"][split]["official"] == figures["official"]
    both = run(*predicted, "--model", "somewhere")
    assert (both.code, both.out) == (2, "")
    assert "not from both" in both.err
    odds_only = run(*arguments, "--null-odds", "one/null_odds.json")
    assert (odds_only.code, odds_only.out) == (2, "")
    assert "--null-odds goes with --predictions" in odds_only.err


def test_score_prints_the_official_names(run, tmp_path, questions):
    data = write_squad(tmp_path / "dev.json", questions)
    Path("p.json").write_text(json.dumps({q.id: q.golds[0].text if q.golds else "" for q in questions}))
    Path("o.json").write_text(json.dumps({q.id: float(not q.golds) for q in questions}))
    printed = json.loads(run("score", "--data", data, "--predictions", "p.json", "--json").out)
    assert printed["exact"] == printed["f1"] == printed["HasAns_exact"] == printed["NoAns_f1"] == 100.0
    assert printed["total"] == len(questions)
    arguments = ("score", "--data", data, "--predictions", "p.json", "--null-odds", "o.json", "--json")
    assert json.loads(run(*arguments).out)["best_exact_thresh"] == 0.0
    assert json.loads(run(*arguments, "--threshold", "-1").out)["HasAns_exact"] == 0.0
    lines = run("score", "--data", data, "--predictions", "p.json").out.splitlines()
    assert [line.split()[0] for line in lines] == list(printed)


def test_predict_answers(run):
    arguments = ("predict", "--question", "When was the Grey Heron launched?", "--context", HERON)
    done = run(*arguments, "--top-k", "3")
    assert done.code == 0
    assert len(done.out.splitlines()) == 6
    printed = json.loads(run(*arguments, "--top-k", "3", "--json").out)
    assert len(printed["answers"]) == 3
    assert done.out.startswith(printed["answer"] or "no answer")
    assert len(run(*arguments).out.splitlines()) == 1


def test_many_warnings_are_cut_and_counted(capsys):
    cli._warn([f"w{number}" for number in range(8)])
    assert capsys.readouterr().err.splitlines() == [
        *(f"warning: w{number}" for number in range(5)),
        "warning: 3 more kinds of warnings",
    ]


@pytest.mark.parametrize("ok", [True, False])
def test_check_reports(run, module, ok):
    def check(bundle: bool) -> SimpleNamespace:
        lines = ["one", f"bundle {bundle}"]
        return SimpleNamespace(ok=ok, lines=lines, as_dict=lambda: {"ok": ok, "bundle": bundle})

    module("squad_albert.check", check=check)
    assert run("check") == Done(0 if ok else 2, "one\nbundle False\n", "")
    done = run("check", "--bundle", "--json")
    assert done.code == (0 if ok else 2)
    assert json.loads(done.out) == {"ok": ok, "bundle": True}


def test_train_names_the_experiment_and_reports(run, module, tmp_path):
    def train(settings, name):
        return {"experiment": f"{settings.output}/{name}", "f1": 50.5} if settings.steps == 3 else {}

    module("model.train", train=train)
    config = tmp_path / "small.yaml"
    config.write_text("{model: scratch, output: experiments, steps: 3}")
    assert run("train", "--config", config) == Done(0, "experiment: experiments/small\nf1: 50.5\n", "")
    found = json.loads(run("train", "--config", config, "--name", "other", "--json").out)
    assert found == {"experiment": "experiments/other", "f1": 50.5}
    config.write_text("{model: scratch, steps: 4}")
    assert run("train", "--config", config) == Done(0, "", "")
    config.write_text("{model: scratch, stepps: 3}")
    done = run("train", "--config", config)
    assert done.code == 2
    assert "did you mean `steps`?" in done.err


def test_export_reports(run, module):
    module("model.export", export=lambda checkpoint, out: {"checkpoint": checkpoint, "out": str(out), "error": 1e-6})
    arguments = ("export", "--checkpoint", "best", "--out", "there")
    assert run(*arguments) == Done(0, "checkpoint: best\nout: there\nerror: 1e-06\n", "")
    assert json.loads(run(*arguments, "--json").out) == {"checkpoint": "best", "out": "there", "error": 1e-6}


@pytest.mark.parametrize("arguments", [("train", "--config", "x.yaml"), ("export", "--checkpoint", "x", "--out", "y")])
def test_missing_extras_name_the_install_command(run, monkeypatch, arguments):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "torch" else object())
    done = run(*arguments)
    assert done.code == 2
    assert "needs torch, which is not installed" in done.err
    assert "pip install -e '.[train]'" in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "--data", "nowhere"), "error: No data `nowhere`"),
        (("evaluate", "--limit", "0"), "--limit"),
        (("predict", "--question", "Who?"), "--context"),
        (("predict", "--question", "", "--context", "x"), "error: the question is empty"),
        (("score", "--data", "no.json", "--predictions", "no.json"), "error: no.json"),
        (("no-such-command",), "No such command"),
    ],
)
def test_what_a_user_can_mend_exits_2_without_a_traceback(run, arguments, message):
    done = run(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert message in done.err
    assert "Traceback" not in done.err


def test_an_unknown_setting_exits_2(run, monkeypatch):
    monkeypatch.setenv("SQUAD_ALBERT_MAX_LENGTH", "many")
    done = run("predict", "--question", "Who?", "--context", "x")
    assert done.code == 2
    assert "`max_length`" in done.err


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (ProjectError, 2)])
def test_exit_codes(run, monkeypatch, error, code):
    def fail(*_: Any) -> Any:
        raise error("why")

    monkeypatch.setattr(predicting, "predict", fail)
    done = run("predict", "--question", "Who?", "--context", "x")
    assert (done.code, done.out, "Traceback" in done.err) == (code, "", False)


def test_a_bug_shows_its_traceback(monkeypatch):
    """The error leaves ``main``, from where Python prints the traceback and exits with 1."""

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(predicting, "predict", fail)
    monkeypatch.setattr(sys, "argv", ["squad-albert", "predict", "--question", "Who?", "--context", "x"])
    with pytest.raises(ZeroDivisionError):
        cli.main()


def test_ctrl_c_ends_cleanly(tmp_path, albert, questions):
    """The signal comes once the warnings are out, while the work has only begun."""
    many = [replace(question, id=f"{question.id}-{n}") for n in range(400) for question in questions]
    data = write_squad(tmp_path / "dev.json", many)
    command = [sys.executable, "-c", MAIN, "evaluate", "--data", str(data), "--out", str(tmp_path / "run")]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment(tmp_path, albert)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("warning: ")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    left = [path.name for path in (tmp_path / "run").glob("*")]
    assert left in ([], ["manifest.json"])


@pytest.mark.parametrize(
    ("arguments", "unwanted"),
    [
        (["predict", "--question", "Who?", "--context", "A man."], set()),
        (["score", "--data", "dev.json", "--predictions", "p.json"], {"onnxruntime", "tokenizers", "numpy"}),
    ],
)
def test_quick_commands_import_nothing_heavy(tmp_path, albert, questions, arguments, unwanted):
    write_squad(tmp_path / "dev.json", questions)
    (tmp_path / "p.json").write_text(json.dumps({question.id: "x" for question in questions}))
    heavy = {"torch", "tensorflow", "transformers", "keras", "datasets", "pyarrow", "pandas", "code_loader"} | unwanted
    code = (
        "import sys, atexit; "
        f"atexit.register(lambda: sys.stderr.write(repr(sorted({heavy!r} & sys.modules.keys())))); {MAIN}"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=tmp_path,
        env={**os.environ, **environment(tmp_path, albert), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.endswith("[]")
