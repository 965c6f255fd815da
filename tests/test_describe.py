"""attributes.csv and topics.csv: what may stand in them, and that no name gets in."""

import pytest

from tests.builders import add_recording, new_unlocked, person
from transcribe import describe
from transcribe.errors import RosterError
from transcribe.vault import Attributes, Topic, Unlocked, with_people


@pytest.fixture(scope="module")
def unlocked(tmp_path_factory: pytest.TempPathFactory) -> Unlocked:
    opened = new_unlocked(tmp_path_factory.mktemp("describe") / "study", (person("P1", "Karen Okonkwo"),))
    add_recording(opened, "R001")
    opened.change(lambda vault: with_people(vault, ()))
    return opened


def attributes(unlocked: Unlocked, *lines: str) -> tuple[Attributes, ...]:
    return describe.attributes("\n".join(lines).encode(), unlocked.vault)


def topics(unlocked: Unlocked, *lines: str) -> tuple[Topic, ...]:
    return describe.topics("\n".join(("recording,start,topic", *lines)).encode(), unlocked.vault)


def test_people_and_recordings_are_described(unlocked: Unlocked) -> None:
    read = attributes(unlocked, "id,Age band,wave", "P1,30-39,", "R001,,2")
    assert [(one.of, one.values) for one in read] == [
        ("person:P1", (("age band", "30-39"),)),
        ("recording:R001", (("wave", "2"),)),
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("who,age", "P1,3"), "first column"),
        (("id,age,age", "P1,3,4"), "title of its own"),
        (("id,age", "P9,3"), "row 2: no person"),
        (("id,age", "P1,3", "P1,4"), "row 3"),
        (("id,note", "P1,Karen is tired"), "row 2, column 2 holds a name"),
        (("id,okonkwo", "P1,x"), "row 1, column 2 holds a name"),
        (("id,note", f"P1,{'x' * 201}"), "too long"),
    ],
)
def test_what_is_refused_is_named_by_its_place(unlocked: Unlocked, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(RosterError, match=said) as caught:
        attributes(unlocked, *lines)
    assert "karen" not in str(caught.value).lower()


def test_topics_are_read_in_order(unlocked: Unlocked) -> None:
    read = topics(unlocked, "R001,00:10:30,Birth", 'R001,2:05.5,"Pregnancy, and before"')
    assert [(one.start_s, one.title) for one in read] == [(125.5, "Pregnancy, and before"), (630.0, "Birth")]


@pytest.mark.parametrize("row", ["R009,00:10:30,Birth", "R001,ten,Birth", "R001,00:10:30,", "R001,00:10:30,Karen"])
def test_topics_that_are_refused(unlocked: Unlocked, row: str) -> None:
    with pytest.raises(RosterError, match="row 2"):
        topics(unlocked, row)


def test_later_files_replace_what_they_name_alone(unlocked: Unlocked, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tables")
    (folder / "a.csv").write_text("id,age\nP1,30-39\nR001,x\n")
    (folder / "b.csv").write_text("id,age\nP1,40-49\n")
    assert [describe.bring_in_attributes(unlocked, folder / name) for name in ("a.csv", "b.csv")] == [2, 1]
    assert {one.of: one.values for one in unlocked.vault.attributes} == {
        "person:P1": (("age", "40-49"),), "recording:R001": (("age", "x"),)
    }  # fmt: skip
    (folder / "t.csv").write_text("recording,start,topic\nR001,0:10,Birth\n")
    assert describe.bring_in_topics(unlocked, folder / "t.csv") == describe.bring_in_topics(unlocked, folder / "t.csv")
    assert len(unlocked.vault.topics) == 1


def test_an_id_of_both_a_person_and_a_recording_is_told_apart(unlocked: Unlocked) -> None:
    add_recording(unlocked, "P1")
    with pytest.raises(RosterError, match="both a person and a recording"):
        attributes(unlocked, "id,age", "P1,3")
    read = attributes(unlocked, "id,age", "person:P1,3", "recording:P1,4")
    assert [one.of for one in read] == ["person:P1", "recording:P1"]
