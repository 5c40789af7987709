from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from project_config import Settings
from squad_albert.explore import report
from squad_albert.explore.report import PARTS, TEMPLATES, render, write_report
from squad_albert.explore.section import Section
from squad_albert.run_tables import RunTables
from tests.browser import Problems
from tests.squad_albert.explore.sections import empty_sections, sections_of
from tests.tiny_run import tiny_run

PATIENCE = 120_000  # milliseconds: other work may keep the machine busy
SCRIPT = "</script><script>window.hacked = 1</script>"
EVIL = f"{SCRIPT}<img src=x onerror='window.hacked = 2'>\u202e\u2066 {{{{ 7 * 7 }}}} &amp; $x$"


@contextmanager
def opened(browser: Browser, path: Path, **context: Any) -> Iterator[tuple[Page, Problems]]:
    """A page without a network, and what it complains of."""
    problems = Problems()
    with browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **context}) as window:
        window.set_offline(True)
        page = window.new_page()
        page.set_default_timeout(PATIENCE)
        problems.watch(page)
        page.goto(path.as_uri())
        yield page, problems


def drawn(page: Page, name: str) -> None:
    """Scrolls to a figure and waits until it is there."""
    page.locator(f"#{name}").scroll_into_view_if_needed()
    page.wait_for_selector(f"#{name}[data-drawn]" + ("" if name == "map" else " .main-svg"), state="attached")


def written(folder: Path, run: RunTables, sections: dict[str, Section]) -> Path:
    path = folder / "report.html"
    write_report(path, run, sections, Settings())
    return path


@pytest.fixture(scope="module")
def run() -> RunTables:
    return tiny_run(60)


@pytest.fixture(scope="module")
def path(run: RunTables, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("report"), run, sections_of(run))


def test_every_section_is_there_and_nothing_goes_wrong(browser: Browser, path: Path) -> None:
    with opened(browser, path) as (page, problems):
        for part in PARTS:
            expect(page.locator(f"section#{part.id} > h2")).to_have_text(part.title)
            expect(page.locator(f'nav a[href="#{part.id}"]')).to_have_text(part.short)
        names = page.eval_on_selector_all(".plot, #map", "all => all.map(one => one.id)")
        assert set(names) == {
            "map", "scores", "calibration", "split-distances", "cluster-losses", "slice-effects", "cluster-types",
            "deletion", "heads", "attention-example",
        }  # fmt: skip
        for name in names:
            drawn(page, name)
            labeled = "#map [role=application]" if name == "map" else f"#{name}"
            assert page.get_attribute(labeled, "aria-label")
            assert page.locator(f"figure:has(#{name}) figcaption").inner_text()
        assert problems == []


def point(page: Page) -> tuple[float, float]:
    """Where in the window the point is that lies farthest to the left on the map, which shows all of them."""
    page.locator("#map").evaluate("map => map.scrollIntoView({block: 'center', behavior: 'instant'})")
    x, y = page.evaluate("""() => {
        const box = document.querySelector("#map canvas").getBoundingClientRect();
        const { maps } = JSON.parse(document.getElementById("map-data").textContent);
        const sides = Object.values(maps[document.getElementById("map-method").value]);
        const [x, y] = sides.map(values => (Math.min(...values) + Math.max(...values)) / 2);
        const [width, height] = sides.map(values => Math.max(...values) - Math.min(...values));
        const scale = 0.88 * Math.min(box.width / width, box.height / height);
        const [xs, ys] = sides, at = xs.indexOf(Math.min(...xs));
        return [box.x + box.width / 2 + (xs[at] - x) * scale, box.y + box.height / 2 - (ys[at] - y) * scale];
    }""")
    return float(x), float(y)


def colours_of_the_map(page: Page) -> int:
    """How many different pixels it has."""
    count: int = page.locator("#map canvas").first.evaluate("""one => {
        const { data } = one.getContext("2d").getImageData(0, 0, one.width, one.height);
        return new Set(new Uint32Array(data.buffer)).size;
    }""")
    return count


