"""The roster: what may stand in it, and that refusals never show what does."""

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import new_unlocked, person, says_nothing_of
from transcribe import people, redraw
from transcribe.errors import RosterError, TranscribeError
from transcribe.schema import Kind
from transcribe.wordforms import FormIndex

HEADER = "id,kind,role,names,relation,of,pseudonym\n"


def roster(*rows: str, prefix: str = "") -> tuple[people.Person, ...]:
    return people.read((HEADER + "\n".join(rows) + "\n").encode(), prefix)


def test_the_template_can_be_read() -> None:
    read = people.read(people.TEMPLATE.encode())
    assert [p.id for p in read] == ["P1", "I1", "T1", "R1", "S1", "L1"]
    assert not any(p.chosen for p in read)


def test_a_row_says_who_somebody_is() -> None:
    (anna,) = roster("P1,person,parent, Anna  Nagy ; Anni;;Anni ,self,P1,Ilona", prefix="d1-")
    assert (anna.id, anna.kind, anna.role, anna.forms) == ("d1-P1", Kind.PERSON, "participant", ("Anna Nagy", "Anni"))
    assert (anna.relation, anna.of, anna.pseudonym, anna.chosen) == ("self", "d1-P1", "Ilona", True)


def test_how_a_name_is_heard_may_stand_in_the_roster_and_survives_the_next_import() -> None:
    header = "id,kind,role,names,heard\n"
    (first,) = people.read((header + "P1,person,infant,Aoibhra,Eevra; Eevrah\n").encode())
    assert (first.forms, first.heard) == (("Aoibhra",), ("Eevra", "Eevrah"))
    (again,) = people.merge((first,), roster("P1,person,infant,Aoibhra"))
    assert again.heard == ("Eevra", "Eevrah")


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfid,kind,role,names\nP1,person,infant,Rose\n",
        b"ID, Kind ,ROLE,Names\r\nP1,Person,Infant,Rose\r\n",
        b'id,kind,role,names\nP1,person,infant,"Rose"\n',
        b'id,kind,role,names,relation\nP1,person,infant,Rose,"a\nb"\n',
        b"names,role,kind,id\nRose,infant,person,P1\n",
        b"\n\nid,kind,role,names\n\n,,,\nP1,person,infant,Rose\n\n",
        b"id,kind,role,names,relation,of,pseudonym\nP1,person,infant,Rose\n",
        b"id,kind,role,names\rP1,person,infant,Rose\r",
    ],
)
def test_spreadsheets_write_it_in_many_ways(data: bytes) -> None:
    (rose,) = people.read(data)
    assert (rose.id, rose.kind, rose.role, rose.forms) == ("P1", Kind.PERSON, "infant", ("Rose",))


def test_a_quoted_name_over_two_lines_is_one_name() -> None:
    (rose,) = roster('P1,person,infant,"Rose\nEszter;Ro",daughter,P1,')
    assert rose.forms == ("Rose Eszter", "Ro")


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("Elm House (EH)", ["Elm House", "EH"]),
        ("Parent-Infant Service, PIS", ["Parent-Infant Service", "PIS"]),
        ("Milton Keynes, Bucks", ["Milton Keynes", "Bucks"]),
        ("Leeds/Bradford", ["Leeds", "Bradford"]),
        ("Tesco, Asda", ["Tesco", "Asda"]),
        ("Tesco | Asda + Lidl", ["Tesco", "Asda", "Lidl"]),
        ("Elm House & Haven", ["Elm House", "Haven"]),
        ("Elm House\nThe Elms", ["Elm House", "The Elms"]),
        ("Elm House (\nEH)", ["Elm House", "EH"]),
    ],
)
def test_every_name_of_a_place_is_searched_for_whatever_parts_them(cell: str, said: list[str]) -> None:
    one = roster(f'S1,service,service,"{cell}"')
    for name in said:
        assert found(one, f"we went to {name} then")[0] == name


