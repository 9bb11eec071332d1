"""Sources that are silent, and streams that their gate holds: what of the outside does not reach us.

Belongs here: connections and their streams as stalls. Does not: reading them (tasks/sync.py), their gates, or a chat
service (tasks/alerts.py).
"""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlmodel import Session

from models.repositories.watch import failing_sources, held_streams, known_organisations
from models.rules.lifecycle import WATCH_KINDS
from models.rules.stalls import Stall, judge_number, limits_of
from tasks.office import office


def find(session: Session, today: date) -> Iterator[Stall]:
    """Give the silent sources and the held streams of the connections in the settings."""
    owners = {one.name: one.organisation for one in office().settings.connections}
    known = known_organisations(session, owners.values())
    owner_of = {name: code if code in known else None for name, code in owners.items()}
    yield from _silent(session, today, owner_of)
    yield from _held(session, today, owner_of)


def _silent(session: Session, today: date, owner_of: dict[str, str | None]) -> Iterator[Stall]:
    """A connection whose reading has failed so many nights; a night that was not lived through counts for nobody."""
    policy = office().policy(today)
    nights = limits_of("source-silent", policy)[0].days
    for source in failing_sources(session):
        judged = judge_number("source-silent", source.failed_nights, policy)
        if judged.stalled and source.failing_since is not None and source.connection in owner_of:
            yield _stall("source-silent", judged.level, source.failing_since, owner_of, source.connection,
                         due_on=source.failing_since + timedelta(days=nights - 1))  # fmt: skip


def _held(session: Session, today: date, owner_of: dict[str, str | None]) -> Iterator[Stall]:
    for stream in held_streams(session):
        since = stream.held_since
        if stream.status != "held" or since is None or stream.connection not in owner_of:
            continue
        judged = judge_number("stream-held", (today - since).days, office().policy(today))
        if judged.stalled:
            yield _stall("stream-held", judged.level, since, owner_of, stream.connection, stream.stream)


def _stall(
    kind: str, level: int, since: date, owner_of: dict[str, str | None], *subject: str, due_on: date | None = None
) -> Stall:
    return Stall(kind=kind, holder=WATCH_KINDS[kind].holder, level=level, since=since, due_on=due_on,
                 holder_code=owner_of[subject[0]], subject="/".join(subject))  # fmt: skip
