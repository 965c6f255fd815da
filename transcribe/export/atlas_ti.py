"""ATLAS.ti: a line a turn, `[hh:mm:ss]Speaker: text`, with nothing between stamp and speaker (FORMATS 1.3).

The stamps tie a transcript to its sound, and Focus Group Coding takes what stands before a colon at the start of a
line for the speaker: so no header line holds one. UTF-8 without BOM; LF, since offsets of a project count it as one.
"""

import re

from transcribe.export import Exporter
from transcribe.export.layout import header_lines, one_line, speech, stamp
from transcribe.schema import AnonymisedTranscript, Line

_PARTS = re.compile(r"(\[\d+:\d\d:\d\d\])?([^:]*)(?::(.*))?")


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file: header lines, a blank line, then the turns (without stamps when not timed)."""
    header = [one_line(title.replace(":", " -")) for title in header_lines(transcript)]
    rows = [*header, "", *(_turn(line, timed=transcript.timed) for line in transcript.lines)]
    return ("\n".join(rows) + "\n").encode()


def _turn(line: Line, *, timed: bool) -> str:
    label = one_line(line.speaker.replace(":", "-")) or "-"
    turn = f"{label}: {speech(line)}".rstrip()
    return f"{stamp(line.start_s)}{turn}" if timed else turn


def read_text(data: bytes) -> tuple[str, ...]:
    """Header lines, and of each turn its stamp, its speaker and its text."""
    matches = (_PARTS.fullmatch(row) for row in data.decode().splitlines())
    return tuple(part.strip() for match in matches if match for part in match.groups() if part and part.strip())


EXPORTER = Exporter(
    name="atlasti",
    suffix="_atlasti.txt",
    summary="ATLAS.ti transcript, a line a turn with stamp and speaker",
    write=write,
    read_text=read_text,
)
