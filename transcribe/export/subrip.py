"""SubRip captions with the speaker before each: players, Taguette, QualCoder, noScribe, ELAN.

SubRip has no standard. Written is what its common readers agree on: a number, a timing line with commas, one line of
text, a blank line; a byte order mark, since Taguette and Windows players guess the encoding of a file without one.

It has no comments either, so the header is cue 0, a millisecond long and therefore never seen in a player; turns start
with cue 1, and no line of cue 0 begins with a speaker.

A turn too long for one cue goes on in the speaker's next cue, with a no-break space after the colon where a cue that
begins a turn has a plain space. Cues stand in order of start, except that nobody's turn begins before her turn before
it is over.

It has no escapes: after what a reader might take for a tag (`<i>`, `{\\an8}`), an arrow or a second time stands a
zero-width space, which is in no line that we write. Taking these out gives the text back.
"""

import re

from transcribe.export import Exporter
from transcribe.export.cues import SHORTEST_CUE_S, Cue, clock, cut, need_times
from transcribe.export.layout import OVERLAP_MARK, header_lines, one_line
from transcribe.schema import AnonymisedTranscript, Line

BREAK = "\u200b"
GOES_ON = "\xa0"
_HEADER_TIMING = "00:00:00,000 --> 00:00:00,001"
_TAKEN = re.compile(r"(?<=[<{\\])|(?<=-)(?=->)|(?<=:\d)(?=[.,]\d)|(?<=:\d\d)(?=[.,]\d)")
_TIMING = re.compile(r"^[\d:,]+ --> [\d:,]+$")


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file. Raises EngineError for a transcript without clock times."""
    need_times(transcript, "srt")
    blocks = [f"0\n{_HEADER_TIMING}\n" + "\n".join(map(_harmless, header_lines(transcript)))]
    blocks += [f"{number}\n{block}" for number, block in enumerate(_in_order(transcript.lines), start=1)]
    return ("\n\n".join(blocks) + "\n").encode("utf-8-sig")


def _in_order(lines: tuple[Line, ...]) -> list[str]:
    """Timing and text of all cues."""
    latest: dict[str, float] = {}
    cues = []
    for line in lines:
        speaker = one_line(line.speaker)
        for cue in (cue for cue in cut(line) if cue.text or cue.number == 1):
            latest[speaker] = max(cue.start_s, latest.get(speaker, 0.0))
            cues.append((latest[speaker], _block(cue, line)))
    return [block for _, block in sorted(cues, key=lambda pair: pair[0])]


def _block(cue: Cue, line: Line) -> str:
    end_s = max(cue.end_s, cue.start_s + SHORTEST_CUE_S)
    text = f"{OVERLAP_MARK} {cue.text}" if line.overlapped and cue.number == 1 else cue.text
    said = f"{one_line(line.speaker) or '-'}:{GOES_ON if cue.number > 1 else ' '}{text}".rstrip()
    return f"{clock(cue.start_s, ',')} --> {clock(end_s, ',')}\n{_harmless(said)}"


def _harmless(text: str) -> str:
    return _TAKEN.sub(BREAK, text)


def read_text(data: bytes) -> tuple[str, ...]:
    """Each cue's label and text apart, all other lines, and each turn as `Speaker: text` with its cues joined."""
    strings: list[str] = []
    turns: list[list[str]] = []
    open_turn: dict[str, list[str]] = {}
    for block in re.split(r"\n{2,}", data.decode("utf-8-sig").replace(BREAK, "").strip("\n")):
        lines = [line for line in block.split("\n") if not line.isdigit() and not _TIMING.match(line)]
        label, colon, text = lines[0].partition(":") if len(lines) == 1 else ("", "", "")
        if not colon:
            strings += lines
            continue
        strings += [label, text.strip()]
        if text.startswith(GOES_ON) and label in open_turn:
            open_turn[label].append(text.strip())
        else:
            open_turn[label] = [f"{label}:", text.strip()]
            turns.append(open_turn[label])
    return (*(string for string in strings if string), *(" ".join(turn).strip() for turn in turns))


EXPORTER = Exporter(
    name="srt",
    suffix=".srt",
    summary="SubRip captions with speakers: players, Taguette and QualCoder; needs clock times",
    write=write,
    read_text=read_text,
    timed=True,
)
