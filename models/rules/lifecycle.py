"""The lifecycle as one table of data: the stages, every kind of wait, and what else is watched, with holders and limits.

Belongs here: the table. Does not: what a stage does (tasks/<stage>.py). Engine, stall watch, screens and docs read it.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: its names, the evidence that ends it, and on whom it waits."""

    name: str
    chinese: str
    ends_with: str
    waits_on: tuple[str, ...]


STAGES: tuple[Stage, ...] = (
    Stage("nomination", "提名", "each worker eligible or refused with reasons, consent recorded", ("enterprise_hr",)),
    Stage("review", "审核", "a reviewer's decision for each nominee within the quota", ("union",)),
    Stage("public_notice", "公示", "the masked list hung its working days, objections settled", ("union",)),
    Stage("admission", "录取", "the school's decision for each applicant", ("school",)),
    Stage("registration", "学籍注册", "student number and status from the school", ("school",)),
    Stage("teaching", "教学", "all terms of the programme taught, attendance reported", ("centre", "school")),
    Stage("exams", "考试", "a final result for each module, the skill assessment's result", ("school", "assessor")),
    Stage("recognition", "学习成果认定与转换", "each claimed outcome decided, credits within the cap", ("school",)),
    Stage("certification", "发证", "diploma number and skill-certificate number back", ("school", "assessor")),
)  # fmt: skip
_ORDER = [stage.name for stage in STAGES]


