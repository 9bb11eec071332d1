"""Keeping house: who is anonymised leaves no trace but ids, counts and money; once, harmlessly interrupted, on both databases."""

import asyncio
import os
from datetime import date
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import String, select, text, type_coerce

from connectors.base import Connection
from connectors.database import table_hashes
from models.clock import business_date
from models.repositories import retention as kept
from models.tables import METADATA
from models.tables.credentials import Certificate, Outcome, Recognition
from models.tables.funding import Award, Payment
from models.tables.lifecycle import Application, DecisionRequest
from models.tables.news import News
from models.tables.operations import AuditEvent, Outbox, Quarantine
from models.tables.organisations import Cohort
from models.tables.people import Consent, Document, Employment, Nomination, Participant, Worker
from models.vault import Encrypted, keyring
from tasks import retention
from tasks.gate import take
from tasks.nomination import Desk
from tasks.office import Office, unit_of_work
from tasks.reading import source_of
from tasks.retention import keep_house
from tasks.source import worker_key
from tests.fixtures.care import fill
from tests.fixtures.cohorts import DATA, ENTERPRISE, Case, change, one, open_cohort, rows, take_roster, write
from tests.fixtures.databases import BACKENDS
from tests.models.tables.rows import CARD, DAY, ID_NUMBER, MOBILE
from tests.tasks.told import document, employment

ENDED = date(2027, 6, 30)
STILL, REDUCED, ANONYMOUS = date(2030, 6, 30), date(2030, 7, 1), date(2057, 1, 1)
UNTOUCHED = {
    "ledger_lines",
    "awards",
    "payments",
    "funding_sources",
    "modules_taken",
    "steps",
    "waits",
    "cohorts",
    "leaves",
}


def keep(today: date, **given: Any) -> dict[str, int]:
    return asyncio.run(keep_house(today, **given))


@pytest.fixture
def ended(office: Office) -> Office:
    """A row of every table, whose cohort is closed and whose participant has ended and been paid."""
    fill(office.settings.database_url)
    end()
    return office


def end() -> None:
    change(Cohort, "WX-2026A", stage="closed")
    change(Participant, "P-1", status="completed", ended_on=ENDED, employee_number="E1", reason="he moved away")
    change(Payment, "PM-1", status="paid", settled_on=DAY)
    change(Application, "AP-1", student_number="2026320100001")
    change(Outbox, "OB-1", status="sent", sent_on=DAY)
    change(Quarantine, "Q-1", cured_on=DAY)


def everything(office: Office) -> str:
    """All texts of the database, numbers opened."""
    found: list[str] = []
    with office.engine.connect() as connection:
        for table in METADATA.sorted_tables:
            columns = [type_coerce(one, String) if isinstance(one.type, Encrypted) else one for one in table.columns]
            encrypted = [isinstance(one.type, Encrypted) for one in table.columns]
            for row in connection.execute(select(*columns)):
                found += [keyring().decrypt(value) if hidden and value else str(value)
                          for value, hidden in zip(row, encrypted, strict=True)]  # fmt: skip
    return "\n".join(found)


def hashes(office: Office) -> dict[str, str]:
    return {name: one for name, one in table_hashes(office.engine).items() if name != "audit_events"}


def lines() -> list[str]:
    return [one.detail for one in rows(AuditEvent, action="kept-house")]


def test_within_the_three_years_nobody_is_touched(ended: Office) -> None:
    worker = one(Worker).model_dump()
    counts = keep(STILL)
    assert (counts["reduced"], counts["anonymised"], counts["held_back"], counts["effects"]) == (0, 0, 1, 1)
    assert one(Worker).model_dump() == worker
    assert ID_NUMBER in everything(ended)
    assert rows(Document)


def test_then_goes_how_to_reach_and_pay_him_and_his_name_stays_for_the_vouchers(ended: Office) -> None:
    keep(STILL)
    assert keep(REDUCED)["reduced"] == 1
    text_ = everything(ended)
    assert MOBILE not in text_
    assert CARD not in text_
    assert ID_NUMBER in text_
    assert (one(Worker).name, one(Worker).bank_card, rows(Document)) == ("高建国", None, [])
    assert one(Nomination).payload == "{}"


