"""A school's OneRoster server in a process of its own, so fast that only its readers are measured.

Belongs here: rows laid out as bytes before anyone asks, pages cut from them, the filter, and a switch for what it shows.
Does not: faults. It imports nothing of ours and nothing but the standard library:
`python source.py --results 100000` prints its port. `GET /control?shown=0&changed=30000&night=1&refuse=1` sets what it
shows: how many of the results have changed since a night after the first, and whether it refuses to filter.
"""

import argparse
import asyncio
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate
from urllib.parse import parse_qs, unquote, urlsplit

FIRST_NIGHT = datetime(2026, 9, 1)
DAY, HOUR = 86_400, 3_600
ITEMS_OF_A_CLASS = 10
CATEGORIES = {"cat-1": "平时", "cat-2": "期末"}


class Collection:
    """Rows of one collection as one string of bytes; a page is a slice of it."""

    def __init__(self, name: str, rows: Iterable[tuple[str, bytes]]) -> None:
        """Take (timestamp, row) pairs in the order in which they are given out."""
        pairs = list(rows)
        self.name, self.stamps = name, [stamp for stamp, _ in pairs]
        self.starts = [0, *accumulate(len(row) + 1 for _, row in pairs)]
        self.bytes = b",".join(row for _, row in pairs) + b","
        self.order = sorted(range(len(pairs)), key=self.stamps.__getitem__)
        self.sorted = [self.stamps[place] for place in self.order]
        self.since: dict[str, Collection] = {}

    def __len__(self) -> int:
        """How many rows it has."""
        return len(self.stamps)

    def row(self, place: int) -> bytes:
        """One row."""
        return self.bytes[self.starts[place] : self.starts[place + 1] - 1]

    def changed(self, since: str) -> "Collection":
        """The rows whose timestamp is not before `since`."""
        if since not in self.since:
            places = sorted(self.order[bisect_left(self.sorted, since) :])
            self.since[since] = Collection(self.name, [(self.stamps[one], self.row(one)) for one in places])
        return self.since[since]

    def page(self, offset: int, limit: int) -> bytes:
        """One page of JSON."""
        begin, end = min(offset, len(self)), min(offset + limit, len(self))
        rows = self.bytes[self.starts[begin] : max(self.starts[end] - 1, self.starts[begin])]
        return b'{"%s":[%s]}' % (self.name.encode(), rows)


def stamp(day: datetime, second: int) -> str:
    """A timestamp as OneRoster writes it."""
    return (day + timedelta(seconds=second)).isoformat(timespec="milliseconds") + "Z"


def reference(collection: str, kind: str, key: str) -> dict[str, str]:
    """A reference to another object."""
    return {"href": f"https://sis.example.edu.cn/{collection}/{key}", "sourcedId": key, "type": kind}


