"""Marks 成绩 of a school that has no other system: from rows of scores to terms, classes, people and results.

Belongs here: which records rows of scores make, and by which ids of their own. Does not: how a mark is made of its
parts (models/rules/marks.py). A class is a module in a term: whatever sheet a mark comes in, it meets the same class.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from connectors import values
from connectors.base import unreadable
from connectors.spreadsheet import cells
from connectors.spreadsheet.cells import Values, WrongCell
from models import records
from models.records import Part, Record
from models.rules.identifiers import normalise

PARTS: dict[str, Part] = {
    "formative": "formative", "平时": "formative", "平时成绩": "formative", "形成性考核": "formative", "过程性考核": "formative",
    "final": "final", "期末": "final", "期末成绩": "final", "期末考试": "final", "正考": "final", "正常考试": "final", "终结性考核": "final",
    "make-up": "make-up", "补考": "make-up", "补考一": "make-up", "补考成绩": "make-up",
}  # fmt: skip
COLUMNS: dict[str, Part] = {"formative": "formative", "final": "final", "make_up": "make-up"}
TITLES: dict[Part, str] = {"formative": "平时", "final": "期末", "make-up": "补考", "other": "其他"}
GRADED, EXEMPT, LATER = "fully graded", "exempt", "not submitted"
WITHDRAWN = "withdrawn"  # a mark that never was: it goes
# What stands in place of points. Who stays away without leave has none.
SAID: dict[str, tuple[Decimal | None, str]] = {
    "免修": (None, EXEMPT), "免考": (None, EXEMPT), "免试": (None, EXEMPT), "exempt": (None, EXEMPT),
    "缓考": (None, LATER), "deferred": (None, LATER),
    "作废": (None, WITHDRAWN), "withdrawn": (None, WITHDRAWN),
    "缺考": (Decimal(0), GRADED), "旷考": (Decimal(0), GRADED), "作弊": (Decimal(0), GRADED), "absent": (Decimal(0), GRADED),
}  # fmt: skip
TERM = re.compile(r"(20[0-9]{2})[-–—~/至](?:20)?([0-9]{2})(.*)", re.DOTALL)
SEASON = re.compile(r"(20[0-9]{2})年?([春秋])")
FIRST, SECOND = (
    re.compile(r"一|(?<![0-9])1(?![0-9])|(?<!I)I(?!I)|上|秋"),
    re.compile(r"二|(?<![0-9])2(?![0-9])|II|下|春"),
)
# The days of a term that the settings do not name: generous, so that teaching never seems over before it is.
DEFAULT_DAYS = (((9, 1), (1, 31)), ((3, 1), (7, 31)))


@dataclass(frozen=True, slots=True)
class Score:
    """One score of one person: in which class, which part, and when it was sat for; `rule` where it says nothing."""

    row: str
    module: str
    title: str
    term: records.Term
    part: Part
    student: str = field(repr=False)
    score: Decimal | None
    status: str
    sat_on: date | None
    rule: str = ""

    @property
    def klass(self) -> str:
        """The id of the class."""
        return f"{self.module}:{self.term.source_id}"

    @property
    def item(self) -> str:
        """The id of what was marked; a second make-up is told from the first by its day."""
        day = f":{self.sat_on}" if self.part == "make-up" and self.sat_on else ""
        return f"{self.klass}:{self.part}{day}"

    @property
    def key(self) -> str:
        """The id of the mark."""
        return f"{self.item}:{self.student}"


@dataclass(frozen=True)
class MarkBook:
    """What the settings add: the days of terms, and what a school writes in place of points."""

    connection: str
    terms: Mapping[str, tuple[date, date]] = field(default_factory=dict)
    said: Mapping[str, tuple[Decimal | None, str]] = field(default_factory=lambda: SAID)

    def scores(self, place: str, row: Values) -> Iterator[Score]:
        """Give the scores in a row, none for a cell that is empty. Raises WrongCell."""
        told = list(_told(row))
        if not told:
            return
        student = cells.number(row, "student_number", missing="student-number-missing")
        module = cells.number(row, "module_code", missing="module-missing")
        term, title = self.term_of(cells.cell(row, "term")), cells.text(row, "module_title") or module
        sat_on, only = cells.optional_day(row, "exam_on"), len(told) == 1
        for part, found in told:
            score, status, rule = self._points(found)
            # One day in a row of several parts is the day of the final exam.
            own_day = sat_on if part == "final" or (only and part == "make-up") else None
            yield Score(place, module, title, term, part, student, score, status, own_day, rule)

    def _points(self, found: Any) -> tuple[Decimal | None, str, str]:
        """Give the points, what they are, and the rule of a cell that says nothing: the others of its row count."""
        said = normalise(found[: cells.LONGEST]).casefold() if isinstance(found, str) else ""
        try:
            return (*self.said[said], "") if said in self.said else (cells.points(found), GRADED, "")
        except WrongCell as error:
            return None, "", error.rule

    def term_of(self, found: Any) -> records.Term:
        """Read a term: `2026-2027-1`, `2026-2027学年第一学期`, `2026秋`, or as the settings name it. Raises WrongCell."""
        if found is None:
            raise WrongCell("term-missing")
        said = normalise(str(found)[: cells.LONGEST])
        if said in self.terms:
            return _term(said, *self.terms[said])
        year, half = _half(said)
        code = f"{year}-{year + 1}-{half}"
        if code in self.terms:
            return _term(code, *self.terms[code])
        (first, last), begins = DEFAULT_DAYS[half - 1], year + half - 1
        return _term(code, date(begins, *first), date(year + 1, *last))


def _told(row: Values) -> Iterator[tuple[Part, Any]]:
    """Give each score that is told, with its part: a column for each part, or one for the score and one for the part."""
    for name, part in COLUMNS.items():
        if row.get(name) is not None:
            yield part, row[name]
    found = row.get("score")
    if found is not None and ("part" in row or not any(name in row for name in COLUMNS)):
        said = cells.word(row, "part")
        if said not in PARTS:
            raise WrongCell("part-unknown")
        yield PARTS[said], found


def _half(said: str) -> tuple[int, int]:
    """Give the year an academic year begins in, and which of its two terms is meant. Raises WrongCell."""
    season, years = SEASON.search(said), TERM.search(said)
    if years is not None and (int(years[1]) + 1) % 100 == int(years[2]):
        rest = years[3].replace("学年", "").partition("学期")[0]
        first, second = FIRST.search(rest), SECOND.search(rest)
        if bool(first) is not bool(second):
            return int(years[1]), 1 if first else 2
    elif season is not None:
        return (int(season[1]), 1) if season[2] == "秋" else (int(season[1]) - 1, 2)
    raise WrongCell("term-unreadable")


def _term(code: str, starts_on: date, ends_on: date) -> records.Term:
    return records.Term(source_id=code, title=code, starts_on=starts_on, ends_on=ends_on)


def _class_id(connection: str, score: Score) -> str:
    """Classes are found by their own id across connections: this one's name keeps them apart."""
    return f"{connection}:{score.klass}"


