"""What is held: a stream that is not believed, with the command that releases it; and rows in quarantine."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from models.records import Unreadable
from models.tables.operations import Quarantine, SyncCursor
from models.tables.people import Consent, Leave
from models.tables.teaching import Course, Learner, Mark, Term
from tasks import reading
from tasks.holding import payload_of, record_of
from tasks.quarantine import quarantine_list, quarantine_retry
from tests.fixtures.cohorts import Case, change, rows, write
from tests.tasks.gates.examples import GOOD
from tests.tasks.told import (
    DAY,
    SCHOOL_STREAMS,
    Told,
    connect,
    course,
    later,
    learner,
    result,
    section,
    session,
    term,
)

BAD = {"starts_on": date(1900, 1, 1)}


@pytest.fixture
def there(bare: Case, monkeypatch: pytest.MonkeyPatch) -> Told:
    """A school that the office reads."""
    told = Told()
    connect(monkeypatch, told)
    return told


def terms(good: int, bad: int, start: int = 0) -> list[Any]:
    """So many good terms and so many that break a rule."""
    return [term(f"T{n}") for n in range(start, start + good)] + [
        term(f"B{n}", **BAD) for n in range(start, start + bad)
    ]


def cursor(stream: str = "terms") -> SyncCursor:
    """How far a stream was read."""
    return next(one for one in rows(SyncCursor) if one.stream == stream)


def release(stream: str = "terms") -> None:
    """Let a stream pass once, as a person does."""
    change(SyncCursor, ("there", stream), status="released")


@pytest.mark.parametrize(
    ("good", "bad", "status"), [(190, 10, "held"), (191, 9, "ok"), (0, 199, "ok"), (0, 200, "held")]
)
def test_five_per_cent_of_two_hundred_rows_hold_a_stream(there: Told, good: int, bad: int, status: str) -> None:
    there.says(terms=terms(good, bad))
    account = there.read()
    assert account["streams"]["terms"]["status"] == status
    assert len(rows(Term)) == (good if status == "ok" else 0)
    assert len(rows(Quarantine)) == (bad if status == "ok" else 0)


def test_nothing_of_a_held_batch_is_written_and_the_cursor_stays(there: Told) -> None:
    there.says(terms=[term("T0")])
    there.read()
    there.says(terms=[*terms(189, 10, start=1), term("Z", changed_at=later(99))])
    account = there.read()
    held = account["streams"]["terms"]
    assert (account["status"], held["status"]) == ("held", "held")
    assert (held["read"], held["written"], held["quarantined"], held["cursor"]) == (
        0,
        0,
        0,
        term().changed_at.isoformat(),
    )
    assert held["reason"] == account["reason"]
    assert "terms is held, since 10 of 200 rows break a rule" in held["reason"]
    assert "--connection there --release terms --reason" in held["reason"]
    assert len(rows(Term)) == 1
    assert rows(Quarantine) == []
    assert (cursor().status, cursor().cursor, cursor().reason) == ("held", term().changed_at, held["reason"])


def test_other_streams_of_a_held_ones_connection_go_on(there: Told) -> None:
    there.says(terms=terms(0, 200), courses=[course()])
    account = there.read()
    assert [one["status"] for one in account["streams"].values()] == ["held", "ok"]
    assert len(rows(Course)) == 1


def test_a_held_stream_passes_by_itself_once_its_source_is_well(there: Told) -> None:
    there.says(terms=terms(100, 100))
    assert there.read()["status"] == "held"
    assert there.read()["status"] == "held"
    there.says(terms=terms(200, 0))
    assert there.read()["streams"]["terms"]["written"] == 200
    assert (cursor().status, cursor().reason) == ("ok", "")


def test_a_released_stream_passes_once_with_its_bad_rows_in_quarantine(there: Told) -> None:
    there.says(terms=terms(100, 100))
    there.read()
    release()
    account = there.read()["streams"]["terms"]
    assert (account["status"], account["written"], account["quarantined"]) == ("ok", 100, 100)
    assert cursor().status == "ok"
    there.says(terms=terms(300, 300))
    assert there.read(full=True)["streams"]["terms"]["status"] == "held"


def test_rows_that_are_in_quarantine_already_do_not_hold_it_again(there: Told) -> None:
    there.says(terms=terms(100, 100))
    there.read()
    release()
    there.read()
    for day in (DAY, DAY + timedelta(1), DAY + timedelta(7)):
        account = there.read(day, full=True)["streams"]["terms"]
        assert (account["status"], account["unchanged"], account["quarantined"]) == ("ok", 100, 100)
    there.says(terms=terms(100, 100) + [term(f"N{n}", **BAD) for n in range(11)])
    assert there.read(full=True)["status"] == "held"


def test_a_row_that_was_cured_and_breaks_again_counts_again(there: Told) -> None:
    there.says(terms=terms(200, 9))
    there.read()
    there.says(terms=[*terms(200, 0), *(term(f"B{n}", changed_at=later(1)) for n in range(9))])
    assert there.read()["streams"]["terms"]["written"] == 9
    there.says(terms=[*terms(200, 0), *(term(f"B{n}", changed_at=later(2), **BAD) for n in range(9)), *terms(0, 2, 20)])
    assert there.read()["status"] == "held"


def test_a_doubt_about_all_batches_together_holds_as_well(there: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each batch is too small to be doubted; what passed before stays, and the cursor has not moved."""
    monkeypatch.setattr(reading, "BATCH_ROWS", 100)
    there.says(terms=[])
    there.streams["terms"] = [terms(92, 8, start=100 * n) for n in range(5)]
    account = there.read()["streams"]["terms"]
    assert account["status"] == "held"
    assert "16 of 200 rows break a rule" in account["reason"]
    assert (len(rows(Term)), cursor().cursor, account["cursor"]) == (92, None, None)


