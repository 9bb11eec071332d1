"""Silent sources and held streams: counted by nights that failed, ended by the first that did not."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from connectors.base import Connection
from models.rules.stalls import Stall
from models.tables.operations import SourceNights, SyncCursor
from models.tables.organisations import Organisation
from tasks.office import Office, office, unit_of_work, use_office
from tasks.sync import keep_night, sync_connections
from tasks.watch import sources
from tasks.watch.notes import take_notes
from tests.connectors.script import Reply, Script, Theatre
from tests.fixtures.cohorts import change, one, write

SCHOOL = "12350100000000019K"
DAY = date(2026, 6, 1)


def night(number: int) -> date:
    """The night of this number."""
    return DAY + timedelta(days=number)


def connect(*names: str, url: str = "https://school.example", organisation: str = SCHOOL) -> None:
    """Let the office in use read these connections."""
    here = office()
    auth = {"type": "bearer", "token_env": "YM_TEST_SECRET"}
    made = tuple(Connection(name=name, kind="partner", organisation=organisation, base_url=url, auth=auth,
                            options={"streams": ["consents"]}) for name in names)  # fmt: skip
    use_office(Office(here.settings.model_copy(update={"connections": made}), here.engine, here.policies))


def found(day: date) -> list[Stall]:
    """What the watch finds on a day."""
    with unit_of_work() as session:
        take_notes(session, day)
        return list(sources.find(session, day))


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A system that says what the test prepares."""
    monkeypatch.setenv("YM_TEST_SECRET", "secret")
    theatre = Theatre()
    script = theatre.open()
    yield script
    script.over.set()
    theatre.close()


async def test_a_source_that_fails_three_nights_is_silent_until_it_is_read_again(
    office: Office, script: Script
) -> None:
    connect("there", url=script.url)
    write(Organisation(code=SCHOOL, name="示例学院"))
    script.keeps_saying(Reply({"items": [], "next": None}))
    await sync_connections(["there"], night(0))
    script.keeps_saying(Reply(b"<html>", 200))
    for number in (1, 2, 3):
        assert found(night(number)) == []
        await sync_connections(["there"], night(number))
    (stall,) = found(night(3))
    assert (stall.kind, stall.level, stall.since, stall.subject) == ("source-silent", 1, night(1), "there")
    assert (stall.holder, stall.holder_code, stall.due_on) == ("coordinator", SCHOOL, night(3))
    await sync_connections(["there"], night(4))
    assert found(night(4)) == [stall]
    script.keeps_saying(Reply({"items": [], "next": None}))
    await sync_connections(["there"], night(5))
    assert found(night(5)) == []


def test_a_night_counts_once_however_often_it_fails_and_not_when_it_was_read(sqlite_office: Office) -> None:
    connect("there")
    for number, read in ((0, True), (0, False), (1, False), (1, False), (2, False), (2, False)):
        keep_night("there", night(number), read=read)
    nights = one(SourceNights)
    assert (nights.read_on, nights.failed_nights, nights.failing_since) == (night(0), 2, night(1))
    assert found(night(2)) == []


def test_nights_that_were_not_lived_through_are_not_the_sources_silence(sqlite_office: Office) -> None:
    connect("there")
    keep_night("there", night(0), read=True)
    keep_night("there", night(20), read=False)
    assert found(night(20)) == []


def test_a_source_that_was_never_read_is_silent_after_three_nights(sqlite_office: Office) -> None:
    connect("there")
    for number in range(3):
        keep_night("there", night(number), read=False)
    (stall,) = found(night(2))
    assert (stall.since, stall.holder_code) == (night(0), None)  # whose it is, nobody has told us


def test_a_stream_is_held_from_the_day_it_was_first_found_so(sqlite_office: Office) -> None:
    connect("there")
    write(SyncCursor(connection="there", stream="results", read_on=DAY, status="held"))
    (stall,) = found(night(1))
    assert (stall.kind, stall.since, stall.level, stall.subject) == ("stream-held", night(1), 1, "there/results")
    change(SyncCursor, ("there", "results"), read_on=night(2))  # read again, and held again
    assert found(night(3)) == [stall]
    change(SyncCursor, ("there", "results"), status="ok")
    assert found(night(4)) == []
    change(SyncCursor, ("there", "results"), status="held")
    assert [again.since for again in found(night(5))] == [night(5)]


def test_a_connection_taken_out_of_the_settings_is_watched_no_more(sqlite_office: Office) -> None:
    connect("there")
    for number in range(3):
        keep_night("there", night(number), read=False)
    write(SyncCursor(connection="there", stream="results", read_on=DAY, status="held"))
    assert len(found(night(2))) == 2
    connect("elsewhere")
    assert found(night(2)) == []
