"""What a reading of a stream may do to what stands: pure decisions about doubt, for the gate and its cursor.

Belongs here: when so much is wrong that nothing is believed before a person has looked, and when a stream is read as a
whole. Does not: what is wrong with one row (tasks/gates).
"""

from dataclasses import dataclass
from datetime import date, timedelta

READ_WHOLE_EVERY = timedelta(days=7)
LEAST_TAKEN_BACK = 20  # a source deletes fewer one by one, however few it has


@dataclass(frozen=True, slots=True)
class Doubts:
    """From where on a reading is doubted. Shares are fractions of one.

    `broken_share` of at least `least_rows` rows broke a rule; more than `removed_share` of what stands would go.
    """

    broken_share: float = 0.05
    least_rows: int = 200
    removed_share: float = 0.10


def too_much_broken(read: int, broken: int, doubts: Doubts) -> bool:
    """Whether so many of the rows read broke a rule that the source itself is in doubt."""
    return read >= doubts.least_rows and broken >= doubts.broken_share * read


def too_much_removed(standing: int, removed: int, doubts: Doubts) -> bool:
    """Whether more would go than a source takes back on an ordinary day."""
    return removed > doubts.removed_share * standing


def too_much_taken_back(standing: int, removed: int, doubts: Doubts) -> bool:
    """Whether a source says of more rows that they are deleted than it takes back on an ordinary day."""
    return removed >= LEAST_TAKEN_BACK and too_much_removed(standing, removed, doubts)


def is_suddenly_empty(standing: int, answered: int) -> bool:
    """Whether a source that had rows says that it has none."""
    return standing > 0 and answered == 0


def reads_whole(today: date, whole_on: date | None) -> bool:
    """Whether a stream is due to be read from its beginning, so that what its source dropped is noticed."""
    return whole_on is None or today - whole_on >= READ_WHOLE_EVERY
