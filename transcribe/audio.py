"""Recordings to sound: any file that ffmpeg reads, from a descriptor, to mono 16 kHz float32.

The file is named to ffmpeg as `/dev/fd/N`: opening that gives a fresh offset and lets it seek, which a phone's m4a
needs (its index stands at the end), and works alike for a file and for a memfd, where an encrypted recording is opened
in memory. Decoded sound arrives through a pipe and is never written to disk.
"""

import fcntl
import os
import select
import subprocess
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import IO

import ffmpeg
import numpy as np
import numpy.typing as npt

from transcribe import containers
from transcribe.media import DEMUXERS, Look, Refusal, child_environment, look, restrain
from transcribe.media import Probe as Probe
from transcribe.media import probe as probe
from transcribe.media import program as program
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Quiet, record

BYTES_PER_S = 4 * SAMPLE_RATE_HZ
LONGEST_S = 24 * 3600
SHORTEST_S = 0.1
STALL_S = 120
MOST_BYTES_PER_S = 100_000_000  # more than a camera writes with its picture
SPARE_BYTES = 100_000_000
COUNTED_S = 0.2  # that may be missing of what a header counts in samples or frames: a decoder's start, a damaged frame
SILENCE = 2 / 32768  # at most the last bit of a 16-bit converter, which dithers
BLOCK = 1 << 20  # bytes a read, or a little less: whole frames
GROWTH = 1 << 26  # bytes: 17 minutes of sound
CUT_MESSAGES = ("partial file", "File ended prematurely", "moov atom not found", "Truncat")

QUIETLY = ("-nostdin", "-hide_banner", "-v", "error")

Sink = Callable[[memoryview], None]


@record
class Form(Quiet):
    """How raw sound comes through a pipe; `sample` is s16le, s32le or f32le, the channels of a frame interleaved."""

    sample_rate_hz: int
    channels: int
    sample: str

    @property
    def frame_bytes(self) -> int:
        return (2 if self.sample == "s16le" else 4) * self.channels

    @property
    def bytes_per_s(self) -> int:
        return self.frame_bytes * self.sample_rate_hz


MONO = Form(sample_rate_hz=SAMPLE_RATE_HZ, channels=1, sample="f32le")


def decode(fd: int) -> Audio:
    """The whole sound of a file: mono, 16 kHz, float32 in [-1, 1]; silence is no error here.

    Raises AudioError: empty, not media, no sound track, cut short, longer than 24 hours.
    """
    seen = look(fd)
    declared_s = seen.probe.duration_s or 0.0
    collected = Collected(declared_s)
    _decode_checked(seen, fd, _command(fd, seen), MONO, collected.take)
    return Audio(samples=collected.samples())


def inspect(fd: int) -> tuple[Probe, float]:
    """A probe and the decoded duration in seconds, from one full decode that keeps no sound.

    Raises AudioError: empty, not media, no sound track, cut short, digitally silent, longer than 24 hours, or followed
    by so much of something else that a study would fill the disk with it. What a header says exactly must be there
    here, where the file can still be copied again; what a study holds is decoded as far as it goes.
    """
    seen = look(fd)
    if containers.lacks_bytes(fd):
        raise Refusal.CUT_SHORT.error()
    loudest = 0.0

    def listen(block: memoryview) -> None:
        nonlocal loudest
        samples = np.frombuffer(block, dtype=np.float32)
        loudest = max(loudest, float(np.nan_to_num(np.abs(samples)).max(initial=0.0)))

    duration_s = _decode_checked(seen, fd, _command(fd, seen), MONO, listen)
    if duration_s < (containers.counted_s(fd) or 0.0) - COUNTED_S:
        raise Refusal.CUT_SHORT.error()
    if loudest < SILENCE:
        raise Refusal.SILENT.error()
    if os.fstat(fd).st_size > SPARE_BYTES + duration_s * MOST_BYTES_PER_S:
        raise Refusal.TOO_LARGE.error()
    return seen.probe, duration_s