@pytest.mark.parametrize("full", [True, False], ids=["asked to", "of itself"])
def test_no_answer_at_all_from_a_source_that_had_rows_holds(there: Told, full: bool) -> None:
    there.says(terms=terms(3, 0))
    there.read()
    there.streams["terms"] = [[]]
    account = there.read(DAY if full else DAY + timedelta(7), full=full)
    assert "it had rows and answers with none" in account["streams"]["terms"]["reason"]
    assert len(rows(Term)) == 3
    release()
    assert there.read(full=True)["streams"]["terms"]["removed"] == 3


def test_no_answer_from_a_source_that_never_had_rows_is_a_usual_night(there: Told) -> None:
    there.says(terms=[], courses=[])
    there.streams = {"terms": [[]], "courses": []}
    assert there.read()["status"] == "ok"
    assert there.read(full=True)["status"] == "ok"


@pytest.mark.parametrize(("left", "status", "removed"), [(18, "ok", 2), (17, "held", 0)])
def test_more_than_a_tenth_that_vanishes_holds(there: Told, left: int, status: str, removed: int) -> None:
    there.says(terms=terms(20, 0))
    there.read()
    there.says(terms=[*terms(left, 0), term("NEW", changed_at=later(5))])
    account = there.read(full=True)["streams"]["terms"]
    assert (account["status"], account["removed"]) == (status, removed)
    assert len(rows(Term)) == (left + 1 if status == "ok" else 20)
    assert account["written"] == (status == "ok")  # what was taken back again was never written
    if status == "held":
        assert "3 of its 21 rows would be removed" in account["reason"]
        assert cursor().cursor == term().changed_at
        release()
        assert there.read(full=True)["streams"]["terms"]["removed"] == 3


@pytest.mark.parametrize(
    ("standing", "deleted", "status"),
    [(200, 20, "ok"), (199, 20, "held"), (100, 19, "ok"), (20, 20, "held"), (19, 19, "ok")],
)
def test_more_than_a_tenth_that_a_source_deletes_holds(there: Told, standing: int, deleted: int, status: str) -> None:
    there.says(terms=terms(standing, 0))
    there.read()
    there.says(terms=[term(f"T{n}", removed=True, changed_at=later(1)) for n in range(deleted)])
    account = there.read()["streams"]["terms"]
    assert account["status"] == status
    assert len(rows(Term)) == standing - (deleted if status == "ok" else 0)
    if status == "held":
        assert f"{deleted} of its {standing} rows are deleted there" in account["reason"]
        release()
        assert there.read()["streams"]["terms"]["removed"] == deleted


