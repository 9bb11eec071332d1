"""Chats by apprise: robots that refuse with 200, mail servers, and nothing said of the address."""

import asyncio
import hashlib
import hmac
import logging
import socket
import ssl
import traceback
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.feishu import NotifyFeishu
from apprise.plugins.lark import NotifyLark
from apprise.plugins.wecombot import NotifyWeComBot
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors import apprise as chats
from connectors import mail as mails
from connectors.apprise import AppriseConnector, fitting, plain
from connectors.base import Connection
from connectors.errors import OutsideError, Permanent, Refused, Transient
from tests.connectors.script import Asked, Reply, Script

HIDDEN = "h1ddenk3y"
SIGNED = "SECabc123"
ROBOTS = {
    "feishu": (f"feishu://{HIDDEN}", {"code": 0, "msg": "success", "data": {}}, ("content", "text")),
    "lark": (f"lark://{HIDDEN}", {"code": 0, "msg": "success", "data": {}}, ("content", "text")),
    "dingtalk": (f"dingtalk://{HIDDEN}", {"errcode": 0, "errmsg": "ok"}, ("text", "content")),
    "wecombot": (f"wecombot://{HIDDEN}", {"errcode": 0, "errmsg": "ok"}, ("text", "content")),
}
Chat = Callable[..., AppriseConnector]
every_robot = pytest.mark.parametrize("robot", ROBOTS)


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Chat:
    """Gives the connector of an address that stands in the environment."""

    def make(address: str, **options: Any) -> AppriseConnector:
        monkeypatch.setenv("YM_CHAT_URL", address)
        return AppriseConnector(Connection(name="group", kind="apprise", organisation="X",
                                           auth={"url_env": "YM_CHAT_URL"},
                                           options={"seconds_between": 0, **options}))  # fmt: skip

    return make


@pytest.fixture
def robots(script: Script, monkeypatch: pytest.MonkeyPatch) -> Script:
    """The servers of the four robots, on loopback."""
    monkeypatch.setattr(NotifyFeishu, "notify_url", script.url + "/open-apis/bot/v2/hook/{token}/")
    monkeypatch.setattr(NotifyLark, "notify_url", script.url + "/open-apis/bot/v2/hook/")
    monkeypatch.setattr(NotifyDingTalk, "notify_url", script.url + "/robot/send?access_token={token}")
    monkeypatch.setattr(NotifyWeComBot, "notify_url", script.url + "/cgi-bin/webhook/send?key={key}")
    return script


def _said(asked: Asked, robot: str) -> str:
    first, second = ROBOTS[robot][2]
    return str(asked.json[first][second])


def _is_decent(error: BaseException) -> None:
    """An error carries neither the address nor anything below it that would."""
    told = "".join(traceback.format_exception(error))
    assert HIDDEN not in told.replace('f"', "")
    assert str(error).startswith("group: ")


async def _failed(chat: AppriseConnector, text: str = "⏳") -> OutsideError:
    with pytest.raises(OutsideError) as caught:
        async with chat:
            await chat.post("A-1", text)
    _is_decent(caught.value)
    return caught.value


# --- the robots -------------------------------------------------------------------------------------------------


@every_robot
async def test_a_robot_is_told_the_text_as_it_reads(chat: Chat, robots: Script, robot: str) -> None:
    address, well, _ = ROBOTS[robot]
    robots.says(well)
    async with chat(address) as group:
        place = await group.post("A-1", "⏳ WX-2026A：A&amp;B 学院\nsecond line")
    assert place == {"ts": "A-1", "channel": robot}
    assert [_said(asked, robot) for asked in robots.asked] == ["⏳ WX-2026A：A&B 学院\nsecond line"]
    assert HIDDEN in robots.asked[0].path + str(robots.asked[0].query)


@every_robot
async def test_what_would_be_edited_is_said_anew_in_one_line(chat: Chat, robots: Script, robot: str) -> None:
    address, well, _ = ROBOTS[robot]
    robots.keeps_saying(well)
    async with chat(address) as group:
        assert await group.find("A-1") is None
        await group.update("A-1", "✅ 已办结\n✅ settled", key="A-1")
    assert [_said(asked, robot) for asked in robots.asked] == ["✅ 已办结 / ✅ settled"]


async def test_no_name_calls_everybody(chat: Chat, robots: Script) -> None:
    robots.says(ROBOTS["feishu"][1])
    async with chat(ROBOTS["feishu"][0]) as group:
        await group.post("A-1", '⏳ &lt;at user_id="all"&gt;&lt;/at&gt; <!channel>')
    assert "<" not in _said(robots.asked[0], "feishu")


