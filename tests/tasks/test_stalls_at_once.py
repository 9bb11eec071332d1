"""Two stall watches at one moment, on both databases: one of them tells, the other finds it told."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier, BrokenBarrierError

import pytest
from sqlmodel import Session

from models.repositories.lifecycle import OverdueWait
from models.tables.lifecycle import Alert, Wait
from models.tables.operations import Outbox
from tasks import stalls
from tasks.office import Office
from tasks.watch import waits
from tests.fixtures.cohorts import OPENED, TAUGHT, open_cohort, rows, write

SECONDS = 1.0  # how long each waits for the other to have read before either writes


def test_two_watches_at_once_raise_one_alert(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    write(Wait(id="WT-1", cohort_code=open_cohort(), stage="review", kind="review-decision", holder="union",
               since=OPENED, due_on=OPENED))  # fmt: skip
    together, read = Barrier(2), waits.overdue_waits

    def read_together(session: Session, day: date) -> list[OverdueWait]:
        found = read(session, day)
        try:
            together.wait(SECONDS)
        except BrokenBarrierError:
            together.abort()  # the other is not let in: nobody need wait for it
        return found

    monkeypatch.setattr(waits, "overdue_waits", read_together)
    with ThreadPoolExecutor(2) as pool:
        watches = [pool.submit(lambda: asyncio.run(stalls.watch_waits(TAUGHT))) for _ in range(2)]
        told = sorted(watch.result()["raised"] for watch in watches)
    assert told == [0, 1]
    assert len(rows(Alert)) == len(rows(Outbox)) == 1
