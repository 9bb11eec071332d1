"""One reading of one stream: what is fetched ahead, what a failure leaves, when all is read, and when nothing is believed."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlmodel import select

from connectors.base import Connection, Connector
from connectors.database import NotToBeUsed
from connectors.errors import OutsideError, Permanent, Transient
from models.clock import business_date, now
from models.records import Page
from models.tables.operations import Quarantine, SourceNights, SyncCursor
from models.tables.people import Employment
from models.tables.teaching import ClassSection, Enrolment, Learner, Mark, Term
from models.vault import KeyMissing
from tasks import reading, sync
from tasks.office import unit_of_work
from tasks.shapes import SHAPES
from tasks.streams import CARRIES, NEEDS
from tasks.sync import sync_connections
from tests.fixtures.cohorts import Case, change, rows
from tests.tasks.told import (
    DAY,
    SCHOOL_STREAMS,
    STAMP,
    Told,
    connect,
    document,
    enrolment,
    later,
    learner,
    line_item,
    result,
    section,
    term,
)


@pytest.fixture
def there(bare: Case, monkeypatch: pytest.MonkeyPatch) -> Told:
    """A school that the office reads."""
    told = Told()
    connect(monkeypatch, told)
    return told


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of two rows."""
    monkeypatch.setattr(reading, "BATCH_ROWS", 2)


def fails(**more: Any) -> Transient:
    """The error of a system that is busy."""
    return Transient("there", "read", "is busy", **more)


def cursor(stream: str = "terms") -> SyncCursor:
    """How far a stream was read."""
    return next(one for one in rows(SyncCursor) if one.stream == stream)


# --- batches --------------------------------------------------------------------------------------------------------


async def pages(*given: Any) -> AsyncIterator[Page[Any]]:
    """Give pages; raise what is an error."""
    for one in given:
        if isinstance(one, OutsideError):
            raise one
        yield one if isinstance(one, Page) else Page(one)


async def gathered(found: AsyncIterator[reading.Batch]) -> list[tuple[list[Any], str | None, bool]]:
    """All batches until the end or a failure."""
    got = []
    try:
        async for batch in found:
            got.append((batch.rows, batch.document, batch.last))
    except OutsideError as error:
        got.append(([str(error)], None, False))
    return got


@pytest.mark.usefixtures("small")
def test_pages_are_gathered_into_batches_and_the_last_is_marked() -> None:
    got = asyncio.run(gathered(reading.batches(pages([1], [2], [3], [], [4, 5]))))
    assert got == [([1, 2], None, False), ([3, 4, 5], None, True)]
    assert asyncio.run(gathered(reading.batches(pages()))) == [([], None, True)]


@pytest.mark.usefixtures("small")
def test_what_came_before_a_failure_is_given_and_then_the_failure() -> None:
    got = asyncio.run(gathered(reading.fetch_ahead("there", pages([1, 2], [3], fails()))))
    assert [rows for rows, _, last in got if not last] == [[1, 2], [3], ["there: read: is busy"]]
    assert asyncio.run(gathered(reading.fetch_ahead("there", pages(fails())))) == [
        (["there: read: is busy"], None, False)
    ]


def test_a_document_is_a_batch_of_its_own_and_mixes_with_no_other() -> None:
    got = asyncio.run(gathered(reading.batches(pages([1], Page([2], document="d"), Page([], document="e"), [3]))))
    assert got == [([2], "d", False), ([], "e", False), ([1, 3], None, True)]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("written", [0, 1, 5])
def test_a_slow_writer_lets_two_batches_pile_up_and_no_more(written: int) -> None:
    """One waits, one more is fetched to the end: memory holds three batches with the one that is being written."""
    fetched = 0

    async def endless() -> AsyncIterator[Page[Any]]:
        nonlocal fetched
        while True:
            fetched += 1
            yield Page([fetched, fetched])

    async def write_slowly() -> None:
        ahead = reading.fetch_ahead("there", endless())
        for done in range(1, written + 2):
            await anext(ahead)
            for _ in range(50):
                await asyncio.sleep(0)
            assert done <= fetched <= done + 3
        await ahead.aclose()

    asyncio.run(write_slowly())


