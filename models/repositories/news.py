"""Queries about news: what a transaction wrote or removed, which cohorts that concerns, and how each was looked at.

Belongs here: which rows are news to whom, noting it, sorting it by cohort. Does not: when a night looks (tasks/news.py).
News is noted in the transaction that makes it, and what it makes of cohorts goes in the transaction that looks at them.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any

from sqlalchemy import delete, insert, inspect, select
from sqlalchemy import exists as sa_exists
from sqlmodel import Session, SQLModel, col, func, or_

from models.repositories import reported
from models.repositories.common import CHUNK
from models.repositories.organisations import under_way
from models.repositories.reported import one_of_many, table_of
from models.tables import credentials, funding, lifecycle, organisations, people, teaching
from models.tables.base import Table
from models.tables.news import CohortNews, Look, News, drawn_id

Found = dict[str, set[str]]
AT_ONCE = 50_000  # keys that are sorted together
NEWS_TABLES = (News, CohortNews, Look)

# What a row is news to: a kind of key and the column that holds it. Every table that advancing a cohort reads stands
# here; a test holds that. What the row said before concerns somebody as well as what it says now.
WATCHED: Mapping[type[SQLModel], tuple[tuple[str, str], ...]] = {
    # what is reported
    people.Employment: (("worker", "worker_id"),),
    teaching.Term: (("term", "id"),),
    teaching.Course: (("course", "id"),),
    teaching.ClassSection: (("class", "id"),),
    teaching.ClassConfirmation: (("class", "class_id"),),
    teaching.Session: (("class", "class_id"),),
    teaching.LineItem: (("class", "class_id"),),
    teaching.Learner: (("number", "student_number"),),
    teaching.Enrolment: (("learner", "learner_id"),),
    teaching.Mark: (("learner", "learner_id"),),
    teaching.Attendance: (("number", "student_number"),),
    teaching.OnlineStudy: (("number", "student_number"),),
    # what is known of a worker
    people.Worker: (("worker", "id"),),
    people.Consent: (("worker", "worker_id"),),
    people.Document: (("worker", "worker_id"),),
    people.Leave: (("worker", "worker_id"),),
    credentials.Outcome: (("worker", "worker_id"),),
    # a participant's way, and what others answer
    people.Participant: (("cohort", "cohort_code"), ("freed", "student_number"), ("given", "student_number")),
    people.Nomination: (("cohort", "cohort_code"),),
    lifecycle.DecisionRequest: (("cohort", "cohort_code"),),
    lifecycle.Step: (("cohort", "cohort_code"),),
    lifecycle.Wait: (("cohort", "cohort_code"),),
    lifecycle.Notice: (("cohort", "cohort_code"),),
    lifecycle.NoticeEntry: (("participant", "participant_id"),),
    lifecycle.Objection: (("participant", "participant_id"),),
    lifecycle.Application: (("participant", "participant_id"),),
    lifecycle.Graduation: (("participant", "participant_id"),),
    credentials.SkillAssessment: (("participant", "participant_id"),),
    credentials.Recognition: (("participant", "participant_id"),),
    credentials.Certificate: (("participant", "participant_id"),),
    teaching.ModuleTaken: (("participant", "participant_id"),),
    # money
    funding.FundingSource: (("cohort", "cohort_code"),),
    funding.Award: (("participant", "participant_id"),),
    funding.LedgerLine: (("participant", "participant_id"),),
    funding.Payment: (("award", "award_id"),),
    # the plan
    organisations.Cohort: (("cohort", "code"),),
    organisations.Programme: (("programme", "id"),),
    organisations.Module: (("programme", "programme_id"),),
}
# Noted by a look too, and only where a row has changed: a number is news to other cohorts once it is free, and to its own
# when it is given, since what was told of it until then was sorted while nobody had it.
BY_CHANGE = {"freed": "deleted", "given": "added"}


# --- noting ---------------------------------------------------------------------------------------------------


def note(session: Session, found: Mapping[str, Collection[str]]) -> None:
    """Note keys of each kind, within the caller's transaction."""
    rows = [{"id": drawn_id(), "kind": kind, "keys": json.dumps(sorted(keys))} for kind, keys in found.items() if keys]
    if rows:
        session.connection().execute(insert(table_of(News)), rows)


