"""The texts for ATLAS.ti and MAXQDA as Word documents: the same paragraphs, under a title and notes (FORMATS 1.3, 1.4).

Each is the twin of a text file and takes its lines from it, so that the two never differ in more than their container.
"""

from transcribe.export import Exporter, atlas_ti, maxqda
from transcribe.export.layout import header_lines
from transcribe.export.word_parts import HEADER_STYLE, TURN_STYLE, add, new_document, paragraph, read_parts, saved
from transcribe.schema import AnonymisedTranscript


def _twin(text: Exporter, name: str, suffix: str, summary: str) -> Exporter:
    def write(transcript: AnonymisedTranscript) -> bytes:
        document = new_document(transcript, name)
        rows = [row for row in text.write(transcript).decode().splitlines() if row]
        notes = len(header_lines(transcript))
        styles = ["Title", *[HEADER_STYLE] * (notes - 1), *[TURN_STYLE] * (len(rows) - notes)]
        add(document, *map(paragraph, styles, rows))
        return saved(document)

    def read_text(data: bytes) -> tuple[str, ...]:
        """Each paragraph as its twin takes a line apart, and all other strings."""
        paragraphs, others = read_parts(data)
        whole = frozenset(paragraphs)
        return (*text.read_text("\n".join(paragraphs).encode()), *(other for other in others if other not in whole))

    return Exporter(
        name=name,
        suffix=suffix,
        summary=summary,
        write=write,
        read_text=read_text,
        spell=text.spell,
        timed=text.timed,
    )


ATLAS_TI = _twin(
    atlas_ti.EXPORTER,
    "atlasti-docx",
    "_atlasti.docx",
    "the ATLAS.ti transcript as a Word document",
)
MAXQDA = _twin(
    maxqda.EXPORTER,
    "maxqda-docx",
    "_maxqda.docx",
    "the MAXQDA focus-group transcript as a Word document",
)
