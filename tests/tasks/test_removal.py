"""What a whole reading no longer has: taken away, children first, of what was asked for alone, and nothing that stays said."""

from datetime import timedelta
from typing import Any

import pytest

from models.records import OutcomeClaim, Unreadable
from models.repositories.reported import orphans
from models.tables.credentials import Outcome
from models.tables.operations import Quarantine, SyncCursor
from models.tables.people import Worker
from models.tables.teaching import (
    Attendance,
    ClassSection,
    Course,
    Enrolment,
    Learner,
    LineItem,
    Mark,
    OnlineStudy,
    Session,
    Term,
)
from tasks import removal
from tasks.office import Office, unit_of_work
from tasks.quarantine import quarantine_list
from tasks.removal import Answered
from tests.fixtures.cohorts import Case, open_cohort, rows
from tests.tasks.gates.examples import GOOD
from tests.tasks.told import (
    DAY,
    SCHOOL_STREAMS,
    Told,
    connect,
    course,
    enrolment,
    entry,
    later,
    learner,
    line_item,
    result,
    section,
    session,
    study,
    term,
)


@pytest.fixture
def there(office: Office, monkeypatch: pytest.MonkeyPatch) -> Told:
    """A school that the office reads, on SQLite and again on PostgreSQL; nothing is doubted unless a test says so."""
    open_cohort()
    told = Told()
    connect(monkeypatch, told, doubts=removal.Doubts(removed_share=1))
    return told


def ids(table: type) -> list[str]:
    """The ids that stand."""
    return sorted(one.id.removeprefix("there:") for one in rows(table))


def test_what_vanished_goes_after_a_whole_reading_and_the_sum_is_right(there: Told) -> None:
    there.says(terms=[term("T1"), term("T2"), term("T3")])
    there.read()
    there.says(terms=[term("T1"), term("T3", title="changed", changed_at=later(1)), term("T4")])
    account = there.read(full=True)["streams"]["terms"]
    assert {name: account[name] for name in ("read", "written", "unchanged", "removed", "quarantined")} == {
        "read": 4, "written": 2, "unchanged": 1, "removed": 1, "quarantined": 0,
    }  # fmt: skip
    assert ids(Term) == ["T1", "T3", "T4"]
    assert there.read(full=True)["streams"]["terms"]["removed"] == 0


def test_a_row_that_breaks_a_rule_now_keeps_its_last_good_version(there: Told) -> None:
    """It was answered: it is there, though not to be believed."""
    there.says(terms=[term("T1"), term("T2")])
    there.read()
    there.says(terms=[term("T1", starts_on=DAY.replace(year=1900), changed_at=later(1)), term("T3", title="x")])
    account = there.read(full=True)["streams"]["terms"]
    assert (account["removed"], account["quarantined"], account["written"]) == (1, 1, 1)
    assert ids(Term) == ["T1", "T3"]


def unreadable(id: str, stream: str = "terms", **more: Any) -> Unreadable:
    """A row that came and could not be read."""
    return Unreadable(source_id=id, stream=stream, payload="{}", **more)


def registers(*lines: Any) -> dict[str, Any]:
    """The streams of a class that is running, with these lines of registers."""
    running = term(starts_on=DAY, ends_on=DAY + timedelta(90))
    return {"terms": [running], "courses": [course()], "classes": [section()], "attendance": lines}


def test_a_row_that_came_and_could_not_be_read_is_not_gone(there: Told) -> None:
    there.says(terms=[term("T1"), term("T2"), term("T3")])
    there.read()
    there.says(terms=[unreadable("T1"), term("T2")])
    account = there.read(full=True)["streams"]["terms"]
    assert (account["removed"], account["quarantined"], ids(Term)) == (1, 1, ["T1", "T2"])


def test_where_a_row_that_could_not_be_read_has_no_id_nothing_is_taken_for_gone(there: Told) -> None:
    """It may be any of them; the next reading without it takes away what is gone."""
    there.says(terms=[term("T1"), term("T2")])
    there.read()
    there.says(terms=[unreadable("row-0123", within=""), term("T2")])
    assert there.read(full=True)["streams"]["terms"]["removed"] == 0
    assert ids(Term) == ["T1", "T2"]
    there.says(terms=[term("T2")])
    assert there.read(full=True)["streams"]["terms"]["removed"] == 1


