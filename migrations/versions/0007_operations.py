"""The tables of operations, as they began."""

from alembic import op

from migrations.columns import (
    check,
    dates,
    indexes,
    instants,
    integers,
    primary,
    reference,
    texts,
    unique,
)

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _audit_events()
    _quarantine()
    _sync_cursors()
    _source_nights()
    _outbox()
    _chat_health()


def downgrade() -> None:
    """Drop the tables."""
    for name in ("chat_health", "outbox", "source_nights", "sync_cursors", "quarantine", "audit_events"):
        op.drop_table(name)


def _audit_events() -> None:
    op.create_table(
        "audit_events",
        *integers("id"),
        *texts("key", "action", "subject", "actor", "reason", "detail"),
        *dates("on"),
        *instants("recorded_at"),
        primary("audit_events", "id"),
        unique("audit_events", "key"),
    )
    indexes("audit_events", "subject")


def _quarantine() -> None:
    op.create_table(
        "quarantine",
        *texts("id", "connection", "stream", "source_id", "rules", "payload"),
        *dates("first_on"),
        *dates("cured_on", null=True),
        primary("quarantine", "id"),
        unique("quarantine", "connection", "stream", "source_id"),
    )


def _sync_cursors() -> None:
    op.create_table(
        "sync_cursors",
        *texts("connection", "stream"),
        *instants("cursor", null=True),
        *dates("read_on"),
        *texts("status", "reason"),
        *dates("held_since", null=True),
        primary("sync_cursors", "connection", "stream"),
    )


def _source_nights() -> None:
    op.create_table(
        "source_nights",
        *texts("connection"),
        *dates("tried_on"),
        *dates("read_on", null=True),
        *integers("failed_nights"),
        *dates("failing_since", null=True),
        primary("source_nights", "connection"),
        check("source_nights", "failing_since_when", "(failed_nights > 0) = (failing_since IS NOT NULL)"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        *texts("id", "kind"),
        *texts("organisation_code", null=True),
        *texts("subject", "payload", "status"),
        *integers("attempts"),
        *dates("created_on"),
        *dates("sent_on", null=True),
        *texts("answer", "problem"),
        primary("outbox", "id"),
        check("outbox", "status_known", "status IN ('waiting', 'sent', 'failed')"),
        reference("outbox", "organisation_code", "organisations.code"),
    )
    indexes("outbox", "status")


def _chat_health() -> None:
    op.create_table(
        "chat_health",
        *texts("connection"),
        *integers("failures"),
        *dates("failing_on", null=True),
        *instants("failing_since", null=True),
        *texts("reason"),
        primary("chat_health", "connection"),
    )
