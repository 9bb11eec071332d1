"""What of the alerts is put into the outbox: first words, follow-ups in the thread, edits, digests.

Belongs here: which message says it, and its key. Does not: when something is said (rules/alerts.py), the words
(messages.py, digests.py), or sending (outbox.py). A key is made of what is said, so that nothing is put in twice.
"""

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlmodel import Session

from models.clock import SHANGHAI
from models.identity import make_id
from models.repositories.alerts import digest_members, told_since
from models.repositories.common import add_missing, grouped
from models.repositories.organisations import organisation_names, projects_of
from models.rules.alerts import DIGEST_WINDOW, Saying, Standing, gathered, weekly_day, what_to_say
from models.rules.lifecycle import ALL_KINDS
from models.rules.stalls import Stall, limits_of
from models.tables.lifecycle import Alert
from models.tables.operations import Outbox
from tasks.digests import digest_lines, follow_up_lines, lines_blocks, lines_text, weekly_lines
from tasks.messages import Message, escalated_text, message_blocks, message_text, reminded_text
from tasks.office import office
from tasks.routing import route_of


class Teller:
    """One turn of telling: the session, the business date and the instant, and what is looked up once."""

    def __init__(self, session: Session, today: date, at: datetime) -> None:
        """Begin a turn."""
        self.session, self.today, self.at = session, today, at
        self.language = office().settings.language
        self._names: dict[str, str] = {}

    @cached_property
    def awake(self) -> bool:
        """Whether what is not urgent may be told now."""
        return office().settings.quiet.hours.awake(self.at.astimezone(SHANGHAI), office().calendar)

    def saying(self, alert: Alert) -> Saying:
        """What is to be said of an alert."""
        standing = Standing(
            open=alert.status == "open", level=alert.level, people=alert.people, severity=alert.severity,
            told_level=alert.told_level, told_people=alert.told_people, posted=alert.told_at is not None,
            held_until=alert.held_until, snoozed_until=alert.snoozed_until,
        )  # fmt: skip
        return what_to_say(standing, self.today, self.awake)

    def messages(self, alerts: Sequence[Alert]) -> list[Message]:
        """What each alert has to say."""
        missing = {one.holder_code for one in alerts if one.holder_code} - self._names.keys()
        if missing:
            self._names |= organisation_names(self.session, [code for code in missing if code])
        return [self._message(alert) for alert in alerts]

    def _message(self, alert: Alert) -> Message:
        kind, limits = ALL_KINDS[alert.kind], limits_of(alert.kind, office().policy(self.today))
        told = limits[min(max(alert.level, 1), len(limits)) - 1].holder if limits else alert.holder
        return Message(
            alert_id=alert.id, kind=alert.kind, cohort=alert.cohort_code or "", chinese=kind.chinese, what=kind.what,
            subject=alert.subject, holder=self._names.get(alert.holder_code or "", ""), role=alert.holder, whom=told,
            people=alert.people, since=alert.since, due=alert.due_on, today=self.today, language=self.language,
            resolved_on=alert.resolved_on, acknowledged_by=alert.acknowledged_by,
            acknowledged_on=alert.acknowledged_on, snoozed_until=alert.snoozed_until,
        )  # fmt: skip

    def say(self, kind: str, key: str, message_id: str, alert: Alert, text: str, **more: Any) -> None:
        """Put a message, a reply or an edit into the outbox, once for its key."""
        payload = {"message_id": message_id, "alert_id": alert.id, "route": alert.route, "text": text, **more}
        shared = alert.digest_id == message_id
        add_missing(self.session, Outbox(
            id=key, kind=kind, organisation_code=None if shared else alert.holder_code,
            subject="" if shared else alert.cohort_code or "", created_on=self.today,
            payload=json.dumps(payload, ensure_ascii=False, sort_keys=True),
        ))  # fmt: skip


def tell(session: Session, alerts: Sequence[Alert], today: date, at: datetime) -> int:
    """Put what is to be said of these alerts now into the outbox; give of how many it is held back."""
    teller = Teller(session, today, at)
    sayings = grouped(alerts, teller.saying)
    for route, new in grouped(sayings["post"], lambda alert: route_of(alert, session)).items():
        _post(teller, route, new)
    for alert in sayings["reopen"]:
        alert.told_level = 1  # a further level is said in the thread again
    loud = [*sayings["reopen"], *sayings["resolve"]]
    _edit(teller, [*loud, *sayings["refresh"]], loud)
    again = [alert for alert in sayings["reopen"] if alert.level > 1]
    _follow_up(teller, [*sayings["escalate"], *again])
    _remind(teller, sayings["remind"])
    return len(sayings["hold"])


def restate(session: Session, alert: Alert, today: date, at: datetime) -> None:
    """Put an edit of an alert's message into the outbox, in the words of now: somebody took note of it, or put it off."""
    session.flush()
    if alert.told_level:
        _edit(Teller(session, today, at), [alert])


