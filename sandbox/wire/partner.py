"""The partner API of every organisation: streams to read, and what can be sent to them.

Belongs here: paths, paging, idempotency and errors. Does not: what the offices decide (effects.py).
"""

import base64
import binascii
from hashlib import sha256
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.organisations import ENTERPRISES, OFFICES
from sandbox.wire.effects import EFFECTS
from sandbox.wire.http import Json, Refusal, has_secret, json_body, parse_time, whole
from sandbox.wire.names import STREAMS
from sandbox.wire.shelf import Row
from sandbox.wire.state import State, state_of

LARGEST_PAGE = 500


def _error(status: int, code: str, message: str) -> Refusal:
    """Return a refusal in the partner API's shape."""
    return Refusal(Json({"error": {"code": code, "message": message}}, status))


def _owner(request: Request) -> str:
    """Return whose API is called, once the caller has shown the token."""
    if not has_secret(request):
        raise _error(401, "unauthorised", "a valid bearer token is needed")
    office: str = request.path_params.get("office", "")
    owner = office or f"hr/{request.path_params['usc']}"
    if all(owner != organisation.path for organisation in (*OFFICES, *ENTERPRISES)):
        raise _error(404, "not-found", "no such organisation")
    return owner


def _kind(owner: str) -> str:
    """Return which list of streams an owner serves."""
    return "hr" if owner.startswith("hr/") else owner


async def read_stream(request: Request) -> Response:
    """GET /{stream}: the rows changed since a time, oldest change first, page by page."""
    owner, stream = _owner(request), request.path_params["stream"]
    if stream not in STREAMS.get(_kind(owner), ()):
        raise _error(404, "not-found", f"no stream {stream}")
    limit = whole(request.query_params.get("limit"), 100)
    if not limit:
        raise _error(400, "invalid", "limit must be a whole number from 1")
    rows = _since(state_of(request), owner, stream, request.query_params.get("since"))
    after = _place(request.query_params.get("cursor"))
    rest = [row for row in rows if (row.changed.timestamp(), row.id) > after]
    page = rest[: min(limit, LARGEST_PAGE)]
    more = len(rest) > len(page)
    return Json({"items": [row.body for row in page], "next": _cursor(page[-1]) if more else None})


def _since(state: State, owner: str, stream: str, text: str | None) -> list[Row]:
    """Return the rows changed at or after a time, ordered by change."""
    since = parse_time(text) if text else None
    if text and not since:
        raise _error(400, "invalid", "since must be an ISO 8601 time")
    rows = (row for row in state.rows(owner, stream) if since is None or row.changed >= since)
    return sorted(rows, key=lambda row: (row.changed.timestamp(), row.id))


def _cursor(row: Row) -> str:
    """Return the opaque place after a row."""
    return base64.urlsafe_b64encode(f"{row.changed.timestamp()}|{row.id}".encode()).decode()


def _place(cursor: str | None) -> tuple[float, str]:
    """Read a place back."""
    if not cursor:
        return 0.0, ""
    try:
        at, _, id = base64.urlsafe_b64decode(cursor).decode().partition("|")
        return float(at), id
    except (binascii.Error, ValueError) as broken:
        raise _error(400, "invalid", "cursor is not one of ours") from broken


async def receive(request: Request) -> Response:
    """POST /{stream}: take something in, once for each Idempotency-Key."""
    owner, stream = _owner(request), request.path_params["stream"]
    known = EFFECTS.get((owner, stream))
    if known is None:
        raise _error(404, "not-found", f"nothing can be sent to {stream}")
    key = request.headers.get("idempotency-key", "")
    if not key:
        raise _error(400, "invalid", "an Idempotency-Key is needed")
    fields, effect = known
    body = await json_body(request)
    _check(body, fields)
    state = state_of(request)
    digest = sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    before = state.posted.get((owner, key))
    if before and before[0] != digest:
        raise _error(409, "conflict", "this Idempotency-Key came with another body before")
    if before:
        return Json(before[1], 200)
    answer = {"id": str(body[fields[0]]), "status": "received", "received_on": state.today.isoformat()}
    try:
        effect(state, body)
    except (KeyError, TypeError, ValueError, OverflowError) as bad:
        raise _error(422, "invalid", "a field has a value that cannot be read") from bad
    state.posted[owner, key] = (digest, answer)
    return Json(answer, 201)


def _check(body: Any, fields: tuple[str, ...]) -> None:
    """Refuse a body that lacks a field."""
    if not isinstance(body, dict):
        raise _error(400, "invalid", "the body must be a JSON object")
    if missing := [name for name in fields if body.get(name) in (None, "")]:
        raise _error(422, "invalid", f"missing: {', '.join(missing)}")


async def _unknown(request: Request) -> Response:
    """Answer any other path under the API."""
    _owner(request)
    raise _error(404, "not-found", "no such resource")


ROUTES = [
    route
    for prefix in ("/hr/{usc}", "/{office}")
    for route in (
        Route(prefix + "/partner/v1/{stream}", read_stream, methods=["GET"]),
        Route(prefix + "/partner/v1/{stream}", receive, methods=["POST"]),
        Route(prefix + "/partner/v1/{rest:path}", _unknown),
    )
]
