import io
import random
import re
import time
from dataclasses import replace

import pysubs2
import pytest
from hypothesis import given, settings

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import EngineError, LeakError
from transcribe.export.cues import CUE_CHARACTERS, tiers
from transcribe.export.subrip import EXPORTER
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Line, Word

from .builders import HOSTILE, STATEMENT, awkward_transcripts, conversation, line, transcript, turns

LONG = "So the first week was hard. " * 8 + "Then she slept and slept."
GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"),), Policy())
GOLDEN = """\
\ufeff0
00:00:00,000 --> 00:00:00,001
Transcript R001
Pseudonymised, not anonymous. A key exists and is kept apart from this file.
REVIEWED - a person has settled these replacements.
Settled on 2026-03-04
Replacements by kind - person 2, id number 1
This file holds text alone. The recording and the voices in it are not included.

1
00:00:02,000 --> 00:00:07,000
Interviewer: How was it with [infant]?

2
00:01:02,000 --> 00:01:07,000
Amelia: Grace is a fine word.

3
00:02:02,000 --> 00:02:07,000
Interviewer: (overlapping) Yes.
"""


def read_by_pysubs2(data: bytes) -> tuple[str, list[tuple[str, str]]]:
    """The first cue's text, and the turns of the others."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig").read()
    first, *rest = pysubs2.SSAFile.from_string(text, format_="srt")
    read: list[tuple[str, str]] = []
    last: dict[str, int] = {}
    for cue in rest:
        label, _, said = cue.text.replace("\u200b", "").partition(":")
        if said.startswith("\xa0"):
            read[last[label]] = (label, f"{read[last[label]][1]} {said.strip()}")
        else:
            last[label] = len(read)
            read.append((label, said.strip()))
    return first.text, read


def spoken(made: AnonymisedTranscript) -> list[tuple[str, str]]:
    marks = ["(overlapping) " if one.overlapped else "" for one in made.lines]
    return [(speaker, (mark + text).strip()) for mark, (speaker, text) in zip(marks, turns(made), strict=True)]


def test_golden() -> None:
    assert EXPORTER.write(conversation()).decode() == GOLDEN


def test_the_header_is_a_cue_that_no_player_shows_and_no_turn() -> None:
    header, read = read_by_pysubs2(EXPORTER.write(conversation()))
    assert header.split("\\N")[:2] == ["Transcript R001", STATEMENT]
    assert [speaker for speaker, _ in read] == ["Interviewer", "Amelia", "Interviewer"]
    header, read = read_by_pysubs2(EXPORTER.write(transcript()))
    assert STATEMENT in header
    assert read == []


@settings(deadline=None)
@given(awkward_transcripts())
def test_pysubs2_gives_every_turn_back(made: AnonymisedTranscript) -> None:
    assert read_by_pysubs2(EXPORTER.write(made))[1] == spoken(made)


@pytest.mark.parametrize(
    "text",
    [
        "a --> b",
        "--->",
        "<i>so</i>",
        "< i >",
        "{\\an8}top",
        "00:00:01,000 00:00:02.5 x",
        "\\N",
        "7\n\n8",
        HOSTILE,
        "12",
    ],
)
def test_what_readers_take_for_something_else_is_harmless_and_comes_back(text: str) -> None:
    made = transcript(line(0, "Amelia", text), line(1, "Amelia", text, seconds=0.0))
    data = EXPORTER.write(made)
    assert read_by_pysubs2(data)[1] == turns(made)
    assert data.decode().count("-->") == 3
    assert not re.search(r"<[a-z ]|\{\\", data.decode())
    assert f"Amelia: {turns(made)[0][1]}" in EXPORTER.read_text(data)


def test_long_turns_are_cut_and_joined_also_where_they_interleave() -> None:
    made = transcript(
        line(0, "Amelia", LONG, seconds=150.0),
        line(1, "Interviewer", LONG, seconds=100.0),
        line(1, "Amelia", "Mine. " * 40, seconds=80.0),
    )
    data = EXPORTER.write(made)
    assert sorted(read_by_pysubs2(data)[1]) == sorted(turns(made))
    assert {f"{speaker}: {text}" for speaker, text in turns(made)} <= set(EXPORTER.read_text(data))
    cues = [block.split("\n") for block in data.decode("utf-8-sig").strip().split("\n\n")]
    assert [int(cue[0]) for cue in cues] == list(range(len(cues)))
    assert all(len(cue[2].partition(":")[2]) <= CUE_CHARACTERS + 1 for cue in cues[1:])


def test_a_trailing_pause_makes_no_cue_of_its_own() -> None:
    words = tuple(Word(start_s=n, end_s=n + 1, text=text, probability=1.0) for n, text in enumerate([" a"] * 7 + [" "]))
    turn = Line(number=1, speaker="Amelia", start_s=0, end_s=9, words=words, replaced=(), kept=())
    assert read_by_pysubs2(EXPORTER.write(transcript(turn)))[1] == [("Amelia", "a a a a a a a")]


def test_without_times_it_refuses() -> None:
    with pytest.raises(EngineError, match=r"R001.*srt needs times.*choose txt, docx or json"):
        EXPORTER.write(conversation(timed=False))


@pytest.mark.parametrize(
    "bad",
    [
        transcript(line(0, "Amelia", "well " * 100 + "Karen Okonkwo " + "well " * 100, seconds=60.0)),
        transcript(line(0, "Karen", "Yes.")),
        transcript(line(0, "Amelia", "Yes."), recording_id="Karen01"),
    ],
)
def test_the_gate_finds_a_name_anywhere(bad: AnonymisedTranscript) -> None:
    with pytest.raises(LeakError):
        GATE.check_file((bad,), EXPORTER, EXPORTER.write(bad), "R001_pseudonymised.srt")


@pytest.mark.parametrize(
    ("old", "new"),
    [("Grace is", "Karen is"), ("\n2\n", "\nKaren\n"), ("Settled on", "Karen settled on"), ("Amelia:", "Karen:"),
     ("Grace is", "<b>Kar\u200ben</b> is"), ("00:01:02,000 -->", "00:01:02,000 Karen -->")],
)  # fmt: skip
def test_the_gate_finds_a_name_in_a_file_that_was_altered(old: str, new: str) -> None:
    good = conversation()
    data = EXPORTER.write(good)
    GATE.check_file((good,), EXPORTER, data, "R001_pseudonymised.srt")
    with pytest.raises(LeakError):
        GATE.check_file((good,), EXPORTER, data.replace(old.encode(), new.encode()), "R001_pseudonymised.srt")


def test_a_broken_file_gives_other_turns() -> None:
    made = conversation()
    broken = EXPORTER.write(made).replace(b"Amelia: Grace", b"Amelia: <i>--> Grace")
    assert read_by_pysubs2(broken)[1] != spoken(made)


def test_two_hours_are_written_and_read_in_no_time() -> None:
    rng = random.Random(4)
    said = [" ".join(rng.choices("well so she <i>slept & [infant] cried.".split(), k=13)) for _ in range(1500)]
    made = transcript(*(line(n, "Amelia" if n % 2 else "Interviewer", text) for n, text in enumerate(said)))
    start = time.perf_counter()
    assert len(EXPORTER.read_text(EXPORTER.write(made))) > 4500
    assert time.perf_counter() - start < 3.0


def test_tiers_hold_no_overlap_and_bear_no_name_twice() -> None:
    made = [replace(line(n, who, "x", seconds=100.0)) for n, who in enumerate(["Amelia", "Amelia", "Zoë", "Amelia"])]
    found = tiers((*made, line(9, "Amelia (2)", "x")), "Zoë")
    assert [(tier.name, tier.speaker, [place for *_, place in tier.turns]) for tier in found] == [
        ("Amelia", "Amelia", [0, 3]),
        ("Amelia (2)", "Amelia", [1]),
        ("Zoë (2)", "Zoë", [2]),
        ("Amelia (2) (2)", "Amelia (2)", [4]),
    ]
