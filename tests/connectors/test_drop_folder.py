"""Drop folders: each new file once, nothing of others touched, what is wrong told beside the file and in the account."""

import asyncio
import os
import socket
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import fsspec
import pytest
from openpyxl import load_workbook

from connectors.base import Connection
from connectors.errors import OutsideError, Permanent, Refused, Transient
from connectors.registry import open_connector
from connectors.spreadsheet.connector import SpreadsheetConnector
from connectors.spreadsheet.folder import Entry, LocalFolder
from models.clock import now
from models.records import AdmissionDecision, Unreadable
from models.rules.privacy import holds_personal_number
from tests.connectors.drops import Night, night
from tests.connectors.sheets import bomb, text, workbook

HEADER = ("申请编号", "录取结果")
ID = "320214199102102177"
BODY = {"application_id": "AP-1", "cohort": "WX-2026A", "programme": "p", "level": "junior-college", "name": "=张一",
        "sex": "male", "resident_id": ID, "mobile": "13911112222", "entry_level": "senior-secondary"}  # fmt: skip
Read = Callable[..., Any]


def connection(folder: Path | str, **options: Any) -> Connection:
    """A connection to a folder of this machine, or to an address."""
    address = folder.as_uri() if isinstance(folder, Path) else folder
    return Connection(name="there", kind="spreadsheet", organisation="12350100000000019K", base_url=address,
                      options=options)  # fmt: skip


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    """An empty drop folder."""
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def known() -> set[str]:
    """What the nights of a test have taken so far."""
    return set()


@pytest.fixture
def read(drop: Path, known: set[str]) -> Read:
    """Reads the folder one night after the other."""

    async def go(read_before: set[str] | None = None) -> Night:
        async with open_connector(connection(drop)) as connector:
            return await night(connector, known if read_before is None else read_before)

    return go


def sheet(path: Path, *answers: str, said: str = "录取") -> Path:
    """A sheet that admits these applications, long since written."""
    workbook(path, [HEADER, *[(key, said) for key in answers]])
    return aged(path)


def aged(path: Path, minutes: float = 120) -> Path:
    """Let a file have been written so many minutes ago."""
    at = (now() - timedelta(minutes=minutes)).timestamp()
    os.utime(path, (at, at))
    return path


def said(found: Night) -> list[tuple[str, str]]:
    """What was answered, in order."""
    return [(row.application_id, row.status) for row in found.rows if isinstance(row, AdmissionDecision)]


def errors_of(path: Path) -> list[str]:
    """The lines of the file of errors beside a sheet, without its header."""
    raw = path.with_name(f"{path.name}.errors.csv").read_bytes()
    lines = raw.decode("utf-8-sig").splitlines()
    assert raw.startswith(b"\xef\xbb\xbf") and lines[0] == "行 row,规则 rule,怎么办 what to do"
    return lines[1:]


