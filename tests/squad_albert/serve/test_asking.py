from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from fastapi.testclient import TestClient

from project_config import Settings
from squad_albert.attend import attend
from squad_albert.predict import predict
from squad_albert.serve.answering import Answering
from squad_albert.serve.api import create_app
from squad_albert.serve.errors import UnavailableError
from squad_albert.serve.inspecting import _Key
from squad_albert.serve.schemas import MOST_CHARACTERS
from squad_albert.serve.service import Service
from tests.conftest import HERON, MARSH, SONGS
from utils.questions import Question

JSON_TYPE = {"content-type": "application/json"}
ASKED = {"question": "When was the Grey Heron launched?", "context": HERON}


def refused(client, status: int, field: str | None, method: str = "POST", path: str = "/predict", **request):
    response = client.request(method, path, **request)
    found = response.json()
    assert response.status_code == status, found
    assert found["error"]
    assert found.get("field") == field
    assert response.headers["content-security-policy"]
    return found["error"]


def test_an_answer_is_that_of_the_command_line(client, settings):
    found = client.post("/predict", json=ASKED | {"top_k": 3}).json()
    expected = predict(ASKED["question"], HERON, 3, settings)
    assert found == {
        **expected,
        **{key: pytest.approx(value, abs=1e-5) for key, value in expected.items() if isinstance(value, float)},
        "answers": [
            {key: pytest.approx(value, abs=1e-5) if isinstance(value, float) else value for key, value in one.items()}
            for one in expected["answers"]
        ],
    }
    assert len(found["answers"]) == 3


def test_a_batch_gives_what_each_gives_alone(client):
    asked = [ASKED, {"question": "Where was it sung?", "context": SONGS, "top_k": 1}, ASKED | {"context": MARSH}]
    together = client.post("/predict/batch", json={"items": asked}).json()["predictions"]
    for one, item in zip(together, asked, strict=True):
        alone = client.post("/predict", json=item).json()
        assert (one["answer"], one["start"], len(one["answers"])) == (
            alone["answer"],
            alone["start"],
            len(alone["answers"]),
        )
        assert one["score"] == pytest.approx(alone["score"], abs=1e-4)


def test_clients_at_once_get_their_own_answers(client):
    contexts = [f"{number} ships. {HERON}" for number in range(24)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda context: client.post("/predict", json=ASKED | {"context": context}), contexts))
    for context, response in zip(contexts, found, strict=True):
        answer = response.json()
        assert context[answer["start"] : answer["end"]] == answer["answer"]


def test_an_explanation_has_a_score_for_every_token(client):
    found = client.post("/explain", json=ASKED).json()
    assert found["method"] == "occlusion"
    assert {token["segment"] for token in found["tokens"]} == {"question", "context", "special"}
    texts = {"question": ASKED["question"], "context": HERON}
    for token in found["tokens"]:
        if token["segment"] != "special":
            assert texts[token["segment"]][token["start"] : token["end"]] in (token["token"], "")
    assert any(token["score"] for token in found["tokens"])


def test_gradients_that_cannot_be_had_are_refused_with_a_remedy(client):
    error = refused(client, 409, "method", path="/explain", json=ASKED | {"method": "gradient_input"})
    assert "occlusion" in error


def test_attention_is_that_of_the_layer_and_head(client, service):
    found = client.post("/attend", json=ASKED | {"layer": 2, "head": 1}).json()
    assert (found["layers"], found["heads"], found["layer"], found["head"]) == (2, 2, 2, 1)
    assert len(found["weights"]) == len(found["question_words"])
    assert {len(row) for row in found["weights"]} == {len(found["context_words"])}
    assert all(0 <= weight <= 1 for row in found["weights"] for weight in row)
    model = service.inspecting._attention.__wrapped__  # opened like the service's own
    folder, settings = service.own_model
    attended = attend(model(folder, _Key(settings)), Question("q", "", ASKED["question"], HERON, ()), settings)
    shown = [(word.start, word.end) for word in (attended.words[number] for number in attended.context_words)]
    rows = [attended.word_weights[1, 0][number][attended.context_words] for number in attended.question_words]
    for row, words, main in zip(rows, found["weights"], found["main"], strict=True):
        assert main["weight"] == pytest.approx(float(row.max()), abs=1e-6)
        for word, weight in zip(found["context_words"], words, strict=True):
            assert weight == pytest.approx(float(row[shown.index((word["start"], word["end"]))]), abs=1e-5)


