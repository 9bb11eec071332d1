"""The door for buttons: an ASGI application to which Slack sends what people press in the chat.

Belongs here: the request, the three seconds, what is done after the answer, and serving. Does not: the signature
(connectors/slack_callback.py) or what a press does (tasks/presses.py).
A press is written down before it is answered and its work is done afterwards: a crash in between loses nothing.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.base import Connection
from connectors.errors import Permanent
from connectors.slack_callback import (
    BODY_CAP,
    RETRY,
    Malformed,
    Press,
    Unproven,
    read_press,
    signing_secret_of,
)
from models.clock import now
from tasks.errors import BadInput
from tasks.office import office
from tasks.presses import Stranger, finish_presses, press_once

PATIENCE = 2.5  # seconds: Slack takes three for no answer
CONNECTIONS_AT_ONCE = 64
Say = Callable[[str], None]


@dataclass(frozen=True)
class Door:
    """A chat connection whose presses are taken, and the secret they are signed with."""

    connection: Connection
    secret: str = field(repr=False)


class Aftercare:
    """The work after the answers: one round at a time, and one more for whatever was pressed meanwhile."""

    def __init__(self, say: Say, as_of: date | None) -> None:
        """Nothing to do yet."""
        self._say, self._as_of = say, as_of
        self._round: asyncio.Task[None] | None = None
        self._again = False

    def begin(self) -> None:
        """Begin a round, or let the one under way go on with what is new."""
        self._again = True
        if self._round is None or self._round.done():
            self._round = asyncio.create_task(self._work())
            self._round.add_done_callback(self._tell)

    async def end(self) -> None:
        """Wait until what is under way is done."""
        if self._round is not None:
            await asyncio.wait([self._round])

    async def _work(self) -> None:
        while self._again:
            self._again = False
            # In a thread of its own: while a cohort is carried on, others still get their answers in time.
            await asyncio.to_thread(lambda: asyncio.run(finish_presses(self._as_of)))

    def _tell(self, ended: "asyncio.Task[None]") -> None:
        """Say what broke; the press stays written down, and the next watch takes it up."""
        from console.errors import explain

        error = None if ended.cancelled() else ended.exception()
        if isinstance(error, Exception):
            self._say(explain(error)[0])


def open_doors() -> tuple[dict[str, Door], list[str]]:
    """Give the chat connections that can take presses, by name, and a sentence for each that cannot."""
    doors: dict[str, Door] = {}
    shut: list[str] = []
    for connection in office().settings.connections:
        if connection.kind != "slack":
            continue
        try:
            doors[connection.name] = Door(connection, signing_secret_of(connection))
        except Permanent as error:
            shut.append(str(error))
            continue
        if not (connection.options.get("team") or connection.options.get("allowed_people")):
            shut.append(f"{connection.name}: nobody may press: name your workspace in options.team")
    return doors, shut


def make_app(doors: dict[str, Door], say: Say, as_of: date | None = None) -> Starlette:
    """Give the application: `POST /slack/CONNECTION`. `say` is told what was refused, and why."""
    aftercare = Aftercare(say, as_of)

    async def take(request: Request) -> Response:
        door = doors.get(request.path_params["connection"])
        if door is None:
            return Response(status_code=404)
        status, sentence = await _answer(door, request, aftercare, as_of)
        if sentence:
            say(sentence)
        return Response(status_code=status)

    @asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        aftercare.begin()  # what a crash left
        yield
        await aftercare.end()

    return Starlette(routes=[Route("/slack/{connection}", take, methods=["POST"])], lifespan=life)


async def _answer(door: Door, request: Request, aftercare: Aftercare, as_of: date | None) -> tuple[int, str]:
    """Take a press; give the status of the answer, and a sentence where it is not taken."""
    try:
        async with asyncio.timeout(PATIENCE):
            press = read_press(door.connection, door.secret, dict(request.headers), await _body(request), now())
            return await _record(door, press, RETRY in request.headers, aftercare, as_of)
    except (Unproven, Malformed) as error:
        return error.status or 400, str(error)
    except Stranger as error:
        return 401, str(error)
    except BadInput as error:
        return 400, str(error)
    except ClientDisconnect:
        return 400, ""
    except TimeoutError:
        return 503, f"{door.connection.name}: the database was busy for too long: press the button again"


async def _body(request: Request) -> bytes:
    """Read a body no further than one byte past the cap."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_CAP:
            break
    return bytes(body)


async def _record(door: Door, press: Press, retried: bool, aftercare: Aftercare, as_of: date | None) -> tuple[int, str]:
    """Write a press down. One that is known already is Slack's own retry, which says so, or a replay."""
    recording = asyncio.create_task(asyncio.to_thread(press_once, press, door.connection.name, as_of))
    recording.add_done_callback(lambda ended: _follow(ended, aftercare))
    if await asyncio.shield(recording) or retried:
        return 200, ""
    return 401, f"{door.connection.name}: take a press: it came before: replayed"


def _follow(recording: "asyncio.Task[bool]", aftercare: Aftercare) -> None:
    """Begin the work of a press once it is written down, also where that came too late for its answer."""
    if not recording.cancelled() and recording.exception() is None and recording.result():
        aftercare.begin()


def serve(host: str, port: int, announce: Say, say: Say, as_of: date | None = None) -> None:
    """Serve until interrupted; `announce` is told the address. Raises BadInput when nothing can be served there."""
    doors, shut = open_doors()
    for sentence in shut:
        say(sentence)
    if not doors:
        raise BadInput("no chat connection can take presses: name its signing_secret_env in its auth")
    try:
        listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise BadInput(
            f"{host} port {port} cannot be had ({error.strerror}): name another with --host and --port"
        ) from None
    with listener:
        shown = f"[{host}]" if ":" in host else host
        announce(f"http://{shown}:{listener.getsockname()[1]}")
        config = uvicorn.Config(
            make_app(doors, say, as_of), log_config=None, log_level="warning", access_log=False, server_header=False,
            limit_concurrency=CONNECTIONS_AT_ONCE, timeout_graceful_shutdown=10,
        )  # fmt: skip
        uvicorn.Server(config).run(sockets=[listener])
