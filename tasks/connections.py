"""The connections of this office: in which order they are read, and whether each one answers.

Belongs here: waves of reading and the check. Does not: any protocol (connectors).
"""

import asyncio
from collections.abc import Iterable
from typing import Any

from connectors.base import LOGIN, Check, Connection
from connectors.errors import Permanent, Transient
from connectors.reach import reach
from connectors.registry import open_connector
from tasks.errors import BadInput
from tasks.office import office
from tasks.progress import tell

Report = dict[str, Any]

AT_ONCE = 8  # connections tried side by side
PATIENCE = 60.0  # seconds for one connection: a person waits

# A register or a result refers to a class, so schools are read before centres and platforms.
WAVES = (frozenset({"scim", "oneroster", "spreadsheet", "feishu"}), frozenset({"moodle", "xapi", "partner"}))


def sync_order(only: str | None = None) -> list[list[str]]:
    """Give the names of the connections in waves; within one wave they are read side by side.

    Raises BadInput when there is no connection of the name asked for.
    """
    connections = office().settings.connections
    if only is not None:
        if not any(one.name == only for one in connections):
            raise BadInput(f"there is no connection {only}: see `yuanmeng connections`")
        return [[only]]
    waves = [[one.name for one in connections if one.kind in kinds] for kinds in WAVES]
    return [wave for wave in waves if wave]


def drop_folders(names: Iterable[str]) -> list[str]:
    """Give which of these connections are drop folders."""
    kinds = {one.name: one.kind for one in office().settings.connections}
    return [name for name in names if kinds.get(name) == "spreadsheet"]


async def check_connections(only: str | None = None) -> Report:
    """Try each connection, a few side by side, and say of each part in one sentence what to fix.

    Raises BadInput when there is no connection of the name asked for.
    """
    names = {name for wave in sync_order(only) for name in wave} if only is not None else None
    chosen = [one for one in office().settings.connections if names is None or one.name in names]
    gate, done = asyncio.Semaphore(AT_ONCE), 0

    async def tried(connection: Connection) -> Report:
        nonlocal done
        async with gate:
            report = await _check_one(connection)
        done += 1
        tell("连接 connections", done, len(chosen))
        return report

    tell("连接 connections", done, len(chosen))
    reports = await asyncio.gather(*(tried(connection) for connection in chosen))
    return {connection.name: report for connection, report in zip(chosen, reports, strict=True)}


async def _check_one(connection: Connection) -> Report:
    """Try one connection from its address to its last stream; what cannot work for want of an earlier part is left."""
    try:
        async with asyncio.timeout(PATIENCE):
            checks = await _parts(connection)
    except TimeoutError:
        words = (
            f"{connection.name}: it did not answer within {PATIENCE:.0f} seconds: try later, or ask whether it is up"
        )
        checks = [Check("time", False, words)]
    except (Transient, Permanent) as error:
        checks = [Check("settings", False, str(error))]
    wrong = next((one for one in checks if not one.ok), None)
    parts = [{"part": one.part, "status": _status(one.ok), "reason": one.message} for one in checks]
    return {
        "kind": connection.kind, "status": _status(wrong is None), "reason": wrong.message if wrong else "",
        "parts": parts,
    }  # fmt: skip


async def _parts(connection: Connection) -> list[Check]:
    """Address and certificate, those of the token address too, then login and a page of each stream."""
    async with open_connector(connection) as connector:
        checks = await reach(connection.name, connection.base_url)
        if token_url := str(connection.auth.get("token_url") or ""):
            checks += await reach(connection.name, token_url, "token-address")
        if not all(one.ok for one in checks):
            return checks
        found = await connector.check()
    refused = any(one.part == LOGIN for one in found)
    let_in = [Check(LOGIN, True)] if not refused and any(one.ok for one in found) and _logs_in(connection) else []
    return [*checks, *let_in, *found]


def _logs_in(connection: Connection) -> bool:
    return bool(connection.auth.get("type", "none") != "none")


def _status(ok: bool) -> str:
    return "ok" if ok else "failed"
