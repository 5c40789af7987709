"""What protects the server from requests, and browsers from pages: sizes, times, hosts, and headers of safety.

A body is read whole, within a limit and a time, before anything works on it: so a slow client holds a connection
and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .errors import InvalidError, RefusedError, TooLargeError, UnavailableError
from .responses import Json, refusal

_logger = logging.getLogger(__name__)

MOST_BYTES = 4 * 2**20
"""Of a request's body."""

BODY_SECONDS = 15.0
"""In which a request's body must have arrived."""

MOST_OPEN = 512
"""Requests that are worked on, or wait, at a time; each holds its body."""

SMALL_BYTES = 64 * 2**10
"""A body of so many is always taken in, so that large ones keep out no small one."""

MOST_HELD = 64 * 2**20
"""Of all larger bodies at a time, those that have yet to arrive in full and those that are worked on."""

SAFETY: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
        "font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""On every response, unless it has its own."""


class TooSlowError(RefusedError):
    """A body that did not arrive in time."""

    status = 408
    headers: Mapping[str, str] = {"Connection": "close"}


class Limits:
    """Middleware around the whole application.

    Args:
        app: the application.
        hosts: names by which the server may be called, without ports; empty: by any. It keeps other sites from
            reaching a server on this machine through a name of theirs that points here.
        most_bytes: of a body.
        seconds: for a body to arrive.
        most_open: requests that are worked on at a time.
        most_held: bytes of all large bodies at a time.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Collection[str] = (),
        most_bytes: int = MOST_BYTES,
        seconds: float = BODY_SECONDS,
        most_open: int = MOST_OPEN,
        most_held: int = MOST_HELD,
    ) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._most_bytes, self._seconds = most_bytes, seconds
        self._most_open, self._open = most_open, 0
        self._most_held, self._held = most_held, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves a request, or refuses it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, safe = bytearray(), _Safe(send)
        try:
            if await self._take_in(body, scope, receive, safe):
                await self._serve(scope, _Replayed(bytes(body), receive), safe)
        finally:
            self._held -= _large(body)

    async def _take_in(self, body: bytearray, scope: Scope, receive: Receive, safe: _Safe) -> bool:
        """Reads the whole body; False if the client has gone, or the request was refused."""
        headers = dict(scope["headers"])
        try:
            self._check_host(headers.get(b"host", b""))
            return await self._fill(body, headers, receive)
        except RefusedError as error:
            response = refusal(error)
            if error.status in (408, 413, 503):
                response.headers["connection"] = "close"  # what is left of the body is not read
            await response(scope, receive, safe)
            return False

    async def _serve(self, scope: Scope, receive: Receive, safe: _Safe) -> None:
        """Lets the application work, unless too many requests are open; a bug in it is logged and told."""
        if self._open >= self._most_open:
            await refusal(UnavailableError("too many requests are open. Try again in a second."))(scope, receive, safe)
            return
        self._open += 1
        try:
            await self._app(scope, receive, safe)
        except Exception:  # so that the response has its headers, which a server's own has not
            _logger.exception("%s %s failed", scope["method"], scope["path"])
            if safe.started:
                raise
            await Json({"error": "the server failed, and has told why where it runs."}, 500)(scope, receive, safe)
        finally:
            self._open -= 1

    def _check_host(self, host: bytes) -> None:
        name = host.decode("latin-1").lower()
        name = name[: name.rfind("]") + 1] if name.startswith("[") else name.partition(":")[0]
        if self._hosts and name not in self._hosts:
            raise InvalidError(
                f"this server is not called `{name[:100]}`. Use one of {', '.join(sorted(self._hosts))}, or start "
                "it for others, too: squad-albert serve --host ADDRESS",
                "host",
            )

    async def _fill(self, body: bytearray, headers: Mapping[bytes, bytes], receive: Receive) -> bool:
        """Reads the whole body, counted among those that are held; False if the client has gone."""
        length = headers.get(b"content-length", b"0")
        if length.isdigit() and (len(length) > 18 or int(length) > self._most_bytes):
            raise self._too_large()
        try:
            async with asyncio.timeout(self._seconds):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return False
                    self._hold(body, message.get("body", b""))
                    if not message.get("more_body", False):
                        return True
        except TimeoutError:
            raise TooSlowError(f"the body did not arrive within {self._seconds:g} seconds. Send it at once.") from None

    def _hold(self, body: bytearray, more: bytes) -> None:
        """Adds to a body, unless it is too large or there are too many large ones."""
        before = _large(body)
        if len(body) + len(more) > self._most_bytes:
            raise self._too_large()
        grown = max(0, len(body) + len(more) - SMALL_BYTES) - before
        if self._held + grown > self._most_held:
            raise UnavailableError("too many large bodies are on their way. Try again in a second.")
        body += more
        self._held += grown

    def _too_large(self) -> TooLargeError:
        return TooLargeError(f"the body is larger than {self._most_bytes:,} bytes. Send less at once.")


def _large(body: bytearray) -> int:
    """How much of a body counts."""
    return max(0, len(body) - SMALL_BYTES)


class _Safe:
    """Sends responses with the headers of safety."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            given = {name.lower() for name, _ in message.get("headers", [])}
            more = [
                (name.lower().encode(), value.encode())
                for name, value in SAFETY.items()
                if name.lower().encode() not in given
            ]
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await self._send(message)


class _Replayed:
    """Receives a body that was read already, then what comes after it."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> dict[str, Any]:
        if self._body is None:
            return dict(await self._receive())
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
