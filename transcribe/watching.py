"""A folder in which recordings are dropped: each is taken in once it stands still."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from transcribe import folders, intake
from transcribe.errors import StudyError, TranscribeError
from transcribe.intake import Request
from transcribe.schema import Quiet, Recording, record
from transcribe.vault import Unlocked

LOOK_S = 2.0
STILL_S = 6.0
"""How long a file keeps size and time before it is taken for whole; copying programs write more often."""


@record
class Outcome(Quiet):
    """What became of a file: taken in, refused, or both where only its removal failed. `number`: in order of sight."""

    number: int
    added: Recording | None = None
    refused: TranscribeError | None = None


@dataclass
class _Seen:
    """A file as it was when it was looked at last, since when it is so, and whether it was dealt with as it is."""

    number: int
    stamp: tuple[int, int]
    since_s: float
    done: bool = False


class Folder:
    """What was seen of a folder so far. `remove_source`: files are deleted once their copy is verified."""

    def __init__(self, unlocked: Unlocked, path: Path, request: Request, *, remove_source: bool) -> None:
        """Raises StudyError: no folder, one that is the study's or holds it, or an id for all."""
        if not path.is_dir():
            raise StudyError("there is no such folder", advice="make it first")
        ours, theirs = unlocked.study.root.resolve(), path.resolve()
        if ours.is_relative_to(theirs) or theirs.is_relative_to(ours):
            raise StudyError("the folder and the study lie in one another", advice="watch a folder of its own")
        self._open = unlocked
        self._path = path
        self._request = request
        self._remove_source = remove_source
        self._seen: dict[Path, _Seen] = {}

    def look(self, now_s: float) -> int:
        """See what is there; the number of files that were not dealt with yet."""
        for path in folders.media_files((self._path,)) if self._path.is_dir() else ():
            try:
                found = path.stat()
            except OSError:  # gone meanwhile
                continue
            stamp = (found.st_size, found.st_mtime_ns)
            known = self._seen.get(path)
            if known is None or known.stamp != stamp:
                number = known.number if known else len(self._seen) + 1
                self._seen[path] = _Seen(number=number, stamp=stamp, since_s=now_s)
        return sum(not seen.done and os.path.exists(path) for path, seen in self._seen.items())  # noqa: PTH110

    @property
    def left(self) -> int:
        """How many files there are no recordings by their names."""
        return folders.left((self._path,), self._open.study.root) if self._path.is_dir() else 0

    def take(self, now_s: float, stop: Event) -> Iterator[Outcome]:
        """Take in what has stood still, until it is time to stop; what is in the study already is passed over."""
        self._open.look()
        for path, seen in list(self._seen.items()):
            if stop.is_set():
                return
            if seen.done or now_s - seen.since_s < STILL_S or not path.exists() or intake.being_written(path):
                continue
            seen.done = True
            if not self._is_taken(path):
                yield from self._one(path, seen.number)

    def _is_taken(self, path: Path) -> bool:
        try:
            descriptor = intake.open_source(path)
        except TranscribeError:
            return False
        try:
            sha256 = intake.sum_of(descriptor)
        finally:
            os.close(descriptor)
        return any(sha256 in entry.sums for entry in self._open.vault.recordings)

    def _one(self, path: Path, number: int) -> Iterator[Outcome]:
        added, refused = intake.add_all(
            self._open.study, (path,), self._request, self._open, remove_source=self._remove_source
        )
        yield Outcome(number=number, added=added[0] if added else None, refused=refused[0][1] if refused else None)


def watch(folder: Folder, stop: Event, tell: Callable[[Outcome], None], *, once: bool) -> int:
    """Look again and again until it is time to stop, or `once`; how many files were left since they were changing."""
    while True:
        waiting = folder.look(time.monotonic())
        for outcome in folder.take(time.monotonic(), stop):
            tell(outcome)
        if once and waiting and not stop.wait(STILL_S):
            folder.look(time.monotonic())
            for outcome in folder.take(time.monotonic(), stop):
                tell(outcome)
        if once or stop.wait(LOOK_S):
            return folder.look(time.monotonic())
