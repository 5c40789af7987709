from __future__ import annotations

import csv
import io
import json
import re
import shutil
from urllib.parse import quote

import duckdb
import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from project_config import Settings
from squad_albert.explore.charts import outcome
from squad_albert.explore.neighbours import similar
from squad_albert.run_model import run_questions
from squad_albert.serve import database, views
from squad_albert.serve.api import create_app
from squad_albert.serve.columns import known_columns
from squad_albert.serve.errors import TooLargeError
from squad_albert.serve.runs import records
from squad_albert.serve.schemas import QuestionsQuery
from squad_albert.serve.selecting import condition
from squad_albert.serve.service import ServeError, Service
from tests.squad_albert.serve.explored import write_explored
from tests.tiny_run import tiny_run, write_run
from utils.squad import load_file

RUN = "/runs/tiny"


def found_ids(client, **query) -> list[str]:
    response = client.post(f"{RUN}/questions", json={"size": 200, "columns": [], **query})
    assert response.status_code == 200, response.text
    return [row["id"] for row in response.json()["rows"]]


def one(column: str, comparison: str, *value) -> dict[str, object]:
    return {"column": column, "comparison": comparison} | ({"value": value[0]} if value else {})


@pytest.mark.parametrize(
    ("filter_", "kept"),
    [
        (one("title", "=", "Hard"), lambda rows: rows["title"] == "Hard"),
        (one("title", "!=", "Hard"), lambda rows: rows["title"] != "Hard"),
        (one("loss", ">", 1.5), lambda rows: rows["loss"] > 1.5),
        (one("loss", "<=", 1), lambda rows: rows["loss"] <= 1),
        (one("question_words", ">=", 6), lambda rows: rows["question_words"] >= 6),
        (one("question_words", "in", [5, 7]), lambda rows: rows["question_words"].isin([5, 7])),
        (one("title", "in", ["Hard", "Ships"]), lambda rows: rows["title"].isin(["Hard", "Ships"])),
        (one("title", "in", []), lambda rows: rows["title"] == "none"),
        (one("answerable", "=", False), lambda rows: ~rows["answerable"]),
        (one("answerable", "!=", False), lambda rows: rows["answerable"]),
        (one("question", "contains", "hErOn"), lambda rows: rows["question"].str.contains("Heron")),
        (one("golds", "contains", "ADA"), lambda rows: rows["golds"].map(lambda golds: "Ada" in " | ".join(golds))),
        (one("prediction", "empty"), lambda rows: rows["prediction"] == ""),
        (one("prediction", "empty", False), lambda rows: rows["prediction"] != ""),
        (one("answer_words", "empty"), lambda rows: rows["answer_words"].isna()),
        (one("answer_words", "=", 1), lambda rows: rows["answer_words"] == 1),
        (one("answer_words", "!=", 1), lambda rows: rows["answer_words"] != 1),
        (one("outcome", "=", "wrong"), lambda rows: outcome(rows) == "wrong"),
        (one("cluster", "in", [0]), lambda rows: np.isin(np.arange(len(rows)) % 10, [0, 2, 4, 6, 8])),
        (one("cluster", "=", -1), lambda rows: np.arange(len(rows)) % 10 == 9),
        (one("part", "=", "train"), lambda rows: rows["id"].str.startswith("train-")),
    ],
)
def test_a_filter_keeps_what_it_says(client, tables, filter_, kept):
    rows = tables.questions
    expected = list(rows["id"][np.asarray(kept(rows), bool)])
    assert found_ids(client, filters=[filter_]) == expected


def test_filters_search_and_ids_all_must_hold(client, tables):
    rows = tables.questions
    some = list(rows["id"][:30])
    wanted = rows[rows["id"].isin(some) & (rows["title"] == "Hard") & rows["context"].str.contains("Heron")]
    query = {"filters": [one("title", "=", "Hard")], "search": "hERON", "ids": [*some, "unknown"]}
    assert found_ids(client, **query) == list(wanted["id"])
    assert len(wanted)
    assert found_ids(client, ids=[]) == []


