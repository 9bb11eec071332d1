"""The tables of credentials, as they began."""

from alembic import op

from migrations.columns import (
    check,
    dates,
    decimals,
    filtered_index,
    indexes,
    integers,
    primary,
    reference,
    texts,
    unique,
)

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _outcomes()
    _certificates()
    _recognitions()
    _skill_assessments()


def downgrade() -> None:
    """Drop the tables."""
    for name in ("skill_assessments", "recognitions", "certificates", "outcomes"):
        op.drop_table(name)


def _outcomes() -> None:
    op.create_table(
        "outcomes",
        *texts("id", "worker_id", "kind", "title", "evidence", "module_code"),
        *decimals("credits_claimed", precision=6, scale=1),
        *dates("awarded_on"),
        primary("outcomes", "id"),
        reference("outcomes", "worker_id", "workers.id"),
    )
    indexes("outcomes", "worker_id")


def _certificates() -> None:
    op.create_table(
        "certificates",
        *texts("id", "participant_id", "kind", "number"),
        *dates("issued_on"),
        primary("certificates", "id"),
        check("certificates", "kind_known", "kind IN ('diploma', 'skill')"),
        reference("certificates", "participant_id", "participants.id"),
        unique("certificates", "number"),
        unique("certificates", "participant_id", "kind"),
    )


def _recognitions() -> None:
    op.create_table(
        "recognitions",
        *texts("id", "participant_id", "outcome_id"),
        *texts("module_id", null=True),
        *texts("status"),
        *decimals("credits", precision=6, scale=1),
        *texts("rule", "reason", "policy_version", "reviewer", "evidence"),
        *dates("decided_on"),
        primary("recognitions", "id"),
        check("recognitions", "credits_when_granted", "(status = 'granted') = (credits > 0)"),
        check("recognitions", "granted_for_a_module", "status = 'refused' OR module_id IS NOT NULL"),
        check("recognitions", "refused_by_a_rule", "(status = 'refused') = (rule <> '')"),
        check("recognitions", "status_known", "status IN ('granted', 'refused')"),
        reference("recognitions", "module_id", "modules.id"),
        reference("recognitions", "outcome_id", "outcomes.id"),
        reference("recognitions", "participant_id", "participants.id"),
        unique("recognitions", "participant_id", "outcome_id"),
    )
    filtered_index(
        "uq_recognitions_one_grant",
        "recognitions",
        "participant_id",
        "module_id",
        where="status = 'granted'",
        unique=True,
    )


def _skill_assessments() -> None:
    op.create_table(
        "skill_assessments",
        *texts("id", "participant_id", "occupation"),
        *integers("level"),
        *dates("sent_on"),
        *texts("status"),
        *decimals("score", precision=10, scale=3, null=True),
        *dates("assessed_on", null=True),
        primary("skill_assessments", "id"),
        check("skill_assessments", "level_range", "level BETWEEN 1 AND 5"),
        check("skill_assessments", "status_known", "status IN ('sent', 'passed', 'failed')"),
        reference("skill_assessments", "participant_id", "participants.id"),
        unique("skill_assessments", "participant_id"),
    )
