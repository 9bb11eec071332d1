"""The account of a night as Prefect shows it: one table, a line a stream.

Belongs here: what of the account goes into Prefect, where it is a view and never the truth. Does not: reading (tasks).
"""

from typing import Any

from prefect.artifacts import acreate_table_artifact
from prefect.context import FlowRunContext

from flows.record import a_view

KEY = "night-account"
COUNTED = ("read", "written", "unchanged", "removed", "quarantined", "seconds", "requests", "bytes", "retries")


def lines_of(connections: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the account of a night as lines: each stream of each connection, and a connection that gave none."""
    lines = []
    for name, one in connections.items():
        lines += [
            {"connection": name, "stream": stream, "status": told["status"], **{each: told[each] for each in COUNTED},
             "cursor": told["cursor"] or "", "reason": told["reason"]}
            for stream, told in one["streams"].items()
        ]  # fmt: skip
        if not one["streams"]:
            lines.append({"connection": name, "stream": "", "status": one["status"], "reason": one["reason"]})
    return lines


async def keep_account(connections: dict[str, Any]) -> None:
    """Put the account of a night beside its flow run; outside one there is nowhere to put it."""
    if FlowRunContext.get() is None or not connections:
        return
    async with a_view("account of a night"):
        await acreate_table_artifact(lines_of(connections), key=KEY, description="What each source brought tonight")
