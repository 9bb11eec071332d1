"""The named instants of a reading at which a process may die and nothing be lost: tests cut it off at each of them.

Belongs here: their names, and telling whoever watches that one was reached. Does not: what is done there.
"""

from collections.abc import Callable

# In the order in which one stream passes them.
POINTS = (
    "retried",  # what was held back was taken again, not committed
    "retry-committed",
    "gated",  # a batch was judged, nothing of it is written
    "quarantined",  # its bad rows are written, not committed
    "written",  # its good rows too
    "batch-committed",
    "removed",  # what the source no longer has is gone, not committed
    "cursor-written",  # everything is written, nothing of it committed
    "stream-committed",
    "night-noted",  # the connection's night is written, not committed
)
_watcher: Callable[[str], None] | None = None


def watch(watcher: Callable[[str], None] | None) -> None:
    """Let `watcher` hear of each point this process reaches from now on; None lets nobody hear."""
    global _watcher
    _watcher = watcher


def reached(point: str) -> None:
    """Say that a point was reached."""
    if _watcher is not None:
        _watcher(point)
