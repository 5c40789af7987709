from __future__ import annotations

import gc
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pyarrow import parquet

from tests.conftest import SHARED_SQUAD
from utils.squad import DataError, Question, has_unanswerable, load_file
from utils.squad_checks import Checker
from utils.squad_files import folder_files, read_files, read_rows, split_named, split_within

CONTEXT = "An owl flies by night. 🦉 The owlet sleeps."


def qa(key: str, text: str | None = "owl", **fields: Any) -> dict[str, Any]:
    answers = [] if text is None else [{"text": text, "answer_start": CONTEXT.index(text)}]
    return {"id": key, "question": f"What is {key}?", "answers": answers, **fields}


def document(*records: Any, title: str = "Owls", context: str = CONTEXT) -> dict[str, Any]:
    return {"version": "1.1", "data": [{"title": title, "paragraphs": [{"context": context, "qas": list(records)}]}]}


def write_json(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def row(key: str, text: str | None = "owl") -> dict[str, Any]:
    found = qa(key, text)
    answers = {
        "text": [a["text"] for a in found["answers"]],
        "answer_start": [a["answer_start"] for a in found["answers"]],
    }
    return {"id": key, "title": "Owls", "context": CONTEXT, "question": found["question"], "answers": answers}


SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "title", "context", "question")),
        ("answers", pa.struct({"text": pa.list_(pa.string()), "answer_start": pa.list_(pa.int32())})),
    ]
)


def write_parquet(path: Path, rows: list[dict[str, Any]], schema: pa.Schema = SCHEMA) -> Path:
    parquet.write_table(pa.Table.from_pylist(rows, schema), path)
    return path


def test_json_1_and_2_and_parquet_give_the_same_questions(tmp_path: Path) -> None:
    first = load_file(write_json(tmp_path / "1.json", document(qa("a"), qa("b", "owlet"))))
    second = document(qa("a", is_impossible=False), qa("b", "owlet", is_impossible=False, plausible_answers=[]))
    assert load_file(write_json(tmp_path / "2.json", second)) == first
    assert load_file(write_parquet(tmp_path / "3.parquet", [row("a"), row("b", "owlet")])) == first
    assert [question.golds[0].start for question in first] == [3, CONTEXT.index("owlet")]
    assert not has_unanswerable(first)


def test_unanswerable_questions_of_each_format(tmp_path: Path) -> None:
    impossible = qa("b", None, is_impossible=True, plausible_answers=[{"text": "owl", "answer_start": 3}])
    from_json = load_file(write_json(tmp_path / "2.json", document(qa("a", is_impossible=False), impossible)))
    from_parquet = load_file(write_parquet(tmp_path / "2.parquet", [row("a"), row("b", None)]))
    assert from_json == from_parquet
    assert [question.answerable for question in from_json] == [True, False]
    assert has_unanswerable(from_json)


def test_unlabeled_files(tmp_path: Path) -> None:
    bare = {"id": "a", "question": "What is a?"}
    (from_json,) = load_file(write_json(tmp_path / "u.json", document(bare)))
    columns = pa.schema([field for field in SCHEMA if field.name != "answers"])
    (from_parquet,) = load_file(write_parquet(tmp_path / "u.parquet", [row("a")], columns))
    assert from_json == from_parquet == Question("a", "Owls", "What is a?", CONTEXT, (), labeled=False)
    assert not from_json.answerable and not has_unanswerable([from_json])


