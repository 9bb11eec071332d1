"""How long `yuanmeng serve` takes from an empty folder until everything is well."""

import time
from pathlib import Path

import pytest

from tests.fixtures.serves import Serve, until

SECONDS = 30.0


@pytest.mark.bench
def test_a_serve_on_an_empty_folder_is_healthy_within_thirty_seconds(tmp_path: Path) -> None:
    serve, began = Serve(tmp_path / "home"), time.monotonic()
    serve.start()
    try:
        until(serve.is_well, lambda: (serve.screen, serve.health()))
        took = time.monotonic() - began
        print(f"yuanmeng serve: healthy after {took:.1f} s")
        assert took <= SECONDS
    finally:
        serve.process.terminate()
        assert serve.process.wait(60) == 0