def test_sorting_puts_what_is_missing_last_and_keeps_order_within_ties(client, tables):
    rows = tables.questions
    for descending in (False, True):
        sort = [{"column": "answer_words", "descending": descending}, {"column": "title"}]
        expected = rows.sort_values(["answer_words", "title"], ascending=[not descending, True], kind="stable")
        assert found_ids(client, sort=sort) == list(expected["id"])


def test_pages_follow_each_other(client, tables):
    first = client.post(f"{RUN}/questions", json={"size": 7}).json()
    last = client.post(f"{RUN}/questions", json={"size": 7, "page": 9}).json()
    assert (first["total"], len(first["rows"]), len(last["rows"])) == (60, 7, 4)
    assert first["rows"][0]["row"] == 0
    assert last["rows"][-1]["id"] == tables.questions["id"].iloc[-1]
    assert "context" not in first["rows"][0]
    assert client.post(f"{RUN}/questions", json={"page": 10**6}).json()["rows"] == []


@pytest.mark.parametrize(
    ("path", "query", "status", "field"),
    [
        ("questions", {"filters": [one("los", ">", 1)]}, 404, "filters.0.column"),
        ("questions", {"filters": [one('loss" OR 1=1 --', ">", 1)]}, 404, "filters.0.column"),
        ("questions", {"filters": [one("loss", ">", 1), one("loss", "~", 1)]}, 400, "filters.1.comparison"),
        ("questions", {"filters": [{"column": "loss", "value": 1}]}, 400, "filters.0.comparison"),
        ("questions", {"filters": [one("loss", ">", "1")]}, 400, "filters.0.value"),
        ("questions", {"filters": [one("loss", "=", "1")]}, 400, "filters.0.value"),
        ("questions", {"filters": [one("title", "=", 1)]}, 400, "filters.0.value"),
        ("questions", {"filters": [one("labeled", "=", 1)]}, 400, "filters.0.value"),
        ("questions", {"filters": [one("loss", "in", [1, "1"])]}, 400, "filters.0.value"),
        ("questions", {"filters": [one("cluster", ">", 1)]}, 400, "filters.0.comparison"),
        ("questions", {"filters": [one("cluster", "=", "1")]}, 400, "filters.0.value"),
        ("questions", {"filters": [one("title", ">", 1)]}, 400, "filters.0.comparison"),
        ("questions", {"filters": [one("loss", "contains", "1")]}, 400, "filters.0.comparison"),
        ("questions", {"sort": [{"column": "x"}]}, 404, "sort.0.column"),
        ("questions", {"columns": ["id", "x"]}, 404, "columns.1"),
        ("questions", {"page": 0}, 400, "page"),
        ("questions", {"size": 201}, 400, "size"),
        ("questions", {"ids": "validation-1"}, 400, "ids"),
        ("questions", {"where": "1=1"}, 400, "where"),
        ("selection", {"column": "x"}, 404, "column"),
        ("export", {}, 400, "format"),
        ("export", {"format": "xls"}, 400, "format"),
    ],
)
def test_what_does_not_fit_the_run_is_refused(client, path, query, status, field):
    response = client.post(f"{RUN}/{path}", json=query)
    assert response.status_code == status, response.text
    assert response.json()["field"] == field


