"""Ranges over bytes: what RFC 9110 asks for, right and wrong."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.datastructures import Headers

from transcribe.review import ranges


def wanted(size: int, asked: str | None) -> tuple[int, int, int]:
    part = ranges.part(size, asked)
    return part.status, part.start, part.end


@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        ("bytes=0-99", 206, 0, 100),
        ("bytes=10-", 206, 10, 100),
        ("bytes=90-500", 206, 90, 100),
        ("bytes=-1", 206, 99, 100),
        ("bytes=-500", 206, 0, 100),
        ("Bytes= 5-6 ", 206, 5, 7),
        ("bytes=100-", 416, 0, 0),
        ("bytes=100-200", 416, 0, 0),
        ("bytes=-0", 416, 0, 0),
        (None, 200, 0, 100),
        ("", 200, 0, 100),
        ("bytes=", 200, 0, 100),
        ("bytes=-", 200, 0, 100),
        ("bytes=7-6", 200, 0, 100),
        ("bytes=0-1,5-6", 200, 0, 100),
        ("bytes=a-b", 200, 0, 100),
        ("bytes=1--1", 200, 0, 100),
        ("items=0-1", 200, 0, 100),
        ("bytes=0-" + "9" * 400, 200, 0, 100),
        ("bytes=٠-١", 200, 0, 100),
    ],
)
def test_a_range_is_read_as_the_rfc_says(asked: str | None, status: int, start: int, end: int) -> None:
    assert wanted(100, asked) == (status, start, end)


def test_nothing_has_no_part() -> None:
    assert wanted(0, "bytes=0-") == (416, 0, 0)
    assert wanted(0, "bytes=-5") == (416, 0, 0)
    assert wanted(0, None) == (200, 0, 0)


@settings(deadline=None)
@given(st.integers(0, 1000), st.one_of(st.text(), st.from_regex(r"bytes=\d{0,5}-\d{0,5}", fullmatch=True)))
def test_a_part_always_lies_inside(size: int, asked: str) -> None:
    status, start, end = wanted(size, asked)
    assert 0 <= start <= end <= size
    assert (status == 206) == (start < end and status != 200)
    if status == 200:
        assert (start, end) == (0, size)


def answered(data: bytes, method: str = "GET", **headers: str) -> tuple[int, Headers, bytes]:
    """What is sent."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.sleep(60)

    given = Headers({name.replace("_", "-"): value for name, value in headers.items()})
    response = ranges.answer(data, method, given, "audio/ogg")
    asyncio.run(response({"type": "http", "method": method}, receive, send))
    return sent[0]["status"], Headers(raw=sent[0]["headers"]), b"".join(bytes(m.get("body", b"")) for m in sent[1:])


@settings(deadline=None)
@given(st.integers(0, 300_000), st.integers(0, 300_000))
def test_the_bytes_are_the_right_ones(start: int, length: int) -> None:
    data = bytes(range(251)) * 1000
    status, headers, body = answered(data, range=f"bytes={start}-{start + length}")
    assert body == data[start : start + length + 1]
    assert headers["content-length"] == str(len(body))
    expected = f"bytes {start}-{start + len(body) - 1}/{len(data)}" if body else f"bytes */{len(data)}"
    assert (status, headers["content-range"]) == (206 if body else 416, expected)


def test_parts_put_together_are_the_whole() -> None:
    data = bytes(range(251)) * 1000
    parts = [answered(data, range=f"bytes={at}-{at + 9999}")[2] for at in range(0, len(data), 10_000)]
    assert b"".join(parts) == data == answered(data)[2]


def test_a_head_tells_the_size_and_heeds_no_range() -> None:
    for headers in ({}, {"range": "bytes=0-1"}, {"range": "bytes=999-"}):
        status, told, body = answered(b"x" * 100, "HEAD", **headers)
        assert (status, told["content-length"], told["accept-ranges"], body) == (200, "100", "bytes", b"")


def test_if_range_never_matches_what_has_no_validator() -> None:
    assert answered(b"x" * 100, range="bytes=0-1", if_range='"abc"')[0] == 200
