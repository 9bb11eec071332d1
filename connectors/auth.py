"""Logging in: what is added to a request, and how a token is had and renewed.

Belongs here: bearer, basic, Moodle's token and OAuth2 client credentials. Does not: sending (http.py).
Secrets are read when they are first needed and are never part of an error.
"""

import base64
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.base import Connection
from connectors.errors import Permanent


@dataclass
class Call:
    """A request about to be sent."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    params: dict[str, str] = field(default_factory=dict)
    form: dict[str, str] | None = None
    json: Any = None


Send = Callable[[str, Call], Awaitable[Any]]


class Login(ABC):
    """A way to log in."""

    @abstractmethod
    async def sign(self, call: Call, send: Send) -> None:
        """Add to a call what shows who we are; `send` carries a call of our own, for a token."""

    def forget(self) -> bool:
        """Drop a token that was refused; False when there is nothing to renew."""
        return False


class NoLogin(Login):
    """A system that asks for nothing."""

    async def sign(self, call: Call, send: Send) -> None:
        """Add nothing."""


@dataclass
class Header(Login):
    """An Authorization header that stays the same."""

    value: str = field(repr=False)

    async def sign(self, call: Call, send: Send) -> None:
        """Add the header."""
        call.headers["Authorization"] = self.value


@dataclass
class MoodleToken(Login):
    """Moodle's token goes with the form."""

    token: str = field(repr=False)

    async def sign(self, call: Call, send: Send) -> None:
        """Add the token to the form."""
        call.form = {**(call.form or {}), "wstoken": self.token}


@dataclass
class ClientCredentials(Login):
    """OAuth2 client credentials (RFC 6749, 4.4): a token is asked for once and renewed when it is refused."""

    system: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ()
    in_body: bool = False
    token: str = field(default="", repr=False)

    async def sign(self, call: Call, send: Send) -> None:
        """Add the token, asking for one first when there is none."""
        if not self.token:
            self.token = self._token_of(await send("log in", self._request()))
        call.headers["Authorization"] = f"Bearer {self.token}"

    def _request(self) -> Call:
        form = {"grant_type": "client_credentials"}
        if self.scopes:
            form["scope"] = " ".join(self.scopes)
        if self.in_body:
            return Call("POST", self.token_url, form={**form, "client_id": self.client_id,
                                                      "client_secret": self.client_secret})  # fmt: skip
        return Call("POST", self.token_url, {"Authorization": basic(self.client_id, self.client_secret)}, form=form)

    def _token_of(self, answer: Any) -> str:
        token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str) or not token:
            raise Permanent(self.system, "log in", "the token address gave no access token: check token_url",
                            dead=True)  # fmt: skip
        return _in_header(self.system, token)

    def forget(self) -> bool:
        """Drop the token."""
        had, self.token = bool(self.token), ""
        return had


def basic(user: str, password: str) -> str:
    """Give the header of basic authentication."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def login_of(connection: Connection) -> Login:
    """Give the way to log in that a connection's `auth` names. Raises Permanent for a secret that cannot be had."""
    auth = connection.auth
    match auth.get("type", "none"):
        case "none":
            return NoLogin()
        case "bearer":
            return Header(_in_header(connection.name, f"Bearer {secret_for(connection, 'token')}"))
        case "basic":
            return Header(basic(str(auth.get("username", "")), secret_for(connection, "password")))
        case "moodle":
            return MoodleToken(secret_for(connection, "token"))
        case "oauth2":
            return ClientCredentials(
                connection.name, _named(connection, "token_url"), _named(connection, "client_id"),
                secret_for(connection, "client_secret"), _scopes(auth), bool(auth.get("in_body", False)),
            )  # fmt: skip
    raise Permanent(connection.name, "log in", "auth.type must be none, bearer, basic, moodle or oauth2: correct it")


def secret_for(connection: Connection, name: str) -> str:
    """Read a secret of a connection. Raises Permanent: one that is missing stops this connection alone."""
    from connectors.settings import SettingsError, secret_of  # settings read connections, so they come first

    try:
        value = secret_of(connection.auth, name).strip()
    except SettingsError as error:
        raise Permanent(connection.name, "log in", str(error)) from None
    if not value:
        raise Permanent(connection.name, "log in", f"its {name} is empty: put it where its auth says")
    return value


def _in_header(system: str, value: str) -> str:
    """Give back what a header can carry; an error of the HTTP library would quote the rest."""
    if not (value.isascii() and value.isprintable()):
        raise Permanent(system, "log in", "its token holds characters that no token has: copy it again")
    return value


def _scopes(auth: Mapping[str, Any]) -> tuple[str, ...]:
    """Scopes may be a list, or one text as OAuth2 writes them."""
    scopes = auth.get("scopes", ())
    return tuple(scopes.split()) if isinstance(scopes, str) else tuple(map(str, scopes))


def _named(connection: Connection, name: str) -> str:
    value = connection.auth.get(name)
    if not value:
        raise Permanent(connection.name, "log in", f"its auth names no {name}: add it in yuanmeng.toml")
    return str(value)
