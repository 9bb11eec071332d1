"""Where a secret may go and what shows it: redirects, next links, logins, and the words of errors."""

import json
import traceback
from typing import Any

import httpx
import pytest

from connectors.auth import basic
from connectors.errors import Permanent, Refused
from connectors.http import Answer
from models.clock import now
from models.rules.privacy import holds_personal_number
from tests.connectors.conftest import SECRET, TOKEN_ENV, Connect
from tests.connectors.plain import Plain, failing, oauth
from tests.connectors.script import Asked, Reply, Script

PERSONAL = "320214199102102177"


@pytest.fixture
def there(connect: Connect) -> Plain:
    """The scripted system, over a client of our own."""
    return Plain(connect("plain"))


# --- where a secret may go -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("eager", [False, True])
async def test_a_redirect_is_never_followed(
    connect: Connect, script: Script, other: Script, status: int, eager: bool
) -> None:
    """Not even when the client that was given would follow it: the secret would go with it."""
    script.keeps_saying(Reply(status=status, headers={"Location": f"{other.url}/it"}))
    async with httpx.AsyncClient(follow_redirects=eager, trust_env=False) as client:
        error = await failing(Plain(connect("plain"), client))
    assert isinstance(error, Permanent)
    assert "redirects" in str(error)
    assert (len(script.asked), other.asked) == (1, [])


async def test_no_proxy_is_taken_from_the_environment(
    connect: Connect, script: Script, other: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other.url)
    script.says({"fine": True})
    async with Plain(connect("plain")) as connector:
        await connector.get()
    assert other.asked == []


def links(script: Script, other: Script) -> list[str]:
    """Next links that lead elsewhere, plainly or by a trick."""
    host = script.url.removeprefix("http://")
    return [
        f"{other.url}/it", f"//{other.url.removeprefix('http://')}/it", f"https://{host}/it", f"http://{host}.evil/it",
        f"http://evil@{host}/it", f"http://{host}@evil.example/it", "http://[::1", "http://127.0.0.1:99999/it",
        "file:///etc/passwd", "javascript:0",
    ]  # fmt: skip


async def test_a_next_link_to_another_address_is_not_followed(there: Plain, script: Script, other: Script) -> None:
    answer = Answer({}, {}, f"{script.url}/it")
    for link in links(script, other):
        with pytest.raises(Permanent, match="another address"):
            there._next_link(answer, link, "ask")
    assert other.asked == script.asked == []


async def test_a_next_link_may_be_relative_or_name_the_usual_port(connect: Connect) -> None:
    there = Plain(connect("plain", base_url="https://sis.example/lrs"))
    answer = Answer({}, {}, "https://sis.example/lrs/xAPI/statements?a=1")
    assert there._next_link(answer, "?more=2", "ask") == "https://sis.example/lrs/xAPI/statements?more=2"
    assert there._next_link(answer, "/more/3", "ask") == "https://sis.example/more/3"
    assert there._next_link(answer, "https://sis.example:443/4", "ask") == "https://sis.example:443/4"


# --- logging in ------------------------------------------------------------------------------------------------------


async def test_an_expired_token_is_renewed_in_the_middle_of_a_read(connect: Connect, script: Script) -> None:
    script.says({"access_token": "one"}, {"page": 1}, Reply(status=401), {"access_token": "two"}, {"page": 2})
    async with Plain(connect("plain", oauth(script))) as connector:
        assert [(await connector.get()).body["page"] for _ in range(2)] == [1, 2]
    shown = [asked.headers["authorization"] for asked in script.asked if asked.path == "/it"]
    assert shown == ["Bearer one", "Bearer one", "Bearer two"]


async def test_a_token_is_renewed_once_and_only_once(connect: Connect, script: Script) -> None:
    tokens = iter(range(10))
    script.follows(
        lambda asked: Reply({"access_token": f"t{next(tokens)}"}) if asked.path == "/token" else Reply(status=401)
    )
    error = await failing(Plain(connect("plain", oauth(script))))
    assert isinstance(error, Permanent)
    assert (error.status, error.dead) == (401, True)
    assert [asked.path for asked in script.asked] == ["/token", "/it", "/token", "/it"]


async def test_a_bearer_token_that_is_refused_is_not_shown_twice(there: Plain, script: Script) -> None:
    script.keeps_saying(Reply(status=401))
    await failing(there)
    assert [asked.headers["authorization"] for asked in script.asked] == [f"Bearer {SECRET}"]


@pytest.mark.parametrize("status", [400, 422])
async def test_a_token_address_that_refuses_us_does_not_refuse_what_was_to_be_sent(
    connect: Connect, script: Script, status: int
) -> None:
    """`invalid_client` comes with 400: what waits to be sent must wait on, not be marked as unwanted."""
    script.keeps_saying(Reply({"error": "invalid_client"}, status=status))
    error = await failing(Plain(connect("plain", oauth(script))), method="POST", body={"a": 1})
    assert isinstance(error, Permanent)
    assert not isinstance(error, Refused)
    assert error.dead and "client_id" in str(error)
    assert {asked.path for asked in script.asked} == {"/token"}


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": 5}, [], None, {"access_token": "a\nb"}])
async def test_a_token_address_that_gives_no_token_is_said(connect: Connect, script: Script, answer: Any) -> None:
    script.keeps_saying(Reply(b"") if answer is None else Reply(answer))
    error = await failing(Plain(connect("plain", oauth(script))))
    assert isinstance(error, Permanent)
    assert "token" in str(error)


