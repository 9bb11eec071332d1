"""The database itself refuses to change or delete a line of the audit trail or of the ledger."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

GUARDED = ("audit_events", "ledger_lines")
POSTGRESQL_GUARDS = (("only_grows", "UPDATE OR DELETE", "ROW"), ("not_emptied", "TRUNCATE", "STATEMENT"))


def upgrade() -> None:
    """Set the guards."""
    if op.get_bind().dialect.name == "postgresql":
        _guard_postgresql()
    else:
        _guard_sqlite()


def _guard_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% only ever grows: its lines are never changed or deleted', TG_TABLE_NAME "
        "USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in GUARDED:
        for name, verbs, each in POSTGRESQL_GUARDS:
            op.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {verbs} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION refuse_change()"
            )


def _guard_sqlite() -> None:
    for table in GUARDED:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN "
                f"SELECT RAISE(ABORT, '{table} only ever grows: its lines are never changed or deleted'); END"
            )


def downgrade() -> None:
    """Lift the guards."""
    if op.get_bind().dialect.name == "postgresql":
        for table in GUARDED:
            for name, _, _ in POSTGRESQL_GUARDS:
                op.execute(f"DROP TRIGGER {table}_{name} ON {table}")
        op.execute("DROP FUNCTION refuse_change()")
        return
    for table in GUARDED:
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}")
