from __future__ import annotations

import sys

import pytest

from squad_albert.progress import Progress


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_plain_lines_come_every_ten_seconds_and_at_the_end(capsys):
    clock = Clock()
    with Progress("evaluate", 1000, "questions", clock) as progress:
        for _ in range(25):
            clock.now += 1
            progress.advance(40)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "evaluate: 400 of 1,000 questions, 40.0/s, 15 s left",
        "evaluate: 800 of 1,000 questions, 40.0/s, 5 s left",
        "evaluate: 1,000 of 1,000 questions, 40.0/s",
    ]


def test_fractions_add_up(capsys):
    with Progress("evaluate", 2, "questions", Clock()) as progress:
        for _ in range(6):
            progress.advance(1 / 3)
    assert capsys.readouterr().err == "evaluate: 2 of 2 questions, 0.0/s\n"


def test_what_was_done_before_says_nothing_about_the_pace(capsys):
    clock = Clock()
    with Progress("evaluate", 1000, "questions", clock, before=600) as progress:
        for _ in range(10):
            clock.now += 1
            progress.advance(20)
    assert capsys.readouterr().err.splitlines() == [
        "evaluate: 800 of 1,000 questions, 20.0/s, 10 s left",
        "evaluate: 800 of 1,000 questions, 20.0/s, 10 s left",
    ]


def test_what_fails_is_not_declared_done(capsys):
    with pytest.raises(KeyboardInterrupt), Progress("evaluate", 2, "questions", Clock()):
        raise KeyboardInterrupt
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with Progress("evaluate", 3, "questions") as progress:
        progress.advance(1.5)
        progress.advance(1.5)
    out, err = capsys.readouterr()
    assert out == ""
    assert "evaluate: 100%|" in err
    assert "| 3/3 [" in err
