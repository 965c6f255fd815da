"""QualCoder: paragraphs `Name: [hh:mm:ss] text` with a blank line between them (FORMATS 1.5).

`Name:` is a speaker at the start of a line alone, while a stamp is one anywhere: so the stamp comes second. In a line
of its own or before the name, `[00:` would be taken for a name that ends in a colon, and the stamp for a `[Name]`.

All signs that begin another kind of speaker or stamp are spelled differently wherever they stand: square brackets as
`<<` and `>>`, and `{`, `}`, `#`, `@` in their full width. A label has no `;` either, which would add codes to its turn.
"""

import re

from transcribe.export import Exporter
from transcribe.export.layout import header_lines, one_line, speech, stamp
from transcribe.export.maxqda import speaker_label
from transcribe.schema import AnonymisedTranscript, Line

_SPELLING = str.maketrans({"[": "<<", "]": ">>", "{": "｛", "}": "｝", "#": "＃", "@": "＠"})
_PARTS = re.compile(r"([^:]*)(?::\s*(\[\d+:\d\d:\d\d\])?(.*))?")


def spell(text: str) -> str:
    """The text with no sign in it that begins a speaker or a stamp."""
    return text.translate(_SPELLING)


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file: header lines, none with a colon, then the turns (without stamps when not timed)."""
    header = "\n".join(spell(one_line(title.replace(":", " -"))) for title in header_lines(transcript))
    paragraphs = [header, *(_turn(line, timed=transcript.timed) for line in transcript.lines)]
    return ("\n\n".join(paragraphs) + "\n").encode()


def _turn(line: Line, *, timed: bool) -> str:
    label = speaker_label(spell(line.speaker).replace(";", ","))
    start = f" {stamp(line.start_s)}" if timed else ""
    return f"{label}:{start} {spell(speech(line))}".rstrip()


def read_text(data: bytes) -> tuple[str, ...]:
    """Header lines, and of each turn its speaker, its stamp and its text."""
    matches = (_PARTS.fullmatch(row) for row in data.decode().splitlines())
    return tuple(part.strip() for match in matches if match for part in match.groups() if part and part.strip())


EXPORTER = Exporter(
    name="qualcoder",
    suffix="_qualcoder.txt",
    summary="QualCoder text, speakers at the start of lines, stamps after them; tags as <<tag>>",
    write=write,
    read_text=read_text,
    spell=spell,
)
