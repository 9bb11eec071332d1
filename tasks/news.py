"""Which cohorts a night looks at: those with news, those whose day has come, and every one on its round of seven nights.

Belongs here: choosing, keeping how a cohort was looked at, and saying when the round found what news had missed.
Does not: what is news to whom (models/repositories/news.py) or what is done when looking (lifecycle.py).
"""

import logging
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zlib import crc32

from sqlmodel import Session

import models
import tasks
from connectors.database import alone
from models.clock import business_date
from models.repositories import news
from models.repositories.common import add_missing
from models.repositories.organisations import cohorts_under_way
from models.rules.policy import Policy
from models.rules.workdays import Calendar
from models.tables.news import Look
from tasks.office import office, unit_of_work
from tasks.step import AGAIN, step

ROUND = 7  # nights after which a cohort is looked at in any case
logger = logging.getLogger(__name__)


@step(name="choose-cohorts", retries=AGAIN)
async def choose_cohorts(as_of: date | None = None) -> dict[str, Any]:
    """Give the codes of the cohorts to be looked at on a business date, in order, and how many are under way.

    `by_round` counts those that nothing but their round calls for.
    """
    today = business_date(as_of)
    with unit_of_work() as session:
        alone(session, "news")  # two nights at once would sort the same news
        news.sort_by_cohort(session)
        news.forget_others(session)
        chosen = news.to_be_looked_at(session, today, rules_in_force())
        number = len(cohorts_under_way(session))
    return {"codes": list(chosen), "under_way": number, "by_round": sum(chosen.values())}


@dataclass
class Glance:
    """One look at a cohort, within the transaction that holds it: begun before any evidence is read, kept at its end."""

    session: Session
    code: str
    today: date
    taken_up: list[str] = field(default_factory=list)
    called_for: bool = True

    def __post_init__(self) -> None:
        """See what calls for this look; news that is noted from now on calls for another."""
        self.session.info["looking"] = True
        self.taken_up = news.news_of(self.session, self.code)
        look = self.session.get(Look, self.code)
        expected = look is not None and look.rules == rules_in_force() and not self.taken_up
        self.called_for = not (expected and look is not None and _holds(look, self.today))

    def keep(self, changes_on: date | None, moved: bool) -> bool:
        """Keep that the cohort was looked at; True when that moved something which no news had told."""
        missed = moved and not self.called_for and news.is_all_sorted(self.session)
        look = add_missing(
            self.session, Look(cohort_code=self.code, looked_on=self.today, rules="", round_on=self.today)
        )
        look.looked_on, look.rules, look.changes_on = self.today, rules_in_force(), changes_on
        look.round_on = next_round(self.code, self.today)
        look.missed += missed
        news.take_up(self.session, self.taken_up)
        if missed:
            logger.warning("the round over all cohorts moved %s, which no news had told: tell whoever looks after Yuanmeng",
                           self.code)  # fmt: skip
        return missed


def _holds(look: Look, today: date) -> bool:
    """Whether what was decided at a look still holds on a day, unless something is new."""
    return look.looked_on <= today and (look.changes_on is None or today < look.changes_on)


def has_changed(session: Session) -> bool:
    """Whether anything but how cohorts are looked at was changed in a transaction since `wrote` was last unset."""
    session.flush()
    return bool(session.info.get("wrote", False))


def next_round(code: str, today: date) -> date:
    """Give the day of a cohort's next round, within seven nights; by their codes cohorts are spread over them."""
    place = crc32(code.encode()) % ROUND
    return today + timedelta(days=(place - today.toordinal() - 1) % ROUND + 1)


def rules_in_force() -> str:
    """Give a digest of all that decides besides the evidence: policies, calendar, and the words of the rules."""
    return _digest(office().policies, office().calendar)


@lru_cache(8)
def _digest(policies: tuple[Policy, ...], calendar: Calendar) -> str:
    days = [sorted(calendar.off), sorted(calendar.working), sorted(calendar.years)]
    return blake2b(repr((policies, days)).encode() + CODE, digest_size=12).digest().hex()


def _code() -> bytes:
    """A digest of the modules that rules and stages are made of; another version of Yuanmeng looks at all cohorts once."""
    digest = blake2b(digest_size=12)
    for package in (models, tasks):
        for path in sorted(Path(str(package.__file__)).parent.rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.digest()


CODE = _code()  # read as the modules are loaded: another version may be installed while this process goes on with them
