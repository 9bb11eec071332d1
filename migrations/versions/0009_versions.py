"""Which version of a reported row stands, which files were read, and streams that a person released.

Ids of reported rows are compared by bytes from here on, so that those of one connection stand side by side. Marks and
register lines lose their foreign keys: both are written for their own connection alone, whose gate asks for them.
"""

import sqlalchemy as sa
from alembic import op

from migrations.columns import dates, instants, primary, texts

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

REPORTED = {
    "terms": "id", "courses": "id", "class_sections": "id", "class_confirmations": "id", "learners": "id",
    "enrolments": "id", "line_items": "id", "marks": "id", "sessions": "id", "attendance": "session_id",
    "online_study": "id", "employments": "id",
}  # fmt: skip
STAMPED = frozenset({"employments"})  # had its source's timestamp from the beginning
ASKED_AT_THE_GATE = (
    ("marks", "line_item_id", "line_items"), ("marks", "learner_id", "learners"), ("attendance", "session_id", "sessions"),
)  # fmt: skip
BY_BYTES = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Add the columns and the tables."""
    for table, column, _ in ASKED_AT_THE_GATE:
        with op.batch_alter_table(table) as changed:
            changed.drop_constraint(f"fk_{table}_{column}", type_="foreignkey")
    for table, key in REPORTED.items():
        op.add_column(table, sa.Column("digest", sa.BigInteger(), nullable=True))
        if table not in STAMPED:
            op.add_column(table, *instants("changed_at", null=True))
        _compare(table, key, BY_BYTES)
    with op.batch_alter_table("sync_cursors") as cursors:
        cursors.add_column(*dates("whole_on", null=True))
        cursors.create_check_constraint("status_known", "status IN ('ok', 'held', 'released')")
    _source_versions()
    op.create_table(
        "documents_read",
        *texts("connection", "digest", "name"),
        *dates("read_on"),
        primary("documents_read", "connection", "digest"),
    )


def _source_versions() -> None:
    op.create_table(
        "source_versions",
        *(sa.Column(name, BY_BYTES, nullable=False) for name in ("connection", "stream", "source_id")),
        sa.Column("digest", sa.BigInteger(), nullable=False),
        *instants("changed_at", null=True),
        primary("source_versions", "connection", "stream", "source_id"),
    )


def _compare(table: str, key: str, kind: sa.types.TypeEngine[str]) -> None:
    """Compare a key another way; SQLite compares by bytes anyway."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column(table, key, type_=kind)


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("documents_read")
    op.drop_table("source_versions")
    with op.batch_alter_table("sync_cursors") as cursors:
        cursors.drop_constraint("status_known", type_="check")
        cursors.drop_column("whole_on")
    for table, key in REPORTED.items():
        _compare(table, key, sa.String(collation="default"))
        op.drop_column(table, "digest")
        if table not in STAMPED:
            op.drop_column(table, "changed_at")
    for table, column, target in ASKED_AT_THE_GATE:
        with op.batch_alter_table(table) as changed:
            changed.create_foreign_key(
                f"fk_{table}_{column}", target, [column], ["id"], deferrable=True, initially="DEFERRED"
            )
