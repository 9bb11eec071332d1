"""The flows on three machines: deployed twice, asked for by the schedule and by a coordinator's form, refused in a sentence.

A real Prefect server on PostgreSQL and Redis, its API and services apart, three workers in folders of their own, and the
sandbox over HTTP.
"""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from console.demo import demo_office
from console.demo_days import TOKEN, World
from models.repositories.organisations import cohorts
from models.tables.operations import SyncCursor
from tasks.office import unit_of_work
from tasks.plan import parse_plan
from tests.fixtures.cohorts import rows
from tests.fixtures.machines import POOL, ROOT, Machines, office_database, until

DAY, NIGHT = "2023-05-17", "2023-05-18"
CARD = "6220000000000001"
WORKERS = ("one", "two", "three")
OURS = {one["name"] for one in yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]}


@dataclass
class Programme:
    """A programme office: its machines, and the world around it."""

    machines: Machines
    world: World
    plan: dict[str, Any]

    @property
    def code(self) -> str:
        """The code of its first cohort."""
        return str(self.plan["code"])

    def run(self, name: str, **parameters: Any) -> dict[str, Any]:
        """Start a deployment as its form does, and give the run once it has ended."""
        return self.run_all((name, parameters))[0]

    def run_all(self, *wanted: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """Start deployments side by side, and give their runs once all have ended."""
        answers = [self.machines.trigger(name, **parameters) for name, parameters in wanted]
        assert all(one.is_success for one in answers), answers
        return [self.machines.finished(one.json()["id"]) for one in answers]

    def logs(self, run: dict[str, Any]) -> str:
        """What a run logged."""
        found = self.machines.ask("POST", "/logs/filter", logs={"flow_run_id": {"any_": [run["id"]]}})
        return "\n".join(one["message"] for one in found)

    def artifacts(self, run: dict[str, Any]) -> dict[str, dict[str, Any]]:
        """What a run keeps in its record, by key."""
        found = self.machines.ask("POST", "/artifacts/filter", artifacts={"flow_run_id": {"any_": [run["id"]]}})
        return {one["key"]: one for one in found}

    def runs(self, **filters: Any) -> list[dict[str, Any]]:
        """Runs that a filter finds, those that begin first before the others."""
        found: list[dict[str, Any]] = self.machines.ask(
            "POST", "/flow_runs/filter", sort="EXPECTED_START_TIME_ASC", **filters
        )
        return found


@pytest.fixture(scope="module")
def programme(machines: Machines, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programme]:
    """The office in May 2023, everything deployed and three workers up."""
    home = tmp_path_factory.mktemp("office")
    with office_database() as url, demo_office(home, database_url=url) as (walk, _):
        walk.world.travel(date.fromisoformat(NIGHT))
        machines.make_pool()
        for name in WORKERS:
            machines.start_worker(name, YUANMENG_HOME=str(home), YUANMENG_SANDBOX_TOKEN=TOKEN)
        done = machines.run_once("deploy", "--all")
        assert done.returncode == 0, done.stdout + done.stderr
        plan = parse_plan(tomllib.loads(walk.world.get("plans")[0]["toml"])).model_dump(mode="json")
        try:
            yield Programme(machines, walk.world, plan)
        finally:
            for name in WORKERS:
                machines.running.pop(name).power_off()


def told(deployment: dict[str, Any]) -> dict[str, Any]:
    """What a deployment says, without the times and ids that only the server keeps."""
    passing = ("updated", "status", "last_polled", "schedules", "updated_by")
    schedules = [(one["slug"], one["active"], one["schedule"]) for one in deployment["schedules"]]
    return {name: value for name, value in deployment.items() if name not in passing} | {"schedules": schedules}


def planned(programme: Programme) -> list[tuple[str, str]]:
    """The runs that schedules have made so far: of which flow's schedule, and when by the clock in Shanghai."""
    found = programme.runs(flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}}, limit=200)
    assert all(one["auto_scheduled"] and "yuanmeng" in one["tags"] for one in found)
    starts = [(one, datetime.fromisoformat(one["expected_start_time"])) for one in found]
    return [(one["tags"][-1], at.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%F %H:%M")) for one, at in starts]


def test_deploying_everything_twice_changes_nothing(programme: Programme) -> None:
    """The deployments keep their ids, each schedule stands once, and no run is planned twice."""
    before = {name: told(programme.machines.deployed(name)) for name in OURS}
    nights = until(lambda: [at for flow, at in planned(programme) if flow == "night"])
    assert {at[-5:] for at in nights} == {"01:30"}
    again = programme.machines.run_once("deploy", "--all")
    assert again.returncode == 0, again.stdout + again.stderr
    assert {name: told(programme.machines.deployed(name)) for name in OURS} == before
    until(lambda: [at for flow, at in planned(programme) if flow == "night"] == nights)
    assert len(set(planned(programme))) == len(planned(programme))
    assert all(one["path"] is None and one["pull_steps"] == [] for one in before.values())
    assert {one["name"] for one in programme.machines.ask("POST", "/deployments/filter")} == OURS


def test_a_coordinator_opens_a_cohort_by_its_form_and_moves_it_on(programme: Programme) -> None:
    """In the schema that the server keeps the plan has a field for everything; the runs are found by the cohort's code."""
    form = programme.machines.deployed("open_cohort")["parameter_openapi_schema"]
    assert set(form["properties"]) == {"plan", "actor", "as_of"}
    assert set(programme.plan) == set(form["definitions"]["Plan"]["properties"])
    opened = programme.run("open_cohort", plan=programme.plan, actor="协调员", as_of=DAY)
    assert (opened["state_type"], opened["name"]) == ("COMPLETED", f"open-{programme.code}-{DAY}"), opened["state"]
    with unit_of_work() as session:
        assert [one.code for one in cohorts(session)] == [programme.code]
    advanced = programme.run("advance_cohort", cohort=programme.code, as_of=NIGHT)
    assert (advanced["state_type"], advanced["name"]) == ("COMPLETED", f"advance-{programme.code}-{NIGHT}")
    found = programme.runs(flow_runs={"tags": {"all_": [programme.code]}})
    assert {one["id"] for one in found} == {opened["id"], advanced["id"]}
    assert {"yuanmeng", "cohort", programme.code} <= set(advanced["tags"])
    page = programme.artifacts(advanced)[f"cohort-{programme.code.lower()}"]
    assert page["data"].startswith(f"# {programme.code} ")
    assert "| 提名 nomination | 2023-05-17 |" in page["data"]
    pages = programme.machines.ask("POST", "/artifacts/latest/filter", artifacts={"key": {"like_": "cohort-"}})
    assert [one["latest_id"] for one in pages] == [page["id"]]


def test_the_schedule_itself_brings_the_night_and_a_worker_finishes_it(programme: Programme) -> None:
    """A night that is due in a moment, on the deployment as it stands: nobody asks for it, and one of three takes it."""
    night = programme.machines.deployed("nightly_sync")["id"]
    soon = {"interval": 86400, "anchor_date": (datetime.now(UTC) + timedelta(seconds=4)).isoformat()}
    schedule = {"schedule": soon, "active": True, "slug": "soon", "parameters": {"as_of": NIGHT}}
    programme.machines.client.post(
        f"{programme.machines.url}/deployments/{night}/schedules", json=[schedule]
    ).raise_for_status()

    def ended() -> list[dict[str, Any]]:
        state = {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]}}
        return programme.runs(flow_runs={"state": state, "deployment_id": {"any_": [night]}})

    (run,) = until(ended)
    assert (run["state_type"], run["auto_scheduled"], run["name"]) == ("COMPLETED", True, f"night-{NIGHT}"), run[
        "state"
    ]
    assert run["work_pool_name"] == POOL
    assert rows(SyncCursor)
    kept = programme.artifacts(run)
    assert {"night-account", "night-cohorts", "waits", "inbox"} <= set(kept)
    assert "ok" in kept["night-account"]["data"]
    assert len(workers_online(programme)) == len(WORKERS)


