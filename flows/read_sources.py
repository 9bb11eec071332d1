"""The flow that reads a share of a night's connections, on whichever machine has a worker free."""

from datetime import date

from prefect import flow
from prefect.runtime import flow_run

from flows.forms import AsOf, Code
from tasks.shares import read_share


def _named() -> str:
    """Name a run by its first connection, how many follow, and the business date."""
    given = flow_run.parameters
    first, *others = given["connections"]
    return "-".join(["sources", first, *([f"and-{len(others)}-more"] if others else []), str(given.get("as_of") or "")])


@flow(name="read_sources", flow_run_name=_named)
async def read_sources(connections: list[Code], night: Code, as_of: AsOf = None, full: bool = False) -> dict[str, str]:
    """Read a share of a night's connections; the night starts it, and puts the accounts together.

    Args:
        connections: the names of the connections to read.
        night: the id of the night's run, under which the accounts are kept.
        as_of: the business date, if not today.
        full: read everything again instead of what changed.
    """
    day: date | None = as_of
    accounts = await read_share(connections, night, day, full)
    return {name: account["status"] for name, account in accounts.items()}
