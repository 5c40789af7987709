from __future__ import annotations

import io
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
from tests.tiny_run import tiny_run, write_run

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
    for command in (
        "check", "evaluate", "score", "predict", "train", "export", "explore", "similar", "explain", "attention",
        "figures", "compare", "review", "relabel", "serve",
    ):  # fmt: skip
        assert f"\n  {command} " in done.out
    options = {
        "check": ["--bundle", "--json"],
        "evaluate": "--data --split --model --predictions --null-odds --limit --out --json".split(),
        "score": ["--data", "--predictions", "--null-odds", "--threshold", "--json"],
        "predict": ["--question", "--context", "--top-k", "--model", "--json"],
        "train": ["--config", "--name", "--json"],
        "export": ["--checkpoint", "--out"],
        "explore": ["--latent", "--map", "--only", "--json"],
        "similar": ["--id", "--k", "--latent", "--json"],
        "explain": ["--id", "--method", "--out", "--json"],
        "attention": "--question --context --run --id --interactive --layers --heads --model --out --json".split(),
        "figures": ["--out", "--json"],
        "compare": ["--data", "--out", "--json"],
        "review": ["--out", "--first", "--json"],
        "relabel": ["--data", "--verdicts", "--out", "--json"],
        "serve": ["--model", "--host", "--port"],
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


def test_evaluate_warns_of_golds_out_of_reach(run, tmp_path, questions, monkeypatch):
    monkeypatch.setenv("SQUAD_ALBERT_MAX_ANSWER_TOKENS", "5")
    data = write_squad(tmp_path / "dev.json", [one for one in questions if one.title == "Heron"])
    done = run("evaluate", "--data", data, "--out", "mine")
    assert done.code == 0
    assert "warning: validation: golds longer than max_answer_tokens 5 are out of reach (" in done.err
    assert "heron-4" in done.err


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
    assert len(done.out.splitlines()) == 7
    assert done.out.splitlines()[1].startswith("The model is unsure. The passage: ")
    printed = json.loads(run(*arguments, "--top-k", "3", "--json").out)
    assert len(printed["answers"]) == 3
    assert done.out.startswith(printed["answer"] or "no answer")
    assert len(run(*arguments).out.splitlines()) == 2


@pytest.fixture
def evaluated(run, tmp_path, questions) -> Path:
    """A run of the random model."""
    assert run("evaluate", "--data", write_squad(tmp_path / "dev.json", questions), "--out", "mine").code == 0
    return Path("mine")


def test_explore_analyses_a_run_and_review_lists_its_labels(run, tmp_path):
    write_run(tiny_run(40), tmp_path / "ships")
    early = run("review", "ships", "--out", "verdicts.csv")
    assert (early.code, early.out) == (2, "")
    assert "squad-albert explore ships" in early.err

    done = run("explore", "ships", "--only", "overview,labels")
    assert done.code == 0
    assert done.out.startswith("Overview\n  ")
    assert "\nLabels to review\n" in done.out
    assert "The report is ships/report.html." in done.err
    printed = json.loads(run("explore", "ships", "--only", "labels", "--json").out)
    assert printed["report"] == "ships/report.html"
    assert set(printed["sections"]) == {"overview", "labels"}
    assert printed["sections"]["labels"]["facts"]["labels"] == 40

    assert run("review", "ships", "--out", "verdicts.csv", "--first", "3").out.startswith("3 of 40 labels were added")
    assert json.loads(run("review", "ships", "--out", "verdicts.csv", "--first", "5", "--json").out)["added"] == 2
    assert len(Path("verdicts.csv").read_text().splitlines()) == 6


def test_similar_lists_samples(run, tmp_path):
    write_run(tiny_run(40), tmp_path / "ships")
    arguments = ("similar", "ships", "--id", "train-0", "--k", "3")
    assert len(json.loads(run(*arguments, "--json").out)) == 3
    done = run(*arguments, "--latent", "cls")
    assert done.code == 0
    assert "train-0" in done.out


def test_explain_shows_the_tokens(run, evaluated):
    arguments = ("explain", evaluated, "--id", "heron-1", "--method", "occlusion")
    done = run(*arguments)
    assert done.code == 0
    assert "When was the" in done.out.replace("[", "").replace("]", "")
    assert "\x1b" not in done.out  # no terminal, no colours
    printed = json.loads(run(*arguments, "--out", "there", "--json").out)
    assert printed["methods"] == ["occlusion"]
    assert {path.name for path in Path("there").iterdir()} == {"heron-1.png", "heron-1.html"}


def test_attention_of_a_pair_of_a_sample_and_of_pairs_that_are_asked_for(run, evaluated, monkeypatch):
    pair = ("attention", "--question", "When was the Grey Heron launched?", "--context", HERON)
    printed = json.loads(run(*pair, "--layers", "2", "--json").out)
    assert printed["question"] == "When was the Grey Heron launched?"
    assert run(*pair).out.strip()
    assert run("attention", "--run", evaluated, "--id", "heron-1", "--heads", "1").code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO("Who?\nAda built her.\n\n"))
    assert run("attention", "--interactive").code == 0


