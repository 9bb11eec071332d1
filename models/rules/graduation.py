"""Graduation 毕业: credits, minimum study time, and when the student status lapses.

Source: common for open education: 76 credits, 2.5 years at the least, status lapses after 8 years.
"""

from datetime import date
from decimal import Decimal

from models.rules.decision import Decision
from models.rules.policy import Policy


def add_months(day: date, months: int) -> date:
    """Give the day so many months later; a day that month lacks becomes its last."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    for last in (day.day, 30, 29, 28):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    raise ValueError(f"no such month: {months} after {day}")


def earliest_graduation(started_on: date, policy: Policy) -> date:
    """Give the first day on which the minimum study time is over."""
    return add_months(started_on, policy.min_study_months)


def status_lapses_on(started_on: date, policy: Policy) -> date:
    """Give the day on which the student status lapses."""
    return add_months(started_on, 12 * policy.status_lapse_years)


def judge_status(started_on: date, today: date, policy: Policy) -> Decision:
    """Judge whether the student status still stands: from the day it lapses nobody studies or graduates on it."""
    lapses = status_lapses_on(started_on, policy)
    if today >= lapses:
        return Decision("fail", "status-lapsed", f"the student status lapsed on {lapses} 学籍已失效", policy.version)
    return Decision("pass", policy_version=policy.version)


def judge_graduation(
    credits: Decimal, started_on: date, today: date, policy: Policy, *, credits_needed: Decimal | None = None
) -> Decision:
    """Judge whether a participant with all results may graduate: his status, his credits, then the time studied."""
    status = judge_status(started_on, today, policy)
    if status.outcome == "fail":
        return status
    needed = credits_needed if credits_needed is not None else policy.credits_to_graduate
    if credits < needed:
        return Decision(
            "fail", "credits-short", f"{credits} of {needed} credits: not enough to graduate 学分不足", policy.version
        )
    if today < earliest_graduation(started_on, policy):
        return Decision(
            "wait", "minimum-study-time", "the minimum study time is not over 未满最低学习年限", policy.version
        )
    return Decision("pass", policy_version=policy.version)
