"""What the stall watch looks at: one module a sort, each finds what is stalled today.

Belongs here: the list of detectors. Does not: what becomes of a stall (tasks/alerts.py) or its limits (models/rules).
A detector is read only and takes the session of the watch; one that asks the outside is asked before it
(tasks/watch/runs.py, by tasks/stalls.py).
"""

from collections.abc import Callable, Iterable
from datetime import date

from sqlmodel import Session

from models.rules.stalls import Stall
from tasks.watch import chats, lapses, money, sources, waits, windows

Detector = Callable[[Session, date], Iterable[Stall]]

DETECTORS: tuple[Detector, ...] = (
    waits.find, sources.find, money.find, windows.find, lapses.find, chats.find,
)  # fmt: skip
