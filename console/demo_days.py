"""The days of the demo: on each business date the people of the offices do their part, then comes the night.

Belongs here: playing the people with the answers the sandbox has ready. Does not: setting up an office (demo.py).
"""

import tomllib
from collections.abc import Awaitable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import httpx

from console import demo_summary
from flows.decide import decide
from flows.nightly import nightly_sync
from flows.open_cohort import open_cohort
from tasks.nomination import import_roster
from tasks.views import cohort_list, inbox

TOKEN = "sandbox-token"  # noqa: S105  (the sandbox's own, worth nothing elsewhere)
Answer = Literal["approve", "refuse"]


@dataclass
class World:
    """The sandbox as the demo sees it: over HTTP, on a business date."""

    client: httpx.Client
    url: str

    def get(self, what: str = "") -> Any:
        """Ask the sandbox's control page."""
        answer = self.client.get(f"{self.url}/_sandbox/{what}".rstrip("/"))
        answer.raise_for_status()
        return answer.json()

    def text(self, what: str) -> str:
        """Ask for a text of the control page."""
        answer = self.client.get(f"{self.url}/_sandbox/{what}")
        answer.raise_for_status()
        return answer.text

    def travel(self, day: date) -> None:
        """Let the world live until the end of a day."""
        self.client.put(f"{self.url}/_sandbox/today", json={"date": day.isoformat()}).raise_for_status()

    def tamper(self, **change: Any) -> None:
        """Change one fact behind everybody's back."""
        self.client.post(f"{self.url}/_sandbox/tamper", json=change).raise_for_status()

    def fetch(self, url: str) -> bytes:
        """Fetch a roster as HR hands it over."""
        answer = self.client.get(url, headers={"Authorization": f"Bearer {TOKEN}"})
        answer.raise_for_status()
        return answer.content


@dataclass
class Walk:
    """A walk through business dates; flows run through a Prefect server where `served`, else as plain functions."""

    world: World
    home: Path
    served: bool = True
    rosters_done: set[str] = field(default_factory=set)

    async def live(self, day: date) -> dict[str, Any]:
        """One business date: plans opened, rosters sent, the inbox answered, and the night; give its account."""
        self.world.travel(day)
        await self.open_plans(day)
        await self.import_rosters(day)
        await self.answer_inbox(day)
        account: dict[str, Any] = await self.run(nightly_sync, as_of=day)
        return account

    def run(self, flow: Any, **parameters: Any) -> Awaitable[Any]:
        """Run a flow with its parameters."""
        started: Awaitable[Any] = flow(**parameters) if self.served else flow.fn(**parameters)
        return started

    async def open_plans(self, day: date) -> None:
        """Open each cohort whose nominations begin by this day."""
        known = {line["code"] for line in cohort_list(day)}
        for plan in self.world.get("plans"):
            data = tomllib.loads(plan["toml"])
            if plan["cohort"] not in known and data["nomination_opens_on"] <= day:
                await self.run(open_cohort, plan=data, actor="demo coordinator", as_of=day)

    async def import_rosters(self, day: date) -> None:
        """Import each roster that an enterprise has sent by this day."""
        for roster in self.world.get("rosters"):
            if roster["url"] not in self.rosters_done and date.fromisoformat(roster["available_on"]) <= day:
                path = self._keep(roster)
                await import_roster(str(path), roster["cohort"], "demo coordinator", day, roster["enterprise"])
                self.rosters_done.add(roster["url"])

    def _keep(self, roster: dict[str, Any]) -> Path:
        """Put a roster where files with personal numbers may lie."""
        folder = self.home / "exchange"
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{roster['cohort']}-{roster['filename']}"
        path.touch(mode=0o600)
        path.write_bytes(self.world.fetch(roster["url"]))
        return path

    async def answer_inbox(self, day: date) -> None:
        """The people of the offices answer what the inbox asks, as the world has them decide by this day."""
        answers = {_question(one): one for one in self.world.get("people")}
        batches: dict[tuple[Answer, str], list[str]] = {}
        for request in demo_summary.with_match(inbox(day)):
            known = answers.get((request["kind"], request["cohort"], request["match"], request["subject_code"]))
            if known is not None and date.fromisoformat(known["on"]) <= day:
                batches.setdefault((known["answer"], known["reason"]), []).append(request["id"])
        for (answer, reason), ids in batches.items():
            await self.run(decide, ids=ids, answer=answer, reason=reason, actor="demo reviewer", as_of=day)


def _question(one: dict[str, Any]) -> tuple[str, str, str, str]:
    return one["kind"], one["cohort"], demo_summary.match_of(one["resident_id"]), one["subject"] or ""
