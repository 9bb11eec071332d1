"""Funding 资助 beside the stages: awards fall due, are granted within limits, ordered, paid, returned, paid again.

Belongs here: awards, ledger lines and payment orders. Does not: triggers and limits (rules/ledger.py) or what
is next for an award (rules/funding.py).
"""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from models.identity import make_id
from models.rules.funding import follow_award, stopped_on
from models.rules.ledger import Source, instalments_due, judge_award
from models.tables.funding import Award, FundingSource, LedgerLine, Payment
from models.tables.operations import Outbox
from models.tables.people import Participant
from tasks.board import Board


@dataclass
class _Books:
    """The money of one cohort as it stands in this run."""

    sources: list[FundingSource]
    awards: dict[str, Award]
    payments: dict[str, list[Payment]]
    lines: dict[str, LedgerLine]

    @classmethod
    def of(cls, board: Board) -> "_Books":
        return cls(board.sources, board.awards, board.payments, board.lines)

    def granted(self, source: FundingSource) -> list[Award]:
        """The standing awards of a source."""
        return [one for one in self.awards.values() if one.source_id == source.id and one.status == "granted"]

    def sum_up(self) -> None:
        """Note on each source what it gives by now, for those who watch its limits."""
        for source in self.sources:
            granted = self.granted(source)
            source.granted_heads = len({award.participant_id for award in granted})
            source.granted_total = sum((award.amount for award in granted), start=Decimal("0.00"))


def settle(board: Board) -> None:
    """Grant what fell due, order what is granted, book what came back, for the whole cohort."""
    books = _Books.of(board)
    _follow_all(board, books, withdrawn=True)  # first: what is taken back makes room for those who wait
    registered = [p for p in board.participants if p.registered_on is not None and p.status != "withdrawn"]
    for participant in sorted(registered, key=lambda p: _order(board, p)):
        for source in books.sources:
            _grant_due(board, books, participant, source)
    _follow_all(board, books, withdrawn=False)
    books.sum_up()


def _follow_all(board: Board, books: _Books, *, withdrawn: bool) -> None:
    people = {one.id: one for one in board.participants if (one.status == "withdrawn") == withdrawn}
    for award in sorted(books.awards.values(), key=lambda award: award.id):
        if award.participant_id in people:
            _follow(board, books, people[award.participant_id], award)


def _order(board: Board, participant: Participant) -> tuple[date, str]:
    """First registered, first served; the application decides between equals."""
    application = board.applications[participant.id]
    return participant.registered_on or board.today, application.id


def _grant_due(board: Board, books: _Books, participant: Participant, source: FundingSource) -> None:
    """Grant the instalments of one source that are due, or wait where its quota or budget is used up."""
    rule_source = _rule_source(source)
    due = instalments_due(
        rule_source, registered_on=participant.registered_on, graduated_on=participant.graduated_on,
        today=board.today, stopped_on=stopped_on(participant.status, participant.ended_on),
    )  # fmt: skip
    for instalment in due:
        key = make_id("AW", participant.id, source.id, instalment.period)
        if key in books.awards:
            continue
        granted = books.granted(source)
        heads = {award.participant_id for award in granted}
        decision = judge_award(
            rule_source, heads=len(heads), total=sum((award.amount for award in granted), start=Decimal("0")),
            amount=instalment.amount, known_head=participant.id in heads,
        )  # fmt: skip
        if decision.outcome != "pass":
            if participant.status == "active":
                board.wait(
                    "award-quota",
                    participant,
                    instalment.due_on,
                    subject=f"{source.source}:{instalment.period}",
                )
            continue
        award = Award(id=key, participant_id=participant.id, source_id=source.id, period=instalment.period,
                      amount=instalment.amount, granted_on=board.today)  # fmt: skip
        board.session.add(award)
        board.session.flush()
        books.awards[key] = award
        _book(board, books, award, source.source, "award", 1, board.today)


def _rule_source(source: FundingSource) -> Source:
    return Source(name=source.source, trigger=source.trigger, amount=source.amount, periods=source.periods,
                  quota_heads=source.quota, budget=source.budget)  # fmt: skip


