"""Which sheet is which: by the columns it has, or by the folder it lies in; and the records of each stream in it.

Belongs here: the kinds of sheet and their streams. Does not: what stands in a row (answers.py, marks.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.base import unreadable
from connectors.spreadsheet import UnreadableSheet, answers, marks
from connectors.spreadsheet.answers import ANSWERS, LISTS, Sent
from connectors.spreadsheet.cells import LONGEST, WrongCell
from connectors.spreadsheet.marks import MarkBook, Score
from connectors.spreadsheet.table import WORDS, Table, TableRow
from models.records import LineItem, Record, Unreadable

MARKS = "results"
MOST_NAMED = 200  # letters of row numbers, where one thing is answered again and again
Found = list[tuple[Record, str]]  # each record with the row it stands in, as people number rows


@dataclass(frozen=True)
class Kind:
    """A kind of sheet: the folders it may lie in, and columns of which each group must have one.

    `in_folder` are columns whose words say too little, unless the folder tells what is meant.
    """

    name: str
    folders: tuple[str, ...]
    needs: tuple[tuple[str, ...], ...]
    in_folder: Mapping[str, str] = field(default_factory=dict)
    streams: tuple[str, ...] = ()

    def lacks(self, columns: Iterable[str], *, in_folder: bool) -> list[tuple[str, ...]]:
        """Give the groups of which no column is there."""
        known = set(columns) | (
            {self.in_folder[name] for name in columns if name in self.in_folder} if in_folder else set()
        )
        return [group for group in self.needs if not known & set(group)]


KINDS = {kind.name: kind for kind in (
    Kind("admissions", ("admissions", "录取"), (("application_id", "resident_id"), ("admission",)),
         {"status": "admission"}, ("admissions",)),
    Kind("registrations", ("registrations", "学号", "注册"),
         (("application_id", "resident_id"), ("student_number",), ("registered_on",)),
         {"day": "registered_on"}, ("registrations",)),
    Kind(MARKS, ("results", "marks", "成绩"),
         (("student_number",), ("module_code",), ("term",), ("formative", "final", "make_up", "score"),
          ("formative", "final", "make_up", "part")),
         streams=tuple(marks.RECORDS)),
    Kind("skill-results", ("skill-results", "评价", "技能评价"),
         (("registration_id", "resident_id"), ("skill",), ("assessed_on",)),
         {"status": "skill", "day": "assessed_on"}, ("skill-results",)),
    Kind("skill-certificates", ("skill-certificates", "技能证书"),
         (("registration_id", "resident_id"), ("skill_number",), ("issued_on",)),
         {"number": "skill_number", "day": "issued_on"}, ("skill-certificates",)),
    Kind("diplomas", ("diplomas", "毕业证书"),
         (("graduation_id", "student_number"), ("diploma_number",), ("issued_on",)),
         {"number": "diploma_number", "day": "issued_on"}, ("diplomas",)),
)}  # fmt: skip
FOLDERS = {folder: kind.name for kind in KINDS.values() for folder in kind.folders}


@dataclass(frozen=True)
class Reader:
    """What rows are read with: the kinds that are taken, what we sent, and the settings of marks."""

    offered: tuple[str, ...]
    book: MarkBook
    sent: Sent

    def kinds_of(self, name: str, tables: Sequence[Table], folder: str) -> tuple[str, ...]:
        """Give the kinds of the tables of a file. Raises UnreadableSheet for a table that is none, or not taken here."""
        if not tables:
            raise UnreadableSheet(f"{name} has no header that is known: {_wanted(folder)}")
        found = {kind: None for table in tables for kind in self._kinds(name, table, folder)}
        refused = [kind for kind in found if kind not in self.offered]
        if refused:
            raise UnreadableSheet(f"{name} holds {refused[0]}, which this folder does not take: the coordinator can add "
                                  f"{refused[0]} to options.streams where the school has no other system for it")  # fmt: skip
        return tuple(kind for kind in KINDS if kind in found)

    def _kinds(self, name: str, table: Table, folder: str) -> list[str]:
        asked = [KINDS[FOLDERS[folder]]] if folder in FOLDERS else list(KINDS.values())
        kinds = [one for one in asked if not one.lacks(table.columns, in_folder=folder in FOLDERS)]
        if not kinds:
            lacks = {one.name: one.lacks(table.columns, in_folder=folder in FOLDERS) for one in asked}
            closest = max(asked, key=lambda one: len(one.needs) - len(lacks[one.name]))
            lacking = lacks[closest.name]
            raise UnreadableSheet(f"{name} is nearest to {closest.name}, and lacks {_named(lacking)}: add that, "
                                  "as a column or above the header where it is the same for all rows")  # fmt: skip
        doubled = table.doubled & {column for one in kinds for group in one.needs for column in group}
        if doubled:
            raise UnreadableSheet(
                f"{name} has two columns {WORDS[sorted(doubled)[0]][0]}: remove the one that does not count"
            )
        return [one.name for one in kinds]

    def records(self, path: str, kind: str, stream: str, tables: Sequence[Table]) -> Found:
        """Give what a stream finds in a file's tables, each thing once."""
        rows = [row for table in tables for row in table.rows]
        if kind == MARKS:
            return _marks(self.book, path, stream, rows)
        return _once(stream, _answers(self.sent, path, stream, rows))


