"""The page that describes the API: made from the OpenAPI document on the server, so it loads nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from .pages import make_environment
from .service import Service

Record = dict[str, Any]


def add_docs(app: FastAPI, service: Service) -> None:
    """Adds ``/docs``.

    Args:
        app: has all other routes.
        service: names the runs in the page's head.
    """

    @cache
    def render() -> str:
        document = app.openapi()
        template = make_environment().get_template("docs.html")
        return template.render(
            page="docs", runs=service.list_runs(), document=document, operations=list(operations(document))
        )

    @app.get("/docs", include_in_schema=False)
    def docs() -> HTMLResponse:
        return HTMLResponse(render())


def operations(document: Record) -> Iterator[Record]:
    """Every operation of an OpenAPI document: ``method, path, summary, fields, answer, gives``.

    Each of ``fields`` has ``name, place, type, meaning, required``.
    """
    schemas = document["components"]["schemas"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            schema = _content(operation["responses"]["200"])
            named = schemas.get(_name(schema), {})
            yield {
                "method": method.upper(),
                "path": path,
                "summary": operation["summary"],
                "fields": [*_parameters(operation), *_body(operation, schemas)],
                "answer": ", ".join(named.get("properties", ())),
                "gives": named.get("description", ""),
            }


def _parameters(operation: Record) -> Iterator[Record]:
    for one in operation.get("parameters", ()):
        told = {"type": _type(one["schema"]), "meaning": one.get("description", one["schema"].get("description", ""))}
        yield {"name": one["name"], "place": one["in"], "required": one.get("required", False), **told}


def _body(operation: Record, schemas: Record) -> Iterator[Record]:
    schema = _content(operation.get("requestBody", {}))
    kinds = schema.get("oneOf", [schema])
    seen = set()
    for kind in kinds:
        model = schemas.get(_name(kind), {})
        for name, field in model.get("properties", {}).items():
            if name not in seen:
                required = all(name in schemas[_name(one)].get("required", ()) for one in kinds)
                told = {"type": _type(field), "meaning": field.get("description", "")}
                yield {"name": name, "place": "body", "required": required, **told}
            seen.add(name)


def _content(part: Record) -> Record:
    """The schema of a body in JSON."""
    schema: Record = part.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _name(schema: Record) -> str:
    return str(schema.get("$ref", "")).rsplit("/", 1)[-1]


def _type(schema: Record) -> str:
    """A type in a few words.

    >>> _type({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 20}, {"type": "null"}]})
    'integer 1 to 20'
    """
    kinds = [kind for kind in (schema.get("anyOf") or schema.get("oneOf") or ()) if kind.get("type") != "null"]
    if kinds:
        return " or ".join(dict.fromkeys(map(_type, kinds)))
    if "enum" in schema or "const" in schema:
        return " or ".join(map(repr, schema.get("enum", [schema.get("const")])))
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    bounds = f" {schema['minimum']} to {schema['maximum']}" if {"minimum", "maximum"} <= set(schema) else ""
    longest = f", at most {schema['maxLength']:,} characters" if "maxLength" in schema else ""
    return (_name(schema) or str(schema.get("type", "anything"))) + bounds + longest