def test_an_anonymised_worker_leaves_ids_counts_and_money_and_nothing_to_find_him_by(ended: Office) -> None:
    """Every table that is not named untouched may change; no text that names him is anywhere but in what schools report."""
    before = hashes(ended)
    assert keep(ANONYMOUS) == {"reduced": 0, "anonymised": 1, "rows": 0, "effects": 1, "held_back": 1, "files": 0}
    after = hashes(ended)
    assert {name for name in before if before[name] == after[name]} >= UNTOUCHED
    text_ = everything(ended)
    for number in (ID_NUMBER, MOBILE, CARD, "高建国", "Y000132000123254000001", "he moved away", "320205********000X"):
        assert number not in text_, number
    worker, participant = one(Worker), one(Participant)
    assert (worker.id, worker.sex, worker.birth_on, worker.resident_id) == ("W-1", "female", date(1988, 1, 1), "")
    assert worker.resident_id_hash.startswith("GONE-")
    assert (participant.id, participant.status, participant.student_number, participant.employee_number) == (
        "P-1", "completed", None, None)  # fmt: skip
    assert one(Certificate).number.startswith("GONE-")
    assert (one(Outcome).evidence, one(Recognition).evidence, one(Recognition).credits) == ("", "", 4)
    assert (rows(Consent), rows(Employment), one(Nomination).name) == ([], [], "已匿名")


def test_the_name_of_a_rosters_file_goes_with_the_person_it_may_name(ended: Office) -> None:
    change(Nomination, "NM-1", source="高建国.xlsx")
    write(Nomination(id="NM-2", cohort_code="WX-2026A", enterprise_code=ENTERPRISE, source="李强.xlsx", row=2, name="李强",
                     status="refused", policy_version="1", nominated_on=DAY, payload=ID_NUMBER))  # fmt: skip
    keep(ANONYMOUS)
    assert [row.source for row in rows(Nomination)] == ["", ""]


def test_no_word_about_him_stays_in_a_question_a_row_or_a_payment(ended: Office) -> None:
    """What names him in free words: the claim a question quotes, an answer about a row, why a payment came back."""
    change(DecisionRequest, "DR-1", question="Recognise 证书 of 高建国?", participant_id=None, answer="approve",
           reason="高建国 is known here", decided_by="tester", decided_on=DAY)  # fmt: skip
    change(Nomination, "NM-1", reasons="override: 高建国 showed his papers")
    change(Payment, "PM-1", reason="the account is not that of 高建国")
    change(Participant, "P-1", hired_on=date(2019, 3, 18))
    keep(ANONYMOUS)
    text_ = everything(ended)
    for words in ("高建国", "证书", "2019-03-18"):
        assert words not in text_, words


@pytest.mark.parametrize(("status", "sent_on"), [("failed", DAY), ("waiting", None)])
def test_what_could_not_be_sent_is_emptied_as_well(ended: Office, status: str, sent_on: date | None) -> None:
    """A refused application, and one to a school that nothing is sent to: nobody sends either after three years."""
    change(Outbox, "OB-1", status=status, sent_on=sent_on, problem=f"refused: {MOBILE}")
    assert keep(DAY)["effects"] == 0
    assert keep(ANONYMOUS)["effects"] == 1
    left = one(Outbox)
    assert (left.payload, left.status) == ("{}", "failed")
    assert MOBILE not in left.problem
    assert not keep(ANONYMOUS)["effects"]


def test_who_waits_for_a_payment_that_came_back_can_still_be_reached(sqlite_office: Office) -> None:
    """His cohort is closed, but his award stands: it is paid again once he sends another card."""
    fill(sqlite_office.settings.database_url)
    end()
    change(Payment, "PM-1", status="returned", settled_on=DAY, returned_on=DAY)
    assert keep(REDUCED)["reduced"] == 0
    assert one(Worker).mobile == MOBILE
    change(Award, "AW-1", status="reversed")
    assert keep(REDUCED)["reduced"] == 1


def test_a_number_that_an_anonymised_worker_had_is_news_to_who_waits_for_it(ended: Office) -> None:
    """A school may give it to somebody else, who waits as long as it is taken."""
    with unit_of_work() as session:
        session.execute(text("DELETE FROM news"))
    keep(ANONYMOUS)
    assert [one.keys for one in rows(News, kind="freed")] == ['["2026320100001"]']


# --- what is told of him afterwards -------------------------------------------------------------------------------


def told_of(stream: str, record: Any) -> dict[str, str]:
    """His enterprise says something; give what it breaks, by the source's id."""
    hr = Connection(name="hr", kind="told", organisation=ENTERPRISE, base_url="http://x")
    with unit_of_work() as session:
        return take(source_of(session, hr, ANONYMOUS), stream, [record]).broken


