"""What people read, and the stall watch, take as many queries for sixty people as for three."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from tasks import views
from tasks.office import Office
from tasks.stalls import watch_waits
from tests.models.repositories.conftest import counting
from tests.models.repositories.people import FIRST, add, nomination, participant, request, wait, worker
from tests.models.tables.rows import DAY

STALLED = DAY + timedelta(days=42)  # a Tuesday


def cohort_of(session: Session, numbers: range) -> None:
    """People under review, each with a question in the inbox and a wait; a doubled row beside each."""
    for number in numbers:
        person = participant(number, employee_number=str(number))
        add(
            session, worker(number), person, nomination(number, status="held"),
            request(f"D-{number}", participant_id=person.id), request(f"N-{number}", nomination_id=f"NM-A{number:04}"),
            wait(f"WT-{number:04}", participant_id=person.id, subject="", due_on=DAY),
        )  # fmt: skip
    session.commit()


READS: dict[str, tuple[Callable[[date], Any], Callable[[Any], int]]] = {
    "inbox": (views.inbox, len),
    "cohort list": (views.cohort_list, lambda lines: lines[0]["waits"]),
    "cohort show": (
        lambda day: views.cohort_view(FIRST, day),
        lambda view: sum(one["people"] for one in view["waits"]),
    ),
    "stalls": (views.stalls, lambda lines: sum(line["people"] for line in lines)),
}


@pytest.mark.parametrize("name", READS)
def test_reading_takes_as_many_queries_for_many_people_as_for_few(office: Office, lasting: Session, name: str) -> None:
    read, size = READS[name]
    cohort_of(lasting, range(3))
    with counting(office.engine) as few:
        small = size(read(STALLED))
    cohort_of(lasting, range(3, 60))
    with counting(office.engine) as many:
        large = size(read(STALLED))
    assert large > small + 50
    assert len(many) == len(few) <= 12


def test_the_cohort_list_says_what_each_wait_says_by_itself(office: Office, lasting: Session) -> None:
    cohort_of(lasting, range(3))
    add(lasting, wait("WT-x", due_on=STALLED), wait("WT-y", kind="notice-running"))
    lasting.commit()
    (line,) = views.cohort_list(STALLED)
    view = views.cohort_view(FIRST, STALLED)
    assert line["participants"] == view["participants"] == {"active": 4, "held": 3}
    assert line["waits"] == 6
    assert line["stalled"] == 4 == sum(max(one["people"], 1) for one in view["waits"] if one["stalled"])


def test_the_stall_watch_takes_no_query_more_for_each_person_or_alert_that_stays(
    office: Office, lasting: Session
) -> None:
    quiet = {"raised": 0, "escalated": 0, "resolved": 0, "held": 0}
    cohort_of(lasting, range(3))
    asyncio.run(watch_waits(STALLED))
    with counting(office.engine) as few:
        assert asyncio.run(watch_waits(STALLED)) == quiet
    cohort_of(lasting, range(3, 60))
    asyncio.run(watch_waits(STALLED))
    with counting(office.engine) as many:
        assert asyncio.run(watch_waits(STALLED)) == quiet
    assert len(many) == len(few)
