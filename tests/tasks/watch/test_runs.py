"""Runs that crashed, are late or hang, as stalls: asked of a real Prefect server, which keeps parameters in clear."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from models.clock import SHANGHAI, now
from models.rules.policy import DEFAULT_POLICIES
from models.rules.stalls import Stall
from models.tables.lifecycle import Alert
from models.tables.operations import Outbox
from tasks.alerts import alert_id
from tasks.office import Office, unit_of_work, use_office
from tasks.stalls import watch_waits
from tasks.watch import runs
from tests.fixtures.cohorts import rows
from tests.fixtures.prefect_api import Prefect, served, state

SECRET = "zhou-yi-secret-parameter"
DEAD = "http://127.0.0.1:9/api"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """One server for the tests of this file."""
    with served(tmp_path_factory.mktemp("prefect")) as prefect:
        yield prefect


@pytest.fixture
def prefect(server: Prefect, sqlite_office: Office, monkeypatch: pytest.MonkeyPatch) -> Prefect:
    """The server, without runs, and this process set to it."""
    server.forget_runs()
    monkeypatch.setenv("PREFECT_API_URL", server.url)
    return server


def found(minutes: int = 0) -> set[tuple[str, str, date]]:
    """What is found after some minutes: kind, subject, since."""
    at = now() + timedelta(minutes=minutes)
    return {(one.kind, one.subject, one.since) for one in asyncio.run(runs.find(day(at), at))}


def day(at: datetime) -> date:
    """The business date of an instant."""
    return at.astimezone(SHANGHAI).date()


def due(**time: int) -> dict[str, Any]:
    """A run that is to begin so much later."""
    return state("SCHEDULED", name="Late", state_details={"scheduled_time": (now() + timedelta(**time)).isoformat()})


GOOD = (state("RUNNING"), state("COMPLETED"))
CRASHED = (state("RUNNING"), state("CRASHED", name=runs.GIVEN_UP))
# The states of a run, and the minutes after which it is in trouble.
SIGNS = {
    "run-crashed": (lambda: CRASHED, 0),
    "run-crashed, and nobody took it again": (lambda: (state("RUNNING"), state("CRASHED")), 5),
    "run-late": (lambda: (due(),), 15),
    "run-pending": (lambda: (state("PENDING"),), 10),
    "run-pending, as it does not end": (lambda: (state("PENDING"), state("RUNNING")), 120),
}


@pytest.mark.parametrize("sign", SIGNS)
def test_a_run_in_trouble_is_a_stall_once_its_limit_is_over_until_a_later_one_completed(
    prefect: Prefect, sign: str
) -> None:
    states, limit = SIGNS[sign]
    prefect.run("nightly_sync", *GOOD)
    before = now()
    prefect.run("nightly_sync", *states())
    if limit:
        assert found(limit - 1) == set()
    at = now() + timedelta(minutes=limit, seconds=1)
    (stall,) = asyncio.run(runs.find(day(at), at))
    assert stall == Stall(sign.split(",")[0], "coordinator", 1, day(before), day(before), subject="nightly_sync")
    prefect.run("decide", *GOOD)
    assert len(found(limit + 1)) == 1
    prefect.run("nightly_sync", *GOOD)
    assert found(limit + 1) == set()


@pytest.mark.parametrize("states", [GOOD, (state("RUNNING"), state("FAILED")), (state("PAUSED"),), (state("CANCELLED"),)],
                         ids=lambda states: str(states[-1]["type"]))  # fmt: skip
def test_a_run_that_ended_or_rests_is_none_however_long_ago(prefect: Prefect, states: tuple[dict[str, Any]]) -> None:
    prefect.run("nightly_sync", *states)
    assert found(60 * 24 * 30) == set()


def test_a_run_that_a_schedule_made_and_that_failed_is_told_since_nobody_waits_for_it(prefect: Prefect) -> None:
    prefect.run("nightly_sync", state("RUNNING"), state("FAILED"), tags=["yuanmeng", "auto-scheduled"])
    assert found() == {("run-crashed", "nightly_sync", day(now()))}
    prefect.run("nightly_sync", *GOOD)
    assert found() == set()


def test_a_run_that_is_to_begin_later_is_not_late(prefect: Prefect) -> None:
    prefect.run("nightly_sync", due(days=1))
    assert found(60 * 24) == set()
    assert len(found(60 * 24 + 16)) == 1


def test_many_runs_of_a_flow_are_one_stall_since_the_first_of_them(prefect: Prefect) -> None:
    for days in (-2, -9, -5):
        prefect.run("nightly_sync", due(days=days))
    prefect.run("advance_cohort", due(days=-1))
    for _ in range(3):
        prefect.run("advance_cohort", *CRASHED)
    today = day(now())
    assert found() == {
        ("run-late", "nightly_sync", today - timedelta(days=9)), ("run-crashed", "advance_cohort", today),
        ("run-late", "advance_cohort", today - timedelta(days=1)),
    }  # fmt: skip


def test_the_policy_sets_other_limits(prefect: Prefect, sqlite_office: Office) -> None:
    prefect.run("nightly_sync", state("PENDING"))
    patient = replace(DEFAULT_POLICIES[-1], limits={"run-pending": (30, 240)})
    use_office(Office(sqlite_office.settings, sqlite_office.engine, (patient,)))
    assert found(29) == set()
    assert len(found(31)) == 1


def test_on_a_business_date_that_was_moved_nothing_is_asked_and_what_was_told_stands(prefect: Prefect) -> None:
    prefect.run("decide", *CRASHED)
    told("run-late", "decide")
    assert {one.kind for one in asyncio.run(runs.find(date(2028, 2, 29), now()))} == {"run-late"}
    assert asyncio.run(watch_waits(date(2028, 2, 29)))["resolved"] == 0


def test_a_flow_that_is_none_of_ours_is_left_alone(prefect: Prefect) -> None:
    prefect.run("somebody_elses", *CRASHED)
    assert found() == set()


def test_the_flows_asked_about_are_those_there_are() -> None:
    from tests.flows.test_prefect import FLOWS

    assert sorted(str(flow.name) for flow in FLOWS) == sorted(runs.OUR_FLOWS)


def test_a_crash_is_told_once_without_its_parameters_and_resolved_by_the_next_good_run(prefect: Prefect) -> None:
    prefect.run(
        "decide", state("RUNNING"), state("CRASHED", message=SECRET, name=runs.GIVEN_UP), name=SECRET,
        parameters={"reason": SECRET},
    )  # fmt: skip
    assert asyncio.run(watch_waits())["raised"] == 1
    assert asyncio.run(watch_waits())["raised"] == 0
    (alert,) = rows(Alert)
    assert (alert.kind, alert.subject, alert.status, alert.cohort_code) == ("run-crashed", "decide", "open", None)
    prefect.run("decide", *GOOD)
    assert asyncio.run(watch_waits())["resolved"] == 1
    assert SECRET not in "".join(row.model_dump_json() for row in (*rows(Alert), *rows(Outbox)))


def test_without_a_server_nothing_is_asked_and_what_was_told_stands(
    sqlite_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    assert found() == set()
    told("run-late", "decide")
    told("consent", "decide")
    told("source-silent", "wuxi-open-university")
    assert found() == {("run-late", "decide", yesterday())}


@pytest.mark.parametrize("url", [DEAD, "http://[", "no-address"])
def test_a_server_that_does_not_answer_is_itself_a_stall_and_heals_nothing(
    sqlite_office: Office, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", url)
    monkeypatch.setattr(runs, "AGAIN", 0)
    told("run-crashed", "nightly_sync")
    assert found() == {("run-crashed", "nightly_sync", yesterday()), ("source-silent", "prefect", day(now()))}
    told("source-silent", "prefect")
    assert found() == {("run-crashed", "nightly_sync", yesterday()), ("source-silent", "prefect", yesterday())}
    assert asyncio.run(watch_waits())["resolved"] == 0


def test_a_server_that_answers_nonsense_is_a_stall_and_no_failure(
    sqlite_office: Office, monkeypatch: pytest.MonkeyPatch, prefect: Prefect
) -> None:
    monkeypatch.setenv("PREFECT_API_URL", f"{prefect.url}/nothing-here")
    assert httpx.get(f"{prefect.url}/nothing-here", trust_env=False).status_code == httpx.codes.NOT_FOUND
    assert found() == {("source-silent", "prefect", day(now()))}


def yesterday() -> date:
    """The business date before today."""
    return day(now()) - timedelta(days=1)


def told(kind: str, subject: str) -> None:
    """An open alert of yesterday."""
    since = yesterday()
    stall = Stall(kind, "coordinator", 1, since, since, subject=subject)
    with unit_of_work() as session:
        session.add(Alert(
            id=alert_id(stall), kind=kind, holder="coordinator", subject=subject, since=since,
            due_on=since, people=0, level=1, raised_on=since,
        ))  # fmt: skip
