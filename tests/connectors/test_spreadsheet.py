"""Rosters as people make them: found whatever stands around them, and told apart from what is none."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from connectors.spreadsheet import UnreadableSheet, read_roster, write_reasons
from tests.connectors.sheets import GOOD, HEADER, bomb, text, workbook

ID = GOOD[2]


def cells(path: Path) -> dict[str, Any]:
    """The one nominee of a roster."""
    (row,) = read_roster(path).rows
    return row.values


@pytest.mark.parametrize("name", ["plain.xlsx", "as-sent.xlsx", "as-sent.csv"])
def test_the_rosters_that_came_have_the_rows_they_should(data: Path, name: str) -> None:
    """Titles, stamps, two-line headers, blank lines and totals are no rows, and every row is numbered as in the sheet."""
    expected = json.loads((data / "expected.json").read_text(encoding="utf-8"))[name]["rows"]
    roster = read_roster(data / name)
    assert [str(row.row) for row in roster.rows] == list(expected)
    assert all({"name", "resident_id", "household", "mobile", "hired_on"} <= set(row.values) for row in roster.rows)


def test_the_enterprise_is_read_from_above_the_header(data: Path) -> None:
    assert read_roster(data / "as-sent.xlsx").enterprise_code == "91320200MA1TEXT06T"
    assert read_roster(data / "plain.xlsx").enterprise_code is None


def test_a_code_above_the_header_with_a_wrong_check_digit_names_nobody(tmp_path: Path) -> None:
    path = workbook(tmp_path / "r.xlsx", [["单位 91320200MA1TEXT061"], HEADER, GOOD])
    assert read_roster(path).enterprise_code is None


def test_the_enterprise_may_stand_in_every_row(tmp_path: Path) -> None:
    rows = [(*HEADER, "统一社会信用代码"), (*GOOD, "91320200MA1TEXT06T"), (*GOOD, "91320200MA1TEXT06T")]
    assert read_roster(workbook(tmp_path / "r.xlsx", rows)).enterprise_code == "91320200MA1TEXT06T"


@pytest.mark.parametrize(
    ("field", "titles"),
    [
        ("name", ["姓名", "姓 名", "姓\u3000名", "＊姓名", "员工姓名", "Name", "姓名（中文）"]),
        ("resident_id", ["身份证号", "身份证号码", "居民身份证号码", "公民身份号码", "证件号码 *", "ID Number"]),
    ],
)
def test_a_column_is_known_by_many_titles(tmp_path: Path, field: str, titles: list[str]) -> None:
    other = {"name": ("身份证号", ID), "resident_id": ("姓名", "张一")}[field]
    mine = {"name": "张一", "resident_id": ID}[field]
    for number, title in enumerate(titles):
        path = workbook(tmp_path / f"{number}.xlsx", [[title, other[0]], [mine, other[1]]])
        assert cells(path)[field] == mine, title


def test_a_title_above_the_header_and_a_signature_below_are_no_rows(tmp_path: Path) -> None:
    lines = [["2026年求学圆梦行动报名表"], [], HEADER, GOOD, [], ["合计", "1人"], ["填表人：王会计", "", "审核人："],
             ["共 1 人"]]  # fmt: skip
    assert [row.row for row in read_roster(workbook(tmp_path / "r.xlsx", lines)).rows] == [4]


def test_a_header_that_comes_again_on_the_next_printed_page_is_no_row(tmp_path: Path) -> None:
    lines = [HEADER, GOOD, HEADER, ("张二", *GOOD[1:])]
    assert [row.row for row in read_roster(workbook(tmp_path / "r.xlsx", lines)).rows] == [2, 4]


def test_a_header_of_two_lines_with_merged_cells_is_read_as_one(tmp_path: Path) -> None:
    def merge(_: Any, page: Any) -> None:
        for area in ("A1:A2", "B1:C1", "D1:D2"):
            page.merge_cells(area)

    lines = [["姓名", "证件", None, "文化程度"], [None, "证件类型", "证件号码", None], ["张一", "身份证", ID, "高中"]]
    found = cells(workbook(tmp_path / "r.xlsx", lines, merge))
    assert (found["name"], found["resident_id"], found["education"]) == ("张一", ID, "高中")


def test_a_row_without_name_or_number_is_a_row_and_is_judged_later(tmp_path: Path) -> None:
    """Only a person can say whether such a row matters: it is never dropped here."""
    lines = [HEADER, ("", *GOOD[1:]), (GOOD[0], GOOD[1], "", *GOOD[3:])]
    assert [row.row for row in read_roster(workbook(tmp_path / "r.xlsx", lines)).rows] == [2, 3]


def test_numbers_and_dates_stay_what_the_sheet_says(tmp_path: Path) -> None:
    """A number that lost its last digits must be seen as a number: nothing here repairs it."""
    line = ("张一", "男", 320214199102102177, "农村", "高中", 13911112222, date(2020, 6, 8), "是")
    found = cells(workbook(tmp_path / "r.xlsx", [HEADER, line]))
    assert found["mobile"] == 13911112222
    assert found["hired_on"] == date(2020, 6, 8)
    assert isinstance(found["resident_id"], int | float)


def test_the_second_sheet_is_read_when_the_first_holds_instructions(tmp_path: Path) -> None:
    def add(book: Any, page: Any) -> None:
        second = book.create_sheet("名单")
        second.append(HEADER)
        second.append(GOOD)

    roster = read_roster(workbook(tmp_path / "r.xlsx", [["填表说明"], ["姓名", "如身份证"]], add))
    assert (roster.sheet, len(roster.rows)) == ("名单", 1)


def test_a_hidden_sheet_is_not_read(tmp_path: Path) -> None:
    def add(book: Any, page: Any) -> None:
        hidden = book.create_sheet("旧名单")
        hidden.append((*HEADER, "工号", "备注"))
        hidden.append((*GOOD, "1", ""))
        hidden.sheet_state = "hidden"

    assert read_roster(workbook(tmp_path / "r.xlsx", [HEADER, GOOD], add)).sheet == "Sheet"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_text_is_read_in_its_own_encoding_and_delimiter(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = text(tmp_path / "r.csv", [["报名表"], HEADER, GOOD], encoding, delimiter)
    assert cells(path)["name"] == "张一"
    assert cells(path)["resident_id"] == ID


def test_what_keeps_excel_from_changing_a_number_is_taken_off(tmp_path: Path) -> None:
    for number, guarded in enumerate((f"\t{ID}", f"'{ID}", f" {ID} ", f"\u200b{ID}")):
        path = text(tmp_path / f"{number}.csv", [HEADER, (GOOD[0], GOOD[1], guarded, *GOOD[3:])])
        assert cells(path)["resident_id"] == ID


NOT_ROSTERS = {
    "empty.xlsx": (b"", "is empty"),
    "empty.csv": (b"", "is empty"),
    "page.xlsx": (b"<html><body>login</body></html>", "is no workbook"),
    "photo.jpg": (b"\xff\xd8\xff\xe0" + b"0" * 100, "is no workbook"),
    "old.xls": (b"\xd0\xcf\x11\xe0" + b"0" * 600, "old .xls or has a password"),
    "cut.xlsx": (b"PK\x03\x04" + b"0" * 300, "is no workbook"),
    "zeros.csv": (b"\x00\x01" * 300, "no text of a known encoding"),
    "blank.csv": (b"\r\n\r\n", "has no header of a roster"),
    "quote.csv": ("姓名,身份证号\r\n".encode() + b'"' + b"x" * 200_000, "cannot be read"),
}


@pytest.mark.parametrize("name", NOT_ROSTERS)
def test_what_is_no_roster_is_refused_in_one_sentence(tmp_path: Path, name: str) -> None:
    raw, words = NOT_ROSTERS[name]
    (tmp_path / name).write_bytes(raw)
    with pytest.raises(UnreadableSheet, match=words) as caught:
        read_roster(tmp_path / name)
    assert str(caught.value).startswith(name)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_or_a_folder_is_said(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.xlsx", tmp_path):
        with pytest.raises(UnreadableSheet, match="cannot be opened"):
            read_roster(path)


def test_a_workbook_with_thousands_of_parts_is_refused(tmp_path: Path) -> None:
    from zipfile import ZipFile

    path = workbook(tmp_path / "r.xlsx", [HEADER, GOOD])
    with ZipFile(path, "a") as archive:
        for number in range(2_001):
            archive.writestr(f"xl/{number}.xml", "")
    with pytest.raises(UnreadableSheet, match="unpacks to far more"):
        read_roster(path)


def test_an_archive_that_holds_no_workbook_is_said(tmp_path: Path) -> None:
    from zipfile import ZipFile

    path = tmp_path / "photos.xlsx"
    with ZipFile(path, "w") as archive:
        archive.writestr("a.jpg", "photo")
    with pytest.raises(UnreadableSheet, match="is no workbook"):
        read_roster(path)


def test_a_sheet_with_foreign_headers_names_the_columns_it_needs(tmp_path: Path) -> None:
    path = workbook(tmp_path / "r.xlsx", [["Produkt", "Preis", "Menge"], ["Schraube", 1, 2]])
    with pytest.raises(UnreadableSheet, match=r"姓名.*身份证号"):
        read_roster(path)


def test_a_header_without_nominees_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSheet, match="no nominee under it"):
        read_roster(workbook(tmp_path / "r.xlsx", [HEADER, [], ["合计", 0]]))


def test_two_columns_of_one_meaning_are_not_chosen_between(tmp_path: Path) -> None:
    path = workbook(tmp_path / "r.xlsx", [("姓名", "身份证号", "身份证号码"), ("张一", ID, ID)])
    with pytest.raises(UnreadableSheet, match="two columns 身份证号"):
        read_roster(path)


def test_a_gigabyte_in_a_small_file_is_never_unpacked(tmp_path: Path) -> None:
    import tracemalloc

    path = bomb(tmp_path / "bomb.xlsx")
    assert path.stat().st_size < 2_000_000
    tracemalloc.start()
    with pytest.raises(UnreadableSheet, match="unpacks to far more"):
        read_roster(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_a_file_larger_than_any_roster_is_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    with path.open("wb") as file:
        file.truncate(21 * 1024 * 1024)
    with pytest.raises(UnreadableSheet, match="larger than 20 MB"):
        read_roster(path)


def test_entities_that_could_unfold_are_refused(tmp_path: Path) -> None:
    from zipfile import ZipFile

    path = workbook(tmp_path / "r.xlsx", [HEADER, GOOD])
    with ZipFile(path, "a") as archive:
        archive.writestr("xl/extra.xml", "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>")
    with pytest.raises(UnreadableSheet, match="is no workbook"):
        read_roster(path)


def test_too_many_rows_and_too_long_a_cell_are_told(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSheet, match="more than 20000 rows"):
        read_roster(text(tmp_path / "many.csv", [("姓名", "身份证号"), *[("张一", ID)] * 20_001]))
    with pytest.raises(UnreadableSheet, match="more than 1000 characters in row 2"):
        read_roster(text(tmp_path / "long.csv", [("姓名", "身份证号"), ("张" * 1_001, ID)]))


def test_a_sheet_that_claims_a_million_lines_ends_where_its_rows_end(tmp_path: Path) -> None:
    def far(_: Any, page: Any) -> None:
        page.cell(1_000_000, 1).value = "stray"

    assert len(read_roster(workbook(tmp_path / "r.xlsx", [HEADER, GOOD], far)).rows) == 1


# --- the copy with reasons --------------------------------------------------------------------------------------


def reasons(path: Path, tmp_path: Path, words: tuple[str, str]) -> Path:
    """The copy of a roster with one result for its first row."""
    roster = read_roster(path)
    target = tmp_path / f"checked{path.suffix}"
    write_reasons(path, roster, {roster.rows[0].row: words}, target)
    return target


def test_the_copy_of_a_workbook_has_two_columns_more_and_is_otherwise_as_it_was(data: Path, tmp_path: Path) -> None:
    copy = reasons(data / "as-sent.xlsx", tmp_path, ("未通过 refused", "校验码不对"))
    old, new = load_workbook(data / "as-sent.xlsx"), load_workbook(copy)
    roster = read_roster(data / "as-sent.xlsx")
    assert new.sheetnames == old.sheetnames
    before, after = old[str(roster.sheet)], new[str(roster.sheet)]
    assert {str(area) for area in after.merged_cells.ranges} == {str(area) for area in before.merged_cells.ranges}
    assert all(after[cell.coordinate].value == cell.value for line in before.iter_rows() for cell in line)
    added = [after.cell(row, roster.width + 2).value for row in (roster.header_row, roster.rows[0].row)]
    assert added == ["原因 reason", "校验码不对"]


def test_the_copy_is_its_owners_alone(data: Path, tmp_path: Path) -> None:
    for name in ("plain.xlsx", "as-sent.csv"):
        assert reasons(data / name, tmp_path, ("a", "b")).stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checked.csv", "checked.xlsx"]


def test_a_reason_is_never_a_formula(data: Path, tmp_path: Path) -> None:
    sheet = load_workbook(reasons(data / "plain.xlsx", tmp_path, ("=1+1", '=HYPERLINK("http://a")'))).worksheets[0]
    width = read_roster(data / "plain.xlsx").width
    assert {sheet.cell(2, width + 1).data_type, sheet.cell(2, width + 2).data_type} == {"s"}
    assert b"'=1+1" in reasons(data / "as-sent.csv", tmp_path, ("=1+1", "@x")).read_bytes()


def test_the_copy_of_a_text_keeps_its_encoding_and_line_ends(data: Path, tmp_path: Path) -> None:
    copy = reasons(data / "as-sent.csv", tmp_path, ("通过", "好"))
    lines = copy.read_bytes().decode("gb18030").split("\r\n")
    assert lines[0].endswith("结果 result,原因 reason")
    assert lines[1].endswith("通过,好")
    original = (data / "as-sent.csv").read_bytes().decode("gb18030").split("\r\n")
    assert all(new.startswith(old) for old, new in zip(original, lines, strict=True))
