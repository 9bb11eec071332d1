"""Queries about nights that several runs share: what each tells of its connections.

Belongs here: expecting, keeping, finding and forgetting accounts. Does not: what an account says (tasks/sync.py).
A night expects its accounts first: what comes when it no longer does is left out, for nobody would take it up.
"""

import json
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from models.repositories.common import add_missing
from models.tables.operations import NightAccount

LEFT_BEHIND = timedelta(days=7)  # a night that put nothing together for so long never will
AWAITED = ""  # in place of an account that is expected


def expect_accounts(session: Session, night: str, names: Collection[str], today: date) -> None:
    """Expect the account of each of these connections; what was told already stands."""
    for name in sorted(names):
        add_missing(session, NightAccount(night=night, connection=name, kept_on=today, account=AWAITED))


def is_expected(session: Session, night: str) -> bool:
    """Whether a night is under way that expects accounts."""
    return session.exec(select(NightAccount.night).where(NightAccount.night == night).limit(1)).first() is not None


def keep_accounts(session: Session, night: str, accounts: Mapping[str, Any]) -> None:
    """Keep the accounts that are expected; one that was read again in the same night replaces what it told before."""
    for name, account in accounts.items():
        mine = sa.and_(col(NightAccount.night) == night, col(NightAccount.connection) == name)
        session.execute(sa.update(NightAccount).where(mine).values(account=json.dumps(account, default=str)))


def accounts_of(session: Session, night: str) -> dict[str, Any]:
    """Give the accounts that were kept for a night, by connection."""
    told = select(NightAccount).where(NightAccount.night == night, NightAccount.account != AWAITED)
    return {one.connection: json.loads(one.account) for one in session.exec(told).all()}


def forget_accounts(session: Session, night: str, today: date) -> None:
    """Forget the accounts of a night, and those that nights of long ago left behind."""
    left = col(NightAccount.kept_on) < today - LEFT_BEHIND
    session.execute(sa.delete(NightAccount).where(sa.or_(col(NightAccount.night) == night, left)))
