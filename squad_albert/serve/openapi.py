"""The OpenAPI document: FastAPI's, told of every refusal that there is."""

from __future__ import annotations

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
        app.openapi_schema = document
    return app.openapi_schema


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
