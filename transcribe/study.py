"""The study folder: the only file that knows a path inside a study.

    my-study/
      study.toml                 settings; no names in it
      private/                   0700, nothing but age ciphertext: vault.age and its copy, identity.age and
                                 identity.NAME.age, recordings/ID.age (the sound), ID/ (every artefact of that
                                 recording), set-aside/ (what was found damaged)
      release/001/ ...           numbered, never overwritten
      audit.jsonl  journal.jsonl no names in either

Public halves of age keys stand in journal.jsonl, since private/ holds ciphertext alone.
"""

import fcntl
import json
import os
import re
import secrets
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pyrage.x25519 import Identity, Recipient

from transcribe import config, keys, replacement, store
from transcribe.errors import StoreError, StudyError
from transcribe.store import Stored

T = TypeVar("T")
SET_ASIDE = "set-aside"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}
# devices: no file can be called so on Windows
_RESERVED = {"recordings", "log", "vault", "identity", SET_ASIDE, *_DEVICES}
_RELEASE = re.compile(r"\d{3,}")
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


class Study:
    """A study folder whose key is not at hand: what it shows, anybody with the folder may see."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.private = root / "private"
        self.releases = root / "release"
        self.journal_path = root / "journal.jsonl"
        self.audit_path = root / "audit.jsonl"
        self.vault_path = self.private / "vault.age"
        self.vault_copy_path = self.private / "vault.copy.age"
        self.identity_path = self.private / keys.IDENTITY

    def __repr__(self) -> str:
        return "<Study>"

    @property
    def config_path(self) -> Path:
        return self.root / "study.toml"

    def read_config_again(self) -> None:
        """The settings were changed."""
        self.__dict__.pop("config", None)

    @cached_property
    def config(self) -> config.StudyConfig:
        """The settings in study.toml. Raises ConfigError."""
        return config.load(self.config_path)

    @cached_property
    def created(self) -> dict[str, str]:
        """The journal's first event: the study's random id and its public key."""
        for event in self.journal():
            if event.get("event") == "created":
                return {key: str(value) for key, value in event.items()}
        raise StudyError("journal.jsonl does not begin with the study's creation", advice="restore it from a backup")

    @property
    def public_key(self) -> str:
        """The study's public key as it is now: that of its creation, or of the last time it was replaced."""
        replaced = [str(e["recipient"]) for e in self.journal() if e.get("event") == replacement.EVENT]
        return replaced[-1] if replaced else self.created["recipient"]

    @property
    def recipient(self) -> Recipient:
        """The same, to seal to: only the key holder can read it. Asked for under a claim or the lock on the vault,
        which no other key can replace meanwhile."""
        return store.recipient(self.public_key)

    def make_folders(self) -> None:
        """The folders that a study always has, this user's alone."""
        for folder in (self.root, self.private, self.private / "recordings", self.releases):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)

    def has_links(self) -> bool:
        """Whether anything in the study's folder is only a link to something elsewhere: `files` passes it over."""
        return any(path.is_symlink() for path in self.root.rglob("*"))

    def files(self) -> list[Path]:
        """Every file of the study, but for what a process at work has not finished; in order."""
        found = (path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        return sorted(
            p for p in found if not any(_TEMPORARY.fullmatch(part) for part in p.relative_to(self.root).parts)
        )

    # --- journal -----------------------------------------------------------------------------------------------------

    def journal(self) -> Iterator[dict[str, object]]:
        """All events so far."""
        yield from store.read_lines(self.journal_path)

    def log(self, event: str, **facts: str | float | int) -> None:
        """Add an event; facts hold ids, stages, keyed digests and seconds, never a name."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        store.append_line(self.journal_path, json.dumps({"at": stamp, "event": event, **facts}))

    def audit_paths(self) -> tuple[Path, ...]:
        """The audit, after those that a repair kept as evidence, in order."""
        return tuple(sorted(self.root.glob(f"{self.audit_path.stem}*{self.audit_path.suffix}")))

    # --- the study's key ---------------------------------------------------------------------------------------------

    def holder_path(self, name: str) -> Path:
        """The study's identity, sealed to the key of one more person."""
        return self.private / f"identity.{name}.age"

    def sealed_keys(self) -> dict[str, bytes]:
        """The files that hold the study's identity, by name; one that cannot be read holds nothing."""
        paths = (self.identity_path, *sorted(self.private.glob("identity.*.age")))
        held = {}
        for path in (path for path in paths if path.is_file()):
            try:
                held[path.name] = store.read(path)
            except StoreError:
                held[path.name] = b""
        return held

    def replace_key(self, files: Mapping[str, bytes], public: str) -> None:
        """Put another public key and these files of private/, by their path there, in the place of the former at once.

        Needs "vault". Raises StudyError while a recording is being taken in: its note would be for the former key.
        """
        self.check_nobody_adds()
        try:
            number = replacement.stage(self.private, files)
            self.log(replacement.EVENT, recipient=public, replacement=number)
        finally:
            replacement.end(self.private, self.journal_path)

    def end_replacement(self) -> None:
        """Where a process that replaced the key was killed, or is still at it, let it come to its end."""
        if replacement.under_way(self.private):
            with self.lock("vault", wait_s=30.0):
                pass  # who takes it does what is left

    # --- recordings --------------------------------------------------------------------------------------------------

    def recordings(self) -> tuple[str, ...]:
        """The ids of all recordings that were added whole, sorted."""
        found = self.private.glob("*/recording.age")
        return tuple(sorted(path.parent.name for path in found))

    def sound_path(self, recording_id: str) -> Path:
        return self.private / "recordings" / f"{recording_id}.age"

    def artefact_path(self, recording_id: str, name: str) -> Path:
        return self.private / recording_id / f"{name}.age"

    def log_path(self, recording_id: str) -> Path:
        """The folder of what reviewers did to a recording, a numbered file for each entry; without an id to people."""
        return self.private / recording_id / "log"

    def state_of(self, recording_id: str) -> str:
        """What differs whenever an artefact of a recording, its log or the vault was written anew."""
        folder = self.private / recording_id
        paths = sorted((*folder.glob("*.age"), *store.numbered(self.log_path(recording_id)), self.vault_path))
        return repr([(path.name, *store.stamp(path)) for path in paths])

    def is_reviewed(self, recording_id: str) -> bool:
        """Whether a person has begun to settle it, be it an earlier transcript of it."""
        former = self.artefact_path(recording_id, "review")  # what versions up to 0.3 kept of it
        return former.exists() or bool(store.numbered(self.log_path(recording_id)))

    def notes(self) -> tuple[Path, ...]:
        """Sealed notes that wait for the next unlock."""
        return tuple(sorted(self.private.glob("*/note.age")))

    def free_id(self, letter: str = "R") -> str:
        """The next R001, R002, ... (T001, ... for a transcript that came without sound) that no recording bears, nor
        one that was forgotten bore: copies of its releases may be with others.
        """
        events = (event for event in self.journal() if event.get("event") == "forgetting")
        forgotten = {known for event in events for known in str(event.get("recordings")).split()}
        taken = {known.upper() for known in self._taken() | forgotten}
        number = next(n for n in range(1, 1_000_000) if f"{letter}{n:03d}" not in taken)
        return f"{letter}{number:03d}"

    def check_id(self, recording_id: str) -> None:
        """Raises StudyError for an id that cannot be a file name everywhere, or is taken."""
        if not _ID.fullmatch(recording_id) or recording_id.casefold() in _RESERVED:
            raise StudyError(
                "a recording id has 1 to 32 letters, digits, - or _ and begins with a letter or digit",
                advice="choose another id",
            )
        if recording_id.casefold() in {known.casefold() for known in self._taken()}:
            raise StudyError(f"the id {recording_id} is taken", advice="choose another id")

    @contextmanager
    def claim(self, wanted: str | None, letter: str = "R") -> Iterator[str]:
        """Hold an id, `wanted` or the next free one, while its recording is taken in. Raises StudyError.

        The claim is a lock on the recording's folder, so it ends with the process that holds it: an `add` that was
        killed leaves its id free, one that goes on beside ours does not get the same.
        """
        with self.lock("vault", wait_s=30.0):
            recording_id = wanted or self.free_id(letter)
            self.check_id(recording_id)
            folder = self.artefact_path(recording_id, "recording").parent
            folder.mkdir(mode=0o700, exist_ok=True)
            descriptor = os.open(folder, os.O_RDONLY)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield recording_id
        finally:
            with suppress(OSError, StudyError):  # an empty folder that stays does no harm
                if not any(folder.iterdir()):
                    with self.lock("vault", wait_s=1.0):  # else somebody might be claiming it just then
                        folder.rmdir()
            os.close(descriptor)

    def check_nobody_adds(self) -> None:
        """Needs "vault", so that nobody begins. Raises StudyError while a recording is being taken in."""
        if self._claimed():
            raise StudyError("a recording is being added", advice="wait until it is in the study")

    def _taken(self) -> set[str]:
        """The ids that no other recording may get."""
        return {*self.recordings(), *self._claimed(), *self._without_facts()}

    def _without_facts(self) -> set[str]:
        """The ids of recordings that were added, and of which something is left but not what tells that they were."""
        known = {*self.recordings(), "recordings"}
        folders = (path for path in self.private.iterdir() if path.name not in known and path.is_dir())
        left = {path.name for path in folders if any(path.iterdir())}
        left |= self._with_sound() - known
        if not left:
            return left
        return left & {str(event.get("recording")) for event in self.journal() if event.get("event") == "added"}

    def _with_sound(self) -> set[str]:
        return {path.stem for path in self.sound_path("").parent.glob("*.age")}

    def _claimed(self) -> list[str]:
        folders = (path for path in self.private.iterdir() if path.is_dir() and path.name not in ("recordings", "log"))
        return [path.name for path in folders if store.is_held(path)]

    def save(self, recording_id: str, name: str, value: object, to: Recipient, key: str = "") -> None:
        """Write an artefact of a recording, encrypted to the recording's key."""
        store.save(self.artefact_path(recording_id, name), value, to, key)

    def put(self, recording_id: str, name: str, sealed: bytes) -> None:
        """Write an artefact that comes sealed to the recording's key."""
        store.write_bytes(self.artefact_path(recording_id, name), sealed)

    def load(self, recording_id: str, name: str, cls: type[T], by: Identity) -> Stored[T] | None:
        """Read an artefact; None when there is none. Raises StoreError."""
        path = self.artefact_path(recording_id, name)
        return store.load(path, cls, by) if path.exists() else None

    # --- one at a time -----------------------------------------------------------------------------------------------

    @contextmanager
    def lock(self, what: str, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the study for `what`: "vault" (short changes) or "work" (a run or a release). Raises StudyError."""
        folder = self.private if what == "vault" else self.releases
        folder.mkdir(mode=0o700, exist_ok=True)  # a release folder that was moved away as a whole
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            deadline = time.monotonic() + wait_s
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() >= deadline:
                        raise StudyError("another process is working on this study", advice="wait for it") from None
                    time.sleep(0.1)
            if what == "vault":
                replacement.end(self.private, self.journal_path)
            yield
        finally:
            # a process that is just being started holds the descriptor, too, until it is its own program
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def leftovers(self) -> tuple[Path, ...]:
        """Temporary files that a killed process left (ciphertext or unfinished releases). Needs "work"."""
        found = [*self.root.glob(".*.tmp"), *self.private.rglob(".*.tmp"), *self.releases.glob(".*.tmp")]
        # an `add` may be writing beside us
        return tuple(p for p in found if _TEMPORARY.fullmatch(p.name) and (p.is_dir() or not store.is_held(p)))

    def sweep(self) -> None:
        """Remove them."""
        for path in self.leftovers():
            if path.is_dir():
                for child in path.iterdir():
                    child.unlink()
                path.rmdir()
            else:
                path.unlink(missing_ok=True)

    def unfinished(self) -> tuple[str, ...]:
        """The ids under which a killed `add` left something, and nobody is adding now."""
        notes = {path.parent.name for path in self.notes()}
        left = (notes | self._with_sound()) - {*self.recordings()}
        return tuple(sorted(one for one in left if not store.is_held(self.private / one)))

    def incomplete(self) -> tuple[str, ...]:
        """The ids of recordings that were added and that `recordings` leaves out, since a part of them is lost."""
        return tuple(sorted(one for one in self._without_facts() if not store.is_held(self.private / one)))

    def set_aside(self, path: Path) -> None:
        """Move something encrypted out of the way, into private/set-aside."""
        folder = self.private / SET_ASIDE
        folder.mkdir(mode=0o700, exist_ok=True)
        name = "-".join(path.relative_to(self.private).parts)
        path.rename(folder / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(2)}-{name}")
        store.sync_folder(folder)

    # --- releases ----------------------------------------------------------------------------------------------------

    def release_path(self, number: int) -> Path:
        return self.releases / f"{number:03d}"

    def standing_releases(self) -> dict[int, Path]:
        """The folders of the releases that lie here, by number, in order; one may have been moved away."""
        found = (p for p in self.releases.glob("*") if p.is_dir() and _RELEASE.fullmatch(p.name))
        return dict(sorted((int(path.name), path) for path in found))

    def released(self) -> dict[int, tuple[str, ...]]:
        """Which recordings each release held that was ever noted."""
        events = (event for event in self.journal() if event.get("event") == "released")
        return {int(str(event["release"])): tuple(str(event.get("recordings")).split()) for event in events}

    def ever_released(self) -> bool:
        """Whether anything was: copies may be with others, though its folder lies here no more."""
        return bool(self.released() or self.standing_releases())

    def ending(self) -> dict[str, object] | None:
        """The last word on the study's closing: "closing" where it was begun, "closed" where it is done."""
        events = [event for event in self.journal() if event.get("event") in ("closing", "closed")]
        return events[-1] if events else None


def check_new(root: Path) -> None:
    """Raises StudyError unless a study can be laid out there: in an empty or missing folder."""
    with store.disk_trouble("the study's folder cannot be read"):
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise StudyError("the study's folder exists and is not empty", advice="choose a new folder")


def create(root: Path, secret: Identity, passphrase: str) -> Study:
    """Lay out a new study in an empty or missing folder. Raises StudyError."""
    check_new(root)
    sealed = store.seal_secret(secret, passphrase)  # first: whoever stops it in these seconds leaves nothing behind
    study = Study(root)
    with store.disk_trouble("the study's folder cannot be made"):
        study.make_folders()
    store.write_bytes(root / "study.toml", config.TEMPLATE.encode())
    store.write_bytes(study.identity_path, sealed)
    study.log("created", study=str(uuid.uuid4()), recipient=str(secret.to_public()))
    return study


def open_study(root: Path) -> Study:
    """The study in a folder. Raises StudyError when there is none."""
    study = Study(root)
    with store.disk_trouble("the study's folder cannot be read"):
        check_closed(study)
        there = [path.is_file() for path in (study.config_path, study.vault_path)]
        known = any(there) or study.identity_path.is_file()
    if not known:
        raise StudyError("this folder is not a study", advice="make one with `transcribe new STUDY`")
    if not all(there):
        raise StudyError("a file of this study is missing", advice="see `transcribe doctor STUDY`")
    return study


def check_closed(study: Study) -> None:
    """Raises StudyError for a study whose key was destroyed: closing takes the vault's copy first, so one that is
    there was not left by it.
    """
    if study.vault_path.is_file() or study.vault_copy_path.is_file():
        return
    ending = study.ending()
    if ending is not None and ending["event"] == "closed":
        day = str(ending["at"])[:10]
        raise StudyError(f"this study is closed since {day}", advice="its releases stay where they are")
    if ending is not None:
        raise StudyError("closing this study was cut off", advice="run `transcribe close STUDY` again")
