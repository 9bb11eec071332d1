"""How far long work has come, told to whoever watches it.

Belongs here: telling. Does not: showing it (console/progress.py) or anything that must be kept.
"""

from collections.abc import Callable

Watcher = Callable[[str, int, int | None], None]

_watcher: Watcher | None = None


def watch(watcher: Watcher | None) -> None:
    """Let `watcher` hear of all work of this process from now on; None lets nobody hear."""
    global _watcher
    _watcher = watcher


def tell(what: str, done: int, total: int | None = None) -> None:
    """Say how many rows of `what` are done, of how many where that is known; never a name or number in them."""
    if _watcher is not None:
        _watcher(what, done, total)
