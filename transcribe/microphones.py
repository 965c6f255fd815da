"""Two recorders that ran at the same time: how their clocks stand to each other, by what both of them heard.

Each is reduced to how loud its bands of voice are, a hundred times a second; no sound is kept. Where two recorders
heard one room these rise and fall together, at one offset and no other, however loud each was set and whoever sat
nearer. The offset is found over the whole first, and then in every minute, which tells whether it holds, grows as it
does where one clock runs faster, or jumps.
"""

from enum import Enum
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from transcribe.errors import AudioError
from transcribe.schema import SAMPLE_RATE_HZ, Quiet, record

RATE_HZ = 100  # of the levels
HOP = SAMPLE_RATE_HZ // RATE_HZ
BANDS_HZ = (200, 400, 600, 900, 1200, 1700, 2400, 3500)  # edges: where voices are
COARSE = 5  # levels to one where the whole is compared, so that clocks which run apart still meet
EVEN_S = 1.0  # slower changes tell nothing: recorders adjust themselves
SURE = 8.0  # times the spread of the agreement at all other offsets, which nowhere comes to 6 by chance
LEAST = 10 * RATE_HZ  # that both must have heard
STRETCH_S = 60.0  # in which the offset is found again
AROUND_S = 5.0  # of the whole's
MOST_UNSURE = 0.5  # of the stretches, in which nobody speaks or both hear little
STEADY_S = 0.02  # an offset that changes by no more is one offset
MOST_BESIDE_S = 0.04  # that a minute's may lie beside what the clocks say: turns by channel bear it, and 0.06 not
TELLING = 4  # stretches, of fewer the scatter of two would pass for a clock
MOST_APART = 300e-6  # of two clocks: a recorder's quartz is right to some 50 millionths, a bad one to 100
_LEAST = 1e-5  # no microphone's noise is softer (-75 dB of full scale)
_SMALL = 1e-3

Kept = npt.NDArray[np.float32]
Heights = npt.NDArray[np.float64]


class Misfit(Enum):
    """Why two files are not taken for one conversation: what is wrong, and what to do next."""

    STRANGERS = ("the two do not fit each other: they hold no stretch of one conversation", "add each without --as")
    BREAK = (
        "the two fit each other only in part, as when one recorder was stopped in between",
        "add one of them alone",
    )
    DRIFT = ("the clocks of the two recorders run too far apart", "add one of them alone")

    def error(self) -> AudioError:
        """A fresh exception."""
        what, advice = self.value
        return AudioError(what, advice=advice)


