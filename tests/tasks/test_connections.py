"""Trying connections: each from its address to its last stream, side by side, with one sentence on what to fix."""

import asyncio
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connectors.base import Connection
from connectors.registry import KINDS
from connectors.settings import CHAT_KINDS
from tasks import connections as checking
from tasks.connections import WAVES, check_connections
from tasks.errors import BadInput
from tasks.office import Office, use_office
from tasks.progress import watch
from tests.connectors.certificates import Authority, answering
from tests.connectors.script import Asked, Reply, Script

ENV = "YM_TEST_SECRET"
BEARER = {"type": "bearer", "token_env": ENV}
OAUTH = {"type": "oauth2", "client_id": "ym", "client_secret_env": ENV}
FUNCTIONS = ("core_course_get_courses_by_field", "core_course_get_contents", "core_enrol_get_enrolled_users",
             "mod_attendance_get_sessions")  # fmt: skip
Connected = Callable[..., None]


@pytest.fixture
def connected(sqlite_office: Office, monkeypatch: pytest.MonkeyPatch) -> Connected:
    """Connects the office to these systems alone."""
    monkeypatch.setenv(ENV, "s3cr3t-t0ken")

    def connect(*connections: Connection) -> None:
        settings = sqlite_office.settings.model_copy(update={"connections": connections})
        use_office(Office(settings, sqlite_office.engine, sqlite_office.policies))

    return connect


def there(
    url: str, kind: str = "partner", auth: dict[str, Any] = BEARER, name: str = "there", **options: Any
) -> Connection:
    """A connection to an address."""
    return Connection(name=name, kind=kind, organisation="12350100000000019K", base_url=url, auth=auth, options=options)


def parts(report: dict[str, Any], name: str = "there") -> dict[str, str]:
    """What was said of each part, empty where it works."""
    found = report[name]["parts"]
    assert all((one["status"] == "ok") is (one["reason"] == "") for one in found)
    first = next((one["reason"] for one in found if one["reason"]), "")
    assert (report[name]["status"], report[name]["reason"]) == ("failed" if first else "ok", first)
    assert "s3cr3t" not in repr(report)
    return {one["part"]: one["reason"] for one in found}


async def test_a_sound_connection_is_tried_part_by_part(connected: Connected, script: Script) -> None:
    connected(there(script.url, streams=["leave", "consents"]))
    script.keeps_saying({"items": [], "next": None})
    assert parts(await check_connections()) == {"address": "", "login": "", "consents": "", "leave": ""}
    assert [asked.path for asked in script.asked] == ["/partner/v1/consents", "/partner/v1/leave"]


async def test_only_one_page_of_each_stream_is_read(connected: Connected, script: Script) -> None:
    connected(there(script.url, streams=["leave"]))
    script.says({"items": [], "next": "more"}, Reply(status=500))
    assert parts(await check_connections())["leave"] == ""
    assert len(script.asked) == 1


async def test_a_wrong_token_is_said_once_and_not_for_each_stream(connected: Connected, script: Script) -> None:
    connected(there(script.url, streams=["leave", "consents", "documents"]))
    script.keeps_saying(Reply(status=401))
    found = parts(await check_connections())
    assert found.keys() == {"address", "login"}
    assert "check secret and scope" in found["login"]
    assert len(script.asked) == 1


async def test_a_token_address_that_lets_nobody_in_is_the_login(connected: Connected, script: Script) -> None:
    connected(there(script.url, "oneroster", {**OAUTH, "token_url": f"{script.url}/token"}))
    script.keeps_saying(Reply({"error": "invalid_client"}, status=400))
    found = parts(await check_connections())
    assert "its token address does not let us in" in found["login"]
    assert {asked.path for asked in script.asked} == {"/token"}


