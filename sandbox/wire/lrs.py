"""The learning record store: xAPI 1.0.3 statements of online study.

Belongs here: statements, `more` links, voiding. Does not: registers of the classroom (moodle.py).
"""

from datetime import timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.days import moment, utc_iso
from sandbox.story import Story
from sandbox.timetable import ClassPlan
from sandbox.wire.http import Json, Refusal, has_password, parse_time, whole
from sandbox.wire.names import CENTRE_SITE
from sandbox.wire.shelf import Row
from sandbox.wire.state import State, state_of

LARGEST_PAGE = 200
ATTENDED = "http://adlnet.gov/expapi/verbs/attended"
COMPLETED = "http://adlnet.gov/expapi/verbs/completed"
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
_SPACE = UUID("0d7c2f4e-51a5-4f3e-8a37-5f7c0e9f2b11")
_VERSION = "1.0.3"


def fill(state: State) -> None:
    """Put the statements of all students on the shelf, and one that was a mistake and is voided."""
    numbers = count(1)
    for plan in state.world.classes.values():
        for story in state.world.students.values():
            study = story.studies.get(plan.module.code)
            if story.cohort == plan.cohort and study:
                for place, minutes in enumerate(study.minutes):
                    _study(state, story, plan, place, minutes, next(numbers))
    _mistake(state)


def _study(state: State, story: Story, plan: ClassPlan, place: int, minutes: int, number: int) -> str:
    """Put one statement on the shelf: the first unit attended, the second completed, days after a session."""
    id = str(uuid5(_SPACE, f"{state.world.seed}-{story.student_number}-{plan.id}-{place}"))
    day = plan.sessions[1 + 2 * place] + timedelta(days=2 + number % 3)
    verb, word = (COMPLETED, "completed") if place else (ATTENDED, "attended")
    unit = f"{CENTRE_SITE}/classes/{plan.id}/units/{place + 1}"
    _put(state, id, day, {
        "actor": _agent(str(story.student_number)),
        "verb": {"id": verb, "display": {"en-US": word}},
        "object": _activity(unit, f"{plan.module.name} 单元{place + 1}"),
        "result": {"completion": bool(place), "duration": _duration(minutes)},
        "context": {"contextActivities": {"parent": [_activity(f"{CENTRE_SITE}/classes/{plan.id}", plan.module.name)]}},
    })  # fmt: skip
    return id


def _activity(id: str, name: str) -> dict[str, Any]:
    """Return an activity."""
    return {"objectType": "Activity", "id": id, "definition": {"name": {"zh-CN": name}}}


def _duration(minutes: int) -> str:
    """Write minutes as ISO 8601: PT45M, PT1H5M."""
    hours, rest = divmod(minutes, 60)
    return "PT" + (f"{hours}H" if hours else "") + (f"{rest}M" if rest or not hours else "")


def _agent(name: str) -> dict[str, Any]:
    """Return an actor by account."""
    return {"objectType": "Agent", "account": {"homePage": CENTRE_SITE, "name": name}}


def _put(state: State, id: str, day: Any, body: dict[str, Any]) -> None:
    """Store a statement that happened at some hour of the day."""
    at = moment(day, id)
    authority = {"objectType": "Agent", "account": {"homePage": CENTRE_SITE, "name": "platform"}}
    state.put("lrs", "statements", id, at, {
        "id": id, **body, "timestamp": utc_iso(at), "stored": utc_iso(at), "authority": authority,
        "version": _VERSION,
    })  # fmt: skip


def _mistake(state: State) -> None:
    """A statement counted twice by the platform, and its withdrawal some days later."""
    story = next(iter(state.world.students.values()))
    plan = state.world.cohort(story.cohort).classes[0]
    twice = _study(state, story, plan, 2, 600, 0)
    day = plan.sessions[5] + timedelta(days=9)
    id = str(uuid5(_SPACE, f"void-{twice}"))
    _put(state, id, day, {
        "actor": {"objectType": "Agent", "account": {"homePage": CENTRE_SITE, "name": "platform"}},
        "verb": {"id": VOIDED, "display": {"en-US": "voided"}},
        "object": {"objectType": "StatementRef", "id": twice},
    })  # fmt: skip


def _error(status: int, message: str) -> Refusal:
    """Return an error as a learning record store gives it."""
    return Refusal(Json({"error": True, "message": message}, status, {"X-Experience-API-Version": _VERSION}))


async def statements(request: Request) -> Response:
    """GET /xAPI/statements: newest first unless `ascending`, those stored after `since`, page by page."""
    if not has_password(request):
        raise _error(401, "Unauthorized")
    if not request.headers.get("x-experience-api-version", "").startswith("1.0"):
        raise _error(400, "X-Experience-API-Version is missing or not 1.0.x")
    state, query = state_of(request), request.query_params
    headers = {
        "X-Experience-API-Version": _VERSION,
        "X-Experience-API-Consistent-Through": f"{state.today}T23:59:59.000Z",
    }
    if id := query.get("statementId") or query.get("voidedStatementId"):
        return Json(_single(state, id, "voidedStatementId" in query), headers=headers)
    rows = _matching(state, request)
    limit, offset = whole(query.get("limit"), 0), whole(query.get("from"), 0)
    if limit is None or offset is None:
        raise _error(400, "limit must be a whole number")
    size = min(limit or LARGEST_PAGE, LARGEST_PAGE)
    page = rows[offset : offset + size]
    more = _more(request, offset + size) if offset + size < len(rows) else ""
    return Json({"statements": [row.body for row in page], "more": more}, headers=headers)


def _more(request: Request, offset: int) -> str:
    """Return the relative address of the next page."""
    return f"{request.url.path}?{request.url.include_query_params(**{'from': offset}).query}"


def _voided(state: State) -> set[str]:
    """Return the ids of the statements withdrawn by today."""
    return {row.body["object"]["id"] for row in state.rows("lrs", "statements") if row.body["verb"]["id"] == VOIDED}


def _single(state: State, id: str, voided: bool) -> dict[str, Any]:
    """Return one statement by its id."""
    row = state.shelf("lrs", "statements").get(id, state.today)
    if row is None or (id in _voided(state)) != voided:
        raise _error(404, "no such statement")
    return row.body


def _matching(state: State, request: Request) -> list[Row]:
    """Return the statements a query asks for, in its order; withdrawn ones are not among them."""
    query = request.query_params
    bounds = {name: parse_time(query[name]) for name in ("since", "until") if name in query}
    if None in bounds.values():
        raise _error(400, "since and until are ISO 8601 times")
    since, until, verb = bounds.get("since"), bounds.get("until"), query.get("verb")
    gone = _voided(state)
    rows = [
        row
        for row in state.rows("lrs", "statements")
        if row.id not in gone
        and (since is None or row.changed > since)
        and (until is None or row.changed <= until)
        and (verb is None or row.body["verb"]["id"] == verb)
    ]
    ascending = query.get("ascending") == "true"
    return sorted(rows, key=lambda row: (row.changed.timestamp(), row.id), reverse=not ascending)


async def about(_: Request) -> Response:
    """GET /xAPI/about."""
    return Json({"version": [_VERSION]}, headers={"X-Experience-API-Version": _VERSION})


ROUTES = [
    Route("/lrs/xAPI/statements", statements, methods=["GET"]),
    Route("/lrs/xAPI/about", about, methods=["GET"]),
]
