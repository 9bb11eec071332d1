"""A source in memory: a connector that gives the records a test prepared, so that nothing but the core is tested.

Belongs here: the source, and reading it. Does not: any protocol (tests/connectors), or what should become of a record.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from connectors.base import Connection, Connector
from connectors.errors import OutsideError
from models import records
from models.records import Page
from tasks.office import Office, office, use_office
from tasks.sync import sync_connections
from tests.fixtures.cohorts import OTHER_ENTERPRISE

DAY = date(2026, 6, 1)
STAMP = datetime(2026, 5, 30, 8, tzinfo=UTC)
SCHOOL = OTHER_ENTERPRISE
SHANGHAI = timezone(timedelta(hours=8))
LAST_INSTANT = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone(timedelta(hours=-8)))  # no instant at all in UTC


def later(minutes: int) -> datetime:
    """Give an instant so many minutes after that of most records."""
    return STAMP + timedelta(minutes=minutes)


@dataclass
class Told:
    """What the source says: pages of records by stream, an error among them where it is to fail."""

    streams: dict[str, list[Sequence[Any] | OutsideError]] = field(default_factory=dict)
    asked: list[tuple[str, datetime | None]] = field(default_factory=list)
    name: str = "there"
    before: Callable[[str], None] = lambda stream: None

    def says(self, **streams: Iterable[Any]) -> None:
        """From now on give these records, a stream's in one page; `_` in a name stands for `-`."""
        self.streams = {name.replace("_", "-"): [list(found)] for name, found in streams.items()}

    def read(self, day: date = DAY, *, full: bool = False) -> dict[str, Any]:
        """Read it as of a day; give the account of its connection, whose sums must be right."""
        account: dict[str, Any] = asyncio.run(sync_connections([self.name], day, full))[self.name]
        for stream in account["streams"].values():
            parts = (stream[part] for part in ("written", "unchanged", "removed", "quarantined"))
            assert stream["read"] == sum(parts), stream
        return account


class TellingConnector(Connector):
    """Gives what was prepared, whatever it is asked from."""

    def __init__(self, connection: Connection, told: Told) -> None:
        """Take what is to be told."""
        super().__init__(connection)
        self.told, self.streams = told, tuple(told.streams)

    async def read(self, stream: str, since: datetime | None = None, **scope: Any) -> AsyncIterator[Page[Any]]:
        """Give the prepared pages; where one is an error, raise it."""
        self.told.asked.append((stream, since))
        for page in self.told.streams[stream]:
            self.told.before(stream)
            self.cost.requests += 1
            self.cost.received += 100
            if isinstance(page, OutsideError):
                raise page
            yield Page(page)


def connect(monkeypatch: pytest.MonkeyPatch, *told: Told, **settings: Any) -> None:
    """Let the office in use read these sources, all of one school, and nothing else."""
    here, by_name = office(), {one.name: one for one in told}
    made = tuple(Connection(name=name, kind="told", organisation=SCHOOL, base_url="http://x") for name in by_name)
    changes = {"connections": made, **settings}
    use_office(Office(here.settings.model_copy(update=changes), here.engine, here.policies))
    monkeypatch.setattr("tasks.sync.open_connector", lambda one: TellingConnector(one, by_name[one.name]))


# --- records -----------------------------------------------------------------------------------------------------


def term(id: str = "T1", **changes: Any) -> records.Term:
    """A term."""
    days = {"starts_on": date(2026, 9, 1), "ends_on": date(2027, 1, 16)}
    return records.Term(**{"source_id": id, "changed_at": STAMP, "title": "one", **days, **changes})


def course(id: str = "K1", **changes: Any) -> records.Course:
    """A course."""
    return records.Course(**{"source_id": id, "changed_at": STAMP, "code": "M01", "title": "K", **changes})


def section(id: str = "C1", **changes: Any) -> records.ClassSection:
    """A class of the course K1 in the term T1."""
    of = {"course_source_id": "K1", "term_source_ids": ("T1",)}
    return records.ClassSection(**{"source_id": id, "changed_at": STAMP, "code": id, "title": id, **of, **changes})


def learner(id: str = "U1", **changes: Any) -> records.Learner:
    """A learner."""
    said = {"student_number": f"2026{id}", "name": "A", "active": True}
    return records.Learner(**{"source_id": id, "changed_at": STAMP, **said, **changes})


def enrolment(id: str = "E1", **changes: Any) -> records.Enrolment:
    """The place of U1 in C1."""
    said = {"class_source_id": "C1", "learner_source_id": "U1", "role": "student", "active": True}
    return records.Enrolment(**{"source_id": id, "changed_at": STAMP, **said, **changes})


def line_item(id: str = "L1", **changes: Any) -> records.LineItem:
    """The final exam of C1."""
    said = {"class_source_id": "C1", "title": "final", "part": "final", "due_on": date(2027, 1, 10)}
    return records.LineItem(**{"source_id": id, "changed_at": STAMP, **said, **changes})


def result(id: str = "R1", **changes: Any) -> records.Result:
    """The mark of U1 in L1."""
    said = {
        "line_item_source_id": "L1",
        "learner_source_id": "U1",
        "score": Decimal(80),
        "score_status": "fully graded",
    }
    return records.Result(**{"source_id": id, "changed_at": STAMP, **said, **changes})


def session(id: str = "S1", **changes: Any) -> records.Session:
    """A session of C1 whose register is closed."""
    said = {"class_source_id": "C1", "starts_at": STAMP, "minutes": 90, "closed": True}
    return records.Session(**{"source_id": id, "changed_at": None, **said, **changes})


def entry(session_id: str = "S1", number: str = "2026U1", **changes: Any) -> records.RegisterEntry:
    """A line of the register of a session."""
    said = {"session_source_id": session_id, "class_source_id": "C1", "student_number": number, "meaning": "present"}
    return records.RegisterEntry(**{"source_id": f"{session_id}:{number}", **said, **changes})


def study(id: str = "O1", **changes: Any) -> records.OnlineStudy:
    """Half an hour of online study in C1."""
    said = {"student_number": "2026U1", "class_source_id": "C1", "activity": "unit", "verb": "completed",
            "minutes": Decimal(30), "at": STAMP}  # fmt: skip
    return records.OnlineStudy(**{"source_id": id, "changed_at": STAMP, **said, **changes})


def employment(id: str = "H1", **changes: Any) -> records.Employment:
    """An employee whom nobody nominated."""
    said = {"employee_number": f"N-{id}", "name": "A", "active": True, "enterprise_code": SCHOOL}
    return records.Employment(**{"source_id": id, "changed_at": STAMP, **said, **changes})


def document(id: str = "D1", **changes: Any) -> records.Document:
    """A document of somebody nobody nominated."""
    said = {"resident_id": "320214199001011014", "kind": "mobile", "value": "13911112222", "as_of": date(2026, 5, 30)}
    return records.Document(**{"source_id": id, "changed_at": STAMP, **said, **changes})


SCHOOL_STREAMS: dict[str, Any] = {
    "terms": [term()], "courses": [course()], "classes": [section()], "people": [learner()],
    "enrolments": [enrolment()], "line_items": [line_item()], "results": [result()],
}  # fmt: skip
