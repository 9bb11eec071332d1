"""Where a cohort stands, drawn from where its participants are."""

from collections.abc import Iterable

from models.rules.lifecycle import STAGES

ORDER = {stage.name: place for place, stage in enumerate(STAGES)} | {"closed": len(STAGES)}
OPEN = frozenset({"active", "held"})
COUNTED = OPEN | {"completed", "incomplete"}


def cohort_stage(participants: Iterable[tuple[str, str]], current: str, *, awaiting: bool = False) -> str:
    """Give the furthest stage that more than half of the living participants have reached; never back.

    `participants` are (stage, status). Those refused or withdrawn do not count; those who completed or ended
    without a diploma have reached everything. Closed when nobody is under way any more and nothing is awaited:
    a payment may come back after the last certificate.
    """
    everyone = list(participants)
    if everyone and not any(status in OPEN for _, status in everyone):
        return max(current, STAGES[-1].name, key=ORDER.__getitem__) if awaiting else "closed"
    places = sorted(ORDER[stage] for stage, status in everyone if status in COUNTED)
    if not places:
        return current
    reached = places[(len(places) - 1) // 2]  # more than half stand here or further
    return max(current, STAGES[min(reached, len(STAGES) - 1)].name, key=ORDER.__getitem__)


def stages_between(current: str, reached: str) -> list[str]:
    """Give the stages after `current` up to `reached`, in order; none when it is not ahead."""
    names = [name for name, place in sorted(ORDER.items(), key=lambda item: item[1]) if place > ORDER[current]]
    return [name for name in names if ORDER[name] <= ORDER[reached]]
