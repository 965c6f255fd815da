"""A transcript file's bytes to pieces: each line with its stamps and what may be its speaker's label taken apart."""

import re
from dataclasses import replace

from transcribe.errors import StudyError
from transcribe.export.layout import OVERLAP_MARK, one_line
from transcribe.export.web_vtt import Caption, read_captions
from transcribe.export.word_docx import Rows, read_blocks
from transcribe.schema import Quiet, record
from transcribe.wordforms import folded

LABEL_CHARACTERS = 63  # MAXQDA's limit (FORMATS 1.4)
LABEL_WORDS = 4
_NOT_TEXT = (b"PK\x03\x04", b"%PDF", b"{\\rtf", b"\xd0\xcf\x11\xe0")
_COLUMN_HEADS = frozenset(
    "timespan time timestamp start end speaker name who content text transcript turn no line".split()
)
_SPEAKER_HEADS = frozenset({"speaker", "name", "who"})
_CLOCK = r"(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,-]\d{1,3})?"
_STAMP = rf"[\[({{#]\s*({_CLOCK})(?:\s*-+>?\s*({_CLOCK}))?\s*[\])}}#]"
_BARE = r"(\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,3})?)(?=\s|$)"
_LEAD = re.compile(rf"^\s*(?:{_STAMP}|{_BARE})(?:\s+[-–]\s)?\s*")
_TRAIL = re.compile(rf"\s*{_STAMP}\s*$")
_LABEL = re.compile(
    r"^(?:[\[{](?P<bracketed>[^\]}:\t]{1,80})[\]}]\s*:|(?:[@#]|[-–]\s|>>\s?)?(?P<plain>[^\W_][^:\t]{0,80}?)\s*(?::(?!//|\d)|\t))\s*"
)
_LABEL_THEN_STAMP = re.compile(rf"^(?P<label>[^:\t\[({{#]{{1,80}}?)\s*(?P<stamp>{_STAMP})\s*:\s*")
SENTENCE_END = re.compile(r"[.!?…][\"'’”)]*$")


@record
class Piece(Quiet):
    """A line of a file: `whole` without its stamps, `said` without its label too; `stamps` stood before and after.

    `certain`: the label stands where only a label can. Times are None where none is given.
    """

    whole: str
    said: str
    label: str = ""
    certain: bool = False
    overlapped: bool = False
    stamps: tuple[str, str] = ("", "")
    start_s: float | None = None
    end_s: float | None = None


def read(data: bytes, kind: str) -> tuple[list[Piece], tuple[str, ...]]:
    """The file's pieces, and its notes."""
    if kind == "docx":
        word = read_blocks(data)
        return [piece for block in word.blocks for piece in _block_pieces(block)], word.notes
    text = _decode(data)
    if kind == "txt":
        return [_piece(line) for line in text.splitlines() if one_line(line)], ()
    captions, notes = read_captions(text)
    if not captions:
        raise StudyError(f"the file is not a readable {kind}", advice="if it is plain text, call it txt")
    pieces: list[Piece] = []
    for caption in sorted(captions, key=lambda caption: caption.start_s):
        for piece in _caption_pieces(caption):  # of overlapping cues the later line waits for the earlier one
            start_s = max(piece.start_s or 0.0, (pieces[-1].start_s or 0.0) if pieces else 0.0)
            pieces.append(replace(piece, start_s=start_s, end_s=max(start_s, piece.end_s or 0.0)))
    return pieces, notes


def _decode(data: bytes) -> str:
    """Text in UTF-8, UTF-16 or, when it is neither, Windows 1252 (as Word saves txt in Britain)."""
    try:
        if data.startswith(_NOT_TEXT):
            raise ValueError("another format")
        if data.startswith((b"\xff\xfe", b"\xfe\xff")):
            text = data.decode("utf-16")
        elif b"\0" in data[:200]:
            text = data.decode("utf-16-le" if data[1:2] == b"\0" else "utf-16-be")
        else:
            try:
                text = data.decode("utf-8-sig")
            except UnicodeDecodeError:
                text = data.decode("cp1252", errors="replace")
    except ValueError:
        raise StudyError("the file is not plain text", advice="save it as txt or docx") from None
    if "\0" in text:
        raise StudyError("the file is not plain text", advice="save it as txt or docx")
    return text


