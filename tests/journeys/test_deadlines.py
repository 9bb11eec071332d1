"""Every deadline to the day: the watch walks through whole years, and each alert comes on its day and never again.

The dates are counted by hand from the official calendar, none by our rules. Of 2026: Spring Festival is off from Sunday
15 to Monday 23 February, worked on the Saturdays of 14 and 28; Qingming is off on 6 April, Labour Day from 1 to 5 May,
worked on Saturday 9 May; Mid-Autumn is Friday 25 September, worked on Sunday the 20th; National Day is off from 1 to 7
October, worked on Saturday the 10th.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import Session, SQLModel, select

from models.rules.lifecycle import WAIT_KINDS
from models.rules.workdays import Calendar
from models.tables.funding import FundingSource
from models.tables.lifecycle import Wait
from models.tables.operations import SyncCursor
from models.tables.organisations import CohortWindow
from models.tables.people import Participant
from tasks.office import unit_of_work
from tasks.sync import keep_night
from tests.journeys.deadlines import (
    AUTUMN,
    SPRING,
    Deadline,
    Deed,
    Stories,
    Story,
    begin,
    change,
    cohorts,
    days,
    live,
    on,
    same_day,
    working,
)
from tests.models.repositories.people import add, participant, worker

NEVER = tuple(kind.name for kind in WAIT_KINDS.values() if not kind.limits)


FEB_11, SEP_24 = on(2, 11), on(9, 24)
WAITS = (
    # Since Wednesday 11 February: the 3rd working day after is Saturday the 14th, the 4th the 24th, the 6th the 26th,
    # the 8th Saturday the 28th, the 11th 4 March, the 16th 11 March, the 21st 18 March, the 61st 18 May.
    *(same_day(kind, SPRING, FEB_11, on(3, 20), on(2, 26), on(3, 4)) for kind in ("household-evidence", "roster-field", "consent")),
    *(same_day(kind, SPRING, FEB_11, on(3, 20), on(3, 4)) for kind in (
        "nominated-twice", "nominated-elsewhere", "objection", "payment-result")),
    same_day("review-decision", SPRING, FEB_11, on(2, 27), on(2, 26)),
    same_day("admission-decision", SPRING, FEB_11, on(3, 20), on(3, 11)),
    same_day("recognition-decision", SPRING, FEB_11, on(3, 20), on(3, 18)),
    same_day("skill-certificate", SPRING, FEB_11, on(3, 20), on(3, 18)),
    same_day("skill-result", SPRING, FEB_11, on(5, 20), on(5, 18)),
    *(same_day(kind, SPRING, FEB_11, on(3, 20), on(2, 24), on(3, 4)) for kind in ("bank-card", "payment-returned")),
    *(same_day(kind, SPRING, FEB_11, on(2, 13), on(2, 12)) for kind in ("attendance-low", "absent-twice", "award-quota")),
    # The nights of 11, 12 and 13 February; the 14th is a Saturday that is worked.
    same_day("attendance-unreported", SPRING, FEB_11, on(2, 15), on(2, 14)),
    # Term began on 20 January: 30 days are over on 19 February, a holiday.
    Deadline("registration-number", SPRING, on(1, 5), on(2, 25), (on(2, 20),), ((1, on(2, 24)),)),
    # A class that starts on 26 February: both days lie in the holidays, so the first that is heard is the second.
    Deadline("class-confirmation", SPRING, on(2, 15), on(2, 25), (on(2, 16), on(2, 21)), ((2, on(2, 24)),)),
    # An exam of 12 January: 30 days are over on 11 February, 60 on Friday 13 March.
    Deadline("exam-result", SPRING, on(1, 12), on(3, 20), (on(2, 12), on(3, 14)), ((1, on(2, 12)), (2, on(3, 16)))),
    same_day("diploma-number", SPRING, on(1, 5), on(6, 8), on(6, 5)),
    # Since Thursday 24 September: the 3rd working day after is the 30th, the 4th 8 October, the 6th Saturday the 10th,
    # the 11th the 16th, the 16th the 23rd, the 21st the 30th, the 61st 25 December.
    *(same_day(kind, AUTUMN, SEP_24, on(11, 6), on(10, 10), on(10, 16)) for kind in (
        "household-evidence", "roster-field", "consent")),
    *(same_day(kind, AUTUMN, SEP_24, on(11, 6), on(10, 16)) for kind in (
        "nominated-twice", "nominated-elsewhere", "payment-result")),
    # Ten working days after Monday 28 September end on Friday 16 October: nobody is late over the weekend.
    same_day("objection", AUTUMN, on(9, 28), on(11, 6), on(10, 19)),
    same_day("review-decision", AUTUMN, SEP_24, on(10, 11), on(10, 10)),
    same_day("admission-decision", AUTUMN, SEP_24, on(11, 6), on(10, 23)),
    same_day("recognition-decision", AUTUMN, SEP_24, on(11, 6), on(10, 30)),
    same_day("skill-certificate", AUTUMN, SEP_24, on(11, 6), on(10, 30)),
    same_day("skill-result", AUTUMN, SEP_24, on(12, 28), on(12, 25)),
    *(same_day(kind, AUTUMN, SEP_24, on(11, 6), on(10, 8), on(10, 16)) for kind in ("bank-card", "payment-returned")),
    # The day after is Mid-Autumn.
    *(Deadline(kind, AUTUMN, SEP_24, on(10, 9), (on(9, 25),), ((1, on(9, 28)),)) for kind in (
        "attendance-low", "absent-twice", "award-quota")),
    Deadline("attendance-unreported", AUTUMN, on(9, 28), on(10, 9), (on(10, 1),), ((1, on(10, 8)),)),
    # Term began on 1 September.
    Deadline("registration-number", AUTUMN, on(7, 1), on(10, 9), (on(10, 2),), ((1, on(10, 8)),)),
    # A class that starts on 12 October: 10 days before is the 2nd, 5 before the 7th.
    Deadline("class-confirmation", AUTUMN, on(10, 1), on(10, 9), (on(10, 2), on(10, 7)), ((2, on(10, 8)),)),
    # An exam of 1 September: 30 days are over on 1 October, 60 on Saturday 31 October.
    Deadline("exam-result", AUTUMN, on(9, 1), on(11, 6), (on(10, 2), on(11, 1)), ((1, on(10, 8)), (2, on(11, 2)))),
    Deadline("diploma-number", AUTUMN, on(5, 4), on(10, 9), (on(10, 2),), ((1, on(10, 8)),)),
)  # fmt: skip
WATCHED = (
    # Read on the 12th; the nights of 13, 14 and 15 February fail, the 25th is read again.
    Deadline("source-silent", SPRING, on(2, 13), on(2, 25), (on(2, 15),), ((1, on(2, 24)),)),
    Deadline("source-silent", AUTUMN, on(9, 29), on(10, 9), (on(10, 1),), ((1, on(10, 8)),)),
    same_day("stream-held", SPRING, on(2, 13), on(2, 25), on(2, 13)),
    Deadline("stream-held", AUTUMN, on(10, 3), on(10, 9), (on(10, 3),), ((1, on(10, 8)),)),
    # 36 of 40 heads on the first day, all on the second.
    Deadline("money-nearly-used", SPRING, on(2, 13), on(2, 26), (on(2, 13), on(2, 25)), ((1, on(2, 13)), (2, on(2, 25)))),
    # 54,000 of 60,000 yuan.
    Deadline("money-nearly-used", AUTUMN, on(10, 1), on(10, 12), (on(10, 1), on(10, 9)), ((1, on(10, 8)), (2, on(10, 9)))),
    # Closes on 2 March: 14 days before is 16 February, 7 the 23rd, 2 Saturday the 28th; over on the day after.
    Deadline("window-closing", SPRING, on(2, 16), on(3, 3), (on(2, 16), on(2, 23), on(2, 28)), ((2, on(2, 24)), (3, on(2, 28)))),
    # Closes on Friday 16 October: 14 days before is the 2nd, 7 the 9th, 2 the 14th.
    Deadline("window-closing", AUTUMN, on(10, 2), on(10, 17), (on(10, 2), on(10, 9), on(10, 14)),
             ((1, on(10, 8)), (2, on(10, 9)), (3, on(10, 14)))),
)  # fmt: skip


# What happens on a day to the streams, the money, and the last of those whose status lapses.
CHANGES: tuple[tuple[date, type[SQLModel], object, dict[str, object]], ...] = (
    (on(2, 13), SyncCursor, (SPRING, "results"), {"status": "held"}),
    (on(2, 25), SyncCursor, (SPRING, "results"), {"status": "ok"}),
    (on(10, 3), SyncCursor, (AUTUMN, "results"), {"status": "held"}),
    (on(10, 9), SyncCursor, (AUTUMN, "results"), {"status": "ok"}),
    (on(2, 13), FundingSource, SPRING, {"granted_heads": 36}),
    (on(2, 25), FundingSource, SPRING, {"granted_heads": 40}),
    (on(2, 26), FundingSource, SPRING, {"granted_heads": 35}),
    (on(10, 1), FundingSource, AUTUMN, {"granted_total": 54000}),
    (on(10, 9), FundingSource, AUTUMN, {"granted_total": 60000}),
    (on(10, 12), FundingSource, AUTUMN, {"granted_total": 53999}),
    (on(10, 5), Participant, "P-00003", {"status": "incomplete", "ended_on": on(10, 5)}),
)
SILENT = {SPRING: (on(2, 13), on(2, 24)), AUTUMN: (on(9, 29), on(10, 8))}  # the nights on which a school cannot be read
NIGHTS = frozenset(first + timedelta(days=number) for first, _ in SILENT.values() for number in range(-2, 20))
# Started so long ago that the status lapses on 17 February 2028, 16 February 2027, 20 August 2026, 5 October 2026.
LAPSING = {"L-24": on(2, 17, 2020), "L-12": on(2, 16, 2019), "L-6": on(8, 20, 2018), "L-0": on(10, 5, 2018)}


def stock(session: Session) -> None:
    """Two cohorts with what is watched of them, and four whose members' status draws to its end."""
    cohorts(session, {SPRING: on(1, 20), AUTUMN: on(9, 1), **LAPSING})
    for season, quota, budget in ((SPRING, 40, None), (AUTUMN, None, 60000)):
        add(session, FundingSource(id=season, cohort_code=season, source="union", name="总工会", trigger="yearly",
                                     amount=1000, quota=quota, budget=budget),
              SyncCursor(connection=season, stream="results", read_on=on(1, 1)))  # fmt: skip
    add(session, CohortWindow(cohort_code=SPRING, name="考试报名", closes_on=on(3, 2)),
          CohortWindow(cohort_code=AUTUMN, name="考试报名", closes_on=on(10, 16)))  # fmt: skip
    for number, (code, day) in enumerate(LAPSING.items()):
        one = participant(number, code, registered_on=day, student_number=f"N-{number}", stage="certification")
        add(session, worker(number), one)


