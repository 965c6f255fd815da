"""Praat TextGrids: a tier of turns and a tier of words for each speaker.

The long text format of Praat's manual, "TextGrid file formats": UTF-8, quotes doubled, the intervals of a tier fill it
from 0 to the end without gap or overlap; an empty text is a stretch in which the speaker says nothing.

A turn that begins while the same speaker's turn before it lasts stands in further tiers, `Amelia (2)`. Words that
overlap the word before them begin at its end; one that would have no time left is written into that word's interval.

The header is the first tier, `statement`, a point a line at milliseconds 0, 1, 2 ...: few readers know comments.
"""

import re

from transcribe.export import Exporter
from transcribe.export.cues import Tier, milliseconds, need_times, tiers, uncounted
from transcribe.export.layout import clean, header_lines, one_line
from transcribe.schema import AnonymisedTranscript, Line

STATEMENT_TIER = "statement"
WORDS = " - words"
Interval = tuple[int, int, str]
"""Start and end in milliseconds, and the text."""

_QUOTED = re.compile(r'"([^"]*(?:""[^"]*)*)"')
_NUMBERS = re.compile(r"[\d.]+")


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file. Raises EngineError for a transcript without clock times."""
    need_times(transcript, "praat")
    header = header_lines(transcript)
    named: list[tuple[str, list[Interval]]] = []
    lines = transcript.lines
    for tier in tiers(lines, STATEMENT_TIER):
        named.append((tier.name, [(start, end, one_line(lines[place].text)) for start, end, place in tier.turns]))
        named.append((tier.name + WORDS, _words(tier, lines)))
    last = max((intervals[-1][1] for _, intervals in named if intervals), default=0)
    end = max(milliseconds(transcript.duration_s), last, len(header))
    written = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {_seconds(end)}"]
    written += ["tiers? <exists>", f"size = {1 + len(named)}", "item []:", *_points(header, end)]
    for number, (name, intervals) in enumerate(named, start=2):
        written += _intervals(number, name, _filled(intervals, end), end)
    return ("\n".join(written) + "\n").encode()


def _words(tier: Tier, lines: tuple[Line, ...]) -> list[Interval]:
    made: list[Interval] = []
    for _, _, place in tier.turns:
        for start, end, text in _spoken(lines[place]):
            floor = made[-1][1] if made else 0
            if start >= floor:
                made.append((start, max(end, start + 1), text))
            elif end > floor:
                made.append((floor, end, text))
            else:
                made[-1] = (*made[-1][:2], f"{made[-1][2]} {text}")
    return made


def _spoken(line: Line) -> list[Interval]:
    """The words of a turn, those without a space between them as one."""
    groups: list[Interval] = []
    spaced = True
    for word in line.words:
        cleaned = clean(word.text)
        text = one_line(cleaned)
        if not text:
            spaced = spaced or bool(cleaned)
            continue
        start, end = milliseconds(word.start_s), milliseconds(word.end_s)
        if spaced or cleaned[0] == " ":
            groups.append((start, end, text))
        else:
            first, last, before = groups[-1]
            groups[-1] = (first, max(last, end), before + text)
        spaced = cleaned[-1] == " "
    return groups


def _filled(intervals: list[Interval], end: int) -> list[Interval]:
    """The intervals with empty ones between them, from 0 to the end."""
    filled: list[Interval] = []
    at = 0
    for interval in [*intervals, (end, end, "")]:
        if interval[0] > at:
            filled.append((at, interval[0], ""))
        filled.append(interval)
        at = interval[1]
    return filled[:-1]


def _points(header: tuple[str, ...], end: int) -> list[str]:
    lines = _tier(1, "TextTier", STATEMENT_TIER, end, f"points: size = {len(header)}")
    for number, text in enumerate(header):
        lines += [f"        points [{number + 1}]:", f"            number = {_seconds(number)}"]
        lines.append(f"            mark = {_quoted(text)}")
    return lines


def _intervals(number: int, name: str, intervals: list[Interval], end: int) -> list[str]:
    lines = _tier(number, "IntervalTier", name, end, f"intervals: size = {len(intervals)}")
    for count, (first, last, text) in enumerate(intervals, start=1):
        lines += [f"        intervals [{count}]:", f"            xmin = {_seconds(first)}"]
        lines += [f"            xmax = {_seconds(last)}", f"            text = {_quoted(text)}"]
    return lines


def _tier(number: int, kind: str, name: str, end: int, size: str) -> list[str]:
    entries = [f'class = "{kind}"', f"name = {_quoted(name)}", "xmin = 0", f"xmax = {_seconds(end)}", size]
    return [f"    item [{number}]:", *(f"        {entry}" for entry in entries)]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _seconds(ms: int) -> str:
    return f"{ms // 1000}.{ms % 1000:03}" if ms else "0"


def read_text(data: bytes) -> tuple[str, ...]:
    """Every quoted string, the labels of tiers, all words of a tier as one string, and what stands outside quotes."""
    text = data.decode()
    header, *interval_tiers = text.split('class = "IntervalTier"')
    strings = _unquoted(header)
    for tier in interval_tiers:
        name, *texts = _unquoted(tier) or [""]
        strings += [uncounted(name.removesuffix(WORDS)), *texts]
        if name.endswith(WORDS):
            strings.append(" ".join(filter(None, texts)))
    outside = _NUMBERS.sub("", _QUOTED.sub("", text)).split("\n")
    return tuple(string for string in dict.fromkeys([*strings, *map(str.strip, outside)]) if string)


def _unquoted(text: str) -> list[str]:
    return [string.replace('""', '"') for string in _QUOTED.findall(text)]


EXPORTER = Exporter(
    name="praat",
    suffix=".TextGrid",
    summary="Praat TextGrid, tiers of turns and words: Praat, ELAN; needs clock times",
    write=write,
    read_text=read_text,
    timed=True,
)
