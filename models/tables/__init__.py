"""All tables, imported once so that the metadata is whole (Alembic and the tests read it).

Belongs here: the list of table modules. Does not: a table, a query.
Foreign keys are checked at commit, so that one transaction may write rows in any order.
"""

from models.tables import credentials, funding, lifecycle, news, operations, organisations, people, teaching
from models.tables.base import Table

METADATA = Table.metadata

for _table in METADATA.tables.values():
    for _constraint in _table.foreign_key_constraints:
        _constraint.deferrable, _constraint.initially = True, "DEFERRED"

__all__ = [
    "METADATA", "Table", "credentials", "funding", "lifecycle",
    "news", "operations", "organisations", "people", "teaching",
]  # fmt: skip