@pytest.mark.parametrize(
    ("path", "status", "field"),
    [
        ("/runs/other", 404, "run"),
        ("/runs/..%2F..%2Fetc", 404, None),
        ("/runs/%2e%2e", 404, "run"),
        (f"{RUN}/questions/unknown", 404, "id"),
        (f"{RUN}/questions/..%2F..%2Fmanifest.json", 404, "id"),
        (f"{RUN}/questions/unknown/similar", 404, "id"),
        (f"{RUN}/questions/unknown/verdict", 404, "id"),
        (f"{RUN}/questions/unknown/explanation", 404, "id"),
        (f"{RUN}/questions/unknown/attention", 404, "id"),
        (f"{RUN}/questions/validation-1/similar?k=0", 400, "k"),
        (f"{RUN}/questions/validation-1/similar?k=two", 400, "k"),
        (f"{RUN}/questions/validation-1/similar?k=2.0", 400, "k"),
        (f"{RUN}/questions/validation-1/similar?kk=2", 400, "kk"),
        (f"{RUN}/questions/validation-1/explanation?method=guess", 400, "method"),
        (f"{RUN}/clusters/7", 404, "cluster"),
        (f"{RUN}/clusters/x", 400, "cluster"),
        (f"{RUN}/slices/2", 404, "index"),
        (f"{RUN}/map?color=x", 404, "color"),
        (f"{RUN}/map?size=title", 400, "size"),
        (f"{RUN}/map?size=cluster", 400, "size"),
        (f"{RUN}/labels?page=0", 400, "page"),
    ],
)
def test_what_is_not_there_is_not_found(client, path, status, field):
    response = client.get(path)
    assert response.status_code == status, response.text
    assert response.json().get("field") == field
    assert "/tmp" not in response.text


def test_a_run_is_summed_up(client, tables):
    assert client.get("/runs").json()["runs"] == [
        {
            "name": "tiny",
            "splits": ["train", "validation"],
            "questions": 60,
            "explored": True,
            "model": tables.manifest["sources"]["model"] and client.get("/ready").json()["model"],
        }
    ]
    found = client.get(RUN).json()
    rows = tables.questions[tables.questions["split"] == "train"]
    assert found["metrics"]["train"] == {
        "questions": 30,
        "exact": pytest.approx(rows["exact"].mean()),
        "f1": pytest.approx(rows["f1"].mean()),
        "loss": pytest.approx(rows["loss"].mean()),
        "no_answer": pytest.approx((rows["prediction"] == "").mean()),
    }
    columns = {column["name"]: column for column in found["columns"]}
    assert list(columns) == list(known_columns())
    assert columns["loss"] == {"name": "loss", "type": "number"}
    assert columns["labeled"] == {"name": "labeled", "type": "boolean"}
    assert set(columns["title"]["categories"]) == set(tables.questions["title"])
    assert found["facts"]["population"]["sentences"] == ["A map."]


def test_the_map_is_column_by_column(client, tables, service):
    found = client.get(f"{RUN}/map?color=title&size=loss").json()
    points = service.run("tiny").section("population").table
    assert (found["method"], found["total"]) == ("pca", 60)
    assert found["ids"] == list(tables.questions["id"])
    assert found["x"] == pytest.approx(points["x"].tolist(), abs=1e-4)
    colour = found["color"]
    assert [colour["categories"][code] for code in colour["codes"]] == list(tables.questions["title"])
    assert found["size"]["values"] == pytest.approx(tables.questions["loss"].tolist(), rel=1e-5)
    numbers = client.get(f"{RUN}/map?color=answer_words").json()["color"]
    assert numbers["type"] == "number"
    assert [value is None for value in numbers["values"]] == tables.questions["answer_words"].isna().tolist()
    assert "color" not in client.get(f"{RUN}/map").json()


def test_clusters_are_categories(client):
    turns = [number % 2 if number % 10 != 9 else None for number in range(60)]
    colour = client.get(f"{RUN}/map?color=cluster").json()["color"]
    assert colour["categories"] == ["0", "1"]
    assert [None if code < 0 else int(colour["categories"][code]) for code in colour["codes"]] == turns
    alone = client.get(f"{RUN}/map?color=high_loss_cluster").json()["color"]
    assert (alone["categories"], set(alone["codes"])) == ([], {-1})
    bars = client.post(f"{RUN}/selection", json={"column": "cluster"}).json()["histogram"]
    assert dict(zip(bars["categories"], bars["selection"], strict=True)) == {"0": 30, "1": 24, "none": 6}
    columns = {column["name"]: column for column in client.get(RUN).json()["columns"]}
    assert columns["cluster"] == {"name": "cluster", "type": "category", "categories": ["0", "1", "-1"]}


