"""Retention: how long what is known of a person is kept, and what becomes of it then.

Belongs here: which record of which age stays, is reduced or goes. Does not: finding or changing one.

Sources: PIPL art. 19 (no longer than the purpose needs), art. 47 (delete when it is reached; what a law still wants kept is
stored and used for nothing else), art. 56 (records of processing stay three years), art. 73 (anonymised: cannot be
restored); Measures for the Administration of Accounting Archives (MOF and SAA order 79 of 2015): vouchers and books
thirty years. An office sets its own periods in its policy; the audit trail and the ledger only ever grow.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from models.rules.policy import Policy

Fate = Literal["stays", "reduced", "anonymised"]
FINANCE = frozenset({"partner.payments"})  # effects that are vouchers: who was paid how much


@dataclass(frozen=True, slots=True)
class Traces:
    """What is left of a worker: when the last of his participations ended (None while one is open), and his money.

    `last_booked_on` is the day of his last ledger line, None without one; `unsettled` while a payment is under way.
    """

    ended_on: date | None
    last_booked_on: date | None = None
    unsettled: bool = False


def worker_fate(traces: Traces, today: date, policy: Policy) -> Fate:
    """Say what becomes of a worker's row today.

    He stays as he is until the records of processing may go. Then he is reduced to what his vouchers must name (his
    name and ID number), if he was paid, until these may go too; and is anonymised otherwise.
    """
    if traces.ended_on is None or traces.unsettled or not is_over(traces.ended_on, policy.retention_years, today):
        return "stays"
    if traces.last_booked_on is None or is_over(traces.last_booked_on, policy.finance_retention_years, today):
        return "anonymised"
    return "reduced"


def row_goes(nominated_on: date, today: date, policy: Policy) -> bool:
    """Whether a roster row that made nobody a participant no longer says who it was about."""
    return is_over(nominated_on, policy.retention_years, today)


def effect_goes(kind: str, sent_on: date | None, today: date, policy: Policy) -> bool:
    """Whether the content of a sent effect goes: of a payment order when vouchers may, of any other with the records."""
    years = policy.finance_retention_years if kind in FINANCE else policy.retention_years
    return sent_on is not None and is_over(sent_on, years, today)


def held_back_goes(first_on: date, cured_on: date | None, today: date, policy: Policy) -> bool:
    """Whether a row of the quarantine goes: some time after its cure, or with the records where nobody cured it."""
    if cured_on is not None:
        return today > cured_on + timedelta(days=policy.quarantine_retention_days)
    return is_over(first_on, policy.retention_years, today)


def file_goes(changed_on: date, today: date, policy: Policy) -> bool:
    """Whether a file of `exchange/` or of the logs goes: what is needed of it stands in the database."""
    return today > changed_on + timedelta(days=policy.files_retention_days)


def is_over(day: date, years: int, today: date) -> bool:
    """Whether so many whole years have passed since a day; one that began on 29 February ends with the month."""
    return today > years_after(day, years)


def years_after(day: date, years: int) -> date:
    """Give the same day so many years later, 28 February for a 29th that year lacks."""
    year = min(day.year + years, date.max.year)
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
