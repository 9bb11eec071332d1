"""What changes while the sandbox is driven: the business date, what was posted, and what that led to.

Belongs here: the one mutable object, and access to it from a request. Does not: protocols.
"""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from starlette.requests import Request

from sandbox.days import FIRST_DAY
from sandbox.wire.shelf import Row, Shelf
from sandbox.world import World


class State:
    """A world at a business date, with the shelves its wires answer from."""

    def __init__(self, world: World) -> None:
        """Put the world at its first day."""
        self.world = world
        self.today = FIRST_DAY
        self.posted: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {}
        self.bounced: set[tuple[str, str]] = set()
        self.letters: dict[tuple[str, str, int], str] = {}
        self.truth_changes: list[dict[str, Any]] = []
        self.tokens: dict[str, tuple[date, str]] = {}
        self._shelves: dict[tuple[str, str], Shelf] = {}

    def shelf(self, owner: str, kind: str) -> Shelf:
        """Return the shelf of a kind of rows, e.g. ("school", "admissions")."""
        return self._shelves.setdefault((owner, kind), Shelf())

    def put(self, owner: str, kind: str, id: str, changed: datetime, body: dict[str, Any]) -> None:
        """Put a version of a row on a shelf."""
        self.shelf(owner, kind).put(id, changed, body)

    def rows(self, owner: str, kind: str) -> Iterable[Row]:
        """Return what the shelf shows today."""
        return self.shelf(owner, kind).at(self.today)


def state_of(request: Request) -> State:
    """Return the state of the sandbox a request came to."""
    state: State = request.app.state.sandbox
    return state
