"""Explanations as people see them: text is kept, colours follow scores, and nothing in the data acts."""

from __future__ import annotations

import html
import io
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

from squad_albert.token_pictures import Piece, colour_wanted, pieces, strongest, terminal_lines, write_html, write_png
from utils.files import WriteError

ANSI = re.compile(r"\x1b\[[0-9;]*m")


def explanation(
    context: str = "The  Heron sank\nin 1871, off Tarn.", question: str = "When did it sink?"
) -> dict[str, Any]:
    """Of every word a token, with scores that fall from 1 to -1; gradients are not complete."""
    tokens: list[dict[str, Any]] = [{"token": "[CLS]", "segment": "special", "start": 0, "end": 0}]
    for segment, text in (("question", question), ("context", context)):
        for match in re.finditer(r"\S+", text):
            tokens.append({"token": match.group(), "segment": segment, "start": match.start(), "end": match.end()})
    count = len(tokens) - 2
    for place, token in enumerate(tokens):
        score = 0.0 if not place else 4 - 8 * (place - 1) / count
        token |= {"occlusion": score, "integrated_gradients": -score}
    return {
        **{"id": "heron-1", "golds": ["1871", "1871"], "question": question, "context": context, "prediction": ""},
        **{"window": 1, "windows": 1, "loss": 1.25, "methods": ["occlusion", "integrated_gradients"], "tokens": tokens},
        "target": {"kind": "gold", "text": "1871", "start": 19, "end": 23},
        "integrated_gradients": {"difference": -7.5, "gap": 0.004, "steps": 32},
    }


class Text(HTMLParser):
    """The text inside of each paragraph of the class text, the marks, and every tag."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.marks: list[dict[str, str | None]] = []
        self.tags: list[str] = []
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "p":
            self._inside = ("class", "text") in attrs
            self.texts += [""] * self._inside
        if tag == "mark":
            self.marks.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        self._inside &= tag != "p"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[-1] += data


def test_pieces_are_the_text() -> None:
    result = explanation()
    found = pieces(result, "occlusion", "context")
    assert "".join(piece.text for piece in found) == result["context"]
    scores = [piece.score for piece in found if piece.score]
    assert scores == sorted(scores, reverse=True)
    assert scores[-1] == -1
    assert pieces(result, "occlusion", "question")[0] == Piece("When", 1.0)


def test_the_context_of_a_window_is_the_part_that_it_saw() -> None:
    result = explanation()
    result["tokens"] = [token for token in result["tokens"] if token["token"] not in ("The", "Tarn.")]
    assert "".join(piece.text for piece in pieces(result, "occlusion", "context")) == "Heron sank\nin 1871, off"


def test_tokens_of_one_character_are_one_piece() -> None:
    result = explanation(context="£2½ now")
    tokens = [token for token in result["tokens"] if token["segment"] != "context"]
    spans = [
        ("£", 0, 1, 1.0),
        ("2", 1, 2, 4.0),
        ("½", 2, 3, 1.0),
        ("½", 2, 3, 1.0),
        ("½", 2, 3, -8.0),
        ("now", 4, 7, 0.0),
    ]
    tokens += [
        {"token": text, "segment": "context", "start": start, "end": end, "occlusion": score}
        for text, start, end, score in spans
    ]
    found = pieces({**result, "tokens": tokens}, "occlusion", "context")
    assert [piece.text for piece in found] == ["£", "2", "½", " ", "now"]
    assert found[2].score == pytest.approx(-0.75)


def test_scores_that_are_all_zero() -> None:
    result = explanation()
    for token in result["tokens"]:
        token["occlusion"] = 0.0
    assert {piece.score for piece in pieces(result, "occlusion", "context")} == {0.0}


def test_terminal_with_colours() -> None:
    result = explanation()
    lines = terminal_lines(result, colour=True)
    text = "\n".join(lines)
    assert "\x1b[38;5;16;48;5;203mWhen\x1b[0m" in text  # red: raises the loss
    assert "\x1b[38;5;16;48;5;75mTarn.\x1b[0m" in text  # blue: lowers it
    assert "\x1b[38;5;16;48;5;203mTarn.\x1b[0m" in text  # as the other method has it
    plain = ANSI.sub("", text)
    assert plain.count(result["question"]) == plain.count(result["context"]) == 2
    assert "loss: 1.250 of gold: 1871" in plain
    assert "gold: 1871\n" in plain
    assert "answer: no answer" in plain
    assert "integrated gradients (sum -7.50 within 0.4%, 32 steps)" in plain
    assert "window" not in plain


def test_terminal_without_colours() -> None:
    text = "\n".join(terminal_lines({**explanation(), "window": 2, "windows": 3}, colour=False))
    assert "\x1b" not in text
    assert "[+When] [+did] [+it] [+sink?]" in text
    assert "[-off] [-Tarn.]" in text
    assert "window: 2 of 3" in text


def test_the_strongest_tokens_come_first() -> None:
    result = explanation()
    scores = [abs(token["occlusion"]) for token in strongest(result, "occlusion")]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == 4


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "wanted"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colours_are_for_terminals(
    stream: io.StringIO, environment: dict[str, str], wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert colour_wanted(stream) is wanted


def test_page(tmp_path: Path) -> None:
    result = explanation()
    write_html(result, tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    found = Text(page)
    assert found.texts == [result["question"], result["context"]] * 2
    assert found.marks[2] == {"class": "raises", "style": "--share:1.00", "title": "+1.00"}  # behind the two of the key
    assert not {"script", "link", "img", "iframe"} & set(found.tags)
    assert not re.search(r"https?:|url\(|@import", page)
    assert "{" not in html.unescape(re.sub(r"<style>.*?</style>", "", page, flags=re.S))


EVIL = "</p><script>alert(1)</script> & \"q\" 'a' \x1b[31mred\x1b[0m \u202egnp. $x^2$ {title} 東京 🙂 e\u0301"


def test_nothing_in_the_data_acts(tmp_path: Path) -> None:
    result = explanation(context=EVIL, question=EVIL) | {"id": EVIL, "golds": [EVIL], "prediction": EVIL}
    result["target"] |= {"text": EVIL}
    for colour in (False, True):
        lines = terminal_lines(result, colour)
        text = re.sub(r"\x1b\[(0|38;5;16;48;5;\d+)m", "", "\n".join(lines))  # without our own colours
        assert "\x1b" not in text
        assert "\u202e" not in text
    write_html(result, tmp_path / "page.html")
    found = Text((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "script" not in found.tags
    assert found.texts[0].startswith("</p><script>alert(1)</script> & \"q\" 'a' [U+001B][31mred")
    write_png(result, tmp_path / "picture.png")
    assert imread(tmp_path / "picture.png").ndim == 3


def test_picture(tmp_path: Path) -> None:
    result = explanation(context="The Heron sank. " * 40 + "x" * 300 + " in 1871")
    write_png(result, tmp_path / "long.png")
    write_png(explanation(), tmp_path / "short.png")
    long, short = (imread(tmp_path / name) for name in ("long.png", "short.png"))
    assert long.shape[1] == short.shape[1]
    assert long.shape[0] > short.shape[0] + 100
    red, _, blue = (short[..., channel].astype(float) for channel in range(3))
    assert (red - blue > 0.1).any()
    assert (blue - red > 0.1).any()
    grey = short[..., :3].std(axis=2) < 0.02
    assert grey[:, -20:].all()  # text ends inside of the picture


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(WriteError):
        write_html(explanation(), tmp_path / "none" / "page.html")
