"""Clients of an HTTP server, in a process of their own: ``python -m bench.load JOB`` prints what they saw as JSON.

JOB is a JSON file of ``address``, ``bodies`` (sent in turn), ``clients``, and ``seconds`` or ``requests``. Each client
keeps its connection and sends the next request when it has the answer. Plain sockets, and as little work as can be, so
that the load does not take the processor from the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit


class Load:
    """What all clients together have seen.

    Args:
        job: as above.
    """

    def __init__(self, job: dict[str, Any]) -> None:
        parts = urlsplit(job["address"])
        self.host, self.port = parts.hostname or "", parts.port or 80
        self.requests = [self._request(parts.path or "/", body) for body in job["bodies"]]
        self.most = job.get("requests", sys.maxsize)
        self.seconds = job.get("seconds", float("inf"))
        self.sent = 0
        self.statuses: Counter[str] = Counter()
        self.latencies: list[float] = []

    async def run(self, clients: int) -> dict[str, Any]:
        """Lets so many clients send."""
        self.began = time.perf_counter()
        await asyncio.gather(*(self._client() for _ in range(clients)))
        return {
            "seconds": time.perf_counter() - self.began,
            "statuses": self.statuses,
            "latencies": self.latencies,
        }

    async def _client(self) -> None:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            while self.sent < self.most and time.perf_counter() - self.began < self.seconds:
                request = self.requests[self.sent % len(self.requests)]
                self.sent += 1
                began = time.perf_counter()
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(_length(head))
                status = head[9:12].decode()
                self.statuses[status] += 1
                if status == "200":
                    self.latencies.append(time.perf_counter() - began)
                if b"connection: close" in head.lower():
                    writer.close()
                    reader, writer = await asyncio.open_connection(self.host, self.port)
        except (OSError, asyncio.IncompleteReadError) as error:
            self.statuses[type(error).__name__] += 1
        writer.close()

    def _request(self, path: str, body: Any) -> bytes:
        data = json.dumps(body).encode()
        head = f"POST {path} HTTP/1.1\r\nHost: {self.host}\r\nContent-Type: application/json\r\nContent-Length: "
        return f"{head}{len(data)}\r\n\r\n".encode() + data


def _length(head: bytes) -> int:
    """The length of the body, as a response's head has it."""
    [length] = [line[15:] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return int(length)


def main() -> None:
    """Does a job."""
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    print(json.dumps(asyncio.run(Load(job).run(job["clients"]))))


if __name__ == "__main__":
    main()
