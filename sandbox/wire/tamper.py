"""Changing single facts behind everybody's back, so that tests see each difference named.

Belongs here: changes to what is answered (mark, register, payment, number) or to what is true.
Does not: anything a story does.
"""

from collections.abc import Callable
from typing import Any

from sandbox.days import moment, utc_iso
from sandbox.story import Story
from sandbox.wire.state import State

Body = dict[str, Any]


def _story(state: State, body: Body) -> Story:
    """Return the story a change speaks of."""
    story = state.world.story(body["cohort"], body["resident_id"])
    if story is None:
        raise KeyError("resident_id")
    return story


def mark(state: State, body: Body) -> bool:
    """{cohort, resident_id, module, part: formative|final|make-up, score}: the gradebook says another score."""
    story = _story(state, body)
    id = f"RES-CLS-{story.cohort}-{body['module']}-{body.get('part', 'final')}-{story.student_number}"
    return _amend(state, "results", id, score=float(body["score"]), scoreStatus="fully graded")


def _amend(state: State, kind: str, id: str, **values: Any) -> bool:
    """Change a row of the school, and say it changed today."""
    # Later than anything else of today, so that whoever reads from a cursor still sees it.
    at = moment(state.today, id).replace(hour=23)
    return state.shelf("oneroster", kind).amend(id, at, values, dateLastModified=utc_iso(at))


def register(state: State, body: Body) -> bool:
    """{cohort, resident_id, module, session (1…), letter}: the register says another letter."""
    story, place = _story(state, body), int(body["session"]) - 1
    study = story.studies.get(body["module"])
    if study is None or not 0 <= place < len(study.letters) or body["letter"] not in ("P", "L", "E", "A"):
        return False
    state.letters[f"CLS-{story.cohort}-{body['module']}", str(story.student_number), place] = body["letter"]
    return True


def payment(state: State, body: Body) -> bool:
    """{cohort, resident_id, source?}: payments ordered from now on come back."""
    state.bounced.add((_story(state, body).person.resident_id, body.get("source", "")))
    return True


def truth(state: State, body: Body) -> bool:
    """{list, match: {…}, change: {…}}: rows of the truth that match say something else."""
    rows = state.world.truth(max(state.today, state.world.suggested_dates()[-1]))[body["list"]]
    change = {"list": body["list"], "match": dict(body["match"]), "change": dict(body["change"])}
    found = any(change["match"].items() <= row.items() for row in rows)
    if found:
        state.truth_changes.append(change)
    return found


KINDS: dict[str, Callable[[State, Body], bool]] = {
    "mark": mark,
    "register": register,
    "payment": payment,
    "truth": truth,
}
