"""The process: one server, on this machine alone unless told otherwise, that finishes what it has begun."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from project_config import Settings

from .api import create_app
from .limits import SAFETY
from .service import ServeError, Service

HEAD_SECONDS = 10.0
"""In which a request's first line and headers must have arrived, also on a connection that was idle before."""

DRAIN_SECONDS = 60
"""For which a server that was told to stop works on what it has taken in."""

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
"""What a server on this machine alone is called."""


def serve(
    settings: Settings, folders: Sequence[Path], host: str, port: int, tell: Callable[[str], None] = lambda _: None
) -> None:
    """Serves runs and the model until it is told to stop by SIGINT or SIGTERM.

    Args:
        settings: the model.
        folders: of runs.
        host: the address to listen at.
        port: 0 for any that is free.
        tell: receives what a person should know: the address, and a warning where others can reach it.

    Raises:
        RunError: if a folder is no run.
        ModelError: if the model is missing or damaged.
        ServeError: if the address cannot be had, or two runs have one name.
    """
    service = Service(settings, folders, warm=True)
    hosts = LOCAL_NAMES if is_loopback(host) else ()
    config = uvicorn.Config(
        create_app(service, hosts),
        http=Patient,
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=int(HEAD_SECONDS),
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    with bind(host, port) as bound:
        if not hosts:
            tell(_WARNING.format(host=host))
        address = f"http://{f'[{host}]' if ':' in host else host}:{bound.getsockname()[1]}/"
        Server(config, service, lambda: tell(f"Open {address} in a browser. Ctrl-C ends it.")).run(sockets=[bound])
    if service.failure:
        raise service.failure


_WARNING = (
    "warning: {host} is not this machine alone: whoever reaches it can read the runs, decide on labels and use the "
    "model. There is no password; put a proxy before it that asks for one."
)


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Server(uvicorn.Server):
    """A server that ends where its model cannot be loaded.

    Args:
        config: of uvicorn.
        service: what it serves.
        listening: called once it takes requests.
    """

    def __init__(self, config: uvicorn.Config, service: Service, listening: Callable[[], None]) -> None:
        super().__init__(config)
        self._service = service
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begins to take requests."""
        await super().startup(sockets)
        self._listening()

    async def on_tick(self, counter: int) -> bool:
        """Whether to stop."""
        return await super().on_tick(counter) or self._service.failure is not None


class Patient(H11Protocol):
    """A connection that waits only so long for the head of a request, and refuses in the server's own way."""

    _limit: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts to wait for the first request."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Waits for the rest of a head that has begun."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._wait_no_more()
        elif self._limit is None and self.conn.trailing_data[0]:
            self._wait()

    def send_400_response(self, msg: str) -> None:
        """Refuses what is no HTTP."""
        body = json.dumps({"error": f"{msg} Send HTTP/1.1."}).encode()
        headers = [(name.lower(), value) for name, value in SAFETY.items()]
        headers += [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        events: list[Any] = [h11.Response(status_code=400, headers=headers), h11.Data(data=body), h11.EndOfMessage()]
        for event in events:
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _wait(self) -> None:
        self._limit = self.loop.call_later(HEAD_SECONDS, self.timeout_keep_alive_handler)

    def _wait_no_more(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None


def bind(host: str, port: int) -> socket.socket:
    """A socket at an address, not yet listening.

    Raises:
        ServeError: if it cannot be had.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with ExitStack() as undo:
            bound = undo.enter_context(socket.socket(family, kind, protocol))
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
            undo.pop_all()
    except OSError as error:
        raise ServeError(
            f"{host}:{port} cannot be had: {error}. Name another port with --port, or 0 for any that is free."
        ) from error
    return bound
