"""Heat maps show the words and their weights; the page works in a browser, whatever the text."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from model.attention import open_attention
from project_config import Settings
from squad_albert.attend import Attended, attend
from squad_albert.attention_pictures import COLUMNS, LABELLED, head_maps, heat_map, page
from tests.browser import Problems
from tests.conftest import HERON
from utils.questions import Question

SETTINGS = Settings(max_length=384, overlap=16, max_question_tokens=40, no_answer="never", threads=1)
ODD = "</script><b>$x$ 東 \u202e"


@pytest.fixture(scope="module")
def attended(torch_albert: tuple[Path, object]) -> Attended:
    model = open_attention(torch_albert[0], SETTINGS)
    return attend(model, Question("q", "", f" Who {ODD} sank her?", f"{ODD} {HERON}", (), labeled=False), SETTINGS)


def test_a_heat_map(attended: Attended) -> None:
    figure = heat_map(attended, [1], [0, 1])
    axes, colours = figure.axes
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert rows[0] == "Who"
    assert rows[-3:] == ["sank", "her", "?"]
    mean = attended.mean([1], [0, 1])
    columns = attended.top_context_words(mean, COLUMNS)
    assert len(axes.get_xticklabels()) == len(columns) >= COLUMNS
    bold = [number for number, label in zip(columns, axes.get_xticklabels(), strict=True)
            if label.get_weight() == "bold"]  # fmt: skip
    assert bold == attended.answer_words
    np.testing.assert_allclose(axes.images[0].get_array(), mean[np.ix_(attended.question_words, columns)])
    assert colours.get_ylabel() == "share of attention"
    texts = " ".join(text.get_text() for text in figure.texts)
    assert f"{len(columns)} of {len(attended.context_words)} context words" in texts
    assert "layer 2, mean of heads 1, 2" in texts
    assert "\u202e" not in texts


def test_it_can_be_drawn_whatever_the_words(attended: Attended, tmp_path: Path) -> None:
    heat_map(attended, [0], [0]).savefig(tmp_path / "map.png", format="png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_every_head_has_its_map(attended: Attended) -> None:
    figure = head_maps(attended, [0, 1], [0, 1])
    *maps, _ = figure.axes
    assert [axes.get_title() for axes in maps] == ["1.1", "1.2", "2.1", "2.2"]
    assert [bool(axes.get_yticklabels()) for axes in maps] == [True, False, True, False]
    assert [bool(axes.get_xticklabels()) for axes in maps] == [False, False, True, True]
    assert len({axes.images[0].get_clim() for axes in maps}) == 1
    columns = attended.top_context_words(attended.mean([0, 1], [0, 1]), COLUMNS)
    expected = attended.word_weights[1, 0][np.ix_(attended.question_words, columns)]
    np.testing.assert_allclose(maps[2].images[0].get_array(), expected)


def test_many_heads_have_no_words(attended: Attended) -> None:
    many = Attended(**{**vars_of(attended), "weights": np.tile(attended.weights, (1, LABELLED, 1, 1))})
    *maps, _ = head_maps(many, [0], range(2 * LABELLED)).axes
    assert len(maps) == 2 * LABELLED
    assert not any(axes.get_yticklabels() or axes.get_xticklabels() for axes in maps)


def vars_of(attended: Attended) -> dict[str, object]:
    return {name: getattr(attended, name) for name in Attended.__dataclass_fields__}


def test_the_page_holds_the_weights(attended: Attended) -> None:
    text = page(attended, [0, 1], [1])
    [found] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    data = json.loads(found)
    assert (data["layers"], data["heads"]) == ([1, 2], [2])
    weights = np.frombuffer(base64.b64decode(data["weights"]), "<u2").reshape(
        2, 1, len(data["queries"]), len(data["words"])
    )
    expected = attended.word_weights[np.ix_([0, 1], [1], data["queries"])]
    np.testing.assert_allclose(weights / 65535, expected, atol=1e-5)
    assert data["queries"] == sorted({*attended.question_words, *attended.answer_words})
    assert "http" not in text.replace("http-equiv", "")


@pytest.fixture(scope="module")
def opened(
    browser: Browser, attended: Attended, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Page, Problems]]:
    """The page in a browser as wide as a phone."""
    path = tmp_path_factory.mktemp("page") / "attention.html"
    path.write_text(page(attended, [0, 1], [0, 1]), encoding="utf-8")
    problems = Problems()
    tab = browser.new_page(viewport={"width": 380, "height": 800})
    problems.watch(tab)
    tab.goto(path.as_uri())
    yield tab, problems
    tab.close()


def test_the_page_in_a_browser(opened: tuple[Page, Problems], attended: Attended) -> None:
    tab, problems = opened
    assert tab.locator("h1").inner_text().startswith("Who </script><b>$x$")
    asked = tab.locator("#asked").inner_text().split()
    assert [asked[0], asked[1], asked[-1]] == ["[CLS]", "Who", "[SEP]"]
    shown = tab.locator("#context").inner_text()
    shown = shown.replace("[U+202E]", "\u202e").strip().removesuffix("[SEP]").strip()
    assert shown == attended.question.context
    number = attended.question_words[-2]
    tab.locator(f"#word-{number}").click()
    best = int(attended.mean([0, 1], [0, 1])[number].argmax())
    share = attended.mean([0, 1], [0, 1])[number, best]
    expected = f"“her” attends most to “{attended.words[best].text}” {100 * share:.1f} %"
    assert tab.locator("#most").inner_text().startswith(expected)
    assert tab.locator("[aria-pressed=true]").count() == 1
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert problems == []


def test_a_layer_and_a_head_can_be_chosen(opened: tuple[Page, Problems], attended: Attended) -> None:
    tab, problems = opened
    number, column = attended.question_words[0], attended.top_context_words(attended.mean([0, 1], [0, 1]), COLUMNS)[2]
    tab.locator("#layer").select_option(label="2")
    tab.locator("#head").select_option(label="1")
    share = attended.word_weights[1, 0, number, column]
    cell = tab.locator("#map tbody tr").nth(0).locator("td").nth(2)
    cell.click()
    assert tab.locator("#cell").inner_text() == f"“Who” to “{attended.words[column].text}”: {100 * share:.1f} %"
    assert tab.locator("#map tbody tr").count() == len(attended.question_words)
    assert tab.locator("#map thead th").count() >= COLUMNS
    assert problems == []
