"""A night's connections divided into shares, and the account of each kept until the night puts them together.

Belongs here: dividing, reading one share, the accounts. Does not: which run reads a share (flows/shares.py), or reading a
connection (sync.py). The database says whether a share was read: its connections' accounts stand there or not.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from models.repositories import nights
from tasks.office import office, unit_of_work
from tasks.sync import sync_connections

Share = tuple[str, ...]


def divide(names: Sequence[str]) -> list[Share]:
    """Divide connections into as few shares as there must be, alike in size: none is more than are read at once."""
    most = office().settings.connections_at_once
    number = -(-len(names) // most)
    return [tuple(names[place::number]) for place in range(number)]


def expect_accounts(night: str, names: Collection[str], today: date) -> None:
    """Begin a night, or go on with it: from now on the accounts of these connections are taken."""
    with unit_of_work() as session:
        nights.expect_accounts(session, night, names, today)


async def read_share(names: Collection[str], night: str, as_of: date | None, full: bool) -> dict[str, Any]:
    """Read these connections and keep their accounts for the night; give them.

    A run that comes when its night is over reads nothing: the night, or the one after it, has read them.
    """
    with unit_of_work() as session:
        if not nights.is_expected(session, night):
            return {}
    accounts = await sync_connections(list(names), as_of, full)
    with unit_of_work() as session:
        nights.keep_accounts(session, night, accounts)
    return accounts


def accounts_of(night: str) -> dict[str, Any]:
    """Give what the runs of a night have told so far, by connection."""
    with unit_of_work() as session:
        return nights.accounts_of(session, night)


def forget_accounts(night: str, today: date) -> None:
    """Forget what was told: the night has it now, and what comes later is of no use."""
    with unit_of_work() as session:
        nights.forget_accounts(session, night, today)
