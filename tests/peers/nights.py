"""Nights of reading one peer into the office's database, and what stands there afterwards.

Belongs here: connecting, reading, and letting time go by. Does not: what a peer is given.
"""

import asyncio
from datetime import timedelta
from typing import Any

from connectors.base import Connection
from models.tables.operations import Quarantine, SyncCursor
from tasks import office as offices
from tasks.office import Office, use_office
from tasks.sync import sync_connections
from tests.fixtures.cohorts import change, one, rows

OVERLAP = timedelta(minutes=10)


def connect(connection: Connection) -> None:
    """Let the office in use have this connection alone."""
    here = offices.office()
    settings = here.settings.model_copy(update={"connections": (connection,)})
    use_office(Office(settings, here.engine, here.policies))


def night(connection: Connection, *, full: bool = False) -> dict[str, Any]:
    """Read the connection once, and give the account of its one stream; nothing may have failed or be held back."""
    connect(connection)
    report = asyncio.run(sync_connections([connection.name], full=full))[connection.name]
    assert (report["status"], report["reason"]) == ("ok", ""), report
    assert not rows(Quarantine)
    [account] = report["streams"].values()
    counted = sum(account[name] for name in ("written", "unchanged", "removed", "quarantined"))
    assert account["read"] == counted
    found: dict[str, Any] = account
    return found


def let_ten_minutes_pass(connection: str, stream: str) -> None:
    """Move the cursor as if nothing had changed for ten minutes: the next night asks from the last change on."""
    cursor = one(SyncCursor, connection=connection, stream=stream).cursor
    assert cursor is not None
    change(SyncCursor, (connection, stream), cursor=cursor + OVERLAP)
