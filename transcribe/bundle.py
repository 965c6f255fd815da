"""Several original files as the stored sound of one recording: an uncompressed tar.

The first member, `MANIFEST`, is what `store.pack` writes of a `Bundle`; the others are the files as they came, named by
number. So whoever has the recording's key gets them back with age and tar alone, without this program.
"""

import os
import re
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from transcribe import audio, store
from transcribe.errors import StoreError
from transcribe.schema import Quiet, record

MANIFEST = "transcribe-recording.json"
BLOCK = 1 << 18
_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")
MOST_BYTES = 1 << 20
"""Of a manifest: a part takes a hundred bytes or so."""


@record
class Piece(Quiet):
    """One of the files: its name in the bundle, where it begins in the recording and how long it sounds there.

    `clock`: how long a second of the file lasts in the recording, where its recorder's clock ran fast or slow.
    """

    name: str
    start_s: float
    duration_s: float
    clock: float = 1.0

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s


@record
class Bundle(Quiet):
    """The stored files, which sound one after the other; or at once, where two microphones heard one conversation."""

    pieces: tuple[Piece, ...]
    at_once: bool = False

    @property
    def duration_s(self) -> float:
        return max(piece.end_s for piece in self.pieces)


def suffix(name: str) -> str:
    """What a file's name ends in, where that says what kind of file it is; the rest may name somebody."""
    found = Path(name).suffix.lower()
    return found if _SUFFIX.fullmatch(found) else ""


class Packed:
    """A reader of the bytes of a bundle, made of files that are open; equal files give equal bytes."""

    def __init__(self, bundle: Bundle, descriptors: Sequence[int]) -> None:
        self._blocks = _blocks(bundle, descriptors)
        self._left = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """So many bytes or fewer; none at the end."""
        while not self._left:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._left = memoryview(block)
        given, self._left = bytes(self._left[:size]), self._left[size:]
        return given


def _blocks(bundle: Bundle, descriptors: Sequence[int]) -> Iterator[bytes]:
    manifest = store.pack(bundle)
    yield _header(MANIFEST, len(manifest)) + manifest + _filling(len(manifest))
    for piece, descriptor in zip(bundle.pieces, descriptors, strict=True):
        size = os.fstat(descriptor).st_size
        yield _header(piece.name, size)
        for at in range(0, size, BLOCK):
            count = min(BLOCK, size - at)
            yield os.pread(descriptor, count, at).ljust(count, b"\0")  # shorter: it changed, and its checksum tells
        yield _filling(size)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _header(name: str, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member.tobuf(tarfile.GNU_FORMAT)  # beyond 8 GiB sizes are written in binary


def _filling(size: int) -> bytes:
    return bytes(-size % tarfile.BLOCKSIZE)


def is_bundle(fd: int) -> bool:
    """Whether a file begins as a bundle does. No file from outside is taken in that does."""
    head = os.pread(fd, tarfile.BLOCKSIZE, 0)
    return head.startswith(MANIFEST.encode() + b"\0") and head[257:262] == b"ustar"


def read(fd: int) -> Bundle | None:
    """The files in a recording's stored sound; None where it is one as it came. Raises StoreError."""
    if not is_bundle(fd):
        return None
    with _tar(fd) as tar:
        first = tar.next()
        stored = tar.extractfile(first) if first is not None and first.size <= MOST_BYTES else None
        if stored is None:
            raise _damaged()
        return store.unpack(stored.read(), Bundle).value


@contextmanager
def opened(fd: int, name: str) -> Iterator[int]:
    """One of the files in memory, by a descriptor of its own: ffmpeg must be able to seek in it. Raises StoreError."""
    with audio.in_memory(_bytes(fd, name)) as piece:
        yield piece


def copy(fd: int, name: str, sink: BinaryIO) -> None:
    """One of the files, bit for bit, into the sink. Raises StoreError."""
    for block in _bytes(fd, name):
        sink.write(block)


def _bytes(fd: int, name: str) -> Iterator[bytes]:
    at, size = _place(fd, name)
    for start in range(at, at + size, BLOCK):
        wanted = min(BLOCK, at + size - start)
        block = os.pread(fd, wanted, start)
        if len(block) < wanted:
            raise _damaged()
        yield block


def _place(fd: int, name: str) -> tuple[int, int]:
    """Where a file's bytes begin, and how many they are."""
    with _tar(fd) as tar:
        try:
            member = tar.getmember(name)
        except KeyError:
            raise _damaged() from None
        if not member.isreg() or member.offset_data + member.size > os.fstat(fd).st_size:
            raise _damaged()
        return member.offset_data, member.size


@contextmanager
def _tar(fd: int) -> Iterator[tarfile.TarFile]:
    """The bundle as a tar, read from its start whatever was read of it before. Raises StoreError."""
    try:
        with open(f"/dev/fd/{fd}", "rb") as file, tarfile.open(fileobj=file, mode="r:") as tar:  # noqa: PTH123
            yield tar
    except tarfile.TarError:
        raise _damaged() from None


def _damaged() -> StoreError:
    return StoreError("the files of a recording cannot be taken apart", advice="restore it from a backup")
