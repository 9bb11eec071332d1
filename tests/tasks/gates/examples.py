"""Of every record type a record that breaks no rule, and for every rule what makes it break just that one.

Belongs here: the examples, and what must stand for them. Does not: judging them (test_rules.py).
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlmodel import SQLModel

from models import records
from models.tables.credentials import Certificate
from models.tables.lifecycle import NoticeEntry
from models.tables.people import Participant, Worker
from tasks.source import worker_key
from tests.models.tables.rows import ENTERPRISE, every_row
from tests.tasks import told

MAN, DAY, AT = "320214199001011014", date(2026, 9, 1), datetime(2026, 5, 30, 8, tzinfo=UTC)
FUTURE = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
LONG_AGO, FAR_OFF = date(1949, 12, 31), date(2100, 1, 1)
TWINS = "E-TWINS"


def standing() -> list[SQLModel]:
    """A row of every table; a worker whom his number finds, on a notice; two who share an employee number."""
    added: list[SQLModel] = [
        Worker(id=worker_key(MAN), name="周一", sex="male", birth_on=date(1990, 1, 1), resident_id=MAN, resident_id_hash="h2",
               resident_id_masked="320214********1014"),
        NoticeEntry(notice_id="N-1", participant_id="P-2"),
    ]  # fmt: skip
    for place, worker in enumerate((worker_key(MAN), "W-3", "W-4"), 2):
        if place > 2:
            added.insert(0, Worker(id=worker, name="周", sex="male", birth_on=date(1990, 1, 1), resident_id=f"{place}",
                                   resident_id_hash=f"h{place}", resident_id_masked=""))  # fmt: skip
        twin = {} if place == 2 else {"employee_number": TWINS}
        added.insert(-1, Participant(id=f"P-{place}", cohort_code="WX-2026A", worker_id=worker, enterprise_code=ENTERPRISE,
                                     nominated_on=DAY, stage_entered_on=DAY, **twin))  # fmt: skip
    return [*(row for row in every_row() if not isinstance(row, Certificate)), *added]


def _of_worker(kind: type[records.Record], /, **said: Any) -> Callable[..., Any]:
    return lambda **changes: kind(**{"source_id": "new", "changed_at": AT, "resident_id": MAN, **said, **changes})


def _answer(kind: type[records.Record], /, **said: Any) -> Callable[..., Any]:
    return lambda **changes: kind(**{"source_id": "new", "changed_at": AT, **said, **changes})


def _with(make: Callable[..., Any], **said: Any) -> Callable[..., Any]:
    """The maker of tests/tasks/told, with the ids of the rows that stand here."""

    def made(**changes: Any) -> Any:
        given = {**said, **changes}
        return make(given.pop("source_id", "new"), **given)

    return made


def _entry(**changes: Any) -> Any:
    said = {"source_id": "new", "session_source_id": "s1", "class_source_id": "k1", "student_number": "2026U1",
            "meaning": "present"}  # fmt: skip
    return records.RegisterEntry(**{**said, **changes})


GOOD: dict[type[records.Record], Callable[..., Any]] = {
    records.Employment: _with(told.employment, enterprise_code=ENTERPRISE),
    records.Term: _with(told.term),
    records.Course: _with(told.course),
    records.ClassSection: _with(told.section, course_source_id="c1", term_source_ids=("t1",)),
    records.Learner: _with(told.learner, student_number="2026320100009"),
    records.Enrolment: _with(told.enrolment, class_source_id="k1", learner_source_id="l1"),
    records.LineItem: _with(told.line_item, class_source_id="k1"),
    records.Result: _with(told.result, line_item_source_id="i1", learner_source_id="l1", scored_on=DAY),
    records.Session: _with(told.session, class_source_id="k1"),
    records.RegisterEntry: _entry,
    records.OnlineStudy: _with(told.study, class_source_id="k1"),
    records.Consent: _of_worker(
        records.Consent, employee_number="E1", kinds=("school", "notice"), text_version="1", given_at=AT,
        withdrawn_at=datetime(2026, 5, 31, tzinfo=UTC),
    ),
    records.Document: _of_worker(records.Document, kind="household", value="农村", as_of=DAY),
    records.Leave: _of_worker(
        records.Leave, starts_on=DAY, ends_on=DAY, kind="study", status="approved", hours=Decimal(8)
    ),
    records.OutcomeClaim: _of_worker(
        records.OutcomeClaim, kind="certificate", title="t", evidence="e", module_code="101", credits_claimed=Decimal(4),
        awarded_on=DAY,
    ),
    records.Objection: _of_worker(
        records.Objection, notice_id="N-1", text="t", raised_on=DAY, status="dismissed", decided_on=DAY
    ),
    records.AdmissionDecision: _answer(
        records.AdmissionDecision, application_id="AP-1", status="admitted", decided_on=DAY
    ),
    records.Registration: _answer(
        records.Registration, application_id="AP-1", student_number="2026320100009", status="registered", registered_on=DAY
    ),
    records.ClassConfirmation: _answer(
        records.ClassConfirmation, class_source_id="k1", status="confirmed", starts_on=DAY, confirmed_on=DAY
    ),
    records.SkillResult: _answer(
        records.SkillResult, registration_id="SK-1", score=Decimal(70), status="passed", assessed_on=DAY
    ),
    records.Diploma: _answer(records.Diploma, graduation_id="G-1", number="123455202906000001", issued_on=DAY),
    records.SkillCertificate: _answer(
        records.SkillCertificate, registration_id="SK-1", number="Y000132000123254000001", level=4, issued_on=DAY
    ),
    records.PaymentResult: _answer(records.PaymentResult, payment_id="PM-1", status="paid", on=DAY),
}  # fmt: skip

R = records
NUMBERS = ("2026３", "2026U1\n", "2026 1", "a" * 41, "二〇二六", "2026;--")
NO_SUCH = "never-heard-of"
NO_WORKER = [{"resident_id": "32021419900101113X"}]
# By record type, then by rule and the column it looks at first: changes that break it, each alone.
BREAKS: dict[type[records.Record], dict[tuple[str, str], list[dict[str, Any]]]] = {
    R.Employment: {
        ("employee-number-missing", "employee_number"): [{"employee_number": ""}],
        ("match-ambiguous", "match_clear"): [{"employee_number": TWINS}],
        ("date-out-of-range", "left_on"): [{"left_on": LONG_AGO}, {"left_on": FAR_OFF}],
    },
    R.Term: {
        ("date-out-of-range", "starts_on"): [{"starts_on": LONG_AGO}],
        ("date-out-of-range", "ends_on"): [{"ends_on": FAR_OFF}, {"ends_on": date(9999, 12, 31)}],
        ("dates-reversed", "ends_on"): [{"starts_on": date(2026, 9, 2), "ends_on": date(2026, 9, 1)}],
    },
    R.Course: {("code-missing", "code"): [{"code": ""}]},
    R.ClassSection: {
        ("reference-unknown", "references_known"): [
            {"course_source_id": NO_SUCH}, {"term_source_ids": (NO_SUCH,)}, {"course_source_id": ""},
        ],
    },
    R.Learner: {("student-number-form", "student_number"): [{"student_number": one} for one in NUMBERS]},
    R.Enrolment: {
        ("reference-unknown", "references_known"): [{"class_source_id": NO_SUCH}, {"learner_source_id": NO_SUCH}]
    },
    R.LineItem: {
        ("reference-unknown", "references_known"): [{"class_source_id": NO_SUCH}],
        ("part-unknown", "part"): [{"part": "oral"}, {"part": "final\n"}, {"part": "Final"}],
        ("date-out-of-range", "due_on"): [{"due_on": FAR_OFF}],
    },
    R.Result: {
        ("reference-unknown", "references_known"): [{"line_item_source_id": NO_SUCH}, {"learner_source_id": NO_SUCH}],
        ("mark-range", "score"): [
            {"score": Decimal(one)}
            for one in ("100.001", "-0.001", "NaN", "-NaN", "Infinity", "-Infinity", "1e400", "999999999999999999E9")
        ],
        ("score-status-unknown", "score_status"): [
            {"score_status": one} for one in ("graded", "exempt\n", "submitted ", "ext:", "Exempt", "\nexempt")
        ],
        ("score-missing", "score_told"): [{"score": None}],
        ("date-out-of-range", "scored_on"): [{"scored_on": LONG_AGO}],
    },
    R.Session: {
        ("class-unknown", "class_known"): [{"class_source_id": NO_SUCH}],
        ("minutes-range", "minutes"): [{"minutes": 0}, {"minutes": -1}, {"minutes": 1441}, {"minutes": 10**12}],
        ("date-out-of-range", "starts_at"): [
            {"starts_at": datetime(1900, 1, 1, tzinfo=UTC)}, {"starts_at": FUTURE},
            {"starts_at": datetime(1, 1, 1, tzinfo=told.SHANGHAI)}, {"starts_at": told.LAST_INSTANT},
        ],
    },
    R.RegisterEntry: {
        ("reference-unknown", "references_known"): [{"session_source_id": NO_SUCH}],
        ("student-number-missing", "student_number"): [{"student_number": ""}],
        ("student-number-form", "student_number"): [{"student_number": one} for one in NUMBERS],
        ("meaning-unknown", "meaning"): [{"meaning": "P"}, {"meaning": "present\n"}],
    },
    R.OnlineStudy: {
        ("class-unknown", "class_known"): [{"class_source_id": NO_SUCH}],
        ("student-number-form", "student_number"): [{"student_number": one} for one in NUMBERS],
        ("student-number-missing", "learner_told"): [{"student_number": ""}],
        ("minutes-range", "minutes"): [
            {"minutes": Decimal(one)} for one in ("-0.001", "1440.001", "NaN", "Infinity", "999999999999999999E9")
        ],
        ("date-out-of-range", "at"): [{"at": FUTURE}, {"at": told.LAST_INSTANT}],
    },
    R.Consent: {
        ("consent-kind-unknown", "kinds_known"): [{"kinds": ("school", "photo")}, {"kinds": ()}],
        ("dates-reversed", "withdrawn_at"): [
            {"withdrawn_at": datetime(2026, 5, 29, 8, tzinfo=UTC)},
            {"withdrawn_at": datetime(2026, 5, 30, 15, tzinfo=told.SHANGHAI)},
        ],
    },
    R.Document: {
        ("document-kind-unknown", "kind"): [{"kind": "passport"}],
        ("date-out-of-range", "as_of"): [{"as_of": FAR_OFF}],
    },
    R.Leave: {
        ("dates-reversed", "ends_on"): [{"ends_on": date(2026, 8, 31)}],
        ("date-out-of-range", "starts_on"): [{"starts_on": LONG_AGO}],
        ("date-out-of-range", "ends_on"): [{"ends_on": FAR_OFF}],
        ("hours-range", "hours"): [{"hours": Decimal(-1)}, {"hours": Decimal("NaN")}, {"hours": Decimal(10_001)}],
        ("status-unknown", "status"): [{"status": "maybe"}],
    },
    R.OutcomeClaim: {
        ("credits-range", "credits_claimed"): [{"credits_claimed": Decimal(one)} for one in ("-1", "201", "NaN")],
        ("date-out-of-range", "awarded_on"): [{"awarded_on": FAR_OFF}],
    },
    R.Objection: {
        ("status-unknown", "status"): [{"status": "lost"}],
        ("dates-reversed", "decided_on"): [{"decided_on": date(2026, 8, 31)}],
    },
    R.AdmissionDecision: {
        ("status-unknown", "status"): [{"status": "perhaps"}],
        ("date-out-of-range", "decided_on"): [{"decided_on": FAR_OFF}],
    },
    R.Registration: {
        ("student-number-missing", "student_number"): [{"student_number": ""}],
        ("student-number-form", "student_number"): [{"student_number": one} for one in NUMBERS],
        ("date-out-of-range", "registered_on"): [{"registered_on": LONG_AGO}],
    },
    R.ClassConfirmation: {
        ("class-unknown", "class_known"): [{"class_source_id": NO_SUCH}],
        ("status-unknown", "status"): [{"status": "cancelled"}],
        ("date-out-of-range", "starts_on"): [{"starts_on": LONG_AGO}],
        ("date-out-of-range", "confirmed_on"): [{"confirmed_on": FAR_OFF}],
    },
    R.SkillResult: {
        ("status-unknown", "status"): [{"status": "absent"}],
        ("mark-range", "score"): [{"score": Decimal(101)}, {"score": Decimal("NaN")}],
        ("date-out-of-range", "assessed_on"): [{"assessed_on": FAR_OFF}],
    },
    R.Diploma: {
        ("diploma-number-missing", "number"): [{"number": ""}],
        ("date-out-of-range", "issued_on"): [{"issued_on": LONG_AGO}],
    },
    R.SkillCertificate: {
        ("skill-certificate-number-missing", "number"): [{"number": ""}],
        ("level-range", "level"): [{"level": 0}, {"level": 6}],
        ("date-out-of-range", "issued_on"): [{"issued_on": LONG_AGO}],
    },
    R.PaymentResult: {
        ("status-unknown", "status"): [{"status": "lost"}],
        ("date-out-of-range", "on"): [{"on": FAR_OFF}],
    },
}  # fmt: skip
for _kind in (R.Consent, R.Document, R.Leave, R.OutcomeClaim, R.Objection):
    BREAKS[_kind]["worker-unknown", "worker_known"] = NO_WORKER
for _kind, _name in (
    (R.AdmissionDecision, "application_id"), (R.Registration, "application_id"), (R.SkillResult, "registration_id"),
    (R.Diploma, "graduation_id"), (R.SkillCertificate, "registration_id"), (R.PaymentResult, "payment_id"),
):  # fmt: skip
    BREAKS[_kind]["reference-unknown", "ours_known"] = [{_name: NO_SUCH}]
    BREAKS[_kind]["answer-taken-back", "stands"] = [{"removed": True}]
for _kind in GOOD:
    BREAKS[_kind]["key-missing", "key"] = [{"source_id": ""}]
    BREAKS[_kind]["timestamp-in-future", "seconds_ahead"] = [{"changed_at": FUTURE}, {"changed_at": told.LAST_INSTANT}]
for _kind in (R.Consent, R.Document, R.Leave, R.OutcomeClaim, R.Objection):
    BREAKS[_kind]["resident-id-missing", "resident_id"] = [{"resident_id": ""}]
# These two are asked of more than one record: test_rules.py has them by themselves.
APART = {("key-repeated", "key"), ("enterprise-unknown", "enterprise_known")}
