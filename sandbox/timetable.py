"""The school's terms and every class of every cohort, as literal dates.

Belongs here: when a class is planned, confirmed, held, examined and marked. Does not: who sat in it (cohorts/).
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from sandbox.programmes import Module


def days(text: str) -> tuple[date, ...]:
    """Return the dates of a line of ISO dates."""
    return tuple(date.fromisoformat(word) for word in text.split())


@dataclass(frozen=True, slots=True)
class Term:
    """A term: its bounds, when its classes are confirmed, and the Saturdays and Sundays they meet on.

    A class meets on Saturdays (first module of the term) or Sundays (second).
    """

    code: str
    title: str
    starts_on: date
    ends_on: date
    confirmed_on: date
    saturdays: tuple[date, ...]
    sundays: tuple[date, ...]
    exams: tuple[date, ...]
    released_on: date
    make_up_on: date
    make_up_released_on: date


def _term(code: str, title: str, bounds: str, meets: tuple[str, str], exams: str, then: str) -> Term:
    """Read a term from lines of dates: start end confirmed / meetings / two exams / release, make-up, release."""
    starts, ends, confirmed = days(bounds)
    return Term(code, title, starts, ends, confirmed, days(meets[0]), days(meets[1]), days(exams), *days(then))


AUTUMN_2023 = _term(
    "2023F", "2023年秋季学期", "2023-09-01 2024-01-20 2023-08-28",
    ("2023-09-16 2023-09-23 2023-10-14 2023-10-28 2023-11-11 2023-11-25",
     "2023-09-17 2023-09-24 2023-10-15 2023-10-29 2023-11-12 2023-11-26"),
    "2024-01-06 2024-01-07", "2024-01-17 2024-03-09 2024-03-19",
)  # fmt: skip
SPRING_2024 = _term(
    "2024S", "2024年春季学期", "2024-02-26 2024-07-05 2024-02-07",
    ("2024-03-02 2024-03-16 2024-03-30 2024-04-13 2024-05-18 2024-06-01",
     "2024-03-03 2024-03-17 2024-03-31 2024-04-14 2024-05-19 2024-06-02"),
    "2024-06-29 2024-06-30", "2024-07-10 2024-09-07 2024-09-18",
)  # fmt: skip
AUTUMN_2024 = _term(
    "2024F", "2024年秋季学期", "2024-09-02 2025-01-18 2024-08-30",
    ("2024-09-21 2024-10-19 2024-11-02 2024-11-16 2024-11-30 2024-12-14",
     "2024-09-22 2024-10-20 2024-11-03 2024-11-17 2024-12-01 2024-12-15"),
    "2025-01-04 2025-01-05", "2025-01-15 2025-03-08 2025-03-18",
)  # fmt: skip
SPRING_2025 = _term(
    "2025S", "2025年春季学期", "2025-02-24 2025-07-04 2025-02-10",
    ("2025-03-01 2025-03-15 2025-03-29 2025-04-12 2025-05-17 2025-05-24",
     "2025-03-02 2025-03-16 2025-03-30 2025-04-13 2025-05-18 2025-05-25"),
    "2025-06-28 2025-06-29", "2025-07-09 2025-09-06 2025-09-16",
)  # fmt: skip
AUTUMN_2025 = _term(
    "2025F", "2025年秋季学期", "2025-09-01 2026-01-17 2025-08-25",
    ("2025-09-13 2025-10-18 2025-11-01 2025-11-15 2025-11-29 2025-12-13",
     "2025-09-14 2025-10-19 2025-11-02 2025-11-16 2025-11-30 2025-12-14"),
    "2026-01-10 2026-01-11", "2026-01-21 2026-03-07 2026-03-17",
)  # fmt: skip
SPRING_2026 = _term(
    "2026S", "2026年春季学期", "2026-03-02 2026-07-03 2026-02-26",
    ("2026-03-14 2026-03-28 2026-04-11 2026-04-25 2026-05-16 2026-05-30",
     "2026-03-15 2026-03-29 2026-04-12 2026-04-26 2026-05-17 2026-05-31"),
    "2026-06-27 2026-06-28", "2026-07-08 2026-09-05 2026-09-15",
)  # fmt: skip
# A cohort that starts in spring meets for the first time once its students are registered.
FRESH_SPRING_2024 = replace(
    SPRING_2024,
    confirmed_on=date(2024, 2, 22),
    saturdays=days("2024-03-16 2024-03-30 2024-04-13 2024-04-20 2024-05-18 2024-06-01"),
    sundays=days("2024-03-17 2024-03-31 2024-04-14 2024-04-21 2024-05-19 2024-06-02"),
)
TERMS = (AUTUMN_2023, SPRING_2024, AUTUMN_2024, SPRING_2025, AUTUMN_2025, SPRING_2026)


@dataclass(frozen=True, slots=True)
class ClassPlan:
    """One class of one module for one cohort: every date of its life. `id` is its OneRoster sourcedId."""

    id: str
    number: int
    cohort: str
    module: Module
    term: Term
    sessions: tuple[date, ...]
    created_on: date
    planned_on: date
    confirmed_on: date
    exam_on: date
    released_on: date
    make_up_on: date
    make_up_released_on: date
    has_make_up: bool = False

    @property
    def starts_on(self) -> date:
        """The day of the first meeting."""
        return self.sessions[0]


def plan_class(cohort: str, number: int, module: Module, term: Term, slot: int) -> ClassPlan:
    """Lay out the class of a module in its term; slot 0 meets on Saturdays, slot 1 on Sundays."""
    return ClassPlan(
        id=f"CLS-{cohort}-{module.code}",
        number=number,
        cohort=cohort,
        module=module,
        term=term,
        sessions=(term.saturdays, term.sundays)[slot],
        created_on=term.confirmed_on - timedelta(days=26),
        planned_on=term.confirmed_on - timedelta(days=20),
        confirmed_on=term.confirmed_on,
        exam_on=term.exams[slot],
        released_on=term.released_on,
        make_up_on=term.make_up_on,
        make_up_released_on=term.make_up_released_on,
    )
