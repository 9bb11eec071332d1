"""Shelves of dated versions: what a system answered at any date, kept side by side.

Belongs here: "which version of each row was the newest that day". Does not: what the rows mean.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One version of a row: its id, since when it is so, and what it says."""

    id: str
    changed: datetime
    body: dict[str, Any]


class Shelf:
    """Rows of one kind in all their versions; asking for a day is fast after the first time."""

    def __init__(self) -> None:
        """Start empty."""
        self._versions: dict[str, list[Row]] = {}
        self._day: date | None = None
        self._seen: list[Row] = []

    def put(self, id: str, changed: datetime, body: dict[str, Any]) -> None:
        """Add a version of a row, visible from the day of `changed` on."""
        versions = self._versions.setdefault(id, [])
        versions.append(Row(id, changed, body))
        versions.sort(key=lambda row: row.changed)
        self._day = None

    def amend(self, id: str, changed: datetime, values: dict[str, Any], /, **stamp: Any) -> bool:
        """Change values in a row from `changed` on, later versions too; False if there is no such row.

        Only the version of today gets the `stamp`: a later one says of itself when it came about.
        """
        versions = self._versions.get(id)
        if not versions:
            return False
        earlier = [row for row in versions if row.changed <= changed]
        later = [Row(id, row.changed, {**row.body, **values}) for row in versions if row.changed > changed]
        now = [Row(id, changed, {**earlier[-1].body, **values, **stamp})] if earlier else []
        self._versions[id] = [*earlier, *now, *later]
        self._day = None
        return True

    def at(self, day: date) -> list[Row]:
        """Return the newest version of each row that exists by the end of the day, ordered by id."""
        if self._day != day:
            self._seen = [row for id in sorted(self._versions) if (row := self._newest(id, day))]
            self._day = day
        return self._seen

    def get(self, id: str, day: date) -> Row | None:
        """Return the version of one row at the end of the day."""
        return self._newest(id, day) if id in self._versions else None

    def _newest(self, id: str, day: date) -> Row | None:
        """Return the last version not later than the day."""
        found = None
        for row in self._versions[id]:
            if row.changed.date() > day:
                break
            found = row
        return found
