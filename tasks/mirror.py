"""From records to rows: what each record of a source becomes in our tables, and why it may not.

Belongs here: one function a record type, the references it needs, the rule it breaks when one is missing.
Does not: reading pages (sync.py) or judging the programme's rules.
"""

from collections.abc import Callable, Iterator
from typing import Any

from sqlmodel import SQLModel

from models import records
from models.clock import SHANGHAI
from models.identity import make_id
from models.repositories.credentials import certificate_holder
from models.repositories.lifecycle import notice_entry
from models.rules.eligibility import education_of, household_of
from models.rules.identifiers import Invalid, bank_card, diploma_number, mobile, normalise, skill_certificate_number
from models.rules.privacy import mask_numbers
from models.tables import credentials, lifecycle, people, teaching
from models.tables.funding import Payment
from models.tables.organisations import Organisation
from models.vault import keyring, opaque
from tasks.source import Broken, Source, Wanted, worker_key

Rows = list[SQLModel]


def employment(source: Source, record: records.Employment) -> Rows:
    """An employee of an HR system, matched by keyed hash of his number, else by his employee number."""
    if source.find(Organisation, source.organisation) is None:
        raise Broken("enterprise-unknown")  # cured by itself once a plan names the enterprise
    worker_id = _employee(source, record)
    left_on = record.left_on
    if not record.active and left_on is None and record.changed_at is not None:
        left_on = record.changed_at.astimezone(SHANGHAI).date()
    return [people.Employment(
        id=source.key(record.source_id), connection=source.connection, enterprise_code=source.organisation,
        employee_number=_number(record), worker_id=worker_id, active=record.active, left_on=left_on,
        changed_at=record.changed_at,
    )]  # fmt: skip


def _employee(source: Source, record: records.Employment) -> str | None:
    if record.resident_id:
        key = worker_key(record.resident_id)
        return key if source.find(people.Worker, key) else None
    return source.employee(_number(record))


def _number(record: records.Employment) -> str:
    return opaque(normalise(record.employee_number or ""))


def term(source: Source, record: records.Term) -> Rows:
    """A school term."""
    return [teaching.Term(id=source.key(record.source_id), connection=source.connection, source_id=record.source_id,
                          title=record.title, starts_on=record.starts_on, ends_on=record.ends_on)]  # fmt: skip


def course(source: Source, record: records.Course) -> Rows:
    """A course; its code is a module's."""
    return [teaching.Course(id=source.key(record.source_id), connection=source.connection, source_id=record.source_id,
                            code=record.code, title=record.title)]  # fmt: skip


def class_section(source: Source, record: records.ClassSection) -> Rows:
    """A class, in the first of its terms."""
    term_id = source.reference(teaching.Term, record.term_source_ids[0]) if record.term_source_ids else None
    return [teaching.ClassSection(
        id=source.key(record.source_id), connection=source.connection, source_id=record.source_id, code=record.code,
        title=record.title, course_id=source.reference(teaching.Course, record.course_source_id), term_id=term_id,
    )]  # fmt: skip


def learner(source: Source, record: records.Learner) -> Rows:
    """A person of the school's records."""
    return [teaching.Learner(id=source.key(record.source_id), connection=source.connection, source_id=opaque(record.source_id),
                             student_number=record.student_number or None, active=record.active)]  # fmt: skip


def enrolment(source: Source, record: records.Enrolment) -> Rows:
    """A learner's place in a class; teachers are none of ours."""
    if record.role != "student":
        return []
    return [teaching.Enrolment(
        id=source.key(record.source_id), class_id=source.reference(teaching.ClassSection, record.class_source_id),
        learner_id=source.reference(teaching.Learner, record.learner_source_id), active=record.active,
    )]  # fmt: skip


def line_item(source: Source, record: records.LineItem) -> Rows:
    """Something marked in a class."""
    return [teaching.LineItem(
        id=source.key(record.source_id), class_id=source.reference(teaching.ClassSection, record.class_source_id),
        title=record.title, part=record.part, due_on=record.due_on,
    )]  # fmt: skip


