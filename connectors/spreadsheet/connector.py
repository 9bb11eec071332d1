"""A drop folder: sheets that schools, assessors and enterprises put there, and lists for them.

Belongs here: its streams, what is told beside a file, what is sent, and whether it works. Does not: where it lies
(folder.py), what is new in it (survey.py) or what a sheet holds (kinds.py). Nothing of others is moved or deleted.
`base_url` is file:///folder, sftp://host/folder, s3://bucket/folder or webdav://host/folder; `options.streams` names
what the folder carries. Marks must be named there: a school that has another system for them has classes of its own.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Self

from connectors.base import Check, Connection, Connector
from connectors.errors import OutsideError, Permanent, Transient
from connectors.spreadsheet import UnreadableSheet
from connectors.spreadsheet.errors_file import beside, written, written_whole
from connectors.spreadsheet.folder import Entry, Folder, open_folder, quietly_removed
from connectors.spreadsheet.kinds import KINDS, MARKS, Reader, settings_of
from connectors.spreadsheet.lists import add_row, ids_sent
from connectors.spreadsheet.survey import DropFile, NotYet, Survey, fetched, is_sheet, listed
from models.records import Page, Unreadable
from models.rules.privacy import mask_numbers

FILES = "files"  # the last stream: it has no rows, and fails with the names of the files that could not be read
ROSTERS = "rosters"
TRIAL = ".yuanmeng-trial.part"
NAMED = 5  # files named in one sentence


@dataclass(frozen=True, slots=True)
class DroppedRoster:
    """A roster in `rosters/COHORT/`: what it is remembered by, and its bytes."""

    cohort: str
    path: str
    document: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """A page that was given: its file, and the row of each source id in it."""

    file: DropFile
    rows: dict[str, str]


class SpreadsheetConnector(Connector):
    """One drop folder."""

    reads_documents = True

    def __init__(self, connection: Connection, folder: Folder | None = None) -> None:
        """Take the streams from the settings, in the order the programme needs them; `folder` is used where given.

        Raises Permanent for a setting that cannot be read.
        """
        super().__init__(connection)
        self._given, self._folder = folder, folder
        options = connection.options
        self._kinds = self._offered(KINDS, tuple(name for name in KINDS if name != MARKS))
        self.streams = (*(stream for name in self._kinds for stream in KINDS[name].streams), FILES)
        try:
            self._book, self._sent = settings_of(connection.name, options, self._meanings)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError):
            raise self._mistaken("options.terms must give each term its two days, and options.scores each word its "
                                 "points, exempt or not submitted") from None  # fmt: skip
        self._survey: Survey | None = None
        self._unwritten: set[str] = set()
        self._taken: dict[str, Taken] = {}
        self._one_at_a_time = asyncio.Lock()
        self._broken: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(dict)

    def _mistaken(self, message: str) -> Permanent:
        return Permanent(self.connection.name, "read its settings", f"{message}: correct it")

    async def __aenter__(self) -> Self:
        """Reach the folder."""
        if self._folder is None:
            self._folder = await asyncio.to_thread(open_folder, self.connection)
            self._resources.callback(self._folder.close)
        self._folder.cost = self.cost
        return self

    @property
    def folder(self) -> Folder:
        """The folder; the connector must be entered first."""
        if self._folder is None:
            raise RuntimeError("the connector was not entered")
        return self._folder

    # --- reading ----------------------------------------------------------------------------------------------

    async def read(
        self, stream: str, since: datetime | None = None, *, read_before: Collection[str] = frozenset(), **scope: Any
    ) -> AsyncIterator[Page[Any]]:
        """Give a page for each file that is new to the stream; `since` means nothing here.

        Raises Transient or Permanent when the folder cannot be read; single files are told by the last stream.
        """
        survey = await self._looked(read_before)
        if stream == FILES:
            self._tell(survey)
        for file in survey.files if stream != FILES else ():
            if stream in file.streams and file.token(stream) not in read_before:
                page = await asyncio.to_thread(self._page, survey, file, stream)
                if page is not None:
                    await self._say_unreadable(page)
                    yield page
        yield Page([])

    async def _say_unreadable(self, page: Page[Any]) -> None:
        """What nobody can read is told at once: a gate that doubts the whole file takes nothing of it and tells nothing."""
        unread = {row.source_id: row.rule for row in page.rows if isinstance(row, Unreadable)}
        if unread and page.document is not None:
            await self._say(self._taken[page.document], page.document, unread)

    async def _looked(self, read_before: Collection[str]) -> Survey:
        """Look through the folder once: all streams of a night read the same files."""
        if self._survey is None:
            self._survey = await asyncio.to_thread(self._look, read_before)
        return self._survey

    def _look(self, read_before: Collection[str]) -> Survey:
        with self._plainly("list"):
            sent = type(self._sent)(ids_sent(self.folder), self._sent.admissions, self._sent.skills)
            survey = Survey(self.folder, Reader(self._kinds, self._book, sent))
            survey.look(read_before)
        for path, sentence in survey.unreadable.items():
            self._write_beside(path, written_whole(mask_numbers(sentence)))
        return survey

    def _page(self, survey: Survey, file: DropFile, stream: str) -> Page[Any] | None:
        with self._plainly("read"):
            try:
                found = survey.records(file, stream)
            except NotYet:
                survey.not_yet.append(file.path)
                return None
            except UnreadableSheet as error:
                survey.unreadable[file.path] = str(error)
                return None
        if found is None:
            return None
        token = file.token(stream)
        self._taken[token] = Taken(file, {record.source_id: row for record, row in found})
        return Page([record for record, _ in found], document=token)

    def _tell(self, survey: Survey) -> None:
        """Say which files could not be read. Raises Permanent or Transient."""
        name, broken = self.connection.name, sorted({*survey.unreadable, *self._unwritten})
        if survey.unreadable:
            first = mask_numbers(survey.unreadable[sorted(survey.unreadable)[0]])
            more = f", and {len(survey.unreadable) - 1} more cannot be read" if len(survey.unreadable) > 1 else ""
            raise Permanent(name, "read files", f"{first}{more} (what is wrong stands beside each file)")
        if broken:
            raise Permanent(name, "write errors", f"nothing could be written beside {_named(broken)}: let the account of "
                            "Yuanmeng write there")  # fmt: skip
        if survey.not_yet:
            raise Transient(name, "read files", f"still being written: {_named(survey.not_yet)}; the next night reads it",
                            again=False, deferred=True)  # fmt: skip

    @contextmanager
    def _plainly(self, operation: str) -> Iterator[None]:
        """What nobody foresaw of a folder is its trouble, never a traceback."""
        try:
            yield
        except OSError as error:
            raise Permanent(self.connection.name, operation, "its folder may not be read: let the account of Yuanmeng "
                            "list it and read its files") from error  # fmt: skip

    # --- telling ----------------------------------------------------------------------------------------------

    async def report_back(self, document: str, broken: Mapping[str, str]) -> None:
        """Write what broke rules beside the file; once nothing in any of its streams did, remove what stood there."""
        taken = self._taken.pop(document, None)
        if taken is not None:
            await self._say(taken, document, broken)

    async def _say(self, taken: Taken, document: str, broken: Mapping[str, str]) -> None:
        """Put together what is said of all streams of a file. The night reads on meanwhile: one is said at a time."""
        async with self._one_at_a_time:
            said = self._broken[taken.file.path]
            said[document] = [(taken.rows.get(source_id, "?"), rules) for source_id, rules in broken.items()]
            lines = sorted({line for one in said.values() for line in one}, key=lambda line: (_number(line[0]), line))
            if taken.file.known and not lines:
                return  # what an earlier night found in its other streams stands there still
            await asyncio.to_thread(self._write_beside, taken.file.path, written(lines) if lines else None)

    def _write_beside(self, path: str, raw: bytes | None) -> None:
        """Put the file of errors there, or take it away; one that says the same stays as it is."""
        target = beside(path)
        try:
            if raw is None:
                quietly_removed(self.folder, target)
            elif not self._says(target, raw):
                self.folder.write(target, raw)
        except OSError:
            self._unwritten.add(path)

    def _says(self, target: str, raw: bytes) -> bool:
        try:
            return self.folder.read(target) == raw
        except OSError:
            return False

    # --- rosters ----------------------------------------------------------------------------------------------

    async def rosters(self, read_before: Collection[str] = frozenset()) -> list[DroppedRoster]:
        """Give the rosters in `rosters/COHORT/` that are new; one that cannot be read is told beside it."""
        return await asyncio.to_thread(self._new_rosters, read_before)

    def _new_rosters(self, read_before: Collection[str]) -> list[DroppedRoster]:
        with self._plainly("list"):
            there = any(one.is_folder and one.name == ROSTERS for one in self.folder.entries())
            cohorts = [one.name for one in listed(self.folder, ROSTERS) if one.is_folder] if there else []
            found = [(cohort, entry) for cohort in cohorts for entry in listed(self.folder, f"{ROSTERS}/{cohort}")]
            rosters = [self._roster(cohort, entry) for cohort, entry in found if is_sheet(entry)]
        return [one for one in rosters if one is not None and one.document not in read_before]

    def _roster(self, cohort: str, entry: Entry) -> DroppedRoster | None:
        path = f"{ROSTERS}/{cohort}/{entry.name}"
        try:
            content = fetched(self.folder, path, entry)
        except NotYet:
            return None
        except UnreadableSheet as error:
            self._write_beside(path, written_whole(mask_numbers(str(error))))
            return None
        if content is None:
            return None
        return DroppedRoster(cohort, path, f"{sha256(content.raw).hexdigest()}:{ROSTERS}/{cohort}", content.raw)

    async def tell_beside(self, roster: DroppedRoster, raw: bytes | None) -> None:
        """Write, or remove, the file of errors beside a roster."""
        await asyncio.to_thread(self._write_beside, roster.path, raw)

    # --- sending ----------------------------------------------------------------------------------------------

    async def send(self, resource: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Put a row into the list of its cohort: the same key again is the same row.

        Raises Refused for what no list carries, Transient when the folder takes nothing now.
        """
        try:
            await asyncio.to_thread(add_row, self.folder, self.connection.name, resource, key, body)
        except OSError as error:
            raise Transient(self.connection.name, f"send {resource}", "its folder takes no files: let the account of "
                            "Yuanmeng write there", again=False) from error  # fmt: skip
        except UnreadableSheet as error:
            raise Transient(self.connection.name, f"send {resource}", mask_numbers(str(error)), again=False) from None
        return {"status": "listed"}

    # --- checking ---------------------------------------------------------------------------------------------

    async def check(self) -> list[Check]:
        """Try to list the folder, to read a file and to write beside one; nothing is left behind."""
        return await asyncio.to_thread(lambda: [self._check_reading(), self._check_writing()])

    def _check_reading(self) -> Check:
        try:
            with self._plainly("list"):
                first = next((one for one in self.folder.entries() if is_sheet(one)), None)
                if first is not None:
                    self.folder.read(first.name)
        except OutsideError as error:
            return Check("folder", False, str(error))
        return Check("folder", True)

    def _check_writing(self) -> Check:
        try:
            self.folder.write(TRIAL, b"")
            quietly_removed(self.folder, TRIAL)
        except OutsideError as error:
            return Check("errors", False, str(error))
        except OSError:
            return Check("errors", False, f"{self.connection.name}: write: errors cannot be written beside the files: let "
                         "the account of Yuanmeng write into the folder")  # fmt: skip
        return Check("errors", True)


def _named(paths: Collection[str]) -> str:
    shown = [mask_numbers(path) for path in sorted(paths)[:NAMED]]
    return ", ".join(shown) + (f" and {len(paths) - NAMED} more" if len(paths) > NAMED else "")


def _number(place: str) -> tuple[str, int]:
    """Sort rows as a person reads them: sheet by sheet, by number."""
    sheet, _, row = place.rpartition("!")
    first = row.partition(",")[0]
    return sheet, int(first) if first.isdecimal() else 0
