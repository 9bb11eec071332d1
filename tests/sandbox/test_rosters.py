"""Rosters as enterprises send them: three layouts, the troubles in them, and nothing before it is sent."""

import csv
from io import BytesIO, StringIO
from typing import Any
from urllib.parse import urlsplit
from zipfile import ZipFile

import httpx
import pytest
from openpyxl import load_workbook

from sandbox.organisations import DRIVES, MOULDS, PRECISION
from tests.sandbox.conftest import Caller, calling

END = "2026-11-20"
HEADERS = (
    "序号", "姓名", "性别", "身份证号", "户口性质", "文化程度", "手机号码", "入职日期",
    "是否工会会员", "是否全日制在校生", "工号", "银行卡号", "统一社会信用代码",
)  # fmt: skip


def listed(caller: Caller) -> dict[tuple[str, str], dict[str, str]]:
    """Return the list of rosters by cohort and enterprise."""
    return {(r["cohort"], r["enterprise"]): r for r in caller.get("/_sandbox/rosters")}


def cells(content: bytes) -> list[tuple[Any, ...]]:
    """Return the rows of a workbook's first sheet."""
    book = load_workbook(BytesIO(content), read_only=True)
    rows = list(book.worksheets[0].iter_rows(values_only=True))
    book.close()
    return rows


def people(caller: Caller, cohort: str, enterprise: str) -> dict[int, dict[str, str]]:
    """Return the rows of a roster under their headers, by their number in the sheet."""
    entry = listed(caller)[cohort, enterprise]
    content = caller.http.get(entry["url"]).content
    if entry["url"].split("?")[0].endswith(".csv"):
        rows: list[tuple[Any, ...]] = [tuple(row) for row in csv.reader(StringIO(content.decode("gb18030")))]
    else:
        rows = cells(content)
    start = next(place for place, row in enumerate(rows, start=1) if row[0] == "序号")
    found = {}
    for place, row in enumerate(rows[start:], start=start + 1):
        if row[0] != "合计":
            found[place] = {name: str(value or "").strip() for name, value in zip(HEADERS, row, strict=True)}
    return found


def test_every_roster_is_listed_with_its_day(reading: Caller) -> None:
    assert {key: entry["available_on"] for key, entry in listed(reading).items()} == {
        ("WX-2023A", PRECISION.code): "2023-05-16", ("WX-2023A", DRIVES.code): "2023-05-17",
        ("WX-2023B", DRIVES.code): "2023-05-22", ("WX-2023B", MOULDS.code): "2023-05-23",
        ("WX-2024S", PRECISION.code): "2023-11-16", ("WX-2024S", MOULDS.code): "2023-11-17",
    }  # fmt: skip
    for entry in listed(reading).values():
        assert entry["filename"].startswith(entry["cohort"]) and entry["filename"].endswith((".xlsx", ".csv"))
        assert entry["url"].startswith(reading.url)


def test_a_roster_is_there_from_its_day_on(reading: Caller) -> None:
    url = urlsplit(listed(reading)["WX-2023A", PRECISION.code]["url"])
    address = f"{url.path}?{url.query}"
    assert reading.http.get(address).status_code == 404
    reading.travel("2023-05-16")
    answer = reading.http.get(address)
    assert answer.status_code == 200 and "spreadsheetml" in answer.headers["content-type"]


def test_without_a_cohort_the_newest_roster_is_sent(reading: Caller) -> None:
    path = f"/{PRECISION.path}/roster.xlsx"
    for day, cohort in (("2023-11-15", "2023 秋一班"), ("2023-11-16", "2024 春一班")):
        reading.travel(day)
        assert cohort in str(cells(reading.http.get(path).content)[0][0])


