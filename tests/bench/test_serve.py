from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from bench import serve
from utils.squad import load_file


class Handler(BaseHTTPRequestHandler):
    """Answers each third request with 503 and notes the others."""

    protocol_version = "HTTP/1.1"
    asked: ClassVar[list[dict[str, str]]] = []
    count = 0

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        Handler.count += 1
        if Handler.count % 3:
            self.asked.append(body)
        self.send_response(200 if Handler.count % 3 else 503)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        """Says nothing."""


@pytest.fixture
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Handler.asked, Handler.count = [], 0
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_clients_send_what_they_are_told_and_count_what_they_see(address, questions):
    found = serve.load(address, questions, 1, requests=30)
    assert (found["busy"], found["errors"]) == (10, 0)
    assert found["per_second"] > 0
    assert 0 < found["p50"] <= found["p99"]
    assert [one["question"] for one in Handler.asked[:2]] == [question.question for question in questions[:2]]
    assert set(Handler.asked[0]) == {"question", "context"}


def test_several_clients_share_the_requests(address, questions):
    serve.load(address, questions, 4, requests=40)
    assert Handler.count in range(40, 44)


def test_a_load_ends_in_time(address, questions):
    assert serve.load(address, questions, 2, seconds=0.2)["per_second"] > 0
    assert Handler.count > 2


def test_our_server_is_loaded_and_watched():
    port = serve.free_port()
    questions = load_file(serve.ROOT / "data" / "validation.json", warnings=[])[:5]
    with serve.served(serve.our_command(port), port) as (address, pid):
        found = serve.load(address, questions, 2, requests=10)
        held = serve.measure_memory(address, pid, questions, 20)
    assert (found["busy"], found["errors"]) == (0, 0)
    assert len(held) == 10
    assert all(one > 2**20 for one in held)


def test_a_server_that_ends_is_an_error():
    with pytest.raises(RuntimeError, match="no server came of"), serve.served([sys.executable, "-c", ""], 1):
        pass


def test_the_lines_say_whether_aims_are_met():
    one = {"per_second": 10.0, "p50": 0.1, "p99": 0.2, "busy": 0, "errors": 0}
    ours = {1: one, 16: one | {"per_second": 19.0, "busy": 4}}
    peer = {1: one, 16: one | {"per_second": 11.0}}
    lines = serve.lines(ours, peer, [2**20, 2**20, 2**21])
    assert lines[2].split() == ["squad-albert", "serve", "16", "19.0", "100", "ms", "200", "ms", "4", "0"]
    assert "1.90 times (at least 1.8: yes)" in lines[5]
    assert "1.73 times (at least 2.0: no)" in lines[6]
    assert "2.00 times, at most 1.05: no" in lines[7]


def test_everything_is_measured_and_printed(monkeypatch, capsys, address):
    loads = []

    def load(where, questions, clients, **limits):
        loads.append((clients, *limits))
        return {"per_second": 10.0 * clients, "p50": 0.1, "p99": 0.2, "busy": 0, "errors": 0}

    class Served:
        def __init__(self, command, port):
            self.command = command

        def __enter__(self):
            return address, 1

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(serve, "load", load)
    monkeypatch.setattr(serve, "served", Served)
    monkeypatch.setattr(serve, "memory", lambda pid: 2.0**20)
    monkeypatch.setattr(serve, "peers_python", lambda: "python")
    monkeypatch.setattr(sys, "argv", ["serve", "--seconds", "1", "--clients", "4", "--requests", "100"])
    serve.main()
    printed = capsys.readouterr().out
    assert "16 clients against one at a time: 16.00 times" in printed
    assert "against Flask, 16 clients: 1.00 times" in printed
    assert [clients for clients, limit in loads if limit == "seconds"] == [1, 4, 16] * 2
    assert loads.count((16, "requests")) == 10


def test_the_flask_app_gets_its_job(tmp_path, monkeypatch):
    monkeypatch.setattr(serve, "peers_python", lambda: "python")
    command = serve.peer_command({"model": "folder"}, 1234, tmp_path)
    assert command[:2] == ["python", str(serve.ROOT / "bench" / "flask_app.py")]
    assert json.loads(Path(command[2]).read_text()) == {"model": "folder", "engine": "pipeline", "port": 1234}
