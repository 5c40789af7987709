from __future__ import annotations

import contextlib
import csv
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from project_config import ProjectError
from squad_albert.explore.verdicts import (
    FIELDS,
    NO_ANSWER,
    READING,
    Verdict,
    VerdictError,
    find_verdicts,
    read_verdicts,
    replace_verdict,
    save_verdict,
    save_verdicts,
    write_review,
)
from utils.files import WriteError

HEADER = ",".join(FIELDS)
LABELS = pd.DataFrame(
    {
        "id": ["q1", "q2", "q3"],
        "rank": [1, 2, 3],
        "reason": ["the model is sure of Ulm", "x", "y"],
        "question": ["Where, then?", "Who?", "When?"],
        "gold": ["Tarn", "Ada", "1871"],
    }
)


def write(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "verdicts.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_verdicts_are_read_as_a_person_writes_them(tmp_path: Path):
    lines = ["q1,keep,,,", 'q2,Fix,"Tarn, Ulm",12,clear', f"q3,fix,{NO_ANSWER},,", "q4,,,,later", "q5,drop,,,", ",,,,"]
    path = write(tmp_path, *lines)
    assert read_verdicts(path) == {
        "q1": Verdict("q1", "keep"),
        "q2": Verdict("q2", "fix", "Tarn, Ulm", 12, "clear"),
        "q3": Verdict("q3", "fix", ""),
        "q5": Verdict("q5", "drop"),
    }


def test_what_a_spreadsheet_saves_is_read(tmp_path: Path):
    path = tmp_path / "verdicts.csv"
    path.write_bytes(b"\xef\xbb\xbfid;verdict;answer;start;note\r\nq1;fix;Tarn, Ulm;;\xc3\xa9\r\n")
    assert read_verdicts(path) == {"q1": Verdict("q1", "fix", "Tarn, Ulm", None, "é")}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["q1,maybe,,,"], "line 2: the verdict on q1: the verdict `maybe` is none of keep, fix, drop"),
        (["q1,fix,,,"], "line 2: the verdict on q1: a fix needs the right `answer`, or <no answer>"),
        (["q1,keep,,,", "q2,drop,Tarn,,"], "line 3: the verdict on q2: `drop` has no answer"),
        (["q1,fix,Tarn," + "9" * 5000 + ","], "line 2: the verdict on q1: `start` is `999"),
        (["q1,fix,Tarn,-3,"], "line 2: the verdict on q1: `start` is `-3`, not a whole number"),
        (["q1,fix,<no answer>,3,"], "line 2: the verdict on q1: `start` 3 is no place of an answer"),
        (["q1,,Tarn,,"], "line 2: the verdict on q1: the verdict `` is none of"),
        (["q1,keep,,,", "q2,keep,,,", "q1,drop,,,"], "line 4: q1 stands in line 2, too"),
        ([",drop,,,"], "line 2 has no id"),
        (["q1,fix,Tarn, Ulm,,"], "line 2 has not one field for each column"),
        (["q1,keep"], "line 2 has not one field for each column"),
        (['q1,fix,"Tarn,,'], "cannot be read as CSV"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, lines: list[str], message: str):
    path = write(tmp_path, *lines)
    with pytest.raises(VerdictError) as caught:
        read_verdicts(path)
    assert str(path) in str(caught.value) and message in str(caught.value)


def test_all_bad_lines_are_named_at_once(tmp_path: Path):
    with pytest.raises(VerdictError) as caught:
        read_verdicts(write(tmp_path, "q1,maybe,,,", "q2,keep,,,", "q3,fix,,,"))
    assert "line 2" in str(caught.value) and "line 4" in str(caught.value) and "line 3" not in str(caught.value)


def test_a_file_of_another_kind_is_refused(tmp_path: Path):
    with pytest.raises(VerdictError, match="has no column verdict and no answer"):
        read_verdicts(write(tmp_path, "q1,,", header="id,start,note"))
    with pytest.raises(VerdictError, match="cannot be read"):
        read_verdicts(tmp_path / "absent.csv")
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + b"\nq1,keep,,,\xe9\n")
    with pytest.raises(VerdictError, match="UTF-8"):
        read_verdicts(tmp_path / "latin.csv")


