"""The supervisor starts again what dies and ends all in order; whoever ends it ends what it kept."""

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from asyncio.subprocess import Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.serve import leash, supervisor
from console.serve.leash import marked
from console.serve.supervisor import Part, Supervisor, pause_after

ROOT = Path(__file__).parents[3]
CHILD = "tests.console.serve.child"
PATIENCE = 20.0


class Kept:
    """A supervisor at work in a test, and what was said to it."""

    def __init__(self, parts: list[Part], seat: Path, answers: Callable[[], bool] = lambda: True) -> None:
        """Nothing runs yet."""
        self.seat, self.said = str(seat), list[tuple[str, str]]()

        async def asked() -> bool:
            return answers()

        self.supervisor = Supervisor(parts, self.seat, lambda part, line: self.said.append((part, line)), asked)

    async def __aenter__(self) -> "Kept":
        self.running = asyncio.create_task(self.supervisor.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self.supervisor.stop()
        await self.running
        assert marked(self.seat) == []

    async def until(self, met: Callable[[], object]) -> None:
        """Look again and again whether something has come about. Fails when it does not in time."""
        end = time.monotonic() + PATIENCE
        while not met():
            assert time.monotonic() < end, self.said
            await asyncio.wait([self.running], timeout=0.02)

    def lines(self, part: str, beginning: str = "") -> list[str]:
        """What a part has said that begins so."""
        return [line for who, line in self.said if who == part and line.startswith(beginning)]


def part(name: str, *words: str, **more: object) -> Part:
    """A part that runs the child of these tests."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return Part(name, (CHILD, *words), environment, **more)  # type: ignore[arg-type]


async def test_a_part_that_is_killed_starts_again_and_what_it_left_is_ended(tmp_path: Path) -> None:
    async with Kept([part("one", "leave")], tmp_path) as kept:
        await kept.until(lambda: kept.lines("one", "left"))
        first = kept.supervisor.living["one"].pid
        (left,) = (int(line.split()[1]) for line in kept.lines("one", "left"))
        assert first is not None
        assert {first, left} == set(marked(kept.seat))
        os.kill(first, signal.SIGKILL)
        await kept.until(lambda: len(kept.lines("one", "left")) == 2)
        assert left not in marked(kept.seat)
        assert kept.supervisor.living["one"].restarts == 1
        assert kept.lines("serve") == ["one ended (SIGKILL); it starts again in 0.5 s"]


async def test_a_part_that_dies_at_once_is_given_ever_more_time(tmp_path: Path) -> None:
    async with Kept([part("one", "end", "3")], tmp_path) as kept:
        await kept.until(lambda: len(kept.lines("serve")) == 2)
    assert kept.lines("serve") == [f"one ended (exit code 3); it starts again in {pause} s" for pause in ("0.5", "1")]
    assert [pause_after(deaths) for deaths in (3, 6, 7, 100)] == [2, 16, 30, 30]


async def test_a_machine_that_has_no_process_left_ends_no_serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when runs have used up what the system allows: a part that was to start again took all others with it."""
    begin, failures = (
        asyncio.create_subprocess_exec,
        [BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")],
    )

    async def now_and_then(*words: Any, **more: Any) -> Process:
        if failures:
            raise failures.pop()
        return await begin(*words, **more)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", now_and_then)
    async with Kept([part("one")], tmp_path) as kept:
        await kept.until(lambda: kept.lines("one", "here"))
        assert kept.supervisor.living["one"].restarts == 1
    assert kept.lines("serve") == ["one could not begin (Resource temporarily unavailable); it starts again in 0.5 s"]


async def test_a_higher_rank_begins_when_the_server_answers_and_ends_first(tmp_path: Path) -> None:
    answers = False
    parts = [part("server"), part("worker", rank=1)]
    async with Kept(parts, tmp_path, lambda: answers) as kept:
        await kept.until(lambda: kept.lines("server", "here"))
        assert kept.supervisor.living["worker"].pid is None
        answers = True
        await kept.until(lambda: kept.lines("worker", "here"))


async def test_one_that_waits_for_the_server_ends_too(tmp_path: Path) -> None:
    async with Kept([part("worker", rank=1)], tmp_path, lambda: False) as kept:
        await asyncio.wait([kept.running], timeout=0.1)
    assert kept.said == []


async def test_a_part_that_does_not_hear_is_ended_after_its_patience(tmp_path: Path) -> None:
    async with Kept([part("deaf", "deaf", patience=0.2)], tmp_path) as kept:
        await kept.until(lambda: kept.lines("deaf", "deaf"))


async def test_a_line_that_is_longer_than_anything_worth_keeping_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_LINE", 100)
    async with Kept([part("one", "say", "x" * 1000, "say", "after")], tmp_path) as kept:
        await kept.until(lambda: kept.lines("one", "after"))
    assert not kept.lines("one", "x")


def test_whoever_kills_the_supervisor_ends_what_it_kept(tmp_path: Path) -> None:
    """Its child, and what that one had started in a session of its own."""
    seat = str(tmp_path / "seat")
    command = [sys.executable, "-m", "tests.console.serve.kept", seat]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as keeping:
        assert keeping.stdout is not None
        said = [keeping.stdout.readline() for _ in range(2)]
        assert [line.split()[0] for line in said] == ["here", "left"]
        assert {int(line.split()[1]) for line in said} == set(marked(seat))
        keeping.kill()
        end = time.monotonic() + PATIENCE
        while marked(seat):
            assert time.monotonic() < end, marked(seat)


def test_only_what_carries_the_mark_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leash, "LAST_WORDS", 0.2)
    sleeping = [
        sys.executable,
        "-c",
        "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
    ]
    seats = {name: str(tmp_path / name) for name in ("mine", "other")}
    started = {
        name: subprocess.Popen(sleeping, env={**os.environ, leash.SEAT: seat, leash.PART: "x"}, stdout=subprocess.PIPE)
        for name, seat in seats.items()
    }
    try:
        for one in started.values():
            assert one.stdout is not None
            one.stdout.readline()
        assert marked(seats["mine"], "y") == []
        leash.end_marked(seats["mine"], "x")
        assert started["mine"].wait(PATIENCE) == -signal.SIGKILL
        assert started["other"].poll() is None
    finally:
        for one in started.values():
            one.kill()
            one.communicate()
