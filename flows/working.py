"""A worker of Prefect's as our runs want it: known by its machine, and quick to start a run.

Belongs here: how a run's process is started. Does not: the runs, or what becomes of a dead one (sweeping.py).
"""

import sys
from typing import Any

from prefect.utilities.processutils import command_to_string
from prefect.workers.process import ProcessJobConfiguration, ProcessWorker

from flows.sweeping import worker_name


class _AtOnce(ProcessJobConfiguration):
    """Starts the engine itself: our flows are installed, so nothing has to be fetched by another process first."""

    def prepare_for_flow_run(self, *given: Any, **named: Any) -> None:
        """Name the engine as the command, unless the deployment or its pool names another."""
        if self.command is None:
            self.command = command_to_string([sys.executable, "-m", "prefect.engine"])
        super().prepare_for_flow_run(*given, **named)


def worker(pool: str, name: str = "", limit: int | None = None) -> ProcessWorker:
    """Make a worker of this machine on a pool; `name` tells two apart, `limit` is how many runs it carries out at once."""
    made = ProcessWorker(work_pool_name=pool, name=worker_name(name), limit=limit)
    made.job_configuration = _AtOnce
    return made
