"""The HR systems of the enterprises: SCIM 2.0 with the enterprise extension and one for workers.

Belongs here: /Users, /ServiceProviderConfig, filters and pages. Does not: rosters (rosters.py).
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.days import local_iso, moment, utc_iso
from sandbox.organisations import DRIVES, ENTERPRISES
from sandbox.wire.http import Json, Refusal, has_secret, parse_time
from sandbox.wire.names import ENTERPRISE_EXTENSION, SCIM_EXTENSION
from sandbox.wire.shelf import Row
from sandbox.wire.state import State, state_of
from sandbox.world import Employee

LARGEST_PAGE = 100  # What is asked beyond it is silently cut, as real servers do.
SYSTEM_START = date(2023, 4, 3)
_MOST = 2**31
_USER = "urn:ietf:params:scim:schemas:core:2.0:User"
_LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
_SPACE = UUID("6f1f0a52-6c1e-4f0e-9d0a-0c5a3a1e7b10")
_FILTER = re.compile(r'\s*([\w.:]+)\s+(eq|ne|ge|gt|le|lt|co|sw)\s+(?:"([^"]*)"|(true|false))\s*', re.IGNORECASE)
_TIMES = {"meta.lastmodified", "meta.created"}


def fill(state: State) -> None:
    """Put everyone on the payrolls on the shelves: once as hired, once more as he leaves."""
    for employee in state.world.staff:
        number = employee.employee_number
        entered = SYSTEM_START + timedelta(days=int(number[-2:]) % 20)
        since = moment(max(entered, employee.hired_on), number)
        state.put(employee.enterprise.path, "Users", number, since, _user(employee, since, since, True))
        if employee.left_on:
            left = moment(employee.left_on, number)
            state.put(employee.enterprise.path, "Users", number, left, _user(employee, since, left, False))


def _user(employee: Employee, created: datetime, changed: datetime, active: bool) -> dict[str, Any]:
    """Return a user resource without its location."""
    person, number = employee.person, employee.employee_number
    return {
        "schemas": [_USER, ENTERPRISE_EXTENSION, SCIM_EXTENSION],
        "id": str(uuid5(_SPACE, number)),
        "externalId": number,
        "userName": f"e{number.lower()}",
        "name": {"formatted": person.name, "familyName": person.surname, "givenName": person.given_name},
        "displayName": person.name,
        "active": active,
        "phoneNumbers": [{"type": "mobile", "value": person.mobile}],
        ENTERPRISE_EXTENSION: {
            "employeeNumber": number,
            "organization": employee.enterprise.name,
            "department": "制造部",
        },
        SCIM_EXTENSION: {
            "residentId": person.resident_id,
            "hiredOn": employee.hired_on.isoformat(),
            "education": person.education,
        },
        "meta": {
            "resourceType": "User",
            "created": utc_iso(created),
            "lastModified": utc_iso(changed),
            "version": f'W/"{1 if active else 2}"',
        },
    }


def _error(status: int, detail: str, kind: str = "") -> Refusal:
    """Return an error as SCIM words it."""
    body = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": str(status), "detail": detail}
    return Refusal(Json(body | ({"scimType": kind} if kind else {}), status))


def _enter(request: Request) -> str:
    """Return the path of the enterprise called, once the caller has shown the token."""
    if not has_secret(request):
        raise _error(401, "Authorization failure. The authorization header is invalid or missing.")
    code = request.path_params["usc"]
    for enterprise in ENTERPRISES:
        if enterprise.code == code:
            return enterprise.path
    raise _error(404, "no such enterprise")


def _pages_by_cursor(path: str) -> bool:
    """Say whether the enterprise's system offers cursor paging (RFC 9865); one does."""
    return path == DRIVES.path


async def configuration(request: Request) -> Response:
    """GET /ServiceProviderConfig."""
    path = _enter(request)
    off = {"supported": False}
    body = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": off,
        "bulk": {"supported": False, "maxOperations": 0, "maxPayloadSize": 0},
        "filter": {"supported": True, "maxResults": LARGEST_PAGE},
        "changePassword": off,
        "sort": off,
        "etag": off,
        "pagination": {"cursor": _pages_by_cursor(path), "index": True, "defaultPageSize": LARGEST_PAGE,
                       "maxPageSize": LARGEST_PAGE, "defaultPaginationMethod": "index"},
        "authenticationSchemes": [
            {"type": "oauthbearertoken", "name": "OAuth Bearer Token", "description": "一个固定令牌"}
        ],
        "meta": {"resourceType": "ServiceProviderConfig"},
    }  # fmt: skip
    return Json(body, media_type="application/scim+json")


def _render(request: Request, path: str, row: Row) -> dict[str, Any]:
    """Return a user with its location."""
    host = str(request.base_url).rstrip("/")
    meta = {**row.body["meta"], "location": f"{host}/{path}/scim/v2/Users/{row.body['id']}"}
    return {**row.body, "meta": meta}


