"""The explorer in a real browser: map, lasso, filters, search, table, lists, and the address that holds it all."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import numpy as np
from playwright.sync_api import Browser, Page, expect

from squad_albert.serve.service import Service

from .conftest import EVIL, GIVEN, RUN
from .live import opened

TOTAL = 51


def said(page: Page, text: str | re.Pattern[str]) -> None:
    """Waits until the page says how many questions are selected."""
    expect(page.locator("#said")).to_have_text(text)


def lasso(page: Page, around: Sequence[tuple[float, float]]) -> None:
    """Draws a lasso by hand through shares of the map's width and height."""
    page.get_by_role("button", name="Lasso").click()
    box = page.locator("#map").bounding_box()
    assert box
    corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in around]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        page.mouse.move(*corner, steps=4)
    page.mouse.up()


LEFT = [(0.02, 0.1), (0.5, 0.1), (0.5, 0.98), (0.02, 0.98)]


def selected(page: Page) -> int:
    found = re.fullmatch(rf"(\d+) of {TOTAL} questions selected", page.locator("#said").inner_text())
    assert found
    return int(found[1])


def drawn(page: Page) -> list[str]:
    """The corners of the lasso in the address."""
    return parse_qs(urlsplit(page.url).query)["lasso"][0].split("_")


def test_it_opens_with_map_figures_and_table(browser: Browser, explorer: str) -> None:
    with opened(browser, explorer) as (page, problems):
        said(page, f"All {TOTAL} questions")
        expect(page.locator("#table-rows tr")).to_have_count(25)
        expect(page.locator("#figures tr").first).to_have_text(f"questions{TOTAL}")
        expect(page.locator("#histogram svg")).to_be_visible()
        expect(page.locator("#legend li")).not_to_have_count(0)
        painted = page.locator("#map canvas").first.evaluate(
            """one => {
                const { data } = one.getContext("2d").getImageData(0, 0, one.width, one.height);
                return new Set(new Uint32Array(data.buffer)).size;
            }"""
        )
        assert painted > 3
        assert problems == []


def test_a_lasso_selects_and_lives_in_the_address(browser: Browser, explorer: str, service: Service) -> None:
    with opened(browser, explorer) as (page, problems):
        said(page, f"All {TOTAL} questions")
        lasso(page, LEFT)
        said(page, re.compile("selected"))
        count = selected(page)
        assert 0 < count < TOTAL
        expect(page.locator("#chips")).to_contain_text(f"lasso: {count} points")
        polygon = [tuple(map(float, pair.split(","))) for pair in drawn(page)]
        assert count == sum(inside(polygon, x, y) for x, y in points(service))
        ids = page.locator("#table-rows a").evaluate_all("all => all.map(one => one.href)")
        page.reload()
        said(page, f"{count} of {TOTAL} questions selected")
        expect(page.locator("#table-rows a")).to_have_count(len(ids))
        assert page.locator("#table-rows a").evaluate_all("all => all.map(one => one.href)") == ids
        page.locator("#chips button").click()
        said(page, f"All {TOTAL} questions")
        page.go_back()
        said(page, f"{count} of {TOTAL} questions selected")
        page.go_back()
        said(page, f"All {TOTAL} questions")
        assert problems == []


def points(service: Service) -> list[tuple[float, float]]:
    table = service.run(RUN).section("population").table
    return list(zip(table["x"].round(4), table["y"].round(4), strict=True))


def inside(polygon: Sequence[tuple[float, ...]], x: float, y: float) -> bool:
    """By the sum of the angles at which the sides are seen: another way than the page's."""
    angles = [math.atan2(b - y, a - x) for a, b in polygon]
    steps = pairwise([*angles, angles[0]])
    return abs(sum((second - first + math.pi) % (2 * math.pi) - math.pi for first, second in steps)) > math.pi


def test_a_lasso_by_keyboard(browser: Browser, explorer: str) -> None:
    with opened(browser, explorer) as (page, problems):
        said(page, f"All {TOTAL} questions")
        canvas = page.get_by_role("application")
        canvas.focus()
        for key, steps in (("ArrowUp", 18), ("ArrowLeft", 20), ("ArrowDown", 36), ("ArrowRight", 20)):
            for _ in range(steps):
                canvas.press(key)
            canvas.press(" ")
        expect(page.locator("#map-said")).to_have_text("Corner 4 set. Enter closes the lasso.")
        canvas.press("Enter")
        said(page, re.compile("selected"))
        assert 0 < selected(page) < TOTAL
        assert len(drawn(page)) == 4
        assert problems == []


def test_moving_and_zooming_is_kept_without_steps_of_the_history(browser: Browser, explorer: str) -> None:
    with opened(browser, explorer) as (page, problems):
        said(page, f"All {TOTAL} questions")
        steps = page.evaluate("history.length")
        canvas = page.get_by_role("application")
        canvas.focus()
        canvas.press("+")
        canvas.press("Shift+ArrowLeft")
        page.wait_for_url("**view=*")
        assert page.evaluate("history.length") == steps
        view = page.url
        page.reload()
        said(page, f"All {TOTAL} questions")
        assert page.url == view
        page.get_by_role("application").press("0")
        page.wait_for_url(explorer)
        assert problems == []


