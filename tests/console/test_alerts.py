"""`yuanmeng alerts list|ack|test`: what the chat was told, who took it up, and whether it hears us."""

import asyncio
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from console.run import open_home
from models.rules.privacy import holds_personal_number
from sandbox.server import Sandbox
from tasks.office import use_office
from tasks.stalls import watch_waits
from tests.console.conftest import DAY, TOKEN, Type

STALLED = date(2026, 6, 8)  # a Monday
LATE = ("--as-of", "2026-06-08")
CHAT = """
[[connections]]
name = "{name}"
kind = "slack"
organisation = ""
base_url = "{url}"
auth = {{ type = "bearer", token_env = "{token}" }}
options = {{ channel = "yuanmeng-alerts" }}
"""


@pytest.fixture
def alerted(typed: Type, home: Path, nominees: str) -> str:
    """The code of a cohort about which alerts have been raised."""
    typed("cohort", "advance", nominees, *DAY)
    watch(home, STALLED)
    return nominees


def watch(home: Path, day: date) -> None:
    """Watch once, as every hour."""
    office = open_home(home)
    asyncio.run(watch_waits(as_of=day))
    use_office(None)
    office.engine.dispose()


def asked(home: Path, query: str) -> list[tuple[Any, ...]]:
    """What the database answers."""
    with closing(sqlite3.connect(home / "yuanmeng.db")) as connection:
        return connection.execute(query).fetchall()


def connect(home: Path, *chats: str) -> None:
    """Let these be the chats of the home."""
    (home / "yuanmeng.toml").write_text("".join(chats), encoding="utf-8")


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The address of a chat of this test's own."""
    monkeypatch.setenv("YUANMENG_SANDBOX_TOKEN", TOKEN)
    with Sandbox(seed=2016) as sandbox:
        yield f"{sandbox.url}/slack/api/"


def test_without_alerts_there_is_none_and_the_end_is_zero(typed: Type) -> None:
    ended = typed("alerts", "list")
    assert (ended.code, ended.out, ended.err) == (0, "没有提醒 there is no alert\n", "")
    assert typed("alerts", "list", "--open", "--json").json == {"alerts": []}


def test_alerts_are_listed_with_holder_people_and_state(typed: Type, alerted: str) -> None:
    listed = typed("alerts", "list", *LATE, "--json")
    assert (listed.code, listed.err) == (1, "")
    consent = next(one for one in listed.json["alerts"] if one["kind"] == "consent")
    assert {name: consent[name] for name in ("state", "cohort", "on", "people", "level", "since", "raised")} == {
        "state": "open", "cohort": alerted, "on": "enterprise_hr", "people": 3, "level": 2, "since": "2026-05-18",
        "raised": "2026-06-08",
    }  # fmt: skip
    shown = typed("alerts", "list", *LATE)
    assert consent["id"] in shown.out
    assert "未处理 open" in shown.out
    assert "警告 warning" in shown.out
    assert not holds_personal_number(shown.out)


def test_one_that_is_over_is_listed_unless_only_open_ones_are_asked_for(typed: Type, alerted: str, home: Path) -> None:
    typed("worker", "withdraw", asked(home, "SELECT id FROM participants WHERE status = 'held'")[0][0],
          "--why", "dropped-out", "--reason", "moved away", *LATE)  # fmt: skip
    watch(home, STALLED)
    states = {one["id"]: one["state"] for one in typed("alerts", "list", *LATE, "--json").json["alerts"]}
    assert set(states.values()) == {"open", "resolved"}
    still = typed("alerts", "list", "--open", *LATE, "--json").json["alerts"]
    assert {one["id"] for one in still} == {key for key, state in states.items() if state == "open"}


def test_an_acknowledgement_names_who_and_why_and_is_kept_once(typed: Type, alerted: str, home: Path) -> None:
    alerts = typed("alerts", "list", *LATE, "--json").json["alerts"]
    for one in alerts:
        ended = typed("alerts", "ack", one["id"], "--reason", "called them", *LATE, "--json")
        assert (ended.code, ended.err) == (0, "")
        assert (ended.json["state"], ended.json["acknowledged_by"]) == ("acknowledged", "tester")
        assert typed("alerts", "ack", one["id"], "--reason", "called them", *LATE, "--json") == ended
    kept = asked(home, "SELECT subject, actor, reason FROM audit_events WHERE action = 'alert-acknowledge'")
    assert sorted(kept) == sorted((one["id"], "tester", "called them") for one in alerts)
    shown = typed("alerts", "list", *LATE)
    assert shown.code == 0  # somebody is at each
    assert "已签收 acknowledged tester" in shown.out


