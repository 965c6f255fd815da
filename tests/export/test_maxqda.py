"""MAXQDA's two text imports, read by a parser written from its help pages (FORMATS 1.4)."""

import re
from dataclasses import replace

import pytest
from hypothesis import given

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import LeakError
from transcribe.export import Exporter, StudyExporter
from transcribe.export.layout import speech
from transcribe.export.maxqda import EXPORTER, LONGEST_LABEL, STUDY_EXPORTER, speaker_label
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Kind, ReviewState, Span

from .builders import HOSTILE, awkward_transcripts, conversation, line, study, transcript, turns

GOLDEN = """\
Transcript R001
Pseudonymised, not anonymous. A key exists and is kept apart from this file.
REVIEWED - a person has settled these replacements.
Settled on 2026-03-04
Replacements by kind - person 2, id number 1
This file holds text alone. The recording and the voices in it are not included.

Interviewer: How was it with [infant]? #00:00:07-0#

Amelia: Grace is a fine word. #00:01:07-0#

Interviewer: (overlapping) Yes. #00:02:07-0#
"""
GOLDEN_STUDY = """\
#TEXTR001
Transcript R001
Pseudonymised, not anonymous. A key exists and is kept apart from this file.
REVIEWED - a person has settled these replacements.
Settled on 2026-03-04
Replacements by kind - person 2, id number 1
This file holds text alone. The recording and the voices in it are not included.

Interviewer: How was it with [infant]?

Amelia: Grace is a fine word.

Interviewer: (overlapping) Yes.

#TEXTR002
"""
GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"), person("P9", "Amelia", pseudonym="Clara")), Policy())
STAMP = re.compile(r"\s*#(\d{2,}):([0-5]\d):([0-5]\d)-(\d)#$")


def preprocessed(text: str) -> dict[str, str]:
    """Documents by name, as the preprocessor parts a file: `#TEXT`, then the name up to the end of the line."""
    before, *documents = text.split("#TEXT")
    assert before == ""
    parted = [document.split("\r\n", 1) for document in documents]
    assert all(name and not name.startswith(" ") for name, _ in parted)
    return dict(parted)


def focus_group(text: str) -> tuple[list[str], list[tuple[str, str, float | None]]]:
    """The paragraphs before the first speaker, and (speaker, text, seconds of the stamp) of each contribution."""
    uncoded: list[str] = []
    coded: list[tuple[str, str, float | None]] = []
    for paragraph in text.split("\r\n"):
        assert "\n" not in paragraph
        assert "\r" not in paragraph
        stamp = STAMP.search(paragraph)
        said = STAMP.sub("", paragraph).strip()
        assert "#" not in said
        name, colon, rest = said.partition(":")
        if colon and len(name) <= 63:
            h, m, s, t = map(int, stamp.groups()) if stamp else (0, 0, 0, 0)
            coded.append((name.strip(), rest.strip(), h * 3600 + m * 60 + s + t / 10 if stamp else None))
        elif said:
            assert not coded, "a paragraph without a speaker would go to the speaker before"
            uncoded.append(said)
    return uncoded, coded


def expected(made: AnonymisedTranscript) -> list[tuple[str, str, float | None]]:
    """What is to come back, `＃` being how the format spells `#`."""
    return [
        (name.replace("#", "＃"), speech(one).replace("#", "＃"), round(one.end_s, 1) if made.timed else None)
        for one, (name, _) in zip(made.lines, turns(made), strict=True)
    ]


def test_golden() -> None:
    data = EXPORTER.write(conversation())
    assert data.decode() == GOLDEN.replace("\n", "\r\n")


def test_a_study_is_one_structured_text() -> None:
    text = STUDY_EXPORTER.write(study()).decode()
    assert text.startswith(GOLDEN_STUDY.replace("\n", "\r\n"))
    documents = preprocessed(text)
    assert list(documents) == ["R001", "R002"]
    for one in study():
        header, coded = focus_group(documents[one.recording_id])
        assert header[0] == f"Transcript {one.recording_id}"
        assert coded == [(*said[:2], None) for said in expected(one)]


@given(awkward_transcripts(), awkward_transcripts(recording_id="R002", timed=False))
def test_every_turn_comes_back(first: AnonymisedTranscript, second: AnonymisedTranscript) -> None:
    for one in (first, second):
        data = EXPORTER.write(one)
        header, coded = focus_group(data.decode())
        assert len(header) == 6
        assert coded == expected(one)
        strings = EXPORTER.read_text(data)
        assert all(string in strings for said in expected(one) for string in said[:2] if string)
    documents = preprocessed(STUDY_EXPORTER.write((first, second)).decode())
    for one in (first, second):
        assert focus_group(documents[one.recording_id])[1] == expected(replace(one, timed=False))


def test_without_times_there_are_no_stamps() -> None:
    text = EXPORTER.write(conversation(timed=False)).decode()
    assert "#" not in text
    assert text.endswith("\r\n\r\nInterviewer: (overlapping) Yes.\r\n")


def test_states_and_empty_ones() -> None:
    header, coded = focus_group(EXPORTER.write(transcript(review=ReviewState.UNREVIEWED, counts=())).decode())
    assert header[2].startswith("UNREVIEWED - ")
    assert coded == []
    assert STUDY_EXPORTER.write(()) == b""
    assert list(preprocessed(STUDY_EXPORTER.write((transcript(),)).decode())) == ["R001"]