def test_points_can_be_pointed_at(browser: Browser, path: Path, run: RunTables) -> None:
    with opened(browser, path) as (page, problems):
        drawn(page, "map")
        assert colours_of_the_map(page) > 3
        x, y = point(page)
        page.mouse.move(x + 60, y + 60)
        page.mouse.move(x, y, steps=4)
        tip = page.locator("#tip")
        expect(tip).to_be_visible()
        question = run.questions[run.questions["id"] == tip.locator("dd").nth(4).inner_text()].iloc[0]
        assert tip.locator("p").inner_text() == question["question"]
        assert tip.locator("dd").nth(1).inner_text() == (question["prediction"] or "no answer")
        page.mouse.click(x, y)
        expect(page.locator("#map-pinned")).to_contain_text(question["question"])
        page.mouse.move(5, 5)
        expect(tip).to_be_hidden()
        assert problems == []


def test_points_can_be_reached_by_keyboard(browser: Browser, path: Path) -> None:
    with opened(browser, path) as (page, problems):
        canvas = page.get_by_role("application")
        canvas.focus()
        for key, steps in (("ArrowUp", 30), ("ArrowLeft", 40), ("ArrowDown", 60), ("ArrowRight", 80), ("ArrowUp", 60)):
            for _ in range(steps):
                canvas.press(key)
            canvas.press(" ")
        canvas.press("Enter")
        expect(page.locator("#map-said")).to_have_text("60 of 60 questions stand out.")
        page.get_by_role("button", name="All", exact=True).click()
        expect(page.locator("#map-said")).to_have_text("")
        assert problems == []


def test_the_map_is_coloured_by_what_is_chosen(browser: Browser, path: Path, run: RunTables) -> None:
    with opened(browser, path) as (page, problems):
        drawn(page, "map")
        legend = page.locator("#map-legend button")
        right = int((run.questions["exact"] == 1).sum())
        expect(legend.filter(has_text=f"right {right}")).to_have_count(1)
        page.select_option("#map-colour", label="split")
        expect(legend).to_have_text(["train 30", "validation 30"])
        choices = page.eval_on_selector_all("#map-colour option", "all => all.map(one => one.textContent)")
        assert choices == ["outcome", "split", "question type", "answer type", "title", "cluster"]
        legend.first.click()
        expect(page.locator("#map-said")).to_have_text("30 of 60 questions stand out.")
        expect(legend.first).to_have_attribute("aria-pressed", "true")
        expect(legend.first).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("#map-said")).to_have_text("")
        before = point(page)
        page.select_option("#map-method", label="PCA")
        assert point(page) != before
        page.mouse.move(*point(page))
        expect(page.locator("#tip")).to_be_visible()
        sized = colours_of_the_map(page)
        page.uncheck("#map-size")
        page.wait_for_function(
            """before => {
                const one = document.querySelector("#map canvas");
                const { data } = one.getContext("2d").getImageData(0, 0, one.width, one.height);
                return new Set(new Uint32Array(data.buffer)).size !== before;
            }""",
            arg=sized,
        )
        assert problems == []


def test_heat_maps_and_tokens_show_what_is_chosen(browser: Browser, path: Path) -> None:
    with opened(browser, path) as (page, problems):
        drawn(page, "heads")
        before = page.evaluate("document.getElementById('heads').data[0].z")
        page.select_option('[data-chooser="heads"]', index=1)
        page.wait_for_function("z => document.getElementById('heads').data[0].z[0][0] !== z", arg=before[0][0])
        assert page.locator(".tokens:visible").count() == 1
        first = page.locator(".tokens:visible").inner_html()
        page.select_option('[data-panels="method"]', label="occlusion")
        assert page.locator(".tokens:visible").count() == 1
        assert page.locator(".tokens:visible").inner_html() != first
        assert problems == []


