"""A delivery killed by SIGKILL at a chosen instant, in a process of its own, and what the chat shows afterwards.

Belongs here: the killed process, lives of alerts, and reading a channel through Slack's own API, sandbox or peer alike.
"""

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from shutil import copy
from typing import Any

import httpx
from sqlmodel import Session, select

from connectors.settings import create_keys, load_settings
from models.tables.lifecycle import Alert, Wait
from models.tables.operations import Outbox
from tasks.office import build_office, office, use_office
from tasks.outbox import deliver_outbox
from tasks.stalls import watch_waits
from tests.fixtures.cohorts import open_cohort, write

ROOT = Path(__file__).parents[2]
MOMENTS = ("before-the-send", "before-the-answer", "before-the-commit")
SINCE, RAISED, ESCALATED, RESOLVED = date(2026, 5, 18), date(2026, 5, 26), date(2026, 6, 2), date(2026, 6, 3)
TOKEN_ENV = "YM_CHAT_TOKEN"
CONFIG = """
[[connections]]
name = "chat"
kind = "slack"
organisation = "12350100000000019K"
base_url = "{url}"
auth = {{ type = "bearer", token_env = "YM_CHAT_TOKEN" }}
options = {{ channel = "{channel}", seconds_between = 0 }}
"""
# Deliver, and die when the n-th message of a kind is about to be sent, was taken, or is about to be written down.
DELIVER_AND_DIE = """
import asyncio, os, signal, sys
from datetime import date
from sqlalchemy import event
from sqlmodel import Session
from connectors.slack import SlackConnector
from tasks import outbox

moment, wanted, nth, day = sys.argv[1], sys.argv[2], int(sys.argv[3]), date.fromisoformat(sys.argv[4])
once, acknowledge, seen = SlackConnector._once, outbox._acknowledge, 0

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def once_or_die(self, operation, method, body):
    global seen
    chosen = wanted == ("reply" if operation == "post" and "thread_ts" in body else operation)
    seen += chosen
    if chosen and seen == nth and moment == "before-the-send":
        die()
    answer = await once(self, operation, method, body)
    if chosen and seen == nth and moment == "before-the-answer":
        die()
    return answer

def acknowledge_or_die(*given, **named):
    if seen == nth and moment == "before-the-commit":
        event.listen(Session, "before_commit", die)
    return acknowledge(*given, **named)

SlackConnector._once, outbox._acknowledge = once_or_die, acknowledge_or_die
asyncio.run(outbox.deliver_outbox(day))
"""


@dataclass
class Channel:
    """A channel of a workspace, looked at through the workspace's own API."""

    url: str
    token: str
    id: str

    def messages(self) -> list[dict[str, Any]]:
        """Every message, replies included."""
        with httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, trust_env=False
        ) as http:
            top = self._pages(http, "conversations.history")
            threads = [
                self._pages(http, "conversations.replies", ts=one["ts"])[1:] for one in top if one.get("reply_count")
            ]
        return [*top, *(reply for thread in threads for reply in thread)]

    def _pages(self, http: httpx.Client, method: str, **body: Any) -> list[dict[str, Any]]:
        found, cursor = [], ""
        while True:
            asked = {"channel": self.id, "include_all_metadata": True, "limit": 100, "cursor": cursor, **body}
            answer = http.post(method, json=asked).json()
            assert answer["ok"], answer
            found += answer["messages"]
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return found


def key_of(message: dict[str, Any]) -> str:
    """The key a message carries."""
    return str(((message.get("metadata") or {}).get("event_payload") or {}).get("alert_id", ""))


