"""What the server renders, without a browser: escaping, missing things, marks, palette, static files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from project_config import ROOT, Settings
from squad_albert.explore.style import COLOURS, LIGHT, OUTCOMES, SERIES_NAMES
from squad_albert.serve.api import create_app
from squad_albert.serve.marks import Stretch, overlap, stretches
from squad_albert.serve.pages import EXAMPLES, STATIC, TEMPLATES, examples, modules, palette_css
from squad_albert.serve.service import Service
from tests.tiny_run import tiny_run, write_run
from utils.squad import load_file

EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(2)>" onclick="x\u202e\u2066\u0000 {{ 7 * 7 }}'


class Elements(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Two runs: one whose texts are markup, and one that was made without a model."""
    folder = tmp_path_factory.mktemp("pages")
    ids = [f"{EVIL[:40]}/{number}" for number in range(6)]
    evil = tiny_run(6, id=ids, title=EVIL, question=EVIL)
    evil.questions["question_type"] = EVIL
    write_run(evil, folder / "evil <b>")
    write_run(tiny_run(12, model=False), folder / "given")
    service = Service(Settings(), [folder / "evil <b>", folder / "given"])
    yield TestClient(create_app(service))  # not entered: no page needs the model
    service.close()


def pages(client: TestClient) -> dict[str, str]:
    key = client.post("/runs/evil <b>/questions", json={}).json()["rows"][0]["id"]
    run = quote("evil <b>")
    return {
        "ask": "/",
        "explore": f"/explore/{run}",
        "question": f"/explore/{run}/questions/{quote(key, safe='')}",
        "text of a question": f"/ask?run={run}&id={quote(key, safe='')}",
        "given": "/explore/given/questions/train-0",
    }


@pytest.mark.parametrize("name", ["ask", "explore", "question", "text of a question", "given"])
def test_markup_in_the_data_is_text_and_nothing_is_inline(client: TestClient, name: str) -> None:
    response = client.get(pages(client)[name])
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    page = Elements(response.text)
    assert all(attributes.get("src", "").startswith("/static/") for tag, attributes in page.found if tag == "script")
    assert not [tag for tag, _ in page.found if tag in ("img", "style", "iframe", "object")]
    assert not [key for _, attributes in page.found for key in attributes if key == "style" or key.startswith("on")]
    assert not set("\u202e\u2066\u0000") & set(response.text)
    links = [attributes[key] or "" for _, attributes in page.found for key in ("href", "src") if key in attributes]
    assert not [link for link in links if not link.startswith(("/", "#"))]
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    if name == "question":
        assert "[U+202E][U+2066][U+0000] {{ 7 * 7 }}" in page.text


def test_every_label_has_its_control(client: TestClient) -> None:
    for address in pages(client).values():
        page = Elements(client.get(address).text)
        ids = {attributes.get("id") for _, attributes in page.found}
        names = ("for", "aria-labelledby", "aria-controls", "aria-describedby")
        wanted = {attributes[name] for _, attributes in page.found for name in names if name in attributes}
        assert wanted <= ids


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("/explore/none", "There is no run `none`."),
        ("/explore/given/questions/none", "none"),
        ("/ask?run=given&id=%3Cb%3E", "&lt;b&gt;"),
    ],
)
def test_what_is_not_there_is_a_page_that_says_so(client: TestClient, address: str, told: str) -> None:
    response = client.get(address)
    assert response.status_code == 404
    assert "<h1>Not found</h1>" in response.text
    assert told in response.text
    assert "<b>" not in response.text


def test_a_run_without_a_model_has_what_it_has(client: TestClient) -> None:
    text = Elements(client.get("/explore/given/questions/train-0").text).text
    assert "The run was made from answers alone, without a model." in text
    assert "none: answers from a file" in Elements(client.get("/explore/given").text).text


def test_metadata_are_all_there(client: TestClient) -> None:
    question = client.get("/runs/given/questions/train-0").json()
    text = Elements(client.get("/explore/given/questions/train-0").text).text
    for name in question:
        field = re.sub("^(question|answer|context)_", "", name).replace("_", " ")
        if name not in ("row", "gold_starts", "nbest", "windows", "golds"):
            assert field in text or name in ("id", "question", "context", "verdict"), name


def test_static_files_are_served_and_no_others(client: TestClient) -> None:
    for path in STATIC.iterdir():
        response = client.get(f"/static/{path.name}")
        assert response.status_code == 200
        assert "script-src 'self'" in response.headers["content-security-policy"]
    assert client.get("/static/../pages.py").status_code == 404
    assert client.get("/static/%2e%2e/pages.py").status_code == 404
    assert client.get("/static/").status_code == 404


def test_modules_import_what_is_there_and_use_no_markup() -> None:
    for path in STATIC.glob("*.js"):
        text = path.read_text(encoding="utf-8")
        imported = re.findall(r'from "\./([\w.]+)"', text)
        assert all((STATIC / name).exists() for name in imported)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)
        assert not re.search(r"https?://(?!www\.w3\.org)", text)
    pages = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html"))
    entries = set(re.findall(r'src="/static/(\w+\.js)"', pages))
    assert {name for entry in entries for name in modules(entry)} == {path.name for path in STATIC.glob("*.js")}


@pytest.mark.parametrize("name", ["map.css", "style.css"])
def test_style_sheets_use_colours_of_the_palette_alone(name: str) -> None:
    text = (STATIC / name).read_text(encoding="utf-8")
    assert set(re.findall(r"var\(--(\w+)\)", text)) <= {*COLOURS, "hue", "weight"}
    assert not re.search(r"#[0-9a-f]{3,6}\b", re.sub(r"#[a-z][\w-]*", "", text))
    assert "url(" not in text
    assert "@import" not in text


def test_the_palette_is_that_of_the_report(client: TestClient) -> None:
    assert client.get("/static/palette.css").text == palette_css()
    assert all(f"--{name}:{light};" in palette_css() for name, light in LIGHT.items())
    page = Elements(client.get("/explore/given").text)
    palette = next(attributes["data-palette"] for _, attributes in page.found if "data-palette" in attributes)
    assert json.loads(palette or "") == {"series": list(SERIES_NAMES), "outcomes": OUTCOMES}


def test_the_examples_are_of_the_bundled_corpus() -> None:
    known = {question.id: question for question in load_file(ROOT / "data" / "validation.json")}
    assert [one["question"] for one in examples()] == [known[key].question for key in EXAMPLES]
    assert any(not known[key].golds for key in EXAMPLES)


def test_stretches_are_the_whole_text() -> None:
    text = "The Heron was built in Tarn in 1871."
    found = stretches(text, [(23, 27), (31, 35), (23, 35)], (28, 35))
    assert "".join(part.text for part in found) == text
    assert "".join(part.text for part in found if part.gold) == text[23:35]
    assert "".join(part.text for part in found if part.answer) == text[28:35]
    assert stretches(text, [], None) == [Stretch(text)]
    assert stretches("", [], None) == []


def test_overlap_is_that_with_the_nearest_gold() -> None:
    assert overlap([(0, 4), (10, 20)], (12, 24)) == "8 of 14 characters"
    assert overlap([(10, 20), (12, 24)], (12, 24)) == "the same characters"
    assert overlap([(0, 4)], None) == "none"
    assert overlap([], (0, 4)) == "none"