def _class(book: str, score: Score) -> Record:
    return records.ClassSection(
        source_id=_class_id(book, score), code=score.klass, title=score.title, course_source_id=score.module,
        term_source_ids=(score.term.source_id,),
    )  # fmt: skip


def _confirmation(book: str, score: Score) -> Record:
    """Marks prove that a class was taught: nobody is asked whether it will be."""
    return records.ClassConfirmation(
        source_id=score.klass,
        class_source_id=_class_id(book, score),
        status="confirmed",
        starts_on=score.term.starts_on,
    )


def _learner(_: str, score: Score) -> Record:
    return records.Learner(source_id=score.student, student_number=score.student, name="", active=True)


def _enrolment(book: str, score: Score) -> Record:
    return records.Enrolment(
        source_id=f"{score.klass}:{score.student}", class_source_id=_class_id(book, score),
        learner_source_id=score.student, role="student", active=True,
    )  # fmt: skip


def _item(book: str, score: Score) -> Record:
    return records.LineItem(source_id=score.item, class_source_id=_class_id(book, score), title=TITLES[score.part],
                            part=score.part, due_on=score.sat_on)  # fmt: skip


def _result(_: str, score: Score) -> Record:
    """A mark; one that says nothing is held back under the id it will have."""
    if score.rule:
        return unreadable("results", {"id": score.key, "row": score.row}, "id", score.rule)
    gone = score.status == WITHDRAWN
    return records.Result(
        source_id=score.key, line_item_source_id=score.item, learner_source_id=score.student, score=score.score,
        score_status=LATER if gone else score.status, scored_on=score.sat_on, removed=gone,
    )  # fmt: skip


# What a score makes in each stream; the streams in the order in which one refers to the other.
RECORDS: dict[str, Callable[[str, Score], Record]] = {
    "terms": lambda _, score: score.term,
    "courses": lambda _, score: records.Course(source_id=score.module, code=score.module, title=score.title),
    "classes": _class, "class-confirmations": _confirmation, "people": _learner, "enrolments": _enrolment,
    "line-items": _item, "results": _result,
}  # fmt: skip


def book_of(connection: str, options: Mapping[str, Any]) -> MarkBook:
    """Read what the settings add. Raises ValueError, TypeError or KeyError for what cannot be read."""
    terms = {normalise(str(code)): (_day(days[0]), _day(days[1])) for code, days in options.get("terms", {}).items()}
    said = {normalise(str(word)).casefold(): _meant(points) for word, points in options.get("scores", {}).items()}
    return MarkBook(connection, terms, {**SAID, **said})


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(str(value))


def _meant(points: Any) -> tuple[Decimal | None, str]:
    if points in (EXEMPT, LATER):
        return None, str(points)
    score = values.decimal(points)
    if not 0 <= score <= 100:
        raise ValueError("no points")
    return score, GRADED
