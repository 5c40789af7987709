"""What is printed while TensorFlow is imported is not seen; what comes afterwards is."""

from __future__ import annotations

import os

import pytest

from model.quiet import quiet_tensorflow


def test_only_what_is_printed_inside_is_lost(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TF_CPP_MIN_LOG_LEVEL", raising=False)
    os.write(2, b"before ")
    with quiet_tensorflow():
        os.write(2, b"inside ")
        assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "3"
    os.write(2, b"after")
    assert capfd.readouterr().err == "before after"


def test_errors_come_through(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    free = os.dup(2)
    os.close(free)
    with pytest.raises(ImportError, match="gone"), quiet_tensorflow():
        raise ImportError("gone")
    os.write(2, b"after")
    assert capfd.readouterr().err == "after"
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"  # who asked for messages gets them
    assert os.dup(2) == free  # no descriptor was left open
    os.close(free)
