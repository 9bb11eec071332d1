"""OneRoster 1.2 rostering and gradebook, and the OAuth2 token they need.

Belongs here: requests, pages, filters and errors by the book. Does not: the school's records (school_rows.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.wire.filters import FilterError, compile_filter, sort_key
from sandbox.wire.http import Json, Refusal, basic, bearer, form, whole
from sandbox.wire.names import CLIENT_ID, SECRET
from sandbox.wire.school_rows import Ref
from sandbox.wire.state import State, state_of

ROSTERING = "/school/ims/oneroster/rostering/v1p2"
GRADEBOOK = "/school/ims/oneroster/gradebook/v1p2"
ROSTER_SCOPE = "https://purl.imsglobal.org/spec/or/v1p2/scope/roster-core.readonly"
GRADEBOOK_SCOPE = "https://purl.imsglobal.org/spec/or/v1p2/scope/gradebook-core.readonly"
LARGEST_PAGE = 500
_IN_GRADEBOOK = {"categories", "lineItems", "results"}
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """A collection as the standard names it: the shelf it reads, which rows it shows, its envelopes."""

    shelf: str
    many: str
    one: str
    shows: Callable[[Body], bool] = lambda _: True


def _has_role(role: str) -> Callable[[Body], bool]:
    """Return a test for users of a role."""
    return lambda body: body["roles"][0]["role"] == role


_SESSIONS = ("academicSessions", "academicSessions", "academicSession")
VIEWS = {
    "orgs": View("orgs", "orgs", "org"),
    "schools": View("orgs", "orgs", "org", lambda body: body["type"] == "school"),
    "academicSessions": View(*_SESSIONS),
    "terms": View(*_SESSIONS, lambda body: body["type"] in ("term", "semester")),
    "gradingPeriods": View(*_SESSIONS, lambda body: body["type"] == "gradingPeriod"),
    "courses": View("courses", "courses", "course"),
    "classes": View("classes", "classes", "class"),
    "users": View("users", "users", "user"),
    "students": View("users", "users", "user", _has_role("student")),
    "teachers": View("users", "users", "user", _has_role("teacher")),
    "enrollments": View("enrollments", "enrollments", "enrollment"),
    "categories": View("categories", "categories", "category"),
    "lineItems": View("lineItems", "lineItems", "lineItem"),
    "results": View("results", "results", "result"),
}


def _refusal(status: int, minor: str, text: str) -> Refusal:
    """Return an error in the standard's words."""
    field = {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": minor}
    body = {
        "imsx_codeMajor": "failure",
        "imsx_severity": "error",
        "imsx_description": text,
        "imsx_CodeMinor": {"imsx_codeMinorField": [field]},
    }
    return Refusal(Json(body, status))


async def token(request: Request) -> Response:
    """POST /school/token: client credentials for a token of an hour; the next business date is past it."""
    values = await form(request)
    user, password = basic(request)
    client = (user or values.get("client_id"), password or values.get("client_secret"))
    if values.get("grant_type") != "client_credentials":
        return Json({"error": "unsupported_grant_type"}, 400)
    if client != (CLIENT_ID, SECRET):
        return Json({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
    state = state_of(request)
    scope = values.get("scope") or f"{ROSTER_SCOPE} {GRADEBOOK_SCOPE}"
    issued = f"at-{state.world.seed}-{len(state.tokens) + 1:06d}"
    state.tokens[issued] = (state.today, scope)
    return Json({"access_token": issued, "token_type": "Bearer", "expires_in": 3600, "scope": scope})


def _authorise(request: Request, needed: str) -> State:
    """Return the state, once the caller has shown a token of today with the scope."""
    state = state_of(request)
    issued, scope = state.tokens.get(bearer(request), (date.min, ""))
    if issued != state.today:
        raise _refusal(401, "unauthorisedrequest", "the access token is missing, unknown or expired")
    if needed not in scope.split():
        raise _refusal(403, "forbidden", f"the access token lacks the scope {needed}")
    return state


def _view(request: Request, name: str) -> tuple[View, list[Body]]:
    """Return a collection and the rows it shows today."""
    if name not in VIEWS:
        raise _refusal(404, "unknownobject", "no such collection")
    view = VIEWS[name]
    gradebook = request.url.path.startswith(GRADEBOOK)
    state = _authorise(request, GRADEBOOK_SCOPE if gradebook else ROSTER_SCOPE)
    if gradebook != (view.shelf in _IN_GRADEBOOK):
        raise _refusal(404, "unknownobject", "no such collection in this service")
    return view, [row.body for row in state.rows("oneroster", view.shelf) if view.shows(row.body)]


async def many(request: Request) -> Response:
    """GET a collection."""
    view, rows = _view(request, request.path_params["collection"])
    return _page(request, view, rows)


async def one(request: Request) -> Response:
    """GET one object."""
    view, rows = _view(request, request.path_params["collection"])
    found = next((row for row in rows if row["sourcedId"] == request.path_params["id"]), None)
    if found is None:
        raise _refusal(404, "unknownobject", "no such object")
    return Json({view.one: _render(request, _pick(request, found))})


# What hangs under an object: the parent's collection, the child's, and the child's field that names the parent.
NESTED = {
    ("classes", "lineItems"): "class",
    ("classes", "results"): "class",
    ("courses", "classes"): "course",
    ("schools", "classes"): "school",
    ("schools", "courses"): "org",
    ("schools", "enrollments"): "school",
    ("terms", "classes"): "terms",
}
_PEOPLE = {"students": "student", "teachers": "teacher"}


async def nested(request: Request) -> Response:
    """GET what belongs to an object, e.g. the students of a class."""
    parent, id, child = (request.path_params[name] for name in ("collection", "id", "child"))
    view, rows = _view(request, child)
    _must_exist(request, parent, id)
    if parent == "classes" and child in _PEOPLE:
        return _page(request, view, _members(request, rows, id, _PEOPLE[child]))
    field = NESTED.get((parent, child))
    if field is None:
        raise _refusal(404, "unknownobject", "no such collection")
    return _page(request, view, [row for row in rows if _points_at(row.get(field), id)])


def _must_exist(request: Request, collection: str, id: str) -> None:
    """Refuse an object that is not there today."""
    state, view = state_of(request), VIEWS.get(collection)
    if view is None or state.shelf("oneroster", view.shelf).get(id, state.today) is None:
        raise _refusal(404, "unknownobject", "no such object")


def _members(request: Request, users: list[Body], class_id: str, role: str) -> list[Body]:
    """Return the users who have a place of that role in a class."""
    places = (row.body for row in state_of(request).rows("oneroster", "enrollments"))
    ids = {p["user"].id for p in places if p["class"].id == class_id and p["role"] == role and p["status"] == "active"}
    return [user for user in users if user["sourcedId"] in ids]


def _points_at(value: Any, id: str) -> bool:
    """Say whether a reference, or one of several, is to that object."""
    return any(_points_at(item, id) for item in value) if isinstance(value, list) else bool(value) and value.id == id


def _page(request: Request, view: View, rows: list[Body]) -> Response:
    """Return one page of rows, filtered and sorted as asked, with the hints of the standard."""
    query = request.query_params
    limit, offset = whole(query.get("limit"), 100), whole(query.get("offset"), 0)
    if not limit or offset is None:
        raise _refusal(422, "invaliddata", "limit must be a whole number from 1, offset from 0")
    limit = min(limit, LARGEST_PAGE)
    try:
        keep = compile_filter(query.get("filter", ""))
        rows = [row for row in rows if keep(row)]
    except FilterError as bad:
        raise _refusal(400, "invalid_filter_field", str(bad)) from bad
    if field := query.get("sort"):
        rows = sorted(rows, key=sort_key(field), reverse=query.get("orderBy") == "desc")
    page = [_render(request, _pick(request, row)) for row in rows[offset : offset + limit]]
    headers = {"X-Total-Count": str(len(rows))}
    if links := _links(request, limit, offset, len(rows)):
        headers["Link"] = links
    return Json({view.many: page}, headers=headers)


def _links(request: Request, limit: int, offset: int, total: int) -> str:
    """Return the Link header of a page."""
    places = {"first": 0, "last": max(0, (total - 1) // limit * limit)}
    if offset + limit < total:
        places["next"] = offset + limit
    if offset:
        places["prev"] = max(0, offset - limit)
    links = []
    for rel, start in places.items():
        asked = {**request.query_params, "limit": limit, "offset": start}
        links.append(f'<{request.url.replace(query=urlencode(asked))}>; rel="{rel}"')
    return ", ".join(links)


def _pick(request: Request, row: Body) -> Body:
    """Return only the fields that were asked for."""
    if not (fields := request.query_params.get("fields")):
        return row
    wanted = [name.strip() for name in fields.split(",")]
    if not any(name in row for name in wanted):
        raise _refusal(400, "invalid_selection_field", "none of the fields exists")
    return {name: row[name] for name in wanted if name in row}


def _render(request: Request, value: Any) -> Any:
    """Turn references into the standard's, with the address the caller used."""
    if isinstance(value, Ref):
        service = GRADEBOOK if value.collection in _IN_GRADEBOOK else ROSTERING
        host = str(request.base_url).rstrip("/")
        href = f"{host}{service}/{value.collection}/{value.id}"
        return {"href": href, "sourcedId": value.id, "type": value.type}
    if isinstance(value, dict):
        return {name: _render(request, item) for name, item in value.items()}
    if isinstance(value, list):
        return [_render(request, item) for item in value]
    return value


ROUTES = [Route("/school/token", token, methods=["POST"])] + [
    route
    for service in (ROSTERING, GRADEBOOK)
    for route in (
        Route(service + "/{collection}", many, methods=["GET"]),
        Route(service + "/{collection}/{id}", one, methods=["GET"]),
        Route(service + "/{collection}/{id}/{child}", nested, methods=["GET"]),
    )
]
