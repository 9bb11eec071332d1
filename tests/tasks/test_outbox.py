"""The way out: what waits is sent once with its key, whatever breaks in between."""

import asyncio
import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from connectors.base import Connection
from connectors.slack import SlackConnector
from models.tables.lifecycle import Alert
from models.tables.operations import ChatHealth, Outbox
from models.tables.organisations import Organisation
from sandbox.server import Sandbox
from tasks import outbox
from tasks.office import Office, office, use_office
from tasks.outbox import deliver_outbox
from tests.connectors.script import Reply, Script
from tests.fixtures.cohorts import Case, change, one, rows, write

DAY = date(2026, 6, 1)
FINANCE, SCHOOL = "13320200000000003M", "12350100000000019K"
CHANNEL = "C0SANDBOX01"
Connect = Callable[..., None]


@pytest.fixture(scope="module")
def chat_url() -> Iterator[str]:
    """A workspace of the sandbox."""
    with Sandbox(seed=1) as sandbox:
        yield sandbox.url


@pytest.fixture
def connect(monkeypatch: pytest.MonkeyPatch) -> Connect:
    """Gives the office in use these connections, each by name: kind, organisation and address."""
    monkeypatch.setenv("YM_TEST_SECRET", "sandbox-token")

    def make(**systems: tuple[str, str, str, str]) -> None:
        here = office()
        found = tuple(
            Connection(name=name, kind=kind, organisation=organisation, base_url=url,
                       auth={"type": "bearer", "token_env": secret},
                       options={"channel": CHANNEL, "seconds_between": 0} if kind == "slack" else {})
            for name, (kind, organisation, url, secret) in systems.items()
        )  # fmt: skip
        use_office(Office(here.settings.model_copy(update={"connections": found}), here.engine, here.policies))

    return make


def put(key: str, kind: str, organisation: str | None, **payload: Any) -> None:
    """Put an effect into the outbox."""
    if organisation and not rows(Organisation, code=organisation):
        write(Organisation(code=organisation, name=organisation))
    write(Outbox(id=key, kind=kind, organisation_code=organisation, payload=json.dumps(payload), created_on=DAY))


def deliver() -> dict[str, int]:
    """Send what waits."""
    return asyncio.run(deliver_outbox(DAY))


def statuses() -> dict[str, str]:
    """How each effect stands."""
    return {row.id: row.status for row in rows(Outbox)}


def test_an_effect_is_sent_with_its_key_and_only_once(bare: Case, script: Script, connect: Connect) -> None:
    connect(finance=("partner", FINANCE, script.url, "YM_TEST_SECRET"))
    put("PM-1", "partner.payments", FINANCE, payment_id="PM-1", amount="1000.00")
    script.keeps_saying({"id": "PM-1"})
    assert deliver() == {"sent": 1, "failed": 0, "later": 0}
    assert deliver() == {"sent": 0, "failed": 0, "later": 0}
    (asked,) = script.asked
    assert (asked.method, asked.path) == ("POST", "/partner/v1/payments")
    assert asked.headers["idempotency-key"] == "PM-1"
    assert one(Outbox, id="PM-1").sent_on == DAY


def test_what_a_partner_refuses_is_kept_with_its_reason_and_not_sent_again(
    bare: Case, script: Script, connect: Connect
) -> None:
    connect(finance=("partner", FINANCE, script.url, "YM_TEST_SECRET"))
    put("PM-1", "partner.payments", FINANCE, amount="-1")
    put("PM-2", "partner.payments", FINANCE, amount="1")
    script.follows(lambda asked: Reply({}, 422 if asked.json["amount"] == "-1" else 201))
    assert deliver() == {"sent": 1, "failed": 1, "later": 0}
    assert statuses() == {"PM-1": "failed", "PM-2": "sent"}
    assert "refuses" in one(Outbox, id="PM-1").problem
    deliver()
    assert len(script.asked) == 2


