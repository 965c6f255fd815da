"""The stored sound of a recording, one file or several that belong together, on one clock.

Two microphones' files are as one with two channels, a microphone each.

Everything that reads a recording's sound goes through here with the plain bytes that the study keeps of it, open as a
descriptor (`audio.in_memory`): a file as it came is handed to `audio`, the files of a `bundle` are joined first.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import replace

from transcribe import audio, bundle
from transcribe.audio import MONO, Form, Sink
from transcribe.bundle import Bundle, Piece
from transcribe.channels import FORM, Levels
from transcribe.media import Look, Probe, look
from transcribe.schema import Audio
from transcribe.side_by_side import Track, on_clock, put_together

_DEPTHS = ("s16", "s24", "s32", "f32")


def decode(fd: int) -> Audio:
    """The whole sound: mono, 16 kHz, float32 in [-1, 1]. Raises AudioError, StoreError."""
    found = bundle.read(fd)
    if found is None:
        return audio.decode(fd)
    collected = audio.Collected(found.duration_s)
    _join(fd, found, MONO, collected.take)
    return Audio(samples=collected.samples())


def seen(fd: int) -> Look:
    """What the files say of themselves; of several the highest rate, the most channels and the greatest depth."""
    found = bundle.read(fd)
    if found is None:
        return look(fd)
    looks = []
    for piece in found.pieces:
        with bundle.opened(fd, piece.name) as part:
            looks.append(look(part))
    return _together(looks, found)


def _together(looks: list[Look], found: Bundle) -> Look:
    probe = Probe(
        duration_s=found.duration_s,
        sample_rate_hz=max(one.probe.sample_rate_hz for one in looks),
        channels=len(looks) if found.at_once else max(one.probe.channels for one in looks),
        codec=looks[0].probe.codec,
    )
    return Look(probe, of_the_sound=True, depth=max((one.depth for one in looks), key=_DEPTHS.index))


def inspect(fd: int) -> tuple[Probe, float]:
    """What the stored sound says of itself, and its decoded duration in seconds. Raises AudioError, StoreError."""
    form = seen(fd)
    duration_s = stream(fd, form, MONO, lambda block: None)
    return form.probe, duration_s


def stream(fd: int, form_seen: Look, form: Form, sink: Sink) -> float:
    """The whole sound into the sink, in blocks of whole frames of that form, as `audio.stream` does; the seconds."""
    found = bundle.read(fd)
    if found is None:
        return audio.stream(fd, form_seen, form, sink)
    _join(fd, found, form, sink)
    return found.duration_s


def beside(fds: Sequence[int], found: Bundle, form: Form, sink: Sink) -> None:
    """The sound of files that are open, at once, into the sink. Raises AudioError."""
    mono = replace(form, channels=1)
    with ExitStack() as stack:
        tracks = []
        for fd, piece in zip(fds, found.pieces, strict=True):
            blocks = stack.enter_context(closing(audio.blocks(fd, look(fd), mono)))
            tracks.append(Track(on_clock(blocks, mono, piece.clock), mono, *_edges(piece, form)))
        put_together(tracks, form, sink)


def levels(fd: int, most_s: float = float(audio.LONGEST_S)) -> Levels:
    """How loud the two channels are, to tell who speaks by them (`channels.turns`); of `most_s` seconds, about.

    Raises AudioError, StoreError.
    """
    return levels_of(lambda sink: stream(fd, seen(fd), FORM, sink), most_s)


def levels_of(pour: Callable[[Sink], object], most_s: float) -> Levels:
    """The same of whatever `pour` pours into a sink in `channels.FORM`."""
    found = Levels()

    def take(block: memoryview) -> None:
        found.take(block)
        if found.duration_s >= most_s:
            raise _Enough

    with suppress(_Enough):
        pour(take)
    return found


class _Enough(Exception):
    """No more is asked for: ffmpeg need not go on."""


def _join(fd: int, found: Bundle, form: Form, sink: Sink) -> None:
    """One part after the other, each exactly as long as it was when it was taken in: the clock is the recording's."""
    if found.at_once:
        with ExitStack() as stack:
            fds = [stack.enter_context(bundle.opened(fd, piece.name)) for piece in found.pieces]
            beside(fds, found, form, sink)
        return
    for piece in found.pieces:
        first, last = _edges(piece, form)
        exactly = _Exactly((last - first) * form.frame_bytes, sink)
        with bundle.opened(fd, piece.name) as part:
            audio.stream(part, look(part), form, exactly.take)
        exactly.end()


def _edges(piece: Piece, form: Form) -> tuple[int, int]:
    """The frames of the recording between which a piece sounds."""
    return round(piece.start_s * form.sample_rate_hz), round(piece.end_s * form.sample_rate_hz)


class _Exactly:
    """Hands on so many bytes; a resampler, or another version of it, gives a few frames more or less."""

    def __init__(self, size: int, sink: Sink) -> None:
        self._left = size
        self._sink = sink

    def take(self, block: memoryview) -> None:
        block = block[: self._left]
        self._left -= len(block)
        if block:
            self._sink(block)

    def end(self) -> None:
        """What is missing is silence."""
        self.take(memoryview(bytearray(self._left)))
