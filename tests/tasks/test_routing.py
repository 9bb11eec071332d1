"""Which chat is told, what a dead one delays, and who says that it is dead."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from apprise.plugins.wecombot import NotifyWeComBot

from connectors.base import Connection
from connectors.settings import Route
from models.clock import now
from models.rules.stalls import Stall
from models.tables.lifecycle import Alert
from models.tables.operations import ChatHealth, Outbox
from models.tables.organisations import Cohort
from tasks import outbox
from tasks.office import Office, office, unit_of_work, use_office
from tasks.outbox import deliver_outbox
from tasks.routing import chat_connections, route_of
from tasks.watch import DETECTORS, chats
from tests.connectors.script import Reply, Script, Theatre
from tests.fixtures.cohorts import Case, change, one, write

DAY = date(2026, 6, 1)
SCHOOL, OTHER = "12350100000000019K", "13320200000000003M"
WELL, AWAY = {"errcode": 0, "errmsg": "ok"}, Reply({}, status=503)
Use = Callable[..., None]


@pytest.fixture
def robot(_theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A WeCom robot's server."""
    script = _theatre.open()
    monkeypatch.setattr(NotifyWeComBot, "notify_url", script.url + "/{key}")
    yield script
    script.over.set()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Gives the office in use these chats, in their order, and these routes."""

    def make(*names: str, routes: tuple[dict[str, Any], ...] = ()) -> None:
        here, connections = office(), []
        for name in names:
            monkeypatch.setenv(f"YM_{name.upper()}", f"wecombot://{name}")
            connections.append(Connection(name=name, kind="apprise", organisation=SCHOOL,
                                          auth={"url_env": f"YM_{name.upper()}"}, options={"seconds_between": 0}))  # fmt: skip
        changed = {"connections": tuple(connections), "routes": tuple(Route.model_validate(one) for one in routes)}
        use_office(Office(here.settings.model_copy(update=changed), here.engine, here.policies))

    return make


def stall(**changes: Any) -> Stall:
    """A stall of the cohort."""
    return Stall(**{"kind": "consent", "holder": "enterprise_hr", "level": 1, "since": DAY, "due_on": DAY,
                    "cohort_code": "WX-2026A", **changes})  # fmt: skip


def route(told: Alert | Stall) -> str:
    """Where it goes."""
    with unit_of_work() as session:
        return route_of(told, session)


def put(key: str, chat: str, text: str = "⏳ waiting", kind: str = "chat.post", **more: Any) -> None:
    """Put a message into the outbox, with its alert."""
    if kind == "chat.post":
        write(Alert(id=key, cohort_code="WX-2026A", kind="consent", stage="nomination", holder="enterprise_hr",
                    since=DAY, people=1, level=1, raised_on=DAY, route=chat))  # fmt: skip
    payload = {"route": chat, "alert_id": key, "text": text, **more}
    write(Outbox(id=key, kind=kind, payload=json.dumps(payload), created_on=DAY))


def deliver(day: date = DAY) -> dict[str, int]:
    """Send what waits."""
    return asyncio.run(deliver_outbox(day))


def silent(day: date = DAY) -> list[Stall]:
    """The chats that are found silent."""
    with unit_of_work() as session:
        return list(chats.find(session, day))


def said(robot: Script) -> list[str]:
    """What the robots were told, in turn."""
    return [asked.json["text"]["content"] for asked in robot.asked]


# --- routes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "told", "chosen"),
    [
        ({}, {}, "second"),
        ({"cohort": "WX-2026A"}, {}, "second"),
        ({"cohort": "WX-2026B"}, {}, "first"),
        ({"organisation": SCHOOL}, {"holder_code": SCHOOL}, "second"),
        ({"organisation": SCHOOL}, {"holder_code": OTHER}, "first"),
        ({"organisation": SCHOOL}, {}, "first"),
        ({"role": ["union", "enterprise_hr"]}, {}, "second"),
        ({"role": "union"}, {}, "first"),
        ({"severity": "warning"}, {}, "second"),
        ({"severity": "urgent"}, {}, "first"),
        ({"severity": "urgent"}, {"kind": "run-crashed", "cohort_code": ""}, "second"),
        ({"project": "no such project"}, {}, "first"),
        ({"project": "any", "role": "union"}, {"cohort_code": ""}, "first"),
    ],
)
def test_a_route_fits_when_all_it_asks_for_is_so(
    bare: Case, use: Use, asked: dict[str, Any], told: dict[str, Any], chosen: str
) -> None:
    use("first", "second", routes=({"connection": "second", **asked},))
    assert route(stall(**told)) == chosen


def test_the_first_route_that_fits_wins(bare: Case, use: Use) -> None:
    project = one(Cohort, code=bare.code).project_code
    use("first", "second", "third", routes=({"connection": "third", "project": project}, {"connection": "second"}))
    assert route(stall()) == "third"
    assert route(stall(cohort_code="")) == "second"


def test_an_alert_goes_by_the_severity_it_has_itself(bare: Case, use: Use) -> None:
    use("first", "second", routes=({"connection": "second", "severity": "urgent"},))
    told = Alert(id="A-1", cohort_code=bare.code, kind="consent", holder="union", severity="urgent", since=DAY, people=1,
                 level=1, raised_on=DAY)  # fmt: skip
    assert route(told) == "second"
    told.severity = "info"
    assert route(told) == "first"


def test_without_a_chat_nobody_is_told(bare: Case, use: Use) -> None:
    use()
    assert chat_connections() == []
    assert route(stall()) == ""


@pytest.mark.parametrize(("dead", "teller"), [("first", "second"), ("second", "first")])
def test_a_silent_chat_is_told_of_by_another(bare: Case, use: Use, dead: str, teller: str) -> None:
    use("first", "second", routes=({"connection": dead},))
    assert route(stall(kind="chat-silent", subject=dead, cohort_code="")) == teller


def test_the_only_chat_keeps_the_word_of_its_own_silence(bare: Case, use: Use) -> None:
    use("first")
    assert route(stall(kind="chat-silent", subject="first", cohort_code="")) == "first"


# --- delivery ---------------------------------------------------------------------------------------------------


def test_each_message_goes_to_its_own_chat(bare: Case, use: Use, robot: Script) -> None:
    use("first", "second")
    robot.keeps_saying(WELL)
    put("A-1", "second", "to the second")
    put("A-2", "first", "to the first")
    put("A-3", "gone", "to nobody any more")
    assert deliver() == {"sent": 3, "failed": 0, "later": 0}
    assert {asked.path: asked.json["text"]["content"] for asked in robot.asked if "nobody" not in str(asked.json)} == {
        "/second": "to the second", "/first": "to the first",
    }  # fmt: skip
    assert [asked.path for asked in robot.asked if "nobody" in str(asked.json)] == ["/first"]


def test_what_follows_up_names_its_message_where_there_are_no_threads(bare: Case, use: Use, robot: Script) -> None:
    use("first")
    robot.keeps_saying(WELL)
    put("A-1", "first", "⏳ WX-2026A waits\nsecond line")
    write(
        Outbox(id="B-1", kind="chat.reply", created_on=DAY, payload=json.dumps({"alert_id": "A-1", "text": "⬆️ open"})),
        Outbox(id="C-1", kind="chat.update", created_on=DAY,
               payload=json.dumps({"alert_id": "A-1", "text": "⏳ 3 workers", "quiet": True})),
        Outbox(id="D-1", kind="chat.update", created_on=DAY,
               payload=json.dumps({"alert_id": "A-1", "text": "✅ 已办结\n✅ settled"})),
    )  # fmt: skip
    assert deliver()["sent"] == 4
    assert said(robot) == ["⏳ WX-2026A waits\nsecond line", "⏳ WX-2026A waits\n⬆️ open", "✅ 已办结 / ✅ settled"]


def test_after_an_unknown_end_a_message_is_said_again_with_a_mark(
    bare: Case, use: Use, robot: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after the robot took the message: a repeat is better than a lost alert."""
    use("first")
    robot.keeps_saying(WELL)
    put("A-1", "first")

    def die(*args: Any, **options: Any) -> str:
        raise SystemExit("killed")

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(outbox, "_acknowledge", die)
        deliver()
    assert deliver() == {"sent": 1, "failed": 0, "later": 0}
    assert said(robot) == ["⏳ waiting", "（可能重复 may be a repeat）⏳ waiting"]
    assert deliver()["sent"] == 0


