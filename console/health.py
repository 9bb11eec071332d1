"""The page that machines look at: `/healthz` says whether everything works, `/metrics` gives the figures.

Belongs here: asking Prefect's server, and both answers over HTTP. Does not: figures of the programme (tasks/metrics.py).
Neither holds anything of a person, and neither asks who asks: they listen on loopback unless told otherwise.
"""

import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx
import uvicorn
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.serve.parts import Plan
from console.serve.supervisor import Living
from flows.deployments import deployment_names
from tasks.metrics import DatabaseState, Figure, database_state, gather

PATIENCE = 3.0  # seconds for one question to Prefect's server


class Health:
    """How a serve is: what its plan needs, compared with what is there."""

    def __init__(self, plan: Plan, living: Mapping[str, Living]) -> None:
        """Nothing is asked yet; `living` is looked at whenever somebody asks."""
        self._plan, self._living = plan, living
        auth = httpx.BasicAuth(*_pair(plan.auth)) if plan.auth else None
        self._client = httpx.Client(base_url=plan.api_url, auth=auth, trust_env=False, timeout=PATIENCE)

    def report(self) -> tuple[bool, dict[str, Any]]:
        """Say whether all is well, and what was found."""
        database, prefect = database_state(), self._prefect()
        checks: dict[str, dict[str, Any]] = {
            "database": {"ok": database.reachable}, "migrated": {"ok": database.migrated}, "prefect": {"ok": prefect},
            "parts": self._parts(),
        }  # fmt: skip
        if self._plan.keeps:
            checks["deployments"] = self._deployments() if prefect else {"ok": False}
        if self._plan.worker_names:
            checks["workers"] = self._workers() if prefect else {"ok": False}
        well = all(one["ok"] for one in checks.values())
        return well, {"status": "ok" if well else "failing", "checks": checks, "last_night": _night(database)}

    def may_begin(self) -> bool:
        """Say whether workers can begin: Prefect's server answers, and the database has the schema they need."""
        return self._prefect() and database_state().migrated

    def figures(self) -> list[Metric]:
        """Give the figures: those of the database where it answers, and those of the parts."""
        try:
            counted = gather()
        except SQLAlchemyError:
            counted = []
        up = Figure("yuanmeng_database_up", "Whether the database could be asked.", (), (((), float(bool(counted))),))
        return [*(_gauge(one) for one in (up, *counted)), *self._part_figures()]

    def _part_figures(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("yuanmeng_part_up", "Whether a part of this serve lives.", labels=["part"])
        restarts = CounterMetricFamily("yuanmeng_part_restarts", "How often a part was started again.", labels=["part"])
        for name, one in self._living.items():
            up.add_metric([name], float(one.pid is not None))
            restarts.add_metric([name], one.restarts)
        yield from (up, restarts)

    def _parts(self) -> dict[str, Any]:
        dead = sorted(name for name, one in self._living.items() if one.pid is None)
        return {"ok": not dead, "alive": len(self._living) - len(dead), "dead": dead}

    def _prefect(self) -> bool:
        try:
            return self._client.get("/health").status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def _deployments(self) -> dict[str, Any]:
        wanted = deployment_names()
        found = self._ask("/deployments/count", {"deployments": {"name": {"any_": wanted}}})
        return {"ok": isinstance(found, int) and found >= len(wanted), "wanted": len(wanted), "there": found or 0}

    def _workers(self) -> dict[str, Any]:
        """Our workers as Prefect's server sees them: one counts that has been heard of since it was started."""
        told = self._ask(f"/work_pools/{self._plan.pool}/workers/filter", {}) or []
        heard = {one["name"]: datetime.fromisoformat(one["last_heartbeat_time"]) for one in told
                 if one["status"] == "ONLINE" and one["last_heartbeat_time"]}  # fmt: skip
        names = self._plan.worker_names
        alive = sum(self._is_alive(number, heard.get(name)) for number, name in enumerate(names, 1))
        return {"ok": alive == len(names), "wanted": len(names), "alive": alive}

    def _is_alive(self, number: int, heard: datetime | None) -> bool:
        since = self._living[f"worker-{number}"].since
        return heard is not None and since is not None and (not self._plan.has("api") or heard > since)

    def _ask(self, path: str, body: dict[str, Any]) -> Any:
        try:
            answer = self._client.post(path, json=body)
            return answer.json() if answer.is_success else None
        except (httpx.HTTPError, ValueError):  # a page that a proxy shows is no answer either
            return None


def _pair(auth: str) -> tuple[str, str]:
    name, _, password = auth.partition(":")
    return name, password


def _night(database: DatabaseState) -> dict[str, Any] | None:
    night = database.last_night
    if night is None:
        return None
    return {"on": night.day.isoformat(), "connections": night.tried, "failed": list(night.failed)}


def _gauge(figure: Figure) -> Metric:
    family = GaugeMetricFamily(figure.name, figure.meaning, labels=figure.labels)
    for names, value in figure.values:
        family.add_metric(names, value)
    return family


class _Once(Collector):
    """The figures of one scrape."""

    def __init__(self, found: Iterable[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        """Give them."""
        return self._found


def make_app(health: Health) -> Starlette:
    """Give the application with both pages."""

    def healthz(_: Request) -> Response:
        well, report = health.report()
        return JSONResponse(report, status_code=200 if well else 503)

    def metrics(_: Request) -> Response:
        registry = CollectorRegistry()
        registry.register(_Once(health.figures()))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return Starlette(routes=[Route("/healthz", healthz), Route("/metrics", metrics)])


@contextmanager
def serving(health: Health, listener: socket.socket) -> Iterator[None]:
    """Answer both pages on a socket that listens, beside whatever else this process does."""
    config = uvicorn.Config(make_app(health), log_config=None, access_log=False, server_header=False,
                            timeout_graceful_shutdown=3)  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join(10)