def test_of_very_many_points_some_are_drawn_always_the_same(client, monkeypatch):
    monkeypatch.setattr(views, "MOST_POINTS", 10)
    found = client.get(f"{RUN}/map?color=title").json()
    assert (found["total"], len(found["ids"]), len(found["color"]["codes"])) == (60, 10, 10)
    assert found == client.get(f"{RUN}/map?color=title").json()


def test_a_selection_stands_beside_the_rest(client, tables):
    query = {"filters": [one("title", "=", "Hard")], "column": "loss"}
    found = client.post(f"{RUN}/selection", json=query).json()
    hard = tables.questions["title"] == "Hard"
    for name, rows in (("selection", tables.questions[hard]), ("rest", tables.questions[~hard])):
        assert found[name]["questions"] == len(rows)
        for column in ("exact", "f1", "loss"):
            assert found[name][column] == pytest.approx(rows[column].mean())
        given = rows["confidence"].where(rows["prediction"] != "", rows["no_answer_probability"])
        assert (rows["prediction"] == "").any()
        assert found[name]["confidence"] == pytest.approx(given.mean())
        counts, _ = np.histogram(rows["loss"], found["histogram"]["edges"])
        assert found["histogram"][name] == counts.tolist()
        assert sum(counts) == len(rows)
    by_title = client.post(f"{RUN}/selection", json=query | {"column": "title"}).json()["histogram"]
    assert dict(zip(by_title["categories"], by_title["selection"], strict=True))["Hard"] == hard.sum()
    assert by_title["rest"][by_title["categories"].index("Hard")] == 0
    whole = client.post(f"{RUN}/selection", json={"column": "question_words"}).json()
    assert whole["histogram"]["edges"] == [4.5, 5.5, 6.5, 7.5]
    assert whole["rest"]["questions"] == 0
    assert whole["rest"]["exact"] is None


def test_a_question_has_everything(client, tables):
    row = tables.questions.iloc[11]
    found = client.get(f"{RUN}/questions/{row['id']}").json()
    for name in ("question", "context", "prediction", "loss", "title", "split"):
        assert found[name] == row[name]
    assert found["golds"] == list(row["golds"])
    assert [answer["text"] for answer in found["nbest"]] == [answer["text"] for answer in row["nbest"]]
    assert [window["id"] for window in found["windows"]] == [row["id"], f"{row['id']}#1"]
    assert found["verdict"]["verdict"] == ""


def test_similar_ones_are_those_of_the_command_line(client, tables):
    found = client.get(f"{RUN}/questions/validation-1/similar?k=3").json()["similar"]
    assert found == records(similar(tables, "validation-1", 3, Settings()))


def test_explanation_and_attention_are_of_the_run_s_model(client, tables):
    explained = client.get(f"{RUN}/questions/validation-1/explanation").json()
    assert explained["question"] == tables.questions["question"].iloc[1]
    assert explained["target"]["kind"] in ("gold", "no answer")
    attended = client.get(f"{RUN}/questions/validation-1/attention?layer=1").json()
    assert (attended["layer"], attended["head"]) == (1, None)


def test_findings_are_served(client, tables):
    clusters = client.get(f"{RUN}/clusters").json()["rows"]
    assert [row["loss"] for row in clusters] == [2.0, None]
    assert clusters[0]["terms"] == ["ship"]
    ids = client.get(f"{RUN}/clusters/1").json()["ids"]
    assert ids == [key for number, key in enumerate(tables.questions["id"]) if number % 2 == 1 and number % 10 != 9]
    assert len(client.get(f"{RUN}/clusters/-1").json()["ids"]) == 6
    assert len(client.get(f"{RUN}/slices").json()["rows"]) == 2
    labels = client.get(f"{RUN}/labels?page=2&size=10").json()
    assert (labels["total"], labels["rows"][0]["rank"], len(labels["rows"])) == (60, 11, 10)


