"""Pressed buttons: an alert acknowledged, put off, its step tried again; once each, by whom it was, whatever breaks."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import Any

import pytest

from connectors.base import Connection
from connectors.slack_callback import Action, Press
from models.identity import make_id
from models.tables.lifecycle import Alert, AlertPress, Wait
from models.tables.operations import AuditEvent, Outbox
from tasks import presses
from tasks.errors import BadInput
from tasks.office import Office, office, use_office
from tasks.presses import (
    ATTEMPTS,
    Stranger,
    acknowledge,
    finish_presses,
    press_once,
    retry,
    snooze,
    take_up_presses,
)
from tasks.stalls import watch_waits
from tests.fixtures.cohorts import OPENED, Case, change, hashes, one, rows, write

LATE = date(2026, 5, 26)  # a Tuesday, the first day on which consents of the 18th are late
AT = datetime(2026, 5, 26, 4, 30, 1, 123456, tzinfo=UTC)
ZHANG, WANG = "slack:U0ZHANG0001", "slack:U0WANG00001"


def connect() -> None:
    """Give the office in use a chat that is never reached and a second one."""
    here = office()
    found = tuple(Connection(name=name, kind="slack", organisation="X", base_url="http://127.0.0.1:1/",
                             auth={"type": "bearer", "token_env": "YM_ABSENT"}) for name in ("chat", "other"))  # fmt: skip
    use_office(Office(here.settings.model_copy(update={"connections": found}), here.engine, here.policies))


def late(case: Case) -> Alert:
    """The alert of a cohort whose consents are late."""
    connect()
    case.advance(OPENED)
    asyncio.run(watch_waits(LATE))
    return one(Alert)


def press(alert: Alert, action: Action, actor: str = ZHANG, moment: str = "1") -> Press:
    """A button of an alert, pressed."""
    return Press(alert.id, action, actor, AT, make_id("PR", alert.id, action, actor, moment))


def edits() -> list[dict[str, Any]]:
    """The edits in the outbox, the oldest first."""
    found = [json.loads(row.payload) for row in rows(Outbox, kind="chat.update")]
    return sorted(found, key=lambda payload: int(payload["revision"]))


def replies() -> list[str]:
    """What is said in threads."""
    return [json.loads(row.payload)["text"] for row in rows(Outbox, kind="chat.reply")]


# --- acknowledging and putting off ---------------------------------------------------------------------------------


def test_an_acknowledged_alert_says_who_took_note_in_its_message(both: Case) -> None:
    alert = late(both)
    assert press_once(press(alert, "acknowledge"), "chat", LATE)
    alert = one(Alert)
    assert (alert.acknowledged_by, alert.acknowledged_on) == (ZHANG, LATE)
    (edit,) = edits()
    assert f"{ZHANG} took note on 2026-05-26" in edit["text"]
    buttons = [each["action_id"] for block in edit["blocks"] for each in block.get("elements", [])]
    assert buttons == ["snooze", "retry"]


def test_the_first_who_takes_note_is_named_and_both_are_in_the_trail(case: Case) -> None:
    alert = late(case)
    press_once(press(alert, "acknowledge"), "chat", LATE)
    press_once(press(alert, "acknowledge", WANG), "chat", LATE)
    assert one(Alert).acknowledged_by == ZHANG
    assert len(edits()) == 1
    trail = [(event.actor, event.action, event.subject) for event in rows(AuditEvent) if event.subject == alert.id]
    assert trail == [(ZHANG, "alert-acknowledge", alert.id), (WANG, "alert-acknowledge", alert.id)]


def test_an_acknowledged_alert_is_told_again_only_at_a_further_level(case: Case) -> None:
    alert = late(case)
    press_once(press(alert, "acknowledge"), "chat", LATE)
    for day in (date(2026, 5, 27), date(2026, 6, 1)):
        asyncio.run(watch_waits(day))
    assert replies() == []
    asyncio.run(watch_waits(date(2026, 6, 2)))
    assert len(replies()) == 1


def test_a_snoozed_alert_is_quiet_for_three_working_days_and_says_until_when(case: Case) -> None:
    alert = late(case)
    thursday = date(2026, 5, 28)
    assert press_once(press(alert, "snooze"), "chat", thursday)
    assert one(Alert).snoozed_until == date(2026, 6, 2)  # Friday, Monday, Tuesday
    assert "Put off until 2026-06-02" in edits()[-1]["text"]
    for day in (date(2026, 5, 29), date(2026, 6, 1)):
        asyncio.run(watch_waits(day))
    assert replies() == []
    asyncio.run(watch_waits(date(2026, 6, 2)))
    assert len(replies()) == 1


def test_make_up_weekends_count_in_a_snooze(case: Case) -> None:
    alert = late(case)
    snooze(alert.id, "tester", date(2026, 9, 30))  # then seven days off, and Saturday 10 October is worked
    assert one(Alert).snoozed_until == date(2026, 10, 10)


def test_two_who_put_it_off_on_one_day_change_it_once(case: Case) -> None:
    alert = late(case)
    press_once(press(alert, "snooze"), "chat", LATE)
    press_once(press(alert, "snooze", WANG), "chat", LATE)
    assert len(edits()) == 1
    press_once(press(alert, "snooze", WANG, "2"), "chat", date(2026, 5, 27))
    assert one(Alert).snoozed_until == date(2026, 6, 1)
    assert len(edits()) == 2


def test_an_alert_that_is_over_stays_as_it_is(case: Case) -> None:
    alert = late(case)
    case.consent()
    case.advance(LATE)
    asyncio.run(watch_waits(LATE))
    said = len(edits())
    for action in ("acknowledge", "snooze"):
        assert press_once(press(alert, action), "chat", LATE)
    assert {row.outcome for row in rows(AlertPress)} == {"over"}
    assert (one(Alert, id=alert.id).acknowledged_by, one(Alert, id=alert.id).snoozed_until) == ("", None)
    assert len(edits()) == said


# --- once each, and by nobody else ---------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["acknowledge", "snooze", "retry"])
def test_the_same_press_twice_changes_nothing(case: Case, action: Action) -> None:
    alert = late(case)
    assert press_once(press(alert, action), "chat", LATE)
    before = hashes()
    assert not press_once(press(alert, action), "chat", LATE)
    assert not press_once(press(alert, action), "chat", date(2026, 5, 29))
    assert hashes() == before


def test_the_same_press_many_times_at_once_is_one(both: Case) -> None:
    alert = late(both)
    with ThreadPoolExecutor(6) as pool:
        taken = list(pool.map(lambda _: press_once(press(alert, "acknowledge"), "chat", LATE), range(12)))
    assert taken.count(True) == 1
    assert len(edits()) == len(rows(AlertPress)) == 1


def test_a_press_of_an_alert_nobody_knows_changes_nothing(case: Case) -> None:
    late(case)
    before = hashes()
    with pytest.raises(BadInput, match="no such alert"):
        press_once(Press("A-NONE", "snooze", ZHANG, AT, "PR-1"), "chat", LATE)
    assert hashes() == before


def test_a_chat_that_was_not_told_of_an_alert_cannot_press_its_buttons(case: Case) -> None:
    alert = late(case)
    before = hashes()
    with pytest.raises(Stranger, match="not told"):
        press_once(press(alert, "acknowledge"), "other", LATE)
    assert hashes() == before


def test_one_who_works_here_acknowledges_by_name_once_a_day(case: Case) -> None:
    alert = late(case)
    assert acknowledge(alert.id, "li", LATE, reason="called the school")
    assert one(AuditEvent, action="alert-acknowledge").reason == "called the school"
    before = hashes()
    assert not acknowledge(alert.id, "li", LATE)
    assert hashes() == before
    assert one(Alert).acknowledged_by == "li"


# --- trying again --------------------------------------------------------------------------------------------------


def test_a_step_tried_again_is_written_down_first_and_done_afterwards(both: Case) -> None:
    alert = late(both)
    both.consent()
    press_once(press(alert, "retry"), "chat", LATE)
    assert one(AlertPress).status == "waiting"
    assert [wait for wait in rows(Wait, kind="consent") if wait.resolved_on] == []
    asyncio.run(finish_presses(LATE))
    assert (one(AlertPress).status, one(AlertPress).outcome) == ("done", "advanced")
    assert [wait for wait in rows(Wait, kind="consent") if not wait.resolved_on] == []
    assert one(Alert, id=alert.id).status == "resolved"
    assert ["tried again" in text for text in replies()] == [True]
    before = hashes()
    assert asyncio.run(take_up_presses(LATE)) == 0
    assert hashes() == before
    assert [event.actor for event in rows(AuditEvent, action="alert-retried")] == [ZHANG]


def test_a_crash_in_the_middle_of_it_loses_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    alert = late(case)
    press_once(press(alert, "retry"), "chat", LATE)

    async def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(presses, "advance_cohorts", crash)
        with pytest.raises(KeyboardInterrupt):
            asyncio.run(take_up_presses(LATE))
    assert (one(AlertPress).status, one(AlertPress).attempts) == ("waiting", 1)
    assert asyncio.run(take_up_presses(LATE)) == 1
    assert one(AlertPress).status == "done"
    assert len(replies()) == 1


def test_the_next_watch_takes_up_what_a_crash_left(case: Case) -> None:
    from flows.watch_stalls import watch_stalls

    alert = late(case)
    case.consent()
    press_once(press(alert, "retry"), "chat", LATE)
    asyncio.run(watch_stalls.fn(LATE))
    assert one(AlertPress).status == "done"
    assert one(Alert, id=alert.id).status == "resolved"


def test_work_that_breaks_every_time_is_given_up(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    alert = late(case)
    press_once(press(alert, "retry"), "chat", LATE)

    async def broken(*_: Any) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(presses, "advance_cohorts", broken)
    for _ in range(ATTEMPTS):
        with pytest.raises(RuntimeError):
            asyncio.run(take_up_presses(LATE))
    assert asyncio.run(take_up_presses(LATE)) == 0
    assert (one(AlertPress).status, one(AlertPress).outcome) == ("failed", "broken-off")


def test_a_silent_source_is_read_again(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    late(case)
    here = office()
    school = Connection(name="school", kind="oneroster", organisation="X", base_url="http://127.0.0.1:1/")
    settings = here.settings.model_copy(update={"connections": (*here.settings.connections, school)})
    use_office(Office(settings, here.engine, here.policies))
    write(*(Alert(id=f"A-{name}", kind="source-silent", holder="coordinator", subject=name, since=LATE, people=0,
                  level=1, raised_on=LATE, route="chat") for name in ("school", "gone")))  # fmt: skip
    read: list[list[str]] = []

    async def sync(names: list[str], _: date) -> dict[str, Any]:
        read.append(names)
        return {name: {"status": "ok" if len(read) > 1 else "failed"} for name in names}

    monkeypatch.setattr(presses, "sync_connections", sync)
    for number, name in enumerate(("school", "school", "gone")):
        press_once(press(one(Alert, id=f"A-{name}"), "retry", moment=str(number)), "chat", LATE)
        asyncio.run(take_up_presses(LATE))
    assert read == [["school"], ["school"]]
    assert sorted(row.outcome for row in rows(AlertPress)) == ["nothing", "read", "unread"]
    assert len(replies()) == 3


def test_what_has_no_step_says_so(case: Case) -> None:
    late(case)
    write(Alert(id="A-RUN", kind="run-crashed", holder="coordinator", since=LATE, people=0, level=1, raised_on=LATE))
    assert asyncio.run(retry("A-RUN", "li", LATE))
    assert one(AlertPress).outcome == "nothing"


def test_names_in_the_words_of_a_press_call_nobody(case: Case) -> None:
    alert = late(case)
    change(Alert, alert.id, route="chat")
    asyncio.run(retry(alert.id, "<!channel>", LATE))
    assert "&lt;!channel&gt;" in replies()[0]
    assert "<!" not in replies()[0]
