"""A bar on stderr for what may take longer than a moment.

Belongs here: showing how far work has come. Does not: knowing it (tasks/progress.py tells).
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tasks.progress import watch


@contextmanager
def progress(what: str) -> Iterator[None]:
    """Show a bar named `what` while work goes on and clear it away after; where stderr is no terminal, nothing."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())  # fmt: skip
    bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
    with bar:
        task = bar.add_task(what, total=None)
        watch(lambda part, done, total: bar.update(task, description=f"{what} {part}", completed=done, total=total))
        try:
            yield
        finally:
            watch(None)
