"""The seat of a serve: one at a time on a folder, and on a port.

Belongs here: the lock, leftovers of one that was killed, ports. Does not: what runs there.
The lock is the kernel's: it is free again at the instant its holder dies, however it dies.
"""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from ipaddress import ip_address
from pathlib import Path

from console.serve.leash import end_marked
from tasks.errors import BadInput


@contextmanager
def take_seat(home: Path, name: str = "") -> Iterator[str]:
    """Hold the seat of this name in a home, and give the mark of what belongs to it.

    What a killed one left running there is ended first. Raises BadInput in one sentence where somebody sits there.
    """
    path = home / f"serve{'-' if name else ''}{name}.lock"
    home.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
        try:
            flock(lock, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            raise BadInput(f"`yuanmeng serve` runs already in {home}: end that one first, or name another folder with "
                           "--home") from None  # fmt: skip
        seat = str(path.resolve())
        end_marked(seat)
        yield seat


def seat_name(shares: tuple[str, ...], health_port: int) -> str:
    """Give the name of a seat: "" for a serve of everything, of which a home has one; each share has its own.

    Of those with workers alone a home that machines have in common has many: each on its machine, by its health port.
    """
    here = f"-{socket.gethostname()}-{health_port}" if shares == ("worker",) else ""
    return f"{'-'.join(sorted(shares))}{here}"


def listen(host: str, port: int, option: str) -> socket.socket:
    """Listen on a port; 0 takes a free one. Raises BadInput that names the port and the option to name another with."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
        raise BadInput(f"port {port} of {host} {why}: name another with {option}") from None


def free_of(host: str, port: int, option: str) -> int:
    """Give a port that nobody listens on, this one or, for 0, any. Raises BadInput as `listen` does."""
    with listen(host, port, option) as probe:
        return int(probe.getsockname()[1])


def is_loopback(host: str) -> bool:
    """Say whether an address is this machine's own, which nobody reaches from outside."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
