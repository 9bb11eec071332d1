"""An office on many machines whose machines die, one after another, while its nights go on by themselves.

Belongs here: the office, what kills its parts, and nights that are asked for as people and schedules ask. Does not: what
must stand afterwards (test_chaos.py). A part that has ended is started again, as systemd or compose would: nothing else is
done by hand.
"""

import asyncio
import itertools
import os
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import psutil
import pytest
from sqlalchemy.exc import DBAPIError

from connectors.database import open_engine
from connectors.settings import create_keys, load_settings
from console.demo_days import TOKEN, Walk, World
from sandbox.server import Sandbox
from tasks.office import build_office, use_office
from tests.fixtures.machines import ROOT, Machines, until

FLOWS = ("nightly_sync", "read_sources", "decide")
AT_ONCE = 5  # connections that one run reads at once: the second wave of ten are shared by two
ENDED = ("COMPLETED", "FAILED", "CANCELLED")
LONGEST = 600.0  # seconds a night may take while everything dies around it
LOOK = 0.5


@contextmanager
def working(home: Path, url: str, box: Sandbox, keys: Path | None = None) -> Iterator[World]:
    """An office on the database at `url` and on this sandbox, this process's own."""
    home.mkdir(parents=True, exist_ok=True)
    client = httpx.Client(trust_env=False, timeout=60)
    world = World(client, box.url)
    text = f'connections_at_once = {AT_ONCE}\ndatabase_url = "{url}"\n{world.text("connections")}'
    (home / "yuanmeng.toml").write_text(text, encoding="utf-8")
    if keys is None:
        create_keys(home / "keys.toml")
    else:
        (home / "keys.toml").write_bytes(keys.read_bytes())
        (home / "keys.toml").chmod(0o600)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YUANMENG_SANDBOX_TOKEN", TOKEN)
        office = build_office(load_settings(home))
        use_office(office)
        try:
            yield world
        finally:
            use_office(None)
            office.engine.dispose()
            client.close()


