"""The leash of a child of `yuanmeng serve`: whoever ends the supervisor, and however, ends its children too.

Belongs here: a child's beginning (`python -m console.serve.leash FD MODULE …`), and finding what belongs to a seat by the
mark in its environment, which whatever it starts inherits. Does not: starting or restarting one (supervisor.py).
A worker's runs are process groups of their own, so that a signal to its group would miss them.
"""

import os
import runpy
import signal
import sys
import threading
import time
from pathlib import Path

SEAT, PART = "YUANMENG_SERVE_SEAT", "YUANMENG_SERVE_PART"  # which serve a process belongs to, and which part of it
PROCESSES = Path("/proc")
LAST_WORDS = 5.0  # seconds between the first signal and the last


def marked(seat: str, part: str | None = None) -> list[int]:
    """Give the processes that belong to a seat (to a part of it, where named) but for this one, by number.

    Only what the system lets us look into is found: processes of our own user, where there is a /proc.
    """
    wanted = {f"{SEAT}={seat}".encode()} | ({f"{PART}={part}".encode()} if part else set())
    found = []
    for folder in PROCESSES.glob("[0-9]*"):
        try:
            if wanted <= set((folder / "environ").read_bytes().split(b"\0")):
                found.append(int(folder.name))
        except OSError:
            continue  # it has ended, or is somebody else's
    return sorted(set(found) - {os.getpid()})


def send(signum: signal.Signals, pids: list[int]) -> None:
    """Send a signal to processes; one that has ended meanwhile is passed over."""
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue


def end_marked(seat: str, part: str | None = None) -> None:
    """End what belongs to a seat or a part of it: first it may say that it is ended, then it is."""
    end = time.monotonic() + LAST_WORDS
    send(signal.SIGTERM, marked(seat, part))
    while (left := marked(seat, part)) and time.monotonic() < end:
        time.sleep(0.05)
    send(signal.SIGKILL, left)


def _follow(descriptor: int) -> None:
    """Wait until the supervisor's end of the pipe is gone, which the kernel sees to, and go with all that is its own.

    Others on the same leash go by themselves: two that ended each other would leave what neither had come to yet.
    """
    os.read(descriptor, 1)
    while left := [pid for pid in marked(os.environ[SEAT]) if not _is_on_the_leash(pid)]:
        send(signal.SIGKILL, left)
    os.kill(os.getpid(), signal.SIGKILL)


def _is_on_the_leash(pid: int) -> bool:
    try:
        return __spec__.name.encode() in (PROCESSES / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return True  # it has ended


def main() -> None:
    """Run a module as a program, on the leash whose end the first argument is."""
    descriptor, module, *words = sys.argv[1:]
    threading.Thread(target=_follow, args=(int(descriptor),), daemon=True).start()
    sys.argv = [module, *words]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
