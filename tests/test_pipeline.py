"""Whom a recording's recognition knows of, and to whom people found in it belong. All names are invented."""

from pathlib import Path

import pytest

from tests.builders import add_recording, new_unlocked, person
from transcribe.pipeline import linked, scope_of
from transcribe.schema import Kind

PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("I1", "Teodor", role="infant", of="P1"),
    person("P2", "Orla Venn"),
    person("I2", "Sibley", role="infant", of="P2"),
    person("R1", "Tamsin", role="interviewer"),
    person("L1", "Abercwmboi", kind=Kind.PLACE, role="place", of="P2"),
    person("R001-F01", "Osgood", role="friend", of="P1", found=True),
)


@pytest.mark.parametrize(
    ("people", "who", "expected"),
    [
        (PEOPLE, ("P1", "R1"), ["P1", "I1", "R1"]),
        (PEOPLE, ("P2",), ["P2", "I2", "L1"]),
        (PEOPLE, (), []),  # two families: nobody said whose recording it is
        ((PEOPLE[0], PEOPLE[1], PEOPLE[4]), (), ["P1", "I1", "R1"]),  # one family: it can be no other
    ],
)
def test_recognition_knows_those_linked_to_the_recording(
    people: tuple[object, ...], who: tuple[str, ...], expected: list[str]
) -> None:
    assert [p.id for p in linked(people, who)] == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("who", "of"), [(("P1", "R1"), "P1"), (("P1", "P2"), ""), ((), "")])
def test_people_found_belong_to_the_one_participant_of_the_recording(
    tmp_path: Path, who: tuple[str, ...], of: str
) -> None:
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    add_recording(unlocked, "R001", who=who)
    assert (scope_of(unlocked, "R001").who, scope_of(unlocked, "R001").of) == (who, of)
