"""A sandbox to read from, shared by the session, and a fresh one for tests that post or tamper."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from sandbox.server import Sandbox
from sandbox.world import World

TOKEN = "sandbox-token"


class Caller:
    """A client of the sandbox that knows its secret and can travel in time."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox, self.http, self.url = sandbox, http, sandbox.url
        self.world: World = sandbox.state.world

    def travel(self, day: str) -> None:
        """Move the business date."""
        assert self.http.put("/_sandbox/today", json={"date": day}).status_code == 200

    def get(self, path: str, **options: Any) -> Any:
        """Return the JSON of an answer that must be good."""
        answer = self.http.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def token(self) -> dict[str, str]:
        """Return the headers of a OneRoster call of today."""
        form = {"grant_type": "client_credentials", "client_id": "yuanmeng", "client_secret": TOKEN}
        issued = self.http.post("/school/token", data=form).json()
        return {"Authorization": f"{issued['token_type']} {issued['access_token']}"}

    def moodle(self, function: str, **values: Any) -> Any:
        """Call a Moodle web service function."""
        form = {"wstoken": TOKEN, "wsfunction": function, "moodlewsrestformat": "json"} | values
        return self.http.post("/school/moodle/webservice/rest/server.php", data=form).json()

    def send(self, office: str, stream: str, body: dict[str, Any], key: str = "") -> httpx.Response:
        """Post to a partner with an idempotency key, by default the body's first value."""
        headers = {"Idempotency-Key": key or str(next(iter(body.values())))}
        return self.http.post(f"/{office}/partner/v1/{stream}", json=body, headers=headers)

    def stream(self, office: str, stream: str, **query: Any) -> list[dict[str, Any]]:
        """Return the items of a partner's stream."""
        items: list[dict[str, Any]] = self.get(f"/{office}/partner/v1/{stream}", params=query)["items"]
        return items

    def apply(self, story: Any, id: str = "") -> httpx.Response:
        """Send the school a person's application."""
        person = story.person
        body = {"application_id": id or f"AP-{story.employee_number}", "cohort": story.cohort, "programme": "460301"}
        body |= {"level": "junior-college", "name": person.name, "sex": person.sex, "resident_id": person.resident_id}
        return self.send("school", "applications", body | {"entry_level": "senior-secondary"})

    def pay(self, id: str, story: Any, card: str = "", source: str = "union") -> httpx.Response:
        """Order a payment to a person, to the roster's card unless another is named."""
        body = {"payment_id": id, "source": source, "amount": "1000.00", "name": story.person.name}
        body |= {"bank_card": card or story.person.bank_card, "purpose": "求学圆梦资助"}
        return self.send("finance", "payments", body)

    def person(self, name: str, cohort: str = "") -> Any:
        """Return the story of a person by name."""
        return next(s for s in self.world.stories if s.person.name == name and s.cohort.startswith(cohort))


@contextmanager
def calling(seed: int = 1) -> Iterator[Caller]:
    """Open a sandbox and a client of it."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with (
        Sandbox(seed) as sandbox,
        httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as http,
    ):
        yield Caller(sandbox, http)


@pytest.fixture(scope="session")
def _shared() -> Iterator[Caller]:
    with calling() as caller:
        yield caller


@pytest.fixture
def reading(_shared: Caller) -> Iterator[Caller]:
    """The session's sandbox, for tests that only read; back at its first day afterwards."""
    yield _shared
    _shared.travel("2023-05-15")


@pytest.fixture
def fresh() -> Iterator[Caller]:
    """A sandbox of its own, for tests that post or tamper."""
    with calling() as caller:
        yield caller


@pytest.fixture(scope="session")
def world() -> World:
    """The world of seed 1."""
    return World(1)
