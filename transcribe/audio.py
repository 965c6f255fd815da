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
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO

import ffmpeg
import numpy as np
import numpy.typing as npt

from transcribe import containers
from transcribe.media import DEMUXERS, Look, Refusal, child_environment, look, restrain
from transcribe.media import Probe as Probe
from transcribe.media import probe as probe
from transcribe.media import program as program
from transcribe.schema import SAMPLE_RATE_HZ, Audio

BYTES_PER_S = 4 * SAMPLE_RATE_HZ
LONGEST_S = 24 * 3600
SHORTEST_S = 0.1
STALL_S = 120
SILENCE = 2 / 32768  # at most the last bit of a 16-bit converter, which dithers
BLOCK = 1 << 20  # bytes a read; also a multiple of a sample
GROWTH = 1 << 26  # bytes: 17 minutes of sound
CUT_MESSAGES = ("partial file", "File ended prematurely", "moov atom not found", "Truncat")

Sink = Callable[[memoryview], None]


def decode(fd: int) -> Audio:
    """The whole sound of a file: mono, 16 kHz, float32 in [-1, 1]; silence is no error here.

    Raises AudioError: empty, not media, no sound track, cut short, longer than 24 hours.
    """
    seen = look(fd)
    declared_s = seen.probe.duration_s or 0.0
    collected = _Collected(declared_s)
    _decode_checked(fd, seen, collected.take)
    return Audio(samples=collected.samples())


def inspect(fd: int) -> tuple[Probe, float]:
    """A probe and the decoded duration in seconds, from one full decode that keeps no sound.

    Raises AudioError: empty, not media, no sound track, cut short, digitally silent, longer than 24 hours.
    """
    seen = look(fd)
    loudest = 0.0

    def listen(block: memoryview) -> None:
        nonlocal loudest
        samples = np.frombuffer(block, dtype=np.float32)
        loudest = max(loudest, float(np.nan_to_num(np.abs(samples)).max(initial=0.0)))

    duration_s = _decode_checked(fd, seen, listen)
    if loudest < SILENCE:
        raise Refusal.SILENT.error()
    return seen.probe, duration_s


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


class _Collected:
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


def _decode_checked(fd: int, seen: Look, sink: Sink) -> float:
    """Decode into the sink and check that the end was reached; the duration in seconds."""
    decoded_s, said, failed = _stream(fd, sink)
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
    return decoded_s


def _command(fd: int) -> list[str]:
    """The argument list, built with ffmpeg-python and run by ourselves: it could not hand on a descriptor."""
    source = ffmpeg.input(f"/dev/fd/{fd}", protocol_whitelist="file,pipe", format_whitelist=DEMUXERS)
    sound = {"f": "f32le", "ac": 1, "ar": SAMPLE_RATE_HZ, "t": LONGEST_S + 1, "vn": None, "sn": None, "dn": None}
    quietly = ("-nostdin", "-hide_banner", "-v", "error")
    arguments: list[str] = source["a:0"].output("pipe:1", **sound).global_args(*quietly).compile(cmd=program())
    return arguments


def _stream(fd: int, sink: Sink) -> tuple[float, str, bool]:
    """Run ffmpeg and pour its output into the sink: seconds decoded, its messages, whether it failed."""
    child = subprocess.Popen(
        _command(fd),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(fd,),
        env=child_environment(),
    )
    restrain(child.pid)
    assert child.stdout is not None  # noqa: S101 - a pipe, as asked for
    assert child.stderr is not None  # noqa: S101
    said: list[bytes] = []
    drain = threading.Thread(target=_drain, args=(child.stderr, said), daemon=True)
    drain.start()
    try:
        decoded = _pour(child.stdout, sink)
        failed = child.wait(STALL_S) != 0
    except subprocess.TimeoutExpired:
        raise Refusal.STUCK.error() from None
    finally:
        child.kill()
        child.wait()
        drain.join()
        child.stdout.close()
        child.stderr.close()
    return decoded / BYTES_PER_S, b"".join(said).decode(errors="replace"), failed


def _drain(pipe: IO[bytes], said: list[bytes]) -> None:
    """Empty the pipe of messages to its end; keep the first 64 KiB and the last block, for us alone."""
    kept = 0
    while block := pipe.read(4096):
        if kept < 1 << 16:
            said.append(block)
            kept += len(block)
        else:
            said[-1] = block


def _pour(pipe: IO[bytes], sink: Sink) -> int:
    """Read the pipe to its end in blocks of whole samples; the number of bytes. Raises AudioError: stuck, too long."""
    block, filled, total = bytearray(BLOCK), 0, 0
    view = memoryview(block)
    while True:
        ready, _, _ = select.select([pipe], [], [], STALL_S)
        if not ready:
            raise Refusal.STUCK.error()
        got = os.readv(pipe.fileno(), [view[filled:]])
        filled += got
        if filled == BLOCK or not got:
            whole = filled - filled % 4
            sink(view[:whole])
            total, filled = total + whole, 0
        if total > LONGEST_S * BYTES_PER_S:
            raise Refusal.TOO_LONG.error()
        if not got:
            return total
