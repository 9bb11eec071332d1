"""How long the demo takes, as a stranger runs it once everything is installed."""

import json
import os
import resource
import time
from pathlib import Path

import pytest

from tests.journeys.conftest import run_demo

LONGEST = 75.0  # seconds


@pytest.mark.bench
def test_the_demo_takes_about_a_minute(tmp_path: Path) -> None:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = run_demo(tmp_path / "home")
    seconds, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"demo": {"seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1), "cores": os.cpu_count()}}))
    assert done["code"] == 0
    assert seconds < LONGEST