@pytest.mark.parametrize("before", [0, 1, 62, 63, 64, 90])
def test_no_header_line_is_a_speaker(before: int) -> None:
    made = transcript(line(0, "Amelia", "Yes."), statement="x" * before + ": kept", recording_id="P01:a", unclear=2)
    header, coded = focus_group(EXPORTER.write(made).decode())
    assert header[0] == "Transcript P01 - a"
    assert header[1].endswith("- kept")
    assert [said[0] for said in coded] == ["Amelia"]


def test_stamps_have_tenths_and_long_hours() -> None:
    late = replace(line(0, "Amelia", "Bye."), end_s=100 * 3600 + 59.96)
    assert b"Bye. #100:01:00-0#" in EXPORTER.write(transcript(late))
    assert b"Bye. #00:00:00-0#" in EXPORTER.write(transcript(replace(late, end_s=-1.0)))


def test_labels_end_within_a_speakers_reach_and_keep_apart() -> None:
    long = ["a" * 70 + "1", "a" * 70 + "2", "x: " * 40]
    labels = [speaker_label(one) for one in (*long, "Mother: Amelia", "", "a" * LONGEST_LABEL)]
    assert len(set(labels)) == 6
    assert all(":" not in label and 0 < len(label) <= LONGEST_LABEL < 63 for label in labels)
    assert labels[3:5] == ["Mother- Amelia", "-"]
    coded = focus_group(EXPORTER.write(transcript(*(line(0, one, "Yes: no.") for one in long))).decode())[1]
    assert [said[:2] for said in coded] == [(label, "Yes: no.") for label in labels[:3]]


def test_hostile_turns_and_commands_stay_text() -> None:
    said = "#TEXTEve #CODEx and #ENDCODE #00:00:01-0# note: more"
    made = transcript(line(0, "#Amelia", HOSTILE), line(1, "Amelia", said), statement="#TEXT mine #1", counts=())
    for exporter, data in (
        (EXPORTER, EXPORTER.write(made)),
        (STUDY_EXPORTER, STUDY_EXPORTER.write((made,)).removeprefix(b"#TEXTR001\r\n")),
    ):
        header, coded = focus_group(data.decode())
        assert header[1] == "＃TEXT mine ＃1"
        assert [one[:2] for one in coded] == [
            ("＃Amelia", "a --> b NOTE x<v Eve>]]>&amp; - &"),
            ("Amelia", exporter.spell(said)),
        ]


def planted() -> list[AnonymisedTranscript]:
    return [
        transcript(line(0, "Karen", "Yes.")),
        transcript(line(0, "Karen: Amelia", "Yes.")),
        conversation(recording_id="Karen"),
        conversation(recording_id="x_karen2"),
    ]


@pytest.mark.parametrize("made", planted())
def test_a_name_that_the_format_holds_is_refused(made: AnonymisedTranscript) -> None:
    for exporter, data in ((EXPORTER, EXPORTER.write(made)), (STUDY_EXPORTER, STUDY_EXPORTER.write((made,)))):
        with pytest.raises(LeakError):
            GATE.check_file((made,), exporter, data, "x_maxqda.txt")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Amelia:", b"Karen:"),
        (b"Grace", b"Karen"),
        (b"[infant]", b"[Karen]"),
        (b"(overlapping)", b"(Karen)"),
        (b"Transcript", b"Karen"),
        (b"R001", b"R001 Karen"),
        (b"Settled", b"Karen: settled"),
        (b"kept apart", b"kept apart: Karen, apart"),
        (b"Settled on", b"Settled on Karen"),
        (b"Yes.", b"Yes. #00:00:01-0# Karen"),
    ],
)
def test_a_name_in_a_broken_file_is_refused(old: bytes, new: bytes) -> None:
    made = conversation()
    exporters: list[Exporter | StudyExporter] = [EXPORTER, STUDY_EXPORTER]
    for exporter, data in zip(exporters, (EXPORTER.write(made), STUDY_EXPORTER.write((made,))), strict=True):
        GATE.check_file((made,), exporter, data, "x_maxqda.txt")
        assert data.replace(old, new) != data
        with pytest.raises(LeakError):
            GATE.check_file((made,), exporter, data.replace(old, new), "x_maxqda.txt")


def test_what_is_known_of_people_is_not_written() -> None:
    text = STUDY_EXPORTER.write(study()).decode() + EXPORTER.write(study()[0]).decode()
    assert not [word for word in ("age band", "30-39", "degree", "wave", "Pregnancy", "whisper") if word in text]


def test_names_in_their_full_width_neighbours_pass() -> None:
    said = "#Amelia# came"
    made = transcript(line(0, "Amelia", said, replaced=(Span(start=1, end=7, kind=Kind.PERSON),), overlapped=True))
    GATE.check_file((made,), EXPORTER, EXPORTER.write(made), "R001_pseudonymised_maxqda.txt")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Grace is", b"Grace\r\nis"), (b"#00:01:07-0#", b"#00:01:07#"), (b"Transcript R001", b"Transcript: R001"),
     (b"Amelia:", b"Amelia"), (b"fine", b"f#ne"), (b"a fine word", b"word")],
)  # fmt: skip
def test_the_checks_see_a_broken_file(old: bytes, new: bytes) -> None:
    data = EXPORTER.write(conversation())
    assert old in data

    def good(text: str) -> bool:
        header, coded = focus_group(text)
        return len(header) == 6 and coded == expected(conversation())

    assert good(data.decode())
    try:
        seen = not good(data.replace(old, new).decode())
    except AssertionError:
        seen = True
    assert seen
