"""A transcript file's bytes to pieces, whichever of the formats it is."""

from dataclasses import replace
from itertools import accumulate

from transcribe.errors import StudyError
from transcribe.export.layout import one_line
from transcribe.export.web_vtt import Caption, read_captions
from transcribe.export.word_reading import read_blocks
from transcribe.imports import line_numbers
from transcribe.imports.encodings import decode
from transcribe.imports.pieces import Piece, labelled, line_piece
from transcribe.imports.turns import clocked, headed
from transcribe.imports.word_blocks import block_pieces

MOST_CHARACTERS = 5_000_000  # about a hundred hours of speech


def read(data: bytes, kind: str) -> tuple[list[Piece], tuple[str, ...]]:
    """The file's pieces, and its notes."""
    if kind == "docx":
        word = read_blocks(data)
        _check_length(sum(len(cell) for block in word.blocks for row in block.rows for cell in row))
        return clocked(headed(block_pieces(word.blocks))), word.notes
    text = decode(data)
    _check_length(len(text))
    if kind == "txt":
        lines = line_numbers.without(text.splitlines())
        return clocked(headed([line_piece(line) for line in lines if one_line(line)])), ()
    captions, notes = read_captions(text)
    if not captions:
        raise StudyError(f"the file is not a readable {kind}", advice="if it is plain text, call it txt")
    pieces: list[Piece] = []
    for caption in sorted(captions, key=lambda caption: caption.start_s):
        for piece in _caption_pieces(caption):  # of overlapping cues the later line waits for the earlier one
            start_s = max(piece.start_s or 0.0, (pieces[-1].start_s or 0.0) if pieces else 0.0)
            pieces.append(replace(piece, start_s=start_s, end_s=max(start_s, piece.end_s or 0.0)))
    return pieces, notes


def _check_length(characters: int) -> None:
    if characters > MOST_CHARACTERS:
        raise StudyError("the file holds more text than an interview", advice="give each interview a file of its own")


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
            pieces += [labelled(one_line(line)) for line in (first, *more) if one_line(line)]
    weights = [max(1, len(piece.said.split())) for piece in pieces]
    step_s = (caption.end_s - caption.start_s) / max(1, sum(weights))
    at = [caption.start_s + step_s * before for before in accumulate(weights[:-1], initial=0)] + [caption.end_s]
    return [replace(piece, start_s=at[n], end_s=at[n + 1]) for n, piece in enumerate(pieces)]
