"""Hundreds of sources behind one server on loopback: schools, HR systems and partners, most of them well.

Belongs here: what each source has, how it answers, how it is ill. Does not: what a night makes of them.
A source is a path below the server's address; a dead one is a port on which nobody listens.
"""

import asyncio
import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from connectors.base import Connection

Kind = Literal["oneroster", "scim", "partner"]
Ill = Literal["", "dead", "slow", "page for people", "truncated", "status 500"]
KINDS: tuple[Kind, ...] = ("oneroster", "scim", "partner")
STAMP = "2026-09-01T08:00:00.000Z"
RESIDENT_ID = "320214199001010011"
BROKEN: tuple[Ill, ...] = ("page for people", "page for people", "truncated", "truncated", "status 500")
DEAD_ONES, SLOW_ONES = 10, 10
WHOLE = 15  # one source of so many, where it is a school
SPREAD = 11  # one of so many is ill, of each kind in turn


@dataclass
class System:
    """One source: what it is, how many rows it has of each thing, how it is ill."""

    number: int
    kind: Kind
    rows: int
    ill: Ill = ""
    dead_url: str = ""

    @property
    def name(self) -> str:
        """Its name among the connections."""
        return f"{self.kind}-{self.number:03}"

    @property
    def is_whole(self) -> bool:
        """Whether a school has its whole record to offer, down to the marks; the others have their people."""
        return self.kind == "oneroster" and self.number % WHOLE == 0

    @property
    def organisation(self) -> str:
        """Whose data it has."""
        return f"91320200{self.number:09}X"

    def connection(self, server: str, token_env: str) -> Connection:
        """The connection to it."""
        streams = {"partner": ["leave"], "oneroster": ["people"]}.get(self.kind)
        options: dict[str, Any] = {"streams": streams} if streams and not self.is_whole else {}
        address = self.dead_url if self.ill == "dead" else f"{server}/{self.number}"
        return Connection(name=self.name, kind=self.kind, organisation=self.organisation, base_url=address,
                          auth={"type": "bearer", "token_env": token_env}, options=options)  # fmt: skip

    @property
    def truth(self) -> list[tuple[str, ...]]:
        """What stands in our tables once it was read: the id of each row, and what it says."""
        if self.kind == "scim":
            return [(f"{self.name}:{one}", f"E{self.number}-{one}") for one in range(self.rows)]
        if self.kind == "partner":
            return [(f"{self.name}:{one}", f"{one % 40}.5") for one in range(self.rows)]
        people = [(f"{self.name}:u-{one}", f"S{self.number}-{one}") for one in range(self.rows)]
        marks = [(f"{self.name}:r-{one}", f"{self.name}:u-{one}", f"{one % 100}.5") for one in range(self.rows)]
        return [*people, *(marks if self.is_whole else ())]

    def body(self, path: str, offset: int) -> Any:
        """What it answers where it is well, from a place on: everything fits one page."""
        what = path.rpartition("/")[2]
        if self.kind == "scim":
            return self._abilities() if what == "ServiceProviderConfig" else self._users()
        if self.kind == "partner":
            return {"items": [self._leave(one) for one in range(self.rows)]}
        return self._school(what, offset)

    def _abilities(self) -> Any:
        return {"filter": {"supported": False}, "pagination": {"cursor": False, "index": True}}

    def _users(self) -> Any:
        users = [
            {"id": str(one), "userName": f"E{self.number}-{one}", "displayName": f"worker {one}", "active": True,
             "meta": {"lastModified": STAMP}}
            for one in range(self.rows)
        ]  # fmt: skip
        return {"totalResults": len(users), "startIndex": 1, "itemsPerPage": len(users), "Resources": users}

    def _leave(self, number: int) -> Any:
        return {"id": str(number), "updated_at": STAMP, "resident_id": RESIDENT_ID, "from": "2026-09-01",
                "to": "2026-09-02", "kind": "study", "status": "approved", "hours": f"{number % 40}.5"}  # fmt: skip

    def _school(self, what: str, offset: int) -> Any:
        def row(key: str, **more: Any) -> dict[str, Any]:
            return {"sourcedId": key, "status": "active", "dateLastModified": STAMP, **more}

        every = range(self.rows)
        found = {
            "terms": [row("t", title="term", startDate="2026-09-01", endDate="2027-01-16")],
            "courses": [row("co", courseCode="M1", title="course")],
            "classes": [row("c", classCode=f"C{self.number}", title="class", course={"sourcedId": "co"},
                            terms=[{"sourcedId": "t"}])],
            "users": [row(f"u-{one}", enabledUser="true", familyName="learner", givenName=str(one),
                          userIds=[{"type": "studentNumber", "identifier": f"S{self.number}-{one}"}]) for one in every],
            "enrollments": [row(f"e-{one}", role="student", user={"sourcedId": f"u-{one}"}, **{"class": {"sourcedId": "c"}})
                            for one in every],
            "lineItems": [row("li", title="item", category={"sourcedId": "cat"}, **{"class": {"sourcedId": "c"}})],
            "categories": [row("cat", title="期末")],
            "results": [row(f"r-{one}", lineItem={"sourcedId": "li"}, student={"sourcedId": f"u-{one}"},
                            scoreStatus="fully graded", score=one % 100 + 0.5, scoreDate="2026-09-01") for one in every],
        }  # fmt: skip
        return {what: found[what][offset:]}


