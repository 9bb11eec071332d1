"""The nights worth walking: working days chosen so that each trouble is seen to come and to go.

Belongs here: dates, and what each is for. Does not: anything that happens on them.
"""

from datetime import date

_NIGHTS = """
2023-05-18 rosters of WX-2023A arrive
2023-05-24 its reviews are answered; rosters of WX-2023B arrive
2023-05-30 a document is missing for over five working days; a worker is nominated twice
2023-06-05 the document is missing for over ten
2023-06-08 it has come; the objection is upheld
2023-06-15 the notice of WX-2023B is over
2023-06-26 WX-2023A is admitted, one refused; the late document's notice is over
2023-07-12 the school owes the decisions on WX-2023B
2023-08-10 it has decided
2023-09-04 classes are confirmed
2023-09-13 student numbers; first payments
2023-09-18 two payments came back; the last two registered find a quota used up
2023-09-25 the worker owes a new card
2023-09-28 the new card; paid again
2023-11-20 two absences in a row; rosters of WX-2024S arrive
2023-11-28 its reviews are answered; a consent is missing
2023-12-04 the consent is there; the absentee is back
2023-12-21 the union owes an answer to an objection
2024-01-08 dismissed
2024-02-02 marks of the first term; WX-2024S is admitted
2024-02-22 a class is unconfirmed ten days before it starts
2024-02-27 and five days before
2024-03-13 confirmed; student numbers of WX-2024S
2024-03-25 make-up passed; payments of WX-2024S came back
2024-04-22 a worker left his employer; the new card is still owed
2024-05-13 the one who never sent a card left: reversed
2024-07-15 marks of the second term, but for one class
2024-08-05 that class is late by more than thirty days
2024-09-19 its marks came; second instalments
2024-11-18 a third claim for recognition
2025-01-20 marks of the third term
2025-03-20 a part failed is made up; second instalments of WX-2024S
2025-07-14 marks of the fourth term
2025-09-22 third instalments
2025-11-24 attendance under the threshold
2026-01-26 last marks of autumn; the skill assessment
2026-03-23 make-ups and assessments are in; third instalments of WX-2024S
2026-04-27 a skill certificate is late
2026-05-15 it came
2026-06-29 diplomas; graduation awards
2026-07-13 autumn cohorts close; last marks of spring
2026-09-21 assessments and certificates of WX-2024S
2026-10-26 its diplomas
2026-11-09 its last payments
2026-11-20 the end
"""
DATES = tuple(date.fromisoformat(line.split()[0]) for line in _NIGHTS.strip().splitlines())
REASONS = {date.fromisoformat(line[:10]): line[11:] for line in _NIGHTS.strip().splitlines()}
