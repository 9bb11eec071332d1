"""`yuanmeng sync`: tonight's work now.

Belongs here: the command. Does not: reading a source (tasks/sync.py) or releasing a stream (tasks/releases.py).
"""

from typing import Annotated, Any

import typer

from console.errors import DONE, HELD, OUTSIDE
from console.options import KEPT, AsJson, AsOf, Home
from console.output import emit
from console.progress import progress


def sync(
    connection: Annotated[str | None, typer.Option("--connection", metavar="NAME", help="This one only.")] = None,
    release: Annotated[
        str | None, typer.Option("--release", metavar="STREAM", help="Let a held stream of that connection pass, once.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="REASON", help=KEPT)] = None,
    full: Annotated[bool, typer.Option("--full", help="Read everything again, not only what changed.")] = False,
    home: Home = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
) -> None:
    """Read every source now 同步. Then advance the cohorts, as every night."""
    from console.run import flow_of, open_home, run_flow
    from console.tables import sync_tables

    open_home(home)
    if release is not None or reason is not None:
        _release(connection, release, reason, as_of)
    with progress("同步 sync"):
        report = run_flow(flow_of("nightly", "nightly_sync"), as_of=as_of, connection=connection, full=full)
    emit(report, as_json, sync_tables)
    code = _exit_code(report)
    if code != DONE:
        raise typer.Exit(code)


def _release(connection: str | None, stream: str | None, reason: str | None, as_of: Any) -> None:
    """Release a stream before it is read. Raises BadInput where one of the three is not said."""
    from tasks.errors import BadInput
    from tasks.releases import release_stream

    if connection is None or stream is None or reason is None:
        raise BadInput("a release needs all three: --connection NAME --release STREAM --reason REASON")
    release_stream(connection, stream, reason, as_of)


def _exit_code(report: dict[str, Any]) -> int:
    """A source that failed weighs more than rows that are held back, or a cohort that could not be advanced."""
    connections = report["connections"].values()
    if any(one["status"] == "failed" for one in connections):
        return OUTSIDE
    quarantined = any(stream["quarantined"] for one in connections for stream in one["streams"].values())
    left = report.get("cohorts", {}).get("broken") or any(one["status"] == "held" for one in connections)
    return HELD if quarantined or left else DONE
