"""What somebody else did meanwhile is neither overwritten nor lost: two reviewers, each with a process of her own."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.builders import NoEngines, person, save_candidates, transcript
from tests.review.test_office import FIRST, FRIEND, PEOPLE, Page, two_recordings, version_of
from transcribe import pipeline, store
from transcribe.config import StudyConfig
from transcribe.pipeline import refresh_findings
from transcribe.ready import need
from transcribe.review import acts, office, settling, swaps
from transcribe.review.log import Deed, Entry
from transcribe.review.refusals import Conflict
from transcribe.schema import ReviewState
from transcribe.vault import Unlocked, with_people

ENGINES = NoEngines(StudyConfig())
OSGOOD = {"do": "new", "kind": "person", "role": "friend", "forms": ["Osgood"]}


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return two_recordings(tmp_path)


@pytest.fixture
def other(unlocked: Unlocked) -> Unlocked:
    """The same study in another process."""
    return Unlocked(unlocked.study, unlocked.identity)


def once(does: Callable[[], object], then: Callable[..., Any]) -> Callable[..., Any]:
    """`then`, with something done after it the first time."""
    left = [does]

    def call(*given: Any, **named: Any) -> Any:
        found = then(*given, **named)
        if left:
            left.pop()()
        return found

    return call


def entries(unlocked: Unlocked, recording_id: str) -> int:
    return len(store.numbered(unlocked.study.log_path(recording_id)))


# --- people -----------------------------------------------------------------------------------------------------------


def test_a_name_that_another_reviewer_added_stands_and_who_looked_before_is_told(
    unlocked: Unlocked, other: Unlocked
) -> None:
    mine, hers = Page(unlocked).office, Page(other, alias="CD").office
    edit = {"do": "edit", "person": "I1", "version": version_of(mine, "I1"), "role": "infant", "of": "P1"}
    hers.act_on_people({**edit, "version": version_of(hers, "I1"), "forms": ["Teodor", "Teddy"]})
    with pytest.raises(Conflict, match="changed meanwhile"):
        mine.act_on_people({**edit, "forms": ["Teodor", "Tedek"]})
    assert unlocked.vault.person("I1").forms == ("Teodor", "Teddy")
    assert entries(unlocked, "") == 1
    mine.act_on_people({**edit, "version": version_of(mine, "I1"), "forms": ["Teodor", "Teddy", "Tedek"]})
    with pytest.raises(Conflict, match="changed since"):
        hers.undo_people()
    assert unlocked.vault.person("I1").forms == ("Teodor", "Teddy", "Tedek")


def test_two_reviewers_each_add_somebody_new(unlocked: Unlocked, other: Unlocked) -> None:
    mine, hers = Page(unlocked).office, Page(other, alias="CD").office
    hers.act_on_people(OSGOOD)
    told = mine.act_on_people({**OSGOOD, "forms": ["Brannigan"]})
    assert {"A001": ["Osgood"], "A002": ["Brannigan"]}.items() <= {p["id"]: p["forms"] for p in told["people"]}.items()


def test_whom_somebody_changes_in_the_very_moment_is_not_lost_and_nothing_is_written(
    unlocked: Unlocked, other: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, hers = Page(unlocked).office, Page(other, alias="CD").office
    roll = mine._roll
    monkeypatch.setattr(roll, "_swaps", once(lambda: hers.act_on_people(OSGOOD), roll._swaps))
    with pytest.raises(Conflict):
        mine.act_on_people({**OSGOOD, "forms": ["Brannigan"]})
    assert (other.vault.person("A001").forms, entries(unlocked, "")) == (("Osgood",), 1)
    told = mine.act_on_people({**OSGOOD, "forms": ["Brannigan"]})
    assert "A002" in {p["id"] for p in told["people"]}


# --- words that are no longer there -----------------------------------------------------------------------------------


def corrects(page: Page, turn: str = "U0002") -> Callable[[], None]:
    return lambda: page.act("words", turn=turn, first_word=0, last_word=0, text="Oh yes he")


def test_a_mark_does_not_fall_on_other_words_that_were_corrected_between_its_check_and_its_writing(
    unlocked: Unlocked, other: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, hers = Page(unlocked), Page(other, alias="CD")
    monkeypatch.setattr(office.acts, "change", once(corrects(hers), acts.change))
    with pytest.raises(Conflict, match="meanwhile"):
        mine.act("add", **mine.place("U0002", "Osgood"), who=FRIEND)
    assert entries(unlocked, "R001") == 1
    assert {p.id for p in unlocked.vault.people} == {p.id for p in PEOPLE}
    mine.poll()
    mine.act("add", **mine.place("U0002", "Osgood"), who=FRIEND)
    assert mine.mark("U0002", "Osgood")["decided"]


def test_nor_between_the_check_and_what_is_looked_up_for_it(
    unlocked: Unlocked, other: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, hers = Page(unlocked), Page(other, alias="CD")
    desk = mine.office._desk("R001")
    monkeypatch.setattr(desk, "turn", once(corrects(hers), desk.turn))
    with pytest.raises(Conflict, match="meanwhile"):
        mine.act("add", **mine.place("U0002", "Osgood"), who=FRIEND)
    assert entries(unlocked, "R001") == 1


def test_nor_in_another_recording_where_it_is_looked_at_again(
    unlocked: Unlocked, other: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, hers = Page(unlocked), Page(other, "R002", alias="CD")
    left = [corrects(hers, "U0001")]

    def in_r002(desk: Any, rest: Any, marks: Any, done: Any) -> Any:
        found = acts_elsewhere(desk, rest, marks, done)
        if desk.recording_id == "R002" and left:
            left.pop()()
        return found

    acts_elsewhere = acts.elsewhere
    monkeypatch.setattr(office.acts, "elsewhere", in_r002)
    mine.act("add", **mine.place("U0002", "Osgood"), who=FRIEND, everywhere=True)
    hers.poll()
    assert hers.mark("U0002", "Osgood")["by"] == "AB"
    assert (entries(unlocked, "R002"), len(need(unlocked, "R002").history.first)) == (2, 1)


def test_what_came_in_after_the_check_is_not_settled_with_the_rest(
    unlocked: Unlocked, other: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, hers = Page(unlocked), Page(other, alias="CD")
    keep = {"marks": [hers.mark("U0001", "Teodor")["id"]]}
    monkeypatch.setattr(settling, "need", once(lambda: hers.act("keep", **keep), settling.need))
    with pytest.raises(Conflict, match="meanwhile"):
        mine.office.settle("R001", mine.version)
    assert not [one for one in unlocked.appended("R001", Entry) if one.deed is Deed.SETTLE]
    assert need(unlocked, "R001").settled.review is ReviewState.UNREVIEWED


def test_nor_what_came_in_before_anything_was_read_for_it(
    unlocked: Unlocked, other: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, hers = Page(unlocked), Page(other, alias="CD")
    desk = mine.office._desk("R001")
    keep = {"marks": [hers.mark("U0001", "Teodor")["id"]]}
    monkeypatch.setattr(desk, "seen", once(lambda: hers.act("keep", **keep), desk.seen))
    with pytest.raises(Conflict, match="meanwhile"):
        mine.office.settle("R001", mine.version)
    assert not [one for one in unlocked.appended("R001", Entry) if one.deed is Deed.SETTLE]


def test_what_is_decided_while_the_transcript_is_made_anew_is_refused(
    unlocked: Unlocked, other: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Page(unlocked)

    def made_again() -> None:
        new = transcript(("S1", "Hello."), *FIRST[1:])
        other.save("R001", "transcript", new, "k2")
        save_candidates(other, new)
        refresh_findings(other, ENGINES)

    monkeypatch.setattr(office.acts, "change", once(made_again, acts.change))
    with pytest.raises(Conflict, match="meanwhile"):
        mine.act("add", **mine.place("U0002", "Osgood"), who=FRIEND)
    assert entries(unlocked, "R001") == 0


def waits_for_the_end_of(what: Callable[..., Any], act: Callable[[], None]) -> tuple[Callable[..., Any], list[str]]:
    """`what`, with an act begun beside it the first time, which must not end before it; and how that ended."""
    ended: list[str] = []
    begun: list[Thread] = []

    def beside() -> None:
        try:
            act()
        except Conflict:
            ended.append("refused")

    def call(*given: Any, **named: Any) -> Any:
        if not begun:
            begun.append(Thread(target=beside))
            begun[0].start()
            begun[0].join(1.0)
            assert begun[0].is_alive()
        return what(*given, **named)

    return call, ended


def until(ended: list[str]) -> None:
    deadline = time.monotonic() + 20.0
    while not ended and time.monotonic() < deadline:
        time.sleep(0.01)
    assert ended == ["refused"]


def test_while_somebody_new_is_made_known_for_a_mark_nobody_corrects_its_words(
    unlocked: Unlocked, other: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, hers = Page(unlocked), Page(other, alias="CD")
    call, ended = waits_for_the_end_of(swaps.swap, corrects(hers))
    monkeypatch.setattr(swaps, "swap", call)
    mine.act("add", **mine.place("U0002", "Osgood"), who=FRIEND)
    until(ended)
    assert (mine.mark("U0002", "Osgood")["decided"], entries(unlocked, "R001")) == (True, 1)


def test_nobody_decides_between_the_carrying_over_and_the_new_transcript(
    unlocked: Unlocked, other: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = Page(unlocked)
    mine.act("keep", marks=[mine.mark("U0001", "Teodor")["id"]])
    osgood = mine.place("U0002", "Osgood")
    call, ended = waits_for_the_end_of(pipeline.carry_over, lambda: mine.act("add", **osgood, who=FRIEND))
    monkeypatch.setattr(pipeline, "carry_over", call)
    words, turns = other.load("R001", "words", pipeline.Words), other.load("R001", "turns", pipeline.Turns)
    assert words
    assert turns
    made = pipeline.Job(other, "R001", ENGINES, lambda event: None)._transcript(words, turns)
    until(ended)
    assert made.body_sha256 == unlocked.appended("R001", Entry)[-1].base
    assert [one.deed for one in unlocked.appended("R001", Entry)] == [Deed.ACT, Deed.CARRY]


# --- somebody new, taken back -----------------------------------------------------------------------------------------


def test_whom_another_recording_names_stays_known_when_her_first_mark_is_taken_back(
    unlocked: Unlocked, other: Unlocked
) -> None:
    mine, hers = Page(unlocked), Page(other, "R002", alias="CD")
    mine.act("add", **mine.place("U0002", "Osgood"), who=FRIEND)
    hers.poll()
    hers.act("accept", marks=[hers.mark("U0002", "Osgood")["id"]])
    mine.undo()
    hers.poll()
    osgood = hers.mark("U0002", "Osgood")["person"]
    assert unlocked.vault.person(osgood).forms == ("Osgood",)
    assert mine.marked("U0003") == ["Osgood"]  # and is searched for still
    mine.act("add", **mine.place("U0002", "friend"), who=FRIEND)
    hers.poll()
    assert (mine.mark("U0002", "friend")["person"] != osgood, hers.mark("U0002", "Osgood")["person"]) == (True, osgood)
    mine.undo()
    hers.undo()
    mine.redo()
    assert mine.mark("U0002", "friend")["person"] != osgood


def test_an_id_is_never_given_to_somebody_else(unlocked: Unlocked, other: Unlocked) -> None:
    mine, hers = Page(unlocked), Page(other, alias="CD")
    mine.act("add", **mine.place("U0002", "Osgood"), who=FRIEND)
    first = mine.mark("U0002", "Osgood")["person"]
    mine.undo()
    assert first not in {p.id for p in unlocked.vault.people}
    hers.poll()
    hers.act("add", **hers.place("U0002", "cake"), who={"kind": "place"})
    assert hers.mark("U0002", "cake")["person"] != first
    settling.settle(other, "R001", "CD", add=("U0003:4-8=place",))
    assert first not in {p.id for p in other.vault.people}
    mine.redo()
    assert mine.mark("U0002", "Osgood")["person"] == first
    assert unlocked.vault.person(first).forms == ("Osgood",)


def test_nor_is_an_id_of_the_study(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.office.act_on_people(OSGOOD)
    page.office.undo_people()
    page.office.act_on_people({**OSGOOD, "forms": ["Brannigan"]})
    assert unlocked.vault.people[-1].id == "A002"


def test_whom_a_mark_names_is_not_taken_out_of_the_study(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.office.act_on_people(OSGOOD)
    page.poll()
    page.act("accept", marks=[page.mark("U0002", "Osgood")["id"]])
    with pytest.raises(Conflict, match="named"):
        page.office.undo_people()
    assert unlocked.vault.people[-1].forms == ("Osgood",)
    page.undo()
    told = page.office.undo_people()
    assert "A001" not in {p["id"] for p in told["people"]}


def test_who_learnt_something_since_is_known_when_a_mark_is_done_again(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("add", **page.place("U0002", "Osgood"), who=FRIEND)
    osgood = unlocked.vault.people[-1]
    unlocked.change(lambda vault: with_people(vault, (person(osgood.id, "Osgood", role="friend", heard=("Oscar",)),)))
    page.poll()
    page.undo()
    page.redo()
    assert (page.mark("U0002", "Osgood")["by"], unlocked.vault.people[-1].heard) == ("AB", ("Oscar",))
