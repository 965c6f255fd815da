"""What a recogniser skips: a stretch of three seconds of speech without a word, or with a single one, is decoded again
by itself. For both engines.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import accumulate

from transcribe.asr.common import MARGIN_S
from transcribe.asr.scoring import LONGEST_S
from transcribe.asr.sections import Samples, cut, unsaid
from transcribe.schema import SAMPLE_RATE_HZ, Word

BELIEVED = 0.5
"""Mean probability of words in a stretch that had none: below it they are as likely invented from noise."""
Places = Sequence[tuple[int, int]]


def windows(samples: Samples, first: int, last: int) -> list[tuple[int, int]]:
    """The windows of samples[first:last], cut at pauses.

    A rest no longer than the margin that is left after speech holds none: Whisper, given the last 0.14 s of the sample
    call alone, invented thirty words.
    """
    places = [(first + start, first + end) for start, end in cut(samples[first:last], LONGEST_S)]
    return places[:1] + [(start, end) for start, end in places[1:] if end - start > MARGIN_S * SAMPLE_RATE_HZ]


def shifted(words: Iterable[Word], first: int) -> list[Word]:
    """Words timed in what begins at sample `first` of a section, timed in the section."""
    shift = first / SAMPLE_RATE_HZ
    return [replace(word, start_s=word.start_s + shift, end_s=word.end_s + shift) for word in words]


def filled(words: list[Word], samples: Samples, decoded: Callable[[Places], Iterable[Sequence[Word]]]) -> list[Word]:
    """The words of a section and those that it was found to lack, all timed in its `samples`.

    `decoded` gives the words of half-open sample ranges, to be decoded without names.
    """
    stretches = unsaid(words, len(samples) / SAMPLE_RATE_HZ)
    places = [
        (stretch, place)
        for stretch in stretches
        if not any(stretch[0] < word.start_s < stretch[1] for word in words)  # else it would be heard twice
        for place in windows(samples, *(int(edge * SAMPLE_RATE_HZ) for edge in stretch))
    ]
    for (stretch, _), missed in zip(places, decoded([place for _, place in places]), strict=True):
        spanning = [word for word in words if (word.start_s, word.end_s) == stretch]
        if len(missed) > len(spanning) and sum(word.probability for word in missed) / len(missed) >= BELIEVED:
            words = _put_in([word for word in words if word not in spanning], missed)
    return words


def _put_in(words: list[Word], missed: Sequence[Word]) -> list[Word]:
    """In order of time, but neither of the two in another order of its own: where times fall the text is right."""
    timed = [pair for some in (words, missed) for pair in _rising(some)]
    return [word for _, word in sorted(timed, key=lambda pair: pair[0])]


def _rising(words: Sequence[Word]) -> Iterable[tuple[float, Word]]:
    return zip(accumulate((word.start_s for word in words), max), words, strict=True)
