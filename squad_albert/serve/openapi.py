"""The OpenAPI document: FastAPI's, told of every refusal that there is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .shapes import Refusal

ALWAYS = {
    400: "A field is missing, empty or mistyped, or the host is unknown",
    408: "The body did not arrive in time",
    413: "The body, or the texts in it, are too large",
    500: "The server failed",
    503: "The server is busy, or still loads the model",
}
"""What every request may meet."""

CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"description": "What is there is not as the request takes it to be", "model": Refusal}
}
"""For the routes that can meet it."""

_RETRY = {"Retry-After": {"description": "seconds to wait", "schema": {"type": "integer"}, "required": True}}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of an application, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = document["components"]["schemas"]
        for name in ("HTTPValidationError", "ValidationError"):
            schemas.pop(name, None)
        schemas["Refusal"] = Refusal.model_json_schema()
        for path, operations in document["paths"].items():
            for operation in operations.values():
                _refuse(operation, "{" in path or path == "/attend")
        _link(document["paths"])
        app.openapi_schema = document
    return app.openapi_schema


_RUN = {"run": "$response.body#/runs/0/name"}
_OWN_RUN = {"run": "$request.path.run"}

LINKS: Mapping[tuple[str, str], Mapping[str, str | int]] = {
    ("/runs", "get"): _RUN,
    ("/runs/{run}/questions", "post"): {**_OWN_RUN, "id": "$response.body#/rows/0/id"},
    ("/runs/{run}/clusters", "get"): {**_OWN_RUN, "cluster": "$response.body#/rows/0/cluster"},
    ("/runs/{run}/slices", "get"): {**_OWN_RUN, "index": 0},
}
"""Where an operation's answer names what others are asked about, and by which parameter."""


def _link(paths: dict[str, Any]) -> None:
    """Says of every operation below a run where its parameters come from, so that a generated client reaches it."""
    for (path, method), given in LINKS.items():
        links = {
            f"{target_method} {target}": {"operationId": operation["operationId"], "parameters": dict(given)}
            for target, operations in paths.items()
            for target_method, operation in operations.items()
            if {one.strip("{}") for one in target.split("/") if one.startswith("{")} == set(given)
        }
        paths[path][method]["responses"]["200"]["links"] = {_key(name): link for name, link in links.items()}


def _key(name: str) -> str:
    """A name of a link, in the letters that OpenAPI allows."""
    return re.sub(r"[^\w.-]+", "_", name).strip("_")


def _refuse(operation: dict[str, Any], named: bool) -> None:
    """Adds the refusals to an operation."""
    responses = operation["responses"]
    responses.pop("422", None)
    told = dict(ALWAYS)
    if named:
        told[404] = "There is no such run, question, column, table, layer or head"
    if "requestBody" in operation:
        told[415] = "The body is no JSON"
    for status, description in sorted(told.items()):
        content = {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}}
        headers = {"headers": _RETRY} if status == 503 else {}
        responses[str(status)] = {"description": description, "content": content, **headers}
