"""What the page may ask of a study and do to it, without any web: acts, undo, settling, two reviewers, people."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.builders import NoEngines, add_detected, add_recording, finding, new_unlocked, person, stretch, transcript
from transcribe import forgetting
from transcribe.config import StudyConfig
from transcribe.errors import NotSettledError, RosterError, StoreError, StudyError
from transcribe.invented import Flagged
from transcribe.pipeline import Candidates, refresh_findings
from transcribe.ready import Held, held, need
from transcribe.review import desk as desks
from transcribe.review import settling
from transcribe.review.desk import Desk, Reviewer
from transcribe.review.office import Office
from transcribe.review.refusals import Conflict, Malformed, Refused, StillOpen, Unknown
from transcribe.schema import Kind, Reason, ReviewState, Transcript
from transcribe.vault import Unlocked, with_people, with_recording

PEOPLE = (
    person("P1", "Karen Okonkwo"),
    person("I1", "Teodor", role="infant", of="P1"),
    person("R1", "Tamsin Hartley", role="interviewer"),
    person("L1", "Abercwmboi", kind=Kind.PLACE, role="place", of="P1"),
)
FIRST = (
    ("S1", "I'm Tamsin. How is Teodor, Karen?"),
    ("S2", "He is fine. My friend Osgood came from Abercwmboi with a cake."),
    ("S1", "And then Osgood left again?"),
)
SECOND = (("S1", "Hello again, Karen."), ("S2", "Osgood sends his love, and so does Brannigan."))
ENGINES = NoEngines(StudyConfig())


def two_recordings(folder: Path) -> Unlocked:
    """A study of both, with what the rules find."""
    opened = new_unlocked(folder / "study", PEOPLE)
    add_detected(opened, transcript(*FIRST), sound=b"x", who=("P1", "R1"))
    add_detected(opened, transcript(*SECOND, recording_id="R002"), sound=b"y", who=("P1", "R1"))
    refresh_findings(opened, ENGINES)
    return opened


def rules_find_osgood(unlocked: Unlocked, score: float) -> None:
    """In the last turn of the first recording, with a probability."""
    start = FIRST[2][1].index("Osgood")
    found = finding("U0003", start, start + 6, None, kind=Kind.PERSON, score=score, reason=Reason(rule="fake"))
    stored = unlocked.load("R001", "candidates", Candidates)
    assert stored
    unlocked.save("R001", "candidates", replace(stored.value, found=(found,)), "k")
    refresh_findings(unlocked, ENGINES)


@pytest.fixture
def unlocked(tmp_path: Path) -> Unlocked:
    return two_recordings(tmp_path)


class Page:
    """A page that shows one recording, as the browser keeps it."""

    def __init__(
        self, unlocked: Unlocked, recording_id: str = "R001", alias: str = "AB", *, second: bool = False
    ) -> None:
        self.office = Office(unlocked, ENGINES, Reviewer(alias=alias, second=second))
        self.id = recording_id
        self.take(self.office.document(recording_id))

    def take(self, patch: dict[str, Any]) -> None:
        if "turns" in patch and isinstance(patch["turns"], list):
            self.turns = {turn["id"]: turn for turn in patch["turns"]}
            self.marks = dict(patch["marks"])
        elif "document" in patch:
            return self.take(patch["document"])
        elif "turns" in patch:
            self.turns |= patch["turns"]
            order = patch.get("order", list(self.turns))
            self.turns = {turn: self.turns[turn] for turn in order if self.turns[turn] is not None}
            self.marks |= patch["marks"]
        self.facts = {**getattr(self, "facts", {}), **patch}
        self.version = patch["version"]
        return None

    def poll(self) -> None:
        self.office._wait()
        self.take(self.office.changes(self.id, self.version))

    def act(self, do: str, **fields: Any) -> None:
        self.take(self.office.act(self.id, {"version": self.version, "do": do, **fields}))
        self.poll()

    def undo(self) -> None:
        self.take(self.office.undo(self.id, self.version))
        self.poll()

    def redo(self) -> None:
        self.take(self.office.redo(self.id, self.version))
        self.poll()

    def text(self, turn: str) -> str:
        return "".join(word[0] for word in self.turns[turn]["words"])

    def mark(self, turn: str, text: str) -> dict[str, Any]:
        here = [m for m in self.marks.get(turn, []) if self.text(turn)[m["start"] : m["end"]] == text]
        assert here, f"no mark there: {len(self.marks.get(turn, []))}"
        one: dict[str, Any] = here[0]
        return one

    def marked(self, turn: str) -> list[str]:
        return [self.text(turn)[m["start"] : m["end"]] for m in self.marks.get(turn, [])]

    def place(self, turn: str, text: str) -> dict[str, Any]:
        start = self.text(turn).index(text)
        return {"turn": turn, "start": start, "end": start + len(text)}

    def released(self) -> list[str]:
        lines = self.office.preview(self.id)["lines"]
        return ["".join(text for text, _ in line["parts"]) for line in lines]


def settled(page: Page) -> None:
    """All the way: a second reading of the finished text finds the friend, whom the reviewer marks."""
    with pytest.raises(NotSettledError):
        page.take(page.office.settle(page.id, page.version))
    page.poll()
    assert [one["turn"] for one in page.facts["open"]] == ["U0002", "U0003"]
    page.act("accept", marks=[one["id"] for one in page.facts["open"]])
    page.take(page.office.settle(page.id, page.version))
    assert page.facts["state"] == "settled"


FRIEND = {"kind": "person", "role": "friend", "relation": "friend"}


def test_a_document_shows_turns_marks_speakers_and_what_would_be_written(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    assert page.text("U0001") == FIRST[0][1]
    assert page.marked("U0001") == ["Tamsin", "Teodor", "Karen"]
    mark = page.mark("U0002", "Abercwmboi")
    assert (mark["state"], mark["decided"], mark["written"], mark["person"]) == ("withheld", False, "[place]", "L1")
    assert (page.facts["state"], page.facts["open"], page.facts["undo"]) == ("to review", [], None)
    assert page.facts["uncommon"].get("U0002") == [5]  # Osgood, whom nobody knows


def test_a_missed_name_is_marked_and_replaced_everywhere_and_taken_back(unlocked: Unlocked) -> None:
    page, other = Page(unlocked), Page(unlocked, "R002")
    page.act("add", **page.place("U0002", "Osgood"), who=FRIEND)
    assert (page.marked("U0003"), page.facts["undo"]) == (["Osgood"], "mark")
    assert "Osgood" not in " ".join(page.released())
    other.poll()
    assert "Osgood" in other.marked("U0002")
    page.undo()
    other.poll()
    assert (page.marked("U0003"), "Osgood" in other.marked("U0002")) == ([], False)
    page.redo()
    assert page.marked("U0003") == ["Osgood"]
    assert page.mark("U0002", "Osgood")["by"] == "AB"


def test_a_likely_name_is_looked_for_in_the_study_once_it_is_accepted_and_no_longer_when_that_is_taken_back(
    unlocked: Unlocked,
) -> None:
    rules_find_osgood(unlocked, 0.7)
    page, elsewhere = Page(unlocked), Page(unlocked, "R002")
    assert elsewhere.marked("U0002") == []
    page.act("accept", marks=[page.mark("U0003", "Osgood")["id"]])
    elsewhere.poll()
    assert elsewhere.marked("U0002") == ["Osgood"]
    page.undo()
    elsewhere.poll()
    assert elsewhere.marked("U0002") == []


def test_what_was_learnt_of_her_since_does_not_keep_her_mark_from_being_done_again(unlocked: Unlocked) -> None:
    rules_find_osgood(unlocked, 0.7)
    page = Page(unlocked)
    page.act("accept", marks=[page.mark("U0003", "Osgood")["id"]])
    known = unlocked.vault.person(page.mark("U0003", "Osgood")["person"])
    learnt = replace(known, heard=("Osgud",))
    unlocked.change(
        lambda vault: replace(vault, people=tuple(learnt if p.id == learnt.id else p for p in vault.people))
    )
    page.undo()
    page.redo()
    assert page.mark("U0003", "Osgood")["by"] == "AB"
    assert unlocked.vault.person(learnt.id).heard == ("Osgud",)


def test_what_is_rejected_stays_and_undo_gives_it_back(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("keep", marks=[page.mark("U0001", "Teodor")["id"]])
    assert page.mark("U0001", "Teodor")["state"] == "kept"
    assert "How is Teodor" in page.released()[0]
    page.undo()
    assert page.mark("U0001", "Teodor")["state"] == "withheld"
    assert "Teodor" not in page.released()[0]


def test_the_same_everywhere_is_one_act_in_all_recordings(unlocked: Unlocked) -> None:
    page, other = Page(unlocked), Page(unlocked, "R002")
    page.act("keep", marks=[page.mark("U0001", "Karen")["id"]], everywhere=True)
    other.poll()
    assert other.mark("U0001", "Karen")["state"] == "kept"
    page.undo()
    other.poll()
    assert other.mark("U0001", "Karen")["state"] == "withheld"


def test_a_word_that_no_rule_saw_is_marked_everywhere(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("add", **page.place("U0002", "cake"), who={"kind": "other"}, everywhere=False)
    page.undo()
    page.act("add", **page.place("U0001", "How"), who={"kind": "date"}, everywhere=True)
    assert page.mark("U0001", "How")["kind"] == "date"


def test_somebody_is_changed_to_somebody_known(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("change", marks=[page.mark("U0001", "Teodor")["id"]], who={"person": "P1"})
    assert (page.mark("U0001", "Teodor")["person"], page.mark("U0001", "Teodor")["decided"]) == ("P1", True)


def test_words_are_corrected_marks_stand_and_the_release_has_the_new_words(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("keep", marks=[page.mark("U0001", "Teodor")["id"]])
    page.act("words", turn="U0001", first_word=2, last_word=2, text="And how")
    assert page.text("U0001") == "I'm Tamsin. And how is Teodor, Karen?"
    assert page.mark("U0001", "Teodor")["state"] == "kept"
    assert "And how is Teodor" in page.released()[0]
    page.undo()
    assert page.text("U0001") == FIRST[0][1]
    assert page.mark("U0001", "Teodor")["state"] == "kept"


def test_a_name_written_into_a_correction_is_found(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("words", turn="U0003", first_word=2, last_word=2, text="Teodor")
    assert page.mark("U0003", "Teodor")["person"] == "I1"
    assert "Teodor" not in " ".join(page.released())


def test_turns_are_split_joined_and_given_to_another_speaker(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("split", turn="U0002", word=3)
    assert list(page.turns) == ["U0001", "U0002", "U0004", "U0003"]
    assert (page.text("U0002"), page.text("U0004")[:9]) == ("He is fine.", "My friend")
    assert page.marked("U0004") == ["Abercwmboi"]
    page.act("speaker", turn="U0004", speaker="new")
    assert page.turns["U0004"]["speaker"] == "S3"
    page.act("merge", turn="U0001")
    assert list(page.turns) == ["U0001", "U0004", "U0003"]
    for _ in range(3):
        page.undo()
    assert [page.text(turn) for turn in page.turns] == [text for _, text in FIRST]


def test_a_speaker_is_named(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("role", label="S2", who={"person": "P1"})
    told = next(s for s in page.facts["speakers"] if s["label"] == "S2")
    assert (told["person"], told["name"], told["by"]) == ("P1", "Karen Okonkwo", "corrected")
    page.undo()
    assert next(s for s in page.facts["speakers"] if s["label"] == "S2")["by"] != "corrected"


def test_settling_is_written_down_and_any_act_after_it_opens_the_recording_again(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    settled(page)
    assert need(unlocked, "R001").settled.review is ReviewState.REVIEWED
    page.act("keep", marks=[page.mark("U0001", "Teodor")["id"]])
    assert page.facts["state"] == "in review"
    assert need(unlocked, "R001").settled.review is ReviewState.UNREVIEWED
    page.take(page.office.settle("R001", page.version))
    released = page.office.release({"recordings": ["R001"], "formats": ["txt"], "level": "team", "unreviewed": False})
    assert released["release"] == 1
    folder = unlocked.study.releases / "001"
    assert "Teodor" in (folder / "R001_pseudonymised.txt").read_text()


def test_two_people_at_one_recording_lose_nothing_and_are_told(unlocked: Unlocked) -> None:
    one, other = Page(unlocked), Page(unlocked, alias="CD")
    one.act("keep", marks=[one.mark("U0001", "Teodor")["id"]])
    other.act("keep", marks=[other.mark("U0001", "Karen")["id"]])
    one.poll()
    assert (one.mark("U0001", "Karen")["by"], other.mark("U0001", "Teodor")["by"]) == ("CD", "AB")
    one.act("words", turn="U0001", first_word=0, last_word=0, text="I am")
    with pytest.raises(Conflict):
        other.office.act("R001", {"version": other.version, "do": "split", "turn": "U0001", "word": 2})
    with pytest.raises(Conflict):
        other.office.settle("R001", other.version)
    other.poll()
    other.act("split", turn="U0001", word=3)
    with pytest.raises(Conflict):
        one.undo()  # what it would take back was split meanwhile


def test_a_server_that_was_killed_has_lost_nothing(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("add", **page.place("U0002", "Osgood"), who=FRIEND)
    page.act("words", turn="U0001", first_word=0, last_word=0, text="I am")
    again = Page(unlocked)
    assert (again.text("U0001")[:4], again.mark("U0002", "Osgood")["decided"]) == ("I am", True)
    again.undo()
    assert again.text("U0001") == FIRST[0][1]


def test_a_view_is_of_one_moment_though_findings_are_made_anew_meanwhile(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    desk = page.office._desk("R001")

    def facts(here: Desk) -> dict[str, Any]:
        if not unlocked.vault.entry("R001").language:  # once: somebody else's find comes in while the view is made
            unlocked.change(lambda known: with_people(known, (person("X1", "Osgood", role="friend"),)))
            unlocked.change(lambda known: with_recording(known, replace(known.entry("R001"), language="en")))
            refresh_findings(unlocked, ENGINES)
        return page.office._facts(here)

    page.act("keep", marks=[page.mark("U0001", "Teodor")["id"]])
    early = desk.view(facts)
    page.poll()
    assert page.marked("U0003") == ["Osgood"]
    assert early.version != page.version


def test_a_page_that_asks_while_recordings_are_counted_is_shown_what_stands(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(unlocked)
    unlocked.change(lambda known: with_people(known, (person("X1", "Osgood", role="friend"),)))
    refresh_findings(unlocked, ENGINES)
    reading, go_on = threading.Event(), threading.Event()

    def slowly(opened: Unlocked, recording_id: str) -> Held | None:
        found = held(opened, recording_id)
        reading.set()
        assert go_on.wait(20)
        return found

    monkeypatch.setattr(desks, "held", slowly)
    with ThreadPoolExecutor(2) as pool:
        counting = pool.submit(page.office._rows.count)
        assert reading.wait(20)
        asked = pool.submit(page.office.changes, page.id, page.version)
        threading.Event().wait(0.2)
        go_on.set()
        page.take(asked.result())
        counting.result()
    page.poll()
    assert page.marked("U0003") == ["Osgood"]


def test_what_could_not_be_read_once_is_read_again(unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(unlocked)
    unlocked.change(lambda known: with_people(known, (person("X1", "Osgood", role="friend"),)))
    refresh_findings(unlocked, ENGINES)

    def torn(opened: Unlocked, recording_id: str) -> Held | None:
        raise StoreError("an artefact is damaged")

    with monkeypatch.context() as patch:
        patch.setattr(desks, "held", torn)
        with pytest.raises(StoreError):
            page.poll()
    page.poll()
    assert page.marked("U0003") == ["Osgood"]


def test_a_mark_that_was_given_to_somebody_else_meanwhile_is_not_decided(unlocked: Unlocked) -> None:
    one, other = Page(unlocked), Page(unlocked, alias="CD")
    mark = one.mark("U0001", "Teodor")["id"]
    other.act("change", marks=[mark], who={"person": "P1"})
    for body in ({"do": "keep"}, {"do": "accept"}, {"do": "change", "who": {"person": "I1"}}):
        with pytest.raises(Conflict, match="changed meanwhile"):
            one.office.act(one.id, {"version": one.version, "marks": [mark], **body})
    one.poll()
    assert (one.mark("U0001", "Teodor")["person"], one.mark("U0001", "Teodor")["by"]) == ("P1", "CD")
    one.act("keep", marks=[mark])
    assert one.mark("U0001", "Teodor")["state"] == "kept"


def test_who_decides_twice_before_the_first_answer_is_there_means_the_second(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    mark = page.mark("U0001", "Teodor")["id"]
    for do in ("accept", "keep"):
        page.office.act(page.id, {"version": page.version, "do": do, "marks": [mark]})
    page.poll()
    assert page.mark("U0001", "Teodor")["state"] == "kept"


def test_a_repeat_that_the_rules_find_meanwhile_may_be_accepted_and_not_be_kept(unlocked: Unlocked) -> None:
    """She named somebody a moment ago, and her page was not yet told which places that found."""
    rules_find_osgood(unlocked, 0.3)
    page = Page(unlocked)
    mark = page.mark("U0003", "Osgood")
    assert mark["person"] is None
    shown = page.version
    page.act("add", **page.place("U0002", "Osgood"), who=FRIEND)
    assert page.mark("U0003", "Osgood")["person"] is not None
    with pytest.raises(Conflict):
        page.office.act(page.id, {"version": shown, "do": "keep", "marks": [mark["id"]]})
    page.take(page.office.act(page.id, {"version": shown, "do": "accept", "marks": [mark["id"]]}))
    page.poll()
    assert page.mark("U0003", "Osgood")["by"] == "AB"


def test_who_became_one_of_several_meanwhile_is_not_accepted_as_one(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    unlocked.change(lambda known: with_people(known, (person("X1", "Teodor", role="friend"),)))
    refresh_findings(unlocked, ENGINES)
    with pytest.raises(Conflict):
        page.act("accept", marks=[page.mark("U0001", "Teodor")["id"]])


def test_with_nothing_to_take_back_a_sentence_says_so_and_the_page_has_nothing_new_to_look_at(
    unlocked: Unlocked,
) -> None:
    page = Page(unlocked)
    for do in (page.office.undo, page.office.redo):
        with pytest.raises(Refused, match="nothing to take back or to do again") as refused:
            do(page.id, page.version)
        assert refused.value.facts == {}


def test_a_second_pass_is_blind_and_its_agreement_is_counted(unlocked: Unlocked) -> None:
    first = Page(unlocked)
    first.act("keep", marks=[first.mark("U0001", "Teodor")["id"]])
    second = Page(unlocked, alias="CD", second=True)
    assert second.mark("U0001", "Teodor")["state"] == "withheld"
    second.act("add", **second.place("U0002", "cake"), who={"kind": "other"})
    second.take(second.office.settle("R001", second.version))
    assert second.facts["state"] == "settled"
    with pytest.raises(StudyError, match="blind"):
        second.office.preview("R001")
    first.poll()
    assert first.mark("U0001", "Teodor")["state"] == "kept"
    assert (first.facts["compared"], second.facts["compared"]) == (True, False)
    told = first.office.agreement("R001")
    assert (told["first"], told["second"], told["units"] - told["agreed"]) == (["AB"], ["CD"], 2)
    assert [d["text"] for d in told["differences"]] == ["Teodor", "cake"]


def version_of(office: Office, person_id: str) -> str:
    """As the page was shown her last."""
    return next(str(one["version"]) for one in office.people()["people"] if one["id"] == person_id)


def test_people_are_edited_merged_named_and_all_of_it_taken_back(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    page.act("add", **page.place("U0002", "Osgood"), who=FRIEND)
    office = page.office
    known = {p["id"]: p for p in office.people()["people"]}
    friend = next(i for i, p in known.items() if p["forms"] == ["Osgood"])
    assert known[friend]["recordings"] == ["R001", "R002"]
    told = office.act_on_people({"do": "new", "kind": "person", "role": "friend", "forms": ["Brannigan"]})
    new = next(p for p in told["people"] if p["forms"] == ["Brannigan"])
    office.act_on_people({"do": "merge", "person": friend, "into": new["id"]})
    page.poll()
    assert page.mark("U0003", "Osgood")["person"] == new["id"]
    assert page.released()[2].count("[") == 1
    told = office.undo_people()
    assert next(p for p in told["people"] if p["id"] == friend)["same_as"] == ""
    told = office.undo_people()
    assert new["id"] not in [p["id"] for p in told["people"]]
    told = office.redo_people()
    assert (new["id"] in [p["id"] for p in told["people"]], told["redo"]) == (True, "merge")


def test_who_was_changed_by_somebody_else_meanwhile_is_not_overwritten(unlocked: Unlocked) -> None:
    """Two dialogs were open: what the first one added stands."""
    office = Page(unlocked).office
    (shown,) = (one for one in office.people()["people"] if one["id"] == "P1")
    sent = {"do": "edit", "person": "P1", "version": shown["version"], "role": "participant"}
    told = office.act_on_people({**sent, "forms": [*shown["forms"], "Kazza"]})
    assert next(one for one in told["people"] if one["id"] == "P1")["forms"][-1] == "Kazza"
    with pytest.raises(Conflict, match="changed meanwhile"):
        office.act_on_people({**sent, "forms": ["Karen Okonkwo"]})
    assert "Kazza" in unlocked.vault.person("P1").forms


@pytest.mark.parametrize(
    "sent",
    [{"do": "pseudonym", "pseudonym": "Rosamund"}, {"do": "redraw"}, {"do": "merge", "into": "I1"}, {"do": "part"}],
    ids=lambda sent: sent["do"],
)
def test_nor_is_what_is_written_for_her_or_who_she_is(unlocked: Unlocked, sent: dict[str, Any]) -> None:
    office = Page(unlocked).office
    shown = version_of(office, "P1")
    office.act_on_people({"do": "pseudonym", "person": "P1", "version": shown, "pseudonym": "Marigold"})
    with pytest.raises(Conflict, match="changed meanwhile"):
        office.act_on_people({**sent, "person": "P1", "version": shown})
    assert unlocked.vault.person("P1").pseudonym == "Marigold"


def test_what_was_done_last_in_another_window_is_not_taken_back_by_one_that_does_not_show_it(
    unlocked: Unlocked,
) -> None:
    page, other = Page(unlocked), Page(unlocked)
    page.act("keep", marks=[page.mark("U0001", "Teodor")["id"]])
    other.poll()
    other.act("keep", marks=[other.mark("U0001", "Karen")["id"]])
    with pytest.raises(Conflict, match="done last"):
        page.undo()
    page.poll()
    assert page.mark("U0001", "Karen")["state"] == "kept"
    page.undo()
    with pytest.raises(Conflict, match="done last"):
        other.redo()
    told = page.office.act_on_people({"do": "new", "kind": "person", "role": "friend", "forms": ["Brannigan"]})
    other.office.act_on_people({"do": "new", "kind": "person", "role": "friend", "forms": ["Osgood"]})
    with pytest.raises(Conflict, match="done last"):
        page.office.undo_people(told["undo_id"])
    assert unlocked.vault.people[-1].forms == ("Osgood",)
    page.office.undo_people(page.office.people()["undo_id"])
    assert unlocked.vault.people[-1].forms == ("Brannigan",)


@pytest.mark.parametrize("forms", [["Rose Kellerman", "Kellerman"], ["Rose", "Kellerman"]])
def test_names_typed_for_somebody_bound_to_her_places_are_searched_for_and_the_ordinary_word_is_not(
    tmp_path: Path, forms: list[str]
) -> None:
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    add_detected(unlocked, transcript(("S1", "Then Rose came, Karen.")), who=("P1", "R1"))
    there = transcript(("S1", "So Kellerman rang. Yes, a Rose by the Hubcap rose."), recording_id="R002")
    add_detected(unlocked, there, who=("P1", "R1"))
    seen = finding("U0001", 5, 9, None, kind=Kind.PERSON, score=0.95, reason=Reason(rule="fake"))
    stored = unlocked.load("R001", "candidates", Candidates)
    assert stored
    unlocked.save("R001", "candidates", replace(stored.value, found=(seen,)), "k")
    refresh_findings(unlocked, ENGINES)
    page, elsewhere = Page(unlocked), Page(unlocked, "R002")

    def edited(given: list[str]) -> None:
        sent = {"do": "edit", "person": "R001-F01", "version": version_of(page.office, "R001-F01"), "role": "friend"}
        page.office.act_on_people({**sent, "forms": given})

    edited(["Rose"])
    page.poll()
    elsewhere.poll()
    assert elsewhere.marked("U0001") == []
    edited(forms)
    page.poll()
    elsewhere.poll()
    assert elsewhere.marked("U0001") == ["Kellerman"]
    assert page.mark("U0001", "Rose")["person"] == "R001-F01"
    page.office.undo_people()
    page.poll()
    elsewhere.poll()
    assert elsewhere.marked("U0001") == []


def test_a_pseudonym_that_is_a_real_name_is_refused_without_saying_whose(unlocked: Unlocked) -> None:
    office = Page(unlocked).office
    with pytest.raises(RosterError) as refused:
        office.act_on_people({"do": "pseudonym", "person": "P1", "pseudonym": "Teodor"})
    assert "Teodor" not in str(refused.value)
    told = office.act_on_people({"do": "pseudonym", "person": "P1", "pseudonym": "Amelia"})
    assert next(p for p in told["people"] if p["id"] == "P1")["written"] == "Amelia"


def test_a_released_pseudonym_is_not_changed_by_hand_though_its_folder_was_moved_away(unlocked: Unlocked) -> None:
    office = Page(unlocked).office
    office.act_on_people({"do": "pseudonym", "person": "P1", "pseudonym": "Sophia"})
    office.act_on_people({"do": "pseudonym", "person": "P1", "pseudonym": "Amelia"})
    unlocked.study.log("released", release=1, recordings="R001", manifest="0")
    for pseudonym in ("Sophia", ""):
        with pytest.raises(RosterError, match="redraw P1"):
            office.act_on_people({"do": "pseudonym", "person": "P1", "pseudonym": pseudonym})
    with pytest.raises(RosterError, match="redraw P1"):
        office.undo_people()
    edit = {"do": "edit", "person": "P1", "version": version_of(office, "P1"), "role": "participant"}
    told = office.act_on_people({**edit, "forms": ["Karen", "Kaz"]})
    assert next(p for p in told["people"] if p["id"] == "P1")["written"] == "Amelia"
    office.undo_people()


def test_policy_by_role_is_written_into_the_settings(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    before = unlocked.study.config_path.read_text()
    told = page.office.act_on_people({"do": "policy", "role": "infant", "action": "tag"})
    assert ["infant", "tag", "study.toml"] in told["policy"]["roles"]
    assert before.splitlines()[0] in unlocked.study.config_path.read_text()
    page.poll()
    assert page.mark("U0001", "Teodor")["written"] == "[infant]"


def test_search_goes_over_the_whole_study(unlocked: Unlocked) -> None:
    hits = Page(unlocked).office.search("osgood")["hits"]
    assert [(h["recording"], h["turn"]) for h in hits] == [("R001", "U0002"), ("R001", "U0003"), ("R002", "U0002")]
    assert hits[0]["text"] == "Osgood"


def test_a_search_says_what_it_could_not_search(unlocked: Unlocked) -> None:
    add_recording(unlocked, "R003")
    told = Page(unlocked).office.search("osgood")
    assert (len(told["hits"]), told["unread"]) == (3, ["R003"])


def test_suggestions_begin_with_whom_the_words_name(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    place = page.place("U0001", "Karen")
    assert page.office.suggest("R001", place)["who"][0]["who"] == {"person": "P1"}
    friend = page.office.suggest("R001", page.place("U0002", "Osgood"))["who"]
    assert any(one["who"].get("role") == "friend" for one in friend[:3])


def test_the_study_shows_how_far_everything_is(unlocked: Unlocked) -> None:
    office = Page(unlocked).office
    office.study()
    office._wait()
    rows = {row["id"]: row for row in office.study()["recordings"]}
    assert (rows["R001"]["state"], rows["R001"]["turns"], rows["R001"]["questions"]) == ("to review", 3, 0)
    assert rows["R001"]["minutes_left"] == 1


def row_of(page: Page) -> dict[str, Any]:
    page.office.study()
    page.office._wait()
    rows: dict[str, dict[str, Any]] = {row["id"]: row for row in page.office.study()["recordings"]}
    return rows[page.id]


def test_a_second_reader_is_shown_how_far_her_own_pass_is(unlocked: Unlocked) -> None:
    flag(unlocked, ("U0002", 0, 2))
    first = Page(unlocked)
    first.act("unclear", flagged=["X0001"])
    settled(first)
    second = Page(unlocked, alias="CD", second=True)
    before = row_of(second)
    assert (row_of(first)["state"], before["state"], before["settled_on"]) == ("settled", "to review", "")
    second.act("keep", marks=[second.mark("U0001", "Teodor")["id"]])
    assert row_of(second)["state"] == "in review"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"do": "accept"},
        {"do": "accept", "marks": []},
        {"do": "accept", "marks": ["x"], "more": 1},
        {"do": "destroy", "marks": ["x"]},
        {"do": "words", "turn": "U0001", "first_word": -1, "last_word": 0, "text": ""},
        {"do": "words", "turn": "U0001", "first_word": "0", "last_word": 0, "text": ""},
        {"do": "add", "turn": "U0001", "start": 0, "end": 3, "who": {"kind": "nobody"}},
    ],
)
def test_what_no_page_sends_is_refused_and_changes_nothing(unlocked: Unlocked, body: dict[str, Any]) -> None:
    page = Page(unlocked)
    with pytest.raises(Malformed):
        page.office.act("R001", {"version": page.version, **body})
    assert not unlocked.study.is_reviewed("R001")


@pytest.mark.parametrize(
    "body",
    [
        {"do": "accept", "marks": ["U0001-0-1"]},
        {"do": "restore", "flagged": ["X0001"]},
        {"do": "split", "turn": "U0099", "word": 1},
        {"do": "role", "label": "S9", "who": {"person": "P1"}},
        {"do": "role", "label": "S1", "who": {"person": "P9"}},
        {"do": "add", "turn": "U0001", "start": 400, "end": 500, "who": {"kind": "date"}},
    ],
)
def test_what_is_not_there_is_refused(unlocked: Unlocked, body: dict[str, Any]) -> None:
    page = Page(unlocked)
    with pytest.raises((Unknown, Conflict, StudyError)):
        page.office.act("R001", {"version": page.version, **body})
    assert not unlocked.study.is_reviewed("R001")


def test_a_question_keeps_it_from_being_settled(unlocked: Unlocked) -> None:
    page = Page(unlocked)
    twin = person("X1", "Teodor", role="friend")
    unlocked.change(lambda known: with_people(known, (twin,)))
    refresh_findings(unlocked, ENGINES)
    page.poll()
    assert [one["turn"] for one in page.facts["open"]] == ["U0001"]
    with pytest.raises(StillOpen):
        page.office.settle("R001", page.version)
    page.act("change", marks=[page.mark("U0001", "Teodor")["id"]], who={"person": "I1"})
    settled(page)


def test_a_split_done_again_never_takes_the_id_of_a_turn_that_another_split_made(unlocked: Unlocked) -> None:
    one, other = Page(unlocked), Page(unlocked, alias="CD")
    one.act("split", turn="U0001", word=2)
    one.undo()
    other.poll()
    other.act("split", turn="U0002", word=3)
    one.poll()
    with pytest.raises(Conflict):
        one.redo()
    one.poll()
    assert list(one.turns) == ["U0001", "U0002", "U0004", "U0003"]
    other.undo()
    one.redo()
    assert list(one.turns) == ["U0001", "U0004", "U0002", "U0003"]


def flag(unlocked: Unlocked, *places: tuple[str, int, int]) -> None:
    """Words of turns that nobody may have said, X0001 ..., as `run` leaves them beside the transcript."""
    stored = unlocked.load("R001", "transcript", Transcript)
    assert stored
    found = tuple(stretch(stored.value, *place, f"X{number:04d}") for number, place in enumerate(places, 1))
    unlocked.save("R001", "invented", Flagged(source=stored.body_sha256, stretches=found), "k")


@pytest.mark.parametrize("do", ["drop", "restore", "unclear"])
def test_a_stretch_is_decided_only_as_the_page_shows_it(unlocked: Unlocked, do: str) -> None:
    flag(unlocked, ("U0002", 0, 2), ("U0002", 9, 11))
    page = Page(unlocked)
    flag(unlocked, ("U0001", 2, 3), ("U0002", 0, 2), ("U0002", 9, 11))  # as `run` with another table would
    with pytest.raises(Conflict):
        page.act(do, flagged=["X0002"])
    page.poll()
    assert page.text("U0002") == FIRST[1][1]
    with pytest.raises(Unknown):
        page.act(do, flagged=["X0004"])
    page.act(do, flagged=["X0002"])
    assert page.text("U0002").startswith("He is fine.") == (do != "drop")
    assert [one["turn"] for one in page.facts["flagged"]] == ["U0001"] + ["U0002"] * (1 if do == "drop" else 2)


def test_a_stretch_is_not_dropped_from_a_turn_that_was_changed_meanwhile(unlocked: Unlocked) -> None:
    flag(unlocked, ("U0002", 0, 2))
    page, other = Page(unlocked), Page(unlocked, alias="CD")
    other.act("words", turn="U0002", first_word=5, last_word=5, text="Osmund")
    with pytest.raises(Conflict):
        page.act("drop", flagged=["X0001"])


def test_the_sound_of_what_was_forgotten_meanwhile_is_played_no_more(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Office, "_listened", lambda office, recording_id: b"her voice")
    office = Office(unlocked, ENGINES, Reviewer(alias="AB"))
    assert office.sound("R002") == b"her voice"
    forgetting.forget(Unlocked(unlocked.study, unlocked.identity), "R002", "CD", ENGINES)
    with pytest.raises(Unknown):
        office.sound("R002")


def test_a_second_pass_is_asked_about_a_stretch_that_the_first_has_settled(unlocked: Unlocked) -> None:
    flag(unlocked, ("U0002", 0, 2))
    settling.settle(unlocked, "R001", "AB")
    assert Page(unlocked).facts["open"] == []
    assert [one["id"] for one in Page(unlocked, alias="CD", second=True).facts["open"]] == ["X0001"]


def test_the_study_is_asked_for_again_also_where_the_count_was_quick(
    unlocked: Unlocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Page(unlocked).office
    monkeypatch.setattr(office, "_soon", lambda work: work())  # done before the answer is written
    assert office.study()["busy"]
    assert not office.study()["busy"]
