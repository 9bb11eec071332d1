"""OneRoster 1.2 and 1.1: terms, courses, classes, people, enrolments, line items and results of a school.

Belongs here: collections, pages and fields by the book, and what servers make of it. Does not: marks' meaning.
`options`: version ("1.2"), page_size, parts (title of a category → formative, final, make-up).
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args

from connectors import values
from connectors.base import Body, page_of, records_of
from connectors.errors import Permanent, Refused
from connectors.http import PAGE_CAP, Answer, HttpConnector
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
CATEGORIES = Collection("categories", gradebook=True)


class OneRosterConnector(HttpConnector):
    """The student information system of one school."""

    streams = tuple(COLLECTIONS)

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

    def _path(self, collection: Collection) -> str:
        version = str(self.connection.options.get("version", "1.2"))
        if version.startswith("1.1"):
            return f"/v1p1/{collection.path}"
        return f"/{'gradebook' if collection.gradebook else 'rostering'}/v1p2/{collection.path}"

    async def _pages(
        self, stream: str, collection: Collection, since: datetime | None
    ) -> AsyncIterator[tuple[list[Any], int | None]]:
        """Walk by offset until a page is short and a total says that it is the last, else until one is empty.

        A server may cap the limit without a word, so that a short page alone ends nothing, nor does a hint alone:
        at most one request too many is made. Raises Permanent for a server that gives one page again and again.
        """
        operation, path = f"read {stream}", self._path(collection)
        size = int(self.connection.options.get("page_size", 500))
        query = {"limit": str(size), "sort": "sourcedId", "orderBy": "asc"}
        if since is not None:
            stamp = since.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            query["filter"] = f"dateLastModified>='{stamp}'"
        offset, before = 0, list[Any]()
        for _ in range(PAGE_CAP):
            query["offset"] = str(offset)
            answer = await self._get(operation, path, query)
            rows = self._rows(answer, collection, operation)
            if rows and rows == before:
                raise Permanent(self.connection.name, operation, "it gives the same page again and again: "
                                "ask the school whether it pages by offset")  # fmt: skip
            total, before = _total(answer), rows
            yield rows, total
            offset += len(rows)
            if not rows or (len(rows) < size and _is_last(answer, offset, total)):
                return

    async def _get(self, operation: str, path: str, query: dict[str, str]) -> Answer:
        """Ask for one page; a filter or an order that is refused at the start is left out from then on."""
        try:
            return await self._request(operation, path, params=query)
        except Refused:
            if query["offset"] != "0" or "sort" not in query:
                raise
        for name in ("filter", "sort", "orderBy"):
            query.pop(name, None)
        return await self._request(operation, path, params=query)

    def _rows(self, answer: Answer, collection: Collection, operation: str) -> list[Any]:
        body = self._expect(answer.body, dict, operation)
        # Servers of 1.1 wrap terms as academicSessions, as 1.2 does.
        found = body.get(collection.path, body.get("academicSessions"))
        rows: list[Any] = self._expect(found, list, operation)
        return rows


def _total(answer: Answer) -> int | None:
    text = answer.headers.get("x-total-count", "")
    return int(text) if text.isdecimal() else None


def _is_last(answer: Answer, offset: int, total: int | None) -> bool:
    """Whether a short page is known to be the last: its total says so and no link leads on."""
    link = answer.headers.get("link", "")
    if 'rel="next"' in link:
        return False
    return total is not None and offset >= total


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
    status = values.text(body["scoreStatus"])
    score = values.optional_decimal(body.get("score"))
    return Result(**_head(body), line_item_source_id=_ref(body, "lineItem"), learner_source_id=_ref(body, "student"),
                  score=score, score_status=status, scored_on=values.optional_day(body.get("scoreDate")))  # fmt: skip


PARSERS: dict[str, Callable[[Body], Record | None]] = {
    "terms": _term, "courses": _course, "classes": _class, "people": _learner, "enrolments": _enrolment,
    "results": _result,
}  # fmt: skip
