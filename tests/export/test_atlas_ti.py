"""ATLAS.ti's transcripts, read by a parser written from what its users feed it (FORMATS 1.3)."""

import re

import pytest
from hypothesis import given

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import LeakError
from transcribe.export.atlas_ti import EXPORTER
from transcribe.export.layout import speech
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, ReviewState

from .builders import HOSTILE, awkward_transcripts, conversation, line, study, transcript, turns

GOLDEN = """\
Transcript R001
Pseudonymised, not anonymous. A key exists and is kept apart from this file.
REVIEWED - a person has settled these replacements.
Settled on 2026-03-04
Replacements by kind - person 2, id number 1
This file holds text alone. The recording and the voices in it are not included.

[00:00:02]Interviewer: How was it with [infant]?
[00:01:02]Amelia: Grace is a fine word.
[00:02:02]Interviewer: (overlapping) Yes.
"""
GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"), person("P9", "Amelia", pseudonym="Clara")), Policy())
TURN = re.compile(r"(?:\[(\d{2,}):([0-5]\d):([0-5]\d)\])?([^\s:\[][^:]*):(?: (.*))?")


def read(data: bytes) -> tuple[list[str], list[tuple[int | None, str, str]]]:
    """The lines that no speaker begins, and (seconds, speaker, text) of the others, which follow them all."""
    header: list[str] = []
    said: list[tuple[int | None, str, str]] = []
    for row in data.decode("utf-8").removesuffix("\n").split("\n"):
        assert row.splitlines() in ([row], [])
        match = TURN.fullmatch(row)
        if match:
            h, m, s, name, text = match.groups()
            said.append((int(h) * 3600 + int(m) * 60 + int(s) if h else None, name, text or ""))
        else:
            assert ":" not in row
            assert not said, "a line that is no turn among the turns"
            header.append(row)
    assert header.pop() == ""
    return header, said


def expected(made: AnonymisedTranscript) -> list[tuple[int | None, str, str]]:
    return [
        (int(one.start_s) if made.timed else None, name, speech(one))
        for one, (name, _) in zip(made.lines, turns(made), strict=True)
    ]


def test_golden() -> None:
    assert EXPORTER.write(conversation()).decode() == GOLDEN


@given(awkward_transcripts())
def test_every_turn_comes_back(made: AnonymisedTranscript) -> None:
    data = EXPORTER.write(made)
    header, said = read(data)
    assert len(header) == 6
    assert said == expected(made)
    strings = EXPORTER.read_text(data)
    assert all(string in strings for one in said for string in one[1:] if string)


@given(awkward_transcripts(timed=False))
def test_without_times_there_are_no_stamps(made: AnonymisedTranscript) -> None:
    assert read(EXPORTER.write(made))[1] == expected(made)


def test_no_header_line_is_a_speaker() -> None:
    statement = "Note: pseudonymised:a key. " + "x" * 80 + " later: kept"
    header, said = read(EXPORTER.write(transcript(statement=statement, recording_id="P01:a", unclear=2)))
    assert header[0] == "Transcript P01 - a"
    assert header[1].endswith("x later - kept")
    assert said == []


def test_states_empty_ones_and_labels() -> None:
    header, _ = read(EXPORTER.write(transcript(review=ReviewState.UNREVIEWED, counts=())))
    assert header[2].startswith("UNREVIEWED - ")
    made = transcript(line(0, "Mother: Amelia", ""), line(1, "", HOSTILE), line(2, "Amelia", "word " * 10_000))
    said = read(EXPORTER.write(made))[1]
    assert said[:2] == [(2, "Mother- Amelia", ""), (62, "-", "a --> b NOTE x<v Eve>]]>&amp; - &")]
    assert said[2][2].count("word") == 10_000


def test_what_is_known_of_people_is_not_written() -> None:
    text = EXPORTER.write(study()[0]).decode()
    assert not [word for word in ("age band", "30-39", "degree", "wave", "Pregnancy", "whisper") if word in text]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Amelia:", b"Karen:"),
        (b"Grace", b"Karen"),
        (b"[infant]", b"[Karen]"),
        (b"(overlapping)", b"(Karen)"),
        (b"Transcript", b"Karen"),
        (b"[00:01:02]", b"[Karen]"),
        (b"[00:01:02]", b"[00:01:02]Karen "),
        (b"Settled", b"Karen: settled"),
        (b"\n\n", b"\nKaren\n"),
    ],
)
def test_a_name_in_a_broken_file_is_refused(old: bytes, new: bytes) -> None:
    made = conversation()
    data = EXPORTER.write(made)
    GATE.check_file((made,), EXPORTER, data, "x_atlasti.txt")
    assert data.replace(old, new) != data
    with pytest.raises(LeakError):
        GATE.check_file((made,), EXPORTER, data.replace(old, new), "x_atlasti.txt")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Grace is", b"Grace\nis"), (b"[00:01:02]", b"[00:01:02] "), (b"[00:01:02]", b"[01:02]"),
     (b"Transcript R001", b"Transcript: R001"), (b"Amelia:", b"Amelia"), (b"a fine word", b"word")],
)  # fmt: skip
def test_the_checks_see_a_broken_file(old: bytes, new: bytes) -> None:
    data = EXPORTER.write(conversation())
    assert old in data

    def good(data: bytes) -> bool:
        header, said = read(data)
        return len(header) == 6 and said == expected(conversation())

    assert good(data)
    try:
        seen = not good(data.replace(old, new))
    except AssertionError:
        seen = True
    assert seen
