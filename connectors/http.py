"""The HTTP kit: one way to send a request, with login, limits, retries and errors.

Belongs here: what WIRE's "Everywhere" asks of each request. Does not: what is asked or answered.
A redirect is never followed and a next link must stay at its origin, or a secret could leave with it.
"""

import asyncio
import json
import ssl
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx
import orjson
import stamina

from connectors.auth import Call, Login, login_of
from connectors.base import Connection, Connector
from connectors.errors import OutsideError, Permanent, Refused, Transient
from models.clock import now

BODY_CAP = 64 * 1024 * 1024
PAGE_CAP = 100_000
LONGEST_WAIT = 15 * 60.0  # seconds a source may ask us to wait; beyond, the next night tries
ATTEMPTS = 5
CIRCUIT = 3  # requests given up in a row, after which a source counts as dead for this run
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
NOT_OFFERED = frozenset({501, 505})  # of a server's errors, those that time does not heal
REFUSALS = frozenset({400, 409, 413, 422})
DEEPEST = 64  # levels of JSON; every standard we read stays under ten
LONGEST_WHOLE = 18  # digits: what is longer fits no whole number of a database
ANSWER_SECONDS = 300.0  # for one answer as a whole: one that drips would else take the night
PORTS = {"http": 80, "https": 443}
TIMEOUT = httpx.Timeout(30.0, connect=10.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the JSON of the body, the headers, the address it came from."""

    body: Any
    headers: Mapping[str, str]
    url: str


@dataclass
class Wire:
    """Sends the requests of one connection, and stops sending once its system proves dead."""

    system: str
    login: Login
    client: httpx.AsyncClient = field(repr=False)
    exact: bool = False
    patience: float = ANSWER_SECONDS
    given_up: int = 0

    async def send(self, operation: str, call: Call) -> Answer:
        """Send a request until it is answered or given up. Raises Transient, Permanent or Refused."""
        if self.given_up >= CIRCUIT:
            raise Transient(self.system, operation, "it failed several times in a row: the next run tries again",
                            again=False)  # fmt: skip
        try:
            answer = await self._persist(operation, call)
        except Transient:
            self.given_up += 1
            raise
        self.given_up = 0
        return answer

    async def _persist(self, operation: str, call: Call) -> Answer:
        """Try again with full jitter, or after as long as the source asks."""
        async for attempt in stamina.retry_context(
            on=_pause, attempts=ATTEMPTS, timeout=LONGEST_WAIT, wait_initial=0.2, wait_max=20.0, wait_jitter=1.0
        ):
            with attempt:
                return await self._with_login(operation, call)
        raise AssertionError("unreachable")  # pragma: no cover

    async def _with_login(self, operation: str, call: Call) -> Answer:
        """Send with a login; a token that was refused is renewed once."""
        try:
            return await self._signed(operation, call)
        except Permanent as error:
            if error.status != httpx.codes.UNAUTHORIZED or not self.login.forget():
                raise
        return await self._signed(operation, call)

    async def _signed(self, operation: str, call: Call) -> Answer:
        signed = Call(call.method, call.url, dict(call.headers), call.params, call.form, call.json)
        await self.login.sign(signed, self._token)
        return await self._exchange(operation, signed)

    async def _token(self, operation: str, call: Call) -> Any:
        """Carry a request for a token; its refusal is no refusal of what was to be sent with it."""
        try:
            return (await self._exchange(operation, call)).body
        except Refused as error:
            raise Permanent(self.system, operation, "its token address does not let us in: check client_id, secret "
                            "and scopes", status=error.status) from error  # fmt: skip

    async def _exchange(self, operation: str, call: Call) -> Answer:
        """Send once, and read the answer within the limits."""
        try:
            async with asyncio.timeout(self.patience):
                response, raw = await self._answer(operation, call)
        except (httpx.TimeoutException, TimeoutError) as error:
            raise Transient(self.system, operation, "it did not answer in time: try later") from error
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise Permanent(self.system, operation, "its address is none: correct base_url") from error
        except httpx.TransportError as error:
            raise Transient(
                self.system, operation, "it cannot be reached: check its address and the network"
            ) from error
        self._judge(operation, response)
        return Answer(self._json(operation, raw), response.headers, str(response.url))

    async def _answer(self, operation: str, call: Call) -> tuple[httpx.Response, bytes]:
        request = self.client.build_request(
            call.method, call.url, headers={"Accept-Encoding": "gzip", **call.headers}, params=call.params or None,
            data=call.form, content=None if call.json is None else orjson.dumps(call.json, default=str),
        )  # fmt: skip
        response = await self.client.send(request, stream=True, follow_redirects=False)
        try:
            return response, await self._read(operation, response)
        finally:
            await response.aclose()

    async def _read(self, operation: str, response: httpx.Response) -> bytes:
        """Read a body, inflating it no further than the cap."""
        packed = response.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip")
        inflate = zlib.decompressobj(wbits=47) if packed else None
        body = bytearray()
        async for chunk in response.aiter_raw():
            room = BODY_CAP - len(body) + 1
            try:
                body += inflate.decompress(chunk, room) if inflate else chunk
            except zlib.error as error:
                raise Transient(self.system, operation, "its answer cannot be unpacked: try later") from error
            if len(body) > BODY_CAP:
                raise Permanent(self.system, operation, "its answer is larger than 64 MB: ask for smaller pages")
        return bytes(body)

    def _judge(self, operation: str, response: httpx.Response) -> None:
        """Raise the error a status stands for."""
        status = response.status_code
        if status in BUSY or (status >= 500 and status not in NOT_OFFERED):
            raise _busy(self.system, operation, response)
        if 300 <= status < 400:
            raise Permanent(self.system, operation, "it redirects elsewhere: correct base_url", status=status)
        if status in (401, 403):
            raise Permanent(self.system, operation, "it does not let us in: check secret and scope", status=status)
        if status in REFUSALS:
            raise Refused(self.system, operation, "it refuses what we sent", status=status)
        if status >= 400:
            raise Permanent(self.system, operation, "nothing is there: check base_url", status=status)

    def _json(self, operation: str, raw: bytes) -> Any:
        if not raw:
            return None
        try:
            return _parsed(raw, self.exact)
        except ValueError as error:
            kind = "a page for people" if raw.lstrip()[:1] == b"<" else "no valid JSON"
            raise Transient(self.system, operation, f"it answered with {kind}: check base_url, or try later") from error


def _parsed(raw: bytes, exact: bool) -> Any:
    """Read JSON strictly: orjson refuses NaN, infinity, lone surrogates and numbers beyond all measure.

    What carries money (`exact`) is read again with exact decimals and without doubled names. Raises ValueError.
    """
    value = orjson.loads(raw)
    if _is_deep(value):
        raise ValueError("more levels than any standard has")
    if not exact:
        return value
    return json.loads(raw, object_pairs_hook=_unique, parse_float=Decimal, parse_int=_whole)


def _is_deep(value: Any) -> bool:
    """Whether a value has more levels than are read: nothing that follows may run out of stack."""
    level = [value]
    for _ in range(DEEPEST):
        inside = (one.values() if isinstance(one, dict) else one for one in level if isinstance(one, dict | list))
        level = [child for children in inside for child in children]
        if not level:
            return False
    return True


def _whole(digits: str) -> int | Decimal:
    return int(digits) if len(digits) <= LONGEST_WHOLE else Decimal(digits)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a thing twice: which of two amounts would count?"""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return found


def _pause(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds where the source said so."""
    if not isinstance(error, Transient) or not error.again:
        return False
    return True if error.retry_after is None else error.retry_after


def _busy(system: str, operation: str, response: httpx.Response) -> Transient:
    wait = seconds_of(response.headers.get("retry-after", ""))
    late = wait is not None and wait > LONGEST_WAIT
    message = "it asks us to come back much later: the next run tries" if late else "it is busy or broken: try later"
    return Transient(system, operation, message, status=response.status_code, again=not late,
                     retry_after=None if late else wait)  # fmt: skip


def seconds_of(text: str) -> float | None:
    """Read Retry-After, in seconds or as a date; None for what is neither."""
    if text.strip().isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now()).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


@cache
def _tls() -> ssl.SSLContext:
    """The certificates to verify with, loaded once: that takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=False)


def new_client() -> httpx.AsyncClient:
    """Make a client that verifies TLS, follows no redirect and takes no proxy from the environment."""
    headers = {"User-Agent": "yuanmeng", "Accept-Encoding": "gzip", "Accept": "application/json"}
    return httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False, headers=headers,
                             verify=_tls())  # fmt: skip


