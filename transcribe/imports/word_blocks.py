"""A Word document's blocks to pieces: paragraphs, tables with a column of speakers, headings that name them.

Headings of one level are speakers in the documents that we write, and elsewhere if they look and behave so: most could
be a label, most stand there again, somebody speaks twice under one and the same higher heading (chapters of a report
return under another one alone), most have a paragraph right below them, and few of those begin with a label of their
own. Then a colon in what is said makes no speaker, and headings above that level are notes.
"""

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from transcribe.export.layout import OVERLAP_MARK, one_line
from transcribe.export.word_parts import TURN_STYLE
from transcribe.export.word_reading import Block, Rows
from transcribe.imports.pieces import STAMP, Piece, clock_times, could_be_label, line_piece
from transcribe.imports.turns import NOT_LABELS, accepted
from transcribe.wordforms import folded

_COLUMN_HEADS = frozenset(
    "timespan time timestamp start end speaker name who content text transcript turn no line".split()
)
_SPEAKER_HEADS = frozenset({"speaker", "name", "who"})
_OUR_LEVEL = 2
_OUR_STAMP = re.compile(r"(\[\d{2,}:\d{2}:\d{2}\])(?: |$)")


def block_pieces(blocks: tuple[Block, ...]) -> list[Piece]:
    """The pieces of a document's body."""
    blocks = tuple(b for b in blocks if b.style == TURN_STYLE or any(one_line(cell) for row in b.rows for cell in row))
    level, speakers = _speakers(blocks)
    pieces: list[Piece] = []
    for number, block in enumerate(blocks):
        if number in speakers:
            pieces.append(speakers[number])
        elif level and len(block.rows) == 1 and len(block.rows[0]) == 1:
            lines = [line for line in block.rows[0][0].splitlines() if one_line(line)]
            aside = 0 < block.heading <= level
            read = _our_piece if block.style == TURN_STYLE else line_piece
            pieces += map(_note, lines) if aside else [_spoken(read(line)) for line in lines]
        else:
            pieces += _row_pieces(block.rows)
    return pieces


def _note(line: str) -> Piece:
    return Piece(whole=one_line(line), said=one_line(line), aside=True)


def _our_piece(line: str) -> Piece:
    """A line of speech as we write it: all that follows its stamp was said."""
    text = one_line(line)
    match = _OUR_STAMP.match(text)
    said = text[match.end() :] if match else text
    stamp = match.group(1) if match else ""
    return Piece(whole=said, said=said, stamps=(stamp, ""), start_s=clock_times(stamp)[0])


def _spoken(piece: Piece) -> Piece:
    """The piece with its label put back into what was said, marked where the text says that it is overlapped."""
    overlapped = piece.whole.startswith(OVERLAP_MARK)
    said = piece.whole.removeprefix(OVERLAP_MARK).strip()
    return replace(piece, label="", whole=said, said=said, overlapped=overlapped, alone=("", ""))


# --- headings that are speakers -------------------------------------------------------------------------------------


def _speakers(blocks: tuple[Block, ...]) -> tuple[int, dict[int, Piece]]:
    """The level of headings that are speakers, the lowest there is, and those by number; 0 and none where none are."""
    turns = [number for number, block in enumerate(blocks) if block.style == TURN_STYLE]
    ours = [number for number in turns if number and blocks[number - 1].heading == _OUR_LEVEL]
    if 2 * len(ours) > len(turns):
        return _OUR_LEVEL, {n: _label(block) for n, block in enumerate(blocks) if block.heading == _OUR_LEVEL}
    for level in sorted({block.heading for block in blocks} - {0}, reverse=True):
        headings = {n: _label(block) for n, block in enumerate(blocks) if block.heading == level}
        labels = {n: piece for n, piece in headings.items() if could_be_label(piece.label)}
        if _come_again(labels, len(headings)) and _twice_under_one(blocks, level, labels) and _speak(blocks, headings):
            return level, labels
    return 0, {}


