from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

import pytest

from project_config import ROOT
from squad_albert.interrupts import EndsAtOnce

SCRIPT = """
import os, signal, sys
from squad_albert.interrupts import EndsAtOnce

signal.signal(signal.SIGINT, {handler})
start = EndsAtOnce()
{between}
try:
    os.kill(os.getpid(), signal.SIGINT)
    print("went on")
except BaseException as error:
    print(type(error).__name__)
"""


def run(handler: str, between: str = "") -> tuple[int, str, str]:
    script = SCRIPT.format(handler=handler, between=between)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("handler", "between", "code", "out"),
    [
        ("signal.default_int_handler", "", 130, ""),
        ("signal.default_int_handler", "start.over()", 0, "KeyboardInterrupt\n"),
        ("signal.SIG_IGN", "", 0, "went on\n"),
        ("signal.SIG_IGN", "start.over()", 0, "went on\n"),
        ("lambda *_: None", "", 0, "went on\n"),
    ],
)
def test_ctrl_c_ends_a_process_that_starts_unless_it_is_handled(handler, between, code, out):
    assert run(handler, between) == (code, out, "")


def test_threads_that_get_no_signal_change_nothing():
    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: EndsAtOnce().over())
    thread.start()
    thread.join()
    assert signal.getsignal(signal.SIGINT) is before
