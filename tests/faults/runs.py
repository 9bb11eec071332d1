"""Carrying faults out: a source is read while it is struck and again when that is over, and compared with the database.

Belongs here: choosing faults by a seed, the reading, what must hold. Does not: the faults themselves (spoilers.py).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from models.tables.operations import SyncCursor
from tasks.office import Office, office, unit_of_work, use_office
from tasks.sync import sync_connections
from tests.connectors.script import Asked, Reply, Script
from tests.faults.sources import DAY, FEEDS, START, TOKEN_ENV, Feed, honest
from tests.faults.spoilers import FAILED, HELD_BACK, KINDS, OK, Blow

OVERLAP = timedelta(minutes=10)
SIZES = (4, 9)  # of a page; a source has five to eight pages of rows


@dataclass(frozen=True)
class Fault:
    """One fault of a kind on a wire, at the n-th question for rows, for one answer or for all from then on."""

    kind: str
    wire: str
    page: int
    lasting: bool
    later: bool
    seed: int

    def __str__(self) -> str:
        """What a list of tests shows."""
        return f"{self.kind}, {self.wire}, {'from' if self.lasting else 'at'} {self.page}, {'later' if self.later else 'first'}"


def fault_of(kind: str, wire: str, seed: int) -> Fault:
    """A fault of this kind on this wire, the rest by the seed."""
    random, what, pages = Random(f"{seed} {kind} {wire}"), KINDS[kind], FEEDS[wire].pages
    lasting = what.once is None or (what.lasting is not None and random.random() < 0.5)
    page = pages if what.row and wire == "moodle" else random.randrange(1, pages + 1)
    later = what.later if what.later is not None else random.random() < 0.4
    return Fault(kind, wire, page, lasting, later, seed)


def some_of_each(seed: int, wires: int) -> list[Fault]:
    """Every kind, each on so many of the wires it may strike."""
    random = Random(seed)
    chosen = {kind: random.sample(what.wires, min(wires, len(what.wires))) for kind, what in KINDS.items()}
    return [fault_of(kind, wire, seed) for kind, wires_of_it in chosen.items() for wire in wires_of_it]


def many(count: int, seed: int) -> list[Fault]:
    """So many faults: every kind on every wire, and the rest drawn by lot."""
    random, all_of_each = Random(seed), [(kind, wire) for kind, what in KINDS.items() for wire in what.wires]
    drawn = all_of_each + [random.choice(all_of_each) for _ in range(count - len(all_of_each))]
    return [fault_of(kind, wire, random.randrange(1 << 30)) for kind, wire in drawn]


class Struck:
    """A source under a fault: how it answers, and whether the fault is over."""

    def __init__(self, feed: Feed, fault: Fault, script: Script, elsewhere: str) -> None:
        """Sound until `begin`."""
        self.feed, self.fault, self.random = feed, fault, Random(fault.seed)
        self.elsewhere, self.on, self.asked, self.hits, self.tokens = elsewhere, False, 0, 0, 0
        self.before: Reply | None = None
        script.follows(self)

    def begin(self) -> None:
        """Let the fault strike from now on."""
        self.on, self.asked, self.hits, self.before = True, 0, 0, None

    def __call__(self, asked: Asked) -> Reply:
        """Answer a question."""
        if asked.path.endswith("/token"):
            self.tokens += 1
            return Reply({"access_token": f"t{self.tokens}"})
        aside = self.feed.aside(asked)
        if aside is not None:
            return aside
        self.asked += 1
        strike, place = KINDS[self.fault.kind].strike, self.asked - self.fault.page
        if self.on and strike is not None and (place >= 0 if self.fault.lasting else place == 0):
            self.hits += 1
            return strike(Blow(self.feed, asked, self.random, self.before, self.elsewhere, self.hits == 1))
        self.before = self.feed.answer(asked)
        return self.before


class Run:
    """One source from its first reading until its fault is over."""

    def __init__(self, fault: Fault, script: Script, elsewhere: str, name: str = "there") -> None:
        """A source of this name, with what its rows refer to already known."""
        self.fault, self.kind = fault, KINDS[fault.kind]
        random = Random(fault.seed)
        size = random.randrange(*SIZES)
        self.feed = FEEDS[fault.wire](name, size * random.randrange(5, 9), size)
        self.source = Struck(self.feed, fault, script, elsewhere)
        self.requests, self.script, self.newest = 0, script, START
        self._connect()
        self.feed.seed()

    def _connect(self) -> None:
        auth: dict[str, Any] = {
            "type": "moodle" if self.feed.kind == "moodle" else self.kind.auth,
            "token_env": TOKEN_ENV,
        }
        if self.kind.auth == "oauth2":
            auth = {"type": "oauth2", "token_url": f"{self.script.url}/token", "client_id": "ym",
                    "client_secret_env": TOKEN_ENV}  # fmt: skip
        here, connection = office(), self.feed.connection(self.script.url, auth)
        use_office(Office(here.settings.model_copy(update={"connections": (connection,)}), here.engine, here.policies))

    def read(self, *, full: bool = False) -> dict[str, Any]:
        """Read the source, and give its account, which must add up."""
        account = asyncio.run(sync_connections([self.feed.name], DAY, full))[self.feed.name]
        for one in account["streams"].values():
            parts = [one.get(name, 0) for name in ("written", "unchanged", "removed", "quarantined")]
            assert one.get("read", 0) == sum(parts), (self.fault, one)
        assert account["status"] == OK or account["reason"] or account["streams"], (self.fault, account)
        self.requests += len(self.script.asked)
        self.script.asked.clear()
        return account

    def live(self) -> str:
        """Go through the whole of it, and give what the struck reading came to. Fails where a row is lost or doubled."""
        if self.fault.later:
            kept, self.feed.rows = self.feed.rows, self.feed.older_half()
            assert came_to(self.read()) == OK, self.fault
            self.feed.rows = kept
        if self.kind.change is not None:
            self.kind.change(self.feed, Random(self.fault.seed))
        self.newest = self.feed.newest()  # a source may delete its newest row later
        self.source.begin()
        outcome = came_to(self.read())
        allowed = self.kind.lasting if self.fault.lasting else self.kind.once
        assert outcome in (allowed or ()), (str(self.fault), outcome)
        assert self.source.hits or self.kind.strike is None, f"{self.fault}: never struck"
        self.no_row_behind_the_cursor()
        self._heal()
        return outcome

    def _heal(self) -> None:
        """End the fault, read again, and compare row by row."""
        self.source.on, self.feed.cap, self.feed.claims = False, self.feed.size, honest
        account = self.read(full=self.kind.whole)
        assert came_to(account) == OK, (str(self.fault), account)
        self.feed.strange.clear()
        self.no_row_behind_the_cursor()
        expected, found = self.feed.expected(), self.feed.stored()
        assert found == expected, str(self.fault)

    def no_row_behind_the_cursor(self) -> None:
        """Every sound row that the next reading will not ask for again is in the database."""
        cursor = self.cursor()
        if cursor is None:
            return
        assert cursor <= max(self.feed.newest(), self.newest), (str(self.fault), cursor)
        assert left_behind(self.feed, cursor - OVERLAP, list(self.feed.stored())) == [], str(self.fault)

    def cursor(self) -> datetime | None:
        """How far the stream counts as read."""
        with unit_of_work() as database:
            row = database.get(SyncCursor, (self.feed.name, self.feed.stream))
            return row.cursor if row is not None else None


def came_to(account: dict[str, Any]) -> str:
    """What an account says: ok, or the first that is wrong."""
    if account["status"] != OK:
        return str(account["status"])
    if any(one.get("status") == "deferred" for one in account["streams"].values()):
        return "deferred"
    held_back = sum(one.get("quarantined", 0) for one in account["streams"].values())
    return HELD_BACK if held_back else OK


def left_behind(feed: Feed, until: datetime, found: Sequence[str]) -> list[str]:
    """The sound rows that were changed up to an instant and are not in the database."""
    known = {*found, *feed.strange}
    return [feed.id(row) for row in feed.rows if feed.at(row) <= until and feed.id(row) not in known]


__all__ = ["FAILED", "Fault", "Run", "came_to", "fault_of", "many", "some_of_each"]
