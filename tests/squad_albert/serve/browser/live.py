"""A server on a free port in this process, and pages of it that tell what they complain of and ask for."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser import Problems

PATIENCE = 60_000  # milliseconds: other work may keep the machine busy
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}

expect.set_options(timeout=PATIENCE)


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of the application while it runs."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


class Watched(Problems):
    """Also every address that was asked for; a request that the page itself broke off is no problem."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def watch(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"uncaught: {error}"))
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("requestfailed", self._failed)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":
            self.append(f"failed: {request.url}: {request.failure}")


@contextmanager
def opened(browser: Browser, address: str, **context: Any) -> Iterator[tuple[Page, Watched]]:
    """A page in a window of its own, and what it complains of."""
    watched = Watched()
    with browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}) as window:
        page = window.new_page()
        page.set_default_timeout(PATIENCE)
        watched.watch(page)
        page.goto(address)
        yield page, watched
