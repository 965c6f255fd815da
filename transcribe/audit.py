"""audit.jsonl: who did what and when, append-only, each line chained to the one before by its SHA-256. No names in it.

A line holds ids, counts, keyed digests and versions only, so its plain hash gives nothing away. The chain alone shows
an edit, not a chain that was written anew from its beginning: for that the vault keeps a `Seal`, the count of lines
and the hash of the last one as they stood when it was last opened.
"""

import fcntl
import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from transcribe import store
from transcribe.schema import Quiet, record

_START = "0" * 64


@record
class Seal(Quiet):
    """How many lines the chain had and the SHA-256 of the last of them; `at` this moment, ISO 8601 in UTC."""

    lines: int = 0
    head: str = _START
    at: str = ""


@record
class Chain(Quiet):
    """What was found of the chain; line numbers begin with 1.

    `broken` are lines that do not hold on to the one before, `torn` those whose end is missing, as a crash in the
    middle of writing leaves them. `cut`: fewer lines than were sealed; `rewritten`: another line stands where the seal
    has its head. `unsealed` lines came after the seal, the first of them `since`. `now` is the seal of what stands.
    """

    lines: int
    broken: tuple[int, ...]
    torn: tuple[int, ...]
    cut: bool
    rewritten: bool
    sealed: Seal
    unsealed: int
    since: str
    now: Seal

    @property
    def whole(self) -> bool:
        """Whether nothing was changed, as far as chain and seal tell."""
        return not (self.broken or self.cut or self.rewritten)


def now() -> str:
    """The present moment, ISO 8601 in UTC to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def append(path: Path, event: str, **facts: str | int | list[str]) -> None:
    """Add one event; `facts` may hold ids, counts, digests and reviewer aliases.

    Where a crash tore the last line, the new one chains to the last whole line and names the torn one by its hash.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # else two processes at once would both chain to the same line
        lines, torn = _lines(path), list[str]()
        while lines and store.is_torn(lines[-1]):
            torn.insert(0, _hash(lines.pop()))
        line = {"at": now(), "event": event, **facts, **({"torn": torn} if torn else {})}
        store.append_line(path, json.dumps({**line, "previous": _hash(lines[-1]) if lines else _START}))
    finally:
        os.close(descriptor)


def check(path: Path, sealed: Seal) -> Chain:
    """Compare each line with the one before and the whole with its seal."""
    lines = _read(path)
    every = len(lines)
    while len(lines) > sealed.lines and store.is_torn(lines[-1]):
        lines.pop()  # sealed once a line names it, and not before
    broken, torn = _walked(lines)
    tail = lines[sealed.lines :]
    stands = not sealed.lines or _hash(b"".join(lines[sealed.lines - 1 : sealed.lines])) == sealed.head
    return Chain(
        lines=every,
        broken=broken,
        torn=(*torn, *range(len(lines) + 1, every + 1)),
        cut=len(lines) < sealed.lines,
        rewritten=len(lines) >= sealed.lines and not stands,
        sealed=sealed,
        unsealed=len(tail),
        since=str(_facts(tail[0]).get("at", "")) if tail else "",
        now=Seal(lines=len(lines), head=_hash(lines[-1]) if lines else _START, at=now()),
    )


def _walked(lines: list[bytes]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The numbers of lines that break the chain, and of torn ones that the next line names."""
    broken, torn, previous = list[int](), list[int](), _START
    waiting: dict[int, str] = {}
    for number, line in enumerate(lines, 1):
        if store.is_torn(line):
            waiting[number] = _hash(line)
            continue
        facts = _facts(line)
        named = facts.get("torn", []) == list(waiting.values())
        (torn if named else broken).extend(waiting)
        if facts.get("previous") != previous or not (named or waiting):
            broken.append(number)
        previous, waiting = _hash(line), {}
    return (*broken, *waiting), tuple(torn)


def sealed_anew(path: Path, sealed: Seal) -> Seal:
    """The seal of the chain as it stands; the one given where nothing came or where it does not hold any more.

    A seal that does not hold is the evidence of that, and is kept.
    """
    chain = check(path, sealed)
    return chain.now if chain.whole and chain.unsealed else sealed


def told(chain: Chain) -> tuple[str, ...]:
    """The same in sentences."""
    said = [
        f"Line {number} does not hold on to the line before it: one of the two was changed, put in or moved, or lines "
        "between them were taken out."
        for number in chain.broken
    ]
    if chain.cut:
        said.append(f"{chain.sealed.lines} lines were sealed on {chain.sealed.at}, and fewer stand here: cut short.")
    if chain.rewritten:
        said.append(
            f"Line {chain.sealed.lines} is not the one that was sealed on {chain.sealed.at}: it, or the whole chain up "
            "to it, was written anew."
        )
    said += [
        f"Line {number} has no end, as a crash in the middle of writing leaves it; the chain goes on behind it."
        for number in chain.torn
    ]
    if chain.unsealed:
        said.append(
            f"Lines after the seal: {chain.unsealed}, the first on {chain.since}. Whoever held the study's files could "
            "have written them."
        )
    return tuple(said)


def _read(path: Path) -> list[bytes]:
    """The lines, while nobody writes one."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return []
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        return _lines(path)
    finally:
        os.close(descriptor)


def _lines(path: Path) -> list[bytes]:
    lines = path.read_bytes().split(b"\n")
    return lines if lines[-1] else lines[:-1]


def _facts(line: bytes) -> dict[str, object]:
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return facts if isinstance(facts, dict) else {}


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
