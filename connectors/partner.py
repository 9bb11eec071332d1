"""Our own partner API: what no standard covers, read from and sent to schools, assessors, unions and finance.

Belongs here: its pages, its idempotent sending and its rows. Does not: who decides what.
`options.streams` names what a partner offers to read.
"""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

from connectors import values
from connectors.base import Body, Connection, page_of, records_of
from connectors.errors import OutsideError
from connectors.http import HttpConnector
from connectors.paging import Trail
from models import records
from models.records import Page, Record

ROOT = "/partner/v1"


class PartnerConnector(HttpConnector):
    """One partner's end of the API."""

    exact = True  # payments are among what it carries

    def __init__(self, connection: Connection, client: Any = None) -> None:
        """Take the streams from the settings, in the order the programme needs them.

        Raises Permanent for a stream nobody knows: it would silently never be read.
        """
        super().__init__(connection, client)
        self.streams = self._offered(PARSERS)

    async def read(self, stream: str, since: datetime | None = None, **scope: Any) -> AsyncIterator[Page[Any]]:
        """Give the rows changed at or after `since`, oldest change first."""
        operation = f"read {stream}"
        trail = Trail(self.connection.name, operation, "id")
        params = {"limit": str(self.connection.options.get("page_size", 500))}
        if since is not None:
            params["since"] = since.isoformat()
        while True:
            answer = await self._request(operation, f"{ROOT}/{stream}", params=params)
            body = self._expect(answer.body, dict, operation)
            items = self._expect(body.get("items"), list, operation)
            trail.passed(items)
            yield page_of(records_of(stream, items, PARSERS[stream], "id"))
            cursor = str(body.get("next") or "")
            if not cursor:
                return
            params["cursor"] = trail.leads_to(cursor)

    def _advice(self, stream: str, error: OutsideError) -> str:
        """A partner need not offer every stream, and may give a token that reads some alone."""
        said = {403: f"the token may not read this: ask the partner to let it read {stream}",
                404: f"it does not offer this: take {stream} out of options.streams, or correct base_url"}  # fmt: skip
        return f"{self.connection.name}: read {stream}: {said[error.status]}" if error.status in said else str(error)

    async def send(self, resource: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Send something once: the same key again is the same thing, and gets the same answer.

        Raises Refused when the partner will not have it.
        """
        headers = {"Idempotency-Key": key}
        answer = await self._request(
            f"send {resource}", f"{ROOT}/{resource}", method="POST", body=body, headers=headers
        )
        found: dict[str, Any] = self._expect(answer.body, dict, f"send {resource}")
        return found


def _head(body: Body) -> dict[str, Any]:
    return {
        "source_id": values.identifier(body["id"]),
        "changed_at": values.instant(body["updated_at"]),
        "removed": body.get("deleted") is True,
    }


def _consent(body: Body) -> Record:
    return records.Consent(
        **_head(body), employee_number=values.text(body["employee_number"]),
        resident_id=values.text(body["resident_id"]), kinds=tuple(values.text(kind) for kind in body["kinds"]),
        text_version=values.text(body["text_version"]), given_at=values.instant(body["given_at"]),
        withdrawn_at=values.optional_instant(body.get("withdrawn_at")),
    )  # fmt: skip


def _document(body: Body) -> Record:
    return records.Document(
        **_head(body), resident_id=values.text(body["resident_id"]), kind=values.text(body["kind"]),
        value=values.text(body["value"]), as_of=values.day(body["as_of"]),
    )  # fmt: skip


def _leave(body: Body) -> Record:
    return records.Leave(
        **_head(body), resident_id=values.text(body["resident_id"]), starts_on=values.day(body["from"]),
        ends_on=values.day(body["to"]), kind=values.text(body["kind"]), status=values.text(body["status"]),
        hours=values.decimal(body["hours"]),
    )  # fmt: skip


def _outcome(body: Body) -> Record:
    return records.OutcomeClaim(
        **_head(body), resident_id=values.text(body["resident_id"]), kind=values.text(body["kind"]),
        title=values.text(body["title"]), evidence=values.text(body["evidence"]),
        module_code=values.text(body["module_code"]), credits_claimed=values.decimal(body["credits_claimed"]),
        awarded_on=values.day(body["awarded_on"]),
    )  # fmt: skip


def _objection(body: Body) -> Record:
    return records.Objection(
        **_head(body), notice_id=values.text(body["notice_id"]), resident_id=values.text(body["resident_id"]),
        text=values.text(body["text"]), raised_on=values.day(body["raised_on"]), status=values.text(body["status"]),
        decided_on=values.optional_day(body.get("decided_on")), reason=values.optional_text(body.get("reason")),
    )  # fmt: skip


def _admission(body: Body) -> Record:
    return records.AdmissionDecision(
        **_head(body), application_id=values.text(body["application_id"]), status=values.text(body["status"]),
        reason=values.optional_text(body.get("reason")), decided_on=values.optional_day(body.get("decided_on")),
    )  # fmt: skip


def _registration(body: Body) -> Record:
    return records.Registration(
        **_head(body), application_id=values.text(body["application_id"]),
        student_number=values.text(body["student_number"]), status=values.text(body["status"]),
        registered_on=values.day(body["registered_on"]),
    )  # fmt: skip


def _class_confirmation(body: Body) -> Record:
    return records.ClassConfirmation(
        **_head(body), class_source_id=values.text(body["class_id"]), status=values.text(body["status"]),
        starts_on=values.day(body["starts_on"]), confirmed_on=values.optional_day(body.get("confirmed_on")),
    )  # fmt: skip


def _skill_result(body: Body) -> Record:
    return records.SkillResult(
        **_head(body), registration_id=values.text(body["registration_id"]), status=values.text(body["status"]),
        score=values.optional_decimal(body.get("score")), assessed_on=values.day(body["assessed_on"]),
    )  # fmt: skip


def _skill_certificate(body: Body) -> Record:
    return records.SkillCertificate(
        **_head(body), registration_id=values.text(body["registration_id"]), number=values.text(body["number"]),
        level=int(values.decimal(body["level"])), issued_on=values.day(body["issued_on"]),
    )  # fmt: skip


def _diploma(body: Body) -> Record:
    return records.Diploma(
        **_head(body), graduation_id=values.text(body["graduation_id"]), number=values.text(body["number"]),
        issued_on=values.day(body["issued_on"]),
    )  # fmt: skip


def _payment_result(body: Body) -> Record:
    return records.PaymentResult(
        **_head(body), payment_id=values.text(body["payment_id"]), status=values.text(body["status"]),
        reason=values.optional_text(body.get("reason")), on=values.day(body["on"]),
    )  # fmt: skip


PARSERS: dict[str, Callable[[Body], Record | None]] = {
    "consents": _consent, "documents": _document, "leave": _leave, "outcomes": _outcome, "objections": _objection,
    "admissions": _admission, "registrations": _registration, "class-confirmations": _class_confirmation,
    "skill-results": _skill_result, "diplomas": _diploma, "skill-certificates": _skill_certificate,
    "payment-results": _payment_result,
}  # fmt: skip
