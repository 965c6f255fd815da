"""Plain text: UTF-8, LF, one paragraph a turn, a blank line between paragraphs; read by every coding tool.

The stamp stands before the speaker label, as ATLAS.ti and QualCoder take it (FORMATS 1.3, 1.5).
"""

from transcribe.export import Exporter
from transcribe.export.layout import header_lines, one_line, speech, stamp
from transcribe.schema import AnonymisedTranscript, Line


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file: header lines, then `[hh:mm:ss] Speaker: text` for each turn (without the stamp when not timed)."""
    paragraphs = ["\n".join(header_lines(transcript))]
    paragraphs += [_paragraph(line, timed=transcript.timed) for line in transcript.lines]
    return ("\n\n".join(paragraphs) + "\n").encode()


def _paragraph(line: Line, *, timed: bool) -> str:
    turn = f"{one_line(line.speaker)}: {speech(line)}".rstrip()
    return f"{stamp(line.start_s)} {turn}" if timed else turn


def read_text(data: bytes) -> tuple[str, ...]:
    """Every line that is not blank."""
    return tuple(line for line in data.decode().splitlines() if line.strip())


EXPORTER = Exporter(
    name="txt",
    suffix=".txt",
    summary="plain text, one paragraph a turn: any coding tool, any editor",
    write=write,
    read_text=read_text,
)
