"""Chat services Slack is not, by apprise: the robots of Feishu, Lark, DingTalk and WeCom, e-mail, and a webhook in JSON.

Belongs here: their addresses, sending, and what their answers mean. Does not: what is said, or when; SMTP (mail.py).
The whole address is a secret (`url_env` or `url_file` in auth). Apprise takes any answer with status 200 for a success,
though the robots refuse with 200: its requests go by our client, and the answer is read here.
`options`: seconds_between, in place of what the service's own limits ask for.
"""

import asyncio
import logging
import threading
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import apprise
import httpx
import orjson
import requests
from apprise.plugins.base import NotifyBase

from connectors.auth import secret_for
from connectors.base import Check, Connection
from connectors.chat import Chat
from connectors.errors import OutsideError, Permanent, Refused, Transient
from connectors.mail import Postbox

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it looks for a module that Python drops
    from apprise.plugins.email.base import NotifyEmail

DEADLINE = 60.0  # seconds for one message as a whole
TIMEOUT = httpx.Timeout(10.0)
ANSWER_CAP = 64 * 1024
CUT = "……"
LANGUAGES = 2  # lines of a message in Chinese and English
SUBJECT = 120  # characters of the first line that make a mail's subject


@dataclass(frozen=True, slots=True)
class Service:
    """What a service takes: bytes of a text, seconds between two, and where its answer says how it went.

    `full`: for now it takes no more; `later`: it is busy; `unfit`: this one message is refused. Other codes last.
    """

    longest: int
    pause: float
    code: tuple[str, ...] = ()
    full: frozenset[int] = frozenset()
    later: frozenset[int] = frozenset()
    unfit: frozenset[int] = frozenset()


_FEISHU = Service(19_000, 1.0, ("code", "StatusCode"), frozenset({11232, 230020}), frozenset({1500, 2200}),
                  frozenset({230025, 230028}))  # fmt: skip
SERVICES = {
    "feishu": _FEISHU,
    "lark": _FEISHU,
    "dingtalk": Service(18_000, 3.1, ("errcode",), frozenset({130101, 410100, 90018, 90030}), frozenset({-1}),
                        frozenset({40035, 430101, 430102, 430103, 430104, 460101})),
    "wecombot": Service(2_000, 3.1, ("errcode",), frozenset({45009, 45033}), frozenset({-1}),
                        frozenset({40058, 44004, 45002})),
    "mailto": Service(100_000, 1.0), "mailtos": Service(100_000, 1.0),
    "json": Service(100_000, 1.0), "jsons": Service(100_000, 1.0),
}  # fmt: skip
FEISHU_BUSY = 9499  # Feishu's word both for "too many requests" and for a bad one


