"""What the stall watch notes before it looks: due dates that have moved, and since when a state lasts.

Belongs here: the few rows that a change of policy or calendar moves, and the days on which a stream was first found
held or money first found nearly used. Does not: finding stalls; the detectors beside this module only read.
"""

from datetime import date
from functools import cache

from sqlmodel import Session

from models.repositories.watch import held_streams, move_due, nearly_used_sources, wait_sorts
from models.rules.ledger import used_percent
from models.rules.lifecycle import WAIT_KINDS
from models.rules.registration import registration_due
from models.rules.stalls import due_on, limits_of
from tasks.office import office

HANGING = ("registration-number",)  # its limit counts from the start of the cohort's term


def take_notes(session: Session, today: date) -> None:
    """Bring up to date what the detectors read; a second time on the same day nothing changes."""
    move_due_dates(session, today)
    _note_held_streams(session, today)
    _note_money(session, today)
    session.flush()


def move_due_dates(session: Session, today: date) -> int:
    """Move the due dates of open waits to where today's policy and calendar put them; give how many sorts moved.

    What no limit gives a due date (a notice that hangs, the minimum study time) keeps its own.
    """
    calendar, policy = office().calendar, office().policy(today)

    @cache
    def due(kind: str, since: date, starts_on: date | None) -> date | None:
        return registration_due(starts_on, policy) if starts_on else due_on(kind, since, calendar, policy)

    moved = 0
    for sort in wait_sorts(session, HANGING):
        day = due(sort.kind, sort.since, sort.starts_on) if WAIT_KINDS[sort.kind].limits else None
        if day is not None and (day, calendar.is_provisional(day)) != (sort.due_on, sort.provisional):
            move_due(session, sort, day, calendar.is_provisional(day))
            moved += 1
    return moved


def _note_held_streams(session: Session, today: date) -> None:
    for stream in held_streams(session):
        if stream.status != "held":
            stream.held_since = None
        elif stream.held_since is None:
            stream.held_since = today


def _note_money(session: Session, today: date) -> None:
    percent = limits_of("money-nearly-used", office().policy(today))[0].days
    for source, _ in nearly_used_sources(session, percent):
        if used_percent(source.granted_heads, source.granted_total, source.quota, source.budget) < percent:
            source.nearly_used_on = None
        elif source.nearly_used_on is None:
            source.nearly_used_on = today
