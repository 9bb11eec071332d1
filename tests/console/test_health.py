"""The page that machines look at: what is wrong is named there, and the figures are those of the database."""

from base64 import b64encode
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text

from connectors.database import ASIDE, NotToBeUsed, migrate
from console.health import Health, make_app
from console.serve.parts import Plan
from console.serve.supervisor import Living
from flows.deployments import deployment_names
from models.clock import SHANGHAI, business_date, now
from models.tables.lifecycle import Alert, Wait
from models.tables.operations import Outbox, Quarantine, SourceNights, SyncCursor
from tasks.metrics import database_state
from tasks.office import Office
from tests.connectors.script import Asked, Reply, Script
from tests.fixtures.cohorts import Case, open_cohort, write
from tests.fixtures.databases import BACKENDS
from tests.fixtures.servers import serving

TODAY = business_date()
BEFORE = TODAY - timedelta(days=60)
Figures = dict[tuple[str, ...], float]


def plan(url: str, **more: Any) -> Plan:
    """A plan for a machine that runs everything."""
    return Plan(home=Path(), config=Path(), api_url=url, pool="yuanmeng", auth="ym:secret", **more)


def living(**pids: int | None) -> dict[str, Living]:
    """Parts with their processes, begun a minute ago."""
    return {name.replace("_", "-"): Living(pid, now() - timedelta(minutes=1)) for name, pid in pids.items()}


def asked(health: Health, path: str) -> httpx.Response:
    """What a page answers."""
    with serving(make_app(health)) as url:
        return httpx.get(f"{url}{path}", trust_env=False, timeout=10)


def figures(health: Health) -> Figures:
    """The figures as a monitor reads them."""
    families = text_string_to_metric_families(asked(health, "/metrics").text)
    return {
        (one.name.removeprefix("yuanmeng_"), *one.labels.values()): one.value
        for family in families
        for one in family.samples
    }


@pytest.fixture
def dead(dead_url: str) -> Health:
    """The health of a serve whose server does not answer."""
    return Health(plan(f"{dead_url}/api"), living(server=None, worker_1=7))


def seconds(day: date) -> float:
    """The beginning of a day in Shanghai."""
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()


def a_wait(code: str, number: int, holder: str, since: date, **more: Any) -> Wait:
    """An open wait of a cohort."""
    return Wait(id=f"w{number}", cohort_code=code, stage="nomination", kind="consent", holder=holder, since=since,
                subject=str(number), **more)  # fmt: skip


def test_the_figures_are_those_of_the_database(office: Office, dead: Health) -> None:
    code = Case(open_cohort()).code
    write(
        SourceNights(connection="hr", tried_on=TODAY, read_on=TODAY),
        SourceNights(connection="school", tried_on=TODAY, read_on=BEFORE, failed_nights=3, failing_since=BEFORE),
        SyncCursor(connection="hr", stream="people", read_on=TODAY, status="ok"),
        SyncCursor(connection="hr", stream="leaves", read_on=TODAY, status="ok"),
        SyncCursor(connection="school", stream="marks", read_on=BEFORE, status="held"),
        *(a_wait(code, number, "enterprise_hr", BEFORE, due_on=BEFORE) for number in range(2)),
        a_wait(code, 2, "enterprise_hr", TODAY, due_on=TODAY + timedelta(days=30)),
        a_wait(code, 3, "school", BEFORE, due_on=BEFORE, resolved_on=TODAY),
        Alert(id="a1", cohort_code=code, kind="consent", holder="enterprise_hr", since=BEFORE, people=2, level=1, raised_on=TODAY),
        Alert(id="a2", kind="consent", holder="union", since=BEFORE, people=2, level=1, raised_on=TODAY, status="resolved",
              resolved_on=TODAY),
        *(Outbox(id=f"o{status}", kind="chat.post", payload="{}", status=status, created_on=TODAY,
                 recorded_at=now() - timedelta(hours=2)) for status in ("waiting", "sent", "failed")),
        Quarantine(id="q1", connection="school", stream="marks", source_id="1", rules="score-range", payload="{}", first_on=TODAY),
        Quarantine(id="q2", connection="school", stream="marks", source_id="2", rules="score-range", payload="{}", first_on=TODAY,
                   cured_on=TODAY),
    )  # fmt: skip
    found = figures(dead)
    assert 7200 <= found.pop(("outbox_oldest_seconds",)) < 7300
    assert found == {
        ("database_up",): 1,
        ("source_tried_timestamp_seconds", "hr"): seconds(TODAY), ("source_tried_timestamp_seconds", "school"): seconds(TODAY),
        ("source_read_timestamp_seconds", "hr"): seconds(TODAY), ("source_read_timestamp_seconds", "school"): seconds(BEFORE),
        ("source_failed_nights", "hr"): 0, ("source_failed_nights", "school"): 3,
        ("streams", "hr", "ok"): 2, ("streams", "school", "held"): 1,
        ("stream_held", "hr", "people"): 0, ("stream_held", "hr", "leaves"): 0, ("stream_held", "school", "marks"): 1,
        ("stream_read_timestamp_seconds", "hr", "people"): seconds(TODAY),
        ("stream_read_timestamp_seconds", "hr", "leaves"): seconds(TODAY),
        ("stream_read_timestamp_seconds", "school", "marks"): seconds(BEFORE),
        ("waits_open", "enterprise_hr"): 3, ("stalls_open", "consent"): 2,
        ("alerts_open", "consent", "warning"): 1,
        ("outbox", "waiting"): 1, ("outbox", "failed"): 1,
        ("quarantine_rows", "school", "marks"): 1,
        ("part_up", "server"): 0, ("part_up", "worker-1"): 1,
        ("part_restarts_total", "server"): 0, ("part_restarts_total", "worker-1"): 0,
    }  # fmt: skip


