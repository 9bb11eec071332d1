"""The file of errors beside a sheet: which row, which rule, what to do; no more of the row than its number.

Belongs here: its words and its form. Does not: where it is put (connector.py).
"""

import csv
import io
from collections.abc import Iterable

from connectors.spreadsheet.survey import ERRORS

HEADER = ("行 row", "规则 rule", "怎么办 what to do")
ASK = "请与项目协调员联系 ask the programme's coordinator"
ADVICE = {
    "answer-to-nothing": ("未知申请编号 answer to nothing sent", "填写申请名单中的编号 give the id of the list that was sent"),
    "answer-unknown": ("结果无法识别 answer not known", "填写录取/未录取、合格/不合格 write 录取 or 未录取, 合格 or 不合格"),
    "answers-differ": ("同一人结果不一致 two answers that differ", "只保留正确的一行 keep the row that counts"),
    "match-ambiguous": ("对应多份申请 fits more than one", "填写申请名单中的编号 give the id of the list that was sent"),
    "resident-id-form": ("身份证号格式不符 resident ID malformed", "核对18位号码 check its 18 characters"),
    "resident-id-date": ("身份证号日期不存在 resident ID has no real date", "核对号码 check the number"),
    "resident-id-checksum": ("身份证号校验不符 resident ID's check digit is wrong", "核对号码 check the number"),
    "resident-id-lost-digits": ("身份证号尾数丢失 resident ID lost digits", "将该列设为文本后重填 format the column as text"),
    "number-form": ("编号格式不符 number malformed", "核对编号 check the number"),
    "number-lost-digits": ("编号尾数丢失 number lost digits", "将该列设为文本后重填 format the column as text"),
    "date-missing": ("缺日期 date missing", "按 2026-09-01 填写 write it as 2026-09-01"),
    "date-invalid": ("日期无法识别 date not readable", "按 2026-09-01 填写 write it as 2026-09-01"),
    "date-out-of-range": ("日期不在合理范围 a day out of our times", "核对日期 check the date"),
    "student-number-form": ("学号格式不符 student number malformed", "核对学号 check the number"),
    "key-repeated": ("同一人结果不一致 two answers that differ", "只保留正确的一行 keep the row that counts"),
    "level-unknown": ("等级无法识别 level not known", "填写一级至五级 write 一级 to 五级"),
    "student-number-missing": ("缺学号 student number missing", "填写学号 fill it in"),
    "module-missing": ("缺课程代码 module code missing", "填写课程代码 fill it in"),
    "term-missing": ("缺学期 term missing", "按 2026-2027-1 填写 write it as 2026-2027-1"),
    "term-unreadable": ("学期无法识别 term not readable", "按 2026-2027-1 填写 write it as 2026-2027-1"),
    "part-unknown": ("成绩性质无法识别 part not known", "填写平时、期末或补考 write 平时, 期末 or 补考"),
    "mark-unreadable": ("成绩无法识别 mark not readable", "填写 0–100 的分数或缺考、免修 write points, 缺考 or 免修"),
    "mark-range": ("分数超出 0–100 mark outside 0–100", "填写 0–100 的分数 write 0 to 100"),
    "formula-uncalculated": ("公式未计算 formula never calculated", "用 Excel 或 WPS 打开并保存 open it in Excel or WPS and save it"),
    "reference-unknown": ("所引用的记录不存在 it names what is not known", "核对编号 check the number"),
    "diploma-number-form": ("毕业证书编号格式不符 diploma number malformed", "核对18位编号 check its 18 digits"),
    "skill-certificate-number-form": ("技能证书编号格式不符 skill certificate number malformed", "核对编号 check the number"),
    "certificate-number-taken": ("证书编号已属他人 the number is another worker's", "核对编号 check the number"),
    "answer-taken-back": ("已作出的答复被撤回 an answer was taken back", ASK),
    "timestamp-in-future": ("修改时间在未来 changed in the future", "校准时钟 set the clock right"),
    "row-unreadable": ("整行无法读取 row not readable", "对照样表核对该行 compare the row with the example"),
}  # fmt: skip


def beside(path: str) -> str:
    """Give the path of a sheet's file of errors."""
    return f"{path}{ERRORS}"


def written(lines: Iterable[tuple[str, str]]) -> bytes:
    """Write the file: a row's place and the names of the rules it broke, in words, so that Excel opens it."""
    table = [(place, word, advice) for place, rules in lines for word, advice in map(_said, _names(rules))]
    return _csv(table)


def written_in_words(lines: Iterable[tuple[str, str, str]]) -> bytes:
    """Write the file of lines that are worded already: place, rule, what to do."""
    return _csv(lines)


def written_whole(sentence: str) -> bytes:
    """Write the file of a sheet of which no row can be read."""
    return _csv([("整个文件 whole file", "无法读取 not readable", sentence)])


def _names(rules: str) -> list[str]:
    return [name.strip() for name in rules.split(",") if name.strip()]


def _said(rule: str) -> tuple[str, str]:
    return ADVICE.get(rule, (rule, ASK))


def _csv(table: Iterable[tuple[str, ...]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([HEADER, *table])
    return out.getvalue().encode("utf-8-sig")
