"""How close to the sound a released line reads: pauses and other sounds than speech written down, fillers kept or left
out. Pure.

This is the last step before export, over lines whose names are replaced already, so no finding, decision or settled
position hangs on it. The notation is a light form of Jefferson's: (.) for a short pause and seconds in round brackets
for a long one (G. Jefferson, "Glossary of transcript symbols with an introduction", in Lerner (ed.), Conversation
Analysis, Benjamins 2004, pp. 13-31, who writes the number alone), and (..) between them as in T. Dresing and T. Pehl,
"Praxisbuch Interview, Transkription & Analyse". Square brackets are never used: they are tags and stamps, and [...] is
a cut.

A filler is a sound that holds the floor while somebody looks for words. Words that also mean something ("like", "well",
"you know"), answers ("mm", "mhm", "uh-huh", and "uh huh" or "uh uh" in two words) and exclamations ("oh", "ah") are
none and always stay.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from math import inf

from transcribe.config import Verbatim
from transcribe.diarise import Regions
from transcribe.diarise.non_speech import SHORTEST_S
from transcribe.interludes import Sound, placed
from transcribe.schema import AnonymisedTranscript, Line, Quiet, Span, Word, record

LANGUAGE = "en"
"""The one that the table of fillers is for: "er" is a pronoun in German, "um" an article in Portuguese."""
FILLERS = ("um", "uhm", "uh", "er", "erm", "ehm")
"""Also with the last letter drawn out ("ummm"). "Err" is a verb, and stays."""
EDGE_S = 0.5
"""Nearer than this to a sound there is no pause: where one begins beside a word is known to some tenths of a second."""

_STRETCHED = "|".join("er" if filler == "er" else f"{filler}{filler[-1]}*" for filler in FILLERS)
_FILLER = re.compile(rf"(?i:{_STRETCHED})(?P<mark>[,.;:?!\u2026\u2013\u2014-]*)")
_ANSWER = re.compile(r"(?i:uh uh|(?:uh+|um+),? (?:huh|h?m+))\W*")
_MARK = re.compile(r"\((?:\.\.?|(?:non-speech, )?\d+\.\d s)\)")
_ENDS = (".", "?", "!", "\u2026")


@record
class _Piece(Quiet):
    """A word of the line, or a sound in it: its text as it will read, where it began and ended in the line, since when
    it was silent before it, and how short a silence there counts for none.
    """

    word: Word
    text: str
    start: int
    end: int
    since_s: float
    least_s: float = 0.0
    filler: bool = False
    split: bool = True  # whether something may stand before it: no span of the line reaches over its start
    sound: bool = False

    @property
    def silence_s(self) -> float:
        silence_s = round(self.word.start_s - self.since_s, 3)
        return silence_s if silence_s >= self.least_s else 0.0


def written(
    transcript: AnonymisedTranscript,
    options: Verbatim,
    as_said: frozenset[int] = frozenset(),
    non_speech: Regions | None = None,
) -> AnonymisedTranscript:
    """The transcript with pauses and sounds written in and fillers left out as `options` ask; the statement says so.

    `non_speech`: loud stretches in which nobody speaks, None where nobody listened for any. Pauses and sounds need
    clock times, fillers a transcript in English; in lines numbered in `as_said` every filler stays. Where there is
    nothing to do, the same transcript comes back.
    """
    pauses = options.pauses and transcript.timed
    sounds = non_speech if options.non_speech and transcript.timed else None
    drop = options.fillers == "drop" and transcript.language == LANGUAGE
    if not pauses and sounds is None and not drop:
        return transcript
    heard = placed(transcript.lines, sounds or ())
    lines = []
    for at, (line, since) in enumerate(zip(transcript.lines, _since(transcript.lines, options), strict=True)):
        pieces = _pieces(line, *since)
        if drop and line.number not in as_said:
            pieces = _without_fillers(pieces, line)
        lines.append(_joined(line, _with_sounds(pieces, heard.get(at, ())), options if pauses else None))
    notes = _notes(options, pauses=pauses, sounds=sounds is not None, drop=drop)
    return replace(transcript, lines=tuple(lines), statement=" ".join([transcript.statement, *notes]))


def pause(silence_s: float, options: Verbatim) -> str:
    """How a silence is written: (.), (..), seconds such as (3.2 s), or nothing when it is too short."""
    silence_s = round(silence_s, 3)  # sums of times that are exact to a millisecond
    if silence_s >= options.timed_s:
        return f"({silence_s:.1f} s)"
    if silence_s >= options.long_s:
        return "(..)"
    return "(.)" if silence_s >= options.short_s else ""


def spoken(text: str) -> str:
    """The text without the pauses and the non-speech that are written in it: what was said."""
    return _MARK.sub(" ", text)


def _notes(options: Verbatim, *, pauses: bool, sounds: bool, drop: bool) -> Iterator[str]:
    if pauses:
        yield (
            f"Pauses are written as (.) from {options.short_s:g} s, (..) from {options.long_s:g} s, and in seconds "
            f"from {options.timed_s:g} s."
        )
    if sounds:
        yield (
            f"Loud stretches of {SHORTEST_S:g} s and more in which nobody speaks are written with their length, as "
            "(non-speech, 12.4 s), whatever the sound is."
        )
    if drop:
        yield "Fillers such as um, uh and er were left out."


def _since(lines: Sequence[Line], options: Verbatim) -> Iterator[tuple[float, float]]:
    """When everybody before each line had ended, and how short a silence since then counts for none.

    Where the speaker changes only a pause that is written in seconds counts: a short one belongs to nobody. Silence
    before anybody spoke is no pause.
    """
    reached, before = -inf, ""
    for line in lines:
        if reached == -inf:
            yield line.start_s, inf
        else:
            yield reached, 0.0 if line.speaker == before else options.timed_s
        reached, before = max(reached, line.end_s), line.speaker


def _pieces(line: Line, since_s: float, least_s: float) -> list[_Piece]:
    """The words of a line, each with the end of the word before it; before the first one it is silent since `since_s`,
    which is none where it is shorter than `least_s`.
    """
    ends = list(accumulate(len(word.text) for word in line.words))
    spans = _spans(line)
    pieces: list[_Piece] = []
    for place, (word, end) in enumerate(zip(line.words, ends, strict=True)):
        start = end - len(word.text)
        before = line.words[place - 1] if place else None
        pieces.append(
            _Piece(
                word=word,
                text=word.text,
                start=start,
                end=end,
                since_s=before.end_s if before else since_s,
                least_s=0.0 if before else least_s,
                split=not any(span.start < start < span.end for span in spans) and (not place or _spaced(word)),
            )
        )
    return pieces


def _spans(line: Line) -> tuple[Span, ...]:
    """All that was settled in a line: never left out, parted or rewritten."""
    return (*line.replaced, *line.kept, *line.unclear)


def _spaced(word: Word) -> bool:
    return word.text[:1].isspace()


# --- fillers --------------------------------------------------------------------------------------------------------


def _without_fillers(pieces: list[_Piece], line: Line) -> list[_Piece]:
    """The pieces with fillers marked, and what stands beside them made tidy; all as they were in a turn of fillers."""
    spans = _spans(line)
    marked = [replace(p, filler=_is_filler(pieces, place, spans)) for place, p in enumerate(pieces)]
    if all(piece.filler or not piece.text.strip() for piece in marked):
        return pieces
    for first, last in _runs(marked):
        _mend_before(marked, first, last, spans)
        _mend_after(marked, first, last, spans)
    return marked


def _is_filler(pieces: Sequence[_Piece], place: int, spans: Iterable[Span]) -> bool:
    """Whether a whole word is a filler: no part of a word, no settled word, no name ("Mrs Um") and no "ER"."""
    piece = pieces[place]
    bare = piece.text.strip()
    alone = piece.split and (place + 1 == len(pieces) or _spaced(pieces[place + 1].word))
    if not alone or not _FILLER.fullmatch(bare) or any(s.start < piece.end and piece.start < s.end for s in spans):
        return False
    if any(
        _ANSWER.fullmatch(f"{one.text.strip()} {two.text.strip()}") for one, two in pairwise(_beside(pieces, place))
    ):
        return False
    letters = re.sub(r"\W", "", bare)
    begins = place == 0 or pieces[place - 1].text.rstrip().endswith(_ENDS)
    return letters.islower() or (begins and letters.istitle())


def _beside(pieces: Sequence[_Piece], place: int) -> Sequence[_Piece]:
    """A piece between those before and after it."""
    return pieces[max(0, place - 1) : place + 2]


def _runs(pieces: Sequence[_Piece]) -> Iterator[tuple[int, int]]:
    """(first, last) of each run of fillers."""
    first = None
    for place, piece in enumerate(pieces):
        if piece.filler and first is None:
            first = place
        if first is not None and (place + 1 == len(pieces) or not pieces[place + 1].filler):
            yield first, place
            first = None


def _mend_before(pieces: list[_Piece], first: int, last: int, spans: Iterable[Span]) -> None:
    """The word before a run loses the comma that set the fillers off, and takes over the end of the sentence."""
    if first == 0:
        return
    marks = [_mark(piece) for piece in pieces[first : last + 1]]
    end = next((mark[-1] for mark in marks if mark.endswith((".", "?", "!")) and not mark.endswith("..")), "")
    before = pieces[first - 1]
    text = before.text
    at = before.end - 1
    outside = not any(span.start <= at < span.end for span in spans)
    if text.endswith(",") and outside and (end or marks[-1].endswith(",") or last + 1 == len(pieces)):
        text = text[:-1]
    if end and (text[-1:].isalnum() or text.endswith((")", "]"))):
        text += end
    pieces[first - 1] = replace(before, text=text)


def _mend_after(pieces: list[_Piece], first: int, last: int, spans: Iterable[Span]) -> None:
    """The word after a run takes over a capital letter; what is written for a name stays as it is."""
    if last + 1 == len(pieces) or not pieces[first].text.strip()[0].isupper():
        return
    after = pieces[last + 1]
    at = len(after.text) - len(after.text.lstrip())
    letter = after.text[at : at + 1]
    touched = any(span.start <= after.start + at < span.end for span in spans)
    if letter.islower() and len(letter.upper()) == 1 and not touched:
        pieces[last + 1] = replace(after, text=after.text[:at] + letter.upper() + after.text[at + 1 :])


def _mark(piece: _Piece) -> str:
    found = _FILLER.fullmatch(piece.text.strip())
    return found["mark"] if found else ""


# --- sounds ---------------------------------------------------------------------------------------------------------


def _with_sounds(pieces: Sequence[_Piece], sounds: Sequence[Sound]) -> list[_Piece]:
    """The pieces with sounds between them; one that would part a span or a word stands after it."""
    made = list(pieces)
    for place, start_s, end_s in reversed(sounds):
        at = next((here for here in range(place, len(made)) if made[here].split), len(made))
        text = f"(non-speech, {end_s - start_s:.1f} s)"
        since_s, least_s = made[-1].word.end_s, EDGE_S
        if at < len(made):
            since_s, least_s = made[at].since_s, max(EDGE_S, made[at].least_s)
            made[at] = replace(made[at], since_s=max(since_s, end_s), least_s=least_s)
        word = Word(start_s=start_s, end_s=end_s, text=text, probability=1.0)
        made.insert(at, _Piece(word=word, text=text, start=0, end=0, since_s=since_s, least_s=least_s, sound=True))
    return made


# --- the line anew --------------------------------------------------------------------------------------------------


def _joined(line: Line, pieces: Sequence[_Piece], options: Verbatim | None) -> Line:
    """The line of the pieces that stay, pauses between them, its spans moved to where their words are now read."""
    words: list[Word] = []
    moved: list[tuple[int, int, int]] = []  # (start, end, how far it moved) of each piece that stays
    silence_s, length = 0.0, 0
    apart = False  # whether a mark stands before the next word
    for piece in pieces:
        silence_s += piece.silence_s
        if piece.filler:
            continue
        text = piece.text if words or piece.start == 0 else piece.text.lstrip()
        mark = pause(silence_s, options) if options and piece.split else ""
        if mark:
            words.append(_inserted(line, words, mark, -inf, piece.word.start_s))
            length += len(words[-1].text)
        if piece.sound:
            words.append(_inserted(line, words, text, piece.word.start_s, piece.word.end_s))
            length += len(words[-1].text)
        else:
            text = f" {text}" if (mark or apart) and not text[:1].isspace() else text
            gained = (len(text) - len(text.lstrip())) - (len(piece.text) - len(piece.text.lstrip()))
            moved.append((piece.start, piece.end, length + gained - piece.start))
            words.append(replace(piece.word, text=text))
            length += len(text)
        apart = piece.sound
        silence_s = 0.0
    return replace(
        line,
        words=tuple(words),
        replaced=tuple(_moved(span, moved) for span in line.replaced),
        kept=tuple(_moved(span, moved) for span in line.kept),
        unclear=tuple(_moved(span, moved) for span in line.unclear),
    )


def _inserted(line: Line, words: Sequence[Word], text: str, start_s: float, end_s: float) -> Word:
    """What is written after these words of a line for the time from start to end, as far as that is the line's."""
    start_s = min(max(start_s, words[-1].end_s if words else line.start_s), line.end_s)
    spaced = f" {text}" if words else text
    return Word(start_s=start_s, end_s=max(start_s, min(end_s, line.end_s)), text=spaced, probability=1.0)


def _moved(span: Span, moved: Iterable[tuple[int, int, int]]) -> Span:
    """The span where its words are now; no word that a span touches was left out."""
    by = [shift for start, end, shift in moved if start < span.end and span.start < end]
    return replace(span, start=max(0, span.start + by[0]), end=span.end + by[-1]) if by else span
