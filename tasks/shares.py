"""A night's connections divided into shares, and the account of each kept until the night puts them together.

Belongs here: dividing, reading one share, the accounts. Does not: which run reads a share (flows/shares.py), or reading a
connection (sync.py). The database says whether a share was read: its connections' accounts stand there or not.
A night waits here for others for as long as they take: a database that starts anew meanwhile is waited for too.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

import stamina

from models.repositories import nights
from tasks.office import office, unit_of_work
from tasks.step import database_is_away
from tasks.sync import sync_connections

Share = tuple[str, ...]

patiently = stamina.retry(on=database_is_away, attempts=None, timeout=155.0, wait_initial=1.0, wait_max=15.0)


def divide(names: Sequence[str]) -> list[Share]:
    """Divide connections into as few shares as there must be, alike in size: none is more than are read at once."""
    most = office().settings.connections_at_once
    number = -(-len(names) // most)
    return [tuple(names[place::number]) for place in range(number)]


@patiently
def expect_accounts(night: str, names: Collection[str], today: date) -> None:
    """Begin a night, or go on with it: from now on the accounts of these connections are taken."""
    with unit_of_work() as session:
        nights.expect_accounts(session, night, names, today)


async def read_share(names: Collection[str], night: str, as_of: date | None, full: bool) -> dict[str, Any]:
    """Read these connections and keep their accounts for the night; give them.

    A run that comes when its night is over reads nothing: the night, or the one after it, has read them.
    """
    if not _is_expected(night):
        return {}
    accounts = await sync_connections(list(names), as_of, full)
    _keep_accounts(night, accounts)
    return accounts


@patiently
def _is_expected(night: str) -> bool:
    with unit_of_work() as session:
        return nights.is_expected(session, night)


@patiently
def _keep_accounts(night: str, accounts: dict[str, Any]) -> None:
    with unit_of_work() as session:
        nights.keep_accounts(session, night, accounts)


@patiently
def accounts_of(night: str) -> dict[str, Any]:
    """Give what the runs of a night have told so far, by connection."""
    with unit_of_work() as session:
        return nights.accounts_of(session, night)


@patiently
def forget_accounts(night: str, today: date) -> None:
    """Forget what was told: the night has it now, and what comes later is of no use."""
    with unit_of_work() as session:
        nights.forget_accounts(session, night, today)
