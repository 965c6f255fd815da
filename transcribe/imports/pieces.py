"""A line of a transcript file as a piece: its stamps and what may be its speaker's label taken apart."""

import re
from dataclasses import replace

from transcribe.export.layout import OVERLAP_MARK, one_line
from transcribe.schema import Quiet, record

LABEL_CHARACTERS = 63  # MAXQDA's limit (FORMATS 1.4)
LABEL_WORDS = 4
_CLOCK = r"(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,-]\d{1,3})?"
STAMP = rf"[\[({{#]\s*({_CLOCK})(?:\s*-+>?\s*({_CLOCK}))?\s*[\])}}#]"
_BARE = r"(\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,3})?)(?=\s|$)"
_LEAD = re.compile(rf"^\s*(?:{STAMP}|{_BARE})(?:\s+[-–]\s)?\s*")
_TRAIL = re.compile(rf"\s*{STAMP}\s*$")
_LABEL = re.compile(
    r"^(?:[\[{](?P<bracketed>[^\]}:\t]{1,80})[\]}]\s*:|(?:[@#]|(?P<stars>\*{1,2})|[-–]\s|>>\s?)?"
    r"(?P<plain>[^\W_][^:\t]{0,80}?)\s*(?(stars)\*{0,2})(?::(?!//|(?<=\d:)\d)|\t)(?(stars)\*{0,2}))\s*"
)
_LABEL_THEN_STAMP = re.compile(rf"^(?P<label>[^:\t\[({{#]{{1,80}}?)\s*(?P<stamp>{STAMP})\s*:\s*")
_NAME = r"(?P<name>[^\W_][^:\[\]{}#]*?)"
_NAME_AND_CLOCK = tuple(
    re.compile(rf"{first}\s+{second}")
    for first, second in ((_NAME, rf"(?P<clock>{_CLOCK})"), (rf"(?P<clock>{_CLOCK})", _NAME))
)
SENTENCE_END = re.compile(r"[.!?…][\"'’”)]*$")


@record
class Piece(Quiet):
    """A line of a file: `whole` without its stamps, `said` without its label too; `stamps` stood before and after.

    `certain`: the label stands where only a label can. `aside`: a note among the turns, which ends none of them. Times
    are None where none is given. `alone`: what may be a name, and the clock time that is all that stands beside it.
    """

    whole: str
    said: str
    label: str = ""
    certain: bool = False
    aside: bool = False
    overlapped: bool = False
    stamps: tuple[str, str] = ("", "")
    alone: tuple[str, str] = ("", "")
    start_s: float | None = None
    end_s: float | None = None


def line_piece(line: str) -> Piece:
    """A line of text, its stamps and its label taken apart; whether that is a label is found out later."""
    rest = "\t".join(map(one_line, line.split("\t"))).strip()  # single spaces: the patterns below stay linear
    before, after = "", ""
    if lead := _LEAD.match(rest):
        before, rest = lead.group().strip(), rest[lead.end() :]
    elif inner := _LABEL_THEN_STAMP.match(rest):
        before, rest = inner["stamp"], f"{inner['label']}: {rest[inner.end() :]}"
    if trail := _TRAIL.search(rest):
        after, rest = trail.group().strip(), rest[: trail.start()]
    piece = labelled(rest)
    if not before and piece.label and (lead := _LEAD.match(piece.said)):
        before, said = lead.group().strip(), piece.said[lead.end() :]
        piece = replace(piece, said=said, whole=piece.whole.replace(piece.said, said))
    start_s, range_end_s = clock_times(before)
    end_s, later_s = clock_times(after)
    end_s = next((time_s for time_s in (later_s, end_s, range_end_s) if time_s is not None), None)
    return replace(piece, stamps=(before, after), start_s=start_s, end_s=end_s, alone=_alone(line))


def _alone(line: str) -> tuple[str, str]:
    """The name and the clock time of a line that holds no more: "Karen Smith  0:03", "00:00:03 Karen Smith"."""
    text = one_line(line)
    if len(text) > 2 * LABEL_CHARACTERS:
        return "", ""
    match = next((found for pattern in _NAME_AND_CLOCK if (found := pattern.fullmatch(text))), None)
    return (match["name"], match["clock"]) if match and could_be_label(match["name"]) else ("", "")


def labelled(rest: str) -> Piece:
    """A line without its stamps, what may be a label taken from it."""
    match = _LABEL.match(rest)
    label = one_line(match["bracketed"] or match["plain"]) if match else ""
    if not match or len(label) > LABEL_CHARACTERS or not any(map(str.isalpha, label)):
        return Piece(whole=one_line(rest), said=one_line(rest))
    said = one_line(rest[match.end() :])
    overlapped = said.startswith(OVERLAP_MARK)
    return Piece(
        whole=one_line(rest),
        said=said.removeprefix(OVERLAP_MARK).strip(),
        label=label,
        certain=match["bracketed"] is not None,
        overlapped=overlapped,
    )


def clock_times(stamp: str) -> tuple[float | None, float | None]:
    """The times in a stamp, in seconds; `hh:mm:ss-t` has tenths after its hyphen."""
    match = re.fullmatch(rf"(?:{STAMP}|{_BARE})(?:\s[-–])?", stamp)
    if not match:
        return None, None
    times_s: list[float | None] = []
    for clock in (match.group(1) or match.group(3), match.group(2)):
        parts = re.sub(r"[-,]", ".", clock).split(":") if clock else []
        times_s.append(sum(60.0**power * float(part) for power, part in enumerate(reversed(parts))) if parts else None)
    return times_s[0], times_s[1]


def could_be_label(cell: str) -> bool:
    text = one_line(cell).rstrip(":")
    short = 0 < len(text) <= LABEL_CHARACTERS and len(text.split()) <= LABEL_WORDS
    return short and any(map(str.isalpha, text)) and not SENTENCE_END.search(text)