def test_relabel_writes_a_copy(run, tmp_path, questions):
    data = write_squad(tmp_path / "dev.json", questions)
    before = data.read_bytes()
    Path("verdicts.csv").write_text("id,verdict,answer,start,note\nheron-1,drop,,,\nheron-2,keep,,,\n")
    arguments = ("relabel", "--data", data, "--verdicts", "verdicts.csv", "--out", "new.json")
    assert f"{len(questions)} questions: 0 fixed, 1 dropped, 1 kept" in run(*arguments).out
    assert json.loads(run(*arguments, "--json").out)["dropped"] == 1
    assert "heron-1" not in Path("new.json").read_text()
    assert data.read_bytes() == before


def test_compare_takes_two_runs(run, tmp_path):
    write_run(tiny_run(40), tmp_path / "a")
    write_run(tiny_run(40, prediction=""), tmp_path / "b")
    assert "40 questions are answered by both" in run("compare", "a", "b").out
    assert json.loads(run("compare", "a", "b", "--json").out)["questions"] == 40


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
    module(
        "model.export", export=lambda checkpoint, out, half: {"checkpoint": checkpoint, "out": str(out), "half": half}
    )
    arguments = ("export", "--checkpoint", "best", "--out", "there")
    assert run(*arguments) == Done(0, "checkpoint: best\nout: there\nhalf: False\n", "")
    assert json.loads(run(*arguments, "--half", "--json").out) == {"checkpoint": "best", "out": "there", "half": True}


@pytest.mark.parametrize(
    "arguments",
    [
        ("explore", "run"),
        ("similar", "run", "--id", "q"),
        ("explain", "run", "--id", "q"),
        ("attention", "--interactive"),
        ("figures", "run", "--out", "there"),
        ("compare", "a", "b"),
        ("review", "run", "--out", "v.csv"),
        ("relabel", "--data", "d.json", "--verdicts", "v.csv", "--out", "n.json"),
    ],
)
def test_commands_that_explore_name_their_extra(run, monkeypatch, arguments):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "umap" else object())
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "needs umap, which is not installed" in done.err
    assert "pip install -e '.[explore]'" in done.err


@pytest.mark.parametrize("arguments", [("train", "--config", "x.yaml"), ("export", "--checkpoint", "x", "--out", "y")])
def test_missing_extras_name_the_install_command(run, monkeypatch, arguments):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "torch" else object())
    done = run(*arguments)
    assert done.code == 2
    assert "needs torch, which is not installed" in done.err
    assert "pip install -e '.[train]'" in done.err


def test_serve_names_what_installs_what_it_needs(run, monkeypatch):
    for missing, extra in (("duckdb", "serve"), ("pandas", "explore")):
        monkeypatch.setattr(extras, "find_spec", lambda name, missing=missing: None if name == missing else object())
        done = run("serve")
        assert done.code == 2
        assert f"needs {missing}, which is not installed" in done.err
        assert f"`make install-{extra}`" in done.err