def test_deletions_are_counted_over_all_batches(there: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BATCH_ROWS", 10)
    there.says(terms=terms(100, 0))
    there.read()
    gone = [term(f"T{n}", removed=True, changed_at=later(1)) for n in range(40)]
    there.streams["terms"] = [gone[start : start + 10] for start in range(0, 40, 10)]
    account = there.read()["streams"]["terms"]
    assert (account["status"], account["removed"], len(rows(Term))) == ("held", 10, 90)
    assert "20 of its 100 rows are deleted there" in account["reason"]


@pytest.mark.parametrize(("kind", "stream", "table"), [("Leave", "leave", Leave), ("Consent", "consents", Consent)])
def test_what_became_rows_of_ours_is_counted_too(
    case: Case, monkeypatch: pytest.MonkeyPatch, kind: str, stream: str, table: type[Any]
) -> None:
    from models.tables.people import Worker

    told = Told()
    connect(monkeypatch, told)
    number = next(one.resident_id for one in rows(Worker) if one.id == case.people[0].worker_id)
    make = next(maker for record, maker in GOOD.items() if record.__name__ == kind)

    def say(count: int, **changes: Any) -> None:
        told.says(**{stream: [make(source_id=f"X{n}", resident_id=number, **changes) for n in range(count)]})

    say(60)
    told.read()
    before = len(rows(table))
    say(20, removed=True, changed_at=later(1))
    account = told.read()["streams"][stream]
    assert (account["status"], len(rows(table))) == ("held", before)
    assert "20 of its 60 rows are deleted there" in account["reason"]


# --- rows in quarantine -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", GOOD, ids=lambda kind: kind.__name__)
def test_a_record_that_is_held_back_is_the_same_when_it_is_taken_again(kind: type[Any]) -> None:
    record = GOOD[kind]()
    assert record_of(Quarantine(id="Q", connection="c", stream="s", source_id="x", rules="r", payload=payload_of(record),
                                first_on=DAY)) == record  # fmt: skip


def test_a_row_is_let_go_once_its_source_has_cured_it(there: Told) -> None:
    there.says(terms=[term(**BAD)])
    there.read()
    assert [one["rules"] for one in quarantine_list()] == ["date-out-of-range"]
    there.says(terms=[term(changed_at=later(1))])
    there.read()
    assert quarantine_list() == []
    assert rows(Quarantine)[0].cured_on == DAY


def test_two_versions_that_nobody_can_order_are_never_guessed(there: Told) -> None:
    there.says(terms=[term(changed_at=None, title="one"), term(changed_at=None, title="other")])
    account = there.read()["streams"]["terms"]
    assert account["quarantined"] == 2
    assert quarantine_retry(DAY) == {"cured": 0, "left": 1}
    assert rows(Term) == []
    there.says(terms=[term(changed_at=None)])
    there.read()
    assert (len(rows(Term)), quarantine_list()) == (1, [])


def test_a_row_that_cannot_be_read_is_let_go_when_it_can(there: Told) -> None:
    there.says(terms=[Unreadable(source_id="T1", stream="terms", payload="{}")])
    assert there.read()["streams"]["terms"]["quarantined"] == 1
    assert there.read()["streams"]["terms"]["quarantined"] == 1
    there.says(terms=[term("T1")])
    there.read()
    assert (len(rows(Term)), quarantine_list()) == (1, [])


@pytest.mark.parametrize("minutes", [2**63, 10**30, -(10**300)])
def test_a_whole_number_beyond_all_measure_is_held_back_and_kept_as_it_is(there: Told, minutes: int) -> None:
    running = term(starts_on=DAY, ends_on=DAY + timedelta(90))
    there.says(terms=[running], courses=[course()], classes=[section()], attendance=[session(minutes=minutes)])
    for _ in range(2):
        account = there.read()["streams"]["attendance"]
        assert (account["status"], account["quarantined"]) == ("ok", 1)
    (kept,) = rows(Quarantine)
    assert record_of(kept) == session(minutes=minutes)


@pytest.mark.parametrize("payload", [
    '{"type":"Gone","record":{}}', '{"type":"Term","record":{"title":5}}', '{"type":"Term","record":[]}',
    '{"type":"Term"}', "[]", "no JSON", "",
])  # fmt: skip
def test_what_another_version_of_yuanmeng_held_back_stays_and_stops_no_reading(there: Told, payload: str) -> None:
    there.says(terms=[term("T2")])
    there.read()
    write(Quarantine(id="Q-1", connection="there", stream="terms", source_id="T1", rules="key-missing", payload=payload,
                     first_on=DAY))  # fmt: skip
    assert there.read()["status"] == "ok"
    assert quarantine_retry(DAY) == {"cured": 0, "left": 1}


def test_the_first_day_of_a_row_in_quarantine_stays(there: Told) -> None:
    there.says(terms=[term(**BAD)])
    for day in (DAY, DAY + timedelta(3)):
        there.read(day, full=True)
    assert quarantine_list()[0]["since"] == DAY.isoformat()


def test_a_row_that_breaks_again_after_it_was_cured_is_held_back_since_that_day(there: Told) -> None:
    for after, changes in ((0, BAD), (7, {}), (30, BAD), (33, BAD)):
        there.says(terms=[term(changed_at=later(after), **changes)])
        there.read(DAY + timedelta(after))
    assert quarantine_list()[0]["since"] == (DAY + timedelta(30)).isoformat()


def test_a_mark_that_is_held_back_waits_for_its_learner_through_the_nights(there: Told) -> None:
    there.says(**{**SCHOOL_STREAMS, "results": [result(), result("R2", learner_source_id="U2")]})
    assert there.read()["streams"]["results"]["quarantined"] == 1
    for stream in there.streams:
        there.streams[stream] = [[]]
    there.read()
    there.streams["people"] = [[learner("U2", changed_at=later(1))]]
    account = there.read()
    assert [one.id for one in rows(Mark)] == ["there:R1", "there:R2"]
    assert account["streams"]["results"]["read"] == 0
    assert quarantine_list() == []


def test_a_newer_version_is_not_undone_by_an_older_one_out_of_quarantine(there: Told) -> None:
    there.says(**{**SCHOOL_STREAMS, "results": [result(score=Decimal(101), changed_at=later(1))]})
    there.read()
    there.says(**{**SCHOOL_STREAMS, "results": [result(score=Decimal(70), changed_at=later(2))]})
    there.read()
    assert quarantine_retry(DAY) == {"cured": 0, "left": 0}
    assert rows(Mark)[0].score == Decimal("70.000")


def test_a_source_that_is_read_again_and_again_leaves_one_row_in_quarantine(there: Told) -> None:
    there.says(people=[learner(student_number="１２３")])
    for _ in range(3):
        there.read(full=True)
    assert (len(rows(Quarantine)), rows(Learner)) == (1, [])


def test_a_row_that_could_not_be_read_and_is_gone_is_let_go_by_a_whole_reading(there: Told) -> None:
    """It was known by a digest of what it said: right, it comes under an id of its own, and the very next night asks."""
    there.says(terms=[Unreadable(source_id="row-0123", stream="terms", payload="{}"), term("T0")])
    there.read()
    there.says(terms=[term("T0"), term("T1")])
    assert len(quarantine_list()) == 1
    there.read()
    assert quarantine_list() == []
    assert [since for _, since in there.asked] == [None, None]
    there.read()
    assert there.asked[-1][1] is not None


def test_an_outcome_that_was_recognised_cannot_be_taken_back_by_its_source(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was decided about it hangs on it: that is for a person, and stops no night."""
    from models.records import OutcomeClaim
    from models.tables.credentials import Outcome, Recognition
    from models.tables.people import Worker
    from tests.fixtures.cohorts import write

    told = Told()
    connect(monkeypatch, told)
    person = case.people[0]
    number = next(one.resident_id for one in rows(Worker) if one.id == person.worker_id)
    claim = GOOD[OutcomeClaim](source_id="OC", resident_id=number)
    told.says(outcomes=[claim, GOOD[OutcomeClaim](source_id="OC2", resident_id=number)])
    told.read()
    write(Recognition(id="R-1", participant_id=person.id, outcome_id="there:OC", status="refused", rule="cap", credits=Decimal(0),
                      policy_version="1", reviewer="x", evidence="x", decided_on=DAY))  # fmt: skip
    told.says(outcomes=[GOOD[OutcomeClaim](source_id=name, resident_id=number, removed=True, changed_at=later(1))
                        for name in ("OC", "OC2")])  # fmt: skip
    account = told.read()["streams"]["outcomes"]
    assert (account["removed"], account["quarantined"]) == (1, 1)
    assert [one["rules"] for one in quarantine_list()] == ["still-referred-to"]
    assert [one.id for one in rows(Outcome)] == ["there:OC"]