def test_the_layouts_are_as_people_make_them(reading: Caller) -> None:
    reading.travel(END)
    titled = cells(reading.http.get(listed(reading)["WX-2023A", PRECISION.code]["url"]).content)
    assert "花名册" in titled[0][0] and PRECISION.name in titled[1][0] and titled[2] == HEADERS
    assert titled[-1][:2] == ("合计", f"{len(titled) - 4}人")
    plain = cells(reading.http.get(listed(reading)["WX-2023A", DRIVES.code]["url"]).content)
    assert plain[0] == HEADERS and len(plain) == 7
    answer = reading.http.get(listed(reading)["WX-2023B", MOULDS.code]["url"])
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.content.decode("gb18030").split("\r\n")
    assert lines[0] == ",".join(HEADERS) and "\t3202" in lines[1] and lines[-1] == ""


def test_every_row_stands_where_the_truth_says_with_its_number_as_text(reading: Caller) -> None:
    reading.travel(END)
    truth = {(r["cohort"], r["enterprise"], r["row"]): r for r in reading.get("/_sandbox/truth")["nominations"]}
    sheets = {key: people(reading, *key) for key in listed(reading)}
    assert truth.keys() == {(*key, row) for key, rows in sheets.items() for row in rows}
    for (cohort, enterprise, row), verdict in truth.items():
        line = sheets[cohort, enterprise][row]
        assert line["身份证号"] == verdict["resident_id"] and len(line["身份证号"]) == 18
        assert line["统一社会信用代码"] == enterprise and len(line["银行卡号"]) == 16
        assert (line["户口性质"] == "") == ("household-evidence-missing" in verdict["rules"])


def test_the_troubles_of_the_rosters_are_in_them(reading: Caller) -> None:
    reading.travel(END)
    first = [row["姓名"] for row in people(reading, "WX-2023A", PRECISION.code).values()]
    assert first.count("赵德柱") == 2 and "陆鸣" in first and "阿依努尔·买买提" in first
    assert "陆鸣" in [row["姓名"] for row in people(reading, "WX-2023B", MOULDS.code).values()]
    wrong = next(r for r in people(reading, "WX-2023B", DRIVES.code).values() if r["姓名"] == "石磊磊")
    right = reading.person("石磊磊").person.resident_id
    assert wrong["身份证号"] != right and wrong["身份证号"][:-1] == right[:-1]
    young = next(r for r in people(reading, "WX-2024S", PRECISION.code).values() if r["姓名"] == "田野")
    assert young["身份证号"][6:14] == "20060821"


@pytest.mark.parametrize("path", ["roster.txt", "roster.xls", "roster.csv", "roster.xlsx?cohort=WX-2031X"])
def test_a_roster_nobody_made_is_not_found(reading: Caller, path: str) -> None:
    reading.travel(END)
    answer = reading.http.get(f"/{PRECISION.path}/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not-found")


def test_nobody_without_the_token_gets_a_roster(reading: Caller) -> None:
    reading.travel(END)
    for entry in listed(reading).values():
        assert httpx.get(entry["url"], trust_env=False).status_code == 401


def test_the_same_seed_makes_the_same_files_byte_for_byte_and_another_seed_others(reading: Caller) -> None:
    reading.travel(END)
    urls = [urlsplit(entry["url"]) for entry in listed(reading).values()]
    paths = [f"{url.path}?{url.query}" for url in urls]
    mine = [reading.http.get(path).content for path in paths]
    for seed, same in ((1, True), (2, False)):
        with calling(seed) as other:
            other.travel(END)
            theirs = [other.http.get(path).content for path in paths]
            assert [a == b for a, b in zip(mine, theirs, strict=True)] == [same] * 6


def test_a_workbook_does_not_say_when_it_was_written(reading: Caller) -> None:
    reading.travel(END)
    content = reading.http.get(listed(reading)["WX-2023A", DRIVES.code]["url"]).content
    with ZipFile(BytesIO(content)) as book:
        assert {entry.date_time for entry in book.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert book.read("docProps/core.xml").count(b"2023-05-15T09:00:00Z") == 2
