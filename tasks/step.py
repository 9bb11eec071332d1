"""Steps: functions that are Prefect tasks inside a flow run and plain functions outside.

Belongs here: the one place that knows of Prefect's tasks. Does not: any step.
Prefect is imported only when a flow run is under way, so that the command line need not load it.
"""

import sys
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from connectors.errors import Transient

P = ParamSpec("P")
R = TypeVar("R")
Function = Callable[P, Coroutine[Any, Any, R]]

RETRY_SECONDS = [5.0, 30.0, 120.0]


def step(*, name: str, retries: int = 0) -> Callable[[Function[P, R]], Function[P, R]]:
    """Make an async function a step named `name`; in a flow run a Transient error is tried again `retries` times."""

    def decorate(function: Function[P, R]) -> Function[P, R]:
        tasks: list[Any] = []

        @wraps(function)
        async def run(*args: P.args, **kwargs: P.kwargs) -> R:
            if not _in_flow_run():
                return await function(*args, **kwargs)
            if not tasks:
                tasks.append(_as_task(function, name, retries))
            result: R = await tasks[0](*args, **kwargs)
            return result

        return run

    return decorate


def _in_flow_run() -> bool:
    """Whether a flow run is under way here; where Prefect was never imported there is none."""
    if "prefect.context" not in sys.modules:
        return False
    from prefect.context import FlowRunContext

    return FlowRunContext.get() is not None


def _as_task(function: Callable[..., Awaitable[Any]], name: str, retries: int) -> Any:
    """A step keeps no result and is never answered from a cache: what it did stands in our database."""
    from prefect import task
    from prefect.cache_policies import NO_CACHE

    options: dict[str, Any] = {"retries": retries, "retry_condition_fn": _is_transient} if retries else {}
    if retries:
        options["retry_delay_seconds"] = RETRY_SECONDS[:retries]
    return task(name=name, persist_result=False, cache_policy=NO_CACHE, **options)(function)


def _is_transient(_task: Any, _run: Any, state: Any) -> bool:
    return isinstance(getattr(state.data, "result", state.data), Transient)
