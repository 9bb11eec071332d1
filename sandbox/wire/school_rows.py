"""The school's records as OneRoster objects, in all their dated versions.

Belongs here: which object exists when, and what it says. Does not: requests (oneroster.py).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sandbox.days import FIRST_DAY, moment, utc_iso
from sandbox.organisations import CENTRE, SCHOOL
from sandbox.programmes import PROGRAMMES
from sandbox.story import Story, Study
from sandbox.timetable import TERMS, ClassPlan, Term
from sandbox.wire.state import State

PARTS = {"formative": "平时", "final": "期末", "make-up": "补考"}
TEACHERS = (("陈", "立德"), ("林", "致远"), ("吴", "思源"))


@dataclass(frozen=True, slots=True)
class Ref:
    """A reference to another object: its type, the collection it is in, its sourcedId."""

    type: str
    collection: str
    id: str


SCHOOL_REF = Ref("org", "orgs", SCHOOL.code)


def fill(state: State) -> None:
    """Put every object of the school on its shelf."""
    _organisations(state)
    _terms(state)
    _courses(state)
    _teachers(state)
    for plan in state.world.classes.values():
        _class(state, plan)
    for story in state.world.students.values():
        _student(state, story)
        for plan in state.world.cohort(story.cohort).classes:
            if study := story.studies.get(plan.module.code):
                _enrolment(state, story, plan, study)
                _results(state, story, plan, study)
    _wrong_class(state)


def _put(state: State, kind: str, id: str, on: date, **body: Any) -> None:
    """Put a version of an object on its shelf."""
    at = moment(on, id)
    status = body.pop("status", "active")
    head = {"sourcedId": id, "status": status, "dateLastModified": utc_iso(at)}
    state.put("oneroster", kind, id, at, {**head, **body})


def _organisations(state: State) -> None:
    """The school and its centre."""
    children = [Ref("org", "orgs", CENTRE.code)]
    _put(
        state,
        "orgs",
        SCHOOL.code,
        FIRST_DAY,
        name=SCHOOL.name,
        type="school",
        identifier=SCHOOL.code,
        children=children,
    )
    _put(
        state,
        "orgs",
        CENTRE.code,
        FIRST_DAY,
        name=CENTRE.name,
        type="department",
        identifier=CENTRE.code,
        parent=SCHOOL_REF,
    )


def _session_id(term: Term) -> str:
    """Return the sourcedId of a term."""
    return f"TERM-{term.code}"


def _terms(state: State) -> None:
    """School years and their terms, published before each begins; the end date is excluded by the book."""
    years: dict[int, list[Ref]] = {}
    for term in TERMS:
        year = term.ends_on.year
        parent = Ref("academicSession", "academicSessions", f"YEAR-{year}")
        published = max(FIRST_DAY, term.starts_on - timedelta(days=90))
        years.setdefault(year, []).append(Ref("academicSession", "academicSessions", _session_id(term)))
        _put(state, "academicSessions", _session_id(term), published, title=term.title,
             startDate=term.starts_on.isoformat(), endDate=(term.ends_on + timedelta(days=1)).isoformat(),
             type="semester", parent=parent, schoolYear=str(year))  # fmt: skip
        _put(state, "academicSessions", f"YEAR-{year}", published, title=f"{year - 1}-{year}学年",
             startDate=f"{year - 1}-09-01", endDate=f"{year}-09-01", type="schoolYear", children=[*years[year]],
             schoolYear=str(year))  # fmt: skip


def _courses(state: State) -> None:
    """One course a module."""
    for programme in PROGRAMMES:
        for module in programme.modules:
            _put(state, "courses", f"CRS-{module.code}", FIRST_DAY, title=module.name, courseCode=module.code,
                 org=SCHOOL_REF, metadata={"credits": module.credits, "programme": programme.code})  # fmt: skip


def _user(given: str, family: str, role: str, enabled: bool = True) -> dict[str, Any]:
    """Return what teachers and students have in common."""
    roles = [{"roleType": "primary", "role": role, "org": SCHOOL_REF}]
    return {
        "enabledUser": "true" if enabled else "false",
        "givenName": given,
        "familyName": family,
        "roles": roles,
        "primaryOrg": SCHOOL_REF,
    }


def _teachers(state: State) -> None:
    """The teachers."""
    for place, (family, given) in enumerate(TEACHERS):
        _put(state, "users", f"USR-T{place}", FIRST_DAY, **_user(given, family, "teacher"))


def user_id(story: Story) -> str:
    """Return the sourcedId of a student, which says nothing about the person."""
    return f"USR-{int(story.student_number or 0) % 10_000:04d}{story.cohort[-1]}"


def _student(state: State, story: Story) -> None:
    """A student from the day of registration; disabled the day after he leaves."""
    person, number = story.person, story.student_number
    if story.registered_on is None:
        return
    ids = [{"type": "studentNumber", "identifier": number}]
    for enabled, on in ((True, story.registered_on), (False, story.left_on and story.left_on + timedelta(days=1))):
        if on:
            _put(state, "users", user_id(story), on, userIds=ids, username=f"s{number}", identifier=number,
                 **_user(person.given_name, person.surname, "student", enabled))  # fmt: skip


def _class(state: State, plan: ClassPlan) -> None:
    """A class, its teacher, and what is marked in it."""
    term = Ref("academicSession", "academicSessions", _session_id(plan.term))
    _put(state, "classes", plan.id, plan.created_on, title=f"{plan.module.name}（{plan.cohort}）",
         classCode=f"{plan.cohort}-{plan.module.code}", classType="scheduled", location=CENTRE.name,
         course=Ref("course", "courses", f"CRS-{plan.module.code}"), school=SCHOOL_REF,
         terms=[term])  # fmt: skip
    _put(
        state,
        "enrollments",
        f"ENR-{plan.number}-T",
        plan.created_on,
        **_place(plan, f"USR-T{plan.number % 3}", "teacher"),
    )
    parts = [("formative", plan.created_on, plan.exam_on), ("final", plan.created_on, plan.exam_on)]
    if plan.has_make_up:
        parts.append(("make-up", plan.released_on, plan.make_up_on))
    for part, since, due in parts:
        _line_item(state, plan, part, since, due)


def _line_item(state: State, plan: ClassPlan, part: str, since: date, due: date) -> None:
    """Something marked in a class."""
    if state.shelf("oneroster", "categories").get(f"CAT-{part}", since) is None:
        for name, title in PARTS.items():
            _put(state, "categories", f"CAT-{name}", FIRST_DAY, title=title)
    term = Ref("academicSession", "academicSessions", _session_id(plan.term))
    _put(state, "lineItems", _line_item_id(plan, part), since, title=f"{plan.module.name} {PARTS[part]}",
         assignDate=utc_iso(moment(since, plan.id)), dueDate=utc_iso(_noon(due)), school=SCHOOL_REF,
         category=Ref("category", "categories", f"CAT-{part}"), academicSession=term, resultValueMin=0,
         resultValueMax=100, **{"class": Ref("class", "classes", plan.id)})  # fmt: skip


def _line_item_id(plan: ClassPlan, part: str) -> str:
    """Return the sourcedId of a line item."""
    return f"LI-{plan.id}-{part}"


def _noon(day: date) -> datetime:
    """Return an hour at which UTC and China agree on the day."""
    return moment(day, "noon").replace(hour=12, minute=0)


def _place(plan: ClassPlan, user: str, role: str, **dates: str) -> dict[str, Any]:
    """Return the body of an enrolment."""
    return {
        "user": Ref("user", "users", user),
        "class": Ref("class", "classes", plan.id),
        "school": SCHOOL_REF,
        "role": role,
        "primary": "true" if role == "teacher" else "false",
        **dates,
    }


def _enrolment(state: State, story: Story, plan: ClassPlan, study: Study) -> None:
    """A student's place in a class; it ends the day he leaves."""
    if not study.enrolled or story.registered_on is None:
        return
    since = max(story.registered_on, plan.starts_on - timedelta(days=12))
    id = f"ENR-{plan.number}-{(story.student_number or '')[-4:]}"
    _enrol(state, id, since, story, plan, plan.term.ends_on)
    if story.left_on and story.left_on < plan.term.ends_on:
        _enrol(state, id, story.left_on + timedelta(days=1), story, plan, story.left_on)


