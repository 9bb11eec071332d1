"""The partner API of every organisation: streams to read, and what can be sent to them.

Belongs here: paths, paging, idempotency and errors. Does not: what the offices decide (effects.py).
"""

import base64
import binascii
import re
from collections.abc import Mapping
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
from sandbox.wire.partner_forms import FORMS, Reads, missing, wrong
from sandbox.wire.shelf import Row
from sandbox.wire.state import State, state_of

LARGEST_PAGE = 500
LARGEST_LIMIT = 10_000
KEY = re.compile(r"\A[A-Za-z0-9._:-]{1,200}\Z")


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


async def read_stream(request: Request, owner: str, stream: str) -> Response:
    """GET /{stream}: the rows changed since a time, oldest change first, page by page."""
    limit = whole(_asked(request, "limit"), 100)
    if not limit or limit > LARGEST_LIMIT:
        raise _error(400, "invalid", f"limit must be a whole number from 1 to {LARGEST_LIMIT}")
    rows = _since(state_of(request), owner, stream, _asked(request, "since"))
    after = _place(_asked(request, "cursor"))
    rest = [row for row in rows if (row.changed.timestamp(), row.id) > after]
    page = rest[: min(limit, LARGEST_PAGE)]
    more = len(rest) > len(page)
    return Json({"items": [row.body for row in page], "next": _cursor(page[-1]) if more else None})


def _asked(request: Request, name: str) -> str | None:
    """Return a parameter of the query, None when there is none."""
    given = request.query_params.getlist(name)
    if len(given) > 1 or "" in given:
        raise _error(400, "invalid", f"{name} must be given once, with a value, or not at all")
    return given[0] if given else None


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


async def receive(request: Request, owner: str, stream: str) -> Response:
    """POST /{stream}: take something in, once for each Idempotency-Key."""
    key = _key(request)
    body = await json_body(request)
    _check(body, FORMS[stream])
    state = state_of(request)
    digest = sha256(orjson.dumps(body, option=orjson.OPT_SORT_KEYS)).hexdigest()
    before = state.posted.get((owner, key))
    if before and before[0] != digest:
        raise _error(409, "conflict", "this Idempotency-Key came with another body before")
    if before:
        return Json(before[1], 200)
    answer = {"id": body[next(iter(FORMS[stream]))], "status": "received", "received_on": state.today.isoformat()}
    try:
        EFFECTS[owner, stream](state, body)
    except (KeyError, TypeError, ValueError, OverflowError) as bad:
        raise _error(422, "invalid", "a field has a value that cannot be read") from bad
    state.posted[owner, key] = (digest, answer)
    return Json(answer, 201)


def _key(request: Request) -> str:
    """Return the key of a request, which it must have."""
    key = request.headers.get("idempotency-key", "")
    if not KEY.match(key):
        raise _error(400, "invalid", "an Idempotency-Key of up to 200 letters, digits and . _ : - is needed")
    return key


def _check(body: Any, form: Mapping[str, Reads]) -> None:
    """Refuse a body that lacks a field or has a value that cannot be read; the value itself is not repeated."""
    if not isinstance(body, dict):
        raise _error(400, "invalid", "the body must be a JSON object")
    if names := missing(form, body):
        raise _error(422, "invalid", f"missing: {', '.join(names)}")
    if names := wrong(form, body):
        raise _error(422, "invalid", f"not readable: {', '.join(names)}")


async def _answer(request: Request) -> Response:
    """Any method on /{stream}: the one that its office offers there."""
    owner, stream = _owner(request), request.path_params["stream"]
    read, taken = stream in STREAMS.get(_kind(owner), ()), (owner, stream) in EFFECTS
    if not read and not taken:
        raise _error(404, "not-found", f"nothing named {stream} is offered here")
    if read and request.method in ("GET", "HEAD"):
        return await read_stream(request, owner, stream)
    if taken and request.method == "POST":
        return await receive(request, owner, stream)
    refusal = _error(405, "not-allowed", f"{stream} is not for {request.method}")
    refusal.response.headers["Allow"] = "GET, HEAD" if read else "POST"
    raise refusal


async def _unknown(request: Request) -> Response:
    """Answer any other path under the API."""
    _owner(request)
    raise _error(404, "not-found", "no such resource")


METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"]
ROUTES = [
    route
    for prefix in ("/hr/{usc}", "/{office}")
    for route in (
        Route(prefix + "/partner/v1/{stream}", _answer, methods=METHODS),
        Route(prefix + "/partner/v1/{rest:path}", _unknown, methods=METHODS),
    )
]
