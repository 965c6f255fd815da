"""Long sound to sections and back: cut at pauses, leave silence out, put the words' times where they belong. Pure.

Both engines compute the spectrogram of all the sound they are given, gigabytes for two hours, so they are given
sections of ten minutes at most. Inside a section only the speech is passed on, its regions joined: silence costs time
and makes Whisper invent. Positions are sample counts until the last step, so nothing is lost or shifted at a cut.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise

import numpy as np
import numpy.typing as npt

from transcribe.schema import SAMPLE_RATE_HZ, Quiet, Word, record

Samples = npt.NDArray[np.float32]
Regions = Sequence[tuple[int, int]]

LONGEST_S = 600.0
SEARCH_S = 150.0
"""A cut is looked for in the last quarter of the longest section: a pause is certain to come in two minutes of talk."""
PAUSE_S = 0.5
"""A pause between utterances; the pauses inside them and the closures of plosives are shorter."""
FRAME_S = 0.02
UNSAID_S = 3.0
"""Longer than any pause that is left inside speech: those of two seconds and more are cut out."""


@record
class Section(Quiet):
    """The speech of one stretch: `samples` of its regions joined, `regions` their half-open places in the recording."""

    samples: Samples
    regions: tuple[tuple[int, int], ...]

    def place(self, word: Word) -> Word:
        """The word, timed in `samples`, timed in the recording; both ends inside the region that holds its middle."""
        starts = [0, *accumulate(end - start for start, end in self.regions)]
        middle = (word.start_s + word.end_s) / 2 * SAMPLE_RATE_HZ
        index = min(max(bisect_right(starts, middle) - 1, 0), len(self.regions) - 1)
        first, last = (edge / SAMPLE_RATE_HZ for edge in self.regions[index])
        shift = first - starts[index] / SAMPLE_RATE_HZ
        start, end = (min(max(time + shift, first), last) for time in (word.start_s, word.end_s))
        return Word(start_s=start, end_s=end, text=word.text, probability=word.probability)


def sections(
    samples: Samples,
    speech: Callable[[Samples], Regions],
    longest_s: float = LONGEST_S,
    known: Sequence[tuple[float, float]] | None = None,
) -> Iterator[Section]:
    """The sections of `samples` (mono, 16 kHz) that hold speech, in order.

    `known` says where speech is, in seconds. Without it `speech` does for a stretch: sorted, disjoint, half-open sample
    positions. It is asked a stretch at a time, which bounds its memory too.
    """
    for start, end in cut(samples, longest_s):
        stretch = samples[start:end]
        found = speech(stretch) if known is None else _within(known, start, end)
        regions = [(first, last) for first, last in found if first < last]
        if regions:
            yield Section(
                samples=np.concatenate([stretch[first:last] for first, last in regions]),
                regions=tuple((start + first, start + last) for first, last in regions),
            )


def _within(known: Sequence[tuple[float, float]], start: int, end: int) -> list[tuple[int, int]]:
    """What of regions in seconds lies in samples start to end, as positions from `start`."""
    places = ((round(first * SAMPLE_RATE_HZ), round(last * SAMPLE_RATE_HZ)) for first, last in known)
    return [
        (max(first, start) - start, min(last, end) - start) for first, last in places if first < end and start < last
    ]


def cut(samples: Samples, longest_s: float = LONGEST_S) -> tuple[tuple[int, int], ...]:
    """Half-open sample ranges of at most `longest_s` that cover `samples` without gap or overlap, cut at pauses."""
    longest = int(longest_s * SAMPLE_RATE_HZ)
    search = int(min(SEARCH_S, longest_s / 4) * SAMPLE_RATE_HZ)
    edges = [0]
    while len(samples) - edges[-1] > longest:
        limit = edges[-1] + longest
        edges.append(limit - search + _quietest(samples[limit - search : limit]))
    if len(samples):
        edges.append(len(samples))
    return tuple(pairwise(edges))


def _quietest(samples: Samples) -> int:
    """The middle of the stretch of PAUSE_S with the least energy; the last one of equals (so sections stay long)."""
    frame = int(FRAME_S * SAMPLE_RATE_HZ)
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    energy = np.einsum("ij,ij->i", frames, frames, dtype=np.float64)
    width = min(int(PAUSE_S / FRAME_S), len(energy))
    if width == 0:
        return len(samples)
    sums = np.convolve(energy, np.ones(width), mode="valid")
    last = len(sums) - 1 - int(np.argmin(sums[::-1]))
    return (last + width // 2) * frame


def unsaid(words: Sequence[Word], duration_s: float) -> tuple[tuple[float, float], ...]:
    """The stretches of a section of `duration_s` that are longer than UNSAID_S and have no word; none if all of it is.

    A word of that length is such a stretch, too: where Whisper skips a sentence in the middle of a window, the times of
    one word span it. `words` are sorted and timed in the section's samples.
    """
    edges = [0.0, *(time for word in words for time in (word.start_s, word.end_s)), duration_s]
    stretches = pairwise(edges)  # before, of, and after each word
    return tuple((start, end) for start, end in stretches if words and end - start > UNSAID_S)


def tidy(words: Iterable[Word], duration_s: float) -> tuple[Word, ...]:
    """The words without empty ones, with starts that never fall, ends after starts, all in [0, `duration_s`].

    The engines' rules for over-long words can move a word's start before its predecessor's (add_word_timestamps in
    both packages). The order of the text is right, so times give way. Milliseconds are finer than Whisper's 20 ms.
    """
    tidied: list[Word] = []
    earliest = 0.0
    for word in words:
        if not word.text.strip():
            continue
        start = min(max(round(word.start_s, 3), earliest), duration_s)
        end = min(max(round(word.end_s, 3), start), duration_s)
        probability = min(max(word.probability, 0.0), 1.0)
        tidied.append(Word(start_s=start, end_s=end, text=word.text, probability=probability))
        earliest = start
    return tuple(tidied)
