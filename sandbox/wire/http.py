"""What all wires share: JSON answers, refusals, the one secret.

Belongs here: the HTTP of it. Does not: any protocol's own envelope.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from sandbox.days import CHINA
from sandbox.wire.names import SECRET, USERNAME

Handler = Callable[[Request], Awaitable[Response]]


class Json(Response):
    """An answer in JSON."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the bytes of the content."""
        return orjson.dumps(content)


class Refusal(Exception):
    """A request that is not served; carries the answer as the protocol words it."""

    def __init__(self, response: Response) -> None:
        """Keep the answer."""
        super().__init__(response.status_code)
        self.response = response


async def refuse(_: Request, refusal: Exception) -> Response:
    """Answer a refusal (Starlette's exception handler)."""
    if not isinstance(refusal, Refusal):
        raise refusal
    return refusal.response


def bearer(request: Request) -> str:
    """Return the bearer token of a request, empty when there is none."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def has_secret(request: Request) -> bool:
    """Say whether the request carries the sandbox's secret as a bearer token."""
    return bearer(request) == SECRET


def basic(request: Request) -> tuple[str, str]:
    """Return user and password of basic authentication, both empty when there is none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def has_password(request: Request) -> bool:
    """Say whether the request logs in with the sandbox's user and secret."""
    return basic(request) == (USERNAME, SECRET)


async def form(request: Request) -> dict[str, str]:
    """Return the query and a form body as one dict; the body wins."""
    values = dict(request.query_params)
    if request.method == "POST" and "json" not in request.headers.get("content-type", ""):
        values |= dict(parse_qsl((await request.body()).decode("utf-8", "replace"), keep_blank_values=True))
    return values


async def json_body(request: Request) -> Any:
    """Return the JSON of the body, None when it is none."""
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        return None


def parse_time(text: str) -> datetime | None:
    """Read an ISO 8601 time or date; without an offset it is China's. None when it is neither."""
    try:
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=CHINA)


def whole(text: str | None, default: int) -> int | None:
    """Read a whole number of up to eighteen digits, the default when absent, None when it is none."""
    if text is None or text == "":
        return default
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None
