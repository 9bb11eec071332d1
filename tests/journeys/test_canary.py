"""The canary: known ID, bank and mobile numbers go through a journey in which much fails, and are looked for everywhere.

Only the folder `exchange/` of a home, where a person put them, may hold one in clear.
"""

import asyncio
import csv
import io
import json
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from prefect.logging.handlers import APILogHandler
from prefect.settings import PREFECT_API_URL, temporary_settings
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from console.__main__ import run
from console.demo_days import World
from console.prefect_server import prefect_server
from flows.decide import decide
from sandbox.server import Sandbox
from tasks.office import use_office
from tasks.plan import template_text
from tests.fixtures.prefect_api import answered
from tests.fixtures.servers import serving

ID, OTHER_ID, MOBILE, CARD = "320214199102102177", "320214199102102193", "13911112222", "6222021001112223331"
CANARIES = (ID, OTHER_ID, MOBILE, CARD)
HEADERS = ("姓名", "性别", "身份证号", "户口性质", "文化程度", "手机号码", "入职日期", "工号", "银行卡号", "备注")
ROWS = (
    ("王金丝", "男", ID, "", "高中", MOBILE, "2020-06-08", "E1", CARD, f"{MOBILE} {CARD}"),
    (ID, "男", OTHER_ID, "农村", CARD, MOBILE, "2020-06-08", MOBILE, ID, OTHER_ID),
    ("李雀", "男", CARD, MOBILE, "高中", ID, ID, ID, MOBILE, ""),
)


def _row(**more: Any) -> dict[str, Any]:
    return {"id": ID, "updated_at": "2026-05-18T10:00:00+08:00", "resident_id": ID, "note": [MOBILE, CARD], **more}


async def _partner(request: Request) -> Response:
    """A school that puts numbers where none should be, and fails with them in its words."""
    stream = request.path_params["stream"]
    if stream == "consents":
        return JSONResponse({"items": [_row(kinds=CARD), _row(id=MOBILE, employee_number=ID), CARD], "next": None})
    if stream == "documents":
        return JSONResponse({"items": [_row(kind="household", value=CARD, as_of=MOBILE)], "next": None})
    if stream == "leave":
        return Response(f"{ID} {MOBILE} {CARD}", 500)
    return JSONResponse({"error": {"code": "invalid", "message": f"{ID} {MOBILE} {CARD}"}}, 422)


@contextmanager
def _journey(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, World]]:
    """A home with a school that fails, a chat that works, and a Prefect server."""
    app = Starlette(routes=[Route("/partner/v1/{stream}", _partner, methods=["GET", "POST"])])
    monkeypatch.setenv("YUANMENG_SANDBOX_TOKEN", "sandbox-token")
    monkeypatch.setenv("YUANMENG_ACTOR", "tester")
    with Sandbox(seed=1) as sandbox, serving(app) as bad, httpx.Client(trust_env=False) as client:
        plan = home.parent / "plan.toml"
        assert run(["init", "--home", str(home)]) == 0
        (home / "yuanmeng.toml").write_text(_settings(bad, sandbox.url), encoding="utf-8")
        plan.write_text(template_text(), encoding="utf-8")
        with prefect_server(home / "prefect") as url:
            monkeypatch.setenv("PREFECT_API_URL", url)
            with temporary_settings({PREFECT_API_URL: url}):
                yield str(plan), World(client, sandbox.url)
                APILogHandler().flush()
        use_office(None)


def _settings(bad: str, sandbox: str) -> str:
    plan = tomllib.loads(template_text())
    codes = {plan[role]["code"] for role in ("school", "union", "finance", "assessor", "centre")}
    codes |= {one["code"] for one in plan["enterprises"]}
    streams = ["consents", "documents", "leave", "admissions", "objections"]
    auth = '{ type = "bearer", token_env = "YUANMENG_SANDBOX_TOKEN" }'
    blocks = [
        f'[[connections]]\nname = "p{place}"\nkind = "partner"\norganisation = "{code}"\nbase_url = "{bad}"\n'
        f"auth = {auth}\noptions = {{ streams = {json.dumps(streams)} }}\n"
        for place, code in enumerate(sorted(codes))
    ]
    chat = (
        f'[[connections]]\nname = "chat"\nkind = "slack"\norganisation = "{plan["school"]["code"]}"\n'
        f'base_url = "{sandbox}/slack/api/"\nauth = {auth}\n'
        'options = { channel = "C0SANDBOX01", seconds_between = 0 }\n'
    )
    return "\n".join([*blocks, chat])


