"""How names sound: what must be alike and what must not. All names are invented or common given names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.detect import sounds

ALIKE = [
    ("She vawn", "Siobhan"),
    ("Shavorn", "Siobhán"),
    ("IFA", "Aoife"),
    ("Eva", "Aoife"),
    ("Eifer", "Aoife"),
    ("Neve", "Niamh"),
    ("Thompson", "Tamsin"),
    ("pen her ligand", "Penhaligon"),
    ("we'll", "Will"),
    ("ang harad", "Angharad"),
    ("Olawashayun", "Oluwaseun"),
    ("Shayun", "Seun"),
    ("Krishtov", "Krzysztof"),
    ("Voychek", "Wojciech"),
    ("Jofia", "Zsófia"),
    ("Namdy", "Nnamdi"),
    ("Quami", "Kwame"),
    ("Shaoling", "Xiaoling"),
    ("Ick ball", "Iqbal"),
]


@pytest.mark.parametrize(("heard", "name"), ALIKE)
def test_alike(heard: str, name: str) -> None:
    assert sounds.likeness(heard, name) >= 0.8


UNLIKE = [
    ("table", "Tamsin"),
    ("sorry", "Siobhan"),
    ("different", "Iqbal"),
    ("question", "Siobhan"),
    ("", "Aoife"),
    ("7", "Eva"),
]


@pytest.mark.parametrize(("heard", "name"), UNLIKE)
def test_unlike(heard: str, name: str) -> None:
    assert sounds.likeness(heard, name) < 0.6


KNOWN_FAILURES = [("never", "Niamh"), ("Shayun", "Oluwaseun")]


@pytest.mark.xfail(strict=True, reason="a common word sounds like it; half of a name is not all of it")
@pytest.mark.parametrize(("heard", "name"), KNOWN_FAILURES)
def test_known_failures(heard: str, name: str) -> None:
    assert (sounds.likeness(heard, name) > 0.8) is (heard != "never")


def test_a_listed_name_has_its_respellings() -> None:
    assert {"eefa", "eva"} <= set(sounds.respellings("Aoife"))
    assert "she vawn" in sounds.respellings("Siobhán")
    assert "eefa quill" in sounds.respellings("Aoife Quill")


@pytest.mark.parametrize(
    ("name", "respelt"),
    [("Szczeban", "shcheban"), ("Muirbhe", "mirve"), ("Çağrı", "charu"), ("Zhensi", "jensee"), ("Dwobhán", "dwovawn")],
)
def test_rules_respell_what_no_table_lists(name: str, respelt: str) -> None:
    assert respelt in sounds.respellings(name)


@pytest.mark.parametrize("name", ["Karen", "Peter", "Emma"])
def test_a_name_that_reads_as_it_sounds_has_none(name: str) -> None:
    assert sounds.respellings(name) == ()


@given(st.text(max_size=20), st.text(max_size=20))
def test_likeness_is_a_share(heard: str, name: str) -> None:
    assert 0.0 <= sounds.likeness(heard, name) <= 1.0
    assert name.casefold() not in sounds.respellings(name)


@given(st.text(alphabet="abcdefghiklmnoprstuvwy", min_size=1, max_size=12))
def test_a_name_is_like_itself_and_distance_is_symmetric(name: str) -> None:
    phones, reverse = sounds.phones(name), sounds.phones(name[::-1])
    assert sounds.distance(phones, phones) == 0.0
    assert sounds.distance(phones, reverse) == pytest.approx(sounds.distance(reverse, phones))
