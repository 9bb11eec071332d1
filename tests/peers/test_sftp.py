"""Our drop folder on a real SFTP server: sheets put there by others arrive, and errors appear beside them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from connectors.base import Connection
from connectors.errors import OutsideError, Permanent, Transient
from connectors.registry import open_connector
from models.records import AdmissionDecision, Unreadable
from tests.connectors.drops import Night, night
from tests.connectors.sheets import workbook
from tests.peers.conftest import SECRET_ENV, Sftp, sftp_server, ssh_key

pytestmark = [pytest.mark.peer, pytest.mark.timeout(900)]

HEADER = ("申请编号", "录取结果", "录取日期")
BODY = {"application_id": "AP-9", "cohort": "WX-2026A", "name": "张一", "resident_id": "320214199102102177"}


@pytest.fixture
def drop(sftp: Sftp, peer_secret: str) -> Iterator[Path]:
    """A folder of its own on the server, seen from the server's side."""
    folder = sftp.folder / uuid4().hex
    (folder / "admissions").mkdir(parents=True)
    yield folder


def connection(sftp: Sftp, drop: Path, **changes: Any) -> Connection:
    """Our connection to the folder, by password."""
    values = {
        "name": "school-files", "kind": "spreadsheet", "organisation": "12350100000000019K",
        "base_url": f"{sftp.url}/{drop.name}",
        "auth": {"type": "password", "username": "school", "password_env": SECRET_ENV},
        "options": {"host_key": f"127.0.0.1 {sftp.host_key}"},
    }  # fmt: skip
    return Connection(**{**values, **changes})


async def refusal(settings: Connection) -> OutsideError:
    """What is said when the folder cannot be opened."""
    with pytest.raises(OutsideError) as caught:
        await open_connector(settings).__aenter__()
    assert "\n" not in str(caught.value) and "peer-secret" not in str(caught.value)
    return caught.value


async def read(settings: Connection, read_before: set[str]) -> Night:
    """One night of the folder."""
    async with open_connector(settings) as connector:
        return await night(connector, read_before)


async def test_each_night_reads_what_is_new_alone(sftp: Sftp, drop: Path) -> None:
    settings, known = connection(sftp, drop), set[str]()
    workbook(drop / "admissions" / "first.xlsx", [HEADER, ("AP-1", "录取", "2026-07-01")])
    first = await read(settings, known)
    workbook(drop / "录取二.xlsx", [HEADER, ("AP-2", "未录取", "2026-07-02")])
    second = await read(settings, known)
    third = await read(settings, known)
    assert [row.application_id for row in first.rows if isinstance(row, AdmissionDecision)] == ["AP-1"]
    assert [row.application_id for row in second.rows if isinstance(row, AdmissionDecision)] == ["AP-2"]
    assert (third.rows, third.documents, third.failed) == ([], [], {})
    assert [row.application_id for row in (await read(settings, set())).rows] == ["AP-1", "AP-2"]


async def test_errors_appear_beside_the_sheet_on_the_server_and_go_with_the_cure(sftp: Sftp, drop: Path) -> None:
    settings, known, sheet = connection(sftp, drop), set[str](), drop / "admissions" / "answers.xlsx"
    workbook(sheet, [HEADER, ("AP-1", "录取", "2026-07-01"), ("AP-2", "?", "2026-07-01")])
    found = await read(settings, known)
    assert [row.rule for row in found.rows if isinstance(row, Unreadable)] == ["answer-unknown"]
    beside = sheet.with_name("answers.xlsx.errors.csv")
    assert beside.read_bytes().startswith(b"\xef\xbb\xbf")
    assert beside.read_text("utf-8-sig").splitlines()[1].startswith("3,结果无法识别 answer not known,")
    workbook(sheet, [HEADER, ("AP-1", "录取", "2026-07-01"), ("AP-2", "未录取", "2026-07-01")])
    await read(settings, known)
    assert sorted(path.name for path in sheet.parent.iterdir()) == ["answers.xlsx"]


async def test_a_list_goes_out_for_its_owner_alone_and_each_key_once(sftp: Sftp, drop: Path) -> None:
    async with open_connector(connection(sftp, drop)) as connector:
        for _ in range(2):
            assert await connector.send("applications", "k", BODY) == {"status": "listed"}
    sent = drop / "applications" / "WX-2026A.xlsx"
    assert sent.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in sent.parent.iterdir()] == [sent.name]
    workbook(drop / "by-number.xlsx", [("身份证号", "录取结果"), (BODY["resident_id"], "录取")])
    found = await read(connection(sftp, drop), set())
    assert [row.application_id for row in found.rows] == ["AP-9"]


