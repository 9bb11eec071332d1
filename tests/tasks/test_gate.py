"""The gate: each record of a batch is counted once, as what became of it, and two readings at once leave what one leaves."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from threading import Barrier, Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session as Work

from models import records
from models.records import Unreadable
from models.tables.operations import Quarantine, SourceVersion, SyncCursor
from models.tables.people import Leave
from models.tables.teaching import Attendance, Mark, OnlineStudy, Term
from tasks import reading
from tasks.gate import Counts, take
from tasks.office import Office, office, use_office
from tasks.source import Source
from tasks.sync import sync_connections
from tests.fixtures.cohorts import REGISTERED, Case, hashes, open_cohort, rows
from tests.tasks.conftest import At
from tests.tasks.gates.examples import GOOD
from tests.tasks.told import (
    DAY,
    SCHOOL_STREAMS,
    SHANGHAI,
    STAMP,
    Told,
    connect,
    document,
    enrolment,
    entry,
    later,
    learner,
    result,
    session,
    study,
    term,
)

LATEST = STAMP + timedelta(days=2)


@pytest.fixture
def there(bare: Case, monkeypatch: pytest.MonkeyPatch) -> Told:
    """A school that the office reads."""
    told = Told()
    connect(monkeypatch, told)
    return told


@pytest.fixture
def work(bare: Case) -> Iterator[Work]:
    """A transaction that ends in nothing."""
    with Work(office().engine) as opened:
        yield opened
        opened.rollback()


def source(work: Work) -> Source:
    """The source of one batch."""
    return Source("there", work, "9" * 18, DAY, LATEST)


@pytest.mark.parametrize("older", [{"title": "old"}, {"removed": True}], ids=["changed", "removed"])
def test_a_version_that_is_given_before_a_newer_one_never_undoes_it(there: Told, older: dict[str, Any]) -> None:
    there.says(terms=[term(**older), term(title="new", changed_at=later(1))])
    for written in (1, 0, 0):
        account = there.read(full=True)["streams"]["terms"]
        assert (account["written"], account["removed"]) == (written, 0)
        assert [one.title for one in rows(Term)] == ["new"]


some_terms = st.builds(
    lambda number, minute, title, removed, bad: term(
        f"T{number}", changed_at=None if minute is None else later(minute), title=title, removed=removed,
        **({"starts_on": date(1900, 1, 1)} if bad else {}),
    ),
    st.integers(0, 4), st.none() | st.integers(0, 5) | st.just(10**6), st.sampled_from("xy"), st.booleans(), st.booleans(),
)  # fmt: skip
anything = st.one_of(
    some_terms,
    st.builds(lambda number: Unreadable(source_id=f"T{number}", stream="terms", payload="{}"), st.integers(0, 6)),
    st.builds(lambda number: document(f"D{number}"), st.integers(0, 3)),
    st.builds(lambda number: enrolment(f"E{number}", role="teacher"), st.integers(0, 3)),
    st.builds(lambda number, voided: study(f"O{number}", class_source_id="", voided=voided), st.integers(0, 2), st.booleans()),
)  # fmt: skip
many = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@many
@given(batches=st.lists(st.lists(anything, max_size=8), min_size=1, max_size=4))
def test_every_record_is_counted_once_whatever_becomes_of_it(work: Work, batches: list[list[Any]]) -> None:
    for batch in batches:
        counts = take(source(work), "terms", batch).counts
        assert counts.read == len(batch)
        assert counts.read == counts.written + counts.unchanged + counts.removed + counts.quarantined
        assert min(counts.written, counts.unchanged, counts.removed, counts.quarantined) >= 0
    work.rollback()


@many
@given(said=st.lists(some_terms, max_size=10), cuts=st.lists(st.integers(0, 10), max_size=3))
def test_what_stands_in_the_end_is_the_newest_good_version_of_each(
    work: Work, said: list[records.Term], cuts: list[int]
) -> None:
    """With a timestamp to each and no two of one instant, neither order nor pages matter."""
    said = [replace(one, changed_at=later(place), removed=False) for place, one in enumerate(said)]
    edges = [0, *sorted(cuts), len(said)]
    for start, end in pairwise(edges):
        take(source(work), "terms", list(reversed(said[start:end])))
    work.flush()
    good = [one for one in said if one.starts_on.year > 1900]
    newest = {one.source_id: one for one in said}
    stands = {line.source_id: line.title for line in work.connection().execute(Term.__table__.select())}  # type: ignore[attr-defined]
    assert set(stands) <= {one.source_id for one in good}
    assert {key: title for key, title in stands.items() if newest[key] in good} == {
        key: one.title for key, one in newest.items() if one in good
    }
    work.rollback()


def test_counts_add_up() -> None:
    counts = Counts(5, 1, 2, 1, 1)
    counts.add(Counts(4, 1, 1, 1, 1))
    assert counts == Counts(9, 2, 3, 2, 2)


def test_a_row_deleted_and_made_again_as_it_was_is_there(there: Told) -> None:
    there.says(terms=[term()])
    there.read()
    there.says(terms=[term(removed=True, changed_at=term().changed_at)])
    assert there.read()["streams"]["terms"]["removed"] == 1
    there.says(terms=[term(changed_at=later(2))])
    assert there.read()["streams"]["terms"]["written"] == 1
    assert len(rows(Term)) == 1


def test_the_deletion_of_a_row_that_never_was_changes_nothing(there: Told) -> None:
    there.says(terms=[term(removed=True)])
    account = there.read()["streams"]["terms"]
    assert (account["unchanged"], account["removed"]) == (1, 0)


def test_what_is_told_twice_is_remembered_by_its_version_and_written_once(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.tables.people import Worker

    told = Told()
    connect(monkeypatch, told)
    number = next(one.resident_id for one in rows(Worker) if one.id == case.people[0].worker_id)
    leave = GOOD[records.Leave](source_id="L", resident_id=number)
    told.says(leave=[leave])
    assert told.read()["streams"]["leave"]["written"] == 1
    before = hashes()
    assert told.read(full=True)["streams"]["leave"]["unchanged"] == 1
    assert hashes() == before
    told.says(leave=[replace(leave, status="refused", changed_at=later(1))])
    told.read()
    told.says(leave=[leave])
    assert told.read(full=True)["streams"]["leave"]["unchanged"] == 1
    assert (rows(Leave)[0].status, len(rows(SourceVersion))) == ("refused", 1)


def test_a_withdrawal_stays_when_its_statement_is_read_again(there: Told) -> None:
    there.says(online_study=[study(class_source_id="", voided=True, student_number="", changed_at=later(5))])
    there.read()
    there.says(online_study=[study(class_source_id="", changed_at=later(6))])
    there.read(full=True)
    assert [(one.voided, one.student_number) for one in rows(OnlineStudy)] == [(True, "2026U1")]


# --- two at once --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("full", [False, True], ids=["tonight", "full"])
def test_two_readings_of_one_source_at_once_leave_what_one_leaves(
    office: Office, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    """Each fetches beside the other; what one has written, the other finds."""
    open_cohort()
    monkeypatch.setattr(reading, "BATCH_ROWS", 20)
    there, meet = Told(), Barrier(2, timeout=30)
    connect(monkeypatch, there)
    there.says(**{**SCHOOL_STREAMS, "people": [learner(f"U{n}") for n in range(1, 50)], "results": []})
    there.read()
    marks = [result(f"R{n}", learner_source_id=f"U{1 + n % 60}", changed_at=later(n)) for n in range(120)]
    there.streams["results"] = [marks[start : start + 20] for start in range(0, 120, 20)]
    there.streams["people"] = [[learner(f"U{n}") for n in range(1, 49)]]
    here, accounts, waited = office, list[dict[str, Any]](), set[int]()

    def wait_once(stream: str) -> None:
        from threading import get_ident

        if stream == "results" and get_ident() not in waited:
            waited.add(get_ident())
            meet.wait()

    there.before = wait_once

    def night() -> None:
        accounts.append(asyncio.run(sync_connections(["there"], DAY, full))["there"])

    both = [Thread(target=night) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
    assert here.engine is not None
    good = {f"there:R{n}" for n in range(120) if 1 + n % 60 < (49 if full else 50)}
    assert {one.id for one in rows(Mark)} == good
    assert {one.source_id for one in rows(Quarantine) if one.stream == "results"} == {f"R{n}" for n in range(120)} - {
        one.removeprefix("there:") for one in good
    }
    results = [one["streams"]["results"] for one in accounts]
    assert [one["status"] for one in results] == ["ok", "ok"]
    assert sum(one["written"] for one in results) == len(good)
    assert next(one.cursor for one in rows(SyncCursor) if one.stream == "results") == later(119)


# --- from a source to what it means -------------------------------------------------------------------------------


@pytest.fixture
def taught(at: At, monkeypatch: pytest.MonkeyPatch) -> tuple[Case, Told]:
    """A cohort in its classes, and a centre that reports their registers."""
    case, told = at("teaching"), Told(name="centre")
    case.timetable()
    case.advance(REGISTERED)
    connect(monkeypatch, told)
    return case, told


DAYS = [date(2026, 9, 12) + timedelta(days=7 * week) for week in range(4)]


def register(case: Case, day: date, said: dict[int, str], *, closed: bool = True) -> list[Any]:
    """A session of M01 on a day, and what its register says of the people by their place."""
    from datetime import datetime

    name, of = f"s{day}", {"class_source_id": "class-M01"}
    starts = datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)
    held = session(name, starts_at=starts, closed=closed, **of)
    return [
        held,
        *(entry(name, str(case.people[one].student_number), meaning=word, **of) for one, word in said.items()),
    ]


def counted(case: Case, number: int) -> tuple[int, ...]:
    """How a participant attended M01: held, present, late, excused, absent."""
    taken = case.taken(number, "M01")
    return (taken.held, taken.present, taken.late, taken.excused, taken.absent)


def test_who_is_enrolled_and_not_in_a_closed_register_was_absent_and_an_open_one_says_nothing(
    taught: tuple[Case, Told],
) -> None:
    case, told = taught
    told.says(attendance=[*register(case, DAYS[0], {0: "present", 1: "late", 2: "excused"}),
                          *register(case, DAYS[1], {0: "present"}, closed=False)])  # fmt: skip
    assert told.read(DAYS[1])["status"] == "ok"
    case.advance(DAYS[1])
    assert [counted(case, number) for number in range(4)] == [
        (1, 1, 0, 0, 0), (1, 0, 1, 0, 0), (1, 0, 0, 1, 0), (1, 0, 0, 0, 1),
    ]  # fmt: skip


def test_a_corrected_register_corrects_and_a_line_taken_out_is_an_absence(taught: tuple[Case, Told]) -> None:
    case, told = taught
    told.says(attendance=register(case, DAYS[0], {0: "present", 1: "absent", 2: "present"}))
    told.read(DAYS[0])
    case.advance(DAYS[0])
    assert [counted(case, number)[1] for number in range(3)] == [1, 0, 1]
    told.says(attendance=register(case, DAYS[0], {0: "absent", 1: "present"}))
    connect_doubting_less(told)
    told.read(DAYS[1])
    case.advance(DAYS[1])
    assert [counted(case, number)[1] for number in range(3)] == [0, 1, 0]
    assert [counted(case, number)[4] for number in range(3)] == [1, 0, 1]
    assert len(rows(Attendance)) == 2


def connect_doubting_less(told: Told) -> None:
    """One line of four is more than a tenth: here that is meant."""
    here = office()
    doubts = reading.Doubts(removed_share=1)
    use_office(Office(here.settings.model_copy(update={"doubts": doubts}), here.engine, here.policies))


def test_leave_approved_later_turns_an_absence_into_leave_and_back_when_it_is_withdrawn(
    taught: tuple[Case, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.tables.people import Worker

    case, told = taught
    number = next(one.resident_id for one in rows(Worker) if one.id == case.people[0].worker_id)
    leave = GOOD[records.Leave](source_id="L", resident_id=number, starts_on=DAYS[0], ends_on=DAYS[0], status="pending")
    lines = register(case, DAYS[0], {1: "present"})
    seen = []
    steps = [leave, replace(leave, status="approved", changed_at=later(1)),
             replace(leave, status="refused", changed_at=later(2)), replace(leave, status="approved", changed_at=later(3)),
             replace(leave, removed=True, changed_at=later(4))]  # fmt: skip
    for place, one in enumerate(steps):
        told.says(attendance=lines, leave=[one])
        assert told.read(DAYS[0] + timedelta(place))["status"] == "ok"
        case.advance(DAYS[0] + timedelta(place))
        seen.append(counted(case, 0)[3:])
    assert seen == [(0, 1), (1, 0), (0, 1), (1, 0), (0, 1)]


def test_face_to_face_and_online_are_counted_apart(taught: tuple[Case, Told]) -> None:
    case, told = taught
    mine = str(case.people[0].student_number)
    told.says(attendance=register(case, DAYS[0], {0: "present"}),
              online_study=[study(student_number=mine, class_source_id="class-M01", minutes=Decimal("45.5"))])  # fmt: skip
    told.read(DAYS[0])
    case.advance(DAYS[0])
    taken = case.taken(0, "M01")
    assert (taken.held, taken.present, taken.online_minutes) == (1, 1, Decimal("45.500"))
