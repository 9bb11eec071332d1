"""What a school, a college, a learning platform and a partner answer on two nights, told without fault.

Belongs here: their rows, before and tonight, and their answers. Does not: who reads them, or what is made of it.
Between the nights there is something of everything: new rows, changed ones, rows said to be deleted and rows gone without
a word, rows that break a rule, rows that are right by now and rows whose references have come to stand.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from tests.connectors.script import Asked, Reply

BEFORE, TONIGHT = "2026-10-10T02:00:00Z", "2026-10-19T12:00:00Z"
WEEK_AGO, YESTERDAY, DAY = date(2026, 10, 13), date(2026, 10, 19), date(2026, 10, 20)
STARTS, ENDS = "2026-09-01", "2027-01-16"
PARTNER = ("documents", "leave", "admissions", "class-confirmations")
TOKEN_ENV = "YM_TEST_SECRET"
PAGE = 250
Row = dict[str, Any]
Rows = list[Row]


def connections(url: str, school: str, enterprise: str) -> list[Row]:
    """The settings of the four connections to the systems that answer at `url`."""
    bearer, moodle = {"type": "bearer", "token_env": TOKEN_ENV}, {"type": "moodle", "token_env": TOKEN_ENV}
    return [
        {"name": name, "kind": kind, "organisation": whose, "base_url": f"{url}/{name}", "auth": auth, "options": options}
        for name, kind, whose, auth, options in (
            ("school", "oneroster", school, bearer, {"page_size": PAGE}),
            ("college", "oneroster", "91320200MA1COLLEGE", bearer, {"page_size": PAGE}),
            ("platform", "moodle", school, moodle, {}),
            ("partner", "partner", enterprise, bearer, {"streams": list(PARTNER), "page_size": 5}),
        )
    ]  # fmt: skip


@dataclass
class School:
    """A school of OneRoster: `classes` classes of all its `people`, two marks of each person in each class."""

    name: str
    classes: int
    people: int
    tonight: bool = False

    @property
    def _moves(self) -> bool:
        """Whether anything but marks moves: at the college that is read only from where it was, nothing does."""
        return self.tonight and self.name == "school"

    @cached_property
    def collections(self) -> dict[str, Rows]:
        """Its collections by their name on the wire, as they stand."""
        made = {
            "terms": self._terms(), "courses": self._courses(), "classes": self._sections(), "users": self._users(),
            "enrollments": self._enrolments(), "lineItems": self._line_items(), "results": self._results(),
            "categories": [self._thing("final", title="期末"), self._thing("daily", title="平时")],
        }  # fmt: skip
        return {name: sorted(rows, key=lambda row: str(row["sourcedId"])) for name, rows in made.items()}

    def answer(self, asked: Asked) -> Reply:
        """One page of a collection."""
        rows = self.collections[asked.path.rpartition("/")[2]]
        if "filter" in asked.query:
            since = datetime.fromisoformat(asked.query["filter"].partition("'")[2].rstrip("'"))
            rows = [row for row in rows if datetime.fromisoformat(row["dateLastModified"]) >= since]
        offset, limit = int(asked.query["offset"]), int(asked.query["limit"])
        page = {asked.path.rpartition("/")[2]: rows[offset : offset + limit]}
        return Reply(page, headers={"X-Total-Count": str(len(rows))})

    def _thing(self, id: str, new: bool = False, gone: bool = False, **more: Any) -> Row:
        """An object; what is new or gone tonight is so since tonight."""
        return {"sourcedId": f"{self.name}-{id}", "status": "tobedeleted" if gone else "active",
                "dateLastModified": TONIGHT if new or gone else BEFORE, **more}  # fmt: skip

    def _ref(self, id: str) -> Row:
        return {"sourcedId": f"{self.name}-{id}"}

    def _terms(self) -> Rows:
        return [self._thing("t1", title="2026 秋", startDate=STARTS, endDate=ENDS)]

    def _numbers(self) -> Iterable[int]:
        """The classes, and tonight one more."""
        return range(self.classes + self._moves)

    def _courses(self) -> Rows:
        return [self._thing(f"k{n}", n == self.classes, title=f"课程 {n}", courseCode=f"M{n}") for n in self._numbers()]

    def _sections(self) -> Rows:
        return [self._thing(f"g{n}", n == self.classes, title=f"班 {n}", classCode=f"C{n}", course=self._ref(f"k{n}"),
                            terms=[self._ref("t1")]) for n in self._numbers()]  # fmt: skip

    def _users(self) -> Rows:
        """One person more tonight, of whom marks were told before; some with a new number, two gone with all of theirs."""
        rows = []
        for n in range(self.people + self._moves):
            changed = self._moves and (n < 3 or n == self.people)
            number = f"{self.name}2026{n:04}{'9' if changed else ''}"
            if self._moves and n == self.people - 2:
                continue
            rows.append(self._thing(f"u{n:03}", changed, self._leaves(n), enabledUser="true", givenName="一",
                                    familyName="张", identifier=number))  # fmt: skip
        return rows

    def _leaves(self, person: int) -> bool:
        return self._moves and person == self.people - 1

    def _silent(self) -> tuple[str, ...]:
        """How the enrolments end of the person who is gone without a word tonight."""
        return (f"-{self.people - 2:03}",)

    def _enrolments(self) -> Rows:
        """Everybody in each class; tonight the person who was not known is known, one is gone without a word."""
        rows = [self._thing(f"e{g}-{u:03}", gone=self._leaves(u) or (self._moves and u == 5 and g == 0), role="student",
                            user=self._ref(f"u{u:03}"), **{"class": self._ref(f"g{g}")})
                for g in range(self.classes) for u in range(self.people + 1)]  # fmt: skip
        return [row for row in rows if not (self._moves and row["sourcedId"].endswith(("e1-006", *self._silent())))]

    def _line_items(self) -> Rows:
        return [self._thing(f"l{g}-{part}", self.tonight and g == 5, title=f"{part}{' 2' * (self.tonight and g == 5)}",
                            category=self._ref(part), **{"class": self._ref(f"g{g}")})
                for g in range(self.classes) for part in ("daily", "final")]  # fmt: skip

    def _results(self) -> Rows:
        persons = range(self.people + 1)
        pairs = [(g, part, u) for g in range(self.classes) for part in ("daily", "final") for u in persons]
        rows = [self._result(n, *pair) for n, pair in enumerate(pairs)]
        gone_without_a_word = {n for n, (_, _, person) in enumerate(pairs)
                               if self._moves and (n % 97 == 96 or person == self.people - 2)}  # fmt: skip
        return [row for n, row in enumerate(rows) if n not in gone_without_a_word]

    def _result(self, n: int, group: int, part: str, person: int) -> Row:
        """A mark: every 150th was out of range before, other ones are tonight; most of the first half changes."""
        bad = n % 150 == (75 if self.tonight else 0) or n % 300 == 140
        changes = self.tonight and (bad or n % 150 == 0 or (n % 2000 < 900 and n % 10 != 0))
        return self._thing(
            f"r{n:05}", changes, self._leaves(person) or (self.tonight and n % 89 == 88), scoreStatus="fully graded",
            score=150 if bad else 60 + (n + changes) % 40, scoreDate="2026-10-09", student=self._ref(f"u{person:03}"),
            lineItem=self._ref(f"l{group}-{part}"),
        )  # fmt: skip


@dataclass
class Platform:
    """A Moodle with a register for each class of the school: who was there is corrected, a session is gone tonight."""

    classes: int = 3
    sessions: int = 8
    lines: int = 20
    tonight: bool = False

    def answer(self, asked: Asked) -> Reply:
        """What a function of its web service gives."""
        return Reply(FUNCTIONS[asked.form["wsfunction"]](self, asked.form))

    def courses(self, form: dict[str, str]) -> Any:
        """The course of a class; it has none for the newest."""
        school, _, number = form["value"].rpartition("-g")
        there = school == "school" and int(number) < self.classes
        return {"courses": [{"id": int(number)}] if there else [], "warnings": []}

    def contents(self, form: dict[str, str]) -> Any:
        """A course has one register."""
        return [{"modules": [{"modname": "attendance", "instance": int(form["courseid"])}]}]

    def people(self, form: dict[str, str]) -> Any:
        """Who is in a course."""
        return [{"id": n, "idnumber": f"2026{n:04}"} for n in range(self.lines)]

    def registers(self, form: dict[str, str]) -> Any:
        """The sessions of a class with their registers."""
        group = int(form["attendanceid"])
        numbers = range(self.tonight and group == 0, self.sessions + self.tonight)
        return [self._session(group, n) for n in numbers]

    def _session(self, group: int, n: int) -> Row:
        id, starts = group * 100 + n, 1788400800 + n * 86400
        statuses = [{"id": place, "acronym": acronym} for place, acronym in enumerate("PLEA?")]
        log = [{"id": id * 100 + person, "studentid": person, "statusid": str(self._status(group, n, person))}
               for person in range(self.lines)]  # fmt: skip
        return {"id": id, "sessdate": starts, "duration": 5400, "lasttaken": starts + 6000, "statuses": statuses,
                "attendance_log": log}  # fmt: skip

    def _status(self, group: int, n: int, person: int) -> int:
        """One word of the school's own that nobody gave a meaning, tonight another one; some are corrected."""
        if (group, n, person) == (1, 2, 3 + self.tonight):
            return 4
        return (group + n * person + (self.tonight and n == 3)) % 4


