"""What hostile tests share: small recordings and their seeded damage, a study's files before and after, a watch."""

import ctypes
import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import imageio_ffmpeg
import numpy as np

_IN_OPEN = 0x20

Bytes = Callable[[bytes, random.Random], bytes]


def noise_wav(seconds: float = 0.4, *, promised: int | None = None) -> bytes:
    """Mono 16-bit noise at 16 kHz whose header promises so many bytes."""
    samples = np.random.default_rng(7).integers(-3000, 3000, int(seconds * 16_000)).astype("<i2").tobytes()
    size = len(samples) if promised is None else promised
    form = struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    head = b"RIFF" + struct.pack("<I", (36 + size) & 0xFFFFFFFF) + b"WAVEfmt " + form
    return head + struct.pack("<4sI", b"data", size) + samples


CONTAINERS = {
    "wav": (),
    "mp3": (),
    "m4a": (),
    "ogg": ("-c:a", "libopus"),
    "flac": (),
    "mka": ("-c:a", "libopus"),
    "amr": ("-ar", "8000", "-c:a", "libopencore_amrnb"),
}


def containers(folder: Path) -> dict[str, bytes]:
    """The noise in every container, made by ffmpeg."""
    source = folder / "noise.wav"
    source.write_bytes(noise_wav())
    made = {}
    for suffix, options in CONTAINERS.items():
        path = folder / f"made.{suffix}"
        program = imageio_ffmpeg.get_ffmpeg_exe()
        subprocess.run([program, "-nostdin", "-v", "error", "-y", "-i", source, *options, path], check=True)
        made[suffix] = path.read_bytes()
    return made


# --- damage ----------------------------------------------------------------------------------------------------------


def _cut(data: bytes, draw: random.Random) -> bytes:
    return data[: draw.randrange(len(data))]


def _flipped(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 3, 20))):
        changed[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    return bytes(changed)


def _header(data: bytes, draw: random.Random) -> bytes:
    changed = bytearray(data)
    for _ in range(draw.choice((1, 4, 16))):
        changed[draw.randrange(min(200, len(data)))] = draw.choice((0, 127, 128, 255, draw.randrange(256)))
    return bytes(changed)


def _grown(data: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(data))
    return data[:at] + draw.randbytes(draw.randrange(1, 300)) + data[at:]


def _spliced(data: bytes, draw: random.Random) -> bytes:
    at, other = draw.randrange(len(data)), draw.randrange(len(data))
    return data[:at] + data[other:]


DAMAGE: dict[str, Bytes] = {
    "cut": _cut,
    "flipped": _flipped,
    "header": _header,
    "grown": _grown,
    "spliced": _spliced,
}


def damaged(data: bytes, how: str, seed: str) -> bytes:
    """The data damaged in that way; equal seeds give equal bytes."""
    return DAMAGE[how](data, random.Random(seed))


# --- what must not change, and what must not be read -----------------------------------------------------------------


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes, and every folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@contextmanager
def watched(file: Path) -> Iterator[Callable[[], bool]]:
    """Tells, while it lasts, whether anybody has opened that file (inotify)."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    assert watch >= 0
    try:
        assert libc.inotify_add_watch(watch, os.fsencode(file), _IN_OPEN) >= 0

        def opened() -> bool:
            try:
                return bool(os.read(watch, 4096))
            except BlockingIOError:
                return False

        yield opened
    finally:
        os.close(watch)