def test_the_filters_of_a_slice_select_it(client, tables):
    rows = tables.questions
    found = client.get(f"{RUN}/slices/0").json()
    assert found_ids(client, filters=found["filters"]) == list(rows["id"][rows["answer_type"] == "none"])
    found = client.get(f"{RUN}/slices/1").json()
    assert found_ids(client, filters=found["filters"]) == list(rows["id"][rows["question_words"].between(5, 6)])


def test_exports_hold_the_selection(client, tables, tmp_path):
    query = {"filters": [one("title", "=", "Hard")]}
    hard = tables.questions[tables.questions["title"] == "Hard"]

    def exported(kind: str) -> str:
        response = client.post(f"{RUN}/export", json=query | {"format": kind})
        assert response.status_code == 200
        assert response.headers["content-disposition"].startswith("attachment")
        return response.text

    assert exported("ids").splitlines() == list(hard["id"])
    assert [row["id"] for row in json.loads(exported("json"))] == list(hard["id"])
    rows = list(csv.DictReader(io.StringIO(exported("csv"))))
    assert [row["question"] for row in rows] == list(hard["question"])
    assert [float(row["loss"]) for row in rows] == list(hard["loss"])
    (tmp_path / "squad.json").write_text(exported("squad"))
    found = {question.id: question for question in load_file(tmp_path / "squad.json", warnings=[])}
    expected = run_questions(tables, hard.index.tolist())
    assert [found[question.id] for question in expected] == expected
    assert len(found) == len(expected)


def test_an_export_of_nothing_is_valid(client):
    texts = {
        kind: client.post(f"{RUN}/export", json={"ids": [], "format": kind}).text
        for kind in ("csv", "json", "squad", "ids")
    }
    assert texts["ids"] == ""
    assert json.loads(texts["json"]) == []
    assert json.loads(texts["squad"])["data"] == []
    assert texts["csv"].count("\n") == 1


ODD = [
    "<script>alert(1)</script>",
    "\u202eright to left\u202c",
    "why? " * 20_000,
    "=cmd|' /C calc'!A0",
    "-1+1",
    "@SUM(A1)",
    "\tTab",
    "nul \x00 here",
    'line\r\nbreak, "quoted"',
    "'; DROP TABLE questions; --",
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory, settings):
    """A client of a run full of odd texts, ids and numbers."""
    count = len(ODD)
    loss = [float("nan"), float("inf"), -float("inf"), *[1.0] * (count - 3)]
    ids = ["a/b", "a b?c#d", "..up", "100%", "é🙂", "x" * 300, "'quoted'", '"', "similar", "-5"]
    tables = tiny_run(count, question=ODD, id=ids, title=ODD, loss=loss)
    folder = write_explored(tables, tmp_path_factory.mktemp("odd") / "odd <run>")
    client = TestClient(create_app(Service(settings, [folder])))
    client.tables = tables
    return client


def test_odd_texts_come_back_as_they_were(odd):
    rows = odd.post("/runs/odd <run>/questions", json={}).json()["rows"]
    assert [row["question"] for row in rows] == ODD
    for text in ODD:
        found = odd.post("/runs/odd <run>/questions", json={"filters": [one("question", "=", text[:1000])]}).json()
        assert found["total"] == (len(text) <= 1000)
        assert odd.post("/runs/odd <run>/questions", json={"search": text[:1000]}).json()["total"] >= 1


def test_numbers_that_are_none_are_null_everywhere(odd):
    rows = odd.post("/runs/odd <run>/questions", json={}).json()["rows"]
    assert [row["loss"] for row in rows] == [None] * 3 + [1.0] * 7
    assert odd.get("/runs/odd <run>/map?color=loss").json()["color"]["values"][:4] == [None] * 3 + [1.0]
    found = odd.post("/runs/odd <run>/selection", json={"column": "loss"}).json()
    assert found["selection"]["loss"] == 1
    assert sum(found["histogram"]["selection"]) == 7
    assert odd.get("/runs/odd <run>/questions/a%2Fb").json()["loss"] is None