async def test_client_and_scopes_are_shown_as_the_standard_says(connect: Connect, script: Script) -> None:
    script.keeps_saying({"access_token": "t"})
    for more in ({"scopes": ["a", "b"]}, {"scopes": "a b", "in_body": True}):
        async with Plain(connect("plain", oauth(script, **more))) as connector:
            await connector.get()
    by_header, in_body = [asked for asked in script.asked if asked.path == "/token"]
    assert by_header.form == {"grant_type": "client_credentials", "scope": "a b"}
    assert by_header.headers["authorization"] == basic("ym", SECRET)
    assert in_body.form == by_header.form | {"client_id": "ym", "client_secret": SECRET}
    assert "authorization" not in in_body.headers


async def test_basic_and_none_show_what_they_should(connect: Connect, script: Script) -> None:
    script.keeps_saying({})
    for auth in ({"type": "basic", "username": "用户", "password_env": TOKEN_ENV}, {}):
        async with Plain(connect("plain", auth)) as connector:
            await connector.get()
    assert [asked.headers.get("authorization") for asked in script.asked] == [basic("用户", SECRET), None]


@pytest.mark.parametrize(
    ("auth", "words"),
    [
        ({"type": "kerberos"}, "auth.type must be"),
        ({"type": "bearer"}, "token_env"),
        ({"type": "bearer", "token_env": "NOT_SET"}, "NOT_SET is not set"),
        ({"type": "bearer", "token_file": "/nowhere/token"}, "cannot be read"),
        ({"type": "bearer", "token_env": "YM_BLANK"}, "token is empty"),
        ({"type": "bearer", "token_env": "YM_CHINESE"}, "copy it again"),
        ({"type": "oauth2", "client_id": "ym", "client_secret_env": TOKEN_ENV}, "no token_url"),
    ],
)
async def test_a_login_that_cannot_be_had_stops_this_connection_in_one_sentence(
    connect: Connect, script: Script, monkeypatch: pytest.MonkeyPatch, auth: dict[str, Any], words: str
) -> None:
    monkeypatch.setenv("YM_BLANK", " \n")
    monkeypatch.setenv("YM_CHINESE", "密码密码")
    with pytest.raises(Permanent, match=words) as caught:
        await Plain(connect("plain", auth)).__aenter__()
    assert "密码" not in str(caught.value)
    assert script.asked == []


# --- what errors say -------------------------------------------------------------------------------------------------

FAULTS = [
    Reply({"detail": f"{PERSONAL} {SECRET}"}, status=400),
    Reply({"detail": f"{PERSONAL} {SECRET}"}, status=401),
    Reply({"detail": f"{PERSONAL} {SECRET}"}, status=500),
    Reply(f'{{"id": "{PERSONAL} {SECRET}"'.encode()),
    Reply(f"<html>{PERSONAL} {SECRET}".encode()),
    Reply(status=302, headers={"Location": f"http://evil.example/{PERSONAL}?{SECRET}"}),
    Reply(reset=True),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.status} {fault.raw[:1]!r} {fault.reset}")
@pytest.mark.parametrize("way", ["bearer", "basic", "moodle", "oauth2"])
async def test_no_error_shows_a_secret_or_a_personal_number(
    connect: Connect, script: Script, fault: Reply, way: str
) -> None:
    """Neither its text, nor its repr, nor the chain of causes that a traceback would print."""
    ways = {"bearer": {"token_env": TOKEN_ENV}, "moodle": {"token_env": TOKEN_ENV},
            "basic": {"username": "ym", "password_env": TOKEN_ENV}, "oauth2": oauth(script, in_body=True)}  # fmt: skip

    def plan(asked: Asked) -> Reply:
        return Reply({"access_token": SECRET}) if asked.path == "/token" else fault

    script.follows(plan)
    body = {"resident_id": PERSONAL}
    more = {"form": body} if way == "moodle" else {"body": body}
    connector = Plain(connect("plain", {**ways[way], "type": way}))
    error = await failing(connector, method="POST", **more)
    shown = "".join(traceback.format_exception(error)) + repr(error) + str(error) + repr(connector._wire)
    assert SECRET not in shown
    assert basic("ym", SECRET) not in shown
    assert not holds_personal_number(shown)
    assert "\n" not in str(error)


async def test_an_error_names_system_operation_and_status(there: Plain, script: Script) -> None:
    script.keeps_saying(Reply(status=404))
    error = await failing(there)
    assert str(error) == "there: ask: nothing is there: check base_url (status 404)"
    assert (error.system, error.operation, error.status) == ("there", "ask", 404)


async def test_what_is_sent_is_json_with_its_type(there: Plain, script: Script) -> None:
    script.says({})
    async with there:
        await there.get(method="POST", body={"name": "张一", "on": now().date()}, headers={"X-Own": "1"})
    (asked,) = script.asked
    assert (asked.headers["content-type"], asked.headers["x-own"]) == ("application/json", "1")
    assert json.loads(asked.body)["name"] == "张一"
