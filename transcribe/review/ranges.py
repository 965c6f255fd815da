"""HTTP ranges over bytes in memory, so that a browser can seek in a sound without fetching all of it.

One range is answered; a header that is malformed or asks for several is left aside and everything is sent, which
RFC 9110 sections 14.2 and 13.1.5 allow. We give no validators, so If-Range never matches.
"""

import re
from collections.abc import AsyncIterator

from starlette.datastructures import Headers
from starlette.responses import Response, StreamingResponse

from transcribe.schema import Quiet, record

BLOCK = 1 << 16  # bytes
_RANGE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


@record
class Part(Quiet):
    """Bytes `start` to `end` of so many, under an HTTP status: 200 all, 206 a part, 416 there is no such part."""

    status: int
    start: int
    end: int


def part(size: int, asked: str | None) -> Part:
    """Which bytes of `size` a Range header asks for."""
    found = _RANGE.fullmatch(asked or "")
    if not found or not (found[1] or found[2]):
        return Part(status=200, start=0, end=size)
    if not found[1]:
        start, end = max(size - int(found[2]), 0), size
    else:
        start, end = int(found[1]), min(int(found[2]) + 1, size) if found[2] else size
        if found[2] and int(found[2]) < start:  # malformed, says the RFC
            return Part(status=200, start=0, end=size)
    return Part(status=206, start=start, end=end) if start < end else Part(status=416, start=0, end=0)


def answer(data: bytes, method: str, headers: Headers, media_type: str) -> Response:
    """The answer to a GET or HEAD of `data`."""
    asked = headers.get("range") if method == "GET" and "if-range" not in headers else None
    wanted = part(len(data), asked)
    told = {"accept-ranges": "bytes", "content-length": str(wanted.end - wanted.start)}
    if wanted.status == 206:
        told["content-range"] = f"bytes {wanted.start}-{wanted.end - 1}/{len(data)}"
    elif wanted.status == 416:
        told["content-range"] = f"bytes */{len(data)}"
    if method == "HEAD" or wanted.start == wanted.end:
        return Response(status_code=wanted.status, headers=told, media_type=media_type)
    return StreamingResponse(_blocks(data, wanted), wanted.status, headers=told, media_type=media_type)


async def _blocks(data: bytes, wanted: Part) -> AsyncIterator[memoryview]:
    """The part piece by piece: a browser that seeks elsewhere hangs up, and what it left is never copied."""
    view = memoryview(data)
    for at in range(wanted.start, wanted.end, BLOCK):
        yield view[at : min(at + BLOCK, wanted.end)]
