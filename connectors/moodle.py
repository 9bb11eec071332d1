"""Moodle's mod_attendance: face-to-face sessions and their registers.

Belongs here: web service functions and the school's own acronyms. Does not: rates of attendance.
`options.acronyms` maps the school's acronyms to present, late, excused or absent; P, L, E, A by default.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args

from connectors import values
from connectors.auth import Call
from connectors.base import LOGIN, ROW_ERRORS, Body, Check, unreadable
from connectors.errors import OutsideError, Permanent, Transient
from connectors.http import HttpConnector, side_by_side
from models.records import Meaning, Page, Record, RegisterEntry, Session, Unreadable

ACRONYMS: dict[str, Meaning] = {"P": "present", "L": "late", "E": "excused", "A": "absent"}
SERVICE = "/webservice/rest/server.php"
_LET_IN = "check its token and rights"
NEEDED = ("core_course_get_courses_by_field", "core_course_get_contents", "core_enrol_get_enrolled_users",
          "mod_attendance_get_sessions")  # fmt: skip
STREAM = "attendance"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Moodle tells errors with status 200; these are of the token or its rights.
LOCKED_OUT = frozenset({"invalidtoken", "accessexception", "nopermissions", "invalidlogin"})
LATER = frozenset({"sitemaintenance", "upgraderunning", "dmlconnectionexception", "dmlreadexception", "locktimeout"})


class MoodleConnector(HttpConnector):
    """The learning platform of one school."""

    streams = (STREAM,)

    async def read(self, stream: str, since: datetime | None = None, **scope: Any) -> AsyncIterator[Page[Any]]:
        """Give sessions and register entries, a page a class; `classes` names the classes by their source ids.

        There is no "since" on this wire: all of a class is given, to be compared by content.
        """
        classes = (self._class_page(source_id) for source_id in scope.get("classes", ()))
        async with aclosing(side_by_side(classes)) as pages:
            async for page in pages:
                yield page

    async def check(self) -> list[Check]:
        """Ask for the site, and whether the token may call what is needed."""
        try:
            site = self._expect(await self._call("check", "core_webservice_get_site_info"), Mapping, "check")
        except OutsideError as error:
            return [Check(LOGIN if error.status == 401 or _LET_IN in str(error) else STREAM, False, str(error))]
        offered = {str(one.get("name")) for one in site.get("functions") or () if isinstance(one, Mapping)}
        missing = [name for name in NEEDED if name not in offered]
        if missing:
            return [Check(STREAM, False, f"{self.connection.name}: its token may not call {', '.join(missing)}: "
                                         "add them to the web service in Moodle")]  # fmt: skip
        return [Check(STREAM, True)]

    async def _call(self, operation: str, function: str, **params: Any) -> Any:
        form = {"wsfunction": function, "moodlewsrestformat": "json", **{k: str(v) for k, v in params.items()}}
        return (await self._request(operation, SERVICE, method="POST", form=form)).body

    def _objection(self, operation: str, call: Call, body: Any) -> OutsideError | None:
        """Moodle tells every error with status 200."""
        if not isinstance(body, Mapping) or "exception" not in body:
            return super()._objection(operation, call, body)
        code, function = str(body.get("errorcode", "")), (call.form or {}).get("wsfunction")
        if code in LATER:
            return Transient(self.connection.name, operation, "it is being maintained: try later")
        locked_out = code in LOCKED_OUT
        what = _LET_IN if locked_out else f"its function {function} failed"
        return Permanent(self.connection.name, operation, f"it answered with an error: {what}", dead=locked_out)

    async def _class_page(self, source_id: str) -> Page[Record]:
        """Read one class. Raises Permanent where what stands around the registers has another shape."""
        operation = f"read {STREAM}"
        try:
            return await self._class(operation, source_id)
        except ROW_ERRORS as error:
            raise Permanent(self.connection.name, operation, "its answer has another shape than Moodle's: "
                            "check its version and plugin") from error  # fmt: skip

    async def _class(self, operation: str, source_id: str) -> Page[Record]:
        """Read one class; one that Moodle does not have yet is empty."""
        found = self._expect(
            await self._call(operation, NEEDED[0], field="idnumber", value=source_id), Mapping, operation
        )
        records: list[Record] = []
        for course in self._expect(found.get("courses"), list, operation):
            contents = self._expect(await self._call(operation, NEEDED[1], courseid=course["id"]), list, operation)
            for instance in _instances(contents):
                records += await self._register(operation, source_id, course["id"], instance)
        return Page(records)

    async def _register(self, operation: str, class_id: str, course_id: int, instance: int) -> list[Record]:
        people = self._expect(await self._call(operation, NEEDED[2], courseid=course_id), list, operation)
        sessions = self._expect(await self._call(operation, NEEDED[3], attendanceid=instance), list, operation)
        numbers = {person["id"]: str(person.get("idnumber") or "") for person in people}
        meanings = cast("dict[str, Meaning]", self._meanings("acronyms", ACRONYMS, get_args(Meaning)))
        records: list[Record] = []
        for body in sessions:
            try:
                records += [_session(body, class_id), *_entries(body, class_id, numbers, meanings)]
            except ROW_ERRORS:  # a session whose register cannot be read proves no absence
                records.append(_unread_session(body, class_id))
        return records


def _entries(session: Body, class_id: str, numbers: Mapping[Any, str], meanings: Mapping[str, Meaning]) -> list[Record]:
    """Give the lines of a register that is closed; before, it says nothing.

    A line of a person without a student number, or with an acronym nobody gave a meaning, is Unreadable: it is not that
    the register has no line of him.
    """
    if not session.get("lasttaken"):
        return []
    acronyms = {str(one["id"]): str(one.get("acronym")) for one in session["statuses"]}
    session_id = values.identifier(session["id"])

    def entry(line: Any) -> Record:
        number = _student_number(line, numbers)
        try:
            return RegisterEntry(
                source_id=f"{session_id}:{number}", session_source_id=session_id, class_source_id=class_id,
                student_number=values.text(number), meaning=meanings[acronyms[str(line["statusid"])]],
            )  # fmt: skip
        except ROW_ERRORS:
            return _unread_line(line, number, session_id, class_id)

    return [entry(line) for line in session["attendance_log"]]


def _student_number(line: Any, numbers: Mapping[Any, str]) -> str:
    """Whose line it is; empty where nobody can tell."""
    try:
        return values.text(numbers[line["studentid"]])
    except ROW_ERRORS:
        return ""


def _unread_line(line: Any, number: str, session_id: str, class_id: str) -> Unreadable:
    """A line that cannot be read has the id it would have, so that the one that stands is known not to be gone."""
    found = unreadable(STREAM, line, "id")
    named, within = f"{session_id}:{number or found.source_id}", None if number else session_id
    return replace(found, source_id=named, within=within, class_source_id=class_id)


def _unread_session(body: Any, class_id: str) -> Unreadable:
    """A session that cannot be read; without an id it may be any of its class."""
    found = unreadable(STREAM, body, "id")
    return replace(found, within=None if found.within is None else class_id, class_source_id=class_id)


def _instances(contents: Sequence[Any]) -> list[int]:
    modules = [module for section in contents for module in section.get("modules") or ()]
    return [int(module["instance"]) for module in modules if module.get("modname") == "attendance"]


def _session(body: Body, class_id: str) -> Session:
    taken = int(body.get("lasttaken") or 0)
    return Session(
        source_id=values.identifier(body["id"]), class_source_id=class_id, starts_at=_unix(body["sessdate"]),
        minutes=int(body["duration"]) // 60, closed=taken > 0, taken_at=_unix(taken) if taken else None,
    )  # fmt: skip


def _unix(seconds: Any) -> datetime:
    return EPOCH + timedelta(seconds=int(seconds))  # fromtimestamp raises what no row does, far beyond the calendar
