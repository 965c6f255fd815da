"""Consent: what the roster's columns may say, and what of it stands against a recording."""

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import new_unlocked, person, says_nothing_of
from transcribe import consent, people, store, tables
from transcribe.errors import RosterError
from transcribe.schema import Consent, Kind, Person, Purpose
from transcribe.vault import Vault

RECORD, TRANSCRIBE, QUOTE, ARCHIVE = Purpose
HEADER = "id,kind,role,names,record,transcribe,quote,archive,consented,withdrawn\n"
PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("P2", "Moira Smith"),
    person("T1", "Teodor Varga", role="therapist"),
    person("R1", "Tamsin Hartley", role="interviewer"),
    person("L1", "Abercwmboi", kind=Kind.PLACE, role="place"),
)
NAMES = ("Karen", "Okonkwo", "Moira", "Smith")


def read(rows: str, *known: Consent, header: str = HEADER, prefix: str = "") -> tuple[Consent, ...]:
    data = (header + rows).encode()
    people.read(data, prefix)  # what a roster has to pass before
    return consent.read(tables.read(data, "the roster"), prefix, known)


# --- the columns ------------------------------------------------------------------------------------------------------


def test_a_row_says_what_somebody_agreed_to() -> None:
    (one,) = read("P1,person,participant,Karen,yes,Yes,NO,,2026-03-02,\n", prefix="w1-")
    assert (one.person_id, one.agreed, one.refused) == ("w1-P1", (RECORD, TRANSCRIBE), (QUOTE,))
    assert (one.on, one.withdrawn) == ("2026-03-02", "")


@pytest.mark.parametrize(
    ("cell", "kept"), [("", ""), ("no", ""), ("No", ""), ("yes", "yes"), ("YES", "yes"), ("2026-05-01", "2026-05-01")]
)
def test_withdrawn_is_a_day_or_yes(cell: str, kept: str) -> None:
    (one,) = read(f"P1,person,participant,Karen,,,,,,{cell}\n")
    assert one.withdrawn == kept


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("P1,person,participant,Karen,perhaps,,,,,", "row 3, column record: neither yes nor no"),
        ("P1,person,participant,Karen,,y,,,,", "row 3, column transcribe: neither yes nor no"),
        ("P1,person,participant,Karen,,,Karen,,,", "row 3, column quote: neither yes nor no"),
        ("P1,person,participant,Karen,,,,yes no,,", "row 3, column archive: neither yes nor no"),
        ("P1,person,participant,Karen,,,,,yes,", "row 3, column consented: no date"),
        ("P1,person,participant,Karen,,,,,2026-02-30,", "row 3, column consented: no date"),
        ("P1,person,participant,Karen,,,,,02/03/2026,", "row 3, column consented: no date"),
        ("P1,person,participant,Karen,,,,,,in May", "row 3, column withdrawn: neither yes nor no nor a date"),
        ("L1,place,place,Karen,,yes,,,,", "row 3: only people agree"),
        ("S1,service,service,Karen,,,,,,yes", "row 3: only people agree"),
    ],
)
def test_other_words_are_refused_by_row_and_column_alone(row: str, message: str) -> None:
    with pytest.raises(RosterError, match=message) as refused:
        read(f"P9,person,participant,Moira,yes,yes,yes,yes,,\n{row}\n")
    says_nothing_of(refused.value, "Karen", "Moira", "perhaps", "P1")


def test_a_roster_without_the_columns_says_nothing() -> None:
    known = Consent(person_id="P1", refused=(ARCHIVE,))
    assert read("P1,person,participant,Karen\n", known, header="id,kind,role,names\n") == ()


def test_a_column_replaces_what_was_known_and_others_stay() -> None:
    known = Consent(person_id="P1", agreed=(RECORD, QUOTE), refused=(ARCHIVE,), on="2026-01-01", withdrawn="yes")
    (one,) = read("P1,person,participant,Karen,no,\n", known, header="id,kind,role,names,quote,record\n")
    assert (one.agreed, one.refused) == ((), (QUOTE, ARCHIVE))
    assert (one.on, one.withdrawn) == ("2026-01-01", "yes")
    (back,) = read("P1,person,participant,Karen,\n", known, header="id,kind,role,names,withdrawn\n")
    assert (back.withdrawn, back.agreed) == ("", known.agreed)


ANSWERS = st.sampled_from(["yes", "no", "", " Yes ", "NO"])
DAYS = st.one_of(st.just(""), st.dates().map(str))


