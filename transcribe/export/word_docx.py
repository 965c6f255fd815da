"""The Word document to read and to code by heading: speakers as real headings, topics above them.

NVivo, ATLAS.ti and QualCoder make a code of each heading of a style: the speaker stands alone in "Heading 2", always
spelt the same, the time stamp before the speech below it, and a topic in "Heading 1" (FORMATS 1.2).
"""

from collections.abc import Iterator

from docx.document import Document
from docx.oxml.ns import qn
from docx.oxml.parser import OxmlElement
from docx.shared import Cm

from transcribe.export import Exporter
from transcribe.export.layout import one_line, speech, stamp
from transcribe.export.word_parts import TURN_STYLE, add, add_header, new_document, paragraph, read_text, saved
from transcribe.schema import AnonymisedTranscript, Layout

TOPIC_STYLE = "Heading 1"
SPEAKER_STYLE = "Heading 2"
NOTES_CM = 7.0  # a margin for notes by hand


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file. Raises EngineError when `settled_on` is no ISO date."""
    document = new_document(transcript, "docx")
    _lay_out(document, transcript.layout)
    add_header(document, transcript)
    add(document, *(paragraph(style, text) for style, text in _paragraphs(transcript)))
    return saved(document)


def _lay_out(document: Document, layout: Layout) -> None:
    section = document.sections[0]
    if layout.wide_margin:
        section.right_margin = Cm(NOTES_CM)
    if layout.line_numbers:  # ECMA-376 part 1, 17.6.8
        numbers = OxmlElement("w:lnNumType")
        numbers.set(qn("w:countBy"), "1")
        numbers.set(qn("w:restart"), "continuous")
        section._sectPr.find(qn("w:pgMar")).addnext(numbers)


def _paragraphs(transcript: AnonymisedTranscript) -> Iterator[tuple[str, str]]:
    """(style, text) of each paragraph: a heading and what was said, before them the topics that have begun by then."""
    topics = sorted(transcript.topics) if transcript.timed else []
    for line in transcript.lines:
        while topics and topics[0][0] <= line.start_s:
            yield TOPIC_STYLE, one_line(topics.pop(0)[1])
        yield SPEAKER_STYLE, one_line(line.speaker)
        text = speech(line)
        yield TURN_STYLE, f"{stamp(line.start_s)} {text}".rstrip() if transcript.timed else text
    for _, title in topics:  # begun during the last turn
        yield TOPIC_STYLE, one_line(title)


EXPORTER = Exporter(
    name="docx",
    suffix=".docx",
    summary="Word document, speakers as headings: to read, and to auto-code by heading in NVivo, ATLAS.ti, QualCoder",
    write=write,
    read_text=read_text,
)