def result(source: Source, record: records.Result) -> Rows:
    """A released mark, 0 to 100."""
    if record.score is not None and not 0 <= record.score <= 100:
        raise Broken("mark-range")
    return [teaching.Mark(
        id=source.key(record.source_id), line_item_id=source.reference(teaching.LineItem, record.line_item_source_id),
        learner_id=source.reference(teaching.Learner, record.learner_source_id), score=record.score,
        score_status=record.score_status, scored_on=record.scored_on,
    )]  # fmt: skip


def session(source: Source, record: records.Session) -> Rows:
    """A face-to-face session of a class that the school reported."""
    return [teaching.Session(
        id=source.key(record.source_id), class_id=source.class_id(record.class_source_id),
        starts_at=record.starts_at, minutes=record.minutes, closed=record.closed,
    )]  # fmt: skip


def register_entry(source: Source, record: records.RegisterEntry) -> Rows:
    """A line of a register."""
    return [teaching.Attendance(
        session_id=source.reference(teaching.Session, record.session_source_id), student_number=record.student_number,
        meaning=record.meaning,
    )]  # fmt: skip


def online_study(source: Source, record: records.OnlineStudy) -> Rows:
    """A statement of online study; a withdrawn one stays, marked, and counts no more.

    A store may give the withdrawal before what it withdraws: the mark stands, whatever comes after it.
    """
    standing = source.find(teaching.OnlineStudy, source.key(record.source_id))
    if record.voided and standing is not None:
        standing.voided = True
        return [standing]
    return [
        teaching.OnlineStudy(
            id=source.key(record.source_id),
            student_number=record.student_number,
            class_id=source.class_id(record.class_source_id) if record.class_source_id else None,
            activity=record.activity,
            verb=record.verb,
            minutes=record.minutes,
            at=record.at,
            voided=record.voided or (standing is not None and standing.voided),
        )
    ]


def consent(source: Source, record: records.Consent) -> Rows:
    """Consents of a worker, one row a kind."""
    worker_id = source.worker(record.resident_id)
    return [
        people.Consent(id=source.key(f"{record.source_id}:{kind}"), worker_id=worker_id, kind=kind,
                       text_version=record.text_version, given_at=record.given_at, withdrawn_at=record.withdrawn_at)
        for kind in record.kinds
    ]  # fmt: skip


def document(source: Source, record: records.Document) -> Rows:
    """A document, and what it settles in the worker's own row."""
    worker = source.find(people.Worker, source.worker(record.resident_id))
    assert worker is not None  # noqa: S101  (`source.worker` has found it)
    _apply_document(worker, record)
    return [people.Document(id=source.key(record.source_id), worker_id=worker.id, kind=record.kind,
                            value=record.value, as_of=record.as_of)]  # fmt: skip


def _apply_document(worker: people.Worker, record: records.Document) -> None:
    """A newer document changes the worker; an older one does not. Raises Broken for one that says nothing we know."""
    try:
        DOCUMENTS[record.kind](worker, record)
    except KeyError:
        raise Broken("document-kind-unknown") from None
    except Invalid as error:
        raise Broken("document-unreadable" if error.rule.endswith("missing") else error.rule) from error


def _household(worker: people.Worker, record: records.Document) -> None:
    told = household_of(record.value)
    if worker.household_as_of is None or record.as_of >= worker.household_as_of:
        worker.household, worker.household_as_of = told, record.as_of


def _education(worker: people.Worker, record: records.Document) -> None:
    worker.education = education_of(record.value)


def _card(worker: people.Worker, record: records.Document) -> None:
    number = bank_card(record.value)
    if worker.bank_card_changed_on is None or record.as_of > worker.bank_card_changed_on:
        worker.bank_card, worker.bank_card_hash = number, keyring().match_hash("bank-card", number)
        worker.bank_card_changed_on = record.as_of


def _mobile(worker: people.Worker, record: records.Document) -> None:
    worker.mobile = mobile(record.value)
    worker.mobile_hash = keyring().match_hash("mobile", worker.mobile)


DOCUMENTS: dict[str, Callable[[people.Worker, records.Document], None]] = {
    "household": _household, "education": _education, "bank-card": _card, "mobile": _mobile,
}  # fmt: skip


