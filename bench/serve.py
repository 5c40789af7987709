"""What the server carries: requests a second, latency, errors and memory, beside a plain Flask app.

``make bench-serve`` runs it. The clients are a process of their own, on loopback; so is each server, one at a time. The
questions are those of the bundled test split, the weights the bundled model's. Flask runs in the peers' environment,
which the first run makes in build/.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from project_config import ROOT, Settings
from squad_albert.tables import table
from utils.questions import Question
from utils.squad import draw, load_file

from .evaluate import job_of, peers_python, processor

CLIENTS = (1, 4, 16, 64)
TOGETHER = 16
BATCHING, PEER = 1.8, 2.0
"""What is aimed at: 16 clients against one at a time, and against Flask."""

MEMORY_REQUESTS = 10_000
FLAT = 1.05
"""Memory after them may be so many times that after the first tenth."""

START_SECONDS = 180
QUESTIONS = 200

Result = dict[str, Any]
Command = Sequence[str]


def our_command(port: int) -> list[str]:
    """The server of this project."""
    code = "from squad_albert.cli import main; main()"
    return [sys.executable, "-c", code, "serve", "--port", str(port)]


def peer_command(job: Mapping[str, Any], port: int, scratch: Path) -> list[str]:
    """The Flask app in its environment."""
    path = scratch / "peer.json"
    path.write_text(json.dumps({**job, "engine": "pipeline", "port": port}), encoding="utf-8")
    return [str(peers_python()), str(ROOT / "bench" / "flask_app.py"), str(path)]


@contextmanager
def served(command: Command, port: int) -> Iterator[tuple[str, int]]:
    """A server while it runs: its address and process id.

    Raises:
        RuntimeError: if it ends, or is not ready in time.
    """
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | {"HF_HUB_OFFLINE": "1"}) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            until = time.monotonic() + START_SECONDS
            while not _ready(address):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"no server came of {' '.join(command)}")
                time.sleep(0.1)
            yield address, process.pid
        finally:
            process.terminate()


def load(address: str, questions: Sequence[Question], clients: int, **limits: float) -> Result:
    """What so many clients see, for so many ``seconds`` or ``requests``: ``per_second, p50, p99, errors, busy``."""
    bodies = [{"question": one.question, "context": one.context} for one in questions]
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "job.json")
        job = {"address": f"{address}/predict", "bodies": bodies, "clients": clients, **limits}
        path.write_text(json.dumps(job), encoding="utf-8")
        command = [sys.executable, "-m", "bench.load", str(path)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return figures(json.loads(done.stdout))


def figures(seen: Mapping[str, Any]) -> Result:
    """Figures of what clients saw; latencies are of those that were answered, in seconds.

    >>> figures({"seconds": 2.0, "statuses": {"200": 3, "503": 1, "OSError": 2}, "latencies": [0.1, 0.2, 0.3]})
    {'per_second': 1.5, 'p50': 0.2, 'p99': 0.3, 'busy': 1, 'errors': 2}
    """
    latencies = sorted(seen["latencies"]) or [float("nan")]
    statuses = dict(seen["statuses"])
    good, busy = statuses.pop("200", 0), statuses.pop("503", 0)
    return {
        "per_second": good / seen["seconds"],
        "p50": statistics.median(latencies),
        "p99": latencies[min(len(latencies) - 1, int(0.99 * len(latencies)))],
        "busy": busy,
        "errors": sum(statuses.values()),
    }


def memory(pid: int) -> float:
    """Bytes that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def measure_memory(address: str, pid: int, questions: Sequence[Question], requests: int) -> list[float]:
    """Memory after each tenth of the requests."""
    found = []
    for _ in range(10):
        load(address, questions, TOGETHER, requests=requests // 10)
        found.append(memory(pid))
    return found


def lines(ours: Mapping[int, Result], peer: Mapping[int, Result], held: Sequence[float]) -> list[str]:
    """What was measured, for people, and whether it is what was aimed at."""
    rows = [["", "clients", "requests/s", "p50", "p99", "503", "errors"]]
    for name, found in (("squad-albert serve", ours), ("Flask, transformers 4.57 pipeline", peer)):
        for clients, one in found.items():
            times = [f"{one[key] * 1000:,.0f} ms" for key in ("p50", "p99")]
            rows.append([name, str(clients), f"{one['per_second']:.1f}", *times, str(one["busy"]), str(one["errors"])])
    batching = ours[TOGETHER]["per_second"] / ours[1]["per_second"]
    told = [*table(rows), _told(f"{TOGETHER} clients against one at a time", batching, BATCHING)]
    if TOGETHER in peer:
        ratio = ours[TOGETHER]["per_second"] / peer[TOGETHER]["per_second"]
        told.append(_told(f"against Flask, {TOGETHER} clients", ratio, PEER))
    if held:
        growth = held[-1] / held[0]
        told.append(
            f"memory: {held[0] / 2**20:,.0f} MB after a tenth of the requests, {held[-1] / 2**20:,.0f} MB after all "
            f"({growth:.2f} times, at most {FLAT}: {'yes' if growth <= FLAT else 'no'})"
        )
    return told


def _told(what: str, ratio: float, aim: float) -> str:
    return f"{what}: {ratio:.2f} times (at least {aim}: {'yes' if ratio >= aim else 'no'})"


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/ready", timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main() -> None:
    """Measures both servers and prints the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.serve", description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=15, help="of each load")
    parser.add_argument("--clients", type=int, nargs="+", default=CLIENTS)
    parser.add_argument("--requests", type=int, default=MEMORY_REQUESTS, help="over which memory is watched; 0: not")
    parser.add_argument("--no-peer", action="store_true", help="leave Flask out")
    options = parser.parse_args()
    settings = Settings.model_validate({})
    questions = draw(load_file(ROOT / "data" / "test.json", warnings=[]), QUESTIONS, settings.seed, "test")
    clients = sorted({1, TOGETHER, *options.clients})
    print(f"{datetime.date.today()}, {processor()}; {options.seconds:g} s a load")
    port = free_port()
    with served(our_command(port), port) as (address, pid):
        load(address, questions, 4, requests=40)
        ours = {count: load(address, questions, count, seconds=options.seconds) for count in clients}
        held = measure_memory(address, pid, questions, options.requests) if options.requests else []
    peer = {} if options.no_peer else _measure_peer(questions, clients, options.seconds, settings)
    print("\n".join(lines(ours, peer, held)))


def _measure_peer(
    questions: Sequence[Question], clients: Sequence[int], seconds: float, settings: Settings
) -> dict[int, Result]:
    port = free_port()
    with tempfile.TemporaryDirectory() as scratch:
        command = peer_command(job_of(ROOT / settings.model, questions, settings), port, Path(scratch))
        with served(command, port) as (address, _):
            load(address, questions, 1, requests=5)
            return {count: load(address, questions, count, seconds=seconds) for count in clients}


if __name__ == "__main__":
    main()