def same_origin(one: str, other: str) -> bool:
    """Whether two addresses have scheme, host and port in common. Raises ValueError for one that is none."""
    return _origin(one) == _origin(other)


def _origin(url: str) -> tuple[Any, ...]:
    """Scheme, host and port, and the name before the host: httpx would log in with that one."""
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or PORTS.get(parts.scheme), parts.username


class HttpConnector(Connector):
    """A connector that talks HTTP by one `_request`."""

    exact = False

    def __init__(self, connection: Connection, client: httpx.AsyncClient | None = None) -> None:
        """Take a connection, and a client where the caller has one."""
        super().__init__(connection)
        self.base = connection.base_url.rstrip("/")
        self._client = client
        self._wire: Wire | None = None

    async def __aenter__(self) -> Self:
        """Open a client of our own unless one was given."""
        client = self._client if self._client is not None else await self._resources.enter_async_context(new_client())
        self._wire = Wire(self.connection.name, login_of(self.connection), client, self.exact)
        return self

    async def _request(
        self, operation: str, path: str, *, method: str = "GET", params: dict[str, str] | None = None,
        form: dict[str, str] | None = None, body: Any = None, headers: dict[str, str] | None = None,
    ) -> Answer:  # fmt: skip
        """Send one request to a path under the base address, or to what `_next_link` gave.

        Raises Transient, Permanent or Refused.
        """
        if self._wire is None:
            raise RuntimeError("a connector is used inside `async with`")
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        url = f"{self.base}{path}" if path.startswith("/") else path
        return await self._wire.send(operation, Call(method, url, sent, params or {}, form, body))

    def _expect(self, found: Any, kind: type, operation: str) -> Any:
        """Give back what has the shape it should. Raises Permanent for a 200 with something else in it."""
        if not isinstance(found, kind):
            raise Permanent(self.connection.name, operation, "its answer has another shape than its standard: "
                            "check kind and base_url")  # fmt: skip
        return found

    def _next_link(self, answer: Answer, link: str, seen: set[str], operation: str) -> str:
        """Give the address a next link leads to, and remember it in `seen`.

        Raises Permanent for one that leaves its origin, Transient for one that was followed before.
        """
        try:
            target = urljoin(answer.url, link)
            stays = same_origin(target, self.base)
        except ValueError:
            stays = False
        if not stays:
            raise Permanent(self.connection.name, operation, "its next page is at another address: it is not followed")
        if target in seen or len(seen) >= PAGE_CAP:
            raise Transient(self.connection.name, operation, "its pages go round in a circle: try later", again=False)
        seen.add(target)
        return target


async def side_by_side(calls: list[Any], most: int = 4) -> AsyncIterator[Any]:
    """Await calls in order, a few under way at a time."""
    gate = asyncio.Semaphore(most)

    async def guarded(call: Any) -> Any:
        async with gate:
            return await call

    tasks = [asyncio.ensure_future(guarded(call)) for call in calls]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


__all__ = ["Answer", "HttpConnector", "OutsideError", "Wire", "new_client", "same_origin", "seconds_of", "side_by_side"]
