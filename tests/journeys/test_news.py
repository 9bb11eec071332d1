"""A night that looks only at cohorts with news leaves, day by day, what one leaves that looks at every cohort."""

import asyncio
import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from flows.nightly import look_at_cohorts
from tests.journeys import oracle
from tests.journeys.conftest import walking


def days_between(dates: list[date], number: int | None, seed: int) -> list[date]:
    """The dates, and so many days between them (all of them unless said), in order."""
    every = [dates[0] + timedelta(days=n) for n in range((dates[-1] - dates[0]).days + 1)]
    others = sorted(set(every) - set(dates))
    chosen = others if number is None else random.Random(seed).sample(others, number)
    return sorted({*dates, *chosen})


async def walk_through(walk, dates, days) -> tuple[int, int]:
    looked = possible = 0
    for day in days:
        if day in dates:
            await walk.live(day)
        else:
            await look_at_cohorts(day)
        some, all_ = oracle.check(day)
        looked, possible = looked + some, possible + all_
    return looked, possible


def test_no_cohort_of_the_demo_that_a_night_left_out_would_have_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    monkeypatch.setattr("tasks.news.ROUND", 1_000_000)
    n = os.environ.get("H5_N", "60")
    with walking(tmp_path / "home") as (walk, dates):
        days = days_between(dates, None if n == "all" else int(n), 2016)
        looked, possible = asyncio.run(walk_through(walk, dates, days))
        print(looked, possible)
