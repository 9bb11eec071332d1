"""The turns a story can take: each takes the smooth story and returns the one with the trouble in it.

Belongs here: changes that more than one story or cohort shares, with the outcome each must have.
Does not: who takes which turn (autumn_a, autumn_b, spring_c).
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

from sandbox.days import LAST_DAY
from sandbox.story import Admission, Claim, Decision, Ending, Money, Objection, Story, Study
from sandbox.timetable import ClassPlan

Edit = Callable[[Study], Study]


def restudy(story: Story, module: str, edit: Edit) -> Story:
    """Change what someone made of one module."""
    return replace(story, studies={**story.studies, module: edit(story.studies[module])})


def never_studies(story: Story, ending: Ending) -> Story:
    """End a story before the school knows the person: nothing studied, certified or paid."""
    return replace(
        story,
        ending=ending,
        admission=None,
        registered_on=None,
        student_number=None,
        studies={},
        skill=None,
        diploma=None,
        money=(),
    )


def refused_in_review(story: Story, on: date, reason: str) -> Story:
    """The union's reviewer refuses."""
    ended = never_studies(story, Ending("refused", "review", LAST_DAY, ("review-refused",), reason))
    return replace(ended, decisions=(Decision("review", "refuse", on, reason),))


def objection_upheld(story: Story, text: str, reason: str) -> Story:
    """An objection to the public notice is upheld four working days later."""
    ended = never_studies(story, Ending("refused", "public_notice", LAST_DAY, ("objection-upheld",), reason))
    return replace(ended, objection=Objection(text, "upheld", 4, reason))


def place_refused(story: Story, on: date, reason: str) -> Story:
    """The school refuses the place."""
    ended = never_studies(story, Ending("refused", "admission", LAST_DAY, ("place-refused",), reason))
    return replace(ended, admission=Admission("refused", on, reason))


def reviewed_later(story: Story, on: date) -> Story:
    """The review waits for what is missing."""
    return replace(story, decisions=(Decision("review", "approve", on, "补充材料后复核通过"),))


def incomplete(story: Story, reason: str) -> Story:
    """Ends without a diploma: the skill certificate comes all the same, the graduation award does not."""
    money = tuple(line for line in story.money if line.period != "graduation")
    ending = Ending("incomplete", "certification", LAST_DAY, ("credits-short",), reason)
    return replace(story, ending=ending, diploma=None, money=money)


def leaves(story: Story, on: date, classes: tuple[ClassPlan, ...], money: tuple[Money, ...]) -> Story:
    """Leaves his employer: registers end that day, nothing unmarked is marked, no instalment follows."""
    studies = {}
    for plan in classes:
        study = story.studies[plan.module.code]
        sat = sum(day <= on for day in plan.sessions)
        if plan.released_on <= on:
            studies[plan.module.code] = study
        elif sat:
            studies[plan.module.code] = replace(
                study, letters="P" * sat, formative=None, final=None, state="", mark=None, minutes=()
            )
    ending = Ending("withdrawn", "teaching", LAST_DAY, ("left-employer",), "离职")
    return replace(story, left_on=on, studies=studies, ending=ending, skill=None, diploma=None, money=money)


def certified_on(story: Story, on: date) -> Story:
    """The skill certificate is issued, and heard of, on another day."""
    skill = story.skill
    return replace(story, skill=skill and replace(skill, issued_on=on, seen_number_on=on))


def repaid(line: Money, paid: str) -> Money:
    """A line that was paid, came back, and was paid again; `paid` is the gross sum."""
    return replace(line, paid=paid, returned=line.awarded)


def claims(story: Story, *made: Claim) -> Story:
    """Claims learning outcomes; a reviewer answers each. A granted module is not studied."""
    answers = tuple(
        Decision("recognition", "approve" if c.granted else "refuse", c.decided_on, c.reason, c.module) for c in made
    )
    story = replace(story, claims=made, decisions=(*story.decisions, *answers))
    for claim in made:
        if claim.granted:
            exempt = Study("", state="exempt", enrolled=False, recognised=True)
            story = restudy(story, claim.module, lambda _, exempt=exempt: exempt)  # type: ignore[misc]
    return story