@pytest.mark.parametrize(
    ("cell", "forms"),
    [
        ("Leeds (city)", ("Leeds (city)", "Leeds")),
        ("Leeds (NHS)", ("Leeds (NHS)", "Leeds")),
        ("Mother/Baby Unit", ("Mother/Baby Unit", "Baby Unit")),
        ("leeds (elm house)", ("leeds (elm house)", "leeds", "elm house")),
        ("M&S;Willow Tree Clinic", ("M&S", "Willow Tree Clinic")),
        ("Flat 6, 30 Rhymney Walk", ("Flat 6, 30 Rhymney Walk", "Flat 6", "30 Rhymney Walk")),
    ],
)
def test_what_only_describes_a_place_is_not_searched_for_alone(cell: str, forms: tuple[str, ...]) -> None:
    (one,) = roster(f'S1,place,place,"{cell}"')
    assert one.forms == forms


@pytest.mark.parametrize("cell", ["Shavorn, Chevonne", "Shavorn/Chevonne", "Shavorn\nChevonne", "Shavorn;Chevonne"])
def test_every_way_in_which_a_name_is_heard_is_one(cell: str) -> None:
    (one,) = people.read(f'id,kind,role,names,heard\nP1,person,infant,Siobhan,"{cell}"\n'.encode())
    assert one.heard == ("Shavorn", "Chevonne")
    (shop,) = people.read(b"id,kind,role,names,heard\nS1,organisation,shop,Marks,M&S\n")
    assert shop.heard == ("M&S",)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"\n \n,,\n", "empty"),
        (b"\xff\xfeKaren", "UTF-8"),
        ("id,kind,role,names\nP1,person,infant,Zsófia\n".encode("latin-1"), "UTF-8"),
        (b"id,kind,role,names\nP1,person,infant,Ka\x00ren\n", "not a text file"),
        (b"id;kind;role;names\nP1;person;infant;Karen\n", "lacks the column id"),
        (b"id,kind,role,Karen\nP1,person,infant,Karen\n", "lacks the column names"),
        (b"id,kind,role,names,Karen\nP1,person,infant,Karen,x\n", "column 5 of the roster is not known"),
        (b"id,kind,role,names,names\nP1,person,infant,Karen,x\n", "column 5"),
        (b"id,kind,role,names\nP1,person,infant\n", "row 2: a name is missing"),
        (b"names,role,kind,id\nKaren,infant,person\n", "row 2: the id"),
        (b"id,kind,role,names\n\nP1,person,infant,Karen\nP2,baby,infant,Karen\n", "row 4: the kind"),
        (b"id,kind,role,names\nKaren Smith,person,infant,Karen\n", "row 2: the id"),
        (b"id,kind,role,names\n" + b"K" * 33 + b",person,infant,Karen\n", "row 2: the id"),
        (b"id,kind,role,names\nP1,person,infant,12 34\n", "has no letter"),
        (b"id,kind,role,names\nP1,person,infant,Karen;--\n", "has no letter"),
        (b"id,kind,role,names\nP1,person,infant,Ka\x07ren\n", "control characters"),
        ("id,kind,role,names\nP1,person,infant,Ka\x9bren\n".encode(), "control characters"),
        (b"id,kind,role,names\nP1,person,infant,Karen\nP1,person,infant,Moira\n", "row 3 has the id of an earlier row"),
        (b"id,kind,role,names,of\nP1,person,infant,Smith, Karen,P1\n", "row 2 has more cells"),
        (b"id,kind,role,names\nP1,person,infant,Karen\np1,person,infant,Moira\n", "row 3 has the id of an earlier row"),
        (b"id,kind,role,names\nP1,person,infant,Karen;Ma?gorzata\n", "row 2: a name has a question mark"),
        (b"id,kind,role,names,heard\nP1,person,infant,Karen,?ukasz\n", "row 2: a name has a question mark"),
        ("id,kind,role,names\nP1,person,infant,Zo\ufffd Karen\n".encode(), "row 2: a name has"),
        ("id,kind,role,names\nP1,person,infant,ZoÃ« Karen\n".encode(), "row 2: a name has"),
        (b'id,kind,role,names\nP1,person,infant,"Karen\n', "not a readable CSV"),
        (b'id,kind,role,names\nP1,person,infant,"Karen"x\n', "not a readable CSV"),
    ],
)
def test_what_cannot_be_taken_is_named_by_row_and_column_alone(data: bytes, message: str) -> None:
    with pytest.raises(RosterError, match=message) as refused:
        people.read(data)
    says_nothing_of(refused.value, "Karen", "Smith", "Moira", "Zsófia", "KKK")


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(RosterError):
        assert all(p.forms for p in people.read(b"id,kind,role,names\n" + data))