def test_odd_ids_are_found(odd):
    for key in odd.tables.questions["id"]:
        response = odd.get(f"/runs/odd%20%3Crun%3E/questions/{quote(key, safe='')}")
        assert response.status_code == 200, key
        assert response.json()["id"] == key


def test_no_cell_of_a_table_is_a_formula(odd):
    text = odd.post("/runs/odd <run>/export", json={"format": "csv"}).content.decode()
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            number = cell.lstrip("-").replace(".", "").replace("e-", "").isdigit()
            assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), cell
    exported = pd.read_csv(io.StringIO(text), keep_default_na=False)
    assert exported["question"][3] == "'" + ODD[3]


def test_a_run_that_was_not_explored_says_so(settings, tmp_path):
    client = TestClient(create_app(Service(settings, [write_run(tiny_run(12), tmp_path / "plain")])))
    assert client.get("/runs").json()["runs"][0]["explored"] is False
    for path in ("map", "clusters", "clusters/1", "slices", "slices/0", "labels"):
        response = client.get(f"/runs/plain/{path}")
        assert response.status_code == 404
        assert "squad-albert explore" in response.json()["error"]
    assert client.post("/runs/plain/questions", json={}).json()["rows"][0]["cluster"] is None


def test_a_run_of_predictions_has_no_model(settings, tmp_path):
    client = TestClient(create_app(Service(settings, [write_run(tiny_run(12, model=False), tmp_path / "given")])))
    assert client.get("/runs/given/questions/train-0").json()["windows"] == []
    for what in ("similar", "explanation", "attention"):
        response = client.get(f"/runs/given/questions/train-0/{what}")
        assert response.status_code == 404
        assert "without a model" in response.json()["error"]
        assert str(tmp_path) not in response.text
    found = client.post("/runs/given/selection", json={"column": "loss"}).json()
    assert found["histogram"]["edges"] == []


def test_two_runs_of_one_name_are_refused(settings, tmp_path):
    folders = [write_run(tiny_run(12), tmp_path / place / "run") for place in "ab"]
    with pytest.raises(ServeError, match="two runs are called `run`"):
        Service(settings, folders)


def test_the_database_is_closed_to_files(service):
    database = service.run("tiny").database
    for query in ("SELECT * FROM read_csv('/etc/passwd')", "COPY questions TO '/tmp/out.csv'", "ATTACH '/tmp/x.db'"):
        with pytest.raises(duckdb.Error):
            database.rows(query)
    with pytest.raises(duckdb.Error):
        database.rows("SET enable_external_access = true")


ODD_IDS = [
    "a",
    "a/similar",
    "a/verdict",
    "a/b",
    "a%2Fb",
    "new\nline",
    "re\rturn",
    '"a"',
    "\u2028",
    "-1",
    " ",
    "similar",
]


@pytest.fixture(scope="module")
def named(tmp_path_factory, settings):
    """A client of a run whose ids and texts break lines and paths."""
    count = len(ODD_IDS)
    texts = [f"one\rtwo {number}\r" for number in range(count)]
    tables = tiny_run(count, id=ODD_IDS, question=texts)
    tables.questions["context"] = "long " * 30_000 + "\rend"
    client = TestClient(create_app(Service(settings, [write_explored(tables, tmp_path_factory.mktemp("ids") / "ids")])))
    client.tables = tables
    return client


@pytest.mark.parametrize("key", ODD_IDS)
def test_every_id_has_an_address_of_its_own(named, key):
    address = f"/runs/ids/questions/{quote(key, safe='')}"
    assert named.get(address).json()["id"] == key
    assert named.get(f"{address}/verdict").json()["id"] == key
    saved = named.put(f"{address}/verdict", json={"verdict": "keep"}).json()
    assert (saved["id"], saved["verdict"]) == (key, "keep")
    similar_ones = named.get(f"{address}/similar?k=3").json()["similar"]
    assert len(similar_ones) == 3
    assert key not in [one["id"] for one in similar_ones]
    page = named.get(f"/explore/ids/questions/{quote(key, safe='')}")
    assert page.status_code == 200
    assert json.loads(re.search(r'data-id="([^"]*)"', page.text)[1].replace("&#34;", '"').replace("&amp;", "&")) == key


