"""What the HTTP interface refuses, and how it says so: ``{"error": what happened and the remedy, "field": where}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from project_config import ProjectError


class RefusedError(ProjectError):
    """A request that cannot be served.

    Args:
        message: what is wrong, and the remedy.
        field: of the request, in dots: ``filters.0.value``.
        more: further entries of the answer.

    >>> NotFoundError("there is no run `x`", "run").body
    {'error': 'there is no run `x`', 'field': 'run'}
    """

    status = 400
    headers: Mapping[str, str] = {}

    def __init__(self, message: str, field: str | None = None, **more: Any) -> None:
        super().__init__(message)
        self.body: dict[str, Any] = {"error": message} | ({"field": field} if field else {}) | more


class InvalidError(RefusedError):
    """A field is missing, empty, mistyped or does not fit the run."""


class NotFoundError(RefusedError):
    """There is no such run, question, column or table."""

    status = 404


class ConflictError(RefusedError):
    """What a request would change is not as the request takes it to be."""

    status = 409


class TooLargeError(RefusedError):
    """A request asks for more than is computed at once."""

    status = 413


class UnavailableError(RefusedError):
    """The server is busy, still loading or shutting down: try again a little later.

    Args:
        message: what is wrong, and when to try again.
        seconds: after which to try again.
    """

    status = 503

    def __init__(self, message: str, seconds: int = 1) -> None:
        super().__init__(message)
        self.headers = {"Retry-After": str(seconds)}
