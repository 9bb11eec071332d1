"""Funding 资助: what comes next for an award, and from when nothing more falls due.

Belongs here: the way of one award. Does not: triggers, quotas and budgets (ledger.py).
"""

from datetime import date

STOPPED = frozenset({"withdrawn", "incomplete", "refused"})


def stopped_on(status: str, ended_on: date | None) -> date | None:
    """Give the day after which no instalment falls due any more; None while, or because, they go on."""
    return ended_on if status in STOPPED else None


def follow_award(
    award_status: str,
    payment_status: str | None,
    *,
    withdrawn: bool,
    returned_on: date | None = None,
    card_changed_on: date | None = None,
) -> str:
    """Say what is next for an award: nothing, await-result, reverse, order or await-card.

    `payment_status` is that of its latest payment order, if any. A paid award stays paid; one whose order is under
    way is waited for, even when the participant has left; what never reached a withdrawn one is reversed; a returned
    payment is ordered again once the bank card was changed on the day it came back or later.
    """
    if award_status == "reversed" or payment_status == "paid":
        return "nothing"
    if payment_status == "ordered":
        return "await-result"
    if withdrawn:
        return "reverse"
    if payment_status is None or returned_on is None:
        return "order" if payment_status is None else "nothing"
    return "order" if card_changed_on is not None and card_changed_on >= returned_on else "await-card"
