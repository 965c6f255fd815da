"""MAXQDA: focus-group text for each recording, and one structured text for a whole study (FORMATS 1.4).

A paragraph a turn, `Name: text #hh:mm:ss-t#`: what stands before a colon within 63 characters is the speaker, and the
stamp, in tenths as f4 writes it, is when the turn ends. UTF-8 without BOM, CRLF, blank lines between paragraphs.

MAXQDA's preprocessor takes `#` for the start of a command, so that of a name or of speech is written in its full width,
`＃` (U+FF03). The study's file has no stamps for the same reason: there `#` begins a document and nothing else.
"""

import re
from hashlib import sha256

from transcribe.export import Exporter, StudyExporter
from transcribe.export.layout import SPEAKER_REACH, header_lines, one_line, speech
from transcribe.schema import AnonymisedTranscript, Line

SUFFIX = "_maxqda.txt"
LONGEST_LABEL = SPEAKER_REACH - 1  # its colon is within reach, too
_DOCUMENT = "#TEXT"
_PARTS = re.compile(rf"(?:{_DOCUMENT})?([^:]*)(?::(.*?))?(#\d+:\d\d:\d\d-\d#)?")


def spell(text: str) -> str:
    """The text with no sign that the preprocessor reads."""
    return text.replace("#", "＃")


def speaker_label(speaker: str) -> str:
    """A label without a colon, short enough to be read as one; long ones keep apart by a few characters of a digest."""
    label = one_line(speaker.replace(":", "-")) or "-"
    if len(label) <= LONGEST_LABEL:
        return label
    digest = sha256(label.encode()).hexdigest()[:6]
    return f"{label[: LONGEST_LABEL - len(digest) - 1].rstrip()}~{digest}"


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file of a recording: header lines, then the turns, each with its end where it is known."""
    return _file([_header(transcript), *(_turn(line, timed=transcript.timed) for line in transcript.lines)])


def write_study(transcripts: tuple[AnonymisedTranscript, ...]) -> bytes:
    """All recordings in one file, each after `#TEXT` and its id, without a space between them."""
    paragraphs = []
    for transcript in transcripts:
        name = spell(one_line(transcript.recording_id))
        paragraphs.append(f"{_DOCUMENT}{name}\r\n{_header(transcript)}")
        paragraphs += [_turn(line, timed=False) for line in transcript.lines]
    return _file(paragraphs)


def _file(paragraphs: list[str]) -> bytes:
    return "".join(f"{paragraph}\r\n\r\n" for paragraph in paragraphs).removesuffix("\r\n").encode()


def _header(transcript: AnonymisedTranscript) -> str:
    return "\r\n".join(spell(one_line(title.replace(":", " -"))) for title in header_lines(transcript))


def _turn(line: Line, *, timed: bool) -> str:
    turn = f"{speaker_label(spell(line.speaker))}: {spell(speech(line))}".rstrip()
    return f"{turn} {_stamp(line.end_s)}" if timed else turn


def _stamp(time_s: float) -> str:
    tenths = max(0, round(time_s * 10))
    return f"#{tenths // 36_000:02}:{tenths // 600 % 60:02}:{tenths // 10 % 60:02}-{tenths % 10}#"


def read_text(data: bytes) -> tuple[str, ...]:
    """Names of documents, header lines, and of each turn its speaker, its text and its stamp."""
    matches = (_PARTS.fullmatch(row) for row in data.decode().splitlines())
    return tuple(part.strip() for match in matches if match for part in match.groups() if part and part.strip())


EXPORTER = Exporter(
    name="maxqda",
    suffix=SUFFIX,
    summary="MAXQDA focus-group transcript, turns coded by speaker, with the times at which they end",
    write=write,
    read_text=read_text,
    spell=spell,
)
STUDY_EXPORTER = StudyExporter(
    name="maxqda-study",
    suffix=SUFFIX,
    summary="MAXQDA structured text: all interviews of the study in one file",
    write=write_study,
    read_text=read_text,
    spell=spell,
)
