"""Two channels with a speaker each: who speaks is who is louder.

Each microphone hears the other speaker too, softer. How much softer is learnt from the recording itself: the difference
of the two levels gathers round two values, one for each speaker. Where it stays between them, and the two sounds are
not one sound and its echo, both speak at once.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from transcribe.audio import Form
from transcribe.schema import SAMPLE_RATE_HZ, MadeBy, Quiet, Turn, Turns, record

FORM = Form(sample_rate_hz=SAMPLE_RATE_HZ, channels=2, sample="f32le")
ENGINE, VERSION = "channels", "1"
LISTENED_S = 600.0
"""How much of a recording is listened to for a hint."""
FRAME_S = 0.02
FRAME = round(FRAME_S * SAMPLE_RATE_HZ)
SLOT = 4  # frames that are compared for an echo at once
LAG = SAMPLE_RATE_HZ // 100  # samples of an echo at most: 10 ms, which is a way of 3.4 m
SIZE = 2048  # of the transform: a slot and the lag on both sides
VOICE_HZ = (200, 3500)  # where voices are; rumble and hiss are not listened to
ALIKE = 0.75  # of one in the correlation of two sounds: more is one sound and its echo
SMOOTH, SMOOTHER = 5, 15  # frames to a level, and where both speak at once, whose syllables take turns
QUIET_DB = -75.0  # relative to full scale; no microphone's noise is softer
ABOVE_DB = 6.0  # over the noise is a voice
BELOW_DB = 35.0  # under the loudest is none any more
TWO_DB = 6.0  # between two values that are two
PLAIN_DB = 12.0  # between two values that leave no doubt
PLAIN_SHARE = 0.1  # of the speech is each speaker's at least, where there is no doubt
PLAIN_S = 5.0  # of speech at least, to say anything
SAME = 0.95  # in the correlation of two sounds is one sound, and
SAME_DB = 1.0  # apart is one sound in both
BORNE = 0.5  # of the speech of whom a channel is to be has a voice in that channel, or it is nobody's
BETWEEN = 0.3  # of the way from one value to the other is not yet between them
PAUSE_S = 0.5  # in a turn
BOTH_S = 0.2  # shorter is the change from one to the other
SHORT_S = 0.1  # shorter is a click
_LEAST = 1e-12

Regions = tuple[tuple[float, float], ...]
Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]


class Levels:
    """A sink of sound in `FORM` that keeps how loud each channel is, and how alike the two are; no sound."""

    def __init__(self) -> None:
        self._left: npt.NDArray[np.float32] = np.zeros((0, 2), dtype=np.float32)
        self._loud: list[Values] = []
        self._alike: list[Values] = []
        self.duration_s = 0.0

    def take(self, block: memoryview) -> None:
        """Whole frames of sound."""
        samples = np.nan_to_num(np.frombuffer(block, dtype=np.float32).reshape(-1, 2))
        self.duration_s += len(samples) / SAMPLE_RATE_HZ
        samples = np.concatenate([self._left, samples])
        whole = len(samples) // (FRAME * SLOT) * FRAME * SLOT
        self._left = samples[whole:]
        frames = samples[:whole].reshape(-1, FRAME, 2)
        spectra = np.abs(np.fft.rfft(frames * np.hanning(FRAME)[:, np.newaxis], axis=1)[:, _bins(FRAME)])
        self._loud.append((spectra**2).sum(axis=1) / (FRAME / 2) ** 2)
        self._alike.append(_alike(samples[:whole].reshape(-1, FRAME * SLOT, 2)))

    def loud_db(self, smooth: int = SMOOTH) -> Values:
        """(frames, 2): the level of each frame, with so many around it."""
        power = np.concatenate([np.zeros((0, 2)), *self._loud])
        if not len(power):
            return power
        around = np.ones(smooth) / smooth
        even = np.stack([np.convolve(power[:, one], around)[smooth // 2 :][: len(power)] for one in (0, 1)], axis=1)
        levels: Values = 10 * np.log10(np.maximum(even, _LEAST))
        return levels

    @property
    def alike(self) -> Values:
        """(frames,): how alike the channels are, 0 to 1, at whatever lag they are most."""
        return np.repeat(np.concatenate([np.zeros(0), *self._alike]), SLOT)


def _bins(size: int) -> slice:
    """Those of a transform in which voices are."""
    low, high = (round(hz * size / SAMPLE_RATE_HZ) for hz in VOICE_HZ)
    return slice(low, high)


def _alike(slots: npt.NDArray[np.float32]) -> Values:
    """The greatest correlation of the two channels (slots, samples, 2) over `LAG` on both sides."""
    found = []
    for slot in slots:  # one at a time: the transforms of a block would take a hundred times its memory
        spectra = np.fft.rfft(slot, SIZE, axis=0)[_bins(SIZE)]
        power = (np.abs(spectra) ** 2).sum(axis=0)
        crossed = np.zeros(SIZE // 2 + 1, dtype=complex)
        crossed[_bins(SIZE)] = spectra[:, 0] * np.conj(spectra[:, 1])
        product = np.abs(np.fft.irfft(crossed, SIZE)) * SIZE / 2
        peak = max(product[: LAG + 1].max(), product[-LAG:].max())
        found.append(float(peak / np.sqrt(power.prod())) if power.min() > _LEAST else 0.0)
    return np.array(found)


@record
class _Heard(Quiet):
    """Of each frame: whether anybody speaks, in which channels a voice may be, and the difference of their levels, with
    the two values that it gathers round.
    """

    anybody: Mask
    voices: Mask
    difference_db: Values
    first_db: float
    second_db: float

    @property
    def middle_db(self) -> float:
        return (self.first_db + self.second_db) / 2

    @property
    def are_two(self) -> bool:
        return self.first_db - self.second_db >= TWO_DB


def _hear(levels: Levels, within: Mask | None = None) -> _Heard:
    loud = levels.loud_db()
    if not len(loud):
        nothing = np.zeros(0, dtype=bool)
        return _Heard(anybody=nothing, voices=np.zeros((0, 2), dtype=bool), difference_db=np.zeros(0),
                      first_db=0.0, second_db=0.0)  # fmt: skip
    noise = np.maximum(np.percentile(loud, 5, axis=0), QUIET_DB)
    least = np.maximum(noise + ABOVE_DB, np.percentile(loud, 98, axis=0) - BELOW_DB)
    voices: Mask = loud > least
    anybody: Mask = voices[:, 0] | voices[:, 1]
    if within is not None:
        anybody = anybody & within
    difference = loud[:, 0] - loud[:, 1]
    without = float(noise[0] - noise[1])
    first, second = _gathered(difference[anybody], without)
    upper = difference > (first + second) / 2
    borne = [voices[anybody & who, channel] for channel, who in enumerate((upper, ~upper))]
    if first > second and any(not len(heard) or heard.mean() < BORNE for heard in borne):
        first = second = without  # one speaker, loud and soft, and a channel in which there is nobody
    return _Heard(anybody=anybody, voices=voices, difference_db=difference, first_db=first, second_db=second)


def _gathered(values: Values, without: float) -> tuple[float, float]:
    """The two values that these gather round, the higher first (k-means in one dimension); where they are one, both
    are where nobody's level would differ.
    """
    if not len(values):
        return without, without
    high, low = (float(one) for one in np.percentile(values, (90, 10)))
    for _ in range(50):
        upper = values > (high + low) / 2
        if upper.all() or not upper.any():
            break
        before, high, low = (high, low), float(values[upper].mean()), float(values[~upper].mean())
        if before == (high, low):
            break
    return (high, low) if high - low >= TWO_DB else (without, without)


def apart(levels: Levels) -> bool:
    """Whether the channels plainly hold a speaker each: two values far apart, and speech round both."""
    heard = _hear(levels)
    spoken = heard.difference_db[heard.anybody]
    if len(spoken) * FRAME_S < PLAIN_S or heard.first_db - heard.second_db < PLAIN_DB:
        return False
    near = PLAIN_DB / 2
    shares = [float((np.sign(way) * (spoken - heard.middle_db) > near).mean()) for way in (1, -1)]
    return min(shares) >= PLAIN_SHARE and sum(shares) >= 1 - PLAIN_SHARE * 2


def same(levels: Levels) -> bool:
    """Whether both channels hold one sound, as a mono recording in stereo has it: then they tell nothing."""
    heard = _hear(levels)
    spoken = heard.difference_db[heard.anybody]
    return (
        len(spoken) > 0
        and float((np.abs(spoken - np.median(spoken)) < SAME_DB).mean()) > 1 - PLAIN_SHARE / 2
        and (float(np.median(levels.alike[heard.anybody[: len(levels.alike)]])) > SAME)
    )


def turns(levels: Levels, speech: Regions) -> Turns:
    """Who speaks when, within `speech` (where anybody may be speaking): S1 is the first channel, S2 the second."""
    count = len(levels.loud_db())
    heard = _hear(levels, _mask(speech, count))
    louder = heard.difference_db > heard.middle_db
    if not heard.are_two:
        both = np.zeros(count, dtype=bool)
    else:
        edge = BETWEEN * (heard.first_db - heard.second_db)
        difference = -np.diff(levels.loud_db(SMOOTHER), axis=1)[:, 0]
        between = (difference < heard.first_db - edge) & (difference > heard.second_db + edge)
        spoken = heard.voices.all(axis=1) & heard.anybody
        both = _without_short(_closed(between & spoken & (levels.alike < ALIKE), ~spoken), BOTH_S)
    speaks = [_without_short(heard.anybody & (who | both), SHORT_S) for who in (louder, ~louder)]
    speaks = [_closed(own, other) for own, other in zip(speaks, reversed(speaks), strict=True)]
    alone = _alone(speaks, heard.difference_db - heard.middle_db)
    made_by = MadeBy(stage="diarise", engine=ENGINE, version=VERSION, model="", model_sha256="")
    return Turns(all=_listed(speaks), exclusive=_listed(alone), made_by=made_by)


def _mask(regions: Regions, count: int) -> Mask:
    mask = np.zeros(count, dtype=bool)
    for start_s, end_s in regions:
        mask[round(start_s / FRAME_S) : round(end_s / FRAME_S)] = True
    return mask


def _stretches(mask: Mask) -> list[tuple[int, int]]:
    """Half-open runs of frames."""
    edges = np.flatnonzero(np.diff(mask.astype(np.int8), prepend=0, append=0))
    return [(int(first), int(last)) for first, last in zip(edges[::2], edges[1::2], strict=True)]


def _without_short(mask: Mask, least_s: float) -> Mask:
    kept = np.zeros_like(mask)
    for first, last in _stretches(mask):
        kept[first:last] = (last - first) * FRAME_S >= least_s
    return kept


def _closed(own: Mask, other: Mask) -> Mask:
    """What goes on over a pause shorter than `PAUSE_S`, unless `other` stands in it."""
    closed = own.copy()
    runs = _stretches(own)
    for (_, end), (start, _) in pairwise(runs):
        if (start - end) * FRAME_S < PAUSE_S and not other[end:start].any():
            closed[end:start] = True
    return closed


def _alone(speaks: list[Mask], difference: Values) -> list[Mask]:
    """Where both speak at once the whole stretch is whose who is louder in it."""
    first, second = (one.copy() for one in speaks)
    for start, end in _stretches(first & second):
        (second if difference[start:end].mean() > 0 else first)[start:end] = False
    return [first, second]


def _listed(speaks: list[Mask]) -> tuple[Turn, ...]:
    found = [
        Turn(start_s=round(first * FRAME_S, 3), end_s=round(last * FRAME_S, 3), speaker=f"S{number}")
        for number, mask in enumerate(speaks, 1)
        for first, last in _stretches(mask)
    ]
    return tuple(sorted(found, key=lambda turn: (turn.start_s, turn.end_s, turn.speaker)))
