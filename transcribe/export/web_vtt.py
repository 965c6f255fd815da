"""WebVTT captions with voice tags, written and read, and SubRip of any origin, read alone: players, web pages.

Source: W3C WebVTT, https://www.w3.org/TR/webvtt1/; section numbers below are its own.

A cue is called by its turn's number; a turn too long for one cue becomes cues 7.1, 7.2 ..., so that a reader can put
it together again. Cues stand in order of start, as section 4.1 asks; those of overlapping turns interleave. A turn
during which somebody else spoke carries the class `overlap` on its voice tag.
"""

import html
import re

from transcribe.export import Exporter
from transcribe.export.cues import SHORTEST_CUE_S, Cue, clock, cut, need_times
from transcribe.export.layout import header_lines, one_line
from transcribe.schema import AnonymisedTranscript, Line, Quiet, record

_TIMING = re.compile(r"^(\S+)\s+-->\s+(\S+)(.*)$")
_VOICE = re.compile(r"<v[^\s>]*\s+([^>]*)>")


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file. Raises EngineError for a transcript without clock times."""
    need_times(transcript, "vtt")
    notes = "\n".join(line.replace("-->", "- ->") for line in header_lines(transcript))
    cues = [(cue, line) for line in transcript.lines for cue in cut(line)]
    blocks = ["WEBVTT", f"NOTE\n{notes}"]
    blocks += [_block(cue, line) for cue, line in sorted(cues, key=lambda pair: pair[0].start_s)]
    return ("\n\n".join(blocks) + "\n").encode()


def _block(cue: Cue, line: Line) -> str:
    name = f"{line.number}.{cue.number}" if cue.of > 1 else str(line.number)
    end_s = max(cue.end_s, cue.start_s + SHORTEST_CUE_S)  # section 4.1: an end is greater than its start
    voice = f"<v{'.overlap' if line.overlapped else ''} {_escape(one_line(line.speaker)) or '-'}>"
    return f"{name}\n{clock(cue.start_s, '.')} --> {clock(end_s, '.')}\n{voice}{_escape(cue.text)}"


def _escape(text: str) -> str:
    return html.escape(text, quote=False)


def read_text(data: bytes) -> tuple[str, ...]:
    """Notes, cue names and settings, each cue's text, and each turn as `Speaker: text` with its cues joined."""
    strings: list[str] = []
    turns: dict[str, list[str]] = {}
    for block in re.split(r"\n{2,}", data.decode().removeprefix("\ufeff").strip("\n")):
        lines = block.split("\n")
        timing = next((n for n, line in enumerate(lines) if "-->" in line), None)
        if timing is None:
            strings += [html.unescape(line) for line in lines]
            continue
        name = " ".join(lines[:timing])
        payload = "\n".join(lines[timing + 1 :])
        strings += [name, *_settings(lines[timing])]
        speaker = " ".join(html.unescape(voice) for voice in _VOICE.findall(payload))
        text = html.unescape(re.sub(r"<[^>]*>", "", payload))
        strings += [*(html.unescape(tag) for tag in re.findall(r"<([^>]*)>", payload)), text]
        turns.setdefault(name.split(".")[0], [f"{speaker}:"]).append(text)
    return (*(string for string in strings if string), *(" ".join(cues).strip() for cues in turns.values()))


def _settings(timing: str) -> tuple[str, ...]:
    """What a timing line holds beside its two times, or the whole line if it is not one."""
    match = _TIMING.match(timing)
    return (match.group(3).strip(),) if match else (timing,)


# --- reading a stranger's captions ----------------------------------------------------------------------------------