@pytest.mark.usefixtures("small")
def test_a_reading_that_is_given_up_fetches_no_more_and_leaves_no_task() -> None:
    """Batches wait in the queue meanwhile: nobody takes them any more."""
    closed = False

    async def endless() -> AsyncIterator[Page[Any]]:
        nonlocal closed
        try:
            while True:
                yield Page([1, 2])
        finally:
            closed = True

    async def give_up() -> int:
        ahead = reading.fetch_ahead("there", endless())
        await anext(ahead)
        for _ in range(50):
            await asyncio.sleep(0)
        await asyncio.wait_for(ahead.aclose(), 5)
        return len(asyncio.all_tasks())

    assert asyncio.run(give_up()) == 1
    assert closed


@pytest.mark.usefixtures("small")
def test_a_held_reading_stops_fetching_before_the_next_stream_begins(
    there: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, there, doubts=reading.Doubts(least_rows=2))
    there.says(terms=[], courses=[])
    there.streams["terms"] = [[term(f"T{n}", starts_on=date(1900, 1, 1)), term(f"U{n}")] for n in range(50)]
    order: list[str] = []
    there.before = order.append
    account = there.read()
    assert account["streams"]["terms"]["status"] == "held"
    assert account["streams"]["courses"]["status"] == "ok"
    assert order == sorted(order, reverse=True)
    assert order.count("terms") <= 6


# --- failures -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("small")
def test_what_came_before_a_failure_is_written_without_a_cursor(there: Told) -> None:
    there.says(terms=[])
    there.streams["terms"] = [[term("T1"), term("T2")], [term("T3", changed_at=later(9))], fails()]
    account = there.read()["streams"]["terms"]
    assert (account["status"], account["read"], account["written"]) == ("failed", 3, 3)
    assert (len(rows(Term)), rows(SyncCursor)) == (3, [])
    there.says(terms=[term("T1"), term("T2"), term("T3", changed_at=later(9)), term("T4")])
    assert there.read()["streams"]["terms"]["written"] == 1
    assert there.asked[-1] == ("terms", None)
    assert cursor().cursor == later(9)


def test_a_failure_takes_nothing_away(there: Told) -> None:
    there.says(terms=[term("T1"), term("T2")])
    there.read()
    there.streams["terms"] = [[term("T1")], fails()]
    assert there.read(full=True)["streams"]["terms"]["removed"] == 0
    assert len(rows(Term)) == 2
    assert cursor().whole_on == DAY


def test_a_stream_that_needs_a_failed_one_is_not_read_and_the_others_are(there: Told) -> None:
    there.says(**SCHOOL_STREAMS)
    there.streams["courses"] = [fails()]
    account = there.read()
    statuses = {name: one["status"] for name, one in account["streams"].items()}
    assert statuses == {
        "terms": "ok", "courses": "failed", "classes": "failed", "people": "ok", "enrolments": "failed",
        "line-items": "failed", "results": "failed",
    }  # fmt: skip
    assert account["streams"]["classes"]["reason"] == "there: classes was not read, because it needs courses"
    assert account["streams"]["results"]["reason"] == "there: results was not read, because it needs line-items"
    assert [stream for stream, _ in there.asked] == ["terms", "courses", "people"]
    assert (account["status"], len(rows(Learner)), rows(ClassSection)) == ("failed", 1, [])
    assert "courses" in account["reason"] or "is busy" in account["reason"]


def test_a_stream_that_needs_a_held_one_is_not_read_either(there: Told) -> None:
    there.says(**SCHOOL_STREAMS)
    there.read()
    there.streams["people"] = [[]]
    account = there.read(full=True)
    assert account["streams"]["people"]["status"] == "held"
    assert account["streams"]["enrolments"]["reason"] == "there: enrolments was not read, because it needs people"
    assert account["streams"]["results"]["reason"] == "there: results was not read, because it needs people"
    assert len(rows(Mark)) == 1


