"""QualCoder's transcripts, read by a parser written from what its import recognises (FORMATS 1.5)."""

import re

import pytest
from hypothesis import given

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import LeakError
from transcribe.export.layout import speech
from transcribe.export.qualcoder import EXPORTER
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Layout, ReviewState

from .builders import HOSTILE, awkward_transcripts, conversation, line, study, transcript, turns

GOLDEN = """\
Transcript R001
Pseudonymised, not anonymous. A key exists and is kept apart from this file.
REVIEWED - a person has settled these replacements.
Settled on 2026-03-04
Replacements by kind - person 2, id number 1
This file holds text alone. The recording and the voices in it are not included.

Interviewer: [00:00:02] How was it with <<infant>>?

Amelia: [00:01:02] Grace is a fine word.

Interviewer: [00:02:02] (overlapping) Yes.
"""
GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"), person("P9", "Amelia", pseudonym="Clara")), Policy())
STAMP = re.compile(r"\[(?:\d+[:.])?\d+[:.]\d+\]|\{\d+:\d+:\d+\}|#\d+:\d+:\d+\.\d+#|\d+:\d+:\d+,\d+ --> \d+:\d+:\d+,\d+")
OTHER_SPEAKERS = {
    "#Name:": re.compile(r"#[^:\n]{1,63}:"),
    "@Name:": re.compile(r"@[^:\n]{1,63}:"),
    "[Name]": re.compile(r"\[[^\]\n]{1,63}\]"),
    "{Name}": re.compile(r"\{[^}\n]{1,63}\}"),
}
SPELT = {"[": "<<", "]": ">>", "{": "\uff5b", "}": "\uff5d", "#": "\uff03", "@": "\uff20"}


def read(data: bytes) -> tuple[list[str], list[tuple[str, int | None, str]]]:
    """The lines above the first speaker, and (speaker, seconds, text) of each turn.

    No other rule for speakers may find any, be it looked for at the start of lines or anywhere, but for the stamps.
    """
    text = data.decode("utf-8")
    bare = STAMP.sub("", text)
    assert not [name for name, rule in OTHER_SPEAKERS.items() if rule.search(bare)]
    header: list[str] = []
    said: list[tuple[str, int | None, str]] = []
    for row in text.splitlines():
        marker = re.match(r"\s*(.{1,63}?)\s*:\s*", row)
        if marker:
            codes = marker[1].split(";")
            assert len(codes) == 1, "a second code for this turn"
            stamps = list(STAMP.finditer(row))
            assert [one.start() for one in stamps] in ([], [marker.end()])
            clock = [int(one) for one in re.findall(r"\d+", stamps[0][0])] if stamps else None
            seconds = clock[0] * 3600 + clock[1] * 60 + clock[2] if clock else None
            said.append((codes[0], seconds, row[stamps[0].end() if stamps else marker.end() :].strip()))
        elif row.strip():
            assert not said, "a line of no speaker would go to the speaker before"
            assert not STAMP.search(row)
            header.append(row)
    return header, said


def spelt(text: str) -> str:
    return "".join(SPELT.get(char, char) for char in text)


