"""What a night that looks at every cohort would have done besides: it must be nothing.

Belongs here: looking at the cohorts that a night left out, and undoing that. Does not: the walks (test_news.py).
A night that looks at all leaves, day by day, what the nights before it left; so where on each day the others would not
have moved, both ways leave the same rows after every day.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from sqlalchemy import event
from sqlmodel import select

from connectors.database import LEFT_OUT
from models.repositories.organisations import cohorts_under_way
from models.tables.news import Look
from tasks.lifecycle import look_at
from tasks.office import office, unit_of_work


class Undone(Exception):
    """Takes back all that a transaction did."""


def left_out(today: date) -> list[str]:
    """The cohorts under way that a night did not look at."""
    with unit_of_work() as session:
        looked = set(session.exec(select(Look.cohort_code).where(Look.looked_on == today)).all())
        return [code for code in cohorts_under_way(session) if code not in looked]


def would_move(code: str, today: date) -> list[str]:
    """What looking at a cohort would write, statement by statement; nothing of it stays."""
    with writing() as statements:
        try:
            with unit_of_work() as session:
                look_at(session, code, today)
                session.flush()
                raise Undone
        except Undone:
            return statements


@contextmanager
def writing() -> Iterator[list[str]]:
    """Hear of every statement that writes, but for what the news keeps."""
    statements: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        verb, *words = statement.split()
        if verb in ("INSERT", "UPDATE", "DELETE") and LEFT_OUT.isdisjoint(words[:2]):
            statements.append(f"{' '.join(statement.split())[:200]} {str(parameters)[:300]}")

    event.listen(office().engine, "before_cursor_execute", hear)
    try:
        yield statements
    finally:
        event.remove(office().engine, "before_cursor_execute", hear)


def check(today: date, seen: str = "") -> tuple[int, int]:
    """Assert that no cohort that the night left out would have moved; give how many it looked at, of how many."""
    others = left_out(today)
    for code in others:
        moved = would_move(code, today)
        assert not moved, f"{today}: {code} would have moved {seen}: {moved}"
    with unit_of_work() as session:
        return len(cohorts_under_way(session)) - len(others), len(cohorts_under_way(session))