def test_a_partner_that_is_away_delays_its_own_effects_and_nobody_elses(
    bare: Case, script: Script, connect: Connect
) -> None:
    connect(
        finance=("partner", FINANCE, script.url, "YM_TEST_SECRET"), school=("partner", SCHOOL, script.url, "YM_ABSENT")
    )
    put("AP-1", "partner.applications", SCHOOL)
    put("PM-1", "partner.payments", FINANCE)
    script.keeps_saying(Reply({}, 503))
    assert deliver() == {"sent": 0, "failed": 0, "later": 2}
    script.keeps_saying({"id": "x"})
    assert deliver() == {"sent": 1, "failed": 0, "later": 1}
    assert statuses() == {"AP-1": "waiting", "PM-1": "sent"}


def test_what_nobody_carries_yet_waits_and_holds_up_nothing(bare: Case, script: Script, connect: Connect) -> None:
    """Six hundred applications to a school without a connection stand before one payment."""
    connect(finance=("partner", FINANCE, script.url, "YM_TEST_SECRET"))
    put("AP-0", "partner.applications", SCHOOL)
    write(*(Outbox(id=f"AP-{n}", kind="partner.applications", organisation_code=SCHOOL, payload="{}", created_on=DAY)
            for n in range(1, 600)))  # fmt: skip
    put("PM-1", "partner.payments", FINANCE)
    script.keeps_saying({})
    assert deliver() == {"sent": 1, "failed": 0, "later": 0}


def alert(case: Case, key: str, **values: Any) -> None:
    """An alert whose message is to be posted."""
    write(Alert(id=key, cohort_code=case.code, kind="consent", stage="nomination", holder="enterprise_hr", since=DAY,
                people=1, level=1, raised_on=DAY, **values))  # fmt: skip
    put(key, "chat.post", None, alert_id=key, text="⏳ waiting")


def messages(url: str, key: str) -> list[dict[str, Any]]:
    """The messages of the channel that carry a key, replies included."""
    with httpx.Client(trust_env=False) as client:
        said = client.get(f"{url}/_sandbox/messages").json()
    listed = said if isinstance(said, list) else [message for channel in said.values() for message in channel]
    return [
        message for message in listed
        if ((message.get("metadata") or {}).get("event_payload") or {}).get("alert_id") == key
    ]  # fmt: skip


