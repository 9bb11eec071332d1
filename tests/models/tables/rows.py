"""One valid row of every table, each resting on the others, for tests that break them one by one.

Belongs here: the rows. Does not: what is wrong with a row (test_constraints.py).
"""

from datetime import UTC, date, datetime
from decimal import Decimal

from sqlmodel import SQLModel

from models.tables.credentials import Certificate, Outcome, Recognition, SkillAssessment
from models.tables.funding import Award, FundingSource, LedgerLine, Payment
from models.tables.lifecycle import (
    Alert,
    AlertPress,
    AlertWait,
    Application,
    DecisionRequest,
    Graduation,
    Notice,
    NoticeEntry,
    Objection,
    Step,
    Wait,
)
from models.tables.news import CohortNews, Look, News
from models.tables.operations import (
    AuditEvent,
    ChatHealth,
    DocumentRead,
    Outbox,
    Quarantine,
    SourceNights,
    SourceVersion,
    SyncCursor,
)
from models.tables.organisations import Cohort, CohortEnterprise, CohortWindow, Module, Organisation, Programme, Project
from models.tables.people import Consent, Document, Employment, Leave, Nomination, Participant, Worker
from models.tables.teaching import (
    Attendance,
    ClassConfirmation,
    ClassSection,
    Course,
    Enrolment,
    Learner,
    LineItem,
    Mark,
    ModuleTaken,
    OnlineStudy,
    Session,
    Term,
)

ENTERPRISE, SCHOOL = "91320200MA1TEXT06T", "12350100000000019K"
ID_NUMBER, CARD, MOBILE = "32020519881102000X", "6220000000000001", "13800000001"
DAY = date(2026, 9, 1)
MOMENT = datetime(2026, 9, 1, 8, 30, tzinfo=UTC)
YUAN = Decimal("1000.00")


def every_row() -> list[SQLModel]:
    """A fresh row of each table, in an order in which they can be written."""
    return [
        *_programme(),
        *_people(),
        *_lifecycle(),
        *_teaching(),
        *_credentials(),
        *_funding(),
        *_operations(),
        *_news(),
    ]


def _programme() -> list[SQLModel]:
    roles = dict.fromkeys(("school_code", "centre_code", "union_code", "assessor_code", "finance_code"), SCHOOL)
    return [
        Organisation(code=SCHOOL, name="无锡开放大学"),
        Organisation(code=ENTERPRISE, name="试验机械"),
        Project(code="WX-2026", name="圆梦", federation_code=SCHOOL),
        Programme(id="JD-2026", code="JD", edition="2026", name="机电一体化技术", level="junior-college",
                  credits_to_graduate=Decimal(76), terms=5, occupation="电工", skill_level=4),
        Module(id="JD-2026:101", programme_id="JD-2026", code="101", name="电工基础", credits=Decimal(4),
               kind="compulsory", term=1, formative_share=Decimal("0.5")),
        Cohort(code="WX-2026A", name="一班", project_code="WX-2026", programme_id="JD-2026", starts_on=DAY,
               nomination_opens_on=date(2026, 5, 1), quota=30, stage_entered_on=DAY, federation_code=SCHOOL, **roles),
        CohortEnterprise(cohort_code="WX-2026A", enterprise_code=ENTERPRISE),
        CohortWindow(cohort_code="WX-2026A", name="成人高考报名", closes_on=date(2026, 10, 10)),
    ]  # fmt: skip


def _people() -> list[SQLModel]:
    return [
        Worker(id="W-1", name="高建国", sex="female", birth_on=date(1988, 11, 2), resident_id=ID_NUMBER,
               resident_id_hash="h1", resident_id_masked="320205********000X", mobile=MOBILE, bank_card=CARD),
        Participant(id="P-1", cohort_code="WX-2026A", worker_id="W-1", enterprise_code=ENTERPRISE, nominated_on=DAY,
                    stage_entered_on=DAY, student_number="2026320100001"),
        Nomination(id="NM-1", cohort_code="WX-2026A", enterprise_code=ENTERPRISE, participant_id="P-1", worker_id="W-1",
                   source="roster.xlsx", row=2, name="高建国", status="accepted", policy_version="2019-1",
                   nominated_on=DAY, payload=f'{{"resident_id": "{ID_NUMBER}"}}'),
        Consent(id="C-1", worker_id="W-1", kind="school", text_version="1", given_at=MOMENT),
        Document(id="D-1", worker_id="W-1", kind="bank-card", value=CARD, as_of=DAY),
        Leave(id="L-1", worker_id="W-1", kind="study", starts_on=DAY, ends_on=DAY, status="approved", hours=Decimal(8)),
        Employment(id="E-1", connection="hr", enterprise_code=ENTERPRISE, employee_number="1", worker_id="W-1",
                   active=True),
    ]  # fmt: skip


def _lifecycle() -> list[SQLModel]:
    return [
        Step(id="S-1", cohort_code="WX-2026A", stage="teaching", entered_on=DAY),
        Wait(id="WT-1", cohort_code="WX-2026A", stage="teaching", kind="class-confirmation", subject="101",
             holder="centre", holder_code=SCHOOL, since=DAY),
        DecisionRequest(id="DR-1", kind="review", cohort_code="WX-2026A", participant_id="P-1", nomination_id="NM-1",
                        question="?", holder="union", asked_on=DAY),
        Notice(id="N-1", cohort_code="WX-2026A", published_on=DAY, ends_on=date(2026, 9, 8)),
        NoticeEntry(notice_id="N-1", participant_id="P-1"),
        Objection(id="O-1", participant_id="P-1", raised_on=DAY, status="open"),
        Application(id="AP-1", participant_id="P-1", sent_on=DAY),
        Graduation(id="G-1", participant_id="P-1", sent_on=DAY),
        Alert(id="A-1", cohort_code="WX-2026A", kind="class-confirmation", stage="teaching", holder="centre",
              holder_code=SCHOOL, since=DAY, people=1, level=1, raised_on=DAY),
        AlertWait(alert_id="A-1", wait_id="WT-1"),
        AlertPress(key="PR-1", alert_id="A-1", action="snooze", actor="slack:U123", pressed_at=MOMENT, on=DAY),
    ]  # fmt: skip


