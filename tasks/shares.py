"""A night's connections divided into shares, and the account of each kept until the night puts them together.

Belongs here: dividing, reading one share, the accounts. Does not: which run reads a share (flows/shares.py), or reading a
connection (sync.py). The database says whether a share was read: its connections' accounts stand there or not.
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any

from models.clock import business_date
from models.repositories import nights
from tasks.office import office, unit_of_work
from tasks.sync import sync_connections

Share = tuple[str, ...]


def divide(names: Sequence[str]) -> list[Share]:
    """Divide connections into as few shares as there must be, alike in size: none is more than are read at once."""
    most = office().settings.connections_at_once
    number = -(-len(names) // most)
    return [tuple(names[place::number]) for place in range(number)]


async def read_share(names: Collection[str], night: str, as_of: date | None, full: bool) -> dict[str, Any]:
    """Read these connections and keep their accounts for the night; give them."""
    accounts = await sync_connections(list(names), as_of, full)
    with unit_of_work() as session:
        nights.keep_accounts(session, night, accounts, business_date(as_of))
    return accounts


def accounts_of(night: str) -> dict[str, Any]:
    """Give what the runs of a night have told so far, by connection."""
    with unit_of_work() as session:
        return nights.accounts_of(session, night)


def forget_accounts(night: str, as_of: date | None) -> None:
    """Forget what was told: the night has it now."""
    with unit_of_work() as session:
        nights.forget_accounts(session, night, business_date(as_of))