_TIME = r"(?:\d{1,4}:)?\d{1,2}:\d{2}[.,]\d{1,3}"
_ARROW = re.compile(rf"^\s*({_TIME})\s*-->\s*({_TIME})(?:\s.*)?$")
# Known tags alone, found in linear time: `a < b` and `<Karen>` are text.
_TAG = re.compile(r"</?(?:i|b|u|s|c|v|lang|ruby|rt|font)(?:[.\s][^<>]*)?>|<[\d:.]+>|\{\\[^{}\n]*\}", re.IGNORECASE)
_VOICE_PARTS = re.compile(r"<v((?:\.[^\s<>]*)?)(?:\s+([^<>]*))?>", re.IGNORECASE)


@record
class Caption(Quiet):
    """One cue: `voices` are (name, whether marked as overlapped, lines), the name empty where no voice tag stands."""

    start_s: float
    end_s: float
    voices: tuple[tuple[str, bool, str], ...]


def read_captions(text: str) -> tuple[tuple[Caption, ...], tuple[str, ...]]:
    """The cues of a vtt or srt text, and its notes. An srt text with blank lines inside a cue loses none of it, and
    knows no notes and style sheets.
    """
    lines = text.splitlines()
    blocks = text.startswith("WEBVTT")
    arrows = [(number, match) for number, line in enumerate(lines) if (match := _ARROW.match(line))]
    starts = [number for number, _ in arrows] + [len(lines)]
    head, notes = _sort_out(lines[: _name_at(lines, starts[0])])
    notes[:0] = [line for line in head if line.strip() != "WEBVTT"]
    captions = []
    for (number, match), following in zip(arrows, starts[1:], strict=True):
        end = _name_at(lines, following) if following < len(lines) else following
        said = lines[number + 1 : end]
        payload, more = _sort_out(said, fresh=False) if blocks else ([line for line in said if line.strip()], [])
        notes += more
        start_s, end_s = _seconds(match.group(1)), _seconds(match.group(2))
        captions.append(Caption(start_s=start_s, end_s=max(start_s, end_s), voices=_voices("\n".join(payload))))
    return tuple(captions), tuple(notes)


def _name_at(lines: list[str], arrow: int) -> int:
    """Where the cue begins whose timing line is `arrow`: one line before it, if that is the cue's name."""
    before = lines[arrow - 1].strip() if 0 < arrow < len(lines) else ""
    alone = arrow < 2 or not lines[arrow - 2].strip()
    return arrow - 1 if before and (before.isdigit() or (alone and before != "WEBVTT")) else arrow


def _sort_out(lines: list[str], *, fresh: bool = True) -> tuple[list[str], list[str]]:
    """What is spoken, and what NOTE blocks say; style sheets and regions are left out. `fresh`: a block may begin."""
    found: dict[str, list[str]] = {"spoken": [], "note": [], "style": []}
    kind = "spoken"
    for line in lines:
        if not line.strip():
            kind, fresh = "spoken", True
            continue
        if fresh and re.match(r"NOTE(?:\s|$)", line):
            kind, line = "note", line[4:]
        elif fresh and line.strip() in ("STYLE", "REGION"):
            kind = "style"
        fresh = False
        found[kind] += [line] if line.strip() else []
    return found["spoken"], found["note"]


def _voices(payload: str) -> tuple[tuple[str, bool, str], ...]:
    first, *rest = _VOICE_PARTS.split(payload)
    voices = [("", False, _plain(first))]
    for tag, name, said in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        voices.append((one_line(html.unescape(name or "")), "overlap" in tag.split("."), _plain(said)))
    return tuple(voice for voice in voices if voice[0] or voice[2].strip())


def _plain(payload: str) -> str:
    return html.unescape(_TAG.sub("", payload))


def _seconds(clock: str) -> float:
    *hours, minutes, seconds = clock.replace(",", ".").split(":")
    return 3600.0 * int(hours[0] if hours else 0) + 60.0 * int(minutes) + float(seconds)


EXPORTER = Exporter(
    name="vtt",
    suffix=".vtt",
    summary="WebVTT captions with speakers: players and web pages; needs clock times",
    write=write,
    read_text=read_text,
    timed=True,
)
