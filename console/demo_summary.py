"""What the demo ends with: the summary as one object, on a screen, and the files it leaves behind.

Belongs here: gathering and telling. Does not: running anything.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from console.truth import compare
from models.repositories.alerts import alerts
from models.repositories.credentials import certificates_by_kind
from models.repositories.operations import sent_messages
from models.repositories.organisations import cohorts
from models.repositories.people import endings
from models.rules.identifiers import normalise
from models.tables.credentials import Outcome
from models.tables.lifecycle import Alert, DecisionRequest
from models.tables.people import Nomination, Participant, Worker
from models.vault import keyring
from tasks.office import unit_of_work
from tasks.report import money_by_source
from tasks.views import cohort_view

Summary = dict[str, Any]


def match_of(resident_id: str) -> str:
    """The keyed hash by which the demo finds the person the sandbox speaks of."""
    return keyring().match_hash("resident-id", normalise(resident_id))


def with_match(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to each question of the inbox whom it is about (keyed hash) and the module a claim is for."""
    with unit_of_work() as session:
        for request in requests:
            stored = session.get_one(DecisionRequest, request["id"])
            if stored.participant_id:
                participant = session.get_one(Participant, stored.participant_id)
                request["match"] = session.get_one(Worker, participant.worker_id).resident_id_hash
            else:
                request["match"] = session.get_one(Nomination, stored.nomination_id).resident_id_hash
            outcome = session.get(Outcome, stored.subject) if stored.kind == "recognition" else None
            request["subject_code"] = outcome.module_code if outcome else ""
    return requests


@dataclass
class AlertsOfAKind:
    """What became of the alerts of one kind of wait; `longest` is the days the longest one stood open."""

    raised: int = 0
    escalated: int = 0
    resolved: int = 0
    longest: int = 0


@dataclass
class Ended:
    """A demo that has ended: its summary as one object, and what the tables tell beside it."""

    summary: Summary
    endings: dict[tuple[str, str, str], int] = field(default_factory=dict)
    alerts: dict[str, AlertsOfAKind] = field(default_factory=dict)


def gather(truth: dict[str, Any]) -> Ended:
    """Gather the summary: cohorts, money, alerts, messages, certificates, and the comparison with the truth."""
    with unit_of_work() as session:
        codes = [cohort.code for cohort in cohorts(session)]
        comparison = compare(session, truth)
        told, kinds = alerts(session), certificates_by_kind(session)
        statuses = Counter(alert.status for alert in told)
        ended = Ended({
            "money": money_by_source(session),
            "alerts": {"raised": len(told), "resolved": statuses["resolved"], "open": statuses["open"]},
            "messages": sent_messages(session),
            "certificates": {"diploma": kinds.get("diploma", 0), "skill": kinds.get("skill", 0)},
            "truth": {"compared": comparison.compared, "differences": comparison.differences},
        }, endings(session), _by_kind(told))  # fmt: skip
    ended.summary = {"cohorts": [_cohort(code) for code in codes], **ended.summary}
    return ended


def _cohort(code: str) -> dict[str, Any]:
    view = cohort_view(code)
    return {name: view[name] for name in ("code", "stage", "timeline", "participants")}


def _by_kind(told: Iterable[Alert]) -> dict[str, AlertsOfAKind]:
    kinds: dict[str, AlertsOfAKind] = defaultdict(AlertsOfAKind)
    for alert in told:
        kind = kinds[alert.kind]
        kind.raised += 1
        kind.escalated += alert.level > 1
        if alert.resolved_on is not None:
            kind.resolved += 1
            kind.longest = max(kind.longest, (alert.resolved_on - alert.raised_on).days)
    return dict(kinds)


async def leave_behind(home: Path, world: Any, last: date) -> None:
    """Write the chat's transcript and the report, so that they can be read when the sandbox is gone."""
    from tasks.report import write_report

    (home / "chat.html").write_text(world.client.get(f"{world.url}/slack/").text, encoding="utf-8")
    for ending in ("xlsx", "html"):
        Path(await write_report(f"{last:%Y-%m}", ending, last)).replace(home / "reports" / f"report.{ending}")
