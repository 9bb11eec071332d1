"""Why a worker has not moved, in one sentence, Chinese and English.

Belongs here: the sentence. Does not: the facts (tasks/why.py) or the words for codes (words.py, rule_words.py).
"""

import re
from typing import Any

from console.rule_words import rules
from console.words import STAGE, holder, stage, status, subject

View = dict[str, Any]
Pair = tuple[str, str]

FACTS = ("attendance-low", "absent-twice")  # what has happened, not what is to come


def sentences(fact: View) -> dict[str, str]:
    """Give the sentence in both languages."""
    chinese, english = {"waits": _waits, "moves": _moves, "ended": _ended}[fact["state"]](fact)
    key, name = fact["participant"], fact["name"]
    return {
        "chinese": f"{f'{name}（{key}）' if name else key}{chinese}。",
        "english": f"{f'{name} ({key})' if name else key} {english}.",
    }


def apart(text: str) -> Pair:
    """Part a phrase that is Chinese beside English into the two; one in a single language serves for both."""
    found = re.fullmatch(r"(.*[^\x00-\x7f].*?) ((?=[A-Za-z])[\x00-\x7f–’]+)", text.strip(), re.DOTALL)
    return (found[1], found[2]) if found else (text.strip(), text.strip())


def _waits(fact: View) -> Pair:
    first, *others = fact["waits"]
    place, rule, version = apart(stage(fact["stage"])), fact["rule"], fact["policy_version"]
    held, (wait_zh, wait_en), (more_zh, more_en) = fact["status"] == "held", _wait(first), _others(others)
    rule_zh, rule_en = _in_words(rule) if held else ("", "")
    return (
        f"自 {fact['since']} 起停在“{place[0]}”：按规则{f'“{rule_zh}”' if held else ''}（{rule}，政策 {version}）"
        f"{wait_zh}{more_zh}",
        f"has stood in {place[1]} since {fact['since']} by the rule {f'“{rule_en}” ({rule}' if held else f'“{rule}” ('}"
        f"{', ' if held else ''}policy {version}), {wait_en}{more_en}",
    )


def _in_words(names: str) -> Pair:
    pairs = [apart(rules(name)) for name in names.split(",")]
    return "、".join(chinese for chinese, _ in pairs), "; ".join(english for _, english in pairs)


def _wait(wait: View) -> Pair:
    """What is missing, who holds it, since when and until when."""
    about = f" [{subject(wait['subject'])}]" if wait["subject"] else ""
    held = apart(holder(wait["on"]))
    name = f"{wait['holder']}（{held[0]}）" if wait["holder"] else held[0]
    named = f"{wait['holder']} ({held[1]})" if wait["holder"] else f"the {held[1]}"
    late_zh, late_en = _until(wait)
    reason = "because of" if wait["kind"] in FACTS else "waiting for"
    return (
        f"卡在“{wait['chinese']}”{about}，由{name}自 {wait['since']} 起办理，{late_zh}",
        f"{reason} {wait['for']}{about}, held by {named} since {wait['since']}, {late_en}",
    )


def _until(wait: View) -> Pair:
    if not wait["due"]:
        return "不设期限", "with no day it is due by"
    about = ("约 ", "about ") if wait["provisional"] else ("", "")
    if not wait["stalled"]:
        return f"期限 {about[0]}{wait['due']}", f"due by {about[1]}{wait['due']}"
    late = wait["late"]
    return (
        f"期限 {about[0]}{wait['due']}，已超期 {late} 个工作日",
        f"due by {about[1]}{wait['due']}, {late} working day{'' if late == 1 else 's'} late",
    )


def _others(others: list[View]) -> Pair:
    if not others:
        return "", ""
    kinds = {wait["kind"]: (wait["chinese"], wait["for"]) for wait in others}
    return (
        f"；另等 {len(others)} 项：{'、'.join(zh for zh, _ in kinds.values())}",
        f"; {len(others)} more awaited: {', '.join(en for _, en in kinds.values())}",
    )


def _moves(fact: View) -> Pair:
    place, following = apart(stage(fact["stage"])), apart(STAGE[fact["next"] or "closed"])
    return (
        f"没有被卡住：自 {fact['since']} 起在“{place[0]}”（政策 {fact['policy_version']}），无待办事项，下一步是“{following[0]}”",
        f"is not held up: in {place[1]} since {fact['since']} (policy {fact['policy_version']}), which ends with "
        f"{fact['ends_with']}; next comes {following[1]}",
    )  # fmt: skip


def _ended(fact: View) -> Pair:
    how, place, reason = apart(status(fact["status"])), apart(stage(fact["stage"])), _reason(fact["reason"])
    said = (f"：{reason[0]}", f": {reason[1]}") if reason[0] else ("", "")
    version = fact["policy_version"]
    if not fact["rule"]:
        return (
            f"已于 {fact['ended']} 在“{place[0]}”以“{how[0]}”结束（政策 {version}）{said[0]}",
            f"ended on {fact['ended']} in {place[1]} as {how[1]} (policy {version}){said[1]}",
        )
    rule = _in_words(fact["rule"])
    return (
        f"已于 {fact['ended']} 在“{place[0]}”以“{how[0]}”结束：按规则“{rule[0]}”（{fact['rule']}，政策 {version}）{said[0]}",
        f"ended on {fact['ended']} in {place[1]} as {how[1]}, by the rule “{rule[1]}” ({fact['rule']}, "
        f"policy {version}){said[1]}",
    )


def _reason(text: str) -> Pair:
    """Reasons as they were written down, on one line whatever was typed."""
    parts = [apart(" ".join(part.split()).rstrip("。. ")) for part in text.split("；")]
    return "；".join(chinese for chinese, _ in parts), "; ".join(english for _, english in parts)