@given(st.lists(st.tuples(ANSWERS, ANSWERS, ANSWERS, ANSWERS, DAYS, st.one_of(ANSWERS, DAYS)), min_size=1, max_size=5))
def test_every_allowed_table_is_read_as_it_stands(rows: list[tuple[str, ...]]) -> None:
    text = "".join(f"P{n},person,participant,Karen,{','.join(cells)}\n" for n, cells in enumerate(rows))
    for cells, one in zip(rows, read(text), strict=True):
        plain = [cell.strip().lower() for cell in cells]
        assert [p in one.agreed for p in Purpose] == [cell == "yes" for cell in plain[:4]]
        assert [p in one.refused for p in Purpose] == [cell == "no" for cell in plain[:4]]
        assert (one.on, one.withdrawn) == (plain[4], "" if plain[5] == "no" else plain[5])


@given(st.lists(st.text(max_size=12), min_size=6, max_size=6))
def test_any_cells_are_read_or_refused_without_saying_them(cells: list[str]) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(["P1", "person", "participant", "Karen", *cells])
    try:
        read(buffer.getvalue())
    except RosterError as refused:
        said = str(refused)
        assert "row" in said or "CSV" in said or "text" in said
        assert "Karen" not in said
    except UnicodeEncodeError:
        pass  # half a character is nothing that a file can hold


# --- where it is kept -------------------------------------------------------------------------------------------------


