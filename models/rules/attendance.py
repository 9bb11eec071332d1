"""Attendance 考勤: counting registers, the rate, leave, absences in a row.

Belongs here: face-to-face sessions. Online study is counted apart, in minutes, and bars nobody from an exam.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.rules.policy import Policy

MEANINGS = ("present", "late", "excused", "absent")


@dataclass(frozen=True, slots=True)
class AttendanceCount:
    """Sessions held (with a closed register) and what each was for one participant."""

    held: int = 0
    present: int = 0
    late: int = 0
    excused: int = 0
    absent: int = 0

    def rate(self) -> Decimal:
        """Give the share attended, 0 to 1; late counts as present, leave counts as neither; 1 before any session."""
        counted = self.present + self.late + self.absent
        return Decimal(self.present + self.late) / counted if counted else Decimal(1)


def count(meanings: Iterable[str]) -> AttendanceCount:
    """Count the lines of a register."""
    tally = Counter(meanings)
    return AttendanceCount(sum(tally.values()), *(tally[meaning] for meaning in MEANINGS))


def may_sit_exam(attendance: AttendanceCount, policy: Policy) -> bool:
    """Say whether attendance suffices for the exam: 70 % by default."""
    return attendance.rate() >= policy.attendance_threshold


def consecutive_absences(meanings: Sequence[str]) -> int:
    """Give how many of the latest sessions were missed without a break; leave neither adds nor breaks."""
    run = 0
    for meaning in reversed(meanings):
        if meaning == "absent":
            run += 1
        elif meaning != "excused":
            break
    return run


def absent_since(sessions: Sequence[tuple[date, str]], absences: int) -> date | None:
    """Give the day on which the latest absences without a break became so many; later ones do not move it.

    None when they are fewer. Leave neither adds nor breaks.
    """
    run = consecutive_absences([meaning for _, meaning in sessions])
    missed = [day for day, meaning in sessions if meaning == "absent"][-run:]
    wanted = max(absences, 1)
    return missed[wanted - 1] if run >= wanted else None


def apply_leave(meaning: str, day: date, leaves: Iterable[tuple[date, date]]) -> str:
    """Turn an absence into leave when approved leave covers its day; first and last day included."""
    covered = meaning == "absent" and any(start <= day <= end for start, end in leaves)
    return "excused" if covered else meaning