@pytest.mark.parametrize(
    ("trouble", "again"),
    [(Reply({"errcode": 45009}), "⏳ waiting"), (Reply({}, status=404), "⏳ waiting"),
     (Reply(reset=True), "（可能重复 may be a repeat）⏳ waiting")],
)  # fmt: skip
def test_only_what_may_have_been_said_is_marked(
    bare: Case, use: Use, robot: Script, trouble: Reply, again: str
) -> None:
    use("first")
    robot.says(trouble, WELL)
    put("A-1", "first")
    assert deliver()["later"] == 1
    assert deliver()["sent"] == 1
    assert said(robot)[-1] == again


# --- a chat that is dead ----------------------------------------------------------------------------------------


def test_a_dead_chat_delays_its_own_messages_and_loses_none(bare: Case, use: Use, robot: Script) -> None:
    use("first", "second")
    robot.follows(lambda asked: AWAY if asked.path == "/first" else Reply(WELL))
    for number in range(10):
        put(f"A-{number}", "first", f"message {number}")
    put("B-1", "second")
    assert deliver() == {"sent": 1, "failed": 0, "later": 10}
    assert sum(asked.path == "/first" for asked in robot.asked) == 3  # then it is left alone
    robot.follows(lambda asked: Reply(WELL))
    assert deliver() == {"sent": 10, "failed": 0, "later": 0}


