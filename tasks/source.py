"""Where a page of records comes from, and what has been looked up for it already.

Belongs here: our ids of reported things, finding rows many at a time, the error of a record that breaks a rule.
Does not: what a record becomes (mirror.py) or when a page is written (gate.py).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import inspect
from sqlmodel import Session as Connection
from sqlmodel import SQLModel

from models.identity import make_id
from models.repositories.common import within
from models.repositories.people import worker_ids_by_employee_number
from models.repositories.retention import is_anonymous
from models.repositories.teaching import class_ids_by_source_id
from models.rules.identifiers import normalise
from models.tables.people import Worker
from models.vault import keyring, opaque

Row = TypeVar("Row", bound=SQLModel)
Key = tuple[Any, ...]
SHORTEST_NUMBER = 11  # digits of a mobile number
Wanted = tuple[type[SQLModel], Key]


class Broken(Exception):
    """A record cannot become a row; `rule` is the name of the rule it breaks."""

    def __init__(self, rule: str) -> None:
        """Name the rule."""
        super().__init__(rule)
        self.rule = rule


@dataclass
class Names:
    """Whose rows are named, without a look at the database."""

    connection: str

    def key(self, source_id: str) -> str:
        """Give our id of a reported row."""
        # No number of a person is shorter, and most ids are no long number: those need no closer look.
        return f"{self.connection}:{source_id if len(source_id) < SHORTEST_NUMBER else opaque(source_id)}"


@dataclass
class Source(Names):
    """The source of one page, within the page's transaction; what was found for it is kept until it ends.

    A record that says it was changed after `latest` is not believed.
    """

    session: Connection
    organisation: str
    today: date
    latest: datetime
    withdrawn: set[str] = field(default_factory=set)  # statements of study, by our ids
    _rows: dict[Wanted, SQLModel | None] = field(default_factory=dict)
    _classes: dict[str, str | None] = field(default_factory=dict)
    _employees: dict[str, set[str]] = field(default_factory=dict)

    def look_up(self, wanted: Iterable[Wanted]) -> None:
        """Find many rows at a time, so that asking for each of them afterwards costs nothing."""
        unknown: dict[type[SQLModel], set[Key]] = {}
        for table, key in wanted:
            if (table, key) not in self._rows:
                unknown.setdefault(table, set()).add(key)
        for table, keys in unknown.items():
            self._rows.update(dict.fromkeys(((table, key) for key in keys), None))
            first = inspect(table, raiseerr=True).primary_key[0]
            for row in within(self.session, table, first, sorted({key[0] for key in keys})):
                self._rows[table, key_of(row)] = row

    def look_up_classes(self, source_ids: Iterable[str]) -> None:
        """Find many classes by the school's own ids at a time."""
        unknown = {one for one in source_ids if one not in self._classes}
        if unknown:
            self._classes |= dict.fromkeys(unknown, None) | class_ids_by_source_id(self.session, sorted(unknown))

    def look_up_employees(self, numbers: Iterable[str]) -> None:
        """Find the workers behind many employee numbers of this enterprise at a time."""
        unknown = {one for one in numbers if one and one not in self._employees}
        if unknown:
            found = worker_ids_by_employee_number(self.session, self.organisation, sorted(unknown))
            self._employees |= {number: found.get(number, set()) for number in unknown}

    def find(self, table: type[Row], *key: Any) -> Row | None:
        """Give the row with this primary key; None when there is none."""
        if (table, key) not in self._rows:
            self.look_up([(table, key)])
        found = self._rows[table, key]
        return found if isinstance(found, table) else None

    def keep_all(self, rows: Iterable[SQLModel]) -> None:
        """Remember rows that were found."""
        for row in rows:
            self.keep(row)

    def keep(self, row: SQLModel) -> None:
        """Remember a row that was added."""
        self._rows[type(row), key_of(row)] = row

    def forget(self, row: SQLModel) -> None:
        """Remember that a row is gone."""
        self._rows[type(row), key_of(row)] = None

    def require(self, table: type[Row], key: str) -> Row:
        """Give the row with an id of ours that the other side quotes. Raises Broken when there is none."""
        found = self.find(table, key)
        if found is None:
            raise Broken("reference-unknown")
        return found

    def worker(self, resident_id: str | None) -> str:
        """Give the worker a number belongs to, by keyed hash. Raises Broken for one we do not know."""
        key = worker_key(resident_id)
        if not self.knows_worker(key):
            raise Broken("worker-unknown")
        return key

    def knows_worker(self, key: str) -> bool:
        """Whether we know a worker by our id; nobody does once he was anonymised, until a roster names him again."""
        found = self.find(Worker, key)
        return found is not None and not is_anonymous(found)

    def class_of(self, source_id: str) -> str | None:
        """Give a class by the school's own id, whichever connection reported it; None for one nobody did."""
        self.look_up_classes([source_id])
        return self._classes[source_id]

    def employees(self, number: str) -> set[str]:
        """Give the workers an enterprise nominated under this number: more than one is for a person to tell apart."""
        self.look_up_employees([number])
        return self._employees.get(number, set())


def key_of(row: SQLModel) -> Key:
    """Give a row's primary key."""
    return tuple(inspect(row, raiseerr=True).mapper.primary_key_from_instance(row))


def worker_key(resident_id: str | None) -> str:
    """Give our id of the worker with this number, known or not. Raises Broken without a number."""
    if not resident_id:
        raise Broken("resident-id-missing")
    return make_id("W", keyring().match_hash("resident-id", normalise(resident_id)))
