"""What a paper's Methods section gets of a release."""

import json
from dataclasses import replace

from tests.export.builders import study
from transcribe import methods
from transcribe.config import Action, Level, Policy
from transcribe.evaluate import report
from transcribe.levels import at_level
from transcribe.methods import Measured
from transcribe.schema import Kind, ReviewState

MEASURED = (Measured(measure="word error rate", errors=64, of=749, on="2 recordings"),)


def test_the_paragraph_says_what_was_done_by_what_and_how_well() -> None:
    text = methods.text(study(), Policy(), MEASURED)
    for part in (
        "All 2 recordings (0.1 hours) were processed on the researchers' own computer",
        "Recognition: faster-whisper 1.2.1 with the model whisper-base.",
        "for the research team; 6 replacements were made.",
        "A person checked and settled 2 of 2 transcripts.",
        "Measured word error rate on 2 recordings: 8.5 % (64 of 749).",
        "pseudonymised, not anonymous",
    ):
        assert part in text


def test_the_paragraph_tells_of_machines_that_helped() -> None:
    for helped, said in (({"R002"}, "1 of them was transcribed with the help"), ({"R009"}, "no text left it.")):
        text = methods.text(study(), Policy(), (), helped)
        assert said in text
        assert ("no text left it" in text) is ("R002" not in helped)
    assert "; it was transcribed with the help" in methods.text(study()[:1], Policy(), (), {"R001"})


def test_what_came_in_as_text_is_no_recording() -> None:
    brought_in = tuple(replace(one, made_by=(), duration_s=0.0) for one in study())
    assert methods.text(brought_in, Policy(), ()).startswith("All 2 transcripts were processed")
    assert methods.text(brought_in[:1], Policy(), ()).startswith("The transcript was processed")


def test_one_recording_that_nobody_checked() -> None:
    (first, _) = study()
    text = methods.text(
        (replace(first, review=ReviewState.UNREVIEWED, duration_s=0.0),), at_level(Policy(), "public"), ()
    )
    assert text.startswith("The recording was processed")
    assert "No person has checked the replacements." in text
    assert "Measured" not in text
    assert "withheld" in text


def test_the_paragraph_says_what_the_policy_does_at_that_level() -> None:
    said = "for the public, with ages made vaguer and dates, places and rare features withheld;"
    assert said in methods.text(study(), at_level(Policy(), "public"), ())
    said = "for an archive, with dates, ages, places and rare features made vaguer;"
    assert said in methods.text(study(), at_level(Policy(), "archive"), ())
    own = Policy(public=Level(kinds={Kind.PLACE: Action.KEEP}))
    said = "for the public, with ages made vaguer and dates and rare features withheld;"
    assert said in methods.text(study(), at_level(own, "public"), ())


def test_the_sheet_has_versions_checksums_settings_and_rates() -> None:
    sheet = json.loads(methods.provenance(study(), "archive", {"language": "en"}, MEASURED))
    assert sheet["schema"] == methods.SCHEMA
    assert (sheet["level"], sheet["recordings"], sheet["settings"]) == ("archive", ["R001", "R002"], {"language": "en"})
    (made,) = sheet["made_by"]  # once, though both recordings have it
    assert (made["engine"], made["model_sha256"]) == ("faster-whisper", "ab" * 32)
    assert sheet["measured"][0] == {"measure": "word error rate", "errors": 64, "of": 749, "on": "2 recordings"}


def test_what_the_journal_keeps_of_a_rate_names_no_file() -> None:
    words = {"measure": "wer", "errors": 3, "words": 30, "data_set": {"name": "karen", "files": 1}, "files": []}
    assert report.noted(words) == {"measure": "word error rate", "errors": 3, "of": 30, "on": "1 recording"}
    turns = {"measure": "der", "false_alarm_s": 1.0, "missed_s": 2.0, "confusion_s": 0.5, "total_s": 70.0,
             "data_set": {"files": 2}}  # fmt: skip
    assert report.noted(turns) == {"measure": "diarisation error rate", "errors": 3.5, "of": 70.0, "on": "2 recordings"}
