from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.patches import Patch
from PIL import Image

from squad_albert.explore.marked import Run
from squad_albert.explore.sheet import BODY, DPI, WIDTH, Sheet, drawable, height, measure, wrap
from utils.files import WriteError


@pytest.fixture
def sheet() -> Sheet:
    return Sheet(3.0, "Title", "A subtitle.")


def test_it_is_written_whole_and_always_the_same(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        one = Sheet(2.0, "Title", "Money: $5 and $6_x^2$")
        one.paragraph(0.3, 1.0, "text " * 40, 4.0)
        one.save(tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (WIDTH * DPI, 2 * DPI)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_a_folder_that_is_not_there_is_an_error_that_says_so(sheet: Sheet, tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="cannot be written"):
        sheet.save(tmp_path / "nowhere" / "a.png")


def test_lines_are_as_wide_as_wanted_and_hold_every_word() -> None:
    text = "The quick brown fox jumps over the lazy dog and an extraordinarilylongwordthatfitsnowhere again"
    lines = wrap(text, 1.5, BODY)
    assert " ".join(lines) == text
    assert all(measure(line, BODY) <= 1.5 for line in lines if " " in line)
    assert len(lines) > 3


def test_a_paragraph_ends_where_its_lines_do_and_is_cut_at_most_lines(sheet: Sheet) -> None:
    step = sheet.paragraph(0.3, 1.0, "word", 2.0) - 1.0
    assert sheet.paragraph(0.3, 1.0, "word " * 60, 2.0, most=2) == pytest.approx(1.0 + 2 * step)
    assert sheet.paragraph(0.3, 1.0, "", 2.0) == 1.0
    texts = [text.get_text() for text in sheet.figure.texts]
    assert texts[-1].endswith("…")
    assert sheet.paragraph(0.3, 1.0, "word " * 60, 2.0) == pytest.approx(1.0 + height("word " * 60, 2.0, BODY))


def test_marks_are_boxes_behind_scored_words_and_lines_under_golds(sheet: Sheet) -> None:
    before = {id(child) for child in sheet.figure.get_children()}
    end = sheet.marks(0.3, 1.0, [Run("Ada", 1.0, gold=True), Run(" sank"), Run(" it", -0.5)], 7.0)
    added = [child for child in sheet.figure.get_children() if id(child) not in before]
    assert len([child for child in added if isinstance(child, Patch)]) == 4  # of Ada two, of the space and it one each
    assert end == pytest.approx(1.0 + BODY * 1.65 / 72)
    assert sheet.marks(0.3, 1.0, [Run("word " * 60)], 2.0) > end + 0.5


@pytest.mark.filterwarnings("error")
def test_what_cannot_be_drawn_is_a_square(sheet: Sheet, tmp_path: Path) -> None:
    assert drawable("Ωm 東京\t🙂\u202e") == "Ωm □□ □[U+202E]"
    sheet.text(0.3, 1.0, "東京 🙂 \u202e a\nb")
    sheet.save(tmp_path / "a.png")
