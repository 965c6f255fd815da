"""A transcript file's bytes to pieces, whichever of the formats it is."""

from dataclasses import replace
from itertools import accumulate

from transcribe.errors import StudyError
from transcribe.export.layout import one_line
from transcribe.export.web_vtt import Caption, read_captions
from transcribe.export.word_reading import read_blocks
from transcribe.imports.pieces import Piece, labelled, line_piece
from transcribe.imports.turns import headed
from transcribe.imports.word_blocks import block_pieces

MOST_CHARACTERS = 5_000_000  # about a hundred hours of speech
_NOT_TEXT = (b"PK\x03\x04", b"%PDF", b"{\\rtf", b"\xd0\xcf\x11\xe0")


def read(data: bytes, kind: str) -> tuple[list[Piece], tuple[str, ...]]:
    """The file's pieces, and its notes."""
    if kind == "docx":
        word = read_blocks(data)
        _check_length(sum(len(cell) for block in word.blocks for row in block.rows for cell in row))
        return headed(block_pieces(word.blocks)), word.notes
    text = _decode(data)
    _check_length(len(text))
    if kind == "txt":
        return headed([line_piece(line) for line in text.splitlines() if one_line(line)]), ()
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


def _decode(data: bytes) -> str:
    """Text in UTF-8, UTF-16 or, when it is neither, Windows 1252 (as Word saves txt in Britain).

    Raises StudyError where it is none of them alone: with other letters in it no name would be known.
    """
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
                text = _windows_text(data)
    except ValueError:
        raise StudyError("the file is not plain text", advice="save it as txt or docx") from None
    if "\0" in text:
        raise StudyError("the file is not plain text", advice="save it as txt or docx")
    return text


def _windows_text(data: bytes) -> str:
    """Text in Windows 1252. Raises StudyError where a byte has no meaning there, or several are a letter in UTF-8."""
    letters = any("\x7f" < char < "\udc80" or char > "\udcff" for char in data.decode("utf-8", "surrogateescape"))
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError:
        letters = True
    if letters:
        raise StudyError("the file's encoding cannot be told", advice="open it, look it through, and save it as UTF-8")
    return text


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
