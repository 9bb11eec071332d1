"""A pressed button comes back from Slack: only what is signed, fresh, whole and by one who may press is taken."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.base import Connection
from connectors.errors import OutsideError, Permanent
from connectors.slack_callback import (
    ACTIONS,
    BODY_CAP,
    SIGNATURE,
    TIMESTAMP,
    Malformed,
    Press,
    Unproven,
    read_press,
    signature_of,
    signing_secret_of,
)

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
NOW = datetime(2026, 5, 26, 1, 30, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
FORM = "application/x-www-form-urlencoded"
CHAT = Connection(name="chat", kind="slack", organisation="X", base_url="https://slack.example/api/",
                  options={"channel": "C1", "team": "T0HOME0001"})  # fmt: skip


def payload(**changes: Any) -> dict[str, Any]:
    """What Slack tells of a pressed button, with some of it changed."""
    whole = {
        "type": "block_actions",
        "user": {"id": "U123ABC", "username": "zhang", "team_id": "T0HOME0001"},
        "team": {"id": "T0HOME0001", "domain": "union"},
        "container": {"type": "message", "message_ts": "1.2", "channel_id": "C1"},
        "trigger_id": "1.T.x",
        "actions": [{"type": "button", "action_id": "acknowledge", "value": "A-ABCDEFGHIJKL",
                     "action_ts": "1779759000.123456", "block_id": "b1"}],
    }  # fmt: skip
    return {**whole, **changes}


def button(**changes: Any) -> list[dict[str, Any]]:
    """The one action of a payload, with some of it changed."""
    return [{**payload()["actions"][0], **changes}]


def form(whole: Any) -> bytes:
    """The form Slack sends."""
    return urlencode({"payload": orjson.dumps(whole).decode()}).encode()


def headers(body: bytes, stamp: str = STAMP, secret: str = SECRET, kind: str = FORM) -> dict[str, str]:
    """The headers Slack signs a body with."""
    return {TIMESTAMP: stamp, SIGNATURE: signature_of(secret, stamp, body), "content-type": kind}


def read(body: bytes, chat: Connection = CHAT, **options: Any) -> Press:
    """Read a body that is signed as it should be."""
    return read_press(chat, SECRET, headers(body, **options), body, NOW)


def with_options(**options: Any) -> Connection:
    """The chat with these options."""
    return CHAT.model_copy(update={"options": options})


GENUINE = form(payload())


# --- what is taken ----------------------------------------------------------------------------------------------


def test_the_signature_is_the_one_of_slacks_own_example() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
        b"47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert signature_of(SECRET, "1531420618", body) == expected


def test_slacks_own_verifier_agrees() -> None:
    from slack_sdk.signature import SignatureVerifier

    assert SignatureVerifier(SECRET).generate_signature(timestamp=STAMP, body=GENUINE) == headers(GENUINE)[SIGNATURE]


@pytest.mark.parametrize("action", ACTIONS)
def test_a_press_says_which_alert_which_button_who_and_when(action: str) -> None:
    press = read(form(payload(actions=button(action_id=action))))
    assert (press.alert_id, press.action, press.actor) == ("A-ABCDEFGHIJKL", action, "slack:U123ABC")
    assert press.pressed_at == datetime.fromtimestamp(1779759000, UTC) + timedelta(microseconds=123456)


def test_the_same_press_has_the_same_key_and_another_has_another() -> None:
    first, again = read(GENUINE), read(form(payload(trigger_id="2.T.y")))
    assert first == again
    others = [
        read(form(payload(actions=button(action_ts="1779759000.123457")))),
        read(form(payload(actions=button(action_id="snooze")))),
        read(form(payload(actions=button(value="A-OTHER")))),
        read(form(payload(user={"id": "U999XYZ", "team_id": "T0HOME0001"}))),
    ]
    assert len({one.key for one in (first, *others)}) == 5


@pytest.mark.parametrize("seconds", [-300, -1, 0, 1, 300])
def test_five_minutes_either_way_are_fresh(seconds: int) -> None:
    assert read(GENUINE, stamp=str(int(STAMP) + seconds))


# --- who may press ----------------------------------------------------------------------------------------------


def test_where_nobody_is_named_everybody_of_the_workspace_may_press() -> None:
    assert read(GENUINE)
    with pytest.raises(Unproven, match="another workspace"):
        read(form(payload(team={"id": "T0OTHER001"}, user={"id": "U123ABC", "team_id": "T0OTHER001"})))


def test_a_guest_of_another_company_in_a_shared_channel_may_not_press() -> None:
    with pytest.raises(Unproven, match="another workspace"):
        read(form(payload(user={"id": "U123ABC", "team_id": "T0OTHER001"})))


def test_one_who_is_not_among_those_allowed_may_not_press() -> None:
    chat = with_options(team="T0HOME0001", allowed_people=["U123ABC"])
    assert read(GENUINE, chat)
    with pytest.raises(Unproven, match="allowed_people"):
        read(form(payload(user={"id": "U999XYZ", "team_id": "T0HOME0001"})), chat)


def test_without_a_workspace_and_without_people_nobody_may_press() -> None:
    with pytest.raises(Unproven):
        read(GENUINE, with_options())
    with pytest.raises(Unproven):
        read(form(payload(team=None, user={"id": "U123ABC"})), with_options())
    assert read(GENUINE, with_options(allowed_people=["U123ABC"]))


def test_people_allowed_as_one_text_allow_nobody() -> None:
    """A text holds each of its parts, and U1 stands in U123."""
    with pytest.raises(Unproven):
        read(GENUINE, with_options(allowed_people="U123ABC"))


# --- what is not from Slack, or not now ---------------------------------------------------------------------------


@pytest.mark.parametrize("stamp", [str(int(STAMP) + 301), str(int(STAMP) - 301), "0", "999999999999"])
def test_what_was_sent_longer_ago_is_refused_though_it_is_signed(stamp: str) -> None:
    with pytest.raises(Unproven, match="five minutes"):
        read(GENUINE, stamp=stamp)


@pytest.mark.parametrize(
    "stamp", ["", "now", "-1", "1e9", f"{STAMP}.0", f" {STAMP}", f"{STAMP}\n", "１７７９７５９０００", "9" * 13]
)
def test_a_time_that_is_none_is_refused(stamp: str) -> None:
    with pytest.raises(Unproven):
        read(GENUINE, stamp=stamp)


def test_another_secret_or_none_opens_nothing() -> None:
    for secret in ("other", SECRET.upper()):
        with pytest.raises(Unproven, match="signature"):
            read(GENUINE, secret=secret)
    with pytest.raises(Unproven):
        read_press(CHAT, "", headers(GENUINE, secret=""), GENUINE, NOW)


@pytest.mark.parametrize("given", ["", "v0=", "v1=" + "0" * 64, "v0=" + "0" * 64, "é" * 67, "\ud800"])
def test_a_signature_that_is_none_is_refused_and_breaks_nothing(given: str) -> None:
    with pytest.raises(Unproven):
        read_press(CHAT, SECRET, {**headers(GENUINE), SIGNATURE: given}, GENUINE, NOW)


def test_headers_that_are_missing_are_refused() -> None:
    for missing in (SIGNATURE, TIMESTAMP):
        with pytest.raises(Unproven):
            read_press(CHAT, SECRET, {n: v for n, v in headers(GENUINE).items() if n != missing}, GENUINE, NOW)


@given(place=st.integers(0, len(GENUINE) - 1), byte=st.integers(1, 255))
def test_any_byte_of_the_body_that_changes_is_refused(place: int, byte: int) -> None:
    changed = bytearray(GENUINE)
    changed[place] ^= byte
    with pytest.raises(Unproven, match="signature"):
        read_press(CHAT, SECRET, headers(GENUINE), bytes(changed), NOW)


@given(place=st.integers(0, 66), letter=st.characters(max_codepoint=255))
def test_any_letter_of_the_signature_that_changes_is_refused(place: int, letter: str) -> None:
    good = headers(GENUINE)
    changed = good[SIGNATURE][:place] + letter + good[SIGNATURE][place + 1 :]
    if changed == good[SIGNATURE]:
        assert read_press(CHAT, SECRET, good, GENUINE, NOW)
        return
    with pytest.raises(Unproven, match="signature"):
        read_press(CHAT, SECRET, {**good, SIGNATURE: changed}, GENUINE, NOW)


@given(place=st.integers(0, len(STAMP) - 1), letter=st.characters(max_codepoint=255))
def test_any_digit_of_the_time_that_changes_is_refused(place: int, letter: str) -> None:
    changed = STAMP[:place] + letter + STAMP[place + 1 :]
    if changed == STAMP:
        return
    with pytest.raises(Unproven):
        read_press(CHAT, SECRET, {**headers(GENUINE), TIMESTAMP: changed}, GENUINE, NOW)


@given(cut=st.integers(0, len(GENUINE) - 1), more=st.binary(min_size=1, max_size=20))
def test_a_body_cut_short_or_drawn_out_is_refused(cut: int, more: bytes) -> None:
    for changed in (GENUINE[:cut], GENUINE + more):
        with pytest.raises(Unproven, match="signature"):
            read_press(CHAT, SECRET, headers(GENUINE), changed, NOW)


# --- what Slack would not send, though it is signed ---------------------------------------------------------------

WRONG: dict[str, Any] = {
    "no JSON object": [],
    "another type": payload(type="view_submission"),
    "no type": payload(type=None),
    "nobody": payload(user=None),
    "a user of another form": payload(user={"id": "<!channel>", "team_id": "T0HOME0001"}),
    "a user that is a list": payload(user={"id": ["U123ABC"], "team_id": "T0HOME0001"}),
    "a team of another form": payload(team={"id": {"$ne": 1}}),
    "no action": payload(actions=[]),
    "actions that are none": payload(actions={"0": button()[0]}),
    "an action that is a text": payload(actions=["acknowledge"]),
    "two actions": payload(actions=button() * 2),
    "an action that is none of ours": payload(actions=button(action_id="drop_tables")),
    "an action that is a list": payload(actions=button(action_id=["retry"])),
    "no alert": payload(actions=button(value=None)),
    "an alert with a nothing in it": payload(actions=button(value="A-\x00")),
    "an alert of endless length": payload(actions=button(value="A" * 65)),
    "an alert with a line behind it": payload(actions=button(value="A-ABC\n")),
    "no moment": payload(actions=button(action_ts=None)),
    "a moment that is a number": payload(actions=button(action_ts=1779759000.1)),
    "a moment in no century": payload(actions=button(action_ts="9" * 300 + ".1")),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_slack_would_not_send_is_refused(what: str) -> None:
    with pytest.raises(Malformed):
        read(form(WRONG[what]))


@pytest.mark.parametrize("body", [
    b"", b"payload", b"payload=", b"payload=%7B", b"other=%7B%7D", GENUINE + b"&" + GENUINE, b"payload=\xff\xfe",
    b"payload=" + b"%5B" * 5000, b"payload=NaN", b"payload=%ff", b'payload=%22%5Cud800%22', b"&" * 50,
])  # fmt: skip
def test_a_body_that_is_no_form_of_slacks_is_refused(body: bytes) -> None:
    with pytest.raises(Malformed):
        read(body)


@pytest.mark.parametrize("kind", ["", "application/json", "text/plain", "multipart/form-data; boundary=x"])
def test_another_kind_of_content_is_refused(kind: str) -> None:
    with pytest.raises(Malformed, match="no form"):
        read(GENUINE, kind=kind)


def test_a_content_type_with_its_letters_named_is_the_same() -> None:
    assert read(GENUINE, kind="Application/X-WWW-Form-Urlencoded; charset=utf-8")


def test_a_body_larger_than_slacks_is_refused_before_it_is_looked_at() -> None:
    with pytest.raises(Malformed, match="larger"):
        read_press(CHAT, SECRET, {}, b"x" * (BODY_CAP + 1), NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=6,
)  # fmt: skip


@given(changes=st.dictionaries(st.sampled_from(["type", "user", "team", "actions"]), json_values, min_size=1))
def test_whatever_json_stands_in_it_nothing_but_a_refusal_comes_of_it(changes: dict[str, Any]) -> None:
    whole = payload(**changes)
    if whole == payload():
        return
    try:
        press = read(form(whole))
    except (Malformed, Unproven):
        return
    assert press == read(GENUINE), "only what does not matter was changed"


# --- secrets ------------------------------------------------------------------------------------------------------


def test_no_refusal_quotes_the_secret_or_what_was_sent() -> None:
    said: list[str] = []
    attempts: list[tuple[dict[str, str], bytes]] = [
        (headers(GENUINE, secret="x"), GENUINE), (headers(GENUINE, stamp="1"), GENUINE),
        *((headers(form(one)), form(one)) for one in WRONG.values()),
    ]  # fmt: skip
    for given_headers, body in attempts:
        with pytest.raises(OutsideError) as caught:
            read_press(CHAT, SECRET, given_headers, body, NOW)
        said.append(repr(caught.value) + str(caught.value) + repr(caught.value.__cause__))
    for told in said:
        assert SECRET not in told
        assert "v0=" not in told
        assert "drop_tables" not in told
        assert told.count("chat") >= 1


def test_the_secret_comes_from_where_the_auth_says(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = CHAT.model_copy(update={"auth": {"type": "bearer", "signing_secret_env": "YM_TEST_SIGNING"}})
    with pytest.raises(Permanent, match="YM_TEST_SIGNING is not set"):
        signing_secret_of(chat)
    monkeypatch.setenv("YM_TEST_SIGNING", "  ")
    with pytest.raises(Permanent, match="is empty"):
        signing_secret_of(chat)
    monkeypatch.setenv("YM_TEST_SIGNING", f"{SECRET}\n")
    assert signing_secret_of(chat) == SECRET
    with pytest.raises(Permanent, match="names no signing_secret"):
        signing_secret_of(CHAT)
