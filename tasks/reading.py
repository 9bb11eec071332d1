"""One reading of one stream: pages are fetched ahead, gathered into batches and written, the last one with the cursor.

Belongs here: where a reading begins, its batches, its cursor, its doubts and its account. Does not: which streams are
read and when (sync.py), what becomes of a record (gate.py), or any protocol (connectors).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Any, TypeVar

from sqlmodel import Session

from connectors.base import Connection, Connector
from connectors.bulk import Versions
from connectors.database import alone, can_be_read_again
from connectors.errors import OutsideError
from models.clock import SHANGHAI, business_date, now
from models.records import Page
from models.repositories.common import add_missing
from models.repositories.documents import read_before, remember
from models.repositories.operations import held_back
from models.repositories.teaching import classes_running
from models.rules.reading import LEAST_TAKEN_BACK, Doubts, reads_whole, too_much_broken, too_much_taken_back
from models.tables.operations import SyncCursor
from tasks.errors import Held
from tasks.gate import HUNG_ON, Counts, Taken, rows_ahead, take
from tasks.gates.suites import GateBroken
from tasks.holding import can_be_taken_again, is_spoilt, let_go, record_of
from tasks.office import office, unit_of_work
from tasks.points import reached
from tasks.progress import tell
from tasks.removal import Answered, stood_before, take_away_left, take_away_missing
from tasks.sifting import newest_stamp
from tasks.source import Source
from tasks.streams import CLASS_SCOPED, NO_SINCE

OVERLAP = timedelta(minutes=10)
BATCH_ROWS = 16_000
Report = dict[str, Any]
R = TypeVar("R")


@dataclass(frozen=True)
class Turns:
    """Who may work at once: so many connections are read side by side, and so many write."""

    reading: asyncio.Semaphore
    writing: asyncio.Semaphore

    async def write(self, work: Callable[..., R], *args: Any) -> R:
        """Do a piece of work with the database in a thread of its own, when it is our turn."""
        async with self.writing:
            return await asyncio.to_thread(work, *args)


@dataclass
class Start:
    """Where a reading begins: from which instant (None: from the beginning) and for which classes."""

    since: datetime | None
    scope: dict[str, Any]
    released: bool


@dataclass
class Reading:
    """One reading of one stream: where it began, what became of its records, how far it has come."""

    connection: Connection
    stream: str
    today: date
    turns: Turns
    full: bool = False
    counts: Counts = field(default_factory=Counts)
    newest: datetime | None = None
    began_at: datetime | None = None
    doubts: Doubts | None = None  # None: a person has released the stream
    answered: Answered = field(default_factory=Answered)
    broken: set[str] = field(default_factory=set)  # the source's ids, where all is read
    newly_broken: int = 0
    spoilt: bool = False  # whether a row came in a way that only the source can mend
    whole: bool = False

    async def run(self, connector: Connector) -> None:
        """Read to the end; what was read until it fails is written, without its cursor.

        Raises Transient or Permanent, and Held with a sentence for a coordinator when what was read is doubted.
        """
        try:
            await self._read(connector, await self.turns.write(self._start, connector))
        except (Held, GateBroken) as doubt:
            sentence = self._held_sentence(doubt)
            await self.turns.write(self._keep_held, sentence)
            raise Held(sentence) from doubt

    def account(self) -> Report:
        """What became of the records read so far, and how far the cursor has come."""
        return {**asdict(self.counts), "cursor": self.newest.isoformat() if self.newest else None}

    async def _read(self, connector: Connector, start: Start) -> None:
        rest = Batch()
        pages = connector.read(self.stream, start.since, **start.scope)
        async with aclosing(fetch_ahead(self.connection.name, pages)) as ahead:
            async for batch in ahead:
                tell(f"{self.connection.name} {self.stream}", self.counts.read + len(batch.rows))
                if batch.document is not None:
                    broken = await self.turns.write(self._commit_document, batch, batch.document)
                    await connector.report_back(batch.document, broken)
                elif batch.last:
                    rest = batch
                else:
                    await self.turns.write(self._commit_batch, batch)
        await self.turns.write(self._finish, rest)

    def _start(self, connector: Connector) -> Start:
        """Take again what was held back; give where to read from: the cursor less the overlap, or the beginning."""
        with unit_of_work() as session:
            retry_held_back(session, self.connection, self.today, self.stream)
            reached("retried")
            cursor = session.get(SyncCursor, (self.connection.name, self.stream))
            start = Start(None, self._scope(session, connector), cursor is not None and cursor.status == "released")
        reached("retry-committed")
        self.newest = self.began_at = cursor.cursor if cursor is not None else None
        self.doubts = None if start.released else office().settings.doubts
        due = self.full or reads_whole(self.today, cursor.whole_on if cursor is not None else None)
        self.whole = due or self.newest is None or self.stream in NO_SINCE
        start.since = None if self.whole or self.newest is None else self.newest - OVERLAP
        self.whole = self.whole and not connector.reads_documents
        return start

    def _scope(self, session: Session, connector: Connector) -> dict[str, Any]:
        if connector.reads_documents:
            return {"read_before": frozenset() if self.full else read_before(session, self.connection.name)}
        return {"classes": self._classes(session)} if self.stream in CLASS_SCOPED else {}

    def _classes(self, session: Session) -> list[str]:
        """The classes to ask for: those its own school reports, or all where it is no school's."""
        own = {one.name for one in office().settings.connections if one.organisation == self.connection.organisation}
        return classes_running(session, self.today, reported_by=own) or classes_running(session, self.today)

    def _commit_batch(self, batch: "Batch") -> None:
        with unit_of_work() as session:
            self._take(session, batch)
        reached("batch-committed")

    def _take(self, session: Session, batch: "Batch") -> Taken:
        """Write one batch. Raises Held.

        Another process may read the same source at this moment: one of the two writes a row, the other finds it.
        """
        alone(session, self.connection.name)
        can_be_read_again(session)
        source = source_of(session, self.connection, self.today)
        taken = take(source, self.stream, batch.rows, batch.made)
        self._doubt(source, taken)
        self.counts.add(taken.counts)
        self.newly_broken += len(taken.newly_broken)
        self.spoilt = self.spoilt or any(map(is_spoilt, taken.newly_broken))
        self.newest = later_of(self.newest, newest_stamp(batch.rows, self._reach(source.latest)))
        if self.whole:
            self.answered.add(taken.answered, len(taken.broken))
            self.answered.add_unread(source, taken.unread)
            self.broken.update(taken.broken)
        return taken

    def _reach(self, latest: datetime) -> datetime:
        """How far a cursor may come: a stamp ahead of our clock is believed, but what changes until then is asked for.

        The clock of a day to come is the source's own.
        """
        return latest if self.today > business_date() else min(latest, now())

    def _doubt(self, source: Source, taken: Taken) -> None:
        """Doubt a batch, or all that was read so far, when too much of it breaks a rule that was not broken before.

        Doubted as well is a source that deletes much of what it had.
        """
        if self.doubts is None:
            return
        for read, broken in (
            (taken.counts.read, len(taken.newly_broken)),
            (self.counts.read + taken.counts.read, self.newly_broken + len(taken.newly_broken)),
        ):
            if too_much_broken(read, broken, self.doubts):
                raise Held(f"{broken} of {read} rows break a rule")
        removed = self.counts.removed + taken.counts.removed
        if taken.counts.removed and removed >= LEAST_TAKEN_BACK:
            stood = stood_before(source, self.stream, removed)
            if too_much_taken_back(stood, removed, self.doubts):
                raise Held(f"{removed} of its {stood} rows are deleted there")

    def _finish(self, batch: "Batch") -> None:
        """Write the last batch, take away what the source no longer has, and write the cursor: all or nothing."""
        before = replace(self.counts)
        try:
            with unit_of_work() as session:
                self._take(session, batch)
                if self.whole and not self._is_overtaken(session):
                    self._take_away(session)
                self._keep_cursor(session)
                reached("cursor-written")
        except Held:  # nothing of it stands
            self.counts = before
            raise
        reached("stream-committed")

    def _is_overtaken(self, session: Session) -> bool:
        """Whether another process has come further meanwhile: what this one was not answered may be what that one wrote."""
        return self._cursor(session).cursor != self.began_at

    def _take_away(self, session: Session) -> None:
        session.flush()
        source = source_of(session, self.connection, self.today)
        asked = classes = None
        if self.stream in CLASS_SCOPED:
            asked = set(self._classes(session)) - self.answered.unsure
            classes = {one for each in asked if (one := source.class_of(each)) is not None}
        let_go(source, self.stream, self.broken, asked)
        gone = take_away_missing(source, self.stream, self.answered, self.doubts, classes)
        self.counts.read, self.counts.removed = self.counts.read + gone, self.counts.removed + gone
        reached("removed")

    def _cursor(self, session: Session) -> SyncCursor:
        return add_missing(session, SyncCursor(connection=self.connection.name, stream=self.stream, read_on=self.today))

    def _keep_cursor(self, session: Session) -> None:
        cursor = self._cursor(session)
        self.newest = later_of(cursor.cursor, self.newest)  # another process may have come further meanwhile
        cursor.cursor, cursor.read_on, cursor.status, cursor.reason = self.newest, self.today, "ok", ""
        if self.whole and not self.answered.left:
            cursor.whole_on = self.today
        if self.spoilt:
            cursor.whole_on = None  # the cursor has passed what was spoilt: the next night asks for all of it again

    def take_away_left(self) -> int:
        """Remove at the end of the night what others hung on until then; give how many rows.

        Only now has the stream been read as a whole: a night that ends before this reads it so again.
        """
        with unit_of_work() as session:
            alone(session, self.connection.name)
            gone = take_away_left(session, self.answered)
            self._cursor(session).whole_on = None if self.spoilt else self.today
        self.counts.read, self.counts.removed = self.counts.read + gone, self.counts.removed + gone
        return gone

    def _keep_held(self, reason: str) -> None:
        """Note that the stream is held: its cursor stays where it was."""
        with unit_of_work() as session:
            alone(session, self.connection.name)
            cursor = self._cursor(session)
            cursor.status, cursor.reason = "held", reason
            self.newest = cursor.cursor

    def _held_sentence(self, doubt: Exception) -> str:
        return (f"{self.connection.name}: {self.stream} is held, since {doubt}: ask its school or enterprise, or let it "
                f"pass with yuanmeng sync --connection {self.connection.name} --release {self.stream} --reason REASON")  # fmt: skip

    def _commit_document(self, batch: "Batch", document: str) -> dict[str, str]:
        with unit_of_work() as session:
            taken = self._take(session, batch)
            remember(session, self.connection.name, document, "", self.today)
        reached("batch-committed")
        return taken.broken


