"""Whom a recording's recognition knows of, and to whom people found in it belong. All names are invented."""

from pathlib import Path

import numpy as np
import pytest

from tests.builders import NoEngines, add_detected, add_recording, new_unlocked, person, transcript
from transcribe.asr.scoring import Passage
from transcribe.config import StudyConfig
from transcribe.hearing import Here, Listened
from transcribe.pipeline import Event, Job, linked, scope_of
from transcribe.schema import Audio, Kind, Transcript

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


class Hears:
    """A recogniser that can tell how well a text fits: names always fit better."""

    def __init__(self) -> None:
        self.asked: list[Passage] = []

    def transcribe(self, audio: Audio, options: object) -> None:
        raise AssertionError("recognised again")

    def score(self, audio: Audio, passage: Passage) -> tuple[float, ...]:
        self.asked.append(passage)
        return (-20.0, *([-5.0] * (len(passage.readings) - 1)))


class Deaf:
    """A recogniser that cannot."""


def listened(tmp_path: Path, transcriber: object) -> tuple[Listened, list[Event]]:
    unlocked = new_unlocked(tmp_path / "study", PEOPLE)
    said = transcript(("S1", "And then my Theodore laughed, every day."))
    add_detected(unlocked, said, who=("P1", "R1"), sound=b"x")
    engines = NoEngines(StudyConfig())
    engines.__dict__["transcriber"] = transcriber
    events: list[Event] = []
    here = Here(engines, decode=lambda order: Audio(samples=np.zeros(40 * 16_000, dtype=np.float32)))
    job = Job(unlocked, "R001", engines, events.append, here)
    stored = unlocked.load("R001", "transcript", Transcript)
    assert stored
    made = job._listened(stored).value
    assert job._listened(stored).value == made
    return made, events


def test_the_sound_is_heard_again_once_where_a_known_name_may_have_been_said(tmp_path: Path) -> None:
    hears = Hears()
    made, events = listened(tmp_path, hears)
    assert {f.person_id for f in made.found} <= {"I1"}
    assert hears.asked
    assert [e.state for e in events] == ["started", "finished", "skipped"]


def test_an_engine_that_cannot_tell_leaves_it_at_the_text(tmp_path: Path) -> None:
    assert listened(tmp_path, Deaf())[0].found == ()
