"""SCIM 2.0 (RFC 7643, 7644, 9865): who is employed, and who left.

Belongs here: users, their pages and filters. Does not: what employment means for a participant.
What SCIM lacks (the resident ID) is read from an extension whose URN is `options.extension`.
"""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from connectors import values
from connectors.auth import Call
from connectors.base import Body, page_of, records_of
from connectors.errors import OutsideError, Permanent, Refused, Transient
from connectors.http import HttpConnector, error_of
from connectors.paging import OffsetWalk, Trail
from models.records import Employment, Page, Record

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"
STATUS = re.compile("[1-5][0-9]{2}")
OPERATION = "read employment"


class ScimConnector(HttpConnector):
    """The HR system of one enterprise."""

    streams = ("employment",)

    async def read(self, stream: str, since: datetime | None = None, **scope: Any) -> AsyncIterator[Page[Any]]:
        """Give employees changed at or after `since`; all of them where the server cannot filter."""
        offers = await self._offers()
        query = {"count": str(self.connection.options.get("page_size", 200))}
        if since is not None and offers["filter"]:
            query["filter"] = f'meta.lastModified ge "{since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")}"'
        walk = self._by_cursor if offers["cursor"] else self._by_index
        async for rows, total in walk(query):
            yield page_of(records_of(stream, rows, self._employment, "id"), total)

    async def _offers(self) -> dict[str, bool]:
        """Ask what the server can do; one that does not say is asked for nothing."""
        try:
            answer = await self._request("read its abilities", "/ServiceProviderConfig")
        except Permanent as error:
            if error.status in (401, 403):
                raise
            return {"filter": False, "cursor": False}
        body = self._expect(answer.body, dict, "read its abilities")
        return {"filter": _offers(body, "filter", "supported"), "cursor": _offers(body, "pagination", "cursor")}

    async def _list(self, query: dict[str, str]) -> tuple[list[Any], int, str]:
        """Ask for one page: its users, how many there are in all, and where it goes on.

        A filter that is refused is left out from then on. With cursors a server need not count.
        """
        try:
            answer = await self._request(OPERATION, "/Users", params=query)
        except OutsideError as error:
            if "filter" not in query or not _is_unfiltered(error):
                raise
            del query["filter"]
            answer = await self._request(OPERATION, "/Users", params=query)
        body = self._expect(answer.body, dict, OPERATION)
        total, rows = body.get("totalResults"), body.get("Resources")
        if total is None and "cursor" in query and rows is not None:
            total = len(rows) if isinstance(rows, list) else None
        rows = rows or []
        if not isinstance(total, int) or not isinstance(rows, list):
            raise Permanent(self.connection.name, OPERATION, "its answer is no list of users: check base_url")
        return rows, total, str(body.get("nextCursor") or "")

    async def _by_index(self, query: dict[str, str]) -> AsyncIterator[tuple[Sequence[Any], int]]:
        """Walk by startIndex; the server may give fewer than asked for, so the next page starts where this ended."""
        walk, total = OffsetWalk(self.connection.name, OPERATION, "id"), 0

        async def ask(offset: int) -> Sequence[Any]:
            nonlocal total
            query["startIndex"] = str(offset + 1)
            rows, total, _ = await self._list(query)
            walk.complete = total == offset + len(rows)
            return rows

        async for rows in walk.pages(ask):
            yield rows, total
        if walk.end < total:
            raise Transient(self.connection.name, OPERATION, "it says there are more than it gives: try later",
                            again=False)  # fmt: skip

    async def _by_cursor(self, query: dict[str, str]) -> AsyncIterator[tuple[Sequence[Any], int]]:
        """Walk by cursor (RFC 9865), until the server gives none."""
        trail, query["cursor"] = Trail(self.connection.name, OPERATION, "id"), ""
        while True:
            rows, total, cursor = await self._list(query)
            trail.passed(rows)
            yield rows, total
            if not cursor:
                return
            query["cursor"] = trail.leads_to(cursor)

    def _objection(self, operation: str, call: Call, body: Any) -> OutsideError | None:
        """An error that comes with 200 is known by its schema, and says the status it should have had."""
        schemas = body.get("schemas") if isinstance(body, dict) else None
        if not isinstance(schemas, list) or ERROR not in schemas:
            return super()._objection(operation, call, body)
        status = str(body.get("status"))
        known = error_of(self.connection.name, operation, int(status)) if STATUS.fullmatch(status) else None
        return known or Transient(self.connection.name, operation, "it answered with an error: try later")

    def _employment(self, user: Body) -> Record:
        enterprise: Body = user.get(ENTERPRISE) or {}
        extension: Body = user.get(str(self.connection.options.get("extension", ""))) or {}
        name: Body = user.get("name") or {}
        return Employment(
            source_id=values.identifier(user["id"]),
            changed_at=values.optional_instant((user.get("meta") or {}).get("lastModified")),
            employee_number=values.identifier(
                enterprise.get("employeeNumber") or user.get("externalId") or user["userName"]
            ),
            name=values.words(name.get("formatted") or user.get("displayName") or user.get("userName")),
            active=values.flag(user.get("active", True)),
            department=values.optional_text(enterprise.get("department")),
            enterprise_code=self.connection.organisation,
            resident_id=values.optional_text(extension.get("residentId")),
            left_on=values.optional_day(extension.get("leftOn")),
        )


def _offers(body: Body, part: str, ability: str) -> bool:
    """Whether a server says so; one that says it in another shape does not."""
    said = body.get(part)
    return isinstance(said, Mapping) and said.get(ability) is True


def _is_unfiltered(error: OutsideError) -> bool:
    return isinstance(error, Refused) or error.status in (403, 501)
