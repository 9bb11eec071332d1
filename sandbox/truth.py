"""The truth at a date: what each story says must have come of it, as rows to compare with.

Belongs here: laying out what the stories wrote down, and leaving out what is not settled yet.
Does not: any rule. Sums of credits and counts of letters are the only arithmetic.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sandbox.days import LAST_DAY
from sandbox.story import CohortStory, Story, Study
from sandbox.timetable import ClassPlan

Row = dict[str, Any]
_LETTERS = {"P": "present", "L": "late", "E": "excused", "A": "absent"}


def register_closed_on(plan: ClassPlan, place: int) -> date:
    """Return the day a session's register is closed: the same day, or the next for every other one."""
    return plan.sessions[place] + timedelta(days=place % 2)


def settled_on(plan: ClassPlan, study: Study) -> date:
    """Return the day from which the outcome of a module is known."""
    return plan.make_up_released_on if study.make_up is not None else plan.released_on


def truth_on(cohorts: tuple[CohortStory, ...], on: date) -> dict[str, list[Row]]:
    """Return every list of the truth at a date; final from the world's last day."""
    tables: dict[str, list[Row]] = {name: [] for name in _TABLES}
    for cohort in cohorts:
        for story in cohort.stories:
            for name, rows in _TABLES.items():
                tables[name] += [{**_who(story), **row} for row in rows(cohort, story, on)]
    tables["nominations"] = [row for cohort in cohorts for row in _nominations(cohort, on)]
    return tables


def _who(story: Story) -> Row:
    """Return what every row starts with."""
    return {"cohort": story.cohort, "resident_id": story.person.resident_id}


def _studies(cohort: CohortStory, story: Story) -> Iterable[tuple[ClassPlan, Study]]:
    """Return each class with what the person made of it."""
    return ((plan, story.studies[plan.module.code]) for plan in cohort.classes if plan.module.code in story.studies)


def _participants(_: CohortStory, story: Story, on: date) -> Iterable[Row]:
    """How it ends for each; a row refused for its ID never makes a participant."""
    ending = story.ending
    if ending.known_on <= on and not story.roster_only:
        yield {
            "name": story.person.name,
            "status": ending.status,
            "stage": ending.stage,
            "rules": list(ending.rules),
            "reason": ending.reason,
        }


def _attendance(cohort: CohortStory, story: Story, on: date) -> Iterable[Row]:
    """The register counted: held = present + late + excused + absent, of sessions whose register is closed."""
    for plan, study in _studies(cohort, story):
        closed = sum(register_closed_on(plan, place) <= on for place in range(len(plan.sessions)))
        line = study.letters[:closed]
        if line:
            counts = {name: line.count(letter) for letter, name in _LETTERS.items()}
            yield {"module": plan.module.code, "held": len(line), **counts}


def _settled(cohort: CohortStory, story: Story, on: date) -> Iterable[tuple[ClassPlan, Study]]:
    """Modules whose outcome is known."""
    return ((plan, study) for plan, study in _studies(cohort, story) if study.state and settled_on(plan, study) <= on)


def _marks(cohort: CohortStory, story: Story, on: date) -> Iterable[Row]:
    """The outcome of each module and the mark examiners wrote beside it."""
    for plan, study in _settled(cohort, story, on):
        yield {"module": plan.module.code, "state": study.state, "mark": study.mark}


def _credits(cohort: CohortStory, story: Story, on: date) -> Iterable[Row]:
    """Credits by study (passed, or exempted by the school) and by recognition, counted apart."""
    good = [(p, s) for p, s in _settled(cohort, story, on) if s.state in ("passed", "exempt")]
    if good:
        yield {
            "earned": sum(plan.module.credits for plan, study in good if not study.recognised),
            "recognised": sum(plan.module.credits for plan, study in good if study.recognised),
        }


def _recognitions(_: CohortStory, story: Story, on: date) -> Iterable[Row]:
    """What came of each claim."""
    for claim in story.claims:
        if on >= LAST_DAY:
            yield {
                "module": claim.module,
                "status": "granted" if claim.granted else "refused",
                "credits": claim.credits if claim.granted else 0,
                "rule": claim.rule,
            }


def _skill(_: CohortStory, story: Story, on: date) -> Iterable[Row]:
    """The skill assessment."""
    if story.skill and on >= LAST_DAY:
        yield {"status": story.skill.status, "score": story.skill.score}


def _money(_: CohortStory, story: Story, on: date) -> Iterable[Row]:
    """What each source paid for each period, gross."""
    for line in story.money if on >= LAST_DAY else ():
        yield {
            "source": line.source,
            "period": line.period,
            "awarded": line.awarded,
            "paid": line.paid,
            "returned": line.returned,
            "reversed": line.reversed,
        }


def _certificates(_: CohortStory, story: Story, on: date) -> Iterable[Row]:
    """Diplomas and skill certificates."""
    if on < LAST_DAY:
        return
    for kind, paper in (("diploma", story.diploma), ("skill", story.skill)):
        if paper:
            yield {"kind": kind, "number": paper.number, "issued_on": paper.issued_on.isoformat()}


def _online(cohort: CohortStory, story: Story, on: date) -> Iterable[Row]:
    """Minutes of online study, without the withdrawn statement."""
    for plan, study in _studies(cohort, story):
        if study.minutes and plan.exam_on <= on:
            yield {"module": plan.module.code, "minutes": sum(study.minutes)}


def _nominations(cohort: CohortStory, on: date) -> Iterable[Row]:
    """Each row of each roster as it is judged when it arrives; `row` as numbered in the sheet."""
    for sheet in cohort.facts.sheets:
        rows = cohort.rows[sheet.enterprise.code] if sheet.available_on <= on else ()
        for place, row in enumerate(rows, start=1):
            yield {
                "cohort": row.story.cohort,
                "resident_id": row.story.roster.get("身份证号", row.story.person.resident_id),
                "enterprise": sheet.enterprise.code,
                "row": sheet.header_row + place,
                "status": row.status,
                "rules": list(row.rules),
            }


_TABLES = {
    "participants": _participants,
    "attendance": _attendance,
    "marks": _marks,
    "credits": _credits,
    "recognitions": _recognitions,
    "skill": _skill,
    "money": _money,
    "certificates": _certificates,
    "online": _online,
}
