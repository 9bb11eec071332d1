"""A night that looks only at cohorts with news leaves, day by day, what one leaves that looks at every cohort.

The round, by which every cohort is looked at in any case, never comes here: it would hide what news misses.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from connectors.database import open_engine, table_hashes
from connectors.settings import Settings
from console.demo_days import Walk
from flows.nightly import look_at_cohorts
from models.vault import use_keyring
from tasks.lifecycle import advance_cohorts
from tasks.news import choose_cohorts
from tasks.office import Office, office, use_office
from tests.fixtures.databases import TEST_KEYS
from tests.journeys import oracle
from tests.journeys.conftest import walking
from tests.journeys.generated import Fate

SEED = 2016
FIRST_DATES, DAYS_BETWEEN = 12, 60
STEPS, LONG_STEPS, LONG_SEEDS = 45, 150, 40
MOST_LOOKS = 0.75  # of those that a night over all would take: or it proves nothing


@dataclass
class Seen:
    """How often cohorts were looked at, of how often they might have been."""

    looked: int = 0
    possible: int = 0

    def hold(self, day: date, what: str = "") -> None:
        """Hold a night against the oracle."""
        looked, possible = oracle.check(day, what)
        self.looked, self.possible = self.looked + looked, self.possible + possible


@pytest.fixture(autouse=True)
def no_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """No cohort is looked at but for its news."""
    monkeypatch.setattr("tasks.news.ROUND", 10**6)


def days_between(dates: Sequence[date], number: int | None) -> list[date]:
    """The dates, and so many days between them (all unless said), in order."""
    every = [dates[0] + timedelta(days=n) for n in range((dates[-1] - dates[0]).days + 1)]
    others = sorted(set(every) - set(dates))
    chosen = others if number is None else random.Random(SEED).sample(others, number)
    return sorted({*dates, *chosen})


async def walk_on(walk: Walk, dates: Sequence[date], days: Sequence[date]) -> Seen:
    """Live on the dates, look at cohorts on the other days, and hold every night against the oracle."""
    seen = Seen()
    for day in days:
        if day in dates:
            await walk.live(day)
        else:
            await look_at_cohorts(day)
        seen.hold(day)
    return seen


def live_by_lot(seed: int, steps: int, url: str, home: Path) -> Seen:
    """Let two cohorts live by lot; some nights are killed between their choice and their looks."""
    use_keyring(TEST_KEYS)
    settings = Settings(home=home, database_url=url, keys_file=home / "keys.toml", actor="tester")
    use_office(Office(settings, open_engine(url)))
    try:
        seen, fate = Seen(), Fate(random.Random(seed), home)
        fate.begin()
        for _ in range(steps):
            day = fate.live()
            if fate.lot.random() < 0.1:  # killed: what it chose is chosen again
                codes = asyncio.run(choose_cohorts(day))["codes"]
                asyncio.run(advance_cohorts(codes[:1], day))
            else:
                assert asyncio.run(look_at_cohorts(day))["missed"] == []
                seen.hold(day, f"(seed {seed}: {', '.join(fate.told)})")
        return seen
    finally:
        office().engine.dispose()
        use_office(None)


def test_no_cohort_of_the_demo_that_a_night_left_out_would_have_moved(tmp_path: Path) -> None:
    """The first months of the demo, and days between its dates on which nothing is read."""
    with walking(tmp_path / "home") as (walk, dates):
        dates = dates[:FIRST_DATES]
        seen = asyncio.run(walk_on(walk, dates, days_between(dates, DAYS_BETWEEN)))
    assert 0 < seen.looked <= MOST_LOOKS * seen.possible, seen


@pytest.mark.parametrize("seed", [4, 6])
def test_no_cohort_that_a_night_left_out_would_have_moved_whatever_happens(
    seed: int, sqlite_url: str, tmp_path: Path
) -> None:
    seen = live_by_lot(seed, STEPS, sqlite_url, tmp_path)
    assert 0 < seen.looked <= MOST_LOOKS * seen.possible, seen


@pytest.mark.soak
def test_no_cohort_of_the_demo_would_have_moved_on_any_day_of_its_years(tmp_path: Path) -> None:
    with walking(tmp_path / "home") as (walk, dates):
        seen = asyncio.run(walk_on(walk, dates, days_between(dates, None)))
    print(f"\nlooks: {seen.looked} of {seen.possible}")
    assert seen.looked <= MOST_LOOKS * seen.possible


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(LONG_SEEDS))
def test_no_cohort_would_have_moved_in_many_journeys(seed: int, database_url: str, tmp_path: Path) -> None:
    live_by_lot(1_000 + seed, LONG_STEPS, database_url, tmp_path)


@pytest.mark.soak
def test_the_demo_walked_with_news_and_over_all_leaves_the_same_rows_after_every_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Walked twice with the same keys: once looking at cohorts with news, once at all, every day."""
    keys = tmp_path / "keys.toml"
    with_news = _walked(tmp_path / "news", keys)
    monkeypatch.setattr(
        "tasks.news.rules_in_force", iter(map(str, range(10**9))).__next__
    )  # every look is under others
    over_all = _walked(tmp_path / "all", keys)
    assert with_news.keys() == over_all.keys()
    for day, hashes in with_news.items():
        assert hashes == over_all[day], day


def _walked(home: Path, keys: Path) -> dict[date, dict[str, str]]:
    """The hashes of all tables after every day of a walk."""
    found: dict[date, dict[str, str]] = {}
    home.mkdir()
    if keys.exists():
        (home / "keys.toml").write_bytes(keys.read_bytes())
    with walking(home) as (walk, dates):
        keys.write_bytes((home / "keys.toml").read_bytes())

        async def go(live: Callable[[date], bool]) -> None:
            for day in days_between(dates, 400):
                await (walk.live(day) if live(day) else look_at_cohorts(day))
                found[day] = table_hashes(office().engine)

        asyncio.run(go(set(dates).__contains__))
    return found