def note_written(
    session: Session, table: type[Table], columns: Sequence[str], rows: Sequence[Sequence[Any]], stood: Collection[Any]
) -> None:
    """Note rows that are about to be written in bulk; `stood` are the keys of those among them that replace another."""
    found = {kind: {row[columns.index(name)] for row in rows} for kind, name in WATCHED.get(table, ())}
    _add_standing(session, table, stood, found)
    note(session, {kind: keys - {None} for kind, keys in found.items()})


def remove(session: Session, table: type[Table], keys: Sequence[Any]) -> None:
    """Delete rows by their keys, which is news to whom they concerned."""
    names = [one.name for one in table_of(table).primary_key]
    found = {kind: {key[names.index(name)] for key in keys} for kind, name in WATCHED.get(table, ()) if name in names}
    _add_standing(session, table, keys, found)
    note(session, found)
    reported.remove(session, table, keys)


def _add_standing(session: Session, table: type[SQLModel], keys: Collection[Any], found: Found) -> None:
    """Add what rows say before they are replaced or removed; what is in their key they say afterwards too."""
    rows = table_of(table)
    columns = [(kind, rows.c[name]) for kind, name in WATCHED.get(table, ()) if not rows.c[name].primary_key]
    for some in _batched({key[0] for key in keys} if columns else set()):
        asked = one_of_many(session, next(iter(rows.primary_key)), some)
        for kind, column in columns:
            query = select(column).distinct().where(asked, column.is_not(None))
            found.setdefault(kind, set()).update(session.connection().execute(query).scalars())


def gather(session: Session, *_: Any) -> None:
    """After a flush: keep in mind what it wrote, for `note_gathered`; and whether it wrote anything of the programme."""
    written = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
    for row in written:
        if type(row) in NEWS_TABLES:
            continue
        session.info["wrote"] = True
        for kind, name in WATCHED.get(type(row), ()):
            session.info.setdefault("news", defaultdict(set))[kind].update(_said(row, name, kind))


def _said(row: SQLModel, name: str, kind: str) -> Iterator[str]:
    """What a row says in a column and what it said there before; a number is freed by who had it, given to who has it."""
    history = inspect(row, raiseerr=True).attrs[name].history
    values = getattr(history, BY_CHANGE[kind]) if kind in BY_CHANGE else [*history.deleted, getattr(row, name)]
    return (str(value) for value in values or () if value is not None)


def note_gathered(session: Session) -> None:
    """Note what the flushes of a transaction wrote; who looks at a cohort notes only numbers freed and given."""
    session.flush()
    found: Found = session.info.pop("news", {})
    looking = session.info.get("looking", False)
    note(session, {kind: keys for kind, keys in found.items() if not looking or kind in BY_CHANGE})


# --- sorting --------------------------------------------------------------------------------------------------


def sort_by_cohort(session: Session) -> None:
    """Turn all that was noted into news of cohorts; what concerns no cohort that is under way is let go."""
    ids: list[str] = []
    concerned: set[str] = set()
    for found, some in _noted(session):
        ids += some
        for kind, keys in found.items():
            concerned |= _cohorts_of(session, kind, keys)
    if not ids:
        return
    concerned &= set(session.connection().execute(under_way()).scalars())
    if concerned:
        session.connection().execute(
            insert(table_of(CohortNews)), [{"id": drawn_id(), "cohort_code": code} for code in sorted(concerned)]
        )
    _delete(session, News, ids)


def _noted(session: Session) -> Iterator[tuple[Found, list[str]]]:
    """What was noted, so many keys at a time, with the rows it stands in."""
    found, ids, number = defaultdict(set), list[str](), 0
    news = table_of(News)
    for row in session.connection().execute(select(news.c.id, news.c.kind, news.c["keys"]).order_by(news.c.id)).all():
        keys = json.loads(row[2])
        found[row.kind].update(keys)
        ids.append(row.id)
        number += len(keys)
        if number >= AT_ONCE:
            yield found, ids
            found, ids, number = defaultdict(set), [], 0
    if ids:
        yield found, ids


