"""Loud stretches in which nobody speaks, such as an infant's crying: where they are, never what they are. Pure.

Loud is what stands out of the recording's own background and comes near its own speech, so that neither the gain of a
recorder nor a hum, a hiss or music under the talk makes a stretch. Levels are mean squares of samples in [-1, 1].
"""

import math

import numpy as np
import numpy.typing as npt

from transcribe.diarise import Regions
from transcribe.schema import SAMPLE_RATE_HZ, Audio

FRAME_S = 0.05  # the level is taken over this long: some periods of any sound that can be heard, and less than a breath
FRAME = round(FRAME_S * SAMPLE_RATE_HZ)
SHORTEST_S = 2.0  # a door, a cough and a toy that falls are over by then
BRIDGED_S = 0.5  # infants draw breath for less between two cries of about a second: LaGasse et al., "Assessment of
# infant cry", Mental Retardation and Developmental Disabilities Research Reviews 11, 2005, 83-93
QUIET_PERCENT = 10  # so much of any conversation is pauses; what is heard for longer than the rest is the background
LOUDER_DB = 6.0
"""Than the background, four times its power: rooms of the development interviews swing by 2 dB. With 10 dB, crying that
is 3 dB louder than speech was lost in the one whose noise is 10 dB under speech."""
BELOW_DB = 15.0  # under speech: an infant in the next room; music under talk is kept lower
FAINTEST_DBFS = -50.0  # where nobody speaks to compare with: above a recorder's own noise


def find(audio: Audio, speech: Regions) -> Regions:
    """The stretches of at least `SHORTEST_S` outside `speech`, in seconds, to a frame; `BRIDGED_S` of quiet in one is
    borne. Needs memory for a number a frame, however long the sound.
    """
    levels = _levels(audio.samples)
    spoken = np.zeros(len(levels), dtype=bool)
    for start_s, end_s in speech:
        spoken[math.floor(start_s / FRAME_S) : math.ceil(end_s / FRAME_S)] = True
    if spoken.all():
        return ()
    return _stretches(~spoken & (levels > _threshold(levels, spoken)), spoken)


def _levels(samples: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The mean square of each whole frame; the samples are not copied."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    levels: npt.NDArray[np.float32] = np.einsum("ij,ij->i", frames, frames)
    levels /= FRAME
    return levels


def _threshold(levels: npt.NDArray[np.float32], spoken: npt.NDArray[np.bool_]) -> float:
    """The level above which a frame is loud."""
    background = float(np.percentile(levels, QUIET_PERCENT))
    if not spoken.any():
        return max(background * _ratio(LOUDER_DB), _ratio(FAINTEST_DBFS))
    talk = float(levels[spoken].mean(dtype=np.float64))
    return max(background * _ratio(LOUDER_DB), talk * _ratio(-BELOW_DB))


def _ratio(decibels: float) -> float:
    return float(10 ** (decibels / 10))


def _stretches(loud: npt.NDArray[np.bool_], spoken: npt.NDArray[np.bool_]) -> Regions:
    """Runs of loud frames, joined over short quiet in which nobody speaks, the long ones of them."""
    edges = np.flatnonzero(np.diff(loud.astype(np.int8), prepend=0, append=0))
    firsts, ends = edges[::2], edges[1::2]
    said = np.concatenate(([0], np.cumsum(spoken)))  # frames of speech before each frame
    apart = (firsts[1:] - ends[:-1] >= round(BRIDGED_S / FRAME_S)) | (said[firsts[1:]] > said[ends[:-1]])
    firsts, ends = firsts[np.append(True, apart)[: len(firsts)]], ends[np.append(apart, True)[: len(ends)]]
    long = ends - firsts >= round(SHORTEST_S / FRAME_S)
    pairs = zip(firsts[long].tolist(), ends[long].tolist(), strict=True)
    return tuple((round(first * FRAME_S, 3), round(end * FRAME_S, 3)) for first, end in pairs)
