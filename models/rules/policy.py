"""Policies: every number that a province or school may set, as a value with the date from which it holds.

Belongs here: the shape of a policy, the defaults, those an installation sets, which one holds on a day.
Does not: what is done with it, or the file it is read from (connectors/settings.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from models.rules.lifecycle import ALL_KINDS

SEVERITIES = ("urgent", "warning", "info")
ROLES = frozenset(role for kind in ALL_KINDS.values() for role in (kind.holder, *(one.holder for one in kind.limits)))
SHARES = ("attendance_threshold", "compulsory_recognition_cap", "self_study_recognition_cap")


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules' numbers from a day on. Shares are fractions of one, money is yuan; retention.py says what is kept how long.

    Three tables by kind of stall take the place of the lifecycle's own: `limits` (the days, first limit first),
    `whom` (who is told at each) and `severity`. One `whom` more than the table has, with its day, is one escalation more.
    """

    version: str
    effective_from: date
    min_age: int = 18
    notice_working_days: int = 5
    attendance_threshold: Decimal = Decimal("0.70")
    attendance_min_sessions: int = 3
    absences_in_a_row: int = 2
    class_confirmation_days: int = 10
    attendance_report_nights: int = 3
    pass_mark: Decimal = Decimal(60)
    credits_to_graduate: Decimal = Decimal(76)
    min_study_months: int = 30
    status_lapse_years: int = 8
    compulsory_recognition_cap: Decimal = Decimal("0.35")
    self_study_recognition_cap: Decimal = Decimal("0.40")
    registration_days_after_term_start: int = 30
    head_warning_low: Decimal = Decimal(300)
    head_warning_high: Decimal = Decimal(15000)
    retention_years: int = 3
    finance_retention_years: int = 30
    quarantine_retention_days: int = 90
    files_retention_days: int = 90
    limits: Mapping[str, tuple[int, ...]] = field(default_factory=dict, hash=False)
    whom: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    severity: Mapping[str, str] = field(default_factory=dict, hash=False)


DEFAULT_POLICIES: tuple[Policy, ...] = (Policy("2019-1", date(2016, 3, 1)),)


def policy_on(policies: Sequence[Policy], day: date) -> Policy:
    """Give the policy that holds on a day: the latest that took effect by then. Raises LookupError if none did."""
    in_force = [policy for policy in policies if policy.effective_from <= day]
    if not in_force:
        raise LookupError(f"no policy was in force on {day}")
    return max(in_force, key=lambda policy: policy.effective_from)


def policies_from(changes: Iterable[Mapping[str, Any]]) -> tuple[Policy, ...]:
    """Give the default policies and an installation's own, each a change of the one that held before it.

    Each change has a `version`, the day it is `effective_from`, and the numbers it sets anew.
    Raises ValueError in one sentence for a name, number or date that cannot be.
    """
    policies = list(DEFAULT_POLICIES)
    for change in sorted(changes, key=_effective_from):
        before, day = policies[-1], _effective_from(change)
        if day <= before.effective_from:
            raise ValueError(f"two policies take effect on {day}, or one before the default: give each its own day")
        if str(change.get("version", "")) in ("", *(policy.version for policy in policies)):
            raise ValueError(f"the policy of {day} needs a version of its own")
        values = {name: _value(name, value, before) for name, value in change.items() if name != "effective_from"}
        policies.append(replace(before, effective_from=day, **values))
    return tuple(policies)


def _effective_from(change: Mapping[str, Any]) -> date:
    day = change.get("effective_from")
    if type(day) is not date:
        raise ValueError("a policy needs the day from which it holds: effective_from = 2027-01-01")
    return day


def _value(name: str, value: Any, before: Policy) -> Any:
    """A number in the type the policy has it in."""
    if name not in {one.name for one in fields(Policy)}:
        raise ValueError(f"a policy has no {name}: see its names in models/rules/policy.py")
    if name in BY_KIND:
        return {**getattr(before, name), **_by_kind(name, value)}
    if name == "version":
        return str(value)
    number = _number(name, value)
    if number < 0 or (name in SHARES and number > 1):
        raise ValueError(f"the policy's {name} cannot be {value}")
    return number if isinstance(getattr(before, name), Decimal) else _whole(name, number)


def _number(name: str, value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f"the policy's {name} must be a number") from None
    if isinstance(value, bool) or not number.is_finite():
        raise ValueError(f"the policy's {name} must be a number")
    return number


def _whole(name: str, number: Decimal) -> int:
    if number != int(number):
        raise ValueError(f"the policy's {name} must be a whole number")
    return int(number)


def _by_kind(name: str, value: Any) -> dict[str, Any]:
    """A table by kind of stall; a kind that is none would be set for nothing."""
    if not isinstance(value, Mapping):
        raise ValueError(f"the policy's {name} are a table by kind: [policies.{name}]")
    for kind in value:
        if kind not in ALL_KINDS:
            raise ValueError(f"the policy's {name} name {kind}, which is no kind of stall: see docs/lifecycle.md")
    return {kind: BY_KIND[name](kind, given) for kind, given in value.items()}


def _days(kind: str, days: Any) -> tuple[int, ...]:
    listed = days if isinstance(days, list | tuple) else [days]
    if not listed or any(type(day) is not int or day < 0 for day in listed):
        raise ValueError(f"the limits of {kind} are days: whole numbers, the first limit's first")
    return tuple(listed)


def _roles(kind: str, roles: Any) -> tuple[str, ...]:
    listed = roles if isinstance(roles, list | tuple) else [roles]
    if not listed or not {str(one) for one in listed} <= ROLES:
        raise ValueError(f"who is told of {kind} are roles: {', '.join(sorted(ROLES))}")
    return tuple(listed)


def _severity(kind: str, severity: Any) -> str:
    if severity not in SEVERITIES:
        raise ValueError(f"the severity of {kind} is one of {', '.join(SEVERITIES)}")
    return str(severity)


BY_KIND: Mapping[str, Callable[[str, Any], Any]] = {"limits": _days, "whom": _roles, "severity": _severity}
