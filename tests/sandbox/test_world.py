"""The world of a seed: the same each time, valid in its numbers, and written to the contract."""

import tomllib
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest

from sandbox import days, numbers, organisations, suggested
from sandbox.story import Story
from sandbox.timetable import TERMS
from sandbox.world import World

END = date(2026, 11, 20)
ID_WEIGHTS = [2 ** (17 - place) % 11 for place in range(17)]
CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def test_the_same_seed_gives_the_same_world_and_another_seed_another_one() -> None:
    first, again, other = World(3), World(3), World(4)
    assert first.truth(END) == again.truth(END)
    assert first.plans() == again.plans()
    assert first.decisions(END) == again.decisions(END)
    assert first.truth(END) != other.truth(END)
    assert [t.person for t in first.troubles] == [t.person for t in other.troubles]


def test_resident_ids_are_valid_unique_and_of_no_one(world: World) -> None:
    people = world.people.everyone()
    assert len({p.resident_id for p in people}) == len(people) == len({p.name for p in people})
    for person in people:
        number = person.resident_id
        total = sum(int(digit) * weight for digit, weight in zip(number, ID_WEIGHTS, strict=False))
        assert number[-1] == "10X98765432"[total % 11]
        assert number.startswith("320214") and person.born.year < 2010
        assert number[6:14] == f"{person.born:%Y%m%d}"
        assert (int(number[16]) % 2 == 1) == (person.sex == "男")


def test_a_wrong_check_digit_is_wrong() -> None:
    assert numbers.broken_resident_id("320205198811030005") == "320205198811030000"
    assert numbers.broken_resident_id("32020519881102000X") == "320205198811020000"
    assert numbers.resident_id(date(1949, 12, 31), 2)[:-1] == "32021419491231002"


def test_cards_and_mobiles_are_valid(world: World) -> None:
    for person in world.people.everyone():
        for card in (person.bank_card, person.spare_card):
            odd = [int(digit) for digit in reversed(card)][::2]
            even = [sum(divmod(int(digit) * 2, 10)) for digit in list(reversed(card))[1::2]]
            assert (sum(odd) + sum(even)) % 10 == 0 and len(card) == 16
        assert person.mobile.startswith("139") and len(person.mobile) == 11
    assert numbers.bank_card(0) == "6220000000000001"[:-1] + numbers.bank_card(0)[-1]


def test_credit_codes_pass_their_check() -> None:
    weights = [3**place % 31 for place in range(17)]
    named = (*organisations.ENTERPRISES, *organisations.OFFICES, organisations.FEDERATION)
    for organisation in named:
        values = [CODE_ALPHABET.index(letter) for letter in organisation.code]
        total = sum(value * weight for value, weight in zip(values, weights, strict=False))
        assert values[-1] == (31 - total % 31) % 31
    assert len({o.code for o in named}) == len(named)


def test_certificates_have_the_form_of_their_kind(world: World) -> None:
    rows = world.truth(END)["certificates"]
    assert all(len(r["number"]) == 18 and r["number"].isdigit() for r in rows if r["kind"] == "diploma")
    skills = [r for r in rows if r["kind"] == "skill"]
    assert all(len(r["number"]) == 22 and r["number"][0] == "Y" and r["number"][15] == "4" for r in skills)
    assert len({r["number"] for r in rows}) == len(rows)


def test_plans_are_the_contracts_and_add_up(world: World) -> None:
    plans = {plan["cohort"]: tomllib.loads(plan["toml"]) for plan in world.plans()}
    assert list(plans) == ["WX-2023A", "WX-2023B", "WX-2024S"]
    for code, plan in plans.items():
        assert plan["code"] == code and plan["quota"] >= 12
        modules = plan["programme"]["modules"]
        assert sum(m["credits"] for m in modules) == 80 and plan["programme"]["credits_to_graduate"] == 76
        assert sum(m["credits"] for m in modules if m["kind"] == "compulsory") == 60
        assert Counter(m["term"] for m in modules) == dict.fromkeys(range(1, 6), 2)
        assert {m["kind"] for m in modules if m["term"] == 5} == {"practice", "thesis"}
        assert 2 <= len(plan["enterprises"]) <= 3
        assert {line["source"] for line in plan["funding"]} >= {"union", "government"}
        assert all(Decimal(line["budget"]) > 0 for line in plan["funding"])