async def test_a_token_address_that_nobody_answers_is_named_before_anything_is_sent(
    connected: Connected, script: Script
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/token"
        connected(there(script.url, "oneroster", {**OAUTH, "token_url": url}))
        found = parts(await check_connections())
    assert found["address"] == "" and "nothing listens on port" in found["token-address"]
    assert script.asked == []


async def test_a_missing_scope_is_named_and_the_other_streams_are_tried(connected: Connected, script: Script) -> None:
    def answer(asked: Asked) -> Reply:
        name = asked.path.rpartition("/")[2]
        if asked.path.startswith("/gradebook"):
            return Reply({"imsx_codeMajor": "failure"}, status=403)
        return Reply({name: [], "academicSessions": []})

    connected(there(script.url, "oneroster"))
    script.follows(answer)
    found = parts(await check_connections())
    wrong = {part for part, reason in found.items() if reason}
    assert wrong == {"line-items", "results"}
    assert all("gradebook-core.readonly" in found[part] for part in wrong)
    assert {"login", "terms", "courses", "classes", "people", "enrolments"} <= found.keys()


async def test_a_moodle_function_that_may_not_be_called_is_named(connected: Connected, script: Script) -> None:
    connected(there(script.url, "moodle", {"type": "moodle", "token_env": ENV}))
    script.keeps_saying({"functions": [{"name": name} for name in FUNCTIONS[:-1]]})
    found = parts(await check_connections())
    assert "may not call mod_attendance_get_sessions: add them to the web service" in found["attendance"]


async def test_a_moodle_token_that_is_none_is_the_login(connected: Connected, script: Script) -> None:
    connected(there(script.url, "moodle", {"type": "moodle", "token_env": ENV}))
    script.keeps_saying({"exception": "moodle_exception", "errorcode": "invalidtoken", "message": "Invalid token"})
    found = parts(await check_connections())
    assert "token" in found["login"] and "attendance" not in found


@pytest.mark.parametrize(("status", "words"), [(403, "let it read leave"), (404, "take leave out of options.streams")])
async def test_a_stream_a_partner_does_not_give_is_named(
    connected: Connected, script: Script, status: int, words: str
) -> None:
    connected(there(script.url, streams=["leave"]))
    script.keeps_saying(Reply({"error": {"code": "x", "message": "y"}}, status=status))
    assert words in parts(await check_connections())["leave"]


async def test_a_right_that_a_chat_lacks_is_named(connected: Connected, script: Script) -> None:
    connected(there(script.url, "slack", channel="C1"))
    script.says({"ok": True}, {"ok": False, "error": "missing_scope", "needed": "channels:history", "provided": "x"})
    assert "add the scope channels:history to the app" in parts(await check_connections())["chat"]


async def test_a_certificate_that_cannot_be_trusted_ends_the_trial(connected: Connected, tmp_path: Path) -> None:
    async with answering(Authority(tmp_path).issue(own=True)) as port:
        connected(there(f"https://127.0.0.1:{port}", streams=["leave"]))
        found = parts(await check_connections())
    assert found.keys() == {"address", "tls"}
    assert "signed its certificate itself" in found["tls"]


async def test_what_is_wrong_in_the_settings_fails_its_connection_alone(connected: Connected, script: Script) -> None:
    script.keeps_saying({"items": [], "next": None})
    absent = {"type": "bearer", "token_env": "NOT_SET_ANYWHERE"}
    connected(there(script.url, name="sound", streams=["leave"]), there(script.url, "sap", name="odd"),
              there(script.url, name="bare", auth=absent, streams=["leave"]))  # fmt: skip
    report = await check_connections()
    assert list(report) == ["sound", "odd", "bare"]
    assert not any(parts(report, "sound").values())
    assert "the kind sap is not known" in parts(report, "odd")["settings"]
    assert "NOT_SET_ANYWHERE is not set" in parts(report, "bare")["settings"]


async def test_a_system_that_hangs_is_given_up(
    connected: Connected, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "PATIENCE", 0.3)
    connected(there(script.url, streams=["leave"]))
    script.keeps_saying(Reply(hang=True))
    assert "did not answer within" in parts(await check_connections())["time"]
    script.over.set()


async def test_one_connection_alone_can_be_tried(connected: Connected, script: Script) -> None:
    connected(there(script.url, name="one", streams=["leave"]), there(script.url, name="two", streams=["leave"]))
    script.keeps_saying({"items": [], "next": None})
    assert list(await check_connections("two")) == ["two"]
    assert len(script.asked) == 1
    with pytest.raises(BadInput, match="there is no connection three"):
        await check_connections("three")


async def test_many_are_tried_side_by_side_within_a_limit_and_told(
    connected: Connected, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, under_way, told = 0, 0, list[tuple[int, int | None]]()
    whole = checking._parts

    async def counted(connection: Connection) -> Any:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        try:
            return await whole(connection)
        finally:
            under_way -= 1

    monkeypatch.setattr(checking, "_parts", counted)
    connected(*(there(script.url, name=f"c{number}", streams=["leave"]) for number in range(20)))
    script.keeps_saying({"items": [], "next": None})
    watch(lambda _, done, total: told.append((done, total)))
    try:
        report = await check_connections()
    finally:
        watch(None)
    assert list(report) == [f"c{number}" for number in range(20)]
    assert most == checking.AT_ONCE
    assert told == [(done, 20) for done in range(21)]


async def test_every_sentence_is_one_and_says_what_to_do(connected: Connected, script: Script) -> None:
    connected(there(script.url, "oneroster"))
    for status in (401, 403, 404, 429, 500, 302):
        script.keeps_saying(Reply(status=status))
        for reason in parts(await check_connections()).values():
            assert not reason or re.fullmatch(r"there: [^\n]+: [^\n]+", reason), reason


def test_every_kind_that_is_read_has_its_place_in_the_night() -> None:
    placed = [kind for wave in WAVES for kind in wave]
    assert len(placed) == len(set(placed))
    assert set(KINDS) - set(CHAT_KINDS) <= set(placed)