def _named(groups: Iterable[tuple[str, ...]]) -> str:
    return ", ".join(" or ".join(WORDS[name][0] for name in group) for group in groups)


def _wanted(folder: str) -> str:
    if folder in FOLDERS:
        return f"a sheet in this folder needs {_named(KINDS[FOLDERS[folder]].needs)}"
    return "its columns must be named as those of admissions, student numbers, marks or certificates are"


def _answers(sent: Sent, path: str, stream: str, rows: Iterable[TableRow]) -> Iterator[tuple[Record, str]]:
    for row in rows:
        try:
            found = ANSWERS[stream](row.values, sent)
        except WrongCell as error:
            found = _refused(stream, path, row, error.rule)
        if found is not None:
            yield found, row.place


def _refused(stream: str, path: str, row: TableRow, rule: str) -> Unreadable:
    """Keep a row that cannot be read: by our own id where it has one, so that its correction is known for one."""
    column = next((column for column, _ in LISTS.values() if row.values.get(column)), None)
    named = str(row.values[column])[:LONGEST] if column else ""
    key = f"{stream.removesuffix('s')}:{named}" if named else f"{path}:{row.place}"
    return unreadable(stream, {"id": key, **row.values}, "id", rule)


def _marks(book: MarkBook, path: str, stream: str, rows: Iterable[TableRow]) -> Found:
    """Give the records of one stream of marks; a row that cannot be read is told among the results alone."""
    scores: list[Score] = []
    broken: Found = []
    for row in rows:
        try:
            scores.extend(list(book.scores(row.place, row.values)))
        except WrongCell as error:
            broken.append((_refused(MARKS, path, row, error.rule), row.place))
    found = [(marks.RECORDS[stream](book.connection, score), score.row) for score in scores]
    return _once(stream, [*found, *broken]) if stream == MARKS else _first_of_each(found)


def _first_of_each(found: Found) -> Found:
    """Keep the first of the records that describe one thing; of what is marked, the one with the latest day."""
    kept: dict[str, tuple[Record, str]] = {}
    for record, row in found:
        standing = kept.setdefault(record.source_id, (record, row))[0]
        if isinstance(record, LineItem) and isinstance(standing, LineItem) and _is_later(record, standing):
            kept[record.source_id] = (record, row)
    return list(kept.values())


def _is_later(record: LineItem, standing: LineItem) -> bool:
    return record.due_on is not None and (standing.due_on is None or record.due_on > standing.due_on)


def _once(stream: str, found: Iterable[tuple[Record, str]]) -> Found:
    """Take the same answer twice as one; two that differ are none, since nobody here can say which one counts."""
    kept: dict[str, tuple[Record, str]] = {}
    for record, row in found:
        standing = kept.setdefault(record.source_id, (record, row))
        if standing[0] == record:
            continue
        rows = f"{standing[1]}, {row}" if len(standing[1]) < MOST_NAMED else standing[1]
        body = {"id": record.source_id, "rows": rows}
        kept[record.source_id] = unreadable(stream, body, "id", "answers-differ"), rows
    return list(kept.values())


def settings_of(
    connection: str, options: Mapping[str, Any], words: Callable[..., dict[str, str]]
) -> tuple[MarkBook, Sent]:
    """Read what the options say of marks and answers. Raises ValueError, TypeError, KeyError or Permanent."""
    book = marks.book_of(connection, options)
    admissions = answers.answers_named(words("admissions", answers.ADMISSIONS, ("admitted", "refused", "pending")))
    skills = answers.answers_named(words("skills", answers.SKILLS, ("passed", "failed")))
    return book, Sent(admissions=admissions, skills=skills)
