"""The first page in a real browser: a question about a text, examples, errors and progress."""

from __future__ import annotations

import httpx
from playwright.sync_api import Browser, Route, expect

from squad_albert.serve.pages import EXAMPLES
from squad_albert.serve.service import Service

from .conftest import RUN, SCRIPT, SMILE
from .live import opened


def test_a_question_is_answered_and_explained(browser: Browser, address: str) -> None:
    context = "\U0001f642 The ship was built in Tarn in 1871, and sold."
    asked = {"question": "Where was the \U0001f6a2 built?", "context": context}
    answer = httpx.post(f"{address}/predict", json={**asked, "top_k": 5}).json()
    with opened(browser, address) as (page, problems):
        page.get_by_label("Question", exact=True).fill(asked["question"])
        page.get_by_label("Text", exact=True).fill(asked["context"])
        page.get_by_role("button", name="Answer").click()
        expect(page.locator("#answer .big")).to_have_text(answer["answer"] or "no answer")
        assert "".join(page.locator("#answer mark").all_inner_texts()) == answer["answer"]
        assert page.locator("#answer .context").inner_text() == asked["context"]
        expect(page.locator("#alternatives-rows tr")).to_have_count(len(answer["answers"]))
        expect(page.locator("#heat mark")).not_to_have_count(0)
        assert page.locator("#heat p").all_inner_texts() == list(asked.values())
        expect(page.locator("#why-words")).to_contain_text("In the question, what mattered most: “")
        expect(page.locator("#attention tbody tr")).to_have_count(6)
        assert problems == []


def test_examples(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}/ask") as (page, problems):
        examples = page.locator(".examples-list button")
        expect(examples).to_have_count(len(EXAMPLES))
        text = examples.nth(1).inner_text()
        examples.nth(1).click()
        expect(page.locator("#question")).to_have_value(text)
        expect(page.locator("#answer .big")).to_be_visible()
        expect(page.locator("#attention tbody tr")).not_to_have_count(0)
        assert problems == []


def test_the_text_of_a_question_of_a_run(browser: Browser, address: str, service: Service) -> None:
    with opened(browser, f"{address}/explore/{RUN}/questions/{SMILE}") as (page, _):
        page.click("text=Ask this text something else")
        page.wait_for_url("**/ask?**")
        assert page.locator("#context").input_value() == service.run(RUN).question(SMILE)["context"]


def test_what_is_typed_is_text(browser: Browser, address: str) -> None:
    with opened(browser, address) as (page, problems):
        page.fill("#question", f"Who? {SCRIPT}")
        page.fill("#context", f"It was {SCRIPT}")
        page.press("#context", "Control+Enter")
        expect(page.locator("#answer .context")).to_contain_text("It was </script><script>window.hacked = 1</script>")
        expect(page.locator("#heat mark")).not_to_have_count(0)
        expect(page.locator("#attention tbody tr")).not_to_have_count(0)
        assert page.evaluate("window.hacked") is None
        assert problems == []


def test_progress_is_told_and_errors_are_words(browser: Browser, address: str) -> None:
    with opened(browser, address) as (page, _):
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        page.route("**/predict", hold)
        page.fill("#question", "Who?")
        page.fill("#context", "Tom.")
        page.get_by_role("button", name="Answer").click()
        expect(page.locator("#answer-state")).to_contain_text("Answering…")
        expect(page.locator("#answer-state")).to_contain_text("1 s")
        held[0].fulfill(status=413, json={"error": "the text is too long. Send less."})
        expect(page.locator("#answer-state")).to_have_text("The text is too long. Send less.")
        page.unroute("**/predict")
        page.fill("#context", "   ")
        page.get_by_role("button", name="Answer").click()
        expect(page.locator("#answer-state .failure")).to_contain_text("context")


def test_a_server_that_is_busy_is_asked_again(browser: Browser, address: str) -> None:
    with opened(browser, address) as (page, _):
        times: list[int] = []

        def busy(route: Route) -> None:
            times.append(len(times))
            if len(times) > 1:
                route.continue_()
            else:
                told = {"error": "too many wait already. Try again in a second."}
                route.fulfill(status=503, json=told, headers={"retry-after": "1"})

        page.route("**/attend", busy)
        page.fill("#question", "Who?")
        page.fill("#context", "Tom.")
        page.get_by_role("button", name="Answer").click()
        expect(page.locator("#attention tbody tr")).not_to_have_count(0)
        expect(page.locator("#attention-state")).to_be_empty()
        assert len(times) == 2


def test_of_a_server_that_stays_busy_one_wait_is_told(browser: Browser, address: str) -> None:
    with opened(browser, address) as (page, _):
        told = {"error": "too many wait already. Try again in 90 seconds."}
        page.route("**/predict", lambda route: route.fulfill(status=503, json=told, headers={"retry-after": "90"}))
        page.fill("#question", "Who?")
        page.fill("#context", "Tom.")
        page.get_by_role("button", name="Answer").click()
        expect(page.locator("#answer-state")).to_have_text("Too many wait already. Try again in 90 seconds.")
