"""Voiceprints: whose voice a label is, by vectors of people who agreed to be recognised by theirs.

A vector is CAM++'s of the moments in which somebody speaks alone, of unit length; two of them are compared by their
cosine. Nothing here reads or writes a study: `enrolment` says whose vectors may be kept, and where.

Measured on stretches of 15 to 20 s of development data that the numbers below were not fitted on (the third
LibriSpeech conversation and d3, 5 voices), pairs over the threshold: of one voice 29 of 29 as they are, 77 of 77 where
noise is added to one, 14 of 77 where one is cut to the telephone's band; of two voices 0 of 142, 0 of 284 and 0 of 284.
Where both are cut to it, voices grow alike: of two voices 2 of 142 here, and 50 of 415 of those that it was fitted on.
d2 against itself in a noisy room: of one voice 289 of 304, of two 0 of 192; AMI, half a minute each: 2 of 3, 0 of 18.
"""

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from transcribe.schema import SAMPLE_RATE_HZ, Audio, Quiet, Turn, Turns, record

Vector = npt.NDArray[np.float32]
Embed = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.float32]]
"""Sound (pieces, samples) at 16 kHz to vectors (pieces, 192) of any length."""

MODEL = "campplus"
PIECE_S = 6.0  # of speech to a vector, before they are averaged
LEAST_S = 3.0  # of speech alone; less tells nobody
ENOUGH_S = 60.0
_BLINK_S = 0.3  # what is left of a turn beside an overlap, and is shorter, is left out
# The logistic of the cosine, fitted with both classes weighing the same (543 pairs of one voice, 3 735 of two) on
# stretches of 15 to 20 s of two LibriSpeech conversations, d1 and d2: as they are, in the telephone's band (300 to
# 3 400 Hz) and with white noise at 10 dB, each against each.
SLOPE = 14.0
MIDDLE = 0.4
SURE = 0.95  # reached at a cosine of .61: a wrong name is worse than none
MOST = 0.99  # at .73; so few voices were measured that no more is said


@record
class Match(Quiet):
    """A label taken for somebody by voice: the id she is known under, and how probable it is."""

    label: str
    whom: str
    probability: float


@lru_cache(maxsize=1)
def network(weights: Path) -> Embed:
    """CAM++ over a verified folder, loaded once for all recordings. Raises WeightsError if it cannot be loaded."""
    import torch

    from transcribe.diarise import campplus

    loaded = campplus.load(weights / campplus.FILE)

    def embed(pieces: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        with torch.inference_mode():
            found: npt.NDArray[np.float32] = campplus.embed(loaded, torch.from_numpy(pieces)).numpy()
        return found

    return embed


def alone(turns: Turns, label: str) -> tuple[tuple[float, float], ...]:
    """Where a label speaks and nobody else does, sorted: its longest exclusive turns, up to `ENOUGH_S` in all.

    Overlapped speech is left out, so that no vector holds anything of another person.
    """
    others = [turn for turn in turns.all if turn.speaker != label]
    own = [turn for turn in turns.exclusive if turn.speaker == label]
    taken: list[tuple[float, float]] = []
    left_s = ENOUGH_S
    for turn in sorted(own, key=lambda turn: (turn.start_s - turn.end_s, turn.start_s)):
        for start, end in _without(turn, others):
            if left_s > 0:
                taken.append((start, min(end, start + left_s)))
                left_s -= end - start
    return tuple(sorted(taken))


def _without(turn: Turn, others: list[Turn]) -> list[tuple[float, float]]:
    """The pieces of a turn in which none of the others is heard."""
    pieces = [(turn.start_s, turn.end_s)]
    for other in others:
        if other.start_s < turn.end_s and other.end_s > turn.start_s:
            cut = [((a, min(b, other.start_s)), (max(a, other.end_s), b)) for a, b in pieces]
            pieces = [piece for both in cut for piece in both]
    return [(start, end) for start, end in pieces if end - start >= _BLINK_S]


def vectors(audio: Audio, turns: Turns, embed: Embed, labels: frozenset[str] | None = None) -> dict[str, Vector]:
    """The vector (192,) of each label, or of those named, that speaks alone for `LEAST_S` or longer."""
    spoken = sorted({turn.speaker for turn in turns.exclusive})
    wanted = [label for label in spoken if labels is None or label in labels]
    found = {label: _vector(audio, alone(turns, label), embed) for label in wanted}
    return {label: vector for label, vector in found.items() if vector is not None}


def _vector(audio: Audio, spans: tuple[tuple[float, float], ...], embed: Embed) -> Vector | None:
    """The mean over pieces of equal length, each of unit length first, so that no loud or odd piece decides."""
    cut = [audio.samples[round(start * SAMPLE_RATE_HZ) : round(end * SAMPLE_RATE_HZ)] for start, end in spans]
    speech = np.concatenate([np.zeros(0, dtype=np.float32), *cut])
    if len(speech) < LEAST_S * SAMPLE_RATE_HZ:
        return None
    count = max(1, round(len(speech) / (PIECE_S * SAMPLE_RATE_HZ)))
    pieces = speech[: len(speech) // count * count].reshape(count, -1)
    return unit(np.stack([unit(one) for one in embed(pieces)]).mean(axis=0))


def unit(vector: npt.NDArray[np.float32]) -> Vector:
    """The vector with length 1; one without any length as it is."""
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector


def probability(cosine: float) -> float:
    """How probable it is that two vectors of that cosine are one person's, where either is as likely beforehand."""
    odds = _odds(cosine)
    return odds / (1 + odds)


def _odds(cosine: float) -> float:
    return math.exp(SLOPE * (cosine - MIDDLE))


def match(heard: Mapping[str, Vector], known: Mapping[str, tuple[Vector, ...]]) -> tuple[Match, ...]:
    """The labels of a recording that are somebody's with `SURE` or more, the surest first; nobody is two labels.

    A person is as near to a label as the nearest of her vectors. The odds are those of `probability`; the other people
    who are near to the label, the other labels that are near to the person, and nobody share one whole with them, which
    is the margin to the second best: of two that are equally near neither gets more than half.
    """
    odds = {
        (label, whom): _odds(max(float(vector @ own) for own in owned))
        for label, vector in heard.items()
        for whom, owned in known.items()
        if owned
    }
    surest: list[Match] = []
    for (label, whom), value in odds.items():
        rivals = sum(v for (other, person), v in odds.items() if (other == label) != (person == whom))
        p = value / (1 + value + rivals)
        if p >= SURE:
            surest.append(Match(label=label, whom=whom, probability=min(round(p, 3), MOST)))
    return tuple(sorted(surest, key=lambda one: (-one.probability, one.label)))
