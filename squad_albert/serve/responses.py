"""JSON as the server sends it: compact, ASCII alone, never NaN."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response

from .errors import RefusedError


class Json(Response):
    """A JSON response; letters beyond ASCII are escaped, so lone surrogates and bidi marks arrive as they were."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """The bytes of a value; one that is not finite is a bug."""
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def refusal(error: RefusedError) -> Json:
    """The response that says why a request is refused."""
    return Json(error.body, error.status, dict(error.headers))