def test_an_acknowledgement_as_a_sentence(typed: Type, alerted: str) -> None:
    key = typed("alerts", "list", *LATE, "--json").json["alerts"][0]["id"]
    said = typed("alerts", "ack", key, "--reason", "called them", *LATE)
    assert said.out == f"已签收 acknowledged: {key} (tester, 2026-06-08)\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("A-NOBODY", "--reason", "r"), "there is no alert A-NOBODY"),
        (("A-NOBODY",), "--reason"),
        (("A-NOBODY", "--reason", "asked by 13800000001"), "personal number"),
    ],
)
def test_an_acknowledgement_that_cannot_be_is_one_sentence(typed: Type, words: tuple[str, ...], said: str) -> None:
    ended = typed("alerts", "ack", *words)
    assert (ended.code, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert said in ended.err


def test_an_alert_that_is_over_cannot_be_acknowledged(typed: Type, alerted: str, home: Path) -> None:
    key = typed("alerts", "list", *LATE, "--json").json["alerts"][0]["id"]
    with closing(sqlite3.connect(home / "yuanmeng.db")) as connection, connection:
        connection.execute("UPDATE alerts SET status = 'resolved', resolved_on = '2026-06-09'")
    ended = typed("alerts", "ack", key, "--reason", "r", *LATE)
    assert (ended.code, ended.out) == (2, "")
    assert "over since 2026-06-09" in ended.err


def test_a_snoozed_alert_is_no_open_one_until_its_day(typed: Type, alerted: str, home: Path) -> None:
    with closing(sqlite3.connect(home / "yuanmeng.db")) as connection, connection:
        connection.execute("UPDATE alerts SET snoozed_until = '2026-06-11'")
    assert typed("alerts", "list", *LATE).code == 0
    assert "暂缓 snoozed 2026-06-11" in typed("alerts", "list", *LATE).out
    assert typed("alerts", "list", "--as-of", "2026-06-11").code == 1


def test_without_a_chat_a_test_says_how_to_connect_one(typed: Type) -> None:
    ended = typed("alerts", "test")
    assert ended.code == 0
    assert "no chat is connected" in ended.out
    assert typed("alerts", "test", "--json").json == {"connections": {}}


def test_a_test_message_arrives_and_goes_through_the_outbox(typed: Type, home: Path, chat: str) -> None:
    connect(home, CHAT.format(name="chat", url=chat, token="YUANMENG_SANDBOX_TOKEN"))
    ended = typed("alerts", "test", "--json")
    assert (ended.code, ended.json) == (0, {"connections": {"chat": {"status": "ok", "reason": ""}}})
    assert asked(home, "SELECT kind, status, subject FROM outbox") == [("chat.post", "sent", "test")]
    shown = typed("alerts", "test", "--connection", "chat")
    assert (shown.code, shown.err) == (0, "")
    assert "the test message has arrived" in shown.out
    assert len(asked(home, "SELECT 1 FROM outbox")) == 2  # each test is a message of its own


def test_a_chat_that_is_away_is_named_with_what_was_wrong_and_the_others_still_hear(
    typed: Type, home: Path, chat: str
) -> None:
    away = CHAT.format(name="away", url="http://127.0.0.1:9/api/", token="YUANMENG_SANDBOX_TOKEN")
    connect(home, away, CHAT.format(name="chat", url=chat, token="YUANMENG_SANDBOX_TOKEN"))
    ended = typed("alerts", "test", "--json")
    assert (ended.code, ended.err) == (3, "")
    assert {name: one["status"] for name, one in ended.json["connections"].items()} == {"away": "failed", "chat": "ok"}
    assert "away" in ended.json["connections"]["away"]["reason"]
    assert dict(asked(home, "SELECT status, count(*) FROM outbox GROUP BY status")) == {"failed": 1, "sent": 1}
    shown = typed("alerts", "test", "--connection", "away")
    assert shown.code == 3
    assert "失败 failed away: " in shown.out


def test_a_chat_whose_secret_is_not_set_is_told_so(typed: Type, home: Path, chat: str) -> None:
    connect(home, CHAT.format(name="chat", url=chat, token="YUANMENG_ABSENT"))
    ended = typed("alerts", "test", "--json")
    assert ended.code == 3
    assert "YUANMENG_ABSENT is not set" in ended.json["connections"]["chat"]["reason"]


def test_a_token_the_chat_does_not_know_is_told_so(
    typed: Type, home: Path, chat: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YUANMENG_WRONG", "wrong-token")
    connect(home, CHAT.format(name="chat", url=chat, token="YUANMENG_WRONG"))
    ended = typed("alerts", "test")
    assert ended.code == 3
    assert "wrong-token" not in ended.out
    assert len(ended.out.splitlines()) == 1


def test_a_chat_not_known_is_one_sentence(typed: Type) -> None:
    ended = typed("alerts", "test", "--connection", "nowhere")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "there is no chat connection nowhere: see `yuanmeng connections`\n"
