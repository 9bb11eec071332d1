"""The truth: complete at the end, consistent in itself, and silent about what is not settled yet."""

from collections import Counter, defaultdict
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

import pytest

from sandbox.world import World

END = date(2026, 11, 20)
TENTH = Decimal("0.1")


@pytest.fixture(scope="module", params=[1, 2016])
def any_world(request: pytest.FixtureRequest) -> World:
    return World(request.param)


def test_every_participant_ends_as_his_story_says(any_world: World) -> None:
    truth = any_world.truth(END)
    counted = Counter((row["cohort"], row["status"]) for row in truth["participants"])
    assert counted == {
        ("WX-2023A", "completed"): 11, ("WX-2023A", "incomplete"): 1, ("WX-2023A", "withdrawn"): 1,
        ("WX-2023A", "refused"): 2, ("WX-2023B", "completed"): 10, ("WX-2023B", "incomplete"): 1,
        ("WX-2023B", "refused"): 2, ("WX-2024S", "completed"): 11, ("WX-2024S", "withdrawn"): 1,
        ("WX-2024S", "refused"): 1,
    }  # fmt: skip
    assert all(bool(row["rules"]) == (row["status"] != "completed") for row in truth["participants"])


def test_every_roster_row_has_its_verdict(any_world: World) -> None:
    rows = any_world.truth(END)["nominations"]
    assert Counter(row["cohort"] for row in rows) == {"WX-2023A": 16, "WX-2023B": 14, "WX-2024S": 13}
    special = {(row["status"], *row["rules"]) for row in rows if row["rules"]}
    assert special == {
        ("held", "household-evidence-missing"), ("held", "nominated-twice"), ("held", "nominated-elsewhere"),
        ("refused", "resident-id-checksum"), ("refused", "under-age"),
    }  # fmt: skip


def test_a_mark_is_what_its_parts_make_of_it(any_world: World) -> None:
    for story in any_world.stories:
        programme = any_world.cohort(story.cohort).facts.programme
        for code, study in story.studies.items():
            if study.mark is None:
                assert study.state in ("exempt", "barred", "")
                continue
            share = Decimal(programme.module(code).formative_share)
            last = study.final if study.make_up is None else study.make_up
            mark = Decimal(str(study.formative)) * share + Decimal(str(last)) * (1 - share)
            assert study.mark == str(mark.quantize(TENTH, ROUND_HALF_UP)), (story.person.name, code)
            good = mark >= 60 and (not programme.module(code).each_part or min(study.formative or 0, last or 0) >= 60)
            assert (study.state == "passed") == good


def test_credits_are_those_of_the_modules_passed_and_decide_the_ending(any_world: World) -> None:
    truth = any_world.truth(END)
    endings = {(r["cohort"], r["resident_id"]): r["status"] for r in truth["participants"]}
    credits = {(r["cohort"], r["resident_id"]): r["earned"] + r["recognised"] for r in truth["credits"]}
    for key, status in endings.items():
        if status == "completed":
            assert credits[key] == 80
        elif status == "incomplete":
            assert credits[key] == 74
        else:
            assert credits.get(key, 0) < 76


def test_recognised_credits_are_those_granted(any_world: World) -> None:
    truth = any_world.truth(END)
    granted: dict[str, int] = defaultdict(int)
    for row in truth["recognitions"]:
        granted[row["resident_id"]] += row["credits"]
    for row in truth["credits"]:
        assert row["recognised"] == granted[row["resident_id"]] <= 21


def test_attendance_counts_add_up_and_bar_only_one(any_world: World) -> None:
    truth = any_world.truth(END)
    barred = {(r["resident_id"], r["module"]) for r in truth["marks"] if r["state"] == "barred"}
    for row in truth["attendance"]:
        assert row["held"] == row["present"] + row["late"] + row["excused"] + row["absent"]
        counted = row["held"] - row["excused"]
        sat = (row["present"] + row["late"]) * 10 >= counted * 7
        assert sat == ((row["resident_id"], row["module"]) not in barred)
    assert len(barred) == 1


def test_money_adds_up_for_everyone(any_world: World) -> None:
    truth = any_world.truth(END)
    endings = {(r["cohort"], r["resident_id"]): r["status"] for r in truth["participants"]}
    for row in truth["money"]:
        awarded, paid, returned, taken_back = (Decimal(row[n]) for n in ("awarded", "paid", "returned", "reversed"))
        assert paid - returned == awarded - taken_back >= 0
        assert (row["period"] != "graduation") or endings[row["cohort"], row["resident_id"]] == "completed"


def test_no_source_pays_more_heads_or_money_than_it_has(any_world: World) -> None:
    rows = any_world.truth(END)["money"]
    for cohort in any_world.cohorts:
        for source in cohort.facts.funding:
            mine = [r for r in rows if (r["cohort"], r["source"]) == (cohort.facts.code, source.source)]
            assert sum(Decimal(r["awarded"]) - Decimal(r["reversed"]) for r in mine) <= Decimal(source.budget)
            heads = {r["resident_id"] for r in mine}
            assert source.quota is None or len(heads) <= source.quota
            assert {r["awarded"] for r in mine} == {source.amount}
    school = [r for r in rows if (r["cohort"], r["source"]) == ("WX-2023A", "school")]
    assert len(school) == 11


def test_those_past_the_quota_are_the_last_to_register(any_world: World) -> None:
    registered = [s for s in any_world.cohort("WX-2023A").stories if s.registered_on]
    without = {s.person.name for s in registered if all(line.source != "school" for line in s.money)}
    days = sorted((s.registered_on, s.person.name) for s in registered if s.registered_on)
    assert without == {name for _, name in days[-2:]}
    assert days[-3][0] < days[-2][0] < days[-1][0]


def test_only_who_has_both_certificates_has_completed(any_world: World) -> None:
    truth = any_world.truth(END)
    kinds: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in truth["certificates"]:
        kinds[row["cohort"], row["resident_id"]].add(row["kind"])
    for row in truth["participants"]:
        key = (row["cohort"], row["resident_id"])
        assert (kinds[key] == {"diploma", "skill"}) == (row["status"] == "completed")
        assert row["status"] != "incomplete" or kinds[key] == {"skill"}


def test_what_is_settled_stays_so_from_date_to_date(any_world: World) -> None:
    before: dict[str, int] = defaultdict(int)
    for day in any_world.suggested_dates():
        truth = any_world.truth(day)
        for name, rows in truth.items():
            assert len(rows) >= before[name]
            before[name] = len(rows)


def test_nothing_is_said_before_it_is_settled(any_world: World) -> None:
    truth = any_world.truth(date(2024, 1, 16))
    assert truth["attendance"] and not truth["marks"] and not truth["money"] and not truth["participants"]
    assert any_world.truth(date(2024, 1, 17))["marks"]
    failed_once = next(s for s in any_world.stories if s.person.name == "吴敏").person.resident_id
    for day, known in ((date(2024, 3, 18), False), (date(2024, 3, 19), True)):
        rows = any_world.truth(day)["marks"]
        assert any((r["resident_id"], r["module"]) == (failed_once, "JD101") for r in rows) == known