def nights(day: date) -> None:
    """Both schools are read in the night, but for those that are silent."""
    for name, (first, last) in SILENT.items() if day in NIGHTS else ():
        keep_night(name, day, read=not first <= day <= last)


@pytest.fixture(scope="module")
def year(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Stories:
    """2026, lived through day by day."""
    deeds: dict[date, list[Deed]] = defaultdict(list)
    never = [Deadline(kind, SPRING, on(1, 5), on(12, 31), (), ()) for kind in NEVER]
    for one in (*WAITS, *never):
        deeds[one.since].append(begin(one))
        deeds[one.over].append(partial(change, Wait, one.name, {"resolved_on": one.over}))
    for day, table, key, values in CHANGES:
        deeds[day].append(partial(change, table, key, values))
    with working(sqlite_template, tmp_path_factory.mktemp("year")) as office:
        with unit_of_work() as session:
            stock(session)
        return live(office, days(on(1, 1), on(12, 31)), lambda day: deeds[day], nights)


@pytest.mark.parametrize("one", [*WAITS, *WATCHED], ids=lambda one: one.name)
def test_an_alert_comes_on_its_day_escalates_on_its_days_and_ends_with_what_it_is_about(
    year: Stories, one: Deadline
) -> None:
    """Once each: a level reached or told twice would stand in the story twice."""
    story = year[one.kind, one.season]
    assert story.reached == list(enumerate(one.reached, start=1))
    assert story.told == list(one.told)
    assert story.over == [one.over]


@pytest.mark.parametrize("season", [SPRING, AUTUMN])
def test_every_kind_with_a_limit_is_walked_through_in_both_seasons(season: str) -> None:
    limited = {kind.name for kind in WAIT_KINDS.values() if kind.limits}
    watched = {"source-silent", "stream-held", "money-nearly-used", "window-closing"}
    assert {one.kind for one in (*WAITS, *WATCHED) if one.season == season} == limited | watched


def test_what_has_no_limit_is_awaited_the_whole_year_without_an_alert(year: Stories) -> None:
    assert {"notice-running", "make-up-exam", "study-time"} == set(NEVER)
    assert not [kind for kind, _ in year if kind in NEVER]


def test_a_status_that_lapses_is_told_24_12_and_6_months_before(year: Stories) -> None:
    """16, 17 and 20 February and 5 April 2026 are holidays, 16 August is a Sunday: the chat hears on the next day of work."""
    assert {code: year["status-lapsing", code] for code in LAPSING} == {
        "L-24": Story([(1, on(2, 17))], [(1, on(2, 24))]),
        "L-12": Story([(1, on(1, 1)), (2, on(2, 16)), (3, on(8, 16))], [(1, on(1, 4)), (2, on(2, 24)), (3, on(8, 17))]),
        "L-6": Story([(2, on(1, 1)), (3, on(2, 20))], [(2, on(1, 4)), (3, on(2, 24))], [on(8, 21)]),
        "L-0": Story([(2, on(1, 1)), (3, on(4, 5))], [(2, on(1, 4)), (3, on(4, 7))], [on(10, 5)]),
    }


def test_nothing_else_is_told_in_the_whole_year(year: Stories) -> None:
    """One story each, and one alert each: none was raised beside those that are expected."""
    expected = {(one.kind, one.season) for one in (*WAITS, *WATCHED)} | {("status-lapsing", code) for code in LAPSING}
    assert set(year) == expected


# --- a year whose calendar is not out yet ----------------------------------------------------------------------

JAN_22 = date(2031, 1, 22)  # a Wednesday, the eve of the Year of the Pig
# As it comes out on 24 January: off until the 29th, and Saturday 1 February is worked.
CALENDAR = Calendar(
    off=frozenset(date(2031, 1, day) for day in (23, 24, 27, 28, 29)),
    working=frozenset({date(2031, 2, 1)}),
    years=frozenset({2031}),
)
HR = ("household-evidence", "roster-field", "consent")
# Kinds, since when, until when they are due and late from by the plain week, and the same by the calendar.
UNKNOWN: tuple[tuple[tuple[str, ...], date, tuple[date, date], tuple[date, date]], ...] = (
    (("bank-card", "payment-returned"), JAN_22, (on(1, 27, 2031), on(1, 28, 2031)), (on(2, 1, 2031), on(2, 3, 2031))),
    ((*HR, "review-decision"), JAN_22, (on(1, 29, 2031), on(1, 30, 2031)), (on(2, 4, 2031), on(2, 5, 2031))),
    (("objection", "payment-result", "nominated-twice", "nominated-elsewhere"), JAN_22,
     (on(2, 5, 2031), on(2, 6, 2031)), (on(2, 11, 2031), on(2, 12, 2031))),
    (("admission-decision",), JAN_22, (on(2, 12, 2031), on(2, 13, 2031)), (on(2, 18, 2031), on(2, 19, 2031))),
    (("recognition-decision", "skill-certificate"), JAN_22,
     (on(2, 19, 2031), on(2, 20, 2031)), (on(2, 25, 2031), on(2, 26, 2031))),
    (("skill-result",), JAN_22, (on(4, 16, 2031), on(4, 17, 2031)), (on(4, 22, 2031), on(4, 23, 2031))),
    # Days of the calendar are the same whatever is worked; term began on 5 January.
    (("class-confirmation", "attendance-low", "absent-twice", "award-quota"), JAN_22, (JAN_22, on(1, 23, 2031)),
     (JAN_22, on(1, 23, 2031))),
    (("attendance-unreported",), JAN_22, (on(1, 24, 2031), on(1, 25, 2031)), (on(1, 24, 2031), on(1, 25, 2031))),
    (("exam-result",), JAN_22, (on(2, 21, 2031), on(2, 22, 2031)), (on(2, 21, 2031), on(2, 22, 2031))),
    (("registration-number",), JAN_22, (on(2, 4, 2031), on(2, 5, 2031)), (on(2, 4, 2031), on(2, 5, 2031))),
    (("diploma-number",), on(9, 1, 2030), (on(1, 29, 2031), on(1, 30, 2031)), (on(1, 29, 2031), on(1, 30, 2031))),
)  # fmt: skip


def expected(place: int) -> dict[str, tuple[date, date]]:
    """Until when each kind is due and from when it is late: by the plain week (0) or the calendar (1)."""
    return {kind: by[place] for kinds, _, *by in UNKNOWN for kind in kinds}


def due_dates() -> dict[str, tuple[date | None, bool]]:
    """Until when each wait is due, and whether that is provisional."""
    with unit_of_work() as session:
        return {wait.kind: (wait.due_on, wait.provisional) for wait in session.exec(select(Wait)).all()}


@pytest.mark.parametrize("comes_out", [False, True], ids=["never", "on 24 January"])
def test_a_year_without_a_calendar_counts_by_the_plain_week_says_so_and_moves_when_it_is_out(
    sqlite_template: Path, tmp_path: Path, comes_out: bool
) -> None:
    said: dict[date, dict[str, tuple[date | None, bool]]] = {}
    begun = [begin(Deadline(kind, SPRING, since, date.max, (), ())) for kinds, since, *_ in UNKNOWN for kind in kinds]

    def walked() -> Iterator[date]:
        for day in days(JAN_22, on(4, 25, 2031)):
            if comes_out and day == on(1, 24, 2031):
                vars(office)["calendar"] = CALENDAR
            yield day
            said[day] = due_dates()

    with working(sqlite_template, tmp_path) as office:
        with unit_of_work() as session:
            cohorts(session, {SPRING: on(1, 5, 2031)})
        stories = live(office, walked(), lambda day: begun if day == JAN_22 else [])
    plain, found = expected(0), expected(comes_out)
    assert said[on(1, 23, 2031)] == {kind: (due, True) for kind, (due, _) in plain.items()}
    assert said[on(1, 24, 2031)] == {kind: (due, not comes_out) for kind, (due, _) in found.items()}
    assert {kind: story.reached[0] for (kind, _), story in stories.items()} == {
        kind: (1, late) for kind, (_, late) in found.items()
    }
    working_days = {kind for kind in found if WAIT_KINDS[kind].limits[0].unit == "working"}
    assert {kind: stories[kind, SPRING].told[0] for kind in working_days} == {
        kind: (1, found[kind][1]) for kind in working_days
    }
    assert not [story for story in stories.values() if story.over or len(story.reached) > 2]


def test_every_kind_with_a_limit_is_walked_through_in_a_year_without_a_calendar() -> None:
    assert set(expected(0)) == {kind.name for kind in WAIT_KINDS.values() if kind.limits}
