"""Nomination 提名: what still holds a nominee, and which consents are missing.

Belongs here: holds and consents after the roster. Does not: judging a roster's row (eligibility.py).
"""

from collections.abc import Collection, Iterable

from models.rules.decision import Decision

CONSENT_KINDS = frozenset({"sensitive", "school", "notice"})
HOLD_WAITS = {
    "household-evidence-missing": "household-evidence",
    "nominated-twice": "nominated-twice",
    "nominated-elsewhere": "nominated-elsewhere",
}
CURED_BY = {
    "household-evidence-missing": "household", "education-missing": "education",
    "mobile-invalid": "mobile", "bank-card-invalid": "bank-card",
}  # fmt: skip
BY_A_PERSON = "nominated-elsewhere"  # only an answer lifts it, whatever documents come


def judge_hold(held_by: str, rules: Iterable[str], arrived: Collection[str]) -> Decision:
    """Judge a hold: it is lifted when each rule of the nominee's rows is cured by a document that has arrived.

    `held_by` is the rule the participant is held by now; the decision names the one he waits for next.
    """
    still_open = sorted({rule for rule in rules if CURED_BY.get(rule) not in arrived})
    if not still_open and held_by != BY_A_PERSON:
        return Decision("pass")
    return Decision("wait", held_by if held_by in still_open or not still_open else still_open[0])


def hold_wait(rule: str) -> str:
    """Give the kind of wait of a hold; what has none of its own is an entry of the roster."""
    return HOLD_WAITS.get(rule, "roster-field")


def missing_consents(standing: Collection[str]) -> list[str]:
    """Give which of the three separate consents are not there, in order."""
    return sorted(CONSENT_KINDS.difference(standing))
