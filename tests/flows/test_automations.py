"""Our automations on a real Prefect server: kept by name, changed in place, and heard when something happens."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from console.__main__ import run
from flows.automations import apply_automations
from models.rules.policy import DEFAULT_POLICIES, policies_from
from tasks.office import office, use_office
from tests.fixtures.prefect_api import Prefect, served, state

PATIENCE = 40
NAMES = ["Yuanmeng: crashed runs", "Yuanmeng: hanging runs", "Yuanmeng: late runs"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    """One server for the tests of this file."""
    with served(tmp_path_factory.mktemp("prefect"), listening=True) as prefect:
        yield prefect


@pytest.fixture
def prefect(server: Prefect) -> Iterator[Prefect]:
    """The server without automations, and this process set to it."""
    server.forget_automations()
    with temporary_settings({PREFECT_API_URL: server.url}):
        yield server


def apply(**given: Any) -> dict[str, str]:
    """Apply our automations."""
    return asyncio.run(apply_automations(**given))


def within(automation: dict[str, Any]) -> float:
    """The seconds of an automation's trigger."""
    return float(automation["trigger"]["within"])


def until(what: Callable[[], Any]) -> Any:
    """Ask until there is an answer."""
    deadline = time.monotonic() + PATIENCE
    while not (found := what()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found
    return found


def test_applying_twice_changes_nothing_not_even_when_they_were_updated(prefect: Prefect) -> None:
    assert apply() == dict.fromkeys(sorted(NAMES), "created")
    before = prefect.automations()
    assert [one["name"] for one in before] == NAMES
    assert apply() == dict.fromkeys(sorted(NAMES), "unchanged")
    assert prefect.automations() == before


def test_a_changed_definition_is_updated_in_place(prefect: Prefect) -> None:
    apply()
    before = prefect.automations()
    patient = policies_from([{"version": "2027-1", "effective_from": datetime(2027, 1, 1).date(),
                              "limits": {"run-late": [45]}}])[-1]  # fmt: skip
    assert apply(policy=patient) == {**dict.fromkeys(NAMES, "unchanged"), NAMES[2]: "updated"}
    after = prefect.automations()
    assert after[:2] == before[:2]
    assert after[2]["id"] == before[2]["id"]
    assert (within(before[2]), within(after[2])) == (15 * 60, 45 * 60)
    assert apply(policy=patient) == dict.fromkeys(NAMES, "unchanged")
    assert apply(policy=DEFAULT_POLICIES[-1])[NAMES[2]] == "updated"


def test_a_foreign_automation_is_left_alone_and_a_lost_one_comes_back(prefect: Prefect) -> None:
    foreign = {"name": "crashed runs", "trigger": {"type": "event", "posture": "Reactive", "expect": ["theirs"],
               "threshold": 1, "within": 0}, "actions": [{"type": "do-nothing"}]}  # fmt: skip
    theirs = prefect.ask("POST", "/automations/", **foreign)
    apply()
    lost = prefect.automations()[0]
    prefect.ask("DELETE", f"/automations/{lost['id']}")
    assert apply() == {**dict.fromkeys(NAMES, "unchanged"), NAMES[0]: "created"}
    assert [one for one in prefect.automations() if one["name"] == "crashed runs"] == [theirs]


def said(automation: dict[str, Any]) -> dict[str, Any]:
    """What an automation says, without the ids and times only the server keeps: either of two may stay."""
    kept = {name: value for name, value in automation.items() if name not in ("id", "created", "updated")}
    return {**kept, "trigger": {name: value for name, value in kept["trigger"].items() if name != "id"}}


def test_one_that_was_made_twice_is_one_again(prefect: Prefect) -> None:
    apply()
    first = prefect.automations()
    copied = {key: first[0][key] for key in ("name", "description", "trigger", "actions")}
    prefect.ask("POST", "/automations/", **copied)
    assert len(prefect.automations()) == 4
    assert apply() == dict.fromkeys(NAMES, "unchanged")
    assert [said(one) for one in prefect.automations()] == [said(one) for one in first]
    assert len(prefect.automations()) == 3


def test_one_that_somebody_paused_stays_paused(prefect: Prefect) -> None:
    apply()
    crashed, *_ = prefect.automations()
    prefect.ask("PATCH", f"/automations/{crashed['id']}", enabled=False)
    assert apply()[crashed["name"]] == "unchanged"
    assert prefect.deployment("watch_stalls")
    assert apply()[crashed["name"]] == "updated"
    assert prefect.automations()[0]["enabled"] is False


def test_the_command_applies_them_and_wants_a_server(
    prefect: Prefect, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["automations", "apply", "--home", str(tmp_path), "--json"]
    assert run(["init", "--home", str(tmp_path)]) == 0
    monkeypatch.setattr("console.run._home", None)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    capsys.readouterr()
    assert run(command) == 2
    assert capsys.readouterr().err.startswith("PREFECT_API_URL is not set: give the address")
    monkeypatch.setenv("PREFECT_API_URL", prefect.url)
    try:
        for said in ("created", "unchanged"):
            assert run(command) == 0
            assert json.loads(capsys.readouterr().out) == {"automations": dict.fromkeys(NAMES, said)}
    finally:
        office().engine.dispose()
        use_office(None)


def test_the_watch_is_started_by_a_run_of_another_flow_that_is_given_up_and_not_by_its_own(prefect: Prefect) -> None:
    deployment = prefect.deployment("watch_stalls")
    apply()
    assert {one["actions"][0]["type"] for one in prefect.automations()} == {"run-deployment"}
    own, other, foreign = (
        prefect.run(flow, state("RUNNING"), deployment_id=by, parameters={"reason": "secret-of-a-run"})
        for flow, by in (("watch_stalls", deployment), ("nightly_sync", None), ("somebody_elses", None))
    )
    for crashed in (own, foreign, other):
        prefect.enter(crashed, state("CRASHED", name="GivenUp"))
    # Events are heard in their order: what the first two had set off would be known before what the last did.
    until(lambda: crash_of(prefect, other) in heard(prefect))
    assert not {crash_of(prefect, own), crash_of(prefect, foreign)} & heard(prefect)
    started = until(lambda: [one for one in prefect.runs("watch_stalls") if one["id"] != own])
    assert [one["parameters"] for one in started] == [{}]
    assert started[0]["created_by"]["display_value"] == NAMES[0]


def test_one_of_an_earlier_version_is_taken_away(prefect: Prefect) -> None:
    """It marked runs as crashed, which the sweeper judges now."""
    earlier = {"name": "Yuanmeng: dead runs", "trigger": {"type": "event", "posture": "Reactive", "expect": ["x"],
               "threshold": 1, "within": 0}, "actions": [{"type": "do-nothing"}]}  # fmt: skip
    prefect.ask("POST", "/automations/", **earlier)
    assert apply() == dict.fromkeys(NAMES, "created")
    assert [one["name"] for one in prefect.automations()] == NAMES


def crash_of(prefect: Prefect, run: str) -> str:
    """The event of a run's last state: it has the state's id."""
    return f"prefect.event.{prefect.ask('GET', f'/flow_runs/{run}')['state_id']}"


def heard(prefect: Prefect) -> set[str]:
    """The events that set an automation off."""
    told = prefect.ask("POST", "/events/filter", filter={"event": {"name": ["prefect.automation.triggered"]}})
    return {one["prefect.resource.id"] for event in told["events"] for one in event["related"]
            if one["prefect.resource.role"] == "triggering-event"}  # fmt: skip
