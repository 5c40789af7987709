from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from model.runtime import ModelError
from project_config import ROOT, Settings
from squad_albert.serve import limits, server
from squad_albert.serve.server import is_loopback, serve
from squad_albert.serve.service import ServeError
from tests.conftest import HERON, MARSH

ASKED = json.dumps({"question": "When was the Grey Heron launched?", "context": HERON})


def connect(address: str) -> socket.socket:
    parts = urlsplit(address)
    assert parts.hostname
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=60)


def post(address: str, body: str = ASKED) -> int:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.request("POST", "/predict", body, {"content-type": "application/json"})
    status = connection.getresponse().status
    connection.close()
    return status


def taken_in(pid: int, connections: int) -> bool:
    """Whether a process comes to have so many connections."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        links = [link.readlink().name for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()]
        if sum(name.startswith("socket:") for name in links) > connections:
            return True
    return False


def test_slow_clients_hold_nobody_up(address):
    """Hundreds of them send a byte of a head or of a body, and nothing more."""
    slow = [connect(address) for _ in range(200)]
    for number, one in enumerate(slow):
        head = b"POST /predict HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{"
        one.sendall(head if number % 2 else head[:9])
    began = time.monotonic()
    assert post(address) == 200
    assert time.monotonic() - began < min(server.HEAD_SECONDS, limits.BODY_SECONDS) / 2
    for one in slow:
        one.close()


def test_a_head_that_does_not_come_is_not_waited_for(address, monkeypatch):
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    for sent in (b"", b"GET /hea", b"GET /health HTTP/1.1\r\nhost: x\r\n"):
        with connect(address) as client:
            client.sendall(sent)
            assert client.recv(100) == b""


def test_a_second_head_on_a_connection_is_not_waited_for_either(address, monkeypatch):
    with connect(address) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n")
        found = b""
        while b'"alive"}' not in found:
            found += client.recv(4096)
        monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
        client.sendall(b"GET /hea")
        assert client.recv(100) == b""


def test_what_is_no_http_is_refused_as_everything_else_is(address):
    with connect(address) as client:
        client.sendall(b"NONSENSE\r\n\r\n")
        found = b"".join(iter(lambda: client.recv(4096), b"")).decode()
    head, _, body = found.partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 400")
    assert "content-security-policy: default-src 'none'" in head
    assert "Invalid HTTP" in json.loads(body)["error"]


def test_a_large_body_in_chunks_is_refused(address):
    with connect(address) as client:
        client.sendall(b"POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        with pytest.raises(OSError):  # a broken pipe or a reset, as the system pleases
            for _ in range(100):
                client.sendall(b"100000\r\n" + b"x" * 2**20 + b"\r\n")


def test_a_server_that_is_told_to_stop_answers_what_it_has_taken_in(settings):
    code = (
        "import sys; from pathlib import Path; from project_config import Settings;"
        "from squad_albert.serve.server import serve;"
        "serve(Settings.model_validate_json(sys.argv[1]), [], '127.0.0.1', 0, lambda line: print(line, flush=True))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, settings.model_dump_json()],
        stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ,
    )  # fmt: skip
    assert process.stdout is not None
    address = process.stdout.readline().split()[1].rstrip("/")
    body = json.dumps({"question": "How many storks?", "context": MARSH * 20})
    with ThreadPoolExecutor(8) as pool:
        while post(address) != 200:
            pass
        waiting = [pool.submit(post, address, body) for _ in range(8)]
        idle = connect(address)
        assert taken_in(process.pid, 9)
        process.send_signal(signal.SIGTERM)
        statuses = [future.result(60) for future in waiting]
    assert set(statuses) == {200}
    process.wait(60)
    process.stdout.close()
    idle.close()
    with pytest.raises(OSError):
        connect(address)


def test_an_address_that_is_taken_is_told(address):
    with pytest.raises(ServeError, match="cannot be had"):
        serve(Settings(), [], "127.0.0.1", urlsplit(address).port or 0)
    with pytest.raises(ServeError, match="cannot be had"):
        serve(Settings(), [], "no.such.host.invalid", 0)


def test_a_model_that_is_missing_ends_the_server(tmp_path):
    told: list[str] = []
    with pytest.raises(ModelError, match=r"model\.onnx"):
        serve(Settings(model=str(tmp_path)), [], "127.0.0.1", 0, told.append)
    assert told[0].startswith("Open http://127.0.0.1:")


def test_who_serves_others_is_warned(tmp_path):
    told: list[str] = []
    with pytest.raises(ModelError, match=r"model\.onnx"):
        serve(Settings(model=str(tmp_path)), [], "0.0.0.0", 0, told.append)
    assert told[0].startswith("warning: 0.0.0.0 is not this machine alone")


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("a.b", False)]
)
def test_loopback_is_told_apart(host, loopback):
    assert is_loopback(host) is loopback