@pytest.mark.parametrize("fields", [{"verdict": "shred"}, {"verdict": "fix"}, {"verdict": "keep", "answer": "x"}])
def test_a_verdict_does_not_contradict_itself(fields: dict[str, str]):
    with pytest.raises(VerdictError, match="q1"):
        Verdict("q1", **fields)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(str.strip)
verdicts = st.builds(Verdict, st.just("q"), st.sampled_from(["keep", "drop"]), note=texts) | st.builds(
    Verdict, st.just("q"), st.just("fix"), texts.filter(bool), st.none() | st.integers(0, 99), texts
)


@settings(deadline=None)
@given(st.lists(verdicts, max_size=5))
def test_what_is_saved_is_read_again(some: list[Verdict]):
    wanted = {}
    for number, one in enumerate(some):
        wanted[f"q{number}"] = Verdict(f"q{number}", one.verdict, one.answer, one.start, one.note)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "verdicts.csv")
        save_verdicts(path, wanted.values())
        assert read_verdicts(path) == wanted


def test_saving_replaces_and_withdraws_and_leaves_all_else(tmp_path: Path):
    path = write(tmp_path, "q1,keep,,,sure,Why?", "q2,fix,Tarn,,,Where?", "q3,,,,,Who?", header=HEADER + ",question")
    save_verdict(path, Verdict("q1", "fix", ""))
    save_verdicts(path, [Verdict("q4", "drop", note="torn")], withdrawn=["q2", "never"])
    with path.open(encoding="utf-8", newline="") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    assert read_verdicts(path) == {"q1": Verdict("q1", "fix", ""), "q4": Verdict("q4", "drop", note="torn")}
    assert [row["question"] for row in rows.values()] == ["Why?", "Where?", "Who?", ""]
    assert rows["q2"]["answer"] == rows["q2"]["verdict"] == ""


def test_saving_into_a_damaged_file_leaves_it_as_it_is(tmp_path: Path):
    path = write(tmp_path, "q1,keep,,,", "q1,drop,,,")
    before = path.read_bytes()
    with pytest.raises(VerdictError, match="q1 stands in line 2, too"):
        save_verdict(path, Verdict("q1", "keep"))
    assert path.read_bytes() == before


def test_saving_at_once_loses_nothing(tmp_path: Path):
    path = tmp_path / "verdicts.csv"
    wanted = {f"q{number}": Verdict(f"q{number}", "keep") for number in range(40)}
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda verdict: save_verdict(path, verdict), wanted.values()))
    assert read_verdicts(path) == wanted


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(WriteError, match="cannot be written"):
        save_verdict(tmp_path / "no" / "verdicts.csv", Verdict("q1", "keep"))


def test_a_review_list_is_yet_undecided_and_spares_verdicts(tmp_path: Path):
    path = tmp_path / "verdicts.csv"
    save_verdict(path, Verdict("q2", "drop"))
    assert write_review(path, LABELS, 2) == 1
    assert write_review(path, LABELS, 3) == 1
    assert read_verdicts(path) == {"q2": Verdict("q2", "drop")}
    with path.open(encoding="utf-8", newline="") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    assert list(rows) == ["q2", "q1", "q3"]
    assert rows["q1"] == dict.fromkeys(FIELDS, "") | {
        "id": "q1", "rank": "1", "reason": "the model is sure of Ulm", "question": "Where, then?", "gold": "Tarn"
    }  # fmt: skip


def test_a_verdict_is_replaced_only_where_the_present_one_may_be(tmp_path):
    path = tmp_path / "verdicts.csv"
    seen: list[Verdict | None] = []
    keep, drop = Verdict("q1", "keep"), Verdict("q1", "drop")
    for verdict in (keep, drop, None):
        replace_verdict(path, "q1", verdict, seen.append)
    assert seen == [None, keep, drop]
    assert read_verdicts(path) == {}

    def refuse(_: Verdict | None) -> None:
        raise VerdictError("not this one")

    with pytest.raises(VerdictError, match="not this one"):
        replace_verdict(path, "q1", keep, refuse)
    assert read_verdicts(path) == {}


