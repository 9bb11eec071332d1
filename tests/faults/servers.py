"""A PostgreSQL and a Redis of a test's own, to be stopped as when their machine goes down, and started again.

Belongs here: the two servers. Does not: what works on them. The programs are those of the PostgreSQL server that answers
on this machine, and the redis-server that is installed beside it.
"""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from redis import Redis, RedisError

from console.prefect_server import free_port
from tests.fixtures.machines import POSTGRES, need_servers, until

TUNED = "-c fsync=off -c max_connections=300 -c shared_buffers=128MB -c log_min_messages=fatal"


@dataclass
class Postgres:
    """A PostgreSQL server in a folder of its own."""

    folder: Path
    programs: Path
    port: int

    @property
    def url(self) -> str:
        """The address of its own database."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self.control("start", "-w", "-l", str(self.folder / "server.log"),
                     "-o", f"-p {self.port} -k {self.folder} -h 127.0.0.1 {TUNED}")  # fmt: skip

    def restart(self) -> None:
        """Cut it off as when its machine goes down, and start it again."""
        self.control("stop", "-m", "immediate")
        self.start()

    def control(self, *words: str) -> None:
        """Run pg_ctl."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), *words)

    def run(self, program: str, *words: str) -> None:
        """Run one of its programs; it refuses to be run by root."""
        who = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        with (self.folder.parent / "postgres.log").open("ab") as log:
            subprocess.run([*who, str(self.programs / program), *words], check=True, stdout=log, stderr=log,
                           stdin=subprocess.DEVNULL, cwd="/")  # fmt: skip


@dataclass
class OwnRedis:
    """A Redis server in a folder of its own, which keeps what it took when it is killed."""

    folder: Path
    program: str
    port: int
    popen: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        words = [
            "--port",
            str(self.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "yes",
            "--dir",
            str(self.folder),
        ]
        with (self.folder / "redis.log").open("ab") as log:
            self.popen = subprocess.Popen([self.program, *words], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        with suppress(RedisError), Redis.from_url(self.url) as asked:
            return bool(asked.ping())
        return False

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it."""
        if self.popen is not None:
            self.popen.send_signal(how)
            self.popen.wait(20)

    def restart(self) -> None:
        """Kill it, and start it again."""
        self.stop(signal.SIGKILL)
        self.start()


@contextmanager
def own_postgres(home: Path) -> Iterator[Postgres]:
    """Run a PostgreSQL server of a test's own."""
    need_servers()
    with psycopg.connect(POSTGRES) as asked:
        row = asked.execute("SELECT setting FROM pg_config WHERE name = 'BINDIR'").fetchone()
    programs = Path(row[0]) if row else Path()
    if not (programs / "pg_ctl").exists():
        pytest.skip("the PostgreSQL server is of another machine: its programs are not here to start one more")
    folder = home / "postgres"
    folder.mkdir(parents=True)
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
        for parent in [*list(home.parents)[:3], home]:
            parent.chmod(parent.stat().st_mode | 0o011)  # pytest's folders are its user's alone
    server = Postgres(folder, programs, free_port())
    server.run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "--no-sync")
    server.start()
    try:
        yield server
    finally:
        server.control("stop", "-m", "immediate")


@contextmanager
def own_redis(home: Path) -> Iterator[OwnRedis]:
    """Run a Redis server of a test's own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on this machine to start one more")
    folder = home / "redis"
    folder.mkdir(parents=True)
    server = OwnRedis(folder, program, free_port())
    server.start()
    try:
        yield server
    finally:
        server.stop()