def _post(teller: Teller, route: str, new: list[Alert]) -> None:
    """Tell of new alerts, one message each or in digests where they are many."""
    lately = told_since(teller.session, teller.at - DIGEST_WINDOW).get(route, 0)
    names = {message.alert_id: message.holder for message in teller.messages(new)}  # asked for before anything changes
    for alert in new:
        alert.route, alert.told_at, alert.told_level, alert.told_people = route, teller.at, alert.level, alert.people
    for together in gathered(sorted(new, key=lambda one: (names[one.id], one.since, one.id)), lately):
        if len(together) == 1:
            (message,) = teller.messages(together)
            teller.say("chat.post", together[0].id, together[0].id, together[0], message_text(message),
                       blocks=message_blocks(message))  # fmt: skip
        else:
            _post_digest(teller, together)


def _post_digest(teller: Teller, together: Sequence[Alert]) -> None:
    key = make_id("AD", *(alert.id for alert in together))
    for alert in together:
        alert.digest_id = key
    lines = digest_lines(teller.messages(together))
    teller.say("chat.digest", key, key, together[0], lines_text(lines), blocks=lines_blocks(lines))
    teller.session.flush()


def message_id(alert: Alert) -> str:
    """The key of the message that speaks of an alert: its own, or the digest's."""
    return alert.digest_id or alert.id


def _edit(teller: Teller, changed: Sequence[Alert], loud: Sequence[Alert] = ()) -> None:
    """Put the words of now into the messages of these alerts; each is edited once, whatever changed in it.

    A chat without edits hears only of the `loud` ones: those that are over, or open again.
    """
    for alert in changed:
        alert.told_people = alert.people
        alert.told_level = 0 if alert.status == "resolved" else alert.told_level
        alert.revision += 1
    teller.session.flush()
    heard = {message_id(alert) for alert in loud}
    members = digest_members(teller.session, [alert.digest_id for alert in changed if alert.digest_id])
    for key, alerts in grouped(changed, message_id).items():
        spoken = members.get(key, alerts)
        revision = sum(alert.revision for alert in spoken)
        text, blocks = _words(teller, spoken, shared=key in members)
        teller.say("chat.update", f"{make_id('AU', key)}-{revision:05d}", key, alerts[0], text, blocks=blocks,
                   revision=revision, quiet=key not in heard)  # fmt: skip


def _words(teller: Teller, spoken: Sequence[Alert], shared: bool) -> tuple[str, list[dict[str, Any]]]:
    messages = teller.messages(spoken)
    if shared:
        lines = digest_lines(messages)
        return lines_text(lines), lines_blocks(lines)
    return message_text(messages[0]), message_blocks(messages[0])


def _follow_up(teller: Teller, further: list[Alert]) -> None:
    """Say in the thread that an alert reached a further level; one reply for all of one digest."""
    for alert in further:
        alert.told_level = alert.level
        alert.snoozed_until = None  # a further level ends it
    for key, alerts in grouped(further, message_id).items():
        said = make_id("AE", key, *(f"{one.id}:{one.openings}:{one.level}" for one in alerts))
        messages = teller.messages(alerts)
        shared = alerts[0].digest_id is not None
        text = lines_text(follow_up_lines(messages)) if shared else escalated_text(messages[0])
        teller.say("chat.reply", said, key, alerts[0], text)


def _remind(teller: Teller, snoozed: list[Alert]) -> None:
    for alert in snoozed:
        (message,) = teller.messages([alert])
        said = make_id("AS", alert.id, alert.snoozed_until)
        teller.say("chat.reply", said, message_id(alert), alert, reminded_text(message))
        alert.snoozed_until = None


def tell_weekly(session: Session, still_open: Sequence[Alert], today: date, at: datetime) -> None:
    """Once a week, tell each project what holds it up: on the first working day, by the first watch in its hours.

    What opened only today has just been told, and what is held back is not told here either.
    """
    teller = Teller(session, today, at)
    if not (teller.awake and weekly_day(today, office().calendar)):
        return
    older = [alert for alert in still_open if alert.cohort_code and alert.told_level and alert.raised_on < today]
    projects = projects_of(session, {alert.cohort_code for alert in older if alert.cohort_code})
    told = grouped(older, lambda alert: projects[alert.cohort_code or ""])
    monday = today - timedelta(days=today.weekday())
    for (code, name), alerts in sorted(told.items()):
        _week(teller, make_id("AW", code, monday), name, alerts)


def _week(teller: Teller, key: str, project: str, alerts: list[Alert]) -> None:
    lines = weekly_lines(project, teller.messages(alerts), teller.today)
    first = alerts[0]
    route = route_of(Stall(kind=first.kind, holder="coordinator", level=0, since=teller.today, due_on=None,
                           cohort_code=first.cohort_code or ""), teller.session)  # fmt: skip
    payload = {"message_id": key, "route": route, "text": lines_text(lines), "blocks": lines_blocks(lines)}
    add_missing(teller.session, Outbox(
        id=key, kind="chat.weekly", subject="", created_on=teller.today,
        payload=json.dumps(payload, ensure_ascii=False, sort_keys=True),
    ))  # fmt: skip
