"""Alerts from what is stalled: one message an episode, follow-ups, digests, quiet hours, and the project's week."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest
from sqlmodel import Session

from models.clock import SHANGHAI
from models.repositories.alerts import alert_wait_ids
from models.rules.alerts import snooze_until
from models.rules.stalls import Stall
from models.tables.lifecycle import Alert, Wait
from models.tables.operations import Outbox
from models.tables.organisations import Organisation
from tasks.alerts import alert_id, settle
from tasks.office import Office, office, unit_of_work
from tasks.telling import restate
from tests.fixtures.cohorts import Case, change, hashes, one, rows, write

TUESDAY, WEDNESDAY, THURSDAY, FRIDAY = (date(2026, 6, day) for day in (2, 3, 4, 5))
MONDAY = date(2026, 6, 8)
SCHOOL = "12350100000000019K"
QUIET = {"raised": 0, "escalated": 0, "resolved": 0, "held": 0}
STALL = Stall(kind="consent", holder="enterprise_hr", level=1, since=date(2026, 5, 18), due_on=date(2026, 5, 25),
              cohort_code="WX-2026A", stage="nomination", people=6)  # fmt: skip
URGENT = Stall(kind="chat-silent", holder="coordinator", level=1, since=TUESDAY, due_on=None, subject="feishu")


def watch(stalls: Iterable[Stall], day: date, clock: time = time(12)) -> dict[str, int]:
    """What a watch finds on a day at a time in Shanghai becomes alerts."""
    with unit_of_work() as session:
        return settle(session, stalls, day, datetime.combine(day, clock, SHANGHAI))


def many(number: int, **changes: Any) -> list[Stall]:
    """Stalls that differ by their subject."""
    return [replace(STALL, subject=f"M{n:03}", **changes) for n in range(number)]


def said(kind: str) -> list[dict[str, Any]]:
    """What of a kind was put into the outbox, in order."""
    return [
        json.loads(row.payload) for row in sorted(rows(Outbox, kind=kind), key=lambda row: (row.created_on, row.id))
    ]


def told() -> dict[str, int]:
    """How much of each kind was put into the outbox."""
    return dict(Counter(row.kind.removeprefix("chat.") for row in rows(Outbox)))


def test_an_episode_is_told_once_however_often_it_is_watched(bare: Case) -> None:
    assert watch([STALL], TUESDAY) == {**QUIET, "raised": 1}
    before = hashes()
    for _ in range(2):
        assert watch([STALL], TUESDAY) == QUIET
    assert hashes() == before
    (payload,) = said("chat.post")
    assert payload["alert_id"] == payload["message_id"] == alert_id(STALL)
    assert [one["action_id"] for one in payload["blocks"][1]["elements"]] == ["acknowledge", "snooze", "retry"]


def test_each_further_level_is_one_reply_and_a_lower_one_none(bare: Case) -> None:
    watch([STALL], TUESDAY)
    assert watch([replace(STALL, level=2)], WEDNESDAY) == {**QUIET, "escalated": 1}
    assert watch([replace(STALL, level=1)], THURSDAY) == QUIET
    assert watch([replace(STALL, level=2)], FRIDAY) == QUIET
    assert watch([replace(STALL, level=3)], FRIDAY) == {**QUIET, "escalated": 1}
    assert told() == {"post": 1, "reply": 2}


def test_more_or_fewer_who_wait_change_the_message_and_call_nobody(bare: Case) -> None:
    watch([STALL], TUESDAY)
    assert watch([replace(STALL, people=4)], WEDNESDAY) == QUIET
    (edit,) = said("chat.update")
    assert "4 workers waiting" in edit["text"]
    assert edit["quiet"]


def test_what_is_over_is_told_by_an_edit_without_buttons(bare: Case) -> None:
    watch([STALL], TUESDAY)
    assert watch([], WEDNESDAY) == {**QUIET, "resolved": 1}
    (edit,) = said("chat.update")
    assert edit["text"].startswith("✅") and not edit["quiet"]
    assert [block["type"] for block in edit["blocks"]] == ["section"]
    assert watch([], THURSDAY) == QUIET


def test_what_opens_again_edits_its_message_back_and_escalates_in_the_thread_again(bare: Case) -> None:
    """A week later: no flapping. The second escalation must not be taken for the first."""
    watch([STALL], TUESDAY)
    watch([replace(STALL, level=2)], WEDNESDAY)
    watch([], WEDNESDAY)
    assert watch([replace(STALL, level=2)], date(2026, 6, 10)) == {**QUIET, "raised": 1}
    assert told() == {"post": 1, "reply": 2, "update": 2}
    assert said("chat.update")[-1]["text"].startswith("⏳")
    assert one(Alert).openings == 2
    assert len({row.id for row in rows(Outbox)}) == 5


def test_one_that_flaps_is_not_told_again_before_it_was_open_a_working_day(bare: Case) -> None:
    watch([STALL], TUESDAY)
    watch([], WEDNESDAY)
    assert watch([STALL], FRIDAY) == {**QUIET, "raised": 1, "held": 1}
    assert told() == {"post": 1, "update": 1}
    assert watch([], FRIDAY) == {**QUIET, "resolved": 1}
    assert watch([STALL], MONDAY) == {**QUIET, "raised": 1, "held": 1}
    assert told() == {"post": 1, "update": 1}  # the message still says that it is over
    assert watch([STALL], date(2026, 6, 9))["held"] == 0
    assert said("chat.update")[-1]["text"].startswith("⏳")


@pytest.mark.parametrize(
    ("day", "clock"), [(TUESDAY, time(22)), (WEDNESDAY, time(7, 59)), (date(2026, 6, 6), time(12))]
)
def test_quiet_hours_hold_what_can_wait_until_the_next_working_morning(bare: Case, day: date, clock: time) -> None:
    assert watch([STALL, URGENT], day, clock) == {**QUIET, "raised": 2, "held": 1}
    assert [payload["alert_id"] for payload in said("chat.post")] == [alert_id(URGENT)]
    morning = MONDAY if day.weekday() == 5 else WEDNESDAY
    assert watch([STALL, URGENT], morning, time(8)) == QUIET
    assert {payload["alert_id"] for payload in said("chat.post")} == {alert_id(STALL), alert_id(URGENT)}


def test_what_came_and_went_within_a_night_is_never_told(bare: Case) -> None:
    watch([STALL], TUESDAY, time(23))
    assert watch([], TUESDAY, time(23, 30)) == {**QUIET, "resolved": 1}
    assert watch([], WEDNESDAY) == QUIET
    assert rows(Outbox) == []


def test_an_end_is_told_at_night_because_an_edit_wakes_nobody(bare: Case) -> None:
    watch([STALL], TUESDAY)
    watch([], TUESDAY, time(23))
    assert told() == {"post": 1, "update": 1}


def test_a_snooze_keeps_the_thread_still_and_ends_with_a_reminder(bare: Case) -> None:
    watch([STALL], TUESDAY)
    until = snooze_until(TUESDAY, office().calendar)
    change(Alert, alert_id(STALL), snoozed_until=until)
    assert watch([replace(STALL, level=2, people=5)], THURSDAY)["held"] == 0
    assert told() == {"post": 1}
    watch([replace(STALL, level=2)], until)
    assert told()["reply"] == 1
    assert "take up" in said("chat.reply")[0]["text"]
    assert one(Alert).snoozed_until is None


def test_a_snooze_without_a_further_level_ends_with_a_reminder(bare: Case) -> None:
    watch([STALL], TUESDAY)
    until = snooze_until(TUESDAY, office().calendar)
    change(Alert, alert_id(STALL), snoozed_until=until)
    for _ in range(2):
        watch([STALL], until)
    (reply,) = said("chat.reply")
    assert "after it was put off" in reply["text"]


def test_who_takes_note_is_named_in_the_message_and_forgotten_when_it_opens_again(bare: Case) -> None:
    watch([STALL], TUESDAY)
    with unit_of_work() as session:
        alert = session.get_one(Alert, alert_id(STALL))
        alert.acknowledged_by, alert.acknowledged_on = "王芳", TUESDAY
        restate(session, alert, TUESDAY, datetime.combine(TUESDAY, time(12), SHANGHAI))
    assert "👀 王芳 took note" in said("chat.update")[0]["text"]
    watch([], WEDNESDAY)
    watch([STALL], date(2026, 6, 15))
    assert one(Alert).acknowledged_by == ""


def test_five_at_once_are_messages_and_six_are_a_digest(bare: Case) -> None:
    watch(many(5), TUESDAY)
    assert told() == {"post": 5}
    watch([*many(5), *many(6, holder_code=None, since=date(2026, 5, 19))], WEDNESDAY)
    assert told() == {"post": 5, "digest": 1}


def test_what_comes_within_ten_minutes_of_five_others_is_a_digest(bare: Case) -> None:
    watch(many(5), TUESDAY)
    watch(many(7), TUESDAY, time(12, 9))
    assert told() == {"post": 5, "digest": 1}
    watch(many(9), TUESDAY, time(12, 30))
    assert told() == {"post": 7, "digest": 1}


def test_a_burst_of_five_hundred_makes_a_handful_of_messages_whatever_becomes_of_it(bare: Case) -> None:
    write(Organisation(code=SCHOOL, name="示例学院<!channel>"))
    burst = many(500, holder="school", holder_code=SCHOOL, kind="admission-decision", stage="admission")
    assert watch(burst, TUESDAY)["raised"] == 500
    assert told() == {"digest": 5}
    for payload in said("chat.digest"):
        assert len(payload["blocks"]) <= 50
        assert max(len(block["text"]["text"]) for block in payload["blocks"]) <= 3000
        assert "示例学院&lt;!channel&gt;* holds 100 steps, 6 workers" in payload["text"]
    watch([replace(stall, level=2) for stall in burst], WEDNESDAY)
    assert told() == {"digest": 5, "reply": 5}
    assert watch([], THURSDAY)["resolved"] == 500
    assert told() == {"digest": 5, "reply": 5, "update": 5}
    assert all(payload["text"].startswith("✅") for payload in said("chat.update"))


def test_a_digest_shows_what_is_left_and_comes_back_when_one_opens_again(bare: Case) -> None:
    stalls = many(6)
    watch(stalls, TUESDAY)
    watch(stalls[1:], WEDNESDAY)
    watch(stalls, date(2026, 6, 10))
    first, second = said("chat.update")
    assert "5 steps are overdue, 1 settled" in first["text"]
    assert "6 steps are overdue" in second["text"]
    assert first["message_id"] == second["message_id"] == said("chat.digest")[0]["message_id"]
    assert first["revision"] < second["revision"]


def test_the_weeks_digest_of_a_project_comes_once_on_its_first_working_day(bare: Case) -> None:
    watch([STALL], TUESDAY)
    for day in (WEDNESDAY, FRIDAY, MONDAY, MONDAY, date(2026, 6, 9)):
        watch([STALL], day)
    (week,) = rows(Outbox, kind="chat.weekly")
    assert week.created_on == MONDAY
    assert "1 step still open on 2026-06-08" in said("chat.weekly")[0]["text"]


def test_the_weeks_digest_leaves_out_what_was_told_the_same_day_and_what_belongs_to_no_project(bare: Case) -> None:
    watch([URGENT], TUESDAY)
    watch([URGENT, STALL], MONDAY)
    assert "weekly" not in told()


def test_an_alert_speaks_of_all_waits_it_ever_had(bare: Case) -> None:
    for name in ("W1", "W2"):
        write(Wait(id=name, cohort_code=bare.code, stage="nomination", kind="consent", holder="enterprise_hr",
                   subject=name, since=STALL.since))  # fmt: skip
    watch([replace(STALL, wait_ids=("W1",))], TUESDAY)
    watch([replace(STALL, wait_ids=("W2",))], TUESDAY)
    with Session(office().engine) as session:
        assert alert_wait_ids(session, alert_id(STALL)) == {"W1", "W2"}


def test_of_two_detectors_that_find_the_same_the_higher_level_is_told(bare: Case) -> None:
    watch([replace(STALL, level=2), STALL], TUESDAY)
    assert one(Alert).level == 2
    assert told() == {"post": 1}


def test_alerts_live_the_same_life_on_both_databases(office: Office) -> None:
    stalls = [replace(URGENT, subject=f"chat-{n}") for n in range(7)]
    assert watch(stalls, TUESDAY) == {**QUIET, "raised": 7}
    assert watch(stalls[1:], WEDNESDAY) == {**QUIET, "resolved": 1}
    assert watch(stalls, date(2026, 6, 10)) == {**QUIET, "raised": 1}
    assert watch([], date(2026, 6, 10)) == {**QUIET, "resolved": 7}
    assert told() == {"digest": 1, "update": 3}
