"""A transcript was made again: what a person decided about the old one goes to the same words of the new one. Pure.

Words are compared folded, without the punctuation around them. Where both transcripts have times, a word may only go to
one that starts within two seconds; of all ways to pair the words in order the one with the most pairs is taken, and of
those the nearest in time (a longest common subsequence as a heaviest increasing one: Hunt and Szymanski, "A fast
algorithm for computing longest common subsequences", 1977; Jacobson and Vo 1992).
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, groupby

from rapidfuzz.distance import Indel, Levenshtein

from transcribe.schema import Decision, Quiet, Transcript, Verdict, Word, record
from transcribe.wordforms import fold

WITHIN_S = 2.0
_NEAREST = 4  # so many like it before and after are held against a word: a loop of one word takes no longer
_MORE = 2  # words that a name may come to more than before
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
Spoken = tuple[float, float, str]


@record
class Carried(Quiet):
    """Decisions at their places in the new transcript, and those (of the old one) whose words are not there."""

    moved: tuple[Decision, ...]
    lost: tuple[Decision, ...]


@record
class _Word(Quiet):
    """A folded word at [start, end) of an utterance, its number there, and the word as recognised that holds it."""

    utterance: int
    number: int
    start: int
    end: int
    text: str
    said: Word


def carry(old: Transcript, new: Transcript, spans: Sequence[Decision]) -> Carried:
    """Each decision where all words that it touches stand in one utterance of the new transcript, in a row.

    Of decisions that say the same of the same place the last one stays. One that touches no word is lost.
    """
    mine, theirs = _words(old), _words(new)
    pairs = _pairs(mine, theirs, timed=old.timed and new.timed)
    numbers = {utterance.id: number for number, utterance in enumerate(old.utterances)}
    place = _Places(mine)
    moved: list[Decision] = []
    lost: list[Decision] = []
    for span in spans:
        touched = place.touched(numbers[span.utterance_id], span) if span.utterance_id in numbers else range(0)
        there = [theirs[pairs[word]] for word in touched if word in pairs]
        if not there or len(there) != len(touched) or not _in_a_row(there):
            lost.append(span)
            continue
        here = mine[touched[0]], mine[touched[-1]]
        one = _moved(span, here, (there[0], there[-1]), old, new)
        if one.start < one.end:
            moved.append(one)
        else:  # signs alone, which folding drops
            lost.append(span)
    return Carried(moved=_once(moved), lost=_once(lost))


def beside(old: Transcript, new: Transcript, lost: Sequence[Decision]) -> tuple[tuple[Decision, ...], ...]:
    """Each decision over what stands between the words that were heard again before and after its own, a part in each
    turn: the same was said there, whatever was recognised. None where that is nothing, or much more.
    """
    mine, theirs = _words(old), _words(new)
    pairs = _pairs(mine, theirs, timed=old.timed and new.timed)
    numbers = {utterance.id: number for number, utterance in enumerate(old.utterances)}
    place = _Places(mine)
    found: list[tuple[Decision, ...]] = []
    for span in lost:
        touched = place.touched(numbers[span.utterance_id], span) if span.utterance_id in numbers else range(0)
        there = _between(touched, pairs, len(theirs)) if touched else range(0)
        words = [theirs[number] for number in there] if len(there) <= len(touched) + _MORE else []
        turns = (list(run) for _, run in groupby(words, key=lambda word: word.utterance))
        found.append(
            tuple(
                replace(span, utterance_id=new.utterances[run[0].utterance].id, start=run[0].start, end=run[-1].end)
                for run in turns
            )
        )
    return tuple(found)


def _between(touched: range, pairs: dict[int, int], count: int) -> range:
    """What stands in the other transcript after the word that goes before these, and before the one that follows."""
    before = next((pairs[n] for n in range(touched[0] - 1, -1, -1) if n in pairs), -1)
    last = max(pairs, default=-1)
    after = next((pairs[n] for n in range(touched[-1] + 1, last + 1) if n in pairs), count)
    return range(before + 1, after)


def alike(old: Transcript, new: Transcript) -> dict[Spoken, Spoken]:
    """Each word of the old transcript that is recognised again in the new one, and as which it is there."""
    mine, theirs = _words(old), _words(new)
    pairs = _pairs(mine, theirs, timed=old.timed and new.timed)
    return {spoken(mine[one].said): spoken(theirs[other].said) for one, other in pairs.items()}


def spoken(word: Word) -> Spoken:
    """What tells a word from all others of its transcript, wherever turns begin."""
    return word.start_s, word.end_s, word.text.strip()


def _once(decisions: Sequence[Decision]) -> tuple[Decision, ...]:
    """Of those that say the same of the same place the last one: a later decision outweighs an earlier one."""
    last = {replace(decision, reviewer="", at=""): number for number, decision in enumerate(decisions)}
    return tuple(decisions[number] for number in sorted(last.values()))


# --- words ----------------------------------------------------------------------------------------------------------


def _words(transcript: Transcript) -> list[_Word]:
    """The words of all utterances, in order."""
    words: list[_Word] = []
    for number, utterance in enumerate(transcript.utterances):
        text = utterance.text
        plain, origin = fold(text)
        ends = list(accumulate(len(word.text) for word in utterance.words))
        for count, match in enumerate(_WORD.finditer(plain)):
            start = origin[match.start()]
            end = origin[match.end()] if match.end() < len(plain) else len(text)
            end = max(end, start + 1)
            said = utterance.words[bisect_right(ends, start)]
            words.append(_Word(utterance=number, number=count, start=start, end=end, text=match.group(), said=said))
    return words


class _Places:
    """Which words a span touches."""

    def __init__(self, words: Sequence[_Word]) -> None:
        self._ends = [(word.utterance, word.end) for word in words]
        self._starts = [(word.utterance, word.start) for word in words]

    def touched(self, utterance: int, span: Decision) -> range:
        """The indexes of the words that share a character with it."""
        return range(
            bisect_right(self._ends, (utterance, span.start)), bisect_left(self._starts, (utterance, span.end))
        )


def _in_a_row(words: Sequence[_Word]) -> bool:
    first = words[0]
    return all(word.utterance == first.utterance and word.number == first.number + n for n, word in enumerate(words))


# --- pairing --------------------------------------------------------------------------------------------------------


def _pairs(mine: Sequence[_Word], theirs: Sequence[_Word], *, timed: bool) -> dict[int, int]:
    """For each word of the one that has its like in the other, the index of that."""
    return _by_time(mine, theirs) if timed else dict(_by_order([w.text for w in mine], [w.text for w in theirs]))


def _by_order(mine: Sequence[str], theirs: Sequence[str]) -> Iterator[tuple[int, int]]:
    """The fewest changes, and within each stretch that was changed the most pairs."""
    before = (0, 0)
    equal = [op for op in Levenshtein.opcodes(mine, theirs) if op.tag == "equal"]
    for mine_from, mine_to, theirs_from, theirs_to in [
        *((op.src_start, op.src_end, op.dest_start, op.dest_end) for op in equal),
        (len(mine), len(mine), len(theirs), len(theirs)),
    ]:
        changed = Indel.opcodes(mine[before[0] : mine_from], theirs[before[1] : theirs_from])
        for op in changed:
            if op.tag == "equal":
                yield from zip(
                    range(before[0] + op.src_start, before[0] + op.src_end),
                    range(before[1] + op.dest_start, before[1] + op.dest_end),
                    strict=True,
                )
        yield from zip(range(mine_from, mine_to), range(theirs_from, theirs_to), strict=True)
        before = mine_to, theirs_to


def _by_time(mine: Sequence[_Word], theirs: Sequence[_Word]) -> dict[int, int]:
    """The most pairs in order of time, and of those the nearest: the heaviest chain over all pairs within reach."""
    reached = _Reached(len(theirs))
    chain: list[tuple[int, int, int]] = []  # a word, its like, and which pair stands before it in its chain
    for word, likes in _likes(mine, theirs):
        found = [(*reached.before(rank), rank, like, near) for rank, like, near in likes]
        for weight, before, rank, like, near in found:
            chain.append((word, like, before))
            reached.put(rank, weight + near, len(chain) - 1)
    at = reached.before(len(theirs))[1]
    pairs: dict[int, int] = {}
    while at >= 0:
        word, like, at = chain[at]
        pairs[word] = like
    return pairs


def _likes(mine: Sequence[_Word], theirs: Sequence[_Word]) -> Iterator[tuple[int, list[tuple[int, int, float]]]]:
    """Each word in order of time, with (place in order of time, index, weight) of what it may go to."""
    by_text: dict[str, list[tuple[float, int, int]]] = {}
    for rank, index in enumerate(_by_start(theirs)):
        by_text.setdefault(theirs[index].text, []).append((theirs[index].said.start_s, rank, index))
    for place, index in enumerate(_by_start(mine)):
        at_s, same = mine[index].said.start_s, by_text.get(mine[index].text, [])
        here = bisect_left(same, (at_s, place))
        beside = same[max(0, here - _NEAREST) : here + _NEAREST]
        # what lies nearer weighs more, but all of that together less than one pair
        far = 1.0 / (WITHIN_S * (1 + len(mine)))
        yield index, [(n, i, 1.0 - far * abs(s - at_s)) for s, n, i in beside if abs(s - at_s) <= WITHIN_S]


def _by_start(words: Sequence[_Word]) -> list[int]:
    return sorted(range(len(words)), key=lambda index: words[index].said.start_s)


class _Reached:
    """The heaviest chain that ends before a place (Fenwick, "A new data structure for cumulative frequency tables",
    1994, with maxima for sums).
    """

    def __init__(self, size: int) -> None:
        self._best: list[tuple[float, int]] = [(0.0, -1)] * (size + 1)

    def before(self, rank: int) -> tuple[float, int]:
        """(weight, last pair) of the heaviest chain over places below `rank`."""
        best = (0.0, -1)
        while rank > 0:
            best = max(best, self._best[rank])
            rank &= rank - 1
        return best

    def put(self, rank: int, weight: float, pair: int) -> None:
        """A chain of this weight ends at the place `rank`."""
        rank += 1
        while rank < len(self._best):
            self._best[rank] = max(self._best[rank], (weight, pair))
            rank += rank & -rank


# --- moving ---------------------------------------------------------------------------------------------------------


def _moved(
    span: Decision, here: tuple[_Word, _Word], there: tuple[_Word, _Word], old: Transcript, new: Transcript
) -> Decision:
    """The decision over the same part of the same words."""
    text, other = old.utterances[here[0].utterance].text, new.utterances[there[0].utterance]
    if span.verdict in (Verdict.RESTORE, Verdict.UNCLEAR):  # it is about whole words with their punctuation
        start, end = _whole(other.text, there[0].start, there[1].end)
    else:
        start = _start(span.start, text, here[0], other.text, there[0])
        end = _end(span.end, text, here[1], other.text, there[1])
    return replace(span, utterance_id=other.id, start=start, end=end)


def _whole(text: str, start: int, end: int) -> tuple[int, int]:
    while start and not (text[start - 1].isspace() or text[start - 1].isalnum()):
        start -= 1
    while end < len(text) and not (text[end].isspace() or text[end].isalnum()):
        end += 1
    return start, end


def _start(start: int, text: str, here: _Word, other: str, there: _Word) -> int:
    if start > here.start:
        inside = _inside(text[here.start : start], other[there.start : there.end])
        return min(there.start + inside, there.end - 1)
    lead = text[start : here.start].lstrip()
    return there.start - len(lead) if other[: there.start].endswith(lead) else there.start


def _end(end: int, text: str, here: _Word, other: str, there: _Word) -> int:
    if end < here.end:
        return there.start + _inside(text[here.start : end], other[there.start : there.end])
    tail = text[here.end : end].rstrip()
    return there.end + len(tail) if other.startswith(tail, there.end) else there.end


def _inside(head: str, word: str) -> int:
    """Where in the word the part ends that reads as `head`: letters may be written with more code points or fewer."""
    count, origin = len(fold(head)[0]), fold(word)[1]
    return origin[count] if count < len(origin) else len(word)
