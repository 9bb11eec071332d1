"""Queries about nights that several runs share: what each tells of its connections.

Belongs here: keeping, finding and forgetting accounts. Does not: what an account says (tasks/sync.py).
"""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from models.tables.operations import NightAccount

LEFT_BEHIND = timedelta(days=7)  # a night that put nothing together for so long never will


def keep_accounts(session: Session, night: str, accounts: Mapping[str, Any], today: date) -> None:
    """Keep the account of each connection; one that was read again in the same night replaces what it told before."""
    for name, account in accounts.items():
        session.merge(
            NightAccount(night=night, connection=name, kept_on=today, account=json.dumps(account, default=str))
        )


def accounts_of(session: Session, night: str) -> dict[str, Any]:
    """Give the accounts that were kept for a night, by connection."""
    kept = session.exec(select(NightAccount).where(NightAccount.night == night)).all()
    return {one.connection: json.loads(one.account) for one in kept}


def forget_accounts(session: Session, night: str, today: date) -> None:
    """Forget the accounts of a night, and those that nights of long ago left behind."""
    left = col(NightAccount.kept_on) < today - LEFT_BEHIND
    session.execute(sa.delete(NightAccount).where(sa.or_(col(NightAccount.night) == night, left)))
