"""What follows from a POST: the answer of an office, on the story's day or some days after the POST.

Belongs here: what each office does with what it is sent. Does not: HTTP (partner.py).
Each effect is dated later than the POST, so that the order of one night's reading and sending is no matter.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sandbox.days import after_working_days
from sandbox.story import Objection, Story
from sandbox.wire.partner_rows import put
from sandbox.wire.state import State

Body = dict[str, Any]


def _after(state: State, days: int, not_before: date | None = None) -> date:
    """Return the day so many days after today, or the story's day if that is later."""
    day = state.today + timedelta(days=days)
    return max(day, not_before) if not_before else day


def application(state: State, body: Body) -> None:
    """The school looks at an application: pending the next day, then its decision, then a student number."""
    id = str(body["application_id"])
    base = {"application_id": id}
    put(state, "school", "admissions", f"AD-{id}", _after(state, 1), **base, status="pending", reason=None,
        decided_on=None)  # fmt: skip
    story = state.world.story(str(body["cohort"]), str(body["resident_id"]))
    decision = story and story.admission
    decided = _after(state, 7, decision.on if decision else None)
    status, reason = (decision.status, decision.reason or None) if decision else ("refused", "不在招生名册")
    put(state, "school", "admissions", f"AD-{id}", decided, **base, status=status, reason=reason,
        decided_on=decided.isoformat())  # fmt: skip
    if story and story.registered_on:
        put(state, "school", "registrations", f"RG-{id}", _after(state, 10, story.registered_on), **base,
            student_number=story.student_number, status="registered",
            registered_on=story.registered_on.isoformat())  # fmt: skip


def graduation(state: State, body: Body) -> None:
    """The school issues the diploma, for those whom the story lets graduate."""
    id, story = str(body["graduation_id"]), state.world.students.get(str(body["student_number"]))
    if story and story.diploma:
        put(state, "school", "diplomas", f"DP-{id}", _after(state, 10, story.diploma.issued_on),
            graduation_id=id, number=story.diploma.number,
            issued_on=story.diploma.issued_on.isoformat())  # fmt: skip


def skill_registration(state: State, body: Body) -> None:
    """The assessor examines, and some weeks later certifies."""
    id = str(body["registration_id"])
    story = state.world.story(str(body["cohort"]), str(body["resident_id"]))
    if not story or not story.skill:
        return
    skill, level = story.skill, int(body["level"])
    seen = _after(state, 20, skill.seen_on)
    put(state, "assessor", "skill-results", f"SR-{id}", seen, registration_id=id, score=skill.score,
        status=skill.status, assessed_on=skill.assessed_on.isoformat())  # fmt: skip
    certified = max(skill.seen_number_on, seen + timedelta(days=10))
    put(state, "assessor", "skill-certificates", f"SC-{id}", certified, registration_id=id,
        number=skill.number, level=level, issued_on=skill.issued_on.isoformat())  # fmt: skip


def notice(state: State, body: Body) -> None:
    """Someone may object two working days into a notice; the union settles it when the story says."""
    published = date.fromisoformat(str(body["published_on"]))
    named = {(str(body["cohort"]), str(p["name"]), str(p["last_four"])) for p in body["people"]}
    for story in state.world.stories:
        if story.objection and (story.cohort, story.person.name, story.person.resident_id[-4:]) in named:
            _object(state, str(body["notice_id"]), published, story, story.objection)


def _object(state: State, notice_id: str, published: date, story: Story, objection: Objection) -> None:
    """Raise and settle an objection to one person."""
    raised = max(after_working_days(published, 2), _after(state, 1))
    decided = after_working_days(raised, objection.settled_after)
    id = f"OB-{story.employee_number}"
    base: Body = {
        "notice_id": notice_id,
        "resident_id": story.person.resident_id,
        "text": objection.text,
        "raised_on": raised.isoformat(),
    }
    put(state, "union", "objections", id, raised, **base, status="open", decided_on=None, reason=None)
    put(state, "union", "objections", id, decided, **base, status=objection.status,
        decided_on=decided.isoformat(), reason=objection.reason)  # fmt: skip


def payment(state: State, body: Body) -> None:
    """The bank pays within two working days, or sends the money back where name and card disagree."""
    id, name, card = str(body["payment_id"]), str(body["name"]), str(body["bank_card"])
    story = next((s for s in state.world.stories if s.person.name == name and s.registered_on), None)
    on = after_working_days(state.today, 2)
    reason = _why_returned(state, story, card, str(body["source"]))
    put(state, "finance", "payment-results", f"PR-{id}", on, payment_id=id,
        status="returned" if reason else "paid", reason=reason, on=on.isoformat())  # fmt: skip
    if reason and story and story.sends_new_card and card == story.person.bank_card:
        changed = after_working_days(on, 7)
        put(state, story.enterprise.path, "documents", f"DOC-{story.employee_number}-card", changed,
            resident_id=story.person.resident_id, kind="bank-card", value=story.person.spare_card,
            as_of=changed.isoformat())  # fmt: skip


def _why_returned(state: State, story: Story | None, card: str, source: str) -> str | None:
    """Return why a payment comes back, None when it does not."""
    if story is None:
        return "查无此户名"
    person = story.person
    if {(person.resident_id, source), (person.resident_id, "")} & state.bounced:
        return "账户状态异常"
    good = person.spare_card if story.returns else person.bank_card
    return None if card == good else "账号与户名不符"


# Owner and stream of each POST: what it leads to.
EFFECTS: dict[tuple[str, str], Callable[[State, Body], None]] = {
    ("school", "applications"): application,
    ("school", "graduations"): graduation,
    ("assessor", "skill-registrations"): skill_registration,
    ("union", "notices"): notice,
    ("finance", "payments"): payment,
}
