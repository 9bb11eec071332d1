"""The units of many machines start as they stand, on this machine's PostgreSQL and Redis, and are healthy together."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from connectors.database import migrate
from connectors.settings import create_keys
from console.prefect_server import free_port
from tests.deploy.files import DEPLOY, ROOT, UNITS, command_of, environment_of, settings_of
from tests.fixtures.machines import database, need_servers, redis_database

PATIENCE = 150
ORDER = ("yuanmeng-api.service", "yuanmeng-services.service", "yuanmeng-worker@.service")
AUTH = "coordinator:of-a-test"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """An office's settings and secrets as operations.md has them laid out, on databases of its own."""
    need_servers()
    folder = tmp_path_factory.mktemp("etc")
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    with ExitStack() as stack:
        ours, prefects = (stack.enter_context(database(prefix=f"yuanmeng_unit_{name}")) for name in ("ours", "prefect"))
        redis = stack.enter_context(redis_database())
        migrate(ours)
        text = (DEPLOY / "yuanmeng.toml").read_text(encoding="utf-8")
        for name, url in (("yuanmeng_app@postgres:5432/yuanmeng", ours), ("prefect@postgres:5432/prefect", prefects)):
            assert name in text
            text = text.replace(f"postgresql://{name}", url)
        (folder / "yuanmeng.toml").write_text(text, encoding="utf-8")
        create_keys(secrets / "keys.toml")
        for name, said in {
            "pgpass": f"*:*:*:{make_url(ours).username}:x",
            "prefect_auth": AUTH,
            "redis_url": redis,
        }.items():
            (secrets / name).write_text(said, encoding="utf-8")
        yield folder, redis, ours


def started(path: Path, folder: Path, api: int, health: int) -> "subprocess.Popen[bytes]":
    """Start a unit's command as systemd would, with this environment's Yuanmeng in the place of the installed one."""
    home = folder / path.stem
    run = folder / f"run-{path.stem}"
    for one in (home, run):
        one.mkdir(mode=0o700)
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "COVERAGE_PROCESS_START") if name in os.environ}
    environment = {**kept, **environment_of(path), "CREDENTIALS_DIRECTORY": str(folder / "secrets"), "RUNTIME_DIRECTORY": str(run),
                   "YUANMENG_CONFIG": str(folder / "yuanmeng.toml"), "YUANMENG_HOME": str(home), "PYTHONPATH": str(ROOT),
                   "PREFECT_API_URL": f"http://127.0.0.1:{api}/api", "HOME": str(home)}  # fmt: skip
    words = [one.replace("%i", "1").replace("0.0.0.0", "127.0.0.1") for one in command_of(path)[1:]]  # noqa: S104
    ports = ["--health-port", str(health), *(["--port", str(api)] if "api" in words else [])]
    line = ["sh", str(DEPLOY / "with-secrets"), sys.executable, "-m", "console", *words, *ports]
    with (folder / f"{path.stem}.log").open("wb") as log:
        return subprocess.Popen(line, env=environment, cwd=home, stdout=log, stderr=log)


def healthy(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=10).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no shell")
def test_the_units_of_many_machines_start_at_once_and_end_cleanly(office: tuple[Path, str, str]) -> None:
    folder, redis, _ = office
    api, running = free_port(), []
    ports = {name: free_port() for name in ORDER}
    try:
        for path in (next(one for one in UNITS if one.name == name) for name in ORDER):
            assert settings_of(path, "ExecStart")[0].startswith("/opt/yuanmeng/deploy/with-secrets ")
            running.append(started(path, folder, api, ports[path.name]))
        deadline = time.monotonic() + PATIENCE
        for name, process in zip(ORDER, running, strict=True):
            while not healthy(ports[name]):
                said = (folder / f"{Path(name).stem}.log").read_text(encoding="utf-8", errors="replace")
                assert process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.2)
        with httpx.Client(base_url=f"http://127.0.0.1:{api}/api", trust_env=False, timeout=20) as client:
            assert client.post("/work_pools/filter", json={}).status_code == httpx.codes.UNAUTHORIZED
            login = httpx.BasicAuth(*AUTH.split(":"))
            workers = client.post("/work_pools/yuanmeng/workers/filter", json={}, auth=login).json()
            assert [one["status"] for one in workers] == ["ONLINE"]
            deployed = client.post("/deployments/filter", json={}, auth=login).json()
            assert "nightly_sync" in {one["name"] for one in deployed}
    finally:
        for process in reversed(running):
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(90) for process in reversed(running)]
    assert codes == [0, 0, 0]
    told = "".join(one.read_text(encoding="utf-8", errors="replace") for one in folder.glob("*.log"))
    assert AUTH not in told
    assert "Traceback" not in told
    assert redis not in told
