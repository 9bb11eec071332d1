"""The figures of an installation as monitoring asks for them: nights, streams, waits, stalls, alerts, outbox, quarantine.

Belongs here: what each figure is called, means and is counted from. Does not: queries (models/repositories/figures.py) or
how they are written down (console/health.py). A label is the name of a connection, a stream, a kind, a role or a state:
never a person, a code of a cohort or a text.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from connectors.database import for_reading, is_migrated
from models.clock import SHANGHAI, business_date, now
from models.repositories import figures
from models.rules.stalls import judge_wait
from tasks.office import office


@dataclass(frozen=True)
class Figure:
    """A figure of monitoring: its name, what it means, its labels, and a value for each of their combinations."""

    name: str
    meaning: str
    labels: tuple[str, ...]
    values: tuple[tuple[tuple[str, ...], float], ...]


@dataclass(frozen=True)
class LastNight:
    """The last night of an installation: its date, how many connections were tried, and which of them failed."""

    day: date
    tried: int
    failed: tuple[str, ...]


@dataclass(frozen=True)
class DatabaseState:
    """Whether the database answers, whether it has the schema of this version, and how its last night went."""

    reachable: bool
    migrated: bool = False
    last_night: LastNight | None = None


def database_state() -> DatabaseState:
    """Look at the database; what it answers to nobody is no error here."""
    try:
        with for_reading(office().engine).connect() as connection, Session(connection) as session:
            if not is_migrated(connection):
                return DatabaseState(reachable=True)
            return DatabaseState(reachable=True, migrated=True, last_night=_last_night(session))
    except SQLAlchemyError:
        return DatabaseState(reachable=False)


def _last_night(session: Session) -> LastNight | None:
    nights = figures.source_nights(session)
    if not nights:
        return None
    failed = tuple(one.connection for one in nights if one.failed_nights)
    return LastNight(max(one.tried_on for one in nights), len(nights), failed)


def gather() -> list[Figure]:
    """Count everything, in one look at the database. Raises SQLAlchemyError."""
    with Session(for_reading(office().engine)) as session:
        return [*_sources(session), *_streams(session), *_waits(session), *_alerts(session), *_outbox(session),
                *_quarantine(session)]  # fmt: skip


def _sources(session: Session) -> Iterator[Figure]:
    nights = figures.source_nights(session)
    yield _figure("source_tried_timestamp_seconds", "When a connection was last tried: the beginning of that day.",
                  ("connection",), ((one.connection, _seconds(one.tried_on)) for one in nights))  # fmt: skip
    yield _figure("source_read_timestamp_seconds", "When a connection was last read as a whole: that day's beginning.",
                  ("connection",), ((one.connection, _seconds(one.read_on)) for one in nights if one.read_on))  # fmt: skip
    yield _figure("source_failed_nights", "Nights in a row in which the reading of a connection failed.",
                  ("connection",), ((one.connection, one.failed_nights) for one in nights))  # fmt: skip


def _streams(session: Session) -> Iterator[Figure]:
    read = figures.last_readings(session)
    yield _figure("streams", "Streams of a connection by what their last reading made of them.",
                  ("connection", "status"), _counted((one.connection, one.status) for one in read))  # fmt: skip
    yield _figure("stream_held", "Whether the last reading of a stream is held by its gate.",
                  ("connection", "stream"), ((one.connection, one.stream, one.status == "held") for one in read))  # fmt: skip
    yield _figure("stream_read_timestamp_seconds", "When a stream was last read: the beginning of that day.",
                  ("connection", "stream"), ((one.connection, one.stream, _seconds(one.read_on)) for one in read))  # fmt: skip


def _waits(session: Session) -> Iterator[Figure]:
    today, calendar = business_date(), office().calendar
    policy = office().policy(today)
    holders: Counter[str] = Counter()
    stalled: Counter[str] = Counter()
    for alike in figures.waits_alike(session):
        holders[alike.holder] += alike.number
        if judge_wait(alike.kind, alike.since, today, calendar, alike.due_on, policy).stalled:
            stalled[alike.kind] += alike.number
    yield _figure("waits_open", "Open waits by the role of who holds them.", ("holder",), sorted(holders.items()))
    yield _figure("stalls_open", "Open waits past their limit, by kind.", ("kind",), sorted(stalled.items()))


def _alerts(session: Session) -> Iterator[Figure]:
    yield _figure(
        "alerts_open", "Open alerts by kind and severity.", ("kind", "severity"), figures.alerts_by_kind(session)
    )


def _outbox(session: Session) -> Iterator[Figure]:
    counts, oldest = figures.outbox_by_status(session), figures.oldest_waiting(session)
    yield _figure("outbox", "Effects that are not sent, by status.", ("status",),
                  ((status, counts.get(status, 0)) for status in ("waiting", "failed")))  # fmt: skip
    yield _figure("outbox_oldest_seconds", "For how long the oldest effect has waited to be sent; 0 when none waits.",
                  (), [(outbox_age(oldest, now()),)])  # fmt: skip


def outbox_age(oldest: figures.OutboxAge, at: datetime) -> float:
    """Give for how many seconds the oldest has waited; of one whose instant is not known, since its day was over."""
    if not oldest.number or oldest.created_on is None:
        return 0.0
    day_over = datetime.combine(oldest.created_on + timedelta(days=1), time(), SHANGHAI)
    since = min(oldest.recorded_at, day_over) if oldest.recorded_at is not None else day_over
    return max(0.0, (at - since).total_seconds())


def _quarantine(session: Session) -> Iterator[Figure]:
    yield _figure("quarantine_rows", "Rows in quarantine that are not cured, by stream.", ("connection", "stream"),
                  figures.quarantine_by_stream(session))  # fmt: skip


def _figure(name: str, meaning: str, labels: tuple[str, ...], lines: Iterable[tuple[str | float, ...]]) -> Figure:
    """A figure from lines of its labels' values, the last of each being the value itself."""
    values = tuple((tuple(str(one) for one in names), float(value)) for *names, value in lines)
    return Figure(f"yuanmeng_{name}", meaning, labels, values)


def _counted(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str, int]]:
    return [(*pair, number) for pair, number in sorted(Counter(pairs).items())]


def _seconds(day: date) -> float:
    """The beginning of a day in Shanghai, in seconds of the epoch."""
    return datetime.combine(day, time(), SHANGHAI).timestamp()
