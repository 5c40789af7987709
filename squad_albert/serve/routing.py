"""Requests as the routes take them: ids may hold slashes and newlines, and HEAD is GET without a body."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_QUESTION = re.compile(r"(/(?:runs|explore)/[^/]+/questions/)(.+)", re.DOTALL)
_ASPECT = re.compile(r"/(?:similar|explanation|attention|verdict)\Z")


class Routing:
    """Middleware around the routes.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] == "http":
            sent = scope.get("raw_path") or quote(scope["path"]).encode()
            scope = {**scope, "path": routed(sent.decode("latin-1"), scope["path"])}
            if scope["method"] == "HEAD":
                scope, send = {**scope, "method": "GET"}, _without_body(send)
        await self._app(scope, receive, send)


def routed(sent: str, path: str) -> str:
    """A path in which the id of a question is one part, still encoded; ``question_id`` decodes it.

    Decoded, ``a%2Fsimilar`` could not be told from what is similar to ``a``.

    Args:
        sent: the path as the client has sent it.
        path: the same, decoded.

    >>> routed("/runs/r/questions/a%2Fsimilar", "/runs/r/questions/a/similar")
    '/runs/r/questions/a%2Fsimilar'
    >>> routed("/runs/r/questions/a/b/similar", "/runs/r/questions/a/b/similar")
    '/runs/r/questions/a%2Fb/similar'
    """
    found = _QUESTION.fullmatch(sent.partition("?")[0])
    if not found:
        return path
    before, rest = found.groups()
    aspect = _ASPECT.search(rest)
    end = aspect.group() if aspect and aspect.start() else ""
    return unquote(before) + quote(unquote(rest.removesuffix(end)), safe="") + end


def question_id(part: str) -> str:
    """The id that a part of a path stands for.

    >>> question_id("a%2Fb")
    'a/b'
    """
    return unquote(part)


def _without_body(send: Send) -> Send:
    async def head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return head
