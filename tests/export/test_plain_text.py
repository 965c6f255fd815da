from transcribe.export.layout import SPEAKER_REACH, clean, header_lines, one_line, stamp
from transcribe.export.plain_text import EXPORTER
from transcribe.schema import ReviewState

from .builders import HOSTILE, conversation, line, transcript

GOLDEN = """\
Transcript R001
Pseudonymised, not anonymous. A key exists and is kept apart from this file.
REVIEWED - a person has settled these replacements.
Settled on 2026-03-04
Replacements by kind - person 2, id number 1
This file holds text alone. The recording and the voices in it are not included.

[00:00:02] Interviewer: How was it with [infant]?

[00:01:02] Amelia: Grace is a fine word.

[00:02:02] Interviewer: (overlapping) Yes.
"""


def test_golden() -> None:
    assert EXPORTER.write(conversation()).decode() == GOLDEN


def test_without_times_there_are_no_stamps() -> None:
    text = EXPORTER.write(conversation(timed=False)).decode()
    assert "[00:" not in text
    assert "\n\nAmelia: Grace is a fine word.\n\n" in text


def test_unreviewed_says_so() -> None:
    text = EXPORTER.write(conversation(review=ReviewState.UNREVIEWED)).decode()
    assert "\nUNREVIEWED - no person has checked these replacements.\n" in text
    assert "\nREVIEWED" not in text


def test_empty_transcript() -> None:
    text = EXPORTER.write(transcript(counts=())).decode()
    assert "Replacements by kind - none" in text
    assert len(EXPORTER.read_text(text.encode())) == 6


def test_no_header_line_is_a_speaker() -> None:
    statement = "Note: pseudonymised:a key exists: ask. " + "x" * 80 + " later: kept"
    for header in header_lines(transcript(statement=statement, recording_id="P01:a")):
        assert ":" not in header[:SPEAKER_REACH]
    assert any("later: kept" in header for header in header_lines(transcript(statement=statement)))


def test_a_hostile_turn_stays_one_line() -> None:
    data = EXPORTER.write(transcript(line(0, "Amelia", HOSTILE)))
    assert EXPORTER.read_text(data)[-1] == "[00:00:02] Amelia: a --> b NOTE x<v Eve>]]>&amp; - &"
    assert data.count(b"\n\n") == 1


def test_clean_carries_offsets_over() -> None:
    for cut in range(len(HOSTILE) + 1):
        assert clean(HOSTILE).startswith(clean(HOSTILE[:cut]))
    assert clean("Ame\u200blia") == "Amelia"
    assert clean("نمی\u200cشود") == "نمی\u200cشود"
    assert one_line(" a\xa0\tb ") == "a b"


def test_stamp() -> None:
    assert [stamp(s) for s in (0, 59.99, 3661.2, -1)] == ["[00:00:00]", "[00:00:59]", "[01:01:01]", "[00:00:00]"]
