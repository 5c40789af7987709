from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from squad_albert.serve.limits import SAFETY, Limits

Messages = list[dict[str, Any]]


async def echo(scope, receive, send):
    """Gives the body back."""
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=9")]})
    await send({"type": "http.response.body", "body": message["body"]})


def respond(app, parts: list[bytes | None], headers: dict[str, str] | None = None, **limits: Any):
    """Status, headers and body of the response to a request whose body comes in parts; None never comes."""
    sent: Messages = []

    async def receive() -> dict[str, Any]:
        part = parts.pop(0) if parts else b""
        if part is None:
            await asyncio.Event().wait()
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    encoded = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    scope = {"type": "http", "method": "POST", "path": "/x", "headers": encoded}
    asyncio.run(Limits(app, **limits)(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:])


def test_a_body_arrives_whole():
    assert respond(echo, [b"ab", b"cd"])[::2] == (200, b"abcd")


@pytest.mark.parametrize("headers", [{"content-length": "11"}, {}])
def test_a_large_body_is_refused_whether_or_not_it_says_so(headers):
    status, found, body = respond(echo, [b"x" * 6, b"y" * 5], headers, most_bytes=10)
    assert status == 413
    assert found["connection"] == "close"
    assert "larger than 10 bytes" in json.loads(body)["error"]


def test_a_body_that_does_not_come_is_not_waited_for():
    status, found, body = respond(echo, [b"x", None], seconds=0.01)
    assert status == 408
    assert found["connection"] == "close"
    assert json.loads(body)["error"]


def test_nothing_is_done_for_a_client_that_has_gone():
    async def never(scope, receive, send):
        raise AssertionError

    async def gone() -> dict[str, str]:
        return {"type": "http.disconnect"}

    asyncio.run(Limits(never)({"type": "http", "method": "POST", "path": "/", "headers": []}, gone, never))


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000", "LOCALHOST"])
def test_own_names_are_served(host):
    hosts = ("localhost", "127.0.0.1", "[::1]")
    assert respond(echo, [b""], {"host": host}, hosts=hosts)[0] == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[::2]:80", "127.0.0.1.evil.example"])
def test_a_name_of_somebody_else_is_refused(host):
    status, _, body = respond(echo, [b""], {"host": host}, hosts=("localhost", "127.0.0.1", "[::1]"))
    assert status == 400
    assert json.loads(body)["field"] == "host"


def test_every_response_is_safe_and_may_have_its_own_headers():
    for limits, status in (({}, 200), ({"most_bytes": 0}, 413), ({"hosts": ("other",)}, 400)):
        found = respond(echo, [b"x"], **limits)
        assert found[0] == status
        assert {name.lower() for name in SAFETY} <= set(found[1])
    assert respond(echo, [b""])[1]["cache-control"] == "max-age=9"
    policy = SAFETY["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'")


def test_a_bug_is_logged_and_told_without_its_secrets(caplog):
    async def bug(scope, receive, send):
        raise ZeroDivisionError("secret")

    status, headers, body = respond(bug, [b""])
    assert status == 500
    assert "secret" not in body.decode()
    assert "secret" in caplog.text
    assert headers["content-security-policy"]


def test_a_bug_in_the_middle_of_a_response_ends_it():
    async def bug(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        respond(bug, [b""])


def test_only_so_many_requests_are_open_at_a_time():
    statuses = []

    async def nested(scope, receive, send):
        inner: Messages = []

        async def note(message):
            inner.append(message)

        await limits({**scope, "path": "/inner"}, receive, note)
        statuses.append(inner[0]["status"])
        await echo(scope, receive, send)

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        statuses.append(message.get("status", 0))

    limits = Limits(nested, most_open=1)
    asyncio.run(limits({"type": "http", "method": "GET", "path": "/", "headers": []}, receive, send))
    assert statuses == [503, 200, 0]


def test_large_bodies_that_are_not_finished_are_limited_together_and_keep_out_no_small_one():
    limits = Limits(echo, most_held=2 * 10**5)
    statuses: list[int] = []

    async def ask(parts: list[bytes], wait: asyncio.Event) -> None:
        async def receive():
            if not parts:
                await wait.wait()
                return {"type": "http.request", "body": b"", "more_body": False}
            return {"type": "http.request", "body": parts.pop(0), "more_body": True}

        async def send(message):
            if "status" in message:
                statuses.append(message["status"])

        await limits({"type": "http", "method": "POST", "path": "/x", "headers": []}, receive, send)

    async def scene() -> None:
        finish, at_once = asyncio.Event(), asyncio.Event()
        at_once.set()
        slow = asyncio.create_task(ask([b"x" * 10**5] * 2, finish))
        await asyncio.sleep(0)
        await ask([b"x" * 2 * 10**5], at_once)
        assert statuses == [503]
        await ask([b"small"], at_once)
        finish.set()
        await slow
        await ask([b"x" * 2 * 10**5], at_once)

    asyncio.run(scene())
    assert statuses == [503, 200, 200, 200]


def test_a_refused_host_is_told_how_others_are_served():
    _, _, body = respond(echo, [b""], {"host": "evil.example"}, hosts=("localhost",))
    assert "--host" in json.loads(body)["error"]
