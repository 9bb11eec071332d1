"""A scripted system on loopback: it gives prepared answers, well or badly, and remembers what it was asked."""

import gzip
import json
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


@dataclass(frozen=True)
class Asked:
    """A request as it arrived; names of headers in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The form in the body."""
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        """The JSON in the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Reply:
    """A prepared answer; `body` is sent as it is when bytes, else as JSON.

    `cut` closes half way through the body, `reset` before any of it, `hang` says nothing until the test is over;
    `drip` sends the body's chunks one by one, and then no more, without an end.
    """

    body: Any = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    reset: bool = False
    hang: bool = False
    chunks: Iterable[bytes] | None = None

    @property
    def raw(self) -> bytes:
        """The body in bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def zipped(body: bytes, **options: Any) -> Reply:
    """Give an answer whose body is packed with gzip."""
    return Reply(gzip.compress(body), headers={"Content-Encoding": "gzip"}, **options)


Plan = Callable[[Asked], Reply]


class Script:
    """What a scripted system says next, and what it was asked so far."""

    def __init__(self, url: str) -> None:
        """Nothing prepared yet."""
        self.url = url
        self.asked: list[Asked] = []
        self.over = Event()
        self._plan: Plan = self._next
        self._replies: list[Reply] = []
        self._last: Reply | None = None

    def says(self, *replies: Any) -> None:
        """Prepare answers, one for each request in turn; what is no Reply is the JSON of one."""
        self._replies += [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]

    def keeps_saying(self, reply: Any) -> None:
        """Give the same answer whenever the prepared ones are used up."""
        self._last = reply if isinstance(reply, Reply) else Reply(reply)

    def follows(self, plan: Plan) -> None:
        """Let a function answer."""
        self._plan = plan

    def answer(self, asked: Asked) -> Reply:
        """Remember a request, and give its answer."""
        self.asked.append(asked)
        return self._plan(asked)

    def _next(self, _: Asked) -> Reply:
        if self._replies:
            return self._replies.pop(0)
        return self._last or Reply({"script": "over"}, status=418)


class Stage(ThreadingHTTPServer):
    """The server on which one script after another is played."""

    daemon_threads = True
    request_queue_size = 64
    script: Script

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""


class _Player(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Stage

    def _play(self) -> None:
        script = self.server.script
        reply = script.answer(self._asked())
        with suppress(OSError):
            self._give(reply, script)

    do_GET = do_POST = do_PUT = _play

    def _asked(self) -> Asked:
        address = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Asked(self.command, address.path, dict(parse_qsl(address.query, keep_blank_values=True)), headers, body)

    def _give(self, reply: Reply, script: Script) -> None:
        if reply.hang:
            script.over.wait(30)
        if reply.hang or reply.reset:
            return self._hang_up()
        raw = reply.raw
        length = {} if reply.chunks is not None else {"Content-Length": str(len(raw) * 2 if reply.cut else len(raw))}
        self.close_connection = reply.cut or reply.chunks is not None
        head = {"Content-Type": "application/json", **length, **reply.headers}
        lines = [f"HTTP/1.1 {reply.status} Said", *(f"{name}: {value}" for name, value in head.items()), "", ""]
        self.wfile.write("\r\n".join(lines).encode("latin-1") + (b"" if reply.chunks is not None else raw))
        for chunk in reply.chunks or ():
            self.wfile.write(chunk)
        return None

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


class Theatre:
    """A stage in a thread; each test opens a script of its own on it."""

    def __init__(self) -> None:
        """Open a stage on a free port."""
        self._stage = Stage(("127.0.0.1", 0), _Player)
        self.url = f"http://127.0.0.1:{self._stage.server_address[1]}"
        self._thread = Thread(target=self._stage.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def open(self) -> Script:
        """Put a new script on the stage."""
        self._stage.script = Script(self.url)
        return self._stage.script

    def close(self) -> None:
        """Close the stage."""
        self._stage.shutdown()
        self._stage.server_close()
        self._thread.join(10)