@pytest.mark.parametrize(
    ("robot", "answer", "kind", "words"),
    [
        ("wecombot", {"errcode": 93000, "errmsg": f"invalid webhook {HIDDEN}"}, Permanent, "code 93000"),
        ("wecombot", {"errcode": 45009, "errmsg": "api freq out of limit"}, Transient, "no more for now"),
        ("wecombot", {"errcode": 45002, "errmsg": "content size out of limit"}, Refused, "this message"),
        ("wecombot", {"errcode": -1, "errmsg": "system busy"}, Transient, "busy"),
        ("dingtalk", {"errcode": 310000, "errmsg": "keywords not in content"}, Permanent, "keywords, signatures"),
        ("dingtalk", {"errcode": 130101, "errmsg": "send too fast"}, Transient, "no more for now"),
        ("dingtalk", {"errcode": 430102, "errmsg": "inappropriate"}, Refused, "this message"),
        ("feishu", {"code": 19001, "msg": "param invalid: incoming webhook access token invalid"}, Permanent, "19001"),
        ("feishu", {"code": 11232, "msg": "frequency limited"}, Transient, "no more for now"),
        ("feishu", {"code": 9499, "msg": "too many request", "data": {}}, Transient, "no more for now"),
        ("feishu", {"code": 9499, "msg": "Bad Request", "data": {}}, Permanent, "9499"),
    ],
)
async def test_a_refusal_with_status_200_is_no_success(
    chat: Chat, robots: Script, robot: str, answer: dict[str, Any], kind: type[OutsideError], words: str
) -> None:
    robots.says(answer)
    error = await _failed(chat(ROBOTS[robot][0]))
    assert (type(error), error.unsent) == (kind, True)
    assert words in str(error)


@pytest.mark.parametrize(
    ("answer", "kind", "unsent"),
    [
        (Reply({}, status=500), Transient, False),
        (Reply({"errcode": 45009}, status=500), Transient, True),
        (Reply({}, status=429), Transient, True),
        (Reply({}, status=404), Permanent, True),
        (Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}), Permanent, True),
        (Reply(b"<html>log in first</html>"), Transient, False),
        (Reply(b"{}"), Transient, False),
        (Reply(b"[0]"), Transient, False),
        (Reply({"errcode": "0"}), Transient, False),
        (Reply(b"x" * 200_000), Transient, False),
        (Reply(reset=True), Transient, False),
        (Reply({"errcode": 0}, cut=True), Transient, False),
    ],
)
async def test_whatever_comes_back_is_known_as_sent_unsent_or_unknown(
    chat: Chat, robots: Script, answer: Reply, kind: type[OutsideError], unsent: bool
) -> None:
    robots.says(answer)
    error = await _failed(chat(ROBOTS["wecombot"][0]))
    assert (type(error), error.unsent) == (kind, unsent)
    assert len(robots.asked) == 1


async def test_a_robot_that_takes_no_more_is_not_asked_again_in_this_run(chat: Chat, robots: Script) -> None:
    robots.keeps_saying({"errcode": 130101, "errmsg": "send too fast"})
    async with chat(ROBOTS["dingtalk"][0]) as group:
        for _ in range(5):
            with pytest.raises(Transient, match="no more for now"):
                await group.post("A-1", "⏳")
    assert len(robots.asked) == 1


async def test_a_server_that_is_away_took_nothing(
    chat: Chat, monkeypatch: pytest.MonkeyPatch, dead_url: str
) -> None:  # fmt: skip
    monkeypatch.setattr(NotifyWeComBot, "notify_url", dead_url + "/send?key={key}")
    error = await _failed(chat(ROBOTS["wecombot"][0]))
    assert (type(error), error.unsent) == (Transient, True)


async def test_a_robot_that_never_answers_holds_up_nothing(
    chat: Chat, robots: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chats, "DEADLINE", 0.2)
    robots.says(Reply(hang=True))
    began = asyncio.get_running_loop().time()
    error = await _failed(chat(ROBOTS["wecombot"][0]))
    assert asyncio.get_running_loop().time() - began < 5
    assert (type(error), error.unsent) == (Transient, False)