def _piece(line: str) -> Piece:
    """A line of text, its stamps and its label taken apart; whether that is a label is found out later."""
    rest = "\t".join(map(one_line, line.split("\t"))).strip()  # single spaces: the patterns below stay linear
    before, after = "", ""
    if lead := _LEAD.match(rest):
        before, rest = lead.group().strip(), rest[lead.end() :]
    elif inner := _LABEL_THEN_STAMP.match(rest):
        before, rest = inner["stamp"], f"{inner['label']}: {rest[inner.end() :]}"
    if trail := _TRAIL.search(rest):
        after, rest = trail.group().strip(), rest[: trail.start()]
    piece = _labelled(rest)
    if not before and piece.label and (lead := _LEAD.match(piece.said)):
        before, said = lead.group().strip(), piece.said[lead.end() :]
        piece = replace(piece, said=said, whole=piece.whole.replace(piece.said, said))
    start_s, range_end_s = _clock_times(before)
    end_s, later_s = _clock_times(after)
    end_s = next((time_s for time_s in (later_s, end_s, range_end_s) if time_s is not None), None)
    return replace(piece, stamps=(before, after), start_s=start_s, end_s=end_s)


def _labelled(rest: str) -> Piece:
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


def _clock_times(stamp: str) -> tuple[float | None, float | None]:
    """The times in a stamp, in seconds; `hh:mm:ss-t` has tenths after its hyphen."""
    match = re.fullmatch(rf"(?:{_STAMP}|{_BARE})(?:\s[-–])?", stamp)
    if not match:
        return None, None
    times_s: list[float | None] = []
    for clock in (match.group(1) or match.group(3), match.group(2)):
        parts = re.sub(r"[-,]", ".", clock).split(":") if clock else []
        times_s.append(sum(60.0**power * float(part) for power, part in enumerate(reversed(parts))) if parts else None)
    return times_s[0], times_s[1]


def _block_pieces(rows: Rows) -> list[Piece]:
    """A paragraph's lines; or a table's rows, one column of which may hold speakers and others time stamps."""
    column = _speaker_column(rows)
    pieces = []
    for row in rows:
        cells = [cell for cell in row if one_line(cell)]
        if column is None or len(row) <= column or not one_line(row[column]) or _is_heading(row):
            pieces += [_piece(line) for cell in cells for line in cell.splitlines() if one_line(line)]
            continue
        others = [cell for number, cell in enumerate(row) if number != column]
        stamps = " ".join(map(_cell_stamp, others)).strip()
        first, *more = "\n".join(cell for cell in others if not _cell_stamp(cell)).splitlines() or [""]
        label = one_line(row[column]).rstrip(":")
        start_s, end_s = _clock_times(stamps)
        said = one_line(first)
        piece = Piece(whole=f"{label}: {said}", said=said, label=label, certain=True)
        pieces.append(replace(piece, stamps=(stamps, ""), start_s=start_s, end_s=end_s))
        pieces += [_piece(line) for line in more if one_line(line)]
    return pieces


def _cell_stamp(cell: str) -> str:
    """The cell in square brackets if it is a time stamp or a timespan, with or without brackets; else empty."""
    text = one_line(cell)
    if re.fullmatch(_STAMP, text):
        return text
    return f"[{text}]" if re.match(r"\d{1,2}:\d{2}:\d{2}", text) and re.fullmatch(_STAMP, f"[{text}]") else ""


def _speaker_column(rows: Rows) -> int | None:
    """The column called speaker, or else of those that hold labels alone the one with the fewest different ones."""
    width = max(map(len, rows), default=0)
    if width < 2:
        return None
    for number, cell in enumerate(rows[0]):
        if folded(cell) in _SPEAKER_HEADS:
            return number
    columns = {n: [row[n] for row in rows if len(row) > n and one_line(row[n])] for n in range(width)}
    fit = [n for n, cells in columns.items() if cells and all(map(could_be_label, cells))]
    return min(fit, key=lambda n: (len({folded(cell) for cell in columns[n]}), n), default=None)


def _is_heading(row: tuple[str, ...]) -> bool:
    return all(folded(cell).rstrip(".") in _COLUMN_HEADS for cell in row if one_line(cell))


def could_be_label(cell: str) -> bool:
    text = one_line(cell).rstrip(":")
    short = 0 < len(text) <= LABEL_CHARACTERS and len(text.split()) <= LABEL_WORDS
    return short and any(map(str.isalpha, text)) and not SENTENCE_END.search(text)


def _caption_pieces(caption: Caption) -> list[Piece]:
    """The lines of a cue, which share its time by their numbers of words."""
    pieces = []
    for name, overlapped, said in caption.voices:
        first, *more = said.splitlines() or [""]
        if name:
            text = one_line(first)
            pieces.append(Piece(whole=text, said=text, label=name, certain=True, overlapped=overlapped))
            pieces += [Piece(whole=one_line(line), said=one_line(line)) for line in more]
        else:
            pieces += [_labelled(one_line(line)) for line in (first, *more) if one_line(line)]
    weights = [max(1, len(piece.said.split())) for piece in pieces]
    step_s = (caption.end_s - caption.start_s) / max(1, sum(weights))
    at = [caption.start_s + step_s * sum(weights[:number]) for number in range(len(weights))] + [caption.end_s]
    return [replace(piece, start_s=at[n], end_s=at[n + 1]) for n, piece in enumerate(pieces)]