def names(folder: Path) -> list[str]:
    """What lies in a folder and below."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


# --- each file once ---------------------------------------------------------------------------------------------


async def test_each_file_is_read_once_whatever_it_is_called(drop: Path, read: Read) -> None:
    sheet(drop / "a.xlsx", "AP-1")
    assert said(await read()) == [("AP-1", "admitted")]
    (drop / "a.xlsx").rename(drop / "renamed.xlsx")
    (drop / "copy.xlsx").write_bytes((drop / "renamed.xlsx").read_bytes())
    again = await read()
    assert (again.rows, again.documents, again.failed) == ([], [], {})
    assert names(drop) == ["copy.xlsx", "renamed.xlsx"]


async def test_a_file_that_changed_is_a_new_one(drop: Path, read: Read) -> None:
    sheet(drop / "a.xlsx", "AP-1")
    await read()
    sheet(drop / "a.xlsx", "AP-1", said="未录取")
    assert said(await read()) == [("AP-1", "refused")]


async def test_a_full_read_takes_all_again_the_newest_last(drop: Path, read: Read) -> None:
    aged(sheet(drop / "z-first.xlsx", "AP-1"), minutes=300)
    await read()
    sheet(drop / "a-correction.xlsx", "AP-1", said="未录取")
    await read()
    assert said(await read(set())) == [("AP-1", "admitted"), ("AP-1", "refused")]


async def test_a_night_that_ended_half_way_leaves_the_other_streams_to_be_taken(drop: Path, known: set[str]) -> None:
    lines = [("课程代码", "学期", "学号", "平时", "期末"), ("M01", "2026-2027-1", "2026000000001", 80, 81)]
    aged(workbook(drop / "a.xlsx", lines))
    settings = connection(drop, streams=["results"])
    async with open_connector(settings) as connector:
        whole = await night(connector, set())
        for stream in connector.streams[:4]:
            async for page in connector.read(stream, read_before=frozenset()):
                known |= {page.document} if page.document else set()
    async with open_connector(settings) as connector:
        rest = await night(connector, known)
    assert list(rest.streams)[:4] == list(whole.streams)[:4]
    assert [bool(rows) for rows in rest.streams.values()] == [False] * 4 + [True] * 4 + [False]
    assert known == set(whole.documents)


async def test_two_nights_at_once_find_the_same_and_harm_nothing(drop: Path, read: Read) -> None:
    for number in range(5):
        sheet(drop / f"{number}.xlsx", f"AP-{number}", "x y")
    both = await asyncio.gather(read(set()), read(set()))
    assert both[0].rows == both[1].rows and len(both[0].rows) == 10
    assert [path for path in names(drop) if path.endswith(".part")] == []
    assert errors_of(drop / "3.xlsx")[0].startswith("3,编号格式不符")


async def test_what_is_no_sheet_of_the_folder_is_left_alone(drop: Path, read: Read) -> None:
    for name in (".hidden.xlsx", "~$a.xlsx", "a.xlsx.part", "a.xlsx.tmp", "Thumbs.db", "b.xlsx.errors.csv", "a.xlsx~"):
        (drop / name).write_bytes(b"no sheet")
    for folder in ("archive", "旧", "applications", "rosters/WX-2026A", "录取/2025"):
        (drop / folder).mkdir(parents=True)
        sheet(drop / folder / "a.xlsx", "AP-1")
    before = names(drop)
    found = await read()
    assert (found.rows, found.failed) == ([], {})
    assert names(drop) == before


async def test_no_files_are_an_empty_page_and_no_error(drop: Path, read: Read) -> None:
    found = await read()
    assert (found.rows, found.failed, found.documents) == ([], {}, [])


async def test_what_reading_costs_is_counted(drop: Path) -> None:
    size = sheet(drop / "a.xlsx", "AP-1").stat().st_size
    async with open_connector(connection(drop)) as connector:
        await night(connector, set())
    assert (connector.cost.requests, connector.cost.received) == (3, size)  # listed twice, read once


# --- files that are not whole yet -------------------------------------------------------------------------------


async def test_a_workbook_that_is_cut_off_is_left_for_the_next_night_and_told(drop: Path, read: Read) -> None:
    whole = sheet(drop / "a.xlsx", "AP-1").read_bytes()
    (drop / "a.xlsx").write_bytes(whole[: len(whole) // 2])
    found = await read()
    assert found.rows == [] and "still being written: a.xlsx" in found.failed["files"]
    assert names(drop) == ["a.xlsx"]
    (drop / "a.xlsx").write_bytes(whole)
    assert said(await read()) == [("AP-1", "admitted")]


async def test_one_that_stays_cut_off_is_told_beside_it(drop: Path, read: Read) -> None:
    whole = sheet(drop / "a.xlsx", "AP-1").read_bytes()
    (drop / "a.xlsx").write_bytes(whole[: len(whole) // 2])
    aged(drop / "a.xlsx", minutes=61)
    found = await read()
    assert "a.xlsx is no workbook" in found.failed["files"]
    assert "is no workbook" in errors_of(drop / "a.xlsx")[0]


async def test_a_text_whose_last_line_has_no_end_may_still_be_coming(drop: Path, read: Read) -> None:
    """Cut off in a mark, 85 is 8."""
    (drop / "a.csv").write_bytes("申请编号,录取结果\r\nAP-1,录".encode()[:-1])
    assert "still being written" in (await read()).failed["files"]
    (drop / "a.csv").write_bytes("申请编号,录取结果\r\nAP-1,录取".encode())
    aged(drop / "a.csv", minutes=6)
    assert said(await read()) == [("AP-1", "admitted")]


class Growing(LocalFolder):
    """A folder whose files are larger when they are read than when they were listed."""

    def _entries(self, sub: str) -> list[Entry]:
        return [Entry(one.name, one.size - 1, one.modified, one.is_folder) for one in super()._entries(sub)]


class Fleeting(LocalFolder):
    """A folder whose files are gone, or others, once they were looked at."""

    def __init__(self, root: Path, instead: bytes | None) -> None:
        super().__init__("there", root)
        self.instead, self.seen = instead, set[str]()

    def read(self, path: str) -> bytes:
        """Give a file once as it is, then as it is not."""
        if path not in self.seen:
            self.seen.add(path)
            return super().read(path)
        if self.instead is None:
            raise FileNotFoundError
        return self.instead


async def test_a_file_that_grows_while_it_is_read_is_left(drop: Path) -> None:
    sheet(drop / "a.xlsx", "AP-1")
    async with SpreadsheetConnector(connection(drop), Growing("there", drop)) as connector:
        found = await night(connector, set())
    assert found.rows == [] and "still being written: a.xlsx" in found.failed["files"]


@pytest.mark.parametrize("instead", [None, b"another"])
async def test_a_file_that_is_another_in_the_middle_of_the_night_is_left(
    drop: Path, instead: bytes | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.spreadsheet.survey.KEPT_ROWS", 0)
    for number in range(3):
        sheet(drop / f"{number}.xlsx", f"AP-{number}")
    async with SpreadsheetConnector(connection(drop), Fleeting(drop, instead)) as connector:
        found = await night(connector, set())
    assert said(found) == [("AP-2", "admitted")]  # the last one looked at is at hand still
    assert "still being written: 0.xlsx, 1.xlsx" in found.failed["files"]


# --- errors beside the file -------------------------------------------------------------------------------------


async def test_errors_name_row_rule_and_cure_and_nothing_of_the_row(drop: Path, read: Read) -> None:
    lines = [HEADER, ("AP-1", "录取"), (ID, "录"), ("AP-3", f"录取 {ID}"), ("AP-1", "未录取")]
    path = aged(workbook(drop / "a.xlsx", lines))
    found = await read()
    assert len([row for row in found.rows if isinstance(row, Unreadable)]) == 3
    assert [line.split(",")[0] for line in errors_of(path)] == ['"2', "3", "4"]  # "2, 5" differ
    assert not holds_personal_number(path.with_name("a.xlsx.errors.csv").read_text("utf-8-sig"))


async def test_errors_go_once_all_is_cured_and_stay_while_it_is_not(drop: Path, read: Read) -> None:
    path = sheet(drop / "a.xlsx", "AP-1", said="?")
    await read()
    written = (drop / "a.xlsx.errors.csv").stat().st_mtime_ns
    await read()
    assert (drop / "a.xlsx.errors.csv").stat().st_mtime_ns == written
    sheet(path, "AP-1")
    await read()
    assert names(drop) == ["a.xlsx"]


async def test_what_cannot_be_read_is_told_even_where_the_gate_takes_nothing_of_the_file(drop: Path) -> None:
    """A file of which too much is wrong is held as a whole, and nobody is told what was wrong with its rows."""
    path = sheet(drop / "a.xlsx", "AP-1", said="?")
    async with open_connector(connection(drop)) as connector:
        assert len([page async for page in connector.read("admissions")]) == 2
    assert errors_of(path)[0].startswith("2,结果无法识别")


async def test_what_the_gate_finds_is_told_too(drop: Path) -> None:
    path = sheet(drop / "a.xlsx", "AP-1", "AP-2")
    async with open_connector(connection(drop)) as connector:
        pages = [page async for page in connector.read("admissions")]
        documents = [page.document for page in pages if page.document]
        await connector.report_back(
            documents[0], {"admission:AP-2": "reference-unknown, of-tomorrow", "elsewhere": "x"}
        )
        assert [line.split(",")[0] for line in errors_of(path)] == ["?", "3", "3"]
        assert sum("it names what is not known" in line for line in errors_of(path)) == 1
        assert sum("3,of-tomorrow,请与项目协调员联系" in line for line in errors_of(path)) == 1
        await connector.report_back("of another night", {"admission:AP-2": "x"})
        assert len(errors_of(path)) == 3
    async with open_connector(connection(drop)) as connector:
        assert len([page async for page in connector.read("admissions")]) == 2
        await connector.report_back(documents[0], {})
    assert names(drop) == ["a.xlsx"]


NO_SHEETS: dict[str, tuple[bytes, str]] = {
    "empty.xlsx": (b"", "is empty"), "old.xls": (b"\xd0\xcf\x11\xe0" + b"0" * 600, "old .xls or has a password"),
    "locked.xlsx": (b"\xd0\xcf\x11\xe0" + b"0" * 600, "old .xls or has a password"),
    "scan.pdf": (b"%PDF-1.7", "is no workbook"), "zeros.csv": (b"\x00\x01" * 300, "no text of a known encoding"),
    "nul.csv": ("申请编号,录取结果\r\nAP-1,\x00录取\r\n".encode(), "no text of a known encoding"),
    "cut.xlsx": (b"PK\x03\x04" + b"0" * 300, "is no workbook"), "list.docx": (b"PK\x05\x06" + b"\x00" * 18, "is no workbook"),
    "page.xlsx": (b"<html><body>login</body></html>", "is no workbook"), "large.csv": (b"a" * (20 * 1024 * 1024 + 1), "larger than 20 MB"),
}  # fmt: skip


@pytest.mark.parametrize("name", NO_SHEETS)
async def test_a_file_that_cannot_be_read_holds_up_no_other(drop: Path, read: Read, name: str) -> None:
    raw, words = NO_SHEETS[name]
    (drop / name).write_bytes(raw)
    aged(drop / name)
    sheet(drop / "sound.xlsx", "AP-1")
    found = await read()
    assert said(found) == [("AP-1", "admitted")]
    assert words in found.failed["files"] and "\n" not in found.failed["files"]
    assert words in errors_of(drop / name)[0]
    sheet(drop / name.replace("large.csv", "empty.csv"), "AP-2")
    (drop / "large.csv").unlink(missing_ok=True)
    second = await read()
    assert second.failed == {} or name in ("large.csv", "zeros.csv")


async def test_a_gigabyte_in_a_small_file_is_never_unpacked(drop: Path, read: Read) -> None:
    bomb(drop / "bomb.xlsx")
    (drop / "sound.xlsx").unlink()
    aged(drop / "bomb.xlsx")
    assert "unpacks to far more" in (await read()).failed["files"]


async def test_a_number_of_five_thousand_digits_spoils_its_file_alone(drop: Path, read: Read) -> None:
    source = sheet(drop / "a.xlsx", "AP-1")
    with ZipFile(source) as old:
        parts = {part.filename: old.read(part) for part in old.infolist()}
    cell = b'<row r="3"><c r="A3" t="n"><v>' + b"9" * 5_000 + b"</v></c></row></sheetData>"
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(b"</sheetData>", cell)
    with ZipFile(source, "w", ZIP_DEFLATED) as new:
        for name, raw in parts.items():
            new.writestr(name, raw)
    aged(source)
    sheet(drop / "b.xlsx", "AP-2")
    found = await read()
    assert said(found) == [("AP-2", "admitted")]
    assert len(errors_of(source)) == 1


async def test_file_names_that_hold_a_number_are_masked_where_they_are_told(drop: Path, read: Read) -> None:
    (drop / f"张一{ID}.pdf").write_bytes(b"%PDF")
    aged(drop / f"张一{ID}.pdf")
    assert not holds_personal_number((await read()).failed["files"])


async def test_a_folder_that_takes_no_errors_is_told(drop: Path, known: set[str]) -> None:
    class ReadOnly(LocalFolder):
        def write(self, path: str, raw: bytes, *, private: bool = False) -> None:
            raise PermissionError

    sheet(drop / "a.xlsx", "AP-1", said="?")
    async with SpreadsheetConnector(connection(drop), ReadOnly("there", drop)) as connector:
        found = await night(connector, known)
        checks = await connector.check()
        with pytest.raises(Transient, match="takes no files"):
            await connector.send("applications", "k", BODY)
    assert "beside a.xlsx: let the account of Yuanmeng write there" in found.failed["files"]
    assert [(one.part, one.ok) for one in checks] == [("folder", True), ("errors", False)]


# --- nothing outside --------------------------------------------------------------------------------------------


async def test_links_pipes_and_sockets_are_never_followed(drop: Path, read: Read, tmp_path: Path) -> None:
    outside = sheet(tmp_path / "outside.xlsx", "AP-1")
    (drop / "a.xlsx").symlink_to(outside)
    (drop / "录取").symlink_to(tmp_path)
    (drop / "rosters").symlink_to(tmp_path)
    os.mkfifo(drop / "b.csv")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(drop / "c.csv"))
        assert (await read()).rows == []
    async with open_connector(connection(drop)) as connector:
        assert isinstance(connector, SpreadsheetConnector)
        assert await connector.rosters() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["drop", "outside.xlsx"]


def test_a_link_put_in_place_of_a_file_after_it_was_listed_is_not_read(drop: Path, tmp_path: Path) -> None:
    (drop / "a.csv").symlink_to(sheet(tmp_path / "outside.xlsx", "AP-1"))
    os.mkfifo(drop / "b.csv")
    folder = LocalFolder("there", drop)
    for name in ("a.csv", "b.csv"):
        with pytest.raises(OSError):
            folder.read(name)


async def test_errors_replace_a_link_and_never_what_it_leads_to(drop: Path, read: Read, tmp_path: Path) -> None:
    victim = tmp_path / "victim.csv"
    victim.write_text("kept")
    path = sheet(drop / "a.xlsx", "AP-1", said="?")
    (drop / "a.xlsx.errors.csv").symlink_to(victim)
    await read()
    assert victim.read_text() == "kept" and len(errors_of(path)) == 1


# --- addresses --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "words"),
    [("file:///nowhere/at/all", "its folder is not there"), ("file:relative", "a whole path"),
     ("file://host/drop", "a whole path"), ("https://files.example/drop", "must begin with file:"),
     ("simplecache::s3://bucket", "must begin with file:"), ("zip://a.zip", "must begin with file:"),
     ("s3://bucket/drop", "install it with pip install s3fs"),
     ("webdav://host/drop", "install it with pip install webdav4"),
     ("sftp://host/drop", "options.host_key is missing")],
)  # fmt: skip
async def test_an_address_that_cannot_be_opened_says_what_to_do(address: str, words: str) -> None:
    with pytest.raises(Permanent, match="there: ") as caught:
        await open_connector(connection(address)).__aenter__()
    assert words in str(caught.value) and "\n" not in str(caught.value)


async def test_a_secret_that_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    auth = {"type": "password", "username": "school", "password_env": "NOT_SET_ANYWHERE"}
    one = connection("sftp://127.0.0.1:1/drop", host_key=key)
    for login, words in ((auth, "NOT_SET_ANYWHERE is not set"), ({}, "names no username"),
                         ({"username": "a"}, "must be password or key")):  # fmt: skip
        with pytest.raises(Permanent, match=words):
            await open_connector(one.model_copy(update={"auth": login})).__aenter__()
    monkeypatch.setenv("A_KEY", "no key")
    with pytest.raises(Permanent, match="private key without a passphrase"):
        login = {"type": "key", "username": "a", "key_env": "A_KEY"}
        await open_connector(one.model_copy(update={"auth": login})).__aenter__()


@pytest.fixture
def storage() -> Iterator[Any]:
    """A folder that fsspec keeps in memory."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    files.pseudo_dirs[:] = [""]
    files.makedirs("/drop/录取")
    yield files
    files.store.clear()