def way_to_a_point(points: dict[str, Any]) -> Iterator[str]:
    """Keys that lead the cross, which starts in the middle, along the line to the point that is nearest to it."""
    at = np.array([points["x"], points["y"]], float)
    to = at - (at.min(axis=1) + at.max(axis=1))[:, None] / 2
    right, up = to[:, np.linalg.norm(to, axis=0).argmin()]
    across, along = ("ArrowRight" if right > 0 else "ArrowLeft"), ("ArrowUp" if up > 0 else "ArrowDown")
    steps = [0, 0]
    for _ in range(200):
        sideways = steps[0] * abs(up) <= steps[1] * abs(right)
        steps[not sideways] += 1
        yield across if sideways else along


def test_a_point_shows_its_question_and_leads_to_it(browser: Browser, explorer: str, service: Service) -> None:
    with opened(browser, explorer) as (page, problems):
        said(page, f"All {TOTAL} questions")
        expect(page.locator("#legend li")).not_to_have_count(0)  # the points are there
        canvas = page.get_by_role("application")
        canvas.focus()
        for key in way_to_a_point(httpx.get(f"{explorer.replace('/explore/', '/runs/')}/map").json()):
            canvas.press(key)
            if page.locator("#map[data-over]").count():  # at once, while the tip waits for the server
                break
        expect(page.locator("#tip")).to_be_visible()
        canvas.press("Enter")
        link = page.locator("#picked a")
        expect(link).to_be_visible()
        link.click()
        page.wait_for_url(f"{explorer}/questions/*")
        expect(page.locator("#context")).to_be_visible()
        assert problems == []


def test_filters_search_sort_and_pages(browser: Browser, explorer: str, service: Service) -> None:
    table = service.run(RUN).tables.questions
    with opened(browser, explorer) as (page, problems):
        said(page, f"All {TOTAL} questions")
        page.select_option("#filter-column", "title")
        page.select_option("#filter-comparison", label="is")
        page.fill("#filter-value", "Hard")
        page.click("text=Add filter")
        hard = int((table["title"] == "Hard").sum())
        said(page, f"{hard} of {TOTAL} questions selected")
        page.select_option("#filter-column", "question_words")
        page.select_option("#filter-comparison", label="at least")
        page.fill("#filter-value", "6")
        page.press("#filter-value", "Enter")
        both = int(((table["title"] == "Hard") & (table["question_words"] >= 6)).sum())
        said(page, f"{both} of {TOTAL} questions selected")
        page.get_by_role("button", name="Take all away").click()
        page.fill("#search-text", "built")
        built = int(table[["question", "context"]].apply(lambda column: column.str.contains("built")).any(axis=1).sum())
        said(page, re.compile(f"^({built} of {TOTAL} questions selected|All {TOTAL} questions)$"))
        page.fill("#search-text", "")
        said(page, f"All {TOTAL} questions")
        page.locator("#table-head button[data-column=loss]").click()
        expect(page.locator("#table-head th[aria-sort=descending]")).to_contain_text("loss")
        losses = [float(text) for text in page.locator("#table-rows td[data-label=loss]").all_inner_texts()]
        assert losses == sorted(losses, reverse=True)
        assert f"{table['loss'].max():.2f}" == f"{losses[0]:.2f}"
        page.get_by_role("button", name="Next").click()
        expect(page.locator("#table-page")).to_have_text("Page 2 of 3")
        page.go_back()
        expect(page.locator("#table-page")).to_have_text("Page 1 of 3")
        assert problems == []


def test_clusters_slices_and_labels(browser: Browser, explorer: str, service: Service) -> None:
    clusters = service.run(RUN).section("clusters").table
    with opened(browser, explorer) as (page, problems):
        page.get_by_role("tab", name="Clusters").click()
        page.locator("#clusters-rows button").first.click()
        said(page, f"{clusters['size'].iloc[0]} of {TOTAL} questions selected")
        page.keyboard.press("Tab")
        page.get_by_role("tab", name="Clusters").press("ArrowRight")
        expect(page.get_by_role("tab", name="Slices")).to_have_attribute("aria-selected", "true")
        page.locator("#slices-rows button").first.click()
        expect(page.locator("#chips li")).to_contain_text(["title = Hard"])
        page.reload()
        expect(page.get_by_role("tab", name="Slices")).to_have_attribute("aria-selected", "true")
        page.get_by_role("tab", name="Labels to review").click()
        expect(page.locator("#labels-rows a").first).to_have_attribute("href", re.compile("/explore/tiny/questions/"))
        assert problems == []