def test_a_claim_that_came_and_could_not_be_read_is_not_gone(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """It became rows of ours, and is known by its version alone."""
    number = next(one.resident_id for one in rows(Worker) if one.id == case.people[0].worker_id)
    claims = [GOOD[OutcomeClaim](source_id=id, resident_id=number) for id in ("13912345678", "OC2")]
    told = Told()
    connect(monkeypatch, told, doubts=removal.Doubts(removed_share=1))
    told.says(outcomes=claims)
    told.read()
    told.says(outcomes=[unreadable("13912345678", "outcomes"), claims[1]])
    assert told.read(full=True)["streams"]["outcomes"]["removed"] == 0
    assert len(rows(Outcome)) == 2


def test_a_session_that_could_not_be_read_stays_with_its_register(there: Told) -> None:
    there.says(**registers(session(), entry(), entry("S1", "2026U2"), session("S2"), entry("S2")))
    there.read()
    there.says(**registers(unreadable("S1", "attendance"), session("S2")))
    account = there.read()["streams"]["attendance"]
    assert (account["removed"], account["quarantined"]) == (1, 1)
    assert (ids(Session), len(rows(Attendance))) == (["S1", "S2"], 2)


def test_a_line_of_a_register_that_could_not_be_read_stays_as_it_was(there: Told) -> None:
    """Without it the register would say that he was absent."""
    there.says(**registers(session(), entry(), entry("S1", "2026U2"), entry("S1", "2026U3")))
    there.read()
    there.says(**registers(session(), unreadable("S1:2026U1", "attendance"), entry("S1", "2026U2")))
    assert there.read()["streams"]["attendance"]["removed"] == 1
    assert sorted(one.student_number for one in rows(Attendance)) == ["2026U1", "2026U2"]
    there.says(**registers(session(), entry(meaning="late"), entry("S1", "2026U2")))
    there.read()
    assert {one.student_number: one.meaning for one in rows(Attendance)} == {"2026U1": "late", "2026U2": "present"}
    assert [one.cured_on for one in rows(Quarantine)] == [DAY]


def test_where_it_is_not_known_whose_line_could_not_be_read_its_register_loses_none(there: Told) -> None:
    there.says(**registers(session(), entry(), entry("S1", "2026U2"), session("S2"), entry("S2")))
    there.read()
    there.says(**registers(session(), unreadable("S1:91", "attendance", within="S1"), session("S2")))
    assert there.read()["streams"]["attendance"]["removed"] == 1
    assert [one.session_id for one in rows(Attendance)] == ["there:S1", "there:S1"]


def test_where_a_session_of_a_class_has_no_id_that_class_loses_none(there: Told) -> None:
    base = {**registers(), "classes": [section(), section("C2")]}
    both = [session(), session("S2"), session("S3", class_source_id="C2")]
    there.says(**{**base, "attendance": both})
    there.read()
    there.says(**{**base, "attendance": [both[0], unreadable("row-0123", "attendance", within="C1")]})
    assert there.read()["streams"]["attendance"]["removed"] == 1
    assert ids(Session) == ["S1", "S2"]


def test_as_many_new_rows_as_vanished_do_not_hide_them(there: Told) -> None:
    """The count of rows is the same: a broken new one stands for one that vanished."""
    there.says(terms=[term("T1"), term("T2")])
    there.read()
    there.says(terms=[term("T1"), term("T9", starts_on=DAY.replace(year=1900))])
    assert there.read(full=True)["streams"]["terms"]["removed"] == 1
    assert ids(Term) == ["T1"]


def test_a_class_whose_marks_and_places_are_gone_as_well_goes_with_them_in_one_night(there: Told) -> None:
    """A parent that others hang on stays until those are gone, later in the same night: no row ever refers to none."""
    other = {
        "terms": [term(), term("T2")], "courses": [course(), course("K2", code="M03")],
        "classes": [section(), section("C2", course_source_id="K2", term_source_ids=("T2",))],
        "people": [learner(), learner("U2")],
        "enrolments": [enrolment(), enrolment("E2", class_source_id="C2", learner_source_id="U2")],
        "line_items": [line_item(), line_item("L2", class_source_id="C2")],
        "results": [result(), result("R2", line_item_source_id="L2", learner_source_id="U2")],
    }  # fmt: skip
    there.says(**other)
    there.read()
    there.says(**SCHOOL_STREAMS)
    account = there.read(full=True)
    with unit_of_work() as work:
        assert set(orphans(work).values()) == {0}
    tables = (Mark, LineItem, Enrolment, Learner, ClassSection, Course, Term)
    assert [len(rows(one)) for one in tables] == [1] * len(tables)
    assert {one["removed"] for one in account["streams"].values()} == {1}


def test_a_session_goes_with_its_register_in_one_reading(there: Told) -> None:
    running = {
        "terms": [term(starts_on=DAY, ends_on=DAY + timedelta(90))],
        "courses": [course()],
        "classes": [section()],
    }
    there.says(**running, attendance=[session(), session("S2"), entry(), entry("S2"), entry("S2", "2026U2")])
    there.read()
    there.says(**running, attendance=[session(), entry()])
    account = there.read()["streams"]["attendance"]
    assert (account["removed"], account["unchanged"]) == (3, 2)
    assert (ids(Session), len(rows(Attendance))) == (["S1"], 1)


def test_a_line_taken_out_of_a_register_goes_and_a_corrected_one_is_corrected(there: Told) -> None:
    running = {
        "terms": [term(starts_on=DAY, ends_on=DAY + timedelta(90))],
        "courses": [course()],
        "classes": [section()],
    }
    there.says(**running, attendance=[session(), entry(), entry("S1", "2026U2")])
    there.read()
    there.says(**running, attendance=[session(), entry(meaning="absent")])
    account = there.read()["streams"]["attendance"]
    assert (account["removed"], account["written"], account["unchanged"]) == (1, 1, 1)
    assert [(one.student_number, one.meaning) for one in rows(Attendance)] == [("2026U1", "absent")]


def test_a_class_that_is_not_asked_for_loses_nothing(there: Told) -> None:
    """Its term is long over, so its registers are not read any more: that is not that they are gone."""
    old = term("T0", starts_on=DAY - timedelta(400), ends_on=DAY - timedelta(300))
    before = term("T0", starts_on=DAY - timedelta(30), ends_on=DAY + timedelta(30), changed_at=later(-5))
    base = {"courses": [course()], "classes": [section(), section("C0", term_source_ids=("T0",))]}
    now = term(starts_on=DAY, ends_on=DAY + timedelta(90))
    lines = [session(), entry(), session("S0", class_source_id="C0"), entry("S0", class_source_id="C0")]
    there.says(terms=[now, before], **base, attendance=lines)
    there.read()
    there.says(terms=[now, old], **base, attendance=[session(), entry()])
    account = there.read(full=True)["streams"]["attendance"]
    assert (account["status"], account["removed"]) == ("ok", 0)
    assert (ids(Session), len(rows(Attendance))) == (["S0", "S1"], 2)


def test_a_class_that_is_asked_for_and_has_no_sessions_any_more_loses_them(there: Told) -> None:
    base = {"terms": [term(starts_on=DAY, ends_on=DAY + timedelta(90))], "courses": [course()],
            "classes": [section(), section("C2")]}  # fmt: skip
    there.says(**base, attendance=[session(), session("S2", class_source_id="C2"), entry(), entry("S2")])
    there.read()
    there.says(**base, attendance=[session(), entry()])
    assert there.read()["streams"]["attendance"]["removed"] == 2


def test_online_study_is_never_taken_away(there: Told) -> None:
    there.says(online_study=[study("O1", class_source_id=""), study("O2", class_source_id="")])
    there.read()
    there.says(online_study=[study("O1", class_source_id="")])
    assert there.read(full=True)["streams"]["online-study"]["removed"] == 0
    assert ids(OnlineStudy) == ["O1", "O2"]
    there.streams["online-study"] = [[]]
    assert there.read(full=True)["status"] == "ok"


def test_another_connections_rows_are_left_alone(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names that begin alike, or sort beside each other, are other connections all the same."""
    open_cohort()
    sources = [Told(name=name) for name in ("there", "there-2", "there.x", "there_2", "therex", "ther", "There")]
    connect(monkeypatch, *sources, doubts=removal.Doubts(removed_share=1))
    for one in sources:
        one.says(terms=[term("T1"), term("T2")])
        one.read()
    sources[0].says(terms=[term("T1")])
    assert sources[0].read(full=True)["streams"]["terms"]["removed"] == 1
    assert len(rows(Term)) == 13


def test_a_hundred_missing_among_twenty_thousand_are_found(bare: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removal, "AT_ONCE", 3_000)
    there = Told()
    connect(monkeypatch, there)
    everyone = [learner(f"U{n:05}") for n in range(20_000)]
    there.says(people=everyone)
    there.read()
    gone = {f"U{n:05}" for n in range(7, 20_000, 200)}
    there.says(people=[one for one in everyone if one.source_id not in gone])
    account = there.read(full=True)["streams"]["people"]
    assert (account["removed"], account["unchanged"], account["read"]) == (100, 19_900, 20_000)
    assert set(ids(Learner)) == {one.source_id for one in everyone} - gone


def test_a_row_in_quarantine_that_its_source_no_longer_has_is_never_removed_twice(there: Told) -> None:
    there.says(terms=[term("T1"), term("B", starts_on=DAY.replace(year=1900))])
    there.read()
    there.says(terms=[term("T1")])
    account = there.read(full=True)["streams"]["terms"]
    assert (account["removed"], account["read"]) == (0, 1)


def test_what_is_held_back_and_gone_from_a_whole_reading_is_let_go(there: Told) -> None:
    """Or it would be written on the day that what it refers to comes, though its source has it no more."""
    there.says(**{**SCHOOL_STREAMS, "results": [result(), result("R2", learner_source_id="U2")]})
    there.read()
    there.says(**SCHOOL_STREAMS)
    there.read(full=True)
    there.says(**{**SCHOOL_STREAMS, "people": [learner(), learner("U2")]})
    there.read()
    assert ids(Mark) == ["R1"]
    assert [one.cured_on for one in rows(Quarantine)] == [DAY]


def test_of_a_register_what_is_held_back_and_gone_is_let_go_in_the_classes_asked_for_alone(there: Told) -> None:
    """Of a class whose term is over its source says nothing any more."""
    soon, over = {"starts_on": DAY, "ends_on": DAY + timedelta(90)}, {"starts_on": DAY, "ends_on": DAY + timedelta(1)}
    there.says(
        terms=[term(**soon), term("T0", **over)], courses=[course()],
        classes=[section(), section("C0", term_source_ids=("T0",))],
        attendance=[
            session(), entry("S9"), unreadable("S1:2026U2", "attendance", class_source_id="C1"),
            entry("S8", class_source_id="C0"), unreadable("S7", "attendance", class_source_id="C0"),
        ],
    )  # fmt: skip
    there.read()
    assert len(quarantine_list()) == 4
    there.streams["attendance"] = [[session()]]
    there.read(DAY + timedelta(40))
    left = {one.source_id for one in rows(Quarantine) if one.cured_on is None}
    assert left == {"S8:2026U1", "S7"}


def test_keys_are_remembered_each_once_and_by_their_type() -> None:
    answered = Answered()
    answered.add({Term: [("a",), ("b",), ("a",)]}, 2)
    answered.add({Term: [("b",)], Course: [("a",)]}, 1)
    assert (len(answered.sorted(Term)), len(answered.sorted(Course)), len(answered.sorted(Mark))) == (2, 1, 0)
    assert (len(answered), answered.broken) == (5, 3)


def test_a_deleted_class_that_has_marks_is_for_a_person_until_they_are_gone(there: Told) -> None:
    there.says(**SCHOOL_STREAMS)
    there.read()
    there.says(**{**SCHOOL_STREAMS, "line_items": [line_item(removed=True, changed_at=later(1))]})
    account = there.read()
    assert account["streams"]["line-items"]["quarantined"] == 1
    assert [one.rules for one in rows(Quarantine)] == ["still-referred-to"]
    there.says(**{**SCHOOL_STREAMS, "line_items": [], "results": [result(removed=True, changed_at=later(1))]})
    there.read()
    assert (ids(Mark), ids(LineItem)) == ([], [])
    assert {one.cured_on for one in rows(Quarantine)} == {DAY}
    assert len(rows(SyncCursor)) == 7


def test_where_a_source_tells_no_timestamps_every_night_is_a_whole_reading(there: Told) -> None:
    """There is no cursor to read from: all is answered, and what is missing is gone the next night."""
    there.says(terms=[term("T1", changed_at=None), term("T2", changed_at=None)])
    there.read()
    there.says(terms=[term("T1", changed_at=None)])
    account = there.read(DAY + timedelta(1))["streams"]["terms"]
    assert (account["unchanged"], account["removed"]) == (1, 1)
    assert there.asked[-1] == ("terms", None)
