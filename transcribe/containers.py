"""What a container's own bytes say of its end, for those formats whose missing end ffmpeg does not notice.

ffmpeg derives the duration of a WAV, an Ogg or a cut WMA from the file that is there, and raw AAC or AMR have none:
there a copy that broke off half-way would pass. Each function reads a few bytes, or the frame headers alone.
Sources: RIFF and RF64 (EBU Tech 3306), AIFF-C (Apple, 1991), Core Audio Format 1.0 (Apple), Sony Wave64, RFC 9639
(FLAC), ASF 01.20.05 section 3.2, RFC 3533 (Ogg), RFC 4867 section 5.3 (AMR), ISO/IEC 13818-7 section 6.2 (ADTS),
gabriel.mp3-tech.org/mp3infotag.html (Xing, LAME).
"""

import mmap
import os
import struct
from collections.abc import Callable, Iterator

_UNCOMPRESSED = {1, 3, 6, 7, 0xFFFE}  # PCM, float, A-law, mu-law, extensible: the byte rate is exact
_ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_FILE = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_SOUND = bytes.fromhex("64617461f3acd3118cd100c04f8edb8a")
_UNSAID = (range(0x7EFFFF00, 0x7F000100), range(0x7FFFEF00, 0x80000000), range(0xFFFFFF00, 0x100000000))
_OGG_PAGE = 27 + 255 + 255 * 255  # the longest page
_AMR = {
    b"#!AMR\n": (12, 13, 15, 17, 19, 20, 26, 31, 5, 0, 0, 0, 0, 0, 0, 0),
    b"#!AMR-WB\n": (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, 0, 0, 0, 0, 0, 0),
}


def declared_s(fd: int) -> float | None:
    """The duration in seconds that a WAV or WMA header promises, or None where it does not say."""
    start = os.pread(fd, 16, 0)
    if _is_wav(start):
        return _wav_declared_s(fd)
    if start == _ASF_HEADER:
        return _asf_declared_s(fd)
    return None


def _is_wav(start: bytes) -> bool:
    return start[:4] in (b"RIFF", b"RF64", b"BW64") and start[8:12] == b"WAVE"


def _wav_declared_s(fd: int) -> float | None:
    byte_rate, long_size = 0, 0
    for name, at, length in _chunks(fd, 12, "<4sI", 2):
        body = os.pread(fd, 40, at)
        if name == b"ds64" and len(body) >= 16:
            long_size = struct.unpack_from("<Q", body, 8)[0]
        elif name == b"fmt " and len(body) >= 12 and struct.unpack_from("<H", body)[0] in _UNCOMPRESSED:
            byte_rate = struct.unpack_from("<I", body, 8)[0]
        elif name == b"data":
            promised = long_size or (0 if _unsaid(length) else length)
            return promised / byte_rate if promised and byte_rate else None
    return None


def _unsaid(length: int) -> bool:
    """A recorder or program that streams writes sizes of 0 or of all ones, without the sign bit, or a little less: that
    promises nothing.
    """
    return length <= 0 or length >= 1 << 62 or any(length in one for one in _UNSAID)


def _chunks(fd: int, at: int, form: str, even: int, own: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """(name, where its content begins, how many bytes of it are promised) of each chunk; `form`: of name and length,
    `even`: what a chunk is filled up to, `own`: the bytes of a header that counts itself in.
    """
    header, size = struct.Struct(form), os.fstat(fd).st_size
    while at + header.size <= size:
        name, length = header.unpack(os.pread(fd, header.size, at))
        at, length = at + header.size, length - own
        yield name, at, length
        if length < 0:
            return
        at += length + -length % even


def lacks_bytes(fd: int) -> bool:
    """Whether the header of a WAV, AIFF, AU, CAF or W64 promises more bytes of sound than the file holds."""
    start, long_size = os.pread(fd, 40, 0), 0
    if start[:4] == b".snd" and len(start) >= 12:
        at, length = struct.unpack_from(">II", start, 4)
        return not _unsaid(length) and at + length > os.fstat(fd).st_size
    for name, at, length in _sound_chunks(fd, start):
        if name == b"ds64":
            long_size = int.from_bytes(os.pread(fd, 8, at + 8), "little")
        elif name in (b"data", b"SSND", _W64_SOUND):
            promised = long_size or (0 if _unsaid(length) else length)
            return at + promised > os.fstat(fd).st_size
    return False


def _sound_chunks(fd: int, start: bytes) -> Iterator[tuple[bytes, int, int]]:
    if _is_wav(start):
        return _chunks(fd, 12, "<4sI", 2)
    if start[:4] == b"FORM" and start[8:12] in (b"AIFF", b"AIFC"):
        return _chunks(fd, 12, ">4sI", 2)
    if start[:4] == b"caff":
        return _chunks(fd, 8, ">4sq", 1)
    if start[:16] == _W64:
        return _chunks(fd, 40, "<16sQ", 8, own=24)
    return iter(())


def counted_s(fd: int) -> float | None:
    """The duration in seconds that the header of a FLAC or an MP3 counts in samples or frames, or None."""
    at = 0
    while (tag := os.pread(fd, 10, at))[:3] == b"ID3" and len(tag) == 10:
        at += 10 + sum((seven & 127) << shift for seven, shift in zip(tag[6:], (21, 14, 7, 0), strict=True))
    start = os.pread(fd, 256, at)
    if start[:4] == b"fLaC" and len(start) >= 26:
        facts = int.from_bytes(start[18:26])
        samples, rate_hz = facts & (1 << 36) - 1, facts >> 44
        return samples / rate_hz if samples and rate_hz else None
    return _mp3_counted_s(start)


def _mp3_counted_s(start: bytes) -> float | None:
    """Of its Xing header, which stands where the first frame's sound would; less what LAME's tag says is none."""
    if len(start) < 200 or start[0] != 0xFF or start[1] & 0xE6 != 0xE2 or start[2] & 0x0C == 0x0C:
        return None
    first, mono = start[1] & 0x18 == 0x18, start[3] & 0xC0 == 0xC0
    at = 4 + ((17 if mono else 32) if first else (9 if mono else 17))
    flags, frames = struct.unpack_from(">II", start, at + 4)
    if start[at : at + 4] not in (b"Xing", b"Info") or not flags & 1:
        return None
    rate_hz = (44_100, 48_000, 32_000)[start[2] >> 2 & 3] >> (0 if first else 1 if start[1] & 0x10 else 2)
    lame = at + 12 + sum(size for bit, size in ((2, 4), (4, 100), (8, 4)) if flags & bit)
    filling = int.from_bytes(start[lame + 21 : lame + 24]) if start[lame : lame + 1] == b"L" else 0
    counted: float = (frames * (1152 if first else 576) - (filling >> 12) - (filling & 0xFFF)) / rate_hz
    return counted


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