def expected(made: AnonymisedTranscript) -> list[tuple[str, int | None, str]]:
    return [
        (spelt(name), int(one.start_s) if made.timed else None, spelt(speech(one)))
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
    assert all(string in strings for name, _, text in said for string in (name, text) if string)


@given(awkward_transcripts(timed=False))
def test_without_times_there_are_no_stamps(made: AnonymisedTranscript) -> None:
    assert read(EXPORTER.write(made))[1] == expected(made)


def test_what_looks_like_a_stamp_or_a_speaker_is_speech() -> None:
    said = "[00:05] {00:00:07} #00:00:01.000# [1.2.3] [Eve] {Eve} #Eve: @Eve: Eve; Eve: http://x (Eve)"
    made = transcript(line(0, "Amelia", said), line(1, "{A}; [b]: #c @d", said))
    header, turns_read = read(EXPORTER.write(made))
    assert [name for name, _, _ in turns_read] == ["Amelia", "\uff5bA\uff5d, <<b>>- \uff03c \uff20d"]
    assert [text for _, _, text in turns_read] == [spelt(said)] * 2
    assert len(header) == 6


@pytest.mark.parametrize(("tags", "written"), [("<<>>", "<<infant>>"), ("@@##", "\uff20\uff20infant\uff03\uff03")])
def test_other_tags(tags: str, written: str) -> None:
    tag = f"{tags[:2]}infant{tags[2:]}"
    made = transcript(line(0, "Amelia", f"My {tag} slept."), layout=Layout(tags=tags))
    assert read(EXPORTER.write(made))[1][0][2] == f"My {written} slept."


def test_no_header_line_is_a_speaker() -> None:
    statement = "[Note]: pseudonymised:a {key}. " + "x" * 40 + " later: kept"
    header, said = read(EXPORTER.write(transcript(statement=statement, recording_id="P01:a", unclear=2)))
    assert header[0] == "Transcript P01 - a"
    assert header[1].startswith("<<Note>> - pseudonymised - a \uff5bkey\uff5d")
    assert said == []


@pytest.mark.parametrize("before", [0, 1, 62, 63])
def test_no_header_line_is_a_speaker_by_a_character(before: int) -> None:
    header, said = read(EXPORTER.write(transcript(statement="x" * before + ": kept")))
    assert header[1].endswith("- kept")
    assert said == []


def test_states_empty_ones_and_long_ones() -> None:
    header, _ = read(EXPORTER.write(transcript(review=ReviewState.UNREVIEWED, counts=())))
    assert header[2].startswith("UNREVIEWED - ")
    made = transcript(
        line(0, "Amelia", ""), line(1, "", HOSTILE), line(2, "a" * 80 + "1", "w " * 10_000), line(3, "a" * 80 + "2", "")
    )
    said = read(EXPORTER.write(made))[1]
    assert said[:2] == [("Amelia", 2, ""), ("-", 62, "a --> b NOTE x<v Eve>>>>>>&amp; - &")]
    assert said[2][2].count("w") == 10_000
    assert said[2][0] != said[3][0]


def test_what_is_known_of_people_is_not_written() -> None:
    text = EXPORTER.write(study()[0]).decode()
    assert not [word for word in ("age band", "30-39", "degree", "wave", "Pregnancy", "whisper") if word in text]


@pytest.mark.parametrize(
    "made",
    [
        transcript(line(0, "Karen", "Yes.")),
        transcript(line(0, "Amelia; [Karen]", "Yes.")),
        transcript(line(0, "{Karen}: Amelia", "Yes.")),
        conversation(recording_id="Karen"),
        conversation(recording_id="x_karen2"),
    ],
)
def test_a_name_that_the_format_holds_is_refused(made: AnonymisedTranscript) -> None:
    with pytest.raises(LeakError):
        GATE.check_file((made,), EXPORTER, EXPORTER.write(made), "x_qualcoder.txt")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Amelia:", b"Karen:"),
        (b"Grace", b"Karen"),
        (b"<<infant>>", b"[Karen]"),
        (b"(overlapping)", b"{Karen}"),
        (b"Transcript", b"Karen"),
        (b"[00:01:02]", b"[Karen]"),
        (b"[00:01:02]", b"[00:01:02]Karen "),
        (b"Amelia: [00:01:02]", b"[00:01:02] Karen:"),
        (b"Settled", b"Karen: settled"),
        (b"Amelia:", b"Amelia;karen:"),
    ],
)
def test_a_name_in_a_broken_file_is_refused(old: bytes, new: bytes) -> None:
    made = conversation()
    data = EXPORTER.write(made)
    GATE.check_file((made,), EXPORTER, data, "x_qualcoder.txt")
    assert data.replace(old, new) != data
    with pytest.raises(LeakError):
        GATE.check_file((made,), EXPORTER, data.replace(old, new), "x_qualcoder.txt")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Grace is", b"Grace\nis"), (b"Amelia: [00:01:02]", b"[00:01:02] Amelia:"), (b"<<infant>>", b"[infant]"),
     (b"Amelia:", b"Amelia; x:"), (b"Settled on", b"Settled on:"), (b"a fine word", b"word"),
     (b"Grace is", b"Grace [01:02] is"), (b"Amelia: ", b"Amelia:\n"), (b"fine", b"{fine}")],
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
