"""Eligibility: each rule refuses or holds by its name, and no reason holds a number."""

from dataclasses import replace
from datetime import date

import pytest

from models.rules.eligibility import Nomination, judge_nomination
from models.rules.policy import DEFAULT_POLICIES

ENTERPRISE = "91320200MA1TEXT06T"
GOOD = Nomination(
    name="高建国", sex="男", resident_id="320205198811020018", household="农村", education="高中", mobile="13922220001",
    hired_on="2016-05-03", union_member="是",
)  # fmt: skip
GOOD = replace(GOOD, resident_id="32020519881102000X", sex="女")


def judged(row: Nomination, level: str = "junior-college", **known: object) -> tuple[str, tuple[str, ...]]:
    judgement = judge_nomination(row, level, date(2026, 5, 20), ENTERPRISE, DEFAULT_POLICIES[0], **known)  # type: ignore[arg-type]
    assert len(judgement.rules) == len(judgement.reasons)
    assert all(str(row.resident_id) not in reason for reason in judgement.reasons)
    return judgement.status, judgement.rules


def test_a_complete_row_is_accepted() -> None:
    assert judged(GOOD) == ("accepted", ())


@pytest.mark.parametrize(
    ("change", "status", "rule"),
    [
        ({"name": None}, "refused", "name-missing"),
        ({"resident_id": None}, "refused", "resident-id-missing"),
        ({"resident_id": 3.2e17}, "refused", "resident-id-lost-digits"),
        ({"sex": "男"}, "refused", "sex-differs"),
        ({"sex": "?"}, "held", "sex-invalid"),
        ({"education": "初中"}, "refused", "entry-level"),
        ({"education": None}, "held", "education-missing"),
        ({"household": " "}, "held", "household-evidence-missing"),
        ({"mobile": "12345"}, "held", "mobile-invalid"),
        ({"bank_card": "1234567890123456"}, "held", "bank-card-invalid"),
        ({"hired_on": "2021-02-30"}, "refused", "date-invalid"),
        ({"full_time_student": "是"}, "refused", "full-time-student"),
        ({"employer_code": "12350100000000019K"}, "refused", "employer-differs"),
        ({"employer_code": "无锡某厂"}, "refused", "employer-differs"),
    ],
)
def test_each_rule_names_itself(change: dict[str, object], status: str, rule: str) -> None:
    assert judged(replace(GOOD, **change)) == (status, (rule,))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("known", "status", "rule"),
    [
        ({"seen_in_roster": True}, "held", "nominated-twice"),
        ({"open_elsewhere": True}, "held", "nominated-elsewhere"),
        ({"funded_levels": frozenset({"junior-college"})}, "refused", "already-funded"),
    ],
)
def test_what_is_known_of_the_worker_counts(known: dict[str, object], status: str, rule: str) -> None:
    assert judged(GOOD, **known) == (status, (rule,))


def test_a_bachelor_programme_asks_for_junior_college() -> None:
    assert judged(GOOD, "bachelor") == ("refused", ("entry-level",))
    assert judged(replace(GOOD, education="大专"), "bachelor") == ("accepted", ())


def test_refused_comes_before_held_and_every_rule_is_named() -> None:
    row = replace(GOOD, household=None, hired_on="2021-02-30")
    assert judged(row) == ("refused", ("date-invalid", "household-evidence-missing"))


def test_one_may_join_on_the_eighteenth_birthday() -> None:
    young = replace(GOOD, resident_id="320205200805200001", sex="女")
    body = young.resident_id[:17]
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]
    assert judged(replace(young, resident_id=body + check)) == ("accepted", ())
    body = f"{body[:6]}20080521{body[14:]}"
    check = "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]
    assert judged(replace(young, resident_id=body + check)) == ("refused", ("under-age",))
