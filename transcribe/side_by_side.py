"""Two microphones' sound put together while it is decoded, on the clock of the recording."""

from collections.abc import Generator, Sequence

import numpy as np
import numpy.typing as npt

from transcribe.audio import Form, Sink

_TYPES = {"s16le": "<i2", "s32le": "<i4", "f32le": "<f4"}

Samples = npt.NDArray[np.int16] | npt.NDArray[np.int32] | npt.NDArray[np.float32]


class Track:
    """A microphone's sound in one channel, which sounds in the recording from frame `first` to before frame `last`.

    It comes in blocks as it is asked for, so that two that are read in step need little memory.
    """

    def __init__(self, blocks: Generator[memoryview], form: Form, first: int, last: int) -> None:
        self.first, self.last = first, last
        self._blocks = blocks
        self._type = np.dtype(_TYPES[form.sample])
        self._left: Samples = np.zeros(0, self._type)

    def read(self, start: int, stop: int) -> Samples:
        """The frames from `start` to `stop`, each asked for once and in order; silence where there is none."""
        sound: Samples = np.zeros(stop - start, self._type)
        low, high = max(start, self.first), min(stop, self.last)
        while len(self._left) < high - low:
            block = next(self._blocks, None)
            if block is None:
                break  # another version of a resampler gives a few frames fewer
            self._left = np.concatenate([self._left, np.frombuffer(block, self._type)])
        taken = self._left[: max(0, high - low)]
        self._left = self._left[len(taken) :]
        sound[low - start :][: len(taken)] = taken
        return sound

    def end(self) -> None:
        """Let it be decoded to its end, where it is seen whether it is whole."""
        for _ in self._blocks:
            pass


def on_clock(blocks: Generator[memoryview], form: Form, clock: float) -> Generator[memoryview]:
    """The sound of one channel, a second of which lasts `clock` seconds of the recording."""
    if clock == 1.0:
        yield from blocks
        return
    import soxr

    of_type = np.dtype(_TYPES[form.sample])
    resampler = soxr.ResampleStream(form.sample_rate_hz, form.sample_rate_hz * clock, 1, dtype="float64")

    def put_right(sound: Samples, last: bool = False) -> memoryview:
        right = resampler.resample_chunk(np.nan_to_num(sound.astype(np.float64)), last=last)
        if of_type.kind == "i":  # soxr's own rounding hangs on how blocks are cut
            right = np.rint(right).clip(np.iinfo(of_type).min, np.iinfo(of_type).max)
        return memoryview(right.astype(of_type).tobytes())

    for block in blocks:
        yield put_right(np.frombuffer(block, of_type))
    yield put_right(np.zeros(0, of_type), last=True)


def put_together(tracks: Sequence[Track], form: Form, sink: Sink) -> None:
    """The tracks into the sink, a channel each; or their mean, where the form has one. Raises AudioError.

    Where only one of two ran, its sound is that of the other too: it says nothing of who is nearer to which.
    """
    last = max(track.last for track in tracks)
    for start in range(0, last, form.sample_rate_hz):
        stop = min(start + form.sample_rate_hz, last)
        sounds = np.stack([track.read(start, stop) for track in tracks], axis=1)
        for own, track in enumerate(tracks):
            alone = np.ones(stop - start, dtype=bool)
            alone[max(0, track.first - start) : max(0, track.last - start)] = False
            sounds[alone, own] = sounds[alone, 1 - own]
        if form.channels == 1:
            sounds = sounds.mean(axis=1).astype(sounds.dtype)
        sink(memoryview(bytearray(sounds.tobytes())))
    for track in tracks:
        track.end()