def test_an_id_with_a_plain_slash_is_found_where_it_means_nothing_else(named):
    assert named.get("/runs/ids/questions/a/b").json()["id"] == "a/b"
    assert "similar" in named.get("/runs/ids/questions/a/b/similar").json()


def test_exports_hold_what_breaks_lines(named, tmp_path):
    texts = {kind: named.post("/runs/ids/export", json={"format": kind}).content.decode() for kind in ("csv", "ids")}
    lines = texts["ids"].split("\n")[:-1]
    assert [json.loads(line) if line.startswith('"') else line for line in lines] == ODD_IDS
    assert texts["ids"].startswith("a\na/similar\n")
    csv.field_size_limit(10**6)
    rows = list(csv.DictReader(io.StringIO(texts["csv"], newline=""), strict=True))
    csv.field_size_limit(2**17)
    assert [row["question"] for row in rows] == list(named.tables.questions["question"])
    assert [row["context"] for row in rows] == list(named.tables.questions["context"])
    assert [row["id"] for row in rows] == [key if key != "-1" else "'-1" for key in ODD_IDS]


@pytest.fixture
def moving(tmp_path, settings):
    """A run that something may happen to, and a client of it."""
    folder = write_explored(tiny_run(12), tmp_path / "moving")
    return folder, TestClient(create_app(Service(settings, [folder])))


def test_a_run_that_is_removed_while_it_is_served_takes_no_verdicts(moving):
    folder, client = moving
    verdict = "/runs/moving/questions/train-0/verdict"
    assert client.put(verdict, json={"verdict": "keep"}).status_code == 200
    away = folder.rename(folder.with_name("away"))
    asked = [("PUT", verdict, {"verdict": "drop"}), ("GET", verdict, None), ("GET", "/runs/moving/verdicts", None),
             ("POST", "/runs/moving/questions", {}), ("GET", "/explore/moving/questions/train-0", None)]  # fmt: skip
    for method, path, body in asked:
        response = client.request(method, path, json=body)
        assert response.status_code == 409, path
        assert "removed or replaced" in response.text
    away.rename(folder)
    assert client.get(verdict).json()["verdict"] == "keep"


def test_a_run_that_is_replaced_while_it_is_served_takes_no_verdicts(moving, tmp_path):
    folder, client = moving
    shutil.rmtree(folder)
    write_explored(tiny_run(10), folder)
    response = client.put("/runs/moving/questions/train-0/verdict", json={"verdict": "drop"})
    assert (response.status_code, response.json()["field"]) == (409, "run")
    assert not (folder / "verdicts.csv").exists()


def test_a_run_that_is_only_touched_or_explored_again_is_the_same(moving):
    folder, client = moving
    manifest = folder / "manifest.json"
    shutil.copy(manifest, folder / "copy.json")
    (folder / "copy.json").replace(manifest)
    saved = client.put("/runs/moving/questions/train-0/verdict", json={"verdict": "drop"})
    assert saved.status_code == 200


def test_long_lists_of_values_are_one_value_each_to_the_database(client):
    filters = [one("id", "in", [f"validation-{number}" for number in range(1000)])] * 50
    assert len(condition(QuestionsQuery.model_validate({"filters": filters}), known_columns()).values) == 50
    assert found_ids(client, filters=filters) == [f"validation-{number}" for number in range(1, 60, 2)]


def test_a_request_that_takes_too_long_is_broken_off(service, monkeypatch):
    monkeypatch.setattr(database, "MOST_SECONDS", 0.05)
    with pytest.raises(TooLargeError, match=r"more than 0\.05 seconds"):
        service.run("tiny").database.rows("SELECT count(*) FROM range(10000000000)")
