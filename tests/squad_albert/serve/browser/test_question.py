"""The page of one question in a real browser: marks, heat map, attention, similar questions, and the verdict."""

from __future__ import annotations

from urllib.parse import quote

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from squad_albert.explore.verdicts import read_verdicts
from squad_albert.serve.service import Service

from .conftest import EVIL, LONG, RUN, SCRIPT, SMILE
from .live import opened

SELECT = """words => {
    const box = document.getElementById("context");
    const texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
    const start = box.textContent.indexOf(words);
    const ends = [start, start + words.length].map(place => {
        texts.currentNode = box;
        let left = place;
        for (let text = texts.nextNode(); text; text = texts.nextNode()) {
            if (left <= text.data.length) return [text, left];
            left -= text.data.length;
        }
    });
    getSelection().setBaseAndExtent(...ends[0], ...ends[1]);
}"""
"""Selects words of the text, however many marks they lie in."""


def address_of(explorer: str, key: str) -> str:
    return f"{explorer}/questions/{quote(key, safe='')}"


@pytest.fixture
def usual(service: Service) -> str:
    """A question with a gold and an answer."""
    table = service.run(RUN).tables.questions
    return str(table[table["answerable"] & (table["prediction"] != "")]["id"].iloc[0])


def saved(page: Page) -> None:
    expect(page.locator("#verdict-state")).to_have_text("Saved.")


def test_gold_and_answer_are_marked_and_all_is_filled(
    browser: Browser, explorer: str, service: Service, usual: str
) -> None:
    question = service.run(RUN).question(usual)
    with opened(browser, address_of(explorer, usual)) as (page, problems):
        assert page.locator("#context").inner_text() == question["context"]
        assert "".join(page.locator("#context mark.gold").all_inner_texts()) == question["golds"][0]
        assert "".join(page.locator("#context mark.answer").all_inner_texts()) == question["prediction"]
        expect(page.locator("#similar li")).to_have_count(8)
        expect(page.locator("#attention tbody tr")).not_to_have_count(0)
        expect(page.locator("#heat mark")).not_to_have_count(0)
        assert page.get_by_text("readability").count() == 2
        assert problems == []


def test_the_heat_map_switches_its_method(browser: Browser, explorer: str, usual: str) -> None:
    with opened(browser, address_of(explorer, usual)) as (page, problems):
        heat = page.locator("#heat")
        expect(heat).to_have_attribute("data-method", "occlusion")
        before = heat.inner_html()
        page.route("**/explanation?method=gradient_input", told_twice_as_much)
        page.select_option("#heat-method", "gradient_input")
        expect(heat).to_have_attribute("data-method", "gradient_input")
        assert heat.inner_html() != before
        assert problems == []


def told_twice_as_much(route) -> None:  # type: ignore[no-untyped-def]
    """What occlusion says, the other way round: gradients would need another runtime."""
    found = route.fetch(url=route.request.url.replace("gradient_input", "occlusion")).json()
    tokens = [{**token, "score": -2 * token["score"]} for token in found["tokens"]]
    route.fulfill(json={**found, "method": "gradient_input", "tokens": tokens})


def test_attention_of_a_layer_and_a_head(browser: Browser, explorer: str, usual: str) -> None:
    with opened(browser, address_of(explorer, usual)) as (page, problems):
        expect(page.locator("#attention-layer option")).to_have_text(["all", "1", "2"])
        page.select_option("#attention-layer", "2")
        expect(page.locator("#attention")).to_have_attribute("data-shown", "2.")
        page.select_option("#attention-head", "1")
        expect(page.locator("#attention")).to_have_attribute("data-shown", "2.1")
        assert problems == []


def test_a_verdict_is_saved_at_once_and_stays(browser: Browser, explorer: str, service: Service) -> None:
    verdicts = service.run(RUN).verdicts.path
    with opened(browser, address_of(explorer, "validation-1")) as (page, problems):
        page.check("input[value=keep]")
        saved(page)
        assert read_verdicts(verdicts)["validation-1"].verdict == "keep"
        with page.expect_response("**/verdict"):
            page.fill("#verdict-note", "looked at <twice>")
        saved(page)
        page.reload()
        expect(page.locator("input[value=keep]")).to_be_checked()
        expect(page.locator("#verdict-note")).to_have_value("looked at <twice>")
        page.check("input[value='']")
        expect(page.locator("#verdict-state")).to_have_text("Saved: undecided.")
        assert "validation-1" not in read_verdicts(verdicts)
        page.reload()
        expect(page.locator("input[name=verdict][value='']")).to_be_checked()
        expect(page.locator("#verdict-note")).to_have_value("looked at <twice>")
        assert problems == []


