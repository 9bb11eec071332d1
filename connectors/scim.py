"""SCIM 2.0 (RFC 7643, 7644, 9865): who is employed, and who left.

Belongs here: users, their pages and filters. Does not: what employment means for a participant.
What SCIM lacks (the resident ID) is read from an extension whose URN is `options.extension`.
"""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

from connectors import values
from connectors.base import Body, page_of, records_of
from connectors.errors import OutsideError, Permanent, Refused, Transient
from connectors.http import PAGE_CAP, HttpConnector
from models.records import Employment, Page, Record

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
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

        A filter that is refused is left out from then on.
        """
        try:
            answer = await self._request(OPERATION, "/Users", params=query)
        except OutsideError as error:
            if "filter" not in query or not _is_unfiltered(error):
                raise
            del query["filter"]
            answer = await self._request(OPERATION, "/Users", params=query)
        body = self._expect(answer.body, dict, OPERATION)
        total, rows = body.get("totalResults"), body.get("Resources") or []
        if not isinstance(total, int) or not isinstance(rows, list):
            raise Permanent(self.connection.name, OPERATION, "its answer is no list of users: check base_url")
        return rows, total, str(body.get("nextCursor") or "")

    async def _by_index(self, query: dict[str, str]) -> AsyncIterator[tuple[list[Any], int]]:
        """Walk by startIndex; the server may give fewer than asked for, so the next page starts where this ended."""
        start = 1
        for _ in range(PAGE_CAP):
            query["startIndex"] = str(start)
            rows, total, _ = await self._list(query)
            yield rows, total
            start += len(rows)
            if start > total:
                return
            if not rows:
                raise Transient(self.connection.name, OPERATION, "it says there are more than it gives: try later",
                                again=False)  # fmt: skip

    async def _by_cursor(self, query: dict[str, str]) -> AsyncIterator[tuple[list[Any], int]]:
        """Walk by cursor (RFC 9865), until the server gives none."""
        cursor, seen = "", set[str]()
        while len(seen) < PAGE_CAP:
            query["cursor"] = cursor
            rows, total, cursor = await self._list(query)
            yield rows, total
            if not cursor:
                return
            if cursor in seen:
                raise Transient(self.connection.name, OPERATION, "its pages go round in a circle", again=False)
            seen.add(cursor)

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