def test_a_stream_needs_every_other_one_that_its_rows_refer_to() -> None:
    """Of the tables that a stream's rows refer to, all are written by itself, or by streams that it needs."""
    stream_of = {SHAPES[kind].table: stream for stream, kinds in CARRIES.items() for kind in kinds if kind in SHAPES}
    for kind, shape in SHAPES.items():
        own = stream_of[shape.table]
        assert {stream_of[table] for _, table in shape.references} - {own} == set(NEEDS.get(own, ())), kind


def test_a_dead_system_is_asked_for_nothing_more_and_another_is(bare: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, well = Told(name="dead"), Told(name="well")
    connect(monkeypatch, dead, well)
    dead.says(**SCHOOL_STREAMS)
    well.says(terms=[term()])
    dead.streams["terms"] = [Permanent("dead", "log in", "is not let in", dead=True)]
    account = asyncio.run(sync_connections(["dead", "well"], DAY))
    assert [stream for stream, _ in dead.asked] == ["terms"]
    assert (account["dead"]["status"], account["well"]["status"]) == ("failed", "ok")
    assert list(account["dead"]["streams"]) == ["terms"]
    assert [one.id for one in rows(Term)] == ["well:T1"]


def breaks(error: Exception) -> Callable[[str], None]:
    """What a source does that raises an error when its terms are asked for."""

    def before(stream: str) -> None:
        if stream == "terms":
            raise error

    return before


NOBODY_EXPECTED = [TypeError("320214199102102177"), OSError(75, "too large"), IntegrityError("x", {}, Exception())]


@pytest.mark.parametrize("error", NOBODY_EXPECTED, ids=["type", "system", "database"])
def test_an_error_that_nobody_expected_ends_its_own_stream_alone(
    bare: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    broken, well = Told(name="broken", before=breaks(error)), Told(name="well")
    connect(monkeypatch, broken, well)
    broken.says(**SCHOOL_STREAMS)
    well.says(terms=[term()])
    account = asyncio.run(sync_connections(["broken", "well"], DAY))
    assert (account["broken"]["status"], account["well"]["status"]) == ("failed", "ok")
    told = account["broken"]["streams"]
    assert [name for name, one in told.items() if one["status"] == "ok"] == ["courses", "people"]
    assert re.fullmatch(
        f"broken: terms: something went wrong that nobody expected \\({type(error).__name__} in before, line [0-9]+ of "
        r"test_reading\.py\): tell whoever looks after Yuanmeng", told["terms"]["reason"]
    )  # fmt: skip
    assert {one.connection: one.failed_nights for one in rows(SourceNights)} == {"broken": 1, "well": 0}
    assert "broken: terms: an error" in caplog.text and "320214" not in caplog.text


def test_an_error_that_nobody_expected_before_any_stream_ends_its_connection_alone(
    bare: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, well = Told(name="broken"), Told(name="well")
    connect(monkeypatch, broken, well)
    well.says(terms=[term()])
    opened = sync.open_connector
    monkeypatch.setattr(sync, "open_connector", lambda one: opened(one) if one.name == "well" else 1 // 0)
    account = asyncio.run(sync_connections(["broken", "well"], DAY))
    assert (account["broken"]["status"], account["well"]["status"]) == ("failed", "ok")
    assert "nobody expected (ZeroDivisionError in" in account["broken"]["reason"]


OF_ALL = [OperationalError("x", {}, Exception("database is locked")), ProgrammingError("x", {}, Exception("no such table")),
          KeyMissing("x"), NotToBeUsed("x")]  # fmt: skip


@pytest.mark.parametrize("error", OF_ALL, ids=lambda error: type(error).__name__)
def test_an_error_of_the_database_or_the_keys_is_one_of_all_connections(there: Told, error: Exception) -> None:
    """The step is tried again, or a person is told what to do: it is no failure of the source."""
    there.before = breaks(error)
    there.says(terms=[term()])
    with pytest.raises(type(error)):
        there.read()


def test_what_a_reading_costs_is_in_its_account(there: Told) -> None:
    there.says(terms=[], courses=[])
    there.streams["terms"] = [[term("T1")], [term("T2")], [term("T3")]]
    account = there.read()["streams"]
    assert (account["terms"]["requests"], account["terms"]["bytes"], account["terms"]["retries"]) == (3, 300, 0)
    assert (account["courses"]["requests"], account["courses"]["bytes"]) == (1, 100)
    assert account["terms"]["seconds"] >= 0


@pytest.mark.parametrize("most", [1, 2])
def test_no_more_connections_are_read_at_once_than_the_settings_say(
    bare: Case, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    sources = [Told(name=f"s{place}") for place in range(5)]
    connect(monkeypatch, *sources, connections_at_once=most)
    inside, seen = set[str](), [0]
    for one in sources:
        one.says(terms=[term()], courses=[])

    class Watched:
        def __init__(self, connector: Any) -> None:
            self.connector = connector

        async def __aenter__(self) -> Any:
            inside.add(self.connector.connection.name)
            seen.append(len(inside))
            return self.connector

        async def __aexit__(self, *_: Any) -> None:
            inside.discard(self.connector.connection.name)

    opened = sync.open_connector
    monkeypatch.setattr(sync, "open_connector", lambda one: Watched(opened(one)))
    account = asyncio.run(sync_connections([one.name for one in sources], DAY))
    assert {one["status"] for one in account.values()} == {"ok"}
    assert max(seen) == most


# --- the cursor, and when all is read ---------------------------------------------------------------------------------


def test_a_stamp_ahead_of_the_clock_is_believed_and_does_not_move_the_cursor(there: Told) -> None:
    """Or what changes until that instant would not be asked for."""
    present, today, hour = now(), business_date(), timedelta(hours=1)
    there.says(terms=[term("T1", changed_at=present - hour), term("T2", changed_at=present + 20 * hour)])
    assert there.read(today)["streams"]["terms"]["written"] == 2
    there.says(terms=[term("T3", changed_at=present)])
    there.read(today)
    assert there.asked[-1][1] == present - hour - timedelta(minutes=10)
    assert cursor().cursor == present


def test_a_day_to_come_has_a_clock_of_its_own(there: Told) -> None:
    """A rehearsal of next month reads a source of next month."""
    day = business_date() + timedelta(30)
    stamp = now() + timedelta(30)
    there.says(terms=[term("T1", changed_at=stamp)])
    there.read(day)
    assert cursor().cursor == stamp


def test_all_is_read_on_the_seventh_day_and_not_before(there: Told) -> None:
    there.says(terms=[term()])
    for after in (0, 1, 6, 7, 8, 13, 14):
        there.read(DAY + timedelta(after))
    since = STAMP - timedelta(minutes=10)
    assert [asked for _, asked in there.asked] == [None, since, since, None, since, since, None]
    assert cursor().whole_on == DAY + timedelta(14)


def test_a_reading_that_is_not_whole_takes_nothing_away(there: Told) -> None:
    there.says(terms=[term(f"T{n}") for n in range(20)])
    there.read()
    there.says(terms=[term("T1")])
    account = there.read(DAY + timedelta(6))
    assert (account["status"], account["streams"]["terms"]["removed"]) == ("ok", 0)
    there.says(terms=[])
    there.streams["terms"] = [[]]
    assert there.read(DAY + timedelta(6))["status"] == "ok"
    there.says(terms=[term(f"T{n}") for n in range(19)])
    assert there.read(DAY + timedelta(7))["streams"]["terms"]["removed"] == 1


def test_the_cursor_never_goes_back(there: Told) -> None:
    there.says(terms=[term(changed_at=later(60))])
    there.read()
    there.says(terms=[term(), term("T2", changed_at=later(5))])
    account = there.read()["streams"]["terms"]
    assert (account["cursor"], account["unchanged"], account["written"]) == (later(60).isoformat(), 1, 1)
    assert cursor().cursor == later(60)
    there.read(full=True)
    assert cursor().cursor == later(60)


def test_the_cursor_does_not_go_back_when_an_earlier_day_is_read_again(there: Told) -> None:
    """What was believed on a later day is not unsaid by a night that is told an earlier one."""
    there.says(terms=[term(changed_at=later(60))])
    there.read()
    there.says(terms=[term("T2", changed_at=STAMP - timedelta(days=30))])
    there.read(DAY - timedelta(9))
    assert cursor().cursor == later(60)


def test_the_cursor_of_one_who_came_further_meanwhile_stays(there: Told) -> None:
    """Another process read the same source: what it wrote is there, so its cursor holds."""
    there.says(terms=[term()])
    there.read()

    def another(stream: str) -> None:
        change(SyncCursor, ("there", "terms"), cursor=later(500))

    there.before = another
    assert there.read()["streams"]["terms"]["cursor"] == later(500).isoformat()
    assert cursor().cursor == later(500)


def test_a_timestamp_of_the_day_after_tomorrow_is_no_cursor_and_one_of_tomorrow_is(there: Told) -> None:
    tomorrow = datetime(2026, 6, 2, 15, 59, tzinfo=UTC)
    there.says(terms=[term(changed_at=tomorrow), term("T2", changed_at=tomorrow + timedelta(minutes=2))])
    account = there.read()["streams"]["terms"]
    assert (account["written"], account["quarantined"]) == (1, 1)
    assert cursor().cursor == tomorrow


def test_what_leaves_at_the_end_of_the_calendar_is_held_like_any_other_future(there: Told) -> None:
    from tests.tasks.told import LAST_INSTANT, employment

    there.says(employment=[employment("H1", active=False, changed_at=datetime(9999, 12, 31, 23, tzinfo=UTC)),
                           employment("H2", active=False, changed_at=LAST_INSTANT)])  # fmt: skip
    account = there.read()
    assert account["streams"]["employment"]["quarantined"] == 2
    assert (rows(Employment), cursor("employment").cursor) == ([], None)
    assert there.read()["streams"]["employment"]["quarantined"] == 2


def test_two_rows_and_a_mark_with_more_places_than_are_kept_cost_no_second_write(there: Told) -> None:
    from decimal import Decimal

    there.says(**{**SCHOOL_STREAMS, "results": [result(score=Decimal("59.9985")), result("R2", score=Decimal("80"))]})
    there.read()
    assert {one.id: one.score for one in rows(Mark)} == {"there:R1": Decimal("59.998"), "there:R2": Decimal("80.000")}
    there.says(**{**SCHOOL_STREAMS, "results": [result(score=Decimal("59.9985")), result("R2", score=Decimal("80.0"))]})
    assert there.read(full=True)["streams"]["results"]["unchanged"] == 2


def test_a_document_that_its_source_takes_back_changes_no_worker(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number that replaced it stays."""
    from models.tables.people import Worker

    told = Told()
    connect(monkeypatch, told)
    person = case.people[0].worker_id
    number = next(one.resident_id for one in rows(Worker) if one.id == person)
    told.says(documents=[document("D1", resident_id=number, value="13911112222"),
                         document("D2", resident_id=number, value="13911113333", changed_at=later(1))])  # fmt: skip
    told.read()
    told.says(documents=[document("D1", resident_id=number, value="13911112222", changed_at=later(9), removed=True)])
    assert told.read()["streams"]["documents"]["removed"] == 1
    with unit_of_work() as session:
        worker = session.exec(select(Worker).where(Worker.id == person)).one()
        assert worker.mobile == "13911113333"


def test_rows_that_come_a_night_before_what_they_refer_to_pass_when_it_is_there(there: Told) -> None:
    there.says(**{**SCHOOL_STREAMS, "people": [], "enrolments": [enrolment()], "line_items": [line_item()]})
    account = there.read()["streams"]
    assert (account["enrolments"]["quarantined"], account["results"]["quarantined"]) == (1, 1)
    assert (rows(Enrolment), rows(Mark)) == ([], [])
    there.says(**{**SCHOOL_STREAMS, "people": [learner()], "enrolments": [], "results": [], "classes": [section()]})
    account = there.read()
    assert {one["status"] for one in account["streams"].values()} == {"ok"}
    assert (len(rows(Enrolment)), len(rows(Mark))) == (1, 1)
    assert [one.cured_on for one in rows(Quarantine)] == [DAY, DAY]


# --- documents --------------------------------------------------------------------------------------------------------


@dataclass
class Folder:
    """A drop folder: files with the terms that stand in them, and what was written beside them."""

    files: dict[str, list[Any]]
    beside: dict[str, dict[str, str]] = field(default_factory=dict)
    read_before: list[frozenset[str]] = field(default_factory=list)
    fails: bool = False


class FolderConnector(Connector):
    """Gives each file once."""

    streams = ("terms",)
    reads_documents = True

    def __init__(self, connection: Connection, folder: Folder) -> None:
        """Open a folder."""
        super().__init__(connection)
        self.folder = folder

    async def read(self, stream: str, since: datetime | None = None, **scope: Any) -> AsyncIterator[Page[Any]]:
        """Give the files that were not read."""
        self.folder.read_before.append(scope["read_before"])
        for name, found in self.folder.files.items():
            if name not in scope["read_before"]:
                yield Page(found, document=name)
        if self.folder.fails:
            raise fails()

    async def report_back(self, document: str, broken: Mapping[str, str]) -> None:
        """Write what is wrong beside the file."""
        self.folder.beside[document] = dict(broken)


@pytest.fixture
def folder(there: Told, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A drop folder that the office reads."""
    made = Folder({"d1": [term("T1"), term("B1", starts_on=date(1900, 1, 1))], "d2": [term("T2")], "d3": []})
    monkeypatch.setattr("tasks.sync.open_connector", lambda one: FolderConnector(one, made))
    return made


def test_each_file_is_read_once_and_told_what_is_wrong_in_it(there: Told, folder: Folder) -> None:
    account = there.read()["streams"]["terms"]
    assert (account["written"], account["quarantined"]) == (2, 1)
    assert folder.beside == {"d1": {"B1": "date-out-of-range"}, "d2": {}, "d3": {}}
    folder.beside.clear()
    assert there.read()["streams"]["terms"]["read"] == 0
    assert (folder.beside, folder.read_before) == ({}, [frozenset(), frozenset({"d1", "d2", "d3"})])
    assert there.read(full=True)["streams"]["terms"]["written"] == 0
    assert folder.read_before[-1] == frozenset()


def test_a_folder_without_new_files_takes_nothing_away_and_is_no_doubt(there: Told, folder: Folder) -> None:
    there.read()
    folder.files = {}
    account = there.read(DAY + timedelta(7), full=True)
    assert (account["status"], account["streams"]["terms"]["removed"], len(rows(Term))) == ("ok", 0, 2)
    assert [one.cured_on for one in rows(Quarantine)] == [None]


def test_files_that_were_taken_before_a_failure_are_not_read_again(there: Told, folder: Folder) -> None:
    folder.fails = True
    assert there.read()["status"] == "failed"
    folder.fails = False
    folder.files["d4"] = [term("T4")]
    there.read()
    assert folder.read_before[1] == {"d1", "d2", "d3"}
    assert len(rows(Term)) == 3
    assert cursor().cursor == STAMP


def test_a_file_that_is_held_is_not_remembered(there: Told, folder: Folder) -> None:
    folder.files = {"d1": [term(f"B{n}", starts_on=date(1900, 1, 1)) for n in range(200)]}
    assert there.read()["status"] == "held"
    assert (folder.beside, rows(Term), rows(Quarantine)) == ({}, [], [])
    folder.files["d1"] = [term(f"B{n}") for n in range(200)]
    assert there.read()["streams"]["terms"]["written"] == 200
    assert folder.read_before == [frozenset(), frozenset()]
