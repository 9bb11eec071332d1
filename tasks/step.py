"""Steps: functions that are Prefect tasks inside a flow run and plain functions outside.

Belongs here: the one place that knows of Prefect's tasks. Does not: any step.
Prefect is imported only when a flow run is under way, so that the command line need not load it.
"""

import sys
from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from pathlib import Path
from traceback import extract_tb
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError

from connectors.errors import Transient
from models.rules.privacy import holds_personal_number, mask_numbers

P = ParamSpec("P")
R = TypeVar("R")
Function = Callable[P, Coroutine[Any, Any, R]]

RETRY_SECONDS = [5.0, 30.0, 120.0]
AGAIN = len(RETRY_SECONDS)


def step(*, name: str, retries: int = 0) -> Callable[[Function[P, R]], Function[P, R]]:
    """Make an async function a step named `name`.

    In a flow run it is tried again `retries` times, AGAIN at most, after an error that may pass: a Transient one, or a
    database that is away.
    """

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

    options: dict[str, Any] = {"retries": retries, "retry_condition_fn": _may_pass} if retries else {}
    if retries:
        options["retry_delay_seconds"] = RETRY_SECONDS[:retries]
    return task(name=name, persist_result=False, cache_policy=NO_CACHE, **options)(_harmless(function))


def _harmless(function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Let no error of a step quote a personal number: Prefect keeps its words in the state of the task run."""

    @wraps(function)
    async def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return await function(*args, **kwargs)
        except Exception as error:
            if not holds_personal_number(str(error)):
                raise
            raise _masked(error) from error.__cause__

    return run


def _masked(error: Exception) -> Exception:
    """Give the error itself with masked words, or, where its words are made of something else, one that says them."""
    words = f"{type(error).__name__}: {mask_numbers(str(error))}"
    error.args = tuple(mask_numbers(one) if isinstance(one, str) else one for one in error.args)
    return RuntimeError(words) if holds_personal_number(str(error)) else error


def _may_pass(_task: Any, _run: Any, state: Any) -> bool:
    error = getattr(state.data, "result", state.data)
    return isinstance(error, Transient) or database_is_away(error)


def broken_at(error: Exception) -> str:
    """Say for whoever looks after Yuanmeng what broke and where in the code; of what was read, nothing."""
    frame = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {frame.name}, line {frame.lineno} of {Path(frame.filename).name}"


def is_of_the_database(error: Any) -> bool:
    """Whether an error is of the database as a whole (away, full, not migrated …): no row of any source or cohort is to blame."""
    if isinstance(error, DBAPIError) and not isinstance(error, DataError | IntegrityError):
        return True
    return database_is_away(error)


def database_is_away(error: Any) -> bool:
    """Whether an error says that the database's server is gone or not up yet: it may be back soon.

    Of SQLite, which has no server, only that it is busy.
    """
    if not isinstance(error, DBAPIError):
        return _is_operational(error)
    if isinstance(error, OperationalError) and "locked" in str(error.orig):
        return True
    return error.connection_invalidated or _is_operational(error.orig)


def _is_operational(error: Any) -> bool:
    """Whether the driver of PostgreSQL says that something is wrong with the server; by name, so that none is loaded."""
    return any(
        kind.__module__.startswith("psycopg") and kind.__name__ == "OperationalError" for kind in type(error).__mro__
    )
