"""How long a night takes over 3,000 open cohorts of which 300 have news, with Prefect and without, and over all of them."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest

from connectors.base import Connection
from connectors.database import open_engine
from connectors.settings import Settings
from console.prefect_server import prefect_server
from flows.nightly import nightly_sync
from models import records
from models.repositories.news import note_written
from models.tables.teaching import Mark
from models.vault import use_keyring
from tasks.gate import take
from tasks.news import choose_cohorts
from tasks.office import Office, office, unit_of_work, use_office
from tasks.reading import source_of
from tests.bench.cohorts import COHORTS, SESSIONS, TODAY, fill_cohorts, set_looks
from tests.bench.stage import postgres
from tests.fixtures.cohorts import OTHER_ENTERPRISE
from tests.fixtures.databases import TEST_KEYS

WITH_NEWS, ROUNDS, TOLD = 300, 3, 5  # of so many people of each of them
MOST_RATIO, MOST_TASK_RUNS = 1.5, 30
SCHOOL = Connection(name="school", kind="told", organisation=OTHER_ENTERPRISE, base_url="http://x")
MEANINGS = ("late", "absent", "excused", "present")


@contextmanager
def working(url: str, home: Path) -> Iterator[Office]:
    """An office without connections, in use."""
    use_keyring(TEST_KEYS)
    settings = Settings(home=home, database_url=url, keys_file=home / "keys.toml", actor="bench")
    here = Office(settings, open_engine(url))
    use_office(here)
    try:
        yield here
    finally:
        use_office(None)
        here.engine.dispose()


def bring_news(turn: int) -> None:
    """A school reports a register's lines of 300 cohorts, as a night reads them: by the gate, in one batch."""
    with unit_of_work() as session:
        numbers = session.connection().exec_driver_sql(
            f"SELECT cohort_code, student_number FROM (SELECT cohort_code, student_number, row_number() OVER "  # noqa: S608
            f"(PARTITION BY cohort_code) n FROM participants) p WHERE n <= {TOLD} AND mod(substr(cohort_code, 4)::int, 10) = 0"
        ).all()  # fmt: skip
        lines = [
            records.RegisterEntry(
                source_id=f"{code}-M1-{SESSIONS}:{number}", session_source_id=f"{code}-M1-{SESSIONS}",
                class_source_id=f"{code}-M1", student_number=number, meaning=MEANINGS[turn % 4],
            ) for code, number in numbers
        ]  # fmt: skip
        assert take(source_of(session, SCHOOL, TODAY), "registers", lines).counts.written == WITH_NEWS * TOLD


def night(turn: int, *, served: bool) -> tuple[float, dict[str, Any]]:
    """How long a night with news takes, and what it told."""
    bring_news(turn)
    began = time.perf_counter()
    told: dict[str, Any] = asyncio.run(nightly_sync(as_of=TODAY) if served else nightly_sync.fn(as_of=TODAY))
    taken = time.perf_counter() - began
    assert told["cohorts"] == {"looked_at": WITH_NEWS, "of": COHORTS, "by_round": 0, "missed": [], "broken": {}}, told
    return taken, told


def noting() -> float:
    """How many milliseconds it takes to note 20,000 new marks of 3,000 learners."""
    lines = [(f"school:R{n}", f"school:L{n % 100}", f"school:U{n % 3000}", None, "x", None) for n in range(20_000)]
    columns = ("id", "line_item_id", "learner_id", "score", "score_status", "scored_on")
    with unit_of_work() as session:
        session.connection()
        began = time.perf_counter()
        note_written(session, Mark, columns, lines, [])
        taken = time.perf_counter() - began
        session.connection().exec_driver_sql("DELETE FROM news")
    return taken * 1000


def counted(url: str) -> dict[str, float]:
    """How many runs Prefect keeps, for each night that it ran."""
    with httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        flows, steps = (int(client.post(f"/{kind}/count", json={}).text) for kind in ("flow_runs", "task_runs"))
    return {"flow_runs": flows / ROUNDS, "task_runs": steps / ROUNDS}


@contextmanager
def served(home: Path) -> Iterator[str]:
    """A Prefect server, and this process set to it."""
    from prefect.settings import PREFECT_API_URL, PREFECT_LOGGING_LEVEL, temporary_settings

    with prefect_server(home) as url, temporary_settings({PREFECT_API_URL: url, PREFECT_LOGGING_LEVEL: "ERROR"}):
        yield url


@pytest.mark.bench
@pytest.mark.timeout(3_600)
def test_a_night_looks_at_the_cohorts_with_news_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with postgres() as server, working(server.new(), tmp_path), served(tmp_path / "prefect") as url:
        fill_cohorts(office().engine)
        night(0, served=False)  # what is imported once is no part of it
        direct, with_prefect = [], []
        for turn in range(1, 1 + 2 * ROUNDS, 2):
            direct.append(night(turn, served=False)[0])
            with_prefect.append(night(turn + 1, served=True)[0])
        runs, noted = counted(url), median(noting() for _ in range(5))
        began = time.perf_counter()
        none = asyncio.run(choose_cohorts(TODAY))
        choosing = time.perf_counter() - began
        set_looks(office().engine, due=True)
        by_round = asyncio.run(choose_cohorts(TODAY))["by_round"]
        with office().engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM looks")
        began = time.perf_counter()
        every = asyncio.run(nightly_sync.fn(as_of=TODAY))["cohorts"]
        over_all = time.perf_counter() - began
    told = {
        "direct": round(median(direct), 2), "with_prefect": round(median(with_prefect), 2),
        "ratio": round(median(b / a for a, b in zip(direct, with_prefect, strict=True)), 2), **runs,
        "choosing_none": round(choosing, 3), "by_round": by_round, "noting_20000_ms": round(noted, 1),
        "over_all": round(over_all, 1), "times_over_all": round(over_all / median(direct), 1),
    }  # fmt: skip
    with capsys.disabled():
        sys.stdout.write(json.dumps({"bench": "news", "cohorts": COHORTS, "with_news": WITH_NEWS, **told}) + "\n")
    assert none["codes"] == []
    assert every["looked_at"] == COHORTS
    assert told["ratio"] <= MOST_RATIO
    assert runs["flow_runs"] == 1
    assert runs["task_runs"] <= MOST_TASK_RUNS
