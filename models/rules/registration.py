"""Registration 学籍注册: until when the student number is due."""

from datetime import date, timedelta

from models.rules.policy import Policy


def registration_due(term_starts_on: date, policy: Policy) -> date:
    """Give the day until which the school is to register: 30 days after term start by default."""
    return term_starts_on + timedelta(days=policy.registration_days_after_term_start)
