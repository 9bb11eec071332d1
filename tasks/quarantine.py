"""Rows held back at the gate: listing them, and taking them through again after the cure.

Belongs here: what a coordinator does with the quarantine. Does not: which rule a row broke (mirror.py).
"""

from datetime import date
from typing import Any

from models.clock import business_date
from models.repositories.operations import all_held_back, held_back_count
from tasks.office import office, unit_of_work
from tasks.sync import retry_held_back


def quarantine_list() -> list[dict[str, Any]]:
    """Give the rows that are held back, by surrogate id, the oldest first; never what stands in them."""
    with unit_of_work() as session:
        return [
            {"id": row.id, "connection": row.connection, "stream": row.stream, "rules": row.rules,
             "since": row.first_on.isoformat()}
            for row in all_held_back(session)
        ]  # fmt: skip


def quarantine_retry(as_of: date | None = None) -> dict[str, int]:
    """Take every row that is held back through the gate again; give how many are cured and how many are left."""
    today = business_date(as_of)
    with unit_of_work() as session:
        cured = sum(retry_held_back(session, one, today) for one in office().settings.connections)
        return {"cured": cured, "left": held_back_count(session)}