# --- beside those who are known ---------------------------------------------------------------------------------------


def found(whom: tuple[people.Person, ...], text: str) -> list[str]:
    return list(dict.fromkeys(text[match.start : match.end] for match in FormIndex(whom).find(text)))


@pytest.mark.parametrize("added", ["Shivvy", "Sarah", "Jo", "Rose", "Anne-Marie"])
def test_a_name_that_the_roster_no_longer_gives_is_still_searched_for(added: str) -> None:
    known = (person("P1", "Siobhra Quillby", added, heard=("Shavorna",)),)
    again = people.merge(known, roster("P1,person,participant,Siobhra Quillby"))
    assert (again[0].forms, again[0].heard) == (("Siobhra Quillby",), ("Shavorna", added))
    assert found(again, f"so {added} came") == [added]
    assert people.merge(again, roster("P1,person,participant,Siobhra Quillby")) == again
    back = people.merge(again, roster(f"P1,person,participant,Siobhra Quillby;{added}"))
    assert back[0].forms == ("Siobhra Quillby", added)


def test_parts_of_a_full_name_that_the_roster_no_longer_gives_are_still_searched_for() -> None:
    clinic = person("S1", "Willow Tree Clinic", "Willow Tree", kind=Kind.SERVICE, role="service")
    known = (person("P1", "Karen Okonkwo Smith"), clinic)
    rows = "P1,person,participant,Karen Smith", "S1,service,service,Willow Tree Clinic"
    again = people.merge(known, roster(*rows))
    assert found(again, "Mrs Okonkwo, Mrs Smith; willow; the Willow Tree") == ["Okonkwo", "Smith", "Willow Tree"]
    assert found(people.merge(known, roster(rows[0])), "tree") == []


def test_columns_that_a_roster_lacks_leave_what_was_known(tmp_path: Path) -> None:
    mother = person("P1", "Karen Okonkwo", pseudonym="Amelia")
    town = person("L1", "Olney", kind=Kind.PLACE, role="place", relation="home", of="P1", general="a town")
    unlocked = new_unlocked(tmp_path / "study", (mother, town))
    file = tmp_path / "roster.csv"
    file.write_text("id,kind,role,names\nP1,person,participant,Karen Okonkwo\nL1,place,place,Olney\n")
    people.bring_in(unlocked, file, "")
    assert unlocked.vault.people == (mother, town)
    file.write_text("id,kind,role,names,relation,general\nL1,place,place,Olney,,a village\n")
    people.bring_in(unlocked, file, "")
    assert unlocked.vault.person("L1") == replace(town, relation="", general="a village")


def test_who_she_was_found_to_be_survives_the_next_import() -> None:
    known = (person("P1", "Karen Okonkwo"), person("X1", "Kaz", role="friend", same_as="P1"))
    again = people.merge(known, roster("X1,person,friend,Kaz,friend,P1", "P1,person,participant,Karen Okonkwo"))
    assert [p.same_as for p in again] == ["P1", ""]


def test_another_person_under_a_known_id_is_refused() -> None:
    known = (person("P1", "Karen Okonkwo"),)
    with pytest.raises(RosterError, match="P1 belongs to a different person") as refused:
        people.merge(known, (person("P1", "Moira Smith"),))
    says_nothing_of(refused.value, "Karen", "Okonkwo", "Moira", "Smith")


