"""What a schema looks like, as plain values that can be compared.

Belongs here: reading a schema from a database. Does not: what it should be.
"""

import warnings
from typing import Any

from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import SAWarning

SQLITE_OBJECTS = "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
POSTGRESQL_OBJECTS = (
    "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' "
    "UNION SELECT 'trigger', tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal "
    "UNION SELECT 'function', proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
)


def tables(engine: Engine) -> dict[str, Any]:
    """Columns and constraints of every table, by name; Alembic's own table is left out."""
    inspector = inspect(engine)
    with warnings.catch_warnings():
        # SQLite cannot be asked for an index over an expression: `objects` gives its text.
        warnings.filterwarnings("ignore", "Skipped unsupported reflection of expression-based index", SAWarning)
        found = {
            "columns": inspector.get_multi_columns(),
            "primary": inspector.get_multi_pk_constraint(),
            "foreign": inspector.get_multi_foreign_keys(),
            "unique": inspector.get_multi_unique_constraints(),
            "checks": inspector.get_multi_check_constraints(),
        }
    names = inspector.get_table_names()
    return {name: {kind: _plain(rows.get((None, name))) for kind, rows in found.items()}
            for name in names if name != "alembic_version"}  # fmt: skip


def _plain(rows: Any) -> list[str]:
    """The same whatever the order; types by their words."""
    listed = [rows] if isinstance(rows, dict) else rows or []
    return sorted(str(sorted((key, str(value)) for key, value in row.items())) for row in listed)


def objects(engine: Engine, *kinds: str) -> dict[str, str]:
    """The definition of every index, trigger and function of these kinds, by name."""
    query = SQLITE_OBJECTS if engine.dialect.name == "sqlite" else POSTGRESQL_OBJECTS
    with engine.connect() as connection:
        found = connection.execute(text(query)).all()
    return {
        name: " ".join(definition.replace('"', "").split())
        for kind, name, definition in found
        if kind in kinds and not name.startswith("alembic_version")
    }