def test_three_deliveries_in_a_row_make_a_chat_silent_until_it_takes_one(bare: Case, use: Use, robot: Script) -> None:
    assert chats.find in DETECTORS
    use("first", "second")
    robot.keeps_saying(AWAY)
    put("A-1", "first")
    for number in range(3):
        assert silent() == []
        deliver(DAY + timedelta(days=number))
    (found,) = silent(DAY + timedelta(days=5))
    assert (found.kind, found.subject, found.since, found.holder) == ("chat-silent", "first", DAY, "coordinator")
    robot.keeps_saying(WELL)
    deliver()
    assert silent() == []
    assert one(ChatHealth, connection="first").failing_since is None


def test_an_hour_without_a_message_taken_makes_a_chat_silent(bare: Case, use: Use, robot: Script) -> None:
    use("first", "second")
    robot.keeps_saying(AWAY)
    put("A-1", "first")
    deliver()
    assert silent() == []
    change(ChatHealth, "first", failing_since=now() - timedelta(minutes=61))
    assert [found.subject for found in silent()] == ["first"]


def test_a_chat_that_cannot_be_opened_is_failing_too(
    bare: Case, use: Use, robot: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    use("first", "second")
    robot.keeps_saying(WELL)
    monkeypatch.delenv("YM_FIRST")
    put("A-1", "first")
    put("B-1", "second")
    assert deliver() == {"sent": 1, "failed": 0, "later": 1}
    assert [deliver()["later"] for _ in range(2)] == [1, 1]
    assert [found.subject for found in silent()] == ["first"]
    assert "YM_FIRST is not set" in one(ChatHealth, connection="first").reason


def test_a_message_that_waits_for_another_says_nothing_of_the_chat(bare: Case, use: Use, robot: Script) -> None:
    use("first")
    robot.keeps_saying(WELL)
    put("A-1", "first")
    change(Outbox, "A-1", status="failed")
    write(Outbox(id="B-1", kind="chat.reply", created_on=DAY, payload=json.dumps({"alert_id": "A-1", "text": "⬆️"})))
    for _ in range(4):
        assert deliver() == {"sent": 0, "failed": 0, "later": 1}
    assert silent() == []
    assert robot.asked == []


def test_a_chat_that_was_taken_out_of_the_settings_is_missed_by_nobody(bare: Case, use: Use) -> None:
    use("second")
    write(ChatHealth(connection="first", failures=9, failing_on=DAY, failing_since=now() - timedelta(days=2)))
    assert silent() == []
