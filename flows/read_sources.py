"""The flow that reads a share of a night's connections, on whichever machine has a worker free."""

from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.forms import AsOf, Code, Wanted, YesOrNo, form
from tasks.shares import read_share

NAMES = "one or more names of sources, at least one (至少一个来源名称)"
NIGHT = "the id of the night's run (夜间同步的运行编号)"


def _named() -> str:
    """Name a run by its first connection, how many follow, and the business date."""
    given = flow_run.parameters
    first, *others = given.get("connections") or ["none"]
    return "-".join(["sources", first, *([f"and-{len(others)}-more"] if others else []), str(given.get("as_of") or "")])


@flow(name="read_sources", flow_run_name=_named, validate_parameters=False)
@form
async def read_sources(
    connections: Annotated[list[Code], Field(min_length=1), Wanted(NAMES)],
    night: Annotated[Code, Wanted(NIGHT)],
    as_of: AsOf = None,
    full: YesOrNo = False,
) -> dict[str, str]:
    """Read a share of a night's connections; the night starts it, and puts the accounts together.

    Args:
        connections: 要读取的来源名称。The names of the sources to read.
        night: 属于哪一次夜间同步。The night they are read for, under which the accounts are kept.
        as_of: 业务日期，留空为今天。The business date, if not today.
        full: 是否全部重读，而不只读变化。Whether to read everything again instead of what changed.
    """
    accounts = await read_share(connections, night, as_of, full)
    return {name: account["status"] for name, account in accounts.items()}
