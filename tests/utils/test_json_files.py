from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.json_files import DoubledKeyError, JsonError, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def written(folder: Path, content: bytes | str) -> Path:
    path = folder / "a.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@given(VALUES, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]), st.booleans())
def test_encodings_and_compression_make_no_difference(
    tmp_path_factory: pytest.TempPathFactory, value: Any, encoding: str, packed: bool
) -> None:
    content = json.dumps([value]).encode(encoding)
    path = written(tmp_path_factory.getbasetemp(), gzip.compress(content) if packed else content)
    found = read_json(path)
    assert (found.value, found.lines) == ([value], False)


def test_json_lines_are_a_list_of_their_values(tmp_path: Path) -> None:
    found = read_json(written(tmp_path, '{"a": "\u2028"}\r\n\n  {"b": [2]}\n'))
    assert (found.value, found.lines) == ([{"a": "\u2028"}, {"b": [2]}], True)


def test_one_line_is_a_value_of_its_own(tmp_path: Path) -> None:
    found = read_json(written(tmp_path, '{"a": 1}\n'))
    assert (found.value, found.lines) == ({"a": 1}, False)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "Expecting value: line 1 column 1"),
        ('{"a": 1} {"b": 2}', "Extra data: line 1 column 10"),
        ('{"a": 1}\n{"b": 2}\n{"c": }', "line 3, column 7: Expecting value"),
        ('{"a": 1}\n{"b": 2, "b": 3}', "line 2: top level: the key `b` is given twice"),
        (b"\xff", "byte 0 is not UTF-8"),
        ('{"é": "è"}'.encode("latin-1"), "byte 2 is not UTF-8"),
        ('"\ud83d"'.encode("utf-16", "surrogatepass"), "is not UTF-16"),
        (b"\xff\xfe\x00", "is not UTF-16"),
        (gzip.compress(b"[1]")[:-6], "the compressed file is damaged"),
        (b"\x1f\x8b\x08", "the compressed file is damaged"),
        (b"\x1f\x8bowl", "the compressed file is damaged"),
        ("[" * 100_000, "it is nested too deeply"),
        ('{"a":' * 100_000, "it is nested too deeply"),
        ("[1" + "0" * 5000 + "]", "it holds a number of more than 4,300 digits"),
        ("1\n" + "9" * 5000, "line 2: it holds a number of more than 4,300 digits"),
    ],
)
def test_what_is_no_json_is_refused_with_the_reason(tmp_path: Path, content: bytes | str, reason: str) -> None:
    with pytest.raises(JsonError) as caught:
        read_json(written(tmp_path, content))
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("content", "place", "key"),
    [
        ('{"a": 1, "b": 2, "a": 1}', "top level", "a"),
        ('{"data": [{}, {"x": 1, "qas": [], "qas": []}]}', "item 2 of `data`", "qas"),
        ('[{"b": {"c": [[{"d": 1, "d": 2}]]}}]', "item 1, `b`, item 1 of `c`, item 1", "d"),
        ('{"a": {"b": 1, "b": 2}, "c": {"d": 1, "d": 2}}', "`a`", "b"),
        ('{"a": {"b": 1, "b": 2}, "a": 3}', "top level", "a"),
    ],
)
def test_a_key_given_twice_is_refused_with_its_place(tmp_path: Path, content: str, place: str, key: str) -> None:
    with pytest.raises(DoubledKeyError) as caught:
        read_json(written(tmp_path, content))
    assert str(caught.value) == f"{place}: the key `{key}` is given twice"


@given(st.binary(max_size=40) | st.text('[]{}",:\\u0dn1 \n\x00', max_size=20).map(str.encode))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    try:
        read_json(written(tmp_path_factory.getbasetemp(), content))
    except JsonError as error:
        assert str(error)
