"""The rules of each stream: what every record must be, named in the field's terms.

Belongs here: one line a rule, with the expectation of Great Expectations that asks it. Does not: how a column is made
(columns.py) or asked (suites.py). A rule holds for a row whose column is empty, unless it asks just that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from models import records

EARLIEST, LATEST = date(1950, 1, 1).toordinal(), date(2099, 12, 31).toordinal()
DAY_MINUTES = 24 * 60
# Letters and digits of ASCII alone: Unicode's own idea of a digit takes full-width ones too.
STUDENT_NUMBER = r"\A[0-9A-Za-z_.-]{1,40}\Z"
# OneRoster 1.2, scoreStatusEnum, with its extensions.
SCORE_STATUS = r"\A(?:exempt|fully graded|not submitted|partially graded|submitted|ext:.+)\Z"


@dataclass(frozen=True, eq=False)
class Rule:
    """One rule: its name, the expectation that asks it and what that expectation is asked with."""

    name: str
    expectation: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it looks at."""
        return tuple(self.options[one] for one in ("column", "column_A", "column_B") if one in self.options)


def is_true(name: str, column: str) -> Rule:
    """A rule that a column of flags answers."""
    return Rule(name, "ExpectColumnValuesToBeInSet", {"column": column, "value_set": [True]})


def within(name: str, column: str, least: float | None = None, most: float | None = None) -> Rule:
    """A rule that a number, or a day or instant as one, lies in a range, its ends included."""
    return Rule(name, "ExpectColumnValuesToBeBetween", {"column": column, "min_value": least, "max_value": most})


def among(name: str, column: str, *words: str) -> Rule:
    """A rule that a word is one of those known."""
    return Rule(name, "ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(words)})


def spelt(name: str, column: str, pattern: str) -> Rule:
    """A rule that a text is spelt in a certain way."""
    return Rule(name, "ExpectColumnValuesToMatchRegex", {"column": column, "regex": pattern})


def told(name: str, column: str) -> Rule:
    """A rule that something is said at all."""
    return Rule(name, "ExpectColumnValuesToNotBeNull", {"column": column})


def day(column: str) -> Rule:
    """A rule that a day is of our times."""
    return within("date-out-of-range", column, EARLIEST, LATEST)


def in_order(later: str, earlier: str) -> Rule:
    """A rule that one day is not before another."""
    options = {"column_A": later, "column_B": earlier, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
    return Rule("dates-reversed", "ExpectColumnPairValuesAToBeGreaterThanB", options)


EVERY = (
    told("key-missing", "key"),
    Rule("key-repeated", "ExpectColumnValuesToBeUnique", {"column": "key"}),
    within("timestamp-in-future", "seconds_ahead", most=0),
)
KNOWN = is_true("reference-unknown", "references_known")
CLASS = is_true("class-unknown", "class_known")
WORKER = (told("resident-id-missing", "resident_id"), is_true("worker-unknown", "worker_known"))
ANSWER = (is_true("reference-unknown", "ours_known"), is_true("answer-taken-back", "stands"))
NUMBER = spelt("student-number-form", "student_number", STUDENT_NUMBER)

RULES: dict[type[records.Record], tuple[Rule, ...]] = {
    records.Employment: (
        told("employee-number-missing", "employee_number"), is_true("enterprise-unknown", "enterprise_known"),
        is_true("match-ambiguous", "match_clear"), day("left_on"),
    ),
    records.Term: (day("starts_on"), day("ends_on"), in_order("ends_on", "starts_on")),
    records.Course: (told("code-missing", "code"),),
    records.ClassSection: (KNOWN,),
    records.Learner: (NUMBER,),
    records.Enrolment: (KNOWN,),
    records.LineItem: (KNOWN, among("part-unknown", "part", "formative", "final", "make-up", "other"), day("due_on")),
    records.Result: (
        KNOWN, within("mark-range", "score", 0, 100), spelt("score-status-unknown", "score_status", SCORE_STATUS),
        is_true("score-missing", "score_told"), day("scored_on"),
    ),
    records.Session: (CLASS, within("minutes-range", "minutes", 1, DAY_MINUTES), day("starts_at")),
    records.RegisterEntry: (
        KNOWN, told("student-number-missing", "student_number"), NUMBER,
        among("meaning-unknown", "meaning", "present", "late", "excused", "absent"),
    ),
    records.OnlineStudy: (
        CLASS, NUMBER, is_true("student-number-missing", "learner_told"),
        within("minutes-range", "minutes", 0, DAY_MINUTES), day("at"),
    ),
    records.Consent: (
        *WORKER, is_true("consent-kind-unknown", "kinds_known"), in_order("withdrawn_at", "given_at"),
    ),
    records.Document: (
        *WORKER, among("document-kind-unknown", "kind", "household", "education", "bank-card", "mobile"), day("as_of"),
    ),
    records.Leave: (
        *WORKER, in_order("ends_on", "starts_on"), day("starts_on"), day("ends_on"),
        within("hours-range", "hours", 0, 10_000), among("status-unknown", "status", "approved", "pending", "refused"),
    ),
    records.OutcomeClaim: (*WORKER, within("credits-range", "credits_claimed", 0, 200), day("awarded_on")),
    records.Objection: (
        *WORKER, among("status-unknown", "status", "open", "upheld", "dismissed"), in_order("decided_on", "raised_on"),
    ),
    records.AdmissionDecision: (
        *ANSWER, among("status-unknown", "status", "admitted", "refused", "pending"), day("decided_on"),
    ),
    records.Registration: (
        *ANSWER, told("student-number-missing", "student_number"), NUMBER, day("registered_on"),
    ),
    records.ClassConfirmation: (
        CLASS, among("status-unknown", "status", "planned", "confirmed"), day("starts_on"), day("confirmed_on"),
    ),
    records.SkillResult: (
        *ANSWER, among("status-unknown", "status", "passed", "failed"), within("mark-range", "score", 0, 100),
        day("assessed_on"),
    ),
    records.Diploma: (*ANSWER, told("diploma-number-missing", "number"), day("issued_on")),
    records.SkillCertificate: (
        *ANSWER, told("skill-certificate-number-missing", "number"), within("level-range", "level", 1, 5),
        day("issued_on"),
    ),
    records.PaymentResult: (*ANSWER, among("status-unknown", "status", "paid", "returned"), day("on")),
}  # fmt: skip


def rules_of(kind: type[records.Record]) -> tuple[Rule, ...]:
    """Give the rules of a record type, those that hold for every stream first."""
    return (*EVERY, *RULES[kind])