@dataclass
class Batch:
    """Rows to be written together: those of one document, or of as many pages as make a batch; or the last of all."""

    rows: list[Any] = field(default_factory=list)
    document: str | None = None
    last: bool = False
    made: Versions | None = None  # the rows that the records become, where they could be made ahead


async def batches(pages: AsyncIterator[Page[Any]]) -> AsyncGenerator[Batch, None]:
    """Gather pages into batches; what came before a failure is given, and then the failure is raised."""
    batch = Batch()
    try:
        async for page in pages:
            if page.document is not None:
                yield Batch(list(page.rows), page.document)
                continue
            if len(batch.rows) >= BATCH_ROWS:
                yield batch
                batch = Batch()
            batch.rows += page.rows
    except OutsideError:
        if batch.rows:  # worth keeping; how far it goes is not known
            yield batch
        raise
    batch.last = True
    yield batch


async def fetch_ahead(connection: str, pages: AsyncIterator[Page[Any]]) -> AsyncGenerator[Batch, None]:
    """Give batches while the next one is being fetched, no more than that; to be closed, or it fetches on."""
    waiting: asyncio.Queue[Batch | Exception | None] = asyncio.Queue(1)

    async def fetch() -> None:
        try:
            async with aclosing(batches(pages)) as gathered:
                async for batch in gathered:
                    batch.made = rows_ahead(connection, batch.rows)
                    await waiting.put(batch)
            await waiting.put(None)
        except Exception as failure:  # noqa: BLE001  (raised where it is awaited; being cancelled is none)
            await waiting.put(failure)
        finally:
            if isinstance(pages, AsyncGenerator):
                await pages.aclose()

    fetching = asyncio.create_task(fetch())
    try:
        while (batch := await waiting.get()) is not None:
            if isinstance(batch, Exception):
                raise batch
            yield batch
    finally:
        fetching.cancel()
        await asyncio.gather(fetching, return_exceptions=True)


