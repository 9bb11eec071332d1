"""Public notice 公示: how long it hangs and what an objection does."""

from datetime import date

from models.rules.decision import Decision
from models.rules.policy import Policy
from models.rules.workdays import Calendar


def notice_ends(published_on: date, calendar: Calendar, policy: Policy) -> date:
    """Give the last day a notice hangs: its working days (default five) after the day it was published."""
    return calendar.add_working_days(published_on, policy.notice_working_days)


def judge_notice(
    published_on: date, today: date, *, open_objections: int, upheld: bool, calendar: Calendar, policy: Policy
) -> Decision:
    """Judge a name on a notice: an upheld objection refuses it, an open one or a running notice waits."""
    if upheld:
        return Decision("refused", "objection-upheld", "an objection to the public notice was upheld")
    if open_objections:
        return Decision("wait", "objection", "an objection is not settled yet")
    if today <= notice_ends(published_on, calendar, policy):
        return Decision("wait", "notice-running", "the public notice still hangs")
    return Decision("pass")
