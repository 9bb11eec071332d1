"""The sandbox with as many small cohorts besides as wanted, to whose people nothing special happens.

Belongs here: their facts and their world. Does not: what is done to those who look after them (chaos.py).
They are nominated in May 2023; the school is late with them, which is told to the chat; they are registered and paid in
September. Each cohort has its own people, classes and money; the organisations are the sandbox's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from itertools import product
from random import Random

import pytest

from sandbox import app
from sandbox.cohorts.autumn_b import FACTS
from sandbox.cohorts.template import Casting, lay_out_classes
from sandbox.organisations import ENTERPRISES
from sandbox.people import People
from sandbox.server import Sandbox
from sandbox.story import CohortStory, Facts, Funding, Sheet
from sandbox.world import World

SEED = 2016
PEOPLE = 2  # in a cohort
FIRST_SERIAL, FIRST_CLASS, CLASSES = 1000, 1000, 10
SURNAMES, GIVEN = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦许何", "伟强磊军洋勇艳杰涛明超刚平辉鹏华飞红玲桂"
OPENED = date(2023, 5, 24)
# The nights that a cohort lives: consents, reviews and the notice, applications, the school's delay, admission,
# registration and payments, what came of them, then the first term.
NIGHTS = tuple(date.fromisoformat(day) for day in (
    "2023-05-24", "2023-05-30", "2023-06-15", "2023-07-12", "2023-08-10", "2023-09-13", "2023-09-18", "2023-09-25",
    "2023-10-16", "2023-10-30", "2023-11-13", "2023-11-28", "2024-01-08", "2024-02-02", "2024-02-27", "2024-03-13",
))  # fmt: skip
PAID = 6  # of the nights: then orders have gone to the finance office


def _facts(number: int) -> Facts:
    """What the people of one small cohort share: a roster of one enterprise, and money at registration."""
    works = ENTERPRISES[number % len(ENTERPRISES)]
    funding = (
        Funding("union", "工会助学金", "1000.00", "yearly", 3, "9000.00"),
        Funding("enterprise", "企业入学补贴", "800.00", "registration", 1, "2400.00"),
    )
    return replace(FACTS, code=f"CH-{number:03}", name=f"数控技术 {number:03} 班", quota=PEOPLE, funding=funding,
                   sheets=(Sheet(works, FACTS.sheets[0].available_on, "plain"),))  # fmt: skip


def _cohort(number: int, people: People, names: Iterator[str]) -> CohortStory:
    facts, rng = _facts(number), Random(f"crowd-{SEED}-{number}")
    classes = lay_out_classes(facts, {}, FIRST_CLASS + CLASSES * number)
    cast = Casting(facts, people, rng, classes, FIRST_SERIAL + PEOPLE * number)
    for _ in range(PEOPLE):
        cast.add(cast.smooth(people.named(next(names), "男"), facts.sheets[0].enterprise))
    return cast.done()


class Crowd(World):
    """The sandbox's world, and so many small cohorts besides."""

    def __init__(self, cohorts: int) -> None:
        """Make them."""
        super().__init__(SEED)
        people, names = (
            People(Random(f"crowd-{SEED}")),
            ("".join(name) for name in product(SURNAMES, GIVEN, GIVEN[::-1])),
        )
        self.cohorts += tuple(_cohort(number, people, names) for number in range(cohorts))


@contextmanager
def crowd(cohorts: int) -> Iterator[Sandbox]:
    """Serve the sandbox with so many small cohorts besides its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(app, "World", lambda _: Crowd(cohorts))
        sandbox = Sandbox(SEED)
    with sandbox:
        yield sandbox