@dataclass
class School:
    """What a school with so many learners and results has; every learner has one result of each line item.

    Of `of` learners only every `of // learners`-th is shown, as if the others had not changed.
    """

    learners: int
    results: int
    of: int = 0
    stride: int = field(init=False)
    collections: dict[str, Collection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Lay everything out."""
        self.stride = max(self.of // self.learners, 1)
        self.items = -(-self.results // self.learners)
        self.classes = -(-self.items // ITEMS_OF_A_CLASS)
        for name, count, body in self._shapes():
            rows = ((stamp(FIRST_NIGHT, place % DAY), body(place)) for place in range(count))
            self.collections[name] = Collection(name, (_row(when, body) for when, body in rows))
        seconds = [stamp(FIRST_NIGHT, second)[:-4] for second in range(DAY)]
        whens = (f"{seconds[place * 7 % DAY]}{place % 1000:03}Z" for place in range(self.results))
        results = (self._result(place, when, 0) for place, when in enumerate(whens))
        self.collections["results"] = Collection("results", results)

    def _shapes(self) -> Sequence[tuple[str, int, Callable[[int], dict[str, object]]]]:
        return (
            ("terms", 1, lambda n: {"sourcedId": "t-0", "title": "2026 autumn", "startDate": "2026-09-01",
                                    "endDate": "2027-01-16", "type": "term"}),
            ("courses", 1, lambda n: {"sourcedId": "co-0", "courseCode": "M1", "title": "course"}),
            ("classes", self.classes, lambda n: {
                "sourcedId": f"c-{n}", "classCode": f"C{n}", "title": f"class {n}", "terms": [reference("terms", "term", "t-0")],
                "course": reference("courses", "course", "co-0")}),
            ("users", self.learners, lambda n: {
                "sourcedId": self.learner(n), "enabledUser": "true", "givenName": str(n), "familyName": "learner",
                "userIds": [{"type": "studentNumber", "identifier": f"S{n * self.stride:08}"}]}),
            ("enrollments", self.learners, lambda n: {
                "sourcedId": f"e-{n:08}", "role": "student", "user": reference("users", "user", self.learner(n)),
                "class": reference("classes", "class", f"c-{n % self.classes}")}),
            ("lineItems", self.items, lambda n: {
                "sourcedId": f"li-{n}", "title": f"item {n}", "dueDate": "2026-12-20", "class": reference(
                    "classes", "class", f"c-{n // ITEMS_OF_A_CLASS}"),
                "category": reference("categories", "category", f"cat-{n % 2 + 1}")}),
            ("categories", 2, lambda n: {"sourcedId": f"cat-{n + 1}", "title": CATEGORIES[f"cat-{n + 1}"]}),
        )  # fmt: skip

    def learner(self, number: int) -> str:
        """The id of a learner."""
        return f"u-{number * self.stride:08}"

    def _result(self, place: int, when: str, more: int) -> tuple[str, bytes]:
        """A result as the wire has it, written out: a million of them are made before anyone waits."""
        learner, item = self.learner(place % self.learners), f"li-{place // self.learners}"
        score = (place * 7 + more) % 1001 / 10
        return when, (
            f'{{"sourcedId":"r-{place * self.stride:08}","status":"active","dateLastModified":"{when}","metadata":{{}},'
            f'"lineItem":{{"href":"https://sis.example.edu.cn/lineItems/{item}","sourcedId":"{item}","type":"lineItem"}},'
            f'"student":{{"href":"https://sis.example.edu.cn/users/{learner}","sourcedId":"{learner}","type":"user"}},'
            f'"scoreStatus":"fully graded","score":{score},"scoreDate":"2026-08-{place % 28 + 1:02}"}}'
        ).encode()

    def changed(self, count: int, night: int) -> Collection:
        """The results when so many of them, spread over all, have had another score since a night after the first."""
        old = self.collections["results"]
        if not count:
            return old
        apart, day = max(self.results // count, 1), FIRST_NIGHT + timedelta(days=night)
        return Collection("results", (
            self._result(one, stamp(day, one % HOUR), night)
            if one % apart == 0 and one // apart < count else (old.stamps[one], old.row(one))
            for one in range(self.results)
        ))  # fmt: skip


def _row(when: str, body: dict[str, object]) -> tuple[str, bytes]:
    row = {"status": "active", "dateLastModified": when, **body}
    return when, json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


class Desk:
    """What the server shows at the moment: which results, how many of them, and whether it filters."""

    def __init__(self, school: School) -> None:
        """Show everything as it was on the first night."""
        self.school, self.results = school, school.collections["results"]
        self.none = Collection("results", [])
        self.changes = (0, 1)
        self.shown, self.refuses, self.requests = True, False, 0

    def answer(self, target: str) -> bytes:
        """Give the whole answer to a request."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/control":
            return self._set(query)
        self.requests += 1
        return self._page(parts.path.rpartition("/")[2], query)

    def _set(self, query: dict[str, str]) -> bytes:
        self.shown, self.refuses = query.get("shown", "1") == "1", query.get("refuse", "0") == "1"
        changes = int(query.get("changed", "0")), int(query.get("night", "1"))
        if changes != self.changes:
            self.changes, self.results = changes, self.school.changed(*changes)
        told, self.requests = {"requests": self.requests}, 0
        return _http(json.dumps(told).encode())

    def _page(self, name: str, query: dict[str, str]) -> bytes:
        if name not in self.school.collections:
            return _http(b"{}", "404 Not Found")
        found = self.school.collections[name]
        if name == "results":
            found = self.results if self.shown else self.none
        if "filter" in query:
            if self.refuses:
                return _http(b'{"imsx_codeMajor":"failure","imsx_description":"no filter"}', "400 Bad Request")
            found = found.changed(unquote(query["filter"]).partition(">=")[2].strip("'"))
        body = found.page(int(query.get("offset", "0")), int(query.get("limit", "100")))
        return _http(body, total=len(found))


def _http(body: bytes, status: str = "200 OK", total: int | None = None) -> bytes:
    count = "" if total is None else f"X-Total-Count: {total}\r\n"
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{count}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Talk(asyncio.Protocol):
    """One connection, kept alive; one request after another."""

    def __init__(self, desk: Desk) -> None:
        """Answer from a desk."""
        self.desk, self.heard = desk, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the other end."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each request whose head is complete; none has a body."""
        self.heard += data
        while b"\r\n\r\n" in self.heard:
            head, _, self.heard = self.heard.partition(b"\r\n\r\n")
            self.transport.write(self.desk.answer(head.split(b" ", 2)[1].decode()))


async def serve(desk: Desk) -> None:
    """Listen on a free port of this machine and tell it."""
    server = await asyncio.get_running_loop().create_server(lambda: Talk(desk), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    """Lay out a school and serve it until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("--learners", 3_000), ("--results", 100_000), ("--of", 0)):
        parser.add_argument(name, type=int, default=default)
    given = parser.parse_args()
    asyncio.run(serve(Desk(School(given.learners, given.results, given.of))))


if __name__ == "__main__":
    main()