def leave(source: Source, record: records.Leave) -> Rows:
    """Study leave."""
    return [people.Leave(
        id=source.key(record.source_id), worker_id=source.worker(record.resident_id), kind=record.kind,
        starts_on=record.starts_on, ends_on=record.ends_on, status=record.status, hours=record.hours,
    )]  # fmt: skip


def outcome(source: Source, record: records.OutcomeClaim) -> Rows:
    """A claimed learning outcome."""
    return [credentials.Outcome(
        id=source.key(record.source_id), worker_id=source.worker(record.resident_id), kind=record.kind,
        title=mask_numbers(record.title), evidence=mask_numbers(record.evidence), module_code=record.module_code,
        credits_claimed=record.credits_claimed, awarded_on=record.awarded_on,
    )]  # fmt: skip


def objection(source: Source, record: records.Objection) -> Rows:
    """An objection to a name on one of our notices."""
    participant_id = notice_entry(source.session, record.notice_id, source.worker(record.resident_id))
    if participant_id is None:
        raise Broken("reference-unknown")
    return [lifecycle.Objection(
        id=source.key(record.source_id), participant_id=participant_id, raised_on=record.raised_on,
        status=record.status, decided_on=record.decided_on, reason=mask_numbers(record.reason or ""),
    )]  # fmt: skip


def admission(source: Source, record: records.AdmissionDecision) -> Rows:
    """The school's answer to one of our applications."""
    application = source.require(lifecycle.Application, record.application_id)
    application.status, application.reason = record.status, mask_numbers(record.reason or "")
    application.decided_on = record.decided_on
    return [application]


def registration(source: Source, record: records.Registration) -> Rows:
    """The student number of an admitted applicant."""
    application = source.require(lifecycle.Application, record.application_id)
    application.student_number, application.registered_on = record.student_number, record.registered_on
    return [application]


def class_confirmation(source: Source, record: records.ClassConfirmation) -> Rows:
    """The centre's word on a class."""
    return [teaching.ClassConfirmation(
        id=source.key(record.source_id), class_id=source.class_id(record.class_source_id),
        status=record.status, starts_on=record.starts_on, confirmed_on=record.confirmed_on,
    )]  # fmt: skip


def skill_result(source: Source, record: records.SkillResult) -> Rows:
    """The result of a skill assessment we registered for."""
    assessment = source.require(credentials.SkillAssessment, record.registration_id)
    assessment.status, assessment.score, assessment.assessed_on = (
        record.status,
        record.score,
        record.assessed_on,
    )
    return [assessment]


def diploma(source: Source, record: records.Diploma) -> Rows:
    """A diploma number for a graduation we asked for."""
    graduation = source.require(lifecycle.Graduation, record.graduation_id)
    return [
        _certificate(source, graduation.participant_id, "diploma", _number_of(diploma_number, record.number), record)
    ]


def skill_certificate(source: Source, record: records.SkillCertificate) -> Rows:
    """A skill certificate's number for a registration of ours."""
    assessment = source.require(credentials.SkillAssessment, record.registration_id)
    number = _number_of(skill_certificate_number, record.number)
    return [_certificate(source, assessment.participant_id, "skill", number, record)]


def _number_of(read: Callable[[str], Any], text: str) -> str:
    try:
        return str(read(text).number)
    except Invalid as error:
        raise Broken(error.rule) from error


def _certificate(
    source: Source, participant_id: str, kind: str, number: str, record: records.Diploma | records.SkillCertificate
) -> credentials.Certificate:
    """A number belongs to one participant: a second one with it is for a person to look at."""
    key = make_id("C", participant_id, kind)
    source.session.flush()  # the other may stand in this very page
    if certificate_holder(source.session, number) not in (None, participant_id):
        raise Broken("certificate-number-taken")
    return credentials.Certificate(
        id=key, participant_id=participant_id, kind=kind, number=number, issued_on=record.issued_on
    )