def test_connections_name_every_system_and_no_secret(world: World) -> None:
    text = world.connections("http://127.0.0.1:9/")
    connections = tomllib.loads(text)["connections"]
    kinds = Counter(connection["kind"] for connection in connections)
    assert kinds == {"scim": 3, "partner": 8, "oneroster": 1, "moodle": 1, "xapi": 1, "slack": 1}
    assert len({connection["name"] for connection in connections}) == 15
    assert all(connection["base_url"].startswith("http://127.0.0.1:9/") for connection in connections)
    assert "sandbox-token" not in text


def test_a_day_counts_as_the_official_calendar_says() -> None:
    assert not days.is_working_day(date(2023, 10, 2))
    assert days.is_working_day(date(2023, 10, 7))
    assert days.after_working_days(date(2023, 9, 28), 2) == date(2023, 10, 8)
    assert days.after_working_days(date(2023, 5, 19), 1) == date(2023, 5, 22)


def test_no_class_meets_on_a_holiday_or_a_working_weekend() -> None:
    for term in TERMS:
        for day in (*term.saturdays, *term.sundays, *term.exams):
            assert day.weekday() >= 5, day
            assert day not in days.HOLIDAYS and day not in days.MAKE_UP_DAYS, day
            assert term.starts_on <= day <= term.ends_on


def test_the_suggested_nights_are_working_days_and_few_enough() -> None:
    assert len(suggested.DATES) <= 46
    assert list(suggested.DATES) == sorted(set(suggested.DATES))
    assert all(days.is_working_day(day) for day in suggested.DATES)
    assert suggested.DATES[-1] == days.LAST_DAY


def test_only_the_two_absences_in_a_row_are_in_a_row(world: World) -> None:
    twice = {
        (story.person.name, module)
        for story in world.stories
        for module, study in story.studies.items()
        if "AA" in study.letters
    }
    assert twice == {("马骏", "JD102")}


@pytest.mark.parametrize("seed", range(1, 6))
def test_nobody_else_falls_under_the_threshold_from_the_fourth_session_on(seed: int) -> None:
    low = set()
    for story in World(seed).stories:
        for study in story.studies.values():
            for length in range(4, len(study.letters) + 1):
                line = study.letters[:length].replace("E", "")
                if line.count("A") * 10 > len(line) * 3:
                    low.add(story.person.name)
    assert low == {"罗小虎"}


def test_whoever_is_excused_has_leave_for_that_day(world: World) -> None:
    for story in world.stories:
        for plan in world.cohort(story.cohort).classes:
            study = story.studies.get(plan.module.code)
            for day, letter in zip(plan.sessions, study.letters if study else "", strict=False):
                assert (letter == "E") == _on_leave(story, day), (story.person.name, day)


def _on_leave(story: Story, day: date) -> bool:
    return any(leave.status == "approved" and leave.starts_on <= day <= leave.ends_on for leave in story.leaves)


def test_nobody_studies_before_he_is_registered(world: World) -> None:
    for story in world.students.values():
        first = min(plan.starts_on for plan in world.cohort(story.cohort).classes)
        assert story.registered_on is not None and story.registered_on < first


def test_classes_are_known_before_they_are_planned_and_planned_before_they_are_confirmed(world: World) -> None:
    for plan in world.classes.values():
        assert plan.created_on < plan.planned_on < plan.confirmed_on < plan.starts_on < plan.exam_on < plan.released_on
    late = [p for p in world.classes.values() if p.starts_on - p.confirmed_on < timedelta(days=10)]
    assert [(p.id, (p.starts_on - p.confirmed_on).days) for p in late] == [("CLS-WX-2023B-SK201", 3)]