def test_what_is_told_of_an_anonymised_worker_makes_nobody_of_him_again(ended: Office) -> None:
    """He may work there still: he is as unknown as the enterprise's other people, and no later sweep would find him."""
    number = "320214199001011014"
    write(Worker(id=worker_key(number), name="周一", sex="male", birth_on=DAY, resident_id=number, resident_id_masked="x",
                 resident_id_hash=keyring().match_hash("resident-id", number)))  # fmt: skip
    write(Participant(id="P-2", cohort_code="WX-2026A", worker_id=worker_key(number), enterprise_code=ENTERPRISE,
                      nominated_on=DAY, stage_entered_on=DAY, status="refused", ended_on=ENDED))  # fmt: skip
    assert told_of("documents", document(resident_id=number)) == {}
    keep(ANONYMOUS)
    assert told_of("employments", employment(resident_id=number, enterprise_code=ENTERPRISE)) == {}
    assert one(Employment).worker_id is None
    assert told_of("documents", document("D2", resident_id=number)) == {"D2": "worker-unknown"}
    assert (rows(Document), one(Worker, id=worker_key(number)).mobile) == ([], None)


@pytest.mark.parametrize(("table", "key", "values"), [
    (Application, "AP-1", {"student_number": "2026320100002"}), (Certificate, "C-1", {"number": "Y000132000123254000001"}),
    (Worker, "W-1", {"mobile": MOBILE}),
])  # fmt: skip
def test_what_came_back_to_an_anonymised_worker_goes_again(ended: Office, table: Any, key: str, values: Any) -> None:
    """A source may say once more in other words what it answered long ago."""
    keep(ANONYMOUS)
    change(table, key, **values)
    assert keep(ANONYMOUS)["anonymised"] == 1
    (told,) = values.values()
    assert told not in everything(ended)
    assert keep(ANONYMOUS)["anonymised"] == 0


def test_each_act_leaves_a_line_with_counts_alone_and_the_second_time_there_is_none(ended: Office) -> None:
    keep(ANONYMOUS)
    first, at_rest = lines(), hashes(ended)
    assert sorted(first) == ["1 anonymised", "1 effects", "1 held_back"]
    assert not any(keep(ANONYMOUS).values())
    assert lines() == first
    assert hashes(ended) == at_rest


def test_a_dry_run_counts_the_same_and_changes_nothing(ended: Office) -> None:
    before = table_hashes(ended.engine)
    counted = keep(ANONYMOUS, dry_run=True)
    assert table_hashes(ended.engine) == before
    assert keep(ANONYMOUS) == counted


@pytest.mark.parametrize("standing", [
    lambda: change(Participant, "P-1", status="held", ended_on=None),
    lambda: change(Payment, "PM-1", status="ordered", settled_on=None),
    lambda: change(Cohort, "WX-2026A", stage="certification"),
], ids=["under way", "a payment is awaited", "his marks are still drawn"])  # fmt: skip
def test_whoever_is_not_through_is_left_alone(sqlite_office: Office, standing: Any) -> None:
    fill(sqlite_office.settings.database_url)
    end()
    standing()
    assert keep(ANONYMOUS)["anonymised"] == 0
    assert one(Worker).resident_id == ID_NUMBER


def more(number: int) -> None:
    """More workers who have ended, and lone roster rows, effects and quarantined rows."""
    for place in range(number):
        key = f"{place + 10}"
        write(Worker(id=f"W-{key}", name="职工", sex="male", birth_on=DAY, resident_id=f"{place:018}",
                     resident_id_hash=f"h{key}", resident_id_masked="x", mobile=MOBILE, mobile_hash="m"))  # fmt: skip
        write(
            Participant(id=f"P-{key}", cohort_code="WX-2026A", worker_id=f"W-{key}", enterprise_code=ENTERPRISE,
                        nominated_on=DAY, stage_entered_on=DAY, status="refused", ended_on=ENDED),
            Nomination(id=f"NM-{key}", cohort_code="WX-2026A", enterprise_code=ENTERPRISE, source="r.xlsx", row=place,
                       name="某人", status="refused", policy_version="1", nominated_on=DAY, payload=ID_NUMBER),
            Outbox(id=f"OB-{key}", kind="partner.applications", payload=CARD, status="sent", sent_on=DAY, created_on=DAY),
        )  # fmt: skip


