"""The stall watch: each episode raised, escalated and resolved once, told through the outbox."""

import asyncio
import json
from datetime import date, timedelta

import pytest

from models.rules.lifecycle import WAIT_KINDS
from models.tables.lifecycle import Alert, AlertWait, Wait
from models.tables.operations import Outbox
from models.tables.organisations import Organisation
from models.tables.people import Consent
from models.tables.teaching import ClassConfirmation
from tasks.office import office
from tasks.stalls import watch_waits
from tests.fixtures.cohorts import (
    APPROVED,
    CONSENTED,
    OPENED,
    REGISTERED,
    TERMS,
    Case,
    change,
    hashes,
    late_line,
    noon,
    one,
    open_cohort,
    roster,
    rows,
    take_roster,
)
from tests.tasks.conftest import At

QUIET = {"raised": 0, "escalated": 0, "resolved": 0, "held": 0}


def watch(day: date) -> dict[str, int]:
    """Watch once."""
    return asyncio.run(watch_waits(as_of=day))


def said(kind: str) -> list[str]:
    """The texts in the outbox of one kind of message."""
    return [json.loads(row.payload)["text"] for row in rows(Outbox, kind=kind)]


def test_a_wait_is_an_alert_on_the_day_after_it_was_due_and_not_before(case: Case) -> None:
    case.advance(OPENED)
    assert watch(date(2026, 5, 25)) == QUIET  # five working days
    assert watch(date(2026, 5, 26)) == {**QUIET, "raised": 1}
    alert = one(Alert)
    assert (alert.kind, alert.holder, alert.people, alert.level, alert.since) == (
        "consent",
        "enterprise_hr",
        6,
        1,
        OPENED,
    )
    assert len(rows(AlertWait)) == 6
    assert "6 workers waiting" in said("chat.post")[0]


def test_an_alert_is_raised_escalated_and_resolved_once_each(both: Case) -> None:
    both.advance(OPENED)
    for day, expected in (
        (date(2026, 5, 26), {**QUIET, "raised": 1}), (date(2026, 5, 27), QUIET), (date(2026, 6, 1), QUIET),
        (date(2026, 6, 2), {**QUIET, "escalated": 1}), (date(2026, 6, 30), QUIET),
    ):  # fmt: skip
        assert watch(day) == expected, day
        before = hashes()
        assert watch(day) == QUIET
        assert hashes() == before
    assert "coordinator to take up" in said("chat.reply")[0]
    both.consent()
    both.advance(date(2026, 6, 30))
    assert watch(date(2026, 6, 30))["resolved"] == 1
    before = hashes()
    assert watch(date(2026, 6, 30)) == QUIET
    assert hashes() == before
    assert [len(said(kind)) for kind in ("chat.post", "chat.reply", "chat.update")] == [1, 1, 1]
    alert = one(Alert, kind="consent")
    assert (alert.status, alert.resolved_on, alert.level) == ("resolved", date(2026, 6, 30), 2)


def test_an_alert_stays_until_the_last_of_its_workers_is_settled(case: Case) -> None:
    case.advance(OPENED)
    day = date(2026, 5, 26)
    watch(day)
    case.consent(0, 1, 2, 3, 4)
    case.advance(day)
    assert watch(day) == QUIET
    case.consent(5)
    case.advance(day)
    assert watch(day)["resolved"] == 1


def test_a_wait_that_reopens_reopens_its_alert_and_edits_the_message(case: Case) -> None:
    case.advance(OPENED)
    watch(date(2026, 5, 26))
    case.consent()
    change(Consent, f"hr:{case.people[0].worker_id}:school", withdrawn_at=noon(CONSENTED))
    first = one(Wait, participant_id=case.people[1].id, kind="consent")
    case.advance(date(2026, 5, 27))
    assert one(Wait, id=first.id).resolved_on == date(2026, 5, 27)
    change(Consent, f"hr:{case.people[0].worker_id}:school", withdrawn_at=None)
    case.advance(date(2026, 5, 28))
    assert watch(date(2026, 5, 28))["resolved"] == 1
    assert len(rows(Alert)) == 1


def test_a_withdrawn_worker_resolves_what_was_awaited_of_him(case: Case) -> None:
    case.consent(1, 2, 3, 4, 5)
    case.advance(CONSENTED)
    watch(date(2026, 5, 26))
    assert one(Alert).people == 1
    case.left(0, date(2026, 5, 27))
    case.advance(date(2026, 5, 27))
    assert watch(date(2026, 5, 27))["resolved"] == 1


def test_a_name_that_would_call_the_channel_calls_nobody(case: Case) -> None:
    enterprise = case.people[0].enterprise_code
    change(Organisation, enterprise, name="<!channel> & Co")
    case.advance(OPENED)
    watch(date(2026, 5, 26))
    text = said("chat.post")[0]
    assert "&lt;!channel&gt; &amp; Co" in text
    assert "<!" not in text


def test_an_alert_names_no_worker_and_no_number(case: Case) -> None:
    case.advance(OPENED)
    watch(date(2026, 5, 26))
    text = said("chat.post")[0]
    assert not [name for name in ("陈向阳", "林小满", "丁香", "3202", "1391") if name in text]


