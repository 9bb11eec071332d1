"""What each rule means to a coordinator, Chinese beside English.

Belongs here: one short phrase for every rule that can hold back, refuse or end something. Does not: the rules
themselves (models/rules) or what stands in a row.
"""

from collections.abc import Iterable

ELIGIBILITY = {
    "under-age": "未满年龄 under age",
    "entry-level": "学历未达报读要求 entry level not reached",
    "already-funded": "已享受同层次资助 funded already for this level",
    "full-time-student": "全日制在校生 full-time student",
    "employer-differs": "工作单位不符 another employer",
    "sex-differs": "性别与身份证不符 sex and ID disagree",
    "sex-invalid": "性别无法识别 sex not readable",
    "household-evidence-missing": "缺户口证明 household evidence missing",
    "education-missing": "缺学历证明 education missing",
    "nominated-twice": "花名册内重复 twice in one roster",
    "nominated-elsewhere": "另有推荐 nominated elsewhere",
}
IDENTIFIERS = {
    "resident-id-missing": "缺身份证号 resident ID missing",
    "resident-id-form": "身份证号格式不符 resident ID malformed",
    "resident-id-date": "身份证号日期不存在 resident ID has no real date",
    "resident-id-checksum": "身份证号校验不符 resident ID's check digit is wrong",
    "resident-id-lost-digits": "身份证号尾数被表格破坏 resident ID lost its last digits in the sheet",
    "mobile-invalid": "手机号不符 mobile number not valid",
    "bank-card-invalid": "银行卡号不符 bank card not valid",
    "name-missing": "缺姓名 name missing",
    "name-form": "姓名格式不符 name malformed",
    "date-invalid": "日期不存在 no such date",
    "credit-code-form": "统一社会信用代码格式不符 credit code malformed",
    "credit-code-checksum": "统一社会信用代码校验不符 credit code's check character is wrong",
    "school-code-form": "学校代码格式不符 school code malformed",
    "diploma-number-form": "毕业证书编号格式不符 diploma number malformed",
    "skill-certificate-number-form": "技能证书编号格式不符 skill certificate number malformed",
}
STUDY = {
    "quota-full": "名额已满 quota used up",
    "budget-full": "预算已用完 budget used up",
    "review-refused": "审核未通过 refused in review",
    "objection-upheld": "公示异议成立 an objection was upheld",
    "place-refused": "学校未录取 place refused by the school",
    "attendance-below-threshold": "出勤率不足 attendance below the threshold",
    "mark-below-pass": "成绩不合格 mark below the pass",
    "part-below-pass": "单项成绩不合格 a part below the pass",
    "免考": "免考 exempt from the exam",
    "status-lapsed": "学籍已失效 student status lapsed",
    "credits-short": "学分不足 not enough credits",
    "minimum-study-time": "未满最低学习年限 minimum study time not over",
    "skill-failed": "技能评价未通过 skill assessment failed",
    "reviewer-refused": "认定未通过 recognition refused",
    "module-unknown": "方案中无此课程 no such module in the programme",
    "module-never-exempted": "实践与毕业环节不得免修 practice and thesis are never exempted",
    "already-recognised": "该课程已认定 module recognised already",
    "credits-too-few": "成果学分不足 outcome worth fewer credits",
    "recognition-cap": "超过可认定学分上限 over the cap on recognised credits",
}
WITHDRAWAL = {
    "left-employer": "已离职 left the employer",
    "dropped-out": "放弃学习 dropped out",
    "expelled": "被开除学籍 expelled",
    "deceased": "已故 deceased",
}
GATE = {
    "row-unreadable": "整行无法读取 row not readable",
    "reference-unknown": "所引用的记录尚未收到 it names a row that has not come yet",
    "enterprise-unknown": "企业不在任何班级计划中 the enterprise stands in no cohort's plan yet",
    "answer-taken-back": "已作出的答复被撤回 an answer given was taken back",
    "timestamp-in-future": "修改时间在未来 it says it was changed in the future",
    "class-unknown": "班级课程未知 class not known",
    "worker-unknown": "找不到对应职工 no such worker in any cohort",
    "match-ambiguous": "对应多名职工 fits more than one worker",
    "document-unreadable": "证明内容无法识别 the document says nothing that is known",
    "document-kind-unknown": "证明种类未知 kind of document not known",
    "certificate-number-taken": "证书编号已属他人 the certificate number is another worker's already",
    "mark-range": "分数超出 0–100 mark outside 0–100",
    "still-referred-to": "仍被其他记录引用，未删除 others still hang on it: not removed",
    "key-missing": "缺主键 its id is missing",
    "key-repeated": "同一主键有不同内容 two different rows have one id",
    "date-out-of-range": "日期不在合理范围 a day out of our times",
    "dates-reversed": "日期先后颠倒 days in the wrong order",
    "minutes-range": "分钟数超出一天 minutes outside a day",
    "hours-range": "学时超出范围 hours out of range",
    "credits-range": "学分超出范围 credits out of range",
    "level-range": "技能等级不是 1–5 skill level outside 1–5",
    "code-missing": "缺课程代码 course code missing",
    "employee-number-missing": "缺工号 employee number missing",
    "student-number-missing": "缺学号 student number missing",
    "student-number-form": "学号格式不符 student number malformed",
    "diploma-number-missing": "缺毕业证书编号 diploma number missing",
    "skill-certificate-number-missing": "缺技能证书编号 skill certificate number missing",
    "part-unknown": "成绩类别未知 part of the mark not known",
    "meaning-unknown": "考勤含义未知 meaning in the register not known",
    "score-status-unknown": "成绩状态未知 score status not known",
    "score-missing": "已评分却无分数 graded without a score",
    "status-unknown": "状态未知 status not known",
    "consent-kind-unknown": "同意种类未知 kind of consent not known",
}
SHEETS = {
    "answer-to-nothing": "未知申请编号 answer to nothing sent",
    "answer-unknown": "结果无法识别 answer not known",
    "answers-differ": "同一人结果不一致 two answers that differ",
    "number-form": "编号格式不符 number malformed",
    "number-lost-digits": "编号尾数丢失 number lost digits",
    "date-missing": "缺日期 date missing",
    "level-unknown": "等级无法识别 level not known",
    "module-missing": "缺课程代码 module code missing",
    "term-missing": "缺学期 term missing",
    "term-unreadable": "学期无法识别 term not readable",
    "mark-unreadable": "成绩无法识别 mark not readable",
    "formula-uncalculated": "公式未计算 formula never calculated",
}
RULES = {**ELIGIBILITY, **IDENTIFIERS, **STUDY, **WITHDRAWAL, **GATE, **SHEETS}


def rules(names: str | Iterable[str]) -> str:
    """Give rules in words; several may be joined with commas."""
    found = names.split(",") if isinstance(names, str) else names
    return "；".join(RULES.get(name.strip(), name.strip()) for name in found if name.strip())