@pytest.mark.parametrize("enabled", [True, False])
def test_no_garbage_is_looked_for_meanwhile(tmp_path: Path, enabled: bool) -> None:
    path = write_json(tmp_path / "train.json", document(*(qa(str(number)) for number in range(3000))))
    bad = write_json(tmp_path / "bad.json", document({}))
    rows = [row(str(number)) for number in range(3000)]
    collected: list[dict[str, int]] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            collected.append(info)

    (gc.enable if enabled else gc.disable)()
    gc.callbacks.append(note)
    try:
        questions, _ = read_files([path])
        meanwhile = len(collected)
        read_rows(rows, Checker("a table"))
        of_rows = len(collected) - meanwhile
        with pytest.raises(DataError):
            read_files([bad])
        assert gc.isenabled() == enabled
    finally:
        gc.callbacks.remove(note)
        gc.enable()
    assert len(questions) == 3000
    assert meanwhile <= enabled  # at the end, what is overdue by then
    assert of_rows <= enabled


@pytest.mark.parametrize("name", ["shared.json", "shared.parquet"])
def test_the_questions_of_a_paragraph_share_its_context(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    if path.suffix == ".json":
        write_json(path, document(qa("a"), qa("b")))
    else:
        write_parquet(path, [row("a"), row("b")])
    first, second = load_file(path)
    assert first.context is second.context


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "bom.json"
    path.write_text(json.dumps(document(qa("a")), ensure_ascii=False), encoding=encoding)
    assert load_file(path) == load_file(write_json(tmp_path / "plain.json", document(qa("a"))))


ROWS = [row("a"), row("b", "owlet"), row("c", None)]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in rows).encode()


@pytest.mark.parametrize(
    ("name", "content", "note"),
    [
        ("r.jsonl", lines(ROWS), "JSON lines, a question each (3)"),
        ("r.ndjson", b"\n" + lines(ROWS).replace(b"\n", b"\r\n"), "JSON lines, a question each (3)"),
        ("r.json", lines(ROWS), "JSON lines, a question each (3)"),
        ("r.jsonl.gz", gzip.compress(lines(ROWS)), "JSON lines, a question each (3)"),
        ("r.json", json.dumps({"version": "0.1", "data": ROWS}).encode(), "rows, a question each (3)"),
        ("r.json", json.dumps(ROWS).encode(), "rows, a question each (3)"),
        ("r.JSON", json.dumps(ROWS).encode("utf-16"), "rows, a question each (3)"),
    ],
)
def test_rows_are_rows_whatever_holds_them(tmp_path: Path, name: str, content: bytes, note: str) -> None:
    (tmp_path / name).write_bytes(content)
    warnings: list[str] = []
    found = load_file(tmp_path / name, warnings=warnings)
    assert found == load_file(write_parquet(tmp_path / "rows.parquet", ROWS))
    assert warnings == [f"{tmp_path / name}: taken as it is meant: {note}"]


def test_one_row_and_one_article_need_no_list(tmp_path: Path) -> None:
    assert load_file(write_json(tmp_path / "r.jsonl", row("a"))) == load_file(
        write_json(tmp_path / "l.json", [row("a")])
    )
    article = document(qa("a"), qa("b"))["data"][0]
    (tmp_path / "articles.jsonl").write_text(f"{json.dumps(article)}\n{json.dumps(document(qa('c'))['data'][0])}\n")
    assert [question.id for question in load_file(tmp_path / "articles.jsonl")] == ["a", "b", "c"]
    assert [question.id for question in load_file(write_json(tmp_path / "a.json", article))] == ["a", "b"]


def test_gzip_is_read(tmp_path: Path) -> None:
    (tmp_path / "dev-v1.1.json.gz").write_bytes(gzip.compress(json.dumps(document(qa("a"), title="")).encode()))
    assert [question.title for question in load_file(tmp_path / "dev-v1.1.json.gz")] == ["dev-v1.1"]


def test_what_a_set_saved_by_datasets_holds_is_read(tmp_path: Path) -> None:
    table = pa.Table.from_pylist(ROWS, SCHEMA)
    with pa.OSFile(str(tmp_path / "data.arrow"), "wb") as file, pa.ipc.new_stream(file, SCHEMA) as stream:
        stream.write_table(table, max_chunksize=2)
    assert load_file(tmp_path / "data.arrow") == load_file(write_parquet(tmp_path / "rows.parquet", ROWS))


