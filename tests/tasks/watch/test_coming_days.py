"""Days that come closer: windows that close and statuses that lapse, each one stall a cohort from its day on."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from models.rules.policy import DEFAULT_POLICIES
from models.rules.stalls import Stall
from models.tables.lifecycle import Graduation
from models.tables.organisations import Cohort, CohortWindow
from models.tables.people import Participant
from tasks.office import Office, office, unit_of_work, use_office
from tasks.plan import PlanError, parse_plan
from tasks.watch import lapses, windows
from tests.fixtures.cohorts import Case, change, one, open_cohort, rows, template_plan, write
from tests.models.tables.rows import MOMENT
from tests.tasks.conftest import At

CLOSES = date(2026, 10, 16)
WINDOWS = [{"name": "成人高考报名", "closes_on": CLOSES}]


def closing(day: date) -> list[Stall]:
    """The windows the watch finds on a day."""
    with unit_of_work() as session:
        return list(windows.find(session, day))


def lapsing(day: date) -> list[Stall]:
    """The lapsing statuses the watch finds on a day."""
    with unit_of_work() as session:
        return list(lapses.find(session, day))


def under(**changes: Any) -> None:
    """Work by another policy from the beginning of 2026 on."""
    here = office()
    policy = replace(DEFAULT_POLICIES[0], version="JS-1", effective_from=date(2026, 1, 1), **changes)
    use_office(Office(here.settings, here.engine, (*DEFAULT_POLICIES, policy)))


def test_a_window_of_the_plan_is_told_14_7_and_2_days_before_it_closes(office: Office) -> None:
    open_cohort(windows=WINDOWS)
    levels = {
        days: [stall.level for stall in closing(CLOSES - timedelta(days=days))] for days in (15, 14, 8, 7, 3, 2, 0, -1)
    }
    assert levels == {15: [], 14: [1], 8: [1], 7: [2], 3: [2], 2: [3], 0: [3], -1: []}
    (stall,) = closing(CLOSES)
    assert (stall.cohort_code, stall.subject, stall.due_on) == ("WX-2026A", "成人高考报名", CLOSES)
    assert (stall.holder, stall.holder_code) == ("coordinator", one(Cohort).federation_code)


def test_a_policy_moves_the_days_before_a_window_closes_and_begins_no_second_episode(sqlite_office: Office) -> None:
    open_cohort(windows=WINDOWS)
    (before,) = closing(CLOSES - timedelta(days=7))
    under(limits={"window-closing": (21, 7, 2)})
    (after,) = closing(CLOSES - timedelta(days=20))
    assert (after.level, after.since) == (1, before.since)
    assert closing(CLOSES - timedelta(days=7)) == [before]


def test_the_windows_of_a_closed_cohort_are_watched_no_more(sqlite_office: Office) -> None:
    open_cohort(windows=WINDOWS)
    change(Cohort, "WX-2026A", stage="closed")
    assert closing(CLOSES) == []


def test_the_people_behind_a_window_are_those_under_way(case: Case) -> None:
    write(CohortWindow(cohort_code=case.code, name="报名", closes_on=CLOSES))
    assert [stall.people for stall in closing(CLOSES)] == [6]


def test_a_plan_names_a_window_once_and_another_window_is_another_plan(sqlite_office: Office) -> None:
    with pytest.raises(PlanError, match="window 成人高考报名 stands in the plan twice"):
        parse_plan(template_plan(windows=WINDOWS * 2))
    open_cohort(windows=WINDOWS)
    assert open_cohort(windows=WINDOWS) == "WX-2026A"
    for other in ([], [{**WINDOWS[0], "closes_on": date(2026, 10, 17)}], [*WINDOWS, {**WINDOWS[0], "name": "b"}]):
        with pytest.raises(PlanError, match="opened from a different plan"):
            open_cohort(windows=other)
    assert len(rows(CohortWindow)) == 1


def test_a_status_is_told_24_12_and_6_months_before_it_lapses_for_those_who_still_study(at: At) -> None:
    case = at("teaching")  # started on 1 September 2026: eight years end on 1 September 2034
    days = {
        "32-08-31": [],
        "32-09-01": [1],
        "33-08-31": [1],
        "33-09-01": [2],
        "34-02-28": [2],
        "34-03-01": [3],
        "34-09-01": [3],
    }
    assert {day: [stall.level for stall in lapsing(date.fromisoformat(f"20{day}"))] for day in days} == days
    (stall,) = lapsing(date(2032, 9, 1))
    assert (stall.people, stall.since, stall.due_on) == (6, date(2026, 9, 1), date(2034, 9, 1))
    write(Graduation(id="G-1", participant_id=case.people[0].id, sent_on=MOMENT.date()))
    change(Participant, case.people[1].id, status="withdrawn", ended_on=MOMENT.date())
    change(Participant, case.people[2].id, registered_on=None)
    assert [stall.people for stall in lapsing(date(2032, 9, 1))] == [3]
    for person in case.people[3:]:
        change(Participant, person.id, status="incomplete", ended_on=MOMENT.date())
    assert lapsing(date(2032, 9, 1)) == []


def test_a_policy_that_shortens_the_status_brings_the_same_stall_nearer(at: At) -> None:
    at("teaching")
    assert lapsing(date(2030, 9, 1)) == []
    under(status_lapse_years=6)
    (stall,) = lapsing(date(2030, 9, 1))
    assert (stall.level, stall.since, stall.due_on) == (1, date(2026, 9, 1), date(2032, 9, 1))


def test_a_status_that_began_on_a_leap_day_lapses_and_is_told_to_the_day(at: At) -> None:
    case = at("teaching")
    change(Cohort, case.code, starts_on=date(2028, 2, 29), nomination_opens_on=date(2027, 5, 1))
    assert [len(lapsing(day)) for day in (date(2034, 2, 27), date(2034, 2, 28))] == [0, 1]
    assert [lapsing(day)[0].level for day in (date(2035, 8, 28), date(2035, 8, 29))] == [2, 3]