def _roster(folder: Path) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([HEADERS, *ROWS])
    path = folder / "exchange" / "花名册.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    path.chmod(0o600)
    return path


async def _through_the_server(url: str) -> list[int]:
    """Runs asked for by the server's own form, with numbers where codes and reasons belong: all are refused."""
    deployment = await (await decide.ato_deployment("decide")).aapply()  # type: ignore[attr-defined]
    good = {"ids": ["D-1"], "answer": "refuse", "reason": "doubled", "actor": "tester", "as_of": "2026-05-20"}
    bad = ({"ids": [ID]}, {"reason": f"see {CARD}"}, {"actor": MOBILE}, {"as_of": ID})
    form = f"{url}/deployments/{deployment}/create_flow_run"
    with httpx.Client(trust_env=False, timeout=30) as client:
        asked = [
            await asyncio.to_thread(answered, client, "POST", form, {"parameters": good | change})
            for change in ({}, *bad)
        ]
    return [answer.status_code for answer in asked]


def test_no_personal_number_is_found_anywhere_but_in_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Rosters, nights, decisions and flows, most of which fail; then every file, screen, log and message is read."""
    home = tmp_path / "home"
    with _journey(home, monkeypatch) as (plan, world):
        at = ["--home", str(home), "--as-of", "2026-05-18"]
        assert run(["cohort", "open", plan, *at]) == 0
        code = str(tomllib.loads(Path(plan).read_text(encoding="utf-8"))["code"])
        assert run(["roster", "import", str(_roster(home)), "--cohort", code, *at]) == 1
        assert run(["sync", *at]) == 3
        assert run(["connections", "check", "--home", str(home)]) == 3
        assert run(["quarantine", "list", "--home", str(home)]) == 0
        for late in ("2026-06-01", "2026-06-30"):
            run(["sync", "--home", str(home), "--as-of", late])
        for words in (["decide", ID, "approve", "--reason", "x"], ["decide", "D-X", "approve", "--reason", f"see {CARD}"],
                      ["worker", "show", ID], ["cohort", "show", MOBILE], ["roster", "import", ID, "--cohort", code],
                      ["cohort", "advance", MOBILE], ["sync", "--as-of", ID], ["sync", "--connection", CARD],
                      ["report", "--period", MOBILE]):  # fmt: skip
            assert run([*words, "--home", str(home)]) == 2, words
        codes = asyncio.run(_through_the_server(os.environ["PREFECT_API_URL"]))
        assert codes == [201, 409, 409, 409, 409]
        run(["stalls", *at])
        run(["inbox", *at])
        run(["report", "--out", str(home / "report.html"), "--home", str(home), "--as-of", "2026-06-30"])
        chat = json.dumps(world.get("messages"), ensure_ascii=False)
    shown = capfd.readouterr()
    places = {"screen": shown.out + shown.err, "log": caplog.text, "chat": chat}
    found = [(place, one) for place, text in places.items() for one in CANARIES if one in text]
    for path in home.rglob("*"):
        if path.is_file() and not path.is_relative_to(home / "exchange"):
            content = path.read_bytes()
            found += [(str(path.relative_to(home)), one) for one in CANARIES if one.encode() in content]
    assert found == []
    assert "⏳" in chat  # someone was told of what is missing


def test_the_canary_would_be_found(tmp_path: Path) -> None:
    """The search itself works: the roster in exchange holds every number."""
    (tmp_path / "exchange").mkdir()
    content = _roster(tmp_path).read_bytes()
    assert all(one.encode() in content for one in CANARIES)
