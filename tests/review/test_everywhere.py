"""The same everywhere in the study: at every place that nobody decided otherwise."""

from pathlib import Path

import pytest

from tests.builders import add_detected, new_unlocked, person, transcript
from tests.review.test_office import ENGINES, Page
from transcribe.pipeline import refresh_findings
from transcribe.vault import Unlocked

HERE = (("S1", "I have Teodor, and Teodor came."), ("S2", "There Teodor came."))
THERE = (("S1", "Was Teodor well?"), ("S2", "Teodor sleeps."))


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    """Two families, each with a child of that name."""
    people = (
        person("P1", "Karen Okonkwo", of="P1"),
        person("P7", "Moira Mbeki", of="P7"),
        person("I1", "Teodor", role="infant", of="P1"),
        person("I2", "Teodor", role="infant", of="P7"),
    )
    opened = new_unlocked(tmp_path / "study", people)
    add_detected(opened, transcript(*HERE), who=("P1",))
    add_detected(opened, transcript(*THERE, recording_id="R002"), who=("P7",))
    refresh_findings(opened, ENGINES)
    return opened


def ids(page: Page, turn: str) -> list[str]:
    return [mark["id"] for mark in page.marks[turn]]


def states(page: Page) -> list[str]:
    page.poll()
    return [mark["state"] for turn in page.turns for mark in page.marks.get(turn, [])]


def whose(page: Page) -> list[str]:
    page.poll()
    return [mark["person"] for turn in page.turns for mark in page.marks.get(turn, [])]


@pytest.mark.parametrize("alias", ["AB", "CD"])
def test_a_name_that_was_withheld_at_a_place_stays_so_when_the_word_is_kept_everywhere(
    unlocked: Unlocked, alias: str
) -> None:
    one, page = Page(unlocked, alias=alias), Page(unlocked)
    one.act("accept", marks=[ids(one, "U0001")[1]])
    page.poll()
    page.act("keep", marks=[ids(page, "U0002")[0]], everywhere=True)
    assert states(page) == ["kept", "withheld", "kept"]
    assert page.marks["U0001"][1]["by"] == alias


@pytest.mark.parametrize("alias", ["AB", "CD"])
def test_whom_a_place_was_given_to_it_stays_with(unlocked: Unlocked, alias: str) -> None:
    one, page = Page(unlocked, alias=alias), Page(unlocked)
    one.act("change", marks=[ids(one, "U0001")[0]], who={"person": "P7"})
    page.poll()
    page.act("accept", marks=[ids(page, "U0002")[0]], everywhere=True)
    assert whose(page) == ["P7", "I1", "I1"]
    page.act("change", marks=[ids(page, "U0002")[0]], who={"person": "I2"}, everywhere=True)
    assert whose(page) == ["P7", "I2", "I2"]


def test_what_she_decided_everywhere_she_may_decide_anew_everywhere(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("keep", marks=[ids(page, "U0002")[0]], everywhere=True)
    page.act("accept", marks=[ids(page, "U0001")[0]], everywhere=True)
    assert states(page) == ["withheld"] * 3
    page.undo()
    assert states(page) == ["kept"] * 3


def test_a_namesake_in_another_family_is_neither_shown_nor_taken_for_her(unlocked: Unlocked) -> None:
    page, other = Page(unlocked), Page(unlocked, "R002")
    assert whose(other) == ["I2", "I2"]
    page.act("keep", marks=[ids(page, "U0002")[0]], everywhere=True)
    assert states(other) == ["withheld", "withheld"]
    page.undo()
    page.act("accept", marks=[ids(page, "U0002")[0]], everywhere=True)
    assert (states(other), whose(other)) == (["withheld", "withheld"], ["I2", "I2"])
    page.undo()
    page.act("change", marks=[ids(page, "U0002")[0]], who={"person": "P7"}, everywhere=True)
    assert (whose(page), whose(other)) == (["P7"] * 3, ["I2", "I2"])


def test_a_word_that_was_kept_at_a_place_is_not_withheld_there_when_it_is_marked_everywhere(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("add", **page.place("U0002", "came"), who={"kind": "other"})
    page.act("keep", marks=[page.mark("U0002", "came")["id"]])
    page.act("add", **page.place("U0001", "came"), who={"person": "P7"}, everywhere=True)
    assert (page.mark("U0001", "came")["state"], page.mark("U0002", "came")["state"]) == ("withheld", "kept")
