"""What holds for every page: safety, accessibility, dark, phone, no JavaScript."""

from __future__ import annotations

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, expect

from .conftest import RUN
from .live import PHONE, opened

PAGES = {
    "ask": "/",
    "explore": f'/explore/{RUN}?f=title.in.["Hard","Ships"]&part=questions',
    "clusters": f"/explore/{RUN}?part=clusters",
    "question": f"/explore/{RUN}/questions/validation-7",
    "missing": "/explore/missing",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def filled(page: Page, name: str) -> None:
    """Waits until all that a page fetches is there, with an answer on the first page."""
    if name == "ask":
        page.locator(".examples-list button").first.click()
        expect(page.locator("#answer .big")).to_be_visible()
    if name in ("ask", "question"):
        expect(page.locator("#heat mark")).not_to_have_count(0)
        expect(page.locator("#attention tbody tr")).not_to_have_count(0)
    if name == "question":
        expect(page.locator("#similar li")).not_to_have_count(0)
    if name in ("explore", "clusters"):
        page.wait_for_selector("#main[data-counted][data-listed]")
    if name == "clusters":
        expect(page.locator("#clusters-rows tr")).not_to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_and_all_comes_from_here(browser: Browser, address: str, name: str, scheme: str) -> None:
    with opened(browser, address + PAGES[name], color_scheme=scheme) as (page, problems):
        filled(page, name)
        page.evaluate(AXE_SCRIPT)
        found = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES)
        told = [
            f"{one['id']}: {node['target']}: {node['failureSummary']}"
            for one in found["violations"]
            for node in one["nodes"]
        ]
        assert told == []
        assert [url for url in problems.asked if not url.startswith((f"{address}/", "data:"))] == []
        if name != "missing":
            assert problems == []


@pytest.mark.parametrize("name", PAGES)
def test_a_phone_needs_no_scrolling_sideways(browser: Browser, address: str, name: str) -> None:
    with opened(browser, address + PAGES[name], **PHONE) as (page, _):
        filled(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_dark_and_light_follow_the_system(browser: Browser, address: str) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    with opened(browser, address + PAGES["explore"], color_scheme="dark") as (page, problems):
        filled(page, "explore")
        legend = page.locator("#legend .swatch").first
        dark = page.evaluate(ground), legend.evaluate("swatch => getComputedStyle(swatch).backgroundColor")
        page.emulate_media(color_scheme="light")
        assert page.evaluate(ground) != dark[0]
        expect(legend).not_to_have_css("background-color", dark[1])
        assert problems == []


def test_the_policy_forbids_what_the_pages_do_not_need(browser: Browser, address: str) -> None:
    with opened(browser, address) as (page, problems):
        page.evaluate("""() => {
            const script = document.createElement("script");
            script.textContent = "window.hacked = 1";
            document.body.append(script);
            document.body.setAttribute("style", "color: red");
        }""")
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.body.style.color") == ""
        assert len(problems) == 2


def test_the_first_keys_lead_to_the_content(browser: Browser, explorer: str) -> None:
    with opened(browser, explorer) as (page, _):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        expect(focused).to_have_text("Skip to the content")
        assert focused.bounding_box()["x"] >= 0  # type: ignore[index]
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.locator("#search-text")).to_be_focused()
        assert page.locator(":focus").evaluate("one => getComputedStyle(one).outlineStyle") == "solid"


@pytest.mark.parametrize("name", ["ask", "explore", "question"])
def test_without_javascript_it_can_be_read(browser: Browser, address: str, name: str) -> None:
    with opened(browser, address + PAGES[name], java_script_enabled=False) as (page, _):
        if name == "question":
            expect(page.locator("#context")).to_contain_text("was built in")
            assert page.locator(".pairs dd").count() > 40
        else:
            expect(page.locator("noscript .notice")).to_be_visible()


def test_nothing_moves_where_that_is_not_wanted(browser: Browser, address: str) -> None:
    with opened(browser, address, reduced_motion="reduce") as (page, _):
        page.route("**/predict", lambda route: None)
        page.locator(".examples-list button").first.click()
        expect(page.locator(".pulse")).to_have_css("animation-name", "none")