def test_a_name_in_common_is_not_enough_where_both_are_given_in_full() -> None:
    known = (person("P1", "Sarah Smith", pseudonym="Amelia"),)
    with pytest.raises(RosterError, match=r"different person of this study; .*write the former one behind it") as told:
        people.merge(known, roster("P1,person,participant,Sarah Jones"))
    says_nothing_of(told.value, "Sarah", "Smith", "Jones")
    (married,) = people.merge(known, roster("P1,person,participant,Sarah Jones;Sarah Smith"))
    assert (married.forms, married.pseudonym) == (("Sarah Jones", "Sarah Smith"), "Amelia")
    for same in ("Sarah Jane Smith", "Ms Sarah Smith", "Sarah", "Smith"):
        assert people.merge(known, roster(f"P1,person,participant,{same}"))[0].pseudonym == "Amelia"
    assert people.merge((person("P1", "Anne-Marie Smith"),), roster("P1,person,participant,Anne Marie Smith"))


def test_a_corrected_spelling_is_told_how_to_be_the_same_person() -> None:
    known = (person("P1", "Diane", pseudonym="Amelia"),)
    with pytest.raises(RosterError, match=r"spelt otherwise, write the former one behind it \(New;Former\)"):
        people.merge(known, roster("P1,person,participant,Dianne"))
    (again,) = people.merge(known, roster("P1,person,participant,Dianne;Diane"))
    assert (again.forms, again.pseudonym) == (("Dianne", "Diane"), "Amelia")


@pytest.mark.parametrize("forms", [("Karen",), ("KAREN OKONKWO", "Kaz"), ("Mrs Okonkwo",)])
def test_the_same_person_again_keeps_her_pseudonym(forms: tuple[str, ...]) -> None:
    known = (person("P1", "Karen Okonkwo", pseudonym="Amelia"),)
    (again,) = people.merge(known, (person("P1", *forms),))
    assert (again.forms, again.pseudonym) == (forms, "Amelia")


@pytest.mark.parametrize(
    ("pseudonym", "why"),
    [
        ("Moira", "a real name of this study"),
        ("moira", "a real name of this study"),
        ("Mary Moira", "a real name of this study"),
        ("[Moira's friend]", "a real name of this study"),
        ("Karen", "her own real name"),
        ("Okonkwo", "her own real name"),
        ("Clara", "already the pseudonym of P2"),
        ("[from Milton Keynes]", "a real name of this study .of L1"),
        ("Milton-Keynes Jones", "a real name of this study .of L1"),
        ("[Milton/Keynes]", "a real name of this study .of L1"),
        ("[Anne Marie's friend]", "a real name of this study .of X1"),
        ("[OBrien]", "a real name of this study .of X1"),
    ],
)
def test_a_chosen_pseudonym_that_names_somebody_is_refused(pseudonym: str, why: str) -> None:
    known = (
        person("P2", "Moira Smith", pseudonym="Clara"),
        person("L1", "Milton Keynes", kind=Kind.PLACE, role="place"),
        person("X1", "Anne-Marie", "O'Brien", role="gp"),
    )
    with pytest.raises(RosterError, match=why) as refused:
        people.merge(known, (person("P1", "Karen Okonkwo", pseudonym=pseudonym, chosen=True),))
    says_nothing_of(refused.value, "Karen", "Okonkwo", "Moira", "Smith", "Clara", "Milton", "Marie", "Brien")


@pytest.mark.parametrize(
    ("name", "pseudonym", "why"),
    [("Elizabeth Lund", "Beth", "short or full form"), ("Bob", "Robert", "short or full form"),
     ("Karen", "Clara", "already the pseudonym of T1")],
)  # fmt: skip
def test_a_chosen_pseudonym_that_gives_her_away_or_is_another_s_is_refused(name: str, pseudonym: str, why: str) -> None:
    known = (person("T1", "Moira Smith", role="therapist", pseudonym="Clara"),)
    chosen = person("P1", name, pseudonym=pseudonym, chosen=True)
    with pytest.raises(RosterError, match=why) as refused:
        people.merge(known, (chosen,))
    says_nothing_of(refused.value, name, pseudonym)
    assert people.merge((*known, chosen), (chosen,)) == (chosen,)  # which stands already


