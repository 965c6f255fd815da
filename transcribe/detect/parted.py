"""Telephone numbers that talk parts: "Oh seven seven double oh." "Let me get a pen." "Nine hundred four six one."."""

import re
from collections.abc import Iterator, Sequence

from transcribe.detect.numerals import Item, spelt

Piece = Sequence[Item]
_WORDS = 25  # at most so many between two pieces
_PIECES = 5
_BEGINNING = re.compile(r"0[1-9]\d")
_WHOLE = re.compile(r"0[1-9]\d{8,9}")  # Ofcom's plan


def find(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """Those of some runs of digits, in order, that make a number with their neighbours; one said twice counts once."""
    first = 0
    while first < len(pieces):
        last = _last(pieces, first)
        if last > first:
            yield from pieces[first : last + 1]
        first = last + 1


def _last(pieces: Sequence[Piece], first: int) -> int:
    digits = before = spelt(pieces[first])
    if not _BEGINNING.match(digits):
        return first
    for place in range(first + 1, min(first + _PIECES, len(pieces))):
        if pieces[place][0].first - pieces[place - 1][-1].last > _WORDS:
            break
        piece = spelt(pieces[place])
        digits += piece if piece != before else ""
        before = piece
        if _WHOLE.fullmatch(digits):
            return place
    return first
