"""NVivo transcripts for a media file: a three-column table as a Word document, and its twin in tabs.

Source: FORMATS 1.2. Every row has a timespan `hh:mm:ss.t-hh:mm:ss.t` - tenths at most, in order of start, never of no
length - with what was said and who said it. NVivo takes whatever stands in the file for a row. So the document says
what it is in its page head alone, and the tabbed file, which has no such place, in a fourth column that is left
unmapped: its heading holds the statement, each row the state of review, and Timespan, Content and Speaker keep their
own names. The tabbed file has CRLF and, so that Windows programs do not take it for Windows 1252, a byte order mark.
A spreadsheet opens it as well: there a cell that begins like a formula has an apostrophe before it.
"""

import re
from typing import Any

from docx.oxml.parser import oxml_parser
from lxml import etree

from transcribe import tables
from transcribe.errors import EngineError
from transcribe.export import Exporter
from transcribe.export.layout import header_lines, one_line, review_line, speech
from transcribe.export.word_parts import TURN_STYLE, W, add, new_document, paragraph, read_text, saved
from transcribe.schema import AnonymisedTranscript, Line

COLUMNS = ("Timespan", "Content", "Speaker")
WIDTHS = (2700, 4570, 1800)  # twentieths of a point, together the 16 cm between the margins
_QUOTED = re.compile(r"'*\"")
_EDGES = ("top", "left", "bottom", "right", "insideH", "insideV")

Row = tuple[str, str, str]


def _rows(transcript: AnonymisedTranscript, name: str) -> list[Row]:
    """Timespan, speech and speaker of each turn, in order of start."""
    if not transcript.timed:
        raise EngineError(
            f"{name} needs times and this transcript has none",
            advice="choose docx, which NVivo codes by heading",
            recording_id=transcript.recording_id,
            stage="release",
        )
    lines = sorted(transcript.lines, key=lambda line: line.start_s)
    return [(_timespan(line), speech(line), one_line(line.speaker)) for line in lines]


def _timespan(line: Line) -> str:
    start = max(0, round(line.start_s * 10))
    end = max(start + 1, round(line.end_s * 10))
    return f"{_clock(start)}-{_clock(end)}"


def _clock(tenths: int) -> str:
    return f"{tenths // 36_000:02}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}.{tenths % 10}"


# --- the Word document ----------------------------------------------------------------------------------------------


def write(transcript: AnonymisedTranscript) -> bytes:
    """The document. Raises EngineError for a transcript without clock times, or where `settled_on` is no ISO date."""
    rows = _rows(transcript, "nvivo")
    document = new_document(transcript, "nvivo", notes=header_lines(transcript)[1:])
    add(document, _table(rows), paragraph(TURN_STYLE, ""))  # Word wants a paragraph after a table
    return saved(document)


def _table(rows: list[Row]) -> Any:
    """A `w:tbl` with lines around its cells and the first row repeated on each page (ECMA-376 part 1, 17.4)."""
    table = oxml_parser.makeelement(f"{W}tbl", nsmap={"w": W[1:-1]})
    properties = _child(table, "tblPr")
    _child(properties, "tblW", w=str(sum(WIDTHS)), type="dxa")
    borders = _child(properties, "tblBorders")
    for edge in _EDGES:
        _child(borders, edge, val="single", sz="4", space="0", color="auto")
    _child(properties, "tblLayout", type="fixed")
    grid = _child(table, "tblGrid")
    for width in WIDTHS:
        _child(grid, "gridCol", w=str(width))
    head = _child(table, "tr")
    _child(_child(head, "trPr"), "tblHeader")
    _fill(head, COLUMNS)
    for row in rows:
        _fill(_child(table, "tr"), row)
    return table


def _fill(row: Any, cells: Row) -> None:
    for text in cells:
        _child(row, "tc").append(paragraph(TURN_STYLE, text))


def _child(parent: Any, tag: str, **attributes: str) -> Any:
    return etree.SubElement(parent, W + tag, {W + name: value for name, value in attributes.items()})


EXPORTER = Exporter(
    name="nvivo",
    suffix="_nvivo.docx",
    summary="Word table of timespan, content and speaker: NVivo, as the transcript of a media file; needs clock times",
    write=write,
    read_text=read_text,
    timed=True,
)


# --- the tabbed file ------------------------------------------------------------------------------------------------


def write_tsv(transcript: AnonymisedTranscript) -> bytes:
    """The file, with three tabs in each line. Raises EngineError for a transcript without clock times."""
    rows = _rows(transcript, "nvivo-tsv")
    said = (transcript.recording_id, transcript.statement, review_line(transcript))
    head = (*COLUMNS, " - ".join(map(one_line, said)))
    lines = [head, *((*row, transcript.review.value.upper()) for row in rows)]
    return "".join("\t".join(map(_cell, line)) + "\r\n" for line in lines).encode("utf-8-sig")


def _cell(text: str) -> str:
    """The cell guarded, also where a quotation mark begins it: a spreadsheet would read on to the next one."""
    return f"'{text}" if _QUOTED.match(text) else tables.guarded(text)


def read_tsv(data: bytes) -> tuple[str, ...]:
    """Every cell that is not blank, without the apostrophe that guards it."""
    lines = data.decode("utf-8-sig").splitlines()
    cells = (_bare(cell) for line in lines for cell in line.split("\t"))
    return tuple(cell for cell in cells if cell.strip())


def _bare(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _QUOTED.match(cell) else tables.unguarded(cell)


TSV_EXPORTER = Exporter(
    name="nvivo-tsv",
    suffix="_nvivo.tsv",
    summary="the same as text with tabs: NVivo; needs clock times",
    write=write_tsv,
    read_text=read_tsv,
    timed=True,
)
