from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from squad_albert.csv_text import csv_line, csv_rows, guarded, unguarded

texts = st.text(st.sampled_from("a,;\"\r\n\t\x00é=+-@' "), max_size=8)


@settings(deadline=None)
@given(st.lists(st.lists(texts, min_size=2, max_size=4), max_size=4), st.sampled_from(",;"))
def test_what_is_written_is_read_the_same_here_and_elsewhere(rows: list[list[str]], delimiter: str):
    text = "".join(csv_line(row, delimiter) for row in rows)
    found = list(csv_rows(text, delimiter))
    assert [row.cells for row in found] == rows
    assert not any(row.broken for row in found)
    assert list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)) == rows


@settings(deadline=None)
@given(texts, st.text(st.sampled_from('ab,"\r\n;'), max_size=30))
def test_no_text_is_too_odd_to_be_read_and_none_of_it_is_lost(first: str, text: str):
    whole = csv_line([first]) + text

    def letters(some: str) -> str:
        return some.replace("\r", "").replace("\n", "")

    assert letters("".join(row.text for row in csv_rows(whole))) == letters(whole)


@pytest.mark.parametrize("bad", ['b,"open', 'b,"x"y', '"'])
def test_a_broken_row_spoils_no_other(bad: str):
    rows = list(csv_rows(f'a,1\n{bad}\nc,"x,\ny"\nd,4\n'))
    assert [row.cells for row in rows if not row.broken] == [["a", "1"], ["c", "x,\ny"], ["d", "4"]]
    assert [(row.line, row.text) for row in rows if row.broken] == [(2, bad)]
    assert [row.line for row in rows] == [1, 2, 3, 5]


def test_cells_may_be_long_and_lines_may_end_as_any_system_ends_them():
    assert [row.cells for row in csv_rows("a," + "x" * 200_000 + "\n")] == [["a", "x" * 200_000]]
    for end in ("\n", "\r\n", "\r"):
        assert [row.cells for row in csv_rows(f'a,"b"{end}{end}c,d{end}')] == [["a", "b"], ["c", "d"]]


@given(texts)
def test_a_guarded_text_is_no_formula_and_comes_back(text: str):
    assert unguarded(guarded(text)) == text
    assert not guarded(text).startswith(("=", "+", "-", "@", "\t", "\r"))
