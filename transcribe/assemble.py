"""Words and turns to a transcript: whole words go to the speaker whose exclusive turn they overlap most."""

import re
from bisect import bisect_left
from collections.abc import Iterable
from itertools import groupby

from transcribe.schema import MadeBy, Speaker, Transcript, Turn, Turns, Utterance, Word, Words

PAUSE_S = 2.0  # a speaker who goes on after a longer pause begins a new utterance: easier to read and to time
NEAR_S = 0.5  # a word this close to a turn belongs to it: word times of Whisper are good to a few tenths
OVERLAP_S, OVERLAP_SHARE = 0.3, 0.25  # shorter than both is a turn's edge, and no talking over one another
_CLOSED = r"[\"'\u2019\u201d\u00bb)\]]*\s*$"
_ENDS = re.compile(rf"[.?!]{_CLOSED}")
_MAY_END = re.compile(rf"[.?!\u2026\u2013\u2014-]{_CLOSED}")  # broken off it may go on, too
_I = re.compile(r"I(?:\W|$)")


def assemble(recording_id: str, words: Words, turns: Turns, speakers: tuple[Speaker, ...] = ()) -> Transcript:
    """An attributed transcript; every word is kept, in order. Without turns all words are S1's."""
    labels = _labels(words.words, turns.exclusive)
    labels = _settle_edges(words.words, labels)
    utterances = []
    for number, (label, run) in enumerate(_runs(words.words, labels), 1):
        utterances.append(_utterance(number, label, run, turns.all))
    present = sorted({utterance.speaker for utterance in utterances}, key=lambda label: (len(label), label))
    known = {speaker.label: speaker for speaker in speakers}
    named = tuple(known.get(s, Speaker(label=s, role="speaker", person_id=None, confidence=0.0)) for s in present)
    made_by = MadeBy(stage="assemble", engine="transcribe", version="2", model="", model_sha256="")
    return Transcript(
        recording_id=recording_id,
        language=words.language,
        utterances=tuple(utterances),
        speakers=named,
        made_by=(words.made_by, turns.made_by, made_by),
    )


def _labels(words: tuple[Word, ...], turns: tuple[Turn, ...]) -> list[str]:
    """For each word the speaker who overlaps it most; where nobody does, the nearest turn's."""
    ends = [turn.end_s for turn in turns]  # sorted, since exclusive turns never overlap
    labels = []
    for word in words:
        first = bisect_left(ends, word.start_s)
        shares: dict[str, float] = {}
        for turn in turns[first:]:
            if turn.start_s >= word.end_s:
                break
            shared = min(word.end_s, turn.end_s) - max(word.start_s, turn.start_s)
            shares[turn.speaker] = shares.get(turn.speaker, 0.0) + shared
        labels.append(max(shares, key=lambda s: shares[s]) if shares else _nearest(word, turns, first))
    return labels


def _nearest(word: Word, turns: tuple[Turn, ...], first: int) -> str:
    near = turns[max(first - 1, 0) : first + 1]
    if not near:
        return "S1"
    return min(near, key=lambda t: max(t.start_s - word.end_s, word.start_s - t.end_s)).speaker


def _settle_edges(words: tuple[Word, ...], labels: list[str]) -> list[str]:
    """The first or last word of a sentence that fell to the neighbour across a turn's edge goes back to its sentence.

    Only a single word, only when it stands within `NEAR_S` of the rest of it, and only when punctuation and capitals
    say that the sentence belongs together: a lone answer ("Yes.") stays with who gave it, also where a question broke
    off before it. In doubt a word stays where its time puts it.
    """
    settled = list(labels)
    for here in range(1, len(words) - 1):
        before, label, after = labels[here - 1], labels[here], labels[here + 1]
        if label == before or (label != after and before != after):
            continue
        goes_on = not _MAY_END.search(words[here - 1].text) and not _begins(words[here])
        close = words[here].start_s - words[here - 1].end_s < NEAR_S
        if goes_on and _ENDS.search(words[here].text) and close and label == after:
            settled[here] = before
    for here in range(len(words) - 2, 0, -1):
        before, label, after = settled[here - 1], settled[here], settled[here + 1]
        goes_on = not _MAY_END.search(words[here].text) and not _begins(words[here + 1])
        close = words[here + 1].start_s - words[here].end_s < NEAR_S
        if goes_on and _ENDS.search(words[here - 1].text) and close and label == before != after:
            settled[here] = after
    return settled


def _begins(word: Word) -> bool:
    """Whether a word may be a sentence's first: it has a capital, and is no "I"."""
    bare = word.text.lstrip(" \"'\u201c\u2018\u00ab([")
    return bare[:1].isupper() and not _I.match(bare)


def _runs(words: tuple[Word, ...], labels: list[str]) -> Iterable[tuple[str, tuple[Word, ...]]]:
    """Words in order, cut where the speaker changes or falls silent for `PAUSE_S`."""
    number, numbers = 0, []
    for here, word in enumerate(words):
        if here and (labels[here] != labels[here - 1] or word.start_s - words[here - 1].end_s > PAUSE_S):
            number += 1
        numbers.append(number)
    for _, group in groupby(range(len(words)), key=lambda i: numbers[i]):
        places = list(group)
        yield labels[places[0]], tuple(words[i] for i in places)


def _utterance(number: int, label: str, words: tuple[Word, ...], turns: tuple[Turn, ...]) -> Utterance:
    start_s, end_s = words[0].start_s, words[-1].end_s
    first = words[0]
    bare = Word(start_s=first.start_s, end_s=first.end_s, text=first.text.lstrip(), probability=first.probability)
    shared = sum(max(0.0, min(end_s, t.end_s) - max(start_s, t.start_s)) for t in turns if t.speaker != label)
    return Utterance(
        id=f"U{number:04d}",
        speaker=label,
        start_s=start_s,
        end_s=end_s,
        words=(bare, *words[1:]),
        overlapped=shared > max(OVERLAP_S, OVERLAP_SHARE * (end_s - start_s)),
    )
