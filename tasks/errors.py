"""The errors of the tasks, each one sentence that tells a coordinator what to do.

Belongs here: what a task refuses or holds. Does not: errors of outside systems (connectors/errors.py).
"""


class BadInput(ValueError):
    """What was asked for cannot be done as it was asked; the command line ends with 2."""


class Held(Exception):
    """The work is done as far as it goes, and a person must see to the rest; the command line ends with 1."""
