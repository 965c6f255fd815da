"""What a container's own bytes say of its end, for those formats whose missing end ffmpeg does not notice.

ffmpeg derives the duration of a WAV, an Ogg or a cut WMA from the file that is there, and raw AAC or AMR have none:
there a copy that broke off half-way would pass. Each function reads a few bytes, or the frame headers alone.
Sources: RIFF and RF64 (EBU Tech 3306), ASF 01.20.05 section 3.2, RFC 3533 (Ogg), RFC 4867 section 5.3 (AMR),
ISO/IEC 13818-7 section 6.2 (ADTS).
"""

import mmap
import os
import struct
from collections.abc import Callable

_UNCOMPRESSED = {1, 3, 6, 7, 0xFFFE}  # PCM, float, A-law, mu-law, extensible: the byte rate is exact
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_OGG_PAGE = 27 + 255 + 255 * 255  # the longest page
_AMR = {
    b"#!AMR\n": (12, 13, 15, 17, 19, 20, 26, 31, 5, 0, 0, 0, 0, 0, 0, 0),
    b"#!AMR-WB\n": (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, 0, 0, 0, 0, 0, 0),
}


def declared_s(fd: int) -> float | None:
    """The duration in seconds that a WAV or WMA header promises, or None where it does not say.

    A recorder that streams writes sizes of 0 or of all ones (also without the sign bit): that promises nothing.
    """
    start = os.pread(fd, 16, 0)
    if start[:4] in (b"RIFF", b"RF64", b"BW64") and start[8:12] == b"WAVE":
        return _wav_declared_s(fd)
    if start == _ASF_HEADER:
        return _asf_declared_s(fd)
    return None


def _wav_declared_s(fd: int) -> float | None:
    size, at, byte_rate, long_size = os.fstat(fd).st_size, 12, 0, 0
    while at + 8 <= size:
        name, length = struct.unpack("<4sI", os.pread(fd, 8, at))
        body = os.pread(fd, 40, at + 8)
        if name == b"ds64" and len(body) >= 16:
            long_size = struct.unpack_from("<Q", body, 8)[0]
        elif name == b"fmt " and len(body) >= 12 and struct.unpack_from("<H", body)[0] in _UNCOMPRESSED:
            byte_rate = struct.unpack_from("<I", body, 8)[0]
        elif name == b"data":
            streamed = length == 0 or length >= 0xFFFFFF00 or 0x7FFFFF00 <= length <= 0x7FFFFFFF
            promised = long_size or (0 if streamed else length)
            return promised / byte_rate if promised and byte_rate else None
        at += 8 + length + length % 2
    return None


def _asf_declared_s(fd: int) -> float | None:
    header = os.pread(fd, 1 << 16, 0)
    at = header.find(_ASF_FILE)
    if at < 0 or len(header) < at + 92:
        return None
    duration, _, preroll_ms, flags = struct.unpack_from("<QQQI", header, at + 64)
    live = flags & 1
    return None if live else max(duration / 1e7 - preroll_ms / 1e3, 0.0)


def breaks_off(fd: int) -> bool:
    """Whether the file ends within a page (Ogg) or a frame (AAC in ADTS, AMR)."""
    size = os.fstat(fd).st_size
    start = os.pread(fd, 16, 0)
    if start[:4] == b"OggS":
        return _ogg_breaks_off(fd, size)
    for magic, sizes in _AMR.items():
        if start.startswith(magic):
            return _frames_break_off(fd, len(magic), lambda data, at: 1 + sizes[data[at] >> 3 & 15])  # noqa: B023
    if len(start) > 1 and start[0] == 0xFF and start[1] & 0xF6 == 0xF0:
        return _frames_break_off(fd, 0, _adts_size)
    return False


def _ogg_breaks_off(fd: int, size: int) -> bool:
    tail_at = max(size - 2 * _OGG_PAGE, 0)
    tail = os.pread(fd, size - tail_at, tail_at)
    at = tail.rfind(b"OggS")
    if at < 0:
        return True
    lacing = tail[at + 27 : at + 27 + tail[at + 26]] if at + 26 < len(tail) else b""
    return not lacing or at + 27 + len(lacing) + sum(lacing) > len(tail) or len(lacing) < tail[at + 26]


def _adts_size(data: mmap.mmap, at: int) -> int:
    if at + 6 > len(data):
        return 7
    if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
        return 0
    return (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5


def _frames_break_off(fd: int, at: int, size_of: Callable[[mmap.mmap, int], int]) -> bool:
    """Step from frame to frame; where the step is lost (a damaged frame, a tag at the end) nothing is claimed."""
    with mmap.mmap(fd, 0, prot=mmap.PROT_READ) as data:
        while at < len(data):
            step = size_of(data, at)
            if step == 0:
                return False
            at += step
        return at > len(data)