def test_a_file_without_titles_and_with_other_columns(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.int64()), ("source", pa.string()), *(SCHEMA.field(n) for n in (2, 3, 4))])
    rows = [{**row("a"), "id": 7, "source": "x"}, {**row("b"), "id": 8}]
    warnings: list[str] = []
    questions = load_file(write_parquet(tmp_path / "owls.parquet", rows, schema), warnings=warnings)
    assert [(question.id, question.title) for question in questions] == [("7", "owls"), ("8", "owls")]
    (note,) = warnings
    assert "missing titles, as `owls` (2); ids that are numbers, as text (2); not read: 'source'" in note


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["id", "title", "context", "question", "answer"], "wrong kind: `answer`: did you mean `answers`?"),
        (["id", "context", "question", "answers.text"], "wrong kind: `answers.text`: did you mean `answers`?"),
        (["qid", "passage", "question"], "`qid`: did you mean `id`?; `passage`: did you mean `context`?"),
        (["id", "id", "context", "question"], "it has the column id twice"),
    ],
)
def test_near_misses_of_columns_are_named(tmp_path: Path, columns: list[str], message: str) -> None:
    table = pa.table([pa.array(["a"])] * len(columns), names=columns)
    parquet.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(DataError) as caught:
        load_file(tmp_path / "t.parquet")
    assert message in str(caught.value)


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    paragraph = json.dumps({"context": CONTEXT, "qas": [qa("a")]})
    twice = paragraph[:-1] + f', "qas": {json.dumps([qa("b")])}}}'
    (tmp_path / "dev.json").write_text(f'{{"data": [{{"title": "Owls", "paragraphs": [{paragraph}, {twice}]}}]}}')
    told = r"dev.json: item 1 of `data`, item 2 of `paragraphs`: the key `qas` is given twice.* Rename or remove one"
    with pytest.raises(DataError, match=told):
        load_file(tmp_path / "dev.json")


