"""Records that touch rows of ours: answers to what we sent, and what is known of a worker; what each one changes.

Belongs here: one function a record type, the references it needs, the rule it breaks when one is missing.
Does not: records that become a row of their own (shapes.py), the gate, or judging the programme's rules.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlmodel import SQLModel

from models import records
from models.identity import make_id
from models.repositories.credentials import certificate_holder
from models.repositories.lifecycle import notice_entry
from models.rules.eligibility import education_of, household_of
from models.rules.identifiers import Invalid, bank_card, diploma_number, mobile, skill_certificate_number
from models.rules.privacy import mask_numbers
from models.tables import credentials, lifecycle, people
from models.tables.funding import Payment
from models.vault import keyring
from tasks.source import Broken, Source, Wanted, worker_key

Rows = list[SQLModel]


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
    if not record.removed:
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
    records.Consent: consent, records.Document: document, records.Leave: leave, records.OutcomeClaim: outcome,
    records.Objection: objection, records.AdmissionDecision: admission, records.Registration: registration,
    records.SkillResult: skill_result, records.Diploma: diploma, records.SkillCertificate: skill_certificate,
    records.PaymentResult: payment_result,
}  # fmt: skip
# What becomes a row by the source's own id, and goes when the source no longer has it.
BECOMES: dict[type[Any], type[SQLModel]] = {
    records.Leave: people.Leave, records.OutcomeClaim: credentials.Outcome, records.Objection: lifecycle.Objection,
}  # fmt: skip
# What answers something of ours, by the id of ours that it quotes.
OURS: dict[type[Any], tuple[type[SQLModel], str]] = {
    records.AdmissionDecision: (lifecycle.Application, "application_id"),
    records.Registration: (lifecycle.Application, "application_id"),
    records.SkillResult: (credentials.SkillAssessment, "registration_id"),
    records.Diploma: (lifecycle.Graduation, "graduation_id"),
    records.SkillCertificate: (credentials.SkillAssessment, "registration_id"),
    records.PaymentResult: (Payment, "payment_id"),
}


def look_up(source: Source, page: Iterable[Any]) -> None:
    """Find what the mirrors of a page will ask for, by a handful of queries."""
    source.look_up(wanted for record in page for wanted in _wanted(source, record))


def _wanted(source: Source, record: Any) -> Iterator[Wanted]:
    """Name the rows that the mirror of a record will ask for, and the one it becomes."""
    if type(record) in BECOMES:
        yield BECOMES[type(record)], (source.key(record.source_id),)
    if isinstance(record, records.Document):
        yield people.Document, (source.key(record.source_id),)
    if type(record) in OURS:
        table, attribute = OURS[type(record)]
        yield table, (getattr(record, attribute),)
    if getattr(record, "resident_id", None):
        yield people.Worker, (worker_key(record.resident_id),)
