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
    _outbox()


def downgrade() -> None:
    """Drop the tables."""
    for name in ("outbox", "sync_cursors", "quarantine", "audit_events"):
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
        primary("sync_cursors", "connection", "stream"),
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