def test_rows_beyond_one_batch_keep_their_numbers(tmp_path: Path) -> None:
    rows = [row(f"q{number}") for number in range(9000)]
    rows[8999]["question"] = ""
    with pytest.raises(DataError, match=r"row 9000 \(Owls\), question q8999: `question` is empty"):
        load_file(write_parquet(tmp_path / "big.parquet", rows))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", b"{'data': []}", "a.json is not JSON: "),
        ("a.json", b"", "a.json is not JSON: "),
        ("a.json", b"\xff\xfe\x00", "a.json is not JSON: "),
        ("a.json", b"[" * 100_000, "a.json is not JSON: "),
        ("a.json", b"PAR1\x00\x93", "a.json is not JSON: "),
        ("a.json", b'{"a": ' * 100_000, "a.json is not JSON: it is nested too deeply. Mend"),
        ("a.json", b'{"data": [' + b"9" * 5000 + b"]}", "a.json is not JSON: it holds a number of more than 4,300"),
        ("a.json", b"\x1f\x8b\x08", "a.json is not JSON: the compressed file is damaged"),
        ("a.json", b'{"dataset": []}', "an object with dataset; `dataset`: did you mean `data`?"),
        ("a.json", b'{"id": ["a"], "context": ["b"], "question": ["c"]}', "columns. Write an object for each question"),
        ("a.json", b'{"a": 1}\n{"b": 2}', "is of the wrong kind: .* but this is a list"),
        ("a.json", b'[{"id": "a", "prediction": "b"}]', "is of the wrong kind: .* but this is a list"),
        ("a.json", b"[]", "a.json holds no question"),
        ("a.arrow", b"", "a.arrow cannot be read as Arrow: "),
        ("a.arrow", b"owl", "a.arrow cannot be read as Arrow: "),
        ("a.json.zip", b"", "a.json.zip is of the wrong kind"),
        ("a.json", b'["q1"]', "is of the wrong kind: .* but this is a list. Give a file of SQuAD"),
        ("a.json", b'{"q1": "owl"}', "is of the wrong kind: .* but this is an object with q1"),
        ("a.json", b'{"data": {}}', "is of the wrong kind"),
        ("a.json", b'{"data": []}', "a.json holds no question. Add questions"),
        ("a.csv", b"id,question", "a.csv is of the wrong kind. Give a SQuAD .json or a .parquet"),
        ("a.parquet", b'{"data": []}', "a.parquet cannot be read as Parquet: "),
        ("a.parquet", b"", "a.parquet cannot be read as Parquet: "),
    ],
)
def test_files_that_are_no_squad(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_file(path)


@pytest.mark.parametrize(
    "name", ["none.json", "none.parquet", "none.arrow", "folder.json", "folder.parquet", "folder.arrow"]
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    if name.startswith("folder"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=f"{name} cannot be read"):
        load_file(tmp_path / name)


def test_a_torn_parquet_file_is_told(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "torn.parquet", [row(f"q{number}") for number in range(500)])
    content = bytearray(path.read_bytes())
    content[4:400] = bytes(396)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"torn.parquet cannot be read as Parquet"):
        load_file(path)


def test_columns_that_python_cannot_hold_are_told(tmp_path: Path) -> None:
    texts = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")])
    times = pa.array([2**62], pa.timestamp("us"))
    for number, array in enumerate([texts, times]):
        parquet.write_table(pa.table([array] * 3, names=["id", "context", "question"]), tmp_path / f"{number}.parquet")
        with pytest.raises(DataError, match="cannot be read as Parquet"):
            load_file(tmp_path / f"{number}.parquet")


def test_missing_columns_are_told(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.string()), ("text", pa.string())])
    with pytest.raises(DataError, match=r"it has no column context, question \(it has id, text\)"):
        load_file(write_parquet(tmp_path / "t.parquet", [{"id": "a", "text": "b"}], schema))


def test_columns_of_another_type_are_told(tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.bool_()), *(field for field in SCHEMA if field.name != "id")])
    with pytest.raises(DataError, match=r"row 1 \(Owls\): `id` is true or false \(True\), not text"):
        load_file(write_parquet(tmp_path / "t.parquet", [{**row("a"), "id": True}], schema))


def test_every_problem_of_a_json_file_is_in_one_report(tmp_path: Path) -> None:
    good = {"context": CONTEXT, "qas": [qa("a"), qa("a"), {"id": "b", "question": "", "answers": []}, "c"]}
    bad = {"context": " ", "qas": [qa("d")]}
    articles = [
        {"title": "Owls", "paragraphs": [good, bad, {"context": CONTEXT}]},
        {"paragraphs": [{"qas": [qa("e")]}]},
        {"title": "Eels"},
        ["f"],
        {"title": 3, "paragraphs": "none"},
    ]
    path = write_json(tmp_path / "many.json", {"data": articles})
    with pytest.raises(DataError) as caught:
        load_file(path)
    assert str(caught.value).splitlines() == [
        f"{path} has 10 problems:",
        f"  article 1 (Owls), paragraph 1, question a: the id was used before, at {path}, "
        "article 1 (Owls), paragraph 1, question a; give each question its own id",
        "  article 1 (Owls), paragraph 1, question b: `question` is empty; write the question or remove the entry",
        "  article 1 (Owls), paragraph 1: item 4 of `qas` is text ('c'), not an object; mend or remove it",
        "  article 1 (Owls), paragraph 2: `context` is empty; write the context or remove the entry",
        "  article 1 (Owls), paragraph 3: `qas` is missing; add the list, empty if there is nothing in it",
        "  article 2, paragraph 1: `context` is missing; add it",
        "  article 3 (Eels): `paragraphs` is missing; add the list, empty if there is nothing in it",
        "  top level: item 4 of `data` is a list (['f']), not an object; mend or remove it",
        "  article 5: `title` is a number (3), not text; make it a string",
        "  article 5: `paragraphs` is text, not a list; make it a list of objects",
    ]


