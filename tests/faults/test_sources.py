"""Sources that fail in every way there is: when it is over, the database says what the source says, row by row."""

import json
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator

import httpx
import pytest

from connectors import http
from tasks.office import Office
from tests.connectors.script import Script, Theatre
from tests.faults.runs import FAILED, Fault, Run, many, some_of_each
from tests.faults.sources import TOKEN_ENV

SEED, MANY = 2016, 1000
FAULTS = some_of_each(SEED, wires=3)
MEGABYTE = 1 << 20
CAP = http.BODY_CAP


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source is waited for a moment only, and a body is large sooner."""
    monkeypatch.setenv(TOKEN_ENV, "secret")
    monkeypatch.setattr(http, "TIMEOUT", httpx.Timeout(5.0, read=0.5))
    monkeypatch.setattr(http, "BODY_CAP", 4 * MEGABYTE)


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Script]:
    """Another system, to which nothing may ever be sent."""
    theatre = Theatre()
    yield theatre.open()
    theatre.close()


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_once_a_fault_is_over_the_database_says_what_the_source_says(
    sqlite_office: Office, script: Script, elsewhere: Script, fault: Fault
) -> None:
    Run(fault, script, elsewhere.url).live()
    assert elsewhere.asked == []


def test_there_are_faults_enough_in_every_phase_of_a_reading() -> None:
    assert len(FAULTS) >= 100
    assert len({(fault.later, fault.lasting) for fault in FAULTS}) == 4


@pytest.mark.parametrize("kind", ["gzip bomb", "2 GB body"])
def test_neither_a_bomb_nor_two_gigabytes_fill_the_memory(
    sqlite_office: Office, script: Script, elsewhere: Script, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BODY_CAP", CAP)
    monkeypatch.setattr(http, "TIMEOUT", httpx.Timeout(30.0))
    run = Run(Fault(kind, "results", 2, lasting=False, later=False, seed=SEED), script, elsewhere.url)
    tracemalloc.start()
    try:
        assert run.live() == FAILED
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3 * CAP


@pytest.mark.soak
def test_a_thousand_faults_leave_what_the_sources_say(office: Office, script: Script, elsewhere: Script) -> None:
    outcomes, requests, began = Counter[str](), 0, time.perf_counter()
    faults = many(MANY, SEED)
    for number, fault in enumerate(faults):
        run = Run(fault, script, elsewhere.url, f"f{number}")
        outcomes[run.live()] += 1
        requests += run.requests
    assert elsewhere.asked == []
    figures = {
        "faults": len(faults), "seed": SEED, "database": office.engine.dialect.name, "outcomes": dict(outcomes),
        "kinds": len({fault.kind for fault in faults}), "requests": requests,
        "seconds": round(time.perf_counter() - began, 1),
    }  # fmt: skip
    print(f"\n{json.dumps(figures)}")