async def test_a_key_opens_the_folder_too_and_a_check_leaves_nothing_behind(sftp: Sftp, drop: Path) -> None:
    auth = {"type": "key", "username": "school", "key_file": str(sftp.key_file)}
    async with open_connector(connection(sftp, drop, auth=auth)) as connector:
        checks = await connector.check()
    assert [(one.part, one.ok) for one in checks] == [("folder", True), ("errors", True)]
    assert [path.name for path in drop.iterdir()] == ["admissions"]


async def test_a_server_with_another_key_is_never_logged_in_to(sftp: Sftp, drop: Path, tmp_path: Path) -> None:
    other = {"host_key": ssh_key(tmp_path / "other")}
    error = await refusal(connection(sftp, drop, options=other))
    assert isinstance(error, Permanent)
    assert "another key than options.host_key" in str(error)
    of_another_kind = ec.generate_private_key(ec.SECP256R1()).public_key()
    form = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    error = await refusal(connection(sftp, drop, options={"host_key": of_another_kind.public_bytes(*form).decode()}))
    assert isinstance(error, Permanent) and "another key than options.host_key" in str(error)
    rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7" + "A" * 16
    for wrong in (None, "nonsense", rsa):
        error = await refusal(connection(sftp, drop, options={"host_key": wrong} if wrong else {}))
        assert isinstance(error, Permanent) and "options.host_key" in str(error)


async def test_a_wrong_secret_a_wrong_folder_and_a_server_away_are_each_a_sentence(
    sftp: Sftp, drop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh_key(tmp_path / "stranger")
    stranger = {"type": "key", "username": "school", "key_file": str(tmp_path / "stranger")}
    assert "does not let us in" in str(await refusal(connection(sftp, drop, auth=stranger)))
    assert "folder is not there" in str(await refusal(connection(sftp, drop, base_url=f"{sftp.url}/nowhere")))
    away = await refusal(connection(sftp, drop, base_url="sftp://127.0.0.1:1/drop"))
    assert isinstance(away, Transient) and "cannot be reached" in str(away)
    monkeypatch.setenv(SECRET_ENV, "another-secret")
    wrong = await refusal(connection(sftp, drop))
    assert isinstance(wrong, Permanent) and "does not let us in" in str(wrong)


async def test_links_lead_nowhere(sftp: Sftp, drop: Path, tmp_path: Path) -> None:
    workbook(tmp_path / "secret.xlsx", [HEADER, ("AP-1", "录取", "2026-07-01")])
    (drop / "a.xlsx").symlink_to(tmp_path / "secret.xlsx")
    (drop / "录取").symlink_to(drop / "admissions")
    workbook(drop / "admissions" / "b.xlsx", [HEADER, ("AP-2", "录取", "2026-07-01")])
    found = await read(connection(sftp, drop), set())
    assert [row.application_id for row in found.rows] == ["AP-2"]


async def test_a_server_that_dies_in_the_middle_of_a_night_is_away_and_never_empty(
    sftp_python: Path, peer_secret: str, tmp_path: Path
) -> None:
    with sftp_server(sftp_python, tmp_path) as server:
        drop = server.folder / "drop"
        drop.mkdir()
        workbook(drop / "a.xlsx", [HEADER, ("AP-1", "录取", "2026-07-01")])
        connector = await open_connector(connection(server, drop)).__aenter__()
    try:
        found = await night(connector, set())
        assert found.rows == [] and set(found.failed) == set(connector.streams)
        assert all("cannot be reached" in sentence for sentence in found.failed.values())
        with pytest.raises(Transient):
            await connector.send("applications", "k", BODY)
        assert not any(one.ok for one in await connector.check())
    finally:
        await connector.__aexit__(None, None, None)


async def test_a_large_file_comes_whole_and_one_that_is_too_large_not_at_all(sftp: Sftp, drop: Path) -> None:
    lines = "".join(f"AP-{number},录取,2026-07-01\n" for number in range(20_000))
    (drop / "a.csv").write_text(",".join(HEADER) + "\n" + lines, encoding="utf-8")
    with (drop / "b.csv").open("wb") as file:
        file.truncate(21 * 1024 * 1024)
    found = await read(connection(sftp, drop), set())
    assert len(found.rows) == 20_000
    assert "b.csv is larger than 20 MB" in found.failed["files"]