class AppriseConnector(Chat):
    """One group or mailbox. It edits nothing and finds nothing again: what changed is said anew."""

    edits, finds = False, False
    _plugin: NotifyBase
    _client: httpx.Client
    _last = 0.0
    _full: OutsideError | None = None

    def __init__(self, connection: Connection, client: httpx.Client | None = None) -> None:
        """Take a connection, and an HTTP client where the caller has one."""
        super().__init__(connection)
        self._given = client

    async def __aenter__(self) -> Self:
        """Read the address; nothing is sent. Raises Permanent for one that cannot be used."""
        address = secret_for(self.connection, "url")
        self._scheme = address.partition(":")[0].lower()
        if self._scheme not in SERVICES:
            raise Permanent(self.connection.name, "open", f"its address is of no service that can be told: it begins with "
                            f"one of {', '.join(f'{one}://' for one in SERVICES)}")  # fmt: skip
        self._plugin = self._plugin_of(address)
        self._client = self._given or httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False)
        if self._given is None:
            self._resources.callback(self._client.close)
        return self

    def _plugin_of(self, address: str) -> NotifyBase:
        """Let apprise read the address; its log would quote it, and so is turned off."""
        logging.getLogger("apprise").disabled = True
        found = apprise.Apprise.instantiate(address, asset=apprise.AppriseAsset(app_id="Yuanmeng", async_mode=False))
        if not isinstance(found, NotifyBase):
            raise Permanent(self.connection.name, "open", "apprise cannot read its address: copy it again")
        found.request_rate_per_sec = 0  # paced here, without holding up a thread
        found.verify_certificate = True
        return found

    @property
    def service(self) -> Service:
        """What the service takes."""
        return SERVICES[self._scheme]

    async def post(
        self, key: str, text: str, blocks: list[dict[str, Any]] | None = None, thread_ts: str | None = None
    ) -> dict[str, str]:
        """Send a message. Its `ts` is its key: the services give none."""
        if self._full is not None:  # asked again at once, some services shut us out for longer
            raise self._full
        pause = float(self.connection.options.get("seconds_between", self.service.pause))
        await asyncio.sleep(max(0.0, self._last + pause - time.monotonic()))
        self._last = time.monotonic()
        await self._in_time("post", lambda: self._send(fitting(plain(text), self.service.longest)))
        return {"ts": key, "channel": self._scheme}

    async def update(
        self, ts: str, text: str, blocks: list[dict[str, Any]] | None = None, *, key: str
    ) -> dict[str, str]:
        """Say anew what a message would be changed to: in one line, unless it is a list."""
        lines = text.splitlines()
        return await self.post(key, " / ".join(lines) if len(lines) <= LANGUAGES else text)

    async def find(self, key: str, thread_ts: str | None = None) -> dict[str, str] | None:
        """Give None: no message can be found again."""
        return None

    async def check(self) -> list[Check]:
        """Log in to the mail server, or see that the robot's server answers; nothing is sent."""
        try:
            await self._in_time("check", self._try_out)
        except OutsideError as error:
            return [Check("chat", False, str(error))]
        return [Check("chat", True)]

    async def _in_time(self, operation: str, work: Callable[[], None]) -> None:
        """Do it in a thread of its own, which holds up nothing when the service never ends."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        failed: list[Exception] = []

        def run() -> None:
            try:
                work()
            except Exception as error:  # noqa: BLE001  it is given to the one who waits
                failed.append(error)
            with suppress(RuntimeError):  # nobody waits any more
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=run, name=f"chat-{self.connection.name}", daemon=True).start()
        try:
            await asyncio.wait_for(done.wait(), DEADLINE)
        except TimeoutError:
            raise Transient(self.connection.name, operation, "it did not answer in time: try later") from None
        if failed:
            raise self._known(operation, failed[0]) from None

    def _known(self, operation: str, error: Exception) -> OutsideError:
        """Give an error of ours; what apprise lets out otherwise may quote the address."""
        if not isinstance(error, OutsideError):
            return Transient(self.connection.name, operation, f"apprise failed ({type(error).__name__}): try later")
        if isinstance(error, Transient) and not error.again:
            self._full = error
        return error

    def _try_out(self) -> None:
        if isinstance(self._plugin, NotifyEmail):
            return self._postbox(self._plugin).try_out()
        plugin: Any = self._plugin
        url = (
            getattr(plugin, "notify_url", "") or f"{'https' if plugin.secure else 'http'}://{plugin.host}:{plugin.port}"
        )
        split = urlsplit(url.removesuffix(":None"))
        self._answer("check", "GET", f"{split.scheme}://{split.netloc}/")
        return None

    def _send(self, text: str) -> None:
        if isinstance(self._plugin, NotifyEmail):
            return self._mail(self._plugin, text)
        answers: list[httpx.Response] = []
        sent = self._by_our_client(answers)(body=text, title="", notify_type=apprise.NotifyType.WARNING)
        if not answers:
            raise Permanent(
                self.connection.name, "post", "apprise cannot send to its address: copy it again", unsent=True
            )
        if (problem := self._judged(answers[-1])) is not None:
            raise problem
        if not sent:
            raise Transient(self.connection.name, "post", "apprise could not make sense of the answer: try later")
        return None

    def _by_our_client(self, answers: list[httpx.Response]) -> Callable[..., bool]:
        """Give the plugin's own way to send, with our client in the place of the one it imports."""

        def request(method: str, url: str, **asked: Any) -> httpx.Response:
            # Apprise quotes DingTalk's signature, and so does the client: the robot would not know it again.
            params = {name: unquote(value) for name, value in (asked.get("params") or {}).items()}
            answer = self._answer("post", method, httpx.URL(url).copy_merge_params(params), content=asked["data"],
                                  headers=asked["headers"], auth=asked.get("auth"))  # fmt: skip
            answers.append(answer)
            return answer

        def post(url: str, **asked: Any) -> httpx.Response:
            return request("POST", url, **asked)

        ours = SimpleNamespace(request=request, post=post, codes=requests.codes,
                               RequestException=requests.RequestException)  # fmt: skip
        send: Any = type(self._plugin).send
        names = {**send.__globals__, "requests": ours}
        changed = FunctionType(send.__code__, names, send.__name__, send.__defaults__, send.__closure__)
        return MethodType(changed, self._plugin)

    def _answer(self, operation: str, method: str, url: httpx.URL | str, **asked: Any) -> httpx.Response:
        """Ask, and read no more of the answer than one can be long."""
        try:
            with self._client.stream(method, url, **asked) as response:
                raw = b""
                for chunk in response.iter_bytes():
                    raw += chunk
                    if len(raw) > ANSWER_CAP:
                        break
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            secured = "CERTIFICATE" in str(error)
            raise (Permanent if secured else Transient)(
                self.connection.name, operation,
                "its certificate is not to be trusted: check its address" if secured else "it cannot be reached: try later",
                unsent=True) from None  # fmt: skip
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Transient(self.connection.name, operation, "it hung up, or did not answer: try later") from None
        return httpx.Response(response.status_code, content=raw[:ANSWER_CAP])

    def _judged(self, answer: httpx.Response) -> OutsideError | None:
        """Give what an answer means; None when the message was taken."""
        system, status, service = self.connection.name, answer.status_code, self.service
        body = _object(answer.content)
        code = next((body[name] for name in service.code if isinstance(body.get(name), int)), None)
        if status == 429 or code in service.full or (code == FEISHU_BUSY and "many" in str(body.get("msg", ""))):
            return Transient(
                system, "post", f"it takes no more for now{_said(code)}: try later", unsent=True, again=False
            )
        if code in service.later or status >= 500:
            return Transient(
                system, "post", f"it is busy{_said(code)}: try later", status=status, unsent=code is not None
            )
        if code in service.unfit or (status in {413, 422} and not code):
            return Refused(system, "post", f"it will not have this message{_said(code)}", status=status, unsent=True)
        if code or status >= 300:
            return Permanent(system, "post", f"it refuses{_said(code)}: check its address, and its rules on keywords, "
                             "signatures and IP addresses", status=status, unsent=True)  # fmt: skip
        if service.code and code is None:
            return Transient(system, "post", "it answered with no word of its own: check its address, or try later")
        return None

    def _mail(self, plugin: NotifyEmail, text: str) -> None:
        """Let apprise write the mails, one for each receiver, and send them."""
        problems: list[OutsideError] = []
        mails = list(NotifyEmail.prepare_emails(
            subject=text.splitlines()[0][:SUBJECT] if text else "", body=text, notify_format=apprise.NotifyFormat.TEXT,
            from_addr=plugin.from_addr, to=plugin.targets, cc=plugin.cc, bcc=plugin.bcc, reply_to=plugin.reply_to,
            smtp_host=plugin.smtp_host, names=plugin.names, tzinfo=plugin.tzinfo,
        ))  # fmt: skip
        for mail in mails:
            try:
                self._postbox(plugin).send(str(plugin.from_addr[1]), list(mail.to_addrs), mail.body)
            except OutsideError as error:
                problems.append(error)
        if problems and len(problems) == len(mails):
            raise next((one for one in problems if not one.unsent), problems[0])

    def _postbox(self, plugin: NotifyEmail) -> Postbox:
        known: Any = plugin  # its secure_mode and port are set by then, though their types leave it open
        return Postbox(self.connection.name, known.smtp_host, int(known.port), known.secure_mode,
                       known.user or "", known.password or "")  # fmt: skip


def plain(text: str) -> str:
    """Take Slack's escapes back, and give no service a mark to read as its own: Feishu's <at …> calls everybody."""
    for escape, mark in (("&lt;", "＜"), ("&gt;", "＞"), ("<", "＜"), (">", "＞"), ("&amp;", "&")):
        text = text.replace(escape, mark)
    return text


def fitting(text: str, longest: int) -> str:
    """Cut a text to so many bytes of UTF-8, at a character, and show that it was cut."""
    raw = text.encode()
    if len(raw) <= longest:
        return text
    return raw[: longest - len(CUT.encode())].decode(errors="ignore") + CUT


def _object(raw: bytes) -> dict[str, Any]:
    with suppress(orjson.JSONDecodeError):
        body = orjson.loads(raw)
        return body if isinstance(body, dict) else {}
    return {}


def _said(code: Any) -> str:
    return f" (code {code})" if code else ""
