"""How the sandbox is driven: its date, what coordinators start from, what is true. No real system has this.

Belongs here: /_sandbox. Does not: any real protocol.
"""

from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.wire import rosters, tamper
from sandbox.wire.http import Json, Refusal, json_body
from sandbox.wire.state import State, state_of


def _bad(message: str) -> Refusal:
    """Return a refusal of a control request."""
    return Refusal(Json({"error": {"code": "invalid", "message": message}}, 400))


def host(request: Request) -> str:
    """Return the address the sandbox was called at, without a trailing slash."""
    return str(request.base_url).rstrip("/")


async def about(request: Request) -> Response:
    """GET /_sandbox: the seed, today, and the dates worth walking."""
    state = state_of(request)
    dates = [day.isoformat() for day in state.world.suggested_dates()]
    troubles = [
        {"name": t.name, "cohort": t.cohort, "person": t.person, "story": t.story} for t in state.world.troubles
    ]
    return Json(
        {
            "seed": state.world.seed,
            "today": state.today.isoformat(),
            "suggested_dates": dates,
            "troubles": troubles,
        }
    )


async def travel(request: Request) -> Response:
    """PUT /_sandbox/today {"date"}: from now on everything answers as of that date."""
    body = await json_body(request)
    try:
        day = date.fromisoformat(str((body or {}).get("date")))
    except (ValueError, AttributeError) as bad:
        raise _bad('send {"date": "2023-09-01"}') from bad
    if not 2000 <= day.year <= 2100:
        raise _bad("nothing is known of that year")
    state_of(request).today = day
    return Json({"today": day.isoformat()})


async def dates(request: Request) -> Response:
    """GET /_sandbox/dates: working days on which to walk a night."""
    return Json([day.isoformat() for day in state_of(request).world.suggested_dates()])


async def plans(request: Request) -> Response:
    """GET /_sandbox/plans."""
    return Json(state_of(request).world.plans())


async def connections(request: Request) -> Response:
    """GET /_sandbox/connections."""
    text = state_of(request).world.connections(host(request))
    return Response(text, media_type="application/toml")


async def roster_list(request: Request) -> Response:
    """GET /_sandbox/rosters."""
    return Json(rosters.listing(state_of(request), host(request)))


async def people(request: Request) -> Response:
    """GET /_sandbox/people: what people in offices are ready to answer today."""
    state = state_of(request)
    return Json(state.world.decisions(state.today))


async def truth(request: Request) -> Response:
    """GET /_sandbox/truth: what must be so today."""
    state = state_of(request)
    return Json(true_today(state))


def true_today(state: State) -> dict[str, list[dict[str, Any]]]:
    """Return the truth at today, with the changes tests asked for."""
    tables = state.world.truth(state.today)
    for change in state.truth_changes:
        for row in tables[change["list"]]:
            if change["match"].items() <= row.items():
                row.update(change["change"])
    return tables


async def change_behind(request: Request) -> Response:
    """POST /_sandbox/tamper: change one fact behind everybody's back."""
    body = await json_body(request)
    if not isinstance(body, dict) or str(body.get("what")) not in tamper.KINDS:
        raise _bad(f"what must be one of {', '.join(tamper.KINDS)}")
    try:
        done = tamper.KINDS[body["what"]](state_of(request), body)
    except (KeyError, TypeError, ValueError) as bad:
        raise _bad(f"a {body['what']} cannot be changed like that: {bad!r}") from bad
    if not done:
        raise _bad(f"there is no such {body['what']}")
    return Json({"changed": body["what"]})


ROUTES = [
    Route("/_sandbox", about, methods=["GET"]),
    Route("/_sandbox/today", travel, methods=["PUT"]),
    Route("/_sandbox/dates", dates, methods=["GET"]),
    Route("/_sandbox/plans", plans, methods=["GET"]),
    Route("/_sandbox/connections", connections, methods=["GET"]),
    Route("/_sandbox/rosters", roster_list, methods=["GET"]),
    Route("/_sandbox/people", people, methods=["GET"]),
    Route("/_sandbox/truth", truth, methods=["GET"]),
    Route("/_sandbox/tamper", change_behind, methods=["POST"]),
]
