"""Sources that hold rows and tell the truth, one class a wire: what they answer, and what the database must say of it.

Belongs here: honest answers and the comparison with the database. Does not: how an answer is spoilt (spoilers.py).
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, ClassVar

from sqlmodel import SQLModel, col, select

from connectors.base import Connection
from models.identity import make_id
from models.rules.identifiers import normalise
from models.tables.organisations import Organisation
from models.tables.people import Employment, Leave, Worker
from models.tables.teaching import Attendance, ClassSection, Course, Learner, LineItem, Mark, OnlineStudy, Session, Term
from models.vault import keyring
from tasks.office import unit_of_work
from tests.connectors.script import Asked, Reply
from tests.connectors.wires import ENTERPRISE as EXTENSION
from tests.connectors.wires import moodle, ref, session, statement, thing, user
from tests.fixtures.cohorts import ENTERPRISE, LATE, write

DAY = date(2026, 6, 1)
START = datetime(2026, 5, 1, tzinfo=UTC)
TOKEN_ENV = "YM_TEST_SECRET"
Row = dict[str, Any]
Values = tuple[Any, ...]


def stamp(at: datetime) -> str:
    """An instant as wires write it."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def honest(total: int, given: int) -> int:
    """Claim as many rows as there are."""
    return total


class Feed:
    """One stream of one source: its rows, in the order it gives them.

    `cap` is what its server makes of a limit, `claims` of a total when it has given so many rows. Rows in `strange` were
    spoilt on the way, those in `gone` were deleted without a word.
    """

    kind: ClassVar[str]
    stream: ClassVar[str]
    id_field: ClassVar[str] = "id"
    at_field: ClassVar[str]
    renamed: ClassVar[tuple[str, str]]
    with_nul: ClassVar[tuple[str, str]]
    failing: ClassVar[Any] = {"error": {"code": "busy"}}
    pages = 3  # requests for data that every reading of it takes at least

    def __init__(self, name: str, count: int, size: int) -> None:
        """So many rows, a minute between their changes."""
        self.name, self.size, self.cap = name, size, size
        minutes = list(range(count))
        Random(name).shuffle(minutes)  # the order of a list is not that of its changes
        self.rows = [self.row(number, START + timedelta(minutes=at)) for number, at in enumerate(minutes)]
        self.claims, self.more = honest, 1
        self.strange: set[str] = set()

    def connection(self, url: str, auth: dict[str, Any]) -> Connection:
        """The connection that reads it."""
        return Connection(name=self.name, kind=self.kind, organisation=ENTERPRISE, base_url=url, auth=auth,
                          options={"page_size": self.size, **self.options()})  # fmt: skip

    def options(self) -> dict[str, Any]:
        """What the connection's settings say beside the size of a page."""
        return {"streams": [self.stream]}

    def seed(self) -> None:
        """Write what its rows refer to."""

    def row(self, number: int, at: datetime) -> Row:
        """One row as the wire has it."""
        raise NotImplementedError

    def values(self, row: Row) -> Values:
        """What the database must say of a row."""
        raise NotImplementedError

    def stored(self) -> dict[str, Values]:
        """What the database says, by the source's own ids."""
        raise NotImplementedError

    def answer(self, asked: Asked) -> Reply:
        """The page that is asked for."""
        raise NotImplementedError

    def rows_in(self, body: Any) -> list[Any]:
        """The rows in an answer."""
        raise NotImplementedError

    def aside(self, asked: Asked) -> Reply | None:
        """The answer to what is no question for rows; None for one that is."""
        return None

    def id(self, row: Row) -> str:
        """A row's own id."""
        return str(row[self.id_field])

    def at(self, row: Row) -> datetime:
        """When a row was changed."""
        return datetime.fromisoformat(row[self.at_field])

    def set_at(self, row: Row, text: str) -> None:
        """Let a row say that it was changed at another time."""
        row[self.at_field] = text

    def expected(self) -> dict[str, Values]:
        """What the database must say of all rows."""
        return {self.id(row): self.values(row) for row in self.rows}

    def newest(self) -> datetime:
        """The last change."""
        return max(self.at(row) for row in self.rows)

    def older_half(self) -> list[Row]:
        """The rows that changed first."""
        middle = sorted(map(self.at, self.rows))[len(self.rows) // 2]
        return [row for row in self.rows if self.at(row) < middle] or self.rows[: len(self.rows) // 2]

    def add(self, at: datetime, *, first: bool = False) -> Row:
        """Put in one row more, at the end of the list or before all others."""
        row = self.row(len(self.rows) + 500 + self.more, at)
        if first:
            row[self.id_field] = f"a{row[self.id_field]}"
        self.more += 1
        self.rows.insert(0 if first else len(self.rows), row)
        return row

    def since(self, text: str | None) -> list[Row]:
        """The rows changed at or after an instant."""
        at = datetime.fromisoformat(text) if text else None
        return [row for row in self.rows if at is None or self.at(row) >= at]


def _all(table: type[SQLModel], name: str) -> list[Any]:
    with unit_of_work() as database:
        return list(database.exec(select(table).where(col(table.id).startswith(f"{name}:"))).all())  # type: ignore[attr-defined]


class _School(Feed):
    kind, id_field, at_field = "oneroster", "sourcedId", "dateLastModified"
    failing: ClassVar[Any] = {"imsx_codeMajor": "failure", "imsx_CodeMinor": "server_busy"}
    path: ClassVar[str]

    def answer(self, asked: Asked) -> Reply:
        wanted = re.search(r"'(.+)'", asked.query.get("filter", ""))
        found = self.since(wanted[1] if wanted else None)
        offset, limit = int(asked.query["offset"]), int(asked.query["limit"])
        page = found[offset : offset + min(self.cap, limit)]
        return Reply({self.path: page}, headers={"X-Total-Count": str(self.claims(len(found), offset + len(page)))})

    def rows_in(self, body: Any) -> list[Any]:
        return list(body[self.path])


class Results(_School):
    """Marks of a school, whose line items and learners are known."""

    stream, path = "results", "results"
    renamed, with_nul = ("score", "points"), ("scoreStatus", "fully\x00graded")

    def seed(self) -> None:
        _teach(self.name)
        known = [Learner(id=f"{self.name}:u{n}", connection=self.name, source_id=f"u{n}") for n in range(5)]
        items = [
            LineItem(id=f"{self.name}:l{n}", class_id=f"{self.name}:k1", title="期末", part="final") for n in range(3)
        ]
        write(*known, *items)

    def row(self, number: int, at: datetime) -> Row:
        return thing(lineItem=ref(f"l{number % 3}"), student=ref(f"u{number % 5}"), scoreStatus="fully graded",
                     score=number % 100 + 0.5, scoreDate="2026-04-30", sourcedId=f"r{number:04}",
                     dateLastModified=stamp(at))  # fmt: skip

    def values(self, row: Row) -> Values:
        return (f"{self.name}:{row['lineItem']['sourcedId']}", f"{self.name}:{row['student']['sourcedId']}",
                Decimal(str(row["score"])), row["scoreStatus"], date.fromisoformat(row["scoreDate"]))  # fmt: skip

    def stored(self) -> dict[str, Values]:
        return {row.id.partition(":")[2]: (row.line_item_id, row.learner_id, row.score.normalize(), row.score_status,
                                           row.scored_on) for row in _all(Mark, self.name)}  # fmt: skip


class People(_School):
    """Learners of a school."""

    stream, path = "people", "users"
    renamed, with_nul = ("enabledUser", "enabled"), ("enabledUser", "tr\x00ue")

    def row(self, number: int, at: datetime) -> Row:
        return thing(enabledUser="true" if number % 4 else "false", givenName="一", familyName="张",
                     identifier=f"2026{number:09}", sourcedId=f"p{number:04}", dateLastModified=stamp(at))  # fmt: skip

    def values(self, row: Row) -> Values:
        return row["identifier"], row["enabledUser"] == "true"

    def stored(self) -> dict[str, Values]:
        return {row.source_id: (row.student_number, row.active) for row in _all(Learner, self.name)}


class Users(Feed):
    """Employees of an enterprise, by index."""

    kind, stream, at_field = "scim", "employment", "meta"
    renamed, with_nul = ("id", "identity"), ("active", "tr\x00ue")
    failing: ClassVar[Any] = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "503"}
    cursors = False

    def options(self) -> dict[str, Any]:
        return {}

    def seed(self) -> None:
        _teach(self.name)

    def aside(self, asked: Asked) -> Reply | None:
        if not asked.path.endswith("/ServiceProviderConfig"):
            return None
        return Reply({"filter": {"supported": True}, "pagination": {"cursor": self.cursors}})

    def row(self, number: int, at: datetime) -> Row:
        row = user(number, id=f"u{number:04}", active=bool(number % 3))
        return {**row, "meta": {"lastModified": stamp(at)}}

    def at(self, row: Row) -> datetime:
        return datetime.fromisoformat(row["meta"]["lastModified"])

    def set_at(self, row: Row, text: str) -> None:
        row["meta"] = {"lastModified": text}

    def values(self, row: Row) -> Values:
        return row[EXTENSION]["employeeNumber"], row["active"], self.at(row)

    def stored(self) -> dict[str, Values]:
        return {row.id.partition(":")[2]: (row.employee_number, row.active, row.changed_at)
                for row in _all(Employment, self.name)}  # fmt: skip

    def answer(self, asked: Asked) -> Reply:
        wanted = re.search(r'"(.+)"', asked.query.get("filter", ""))
        found = self.since(wanted[1] if wanted else None)
        start = int(asked.query.get("cursor") or asked.query.get("startIndex") or 1) - 1
        page = found[start : start + min(self.cap, int(asked.query["count"]))]
        end = start + len(page)
        more = {"nextCursor": str(end + 1)} if self.cursors and end < len(found) else {}
        return Reply({"totalResults": self.claims(len(found), end), "Resources": page, **more})

    def rows_in(self, body: Any) -> list[Any]:
        return list(body["Resources"])


class CursorUsers(Users):
    """Employees of an enterprise, by cursor."""

    cursors = True


class Leaves(Feed):
    """Study leave, from a partner."""

    kind, stream, at_field = "partner", "leave", "updated_at"
    renamed, with_nul = ("hours", "length"), ("kind", "st\x00udy")

    def seed(self) -> None:
        write(*(_worker(number) for number in LATE))

    def row(self, number: int, at: datetime) -> Row:
        return {"id": f"v{number:04}", "updated_at": stamp(at), "resident_id": LATE[number % 3], "kind": "study",
                "from": "2026-05-04", "to": "2026-05-05", "status": ("approved", "pending")[number % 2],
                "hours": number % 40 + 0.5}  # fmt: skip

    def values(self, row: Row) -> Values:
        return (_worker_id(row["resident_id"]), row["kind"], date.fromisoformat(row["from"]),
                date.fromisoformat(row["to"]), row["status"], Decimal(str(row["hours"])))  # fmt: skip

    def stored(self) -> dict[str, Values]:
        return {row.id.partition(":")[2]: (row.worker_id, row.kind, row.starts_on, row.ends_on, row.status,
                                           row.hours.normalize()) for row in _all(Leave, self.name)}  # fmt: skip

    def answer(self, asked: Asked) -> Reply:
        found = sorted(self.since(asked.query.get("since")), key=self.at)
        start = int(asked.query.get("cursor") or 0)
        page = found[start : start + self.size]
        more = start + len(page)
        return Reply({"items": page, "next": str(more) if more < len(found) else None})

    def rows_in(self, body: Any) -> list[Any]:
        return list(body["items"])


class Statements(Feed):
    """Online study, from a learning record store."""

    kind, stream, at_field = "xapi", "online-study", "stored"
    renamed, with_nul = ("actor", "agent"), ("timestamp", "2026\x00")

    def options(self) -> dict[str, Any]:
        return {}

    def row(self, number: int, at: datetime) -> Row:
        text = f"00000000-0000-4000-8000-{number:012}"
        return statement(number, id=text, stored=stamp(at), timestamp="2026-04-30T08:00:00Z", context={},
                         result={"duration": f"PT{number % 50 + 1}M"})  # fmt: skip

    def values(self, row: Row) -> Values:
        return (row["actor"]["account"]["name"], row["object"]["id"], Decimal(row["result"]["duration"][2:-1]).normalize(),
                datetime.fromisoformat(row["timestamp"]), False)  # fmt: skip

    def stored(self) -> dict[str, Values]:
        return {row.id.partition(":")[2]: (row.student_number, row.activity, row.minutes.normalize(), row.at, row.voided)
                for row in _all(OnlineStudy, self.name)}  # fmt: skip

    def answer(self, asked: Asked) -> Reply:
        since = asked.query.get("since")
        found = sorted(self.since(since), key=self.at)
        start = int(asked.query.get("after") or 0)
        page = found[start : start + self.size]
        end = start + len(page)
        more = f"/xAPI/statements?after={end}" + (f"&since={since}" if since else "")
        return Reply({"statements": page, "more": more if end < len(found) else ""})

    def rows_in(self, body: Any) -> list[Any]:
        return list(body["statements"])


class Registers(Feed):
    """Sessions and their registers, from a Moodle: four questions, and no page."""

    kind, stream, at_field = "moodle", "attendance", ""
    renamed, with_nul = ("sessdate", "date"), ("sessdate", "1\x00")
    failing: ClassVar[Any] = {"exception": "moodle_exception", "errorcode": "sitemaintenance"}
    pages = 4

    def options(self) -> dict[str, Any]:
        return {}

    def seed(self) -> None:
        _teach(self.name)

    def row(self, number: int, at: datetime) -> Row:
        return session(number, sessdate=int(at.timestamp()), duration=60 * (45 + number),
                       statuses=[{"id": 1, "acronym": "PLEA"[number % 4]}])  # fmt: skip

    def at(self, row: Row) -> datetime:
        return START  # this wire has no time of change

    def values(self, row: Row) -> Values:
        meaning = {"P": "present", "L": "late", "E": "excused", "A": "absent"}[row["statuses"][0]["acronym"]]
        return datetime.fromtimestamp(row["sessdate"], UTC), row["duration"] // 60, True, "2023000000001", meaning

    def stored(self) -> dict[str, Values]:
        with unit_of_work() as database:
            mine = col(Attendance.session_id).startswith(f"{self.name}:")
            lines = {one.session_id: one for one in database.exec(select(Attendance).where(mine)).all()}
        found = [(row, lines.get(row.id)) for row in _all(Session, self.name)]
        return {row.id.partition(":")[2]: (row.starts_at, row.minutes, row.closed, line and line.student_number,
                                           line and line.meaning) for row, line in found}  # fmt: skip

    def answer(self, asked: Asked) -> Reply:
        return Reply(moodle(asked, self.stream, self.rows))

    def rows_in(self, body: Any) -> list[Any]:
        return list(body) if isinstance(body, list) and body and "sessdate" in body[0] else []


FEEDS: dict[str, type[Feed]] = {
    "results": Results, "people": People, "scim": Users, "scim-cursor": CursorUsers, "partner": Leaves, "xapi": Statements,
    "moodle": Registers,
}  # fmt: skip


def _teach(name: str) -> None:
    """A class of this source in a term that runs, and the enterprise it is for."""
    term = Term(id=f"{name}:t1", connection=name, source_id="t1", title="春", starts_on=date(2026, 3, 1),
                ends_on=date(2026, 7, 10))  # fmt: skip
    course = Course(id=f"{name}:c1", connection=name, source_id="c1", code="M01", title="机械制图")
    section = ClassSection(id=f"{name}:k1", connection=name, source_id=f"{name}-k1", code="k1", title="机械制图 1 班",
                           course_id=course.id, term_id=term.id)  # fmt: skip
    write(Organisation(code=ENTERPRISE, name="某厂"))
    write(term, course)
    write(section)


def _worker_id(resident_id: str) -> str:
    return make_id("W", keyring().match_hash("resident-id", normalise(resident_id)))


def _worker(resident_id: str) -> Worker:
    return Worker(id=_worker_id(resident_id), name="周一", sex="male", birth_on=date(1990, 1, 1), resident_id=resident_id,
                  resident_id_hash=keyring().match_hash("resident-id", normalise(resident_id)),
                  resident_id_masked="3202**********101X")  # fmt: skip
