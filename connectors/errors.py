"""How an outside system can fail: for now, or for good; and when it refuses one single thing.

Belongs here: the two roots and what they carry. Does not: which status means which (http.py, slack.py).
An error names system, operation and status, and never what was sent or answered: that may be personal or secret.
"""


class OutsideError(Exception):
    """An outside system failed; the text is one sentence for a coordinator.

    `dead`: the system as a whole cannot be reached or does not let us in, so that asking it for more is no use in this
    run. `deferred`: it asked us to come back later than a run waits; nothing of it is broken.
    """

    def __init__(
        self, system: str, operation: str, message: str, *,
        status: int | None = None, unsent: bool = False, dead: bool = False, deferred: bool = False,
    ) -> None:  # fmt: skip
        """Say which system failed at what, and how; `status` is its own, where it gave one.

        `unsent`: it surely took nothing of what was sent, so that sending it again is no repeat.
        """
        said = f" (status {status})" if status is not None else ""
        super().__init__(f"{system}: {operation}: {message}{said}")
        self.system, self.operation, self.status, self.unsent = system, operation, status, unsent
        self.dead, self.deferred = dead, deferred


class Transient(OutsideError):
    """It may work later, as it is: the source is slow, busy or away.

    `retry_after` is how many seconds the source asked us to wait, None when it did not say.
    """

    def __init__(
        self, system: str, operation: str, message: str, *,
        status: int | None = None, unsent: bool = False, dead: bool = False, deferred: bool = False,
        retry_after: float | None = None, again: bool = True,
    ) -> None:  # fmt: skip
        """As OutsideError; `again` False: not within this run, the next one tries."""
        super().__init__(system, operation, message, status=status, unsent=unsent, dead=dead, deferred=deferred)
        self.retry_after, self.again = retry_after, again


class Permanent(OutsideError):
    """It will not work until a person changes something: an address, a secret, a right."""


class Refused(Permanent):
    """The system works and refuses this one thing that was sent to it; other things may pass."""
