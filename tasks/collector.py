"""Python's collector of cycles, kept quiet while very many records pass through.

Belongs here: how often it looks. Does not: anything of ours. Records hang in no cycles and go by themselves; looking
through them time and again took a third of a reading.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG = 200_000  # new objects after which it looks at those

_quiet = 0


@contextmanager
def quiet() -> Iterator[None]:
    """Let the collector leave alone what is there already, and look at new objects seldom."""
    global _quiet
    before = gc.get_threshold()
    _quiet += 1
    if _quiet == 1:
        gc.freeze()
        gc.set_threshold(YOUNG, *before[1:])
    try:
        yield
    finally:
        _quiet -= 1
        if not _quiet:
            gc.set_threshold(*before)
            gc.unfreeze()