def _cohorts_of(session: Session, kind: str, keys: set[str]) -> set[str]:
    """The cohorts that keys of a kind concern."""
    if kind == "cohort":
        return keys
    column, joined = _paths()[kind]
    query = joined.where(one_of_many(session, column, keys))
    return set(session.connection().execute(query).scalars())


def _paths() -> dict[str, tuple[Any, Any]]:
    """By kind: the column that holds its keys, and the way from there to the cohorts' codes."""
    participants, cohorts = table_of(people.Participant), table_of(organisations.Cohort)
    learners, enrolments = table_of(teaching.Learner), table_of(teaching.Enrolment)
    classes, awards = table_of(teaching.ClassSection), table_of(funding.Award)
    applications = table_of(lifecycle.Application)
    codes = select(participants.c.cohort_code).distinct()
    of_learners = learners.join(participants, participants.c.student_number == learners.c.student_number)
    of_classes = enrolments.join(of_learners, enrolments.c.learner_id == learners.c.id)
    of_terms = classes.join(of_classes, enrolments.c.class_id == classes.c.id)
    return {
        "participant": (participants.c.id, codes),
        "worker": (participants.c.worker_id, codes),
        "number": (participants.c.student_number, codes),
        "learner": (learners.c.id, codes.select_from(of_learners)),
        "class": (enrolments.c.class_id, codes.select_from(of_classes)),
        "course": (classes.c.course_id, codes.select_from(of_terms)),
        "term": (classes.c.term_id, codes.select_from(of_terms)),
        "award": (awards.c.id, codes.select_from(awards.join(participants))),
        "given": (participants.c.student_number, codes),
        "freed": (applications.c.student_number, codes.select_from(applications.join(participants))),
        "programme": (cohorts.c.programme_id, select(cohorts.c.code)),
    }


def _delete(session: Session, table: type[Table], ids: Collection[str]) -> None:
    found = table_of(table)
    for some in _batched(ids, CHUNK):
        session.connection().execute(delete(found).where(found.c.id.in_(some)))


def _batched(keys: Iterable[Any], size: int = AT_ONCE) -> Iterator[list[Any]]:
    each = iter(keys)
    while some := list(islice(each, size)):
        yield some


# --- looking --------------------------------------------------------------------------------------------------


def to_be_looked_at(session: Session, today: date, rules: str) -> dict[str, bool]:
    """Give the cohorts under way that are to be looked at on a day, in order, and whether by their round alone.

    Looked at are those with news, those never looked at or under other rules, those whose day has come, and whoever was
    looked at on a later day than this one: what was decided then may not hold.
    """
    look, code = table_of(Look), table_of(organisations.Cohort).c.code
    has_news = sa_exists().where(table_of(CohortNews).c.cohort_code == code)
    reason = or_(
        look.c.cohort_code.is_(None),
        look.c.rules != rules,
        look.c.changes_on <= today,
        look.c.looked_on > today,
        has_news,
    )
    query = under_way().add_columns(reason).outerjoin(look, look.c.cohort_code == code)
    query = query.where(or_(reason, look.c.round_on <= today))
    return {row[0]: not row[1] for row in session.connection().execute(query)}


def news_of(session: Session, cohort_code: str) -> list[str]:
    """Give the rows that say that a cohort has news."""
    news = table_of(CohortNews)
    return list(session.connection().execute(select(news.c.id).where(news.c.cohort_code == cohort_code)).scalars())


def take_up(session: Session, ids: Collection[str]) -> None:
    """Delete news of cohorts: they were looked at since."""
    _delete(session, CohortNews, ids)


def is_all_sorted(session: Session) -> bool:
    """Say whether all that was noted has been sorted by cohort."""
    return session.connection().execute(select(table_of(News).c.id).limit(1)).first() is None


def forget_others(session: Session) -> None:
    """Delete news of cohorts that are not under way: whatever brings one back is news of its own."""
    news = table_of(CohortNews)
    session.connection().execute(delete(news).where(news.c.cohort_code.not_in(under_way())))


def missed_count(session: Session) -> int:
    """Give how often a round found what no news had told, in all cohorts ever."""
    return int(session.exec(select(func.coalesce(func.sum(col(Look.missed)), 0))).scalar_one())  # type: ignore[call-overload]