FUNCTIONS: dict[str, Callable[[Platform, dict[str, str]], Any]] = {
    "core_course_get_courses_by_field": Platform.courses, "core_course_get_contents": Platform.contents,
    "core_enrol_get_enrolled_users": Platform.people, "mod_attendance_get_sessions": Platform.registers,
}  # fmt: skip


@dataclass
class Partner:
    """A partner who answers our applications and tells of the workers with these personal numbers."""

    workers: Sequence[str]
    applications: Sequence[str]
    tonight: bool = False

    @cached_property
    def streams(self) -> dict[str, Rows]:
        """Its rows by stream."""
        made = {
            "documents": self._documents(), "leave": self._leave(), "admissions": self._admissions(),
            "class-confirmations": self._confirmations(),
        }  # fmt: skip
        return {name: sorted(rows, key=lambda row: str(row["updated_at"])) for name, rows in made.items()}

    def answer(self, asked: Asked) -> Reply:
        """One page of a stream."""
        since, start = asked.query.get("since"), int(asked.query.get("cursor") or 0)
        limit = int(asked.query["limit"])
        rows = [row for row in self.streams[asked.path.rpartition("/")[2]]
                if since is None or datetime.fromisoformat(row["updated_at"]) >= datetime.fromisoformat(since)]  # fmt: skip
        more = str(start + limit) if start + limit < len(rows) else None
        return Reply({"items": rows[start : start + limit], "next": more})

    def _row(self, id: str, new: bool = False, **more: Any) -> Row:
        return {"id": id, "updated_at": TONIGHT if new else BEFORE, **more}

    def _documents(self) -> Rows:
        """Bank cards; tonight another one, and one whose digits are wrong."""
        cards = ["6220000000000001", "6220000000000019", "6220000000000002"]
        return [self._row(f"D{n}", self.tonight and n > 0, resident_id=self.workers[n], kind="bank-card",
                          value=cards[n], as_of="2026-10-05") for n in range(3 if self.tonight else 1)]  # fmt: skip

    def _leave(self) -> Rows:
        """Leave of a worker nobody knows, leave approved and taken back tonight; one is gone without a word."""
        rows = []
        for n in range(24):
            new = self.tonight and n in (2, 3, 4)
            rows.append(self._row(
                f"L{n:02}", new, resident_id="320214199903033337" if n == 7 else self.workers[n % len(self.workers)],
                kind="study", status="pending" if n == 2 and not self.tonight else "approved", hours=8,
                deleted=self.tonight and n == 4, **{"from": f"2026-09-{n + 1:02}", "to": f"2026-09-{n + 2:02}"}))  # fmt: skip
        return [row for row in rows if not (self.tonight and row["id"] == "L09")]

    def _admissions(self) -> Rows:
        """All pending before, admitted tonight; and an answer to what was never asked."""
        known = [*self.applications, "A-nobody-knows"]
        return [self._row(f"A{n}", self.tonight, application_id=one,
                          status="admitted" if self.tonight else "pending",
                          decided_on="2026-10-19" if self.tonight else None) for n, one in enumerate(known)]  # fmt: skip

    def _confirmations(self) -> Rows:
        """A centre confirmed a class before the school told of it."""
        return [self._row(f"F{n}", self.tonight and n == 2, class_id=f"school-g{n}",
                          status="confirmed" if self.tonight or n != 2 else "planned", starts_on=STARTS,
                          confirmed_on="2026-08-20") for n in range(7)]  # fmt: skip


@dataclass
class World:
    """All four systems; `tonight` moves them from the night before to tonight."""

    workers: Sequence[str]
    applications: Sequence[str]
    people: int = 199
    nights: dict[bool, dict[str, Any]] = field(default_factory=dict)
    tonight: bool = False
    said: dict[Any, Reply] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make both nights."""
        for tonight in (False, True):
            self.nights[tonight] = {
                "school": School("school", 6, self.people, tonight), "college": School("college", 2, 40, tonight),
                "platform": Platform(tonight=tonight), "partner": Partner(self.workers, self.applications, tonight),
            }  # fmt: skip

    def answer(self, asked: Asked) -> Reply:
        """Answer a request as the system does whose name stands first in its path; the same request the same way."""
        key = (self.tonight, asked.path, *sorted(asked.query.items()), asked.body)
        if key not in self.said:
            reply = self.nights[self.tonight][asked.path.split("/")[1]].answer(asked)
            self.said[key] = Reply(json.dumps(reply.body).encode(), reply.status, reply.headers)
        return self.said[key]