def test_a_message_whose_answer_was_lost_is_found_again_and_not_posted_twice(
    bare: Case, chat_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after the chat took the message and before that was written down."""
    connect(chat=("slack", SCHOOL, f"{chat_url}/slack/api/", "YM_TEST_SECRET"))
    alert(bare, "A-1")

    def die(*args: Any, **options: Any) -> str:
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_acknowledge", die)
        with pytest.raises(SystemExit):
            deliver()
    assert statuses() == {"A-1": "waiting"}
    assert len(messages(chat_url, "A-1")) == 1
    assert deliver() == {"sent": 1, "failed": 0, "later": 0}
    (message,) = messages(chat_url, "A-1")
    assert one(Alert, id="A-1").ts == message["ts"]


def test_a_process_that_dies_before_the_send_loses_nothing(
    bare: Case, chat_url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(chat=("slack", SCHOOL, f"{chat_url}/slack/api/", "YM_TEST_SECRET"))
    alert(bare, "A-9")

    async def die(*args: Any, **options: Any) -> dict[str, str]:
        raise SystemExit("killed")

    with monkeypatch.context() as patch:
        patch.setattr(SlackConnector, "post", die)
        with pytest.raises(SystemExit):
            deliver()
    assert messages(chat_url, "A-9") == []
    deliver()
    assert len(messages(chat_url, "A-9")) == 1


def test_a_reply_waits_for_its_message_and_an_update_edits_it(bare: Case, chat_url: str, connect: Connect) -> None:
    connect(chat=("slack", SCHOOL, f"{chat_url}/slack/api/", "YM_TEST_SECRET"))
    alert(bare, "A-2")
    put("AE-2", "chat.reply", None, alert_id="A-2", text="⬆️ still open")
    put("AR-2", "chat.update", None, alert_id="A-2", text="✅ settled")
    assert deliver()["sent"] == 3
    texts = {message["text"] for message in messages(chat_url, "A-2")}
    assert "✅ settled" in texts
    assert "⏳ waiting" not in texts


def test_what_follows_a_message_whose_words_were_kept_long_enough_is_said_all_the_same(
    bare: Case, script: Script, connect: Connect
) -> None:
    """The alert stood open so long that house-keeping has emptied its first message; others must not wait behind it."""
    connect(chat=("slack", SCHOOL, script.url, "YM_TEST_SECRET"))
    alert(bare, "A-9", ts="1.1", channel="C9")
    change(Outbox, "A-9", status="sent", sent_on=DAY, payload="{}")
    put("AR-9", "chat.update", None, alert_id="A-9", text="✅ settled")
    put("AS-9", "chat.reply", None, alert_id="A-9", text="⬆️ still open")
    script.keeps_saying({"ok": True, "ts": "1.1", "channel": "C9"})
    assert deliver() == {"sent": 2, "failed": 0, "later": 0}


def test_two_deliveries_at_once_post_one_message(both: Case, chat_url: str, connect: Connect) -> None:
    """The second waits for the first, and finds nothing left; on SQLite and on PostgreSQL."""
    connect(chat=("slack", SCHOOL, f"{chat_url}/slack/api/", "YM_TEST_SECRET"))
    key = f"A-{office().engine.dialect.name}"
    alert(both, key)

    async def twice() -> list[dict[str, int]]:
        return await asyncio.gather(deliver_outbox(DAY), deliver_outbox(DAY))

    outcomes = asyncio.run(twice())
    assert len(messages(chat_url, key)) == 1
    assert one(Alert, id=key).ts
    assert sum(outcome["later"] for outcome in outcomes) == 0


def test_two_deliveries_at_once_send_a_partner_one_thing(bare: Case, script: Script, connect: Connect) -> None:
    connect(finance=("partner", FINANCE, script.url, "YM_TEST_SECRET"))
    put("PM-1", "partner.payments", FINANCE)
    script.keeps_saying({})

    async def twice() -> None:
        await asyncio.gather(deliver_outbox(DAY), deliver_outbox(DAY))

    asyncio.run(twice())
    assert [asked.headers["idempotency-key"] for asked in script.asked] == ["PM-1"]
    assert statuses() == {"PM-1": "sent"}


def test_each_message_goes_to_the_chat_of_its_route_and_to_the_first_where_that_is_gone(
    bare: Case, chat_url: str, script: Script, connect: Connect
) -> None:
    connect(chat=("slack", SCHOOL, f"{chat_url}/slack/api/", "YM_TEST_SECRET"),
            other=("slack", SCHOOL, script.url, "YM_TEST_SECRET"))  # fmt: skip
    script.keeps_saying({"ok": True, "ts": "1.1", "channel": "C9"})
    put("AX-1", "chat.post", None, alert_id="AX-1", text="there", route="other")
    put("AX-2", "chat.post", None, alert_id="AX-2", text="here", route="gone")
    assert deliver()["sent"] == 2
    assert [asked.json["text"] for asked in script.asked] == ["there"]
    assert len(messages(chat_url, "AX-2")) == 1


def test_a_digest_is_remembered_by_all_the_alerts_it_speaks_of(bare: Case, chat_url: str, connect: Connect) -> None:
    connect(chat=("slack", SCHOOL, f"{chat_url}/slack/api/", "YM_TEST_SECRET"))
    for key in ("A-31", "A-32"):
        alert(bare, key, digest_id="AD-3")
    for key in ("A-31", "A-32"):  # they have no messages of their own
        change(Outbox, key, status="sent")
    put("AD-3", "chat.digest", None, alert_id="A-31", message_id="AD-3", text="📋 two")
    put("AE-3", "chat.reply", None, alert_id="A-32", message_id="AD-3", text="⬆️ one of them")
    put("AU-3-00001", "chat.update", None, alert_id="A-32", message_id="AD-3", text="📋 one", revision=1)
    change(Alert, "A-32", revision=1)
    assert deliver() == {"sent": 3, "failed": 0, "later": 0}
    (message,) = messages(chat_url, "AD-3")
    assert message["text"] == "📋 one"
    assert {one(Alert, id=key).ts for key in ("A-31", "A-32")} == {message["ts"]}
    assert len(messages(chat_url, "AE-3")) == 1


def test_words_that_were_overtaken_while_they_waited_are_not_said(bare: Case, script: Script, connect: Connect) -> None:
    """Of three edits only the newest goes out, in whatever order they are tried."""
    connect(chat=("slack", SCHOOL, script.url, "YM_TEST_SECRET"))
    alert(bare, "A-4", revision=3)
    for revision in (3, 1, 2):
        put(
            f"AU-{revision}",
            "chat.update",
            None,
            alert_id="A-4",
            message_id="A-4",
            text=f"v{revision}",
            revision=revision,
        )
    script.keeps_saying({"ok": True, "ts": "1.1", "channel": "C9"})
    assert deliver() == {"sent": 4, "failed": 0, "later": 0}
    assert [asked.json["text"] for asked in script.asked] == ["⏳ waiting", "v3"]


def test_a_message_whose_blocks_the_chat_will_not_have_is_said_in_bare_words(
    bare: Case, script: Script, connect: Connect
) -> None:
    connect(chat=("slack", SCHOOL, script.url, "YM_TEST_SECRET"))
    put("AX-5", "chat.post", None, alert_id="AX-5", text="words", blocks=[{"type": "section"}])
    script.follows(lambda asked: Reply({"ok": False, "error": "invalid_blocks"} if "blocks" in asked.json else
                                       {"ok": True, "ts": "1.1", "channel": "C9"}))  # fmt: skip
    assert deliver() == {"sent": 1, "failed": 0, "later": 0}
    assert [("blocks" in asked.json) for asked in script.asked] == [True, False]


def test_a_chat_that_is_away_delays_every_message_loses_none_and_is_noted_as_silent(
    bare: Case, script: Script, connect: Connect
) -> None:
    """It is left alone after three messages; when it is back everything is said, in order, and once."""
    connect(chat=("slack", SCHOOL, script.url, "YM_TEST_SECRET"))
    for n in range(6):
        put(f"AX-6{n}", "chat.post", None, alert_id=f"AX-6{n}", text=f"{n}")
    script.keeps_saying(Reply({}, 503))
    assert deliver() == {"sent": 0, "failed": 0, "later": 6}
    assert one(ChatHealth).failures == 1
    assert {asked.json.get("text") for asked in script.asked} == {"0", "1", "2"}
    before = len(script.asked)
    script.follows(lambda asked: Reply({"ok": True, "messages": []} if asked.path.endswith("history") else
                                       {"ok": True, "ts": "1.1", "channel": "C9"}))  # fmt: skip
    assert deliver() == {"sent": 6, "failed": 0, "later": 0}
    said = [asked.json["text"] for asked in script.asked[before:] if asked.path.endswith("postMessage")]
    assert said == ["0", "1", "2", "3", "4", "5"]
    assert one(ChatHealth).failures == 0


def test_a_chat_without_edits_hears_of_the_end_and_not_of_every_change(
    bare: Case, script: Script, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YM_TEST_ADDRESS", script.url.replace("http://", "json://"))
    robot = Connection(name="robot", kind="apprise", organisation=SCHOOL, auth={"url_env": "YM_TEST_ADDRESS"},
                       options={"seconds_between": 0})  # fmt: skip
    here = office()
    use_office(Office(here.settings.model_copy(update={"connections": (robot,)}), here.engine, here.policies))
    script.keeps_saying({})
    alert(bare, "A-7")
    assert deliver()["sent"] == 1
    for revision, text, quiet in ((1, "⏳ fewer", True), (2, "✅ settled", False)):
        change(Alert, "A-7", revision=revision)
        put(f"AU-7-{revision}", "chat.update", None, alert_id="A-7", text=text, revision=revision, quiet=quiet)
        assert deliver()["sent"] == 1
    put("AE-7", "chat.reply", None, alert_id="A-7", text="⬆️ still open")
    assert deliver()["sent"] == 1
    assert [asked.json["message"] for asked in script.asked] == ["⏳ waiting", "✅ settled", "⏳ waiting\n⬆️ still open"]
