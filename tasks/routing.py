"""Which chat is told of which alert: the routes of the settings, the first that fits.

Belongs here: the chat connections and the choice among them. Does not: what is said (messages.py), or sending (outbox.py).
What is told of a chat that takes nothing goes to another chat, where there is one.
"""

from functools import partial

from sqlmodel import Session, select

from connectors.base import Connection
from connectors.settings import CHAT_KINDS, Route
from models.rules.lifecycle import ALL_KINDS
from models.rules.stalls import Stall
from models.tables.lifecycle import Alert
from models.tables.organisations import Cohort
from tasks.office import office

SILENT = "chat-silent"
Told = Alert | Stall


def chat_connections() -> list[Connection]:
    """Give the connections that carry messages, in the order of the settings."""
    return [one for one in office().settings.connections if one.kind in CHAT_KINDS]


def route_of(told: Told, session: Session) -> str:
    """Give the name of the chat connection that is told; empty where there is no chat.

    The first route that fits, else the first chat connection. The session is asked for a cohort's project.
    """
    chats = [one.name for one in chat_connections()]
    open_ones = [name for name in chats if told.kind != SILENT or name != told.subject] or chats
    fits = partial(_fits, told=told, session=session)
    routes = (one.connection for one in office().settings.routes if one.connection in open_ones and fits(one))
    return next(routes, open_ones[0] if open_ones else "")


def _fits(route: Route, told: Told, session: Session) -> bool:
    """Whether all that a route asks for is so."""
    return (
        _within(route.cohort, told.cohort_code)
        and _within(route.organisation, told.holder_code)
        and _within(route.role, told.holder)
        and _within(route.severity, _severity(told))
        and (not route.project or _project(told, session) in route.project)
    )


def _within(asked: tuple[str, ...], value: str | None) -> bool:
    return not asked or value in asked


def _severity(told: Told) -> str:
    return told.severity if isinstance(told, Alert) else ALL_KINDS[told.kind].severity


def _project(told: Told, session: Session) -> str | None:
    """The project of the cohort, read by a query that writes nothing before it."""
    if not told.cohort_code:
        return None
    with session.no_autoflush:
        return session.exec(select(Cohort.project_code).where(Cohort.code == told.cohort_code)).first()
