"""The supervisor: it starts the parts of a serve, starts again what dies, and ends all of them in their order.

Belongs here: the life of processes. Does not: which there are (parts.py), or what is done with what they say (voices.py).
"""

import asyncio
import contextlib
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from console.serve.leash import PART, SEAT, end_marked, send
from models.clock import now

STEADY = 60.0  # seconds a part lives before its former deaths are forgotten
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between a death and the next start; doubled at each that follows
AFTERWARDS = 1.0  # seconds for the last words of a part that has ended
LONGEST_LINE = 1 << 20

Say = Callable[[str, str], None]
Answers = Callable[[], Awaitable[bool]]


@dataclass(frozen=True)
class Part:
    """One process of a serve: a module that runs as a program, with its environment.

    Parts of a higher `rank` begin once the server answers, and end before those of a lower one; `patience` is how long
    it gets to end by itself.
    """

    name: str
    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    rank: int = 0
    ends_by: signal.Signals = signal.SIGTERM
    patience: float = 15.0


@dataclass
class Living:
    """How a part is: its process while it lives, since when, and how often it was started again."""

    pid: int | None = None
    since: datetime | None = None
    restarts: int = 0


def pause_after(deaths: int) -> float:
    """Give how many seconds pass before a part starts again that died so many times in a row."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (deaths - 1)))


class Supervisor:
    """Keeps the parts of one seat alive until it is told to stop.

    `say` is told who says what, a line at a time; `answers` says whether the server does.
    """

    def __init__(self, parts: Sequence[Part], seat: str, say: Say, answers: Answers) -> None:
        """Nothing runs yet."""
        self.living = {part.name: Living() for part in parts}
        self._parts, self._seat, self._say, self._answers = parts, seat, say, answers
        self._stopping = asyncio.Event()
        self._processes: dict[str, Process] = {}

    def stop(self) -> None:
        """Let `run` end all parts and come back."""
        self._stopping.set()

    async def run(self) -> None:
        """Start all parts and keep them alive until told to stop; when this is back, none of them lives."""
        theirs, ours = os.pipe()  # whoever holds the other end sees when ours is gone, even if we are killed
        try:
            keeping = {part.name: asyncio.create_task(self._keep(part, theirs)) for part in self._parts}
            waiting = asyncio.create_task(self._stopping.wait())
            await asyncio.wait([waiting, *keeping.values()], return_when=asyncio.FIRST_COMPLETED)
            self._stopping.set()
            for rank in sorted({part.rank for part in self._parts}, reverse=True):
                among = [part for part in self._parts if part.rank == rank]
                await asyncio.gather(*(self._end(part, keeping[part.name]) for part in among))
            await waiting
        finally:
            os.close(ours)
            os.close(theirs)

    async def _keep(self, part: Part, leash: int) -> None:
        """Start a part again whenever it ends, later each time it ends soon."""
        deaths = 0
        while await self._may_begin(part):
            began = time.monotonic()
            ended = await self._life(part, leash)
            if self._stopping.is_set():
                return
            deaths = 1 if time.monotonic() - began > STEADY else deaths + 1
            self.living[part.name].restarts += 1
            pause = pause_after(deaths)
            self._say("serve", f"{part.name} {ended}; it starts again in {pause:g} s")
            await self.stops_within(pause)

    async def _may_begin(self, part: Part) -> bool:
        """Wait until the server answers, where a part needs it. False: there is no beginning any more."""
        while part.rank and not self._stopping.is_set() and not await self._answers():
            await self.stops_within(0.2)
        return not self._stopping.is_set()

    async def stops_within(self, seconds: float) -> bool:
        """Wait so long, or until it is to stop; say whether it is."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)
        return self._stopping.is_set()

    async def _life(self, part: Part, leash: int) -> str:
        """The life of a process, from its start until nothing is left of it; says how it ended."""
        try:
            process = await self._begin(part, leash)
        except OSError as error:  # the machine has no process, memory or file left for it at this instant
            return f"could not begin ({error.strerror})"
        return f"ended ({_how(await self._until_its_end(part, process))})"

    async def _begin(self, part: Part, leash: int) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "console.serve.leash", str(leash), *part.words,
            stdin=DEVNULL, stdout=PIPE, stderr=STDOUT, limit=LONGEST_LINE, pass_fds=(leash,), start_new_session=True,
            env={**part.environment, SEAT: self._seat, PART: part.name},
        )  # fmt: skip

    async def _until_its_end(self, part: Part, process: Process) -> int:
        """Hear a process until nothing is left of it; give its exit code."""
        self._processes[part.name] = process
        self.living[part.name].pid, self.living[part.name].since = process.pid, now()
        hearing = asyncio.create_task(self._hear(part.name, process))
        waiting = asyncio.create_task(process.wait())
        while process.returncode is None:  # what it left may hold its pipe open, for which `wait` waits on some Pythons
            await asyncio.wait([waiting], timeout=0.1)
        self.living[part.name].pid = None
        await asyncio.to_thread(end_marked, self._seat, part.name)
        await asyncio.wait([hearing], timeout=AFTERWARDS)
        hearing.cancel()
        waiting.cancel()
        return process.returncode

    async def _hear(self, name: str, process: Process) -> None:
        stream = process.stdout
        while stream is not None:
            try:
                line = await stream.readline()
            except ValueError:  # longer than anything worth keeping: what was read of it is gone
                continue
            if not line:
                return
            self._say(name, line.decode(errors="replace").rstrip())

    async def _end(self, part: Part, keeping: "asyncio.Task[None]") -> None:
        """Ask a part to end, and end it when it does not; one that was just about to start is asked too."""
        asked, end = None, time.monotonic() + part.patience
        while not keeping.done():
            process = self._processes.get(part.name)
            if process is not None and process.returncode is None:
                late = time.monotonic() > end
                if late or process is not asked:
                    send(signal.SIGKILL if late else part.ends_by, [process.pid])
                asked = process
            await asyncio.wait([keeping], timeout=0.05)
        await keeping


def _how(code: int) -> str:
    """How a process ended: its exit code, or the signal that ended it."""
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