@pytest.mark.parametrize("instant", [0, 3])
def test_killed_half_way_the_next_run_leaves_what_an_undisturbed_one_leaves(
    ended: Office, monkeypatch: pytest.MonkeyPatch, instant: int
) -> None:
    """A batch is in the database with its line, or neither is."""
    monkeypatch.setattr(retention, "BATCH", 2)
    more(7)
    done, anonymise = 0, kept.anonymise_workers

    def then_killed(session: Any, ids: Any) -> None:
        nonlocal done
        anonymise(session, ids)
        done += 1
        if done > instant:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(kept, "anonymise_workers", then_killed)
        keep(ANONYMOUS)
    assert sum(one.name == "已匿名" for one in rows(Worker)) == anonymised() == 2 * instant
    keep(ANONYMOUS)
    assert {one.name for one in rows(Worker)} == {"已匿名"}
    assert anonymised() == 8
    assert CARD not in everything(ended)
    assert not any(keep(ANONYMOUS).values())


def anonymised() -> int:
    """How many the lines of the trail say were anonymised."""
    return sum(int(line.split()[0]) for line in lines() if "anonymised" in line)


def test_an_anonymised_worker_who_comes_again_is_the_same_worker_and_known_anew(
    sqlite_office: Office, tmp_path: Path
) -> None:
    """So that one award a level holds, and nothing of the old row stands in his way."""
    case = Case(open_cohort())
    take_roster(DATA / "plain.xlsx", case.code)
    before = {worker.id: worker.model_dump() for worker in rows(Worker)}
    for person in case.people:
        change(Participant, person.id, status="refused", ended_on=ENDED)
    assert keep(ANONYMOUS)["anonymised"] == len(before)
    again = open_cohort(code="WX-2026B")
    take_roster(DATA / "plain.xlsx", again)
    after = {worker.id: worker.model_dump() for worker in rows(Worker)}
    assert after == before


@pytest.mark.parametrize("database_url", BACKENDS[1:], indirect=True)  # SQLite has one writer at a time
def test_who_is_just_being_nominated_again_is_left_alone(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """House is kept between the instant at which a roster finds him and that at which he takes part again."""
    case = Case(open_cohort())
    take_roster(DATA / "plain.xlsx", case.code)
    for person in case.people:
        change(Participant, person.id, status="refused", ended_on=ENDED)
    again = open_cohort(code="WX-2026B")
    stands, keeping = Desk._stands_already, list[Thread]()

    def meanwhile(*given: Any) -> bool:
        if not keeping:
            keeping.append(Thread(target=keep, args=(ANONYMOUS,)))
            keeping[0].start()
            while keeping[0].is_alive() and not somebody_waits(office):
                pass
        return stands(*given)

    monkeypatch.setattr(Desk, "_stands_already", meanwhile)
    take_roster(DATA / "plain.xlsx", again)
    keeping[0].join()
    assert rows(Participant, cohort_code=again, status="active")
    assert "已匿名" not in {worker.name for worker in rows(Worker)}


def somebody_waits(office: Office) -> bool:
    """Whether somebody waits for what another transaction holds."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with office.engine.connect() as connection:
        return bool(connection.execute(text(query)).scalar_one())


def test_old_files_of_exchange_and_logs_go_and_others_stay(sqlite_office: Office) -> None:
    home = sqlite_office.settings.home
    paths = [home / name for name in ("exchange/old.xlsx", "exchange/deep/old.csv", "logs/old.log", "reports/old.xlsx")]
    fresh = home / "exchange" / "new.xlsx"
    for path in (*paths, fresh):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x", encoding="utf-8")
    for path in paths:
        os.utime(path, (0, 0))
    today = business_date()
    assert keep(today, dry_run=True)["files"] == 3
    assert all(path.exists() for path in paths)
    assert keep(today)["files"] == 3
    assert [path.exists() for path in (*paths, fresh)] == [False, False, False, True, True]


def test_a_file_that_another_process_has_just_deleted_stops_nothing(
    sqlite_office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keeper tidies a home in which house is being kept."""
    folder = sqlite_office.settings.home / "exchange"
    folder.mkdir()
    for name in ("a.xlsx", "b.xlsx"):
        (folder / name).touch()
        os.utime(folder / name, (0, 0))
    looked = retention._changed_on

    def gone(path: Path) -> date:
        if path.name == "a.xlsx":
            path.unlink()
        return looked(path)

    monkeypatch.setattr(retention, "_changed_on", gone)
    assert retention.tidy_files(business_date()) == 1
    assert list(folder.iterdir()) == []


def test_the_guards_still_stand(ended: Office) -> None:
    """What only grows was not touched, and cannot be."""
    keep(ANONYMOUS)
    with pytest.raises(Exception, match="only ever grows"), unit_of_work() as session:
        session.execute(text("UPDATE audit_events SET reason = ''"))