@pytest.mark.parametrize("pseudonym", ["Keynes", "Milton", "Anne", "[friend]", "[husband]", "Will"])
def test_other_words_may_be_chosen(pseudonym: str) -> None:
    known = (
        person("L1", "Milton Keynes", kind=Kind.PLACE, role="place"),
        person("X1", "Anne-Marie", "O'Brien", role="gp"),
        person("X2", "will", role="gp", position_only=True),
    )
    chosen = person("P1", "Karen Okonkwo", pseudonym=pseudonym, chosen=True)
    assert people.merge(known, (chosen,)) == (chosen,)


@pytest.mark.parametrize("new", ["Karen2", "Milton_Keynes", "milton-keynes-P1"])
def test_an_id_that_is_a_name_known_before_is_refused(new: str) -> None:
    known = (person("P1", "Karen Okonkwo"), person("L1", "Milton Keynes", kind=Kind.PLACE, role="place"))
    with pytest.raises(RosterError, match="the id of entry 1 is a name") as refused:
        people.merge(known, (person(new, "Zelda"),))
    says_nothing_of(refused.value, "Karen", "Milton", "Zelda")
    assert people.merge(known, (person("Milton2", "Zelda"),))


def test_an_id_that_turns_out_to_be_a_name_later_stops_no_import() -> None:
    known = (person("Hope1", "Karen Okonkwo"), person("X1", "Hope"))
    assert people.merge(known, (known[0],)) == (known[0],)


def test_people_who_are_not_named_twice_may_be_called_alike() -> None:
    both = (
        person("T1", "Anna", role="therapist", pseudonym="Therapist", chosen=True),
        person("T2", "Berta", role="therapist", pseudonym="Therapist", chosen=True),
    )
    assert people.merge((), both) == both


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("p1,person,participant,Moira,", "the id p1 is another's, but for its capitals"),
        ("I1,person,infant,Moira,P2", "I1: the column of holds an id that nobody has"),
        ("I1,person,infant,Moira,p1", "I1: the column of holds an id that nobody has"),
        ("T1,person,therapist,Moira,P1;P1", "T1: the column of holds an id that nobody has"),
    ],
)
def test_slips_in_ids_are_refused(tmp_path: Path, row: str, message: str) -> None:
    unlocked = new_unlocked(tmp_path / "study", (person("P1", "Karen Okonkwo"),))
    file = tmp_path / "roster.csv"
    file.write_text(f"id,kind,role,names,of\n{row}\n")
    with pytest.raises(RosterError, match=message):
        people.bring_in(unlocked, file, "")
    with pytest.raises(RosterError, match="the prefix"):
        people.bring_in(unlocked, file, "w 2,")
    file.write_text("id,kind,role,names,of\nI1,person,infant,Moira,P1\nX1,person,sister,Tamsin,I1\n")
    assert people.bring_in(unlocked, file, "") == 2