class Heard:
    """A sink of sound in `audio.MONO` that keeps how loud each band is, (levels, bands) in dB; no sound."""

    def __init__(self) -> None:
        self._left: Kept = np.zeros(0, dtype=np.float32)
        self._kept: list[Kept] = []

    def take(self, block: memoryview) -> None:
        """Whole samples of sound."""
        samples = np.concatenate([self._left, np.nan_to_num(np.frombuffer(block, dtype=np.float32))])
        whole = len(samples) // HOP * HOP
        self._left = samples[whole:]
        power = np.abs(np.fft.rfft(samples[:whole].reshape(-1, HOP) * np.hanning(HOP), axis=1)) ** 2
        edges = [hz * HOP // SAMPLE_RATE_HZ for hz in BANDS_HZ]
        bands = np.add.reduceat(power[:, : edges[-1]], edges[:-1], axis=1)
        self._kept.append((10 * np.log10(np.maximum(bands, _LEAST))).astype(np.float32))

    @property
    def levels(self) -> Kept:
        return np.concatenate([np.zeros((0, len(BANDS_HZ) - 1), dtype=np.float32), *self._kept])


@record
class Offset(Quiet):
    """By how many seconds of the first's clock the second began later (below nothing: earlier), and how long a second
    of the second's clock lasts by the first's.
    """

    later_s: float
    clock: float


def offset(first: Heard, second: Heard) -> Offset:
    """How two recorders stand to each other. Raises AudioError: they heard different things, one of them was stopped in
    between, or their clocks run apart by more than `MOST_APART`.
    """
    about = _coarse(first.levels, second.levels)
    if about is None:
        raise Misfit.STRANGERS.error()
    found = _by_stretch(first.levels, second.levels, about)
    sure = np.array([(at, later) for at, later in found if later is not None]) / RATE_HZ
    if len(sure) < MOST_UNSURE * len(found):
        raise Misfit.BREAK.error()
    at_s, later_s = sure.T
    apart_s = float(np.ptp(later_s))
    borne = apart_s <= 2 * MOST_BESIDE_S
    steady = Offset(later_s=float(later_s.max() + later_s.min()) / 2, clock=1.0)
    if apart_s <= STEADY_S or (borne and len(sure) < TELLING):
        return steady
    grows, begins_s = np.polyfit(at_s, later_s, 1)
    jumps = np.abs(begins_s + grows * at_s - later_s).max() > MOST_BESIDE_S
    if jumps or abs(grows) > MOST_APART:
        if borne:
            return steady
        raise (Misfit.BREAK if jumps else Misfit.DRIFT).error()
    clock = float(1 / (1 - grows))  # second's time is (1 - grows) of the first's, less what it began later
    return Offset(later_s=float(begins_s) * clock, clock=clock)


def _coarse(first: Kept, second: Kept) -> int | None:
    """The offset of the whole in levels, about; None where there is none."""
    rate_hz = RATE_HZ // COARSE
    found = _best(_even(_fewer(first), rate_hz), _even(_fewer(second), rate_hz), LEAST // COARSE)
    return None if found is None else round(found * COARSE)


def _by_stretch(first: Kept, second: Kept, about: int) -> list[tuple[float, float | None]]:
    """The middle of each stretch of what both heard, and the offset there, in levels; None where it is not sure, there
    or anywhere.
    """
    begin, end = max(0, about), min(len(first), len(second) + about)
    count = max(1, (end - begin) // round(STRETCH_S * RATE_HZ))
    edges = [begin + (end - begin) * number // count for number in range(count + 1)]
    around = round(AROUND_S * RATE_HZ)
    found: list[tuple[float, float | None]] = []
    for start, stop in pairwise(edges):
        low = max(0, start - about - around)
        there = second[low : max(0, stop - about + around)]
        best = _best(_even(first[start:stop], RATE_HZ), _even(there, RATE_HZ), LEAST)
        later = best + start - low if best is not None else _elsewhere(first, second, (start, stop), about)
        found.append(((start + stop) / 2, later))
    return found


def _elsewhere(first: Kept, second: Kept, stretch: tuple[int, int], about: int) -> float | None:
    """The offset at which what one of the two heard in a stretch is found anywhere in the other."""
    start, stop = stretch
    of_first = _coarse(first[start:stop], second)
    if of_first is not None:
        return float(of_first + start)
    of_second = _coarse(first, second[start - about : stop - about])
    return None if of_second is None else float(of_second - start + about)


def _fewer(levels: Kept) -> Kept:
    whole = len(levels) // COARSE * COARSE
    fewer: Kept = levels[:whole].reshape(-1, COARSE, levels.shape[1]).mean(axis=1)
    return fewer


def _even(levels: Kept, rate_hz: int) -> Heights:
    """The levels less their mean over `EVEN_S`."""
    around = round(EVEN_S * rate_hz) // 2
    padded = np.pad(levels.astype(np.float64), ((around + 1, around), (0, 0)), mode="edge")
    sums = np.cumsum(padded, axis=0)
    width = 2 * around + 1
    even: Heights = levels - (sums[width:] - sums[:-width]) / width
    return even


def _best(first: Heights, second: Heights, least: int) -> float | None:
    """By how many places `second` begins later than `first`, where they agree most over `least` places or more; None
    where they agree by chance.

    The agreement at an offset is the sum of products over what its spread would be if they were independent.
    """
    if min(len(first), len(second)) < least:
        return None
    size = 1 << (len(first) + len(second) - 1).bit_length()
    product, spread = _crossed(first, second, size), _crossed(first**2, second**2, size)
    offsets = np.arange(least - len(second), len(first) - least + 1)
    agreement = product[offsets] / np.sqrt(np.maximum(spread[offsets], _SMALL * spread.max() + _LEAST))
    at = int(np.argmax(agreement))
    if agreement[at] < SURE * np.median(np.abs(agreement)) / 0.6745:  # a normal spread's
        return None
    left, top, right = (float(one) for one in agreement[np.clip([at - 1, at, at + 1], 0, len(agreement) - 1)])
    return float(offsets[at]) + (right - left) / 2 / max(2 * top - left - right, _LEAST)  # of a parabola through them


def _crossed(first: Heights, second: Heights, size: int) -> Heights:
    """The sums of products at each offset, over all bands."""
    total = np.zeros(size)
    for one, other in zip(first.T, second.T, strict=True):
        total += np.fft.irfft(np.fft.rfft(one, size) * np.conj(np.fft.rfft(other, size)), size)
    return total
