"""Reading sources: pages of records go through the gate and are written, the last one together with the cursor.

Belongs here: the order of streams, where each begins, its cursor and its account. Does not: any protocol
(connectors), the gate (gate.py) or what a record becomes (mirror.py).
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Any

from sqlmodel import Session

from connectors.base import Connection, Connector
from connectors.database import alone
from connectors.errors import Permanent, Transient
from connectors.registry import open_connector
from models.clock import SHANGHAI, business_date
from models.repositories.common import add_missing
from models.repositories.operations import held_back
from models.repositories.teaching import classes_running
from models.tables.operations import SourceNights, SyncCursor
from tasks.gate import Counts, take_again, take_page
from tasks.office import office, unit_of_work
from tasks.progress import tell
from tasks.source import Source
from tasks.step import step

OVERLAP = timedelta(minutes=10)
CLASS_SCOPED = frozenset({"attendance"})  # asked for class by class
READ_WHOLE = frozenset({"attendance"})  # no "since" on the wire: compared by content
Report = dict[str, Any]


@step(name="sync-connections")
async def sync_connections(names: list[str], as_of: date | None = None, full: bool = False) -> dict[str, Report]:
    """Read these connections side by side; give the account of each, by name."""
    accounts = await asyncio.gather(*(_sync_connection(name, as_of, full) for name in names))
    return dict(zip(names, accounts, strict=True))


async def _sync_connection(name: str, as_of: date | None, full: bool) -> Report:
    """Read every stream of one connection; a failure is told in the report and stops this connection only."""
    connection = next(one for one in office().settings.connections if one.name == name)
    report: Report = {"status": "ok", "reason": "", "streams": {}}
    try:
        async with open_connector(connection) as connector:
            for stream in connector.streams:
                reading = Reading(connection, stream, business_date(as_of), full)
                report["streams"][stream] = await reading.run(connector)
    except (Transient, Permanent) as error:
        report.update(status="failed", reason=str(error))
    keep_night(name, business_date(as_of), read=report["status"] != "failed")
    return report


def keep_night(name: str, today: date, *, read: bool) -> None:
    """Note whether a connection could be read tonight; a night that fails twice is one, a later success undoes it."""
    with unit_of_work() as session:
        alone(session, name)
        nights = add_missing(session, SourceNights(connection=name, tried_on=today))
        if read:
            nights.read_on, nights.failed_nights, nights.failing_since = today, 0, None
        elif nights.read_on != today and (not nights.failed_nights or nights.tried_on < today):
            nights.failed_nights += 1
            nights.failing_since = nights.failing_since or today
        nights.tried_on = max(nights.tried_on, today)


@dataclass
class Reading:
    """One reading of one stream: where it began, what became of its records, how far it has come."""

    connection: Connection
    stream: str
    today: date
    full: bool = False
    counts: Counts = field(default_factory=Counts)
    newest: datetime | None = None

    async def run(self, connector: Connector) -> Report:
        """Read to the end and give the account; a page is written while no other is asked for."""
        began = time.perf_counter()
        since, scope = self._start()
        waiting: Sequence[Any] = ()
        async for page in connector.read(self.stream, since, **scope):
            if waiting:
                self._write(waiting)
            waiting = page.rows
            tell(f"{self.connection.name} {self.stream}", self.counts.read)
        self._write(waiting, last=True)
        cursor = self.newest.isoformat() if self.newest else None
        return {**asdict(self.counts), "cursor": cursor, "seconds": round(time.perf_counter() - began, 3)}

    def _start(self) -> tuple[datetime | None, dict[str, Any]]:
        """Take again what was held back; give where to read from (the cursor less the overlap), and which classes."""
        with unit_of_work() as session:
            retry_held_back(session, self.connection, self.today, self.stream)
            cursor = session.get(SyncCursor, (self.connection.name, self.stream))
            self.newest = cursor.cursor if cursor is not None else None
            scope = {"classes": self._classes(session)} if self.stream in CLASS_SCOPED else {}
        if self.newest is None or self.full or self.stream in READ_WHOLE:
            return None, scope
        return self.newest - OVERLAP, scope

    def _classes(self, session: Session) -> list[str]:
        """The classes to ask for: those its own school reports, or all where it is no school's."""
        own = {one.name for one in office().settings.connections if one.organisation == self.connection.organisation}
        return classes_running(session, self.today, reported_by=own) or classes_running(session, self.today)

    def _write(self, page: Sequence[Any], *, last: bool = False) -> None:
        """Write one page in a transaction of its own; the cursor is written with the last.

        Another process may read the same source at this moment: one of the two writes a row, the other finds it.
        """
        with unit_of_work() as session:
            alone(session, self.connection.name)
            source = _source(session, self.connection, self.today)
            take_page(source, self.stream, page, self.counts)
            self.newest = _newest(self.newest, page, source.latest)
            if last:
                self._keep_cursor(session)

    def _keep_cursor(self, session: Session) -> None:
        row = SyncCursor(connection=self.connection.name, stream=self.stream, read_on=self.today)
        cursor = add_missing(session, row)
        cursor.cursor, cursor.read_on = self.newest, self.today


def _newest(before: datetime | None, page: Sequence[Any], latest: datetime) -> datetime | None:
    """The greatest timestamp of the source so far; one in the future counts for nothing."""
    stamps = [one.changed_at for one in page if one.changed_at is not None and one.changed_at <= latest]
    return max([*stamps, *([before] if before else [])], default=None)


def _source(session: Session, connection: Connection, today: date) -> Source:
    kept_back = {row.id: row for row in held_back(session, connection.name)}
    latest = datetime.combine(today + timedelta(days=1), clock_time.max, SHANGHAI)
    return Source(session, connection.name, connection.organisation, today, latest, held_back=kept_back)


def retry_held_back(session: Session, connection: Connection, today: date, stream: str | None = None) -> int:
    """Take the quarantined rows of a connection (of one of its streams) again; give how many are cured."""
    alone(session, connection.name)
    rows = held_back(session, connection.name, stream)
    if not rows:
        return 0
    source = _source(session, connection, today)
    return sum(take_again(source, row) for row in rows)
