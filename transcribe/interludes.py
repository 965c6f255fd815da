"""Where loud stretches in which nobody speaks stand among the words. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import inf

from transcribe.diarise import Regions
from transcribe.diarise.non_speech import SHORTEST_S
from transcribe.schema import Line

Sound = tuple[int, float, float]
"""The number of the word that it stands before, or how many there are; seconds from start to end."""


def placed(lines: Sequence[Line], sounds: Regions) -> Mapping[int, Sequence[Sound]]:
    """Number of a line -> the sounds in it, in order: each before the next word that anybody says, or after the last.

    Words at its edges cut it short. One in which a word has its middle, or of which too little is left, is none.
    """
    spoken = sorted(
        ((word.start_s + word.end_s) / 2, word.start_s, word.end_s, number, place)
        for number, line in enumerate(lines)
        for place, word in enumerate(line.words)
    )
    middles = [word[0] for word in spoken]
    ended = [-inf, *accumulate((word[2] for word in spoken), max)]
    begun = [inf, *accumulate((word[1] for word in reversed(spoken)), min)][::-1]
    found: dict[int, list[Sound]] = {}
    for start_s, end_s in sounds if spoken else ():
        after = bisect_left(middles, start_s)
        if bisect_right(middles, end_s) > after:
            continue
        start_s, end_s = max(start_s, ended[after]), min(end_s, begun[after])
        if round(end_s - start_s, 3) < SHORTEST_S:
            continue
        number = spoken[min(after, len(spoken) - 1)][3]
        place = spoken[after][4] if after < len(spoken) else len(lines[number].words)
        found.setdefault(number, []).append((place, start_s, end_s))
    return found
