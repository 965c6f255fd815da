"""Each recording may have a language of its own: what is asked of recognition, and what is made again for it."""

from pathlib import Path

import numpy as np
import pytest

from tests.builders import (
    NoEngines,
    add_detected,
    add_recording,
    heard,
    new_unlocked,
    person,
    says_nothing_of,
    transcript,
)
from transcribe import intake, weights
from transcribe.asr.fake import FakeTranscriber
from transcribe.config import StudyConfig, check_language
from transcribe.diarise.fake import FakeDiariser
from transcribe.errors import ConfigError, StudyError
from transcribe.hearing import Here
from transcribe.pipeline import Job
from transcribe.review.decisions import Review
from transcribe.schema import Audio, Words
from transcribe.vault import RecordingEntry, Unlocked

PEOPLE = (person("P1", "Karen Okonkwo"),)


@pytest.fixture
def unlocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unlocked:
    monkeypatch.setattr(weights, "sha256", lambda name: "0" * 64)
    opened = new_unlocked(tmp_path / "study", PEOPLE)
    add_recording(opened, "R001", sound=b"one", who=("P1",))
    add_recording(opened, "R002", sound=b"two", who=("P1",))
    return opened


def recognise(unlocked: Unlocked, language: str = "en") -> dict[str, str | None]:
    """Run recognition over both recordings: id -> language asked for, of those that were recognised."""
    asked: dict[str, str | None] = {}
    for recording_id in ("R001", "R002"):
        engines = NoEngines(StudyConfig(language=language))
        transcriber = FakeTranscriber("Well, yes.")
        engines.__dict__["transcriber"] = transcriber
        engines.__dict__["diariser"] = FakeDiariser()
        here = Here(engines, decode=lambda order: Audio(samples=np.zeros(16_000, dtype=np.float32)))
        job = Job(unlocked, recording_id, engines, lambda event: None, here)
        job._words(False)
        asked.update((recording_id, options.language) for options in transcriber.asked)
    return asked


def test_one_recording_is_recognised_again_when_its_language_changes_and_no_other(unlocked: Unlocked) -> None:
    assert recognise(unlocked) == {"R001": "en", "R002": "en"}
    assert recognise(unlocked) == {}
    intake.set_language(unlocked, "R002", "cy")
    assert recognise(unlocked) == {"R002": "cy"}
    intake.set_language(unlocked, "R002", "auto")
    assert recognise(unlocked) == {"R002": None}
    intake.set_language(unlocked, "R002", "")
    assert recognise(unlocked) == {"R002": "en"}
    intake.set_language(unlocked, "R002", "en")  # as it is already
    assert recognise(unlocked) == {}


def test_what_is_forced_stays_when_the_study_detects(unlocked: Unlocked) -> None:
    intake.set_language(unlocked, "R001", "en")
    assert recognise(unlocked, "auto") == {"R001": "en", "R002": None}


def test_it_is_told_what_was_asked_and_what_was_heard(unlocked: Unlocked) -> None:
    before = intake.spoken(unlocked, "R001")
    assert (before.language, before.chosen, before.heard, before.probability) == ("en", False, None, None)
    intake.set_language(unlocked, "R001", "cy")
    unlocked.save("R001", "words", heard("Wel, ie.", language="cy"))
    after = intake.spoken(unlocked, "R001")
    assert (after.language, after.chosen, after.heard, after.probability) == ("cy", True, "cy", 1.0)


def test_a_text_without_sound_and_an_unknown_recording_are_refused(unlocked: Unlocked) -> None:
    add_detected(unlocked, transcript(("S1", "Karen."), recording_id="T001"))
    for recording_id in ("T001", "R777"):
        with pytest.raises(StudyError) as refused:
            intake.set_language(unlocked, recording_id, "cy")
        assert recording_id in str(refused.value)
        says_nothing_of(refused.value, "Karen", "Okonkwo")
    with pytest.raises(StudyError):
        intake.spoken(unlocked, "R777")


def test_an_entry_written_before_there_were_languages_is_read(unlocked: Unlocked) -> None:
    from pydantic import TypeAdapter

    adapter = TypeAdapter(RecordingEntry)
    old = adapter.dump_python(unlocked.vault.entry("R001"), mode="json")
    del old["language"]
    assert adapter.validate_python(old).language == ""


@pytest.mark.parametrize(("code", "expected"), [("cy", "cy"), (" CY ", "cy"), ("auto", "auto"), ("haw", "haw")])
def test_a_known_code_is_taken(code: str, expected: str) -> None:
    assert check_language(code) == expected


@pytest.mark.parametrize("code", ["", "xx", "welsh", "ga", "en-GB", "Karen"])
def test_an_unknown_code_is_one_sentence_that_does_not_repeat_it(code: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_language(code)
    assert "no recognition model knows" in str(refused.value)
    assert "\n" not in str(refused.value)
    says_nothing_of(refused.value, "Karen")


def test_what_an_earlier_version_wrote_and_a_person_settled_is_not_recognised_again(unlocked: Unlocked) -> None:
    assert set(recognise(unlocked)) == {"R001", "R002"}
    for recording_id in ("R001", "R002"):  # as version 0.2 left them
        stored = unlocked.load(recording_id, "words", Words)
        assert stored is not None
        engine = (StudyConfig().recognition.engine, StudyConfig().recognition.model, "0" * 64)
        sha256 = unlocked.vault.entry(recording_id).sha256
        key = unlocked.vault.digest("recognise", "1", sha256, *engine, "en", "5", "Karen Okonkwo")
        unlocked.save(recording_id, "words", stored.value, key)
    unlocked.save("R002", "review", Review(decisions=(), source="", seen=(), reviewer="AB", settled_on="2026-11-01"))
    assert recognise(unlocked) == {"R001": "en"}