async def test_dingtalk_knows_the_signature_again(chat: Chat, robots: Script) -> None:
    """As DingTalk counts it: the query is decoded once, and holds the base64 of the HMAC."""
    robots.says(ROBOTS["dingtalk"][1])
    async with chat(f"dingtalk://{SIGNED}@{HIDDEN}") as group:
        await group.post("A-1", "⏳")
    query = robots.asked[0].query
    expected = hmac.new(SIGNED.encode(), f"{query['timestamp']}\n{SIGNED}".encode(), hashlib.sha256).digest()
    assert query["sign"] == b64encode(expected).decode()
    assert query["access_token"] == HIDDEN


async def test_messages_keep_the_distance_a_service_asks_for(chat: Chat, robots: Script) -> None:
    robots.keeps_saying(ROBOTS["wecombot"][1])
    began = asyncio.get_running_loop().time()
    async with chat(ROBOTS["wecombot"][0], seconds_between=0.15) as group:
        for number in range(3):
            await group.post(f"A-{number}", "⏳")
    assert asyncio.get_running_loop().time() - began >= 0.3


async def test_wecom_gets_no_more_bytes_than_it_takes(chat: Chat, robots: Script) -> None:
    robots.says(ROBOTS["wecombot"][1])
    async with chat(ROBOTS["wecombot"][0]) as group:
        await group.post("A-1", "职" * 3000)
    said = _said(robots.asked[0], "wecombot")
    assert len(said.encode()) <= 2048
    assert said.endswith("职……")


@every_robot
async def test_the_check_sees_the_server_and_says_nothing(chat: Chat, robots: Script, robot: str) -> None:
    robots.says(Reply({}, status=404))
    async with chat(ROBOTS[robot][0]) as group:
        (found,) = await group.check()
    assert found.ok
    assert [(asked.method, asked.path, asked.query) for asked in robots.asked] == [("GET", "/", {})]


async def test_a_webhook_in_json_takes_any_good_status(chat: Chat, script: Script) -> None:
    script.says(Reply(b"", status=204), Reply({}, status=422))
    async with chat(script.url.replace("http", "json") + f"/{HIDDEN}/") as hook:
        await hook.post("A-1", "⏳ waiting")
        with pytest.raises(Refused):
            await hook.post("A-2", "⏳ waiting")
    assert script.asked[0].json["message"] == "⏳ waiting"


# --- the address ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [f"slack://{HIDDEN}", f"wecombot://{HIDDEN}%25%25!!", f"dingtalk://{HIDDEN}-_", "mailto://", HIDDEN, f"://{HIDDEN}",
     f"file:///{HIDDEN}"],
)  # fmt: skip
async def test_an_address_that_cannot_be_used_is_not_repeated(
    chat: Chat, address: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    assert isinstance(await _failed(chat(address)), Permanent)
    assert HIDDEN not in caplog.text + "".join(capfd.readouterr())


@every_robot
async def test_nothing_of_what_is_sent_comes_to_a_log(
    chat: Chat, robots: Script, robot: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "apprise")
    robots.says({"errcode": 93000, "code": 19001})
    await _failed(chat(ROBOTS[robot][0]), "⏳ secret words")
    assert "secret words" not in caplog.text
    assert not [one for one in caplog.records if one.name == "apprise"]


async def test_a_read_is_refused(chat: Chat) -> None:
    with pytest.raises(Permanent, match="no streams"):
        chat(ROBOTS["feishu"][0]).read("users")


def test_a_text_is_cut_at_a_character() -> None:
    assert fitting("职工", 6) == "职工"
    assert fitting("职工职工职", 12) == "职工……"
    assert plain("&lt;b&gt; &amp;lt; <x>") == "＜b＞ &lt; ＜x＞"


# --- mail -------------------------------------------------------------------------------------------------------


class Postman:
    """A mail server's side: what arrived, and what is answered instead of taking it."""

    def __init__(self) -> None:
        """Take everything."""
        self.mails: list[EmailMessage] = []
        self.receivers: list[str] = []
        self.at_receiver, self.at_data = "250 OK", "250 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        """Take a receiver, or not."""
        if self.at_receiver.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.at_receiver

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a message, or not."""
        if self.at_data == "hang up":
            server.transport.abort()
            return "421 bye"
        if self.at_data.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=policy.default))  # type: ignore[arg-type]
            self.receivers += envelope.rcpt_tos
        return self.at_data


def _free() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def postman() -> Postman:
    """Who takes the mail."""
    return Postman()