def test_colours_sizes_and_histograms_of_any_column(browser: Browser, explorer: str) -> None:
    with opened(browser, f"{explorer}?color=loss&by=confidence&show=title") as (page, problems):
        said(page, f"All {TOTAL} questions")
        expect(page.locator("#map-color")).to_have_value("loss")
        expect(page.locator("#map-by")).to_have_value("confidence")
        expect(page.locator("#histogram-column")).to_have_value("title")
        expect(page.locator("#legend li").first).to_contain_text(" to ")
        page.select_option("#map-color", "question_type")
        expect(page.locator("#legend")).to_contain_text("where")
        page.locator("#legend button", has_text="where").click()
        expect(page.locator("#chips")).to_contain_text("question type = where")
        page.select_option("#histogram-column", "answerable")
        expect(page.locator("#histogram svg")).to_contain_text("true")
        assert problems == []


def test_exports(browser: Browser, explorer: str) -> None:
    with opened(browser, f"{explorer}?f=title.eq.Hard") as (page, problems):
        said(page, re.compile("selected"))
        count = selected(page)
        page.locator("#export summary").click()
        read = {}
        for name in ("CSV", "JSON", "SQuAD JSON", "sample ids"):
            with page.expect_download() as waited:
                page.locator("#export").get_by_role("button", name=name, exact=True).click()
            read[name] = waited.value.path().read_text(encoding="utf-8")
        ids = read["sample ids"].split()
        assert len(ids) == count
        assert [row["id"] for row in json.loads(read["JSON"])] == ids
        squad = json.loads(read["SQuAD JSON"])["data"]
        assert {qa["id"] for article in squad for part in article["paragraphs"] for qa in part["qas"]} == set(ids)
        assert problems == []


def test_an_old_or_broken_address_shows_what_it_can(browser: Browser, explorer: str) -> None:
    query = "?f=nonsense.eq.1&f=x&f=title.in.[&lasso=1,2_a,b&view=1,2&page=-3&size=7&show=gone&part=gone"
    with opened(browser, explorer + query) as (page, problems):
        said(page, f"All {TOTAL} questions")
        expect(page.locator("#table-page")).to_have_text("Page 1 of 3")
        assert problems == []


def test_what_fails_is_said_in_words(browser: Browser, explorer: str) -> None:
    with opened(browser, explorer) as (page, problems):
        said(page, f"All {TOTAL} questions")
        refused = {"status": 413, "json": {"error": "the query takes too long"}}
        page.route("**/selection", lambda route: route.fulfill(**refused))
        page.route("**/questions", lambda route: route.abort())
        page.fill("#search-text", "Heron")
        expect(page.locator("#figures-state")).to_have_text("The query takes too long.")
        expect(page.locator("#table-state")).to_contain_text("The server does not answer.")
        assert not [problem for problem in problems if problem.startswith("uncaught")]


def test_markup_in_the_data_is_text(browser: Browser, explorer: str) -> None:
    with opened(browser, f"{explorer}?q=hacked&color=title") as (page, problems):
        said(page, f"1 of {TOTAL} questions selected")
        expect(page.locator("#table-rows a")).to_contain_text("<script>window.hacked = 1</script>")
        expect(page.locator("#legend")).to_contain_text("</script>")
        page.locator("#table-rows a").click()
        page.wait_for_url("**/questions/*")
        expect(page.locator("code").first).to_have_text(EVIL)
        assert page.evaluate("window.hacked") is None
        assert problems == []


def test_a_run_without_map_and_model_shows_what_it_has(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}/explore/{GIVEN}?color=loss&lasso=0,0_1,0_1,1") as (page, problems):
        said(page, "All 12 questions")
        expect(page.locator("#map-part .notice")).to_contain_text("it was not explored")
        expect(page.locator("#histogram")).to_have_text("There is no number to show.")
        expect(page.locator("#figures")).not_to_contain_text("mean loss")
        expect(page.locator("#table-rows tr")).to_have_count(12)
        page.get_by_role("tab", name="Clusters").click()
        expect(page.locator("#clusters-state .failure")).to_contain_text("squad-albert explore")
        assert not [problem for problem in problems if "uncaught" in problem]


def test_a_column_can_be_asked_not_to_be_several_values(browser: Browser, explorer: str, service: Service) -> None:
    titles = service.run(RUN).tables.questions["title"]
    first, second = titles.value_counts().index[:2]
    with opened(browser, explorer) as (page, problems):
        said(page, f"All {TOTAL} questions")
        for title in (first, second, second):
            page.select_option("#filter-column", "title")
            page.select_option("#filter-comparison", label="is not")
            page.fill("#filter-value", title)
            page.press("#filter-value", "Enter")
        said(page, f"{(~titles.isin([first, second])).sum()} of {TOTAL} questions selected")
        assert problems == []


def test_clusters_are_categories_of_the_map(browser: Browser, explorer: str, service: Service) -> None:
    found = service.run(RUN).section("clusters").more["cluster_members"]["cluster"]
    first = found[found >= 0].value_counts().sort_index().sort_values(ascending=False, kind="stable")
    with opened(browser, f"{explorer}?color=cluster") as (page, problems):
        said(page, f"All {TOTAL} questions")
        expect(page.locator("#legend li").first).to_have_text(f"{first.index[0]} {first.iloc[0]}")
        page.locator("#legend button").first.click()
        said(page, f"{first.iloc[0]} of {TOTAL} questions selected")
        assert problems == []
