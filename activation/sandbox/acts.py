"""What an admin address does: takes and gives a JSON object, and says what it does not accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import orjson
from starlette.requests import Request
from starlette.responses import Response

from activation.errors import UsageError

Act: TypeAlias = Callable[[Request, dict[str, Any]], Any]


def endpoint_of(act: Act) -> Callable[[Request], object]:
    """Return the endpoint that carries an act out."""

    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            answer, status = act(request, _json_object(raw)), 200
        except UsageError as error:
            answer, status = {"error": str(error)}, 400
        return Response(orjson.dumps(answer), status, media_type="application/json")

    return endpoint


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(raw or b"{}")
    except orjson.JSONDecodeError:
        raise UsageError("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise UsageError("The body must be a JSON object.")
    return body
