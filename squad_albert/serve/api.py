"""The web application: every route, and one shape for every refusal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from project_config import ProjectError
from squad_albert.explore.verdicts import VerdictError

from .asking import ask_router
from .docs import add_docs
from .errors import InvalidError, RefusedError, UnavailableError
from .exploring import explore_router
from .jobs import AbandonedError
from .limits import Limits
from .openapi import describe
from .pages import add_pages
from .responses import Json, refusal
from .routing import Routing
from .service import Service

DESCRIPTION = "Ask questions about texts, and explore how a model answered those of a run."


def create_app(service: Service, hosts: Collection[str] = ()) -> FastAPI:
    """The application over a service; it loads the model when it starts, and answers what it took in when it ends.

    Args:
        service: the runs, and the model.
        hosts: names by which the server may be called; empty: by any.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        loading = asyncio.create_task(asyncio.to_thread(service.load))
        yield
        await loading
        await asyncio.to_thread(service.close)

    app = FastAPI(
        title="squad-albert",
        version="1",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.include_router(ask_router(service))
    app.include_router(explore_router(service))
    add_docs(app, service)
    add_pages(app, service)
    app.add_middleware(Routing)
    app.add_middleware(Limits, hosts=hosts)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(AbandonedError, _abandoned)
    app.add_exception_handler(ProjectError, _failed)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _odd)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


async def _refused(_: Request, error: Exception) -> Json:
    assert isinstance(error, RefusedError)
    return refusal(error)


async def _abandoned(_: Request, __: Exception) -> Json:
    """Nobody reads this."""
    return refusal(UnavailableError("the client has gone."))


async def _failed(_: Request, error: Exception) -> Json:
    """A failure that is not the client's, in the project's own words."""
    status = 409 if isinstance(error, VerdictError) else 500
    return Json({"error": str(error)}, status)


async def _invalid(request: Request, error: Exception) -> Json:
    assert isinstance(error, RequestValidationError)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if isinstance(error.body, bytes) and not kind.endswith(("/json", "+json")):
        return Json({"error": f"the body is {kind[:100] or 'of no type'}, not application/json."}, 415)
    return refusal(_first_problem(error))


def _first_problem(error: RequestValidationError) -> InvalidError:
    """The first thing that is wrong, in the project's words."""
    problem = error.errors()[0]
    kind, (where, *path) = problem["type"], problem["loc"]
    if kind == "json_invalid":
        return InvalidError(f"the body is no JSON: {problem['ctx']['error']} at character {path[0]}.", "body")
    parts = _walked(path, error.body, kind) if where == "body" else [str(part) for part in path]
    if kind in ("union_tag_not_found", "union_tag_invalid"):
        parts.append(problem["ctx"]["discriminator"].strip("'"))
    field = ".".join(parts) or where
    message = problem["msg"].removeprefix("Value error, ").removeprefix("Input ")
    messages = {"missing": "it is missing", "extra_forbidden": "there is no such field"}
    return InvalidError(f"`{field[:200]}`: {messages.get(kind, message)}. See /docs.", field[:200])


def _walked(path: Sequence[Any], body: Any, kind: str) -> list[str]:
    """The parts of a place that the body has: pydantic adds the names of the types that it tried."""
    parts: list[str] = []
    for number, part in enumerate(path):
        there = part in body if isinstance(body, dict) else isinstance(body, list) and isinstance(part, int)
        if there:
            body = body[part]
        if there or (kind == "missing" and number == len(path) - 1):
            parts.append(str(part))
    return parts


async def _odd(request: Request, error: Exception) -> Json:
    """What no route takes."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return Json({"error": "there is nothing at this address. See /docs."}, 404)
    if error.status_code == 405:
        allowed = _methods(request)
        return Json({"error": f"the method here is {' or '.join(allowed)}."}, 405, {"Allow": ", ".join(allowed)})
    if error.status_code == 400:  # FastAPI says no more of a body that it cannot parse
        return refusal(
            InvalidError("the body cannot be read as JSON in UTF-8, or is nested too deep. Send a JSON object.", "body")
        )
    return Json({"error": str(error.detail)}, error.status_code, dict(error.headers or {}))


def _methods(request: Request) -> list[str]:
    """Those that some route at the address takes."""
    routes = request.app.router.routes
    taken = [
        method
        for method in ("DELETE", "GET", "POST", "PUT")
        if any(route.matches({**request.scope, "method": method})[0] == Match.FULL for route in routes)
    ]
    return [one for method in taken for one in ([method, "HEAD"] if method == "GET" else [method])]