def _teaching() -> list[SQLModel]:
    return [
        Term(id="ou:t1", connection="ou", source_id="t1", title="2026秋", starts_on=DAY, ends_on=date(2027, 1, 15)),
        Course(id="ou:c1", connection="ou", source_id="c1", code="101", title="电工基础"),
        ClassSection(id="ou:k1", connection="ou", source_id="k1", code="101-1", title="一班", course_id="ou:c1",
                     term_id="ou:t1"),
        ClassConfirmation(id="ou:f1", class_id="ou:k1", status="planned", starts_on=DAY),
        Learner(id="ou:l1", connection="ou", source_id="l1", student_number="2026320100001"),
        Enrolment(id="ou:e1", class_id="ou:k1", learner_id="ou:l1"),
        LineItem(id="ou:i1", class_id="ou:k1", title="期末", part="final"),
        Mark(id="ou:m1", line_item_id="ou:i1", learner_id="ou:l1", score=Decimal("59.95"), score_status="fully graded"),
        Session(id="ou:s1", class_id="ou:k1", starts_at=MOMENT, minutes=90, closed=True),
        Attendance(session_id="ou:s1", student_number="2026320100001", meaning="present"),
        OnlineStudy(id="lrs:1", student_number="2026320100001", class_id="ou:k1", activity="a", verb="attended",
                    minutes=Decimal("12.345"), at=MOMENT),
        ModuleTaken(id="MT-1", participant_id="P-1", module_id="JD-2026:101", class_id="ou:k1", state="passed",
                    mark=Decimal("60.0"), credits=Decimal(4), held=2, present=1, late=1),
    ]  # fmt: skip


def _credentials() -> list[SQLModel]:
    return [
        SkillAssessment(id="SK-1", participant_id="P-1", occupation="电工", level=4, sent_on=DAY),
        Outcome(id="OC-1", worker_id="W-1", kind="certificate", title="证书", evidence="证号", module_code="101",
                credits_claimed=Decimal(4), awarded_on=DAY),
        Recognition(id="R-1", participant_id="P-1", outcome_id="OC-1", module_id="JD-2026:101", status="granted",
                    credits=Decimal(4), policy_version="2019-1", reviewer="tester", evidence="证号", decided_on=DAY),
        Certificate(id="C-1", participant_id="P-1", kind="skill", number="Y000132000123254000001", issued_on=DAY),
    ]  # fmt: skip


def _funding() -> list[SQLModel]:
    return [
        FundingSource(id="F-1", cohort_code="WX-2026A", source="union", name="总工会", trigger="yearly", amount=YUAN,
                      periods=3, quota=20, budget=Decimal(60000)),
        Award(id="AW-1", participant_id="P-1", source_id="F-1", period="year-1", amount=YUAN, granted_on=DAY),
        Payment(id="PM-1", award_id="AW-1", amount=YUAN, ordered_on=DAY),
        LedgerLine(id="LL-1", award_id="AW-1", participant_id="P-1", source="union", period="year-1", kind="award",
                   amount=YUAN, booked_on=DAY),
        LedgerLine(id="LL-2", award_id="AW-1", participant_id="P-1", source="union", period="year-1", kind="payment",
                   amount=YUAN, booked_on=DAY, payment_id="PM-1"),
        LedgerLine(id="LL-3", award_id="AW-1", participant_id="P-1", source="union", period="year-1", kind="return",
                   amount=YUAN, booked_on=DAY, reverses="LL-2"),
    ]  # fmt: skip


def _operations() -> list[SQLModel]:
    return [
        SyncCursor(connection="ou", stream="terms", cursor=MOMENT, read_on=DAY),
        SourceVersion(connection="ou", stream="leave", source_id="l1", digest=-1, changed_at=MOMENT),
        DocumentRead(connection="folder", digest="d1", name="marks.xlsx", read_on=DAY),
        SourceNights(connection="ou", tried_on=DAY, read_on=DAY),
        Quarantine(id="Q-1", connection="ou", stream="users", source_id="u1", rules="worker-unknown",
                   payload=f'{{"id": "{ID_NUMBER}"}}', first_on=DAY),
        Outbox(id="OB-1", kind="partner.applications", organisation_code=SCHOOL, payload=f'{{"card": "{CARD}"}}',
               created_on=DAY),
        ChatHealth(connection="chat", failures=3, failing_on=DAY, failing_since=MOMENT, reason="away"),
        AuditEvent(key="k1", action="reveal", subject="W-1", actor="tester", on=DAY),
    ]  # fmt: skip


def _news() -> list[SQLModel]:
    return [
        News(kind="worker", keys='["W-1"]'),
        CohortNews(cohort_code="WX-2026A"),
        Look(cohort_code="WX-2026A", looked_on=DAY, rules="r1", changes_on=DAY, round_on=DAY),
    ]
