"""What Alembic runs to apply migrations: on the connection it was handed, within the caller's transaction.

Belongs here: how a migration is run. Does not: which database (connectors/database.py) or what changes (versions).
"""

from typing import Any

from alembic import context

from models.tables import METADATA


def options() -> dict[str, Any]:
    """How schemas are compared and changed, the same for every command."""
    return {
        "target_metadata": METADATA,
        "transactional_ddl": True,
        "render_as_batch": True,
        "compare_type": True,
        "compare_server_default": True,
    }


def run() -> None:
    """Run the migrations asked for on the connection in the configuration's attributes."""
    context.configure(connection=context.config.attributes["connection"], **options())
    with context.begin_transaction():
        context.run_migrations()


run()