def test_serve_opens_runs_at_an_address(run, module):
    def serve(settings, folders, host, port, tell):
        tell(f"{settings.model} {[str(folder) for folder in folders]} {host} {port}")

    module("squad_albert.serve.server", serve=serve)
    assert run("serve", "a", "b", "--model", "m", "--port", "9") == Done(0, "", "m ['a', 'b'] 127.0.0.1 9\n")
    assert run("serve", "--host", "0.0.0.0", "--model", "m") == Done(0, "", "m [] 0.0.0.0 8000\n")
    assert run("serve", "--port", "70000").code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "--data", "nowhere"), "error: No data `nowhere`"),
        (("evaluate", "--limit", "0"), "--limit"),
        (("predict", "--question", "Who?"), "--context"),
        (("predict", "--question", "", "--context", "x"), "error: the question is empty"),
        (("score", "--data", "no.json", "--predictions", "no.json"), "error: no.json"),
        (("score", "--data", "no.json", "--predictions", "no.json", "--threshold", "1"), "Add --null-odds"),
        (("no-such-command",), "No such command"),
    ],
)
def test_what_a_user_can_mend_exits_2_without_a_traceback(run, arguments, message):
    done = run(*arguments)
    assert done.code == 2
    assert done.out == ""
    assert message in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explore", "nowhere"), "nowhere is no run"),
        (("explore", "ships", "--only", "labels,mop"), "there is no analysis `mop`"),
        (("explore", "ships", "--map", "pie"), "`map`"),
        (("similar", "ships", "--id", "train-00"), "train-0"),
        (("similar", "ships", "--id", "train-0", "--k", "0"), "--k"),
        (("similar", "ships", "--id", "train-0", "--latent", "pooler"), "`latent`"),
        (("explain", "ships", "--id", "train-0"), "made from predictions, without a model"),
        (("explain", "nowhere", "--id", "train-0"), "nowhere is no run"),
        (("attention",), "give --question and --context, or --run and --id, or --interactive"),
        (("attention", "--question", "Who?"), "give --question and --context"),
        (("attention", "--question", "Who?", "--context", "x", "--layers", "9"), "9"),
        (("attention", "--question", "Who?", "--context", "x", "--heads", "one"), "one"),
        (("attention", "--run", "nowhere", "--id", "q"), "nowhere is no run"),
        (("review", "ships", "--out", "v.csv"), "squad-albert explore ships"),
        (("review", "ships", "--out", "v.csv", "--first", "0"), "--first"),
        (("relabel", "--data", "d.json", "--verdicts", "v.csv", "--out", "d.json"), "the file of the data"),
        (("relabel", "--data", "d.json", "--verdicts", "v.csv", "--out", "n.json"), "v.csv cannot be read"),
        (("figures", "ships", "--out", "images"), "is not explored yet"),
        (("compare", "ships", "nothing.json"), "nothing.json"),
    ],
)
def test_bad_input_to_what_explores_exits_2_without_a_traceback(run, tmp_path, arguments, message):
    write_run(tiny_run(12, model=False), tmp_path / "ships")
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert "Traceback" not in done.err


def test_an_unknown_setting_exits_2(run, monkeypatch):
    monkeypatch.setenv("SQUAD_ALBERT_MAX_LENGTH", "many")
    done = run("predict", "--question", "Who?", "--context", "x")
    assert done.code == 2
    assert "`max_length`" in done.err


def test_ctrl_c_is_as_before_once_the_commands_are_known():
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); import squad_albert.cli; "
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"


def test_ctrl_c_before_a_command_has_begun(monkeypatch):
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "app", interrupted)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 130


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (ProjectError, 2)])
def test_exit_codes(run, monkeypatch, error, code):
    def fail(*_: Any) -> Any:
        raise error("why")

    monkeypatch.setattr(predicting, "predict", fail)
    done = run("predict", "--question", "Who?", "--context", "x")
    assert (done.code, done.out, "Traceback" in done.err) == (code, "", False)