async def user(request: Request) -> Response:
    """GET /Users/{id}."""
    path = _enter(request)
    for row in state_of(request).rows(path, "Users"):
        if row.body["id"] == request.path_params["id"]:
            return Json(_render(request, path, row), media_type="application/scim+json")
    raise _error(404, f"Resource {request.path_params['id']} not found")


async def users(request: Request) -> Response:
    """GET /Users with filter, startIndex and count, or cursor and count."""
    path, query = _enter(request), request.query_params
    keep = _filter(query.get("filter", ""))
    rows = [row for row in state_of(request).rows(path, "Users") if keep(row)]
    count = min(_number(query.get("count"), LARGEST_PAGE), LARGEST_PAGE)
    by_cursor = "cursor" in query
    if by_cursor and not _pages_by_cursor(path):
        raise _error(400, "cursor pagination is not supported", "invalidValue")
    start = _cursor_place(query["cursor"]) if by_cursor else max(1, _number(query.get("startIndex"), 1))
    page = rows[start - 1 : start - 1 + count]
    body: dict[str, Any] = {"schemas": [_LIST], "totalResults": len(rows), "itemsPerPage": len(page)}
    if not by_cursor:
        body["startIndex"] = start
    elif start - 1 + len(page) < len(rows):
        body["nextCursor"] = base64.urlsafe_b64encode(str(start + count).encode()).decode()
    body["Resources"] = [_render(request, path, row) for row in page]
    return Json(body, media_type="application/scim+json")


def _number(text: str | None, default: int) -> int:
    """Read a number; a negative one counts as 0, as the RFC says, and no more than JSON can carry."""
    try:
        return min(max(0, int(text)), _MOST) if text else default
    except ValueError as bad:
        raise _error(400, "startIndex and count are whole numbers", "invalidValue") from bad


def _cursor_place(cursor: str) -> int:
    """Read where a page starts; an empty cursor is the first page."""
    try:
        place = int(base64.urlsafe_b64decode(cursor)) if cursor else 1
    except (binascii.Error, ValueError):
        place = 0
    if place < 1:
        raise _error(400, "the cursor is not one of ours", "invalidCursor")
    return place


def _filter(text: str) -> Callable[[Row], bool]:
    """Return the test a filter asks for: one comparison, or several joined by `and`."""
    if not text:
        return lambda _: True
    terms = []
    for part in re.split(r"\s+and\s+", text, flags=re.IGNORECASE):
        found = _FILTER.fullmatch(part)
        if not found or _attribute(found[1]) is None:
            raise _error(400, "the filter cannot be read", "invalidFilter")
        terms.append((_short(found[1]), found[2].lower(), found[3] if found[3] is not None else found[4]))
    return lambda row: all(_holds(row, *term) for term in terms)


def _short(name: str) -> str:
    """Return the name of an attribute in lower case, without its schema."""
    return name.lower().removeprefix(f"{ENTERPRISE_EXTENSION.lower()}:").removeprefix(f"{_USER.lower()}:")


def _attribute(name: str) -> Callable[[Row], Any] | None:
    """Return how to read an attribute of a user, None for one that cannot be filtered by."""
    readers: dict[str, Callable[[Row], Any]] = {
        "id": lambda row: row.body["id"],
        "username": lambda row: row.body["userName"],
        "externalid": lambda row: row.body["externalId"],
        "employeenumber": lambda row: row.body[ENTERPRISE_EXTENSION]["employeeNumber"],
        "active": lambda row: "true" if row.body["active"] else "false",
        "meta.lastmodified": lambda row: local_iso(row.changed),
        "meta.created": lambda row: row.body["meta"]["created"],
    }
    return readers.get(_short(name))


def _holds(row: Row, name: str, sign: str, wanted: str) -> bool:
    """Compare an attribute with the value of a filter."""
    read = _attribute(name)
    left: Any = read(row) if read else ""
    right: Any = wanted
    if name in _TIMES:
        left, right = parse_time(left), parse_time(wanted)
        if right is None:
            raise _error(400, "a time is wanted", "invalidFilter")
    elif name != "id":
        left, right = str(left).casefold(), wanted.casefold()
    if sign in ("co", "sw"):
        return str(left).startswith(str(right)) if sign == "sw" else str(right) in str(left)
    order = (left > right) - (left < right)
    wanted_order = {"eq": (0,), "ne": (-1, 1), "ge": (0, 1), "gt": (1,), "le": (-1, 0), "lt": (-1,)}
    return order in wanted_order[sign]


_BASE = "/hr/{usc}/scim/v2"
ROUTES = [
    Route(_BASE + "/ServiceProviderConfig", configuration, methods=["GET"]),
    Route(_BASE + "/Users", users, methods=["GET"]),
    Route(_BASE + "/Users/{id}", user, methods=["GET"]),
]
