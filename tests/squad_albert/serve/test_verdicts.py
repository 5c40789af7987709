from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from project_config import ROOT
from squad_albert.explore.verdicts import Verdict, read_verdicts, save_verdict
from squad_albert.run_folder import RunError
from squad_albert.serve.api import create_app
from squad_albert.serve.errors import ConflictError
from squad_albert.serve.service import Service
from squad_albert.serve.verdicts import Verdicts
from tests.tiny_run import tiny_run, write_run


@pytest.fixture
def folder(tmp_path):
    return write_run(tiny_run(24), tmp_path / "tiny")


@pytest.fixture
def browser(settings, folder):
    """A client of a run of its own."""
    client = TestClient(create_app(Service(settings, [folder])))
    client.put(path("train-0"), json={})  # what is made at the first request is made before threads come
    return client


def path(question_id: str) -> str:
    return f"/runs/tiny/questions/{question_id}/verdict"


def test_a_verdict_is_in_the_file_and_everywhere(browser, folder):
    saved = browser.put(path("train-0"), json={"verdict": "drop", "note": '=odd,\r\n"note" \u202e'})
    assert saved.status_code == 200
    verdict = saved.json()
    assert read_verdicts(folder / "verdicts.csv") == {
        "train-0": Verdict("train-0", "drop", note='=odd,\r\n"note" \u202e')
    }
    assert browser.get(path("train-0")).json() == verdict
    assert browser.get("/runs/tiny/questions/train-0").json()["verdict"] == verdict
    rows = browser.post("/runs/tiny/questions", json={"ids": ["train-0", "train-2"]}).json()["rows"]
    assert [row["verdict"] for row in rows] == ["drop", ""]
    assert browser.get("/runs/tiny/verdicts").content == (folder / "verdicts.csv").read_bytes()


def test_a_verdict_can_be_changed_and_taken_back_by_who_has_seen_it(browser, folder):
    first = browser.put(path("train-0"), json={"verdict": "keep"}).json()
    second = browser.put(path("train-0"), json={"verdict": "drop", "revision": first["revision"]}).json()
    assert second["revision"] != first["revision"]
    gone = browser.put(path("train-0"), json={"verdict": "", "revision": second["revision"]}).json()
    assert (gone["verdict"], gone["revision"]) == ("", None)
    assert read_verdicts(folder / "verdicts.csv") == {}


@pytest.mark.parametrize("revision", [None, "0" * 12])
def test_who_has_not_seen_the_present_verdict_is_told_it(browser, revision):
    present = browser.put(path("train-0"), json={"verdict": "keep"}).json()
    body = {"verdict": "drop"} | ({"revision": revision} if revision else {})
    response = browser.put(path("train-0"), json=body)
    assert response.status_code == 409
    assert (response.json()["field"], response.json()["present"]) == ("revision", present)
    assert browser.get(path("train-0")).json() == present
    assert browser.put(path("train-0"), json={"verdict": "keep"}).json() == present  # saying the same again is fine


def test_a_fix_is_an_answer_from_the_context(browser, folder):
    context = browser.get("/runs/tiny/questions/train-0").json()["context"]
    word = context.split()[1]
    fixed = browser.put(path("train-0"), json={"verdict": "fix", "answer": f" {word} "}).json()
    assert fixed["answer"] == word
    none = browser.put(path("train-2"), json={"verdict": "fix", "answer": ""}).json()
    assert none["answer"] == ""
    found = read_verdicts(folder / "verdicts.csv")
    assert (found["train-0"].answer, found["train-2"].answer) == (word, "")
    response = browser.put(path("train-4"), json={"verdict": "fix", "answer": "Zanzibar"})
    assert (response.status_code, response.json()["field"]) == (409, "answer")


def test_a_fix_says_which_of_several_places_it_means(browser):
    context = browser.get("/runs/tiny/questions/train-0").json()["context"]
    places = [at for at in range(len(context)) if context.startswith("a", at)]
    response = browser.put(path("train-0"), json={"verdict": "fix", "answer": "a"})
    assert (response.status_code, response.json()["field"]) == (409, "start")
    assert str(places[1]) in response.json()["error"]
    saved = browser.put(path("train-0"), json={"verdict": "fix", "answer": "a", "start": places[1]})
    assert saved.json()["start"] == places[1]
    wrong = browser.put(path("train-2"), json={"verdict": "fix", "answer": "a", "start": places[0] + 1})
    assert wrong.status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "verdict"),
        ({"verdict": "maybe"}, "verdict"),
        ({"verdict": "fix"}, "answer"),
        ({"verdict": "keep", "answer": "x"}, "answer"),
        ({"verdict": "keep", "note": 7}, "note"),
        ({"verdict": "keep", "note": "x" * 10_001}, "note"),
    ],
)
def test_a_verdict_that_contradicts_itself_is_refused(browser, body, field):
    response = browser.put(path("train-0"), json=body)
    assert (response.status_code, response.json()["field"]) == (400, field)
    assert browser.put(path("unknown"), json={"verdict": "keep"}).status_code == 404


def test_browsers_at_once_do_not_lose_each_other_s(browser, folder):
    ids = [f"{split}-{number}" for number, split in enumerate(["train", "validation"] * 12)]
    with ThreadPoolExecutor(8) as pool:
        saved = list(pool.map(lambda key: browser.put(path(key), json={"verdict": "keep", "note": key}), ids))
    assert {response.status_code for response in saved} == {200}
    assert {key: verdict.note for key, verdict in read_verdicts(folder / "verdicts.csv").items()} == {
        key: key for key in ids
    }


