"""Admission: one application each, and what the school's answer does."""

import json
from datetime import date

from models.tables.lifecycle import Application
from models.tables.operations import Outbox
from tests.fixtures.cohorts import ADMITTED, NOTICE_ENDED, change, one, rows
from tests.tasks.conftest import At


def test_each_participant_applies_once_with_what_the_school_needs(at: At) -> None:
    case = at("admission")
    case.advance(ADMITTED)
    sent = rows(Outbox, kind="partner.applications")
    assert len(sent) == len(rows(Application)) == 6
    payload = next(json.loads(each.payload) for each in sent if "陈向阳" in each.payload)
    assert payload["entry_level"] == "高中"
    assert (payload["programme"], payload["level"], payload["resident_id"]) == (
        "460301",
        "junior-college",
        "320214199003120011",
    )
    assert {each.organisation_code for each in sent} == {case.cohort.school_code}


def test_the_decision_is_awaited_of_the_school_for_fifteen_working_days(at: At) -> None:
    wait = at("admission").waits("admission-decision")[0]
    # Dragon Boat Festival, Friday 19 June 2026, does not count
    assert (wait.holder, wait.since, wait.due_on) == ("school", NOTICE_ENDED, date(2026, 6, 23))


def test_a_place_refused_ends_the_participant_with_the_schools_reason(at: At) -> None:
    case = at("admission")
    key = one(Application, participant_id=case.people[0].id).id
    change(Application, key, status="refused", reason="no place left", decided_on=ADMITTED)
    case.admit(1)
    case.advance(date(2026, 6, 25))
    person = case.people[0]
    assert (person.status, person.rule, person.reason, person.ended_on) == (
        "refused",
        "place-refused",
        "no place left",
        ADMITTED,
    )
    assert case.stages()[1:3] == ["registration", "admission"]


def test_a_pending_answer_still_waits_and_keeps_the_waits_beginning(at: At) -> None:
    case = at("admission")
    change(Application, one(Application, participant_id=case.people[0].id).id, status="pending")
    case.advance(date(2026, 8, 1))
    assert {wait.since for wait in case.waits("admission-decision")} == {NOTICE_ENDED}


def test_a_school_that_decides_late_ends_the_wait_on_that_day(at: At) -> None:
    case = at("admission")
    case.admit(day=date(2026, 8, 20))
    case.advance(date(2026, 8, 20))
    assert case.waits("admission-decision") == []
    assert case.stages() == ["registration"] * 6