def _book(
    board: Board, books: _Books, award: Award, source: str, kind: str, attempt: int, on: date,
    *, reverses: str | None = None, payment: Payment | None = None,
) -> LedgerLine:  # fmt: skip
    """Add a ledger line, once; lines are never edited."""
    key = make_id("L", award.id, kind, attempt)
    if key not in books.lines:
        books.lines[key] = LedgerLine(
            id=key, award_id=award.id, participant_id=award.participant_id, source=source, period=award.period,
            kind=kind, attempt=attempt, amount=award.amount, booked_on=on, reverses=reverses,
            payment_id=payment.id if payment else None,
        )  # fmt: skip
        board.session.add(books.lines[key])
        board.session.flush()
    return books.lines[key]


def _follow(board: Board, books: _Books, participant: Participant, award: Award) -> None:
    """Bring one award as far as today's evidence carries it: ordered, paid, returned, paid again, reversed."""
    source = next(one.source for one in books.sources if one.id == award.source_id)
    orders = books.payments.get(award.id, [])
    for order in orders:
        _book_results(board, books, award, source, order)
    last = orders[-1] if orders else None
    step = follow_award(
        award.status, last.status if last else None,
        withdrawn=participant.status == "withdrawn", returned_on=last.returned_on if last else None,
        card_changed_on=_card_changed_on(board, participant, last),
    )  # fmt: skip
    if step == "reverse":
        _reverse(board, books, award, source)
    elif step == "order":
        _order_payment(board, books, participant, award, source, len(orders) + 1)
    elif step == "await-result" and last is not None:
        board.wait("payment-result", participant, last.ordered_on, subject=f"{source}:{award.period}")
    elif step == "await-card" and last is not None and last.returned_on is not None:
        board.wait("payment-returned", participant, last.returned_on, subject=f"{source}:{award.period}")


def _card_changed_on(board: Board, participant: Participant, last: Payment | None) -> date | None:
    """When the worker's card was changed; None while it is the very one the last order went to."""
    worker = board.workers[participant.worker_id]
    order = board.session.get(Outbox, last.id) if last is not None and last.status == "returned" else None
    if order is not None and json.loads(order.payload).get("bank_card") == worker.bank_card:
        return None
    return worker.bank_card_changed_on


def _book_results(board: Board, books: _Books, award: Award, source: str, payment: Payment) -> None:
    """A payment is booked when it was paid; a returned one was paid and came back."""
    if payment.settled_on is None:
        return
    line = _book(board, books, award, source, "payment", payment.attempt, payment.settled_on, payment=payment)
    if payment.status == "returned" and payment.returned_on is not None:
        _book(board, books, award, source, "return", payment.attempt, payment.returned_on,
              reverses=line.id, payment=payment)  # fmt: skip


def _reverse(board: Board, books: _Books, award: Award, source: str) -> None:
    """Take back an award of a withdrawn participant that never reached him."""
    original = books.lines[make_id("L", award.id, "award", 1)]
    _book(board, books, award, source, "reversal", 1, board.today, reverses=original.id)
    award.status = "reversed"


def _order_payment(
    board: Board, books: _Books, participant: Participant, award: Award, source: str, attempt: int
) -> None:
    """Order a payment once; its id is the key by which union finance knows it again."""
    worker = board.workers[participant.worker_id]
    if worker.bank_card is None:
        board.wait("bank-card", participant, award.granted_on)
        return
    payment = Payment(id=make_id("PM", award.id, attempt), award_id=award.id, attempt=attempt,
                      amount=award.amount, ordered_on=board.today)  # fmt: skip
    board.session.add(payment)
    books.payments.setdefault(award.id, []).append(payment)
    board.send("partner.payments", payment.id, board.cohort.finance_code, {
        "payment_id": payment.id, "source": source, "amount": str(award.amount), "name": worker.name,
        "bank_card": worker.bank_card, "purpose": f"{board.cohort.code} {source} {award.period}",
    })  # fmt: skip
    board.wait("payment-result", participant, board.today, subject=f"{source}:{award.period}")