def test_an_effect_of_before_instants_were_written_down_is_as_old_as_its_day(office: Office, dead: Health) -> None:
    assert figures(dead)["outbox_oldest_seconds",] == 0
    write(Outbox(id="o1", kind="chat.post", payload="{}", created_on=TODAY - timedelta(days=2), recorded_at=None))
    assert 86_400 <= figures(dead)["outbox_oldest_seconds",] < 2 * 86_400


def test_figures_are_read_while_somebody_writes(sqlite_office: Office, dead: Health) -> None:
    """SQLite has one writer, whose lock they do not wait for."""
    with sqlite_office.engine.begin() as writing:
        writing.execute(text("UPDATE cohorts SET name = name"))
        assert figures(dead)["database_up",] == 1


def test_a_database_that_does_not_answer_leaves_the_parts(sqlite_office: Office, dead: Health) -> None:
    sqlite_office.engine.dispose()
    Path(str(sqlite_office.engine.url.database)).unlink()
    Path(str(sqlite_office.engine.url.database)).mkdir()
    assert figures(dead)["database_up",] == 0
    assert figures(dead)["part_up", "worker-1"] == 1
    answer = asked(dead, "/healthz")
    assert (answer.status_code, answer.json()["checks"]["database"], answer.json()["last_night"]) == (
        503,
        {"ok": False},
        None,
    )


def test_what_is_wrong_is_named(sqlite_office: Office, dead: Health) -> None:
    write(SourceNights(connection="hr", tried_on=TODAY, read_on=TODAY),
          SourceNights(connection="school", tried_on=BEFORE, failed_nights=1, failing_since=BEFORE))  # fmt: skip
    answer = asked(dead, "/healthz")
    assert (answer.status_code, answer.json()) == (503, {
        "status": "failing",
        "checks": {
            "database": {"ok": True}, "migrated": {"ok": True}, "prefect": {"ok": False},
            "parts": {"ok": False, "alive": 1, "dead": ["server"]}, "deployments": {"ok": False}, "workers": {"ok": False},
        },
        "last_night": {"on": TODAY.isoformat(), "connections": 2, "failed": ["school"]},
    })  # fmt: skip
    assert not dead.may_begin()


def test_a_database_of_an_older_version_is_not_migrated(sqlite_office: Office, dead: Health) -> None:
    with sqlite_office.engine.begin() as writing:
        writing.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    checks = asked(dead, "/healthz").json()["checks"]
    assert (checks["database"], checks["migrated"]) == ({"ok": True}, {"ok": False})


@pytest.mark.parametrize("database_url", BACKENDS[1:], indirect=True)
def test_on_a_database_that_is_half_restored_no_worker_begins(office: Office) -> None:
    """The next restore drops what is there now, and their work with it."""
    assert database_state().migrated
    with office.engine.begin() as writing:
        writing.execute(text(f"CREATE SCHEMA {ASIDE}"))
    assert database_state().reachable
    assert not database_state().migrated
    with pytest.raises(NotToBeUsed, match="again, with --replace where the database held rows before"):
        migrate(office.settings.database_url)


def test_a_worker_counts_when_it_was_heard_of_since_it_began(sqlite_office: Office, script: Script) -> None:
    """A server that still believes the one that was killed knows nothing of the one that took its place."""
    heard = {"at": now() - timedelta(minutes=2)}
    written(script, heard)
    health = Health(plan(f"{script.url}/api"), living(server=6, worker_1=7, keeper=8))
    name = plan("").worker_names[0]
    assert asked(health, "/healthz").json()["checks"]["workers"] == {"ok": False, "wanted": 1, "alive": 0}
    heard["at"] = now()
    answer = asked(health, "/healthz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert health.may_begin()
    credentials = {request.headers.get("authorization") for request in script.asked}
    assert credentials == {f"Basic {b64encode(b'ym:secret').decode()}"}
    assert name.endswith(":1")


def written(script: Script, heard: dict[str, datetime]) -> None:
    """Let a script answer as a Prefect server that knows our deployments and one worker."""
    worker = plan("").worker_names[0]

    def answer(request: Asked) -> Reply:
        if request.path.endswith("/workers/filter"):
            return Reply([{"name": worker, "status": "ONLINE", "last_heartbeat_time": heard["at"].isoformat()},
                          {"name": "other", "status": "OFFLINE", "last_heartbeat_time": None}])  # fmt: skip
        return Reply(len(deployment_names()) if request.path.endswith("/count") else True)

    script.follows(answer)


def test_a_server_that_refuses_is_no_server_with_our_deployments(sqlite_office: Office, script: Script) -> None:
    script.follows(lambda request: Reply(True) if request.path.endswith("/health") else Reply(status=401))
    checks = asked(Health(plan(f"{script.url}/api"), living(worker_1=7)), "/healthz").json()["checks"]
    assert (checks["prefect"], checks["deployments"]["ok"], checks["workers"]["ok"]) == ({"ok": True}, False, False)


def test_a_page_in_place_of_an_answer_is_no_answer(sqlite_office: Office, script: Script) -> None:
    """As of a proxy that wants a login first: it is asked again, and what looks for a good answer goes on."""
    script.follows(lambda request: Reply(b"<html>log in</html>"))
    answer = asked(Health(plan(f"{script.url}/api"), living(worker_1=7)), "/healthz")
    assert (answer.status_code, answer.json()["checks"]["workers"]) == (503, {"ok": False, "wanted": 1, "alive": 0})
