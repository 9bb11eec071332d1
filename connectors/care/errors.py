"""What stands in the way of a backup or a restore, each in one sentence that says what to do.

Belongs here: the errors. Does not: finding them.
"""


class CareError(ValueError):
    """A backup or a restore cannot be done as it was asked; the command line ends with 2."""


class ArchiveBroken(CareError):
    """An archive is cut off, altered or none of ours; nothing was written."""