def test_a_fix_takes_its_answer_from_the_text(browser: Browser, explorer: str, service: Service) -> None:
    """The characters outside the basic plane before it count as one each."""
    with opened(browser, address_of(explorer, SMILE)) as (page, problems):
        page.check("input[value=fix]")
        expect(page.locator("#verdict-state")).to_have_text("Say what the right answer is.")
        page.click("text=Take the words selected in the text")
        expect(page.locator("#verdict-state")).to_have_text("Select the right words in the text first.")
        page.evaluate(SELECT, " Tarn")
        page.click("text=Take the words selected in the text")
        saved(page)
        verdict = read_verdicts(service.run(RUN).verdicts.path)[SMILE]
        context = service.run(RUN).question(SMILE)["context"]
        assert (verdict.answer, verdict.start) == ("Tarn", context.index("Tarn"))
        with page.expect_response("**/verdict"):
            page.check("#verdict-none")
        saved(page)
        assert read_verdicts(service.run(RUN).verdicts.path)[SMILE].answer == ""
        assert problems == []


@pytest.mark.parametrize(("button", "holds"), [("Keep theirs", "drop"), ("Save mine", "keep")])
def test_two_people_decide_otherwise(browser: Browser, explorer: str, address: str, button: str, holds: str) -> None:
    key = f"validation-{len(button)}"
    with opened(browser, address_of(explorer, key)) as (page, _):
        other = httpx.put(f"{address}/runs/{RUN}/questions/{key}/verdict", json={"verdict": "drop", "note": "no good"})
        assert other.status_code == 200
        page.check("input[value=keep]")
        expect(page.locator("#verdict-state")).to_contain_text("Somebody else has decided meanwhile: drop. “no good”")
        page.get_by_role("button", name=button).click()
        expect(page.locator(f"input[value={holds}]")).to_be_checked()
        expect(page.locator("#verdict-state .failure")).to_have_count(0)
        present = httpx.get(f"{address}/runs/{RUN}/questions/{key}/verdict").json()
        assert present["verdict"] == holds


def test_back_leads_to_the_view_one_came_from(browser: Browser, explorer: str) -> None:
    with opened(browser, f"{explorer}?q=Heron&sort=-loss") as (page, problems):
        page.locator("#table-rows a").first.click()
        page.wait_for_url("**/questions/*")
        page.locator("#back").click()
        page.wait_for_url("**?q=Heron&sort=-loss")
        assert problems == []


def test_markup_is_text_and_direction_marks_are_spelt_out(browser: Browser, explorer: str) -> None:
    with opened(browser, address_of(explorer, EVIL)) as (page, problems):
        expect(page.locator("#heat mark")).not_to_have_count(0)
        expect(page.locator("h1")).to_contain_text(SCRIPT[:35])
        expect(page.locator("#context")).to_contain_text("[U+202E][U+2066] {{ 7 * 7 }} &amp;")
        expect(page.locator("#heat")).to_contain_text("{{ 7 * 7 }} &amp;")
        assert not set("\u202e\u2066") & set(page.content())
        assert page.evaluate("window.hacked") is None
        assert page.locator("img").count() == 0
        assert page.locator("h1 bdi").count() == 1
        assert problems == []


def test_a_question_of_100_kb(browser: Browser, explorer: str) -> None:
    with opened(browser, address_of(explorer, LONG), viewport={"width": 390, "height": 844}) as (page, problems):
        expect(page.locator("#heat-state .failure, #heat mark").first).to_be_visible()
        box = page.locator("h1").bounding_box()
        assert box
        assert box["height"] < 400
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert not [problem for problem in problems if "uncaught" in problem]


def test_what_is_not_there_is_said(browser: Browser, explorer: str) -> None:
    with opened(browser, address_of(explorer, "validation-999")) as (page, _):
        expect(page.locator("h1")).to_have_text("Not found")
        expect(page.locator(".lead")).to_contain_text("validation-999")
