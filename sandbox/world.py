"""The world of one seed: every person, story, class and roster, the plans, and the truth.

Belongs here: putting it together and finding things in it. Does not: what changes while it is driven (wire/).
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from random import Random
from typing import Any

from sandbox import plans, suggested, truth
from sandbox.cohorts import autumn_a, autumn_b, spring_c
from sandbox.organisations import ENTERPRISES, Organisation
from sandbox.people import People, Person
from sandbox.story import CohortStory, Sheet, Story, Trouble
from sandbox.timetable import ClassPlan

# Colleagues whom nobody nominates: a surname for each of eight, a given name for each enterprise.
COLLEAGUES, GIVEN_NAMES = "安毕卜蔡常车成池", ("国庆", "建平", "晓军")


@dataclass(frozen=True, slots=True)
class Employee:
    """Someone on an enterprise's payroll, since when, and until when if he left."""

    person: Person
    enterprise: Organisation
    employee_number: str
    hired_on: date
    left_on: date | None = None


class World:
    """Three cohorts and everyone around them; the same seed gives the same world."""

    def __init__(self, seed: int = 1) -> None:
        """Make the world of a seed."""
        self.seed = seed
        self.people = People(Random(f"people-{seed}"))
        writers = (autumn_a.write, autumn_b.write, spring_c.write)
        self.cohorts: tuple[CohortStory, ...] = tuple(
            write(self.people, Random(f"{write.__module__}-{seed}")) for write in writers
        )

    @cached_property
    def stories(self) -> tuple[Story, ...]:
        """All stories of all cohorts."""
        return tuple(story for cohort in self.cohorts for story in cohort.stories)

    @cached_property
    def classes(self) -> dict[str, ClassPlan]:
        """All classes by their OneRoster sourcedId."""
        return {plan.id: plan for cohort in self.cohorts for plan in cohort.classes}

    @cached_property
    def troubles(self) -> tuple[Trouble, ...]:
        """Everything that goes wrong, by name, with the person it happens to."""
        return tuple(trouble for cohort in self.cohorts for trouble in cohort.troubles)

    @cached_property
    def students(self) -> dict[str, Story]:
        """Stories of those whom the school registers, by student number."""
        return {story.student_number: story for story in self.stories if story.student_number}

    @cached_property
    def staff(self) -> tuple[Employee, ...]:
        """Everyone on the payrolls: nominees as their stories say, and colleagues nobody nominates."""
        staff = [
            Employee(s.person, s.enterprise, s.employee_number, s.person.hired_on, s.left_on) for s in self.stories
        ]
        for enterprise in ENTERPRISES:
            shop = int(enterprise.code[13])
            for place, surname in enumerate(COLLEAGUES):
                person = self.people.named(surname + GIVEN_NAMES[shop - 1], "男")
                number = f"E{shop}{900 + place:05d}"
                staff.append(Employee(person, enterprise, number, person.hired_on))
        return tuple(staff)

    def cohort(self, code: str) -> CohortStory:
        """Return the cohort of that code."""
        return next(cohort for cohort in self.cohorts if cohort.facts.code == code)

    def story(self, cohort: str, resident_id: str) -> Story | None:
        """Return the story of a person in a cohort, None for a stranger or in a cohort nobody knows."""
        return next((s for s in self.stories if (s.cohort, s.person.resident_id) == (cohort, resident_id)), None)

    def sheets(self) -> list[tuple[CohortStory, Sheet]]:
        """Return every roster that is sent."""
        return [(cohort, sheet) for cohort in self.cohorts for sheet in cohort.facts.sheets]

    def plans(self) -> list[dict[str, str]]:
        """Return the plans coordinators open cohorts with: [{cohort, toml}]."""
        return [{"cohort": c.facts.code, "toml": plans.plan_toml(c.facts)} for c in self.cohorts]

    def connections(self, base_url: str) -> str:
        """Return the TOML of all [[connections]] for a sandbox that answers at `base_url`."""
        return plans.connections_toml(base_url.rstrip("/"))

    def truth(self, on: date) -> dict[str, list[dict[str, Any]]]:
        """Return what must be so on a date, as far as it is settled by then; complete from 2026-11-20."""
        return truth.truth_on(self.cohorts, on)

    def decisions(self, on: date) -> list[dict[str, str]]:
        """Return what people in offices are ready to answer on a date."""
        return [
            {
                "kind": decision.kind,
                "cohort": story.cohort,
                "resident_id": story.person.resident_id,
                "subject": decision.subject,
                "answer": decision.answer,
                "reason": decision.reason,
                "on": decision.on.isoformat(),
            }
            for story in self.stories
            for decision in story.decisions
            if decision.on <= on
        ]

    def suggested_dates(self) -> tuple[date, ...]:
        """Return working days on which to walk a night so that every trouble is seen to come and go."""
        return suggested.DATES