def test_a_link_is_followed_and_permissions_are_kept(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    path, link = write(tmp_path / "kept"), tmp_path / "link.csv"
    path.chmod(0o640)
    link.symlink_to(path)
    save_verdict(link, Verdict("q1", "keep"))
    write_review(link, LABELS, 1)
    replace_verdict(link, "q2", Verdict("q2", "drop"), lambda _: None)
    assert link.is_symlink() and list((tmp_path / "kept").iterdir()) == [path]
    assert set(read_verdicts(path)) == {"q1", "q2"}
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_lone_carriage_return_is_written_quoted_and_read_back(tmp_path: Path):
    path = tmp_path / "verdicts.csv"
    wanted = {key: Verdict(key, "fix", "a\rb", note="c\rd\r\ne\r") for key in ("q\r1", "q\n2")}
    save_verdicts(path, wanted.values())
    save_verdict(path, Verdict("q3", "keep"))
    assert read_verdicts(path) == wanted | {"q3": Verdict("q3", "keep")}
    with path.open(encoding="utf-8", newline="") as stream:
        assert [row["id"] for row in csv.DictReader(stream, strict=True)] == [*wanted, "q3"]


def test_one_that_an_older_version_left_unquoted_is_read(tmp_path: Path):
    path = tmp_path / "verdicts.csv"
    path.write_bytes(HEADER.encode() + b"\nq1,keep,,,a\rb\nq2,drop,,,\n")
    assert read_verdicts(path) == {"q1": Verdict("q1", "keep", note="a\rb"), "q2": Verdict("q2", "drop")}


def test_a_context_of_any_length_and_form_stands_in_a_review_list(tmp_path: Path):
    path = tmp_path / "verdicts.csv"
    contexts = ["=1+1 " * 40_000, "one\rtwo", "@three"]
    write_review(path, LABELS.assign(context=contexts), 3)
    save_verdict(path, Verdict("q1", "keep"))
    assert write_review(path, LABELS.assign(context=contexts), 3) == 0
    assert read_verdicts(path) == {"q1": Verdict("q1", "keep")}
    csv.field_size_limit(10**6)
    with path.open(encoding="utf-8", newline="") as stream:
        found = [row["context"] for row in csv.DictReader(stream, strict=True)]
    csv.field_size_limit(2**17)
    assert found == ["'" + contexts[0], contexts[1], "'@three"]


@pytest.mark.parametrize("text", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "'=1", "'tis"])
def test_no_cell_is_a_formula_and_each_comes_back_as_it_was(tmp_path: Path, text: str):
    path = tmp_path / "verdicts.csv"
    wanted = Verdict(f"{text}1", "fix", text.strip(), note=text)
    save_verdict(path, wanted)
    save_verdict(path, Verdict("other", "keep"))
    assert read_verdicts(path)[wanted.id] == wanted
    with path.open(encoding="utf-8", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_a_reader_s_own_column_is_left_alone(tmp_path: Path):
    path = write(tmp_path, "q1,keep,,,,-5", "q2,,,,,'=x", header=HEADER + ",mine")
    save_verdict(path, Verdict("q3", "drop"))
    assert path.read_text().splitlines()[1:3] == ["q1,keep,,,,-5", "q2,,,,,'=x"]


BAD = ["q2,maybe,,,", "q2,keep", "q2,keep,,,,", "q2,keep,,,\udce9", 'q2,keep,,,"open', 'q2,keep,,,"x"y', ",keep,,,"]


@pytest.mark.parametrize("bad", [*BAD, "q2,keep,,,\nq2,drop,,,", "q2,keep,,,\nq2,drop,,,\nq2,drop,,,"])
def test_a_bad_row_locks_no_other_and_stays_until_somebody_mends_it(tmp_path: Path, bad: str):
    path = tmp_path / "verdicts.csv"
    path.write_bytes("\n".join([HEADER, "q1,keep,,,", bad, "q3,drop,,,a", ""]).encode("utf-8", "surrogateescape"))
    others = {"q1": Verdict("q1", "keep"), "q3": Verdict("q3", "drop", note="a")}
    assert find_verdicts(path).verdicts == others
    replace_verdict(path, "q3", Verdict("q3", "keep"), lambda _: None)
    replace_verdict(path, "q4", Verdict("q4", "keep"), lambda _: None)
    write_review(path, LABELS, 1)
    found = find_verdicts(path)
    assert found.verdicts == {"q1": others["q1"], "q3": Verdict("q3", "keep"), "q4": Verdict("q4", "keep")}
    assert bool(found.faults) != bool(found.lost)
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    assert all(line in text.splitlines() or f"{line},,,," in text for line in bad.split("\n"))
    with pytest.raises(VerdictError, match=r"verdicts\.csv cannot be used"):
        read_verdicts(path)


@pytest.mark.parametrize("bad", ["q2,maybe,,,", "q2,keep", "q2,keep,,,\nq2,drop,,,"])
def test_the_question_of_a_bad_row_cannot_be_decided_until_it_is_mended(tmp_path: Path, bad: str):
    path = write(tmp_path, "q1,keep,,,", bad)
    before = path.read_bytes()
    with pytest.raises(VerdictError, match=r"q2|line 3"):
        replace_verdict(path, "q2", Verdict("q2", "keep"), lambda _: None)
    assert path.read_bytes() == before
    path.write_text(path.read_text().replace(bad, "q2,keep,,,"))
    replace_verdict(path, "q2", Verdict("q2", "drop"), lambda _: None)
    assert read_verdicts(path)["q2"] == Verdict("q2", "drop")


def test_a_note_on_an_undecided_question_stays(tmp_path: Path):
    path = tmp_path / "verdicts.csv"
    save_verdict(path, Verdict("q1", "keep", note="odd"))
    seen: list[Verdict | None] = []
    replace_verdict(path, "q1", Verdict("q1", "", note="odd"), seen.append)
    assert read_verdicts(path) == {}
    assert find_verdicts(path).verdicts == {"q1": Verdict("q1", "", note="odd")}
    replace_verdict(path, "q1", None, seen.append)
    assert seen == [Verdict("q1", "keep", note="odd"), Verdict("q1", "", note="odd")]
    assert find_verdicts(path).verdicts == {}


def test_a_column_that_stands_twice_is_refused(tmp_path: Path):
    with pytest.raises(VerdictError, match="two columns `note`"):
        read_verdicts(write(tmp_path, "q1,keep,,,a,b", header=HEADER + ",note"))


cells = st.sampled_from(
    [
        *FIELDS,
        *READING,
        "q1",
        "q2",
        "keep",
        "Fix",
        "drop",
        "maybe",
        NO_ANSWER,
        "7",
        "-7",
        "9" * 5000,
        "²",
        "٣",
        "=1",
        "'-",
    ]
) | st.text(st.characters(), max_size=6)
rows = st.lists(cells, min_size=3, max_size=8).map(",".join) | st.text(max_size=20)
files = st.binary(max_size=80) | st.builds(
    lambda header, lines, end: end.join([header, *lines]).encode("utf-8", "surrogatepass"),
    st.sampled_from([HEADER, HEADER.replace(",", ";"), "\ufeff" + HEADER, HEADER + ",question", HEADER + ",note"])
    | rows,
    st.lists(rows | st.sampled_from(['"', "q1,keep,,,", 'q2,fix,"a\rb",,', "q3,keep,,,a\rb", "", ";;;;"]), max_size=6),
    st.sampled_from(["\n", "\r\n", "\r"]),
)


@settings(deadline=None, max_examples=150)
@given(files)
def test_whatever_a_file_holds_it_is_read_or_refused_in_words(content: bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "verdicts.csv")
        path.write_bytes(content)
        with contextlib.suppress(ProjectError):
            read_verdicts(path)
        try:
            before = find_verdicts(path)
        except ProjectError:
            return
        save_verdict(path, Verdict("new", "fix", "a\rb", note="=1"))
        after = find_verdicts(path)
        assert after.verdicts == before.verdicts | {"new": Verdict("new", "fix", "a\rb", note="=1")}
        assert after.faults.keys() == before.faults.keys()
        assert len(after.lost) == len(before.lost)
