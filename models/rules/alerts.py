"""What is said of an alert, and when: the first word, further levels, what changed, and when to keep quiet.

Belongs here: pure decisions over plain values. Does not: words (tasks/messages.py), rows or sending (tasks/alerts.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, TypeVar

from models.rules.workdays import Calendar

Item = TypeVar("Item")
Saying = Literal["nothing", "hold", "post", "reopen", "escalate", "remind", "refresh", "resolve"]

FLAP_WORKING_DAYS = 2  # what opens again so soon after its end is damped
DAMPED_WORKING_DAYS = 1  # and must then stay open so long before it is told
SNOOZE_WORKING_DAYS = 3
SINGLE_MESSAGES = 5  # so many new alerts in DIGEST_WINDOW are told one by one; more become digests
DIGEST_WINDOW = timedelta(minutes=10)
DIGEST_SIZE = 100


@dataclass(frozen=True, slots=True)
class QuietHours:
    """The hours of the day in which only what is urgent is told; they may pass midnight. The same twice: none."""

    begins: time = time(21)
    ends: time = time(8)

    def covers(self, clock: time) -> bool:
        """Say whether it is quiet at this time of the day."""
        if self.begins <= self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends

    def awake(self, local: datetime, calendar: Calendar) -> bool:
        """Say whether what is not urgent may be told at this local instant: in the day's hours of a working day."""
        return calendar.is_working_day(local.date()) and not self.covers(local.time())


@dataclass(frozen=True, slots=True)
class Standing:
    """How an alert stands, and what the chat was last told of it.

    `told_level` is 0 while this opening was not told; `posted` says whether the alert has a message from before.
    """

    open: bool
    level: int
    people: int
    severity: str = "warning"
    told_level: int = 0
    told_people: int = 0
    posted: bool = False
    held_until: date | None = None
    snoozed_until: date | None = None


def what_to_say(one: Standing, today: date, awake: bool) -> Saying:
    """Decide the one thing to say of an alert now. What calls nobody (an edit) is said at any hour."""
    if not one.open:
        return "resolve" if one.told_level else "nothing"
    speak = awake or one.severity == "urgent"
    if one.told_level == 0:
        if not speak or is_before(today, one.held_until):
            return "hold"
        return "reopen" if one.posted else "post"
    if is_before(today, one.snoozed_until):
        return "nothing"
    if one.level > one.told_level:
        return "escalate" if speak else "hold"
    if one.snoozed_until is not None:
        return "remind" if speak else "hold"
    return "refresh" if one.people != one.told_people else "nothing"


def is_before(today: date, until: date | None) -> bool:
    """Say whether a day that is waited for is still to come; None is never waited for."""
    return until is not None and today < until


def damped_until(resolved_on: date | None, reopened_on: date, calendar: Calendar) -> date | None:
    """Give the day from which an alert that opens again may be told; None when it does not flap."""
    if resolved_on is None or calendar.working_days_between(resolved_on, reopened_on) > FLAP_WORKING_DAYS:
        return None
    return calendar.add_working_days(reopened_on, DAMPED_WORKING_DAYS)


def snooze_until(today: date, calendar: Calendar) -> date:
    """Give the day on which an alert that is snoozed today is told again, if it is still open."""
    return calendar.add_working_days(today, SNOOZE_WORKING_DAYS)


def gathered(new: Sequence[Item], told_lately: int) -> list[Sequence[Item]]:
    """Give the messages new alerts to one channel make: one each while they are few, digests when they are many.

    `told_lately` is how many others this channel was told within the digest's window.
    """
    size = 1 if told_lately + len(new) <= SINGLE_MESSAGES else DIGEST_SIZE
    return [new[start : start + size] for start in range(0, len(new), size)]


def weekly_day(today: date, calendar: Calendar) -> bool:
    """Say whether a week's digest is due today: on its Monday, or the first day of that week that is worked."""
    monday = today - timedelta(days=today.weekday())
    before = (monday + timedelta(days=n) for n in range(today.weekday()))
    return calendar.is_working_day(today) and not any(calendar.is_working_day(day) for day in before)