def test_a_second_night_waits_for_the_first(programme: Programme) -> None:
    """Both were asked for at once and there are three workers; yet they come one after the other, and neither is lost."""
    night = ("nightly_sync", {"as_of": NIGHT})
    first, second = sorted(programme.run_all(night, night), key=lambda run: str(run["start_time"]))
    assert {first["state_type"], second["state_type"]} == {"COMPLETED"}
    assert second["start_time"] >= first["end_time"]
    states = programme.machines.ask("GET", f"/flow_run_states/?flow_run_id={second['id']}")
    assert "AwaitingConcurrencySlot" in {one["name"] for one in states}


def workers_online(programme: Programme) -> list[str]:
    """The names of the workers that the server hears of."""
    found = programme.machines.ask("POST", f"/work_pools/{POOL}/workers/filter")
    return [one["name"] for one in found if one["status"] == "ONLINE"]


@pytest.mark.parametrize(
    ("name", "field", "given"),
    [
        ("advance_cohort", "cohort", {"cohort": CARD}),
        ("decide", "ids", {"ids": [], "answer": "approve", "reason": "材料齐全", "actor": "审核员"}),
        ("decide", "answer", {"ids": ["D-1"], "answer": 6220000000000001, "reason": "材料齐全", "actor": "审核员"}),
        ("open_cohort", "plan", {"plan": CARD}),
        ("open_cohort", "plan.quota", {"plan": {"quota": CARD}}),
        ("publish_report", "period", {"period": CARD}),
    ],
)  # fmt: skip
def test_a_wrong_parameter_is_refused_with_a_sentence_that_names_its_field(
    programme: Programme, name: str, field: str, given: dict[str, Any]
) -> None:
    """The form is completed where the case leaves something out; no run is made, and nothing that was given is repeated."""
    if isinstance(given.get("plan"), dict):
        given = {"plan": programme.plan | given["plan"]}
    before = len(programme.runs())
    answer = programme.machines.trigger(name, **given)
    assert answer.status_code == 409
    said = answer.json()["detail"]
    assert said.startswith(f"Error creating flow run: Validation failed for field {field!r}. Failure reason: '")
    assert said.endswith("' was expected")
    assert CARD not in said
    assert len(programme.runs()) == before


def test_a_plan_that_contradicts_itself_ends_its_run_with_one_sentence(programme: Programme) -> None:
    """What no schema can see: the run fails, its state says why, and its log holds no traceback."""
    plan, school = programme.plan, programme.plan["school"]
    wrong_school = school | {"code": "12350100000000019X"}
    late, unknown, nobody = programme.run_all(
        ("open_cohort", {"plan": plan | {"code": "WX-2023Z", "nomination_opens_on": "2030-01-01"}}),
        ("open_cohort", {"plan": plan | {"code": "WX-2023Z", "school": wrong_school}}),
        ("advance_cohort", {"cohort": "XX-0000"}),
    )
    assert {one["state_type"] for one in (late, unknown, nobody)} == {"FAILED"}
    assert late["state"]["message"] == (
        "nomination_opens_on is after starts_on: nomination must open before the cohort starts"
    )
    assert unknown["state"]["message"] == (
        "plan.school.code cannot be used: 统一社会信用代码校验位不符 the credit code's check character is wrong; "
        "correct it and start the run again"
    )
    assert nobody["state"]["message"] == "there is no cohort XX-0000: see `yuanmeng cohort list`"
    assert not any("Traceback" in programme.logs(one) for one in (late, unknown, nobody))
