"""Letting a held stream pass: a person has looked at what the gate doubts, and says why it may be believed.

Belongs here: the release, once and with its reason. Does not: reading the stream (reading.py), which passes it next time.
"""

from datetime import date

from connectors.database import alone
from models.clock import business_date
from models.repositories.audit import record
from models.rules.privacy import holds_personal_number
from models.tables.operations import SyncCursor
from tasks.errors import BadInput
from tasks.office import office, unit_of_work


def release_stream(connection: str, stream: str, reason: str, as_of: date | None = None) -> None:
    """Let the next reading of a held stream pass whatever its gate says; rows that break a rule stay held back.

    Raises BadInput for a stream that is not held, without a reason, and for one that holds a personal number.
    """
    if not reason.strip():
        raise BadInput("say why it may pass: --reason REASON")
    if holds_personal_number(reason):
        raise BadInput(
            "the reason holds a personal number: name the row by the id that `yuanmeng quarantine list` shows"
        )
    today = business_date(as_of)
    with unit_of_work() as session:
        alone(session, connection)
        cursor = session.get(SyncCursor, (connection, stream))
        if cursor is None or cursor.status != "held":
            raise BadInput(f"the stream {stream} of {connection} is not held: `yuanmeng sync` says which are")
        cursor.status = "released"
        record(session, action="stream-released", subject=f"{connection}/{stream}", actor=office().settings.actor,
               reason=reason, detail=cursor.reason, on=today, key=f"release:{connection}/{stream}:{today}:{cursor.reason}")  # fmt: skip