def test_a_layer_or_head_that_is_not_there_is_not_found(client):
    assert "layers are 1 to 2" in refused(client, 404, "layer", path="/attend", json=ASKED | {"layer": 3})
    assert "heads are 1 to 2" in refused(client, 404, "head", path="/attend", json=ASKED | {"head": 3})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"question": None}, "question"),
        ({"question": 7}, "question"),
        ({"question": ""}, "question"),
        ({"question": " \n\t"}, "question"),
        ({"context": "\u2003\x1c"}, "context"),
        ({"context": ["a"]}, "context"),
        ({"context": "x" * (MOST_CHARACTERS + 1)}, "context"),
        ({"top_k": "3"}, "top_k"),
        ({"top_k": 0}, "top_k"),
        ({"top_k": 21}, "top_k"),
        ({"top_k": 1.5}, "top_k"),
        ({"top_k": True}, "top_k"),
        ({"topk": 3}, "topk"),
    ],
)
def test_a_bad_field_is_named(client, changes, field):
    refused(client, 400, field, json=ASKED | changes)
    refused(client, 400, f"items.1.{field}", path="/predict/batch", json={"items": [ASKED, ASKED | changes]})


def test_a_missing_field_is_named(client):
    assert "missing" in refused(client, 400, "question", json={"context": "x"})
    assert "missing" in refused(client, 400, "context", json={"question": "x"})
    refused(client, 400, "items", path="/predict/batch", json={})
    refused(client, 400, "items", path="/predict/batch", json={"items": []})
    refused(client, 400, "items", path="/predict/batch", json={"items": [ASKED] * 65})
    refused(client, 400, "body", headers={"content-type": "application/json"}, content=b"")
    refused(client, 400, "body", json=[])
    refused(client, 400, "body", json=None, headers={"content-type": "application/json"}, content=b"null")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b'{"question": ', b"[" * 100_000, b"1" * 10_000, b"nonsense"])
def test_what_is_no_json_is_refused(client, body):
    response = client.post("/predict", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["field"]) == (400, "body")
    assert "JSON" in response.json()["error"]


def test_a_whole_number_may_have_a_point(client):
    found = client.post("/predict", json=ASKED | {"top_k": 3.0}).json()
    assert len(found["answers"]) == 3
    assert client.post("/attend", json=ASKED | {"layer": 2.0, "head": 1.0}).json()["layer"] == 2
    page = client.post("/runs/tiny/questions", content=b'{"page": 2.0, "size": 5e0}', headers=JSON_TYPE).json()
    assert (page["page"], len(page["rows"])) == (2, 5)


@pytest.mark.parametrize("path", ["/health", "/ready", "/runs", "/runs/tiny", "/ask", "/docs", "/openapi.json",
                                  "/static/dom.js", "/runs/tiny/verdicts", "/runs/tiny/questions/validation-1",
                                  "/runs/none"])  # fmt: skip
def test_head_is_get_without_a_body(client, path):
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert head.headers["content-type"] == got.headers["content-type"]
    assert head.headers.get("content-length") == got.headers.get("content-length")


def test_numbers_and_letters_that_json_should_not_have_are_refused(client):
    json_type = {"content-type": "application/json"}
    for top_k in ("NaN", "Infinity", "1e999", "9" * 400):
        body = json.dumps(ASKED)[:-1] + f', "top_k": {top_k}}}'
        refused(client, 400, "top_k", content=body.encode(), headers=json_type)
    refused(client, 400, "question", content=b'{"question": "\\ud800", "context": "x"}', headers=json_type)


