"""Money nearly used: a source whose quota of heads or budget is used up to nine tenths.

Belongs here: the limits of sources as stalls. Does not: granting within them (rules/ledger.py), or the wait for room
in a full one (award-quota).
"""

from collections.abc import Iterator
from datetime import date

from sqlmodel import Session

from models.repositories.watch import nearly_used_sources
from models.rules.ledger import used_percent
from models.rules.stalls import Stall, judge_number, limits_of
from tasks.office import office

KIND = "money-nearly-used"


def find(session: Session, today: date) -> Iterator[Stall]:
    """Give the sources nearly used up, with who pays them: the cohort's union finance."""
    policy = office().policy(today)
    for source, finance_code in nearly_used_sources(session, limits_of(KIND, policy)[0].days):
        used = used_percent(source.granted_heads, source.granted_total, source.quota, source.budget)
        judged = judge_number(KIND, used, policy)
        if judged.stalled and source.nearly_used_on is not None:
            yield Stall(
                kind=KIND, holder="union_finance", level=judged.level, since=source.nearly_used_on, due_on=None,
                cohort_code=source.cohort_code, holder_code=finance_code, subject=f"{source.source}:{source.trigger}",
            )  # fmt: skip
