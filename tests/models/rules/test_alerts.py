"""What is said of an alert, and when: never twice, never in quiet hours, never without an end."""

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rules.alerts import (
    DIGEST_SIZE,
    SINGLE_MESSAGES,
    QuietHours,
    Standing,
    damped_until,
    gathered,
    snooze_until,
    weekly_day,
    what_to_say,
)
from models.rules.workdays import PLAIN_WEEK, Calendar

MONDAY = date(2026, 6, 1)
days = st.dates(date(2026, 1, 1), date(2026, 12, 31))
standings = st.builds(
    Standing, open=st.booleans(), level=st.integers(1, 3), people=st.integers(0, 50),
    severity=st.sampled_from(("urgent", "warning", "info")), told_level=st.integers(0, 3), told_people=st.integers(0, 50),
    posted=st.booleans(), held_until=st.none() | days, snoozed_until=st.none() | days,
)  # fmt: skip


@given(one=standings, today=days)
def test_nothing_that_calls_somebody_is_said_in_quiet_hours_unless_it_is_urgent(one: Standing, today: date) -> None:
    said = what_to_say(one, today, awake=False)
    assert one.severity == "urgent" or said in ("nothing", "hold", "refresh", "resolve")


@given(one=standings, today=days, awake=st.booleans())
def test_what_is_over_is_told_as_over_exactly_when_it_was_told_of(one: Standing, today: date, awake: bool) -> None:
    if not one.open:
        assert what_to_say(one, today, awake) == ("resolve" if one.told_level else "nothing")


@given(one=standings, today=days, awake=st.booleans())
def test_an_alert_is_posted_only_before_it_was_ever_told(one: Standing, today: date, awake: bool) -> None:
    said = what_to_say(one, today, awake)
    assert said != "post" or not (one.posted or one.told_level)
    assert said != "reopen" or (one.posted and not one.told_level)


@given(one=standings, today=days)
def test_a_snooze_keeps_an_alert_silent_until_its_day(one: Standing, today: date) -> None:
    said = what_to_say(one, today, awake=True)
    if one.open and one.told_level and one.snoozed_until is not None:
        assert (said == "nothing") == (today < one.snoozed_until)


@given(one=standings, today=days)
def test_one_that_flaps_is_not_told_before_its_day(one: Standing, today: date) -> None:
    if one.open and one.held_until is not None and today < one.held_until:
        assert what_to_say(one, today, awake=True) not in ("post", "reopen")


@given(opening=st.lists(st.booleans(), min_size=1, max_size=60), severity=st.sampled_from(("urgent", "warning")))
def test_over_any_weeks_an_alert_is_posted_once_and_ends_as_it_stands(opening: list[bool], severity: str) -> None:
    """It opens and closes as it likes, watched once a day; the chat shows in the end what is so."""
    shown, told, held, resolved, was = "", 0, None, None, False
    posts = 0
    for n, is_open in enumerate(opening):
        today = MONDAY + timedelta(days=n)
        if is_open and not was:
            held = damped_until(resolved, today, PLAIN_WEEK) if shown else None
        resolved, was = (resolved if is_open or not was else today), is_open
        one = Standing(is_open, 1, 1, severity, told, 1, bool(shown), held)
        said = what_to_say(one, today, QuietHours().awake(datetime.combine(today, time(12)), PLAIN_WEEK))
        posts += said == "post"
        if said in ("post", "reopen"):
            shown, told = "open", 1
        if said == "resolve":
            shown, told = "resolved", 0
    assert posts <= 1
    if shown:
        assert (shown == "open") <= was  # it never shows what is over as open
    if not any(opening):
        assert posts == 0


@pytest.mark.parametrize(
    ("resolved", "reopened", "until"),
    [
        (date(2026, 6, 1), date(2026, 6, 1), date(2026, 6, 2)),
        (date(2026, 6, 1), date(2026, 6, 3), date(2026, 6, 4)),
        (date(2026, 6, 1), date(2026, 6, 4), None),
        (date(2026, 6, 4), date(2026, 6, 8), date(2026, 6, 9)),  # Thursday to Monday: two working days
        (date(2026, 6, 4), date(2026, 6, 5), date(2026, 6, 8)),  # one working day after a Friday is Monday
        (None, date(2026, 6, 5), None),
    ],
)
def test_what_opens_again_within_two_working_days_waits_for_one(
    resolved: date | None, reopened: date, until: date | None
) -> None:
    assert damped_until(resolved, reopened, PLAIN_WEEK) == until


def test_a_snooze_lasts_three_working_days_by_the_calendar() -> None:
    assert snooze_until(date(2026, 6, 4), PLAIN_WEEK) == date(2026, 6, 9)
    assert snooze_until(date(2026, 6, 4), Calendar(working=frozenset({date(2026, 6, 6)}))) == date(2026, 6, 8)


@pytest.mark.parametrize(
    ("clock", "awake"), [("07:59", False), ("08:00", True), ("20:59", True), ("21:00", False), ("00:00", False)]
)
def test_the_night_is_quiet_from_nine_to_eight(clock: str, awake: bool) -> None:
    assert QuietHours().awake(datetime.combine(MONDAY, time.fromisoformat(clock)), PLAIN_WEEK) is awake


def test_a_day_off_is_quiet_and_a_make_up_weekend_is_not() -> None:
    saturday = datetime(2026, 6, 6, 12)
    assert not QuietHours().awake(saturday, PLAIN_WEEK)
    assert QuietHours().awake(saturday, Calendar(working=frozenset({saturday.date()})))
    assert not QuietHours().awake(datetime(2026, 6, 1, 12), Calendar(off=frozenset({MONDAY})))


def test_quiet_hours_within_a_day_and_none_at_all() -> None:
    noon = QuietHours(time(12), time(14))
    assert [noon.covers(time(hour)) for hour in (11, 12, 13, 14)] == [False, True, True, False]
    assert not any(QuietHours(time(8), time(8)).covers(time(hour)) for hour in range(24))


@given(number=st.integers(1, 1200), lately=st.integers(0, 20))
def test_every_new_alert_is_in_one_message_and_no_flood_comes_of_many(number: int, lately: int) -> None:
    new = list(range(number))
    messages = gathered(new, lately)
    assert [one for message in messages for one in message] == new
    assert max(map(len, messages)) <= DIGEST_SIZE
    assert (len(messages) == number) == (number + lately <= SINGLE_MESSAGES or number == 1)
    assert number + lately <= SINGLE_MESSAGES or len(messages) <= number // DIGEST_SIZE + 1


@given(monday=st.integers(0, 60), off=st.sets(st.integers(0, 6), max_size=6))
def test_a_week_has_its_digest_on_the_first_day_that_is_worked(monday: int, off: set[int]) -> None:
    week = [MONDAY + timedelta(days=7 * monday + n) for n in range(7)]
    calendar = Calendar(off=frozenset(week[n] for n in off))
    worked = [day for day in week if calendar.is_working_day(day)]
    assert [day for day in week if weekly_day(day, calendar)] == worked[:1]
