"""The stall watch: everything that is stalled today becomes alerts, once.

Belongs here: running the detectors and handing over what they find. Does not: finding (watch/), alerts (alerts.py).
"""

from datetime import date, datetime, time

from connectors.database import alone
from models.clock import SHANGHAI, business_date, now
from models.rules.stalls import Stall
from tasks import watch
from tasks.alerts import settle
from tasks.office import unit_of_work
from tasks.step import AGAIN, step
from tasks.watch import runs
from tasks.watch.notes import take_notes


@step(name="watch-waits", retries=AGAIN)
async def watch_waits(as_of: date | None = None) -> dict[str, int]:
    """Raise, escalate and resolve alerts; give how many of each, and how many are held back for now.

    Running it twice changes nothing. Two watches at once take turns: the second finds what the first has told.
    """
    today, at = business_date(as_of), instant_of(as_of)
    outside = await runs.find(today, now())
    with unit_of_work() as session:
        alone(session, "stall-watch")
        take_notes(session, today)
        stalls: list[Stall] = [stall for find in watch.DETECTORS for stall in find(session, today)]
        return settle(session, [*outside, *stalls], today, at)


def instant_of(as_of: date | None) -> datetime:
    """Give the present instant, or noon in Shanghai of a business date that was moved."""
    return now() if as_of is None else datetime.combine(as_of, time(12), SHANGHAI)
