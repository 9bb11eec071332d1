"""The smooth story: nominated, admitted, taught, passed, certified and paid, with seeded small change.

Belongs here: what happens to someone to whom nothing special happens. Does not: any trouble.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

from sandbox import numbers
from sandbox.days import LAST_DAY
from sandbox.marks import PASSING
from sandbox.organisations import Organisation
from sandbox.people import People, Person
from sandbox.programmes import Module
from sandbox.story import (
    Admission,
    CohortStory,
    Decision,
    Diploma,
    Ending,
    Facts,
    RosterRow,
    Skill,
    Story,
    Study,
    Trouble,
)
from sandbox.timetable import ClassPlan, plan_class

COMPLETED = Ending("completed", "certification", LAST_DAY)


def lay_out_classes(facts: Facts, changes: dict[str, dict[str, Any]], first: int) -> tuple[ClassPlan, ...]:
    """Return the cohort's classes, two a term; `changes` replaces dates of a class by its module's code."""
    plans = []
    for place, module in enumerate(facts.programme.modules):
        plan = plan_class(facts.code, first + place, module, facts.terms[module.term - 1], place % 2)
        plans.append(replace(plan, **changes.get(module.code, {})))
    return tuple(plans)


def _letters(rng: Random, sessions: int, absent: bool) -> str:
    """Return a register line: present, sometimes late, at most one absence and not among the first three."""
    line = ["P"] * sessions
    if rng.random() < 0.3:
        line[rng.randrange(sessions)] = "L"
    if absent:
        line[rng.randrange(3, sessions)] = "A"
    return "".join(line)


def passed(module: Module, rng: Random, letters: str) -> Study:
    """Return a module passed at the first try, its marks taken from the table."""
    formative, final, mark = rng.choice(PASSING[module.formative_share])
    minutes = (rng.randrange(20, 90), rng.randrange(20, 90))
    return Study(letters, formative, final, state="passed", mark=mark, minutes=minutes)


def smooth_studies(classes: tuple[ClassPlan, ...], rng: Random) -> dict[str, Study]:
    """Return all modules passed; at most one absence a term."""
    missing = {term: rng.choice((None, None, 0, 1)) for term in range(1, 6)}
    return {
        plan.module.code: passed(
            plan.module,
            rng,
            _letters(rng, len(plan.sessions), missing[plan.module.term] == place % 2),
        )
        for place, plan in enumerate(classes)
    }


def smooth_skill(facts: Facts, serial: int, rng: Random) -> Skill:
    """Return a skill assessment passed at the first try, its certificate in time."""
    issued = facts.skill_issued_on
    number = numbers.skill_number(issued.year, facts.programme.skill_level, serial)
    score = f"{rng.randrange(130, 190) / 2:.1f}"
    return Skill(score, facts.assessed_on, facts.skill_seen_on, number, issued, issued)


@dataclass(slots=True)
class Casting:
    """A cohort being written: who is in it, in the order of the rosters, and what goes wrong."""

    facts: Facts
    people: People
    rng: Random
    classes: tuple[ClassPlan, ...]
    serial: int
    stories: list[Story] = field(default_factory=list)
    rows: dict[str, list[RosterRow]] = field(default_factory=dict)
    troubles: list[Trouble] = field(default_factory=list)

    def someone(self, enterprise: Organisation, count: int) -> None:
        """Add so many people to whom nothing special happens."""
        for _ in range(count):
            self.add(self.smooth(self.people.someone(), enterprise))

    def smooth(self, person: Person, enterprise: Organisation) -> Story:
        """Write the smooth story of a person."""
        self.serial += 1
        facts, serial = self.facts, self.serial
        registered = facts.registered_on + timedelta(days=self.rng.randrange(3))
        start = facts.starts_on
        return Story(
            person=person,
            cohort=facts.code,
            enterprise=enterprise,
            employee_number=f"E{enterprise.code[13]}{serial:05d}",
            consent_on=facts.consent_on,
            decisions=(Decision("review", "approve", facts.reviewed_on, "材料齐全，符合推荐条件"),),
            ending=COMPLETED,
            admission=Admission("admitted", facts.admitted_on),
            registered_on=registered,
            student_number=numbers.student_number(start.year, start.month, serial),
            studies=smooth_studies(self.classes, self.rng),
            skill=smooth_skill(facts, serial, self.rng),
            diploma=Diploma(numbers.diploma_number(facts.diploma_on.year, serial), facts.diploma_on),
            money=facts.paid,
        )

    def add(self, story: Story) -> None:
        """Put a story on its enterprise's roster, judged as the story says."""
        self.stories.append(story)
        self.row(story, story.row_status, story.row_rules)

    def row(self, story: Story, status: str, rules: tuple[str, ...]) -> None:
        """Put one more row of a person on the roster of his enterprise."""
        self.rows.setdefault(story.enterprise.code, []).append(RosterRow(story, status, rules))

    def trouble(self, name: str, story: Story, sentence: str) -> None:
        """Write a trouble down by its name."""
        person = story.person
        self.troubles.append(Trouble(name, self.facts.code, person.name, person.resident_id, sentence))

    def done(self) -> CohortStory:
        """Return the cohort as it will live."""
        rows = {code: tuple(rows) for code, rows in self.rows.items()}
        return CohortStory(self.facts, tuple(self.stories), self.classes, rows, tuple(self.troubles))
