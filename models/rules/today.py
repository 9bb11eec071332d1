"""A day that remembers what it was compared with, so that one knows until when a decision stands as it is.

Belongs here: that day. Does not: which decisions are asked with it (tasks/lifecycle.py).
Rules take `today` and compare it with other days. As long as every comparison comes out as it did, a rule takes the same
way to the same answer; so the first day on which one of them would come out otherwise is the next to ask it again.
"""

from datetime import date, timedelta
from typing import Any, SupportsIndex

ONE = timedelta(days=1)


class Today(date):
    """A business date that remembers its comparisons; days counted on from it remember them for it.

    Whatever else is asked of it (its year, its weekday, how many days since) may be another answer tomorrow.
    """

    _first: "Today"
    _shift: timedelta
    _changes_on: date | None

    def __new__(cls, year: SupportsIndex | date, month: SupportsIndex = 1, day: SupportsIndex = 1) -> "Today":
        """Make one of a day."""
        if isinstance(year, date):
            year, month, day = date.timetuple(year)[:3]
        made = super().__new__(cls, year, month, day)
        made._first, made._shift, made._changes_on = made, timedelta(0), None
        return made

    @property
    def changes_on(self) -> date | None:
        """The first later day on which anything asked of this one would have another answer; None for never."""
        return self._first._changes_on

    def _note(self, day: date) -> None:
        """Note that an answer is another from `day` on, counted from the day that was shifted."""
        first = self._first
        try:
            on = _plain(day) - self._shift
        except OverflowError:  # beyond the end of the calendar nothing changes
            return
        if date.__gt__(on, first) and (first._changes_on is None or on < first._changes_on):
            first._changes_on = on

    def _note_tomorrow(self) -> None:
        self._note(_plain(self) + ONE)

    def _from(self, other: Any) -> None:
        """An answer changes on the other day."""
        if isinstance(other, Today):
            return  # both come from today: they stay as far apart as they are
        self._note(other)

    def _after(self, other: Any) -> None:
        """An answer changes on the day after the other."""
        if not isinstance(other, Today) and date.__lt__(other, date.max):
            self._note(other + ONE)

    def __lt__(self, other: date) -> bool:
        self._from(other)
        return date.__lt__(self, other)

    def __ge__(self, other: date) -> bool:
        self._from(other)
        return date.__ge__(self, other)

    def __le__(self, other: date) -> bool:
        self._after(other)
        return date.__le__(self, other)

    def __gt__(self, other: date) -> bool:
        self._after(other)
        return date.__gt__(self, other)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, date):
            self._from(other)
            self._after(other)
        return date.__eq__(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        self._note_tomorrow()
        return date.__hash__(self)

    def __add__(self, days: timedelta) -> "Today":
        moved = Today(_plain(self) + days)
        moved._first, moved._shift = self._first, self._shift + days
        return moved

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, timedelta):
            return self + -other
        self._note_tomorrow()
        return _plain(self) - other

    def __rsub__(self, other: Any) -> Any:
        self._note_tomorrow()
        return other - _plain(self)


def _plain(day: date) -> date:
    """The same day without a memory; nothing is noted."""
    return date.fromordinal(date.toordinal(day))


def _telling(name: str) -> Any:
    """One of a date's own words about itself, which tomorrow says something else."""
    said = getattr(date, name)
    if not callable(said):
        return property(lambda self: (self._note_tomorrow(), said.__get__(self))[1])

    def tell(self: Today, *given: Any, **named: Any) -> Any:
        self._note_tomorrow()
        return said(self, *given, **named)

    return tell


for _name in ("year", "month", "day", "weekday", "isoweekday", "isocalendar", "isoformat", "toordinal", "timetuple",
              "strftime", "ctime", "replace", "__format__", "__str__", "__repr__", "__reduce__"):  # fmt: skip
    setattr(Today, _name, _telling(_name))
