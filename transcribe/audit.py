"""audit.jsonl: who did what and when, append-only, each line chained to the one before by its SHA-256. No names in it.

A line holds ids, counts, keyed digests and versions only, so its plain hash gives nothing away.
"""

import fcntl
import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from transcribe import store

_START = "0" * 64


def now() -> str:
    """The present moment, ISO 8601 in UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def append(path: Path, event: str, **facts: str | int | list[str]) -> None:
    """Add one event; `facts` may hold ids, counts, digests and reviewer aliases."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # else two processes at once would both chain to the same line
        line = {"at": now(), "event": event, **facts, "previous": _last_hash(path)}
        store.append_line(path, json.dumps(line, ensure_ascii=True))
    finally:
        os.close(descriptor)


def verify(path: Path) -> int:
    """The number of lines when the chain is whole, else minus the number of the first line that breaks it."""
    previous, count = _START, 0
    for count, line in enumerate(_lines(path), start=1):
        try:
            stated = json.loads(line)["previous"]
        except (ValueError, KeyError, TypeError, RecursionError):
            stated = None
        if stated != previous:
            return -count
        previous = hashlib.sha256(line).hexdigest()
    return count


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines() if path.exists() else []


def _last_hash(path: Path) -> str:
    lines = _lines(path)
    return hashlib.sha256(lines[-1]).hexdigest() if lines else _START
