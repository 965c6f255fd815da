import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from lxml import html as lxml_html

from tests.builders import person
from transcribe.config import Policy
from transcribe.errors import EngineError, LeakError
from transcribe.export import marked_name
from transcribe.export.noscribe import EXPORTER
from transcribe.gate import Gate
from transcribe.schema import AnonymisedTranscript, Kind, Span

from .builders import HOSTILE, STATEMENT, awkward_transcripts, conversation, line, transcript, turns

GATE = Gate((person("P1", "Karen Okonkwo", pseudonym="Amelia"),), Policy())
GOLDEN = """\
<p><a name="ts_2000_7000_Interviewer">Interviewer: How was it with [infant]?</a></p>
<p><a name="ts_62000_67000_Amelia">Amelia: Grace is a fine word.</a></p>
<p><a name="ts_122000_127000_Interviewer">Interviewer: (overlapping) Yes.</a></p>
</body>
</html>
"""
Segment = tuple[int, int, str, str]


def read(data: bytes) -> tuple[list[Any], list[list[Segment]]]:
    """The two paragraphs before the turns, and each turn's segments: start, end, speaker, text."""
    title, notes, *paragraphs = lxml_html.document_fromstring(data).findall(".//p")
    assert not title.findall(".//a")
    assert not notes.findall(".//a")
    segments = []
    for paragraph in paragraphs:
        anchors = []
        for anchor in paragraph.findall("a"):
            match = re.fullmatch(r"ts_(\d+)_(\d+)_([^_]*)", anchor.get("name", ""))
            assert match
            start, end = int(match[1]), int(match[2])
            assert start < end
            anchors.append((start, end, match[3], anchor.text_content()))
        assert "".join(text for *_, text in anchors) == paragraph.text_content()
        segments.append(anchors)
    return [title, notes], segments


def read_turns(made: AnonymisedTranscript, data: bytes) -> list[tuple[str, str]]:
    found = []
    for one, segments in zip(made.lines, read(data)[1], strict=True):
        speaker = segments[0][2]
        assert {voice for _, _, voice, _ in segments} == {speaker}
        text = "".join(text for *_, text in segments).removeprefix(f"{speaker}:").strip()
        found.append((speaker, text.removeprefix("(overlapping)").strip() if one.overlapped else text))
    return found


def test_golden() -> None:
    text = EXPORTER.write(conversation()).decode()
    assert text.endswith(GOLDEN)
    assert '<meta charset="UTF-8" />\n<meta name="qrichtext" content="1" />\n</head>' in text
    (title, notes), _ = read(text.encode())
    assert title.text_content() == "Transcript R001"
    assert STATEMENT in notes.text_content()
    assert "REVIEWED - " in notes.text_content()
    assert marked_name("R001", EXPORTER.suffix) == "R001_pseudonymised_noscribe.html"


def test_the_sound_is_named_without_a_folder_where_there_is_one() -> None:
    text = EXPORTER.write(conversation(audio="R001_pseudonymised.wav")).decode()
    assert '<meta name="audio_source" content="R001_pseudonymised.wav" />' in text
    assert "audio_source" not in EXPORTER.write(conversation()).decode()


@settings(deadline=None)
@given(awkward_transcripts())
def test_every_turn_comes_back(made: AnonymisedTranscript) -> None:
    assert read_turns(made, EXPORTER.write(made)) == turns(made)


def test_long_turns_have_segments_that_follow_each_other() -> None:
    made = transcript(line(0, "Amelia", "So the first week was hard. " * 20, seconds=120.0), line(3, "Zoë", HOSTILE))
    data = EXPORTER.write(made)
    assert read_turns(made, data) == turns(made)
    segments = read(data)[1][0]
    assert len(segments) > 5
    assert all(before[1] <= after[0] for before, after in pairwise(segments))
    assert f"Amelia: {turns(made)[0][1]}" in EXPORTER.read_text(data)


def test_a_label_with_an_underscore_does_not_shift_the_parts_of_an_anchor() -> None:
    ((segment,),) = read(EXPORTER.write(transcript(line(0, 'Role_"2"', "Yes."))))[1]
    assert segment == (2000, 7000, 'Role "2"', 'Role_"2": Yes.')


def test_empty_transcript_and_empty_turn() -> None:
    assert read(EXPORTER.write(transcript(counts=())))[1] == []
    empty = transcript(line(0, "Amelia", "", seconds=0.0))
    assert read(EXPORTER.write(empty))[1] == [[(2000, 2001, "Amelia", "Amelia:")]]


def test_without_times_it_refuses() -> None:
    with pytest.raises(EngineError, match=r"R001.*noscribe needs times"):
        EXPORTER.write(conversation(timed=False))


@pytest.mark.parametrize(
    "bad", [transcript(line(0, "Karen", "Yes.")), transcript(line(0, "Amelia", "Yes."), recording_id="Karen01")]
)
def test_the_gate_finds_a_name_in_a_label_or_id(bad: AnonymisedTranscript) -> None:
    with pytest.raises(LeakError):
        GATE.check_file((bad,), EXPORTER, EXPORTER.write(bad), "R001_pseudonymised_noscribe.html")


@pytest.mark.parametrize(
    ("old", "new"),
    [("Grace is", "Karen is"), ("Grace is", "K<b>ar</b>en is"), ("67000_Amelia", "67000_Karen"),
     ('content="1"', 'content="C:/Karen.wav"'), ("<p><b>", "<p>Kar<b>en "), ("Settled on", "Karen settled on"),
     ("</html>", "</html><!-- Karen -->")],
)  # fmt: skip
def test_the_gate_finds_a_name_in_a_file_that_was_altered(old: str, new: str) -> None:
    good = conversation()
    data = EXPORTER.write(good)
    GATE.check_file((good,), EXPORTER, data, "R001_pseudonymised_noscribe.html")
    with pytest.raises(LeakError):
        GATE.check_file((good,), EXPORTER, data.replace(old.encode(), new.encode(), 1), "R001.html")


def test_a_pseudonym_and_a_kept_word_that_are_names_elsewhere_pass() -> None:
    gate = Gate((person("P1", "Grace", pseudonym="Amelia"), person("P2", "Amelia", pseudonym="Zoë")), Policy())
    made = transcript(
        line(0, "Amelia", "so Amelia came " + "well " * 40, replaced=(Span(start=3, end=9, kind=Kind.PERSON),)),
        line(1, "Amelia", "Grace is", kept=(Span(start=0, end=5, kind=None),)),
    )
    gate.check_file((made,), EXPORTER, EXPORTER.write(made), "R001")


def test_a_broken_file_is_noticed() -> None:
    made = conversation()
    broken = EXPORTER.write(made).replace(b"Amelia: Grace", b"Amelia: <Grace>")
    assert read_turns(made, broken) != turns(made)
