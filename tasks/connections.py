"""The connections of this office: in which order they are read, and whether each one answers.

Belongs here: waves of reading and the check. Does not: any protocol (connectors).
"""

from typing import Any

from connectors.errors import Permanent, Transient
from connectors.registry import open_connector
from tasks.errors import BadInput
from tasks.office import office

# A register or a result refers to a class, so schools are read before centres and platforms.
WAVES = (frozenset({"scim", "oneroster", "feishu"}), frozenset({"moodle", "xapi", "partner"}))


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


async def check_connections() -> dict[str, Any]:
    """Try each connection and say in one sentence what to fix."""
    report: dict[str, Any] = {}
    for connection in office().settings.connections:
        entry = report[connection.name] = {"kind": connection.kind, "status": "ok", "reason": ""}
        try:
            async with open_connector(connection) as connector:
                checks = await connector.check()
        except (Transient, Permanent) as error:
            entry.update(status="failed", reason=str(error))
            continue
        wrong = next((one for one in checks if not one.ok), None)
        if wrong is not None:
            entry.update(status="failed", reason=wrong.message)
    return report