def payment_result(source: Source, record: records.PaymentResult) -> Rows:
    """What became of a payment order of ours; a returned payment was paid first, and stays returned when read again."""
    payment = source.require(Payment, record.payment_id)
    if payment.status != "returned":
        payment.status = record.status
    payment.settled_on = payment.settled_on or record.on
    if record.status == "returned":
        payment.returned_on, payment.reason = record.on, mask_numbers(record.reason or "")
    return [payment]


MIRRORS: dict[type[Any], Callable[[Source, Any], Rows]] = {
    records.Employment: employment, records.Term: term, records.Course: course, records.ClassSection: class_section,
    records.Learner: learner, records.Enrolment: enrolment, records.LineItem: line_item, records.Result: result,
    records.Session: session, records.RegisterEntry: register_entry, records.OnlineStudy: online_study,
    records.Consent: consent, records.Document: document, records.Leave: leave, records.OutcomeClaim: outcome,
    records.Objection: objection, records.AdmissionDecision: admission, records.Registration: registration,
    records.ClassConfirmation: class_confirmation, records.SkillResult: skill_result, records.Diploma: diploma,
    records.SkillCertificate: skill_certificate, records.PaymentResult: payment_result,
}  # fmt: skip


def _wanted(source: Source, record: Any) -> Iterator[Wanted]:
    """Name the rows that the mirror of a record will ask for, and the one it becomes."""
    if type(record) in BECOMES:
        yield BECOMES[type(record)], (source.key(record.source_id),)
    if isinstance(record, records.RegisterEntry):
        yield teaching.Attendance, (source.key(record.session_source_id), record.student_number)
    for table, attribute in REPORTED.get(type(record), ()):
        yield table, (source.key(getattr(record, attribute)),)
    for table, attribute in OURS.get(type(record), ()):
        yield table, (getattr(record, attribute),)
    if getattr(record, "resident_id", None):
        yield people.Worker, (worker_key(record.resident_id),)


def look_up(source: Source, page: list[Any]) -> None:
    """Find what the mirrors of a page will ask for, by a handful of queries."""
    source.look_up(wanted for record in page for wanted in _wanted(source, record))
    source.look_up_classes(
        record.class_source_id
        for record in page
        if isinstance(record, records.Session | records.OnlineStudy | records.ClassConfirmation)
    )
    source.look_up_employees(
        _number(record) for record in page if isinstance(record, records.Employment) and not record.resident_id
    )


BECOMES: dict[type[Any], type[SQLModel]] = {
    records.Employment: people.Employment, records.Term: teaching.Term, records.Course: teaching.Course,
    records.ClassSection: teaching.ClassSection, records.Learner: teaching.Learner,
    records.Enrolment: teaching.Enrolment, records.LineItem: teaching.LineItem, records.Result: teaching.Mark,
    records.Session: teaching.Session, records.OnlineStudy: teaching.OnlineStudy, records.Document: people.Document,
    records.Leave: people.Leave, records.OutcomeClaim: credentials.Outcome, records.Objection: lifecycle.Objection,
    records.ClassConfirmation: teaching.ClassConfirmation,
}  # fmt: skip

References = dict[type[Any], tuple[tuple[type[SQLModel], str], ...]]
# What a record refers to by the source's own ids, and what by ids of ours that the other side quotes.
REPORTED: References = {
    records.ClassSection: ((teaching.Course, "course_source_id"),),
    records.Enrolment: ((teaching.ClassSection, "class_source_id"), (teaching.Learner, "learner_source_id")),
    records.LineItem: ((teaching.ClassSection, "class_source_id"),),
    records.Result: ((teaching.LineItem, "line_item_source_id"), (teaching.Learner, "learner_source_id")),
    records.RegisterEntry: ((teaching.Session, "session_source_id"),),
}
OURS: References = {
    records.AdmissionDecision: ((lifecycle.Application, "application_id"),),
    records.Registration: ((lifecycle.Application, "application_id"),),
    records.SkillResult: ((credentials.SkillAssessment, "registration_id"),),
    records.Diploma: ((lifecycle.Graduation, "graduation_id"),),
    records.SkillCertificate: ((credentials.SkillAssessment, "registration_id"),),
    records.PaymentResult: ((Payment, "payment_id"),),
}
