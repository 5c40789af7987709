from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

import leap_test
from project_config import Settings
from squad_albert import check as module
from squad_albert.bundle import BundleResult
from squad_albert.check import check
from squad_albert.proof import Proof
from utils.squad import Question
from utils.windows import build_windows

Prepare = Callable[..., None]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, questions: list[Question], tokenizer: Tokenizer) -> Prepare:
    """Lets the proof and the bundle find what a test wants."""

    def prepare(
        problems: list[str], bundle_problems: list[str], shared: int = 0, odd_golds: Any = (), longest: int = 30
    ) -> None:
        def data(some: list[Question], unrecoverable: list[list[int]]) -> Any:
            settings = Settings(max_answer_tokens=longest)
            windows = replace(
                build_windows(some, tokenizer, settings, cache=False),
                unrecoverable=np.array(unrecoverable, np.int32).reshape(-1, 2),
            )
            return SimpleNamespace(split=SimpleNamespace(questions=some, windows=windows), settings=settings)

        copies = [replace(q, id=f"copy-{q.id}") for q in questions[:shared]]
        own = [Question("own", "Own", "What is of its own?", "This is of its own.", ())]
        splits = {"training": data(questions, odd_golds), "test": data(copies + own, [])}
        proof = Proof("leap_binder.py", problems=problems, data=splits)
        monkeypatch.setattr(leap_test, "prove", lambda root: proof)
        files = BundleResult(
            ["leap_binder.py"], 2_000_000, {"training": 1000, "test": 5}, ["numpy 2.4.6"], bundle_problems
        )
        monkeypatch.setattr(module, "check_bundle", lambda root: files)

    return prepare


def test_sound_integration(found: Prepare) -> None:
    found([], [])
    report = check()
    assert report.ok
    assert report.lines[-2:] == [
        "leakage: no two splits share a context, question or id",
        "Next: `squad-albert check --bundle` tries out the files that `leap push` would upload.",
    ]
    assert report.as_dict()["bundle"] is None


def test_bundle_is_told(found: Prepare) -> None:
    found([], [])
    report = check(bundle=True)
    assert report.ok
    assert report.lines[-3:] == [
        "bundle: 1 files, 2.0 MB packed, in a process of its own",
        "bundle: 1,000 training, 5 test",
        "bundle: it works with numpy 2.4.6 and nothing else",
    ]


def test_leakage_is_counted_but_is_no_failure(found: Prepare) -> None:
    found([], [], shared=2)
    report = check()
    assert report.ok
    assert {leak.what: leak.count for leak in report.leaks} == {"context": 2, "question": 2}
    assert any(line.startswith("leakage: 2 questions share their context") for line in report.lines)


def test_golds_that_tokens_do_not_give_back_are_told(found: Prepare, questions: list[Question]) -> None:
    found([], [], odd_golds=[[0, 0], [0, 1], [2, 0]])
    report = check()
    assert report.ok
    ids = [questions[0].id, questions[2].id]
    told = [line for line in report.lines if line.startswith("golds: ")]
    assert told == [
        f"golds: in training, the tokens of a gold of 2 questions are more than its text, e.g. {ids[0]}, {ids[1]}"
    ]
    assert report.as_dict()["unrecoverable"] == {"training": ids, "test": []}


def test_golds_out_of_reach_are_told_and_counted(found: Prepare) -> None:
    found([], [])
    assert not [line for line in check().lines if "out of reach" in line]
    found([], [], longest=5)
    report = check()
    assert report.ok
    (told,) = [line for line in report.lines if "out of reach" in line]
    assert told.startswith("training: golds longer than max_answer_tokens 5 are out of reach (")
    ids = report.as_dict()["unreachable"]["training"]["too_long"]
    assert f"({len(ids)} questions, " in told
    assert all(key in told for key in ids[:10])
    assert "heron-4" in ids
    assert report.as_dict()["unreachable"]["test"] == {"too_long": [], "in_no_window": []}


@pytest.mark.parametrize(("problems", "of_bundle"), [(["the proof fails"], []), ([], ["the bundle fails"])])
def test_any_problem_fails(problems: list[str], of_bundle: list[str], found: Prepare) -> None:
    found(problems, of_bundle)
    report = check(bundle=True)
    assert not report.ok
    failed = [line for line in report.lines if line.startswith("FAILED: ")]
    assert len(failed) == 1 and failed[0].endswith((*problems, *of_bundle))


def test_json_holds_everything(found: Prepare) -> None:
    found(["the proof fails"], ["the bundle fails"], shared=1)
    told = json.loads(json.dumps(check(bundle=True).as_dict()))
    assert told["ok"] is False
    assert told["integration"]["problems"] == ["the proof fails"]
    assert told["bundle"]["problems"] == ["the bundle fails"]
    assert [(leak["what"], leak["count"]) for leak in told["leakage"]] == [("context", 1), ("question", 1)]


def test_data_that_were_not_read_leak_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leap_test, "prove", lambda root: Proof("leap_binder.py", problems=["it cannot be run"]))
    lines = check(root=Path("anywhere")).lines
    assert not [line for line in lines if line.startswith("leakage")]
