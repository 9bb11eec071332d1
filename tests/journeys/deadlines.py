"""Living through days for the tests of deadlines: a small database, what happens on each day, the watch at its end.

Belongs here: the walk and what it makes of the alerts. Does not: any date that is expected (test_deadlines.py).
"""

import asyncio
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import event
from sqlmodel import Session, SQLModel, select

from connectors.base import Connection
from connectors.database import open_engine
from connectors.settings import Settings
from models.rules.lifecycle import WAIT_KINDS
from models.tables.lifecycle import Alert, Wait
from models.tables.organisations import Cohort, Organisation, Programme, Project
from models.vault import use_keyring
from tasks.office import Office, unit_of_work, use_office
from tasks.stalls import watch_waits
from tests.fixtures.databases import TEST_KEYS
from tests.models.repositories.people import add
from tests.models.tables.rows import SCHOOL, every_row

Deed = Callable[[Session], object]
SPRING, AUTUMN = "spring", "autumn"


def on(month: int, day: int, year: int = 2026) -> date:
    """A day of the year."""
    return date(year, month, day)


@dataclass(frozen=True)
class Deadline:
    """What is awaited since when; on which days its limits are passed, on which the chat hears of it, when it is over.

    `told` is shorter than `reached` where two limits are passed before anybody is at work to hear of the first.
    """

    kind: str
    season: str
    since: date
    over: date
    reached: tuple[date, ...]
    told: tuple[tuple[int, date], ...]

    @property
    def name(self) -> str:
        """What the test is called."""
        return f"{self.kind} {self.season}"


def same_day(kind: str, season: str, since: date, over: date, *reached: date) -> Deadline:
    """A deadline of which the chat hears on the very days on which its limits are passed."""
    return Deadline(kind, season, since, over, reached, tuple(enumerate(reached, start=1)))


@dataclass
class Story:
    """What became of one alert: on which day it was at which level, told of at which level, and over."""

    reached: list[tuple[int, date]] = field(default_factory=list)
    told: list[tuple[int, date]] = field(default_factory=list)
    over: list[date] = field(default_factory=list)


Stories = dict[tuple[str, str], Story]


@contextmanager
def working(template: Path, folder: Path) -> Iterator[Office]:
    """An office on a small database of its own that reads one school."""
    shutil.copy(template, folder / "yuanmeng.db")
    url = f"sqlite:///{folder / 'yuanmeng.db'}"
    use_keyring(TEST_KEYS)
    schools = tuple(Connection(name=name, kind="oneroster", organisation=SCHOOL, base_url="https://school.example")
                    for name in (SPRING, AUTUMN))  # fmt: skip
    settings = Settings(
        home=folder, database_url=url, keys_file=folder / "keys.toml", actor="tester", connections=schools
    )
    office = Office(settings, open_engine(url))
    event.listen(office.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    use_office(office)
    try:
        yield office
    finally:
        use_office(None)
        office.engine.dispose()


def write(row: SQLModel, session: Session) -> None:
    """Write a row."""
    session.add(row)
    session.flush()


def cohorts(session: Session, starts: dict[str, date]) -> None:
    """Open cohorts that start on these days, by code."""
    rows = every_row()
    add(session, *(one for one in rows if isinstance(one, Organisation | Project | Programme)))
    (first,) = (one for one in rows if isinstance(one, Cohort))
    changed = ({"code": code, "starts_on": day, "nomination_opens_on": day} for code, day in starts.items())
    add(session, *(Cohort(**{**first.model_dump(), **values}) for values in changed))


def begin(one: Deadline) -> Deed:
    """Declare a wait as the night of its day does; when it is due is the watch's to find out."""
    kind = WAIT_KINDS[one.kind]
    row = Wait(
        id=one.name, cohort_code=one.season, stage=kind.stage, kind=kind.name, holder=kind.holder, since=one.since
    )
    return partial(write, row)


def change(table: type[SQLModel], key: object, values: dict[str, object], session: Session) -> None:
    """Change one row, as what happens outside would."""
    row = session.get_one(table, key)
    for name, value in values.items():
        setattr(row, name, value)


def live(
    office: Office,
    days: Iterable[date],
    deeds: Callable[[date], Iterable[Deed]],
    night: Callable[[date], None] = lambda _: None,
) -> Stories:
    """Let the days come one by one, with what happens on each and the watch at its end; give what it made of them.

    Where the watch had something to do it watches a second time, and must find nothing new.
    """
    stories: Stories = defaultdict(Story)
    before: dict[str, tuple[str, int, int]] = {}
    for day in days:
        night(day)
        with unit_of_work() as session:
            for deed in deeds(day):
                deed(session)
        if any(asyncio.run(watch_waits(as_of=day)).values()):
            again = asyncio.run(watch_waits(as_of=day))
            assert not again["raised"] + again["escalated"] + again["resolved"], day
        with Session(office.engine) as session:
            before = note(stories, session.exec(select(Alert)).all(), before, day)
    return stories


def note(
    stories: Stories, alerts: Iterable[Alert], before: dict[str, tuple[str, int, int]], day: date
) -> dict[str, tuple[str, int, int]]:
    """Write down what changed since the day before; give how each alert stands."""
    after = {}
    for alert in alerts:
        status, level, told = before.get(alert.id, ("resolved", 0, 0))
        story = stories[alert.kind, alert.cohort_code or alert.subject.partition("/")[0]]
        if alert.status == "open" and (alert.level > level or status == "resolved"):
            story.reached.append((alert.level, day))
        if alert.status == "open" and alert.told_level > told:
            story.told.append((alert.told_level, day))
        if alert.status == "resolved" and status == "open":
            story.over.append(day)
        after[alert.id] = (alert.status, alert.level, alert.told_level)
    return after


def days(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last."""
    return (first + timedelta(days=number) for number in range((last - first).days + 1))
