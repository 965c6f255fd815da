"""What a person changed in a transcript itself: other words, turns split and joined, another speaker. Pure.

A correction replaces one or two neighbouring utterances by one or two others and holds both, so that it can be taken
back, and so that it never falls on words that somebody else has changed meanwhile. Whatever points into the transcript
moves with its words; what touches words that were replaced is lost, but for stretches that nobody may have said.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, takewhile
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import Field
from rapidfuzz.distance import Levenshtein

from transcribe.errors import StudyError
from transcribe.export.layout import one_line
from transcribe.review.decisions import OF_STRETCHES, WITHHOLDING
from transcribe.schema import Decision, Finding, Quiet, Speaker, Transcript, Unclear, Utterance, Word, record

S = TypeVar("S", Finding, Decision, Unclear)
_STOPS = re.compile(r"[\W_]+")


@record
class Correction(Quiet):
    """Neighbouring utterances as they stood `before` and as they stand `after`."""

    before: Annotated[tuple[Utterance, ...], Field(min_length=1)]
    after: Annotated[tuple[Utterance, ...], Field(min_length=1)]

    @property
    def inverse(self) -> "Correction":
        return Correction(before=self.after, after=self.before)

    @property
    def of_words(self) -> bool:
        """Whether words were changed, and not only whose they are."""
        return _texts(_words(self.before)) != _texts(_words(self.after))


# --- what a person may do -------------------------------------------------------------------------------------------


def words(transcript: Transcript, utterance_id: str, first: int, last: int, text: str) -> Correction:
    """Other words for the words number `first` to `last` (from 0, both included); none takes these out, and with all
    its words the turn.

    As many words keep their times each; others share the time of the whole by their length. A person wrote them, so
    their probability is 1. Raises StudyError.
    """
    utterance = _utterance(transcript, utterance_id)
    if not 0 <= first <= last < len(utterance.words):
        raise _no_such("word")
    written = one_line(text).split()
    if not written and last - first + 1 == len(utterance.words):
        return _without(transcript, utterance_id)
    new = _timed(written, utterance.words[first : last + 1])
    changed = _bare_first((*utterance.words[:first], *new, *utterance.words[last + 1 :]))
    return Correction(before=(utterance,), after=(replace(utterance, words=changed),))


def split(transcript: Transcript, utterance_id: str, word: int) -> Correction:
    """A new turn of the same speaker begins with that word (from 1). Raises StudyError."""
    utterance = _utterance(transcript, utterance_id)
    if not 0 < word < len(utterance.words):
        raise _no_such("word")
    head, tail = utterance.words[:word], _bare_first(utterance.words[word:])
    new_id = f"U{1 + max(int(u.id[1:]) for u in transcript.utterances):04d}"
    return Correction(
        before=(utterance,),
        after=(
            replace(utterance, words=head, end_s=head[-1].end_s),
            replace(utterance, id=new_id, words=tail, start_s=tail[0].start_s),
        ),
    )


def merge(transcript: Transcript, utterance_id: str) -> Correction:
    """The turn after it becomes part of it. Raises StudyError."""
    place = _place(transcript, utterance_id)
    if place + 1 == len(transcript.utterances):
        raise _no_such("turn after it")
    one, other = transcript.utterances[place : place + 2]
    first = other.words[0]
    joined = (*one.words, replace(first, text=f" {first.text.lstrip()}"), *other.words[1:])
    merged = replace(
        one, words=joined, end_s=max(one.end_s, other.end_s), overlapped=one.overlapped or other.overlapped
    )
    return Correction(before=(one, other), after=(merged,))


def speaker(transcript: Transcript, utterance_id: str, label: str) -> Correction:
    """Another speaker said it; `new` is somebody without a label so far. Raises StudyError."""
    utterance = _utterance(transcript, utterance_id)
    labels = {s.label for s in transcript.speakers}
    if label == "new":
        label = next(new for n in range(1, 1000) if (new := f"S{n}") not in labels)
    elif label not in labels:
        raise _no_such("speaker")
    return Correction(before=(utterance,), after=(replace(utterance, speaker=label),))


def _without(transcript: Transcript, utterance_id: str) -> Correction:
    """A neighbour stands for the place, so that the turn can come back there."""
    place = _place(transcript, utterance_id)
    neighbours = transcript.utterances[place - 1 : place + 1] if place else transcript.utterances[:2]
    if len(neighbours) < 2:
        raise StudyError("a transcript keeps at least one turn", advice="leave the words, or correct them")
    return Correction(before=neighbours, after=tuple(u for u in neighbours if u.id != utterance_id))


def _timed(written: list[str], former: tuple[Word, ...]) -> tuple[Word, ...]:
    texts = [f" {text}" for text in written]
    texts[:1] = [_after(former[0], text) for text in written[:1]]
    if len(texts) == len(former):
        return tuple(replace(word, text=text, probability=1.0) for word, text in zip(former, texts, strict=True))
    start_s, end_s = former[0].start_s, former[-1].end_s
    per_character_s = (end_s - start_s) / max(1, sum(map(len, written)))
    new, at_s = [], start_s
    for text in texts:
        until_s = min(end_s, at_s + len(text.strip()) * per_character_s)
        new.append(Word(start_s=round(at_s, 3), end_s=round(until_s, 3), text=text, probability=1.0))
        at_s = until_s
    return tuple(new)


def _after(former: Word, text: str) -> str:
    """As near to the word before as what it replaces, which recognition may have cut off that ("self" "-harm"); but a
    letter in the place of a sign ("50" "%") stands apart.
    """
    first = former.text[:1]
    apart = first.isspace() or (text[0].isalnum() and not first.isalnum())
    return f" {text}" if apart else text


def _bare_first(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """The first word of a turn has no space before it."""
    return (replace(words[0], text=words[0].text.lstrip()), *words[1:])


def _place(transcript: Transcript, utterance_id: str) -> int:
    for place, utterance in enumerate(transcript.utterances):
        if utterance.id == utterance_id:
            return place
    raise _no_such("turn")


def _utterance(transcript: Transcript, utterance_id: str) -> Utterance:
    return transcript.utterances[_place(transcript, utterance_id)]


def _no_such(what: str) -> StudyError:
    return StudyError(f"the transcript has no such {what}", advice="read it again: it may have changed")


# --- applying -------------------------------------------------------------------------------------------------------


def fits(transcript: Transcript, correction: Correction) -> bool:
    """Whether what it replaces stands there as it stood, and no turn has taken the id of one that it brings back."""
    places = {u.id: n for n, u in enumerate(transcript.utterances)}
    first = places.get(correction.before[0].id, -1)
    stands = first >= 0 and transcript.utterances[first : first + len(correction.before)] == correction.before
    brought = {u.id for u in correction.after} - {u.id for u in correction.before}
    return stands and brought.isdisjoint(places)


def corrected(transcript: Transcript, corrections: Iterable[Correction]) -> Transcript:
    """The transcript with these corrections, one after the other. One of turns that are not there, since the entry
    that split them was lost, is left out: it would take the place of other people's words.
    """
    utterances = list(transcript.utterances)
    ids = [u.id for u in utterances]
    for correction in corrections:
        wanted = [u.id for u in correction.before]
        place = ids.index(wanted[0]) if wanted[0] in ids else 0
        stretch = slice(place, place + len(wanted))
        if ids[stretch] == wanted:
            utterances[stretch] = correction.after
            ids[stretch] = [u.id for u in correction.after]
    labels = {s.label for s in transcript.speakers}
    strangers = sorted({u.speaker for u in utterances} - labels)
    speakers = (Speaker(label=label, role="speaker", person_id=None, confidence=0.0) for label in strangers)
    return replace(transcript, utterances=tuple(utterances), speakers=(*transcript.speakers, *speakers))


def moved(spans: Iterable[S], corrections: Iterable[Correction]) -> tuple[S, ...]:
    """Spans of a transcript at their places in the corrected one; those whose words were replaced are left out.

    Of words that nobody may have said, and of what was decided about these, only words leave that a person replaced:
    what is left of one stretch comes in parts, X0001, X0001.2 ..., where a word or a turn now begins inside it.
    """
    by_utterance: dict[str, list[tuple[int, S]]] = {}
    for number, span in enumerate(spans):
        by_utterance.setdefault(span.utterance_id, []).append((number, span))
    for correction in corrections:
        touched: dict[int, list[S]] = {}
        for number, span in (pair for u in correction.before for pair in by_utterance.pop(u.id, [])):
            touched.setdefault(number, []).append(span)
        if touched:
            move = Move(correction)
            for number, parts in touched.items():
                for there in move(parts):
                    by_utterance.setdefault(there.utterance_id, []).append((number, there))
    groups: dict[int, list[S]] = {}
    for number, span in sorted((pair for group in by_utterance.values() for pair in group), key=_order):
        groups.setdefault(number, []).append(span)
    return tuple(_named(span, part) for group in groups.values() for part, span in enumerate(group, 1))


def still_withheld(decision: Decision, correction: Correction) -> tuple[Decision, ...]:
    """What of a decision that cannot move, since a word of it was replaced or a turn begins inside it, is withheld all
    the same: its words that stand, with all between them, and those in the place of the others; one part in each turn.
    Of what was kept nothing: the rules speak of other words anew.
    """
    if decision.verdict not in WITHHOLDING:
        return ()
    old, new = _words(correction.before), _words(correction.after)
    inside = {
        n
        for n, w in enumerate(old)
        if w.utterance_id == decision.utterance_id and w.start < decision.end and decision.start < w.end
    }
    there = sorted(number for n, numbers in _likes(_texts(old), _texts(new)) if n & inside for number in numbers)
    parts = (list(run) for _, run in groupby(there, key=lambda number: new[number].utterance_id))
    return tuple(_bare(_over(decision, words), words) for words in ([new[n] for n in part] for part in parts))


def _bare(span: Decision, words: "Sequence[_Placed]") -> Decision:
    """Without the stops around its words."""
    before, after = _STOPS.match(words[0].text), _STOPS.match(words[-1].text[::-1])
    start, end = span.start + (before.end() if before else 0), span.end - (after.end() if after else 0)
    return replace(span, start=start, end=end) if start < end else span


def _likes(old: list[str], new: list[str]) -> Iterator[tuple[set[int], range]]:
    """The numbers of words, and those of what stands in their place: word by word where these are as many, and of other
    stretches that were changed the whole for the whole.
    """
    same = [
        (block.src_start + n, block.dest_start + n)
        for block in Levenshtein.opcodes(old, new)
        if block.tag == "equal"
        for n in range(block.src_end - block.src_start)
    ]
    former = -1, -1
    for mine, theirs in (*same, (len(old), len(new))):
        gone, written = range(former[0] + 1, mine), range(former[1] + 1, theirs)
        if len(gone) == len(written):
            yield from (({one}, range(other, other + 1)) for one, other in zip(gone, written, strict=True))
        else:
            yield set(gone), written
        yield {mine}, range(theirs, min(theirs + 1, len(new)))
        former = mine, theirs


def _order(pair: tuple[int, S]) -> tuple[int, float]:
    number, span = pair
    return number, span.start_s if isinstance(span, Unclear) else 0.0


def _named(span: S, part: int) -> S:
    named: dict[str, Any] = {"id": f"{span.id}.{part}"} if isinstance(span, Unclear) and part > 1 else {}
    return replace(span, **named)


def _of_a_stretch(span: Finding | Decision | Unclear) -> bool:
    return isinstance(span, Unclear) or (isinstance(span, Decision) and span.verdict in OF_STRETCHES)


class _Placed(NamedTuple):
    """A word without white space around it: at [start, end) of an utterance, its number there."""

    utterance_id: str
    start: int
    end: int
    text: str
    number: int
    start_s: float
    end_s: float


class Move:
    """Where spans of the utterances before a correction stand after it."""

    def __init__(self, correction: Correction) -> None:
        self._old, self._new = _words(correction.before), _words(correction.after)
        both = list(zip(self._old, self._new, strict=False))
        back = zip(reversed(self._old), reversed(self._new), strict=False)
        head = sum(1 for _ in takewhile(lambda p: p[0].text == p[1].text, both))
        tail = sum(1 for _ in takewhile(lambda p: p[0].text == p[1].text, back))
        # where a word that was said twice could belong to either, its time tells
        surely = sum(1 for _ in takewhile(lambda p: p[0].text == p[1].text and p[0].start_s == p[1].start_s, both))
        self._same_head = min(head, max(len(both) - tail, surely))
        self._same_tail = min(tail, len(both) - self._same_head)

    def __call__(self, parts: Sequence[S]) -> tuple[S, ...]:
        """There, what of a span has been in these utterances so far: one part, but for a stretch."""
        if _of_a_stretch(parts[0]):
            return tuple(self._left(parts))
        return tuple(there for span in parts if (there := self._whole(span)) is not None)

    def _whole(self, span: S) -> S | None:
        """The span there; None where a word of it was replaced, or where a word or a turn now begins inside it."""
        inside = self._inside(span)
        there = [number for n in inside if (number := self._there(n)) is not None]
        if not inside or len(there) < len(inside) or there[-1] - there[0] != len(there) - 1:
            return None
        first, last = self._new[there[0]], self._new[there[-1]]
        if first.utterance_id != last.utterance_id:
            return None
        start = first.start + span.start - self._old[inside[0]].start
        end = last.start + span.end - self._old[inside[-1]].start
        return replace(span, utterance_id=first.utterance_id, start=max(start, first.start), end=min(end, last.end))

    def _left(self, parts: Sequence[S]) -> Iterator[S]:
        """The runs of its words that still stand, each in one turn; a decision is about all of them in one turn."""
        numbers = sorted(number for span in parts for n in self._inside(span) if (number := self._there(n)) is not None)
        for _, in_turn in groupby(numbers, key=lambda number: self._new[number].utterance_id):
            there = list(in_turn)
            runs = groupby(enumerate(there), key=lambda pair: pair[1] - pair[0] if isinstance(parts[0], Unclear) else 0)
            for _, run in runs:
                yield _over(parts[0], [self._new[number] for _, number in run])

    def _inside(self, span: S) -> list[int]:
        """The numbers of the words that it touches."""
        return [
            n
            for n, w in enumerate(self._old)
            if w.utterance_id == span.utterance_id and w.start < span.end and span.start < w.end
        ]

    def _there(self, number: int) -> int | None:
        """A word's number in the corrected text."""
        if number < self._same_head:
            return number
        from_end = len(self._old) - number
        return len(self._new) - from_end if from_end <= self._same_tail else None


def _over(span: S, words: Sequence[_Placed]) -> S:
    first, last = words[0], words[-1]
    at: dict[str, Any] = {"utterance_id": first.utterance_id, "start": first.start, "end": last.end}
    if isinstance(span, Unclear):
        times = {"start_s": first.start_s, "end_s": max(word.end_s for word in words)}
        at |= {"first_word": first.number, "last_word": last.number, **times}
    return replace(span, **at)


def _words(utterances: Sequence[Utterance]) -> list[_Placed]:
    placed: list[_Placed] = []
    for utterance in utterances:
        at = 0
        for number, word in enumerate(utterance.words):
            bare = word.text.strip()
            start = at + word.text.find(bare)
            placed.append(_Placed(utterance.id, start, start + len(bare), bare, number, word.start_s, word.end_s))
            at += len(word.text)
    return placed


def _texts(placed: Iterable[_Placed]) -> list[str]:
    return [word.text for word in placed]
