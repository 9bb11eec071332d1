"""Walking through pages of a list that lives on while it is read: no row is lost, though one may come twice.

Belongs here: where to ask next, when a walk is over, and when it goes nowhere. Does not: how a page is asked for.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from dataclasses import field as kept
from typing import Any

from connectors.errors import OutsideError, Permanent, Transient

PAGE_CAP = 100_000
REREADS = 20  # times that a list may move while it is read, before it is left for the next run
SAME = 3  # times in a row that one page may come for another
Rows = Sequence[Any]
Ask = Callable[[int], Awaitable[Rows]]


@dataclass
class OffsetWalk:
    """A walk by offset, each page asked for from the last row of the one before: it must still be where it was.

    Where it is not, rows before it came or went, and the walk goes back to a row it knows, to the start at worst.
    `end` is how many rows of the list lie behind it; `complete` is what the last answer said of them: that they are all.
    That is a hint, as servers get totals and links wrong: it is only believed of one that does not page at all.
    """

    system: str
    operation: str
    id_field: str
    end: int = 0
    complete: bool = False
    _longest: int = 0
    _rereads: int = 0
    _same: int = 0
    _recent: deque[Rows] = kept(default_factory=lambda: deque[Rows](maxlen=2))

    async def pages(self, ask: Ask) -> AsyncIterator[Rows]:
        """Give page after page until one brings nothing new; the first may be empty. `ask` takes an offset from 0.

        Raises Permanent for a server that gives one page again and again, Transient for a list that never rests.
        """
        start, rows = 0, await ask(0)
        for _ in range(PAGE_CAP):
            yield self._behind(start, rows)
            if not rows or (self.complete and self._longest == 1):
                return
            start, rows = await self._next(ask)
            if not rows:
                return
        raise self._given_up("it has more pages than anything we read")

    async def _next(self, ask: Ask) -> tuple[int, Rows]:
        """Ask for what follows, and give where it begins; no rows at the end."""
        overlap = min(self._longest - 1, 1)  # a server that gives one row at a time would only ever give the known one
        complete, before = self.complete, self._recent[-1]
        start = self.end - overlap
        rows = await ask(start)
        if not overlap:
            return start, self._other(rows, before)
        if complete and is_same(rows, before, self.id_field):
            return start, ()
        return (self.end, rows[1:]) if self._goes_on(rows) else await self._back(ask, rows)

    def _behind(self, start: int, rows: Rows) -> Rows:
        """Remember a page that is given."""
        self.end, self._longest = start + len(rows), max(self._longest, len(rows))
        self._recent.append(rows)
        return rows

    def _goes_on(self, rows: Rows) -> bool:
        """Whether a page begins with the last row of the page before."""
        return bool(rows) and id_of(rows[0], self.id_field) == id_of(self._recent[-1][-1], self.id_field)

    async def _back(self, ask: Ask, moved: Rows) -> tuple[int, Rows]:
        """Read again from the page that moved, or from the start where nothing in that page is known."""
        self._count(moved)
        known = {id_of(row, self.id_field) for page in self._recent for row in page} - {None}
        start = max(0, self.end - 1 - self._longest)
        rows = await ask(start)
        if start and not (rows and id_of(rows[0], self.id_field) in known):
            start, rows = 0, await ask(0)
        return start, rows

    def _other(self, rows: Rows, before: Rows) -> Rows:
        """Give back a page that is not the one before. Raises Permanent."""
        if is_same(rows, before, self.id_field):
            raise self._repeats()
        return rows

    def _count(self, moved: Rows) -> None:
        """Give up on a list that moves without end. Raises Permanent or Transient."""
        self._rereads += 1
        self._same = self._same + 1 if is_same(moved, self._recent[-1], self.id_field) else 0
        if self._same >= SAME:
            raise self._repeats()
        if self._rereads > REREADS:
            raise self._given_up("it changes faster than it can be read")

    def _repeats(self) -> Permanent:
        return Permanent(self.system, self.operation, "it gives the same page again and again: ask whoever runs it "
                         "whether it pages by offset")  # fmt: skip

    def _given_up(self, how: str) -> Transient:
        return Transient(self.system, self.operation, f"{how}: try later", again=False)


@dataclass
class Trail:
    """The pages of a walk by cursors or links, which must lead on and bring something else each time."""

    system: str
    operation: str
    id_field: str
    _seen: set[str] = kept(default_factory=set)
    _before: Rows = ()

    def passed(self, rows: Rows) -> None:
        """Note the rows of a page. Raises Transient for the page that came before: another is missing for it."""
        if rows and is_same(rows, self._before, self.id_field):
            raise self._circle()
        self._before = rows

    def leads_to(self, mark: str) -> str:
        """Note where the next page is. Raises Transient for a place where the walk has been."""
        if mark in self._seen or len(self._seen) >= PAGE_CAP:
            raise self._circle()
        self._seen.add(mark)
        return mark

    def _circle(self) -> OutsideError:
        return Transient(self.system, self.operation, "its pages go round in a circle: try later", again=False)


def id_of(row: Any, field: str) -> str | None:
    """Give the id of a row of the wire; None for one that has none."""
    found = row.get(field) if isinstance(row, dict) else None
    return str(found) if isinstance(found, str | int) else None


def is_same(one: Rows, other: Rows, field: str) -> bool:
    """Whether two pages hold the same rows, by their ids; pages of rows without any are like no other."""
    if len(one) != len(other):
        return False
    ids = [id_of(row, field) for row in one]
    return ids == [id_of(row, field) for row in other] and any(id is not None for id in ids)