@dataclass
class World:
    """All sources, and the server they answer on."""

    systems: Sequence[System]
    lag: float
    url: str = ""
    asked: dict[int, int] = field(default_factory=dict)

    def of(self, *ills: Ill) -> list[System]:
        """The systems that are ill in one of these ways."""
        return [one for one in self.systems if one.ill in ills]

    def recover(self) -> None:
        """Everyone is well again."""
        for one in self.systems:
            one.ill = ""

    async def answer(self, target: str) -> bytes:
        """Give the whole answer to a request."""
        parts = urlsplit(target)
        _, number, path = parts.path.split("/", 2)
        system, offset = self.systems[int(number)], int(parse_qs(parts.query).get("offset", ["0"])[0])
        self.asked[system.number] = self.asked.get(system.number, 0) + 1
        if system.ill == "slow":
            await asyncio.sleep(self.lag)
        if system.ill == "page for people":
            return _http(b"<!doctype html><title>Maintenance</title>", kind="text/html")
        if system.ill == "status 500":
            return _http(b'{"error": "internal"}', "500 Internal Server Error")
        raw = json.dumps(system.body(path, offset), ensure_ascii=False).encode()
        return _http(raw[: len(raw) // 2] if system.ill == "truncated" else raw)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, kept alive; one request after another; none has a body."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(await self.answer(head.split(b" ", 2)[1].decode()))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _http(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def systems(count: int, rows: int, dead_urls: Sequence[str]) -> list[System]:
    """So many systems, of each kind in turn; the ill ones are spread over all kinds."""
    found = [System(number, KINDS[number % 3], rows) for number in range(count)]
    places = iter(range(0, count, SPREAD))
    for url in dead_urls:
        one = found[next(places)]
        one.ill, one.dead_url = "dead", url
    for ill in (*["slow"] * SLOW_ONES, *BROKEN):
        found[next(places)].ill = ill  # type: ignore[assignment]
    return found


@contextmanager
def refusing(count: int) -> Iterator[list[str]]:
    """Addresses that nobody listens on, kept so that nobody else can."""
    held = [socket.socket() for _ in range(count)]
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
        yield [f"http://127.0.0.1:{one.getsockname()[1]}" for one in held]
    finally:
        for one in held:
            one.close()


@contextmanager
def silent(count: int) -> Iterator[list[str]]:
    """Addresses of hosts that swallow what is sent: a full backlog that nobody empties, as if packets were dropped."""
    held, fillers = [socket.socket() for _ in range(count)], list[socket.socket]()
    try:
        for one in held:
            one.bind(("127.0.0.1", 0))
            one.listen(0)
            for _ in range(2):  # the kernel takes one more than the backlog
                filler = socket.socket()
                filler.setblocking(False)
                filler.connect_ex(one.getsockname())
                fillers.append(filler)
        yield [f"http://127.0.0.1:{one.getsockname()[1]}" for one in held]
    finally:
        for one in (*held, *fillers):
            one.close()


@contextmanager
def serving(world: World) -> Iterator[World]:
    """Answer for all systems from a thread of its own."""
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(world.talk, "127.0.0.1", 0, backlog=512))
    world.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield world
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        _end(loop)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Let every talk end, so that no socket is left to the collector."""

    async def end() -> None:
        talks = asyncio.all_tasks() - {asyncio.current_task()}
        for talk in talks:
            talk.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    loop.run_until_complete(end())
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