def test_an_import_keeps_it_in_the_vault_and_the_audit_has_ids_alone(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    roster = tmp_path / "roster.csv"

    def bring_in(rows: str, header: str = HEADER) -> None:
        roster.write_text(header + rows)
        people.bring_in(unlocked, roster, "")

    def changes() -> list[list[str]]:
        lines = [json.loads(line) for line in unlocked.study.audit_path.read_text().splitlines()]
        return [line["people"] for line in lines if line["event"] == "consent changed"]

    bring_in("P1,person,participant,Karen\nP2,person,participant,Moira\n", "id,kind,role,names\n")
    assert unlocked.vault.consents == ()
    bring_in("P1,person,participant,Karen,yes,yes,yes,yes,,\nP2,person,participant,Moira,,,,,,\n")
    assert [one.person_id for one in unlocked.vault.consents] == ["P1", "P2"]
    assert changes() == [["P1"]]
    bring_in("P1,person,participant,Karen,yes,yes,yes,yes,,\nP2,person,participant,Moira,,,,,,\n")
    assert changes() == [["P1"]]
    bring_in("P1,person,participant,Karen,yes,yes,yes,no,,\nP2,person,participant,Moira,,,,,,2026-05-01\n")
    assert changes() == [["P1"], ["P1", "P2"]]
    assert unlocked.vault.consents[0].refused == (ARCHIVE,)
    says_nothing_of(unlocked.study.audit_path.read_text(), *NAMES)
    before = unlocked.vault
    with pytest.raises(RosterError, match="row 3"):
        bring_in("P1,person,participant,Karen,no,,,,,\nP2,person,participant,Moira,maybe,,,,,\n")
    assert unlocked.vault == before
    assert len(changes()) == 2


def test_a_vault_of_before_has_no_consents() -> None:
    head, _, body = store.pack(Vault(hmac_key="00", people=PEOPLE)).partition(b"\n")
    older = json.loads(body)
    del older["consents"]
    data = json.dumps(older).encode()
    header = {**json.loads(head), "sha256": store.hashlib.sha256(data).hexdigest()}
    read_back = store.unpack(json.dumps(header).encode() + b"\n" + data, Vault).value
    assert (read_back.consents, read_back.people) == ((), PEOPLE)


# --- what it rules out ------------------------------------------------------------------------------------------------

YES = Consent(person_id="P1", agreed=tuple(Purpose))
OTHERS = Consent(person_id="P2", agreed=tuple(Purpose))


def against(
    *consents: Consent, who: tuple[str, ...] = ("P1",), purposes: tuple[Purpose, ...] = tuple(Purpose)
) -> list[tuple[str, str | None, str]]:
    return [(o.person_id, o.purpose, o.said) for o in consent.obstacles(PEOPLE, consents, who, purposes)]


def test_without_consents_nothing_is_ruled_out() -> None:
    assert against() == []
    assert against(who=()) == []


def test_all_who_are_linked_have_to_agree() -> None:
    assert against(YES, OTHERS, who=("P1", "P2", "R1")) == []
    one_no = Consent(person_id="P2", agreed=(RECORD,), refused=(TRANSCRIBE,))
    assert against(YES, one_no, who=("P1", "P2"), purposes=(TRANSCRIBE,)) == [("P2", "transcribe", "no")]
    assert against(YES, one_no, who=("P1",)) == []


def test_an_empty_cell_stops_quotation_and_archiving_alone() -> None:
    said = against(Consent(person_id="P1"))
    assert said == [("P1", "quote", "not said"), ("P1", "archive", "not said")]
    assert against(OTHERS) == said  # of her nothing is said at all


def test_a_withdrawal_stops_everything_and_is_told_first() -> None:
    gone = Consent(person_id="P2", agreed=tuple(Purpose), withdrawn="2026-05-01")
    assert against(gone, who=("P2",), purposes=(RECORD,)) == [("P2", None, "withdrawn")]
    no = Consent(person_id="P1", refused=(ARCHIVE,))
    found = against(no, gone, who=("P1", "P2"), purposes=(ARCHIVE, QUOTE))
    assert [said for _, _, said in found] == ["withdrawn", "no", "not said"]


def test_of_others_only_what_they_refused_counts() -> None:
    silent = Consent(person_id="T1")
    assert against(YES, silent, who=("P1", "T1", "R1")) == []
    no = Consent(person_id="T1", refused=(ARCHIVE,))
    assert against(YES, no, who=("P1", "T1")) == [("T1", "archive", "no")]


def test_where_no_participant_took_part_those_who_spoke_are_asked() -> None:
    assert against(YES, who=("T1", "R1"), purposes=(ARCHIVE,)) == [("T1", "archive", "not said")]
    assert against(YES, Consent(person_id="T1", agreed=(ARCHIVE,)), who=("T1", "R1"), purposes=(ARCHIVE,)) == []


@pytest.mark.parametrize("who", [(), ("R1",), ("L1",)])
def test_where_nobody_could_agree_nobody_has(who: tuple[str, ...]) -> None:
    assert against(YES, who=who) == [("", "quote", "not said"), ("", "archive", "not said")]


def test_two_rows_that_are_one_person_speak_with_one_voice() -> None:
    both = (*PEOPLE[:1], person("P2", "Moira Smith", same_as="P1"))
    split = (Consent(person_id="P1", agreed=(QUOTE,)), Consent(person_id="P2", agreed=(ARCHIVE,)))
    for who in (("P1",), ("P2",), ("P1", "P2")):
        assert consent.obstacles(both, split, who, Purpose) == ()
        gone = (*split[:1], Consent(person_id="P2", withdrawn="yes"))
        assert [(o.person_id, o.said) for o in consent.obstacles(both, gone, who, Purpose)] == [("P1", "withdrawn")]


CONSENTS = st.lists(
    st.builds(
        lambda who, agreed, refused, gone: Consent(
            person_id=who, agreed=tuple(agreed - refused), refused=tuple(refused), withdrawn=gone
        ),
        st.sampled_from(["P1", "P2", "T1", "R1"]),
        st.sets(st.sampled_from(Purpose)),
        st.sets(st.sampled_from(Purpose)),
        st.sampled_from(["", "yes", "2026-01-01"]),
    ),
    unique_by=lambda one: one.person_id,
)


@given(CONSENTS, st.sets(st.sampled_from([p.id for p in PEOPLE])), st.sampled_from(Purpose))
def test_what_passes_nobody_there_refused_and_every_participant_agreed(
    consents: list[Consent], who: set[str], purpose: Purpose
) -> None:
    if consent.obstacles(PEOPLE, tuple(consents), tuple(who), (purpose,)) or not consents:
        return
    said = {one.person_id: one for one in consents}
    for person_id in who & said.keys():
        assert not said[person_id].withdrawn
        assert purpose not in said[person_id].refused
    if purpose in consent.BY_NAME:
        assert who & {"P1", "P2", "T1"}
        assert all(purpose in said[one].agreed for one in who & {"P1", "P2"})


def test_in_words_there_are_ids_alone() -> None:
    some: tuple[Person, ...] = PEOPLE[:2]
    no, gone = Consent(person_id="P1", refused=(TRANSCRIBE,)), Consent(person_id="P2", withdrawn="yes")
    told = consent.told(consent.obstacles(some, (no, gone), ("P1", "P2"), Purpose))
    assert told == (
        "P2 has withdrawn, P1 said no to transcription, P1 is not known to agree to quotation and archiving"
    )
    says_nothing_of(told, *NAMES)
    assert consent.told(consent.obstacles((), (no,), (), (ARCHIVE,))) == "nobody is known to agree to archiving"
