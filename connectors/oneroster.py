"""OneRoster 1.2 and 1.1: terms, courses, classes, people, enrolments, line items and results of a school.

Belongs here: collections, pages and fields by the book, and what servers make of it. Does not: marks' meaning.
`options`: version ("1.2"), page_size, streams (what the school offers; all by default), parts (title of a category →
formative, final, make-up).
"""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args

from connectors import values
from connectors.auth import Call
from connectors.base import Body, Connection, page_of, records_of
from connectors.errors import OutsideError, Refused, Transient
from connectors.http import Answer, HttpConnector, error_of
from connectors.paging import OffsetWalk
from models.records import (
    ClassSection,
    Course,
    Enrolment,
    Learner,
    LineItem,
    Page,
    Part,
    Record,
    Result,
    Term,
)  # fmt: skip

PAGE_SIZE = 2000
TOTAL_DIGITS = 19
GRADED = "fully graded"
# What the minor codes of the standard mean, in statuses.
MINOR = {"server_busy": 503, "internal_server_error": 500, "unauthori": 401, "forbidden": 403, "invalid": 400}
PARTS: dict[str, Part] = {"平时": "formative", "期末": "final", "补考": "make-up", "formative": "formative",
                          "final": "final", "make-up": "make-up"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection of the standard: its path, and whether the gradebook service has it."""

    path: str
    gradebook: bool = False


COLLECTIONS = {
    "terms": Collection("terms"),
    "courses": Collection("courses"),
    "classes": Collection("classes"),
    "people": Collection("users"),
    "enrolments": Collection("enrollments"),
    "line-items": Collection("lineItems", gradebook=True),
    "results": Collection("results", gradebook=True),
}
SCOPES = "https://purl.imsglobal.org/spec/or/v1p2/scope"
CATEGORIES = Collection("categories", gradebook=True)


class OneRosterConnector(HttpConnector):
    """The student information system of one school."""

    def __init__(self, connection: Connection, client: Any = None) -> None:
        """Take the streams from the settings: not every school's server has the gradebook. Raises Permanent."""
        super().__init__(connection, client)
        self.streams = self._offered(COLLECTIONS, tuple(COLLECTIONS))

    async def read(self, stream: str, since: datetime | None = None, **scope: Any) -> AsyncIterator[Page[Any]]:
        """Give the objects changed at or after `since`; all of them where the server refuses to filter."""
        parse = await self._parser(stream)
        async for rows, total in self._pages(stream, COLLECTIONS[stream], since):
            yield page_of(records_of(stream, rows, parse, "sourcedId"), total)

    async def _parser(self, stream: str) -> Callable[[Body], Record | None]:
        if stream == "line-items":
            parts = await self._parts()
            return lambda body: _line_item(body, parts)
        return PARSERS[stream]

    async def _parts(self) -> dict[str, Part]:
        """Which part of a mark each category is, by its title."""
        known = cast("dict[str, Part]", self._meanings("parts", PARTS, get_args(Part)))
        parts: dict[str, Part] = {}
        async for rows, _ in self._pages("line-items", CATEGORIES, None):
            named = (row for row in rows if isinstance(row, dict))
            parts |= {str(row.get("sourcedId")): known.get(str(row.get("title")), "other") for row in named}
        return parts

    def _advice(self, stream: str, error: OutsideError) -> str:
        """A right that is missing is a scope; which one is asked for, the standard says."""
        if error.status != 403:
            return str(error)
        service = "gradebook" if COLLECTIONS[stream].gradebook else "roster"
        return (f"{self.connection.name}: read {stream}: the login may not read this: ask the school to grant the scope "
                f"{SCOPES}/{service}-core.readonly, and name it in auth.scopes")  # fmt: skip

    def _path(self, collection: Collection) -> str:
        version = str(self.connection.options.get("version", "1.2"))
        if version.startswith("1.1"):
            return f"/v1p1/{collection.path}"
        return f"/{'gradebook' if collection.gradebook else 'rostering'}/v1p2/{collection.path}"

    async def _pages(
        self, stream: str, collection: Collection, since: datetime | None
    ) -> AsyncIterator[tuple[Sequence[Any], int | None]]:
        """Walk by offset until a page brings nothing new: totals, links and short pages are hints and end nothing.

        A server may cap the limit without a word. Raises Transient for one that announces rows and gives none.
        """
        operation, path = f"read {stream}", self._path(collection)
        walk, query, total = OffsetWalk(self.connection.name, operation, "sourcedId"), self._query(since), None

        async def ask(offset: int) -> Sequence[Any]:
            nonlocal total
            query["offset"] = str(offset)
            answer = await self._get(operation, path, query)
            rows, total = self._rows(answer, collection, operation), _total(answer)
            walk.complete = total == offset + len(rows) and 'rel="next"' not in answer.headers.get("link", "")
            return rows

        async for rows in walk.pages(ask):
            if not rows and total and "filter" not in query:
                raise Transient(self.connection.name, operation, "it says there are rows and gives none: try later",
                                again=False)  # fmt: skip
            yield rows, total

    def _query(self, since: datetime | None) -> dict[str, str]:
        size = max(2, int(self.connection.options.get("page_size", PAGE_SIZE)))
        query = {"limit": str(size), "sort": "sourcedId", "orderBy": "asc"}
        if since is not None:
            stamp = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            query["filter"] = f"dateLastModified>='{stamp}'"
        return query

    async def _get(self, operation: str, path: str, query: dict[str, str]) -> Answer:
        """Ask for one page; a filter, an order, then a limit refused at the start are left out from then on."""
        left_out = (("filter", "sort", "orderBy"), ("limit",)) if query["offset"] == "0" else ()
        for names in left_out:
            try:
                return await self._request(operation, path, params=query)
            except Refused:
                for name in names:
                    query.pop(name, None)
        return await self._request(operation, path, params=query)

    def _rows(self, answer: Answer, collection: Collection, operation: str) -> list[Any]:
        body = self._expect(answer.body, dict, operation)
        # Servers of 1.1 wrap terms as academicSessions, as 1.2 does.
        found = body.get(collection.path, body.get("academicSessions"))
        rows: list[Any] = self._expect(found, list, operation)
        return rows

    def _objection(self, operation: str, call: Call, body: Any) -> OutsideError | None:
        """An error that comes with 200 says so in `imsx_codeMajor`: nested by the book, flat in the field."""
        info = body.get("imsx_StatusInfo", body) if isinstance(body, dict) else None
        if not isinstance(info, dict) or info.get("imsx_codeMajor") not in ("failure", "error"):
            return super()._objection(operation, call, body)
        said = str(info.get("imsx_CodeMinor")).lower()
        status = next((status for name, status in MINOR.items() if name in said), 404)
        return error_of(self.connection.name, operation, status)


def _total(answer: Answer) -> int | None:
    text = answer.headers.get("x-total-count", "")
    return int(text) if text.isdecimal() and len(text) < TOTAL_DIGITS else None


def _head(body: Body) -> dict[str, Any]:
    return {
        "source_id": values.identifier(body["sourcedId"]),
        "changed_at": values.optional_instant(body.get("dateLastModified")),
        "removed": body.get("status") == "tobedeleted",
    }


def _ref(body: Body, name: str) -> str:
    return values.identifier(body[name]["sourcedId"])


def _term(body: Body) -> Record:
    """The end date of an academic session is the day after its last, by the book."""
    return Term(**_head(body), title=values.words(body.get("title")), starts_on=values.day(body["startDate"]),
                ends_on=values.day(body["endDate"]) - timedelta(days=1))  # fmt: skip


def _course(body: Body) -> Record:
    return Course(**_head(body), code=values.text(body["courseCode"]), title=values.words(body.get("title")))


def _class(body: Body) -> Record:
    terms = tuple(values.identifier(term["sourcedId"]) for term in body.get("terms") or ())
    return ClassSection(**_head(body), code=values.words(body.get("classCode")), title=values.words(body.get("title")),
                        course_source_id=_ref(body, "course"), term_source_ids=terms)  # fmt: skip


def _learner(body: Body) -> Record:
    return Learner(**_head(body), student_number=_student_number(body), active=values.flag(body["enabledUser"]),
                   name=values.words(body.get("familyName")) + values.words(body.get("givenName")))  # fmt: skip


def _student_number(body: Body) -> str | None:
    """The student number is among `userIds` by the book, or in `identifier` in the field."""
    named = [one["identifier"] for one in body.get("userIds") or () if one.get("type") == "studentNumber"]
    return values.optional_text(named[0] if named else body.get("identifier"))


def _enrolment(body: Body) -> Record:
    head = _head(body)
    return Enrolment(**head, class_source_id=_ref(body, "class"), learner_source_id=_ref(body, "user"),
                     role=values.text(body["role"]), active=not head["removed"])  # fmt: skip


def _line_item(body: Body, parts: dict[str, Part]) -> Record:
    part = parts[_ref(body, "category")]  # one in no known category must not count as none of a mark
    return LineItem(**_head(body), class_source_id=_ref(body, "class"), title=values.words(body.get("title")), part=part,
                    due_on=values.optional_day(body.get("dueDate")))  # fmt: skip


def _result(body: Body) -> Record:
    """By far the most rows of a night are results: what they say again and again is read once.

    One that is graded in full and has no score is none: who took its field away?
    """
    status, written = values.TEXTS[body["scoreStatus"]], body.get("score")
    score = None if written is None or written == "" else values.decimal(written)
    if score is None and status == GRADED:
        raise ValueError("graded without a score")
    return Result(
        source_id=values.identifier(body["sourcedId"]), changed_at=values.optional_instant(body.get("dateLastModified")),
        removed=body.get("status") == "tobedeleted", line_item_source_id=values.IDENTIFIERS[body["lineItem"]["sourcedId"]],
        learner_source_id=values.IDENTIFIERS[body["student"]["sourcedId"]], score=score,
        score_status=status, scored_on=values.DAYS[body.get("scoreDate")],
    )  # fmt: skip


PARSERS: dict[str, Callable[[Body], Record | None]] = {
    "terms": _term, "courses": _course, "classes": _class, "people": _learner, "enrolments": _enrolment,
    "results": _result,
}  # fmt: skip
