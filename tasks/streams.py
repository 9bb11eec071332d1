"""What a stream is to us: which record types it carries, which other streams it needs first, how it is read.

Belongs here: facts about streams whatever the protocol. Does not: reading one (reading.py).
"""

from collections.abc import Collection, Mapping

from models import records

CARRIES: Mapping[str, tuple[type[records.Record], ...]] = {
    "employment": (records.Employment,), "terms": (records.Term,), "courses": (records.Course,),
    "classes": (records.ClassSection,), "people": (records.Learner,), "enrolments": (records.Enrolment,),
    "line-items": (records.LineItem,), "results": (records.Result,),
    "attendance": (records.Session, records.RegisterEntry), "online-study": (records.OnlineStudy,),
    "consents": (records.Consent,), "documents": (records.Document,), "leave": (records.Leave,),
    "outcomes": (records.OutcomeClaim,), "objections": (records.Objection,),
    "admissions": (records.AdmissionDecision,), "registrations": (records.Registration,),
    "class-confirmations": (records.ClassConfirmation,), "skill-results": (records.SkillResult,),
    "diplomas": (records.Diploma,), "skill-certificates": (records.SkillCertificate,),
    "payment-results": (records.PaymentResult,),
}  # fmt: skip
# Without these its rows would refer to nothing.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "classes": ("terms", "courses"), "enrolments": ("classes", "people"), "line-items": ("classes",),
    "results": ("line-items", "people"),
}  # fmt: skip
CLASS_SCOPED = frozenset({"attendance"})  # asked for class by class
NO_SINCE = frozenset({"attendance"})  # there is none on the wire: compared by content, every time


def missing_need(stream: str, unread: Collection[str]) -> str | None:
    """Give a stream that this one needs and that could not be read tonight."""
    return next((need for need in NEEDS.get(stream, ()) if need in unread), None)