def test_duplicate_ids_are_found_across_shards(tmp_path: Path) -> None:
    paths = [write_parquet(tmp_path / f"train-0000{n}-of-00002.parquet", [row("a")]) for n in range(2)]
    with pytest.raises(
        DataError, match=r"00001-of-00002.parquet has 1 problem:\n.* at .*00000-of-00002.parquet, row 1"
    ):
        read_files(paths)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("dev-v1.1", "validation"),
        ("val_small", "validation"),
        ("valid", "validation"),
        ("validation-00000-of-00001", "validation"),
        ("test.clean", "test"),
        ("unlabeled", "unlabeled"),
        ("trainer", None),
        ("predictions-v2.0", None),
        ("2024", None),
    ],
)
def test_split_names(name: str, split: str | None) -> None:
    assert split_named(name) == split


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("my_train", "train"),
        ("squad-dev-v2.0", "validation"),
        ("Squad.VAL", "validation"),
        ("train_and_test", None),
        ("retrained", None),
        ("data-00000-of-00001", None),
    ],
)
def test_splits_within_names(name: str, split: str | None) -> None:
    assert split_within(name) == split


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["train.JSON", "Dev.jsonl.gz"], {"train": ["train.JSON"], "validation": ["Dev.jsonl.gz"]}),
        (["my_train.json", "my_dev.json"], {"train": ["my_train.json"], "validation": ["my_dev.json"]}),
        (["train.json", "predictions_train.json"], {"train": ["train.json"]}),
        (
            ["plain_text/train/0001.parquet", "plain_text/train/0000.parquet"],
            {"train": ["0000.parquet", "0001.parquet"]},
        ),
        (["x/partial-train/0000.parquet", "test/0000.parquet"], {"train": ["0000.parquet"], "test": ["0000.parquet"]}),
        (
            ["dataset_dict.json", "train/state.json", "train/dataset_info.json"]
            + [f"train/data-0000{number}-of-00002.arrow" for number in (0, 1)],
            {"train": ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]},
        ),
        (["dataset_info.json", "data-00000-of-00001.arrow"], {"validation": ["data-00000-of-00001.arrow"]}),
        (["train/notes.json", "runs/train/x/0000.parquet", ".train/0000.parquet"], {}),
    ],
)
def test_folders_of_other_tools(tmp_path: Path, files: list[str], found: dict[str, list[str]]) -> None:
    folder = tmp_path / "squad"
    for name in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    named = {split: [path.name for path in paths] for split, paths in folder_files(folder).items()}
    assert named == found


def test_a_saved_split_is_that_of_its_folder(tmp_path: Path) -> None:
    (tmp_path / "squad_train").mkdir()
    (tmp_path / "squad_train" / "data-00000-of-00001.arrow").write_bytes(b"")
    assert list(folder_files(tmp_path / "squad_train")) == ["train"]