def test_of_browsers_at_once_on_one_question_one_wins_and_the_others_are_told(browser):
    with ThreadPoolExecutor(8) as pool:
        notes = [str(number) for number in range(8)]
        saved = list(pool.map(lambda note: browser.put(path("train-0"), json={"verdict": "drop", "note": note}), notes))
    [winner] = [response.json() for response in saved if response.status_code == 200]
    assert [response.status_code for response in saved].count(409) == 7
    assert all(response.json()["present"] == winner for response in saved if response.status_code == 409)


def test_what_others_write_into_the_file_is_seen(tmp_path):
    verdicts = Verdicts(tmp_path / "verdicts.csv")
    verdicts.replace("a", Verdict("a", "keep"), None)
    save_verdict(verdicts.path, Verdict("b", "drop"))
    assert verdicts.of("b")["verdict"] == "drop"
    with pytest.raises(ConflictError):
        verdicts.replace("b", Verdict("b", "keep"), None)
    assert set(verdicts.all()) == {"a", "b"}


def test_undecided_takes_a_verdict_back_and_leaves_its_note(browser, folder):
    kept = browser.put(path("train-0"), json={"verdict": "keep", "note": "odd"}).json()
    body = {"verdict": "", "note": "odd", "revision": kept["revision"]}
    found = browser.put(path("train-0"), json=body).json()
    assert (found["verdict"], found["note"]) == ("", "odd")
    assert browser.get(path("train-0")).json() == found
    assert read_verdicts(folder / "verdicts.csv") == {}
    gone = browser.put(path("train-0"), json={"verdict": "", "revision": found["revision"]}).json()
    assert (gone["note"], gone["revision"]) == ("", None)


@pytest.mark.parametrize("bad", [b"train-0,maybe,,,", b"train-0,keep", b"train-0,keep,,,\xe9", b'train-0,keep,,,"open'])
def test_a_bad_row_locks_no_other(browser, folder, bad):
    (folder / "verdicts.csv").write_bytes(b"id,verdict,answer,start,note\n" + bad + b"\ntrain-2,drop,,,a\rb\n")
    rows = browser.post("/runs/tiny/questions", json={"ids": ["train-0", "train-2"]}).json()["rows"]
    assert [row["verdict"] for row in rows] == ["", "drop"]
    assert browser.get(path("train-2")).json()["note"] == "a\rb"
    assert browser.put(path("train-4"), json={"verdict": "keep", "note": "c\rd"}).status_code == 200
    assert bad in browser.get("/runs/tiny/verdicts").content
    assert browser.get(path("train-4")).json()["note"] == "c\rd"


def test_a_bad_row_is_told_of_its_own_question(browser, folder):
    (folder / "verdicts.csv").write_bytes(b"id,verdict,answer,start,note\ntrain-0,maybe,,,\n")
    for response in (browser.get(path("train-0")), browser.put(path("train-0"), json={"verdict": "keep"})):
        assert response.status_code == 409
        assert "`maybe` is none of" in response.json()["error"]
        assert str(folder) not in response.text


def test_a_file_that_cannot_be_used_is_told(browser, folder):
    (folder / "verdicts.csv").write_text("nonsense\n")
    response = browser.get(path("train-0"))
    assert response.status_code == 409
    assert "verdicts.csv" in response.json()["error"]


WRITER = """
import sys
from pathlib import Path
from squad_albert.explore.verdicts import Verdict
from squad_albert.serve.verdicts import Verdicts
verdicts = Verdicts(Path(sys.argv[1]))
for number in range(10**6):
    verdicts.replace(f"q{number}", Verdict(f"q{number}", "drop", note="n" * 500), None)
    print(number, flush=True)
"""


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.13])
def test_a_process_that_is_killed_loses_nothing_that_it_has_saved(tmp_path, seconds):
    file = tmp_path / "verdicts.csv"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(file)], stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ
    )
    assert writer.stdout is not None
    told = [writer.stdout.readline() for _ in range(5)]
    timer = threading.Timer(seconds, writer.send_signal, [signal.SIGKILL])
    timer.start()
    told += writer.stdout.readlines()
    assert writer.wait() == -signal.SIGKILL
    writer.stdout.close()
    saved = read_verdicts(file)
    last = int([line for line in told if line.endswith("\n")][-1])
    assert set(saved) >= {f"q{number}" for number in range(last + 1)}
    assert len(saved) <= last + 2
    Verdicts(file).replace("after", Verdict("after", "keep"), None)
    assert "after" in read_verdicts(file)


def test_a_verdict_file_that_leads_out_of_the_run_is_refused(settings, folder, tmp_path):
    mine = tmp_path / "mine.csv"
    mine.write_text("id,verdict,answer,start,note\n")
    verdicts = Verdicts(folder / "verdicts.csv")
    (folder / "verdicts.csv").symlink_to(mine)
    told = r"verdicts\.csv is a link, not a file: .*nothing outside of its folder"
    for work in (verdicts.all, verdicts.content, lambda: verdicts.replace("train-0", Verdict("train-0", "keep"), None)):
        with pytest.raises(RunError, match=told):
            work()
    with pytest.raises(RunError, match=told):
        Service(settings, [folder])
    assert mine.read_text() == "id,verdict,answer,start,note\n"


def test_what_a_killed_server_left_is_removed_by_the_next(settings, folder):
    (folder / ".verdicts.csv.999.part").write_text("id,verd")
    Service(settings, [folder]).close()
    assert not list(folder.glob(".*"))
