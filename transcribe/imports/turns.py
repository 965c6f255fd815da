"""Pieces to turns: which labels are speakers, where one turn ends, and what a label says of a role."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

from transcribe.detect.lexicon import is_usual_word
from transcribe.export.layout import one_line
from transcribe.imports.pieces import SENTENCE_END, Piece, clock_times, could_be_label, line_piece
from transcribe.schema import Quiet, Speaker, record
from transcribe.wordforms import folded

UNLABELLED_S = 30.0  # captions without speakers become utterances of about this length, ending with a sentence
# Labels that say a role by themselves; a letter or short form says it less surely than a word.
_ROLES = {
    "interviewer": ("interviewer", 1.0),
    "researcher": ("interviewer", 1.0),
    "moderator": ("interviewer", 1.0),
    "facilitator": ("interviewer", 1.0),
    "participant": ("participant", 1.0),
    "respondent": ("participant", 1.0),
    "interviewee": ("participant", 1.0),
    "therapist": ("therapist", 1.0),
    "counsellor": ("therapist", 1.0),
    "i": ("interviewer", 0.8),
    "int": ("interviewer", 0.8),
    "iv": ("interviewer", 0.8),
    "q": ("interviewer", 0.8),
    "p": ("participant", 0.8),
    "r": ("participant", 0.5),  # respondent more often than researcher
    "t": ("therapist", 0.8),
    "th": ("therapist", 0.8),
}
_LABEL_TERMS = frozenset(
    "speaker voice unknown mother father mum mom dad parent husband wife partner infant baby child daughter son sister "
    "brother grandmother grandfather grandma grandpa granny nan grandad aunt uncle cousin friend nurse midwife doctor "
    "gp carer worker visitor health social interpreter translator student teacher older elder younger other male "
    "female client patient s m f b a".split()
)
# How a sentence before a colon ends; what ends so is no speaker, however often it stands.
NOT_LABELS = frozenset(
    "said says say asked ask thought think went go goes like is was are were so and but then yes no well okay ok "
    "date time place location venue title interview transcript project study duration recording file length".split()
)
_TERMS = _LABEL_TERMS | _ROLES.keys()
_IN_BRACKETS = re.compile(r"(.*?)[(\[{](.*?)[)\]}]?")
_CLOCK_BEFORE = re.compile(r"(\d{1,3}:\d{2})\s+(?:[-–]\s+)?(?=\S)")
_BETWEEN_WORDS = re.compile(r"[\s()\[\]{}]+")
_Open = tuple[str | None, list[Piece]]  # a turn that may go on: its key, and its pieces so far


@record
class Turn(Quiet):
    """Pieces of one speaker: `key` is the folded label, empty for a speaker without one, None for notes."""

    key: str | None
    pieces: tuple[Piece, ...]


def headed(pieces: list[Piece]) -> list[Piece]:
    """The pieces, lines of a name and a clock time made labels where they stand over speech as Teams, Word and Otter
    write them: most lines with a time are such, times never go back, and somebody speaks again if there are several.
    """
    counts = Counter(folded(piece.alone[0]) for piece in pieces)
    over = [
        piece
        for piece, below in pairwise(pieces)
        if piece.alone[0] and _is_label(piece.alone[0], counts[folded(piece.alone[0])]) and not _has_time(below)
    ]
    times_s = [_time(piece) for piece in over]
    names = {folded(piece.alone[0]) for piece in over}
    if 2 * len(over) <= sum(map(_has_time, pieces)) or times_s != sorted(times_s) or 2 < len(names) == len(over):
        return pieces
    return [_label(piece) if folded(piece.alone[0]) in names else piece for piece in pieces]


def _has_time(piece: Piece) -> bool:
    return bool(piece.alone[0]) or piece.start_s is not None


def _time(piece: Piece) -> float:
    return clock_times(f"[{piece.alone[1]}]")[0] or 0.0


def _label(piece: Piece) -> Piece:
    name, clock = piece.alone
    return Piece(whole=name, said="", label=name, certain=True, stamps=(f"[{clock}]", ""), start_s=_time(piece))


def clocked(pieces: list[Piece]) -> list[Piece]:
    """The pieces, "0:03 Karen: Hello" read as stamp and label where most labels stand so and times never go back."""
    found = {at: piece for at, one in enumerate(pieces) if (piece := _after_clock(one))}
    times_s = [piece.start_s or 0.0 for piece in found.values()]
    if len(found) < 2 or len(found) <= sum(bool(piece.label) for piece in pieces) or times_s != sorted(times_s):
        return pieces
    return [found.get(at, piece) for at, piece in enumerate(pieces)]


def _after_clock(piece: Piece) -> Piece | None:
    """The piece with a clock time without hours at its start taken for a stamp, if a label follows."""
    match = _CLOCK_BEFORE.match(piece.whole)
    if piece.label or piece.stamps != ("", "") or not match:
        return None
    stamped = line_piece(f"[{match[1]}] {piece.whole[match.end() :]}")
    return stamped if stamped.label and _is_label(stamped.label, 1) else None


def accepted(pieces: Iterable[Piece]) -> frozenset[str]:
    """The folded labels that are speakers: a colon alone proves nothing ("And then he said: no")."""
    labelled = [piece for piece in pieces if piece.label]
    counts = Counter(folded(piece.label) for piece in labelled)
    certain = {folded(piece.label) for piece in labelled if piece.certain}
    likely = [piece.label for piece in labelled if _is_label(piece.label, counts[folded(piece.label)])]
    said = {folded(label) for label in likely[1:] if counts[folded(label)] == 1 and _counts_up(label)}
    return frozenset(certain | ({folded(label) for label in likely} - said))


def _counts_up(label: str) -> bool:
    """Whether a label that stands once, after somebody began to speak, is a usual word of hers ("One: we stay.")."""
    return not is_term(label) and all(is_usual_word(folded(word)) for word in _words(label))


def _is_label(label: str, count: int) -> bool:
    words = _words(label)
    if not could_be_label(label) or folded(words[-1]) in NOT_LABELS:
        return False
    return count > 1 or all(word[0].isupper() or word[0].isdigit() or _term(word) in _TERMS for word in words)


def is_term(label: str) -> bool:
    """Whether a label says only what somebody is (Speaker 2, older sister, P1 (mother)), and so names nobody."""
    return all(_term(word) in _TERMS or not _term(word) for word in _words(label))


def named(label: str) -> str:
    """Whom a label names beside what she is: Rowena of "Interviewer (Rowena)"; all of it where that cannot be told."""
    name = label
    if match := _IN_BRACKETS.fullmatch(label):
        outside, inside = match.groups()
        alone = is_term(outside)
        name = outside if is_term(inside) or (inside.islower() and not alone) else inside if alone else label
    words = name.split()
    while len(words) > 1 and _says_what(words[0]):
        words.pop(0)
    return " ".join(words) if words and words[0][0].isupper() else label


def _says_what(word: str) -> bool:
    """Whether a word before a name says what she is: no initial (T Hartley), and no Nan, who may be called so."""
    term = _term(word)
    return term in _TERMS and term != "nan" and (len(term) > 1 or term != folded(word))


def _words(label: str) -> list[str]:
    return [word for word in _BETWEEN_WORDS.split(label) if word]


def _term(label: str) -> str:
    return folded(label).rstrip("0123456789 .#")


def text_turns(pieces: Iterable[Piece], labels: frozenset[str]) -> list[Turn]:
    """A label opens a turn, and so does a stamp; what stands before the first label is notes, and so is an aside."""
    turns: list[_Open] = []
    key: str | None = None  # who is speaking
    for piece in _settled(pieces, labels):
        last = turns[-1] if turns else None
        if piece.label or not labels:
            key = folded(piece.label)
        elif piece.aside:
            turns.append((None, [piece]))
            continue
        elif last is not None and last[0] is not None and not _opens(piece, last[1]):
            last[1].append(piece)
            continue
        turns.append((key, [piece]))
    return _closed(turns)


def _opens(piece: Piece, last: list[Piece]) -> bool:
    """Whether a piece without a label has a stamp, and what stands before it has more than a label."""
    return piece.start_s is not None and any(p.said or p.start_s is not None for p in last)


def caption_turns(pieces: Iterable[Piece], labels: frozenset[str]) -> list[Turn]:
    """Cues of one speaker in a row are one turn, so that a name stays whole; without labels, half a minute is one."""
    turns: list[_Open] = []
    for piece in _settled(pieces, labels):
        last = turns[-1] if turns else None
        key = folded(piece.label)
        if last is not None and (key == last[0] or not key) and (labels or not _is_full(last[1])):
            last[1].append(piece)
        else:
            turns.append((key, [piece]))
    return _closed(turns)


def _settled(pieces: Iterable[Piece], labels: frozenset[str]) -> list[Piece]:
    """The pieces with labels that are none put back into what was said."""
    return [
        p if not p.label or folded(p.label) in labels else replace(p, label="", said=p.whole, overlapped=False)
        for p in pieces
    ]


def _closed(turns: list[_Open]) -> list[Turn]:
    return [Turn(key=key, pieces=tuple(pieces)) for key, pieces in turns]


def _is_full(pieces: list[Piece]) -> bool:
    length_s = (pieces[-1].end_s or 0.0) - (pieces[0].start_s or 0.0)
    return length_s >= UNLABELLED_S and (length_s >= 4 * UNLABELLED_S or bool(SENTENCE_END.search(pieces[-1].said)))


def note(text: str) -> Turn:
    return Turn(key=None, pieces=(Piece(whole=one_line(text), said=one_line(text)),))


def speakers_of(names: dict[str, str], label_of: dict[str | None, str]) -> list[Speaker]:
    terms = {_term(key) for key in names}
    speakers = []
    for key in names:
        role, confidence = _role(key)
        if _term(key) == "r" and "p" in terms and not terms & {"i", "int", "iv", "interviewer"}:
            role = "interviewer"  # beside a participant, R is the researcher
        speakers.append(Speaker(label=label_of[key], role=role, person_id=None, confidence=confidence))
    return speakers


def _role(key: str) -> tuple[str, float]:
    """What a label says of a role, and how surely; of a longer one the first word that does and is no initial."""
    terms = [_term(key), *(_term(word) for word in _words(key) if _says_what(word))]
    return next((_ROLES[term] for term in terms if term in _ROLES), ("speaker", 0.0))