def test_a_folder_in_the_layout_of_the_hub(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("# Owls")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "train.json").write_text("{}")
    (tmp_path / "planted.json").write_text("{}")
    (tmp_path / "plain_text").mkdir()
    for name in ("train-00001-of-00002", "train-00000-of-00002", "validation-00000-of-00001"):
        (tmp_path / "plain_text" / f"{name}.parquet").write_bytes(b"")
    found = folder_files(tmp_path)
    assert {split: [path.name for path in paths] for split, paths in found.items()} == {
        "train": ["train-00000-of-00002.parquet", "train-00001-of-00002.parquet"],
        "validation": ["validation-00000-of-00001.parquet"],
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["dev-v1.1.json", "dev-v2.0.json"],
            "The validation split has several files: .*dev-v1.1.json, .*dev-v2.0.json",
        ),
        (["train.json", "train.parquet"], "The train split has several files"),
        (["train-00000-of-00001.parquet", "train.json"], "The train split has several files"),
        (["a/train-00000-of-00001.parquet", "b/train-00000-of-00001.parquet"], "The train split has several files"),
        (["train-00000-of-00003.parquet", "train-00002-of-00003.parquet"], "has 2 of 3 shards"),
        (["train-00000-of-00002.parquet"], "has 1 of 2 shards"),
        (["my_train.json", "your_train.json"], "The train split has several files"),
        (["train/0000.parquet", "train/0002.parquet"], "The train split has several files"),
        (["train_1.json", "train_2.json"], "The train split has several files"),
    ],
)
def test_files_that_do_not_make_one_split(tmp_path: Path, names: list[str], message: str) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(DataError, match=message):
        folder_files(tmp_path)


PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.text(st.characters(), max_size=4)  # with halves of surrogate pairs
    | st.sampled_from([CONTEXT, "owl", 3, 3.0, [], {}, [[[[[["deep"]]]]]]])
)
KEYS = st.sampled_from(
    "title paragraphs context qas id question answers is_impossible text answer_start data answer fact x".split()
)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner), max_leaves=12)


@st.composite
def disturbed(draw: st.DrawFn) -> Any:
    """Good data in any of the forms, in which a few values are replaced by others."""
    forms = [document(qa("a"), qa("b", None, is_impossible=True)), {"data": ROWS}, ROWS, document(qa("a"))["data"], {}]
    found = json.loads(json.dumps(draw(st.sampled_from(forms))))
    for _ in range(draw(st.integers(0, 3))):
        place = found
        while isinstance(place, dict | list) and place:
            key = draw(st.sampled_from(list(place) if isinstance(place, dict) else range(len(place))))
            if not isinstance(place[key], dict | list) or draw(st.booleans()):
                place[key] = draw(VALUES)
                break
            place = place[key]
    return found


@given(
    st.one_of(disturbed().map(json.dumps).map(str.encode), VALUES.map(json.dumps).map(str.encode), st.binary()),
    st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe", b"\x1f\x8b", json.dumps(row("z")).encode() + b"\n"]),
    st.sampled_from(["fuzz.json", "fuzz.jsonl.gz", "fuzz.parquet", "fuzz.arrow"]),
)
@example(json.dumps(document(qa("a", answers=[{"text": "owl", "answer_start": 10**400}]))).encode(), b"", "fuzz.json")
def test_any_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, before: bytes, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(before + content)
    try:
        questions = load_file(path, warnings=[])
    except DataError as error:
        assert name in str(error)
    else:
        for question in questions:
            assert "".join([question.id, question.title, question.question, question.context]).encode()
            assert all(question.context.startswith(gold.text, gold.start) for gold in question.golds)


@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys((*SCHEMA.names, "is_impossible", "fact"), PLAIN))))
def test_any_rows_are_read_or_refused(rows: list[dict[str, Any]]) -> None:
    checker = Checker("rows")
    read_rows(rows, checker)
    try:
        assert checker.finish()
    except DataError as error:
        assert str(error).startswith("rows ")


@pytest.mark.skipif(not SHARED_SQUAD.is_dir(), reason="real SQuAD slices (../shared/squad) are not here")
@pytest.mark.parametrize(("name", "total", "unanswerable"), [("dev-v1.1.json", 624, 0), ("dev-v2.0.json", 534, 246)])
def test_real_squad(name: str, total: int, unanswerable: int) -> None:
    warnings: list[str] = []
    questions = load_file(SHARED_SQUAD / name, warnings=warnings)
    assert len(questions) == total
    assert sum(not question.answerable for question in questions) == unanswerable
    assert has_unanswerable(questions) is bool(unanswerable)
    for question in questions:
        for gold in question.golds:
            assert question.context.startswith(gold.text, gold.start)
