"""What is new in a drop folder: each file once, by its content, and what is wrong with those that cannot be read.

Belongs here: which files are looked at, which are known, which are not whole yet. Does not: their rows (kinds.py) or
where the folder lies (folder.py).
A file is known to the core by `<sha256>:<stream>:<kinds>`: its streams are taken one by one, and a night that ended
half way must leave the others to be taken.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import PurePosixPath

from connectors.base import ROW_ERRORS
from connectors.errors import OutsideError
from connectors.spreadsheet import FILE_CAP, TEXTS, Content, CutOff, UnreadableSheet
from connectors.spreadsheet.answers import LISTS
from connectors.spreadsheet.folder import Entry, Folder
from connectors.spreadsheet.kinds import FOLDERS, KINDS, Found, Reader
from connectors.spreadsheet.table import Table, tables_of
from models.clock import now

STILL_COMING = timedelta(hours=1)  # so long after its last change a broken file may be one that is still being sent
JUST_NOW = timedelta(minutes=5)  # so long a text without an end to its last line may be
ERRORS = ".errors.csv"
TEMPORARY = (".part", ".filepart", ".tmp", ".crdownload", ".swp", "~", ERRORS)
NO_SHEETS = frozenset({"thumbs.db", "desktop.ini"})
KEPT_ROWS = 50_000  # of the tables kept from one stream to the next
EARLIEST = datetime.min.replace(tzinfo=UTC)


class NotYet(Exception):
    """A file is still being written."""


@dataclass(frozen=True, slots=True)
class DropFile:
    """A file as it was found: where, of which content, and which kinds of sheet it holds."""

    path: str
    digest: str
    kinds: tuple[str, ...]
    known: bool = False

    @property
    def streams(self) -> tuple[str, ...]:
        """The streams that find something in it."""
        return tuple(stream for kind in self.kinds for stream in KINDS[kind].streams)

    def token(self, stream: str) -> str:
        """What the core remembers this file by, for one stream."""
        return f"{self.digest}:{stream}:{'+'.join(self.kinds)}"


@dataclass
class Survey:
    """All files of one night, the oldest first, so that of two that say different things the newer one stands."""

    folder: Folder
    reader: Reader
    files: list[DropFile] = field(default_factory=list)
    unreadable: dict[str, str] = field(default_factory=dict)
    not_yet: list[str] = field(default_factory=list)
    _tables: "OrderedDict[str, list[Table]]" = field(default_factory=OrderedDict)

    def look(self, read_before: Collection[str]) -> None:
        """Find what is there. Raises OutsideError when the folder itself cannot be read."""
        known = {digest: tuple(kinds.split("+")) for digest, _, kinds in map(_parted, read_before) if kinds}
        seen: set[str] = set()
        for path, entry in sorted(sheets_in(self.folder), key=lambda one: (one[1].modified or EARLIEST, one[0])):
            try:
                file = self._found(path, entry, known)
            except UnreadableSheet as error:
                self.unreadable[path] = str(error)
            except NotYet:
                self.not_yet.append(path)
            else:
                if file is not None and file.digest not in seen:
                    seen.add(file.digest)
                    self.files.append(file)

    def _found(self, path: str, entry: Entry, known: dict[str, tuple[str, ...]]) -> DropFile | None:
        content = fetched(self.folder, path, entry)
        if content is None:
            return None
        digest = sha256(content.raw).hexdigest()
        if digest in known:
            return DropFile(path, digest, known[digest], known=True)
        tables = self._read(content, entry)
        kinds = self.reader.kinds_of(content.name, tables, path.rpartition("/")[0].casefold())
        self._keep(digest, tables)
        return DropFile(path, digest, kinds)

    def _read(self, content: Content, entry: Entry) -> list[Table]:
        """Read the tables of a file. Raises UnreadableSheet, or NotYet while it may still be coming."""
        age = now() - entry.modified if entry.modified is not None else STILL_COMING
        suffix = PurePosixPath(content.name).suffix.lower()
        if (
            suffix in TEXTS
            and age < JUST_NOW
            and content.raw
            and content.raw.rstrip(b"\x00")[-1:] not in (b"\n", b"\r")
        ):
            raise NotYet
        try:
            return tables_of(content)
        except CutOff:
            if age < STILL_COMING:
                raise NotYet from None
            raise
        except UnreadableSheet:
            raise
        except ROW_ERRORS as error:
            raise UnreadableSheet(
                f"{content.name} cannot be read as a sheet: save it as .xlsx anew, then send that"
            ) from error

    def _keep(self, digest: str, tables: list[Table]) -> None:
        """Keep the tables for the streams to come; the oldest are let go and read again when they are asked for."""
        self._tables[digest] = tables
        while (
            len(self._tables) > 1 and sum(len(one.rows) for kept in self._tables.values() for one in kept) > KEPT_ROWS
        ):
            self._tables.popitem(last=False)

    def records(self, file: DropFile, stream: str) -> Found | None:
        """Give what a stream finds in a file; None for one that is another by now, or cannot be had any more."""
        tables = self._tables.get(file.digest)
        if tables is None:
            content = fetched(self.folder, file.path, None)
            if content is None or sha256(content.raw).hexdigest() != file.digest:
                self.not_yet.append(file.path)
                return None
            tables = tables_of(content)
            self._keep(file.digest, tables)
        kind = next(kind for kind in file.kinds if stream in KINDS[kind].streams)
        return self.reader.records(file.path, kind, stream, tables)


def _parted(token: str) -> tuple[str, str, str]:
    digest, _, rest = token.partition(":")
    stream, _, kinds = rest.partition(":")
    return digest, stream, kinds if set(kinds.split("+")) <= set(KINDS) else ""


def sheets_in(folder: Folder) -> Iterator[tuple[str, Entry]]:
    """Give what may be a sheet: in the folder itself, and in those of its folders that are named after a kind."""
    for entry in folder.entries():
        if not entry.is_folder:
            yield from [(entry.name, entry)] if is_sheet(entry) else ()
        elif entry.name.casefold() in FOLDERS:
            yield from ((f"{entry.name}/{one.name}", one) for one in listed(folder, entry.name) if is_sheet(one))


def listed(folder: Folder, sub: str) -> list[Entry]:
    """List a folder of the folder; one that is gone meanwhile, or may not be entered, is an empty one."""
    try:
        return folder.entries(sub)
    except OutsideError:
        raise
    except FileNotFoundError:
        return []


def is_sheet(entry: Entry) -> bool:
    """Whether a file is meant to be read: neither hidden, nor one that a program keeps beside an open one."""
    name = entry.name.casefold()
    return not (entry.is_folder or name.startswith((".", "~$")) or name.endswith(TEMPORARY) or name in NO_SHEETS)


def is_ours(path: str) -> bool:
    """Whether a path is that of a list of our own."""
    return path.partition("/")[0] in LISTS


def fetched(folder: Folder, path: str, entry: Entry | None) -> Content | None:
    """Read a file; None for one that is gone. Raises UnreadableSheet, or NotYet while it grows."""
    name = path.rpartition("/")[2]
    if entry is not None and entry.size > FILE_CAP:
        raise UnreadableSheet(f"{name} is larger than 20 MB: no list is; send the list alone")
    try:
        raw = folder.read(path)
    except FileNotFoundError:
        return None
    except OSError:
        raise UnreadableSheet(f"{name} may not be read: let the account of Yuanmeng read it") from None
    if entry is not None and len(raw) != entry.size:
        raise NotYet
    return Content(name, raw)