@pytest.fixture
def mailbox(postman: Postman) -> Iterator[str]:
    """The address of a server on loopback without TLS."""
    server = Controller(postman, hostname="127.0.0.1", port=_free())
    server.start()
    yield f"mailto://127.0.0.1:{server.port}?from=ym@example.org&to=coordinator@example.org"
    server.stop()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of 127.0.0.1, signed by itself, with its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    path = tmp_path / "mail.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())  # fmt: skip
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.fixture
def secured(postman: Postman, certificate: Path) -> Iterator[str]:
    """The address of a server that asks for STARTTLS and a login."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def known(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == HIDDEN.encode(), handled=False)

    server = Controller(postman, hostname="127.0.0.1", port=_free(), tls_context=context, require_starttls=True,
                        authenticator=known, auth_required=True)  # fmt: skip
    server.start()
    yield f"127.0.0.1:{server.port}?from=ym@example.org&to=coordinator@example.org&mode=starttls"
    server.stop()


async def test_a_mail_arrives_with_a_subject_and_its_text(chat: Chat, mailbox: str, postman: Postman) -> None:
    async with chat(mailbox + ",second@example.org") as box:
        (found,) = await box.check()
        await box.post("A-1", "⏳ WX-2026A：待录取 &lt;b&gt;\nplease call them")
    assert found.ok
    first = postman.mails[0]
    assert first["Subject"] == "⏳ WX-2026A：待录取 ＜b＞"
    assert first.get_content_type() == "text/plain"
    assert first.get_content().splitlines() == ["⏳ WX-2026A：待录取 ＜b＞", "please call them"]
    assert postman.receivers == ["coordinator@example.org", "second@example.org"]


@pytest.mark.parametrize(
    ("where", "answer", "kind", "unsent"),
    [
        ("at_receiver", "550 no such mailbox", Permanent, True),
        ("at_receiver", "450 try later", Transient, True),
        ("at_data", "554 looks like spam", Refused, True),
        ("at_data", "451 local error", Transient, True),
        ("at_data", "hang up", Transient, False),
    ],
)
async def test_what_a_mail_server_refuses_is_told_apart(
    chat: Chat, mailbox: str, postman: Postman, where: str, answer: str, kind: type[OutsideError], unsent: bool
) -> None:
    setattr(postman, where, answer)
    error = await _failed(chat(mailbox))
    assert (type(error), error.unsent) == (kind, unsent)
    assert "example.org" not in str(error)


async def test_a_login_goes_over_tls_with_a_certificate_that_is_trusted(
    chat: Chat, secured: str, certificate: Path, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with chat(f"mailtos://ym:{HIDDEN}@{secured}") as box:
        assert [one.ok for one in await box.check()] == [True]
        await box.post("A-1", "⏳ waiting")
    assert postman.receivers == ["coordinator@example.org"]


async def test_a_wrong_password_is_for_a_person_to_correct(
    chat: Chat, secured: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    error = await _failed(chat(f"mailtos://ym:not-{HIDDEN}@{secured}"))
    assert (type(error), error.unsent) == (Permanent, True)
    assert "user and the password" in str(error)


@pytest.mark.parametrize("more", ["", "&verify=no"])
async def test_a_certificate_nobody_vouches_for_is_never_taken(
    chat: Chat, secured: str, postman: Postman, more: str
) -> None:
    error = await _failed(chat(f"mailtos://ym:{HIDDEN}@{secured}{more}"))
    assert isinstance(error, Permanent)
    assert "cannot be secured" in str(error)
    async with chat(f"mailtos://ym:{HIDDEN}@{secured}{more}") as box:
        assert [one.ok for one in await box.check()] == [False]


async def test_a_server_without_tls_gets_no_login(chat: Chat, mailbox: str, postman: Postman) -> None:
    error = await _failed(chat(mailbox.replace("mailto://", f"mailtos://ym:{HIDDEN}@") + "&mode=starttls"))
    assert isinstance(error, Permanent)
    assert postman.mails == []


async def test_a_login_never_goes_over_an_open_line(chat: Chat) -> None:
    error = await _failed(chat(f"mailto://ym:{HIDDEN}@mail.example?to=c@example.org&mode=insecure"))
    assert isinstance(error, Permanent)
    assert "open line" in str(error)


async def test_a_mail_server_that_is_away_took_nothing(chat: Chat, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "TIMEOUT", 1.0)
    error = await _failed(chat(f"mailto://127.0.0.1:{_free()}?from=ym@example.org&to=c@example.org"))
    assert (type(error), error.unsent) == (Transient, True)
    with suppress(OutsideError):
        await chat("").__aenter__()