@dataclass
class Chaos:
    """An installation whose deliveries are killed; each life of alerts has waits of its own."""

    home: Path
    channel: Channel
    cohort: str
    kills: Counter[str] = field(default_factory=Counter)
    lives: int = 0

    def live(self, moments: Sequence[str], nth: int = 1, burst: int = 1) -> None:
        """Raise, escalate and resolve alerts; the delivery of each is killed at its moment, and the next one ends it."""
        self.lives += 1
        waits = [Wait(id=f"WT-{self.lives}-{n}", cohort_code=self.cohort, stage="nomination", kind="household-evidence",
                      subject=f"{self.lives}-{n}", holder="enterprise_hr", since=SINCE, due_on=date(2026, 5, 25))
                 for n in range(burst)]  # fmt: skip
        ids = [wait.id for wait in waits]
        write(*waits)
        self._turn(RAISED, moments[0], "post", nth)
        self._turn(ESCALATED, moments[1], "reply", nth)
        with Session(office().engine) as session, session.begin():
            for id in ids:
                session.get_one(Wait, id).resolved_on = RESOLVED
        self._turn(RESOLVED, moments[2], "update", nth)

    def _turn(self, day: date, moment: str, kind: str, nth: int) -> None:
        asyncio.run(watch_waits(day))
        self._kill(day, moment, kind, nth)
        assert asyncio.run(deliver_outbox(day))["later"] == 0
        assert asyncio.run(deliver_outbox(day)) == {"sent": 0, "failed": 0, "later": 0}

    def _kill(self, day: date, moment: str, kind: str, nth: int) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("YUANMENG_")}
        ended = subprocess.run(
            [sys.executable, "-c", DELIVER_AND_DIE, moment, kind, str(nth), day.isoformat()], cwd=ROOT, check=False,
            env={**kept, "YUANMENG_HOME": str(self.home), TOKEN_ENV: self.channel.token}, capture_output=True, text=True,
        )  # fmt: skip
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        self.kills[f"{kind} {moment}"] += 1

    def check(self) -> None:
        """Every message and reply stands in the channel once, every episode is told as over, and nothing waits."""
        said = Counter(key_of(message) for message in self.channel.messages())
        with Session(office().engine) as session:
            rows = session.exec(select(Outbox)).all()
            alerts = session.exec(select(Alert)).all()
        assert {row.status for row in rows} == {"sent"}
        told = {row.id for row in rows if row.kind != "chat.update"}
        assert said == dict.fromkeys(told, 1)
        assert len(alerts) >= self.lives
        texts = {key_of(message): message["text"] for message in self.channel.messages()}
        for alert in alerts:
            assert alert.status == "resolved"
            assert texts[alert.digest_id or alert.id].startswith("✅"), alert


@contextmanager
def chaos(template: Path, home: Path, channel: Channel) -> Iterator[Chaos]:
    """An installation with this channel as its chat, in use by this process too."""
    home.mkdir()
    copy(template, home / "yuanmeng.db")
    (home / "yuanmeng.toml").write_text(CONFIG.format(url=channel.url, channel=channel.id), encoding="utf-8")
    create_keys(home / "keys.toml")
    before = os.environ.get(TOKEN_ENV)
    os.environ[TOKEN_ENV] = channel.token
    working = build_office(load_settings(home))
    use_office(working)
    try:
        yield Chaos(home, channel, open_cohort())
    finally:
        use_office(None)
        working.engine.dispose()
        os.environ.pop(TOKEN_ENV) if before is None else os.environ.update({TOKEN_ENV: before})


def each_kind_once(life: Chaos) -> None:
    """Kill each kind of message at each instant: the second of three that come at once, one alone, and a digest."""
    life.live(MOMENTS, nth=2, burst=3)
    life.live([*MOMENTS[1:], MOMENTS[0]])
    life.live([MOMENTS[2], *MOMENTS[:2]], burst=6)
    life.check()


def many_times(life: Chaos, number: int, seed: int) -> None:
    """Live that many times, killed at moments drawn with this seed, alone, a few at once, or in a digest."""
    drawn = random.Random(seed)
    while life.kills.total() < number:
        burst = drawn.choice((1, 1, 3, 8))
        life.live([drawn.choice(MOMENTS) for _ in range(3)], burst=burst)
    life.check()
