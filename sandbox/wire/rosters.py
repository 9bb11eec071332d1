"""Rosters as enterprises send them: workbooks with a title and a stamp line, plain ones, and CSV in GB18030.

Belongs here: files. Does not: who is on them (cohorts/).
"""

import csv
import re
from io import BytesIO, StringIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.story import CohortStory, RosterRow, Sheet
from sandbox.wire.http import Json, Refusal, has_secret
from sandbox.wire.state import State, state_of

HEADERS = (
    "序号", "姓名", "性别", "身份证号", "户口性质", "文化程度", "手机号码", "入职日期",
    "是否工会会员", "是否全日制在校生", "工号", "银行卡号", "统一社会信用代码",
)  # fmt: skip
_CLOCK = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _line(place: int, row: RosterRow) -> list[str]:
    """Return a row as text, with what the story puts wrong in it."""
    story, person = row.story, row.story.person
    values = {
        "序号": str(place),
        "姓名": person.name,
        "性别": person.sex,
        "身份证号": person.resident_id,
        "户口性质": person.household,
        "文化程度": person.education,
        "手机号码": person.mobile,
        "入职日期": person.hired_on.isoformat(),
        "是否工会会员": "是" if person.union_member else "否",
        "是否全日制在校生": "否",
        "工号": story.employee_number,
        "银行卡号": person.bank_card,
        "统一社会信用代码": story.enterprise.code,
    } | story.roster
    return [values[name] for name in HEADERS]


def _lines(cohort: CohortStory, sheet: Sheet) -> list[list[str]]:
    """Return all rows of a roster."""
    rows = cohort.rows[sheet.enterprise.code]
    return [_line(place, row) for place, row in enumerate(rows, start=1)]


def _head(page: Worksheet, cohort: CohortStory, sheet: Sheet) -> None:
    """Write a title line and a stamp line, merged as people do."""
    page.append([f"{cohort.facts.project_name}职工推荐花名册（{cohort.facts.name}）"])
    page.append([f"推荐单位（章）：{sheet.enterprise.name}", "", "", "", "", "",
                 f"统一社会信用代码：{sheet.enterprise.code}"])  # fmt: skip
    page.merge_cells("A1:M1")
    page.merge_cells("A2:F2")
    page.merge_cells("G2:M2")
    page["A1"].font = Font(bold=True, size=14)
    page["A1"].alignment = Alignment(horizontal="center")


def _workbook(cohort: CohortStory, sheet: Sheet) -> bytes:
    """Return a roster as a workbook; a titled one ends with a line of totals."""
    book = Workbook()
    page = book.worksheets[0]
    page.title = "花名册" if sheet.layout == "titled" else "推荐名单"
    titled = sheet.layout == "titled"
    if titled:
        _head(page, cohort, sheet)
    page.append(list(HEADERS))
    lines = _lines(cohort, sheet)
    for line in lines:
        page.append([value or None for value in line])
    if titled:
        page.append(["合计", f"{len(lines)}人"])
    out = BytesIO()
    book.save(out)
    return _undated(out.getvalue())


def _undated(content: bytes) -> bytes:
    """Return a workbook without the hour it was written at: the same roster is the same file."""
    out = BytesIO()
    with ZipFile(BytesIO(content)) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(ZipInfo(name), _CLOCK.sub(rb"\g<1>2023-05-15T09:00:00Z", old.read(name)), ZIP_DEFLATED)
    return out.getvalue()


def _csv(cohort: CohortStory, sheet: Sheet) -> bytes:
    """Return a roster as CSV in GB18030, with a tab before long numbers so that a spreadsheet shows them."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADERS)
    for line in _lines(cohort, sheet):
        writer.writerow(
            ["\t" + v if name in ("身份证号", "银行卡号") else v for name, v in zip(HEADERS, line, strict=True)]
        )
    return out.getvalue().encode("gb18030")


def roster_bytes(cohort_code: str, enterprise_code: str, state: State) -> bytes:
    """Return the file an enterprise sends for a cohort."""
    cohort, sheet = next(
        (c, s) for c, s in state.world.sheets() if (c.facts.code, s.enterprise.code) == (cohort_code, enterprise_code)
    )
    return _csv(cohort, sheet) if sheet.layout == "csv" else _workbook(cohort, sheet)


def listing(state: State, host: str) -> list[dict[str, str]]:
    """Return every roster there will be: cohort, enterprise, filename, url, available_on."""
    found = []
    for cohort, sheet in state.world.sheets():
        ending = "csv" if sheet.layout == "csv" else "xlsx"
        found.append(
            {
                "cohort": cohort.facts.code,
                "enterprise": sheet.enterprise.code,
                "filename": f"{cohort.facts.code}-{sheet.enterprise.name}-花名册.{ending}",
                "url": f"{host}/{sheet.enterprise.path}/roster.{ending}?cohort={cohort.facts.code}",
                "available_on": sheet.available_on.isoformat(),
            }
        )
    return found


async def send_roster(request: Request) -> Response:
    """GET /hr/{usc}/roster.xlsx or .csv, `?cohort=` or else the newest; 404 before it is sent."""
    if not has_secret(request):
        raise Refusal(Json({"error": {"code": "unauthorised", "message": "a bearer token is needed"}}, 401))
    state, code = state_of(request), request.path_params["usc"]
    wanted = request.query_params.get("cohort")
    ending = request.path_params["ending"]
    is_csv = ending == "csv"
    there = [
        (sheet.available_on, cohort.facts.code)
        for cohort, sheet in state.world.sheets()
        if sheet.enterprise.code == code
        and sheet.available_on <= state.today
        and ending == ("csv" if sheet.layout == "csv" else "xlsx")
        and wanted in (None, cohort.facts.code)
    ]
    if not there:
        raise Refusal(Json({"error": {"code": "not-found", "message": "no such roster yet"}}, 404))
    content = roster_bytes(max(there)[1], code, state)
    return Response(content, media_type="text/csv" if is_csv else _XLSX)


ROUTES = [Route("/hr/{usc}/roster.{ending}", send_roster, methods=["GET"])]
