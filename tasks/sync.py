"""A night's reading of sources: which streams of which connections, side by side, and the account of each.

Belongs here: the order of streams, what a failure stops, a connection's night. Does not: reading one stream
(reading.py), any protocol (connectors), the gate (gate.py).
"""

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from datetime import date
from traceback import format_exception

from connectors.base import Connection, Connector, Cost
from connectors.database import NotToBeUsed, alone
from connectors.errors import OutsideError
from connectors.registry import open_connector
from models.clock import business_date
from models.repositories.common import add_missing
from models.rules.privacy import mask_numbers
from models.tables.operations import SourceNights
from models.vault import KeyMissing
from tasks.collector import quiet
from tasks.errors import BadInput, Held
from tasks.office import office, unit_of_work
from tasks.points import reached
from tasks.reading import Reading, Report, Turns, take_away_freed
from tasks.step import AGAIN, broken_at, is_of_the_database, step
from tasks.streams import missing_need

WRITERS = 4  # at once, where the database has more than one
NO_COST = Cost()

logger = logging.getLogger(__name__)


@step(name="sync-connections", retries=AGAIN)
async def sync_connections(names: list[str], as_of: date | None = None, full: bool = False) -> dict[str, Report]:
    """Read these connections side by side, so many at once as the settings say; give the account of each, by name."""
    here = office()
    writers = 1 if here.engine.dialect.name == "sqlite" else WRITERS
    turns = Turns(asyncio.Semaphore(here.settings.connections_at_once), asyncio.Semaphore(writers))
    known = {one.name: one for one in here.settings.connections}
    nights = [Night(known[name], business_date(as_of), full, turns) for name in names]
    with quiet():
        accounts = await asyncio.gather(*(night.run() for night in nights), return_exceptions=True)
    return {name: _given(account) for name, account in zip(names, accounts, strict=True)}


def _given(account: Report | BaseException) -> Report:
    """Give an account, once all nights have ended. Raises what ended this one: without a database there is none."""
    if isinstance(account, BaseException):
        raise account
    return account


def _unexpected(place: str, error: Exception) -> str:
    """Say that something broke of which nobody thought, and where. Raises it where it is no matter of one source."""
    if _is_of_all(error):
        raise error
    logger.error("%s: an error that nobody expected: %s", place, mask_numbers("".join(format_exception(error))))
    return f"{place}: something went wrong that nobody expected ({broken_at(error)}): tell whoever looks after Yuanmeng"


def _is_of_all(error: Exception) -> bool:
    """Whether an error is of the database as a whole, of the keys or of what was asked for: no source is to blame."""
    return isinstance(error, BadInput | KeyMissing | NotToBeUsed) or is_of_the_database(error)


@dataclass
class Night:
    """One connection's night: its streams one after another; a stream that fails stops those that need it.

    One that its source asks to put off to another night is deferred: that is no failure.
    """

    connection: Connection
    today: date
    full: bool
    turns: Turns
    streams: dict[str, Report] = field(default_factory=dict)
    unread: dict[str, tuple[str, str]] = field(default_factory=dict)  # status and why, by stream
    leaving: list[Reading] = field(default_factory=list)  # what a source no longer has, but others hang on

    async def run(self) -> Report:
        """Read all streams; a failure is told in the account and stops this connection at most."""
        async with self.turns.reading:
            try:
                async with open_connector(self.connection) as connector:
                    await self._read_all(connector)
                    await self._take_away_freed(connector)
            except OutsideError as error:
                self.unread[""] = ("failed", str(error))
            except Exception as error:  # noqa: BLE001  (it ends this connection's night and no other's)
                self.unread[""] = ("failed", _unexpected(self.connection.name, error))
            statuses = {status for status, _ in self.unread.values()}
            status = next((one for one in ("failed", "held") if one in statuses), "ok")
            await self.turns.write(keep_night, self.connection.name, self.today, status != "failed")
        return {
            "status": status,
            "reason": "; ".join(reason for _, reason in self.unread.values()),
            "streams": self.streams,
        }

    async def _read_all(self, connector: Connector) -> None:
        """Read the streams in their order; a system that is dead is asked for no more of them."""
        for stream in connector.streams:
            need = missing_need(stream, self.unread)
            if need is not None:
                sentence = f"{self.connection.name}: {stream} was not read, because it needs {need}"
                self._account(
                    stream, self.unread[need][0], sentence, Reading(self.connection, stream, self.today, self.turns)
                )
            elif await self._read(connector, stream):
                return

    async def _read(self, connector: Connector, stream: str) -> bool:
        """Read one stream and keep its account; True when its system is dead."""
        reading = Reading(self.connection, stream, self.today, self.turns, self.full)
        began, before, status, reason, dead = time.perf_counter(), replace(connector.cost), "ok", "", False
        try:
            await reading.run(connector)
            if reading.answered.left:
                self.leaving.append(reading)
        except Held as doubt:
            status, reason = "held", str(doubt)
        except OutsideError as error:
            status, reason, dead = "deferred" if error.deferred else "failed", str(error), error.dead
        except Exception as error:  # noqa: BLE001  (another stream may be read all the same)
            status, reason = "failed", _unexpected(f"{self.connection.name}: {stream}", error)
        self._account(stream, status, reason, reading, time.perf_counter() - began, before, connector.cost)
        return dead

    async def _take_away_freed(self, connector: Connector) -> None:
        """What others hung on when its own stream was read goes once those have gone: children before parents."""
        await self.turns.write(take_away_freed, self.connection, self.today, connector.streams)
        for reading in reversed(self.leaving):
            await self.turns.write(reading.take_away_left)
            self.streams[reading.stream] |= reading.account()

    def _account(
        self, stream: str, status: str, reason: str, reading: Reading,
        seconds: float = 0.0, before: Cost = NO_COST, after: Cost = NO_COST,
    ) -> None:  # fmt: skip
        self.streams[stream] = {
            **reading.account(), "seconds": round(seconds, 3), "requests": after.requests - before.requests,
            "bytes": after.received - before.received, "retries": after.retries - before.retries,
            "status": status, "reason": reason,
        }  # fmt: skip
        if status != "ok":
            self.unread[stream] = (status, reason)


def keep_night(name: str, today: date, read: bool) -> None:
    """Note whether a connection could be read tonight; a night that fails twice is one, a later success undoes it."""
    with unit_of_work() as session:
        alone(session, name)
        nights = add_missing(session, SourceNights(connection=name, tried_on=today))
        if read:
            nights.read_on, nights.failed_nights, nights.failing_since = today, 0, None
        elif nights.read_on != today and (not nights.failed_nights or nights.tried_on < today):
            nights.failed_nights += 1
            nights.failing_since = nights.failing_since or today
        nights.tried_on = max(nights.tried_on, today)
        reached("night-noted")
