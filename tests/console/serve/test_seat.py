"""One serve at a time on a folder and a port, and a sentence for the second."""

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from console.serve import leash
from console.serve.seat import free_of, is_loopback, listen, seat_name, take_seat
from tasks.errors import BadInput


def test_a_seat_is_free_again_when_its_holder_is_gone(tmp_path: Path) -> None:
    with take_seat(tmp_path / "home") as seat:
        assert seat == str(tmp_path / "home" / "serve.lock")
        with pytest.raises(BadInput, match=r"runs already in .*: end that one first"), take_seat(tmp_path / "home"):
            pass
    with take_seat(tmp_path / "home"):
        pass


def test_each_share_of_many_machines_has_a_seat_of_its_own(tmp_path: Path) -> None:
    names = [seat_name(shares, 4211) for shares in (("api",), ("services",), ("services", "api"), ("worker",))]
    assert names == ["api", "services", "api-services", f"worker-{socket.gethostname()}-4211"]
    with ExitStack() as stack:
        for name in names:
            stack.enter_context(take_seat(tmp_path, name))
        assert {path.name for path in tmp_path.iterdir()} == {f"serve-{name}.lock" for name in names}


def test_a_machine_may_run_workers_twice(tmp_path: Path) -> None:
    with take_seat(tmp_path, seat_name(("worker",), 4211)), take_seat(tmp_path, seat_name(("worker",), 4212)):
        pass


def test_what_a_killed_one_left_is_ended_before_the_next_begins(tmp_path: Path) -> None:
    mark = {leash.SEAT: str(tmp_path / "serve.lock"), leash.PART: "worker-1"}
    with (
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, **mark}) as left,
        take_seat(tmp_path),
    ):
        assert left.poll() is not None or left.wait(5)


def test_a_port_that_is_taken_is_named_with_its_option() -> None:
    with listen("127.0.0.1", 0, "--port") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BadInput, match=f"port {port} of 127.0.0.1 is taken: name another with --health-port"):
            free_of("127.0.0.1", port, "--health-port")
    assert free_of("127.0.0.1", port, "--port") == port


def test_an_address_that_is_not_ours_is_a_sentence() -> None:
    with pytest.raises(BadInput, match=r"port 0 of 192\.0\.2\.1 cannot be had"):
        free_of("192.0.2.1", 0, "--port")


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.0.0.5", False), ("::", False), ("ym", False)],
)
def test_only_this_machines_own_address_is_loopback(host: str, own: bool) -> None:
    assert is_loopback(host) is own