def test_an_unconfirmed_class_is_told_to_the_centre_ten_days_before_and_to_the_school_five_days_before(at: At) -> None:
    case = at("teaching")
    case.cards()
    case.timetable()
    change(ClassConfirmation, "centre:M03", status="planned", confirmed_on=None)
    start = TERMS[1][0]
    alerts = {}
    for before in range(12, 3, -1):
        day = start - timedelta(days=before)
        case.advance(day)
        watch(day)
        alerts[before] = [(alert.holder, alert.level) for alert in rows(Alert, kind="class-confirmation")]
    assert alerts[11] == []
    assert alerts[10] == alerts[6] == [("centre", 1)]
    assert alerts[5] == [("centre", 2)]
    assert "now for the school to take up" in said("chat.reply")[-1]
    assert "6 workers waiting" in next(text for text in said("chat.post") if "C-M03" in text)


def test_registers_not_reported_for_three_nights_are_told_to_the_school(at: At) -> None:
    case = at("teaching")
    case.timetable()
    day = date(2026, 9, 12)
    case.sessions("M01", [day], closed=False)
    for nights, raised in ((2, 0), (3, 1)):
        case.advance(day + timedelta(days=nights))
        watch(day + timedelta(days=nights))
        assert len(rows(Alert, kind="attendance-unreported")) == raised


def test_grades_not_released_are_told_to_the_school_after_thirty_days_and_to_the_department_after_sixty(at: At) -> None:
    case = at("teaching")
    case.timetable(["M01"])
    exam = date(2027, 1, 8)
    levels = {}
    for days in (30, 31, 60, 61):
        case.advance(exam + timedelta(days=days))
        watch(exam + timedelta(days=days))
        levels[days] = [alert.level for alert in rows(Alert, kind="exam-result")]
    assert levels == {30: [], 31: [1], 60: [1], 61: [2]}
    assert "education department to take up" in said("chat.reply")[-1]


def test_the_number_of_a_student_is_overdue_on_the_day_after_thirty_days_of_term(at: At) -> None:
    case = at("registration")
    case.advance(date(2026, 10, 1))
    assert watch(date(2026, 10, 1)) == QUIET
    assert watch(date(2026, 10, 2))["raised"] == 1


def test_two_cohorts_at_once_are_two_alerts(case: Case) -> None:
    other = Case(open_cohort(code="WX-2026B"))
    take_roster(roster(office().settings.home / "late.xlsx", [late_line()]), other.code)
    case.advance(OPENED)
    other.advance(OPENED)
    assert watch(date(2026, 5, 26))["raised"] == 2
    assert {(alert.cohort_code, alert.people) for alert in rows(Alert)} == {("WX-2026A", 6), ("WX-2026B", 1)}


DOMAIN = {
    "household-evidence": [(5, "working", "enterprise_hr"), (10, "working", "coordinator")],
    "roster-field": [(5, "working", "enterprise_hr"), (10, "working", "coordinator")],
    "consent": [(5, "working", "enterprise_hr"), (10, "working", "coordinator")],
    "review-decision": [(5, "working", "union")], "notice-running": [], "objection": [(10, "working", "union")],
    "admission-decision": [(15, "working", "school")],
    "attendance-unreported": [(3, "nights", "school")],
    "exam-result": [(30, "calendar", "school"), (60, "calendar", "department")],
    "recognition-decision": [(20, "working", "school")], "diploma-number": [(150, "calendar", "school")],
    "skill-certificate": [(20, "working", "assessor")],
    "payment-returned": [(3, "working", "worker"), (10, "working", "union_finance")],
    "study-time": [], "make-up-exam": [],
}  # fmt: skip


@pytest.mark.parametrize("kind", DOMAIN)
def test_every_limit_is_the_one_the_programme_sets(kind: str) -> None:
    assert [(limit.days, limit.unit, limit.holder) for limit in WAIT_KINDS[kind].limits] == DOMAIN[kind]


def test_what_has_no_limit_is_never_an_alert(at: At) -> None:
    case = at("public_notice")
    case.object(0, "open", APPROVED)
    case.advance(APPROVED)
    watch(REGISTERED)
    assert {alert.kind for alert in rows(Alert)} == {"objection"}


def test_more_workers_who_stall_with_the_others_join_their_alert(case: Case) -> None:
    case.consent()
    case.advance(CONSENTED)
    watch(date(2026, 5, 28))
    assert one(Alert).people == 6
    assert len(rows(AlertWait)) == 6
    case.approve(0, 1, 2)
    case.advance(date(2026, 5, 29))
    assert watch(date(2026, 5, 29)) == QUIET  # three are left
    assert one(Alert).status == "open"


def test_a_makeup_saturday_counts_as_a_working_day_of_a_wait(at: At) -> None:
    case = at("public_notice")
    case.object(0, "open", date(2026, 9, 28))
    case.advance(date(2026, 10, 15))
    wait = case.waits("objection")[0]
    # 29 and 30 September, 8 and 9 October, Saturday the 10th, then 12 to 16: ten working days
    assert (wait.due_on, wait.provisional) == (date(2026, 10, 16), False)
    for quiet in (16, 17, 18):  # Friday is within the limit, and nobody can be late over a weekend
        assert watch(date(2026, 10, quiet)) == QUIET
    assert watch(date(2026, 10, 19))["raised"] == 1
