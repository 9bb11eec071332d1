"""The sandbox as a server: in a thread for tests and the demo, or in the foreground.

Belongs here: starting and stopping. Does not: what is served (app.py).
"""

import socket
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Self

import uvicorn

from sandbox.app import make_app
from sandbox.wire.state import State


class _Server(uvicorn.Server):
    """A server that says when it is up, and leaves signals to the process it runs in."""

    def __init__(self, config: uvicorn.Config) -> None:
        """Not up yet."""
        super().__init__(config)
        self.up = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        self.up.set()


class Sandbox:
    """A sandbox in a thread; `url` is where it answers. Use as a context manager, or `start` and `stop`."""

    def __init__(self, seed: int = 1, port: int = 0) -> None:
        """Make the world of a seed and take a port of the loopback interface; port 0 takes a free one."""
        app = make_app(seed)
        self.state: State = app.state.sandbox
        self._listener = _listen(port)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        config = uvicorn.Config(
            app, log_config=None, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2
        )
        self._server = _Server(config)
        self._thread = Thread(target=self._server.run, args=([self._listener],), name="sandbox", daemon=True)

    @classmethod
    def start(cls, seed: int = 1, port: int = 0) -> Self:
        """Return a sandbox that answers already. Raises RuntimeError when it does not come up."""
        return cls(seed, port).__enter__()

    def stop(self) -> None:
        """Stop serving and give the port back; stopping twice is no harm."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=10)
        self._listener.close()

    def __enter__(self) -> Self:
        """Serve, and return once it answers; one that serves already is returned as it is."""
        if self._thread.ident is None:
            self._thread.start()
        if not self._server.up.wait(timeout=30):
            self.stop()
            raise RuntimeError("the sandbox did not start within thirty seconds")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop it."""
        self.stop()


def _listen(port: int) -> socket.socket:
    """Return a socket that listens on loopback; named TCP, so that small answers are not held back (Nagle)."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


def serve(seed: int = 1, port: int = 8080, announce: Callable[[str], None] | None = None) -> None:
    """Serve in the foreground until interrupted; `announce` is told the address."""
    with _listen(port) as listener:
        if announce:
            announce(f"http://127.0.0.1:{listener.getsockname()[1]}")
        config = uvicorn.Config(make_app(seed), log_config=None, log_level="warning", access_log=False, lifespan="off")
        uvicorn.Server(config).run(sockets=[listener])