async def test_whatever_fsspec_reaches_is_read_like_a_folder(storage: Any, tmp_path: Path, known: set[str]) -> None:
    storage.pipe_file(
        "/drop/录取/a.xlsx", workbook(tmp_path / "a.xlsx", [HEADER, ("AP-1", "录取"), ("AP-2", "?")]).read_bytes()
    )
    settings = connection("memory://drop")
    async with open_connector(settings) as connector:
        assert all(one.ok for one in await connector.check())
        first = await night(connector, known)
        await connector.send("applications", "k", BODY)
    async with open_connector(settings) as connector:
        second = await night(connector, known)
    assert said(first) == [("AP-1", "admitted")] and second.rows == []
    assert sorted(storage.find("/drop")) == [
        "/drop/applications/WX-2026A.xlsx", "/drop/录取/a.xlsx", "/drop/录取/a.xlsx.errors.csv"
    ]  # fmt: skip


async def test_a_storage_that_fails_is_away_and_never_empty(storage: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.pipe_file("/drop/a.csv", b"x")
    for error, kind in ((RuntimeError(ID), Transient), (PermissionError(ID), Permanent)):

        def fail(*_: Any, error: Exception = error, **__: Any) -> Any:
            raise error

        async with open_connector(connection("memory://drop")) as connector:
            monkeypatch.setattr(type(storage), "ls", fail)
            found = await night(connector, set())
            with pytest.raises(kind):
                await anext(aiter(connector.read("admissions")))
        monkeypatch.undo()
        assert set(found.failed) == set(connector.streams)
        assert not holds_personal_number(repr(found))


async def test_a_folder_that_may_not_be_entered_is_said_by_reading_and_by_the_check(drop: Path) -> None:
    class Shut(LocalFolder):
        def _entries(self, sub: str) -> list[Entry]:
            raise PermissionError

    async with SpreadsheetConnector(connection(drop), Shut("there", drop)) as connector:
        with pytest.raises(OutsideError, match="may not be read"):
            await anext(aiter(connector.read("admissions")))
        assert [one.ok for one in await connector.check()] == [False, True]


async def test_a_check_finds_a_sound_folder_sound_and_leaves_nothing_behind(drop: Path) -> None:
    sheet(drop / "a.xlsx", "AP-1")
    async with open_connector(connection(drop)) as connector:
        assert [(one.part, one.ok, one.message) for one in await connector.check()] == [
            ("folder", True, ""), ("errors", True, "")
        ]  # fmt: skip
    assert names(drop) == ["a.xlsx"]


async def test_more_files_than_a_night_can_look_at_are_said(drop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.spreadsheet.folder.MOST_ENTRIES", 2)
    for number in range(3):
        (drop / f"{number}.csv").touch()
    async with open_connector(connection(drop)) as connector:
        with pytest.raises(Permanent, match="more than 2 files"):
            await anext(aiter(connector.read("admissions")))


# --- lists out --------------------------------------------------------------------------------------------------


async def test_a_list_has_a_row_a_key_and_is_its_owner_s_alone(drop: Path) -> None:
    async with open_connector(connection(drop)) as connector:
        for key in ("AP-1", "AP-2", "AP-1"):
            await connector.send("applications", f"key-{key}", {**BODY, "application_id": key})
        await connector.send("applications", "other", {**BODY, "application_id": "AP-3", "cohort": "../../WX-2026B"})
    path = drop / "applications" / "WX-2026A.xlsx"
    rows = [list(line) for line in load_workbook(path).worksheets[0].values]
    assert rows[0][:5] == ["申请编号", "班级", "专业", "层次", "姓名"]
    assert [row[:10] for row in rows[1:]] == [
        [key, "WX-2026A", "p", "专科", "=张一", "男", ID, "13911112222", "senior-secondary", None] for key in ("AP-1", "AP-2")
    ]  # fmt: skip
    assert {cell.data_type for cell in load_workbook(path).worksheets[0][2]} <= {"s", "n"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(drop) == ["applications/WX-2026A.xlsx", "applications/WX-2026B.xlsx"]


async def test_a_list_that_is_filled_in_and_handed_back_is_an_answer(drop: Path, read: Read) -> None:
    async with open_connector(connection(drop)) as connector:
        await connector.send("applications", "k", BODY)
    book = load_workbook(drop / "applications" / "WX-2026A.xlsx")
    page = book.worksheets[0]
    titles = {cell.value: cell.column for cell in page[1]}
    page.cell(2, titles["录取结果"]).value, page.cell(2, titles["学号"]).value = "录取", "2026000000001"
    page.cell(2, titles["注册日期"]).value = "2026-09-10"
    book.save(drop / "录取结果.xlsx")
    aged(drop / "录取结果.xlsx")
    found = await read()
    assert said(found) == [("AP-1", "admitted")]
    assert [row.student_number for row in found.streams["registrations"]] == ["2026000000001"]


async def test_a_row_is_added_to_what_the_school_wrote_into_the_list(drop: Path) -> None:
    async with open_connector(connection(drop)) as connector:
        await connector.send("graduations", "k", {"graduation_id": "GR-1", "student_number": "1", "credits": "80"})
        path = drop / "graduations" / "list.xlsx"
        book = load_workbook(path)
        book.worksheets[0].cell(2, 4).value = "123455202706000123"
        book.save(path)
        await connector.send("graduations", "k", {"graduation_id": "GR-2", "student_number": "2", "credits": "80"})
    assert [line[:4] for line in list(load_workbook(path).worksheets[0].values)[1:]] == [
        ("GR-1", "1", "80", "123455202706000123"), ("GR-2", "2", "80", None)
    ]  # fmt: skip


async def test_what_no_list_carries_is_refused_and_a_spoilt_list_waits(drop: Path) -> None:
    async with open_connector(connection(drop)) as connector:
        with pytest.raises(Refused, match="connect a partner"):
            await connector.send("payments", "k", {"payment_id": "PM-1"})
        (drop / "applications").mkdir()
        text(drop / "applications" / "WX-2026A.xlsx", [["spoilt"]])
        with pytest.raises(Transient, match="is no workbook"):
            await connector.send("applications", "k", BODY)
