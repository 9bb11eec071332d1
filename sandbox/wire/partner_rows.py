"""What partners say on their own: consents, documents, leave, outcomes, class confirmations.

Belongs here: rows whose date is the story's. Does not: answers to what was posted (effects.py).
"""

from datetime import date, datetime
from typing import Any

from sandbox.days import local_iso, moment
from sandbox.story import Story
from sandbox.wire.state import State


def put(state: State, owner: str, stream: str, id: str, day: date, /, **body: Any) -> datetime:
    """Put a row of a partner's stream on its shelf, dated in office hours of the day."""
    at = moment(day, f"{stream}{id}")
    state.put(owner, stream, id, at, {"id": id, **body, "updated_at": local_iso(at)})
    return at


def fill(state: State) -> None:
    """Put on the shelves what every story says on its own."""
    for story in state.world.stories:
        if story.row_status != "refused":
            _consents(state, story)
        _documents(state, story)
        _leave(state, story)
        _outcomes(state, story)
    for plan in state.world.classes.values():
        base: dict[str, Any] = {"class_id": plan.id, "starts_on": plan.starts_on.isoformat()}
        put(
            state,
            "centre",
            "class-confirmations",
            f"CC-{plan.number}",
            plan.planned_on,
            **base,
            status="planned",
            confirmed_on=None,
        )
        put(state, "centre", "class-confirmations", f"CC-{plan.number}", plan.confirmed_on,
            **base, status="confirmed", confirmed_on=plan.confirmed_on.isoformat())  # fmt: skip


def _consents(state: State, story: Story) -> None:
    """All three kinds at once, on one form."""
    id = f"CN-{story.employee_number}"
    at = moment(story.consent_on, f"consents{id}")
    put(
        state,
        story.enterprise.path,
        "consents",
        id,
        story.consent_on,
        employee_number=story.employee_number,
        resident_id=story.person.resident_id,
        kinds=["sensitive", "school", "notice"],
        text_version="2023-05",
        given_at=local_iso(at),
        withdrawn_at=None,
    )


def _documents(state: State, story: Story) -> None:
    """Documents sent in later, as of the day they are seen."""
    for place, document in enumerate(story.documents, start=1):
        put(
            state,
            story.enterprise.path,
            "documents",
            f"DOC-{story.employee_number}-{place}",
            document.on,
            resident_id=story.person.resident_id,
            kind=document.kind,
            value=document.value,
            as_of=document.on.isoformat(),
        )


def _leave(state: State, story: Story) -> None:
    """Study leave as HR decided on it."""
    for place, leave in enumerate(story.leaves, start=1):
        put(
            state,
            story.enterprise.path,
            "leave",
            f"LV-{story.employee_number}-{place}",
            leave.on,
            resident_id=story.person.resident_id,
            **{"from": leave.starts_on.isoformat(), "to": leave.ends_on.isoformat()},
            kind="study-leave",
            status=leave.status,
            hours=leave.hours,
        )


def _outcomes(state: State, story: Story) -> None:
    """Learning outcomes claimed."""
    for place, claim in enumerate(story.claims, start=1):
        put(
            state,
            story.enterprise.path,
            "outcomes",
            f"OC-{story.employee_number}-{place}",
            claim.seen_on,
            resident_id=story.person.resident_id,
            kind=claim.kind,
            title=claim.title,
            evidence=claim.evidence,
            module_code=claim.module,
            credits_claimed=claim.credits,
            awarded_on=claim.awarded_on.isoformat(),
        )
