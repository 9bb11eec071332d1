"""Which class speaks which kind of connection: a new school system is one file and one line here.

Belongs here: the list. Does not: anything a connector does. Classes are loaded when one is opened.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from connectors.base import Connection, Connector
from connectors.errors import Permanent

KINDS = {
    "scim": "connectors.scim:ScimConnector",
    "oneroster": "connectors.oneroster:OneRosterConnector",
    "moodle": "connectors.moodle:MoodleConnector",
    "xapi": "connectors.xapi:XapiConnector",
    "partner": "connectors.partner:PartnerConnector",
    "spreadsheet": "connectors.spreadsheet.connector:SpreadsheetConnector",
    "slack": "connectors.slack:SlackConnector",
    "apprise": "connectors.apprise:AppriseConnector",
}
# Kinds that people rightly expect here, and what to do instead.
ELSEWHERE = {
    "feishu": "Feishu CoreHR cannot be read yet: connect the HR system by scim, or import its rosters",
}


def open_connector(connection: Connection, client: Any = None) -> Connector:
    """Give the connector of a connection, to be entered with `async with`; it uses `client` where one is given.

    Raises Permanent for an unknown kind.
    """
    place = KINDS.get(connection.kind)
    if place is None:
        known = f"the kind {connection.kind} is not known: use one of {', '.join(KINDS)}"
        raise Permanent(connection.name, "open", ELSEWHERE.get(connection.kind, known))
    module, _, name = place.partition(":")
    connector: Callable[..., Connector] = getattr(import_module(module), name)
    return connector(connection, client)
