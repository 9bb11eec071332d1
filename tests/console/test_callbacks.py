"""The door for pressed buttons: genuine ones are taken and shown in the channel, all others change nothing."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette

from connectors.base import Connection
from connectors.slack_callback import BODY_CAP, SIGNATURE, TIMESTAMP, signature_of
from console import callbacks
from console.callbacks import make_app, open_doors
from models.tables.lifecycle import Alert, AlertPress, Wait
from models.tables.operations import AuditEvent
from sandbox.server import Sandbox
from tasks import presses
from tasks.office import Office, office, use_office
from tasks.outbox import deliver_outbox
from tasks.stalls import watch_waits
from tests.console.conftest import TOKEN, Type
from tests.fixtures.cohorts import DATA, OPENED, Case, hashes, one, open_cohort, rows, take_roster
from tests.fixtures.servers import serving

LATE = date(2026, 5, 26)
SECRET = "signing-secret-of-a-test"
TEAM, ZHANG = "T0SANDBOX01", "U0ZHANG0001"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def workspace() -> Iterator[Sandbox]:
    """A chat; each test looks at its own alert's messages."""
    with Sandbox(seed=1) as sandbox:
        yield sandbox


@pytest.fixture
def chat(sqlite_office: Office, workspace: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Connection:
    """The workspace's channel, connected to the office in use."""
    monkeypatch.setenv("YM_TEST_TOKEN", TOKEN)
    monkeypatch.setenv("YM_TEST_SIGNING", SECRET)
    auth = {"type": "bearer", "token_env": "YM_TEST_TOKEN", "signing_secret_env": "YM_TEST_SIGNING"}
    options = {"channel": "C0SANDBOX01", "team": TEAM, "seconds_between": 0}
    connection = Connection(name="chat", kind="slack", organisation="X", base_url=f"{workspace.url}/slack/api/",
                            auth=auth, options=options)  # fmt: skip
    settings = sqlite_office.settings.model_copy(update={"connections": (connection,)})
    use_office(Office(settings, sqlite_office.engine, sqlite_office.policies))
    return connection


@pytest.fixture
def case(chat: Connection) -> Case:
    """A cohort whose consents are late, of which its channel is to be told."""
    opened = Case(open_cohort())
    take_roster(DATA / "plain.xlsx", opened.code)
    opened.advance(OPENED)
    asyncio.run(watch_waits(LATE))
    return opened


@pytest.fixture
def refused() -> list[str]:
    """What the app says of what it does not take."""
    return []


@pytest.fixture
def app(case: Case, refused: list[str]) -> Starlette:
    """The application, on the business date of the alert."""
    return make_app(open_doors()[0], refused.append, LATE)


@pytest.fixture
def door(app: Starlette) -> Iterator[str]:
    """Where it answers."""
    with serving(app) as url:
        yield f"{url}/slack/chat"


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """A client without a proxy."""
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client


def body_of(action: str = "acknowledge", moment: str = "1779759000.000001", **changes: Any) -> bytes:
    """The form of a pressed button of the one alert."""
    pressed = {"action_id": action, "value": one(Alert).id, "action_ts": moment, "type": "button"}
    whole = {"type": "block_actions", "user": {"id": ZHANG, "team_id": TEAM}, "team": {"id": TEAM},
             "actions": [pressed], **changes}  # fmt: skip
    return urlencode({"payload": json.dumps(whole)}).encode()


def signed(body: bytes, ago: int = 0, secret: str = SECRET) -> dict[str, str]:
    """The headers of a body that was signed some seconds ago."""
    stamp = str(int(time.time()) - ago)
    return {TIMESTAMP: stamp, SIGNATURE: signature_of(secret, stamp, body),
            "content-type": "application/x-www-form-urlencoded"}  # fmt: skip


def until(met: Callable[[], bool], seconds: float = 15) -> None:
    """Look again and again whether something has come about. Fails when it does not in time."""
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not come about"
        threading.Event().wait(0.02)


# --- from the button to the channel --------------------------------------------------------------------------------


def test_a_button_pressed_in_the_channel_changes_its_message(
    door: str, workspace: Sandbox, client: httpx.Client, refused: list[str]
) -> None:
    """An alert posted, its buttons pressed in the chat, the callbacks served, the message edited."""
    asyncio.run(deliver_outbox(LATE))
    ts = one(Alert).ts
    client.put(f"{workspace.url}/_sandbox/callback", json={"url": door, "secret": SECRET}).raise_for_status()

    def said() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = client.get(f"{workspace.url}/_sandbox/messages").json()["messages"]
        return [message for message in found if ts in (message["ts"], message.get("thread_ts"))]

    def press(action: str, **more: Any) -> Any:
        body = {"ts": ts, "action": action, "user": ZHANG, **more}
        return client.post(f"{workspace.url}/_sandbox/press", json=body).json()

    (told,) = said()
    assert "edited" not in told
    answer = press("acknowledge")
    assert (answer["status"], answer["seconds"] < 3) == (200, True)
    until(lambda: f"slack:{ZHANG}" in said()[0]["text"])
    assert press("snooze")["status"] == 200
    until(lambda: "2026-05-29" in said()[0]["text"])
    assert client.post(f"{workspace.url}/_sandbox/press", json={"retry": 1}).json()["status"] == 200
    assert press("retry")["status"] == 200
    until(lambda: len(said()) == 2)
    assert "tried again" in said()[1]["text"]
    assert press("snooze", team="T0ELSEWHERE")["status"] == 401
    assert [press.action for press in rows(AlertPress)].count("snooze") == 1
    assert {event.actor for event in rows(AuditEvent) if event.action.startswith("alert-")} == {f"slack:{ZHANG}"}
    assert len(refused) == 1


def test_a_retry_advances_the_cohort_after_the_answer(case: Case, door: str, client: httpx.Client) -> None:
    case.consent()
    body = body_of("retry")
    assert client.post(door, content=body, headers=signed(body)).status_code == 200
    until(lambda: one(AlertPress).status == "done" and rows(Alert)[0].status == "resolved")
    assert not [wait for wait in rows(Wait, kind="consent") if wait.resolved_on is None]


async def test_what_a_crash_left_is_taken_up_when_the_door_opens_again(case: Case, app: Starlette) -> None:
    await asyncio.to_thread(_record, "retry")
    assert one(AlertPress).status == "waiting"
    async with app.router.lifespan_context(app):
        pass
    assert one(AlertPress).status == "done"


def _record(action: str) -> None:
    body = body_of(action)
    from connectors.slack_callback import read_press
    from models.clock import now

    door = open_doors()[0]["chat"]
    presses.press_once(read_press(door.connection, SECRET, signed(body), body, now()), "chat", LATE)


# --- what changes nothing ------------------------------------------------------------------------------------------


def test_forged_late_foreign_and_malformed_callbacks_change_nothing(
    door: str, client: httpx.Client, refused: list[str]
) -> None:
    good = body_of()
    stranger = body_of(user={"id": ZHANG, "team_id": "T0ELSEWHERE"})
    unknown = good.replace(one(Alert).id.encode(), b"A-NONE")
    before = hashes()
    for body, headers, status in (
        (good, {}, 401), (good, signed(good, secret="guessed"), 401), (good + b"x", signed(good), 401),
        (good, signed(good, ago=301), 401), (good, signed(good, ago=-302), 401), (stranger, signed(stranger), 401),
        (good, {**signed(good), TIMESTAMP: "now"}, 401), (good, {**signed(good), SIGNATURE: "v0=\xe9"}, 401),
        (b"", signed(b""), 400), (b"payload=%7B%7D", signed(b"payload=%7B%7D"), 400), (unknown, signed(unknown), 400),
        (good, {**signed(good), "content-type": "application/json"}, 400), (b"x" * (BODY_CAP + 1), {}, 400),
    ):  # fmt: skip
        sent = {name: value.encode("latin-1") for name, value in headers.items()}
        answer = client.post(door, content=body, headers=sent)
        assert (answer.status_code, answer.text) == (status, ""), (body[:60], headers)
    assert client.get(door).status_code == 405
    assert client.post(door.replace("/chat", "/other"), content=good, headers=signed(good)).status_code == 404
    assert hashes() == before
    assert len(refused) == 13
    assert not [text for text in refused if SECRET in text or "v0=" in text or ZHANG in text]


def test_a_replayed_press_is_refused_and_a_retry_of_slacks_is_not(door: str, client: httpx.Client) -> None:
    body = body_of()
    headers = signed(body)
    assert client.post(door, content=body, headers=headers).status_code == 200
    until(lambda: one(Alert).acknowledged_by != "" and not _waiting())
    before = hashes()
    assert client.post(door, content=body, headers=headers).status_code == 401
    assert client.post(door, content=body, headers=signed(body)).status_code == 401
    retried = {**signed(body), "x-slack-retry-num": "1"}
    assert client.post(door, content=body, headers=retried).status_code == 200
    assert (
        client.post(door, content=body, headers={**signed(body, ago=400), "x-slack-retry-num": "1"}).status_code == 401
    )
    assert hashes() == before


def _waiting() -> list[Any]:
    from models.tables.operations import Outbox

    return rows(Outbox, status="waiting")


def test_a_chat_that_was_not_told_of_an_alert_cannot_press_its_buttons(
    case: Case, chat: Connection, client: httpx.Client, refused: list[str]
) -> None:
    here = office()
    other = chat.model_copy(update={"name": "other"})
    use_office(Office(here.settings.model_copy(update={"connections": (chat, other)}), here.engine, here.policies))
    body = body_of()
    before = hashes()
    with serving(make_app(open_doors()[0], refused.append, LATE)) as url:
        assert client.post(f"{url}/slack/other", content=body, headers=signed(body)).status_code == 401
    assert hashes() == before
    assert "not told" in refused[0]


# --- the three seconds ---------------------------------------------------------------------------------------------


def test_a_press_is_answered_before_its_work_is_done(
    door: str, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = threading.Event()

    async def slow(*_: Any) -> None:
        go.wait(20)

    monkeypatch.setattr(presses, "advance_cohorts", slow)
    first, second = body_of("retry"), body_of("acknowledge")
    try:
        assert client.post(door, content=first, headers=signed(first)).status_code == 200
        assert client.post(door, content=second, headers=signed(second)).status_code == 200  # beside the work
        assert one(AlertPress, action="retry").status == "waiting"
    finally:
        go.set()
    until(lambda: one(AlertPress, action="retry").status == "done")


def test_a_busy_database_is_said_in_time_and_the_press_is_kept(
    door: str, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, refused: list[str]
) -> None:
    go, take = threading.Event(), presses.press_once

    def busy(*values: Any) -> bool:
        go.wait(20)
        return take(*values)

    monkeypatch.setattr(callbacks, "press_once", busy)
    monkeypatch.setattr(callbacks, "PATIENCE", 0.2)
    body = body_of("retry")
    began = time.monotonic()
    assert client.post(door, content=body, headers=signed(body)).status_code == 503
    assert time.monotonic() - began < 3
    assert rows(AlertPress) == []
    go.set()
    until(lambda: [row.status for row in rows(AlertPress)] == ["done"])
    assert "press the button again" in refused[0]


def test_a_body_that_never_ends_is_given_up(door: str, client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "PATIENCE", 0.2)
    host, port = door.removeprefix("http://").partition("/")[0].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as slow:
        slow.sendall(b"POST /slack/chat HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\npayload=")
        assert b" 503 " in slow.recv(1000).split(b"\r\n")[0]


def test_work_that_breaks_is_said_and_the_press_stays(
    door: str, client: httpx.Client, monkeypatch: pytest.MonkeyPatch, refused: list[str]
) -> None:
    async def broken(*_: Any) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(presses, "advance_cohorts", broken)
    body = body_of("retry")
    assert client.post(door, content=body, headers=signed(body)).status_code == 200
    until(lambda: bool(refused))
    assert "nobody expected" in refused[0]
    assert one(AlertPress).status == "waiting"


# --- the command ---------------------------------------------------------------------------------------------------

CHAT = """
[[connections]]
name = "chat"
kind = "slack"
organisation = "12350100000000019K"
base_url = "http://127.0.0.1:1/api/"
auth = { type = "bearer", token_env = "YM_ABSENT", signing_secret_env = "YM_TEST_SIGNING" }
options = { channel = "C1" }
"""


def test_without_a_chat_that_signs_there_is_nothing_to_serve(typed: Type, home: Path) -> None:
    ended = typed("callbacks", "--port", "0")
    assert (ended.code, ended.out) == (2, "")
    assert "signing_secret_env" in ended.err
    with (home / "yuanmeng.toml").open("a", encoding="utf-8") as settings:
        settings.write(CHAT)
    assert "YM_TEST_SIGNING is not set" in typed("callbacks", "--port", "0").err


def test_a_port_that_is_taken_is_told_in_one_sentence(typed: Type, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YM_TEST_SIGNING", SECRET)
    with (home / "yuanmeng.toml").open("a", encoding="utf-8") as settings:
        settings.write(CHAT)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = typed("callbacks", "--port", str(port))
    assert (ended.code, ended.out) == (2, "")
    lines = ended.err.strip().splitlines()
    assert lines[-1].startswith(f"127.0.0.1 port {port} cannot be had")
    assert "options.team" in lines[0]  # nobody may press yet
    assert SECRET not in ended.err


def test_a_secret_in_the_settings_is_refused(typed: Type, home: Path) -> None:
    with (home / "yuanmeng.toml").open("a", encoding="utf-8") as settings:
        settings.write(CHAT.replace("signing_secret_env", "signing_secret").replace("YM_TEST_SIGNING", SECRET))
    ended = typed("callbacks")
    assert ended.code == 2
    assert "signing_secret_env" in ended.err
    assert SECRET not in ended.err


def test_the_door_says_its_address_and_serves_until_it_is_interrupted(home: Path, client: httpx.Client) -> None:
    with (home / "yuanmeng.toml").open("a", encoding="utf-8") as settings:
        settings.write(CHAT)
    command = [sys.executable, "-m", "console", "callbacks", "--port", "0", "--json", "--home", str(home)]
    serving_ = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "YM_TEST_SIGNING": SECRET}, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # fmt: skip
    try:
        assert serving_.stdout is not None
        url = json.loads("".join(serving_.stdout.readline() for _ in range(3)))["url"]
        assert client.post(f"{url}/slack/chat", content=b"payload=x").status_code == 401
        serving_.send_signal(signal.SIGINT)
        out, err = serving_.communicate(timeout=30)
    finally:
        serving_.kill()
        serving_.communicate()
    assert (serving_.returncode, out) == (130, "")
    assert "it does not say when it was sent" in err
    assert err.strip().splitlines()[-1] == "stopped"