def next_stage(name: str) -> str | None:
    """Give the stage after this one; None after the last."""
    place = _ORDER.index(name) + 1
    return _ORDER[place] if place < len(_ORDER) else None


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit and whom to tell when it is passed.

    Of a wait: `working` or `calendar` days, or `nights`, from when it began (or from its due date). Of what is watched
    besides: `nights`, `minutes`, `percent`, or `days before` and `months before` a day to come.
    """

    days: int
    unit: str
    holder: str


@dataclass(frozen=True, slots=True)
class WaitKind:
    """A kind of wait: on whom, for what, and the limits after which it is a stall; none means never a stall.

    `severity`: `urgent` is told at once, `warning` and `info` in working hours.
    """

    name: str
    stage: str
    holder: str
    chinese: str
    what: str
    limits: tuple[Limit, ...] = ()
    severity: str = "warning"


def _kind(
    name: str,
    stage: str,
    holder: str,
    chinese: str,
    what: str,
    *limits: tuple[int, str, str],
    severity: str = "warning",
) -> WaitKind:
    return WaitKind(name, stage, holder, chinese, what, tuple(Limit(*limit) for limit in limits), severity)


_HR, _CO, _WORK, _CAL = "enterprise_hr", "coordinator", "working", "calendar"
_DOCUMENT = ((5, _WORK, _HR), (10, _WORK, _CO))
WAIT_KINDS: dict[str, WaitKind] = {kind.name: kind for kind in (
    _kind("household-evidence", "nomination", _HR, "缺户口证明", "evidence of household registration", *_DOCUMENT),
    _kind("roster-field", "nomination", _HR, "花名册信息待补", "a missing or wrong entry of the roster", *_DOCUMENT),
    _kind("consent", "nomination", _HR, "缺个人信息同意书", "the worker's consents", *_DOCUMENT),
    _kind("nominated-twice", "nomination", _CO, "同一花名册重复推荐", "a decision on a doubled roster row", (10, _WORK, _CO)),
    _kind("nominated-elsewhere", "nomination", _CO, "两家企业重复推荐", "a decision on a second nomination", (10, _WORK, _CO)),
    _kind("review-decision", "review", "union", "待审核", "the reviewer's decision", (5, _WORK, "union")),
    _kind("notice-running", "public_notice", "union", "公示中", "the end of the public notice"),
    _kind("objection", "public_notice", "union", "公示异议待处理", "a decision on an objection", (10, _WORK, "union")),
    _kind("admission-decision", "admission", "school", "待录取", "the school's admission decision", (15, _WORK, "school")),
    _kind("registration-number", "registration", "school", "待学籍注册", "the student number", (0, _CAL, "school")),
    _kind("class-confirmation", "teaching", "centre", "开课待确认", "the confirmation of a class",
          (0, _CAL, "centre"), (5, _CAL, "school")),
    _kind("attendance-low", "teaching", "worker", "出勤率不足", "attendance below the threshold", (0, _CAL, "supervisor")),
    _kind("absent-twice", "teaching", "worker", "连续两次缺勤", "a worker absent twice in a row", (0, _CAL, "supervisor")),
    _kind("attendance-unreported", "teaching", "school", "考勤未上报", "the register of a session", (3, "nights", "school")),
    _kind("exam-result", "exams", "school", "成绩未发布", "the release of grades", (30, _CAL, "school"), (60, _CAL, "department")),
    _kind("make-up-exam", "exams", "school", "待补考", "the make-up exam and its result"),
    _kind("skill-result", "exams", "assessor", "待技能评价结果", "the result of the skill assessment", (60, _WORK, "assessor")),
    _kind("recognition-decision", "recognition", "school", "学习成果待认定", "a decision on a claimed outcome",
          (20, _WORK, "school")),
    _kind("study-time", "certification", "school", "未满最低学习年限", "the minimum study time"),
    _kind("diploma-number", "certification", "school", "待毕业证书", "the diploma's number", (150, _CAL, "school")),
    _kind("skill-certificate", "certification", "assessor", "待技能证书", "the skill certificate's number",
          (20, _WORK, "assessor")),
    _kind("award-quota", "funding", "union_finance", "资助名额或预算已满", "room in the source's quota or budget",
          (0, _CAL, "union_finance")),
    _kind("bank-card", "funding", "worker", "缺银行卡号", "a bank card to pay to", (3, _WORK, "worker"), (10, _WORK, "union_finance")),
    _kind("payment-result", "funding", "union_finance", "待付款结果", "the result of a payment", (10, _WORK, "union_finance")),
    _kind("payment-returned", "funding", "worker", "付款退回", "a new bank card after a returned payment",
          (3, _WORK, "worker"), (10, _WORK, "union_finance")),
)}  # fmt: skip

# What is watched besides the waits: the machine, the money, and days that come closer.
_BEFORE, _MONTHS = "days before", "months before"
WATCH_KINDS: dict[str, WaitKind] = {kind.name: kind for kind in (
    _kind("source-silent", "", _CO, "数据源无响应", "a successful reading of a source", (3, "nights", _CO)),
    _kind("stream-held", "", _CO, "数据被校验拦下", "the cure of a stream that its gate holds", (0, "nights", _CO)),
    _kind("run-crashed", "", _CO, "流程运行崩溃", "a new run of a flow that crashed", (0, "minutes", _CO), severity="urgent"),
    _kind("run-late", "", _CO, "流程未按时启动", "the start of a flow run that is late", (15, "minutes", _CO)),
    # The first limit is for a run that does not begin, the second for one that does not end.
    _kind("run-pending", "", _CO, "流程卡住", "a flow run that hangs", (10, "minutes", _CO), (120, "minutes", _CO)),
    _kind("chat-silent", "", _CO, "消息服务无响应", "a chat service that takes messages", (0, "nights", _CO), severity="urgent"),
    _kind("money-nearly-used", "funding", "union_finance", "资助名额或预算将用尽", "room in a quota or budget nearly used up",
          (90, "percent", "union_finance"), (100, "percent", _CO)),
    _kind("window-closing", "exams", _CO, "报名窗口即将关闭", "a registration before its window closes",
          (14, _BEFORE, _CO), (7, _BEFORE, _CO), (2, _BEFORE, _CO)),
    _kind("status-lapsing", "registration", _CO, "学籍即将失效", "graduation before the student status lapses",
          (24, _MONTHS, _CO), (12, _MONTHS, _CO), (6, _MONTHS, _CO), severity="info"),
)}  # fmt: skip
ALL_KINDS: dict[str, WaitKind] = WAIT_KINDS | WATCH_KINDS