def _enrol(state: State, id: str, since: date, story: Story, plan: ClassPlan, until: date, **status: str) -> None:
    """Put a version of an enrolment on its shelf."""
    dates = {"beginDate": plan.starts_on.isoformat(), "endDate": until.isoformat()}
    _put(state, "enrollments", id, since, **status, **_place(plan, user_id(story), "student", **dates))


def _wrong_class(state: State) -> None:
    """He who was nominated twice is put into a class of the other cohort by mistake, and taken out again."""
    story = next(s for s in state.world.students.values() if any(s.person == t.person for t in _doubles(state)))
    plan = state.world.cohort("WX-2023B").classes[0]
    _enrol(state, "ENR-MISTAKE", date(2023, 9, 11), story, plan, plan.term.ends_on)
    _enrol(state, "ENR-MISTAKE", date(2023, 9, 20), story, plan, plan.term.ends_on, status="tobedeleted")


def _doubles(state: State) -> list[Story]:
    """Return the stories of those who are nominated elsewhere too."""
    return [story for story in state.world.stories if "nominated-elsewhere" in story.ending.rules]


def _results(state: State, story: Story, plan: ClassPlan, study: Study) -> None:
    """The results of a student in a class; the formative part comes out some days before the exam."""
    if study.formative is not None:
        _result(state, story, plan, "formative", plan.exam_on - timedelta(days=5), study.formative)
    if study.state == "exempt":
        _result(state, story, plan, "final", plan.released_on, None, "exempt")
    elif study.state == "barred":
        _result(state, story, plan, "final", plan.released_on, None, "not submitted")
    elif study.final is not None:
        _result(state, story, plan, "final", plan.released_on, study.final)
    if study.make_up is not None:
        _result(state, story, plan, "make-up", plan.make_up_released_on, study.make_up)


def _result(
    state: State, story: Story, plan: ClassPlan, part: str, on: date, score: float | None, status: str = ""
) -> None:
    """One result."""
    body: dict[str, Any] = {
        "lineItem": Ref("lineItem", "lineItems", _line_item_id(plan, part)),
        "student": Ref("user", "users", user_id(story)),
        "class": Ref("class", "classes", plan.id),
        "scoreStatus": status or "fully graded",
        "scoreDate": on.isoformat(),
    }
    if score is not None:
        body["score"] = score
    _put(state, "results", f"RES-{plan.id}-{part}-{story.student_number}", on, **body)