def test_another_type_of_body_is_refused(client):
    for headers in ({"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}, {}):
        assert "not application/json" in refused(client, 415, None, content=json.dumps(ASKED).encode(), headers=headers)


def test_other_methods_and_addresses_are_refused(client):
    response = client.delete("/predict")
    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    response = client.post("/runs/tiny/questions/validation-1/verdict")
    assert (response.status_code, response.headers["allow"]) == (405, "GET, HEAD, PUT")
    refused(client, 404, None, "GET", "/no/such/place")
    refused(client, 404, None, "GET", "/predict/")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "\u202eevil\u202c \u2066x\u2069",
        "nul \x00 inside",
        "\u200b",
        "🙂" * 50,
        "\ufeff byte order mark",
        "'; DROP TABLE questions; --",
    ],
)
def test_odd_texts_are_answered_and_come_back_as_they_were(client, text):
    for asked in (ASKED | {"context": text}, ASKED | {"question": text}):
        found = client.post("/predict", json=asked)
        assert found.status_code == 200
        assert found.json()["question"] == asked["question"]
        assert asked["context"][found.json()["start"] : found.json()["end"]] == found.json()["answer"]


def test_a_question_of_100_kb_is_answered(client):
    found = client.post("/predict", json=ASKED | {"question": "Why? " * 20_000})
    assert found.status_code == 200


def test_texts_that_are_too_long_together_are_too_large(client):
    items = [ASKED | {"context": "a " * 90_000}] * 6
    assert "characters together" in refused(client, 413, None, path="/predict/batch", json={"items": items})


def test_a_full_queue_says_when_to_come_again(client, service, monkeypatch):
    def full(self, asked):
        raise UnavailableError("256 questions wait already. Try again in a second.")

    monkeypatch.setattr(Answering, "ask", full)
    response = client.post("/predict", json=ASKED)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert "256 questions wait" in response.json()["error"]


def test_the_server_tells_how_it_is(client, settings):
    assert client.get("/health").json() == {"status": "alive"}
    found = client.get("/ready").json()
    assert found == {
        "status": "ready",
        "model": settings.model,
        "engine": found["engine"],
        "runs": ["tiny"],
    }
    assert found["engine"].startswith("onnxruntime")


def test_while_the_model_loads_the_server_lives_and_is_not_ready(settings):
    client = TestClient(create_app(Service(settings)))  # without its start, so the model is never loaded
    assert client.get("/health").status_code == 200
    for response in (client.get("/ready"), client.post("/predict", json=ASKED)):
        assert (response.status_code, response.headers["retry-after"]) == (503, "1")


def test_a_model_that_cannot_be_loaded_is_told(tmp_path):
    service = Service(Settings(model=str(tmp_path)))
    service.load()
    error = refused(TestClient(create_app(service)), 503, None, "GET", "/ready")
    assert "model.onnx" in error
    assert service.failure


def test_the_document_knows_no_422_and_every_refusal(client):
    document = client.get("/openapi.json").json()
    text = json.dumps(document)
    assert "422" not in text
    assert "HTTPValidationError" not in text
    for path, operations in document["paths"].items():
        for operation in operations.values():
            assert {"200", "400", "503"} <= set(operation["responses"]), path
            assert operation["summary"]
    assert "415" in document["paths"]["/predict"]["post"]["responses"]


def test_the_page_of_the_document_names_every_operation_and_loads_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in page.text
    assert "://" not in page.text
    assert "<script" not in page.text


def test_links_lead_to_runs_and_questions_that_there_are(client):
    document = client.get("/openapi.json").json()
    operations = {
        operation["operationId"]: path for path, methods in document["paths"].items() for operation in methods.values()
    }
    reached = set()
    for methods in document["paths"].values():
        for operation in methods.values():
            for link in operation["responses"]["200"].get("links", {}).values():
                path = operations[link["operationId"]]
                assert {f"{{{name}}}" for name in link["parameters"]} == set(re.findall(r"{\w+}", path))
                reached.add(path)
    assert reached == {path for path in document["paths"] if "{" in path}
