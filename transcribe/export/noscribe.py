"""HTML for noScribe's editor, which plays the sound of the words that the cursor stands in.

The facts of the format (FORMATS 1.8, and the public threads at github.com/kaixxx/noScribe): the sound's path in the
meta element `audio_source`, the title in the first paragraph and notes in the second, then a paragraph a turn whose
segments stand in anchors called `ts_<start ms>_<end ms>_<speaker>`, the label at the start of the first. Segments are
cut like captions. Captions that the editor saves take the speaker from the anchor; its parts are told by underscores,
so that a label's own are written as spaces there.

The sound is named without a folder: should the editor not find it beside the file, it asks for it.
"""

import html
import re

from transcribe.export import Exporter
from transcribe.export.cues import Cue, cut, milliseconds, need_times
from transcribe.export.layout import OVERLAP_MARK, header_lines, one_line
from transcribe.export.web_page import nodes
from transcribe.schema import AnonymisedTranscript, Line

_ANCHOR = re.compile(r"ts_\d+_\d+_(.*)")


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file. Raises EngineError for a transcript without clock times."""
    need_times(transcript, "noscribe")
    title, *notes = map(html.escape, header_lines(transcript))
    audio = html.escape(one_line(transcript.audio))
    lines = [
        '<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.0//EN" "http://www.w3.org/TR/REC-html40/strict.dtd">',
        '<html>\n<head>\n<meta charset="UTF-8" />\n<meta name="qrichtext" content="1" />',
        *([f'<meta name="audio_source" content="{audio}" />'] if audio else []),
        f"</head>\n<body>\n<p><b>{title}</b></p>",
        f"<p>{'<br />'.join(notes)}</p>",
        *map(_paragraph, transcript.lines),
        "</body>\n</html>",
    ]
    return ("\n".join(lines) + "\n").encode()


def _paragraph(line: Line) -> str:
    return f"<p>{''.join(_anchor(cue, line) for cue in cut(line))}</p>"


def _anchor(cue: Cue, line: Line) -> str:
    speaker = one_line(line.speaker)
    start = milliseconds(cue.start_s)
    name = f"ts_{start}_{max(start + 1, milliseconds(cue.end_s))}_{speaker.replace('_', ' ')}"
    text = cue.text
    if cue.number == 1:
        text = " ".join(filter(None, [f"{speaker}:", OVERLAP_MARK if line.overlapped else "", text]))
    before = " " if cue.number > 1 else ""
    return f'<a name="{html.escape(name)}">{before}{html.escape(text, quote=False)}</a>'


def read_text(data: bytes) -> tuple[str, ...]:
    """Every attribute, text and comment, the speakers of anchors apart from their times, and each whole line."""
    strings: list[str] = []
    for node in nodes(data):
        for value in node.attrib.values():
            anchor = _ANCHOR.fullmatch(value)
            strings.append(anchor.group(1) if anchor else value)
        text = node.text or ""
        strings += [*(text.partition(": ")[::2] if node.tag == "a" else [text]), node.tail or ""]
        if node.tag == "p":
            for line_break in node.iter("br"):
                line_break.tail = "\n" + (line_break.tail or "")
            strings += "".join(node.itertext()).split("\n")
    return tuple(string.strip() for string in strings if string.strip())


EXPORTER = Exporter(
    name="noscribe",
    suffix="_noscribe.html",
    summary="HTML that plays along with the sound in noScribe's editor; needs clock times",
    write=write,
    read_text=read_text,
    timed=True,
)
