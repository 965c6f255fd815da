"""Folding, and whole-word forms of names in a text."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.builders import person
from transcribe.export.layout import clean
from transcribe.schema import Kind
from transcribe.wordforms import TITLES, FormIndex, fold, folded, parted, search_forms


def spans(text: str, *forms: str, kind: Kind = Kind.PERSON) -> list[str]:
    return [text[m.start : m.end] for m in FormIndex([person("P1", *forms, kind=kind)]).find(text)]


@pytest.mark.parametrize(
    ("text", "form", "found"),
    [
        ("Karen came", "Karen", ["Karen"]),
        ("KAREN came", "karen", ["KAREN"]),
        ("so Karen's baby", "Karen", ["Karen"]),
        ("so Karen\u2019s baby", "Karen", ["Karen"]),
        ("zsofia, Zsófia, ZSÓFIA, Zso\u0301fia", "Zsófia", ["zsofia", "Zsófia", "ZSÓFIA", "Zso\u0301fia"]),
        ("with Jose\u0301.", "José", ["Jose\u0301"]),  # the loose accent goes with its letter
        ("Łukasz and lukasz", "Łukasz", ["Łukasz", "lukasz"]),
        ("O'Brien O\u2019Brien OBrien O Brien", "O'Brien", ["O'Brien", "O\u2019Brien", "OBrien", "O Brien"]),
        ("O\u00b4Brien O'Brien O\u2019Brien O\u02bbBrien", "O\u00b4Brien",
         ["O\u00b4Brien", "O'Brien", "O\u2019Brien", "O\u02bbBrien"]),
        ("with O\u00b4Brien OBrien", "O'Brien", ["O\u00b4Brien", "OBrien"]),
        ("Hadiza \u0198ank\u0199a, Hadiza Kankka", "Kankka", ["\u0198ank\u0199a", "Kankka"]),
        ("Anne-Marie Anne Marie AnneMarie Anne\u2011Marie", "Anne-Marie",
         ["Anne-Marie", "Anne Marie", "AnneMarie", "Anne\u2011Marie"]),
        ("Ka\u00adren and Ka\u200bren", "Karen", ["Ka\u00adren", "Ka\u200bren"]),
        ("a Karen_Smith.wav", "Karen", ["Karen"]),
        ("by O_Brien_2", "O'Brien", ["O_Brien"]),
        ("Anne_Marie, anne__marie", "Anne-Marie", ["Anne_Marie", "anne__marie"]),
        ("Karen_Smith.wav", "Karen Smith", ["Karen_Smith", "Karen", "Smith"]),
        ("Karen Smith", "Karen_Smith", ["Karen Smith"]),
        ("Karen_Smithson", "Karen Smith", ["Karen"]),
        ("Karenina", "Karen", []),
        ("McKaren", "Karen", []),
        ("care n", "Karen", []),
        ("", "Karen", []),
        ("किरण आई", "किरण", ["किरण"]),
        ("мама Ольга", "ольга", ["Ольга"]),
        ("王小明说", "李", []),
    ],
)  # fmt: skip
def test_a_form_is_found_as_a_whole_word_however_it_is_written(text: str, form: str, found: list[str]) -> None:
    assert spans(text, form) == found


@pytest.mark.parametrize(
    ("text", "form", "kind"),
    [
        ("write to anna@example.org today", "anna@example.org", Kind.CONTACT),
        ("she is @anna_k there", "@anna_k", Kind.CONTACT),
        ("ring (020) 7946 0000", "(020) 7946 0000", Kind.CONTACT),
        ("ring +44 7700 900123", "+44 7700 900123", Kind.CONTACT),
        ("at Smith & Sons Ltd", "Smith & Sons Ltd", Kind.ORGANISATION),
        ("the Mother/Baby Unit", "Mother/Baby Unit", Kind.SERVICE),
        ("to Bob himself", 'Robert "Bob" Smith', Kind.PERSON),
        ("to Sophie herself", "Zsófia (Sophie) Nagy", Kind.PERSON),
        ("to Shiv herself", "Siobhan/Shiv", Kind.PERSON),
        ("the Willow\nTree\u00a0Clinic", "Willow Tree Clinic", Kind.SERVICE),
    ],
)
def test_a_form_with_marks_in_it_is_found_too(text: str, form: str, kind: Kind) -> None:
    assert spans(text, form, kind=kind)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("Rose Penhaligon", ["Rose Penhaligon", "Rose", "Penhaligon"]),
        ("Dr Iqbal", ["Dr Iqbal", "Iqbal"]),
        ("Vincent van Gogh", ["Vincent van Gogh", "Vincent", "Gogh"]),
        ("J. Smith", ["J. Smith", "Smith"]),
        ("Priya Das", ["Priya Das", "Priya", "Das"]),
        ("Di Harris", ["Di Harris", "Di", "Harris"]),
        ("Van Nguyen", ["Van Nguyen", "Van", "Nguyen"]),
        ("di harris", ["di harris", "di", "harris"]),
        ("Anh Le", ["Anh Le", "Anh", "Le"]),
        ("Mr Jon Lord", ["Mr Jon Lord", "Jon", "Lord"]),
        ("Dr Lord", ["Dr Lord", "Lord"]),
        ('Jon "Jay" Lord', ['Jon "Jay" Lord', "Jon", "Jay", "Lord"]),
        ("Lord", ["Lord"]),
        ("de Souza", ["de Souza", "Souza"]),
        ("Ms van der Berg", ["Ms van der Berg", "Berg"]),
        ("Maria de los Santos", ["Maria de los Santos", "Maria", "los", "Santos"]),
        ("St John Doe", ["St John Doe", "John", "Doe"]),
        ("Whitcombe Mrs", ["Whitcombe Mrs", "Whitcombe"]),
        ("Karen (midwife)", ["Karen (midwife)", "Karen"]),
        ("Auntie Bev", ["Auntie Bev", "Bev"]),
        ("Grandad Jim Cousin", ["Grandad Jim Cousin", "Jim", "Cousin"]),
        ("Karen, the nurse", ["Karen, the nurse", "Karen"]),
        ("Karen (Sister)", ["Karen (Sister)", "Karen"]),
        ("Das, Priya", ["Das, Priya", "Das", "Priya"]),
        ("Kate/Di", ["Kate/Di", "Kate", "Di"]),
        ("Kate,Katie", ["Kate,Katie", "Kate", "Katie"]),
        ("Dr.Patel", ["Dr.Patel", "Patel"]),
        ("Prof. Das", ["Prof. Das", "Das"]),
        ("J.Whitcombe", ["J.Whitcombe", "Whitcombe"]),
        ("Mo&Sid", ["Mo&Sid", "Mo", "Sid"]),
        ("Zso\u0301fia+Jose\u0301", ["Zso\u0301fia+Jose\u0301", "Zso\u0301fia", "Jose\u0301"]),
        ("Anne\u2011Marie O\u2019Dell", ["Anne\u2011Marie O\u2019Dell", "Anne\u2011Marie", "O\u2019Dell"]),
        ("किरण|मीना", ["किरण|मीना", "किरण", "मीना"]),
        ("Karen (karen.smith@nhs.net)", ["Karen (karen.smith@nhs.net)", "Karen"]),
        ("Ana Pastor Ruiz", ["Ana Pastor Ruiz", "Ana", "Pastor", "Ruiz"]),
        ("Pastor John Bell", ["Pastor John Bell", "John", "Bell"]),
        ("...", []),
        ("_", []),
    ],
)
def test_of_a_full_name_each_name_is_searched_for_without_titles(form: str, expected: list[str]) -> None:
    assert list(search_forms(person("P1", form))) == expected


def test_words_of_a_place_are_not_searched_for_alone() -> None:
    assert spans("we sat by a willow tree", "Willow Tree Clinic", kind=Kind.SERVICE) == []


def test_forms_bound_to_their_position_are_never_searched_for() -> None:
    assert search_forms(person("P1", "we'll", position_only=True)) == ()
    assert search_forms(person("P1", "Rose Kellerman", bound=("Rose",))) == ("Rose Kellerman", "Kellerman")
    assert search_forms(person("P1", "Rose Marsh", "Rose", bound=("Rose Marsh", "Rose"), heard=("Rozh",))) == ("Rozh",)


@pytest.mark.parametrize(
    ("text", "expected"), [("P03Karen2", "P 03 Karen 2"), ("karenSmith", "karen Smith"), ("R001", "R 001")]
)
def test_words_of_an_id_are_parted(text: str, expected: str) -> None:
    assert parted(text) == expected


@pytest.mark.parametrize("text", ["Milton_Keynes_03", "P03_milton_keynes", "Milton-_Keynes", "03MiltonKeynes"])
def test_a_name_of_several_words_is_found_in_an_id(text: str) -> None:
    assert spans(parted(text), "Milton Keynes", kind=Kind.PLACE)
    assert not spans(parted(text.replace("ton", "son")), "Milton Keynes", kind=Kind.PLACE)


def test_what_is_found_says_whose_it_is_longest_first() -> None:
    people = [person("P1", "Siobhan Bristol"), person("L1", "Bristol", kind=Kind.PLACE, role="place")]
    found = FormIndex(people).find("Siobhan Bristol")
    assert [(m.start, m.end, m.person_id) for m in found] == [
        (0, 15, "P1"), (0, 7, "P1"), (8, 15, "L1"), (8, 15, "P1"),
    ]  # fmt: skip


@given(st.text(), st.characters(categories=["Cc"]))
def test_what_no_file_shows_hides_no_name(around: str, control: str) -> None:
    assume(not control.isspace())
    index = FormIndex([person("P1", "Siobhan")])
    text = f"{around} Sio{control}bhan {around}"
    assert len(index.find(text)) == len(index.find(clean(text)))
    assert index.find(text)


@given(st.text())
def test_every_folded_character_comes_from_a_place_in_the_text(text: str) -> None:
    plain, origin = fold(text)
    assert len(plain) == len(origin)
    assert list(origin) == sorted(origin)
    assert all(0 <= index < len(text) for index in origin)


@given(st.text(min_size=1))
def test_folding_twice_changes_nothing_more_for_letters_as_typed(text: str) -> None:
    assert folded(folded(text)) == folded(folded(folded(text)))


# not U+0149, a deprecated letter that is an apostrophe and an n
NAMES = st.text(st.characters(categories=["Lu", "Ll"], max_codepoint=0x24F, exclude_characters="\u0149"), min_size=2)


@given(NAMES, st.sampled_from(["{}", "a {} b", "\n{}\n", "'{}'", "{}'s", "({})", "_{}_"]))
def test_a_name_is_found_wherever_it_stands_as_a_word(name: str, frame: str) -> None:
    text = frame.format(name)
    for written in (text, text.upper(), text.lower()):
        assert folded(name) in [folded(found) for found in spans(written, name)] or not folded(name).strip()


@given(NAMES, NAMES, st.sampled_from([*',/&+|.·()[]<>"“»:!', " ", " & ", "; "]))
def test_names_are_searched_for_alone_whatever_parts_them(one: str, other: str, mark: str) -> None:
    assume({folded(one), folded(other)}.isdisjoint((*TITLES, "the", "and", "st", "saint")))
    assume(one[0].isupper() and other[0].isupper())  # written small, "de" belongs to what follows
    forms = {folded(form) for form in search_forms(person("P1", f"{one}{mark}{other}"))}
    assert {folded(one), folded(other)} <= forms


@given(st.text(max_size=30), st.text(max_size=12))
def test_any_form_can_be_looked_for_in_any_text(text: str, form: str) -> None:
    for match in FormIndex([person("P1", form)]).find(text):
        assert 0 <= match.start < match.end <= len(text)
