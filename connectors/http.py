"""The HTTP kit: one way to send a request, with login, limits, retries and errors.

Belongs here: what WIRE's "Everywhere" asks of each request. Does not: what is asked or answered.
A redirect is never followed and a next link must stay at its origin, or a secret could leave with it.
"""

import asyncio
import ssl
import zlib
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from functools import cache
from itertools import islice
from typing import Any, Self, TypeVar
from urllib.parse import urljoin, urlsplit

import httpx
import orjson
import stamina

from connectors.auth import Call, Login, login_of
from connectors.base import Connection, Connector, Cost
from connectors.bodies import parsed
from connectors.errors import OutsideError, Permanent, Refused, Transient
from models.clock import now

T = TypeVar("T")
BODY_CAP = 64 * 1024 * 1024
LONGEST_WAIT = 15 * 60.0  # seconds a source may ask us to wait; beyond, the next night tries
WAITED_IN_ALL = 60 * 60.0  # seconds waited at the wish of one system in one run; the night must end
ATTEMPTS = 5
FIRST_ATTEMPTS = 2  # of a system that has never answered in this run: a dead one costs the night seconds
CIRCUIT = 3  # requests given up in a row, after which a source counts as dead for this run
BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
NOT_OFFERED = frozenset({501, 505})  # of a server's errors, those that time does not heal
REFUSALS = frozenset({400, 409, 413, 422})
ANSWER_SECONDS = 300.0  # for one answer as a whole: one that drips would else take the night
PORTS = {"http": 80, "https": 443}
TIMEOUT = httpx.Timeout(30.0, connect=4.0)  # to connect, a packet may be lost twice


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the JSON of the body, the headers, the address it came from."""

    body: Any
    headers: Mapping[str, str]
    url: str


Objection = Callable[[str, Call, Any], OutsideError | None]


def no_objection(operation: str, call: Call, body: Any) -> OutsideError | None:
    """Whatever comes with 200 is an answer."""


@dataclass
class Wire:
    """Sends the requests of one connection, and stops sending once its system proves dead.

    `objection` gives the error that a body of 200 stands for, where it is none of what was asked.
    """

    system: str
    login: Login
    client: httpx.AsyncClient = field(repr=False)
    exact: bool = False
    patience: float = ANSWER_SECONDS
    cost: Cost = field(default_factory=Cost)
    objection: Objection = field(default=no_objection, repr=False)
    given_up: int = 0
    met: bool = False
    waited: float = 0.0

    async def send(self, operation: str, call: Call) -> Answer:
        """Send a request until it is answered or given up. Raises Transient, Permanent or Refused."""
        if self.given_up >= CIRCUIT:
            how = "it failed several times in a row" if self.met else "it could not be reached before"
            raise Transient(self.system, operation, f"{how}: the next run tries again", again=False, dead=True)
        try:
            answer = await self._persist(operation, call)
        except Transient as error:
            self.given_up = CIRCUIT if error.dead else self.given_up + (not error.deferred)
            raise
        self.given_up = 0
        return answer

    async def _persist(self, operation: str, call: Call) -> Answer:
        """Try again with full jitter, or after as long as the source asks."""
        async for attempt in stamina.retry_context(
            on=_pause, attempts=ATTEMPTS, timeout=LONGEST_WAIT, wait_initial=0.2, wait_max=20.0, wait_jitter=1.0
        ):
            with attempt:
                self.cost.retries += attempt.num > 1
                try:
                    return await self._with_login(operation, call)
                except Transient as error:
                    self._weigh(error, attempt.num)
                    raise
        raise AssertionError("unreachable")  # pragma: no cover

    def _weigh(self, error: Transient, attempts: int) -> None:
        """Give up early on a system that never answered, and on one that keeps asking us to wait."""
        if not self.met and attempts >= FIRST_ATTEMPTS:
            error.again, error.dead = False, True
        self.waited += (error.retry_after or 0.0) if error.again else 0.0
        if self.waited > WAITED_IN_ALL:
            error.again, error.deferred, error.retry_after = False, True, None

    async def _with_login(self, operation: str, call: Call) -> Answer:
        """Send with a login; a token that was refused is renewed once."""
        try:
            return await self._signed(operation, call)
        except Permanent as error:
            if error.status != httpx.codes.UNAUTHORIZED or not self.login.forget():
                raise
        self.cost.retries += 1
        return await self._signed(operation, call)

    async def _signed(self, operation: str, call: Call) -> Answer:
        signed = Call(call.method, call.url, dict(call.headers), call.params, call.form, call.json)
        await self.login.sign(signed, self._token)
        answer = await self._exchange(operation, signed)
        objection = self.objection(operation, call, answer.body)
        if objection is not None:
            raise objection
        return answer

    async def _token(self, operation: str, call: Call) -> Any:
        """Carry a request for a token; its refusal is no refusal of what was to be sent with it."""
        try:
            return (await self._exchange(operation, call)).body
        except Permanent as error:
            raise Permanent(self.system, operation, "its token address does not let us in: check token_url, client_id, "
                            "secret and scopes", status=error.status, dead=True) from error  # fmt: skip

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
            raise Transient(self.system, operation, "it cannot be reached: check its address and the network",
                            dead=isinstance(error, httpx.ConnectError)) from error  # fmt: skip
        failure = error_of(self.system, operation, response.status_code, response.headers.get("retry-after", ""))
        if failure is not None:
            raise failure
        return Answer(self._json(operation, raw), response.headers, str(response.url))

    async def _answer(self, operation: str, call: Call) -> tuple[httpx.Response, bytearray]:
        request = self.client.build_request(
            call.method, call.url, headers={"Accept-Encoding": "gzip", **call.headers}, params=call.params or None,
            data=call.form, content=None if call.json is None else orjson.dumps(call.json, default=str),
        )  # fmt: skip
        self.cost.requests += 1
        response = await self.client.send(request, stream=True, follow_redirects=False)
        self.met = True
        try:
            return response, await self._read(operation, response)
        finally:
            await response.aclose()

    async def _read(self, operation: str, response: httpx.Response) -> bytearray:
        """Read a body, inflating it no further than the cap; one that says it is longer is not read at all."""
        packed = response.headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip")
        inflate = zlib.decompressobj(wbits=47) if packed else None
        length, body = response.headers.get("content-length", ""), bytearray()
        if not packed and length.isdecimal() and len(length) < 20 and int(length) > BODY_CAP:
            raise self._flood(operation)
        async for chunk in response.aiter_raw():
            self.cost.received += len(chunk)
            room = BODY_CAP - len(body) + 1
            try:
                body += inflate.decompress(chunk, room) if inflate else chunk
            except zlib.error as error:
                raise Transient(self.system, operation, "its answer cannot be unpacked: try later") from error
            if len(body) > BODY_CAP:
                body.clear()
                raise self._flood(operation)
        return body

    def _flood(self, operation: str) -> Permanent:
        return Permanent(self.system, operation, "its answer is larger than 64 MB: ask for smaller pages")

    def _json(self, operation: str, raw: bytearray) -> Any:
        """Read the JSON of a body. An error keeps neither the body nor a word of it."""
        if not raw:
            return None
        kind, cause = "a page for people", None
        if raw[:1000].lstrip()[:1] != b"<":
            try:
                return parsed(raw, self.exact)
            except ValueError as error:
                kind, cause = "no valid JSON", ValueError(str(error))
        raw.clear()
        raise Transient(self.system, operation, f"it answered with {kind}: check base_url, or try later") from cause


def _pause(error: Exception) -> bool | float:
    """Whether to try again, and after how many seconds where the source said so."""
    if not isinstance(error, Transient) or not error.again:
        return False
    return True if error.retry_after is None else error.retry_after


def error_of(system: str, operation: str, status: int, retry_after: str = "") -> OutsideError | None:
    """Give the error that a status stands for; None for one that is none."""
    if status in BUSY or (status >= 500 and status not in NOT_OFFERED):
        return _busy(system, operation, status, retry_after)
    if status in (401, 403):
        return Permanent(system, operation, "it does not let us in: check secret and scope", status=status, dead=True)
    if status in REFUSALS:
        return Refused(system, operation, "it refuses what we sent", status=status)
    if 300 <= status < 400:
        return Permanent(system, operation, "it redirects elsewhere: correct base_url", status=status)
    return Permanent(system, operation, "nothing is there: check base_url", status=status) if status >= 400 else None


def _busy(system: str, operation: str, status: int, retry_after: str) -> Transient:
    wait = seconds_of(retry_after)
    late = wait is not None and wait > LONGEST_WAIT
    message = "it asks us to come back much later: the next run tries" if late else "it is busy or broken: try later"
    return Transient(system, operation, message, status=status, again=not late, deferred=late,
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
        self._wire = Wire(self.connection.name, login_of(self.connection), client, self.exact, cost=self.cost,
                          objection=self._objection)  # fmt: skip
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

    def _objection(self, operation: str, call: Call, body: Any) -> OutsideError | None:
        """Give the error that a body of status 200 tells; None for an answer. A protocol adds its own."""
        if isinstance(body, dict) and body.get("error"):
            return Transient(self.connection.name, operation, "it answered with an error: try later")
        return None

    def _expect(self, found: Any, kind: type, operation: str) -> Any:
        """Give back what has the shape it should. Raises Permanent for a 200 with something else in it."""
        if not isinstance(found, kind):
            raise Permanent(self.connection.name, operation, "its answer has another shape than its standard: "
                            "check kind and base_url")  # fmt: skip
        return found

    def _next_link(self, answer: Answer, link: str, operation: str) -> str:
        """Give the address a next link leads to. Raises Permanent for one that leaves its origin."""
        try:
            target = urljoin(answer.url, link)
            stays = same_origin(target, self.base)
        except ValueError:
            stays = False
        if not stays:
            raise Permanent(self.connection.name, operation, "its next page is at another address: it is not followed")
        return target


async def side_by_side(calls: Iterable[Coroutine[Any, Any, T]], most: int = 4) -> AsyncGenerator[T, None]:
    """Await calls in order, a few under way at a time; no more begin than are taken, or answers would pile up."""
    waiting, under_way = iter(calls), deque[asyncio.Task[T]]()
    try:
        under_way.extend(asyncio.ensure_future(call) for call in islice(waiting, most))
        while under_way:
            found = await under_way[0]
            under_way.popleft()
            under_way.extend(asyncio.ensure_future(call) for call in islice(waiting, 1))
            yield found
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


__all__ = ["Answer", "HttpConnector", "OutsideError", "Wire", "error_of", "new_client", "same_origin", "seconds_of",
           "side_by_side"]  # fmt: skip
