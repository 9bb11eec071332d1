"""Rows held back at the gate: listing and counting them, and taking them through again after the cure.

Belongs here: what a coordinator does with the quarantine. Does not: which rule a row broke (gates, mirror.py).
"""

from datetime import date
from typing import Any

from models.clock import business_date
from models.repositories.operations import HeldBack, all_held_back, held_back_count
from tasks.errors import Held
from tasks.gates.suites import GateBroken
from tasks.office import office, unit_of_work
from tasks.reading import retry_held_back

EXAMPLES = 3


def quarantine_list() -> list[dict[str, Any]]:
    """Give the rows that are held back, by surrogate id, the oldest first; never what stands in them."""
    return [
        {"id": row.id, "connection": row.connection, "stream": row.stream, "rules": row.rules,
         "since": row.first_on.isoformat()}
        for row in _all_rows()
    ]  # fmt: skip


def _all_rows() -> list[HeldBack]:
    with unit_of_work() as session:
        return all_held_back(session)


def quarantine_by_rule() -> list[dict[str, Any]]:
    """Count the rows that are held back by connection, stream and rule, most first, with a few of them by surrogate id.

    A row that broke several rules counts for each.
    """
    found: dict[tuple[str, str, str], list[HeldBack]] = {}
    for row in _all_rows():
        for rule in row.rules.split(","):
            found.setdefault((row.connection, row.stream, rule.strip()), []).append(row)
    counted = [
        {"connection": connection, "stream": stream, "rule": rule, "rows": len(several),
         "since": several[0].first_on.isoformat(), "examples": [one.id for one in several[:EXAMPLES]]}
        for (connection, stream, rule), several in found.items()
    ]  # fmt: skip
    return sorted(counted, key=lambda one: (-one["rows"], one["connection"], one["stream"], one["rule"]))


def quarantine_retry(as_of: date | None = None) -> dict[str, int]:
    """Take every row that is held back through the gate again; give how many are cured and how many are left.

    Raises Held when a rule cannot be asked.
    """
    today, cured = business_date(as_of), 0
    for connection in office().settings.connections:
        try:
            with unit_of_work() as session:
                cured += retry_held_back(session, connection, today)
        except GateBroken as broken:
            raise Held(f"{connection.name}: {broken}: tell whoever looks after Yuanmeng") from broken
    with unit_of_work() as session:
        return {"cured": cured, "left": held_back_count(session)}