def later_of(one: datetime | None, other: datetime | None) -> datetime | None:
    """Give the later of two instants; None is before any."""
    return max((stamp for stamp in (one, other) if stamp is not None), default=None)


def source_of(session: Session, connection: Connection, today: date) -> Source:
    """Give the source of a batch; a timestamp beyond tomorrow is not believed."""
    latest = datetime.combine(today + timedelta(days=1), clock_time.max, SHANGHAI)
    return Source(connection.name, session, connection.organisation, today, latest)


def take_away_freed(connection: Connection, today: date, streams: Sequence[str]) -> None:
    """Take again what its source deleted while others hung on it: those may have gone later in the same night."""
    with suppress(GateBroken), unit_of_work() as session:
        for stream in reversed(streams):
            retry_held_back(session, connection, today, stream, HUNG_ON)


def retry_held_back(
    session: Session, connection: Connection, today: date, stream: str | None = None, rule: str = ""
) -> int:
    """Take the quarantined rows of a connection (of one stream, that broke one rule) again; give how many are cured."""
    alone(session, connection.name)
    streams: dict[str, list[Any]] = {}
    for row in held_back(session, connection.name, stream):
        if can_be_taken_again(row) and rule in ("", *row.rules.split(",")) and (record := record_of(row)) is not None:
            streams.setdefault(row.stream, []).append(record)
    source = source_of(session, connection, today)
    return sum(len(rows) - take(source, name, rows).counts.quarantined for name, rows in streams.items())
