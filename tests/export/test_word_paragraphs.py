import io
import re

import docx
import pytest
from hypothesis import given, settings

from transcribe.errors import EngineError
from transcribe.export import atlas_ti, maxqda
from transcribe.export.word_paragraphs import ATLAS_TI, MAXQDA
from transcribe.export.word_parts import HEADER_STYLE, TURN_STYLE
from transcribe.schema import AnonymisedTranscript, ReviewState

from .builders import HOSTILE, awkward_transcripts, conversation, line, transcript
from .test_word_docx import wanted

BOTH = (ATLAS_TI, MAXQDA)


def paragraphs(data: bytes, style: str) -> list[str]:
    """The paragraphs of a style, read by python-docx."""
    found = docx.Document(io.BytesIO(data)).paragraphs
    return [paragraph.text for paragraph in found if paragraph.style and paragraph.style.name == style]


def spoken(data: bytes, pattern: str) -> list[tuple[str, str]]:
    """(speaker, text) of each turn whose paragraph has the form it should have."""
    matches = [re.fullmatch(pattern, text) for text in paragraphs(data, TURN_STYLE)]
    assert all(matches)
    return [(match["who"], (match["said"] or "").strip()) for match in matches if match]


IN_ATLAS = r"\[\d\d:\d\d:\d\d\](?P<who>[^:]+):(?P<said> .*)?"
IN_MAXQDA = r"(?P<who>[^:#]{1,63}):(?P<said> [^#]*?)? #\d\d:\d\d:\d\d-\d#"


def test_golden() -> None:
    assert paragraphs(ATLAS_TI.write(conversation()), TURN_STYLE) == [
        "[00:00:02]Interviewer: How was it with [infant]?",
        "[00:01:02]Amelia: Grace is a fine word.",
        "[00:02:02]Interviewer: (overlapping) Yes.",
    ]
    assert paragraphs(MAXQDA.write(conversation()), TURN_STYLE) == [
        "Interviewer: How was it with [infant]? #00:00:07-0#",
        "Amelia: Grace is a fine word. #00:01:07-0#",
        "Interviewer: (overlapping) Yes. #00:02:07-0#",
    ]


def test_untimed_transcripts_have_no_stamps() -> None:
    for exporter in BOTH:
        assert not exporter.timed
        assert paragraphs(exporter.write(conversation(timed=False)), TURN_STYLE)[1] == "Amelia: Grace is a fine word."


def test_no_header_line_is_taken_for_a_speaker() -> None:
    made = conversation(statement="So: this is said: here", review=ReviewState.UNREVIEWED)
    for exporter in BOTH:
        data = exporter.write(made)
        head = [*paragraphs(data, "Title"), *paragraphs(data, HEADER_STYLE)]
        assert head[:3] == [
            "Transcript R001",
            "So - this is said - here",
            "UNREVIEWED - no person has checked these replacements.",
        ]
        assert len(head) == 6
        assert not any(":" in text for text in head)


def test_each_holds_the_lines_of_its_text_file() -> None:
    made = conversation()
    for text, exporter in ((atlas_ti.EXPORTER, ATLAS_TI), (maxqda.EXPORTER, MAXQDA)):
        rows = [row for row in text.write(made).decode().splitlines() if row]
        assert [p.text for p in docx.Document(io.BytesIO(exporter.write(made))).paragraphs] == rows
        assert exporter.spell is text.spell


@settings(max_examples=60, deadline=None)
@given(awkward_transcripts())
def test_every_turn_comes_back(made: AnonymisedTranscript) -> None:
    atlas, qda = ATLAS_TI.write(made), MAXQDA.write(made)
    assert spoken(atlas, IN_ATLAS) == wanted(made)
    assert spoken(qda, IN_MAXQDA) == [(MAXQDA.spell(who), MAXQDA.spell(said)) for who, said in wanted(made)]
    for exporter, data in ((ATLAS_TI, atlas), (MAXQDA, qda)):
        strings = {string.strip() for string in exporter.read_text(data)}
        assert {exporter.spell(said) for _, said in wanted(made) if said} <= strings


def test_a_broken_file_is_seen() -> None:
    made = transcript(line(0, "Amelia", "a # b"))
    assert spoken(MAXQDA.write(made), IN_MAXQDA) == [("Amelia", "a ＃ b")]
    with pytest.raises(AssertionError):
        spoken(ATLAS_TI.write(made), IN_MAXQDA)


def test_empty_transcript_hostile_turn_and_bad_date() -> None:
    for exporter in BOTH:
        assert paragraphs(exporter.write(transcript()), TURN_STYLE) == []
        hostile = exporter.write(transcript(line(0, "A & <B>", HOSTILE)))
        assert any("A & <B>: a --> b NOTE x<v Eve>]]>&amp; - &" in text for text in paragraphs(hostile, TURN_STYLE))
        with pytest.raises(EngineError, match=f"{exporter.name} needs the date of settling"):
            exporter.write(conversation(settled_on=""))