def test_nothing_is_imported_of_a_roster_that_is_refused(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study", (person("P1", "Karen Okonkwo"),))
    file = tmp_path / "karen.csv"
    file.write_text(HEADER + "P7,person,infant,Rose,,,\nP1,person,participant,Moira,,,\n")
    before = unlocked.vault
    with pytest.raises(RosterError) as refused:
        people.bring_in(unlocked, file, "")
    says_nothing_of(refused.value, "Karen", "Moira", "Rose", "karen.csv")
    assert unlocked.vault == before
    with pytest.raises(RosterError) as missing:
        people.bring_in(unlocked, tmp_path / "moira.csv", "")
    says_nothing_of(missing.value, "moira")


@pytest.mark.parametrize("suffix", ["roster", "roster_full"])
def test_the_development_rosters_stand_together(tmp_path: Path, shared_data: Path, suffix: str) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    files = sorted((shared_data / "interviews").glob(f"*.{suffix}.csv"))
    assert len(files) == 3
    counts = [people.bring_in(unlocked, file, f"d{n}-") for n, file in enumerate(files, 1)]
    assert len(unlocked.vault.people) == sum(counts)
    assert [p.id for p in unlocked.vault.people][:1] == ["d1-P1"]
    assert {p.of for p in unlocked.vault.people} == {"d1-P1", "d2-P1", "d3-P1"}
    for n, file in enumerate(files, 1):  # again changes nothing
        people.bring_in(unlocked, file, f"d{n}-")
    assert len(unlocked.vault.people) == sum(counts)
    listed = people.listing(unlocked)
    assert ("d1-I1", "person", "infant", "Hope", "Mercy") in listed
    with pytest.raises(TranscribeError, match="different person"):
        people.bring_in(unlocked, files[1], "d1-")


def test_ten_thousand_rows_are_read_and_merged_in_seconds() -> None:
    syllables = ["ba", "ke", "li", "mo", "nu", "ra", "te", "vi", "zo", "shu"]
    names = ["".join(syllables[int(d)] for d in f"{n:04d}").capitalize() for n in range(10_000)]
    rows = [f"P{n},person,participant,{name},self,P{n},Chosen{n}" for n, name in enumerate(names)]
    started = time.process_time()
    read = roster(*rows)
    merged = people.merge(read, read)
    assert len(merged) == 10_000
    assert time.process_time() - started < 15


def test_a_pseudonym_that_may_have_been_released_is_not_changed_by_an_import() -> None:
    header = b"id,kind,role,names,pseudonym\n"
    before = people.read(header + b"P1,person,participant,Karen,Amelia\n")
    after = people.read(header + b"P1,person,participant,Karen,Sophia\n")
    assert people.merge(before, after)[0].pseudonym == "Sophia"
    with pytest.raises(RosterError, match="redraw P1"):
        people.merge(before, after, released=True)
    assert people.merge(before, before, released=True) == before


def test_what_was_released_counts_where_its_folder_was_moved_away(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study", (person("P1", "Karen", pseudonym="Amelia"),))
    file = tmp_path / "roster.csv"
    file.write_text(HEADER + "P1,person,participant,Karen,,,Sophia\n")
    unlocked.study.log("released", release=1, recordings="R001", manifest="0")
    with pytest.raises(RosterError, match="redraw P1"):
        people.bring_in(unlocked, file, "")
    assert unlocked.vault.person("P1").pseudonym == "Amelia"


def test_a_roster_from_before_a_pseudonym_was_drawn_again_is_imported_as_it_is(tmp_path: Path) -> None:
    unlocked = new_unlocked(tmp_path / "study")
    file = tmp_path / "roster.csv"
    file.write_text(HEADER + "P1,person,participant,Karen,,,Amelia\n")
    people.bring_in(unlocked, file, "")
    unlocked.study.log("released", release=1, recordings="R001", manifest="0")
    redraw.draw_again(unlocked, "P1")
    drawn = unlocked.vault.person("P1").pseudonym
    assert drawn != "Amelia"
    file.write_text(HEADER + "P1,person,participant,Karen,,,Amelia\nP2,person,participant,Moira,,,Clara\n")
    people.bring_in(unlocked, file, "")
    assert [(p.id, p.pseudonym, p.chosen) for p in unlocked.vault.people] == [
        ("P1", drawn, False),
        ("P2", "Clara", True),
    ]
    file.write_text(HEADER + "P1,person,participant,Karen,,,Sophia\n")
    with pytest.raises(RosterError, match=r"leave the column pseudonym empty in her row, or use .*redraw P1"):
        people.bring_in(unlocked, file, "")
    file.write_text(HEADER + "P2,person,participant,Moira,,,Amelia\n")
    with pytest.raises(RosterError, match="redraw P2"):
        people.bring_in(unlocked, file, "")


@pytest.mark.parametrize(
    "row", ["Rose,person,infant,Rose", "rose2,person,infant,Rose Lisle;Rose", "P1-Lisle,person,x,Lisle",
     "Milton_Keynes,place,place,Milton Keynes", "anne_marie1,person,x,Anne-Marie", "O_Brien,person,x,Rose O'Brien"],
)  # fmt: skip
def test_an_id_that_is_a_name_is_refused_without_being_shown(row: str) -> None:
    with pytest.raises(RosterError, match="the id of entry 1 is a name") as refused:
        people.read(f"id,kind,role,names\n{row}\n".encode())
    says_nothing_of(refused.value, "Rose", "Lisle", "Milton", "Marie", "Brien")