def test_light_and_dark_follow_the_system_and_the_button(browser: Browser, path: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    colour = "document.getElementById('scores').data[0].marker.color"
    with opened(browser, path, color_scheme="dark") as (page, problems):
        drawn(page, "scores")
        dark = page.evaluate(ground), page.evaluate(colour)
        page.get_by_role("button", name="Light").click()
        page.wait_for_function(f"{colour} !== '{dark[1]}'")
        assert page.evaluate(ground) != dark[0]
        expect(page.get_by_role("button", name="Dark")).to_be_visible()
        assert problems == []
    with opened(browser, path, color_scheme="light") as (page, _):
        drawn(page, "scores")
        assert page.evaluate(ground) != dark[0]
        assert page.evaluate(colour) != dark[1]


def test_a_phone_shows_all_without_scrolling_sideways(browser: Browser, path: Path) -> None:
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
    with opened(browser, path, **phone) as (page, problems):
        for name in ("scores", "map", "deletion", "attention-example"):
            drawn(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert problems == []


def test_text_of_the_data_does_nothing(browser: Browser, tmp_path: Path) -> None:
    run = tiny_run(30, question=EVIL, title=EVIL, prediction=EVIL, question_type=EVIL)
    for name, values in (("golds", [EVIL]), ("gold_starts", [0])):
        run.questions[name] = pd.Series([values] * 30, dtype=run.questions[name].dtype)
    sections = sections_of(run)
    for section in sections.values():
        section.sentences.append(EVIL)
    with opened(browser, written(tmp_path, run, sections)) as (page, problems):
        for name in ("scores", "map", "cluster-losses", "heads"):
            drawn(page, name)
        page.mouse.move(*point(page), steps=3)
        expect(page.locator("#tip p")).to_contain_text(SCRIPT)
        expect(page.locator("#labels")).to_contain_text("{{ 7 * 7 }} &amp; $x$")
        assert page.evaluate("window.hacked") is None
        assert page.evaluate("document.querySelectorAll('img').length") == 0
        assert not set("\u202e\u2066") & set(page.content())
        assert problems == []


def test_sections_that_lack_something_say_what(browser: Browser, tmp_path: Path) -> None:
    run = tiny_run(30, model=False)
    with opened(browser, written(tmp_path, run, empty_sections(run))) as (page, problems):
        for name in ("population", "separation", "clusters", "composition", "saliency", "attention"):
            expect(page.locator(f"#{name} .notice")).to_contain_text("The run was made without a model.")
        for name in ("slices", "near_duplicates"):
            expect(page.locator(f"#{name} .notice")).to_contain_text(f"squad-albert explore {run.folder} --only {name}")
        expect(page.locator("#overview table").first).to_be_visible()
        assert problems == []


def test_it_can_be_read_without_javascript(browser: Browser, path: Path) -> None:
    with opened(browser, path, java_script_enabled=False) as (page, _):
        expect(page.locator("noscript .notice")).to_be_visible()
        expect(page.locator("#labels tbody tr").first).to_be_visible()
        assert page.locator(".tokens:visible").count() == 9


class Links(HTMLParser):
    """Every address in a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("href", "src", "action", "data", "srcset")]
        self.ids += [value or "" for name, value in attrs if name == "id"]


def test_it_needs_no_other_file_and_its_links_lead_somewhere(path: Path) -> None:
    links = Links()
    links.feed(path.read_text(encoding="utf-8"))
    assert links.found
    assert {link.removeprefix("#") for link in links.found} <= set(links.ids)
    assert len(links.ids) == len(set(links.ids))
    styles = (TEMPLATES / "report.css").read_text(encoding="utf-8")
    assert "url(" not in styles
    assert "@import" not in styles


def test_the_same_run_gives_the_same_bytes(run: RunTables) -> None:
    assert render(run, sections_of(run), Settings()) == render(run, sections_of(run), Settings())


def test_every_part_has_a_template_and_every_section_a_part() -> None:
    assert {part.id for part in PARTS} == {path.stem for path in (TEMPLATES / "sections").glob("*.html")}
    assert {part.section for part in PARTS if part.section} == set(sections_of(tiny_run(12)))


def test_the_glossary_is_in_order_and_explains_the_words_of_the_page() -> None:
    text = (TEMPLATES / "sections" / "glossary.html").read_text(encoding="utf-8")
    terms = re.findall("<dt>(.*?)</dt>", text)
    assert terms == sorted(terms, key=lambda term: term.lower().strip("[]"))
    words = "window, overlap, span, logits, exact match (EM), F1, latent vector, UMAP, HDBSCAN, AUC"
    assert set(words.split(", ")) <= set(terms)


def test_nothing_at_all_is_a_page_too(run: RunTables) -> None:
    text = render(run, {}, Settings())
    assert text.count("This analysis was not made yet") == sum(part.section is not None for part in report.PARTS)


def test_unlabeled_questions_have_no_outcome(tmp_path: Path) -> None:
    run = tiny_run(30, splits=("unlabeled",))
    text = render(run, {name: section for name, section in sections_of(run).items() if name != "clusters"}, Settings())
    assert "not labeled" in text
    assert "No question is labeled" in text
