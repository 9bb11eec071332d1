"""xAPI 1.0.3: online study and check-ins from a learning record store.

Belongs here: statements, `more` links, voiding. Does not: rates of attendance.
`options`: home_page (whose accounts are student numbers; any by default), page_size.
"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import isodate

from connectors import values
from connectors.base import Body, page_of, records_of
from connectors.http import HttpConnector
from connectors.paging import Trail
from models.records import OnlineStudy, Page, Record

VERBS = {
    "http://adlnet.gov/expapi/verbs/attended": "attended",
    "http://adlnet.gov/expapi/verbs/completed": "completed",
}
VOIDED = "http://adlnet.gov/expapi/verbs/voided"
HEADERS = {"X-Experience-API-Version": "1.0.3"}
STATEMENTS = "/xAPI/statements"


class XapiConnector(HttpConnector):
    """The learning record store of a centre or platform."""

    streams = ("online-study",)

    async def read(self, stream: str, since: datetime | None = None, **scope: Any) -> AsyncIterator[Page[Any]]:
        """Give what was stored after `since`, in the order it was stored.

        Verbs are sifted here: some servers' own filter fails.
        """
        operation = f"read {stream}"
        trail = Trail(self.connection.name, operation, "id")
        params = {"limit": str(self.connection.options.get("page_size", 1000)), "ascending": "true"}
        if since is not None:
            params["since"] = since.astimezone(UTC).isoformat().replace("+00:00", "Z")
        path = STATEMENTS
        while True:
            answer = await self._request(operation, path, params=params, headers=HEADERS)
            body = self._expect(answer.body, dict, operation)
            rows = self._expect(body.get("statements"), list, operation)
            trail.passed(rows)
            yield page_of(records_of(stream, rows, self._study, "id"))
            if not body.get("more"):
                return
            path, params = trail.leads_to(self._next_link(answer, str(body["more"]), operation)), {}

    def _study(self, statement: Body) -> Record | None:
        verb = statement["verb"]["id"]
        if verb == VOIDED:
            return self._voided(statement)
        account = statement["actor"].get("account")
        wanted = self.connection.options.get("home_page")
        if verb not in VERBS or (wanted and account and account["homePage"] != wanted):
            return None
        return OnlineStudy(
            source_id=values.text(statement["id"]),
            changed_at=values.optional_instant(statement.get("stored")),
            student_number=values.text(account["name"]),
            class_source_id=_class_of(statement),
            activity=values.text(statement["object"]["id"]),
            verb=VERBS[verb],
            minutes=_minutes((statement.get("result") or {}).get("duration")),
            at=values.instant(statement["timestamp"]),
        )

    def _voided(self, statement: Body) -> Record:
        """A voiding statement withdraws the one it refers to, whose own words are no longer to be had."""
        at = values.instant(statement["timestamp"])
        return OnlineStudy(
            source_id=values.text(statement["object"]["id"]), student_number="", class_source_id="", activity="",
            verb="voided", minutes=Decimal(0), at=at, voided=True,
            changed_at=values.optional_instant(statement.get("stored")),
        )  # fmt: skip


def _class_of(statement: Body) -> str:
    """The class is the last part of the parent activity's address."""
    parents = ((statement.get("context") or {}).get("contextActivities") or {}).get("parent") or []
    parent = parents[0] if isinstance(parents, list) and parents else parents
    return str(parent["id"]).rstrip("/").rpartition("/")[2] if parent else ""


def _minutes(duration: Any) -> Decimal:
    """ISO 8601 durations in minutes; a check-in may have none."""
    if duration in (None, ""):
        return Decimal(0)
    length = isodate.parse_duration(values.text(duration))
    if not isinstance(length, timedelta) or length < timedelta(0):
        raise ValueError("months are no length of study")
    return Decimal(length // timedelta(seconds=1)) / 60
