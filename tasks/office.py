"""The office a process works for: its settings, database, calendar and policies; and the unit of work.

Belongs here: what is opened once a process, and the one way to a transaction. Does not: what is done in it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from sqlalchemy import Engine, event
from sqlmodel import Session

from connectors.calendar import china_calendar
from connectors.database import open_engine
from connectors.settings import Settings, load_keyring, load_settings
from models.repositories.news import gather, note_gathered
from models.rules.policy import DEFAULT_POLICIES, Policy, policies_from, policy_on
from models.rules.workdays import Calendar
from models.vault import use_keyring


@dataclass(frozen=True)
class Office:
    """One installation: its settings, its database, the calendar and the policies it works by."""

    settings: Settings
    engine: Engine
    policies: tuple[Policy, ...] = DEFAULT_POLICIES

    @cached_property
    def calendar(self) -> Calendar:
        """China's official calendar, made on first use; years not published yet count by the plain week."""
        return china_calendar()

    def policy(self, day: date) -> Policy:
        """Give the policy that holds on a day."""
        return policy_on(self.policies, day)


_office: Office | None = None
_working: ContextVar[bool] = ContextVar("_working", default=False)


def build_office(settings: Settings) -> Office:
    """Open the office of these settings: its keys are loaded, its database is reached on first use."""
    use_keyring(load_keyring(settings), lambda: load_keyring(settings))
    return Office(settings, open_engine(settings.database_url), policies_from(settings.policies))


def use_office(office: Office | None) -> None:
    """Make `office` this process's own; None lets the next `office()` build it from the settings anew."""
    global _office
    _office = office


def office() -> Office:
    """Give this process's office, built from its settings on first use. Raises SettingsError."""
    global _office
    if _office is None:
        _office = build_office(load_settings())
    return _office


class Work(Session):
    """A session that keeps in mind what it writes: it is noted as news in the same transaction."""


event.listen(Work, "after_flush", gather)


@contextmanager
def unit_of_work() -> Iterator[Session]:
    """Open a transaction: everything in it is committed together at its end, or nothing is.

    Units are not nested, and nothing outside is awaited within one: it holds the database.
    """
    if _working.get():
        raise RuntimeError("a unit of work is open already: pass its session on instead of opening another")
    token = _working.set(True)
    try:
        with Work(office().engine, expire_on_commit=False) as session, session.begin():
            yield session
            note_gathered(session)
    finally:
        _working.reset(token)