def test_the_variable_or_option_that_is_wrong_is_named(run, monkeypatch):
    monkeypatch.setenv("SQUAD_ALBERT_N_BEST", "1000000000000")
    told = run("explore", "nowhere", "--map", "pie").err
    assert "SQUAD_ALBERT_N_BEST: `n_best`: " in told
    assert "--map: `map`: " in told
    assert "config.yaml" not in told


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "--question", "Who?", "--context", "x", "--top-k", "1" + "0" * 30),
        ("similar", "nowhere", "--id", "q", "--k", "1" + "0" * 30),
        ("review", "nowhere", "--out", "v.csv", "--first", "1" + "0" * 30),
        ("evaluate", "--limit", "1" + "0" * 30),
    ],
)
def test_numbers_have_an_upper_bound(run, arguments):
    done = run(*arguments)
    assert (done.code, done.out) == (2, "")
    assert f"Invalid value for '{arguments[-2]}'" in done.err


def started(folder: Path, albert: Path, *arguments: str | bytes, before: str = "", **options: Any) -> Any:
    """What a command does in a process of its own."""
    variables = {**os.environ, **environment(folder, albert), "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    command = [sys.executable, "-c", before + MAIN, *arguments]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(command, cwd=folder, env=variables, check=False, **given)


def test_arguments_that_are_no_text_are_refused(tmp_path, albert):
    done = started(tmp_path, albert, "predict", "--question", b"caf\xff", "--context", "x")
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"error: argument 3 is not UTF-8: 'caf\\udcff'. ")
    assert len(done.stderr.splitlines()) == 1


PLAIN = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
"""As Python was where no locale is set, before it took UTF-8 there."""


@pytest.mark.parametrize(
    ("env", "code", "message"),
    [
        (PLAIN, 2, "error: argument 5 is not ASCII: "),
        (
            {"PYTHONIOENCODING": "latin-1"},
            2,
            "error: the encoding here is latin-1, which has no '\\u6771'. Set PYTHONUTF8=1",
        ),
        ({"PYTHONIOENCODING": "ascii"}, 0, ""),
        ({"LC_ALL": "C"}, 0, ""),
    ],
)
def test_encodings_other_than_utf_8(tmp_path, albert, env, code, message):
    arguments = ("predict", "--question", "Who?", "--context", "東 東 東", "--json")
    done = started(tmp_path, albert, *arguments, env={"SQUAD_ALBERT_NO_ANSWER": "never", **env})
    assert done.returncode == code, done.stderr
    assert done.stderr.decode().startswith(message)
    assert len(done.stderr.splitlines()) == bool(code)
    assert bool(done.stdout) != bool(code)


@pytest.mark.parametrize("arguments", [("--help",), ("predict", "--question", "Who?", "--context", "A man.")])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_cannot_be_written(tmp_path, albert, arguments, unbuffered):
    with Path("/dev/full").open("wb") as full:
        done = started(tmp_path, albert, *arguments, stdout=full, env={"PYTHONUNBUFFERED": unbuffered})
        nothing = started(tmp_path, albert, "--help", stdout=full, stderr=full)
    assert done.returncode == nothing.returncode == 2
    assert done.stderr == (
        b"error: the output cannot be written: [Errno 28] No space left on device. "
        b"Free some space, or direct it elsewhere.\n"
    )


INTERRUPTED_AT = """
import os, signal, sys

class Finder:
    def find_spec(self, name, *_):
        if name == {name!r}:
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it runs in the background ignore it
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize(
    "name", ["pathlib", "typer", "pydantic", "yaml", "project_config", "squad_albert.predict", "tokenizers"]
)
def test_ctrl_c_while_modules_are_imported_ends_without_a_word(tmp_path, albert, name):
    arguments = ("predict", "--question", "Who?", "--context", "A man.")
    done = started(tmp_path, albert, *arguments, before=INTERRUPTED_AT.format(name=name))
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


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
