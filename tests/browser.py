"""A real Chromium for the tests of pages: the system's own, driven by Playwright for Python.

A test folder's conftest takes the fixtures over: ``from tests.browser import browser, page``.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

MISSING = (
    "no Chromium was found, and the pages are tested in a real one. Install the system's, as root: "
    "`apt-get update && apt-get install chromium` (Debian), `dnf install chromium` (Fedora)."
)

# As root in a container there is no sandbox; without a graphics card WebGL is drawn in software, which a busy machine
# may do so slowly that the watchdog would end it.
ARGUMENTS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-gpu-watchdog",
    "--disable-dev-shm-usage",
]  # fmt: skip


def chromium() -> str:
    """The path of the system's Chromium; fails the test that needs it where there is none."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    pytest.fail(MISSING, pytrace=False)


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless Chromium, closed in the end."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a module; each opens a page of its own with ``opened``.

    Not for longer: while Playwright is there, its event loop runs, and asyncio can run no other.
    """
    with launched() as browser:
        yield browser


class Problems(list[str]):
    """What a page complained of: console errors and warnings, uncaught exceptions, requests that left the page."""

    def watch(self, page: Page) -> None:
        """Collects what ``page`` complains of from now on."""
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.append(f"uncaught: {error}"))
        page.on("requestfailed", lambda request: self.append(f"failed: {request.url}"))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.append(f"{message.type}: {message.text}")
