"""Steps: plain functions outside a flow run, whatever they are given and raise."""

import asyncio
import subprocess
import sys

import pytest

from connectors.errors import Transient
from tasks.step import step


class Failing(Transient):
    """An error a later attempt may not meet."""

    def __init__(self) -> None:
        Exception.__init__(self, "later")


def test_a_step_outside_a_flow_run_is_its_function() -> None:
    @step(name="add")
    async def add(one: int, *, other: int = 1) -> int:
        """Add."""
        return one + other

    assert asyncio.run(add(2)) == 3
    assert asyncio.run(add(2, other=5)) == 7
    assert (add.__name__, add.__doc__) == ("add", "Add.")


def test_a_step_outside_a_flow_run_raises_at_once_and_is_not_tried_again() -> None:
    calls = []

    @step(name="fail", retries=3)
    async def fail() -> None:
        calls.append(1)
        raise Failing

    with pytest.raises(Failing):
        asyncio.run(fail())
    assert calls == [1]


def test_the_tasks_load_without_prefect() -> None:
    code = "import sys, tasks.lifecycle, tasks.inbox, tasks.stalls, tasks.report; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
