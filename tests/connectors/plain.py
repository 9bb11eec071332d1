"""A connector with nothing of its own, and what tests of the HTTP kit ask of it."""

from typing import Any

import pytest

from connectors.errors import OutsideError
from connectors.http import Answer, HttpConnector
from tests.connectors.conftest import TOKEN_ENV
from tests.connectors.script import Script


class Plain(HttpConnector):
    """A connector with nothing of its own, to see what the kit does."""

    async def read(self, stream: str, since: Any = None, **scope: Any) -> Any:  # type: ignore[override]
        """Read nothing."""
        raise NotImplementedError
        yield

    async def get(self, path: str = "/it", **more: Any) -> Answer:
        """Ask for something."""
        return await self._request("ask", path, **more)


class Exact(Plain):
    """The same for what carries money."""

    exact = True


def oauth(script: Script, **more: Any) -> dict[str, Any]:
    """A login by OAuth2 at the scripted system's own token address."""
    return {"type": "oauth2", "token_url": f"{script.url}/token", "client_id": "ym", "client_secret_env": TOKEN_ENV,
            **more}  # fmt: skip


async def failing(connector: Plain, path: str = "/it", **more: Any) -> OutsideError:
    """The error of a request that must fail."""
    async with connector:
        with pytest.raises(OutsideError) as caught:
            await connector.get(path, **more)
    return caught.value