@dataclass
class Office:
    """The machines, and the runs asked of them: the server's answers may be lost, so that each is asked for by its key."""

    machines: Machines
    deployments: dict[str, str] = field(default_factory=dict)

    def deploy(self) -> None:
        """Bring the server to prefect.yaml; its own schedules rest, for they know no day but today."""
        self.machines.ask("POST", "/work_pools/", name="yuanmeng", type="process")
        done = self.machines.run_once("deploy", "--all", folder=ROOT)
        assert done.returncode == 0, done.stdout + done.stderr
        for one in self.machines.ask("POST", "/deployments/filter"):
            self.deployments[one["name"]] = one["id"]
            for schedule in one["schedules"]:
                self.machines.ask("PATCH", f"/deployments/{one['id']}/schedules/{schedule['id']}", active=False)

    def ask(self, method: str, path: str, **body: Any) -> Any:
        """Ask the server, again while it is away."""
        deadline = time.monotonic() + LONGEST
        while True:
            with suppress(httpx.HTTPError):
                answer = self.machines.client.request(method, f"{self.machines.url}{path}", json=body)
                if answer.status_code < 500:
                    assert answer.is_success, answer.text
                    return answer.json() if answer.content else None
            assert time.monotonic() < deadline, f"the server is away for good: {method} {path}"
            time.sleep(LOOK)

    async def trigger(self, flow: str, key: str, **parameters: Any) -> None:
        """Ask for a run as a coordinator does, and wait until it has completed."""
        path = f"/deployments/{self.deployments[flow]}/create_flow_run"
        run = self.ask("POST", path, parameters=parameters, idempotency_key=key)
        await self._completed(lambda: self.ask("GET", f"/flow_runs/{run['id']}"))

    async def scheduled(self, day: date) -> None:
        """Let a schedule ask for the night of this day, and wait until it has completed."""
        path = f"/deployments/{self.deployments['nightly_sync']}/schedules"
        made, deadline = list[dict[str, Any]](), time.monotonic() + LONGEST
        while not made:  # the answer may be lost, the time may pass while nobody makes runs: then it is set anew
            assert time.monotonic() < deadline, f"the schedule makes no run for {day}"
            self._unschedule(path, day)
            due = datetime.now(UTC) + timedelta(seconds=5)
            with suppress(httpx.HTTPError):
                self.machines.client.post(f"{self.machines.url}{path}", json=[_hourly(day, due)])
                await asyncio.sleep(10)
                made = [
                    one for one in self._due(day) if _instant(one["expected_start_time"]) < due + timedelta(minutes=1)
                ]
        await self._completed(lambda: self.ask("GET", f"/flow_runs/{made[0]['id']}"))
        self._unschedule(path, day)
        for one in self._due(day):  # no night of this day may come after one of the next
            if one["state_type"] == "SCHEDULED":
                self.ask("DELETE", f"/flow_runs/{one['id']}")
            else:
                await self._completed(lambda one=one: self.ask("GET", f"/flow_runs/{one['id']}"))

    def _unschedule(self, path: str, day: date) -> None:
        for schedule in self.ask("GET", path):
            if schedule["slug"] == day.isoformat():
                self.ask("DELETE", f"{path}/{schedule['id']}")

    def _due(self, day: date) -> list[dict[str, Any]]:
        """The runs that the schedule of this day made, the first one first."""
        wanted = {"deployment_id": {"any_": [self.deployments["nightly_sync"]]}}
        found = self.ask("POST", "/flow_runs/filter", flow_runs=wanted, sort="EXPECTED_START_TIME_ASC")
        return [one for one in found if one["auto_scheduled"] and one["parameters"].get("as_of") == day.isoformat()]

    async def _completed(self, look: Callable[[], Any]) -> None:
        deadline = time.monotonic() + LONGEST
        while (run := look())["state_type"] not in ENDED:
            assert time.monotonic() < deadline, f"a run does not end: {_told(run)}"
            assert run.get("state_name") != "GivenUp", _told(run)
            await asyncio.sleep(LOOK)
        assert run["state_type"] == "COMPLETED", _told(run)

    def all_runs(self) -> list[dict[str, Any]]:
        """Every run of the flows that nights are made of, once nothing is under way any more."""
        wanted = {"flows": {"name": {"any_": list(FLOWS)}}}
        not_over = {
            "state": {
                "type": {"any_": ["PENDING", "RUNNING", "CRASHED", "CANCELLING"]},
                "name": {"not_any_": ["GivenUp"]},
            }
        }
        until(lambda: not self.ask("POST", "/flow_runs/filter", **wanted, flow_runs=not_over), LONGEST)
        found, page = [], [{}]
        while page:
            page = self.ask("POST", "/flow_runs/filter", **wanted, offset=len(found), limit=200, sort="ID_DESC")
            found += page
        return found


def _hourly(day: date, due: datetime) -> dict[str, Any]:
    """A schedule that asks for nights on a day, the first one at an instant."""
    timing = {"interval": 3600, "anchor_date": due.isoformat(), "timezone": "Asia/Shanghai"}
    return {"schedule": timing, "active": True, "parameters": {"as_of": day.isoformat()}, "slug": day.isoformat()}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _told(run: dict[str, Any]) -> str:
    return f"{run.get('name')} {run.get('state_name')}: {(run.get('state') or {}).get('message')}"


@dataclass
class Remote(Walk):
    """A walk whose flows are runs of the office: asked for by a person, or, every second night, by a schedule."""

    office: Office | None = None
    number: Iterator[int] = field(default_factory=itertools.count)

    def run(self, flow: Any, **parameters: Any) -> Awaitable[Any]:
        """Run a flow on whichever machine takes it."""
        assert self.office is not None
        day, number = parameters["as_of"], next(self.number)
        if flow.name == "nightly_sync" and number % 2:
            return self.office.scheduled(day)
        return self.office.trigger(flow.name, f"{flow.name}-{number}", **{**parameters, "as_of": day.isoformat()})

    async def open_plans(self, day: date) -> None:
        """As always."""
        await _patiently(lambda: super(Remote, self).open_plans(day))

    async def import_rosters(self, day: date) -> None:
        """As always."""
        await _patiently(lambda: super(Remote, self).import_rosters(day))

    async def answer_inbox(self, day: date) -> None:
        """As always."""
        await _patiently(lambda: super(Remote, self).answer_inbox(day))


