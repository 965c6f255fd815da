"""A table with a row a turn: spreadsheets, R, pandas.

RFC 4180: commas, CRLF, quotes doubled; UTF-8 with a byte order mark, without which Excel reads it as the system's old
code page (pandas: `encoding="utf-8-sig"`; R's readr takes it off).

Columns: recording, turn, start and end (hh:mm:ss.mmm), start_s and end_s (seconds), speaker, role, overlapped (yes or
no), text, review, statement. Times are empty where the transcript has none. The last two are the same in all rows,
since a comment line would break readers. A transcript without turns has one row whose turn is empty.

A cell that a spreadsheet would take for a formula has an apostrophe before it (see `tables.guarded`), which
`tables.unguarded` takes off again.
"""

import csv
import io
import re

from transcribe import tables
from transcribe.export import Exporter
from transcribe.export.cues import clock
from transcribe.export.layout import one_line, review_line
from transcribe.schema import AnonymisedTranscript, Line

COLUMNS = "recording turn start end start_s end_s speaker role overlapped text review statement".split()
_CELL = re.compile(r'"([^"]*(?:""[^"]*)*)"|([^",\r\n]+)')


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file."""
    roles = {one_line(case.label): case.role for case in transcript.cases if case.label}
    about = (review_line(transcript), transcript.statement)
    rows = [
        (*_turn(line, timed=transcript.timed), roles.get(one_line(line.speaker), ""), *_said(line))
        for line in transcript.lines
    ] or [("",) * (len(COLUMNS) - 3)]
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for row in rows:
        table.writerow(_cell(text) for text in (transcript.recording_id, *row, *about))
    return buffer.getvalue().encode("utf-8-sig")


def _turn(line: Line, *, timed: bool) -> tuple[str, ...]:
    times = (max(0.0, line.start_s), max(0.0, line.end_s))
    clocks = [clock(time_s, ".") for time_s in times] if timed else ["", ""]
    seconds = [f"{time_s:.3f}" for time_s in times] if timed else ["", ""]
    return (str(line.number), *clocks, *seconds, line.speaker)


def _said(line: Line) -> tuple[str, str]:
    return "yes" if line.overlapped else "no", line.text


def _cell(text: str) -> str:
    return tables.guarded(one_line(text))


def read_text(data: bytes) -> tuple[str, ...]:
    """The text of every cell, without the apostrophe that guards it."""
    cells = _CELL.findall(data.decode("utf-8-sig"))
    texts = (quoted.replace('""', '"') or plain for quoted, plain in cells)
    return tuple(dict.fromkeys(tables.unguarded(text) for text in texts if text))


EXPORTER = Exporter(
    name="csv",
    suffix=".csv",
    summary="a table with a row a turn: spreadsheets, R, pandas",
    write=write,
    read_text=read_text,
)