def stream(fd: int, seen: Look, form: Form, sink: Sink) -> float:
    """The whole sound of a file into the sink, in blocks of whole frames of that form; the duration in seconds.

    A block is good until the sink returns, and the sink may write into it. Raises AudioError as `decode` does.
    """
    return _decode_checked(seen, fd, _command(fd, seen, form), form, sink)


def blocks(fd: int, seen: Look, form: Form) -> Generator[memoryview]:
    """The same, block by block as it is asked for; a block is good until the next."""
    return _checked(seen, fd, _command(fd, seen, form), form)


@contextmanager
def in_memory(data: bytes | bytearray | memoryview | Iterable[bytes]) -> Iterator[int]:
    """The descriptor of a sealed file in memory that holds `data`; it is gone on leaving."""
    fd = os.memfd_create("recording", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        with os.fdopen(fd, "wb", closefd=False) as file:
            for block in (data,) if isinstance(data, bytes | bytearray | memoryview) else data:
                file.write(block)
        seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
        yield fd
    finally:
        os.close(fd)


class Collected:
    """Decoded bytes in one buffer. It grows by moving pages (realloc, mremap), so that there are never two of it."""

    def __init__(self, declared_s: float) -> None:
        expected = int(min(declared_s, 4 * 3600) * BYTES_PER_S) + BYTES_PER_S
        self._buffer: npt.NDArray[np.float32] = np.empty(expected // 4, dtype=np.float32)
        self._filled = 0

    def take(self, block: memoryview) -> None:
        """Append whole samples, made finite and kept within [-1, 1]; a decoder may overshoot a little."""
        samples = np.clip(np.nan_to_num(np.frombuffer(block, dtype=np.float32)), -1.0, 1.0)
        end = self._filled + len(samples)
        if end > len(self._buffer):
            self._buffer.resize(len(self._buffer) + GROWTH // 4, refcheck=False)
        self._buffer[self._filled : end] = samples
        self._filled = end

    def samples(self) -> npt.NDArray[np.float32]:
        self._buffer.resize(self._filled, refcheck=False)
        return self._buffer


def _decode_checked(seen: Look, fd: int, command: list[str], form: Form, sink: Sink) -> float:
    """Decode into the sink and check that the end was reached; the duration in seconds."""
    decoded = 0
    with closing(_checked(seen, fd, command, form)) as found:
        for block in found:
            sink(block)
            decoded += len(block)
    return decoded / form.bytes_per_s


def _checked(seen: Look, fd: int, command: list[str], form: Form) -> Generator[memoryview]:
    """What ffmpeg decodes, in blocks, and at the end the check that it was reached."""
    decoded = 0
    with running(command, (fd,)) as child:
        try:
            for block in child.blocks(form):
                yield block
                decoded += len(block)
            said, failed = child.end()
        except subprocess.TimeoutExpired:
            raise Refusal.STUCK.error() from None
    decoded_s = decoded / form.bytes_per_s
    declared_s = seen.probe.duration_s if seen.of_the_sound else None
    promises = [promise for promise in (declared_s, containers.declared_s(fd)) if promise]
    if any(decoded_s < promise - max(0.5, 0.02 * promise) for promise in promises):
        raise Refusal.CUT_SHORT.error()
    if any(message in said for message in CUT_MESSAGES) or containers.breaks_off(fd):
        raise Refusal.CUT_SHORT.error()
    if failed:
        raise Refusal.DAMAGED.error()
    if decoded_s < SHORTEST_S:
        raise Refusal.TOO_SHORT.error()


def _command(fd: int, seen: Look, form: Form = MONO) -> list[str]:
    """The argument list, built with ffmpeg-python and run by ourselves: it could not hand on a descriptor.

    With more than two channels ffmpeg is not told how many: it would mix some layouts anew.
    """
    source = ffmpeg.input(f"/dev/fd/{fd}", protocol_whitelist="file,pipe", format_whitelist=DEMUXERS)
    count = {"ac": form.channels} if form.channels <= 2 else {}
    raw = {"f": form.sample, **count, "ar": form.sample_rate_hz, "t": LONGEST_S + 1}
    sound = {**raw, "vn": None, "sn": None, "dn": None}
    tracks = [_heard(source[f"a:{number}"], channels, form) for number, channels in seen.tracks]
    mixed = tracks[0] if len(tracks) == 1 else _at_once(tracks, form)
    arguments: list[str] = mixed.output("pipe:1", **sound).global_args(*QUIETLY).compile(cmd=program())
    return arguments


def _heard(track: ffmpeg.Stream, channels: int, form: Form) -> ffmpeg.Stream:
    """Every channel as loud as the others: ffmpeg takes one of three or of six for a bass, and leaves it out of one."""
    if form.channels > 1 or channels <= 2:
        return track
    return track.filter("pan", "mono|c0<" + "+".join(f"c{number}" for number in range(channels)))


def _at_once(tracks: list[ffmpeg.Stream], form: Form) -> ffmpeg.Stream:
    """Tracks on one clock, each as loud as the others: a track may begin later, or have gaps."""
    clock = {"async": 1, "first_pts": 0}
    timed = [track.filter("aresample", form.sample_rate_hz, **clock) for track in tracks]
    weights = " ".join([str(1 / len(tracks))] * len(tracks))
    return ffmpeg.filter(timed, "amix", inputs=len(tracks), normalize=0, weights=weights)


class Child:
    """A running ffmpeg: `feed` what it reads, `pour` out what it writes, then `end` it."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._said: list[bytes] = []
        self._drain = threading.Thread(target=_drain, args=(process.stderr, self._said), daemon=True)
        self._drain.start()
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)

    def feed(self, block: memoryview) -> None:
        """Write all of the block to its input. Raises OSError when it has ended, or takes nothing for long."""
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101 - a pipe, as asked for
        while block:
            if not select.select([], [pipe], [], STALL_S)[1]:
                raise TimeoutError
            block = block[os.write(pipe.fileno(), block) :]

    def fed(self) -> None:
        """Its input is at its end."""
        if self._process.stdin is not None:
            self._process.stdin.close()

    def blocks(self, form: Form) -> Iterator[memoryview]:
        """Its output: see `_blocks`."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe, as asked for
        return _blocks(self._process.stdout, form)

    def end(self) -> tuple[str, bool]:
        """What it said, for us alone, and whether it failed. Raises subprocess.TimeoutExpired: it does not end."""
        failed = self._process.wait(STALL_S) != 0
        self._drain.join()
        return b"".join(self._said).decode(errors="replace"), failed

    def kill(self) -> None:
        """End it now, if it still runs."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """The same, and let go of its pipes."""
        self.kill()
        self._drain.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()


@contextmanager
def running(command: list[str], fds: tuple[int, ...] = (), *, fed: bool = False, writes: int = 0) -> Iterator[Child]:
    """An ffmpeg with these descriptors, restrained; `fed`: we write to its input; `writes`: bytes of a file at most."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE if fed else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=fds,
        env=child_environment(),
    )
    child = Child(process)
    try:
        if writes:
            restrain(process.pid, writes)
        else:
            restrain(process.pid)
        yield child
    finally:
        child.close()


def _drain(pipe: IO[bytes], said: list[bytes]) -> None:
    """Empty the pipe of messages to its end; keep the first 64 KiB and the last block, for us alone."""
    kept = 0
    while block := pipe.read(4096):
        if kept < 1 << 16:
            said.append(block)
            kept += len(block)
        else:
            said[-1] = block


def _blocks(pipe: IO[bytes], form: Form) -> Iterator[memoryview]:
    """Read the pipe to its end in blocks of whole frames. Raises AudioError: stuck, too long."""
    frame = form.frame_bytes
    block, filled, total = bytearray(BLOCK // frame * frame), 0, 0
    view = memoryview(block)
    while True:
        ready, _, _ = select.select([pipe], [], [], STALL_S)
        if not ready:
            raise Refusal.STUCK.error()
        got = os.readv(pipe.fileno(), [view[filled:]])
        filled += got
        if filled == len(block) or not got:
            whole = filled - filled % frame
            yield view[:whole]
            total, filled = total + whole, 0
        if total > LONGEST_S * form.bytes_per_s:
            raise Refusal.TOO_LONG.error()
        if not got:
            return