def _label(block: Block) -> Piece:
    """A heading as a label without speech, a time stamp in it taken apart."""
    text = one_line(block.rows[0][0]).rstrip(": ")
    piece = line_piece(f"{text}:")
    return replace(piece if piece.label and not piece.said else Piece(whole=text, said="", label=text), certain=True)


def _come_again(labels: dict[int, Piece], headings: int) -> bool:
    counts = Counter(folded(piece.label) for piece in labels.values())
    return 2 * sum(count for count in counts.values() if count > 1) >= headings


def _twice_under_one(blocks: tuple[Block, ...], level: int, labels: dict[int, Piece]) -> bool:
    seen: set[str] = set()
    for number, block in enumerate(blocks):
        if 0 < block.heading < level:
            seen.clear()
        if number in labels:
            label = folded(labels[number].label)
            if label in seen:
                return True
            seen.add(label)
    return False


def _speak(blocks: tuple[Block, ...], headings: Collection[int]) -> bool:
    """Whether most headings have a paragraph right below them, and few of these a label of their own."""
    pieces = [_row_pieces(block.rows)[:1] if not block.heading else [] for block in blocks]
    known = accepted(piece for first in pieces for piece in first)
    below = [pieces[number + 1] for number in headings if number + 1 < len(pieces) and pieces[number + 1]]
    own = [first for first in below if folded(first[0].label) in known]
    return 2 * len(below) >= len(headings) and 2 * len(own) < len(below)


# --- rows -----------------------------------------------------------------------------------------------------------


def _row_pieces(rows: Rows) -> list[Piece]:
    """A paragraph's lines; or a table's rows, one column of which may hold speakers and others time stamps."""
    column = _speaker_column(rows)
    counted = _number_column(rows)
    pieces = []
    for row in rows:
        cells = [cell for cell in row if one_line(cell)]
        if column is None or len(row) <= column or not one_line(row[column]) or _is_heading(row):
            pieces += [line_piece(line) for cell in cells for line in cell.splitlines() if one_line(line)]
            continue
        others = [cell for number, cell in enumerate(row) if number not in (column, counted)]
        stamps = " ".join(map(_cell_stamp, others)).strip()
        first, *more = "\n".join(cell for cell in others if not _cell_stamp(cell)).splitlines() or [""]
        label = one_line(row[column]).rstrip(":")
        start_s, end_s = clock_times(stamps)
        said = one_line(first)
        piece = replace(_spoken(Piece(whole=said, said=said)), label=label, certain=True)
        pieces.append(replace(piece, stamps=(stamps, ""), start_s=start_s, end_s=end_s))
        pieces += [line_piece(line) for line in more if one_line(line)]
    return pieces


def _cell_stamp(cell: str) -> str:
    """The cell in square brackets if it is a time stamp or a timespan, with or without brackets; else empty."""
    text = one_line(cell)
    if re.fullmatch(STAMP, text):
        return text
    return f"[{text}]" if re.match(r"\d{1,2}:\d{2}:\d{2}", text) and re.fullmatch(STAMP, f"[{text}]") else ""


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
    if 0 in fit and any(map(_is_title, columns[0])):
        return None
    return min(fit, key=lambda n: (len({folded(cell) for cell in columns[n]}), n), default=None)


def _is_title(cell: str) -> bool:
    """Whether a cell says what is told beside it of an interview (Date, Place)."""
    return folded(one_line(cell).rstrip(": ").split()[-1]) in NOT_LABELS


def _number_column(rows: Rows) -> int | None:
    """The column that numbers the rows."""
    said = [row for row in rows if not _is_heading(row)]
    for column in range(max(map(len, rows), default=0)):
        cells = [one_line(row[column]).rstrip(".") if len(row) > column else "" for row in said]
        if len(cells) > 2 and all(cell.isdecimal() and len(cell) < 7 for cell in cells):
            numbers = list(map(int, cells))
            if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
                return column
    return None


def _is_heading(row: tuple[str, ...]) -> bool:
    return all(folded(cell).rstrip(".") in _COLUMN_HEADS for cell in row if one_line(cell))
