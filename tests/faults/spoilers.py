"""Ways to spoil what a source says: one kind of fault each, and what a reading may make of it.

Belongs here: the faults. Does not: honest answers (sources.py), carrying a fault out (runs.py).
"""

import json
import math
import zlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from functools import cache
from random import Random
from typing import Any

from connectors import http
from models.clock import now
from tests.connectors.script import Asked, Reply
from tests.faults.sources import START, Feed

OK, FAILED, HELD_BACK = "ok", "failed", "quarantined"
MEGABYTE = b" " * (1 << 20)
SCHOOLS = ("results", "people")
BY_INDEX = (*SCHOOLS, "scim")
BY_LINK = ("scim-cursor", "partner", "xapi")
TIMED = (*BY_INDEX, *BY_LINK)
EVERY = (*TIMED, "moodle")
FAR = "9999-12-31T23:59:59.000Z"


@dataclass
class Blow:
    """One question that a fault strikes: what was asked, what the source would say, what it said before."""

    feed: Feed
    asked: Asked
    random: Random
    before: Reply | None
    elsewhere: str
    first: bool

    def honest(self) -> Reply:
        """What the source says by itself."""
        return self.feed.answer(self.asked)


Strike = Callable[[Blow], Reply]
Change = Callable[[Feed, Random], None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    `once` and `lasting` are what the account of the struck reading may say where one answer is spoilt and where all
    are from then on; None where there is no such fault. `change` is done to the source before it is read. `whole`: only
    a full reading brings what was missed, as the source does not say again what it once said. `row`: strikes answers
    with rows alone. `later`: whether a sound reading comes first; None: it may or may not.
    """

    strike: Strike | None = None
    wires: tuple[str, ...] = EVERY
    once: tuple[str, ...] | None = None
    lasting: tuple[str, ...] | None = None
    change: Change | None = None
    whole: bool = False
    row: bool = False
    later: bool | None = None
    auth: str = "bearer"
    options: dict[str, Any] = field(default_factory=dict)


def says(reply: Reply) -> Strike:
    """Always the same, whatever is asked."""
    return lambda blow: reply


def busy(status: int, wait: Callable[[], str] = str) -> Strike:
    """A status, with a wish when to come back."""

    def strike(_: Blow) -> Reply:
        asked_for = wait()
        return Reply({"detail": "busy"}, status=status, headers={"Retry-After": asked_for} if asked_for else {})

    return strike


def _in_two_seconds() -> str:
    return format_datetime(now() + timedelta(seconds=2), usegmt=True)


def fails_with_200(blow: Blow) -> Reply:
    """The wire's own way to say that it is busy, with status 200."""
    return Reply(blow.feed.failing)


def broken(**how: Any) -> Strike:
    """The honest answer, not carried to its end."""
    return lambda blow: replace(blow.honest(), **how)


def half(blow: Blow) -> Reply:
    """Half of the JSON, as if that were all."""
    raw = blow.honest().raw
    return Reply(raw[: len(raw) // 2])


def again(blow: Blow) -> Reply:
    """The page before once more."""
    return blow.before or blow.honest()


def in_place_of(blow: Blow) -> Reply:
    """The rows of the page before, and the way on from this one: a page is missing, and nothing else shows it."""
    page = blow.honest()
    before = blow.before.body if blow.before is not None else page.body
    return Reply({**page.body, **{name: value for name, value in before.items() if isinstance(value, list)}})


def spoilt(change: Callable[[Feed, dict[str, Any]], str | None]) -> Strike:
    """One row of the page changed on the way; `change` may give JSON to stand for the mark @@ in it."""

    def strike(blow: Blow) -> Reply:
        honest = blow.honest()
        body = deepcopy(honest.body)
        rows = blow.feed.rows_in(body)
        if not rows:
            return honest
        row = rows[-1 if len(rows) < 2 else blow.random.randrange(1, len(rows))]
        blow.feed.strange.add(blow.feed.id(row))
        written = change(blow.feed, row)
        return Reply(json.dumps(body).replace('"@@"', written or '"@@"').encode(), headers=honest.headers)

    return strike


def _far(feed: Feed, row: dict[str, Any]) -> None:
    feed.set_at(row, FAR)


def _nul(feed: Feed, row: dict[str, Any]) -> None:
    name, value = feed.with_nul
    row[name] = value


def _with(value: str) -> Callable[[Feed, dict[str, Any]], str]:
    def change(_: Feed, row: dict[str, Any]) -> str:
        row["note"] = "@@"
        return value

    return change


def renamed(blow: Blow) -> Reply:
    """A field has another name, from the middle of the first page on."""
    honest = blow.honest()
    body = deepcopy(honest.body)
    rows = blow.feed.rows_in(body)
    old, new = blow.feed.renamed
    for row in rows[len(rows) // 2 if blow.first else 0 :]:
        blow.feed.strange.add(blow.feed.id(row))
        row[new] = row.pop(old)
    return Reply(body, headers=honest.headers)


def bomb(blow: Blow) -> Reply:
    """A little that unpacks to much."""
    return Reply(_bomb(4 * http.BODY_CAP), headers={"Content-Encoding": "gzip"})


@cache
def _bomb(size: int) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(MEGABYTE) for _ in range(0, size, len(MEGABYTE))) + packer.flush()


def flood(blow: Blow) -> Reply:
    """Two gigabytes, in pieces and without a length."""
    return Reply(chunks=_pieces())


def _pieces() -> Iterator[bytes]:
    for _ in range(2048):
        yield MEGABYTE


def sent_away(blow: Blow) -> Reply:
    """A redirect to another host."""
    return Reply(status=307, headers={"Location": f"{blow.elsewhere}{blow.asked.path}"})


def leads_away(blow: Blow) -> Reply:
    """A next link to another host."""
    honest = blow.honest()
    if blow.feed.kind == "xapi":
        return Reply({**honest.body, "more": f"{blow.elsewhere}/xAPI/statements"})
    return Reply(honest.body, headers={**honest.headers, "Link": f'<{blow.elsewhere}/x>; rel="next"'})


def round_and_round(blow: Blow) -> Reply:
    """A way on that leads back to the beginning, for ever."""
    honest = blow.honest()
    name, back = {"xapi": ("more", "/xAPI/statements?after=0"), "partner": ("next", "0"),
                  "scim": ("nextCursor", "1")}[blow.feed.kind]  # fmt: skip
    return Reply({**honest.body, name: back})


def goes(blow: Blow) -> Reply:
    """Rows that were read already are deleted while the rest is read."""
    if blow.first:
        for row in blow.feed.rows[: blow.random.randrange(1, 4)]:
            blow.feed.rows.remove(row)
    return blow.honest()


def comes(blow: Blow) -> Reply:
    """Rows come into the part that was read already."""
    if blow.first:
        for _ in range(blow.random.randrange(1, 4)):
            blow.feed.add(blow.feed.newest() + timedelta(minutes=1), first=True)
    return blow.honest()


def _capped(feed: Feed, random: Random) -> None:
    feed.cap = random.randrange(2, feed.size)


def _claims(claims: Callable[[int, int], int]) -> Change:
    def change(feed: Feed, _: Random) -> None:
        feed.claims = claims

    return change


def _capped_and_lying(feed: Feed, random: Random) -> None:
    """Each page is short, and the total says that it is the last."""
    feed.cap, feed.claims = random.randrange(2, feed.size), lambda total, given: given


def _late(before: timedelta) -> Change:
    def change(feed: Feed, _: Random) -> None:
        feed.add(feed.newest() - before)

    return change


def _old(feed: Feed, _: Random) -> None:
    feed.strange.add(feed.id(feed.add(START - timedelta(days=60))))


def _one_instant(feed: Feed, random: Random) -> None:
    """Hundreds of rows change at one instant, more than many pages hold, just when the cursor stands there."""
    at = feed.newest()
    for _ in range(12 * feed.size):
        feed.add(at)


BUSY = {"once": (OK,), "lasting": (FAILED,)}
SPOILT: dict[str, Any] = {"wires": EVERY, "row": True, "whole": True}
KINDS: dict[str, Kind] = {
    "429 with seconds": Kind(busy(429, lambda: "2"), **BUSY),
    "429 with a date": Kind(busy(429, _in_two_seconds), **BUSY),
    "429 with garbage": Kind(busy(429, lambda: "soon, 好"[:4]), **BUSY),
    "429 with a day": Kind(busy(429, lambda: "86400"), once=(FAILED, "held", "deferred"), lasting=(FAILED, "held", "deferred")),
    "500": Kind(busy(500), **BUSY),
    "502": Kind(busy(502), **BUSY),
    "503": Kind(busy(503), **BUSY),
    "reset": Kind(broken(reset=True), **BUSY),
    "cut body": Kind(broken(cut=True), **BUSY),
    "slow answer": Kind(broken(hang=True), once=(OK,)),
    "truncated JSON": Kind(half, **BUSY),
    "HTML with 200": Kind(says(Reply(b"<!DOCTYPE html><title>Login</title>")), **BUSY),
    "nothing with 200": Kind(says(Reply(b"")), once=(FAILED,), lasting=(FAILED,)),
    "error body with 200": Kind(fails_with_200, **BUSY),
    "expired token": Kind(says(Reply({"detail": "expired"}, status=401)), wires=TIMED, auth="oauth2", **BUSY),
    "forbidden": Kind(says(Reply({"detail": "no"}, status=403)), once=(FAILED, OK), lasting=(FAILED,)),
    "repeated page": Kind(again, wires=TIMED, once=(OK, FAILED), lasting=(FAILED, OK)),
    "page in place of the next": Kind(in_place_of, wires=BY_LINK, once=(OK, FAILED)),
    "rows deleted while read": Kind(goes, wires=BY_INDEX, once=(OK,), whole=True),
    "rows inserted while read": Kind(comes, wires=BY_INDEX, once=(OK,)),
    "capped limit": Kind(wires=BY_INDEX, change=_capped, once=(OK,)),
    "total of too few": Kind(wires=SCHOOLS, change=_claims(lambda total, given: total // 3), once=(OK,)),
    "total of none": Kind(wires=SCHOOLS, change=_claims(lambda total, given: 0), once=(OK,)),
    "total of what was given": Kind(wires=BY_INDEX, change=_claims(lambda total, given: given), once=(OK,)),
    "total of too many": Kind(wires=BY_INDEX, change=_claims(lambda total, given: 3 * total), once=(OK, FAILED)),
    "capped limit and a total of what was given": Kind(wires=BY_INDEX, change=_capped_and_lying, once=(OK,)),
    "cyclic next link": Kind(round_and_round, wires=BY_LINK, lasting=(FAILED,)),
    "foreign next link": Kind(leads_away, wires=(*SCHOOLS, "xapi"), once=(OK, FAILED), lasting=(OK, FAILED)),
    "redirect to another host": Kind(sent_away, once=(FAILED,), lasting=(FAILED,)),
    "gzip bomb": Kind(bomb, once=(FAILED,)),
    "2 GB body": Kind(flood, once=(FAILED,)),
    "late row within the overlap": Kind(wires=TIMED, change=_late(timedelta(minutes=5)), once=(OK,), later=True),
    "late row with an old timestamp": Kind(wires=TIMED, change=_old, once=(OK,), later=True, whole=True),
    "hundreds of rows at one instant": Kind(wires=TIMED, change=_one_instant, once=(OK,), later=True),
    "timestamp in the year 9999": Kind(spoilt(_far), once=(HELD_BACK,), **{**SPOILT, "wires": TIMED}),
    "NaN": Kind(spoilt(_with(str(math.nan).replace("n", "N", 1).replace("n", "N"))), lasting=(FAILED,), **SPOILT),
    "5,000 digits": Kind(spoilt(_with("9" * 5000)), lasting=(FAILED,), **SPOILT),
    "lone surrogate": Kind(spoilt(_with('"\\ud800"')), lasting=(FAILED,), **SPOILT),
    "NUL": Kind(spoilt(_nul), once=(HELD_BACK,), **SPOILT),
    "field renamed half way": Kind(renamed, lasting=(HELD_BACK, FAILED, "held"), **SPOILT),
}  # fmt: skip