async def _patiently(work: Callable[[], Awaitable[None]]) -> None:
    """Do it; our own database may be away just now, and then it is done again."""
    for _ in range(60):
        with suppress(DBAPIError):
            return await work()
        await asyncio.sleep(LOOK)
    return await work()


@dataclass
class Chaos:
    """What happens to the machines, by the clock: every few seconds a worker dies, now and then a server.

    After it has lasted so many seconds nothing is killed any more; what ended by itself is still started again.
    """

    machines: Machines
    workers: int
    every: float
    lasts: float
    moments: list[tuple[float, str, Callable[[], None]]]
    counts: Counter[str] = field(default_factory=Counter)
    over: Event = field(default_factory=Event)
    trouble: list[BaseException] = field(default_factory=list)

    def start_workers(self) -> None:
        """Start all workers, each of which takes two runs at once, and wait until the first is up."""
        for number in range(self.workers):
            self._start_worker(number)
        until(lambda: "started!" in self.machines.running["worker-0"].said)

    def _start_worker(self, number: int) -> None:
        self.machines.start(
            f"worker-{number}", "take-runs", "--name", str(number), "--limit", "2", module="console",
            YUANMENG_HOME=str(self.machines.home / "office"), YUANMENG_SANDBOX_TOKEN=TOKEN,
        )  # fmt: skip

    def restart_prefect(self) -> None:
        """Kill the API and the services, and start them again."""
        for name in ("services", "api"):
            self.machines.running[name].power_off()
        self.machines.start_api()
        self.machines.start_services()

    @contextmanager
    def raging(self) -> Iterator[None]:
        """Let it happen as long as the context lasts, and start what has ended."""
        thread = Thread(target=self._rage, name="chaos")
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            thread.join(120)
        assert not self.trouble, self.trouble

    def _rage(self) -> None:
        began, kills = time.monotonic(), itertools.count()
        last = began
        while not self.over.wait(LOOK):
            try:
                now = time.monotonic()
                if now - last >= self.every and now - began < self.lasts:
                    last = now
                    self._kill(next(kills))
                while self.moments and now - began >= self.moments[0][0]:
                    _, name, strike = self.moments.pop(0)
                    strike()
                    self.counts[name] += 1
                self._start_again()
            except BaseException as error:  # noqa: BLE001  (told by the test)
                self.trouble.append(error)
                return

    def _kill(self, number: int) -> None:
        """Kill a worker: alone, so that its runs go on without it, or with all it started."""
        which, alone = number % self.workers, number // self.workers % 2
        process = self.machines.running[f"worker-{which}"]
        process.kill() if alone else process.power_off()
        self.counts["worker killed alone" if alone else "worker killed with its runs"] += 1
        self._start_worker(which)

    def _start_again(self) -> None:
        for name, process in list(self.machines.running.items()):
            if process.popen.poll() is None:
                continue
            self.counts[f"{name.partition('-')[0]} ended by itself"] += 1
            if name == "api":
                self.machines.start_api()
            elif name == "services":
                self.machines.start_services()
            else:
                self._start_worker(int(name.partition("-")[2]))


@contextmanager
def nobody_left(machines: Machines) -> Iterator[None]:
    """End what workers left behind that were killed alone: every process that was told of this server."""
    try:
        yield
    finally:
        machines.off()
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid != os.getpid() and process.environ().get("PREFECT_API_URL") == machines.url:
                    process.kill()


def forget_the_chat(url: str) -> None:
    """Take out by which timestamps the chat knows its messages: another chat numbers them otherwise."""
    engine = open_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alerts SET ts = ''")
    engine.dispose()
