"""The encrypted key of a study: people, surface forms, pseudonyms, recording keys, and the key of all digests.

`Vault` is a value that is changed by replacing it; `Unlocked` is a study whose key is at hand. Whoever can read the
vault can identify everybody.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pyrage.x25519 import Identity

from transcribe import audit, inventory, keys, store
from transcribe.audit import Seal
from transcribe.errors import LockedError, NewerError, StoreError, StudyError, typed
from transcribe.inventory import Inventory
from transcribe.parting import Unfinished
from transcribe.schema import Consent, Person, Quiet, SpeakerBounds, record
from transcribe.store import Stored
from transcribe.study import Study

T = TypeVar("T")
VOICEPRINTS_EACH = 8
PERSON, RECORDING = "person:", "recording:"


@record
class Part(Quiet):
    """One of several files that a recording came in: its checksum, where it came from, and its seconds there."""

    sha256: str
    original_name: str
    source_path: str
    start_s: float
    duration_s: float
    channels: int


@record
class RecordingEntry(Quiet):
    """What only the key holder may know of a recording: its age secret, where it came from, who took part.

    `sha256` is that of the stored sound. `added_on` is an ISO date; `language` a code or "auto", empty where the
    study's settings say it. `parts` are the files in their order where there are several, which then have the names and
    paths; `at_once`: these are two microphones, a channel each; `by_channel`: who speaks is known by the channel, S1 in
    the first. Written as a sealed note when the key is not at hand, and merged at the next unlock.
    """

    id: str
    secret: str
    sha256: str
    original_name: str
    source_path: str
    who: tuple[str, ...]
    bounds: SpeakerBounds
    added_on: str
    language: str = ""
    parts: tuple[Part, ...] = ()
    by_channel: bool = False
    at_once: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The paths of the files that it came in."""
        return tuple(part.source_path for part in self.parts) or (self.source_path,)

    @property
    def sums(self) -> tuple[str, ...]:
        """The checksums of the files that it came in."""
        return tuple(part.sha256 for part in self.parts) or (self.sha256,)


@record
class Voiceprint(Quiet):
    """The voice of somebody who agreed to be recognised by it: special-category data, stored nowhere but in the vault.

    `whom` is a person's id, or "interviewer" where the roster names none; `vector` has unit length and comes of the
    model with that checksum; `recording_id` and `label` say where it was heard, both empty for a sample of her voice.
    """

    whom: str
    recording_id: str
    label: str
    model_sha256: str
    vector: tuple[float, ...]


@record
class Rendering(Quiet):
    """What is written instead of somebody at an anonymity level other than the team's, and by which of its actions."""

    level: str
    person_id: str
    action: str
    text: str


@record
class Attributes(Quiet):
    """What the researcher knows, as (column, value) pairs; `of` is an id after "person:" or "recording:"."""

    of: str
    values: tuple[tuple[str, str], ...]


@record
class Topic(Quiet):
    """Where a topic begins in a recording, seconds from its start."""

    recording_id: str
    start_s: float
    title: str


@record
class Holder(Quiet):
    """Somebody else who can open the study with her own age key; `id` is no name. `added_on` is an ISO date."""

    id: str
    recipient: str
    added_on: str


@record
class Vault(Quiet):
    """The key table. `hmac_key` is 32 random bytes in hex; people in roster order, found ones after them.

    `voiceprints` come in the order in which they were learnt. A vault written before there were any has none, and
    likewise no renderings, attributes, topics, holders, consents, seals or retired pseudonyms: those that somebody bore
    once, which are drawn for nobody else, since copies of old releases may be with others. `forgetting` is a
    withdrawal that is not done yet.
    """

    hmac_key: str
    people: tuple[Person, ...] = ()
    recordings: tuple[RecordingEntry, ...] = ()
    voiceprints: tuple[Voiceprint, ...] = ()
    renderings: tuple[Rendering, ...] = ()
    attributes: tuple[Attributes, ...] = ()
    topics: tuple[Topic, ...] = ()
    holders: tuple[Holder, ...] = ()
    consents: tuple[Consent, ...] = ()
    audit: Seal = Seal()
    inventory: Inventory = Inventory()
    retired: tuple[str, ...] = ()
    forgetting: Unfinished | None = None

    def person(self, person_id: str) -> Person:
        for person in self.people:
            if person.id == person_id:
                return person
        raise StudyError(
            f"nobody in this study has the id {typed(person_id)}", advice="see `transcribe people STUDY list`"
        )

    def entry(self, recording_id: str) -> RecordingEntry:
        for entry in self.recordings:
            if entry.id == recording_id:
                return entry
        raise StudyError(f"no recording has the id {typed(recording_id)}", advice="see `transcribe status STUDY`")

    def digest(self, *parts: str | bytes) -> str:
        """HMAC-SHA256 of the parts, each preceded by its length so that no two lists of parts agree."""
        code = hmac.new(bytes.fromhex(self.hmac_key), digestmod=hashlib.sha256)
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            code.update(len(data).to_bytes(8, "big") + data)
        return code.hexdigest()

    def digest_of_file(self, path: Path) -> str:
        """The digest of a file's bytes, read in blocks."""
        code = hmac.new(bytes.fromhex(self.hmac_key), digestmod=hashlib.sha256)
        code.update(path.stat().st_size.to_bytes(8, "big"))
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                code.update(block)
        return code.hexdigest()


def with_people(vault: Vault, people: tuple[Person, ...]) -> Vault:
    """The vault with these people put in the place of those with the same ids, new ones at the end."""
    known = {person.id: person for person in vault.people}
    left = [known[p.id].pseudonym for p in people if p.id in known and known[p.id].pseudonym != p.pseudonym]
    known.update({person.id: person for person in people})
    return with_retired(replace(vault, people=tuple(known.values())), left)


def with_retired(vault: Vault, pseudonyms: Iterable[str]) -> Vault:
    """The vault with these among the pseudonyms that are drawn no more; tags are none."""
    names = (name for name in pseudonyms if name and "[" not in name)
    return replace(vault, retired=tuple(dict.fromkeys((*vault.retired, *names))))


def with_pseudonyms(vault: Vault, named: tuple[Person, ...]) -> Vault:
    """The vault with these people's pseudonyms, where they have none yet, or a tag that is written no more."""
    given = {person.id: person.pseudonym for person in named}
    return replace(
        vault,
        people=tuple(
            replace(p, pseudonym=given.get(p.id, p.pseudonym)) if not p.pseudonym or _is_tag(p) else p
            for p in vault.people
        ),
    )


def _is_tag(person: Person) -> bool:
    return person.pseudonym.startswith("[") and not person.chosen


def with_renderings(vault: Vault, given: tuple[Rendering, ...]) -> Vault:
    """The vault with these in the place of those of the same people and levels; names that are left so are retired."""
    before = {(r.level, r.person_id): r for r in vault.renderings}
    known = before | {(r.level, r.person_id): r for r in given}
    left = [r.text for key, r in before.items() if r.text != known[key].text]
    return with_retired(replace(vault, renderings=tuple(known.values())), left)


def with_attributes(vault: Vault, given: tuple[Attributes, ...]) -> Vault:
    """The vault with these attributes in the place of those of the same people and recordings."""
    known = {one.of: one for one in vault.attributes} | {one.of: one for one in given}
    return replace(vault, attributes=tuple(known.values()))


def with_topics(vault: Vault, given: tuple[Topic, ...]) -> Vault:
    """The vault with these topics in the place of those of the same recordings."""
    recordings = {topic.recording_id for topic in given}
    others = [topic for topic in vault.topics if topic.recording_id not in recordings]
    return replace(vault, topics=(*others, *given))


def with_consents(vault: Vault, given: tuple[Consent, ...]) -> Vault:
    """The vault with these in the place of those of the same people."""
    known = {one.person_id: one for one in vault.consents} | {one.person_id: one for one in given}
    return replace(vault, consents=tuple(known.values()))


def with_recording(vault: Vault, entry: RecordingEntry) -> Vault:
    """The vault with this recording, in order of id."""
    others = [e for e in vault.recordings if e.id != entry.id]
    return replace(vault, recordings=tuple(sorted([*others, entry], key=lambda e: e.id)))


def with_voiceprints(vault: Vault, learnt: tuple[Voiceprint, ...]) -> Vault:
    """The vault with these at the end; of each person the last `VOICEPRINTS_EACH` are kept."""
    kept: list[Voiceprint] = []
    for one in reversed((*vault.voiceprints, *learnt)):
        if sum(other.whom == one.whom for other in kept) < VOICEPRINTS_EACH:
            kept.append(one)
    return replace(vault, voiceprints=tuple(reversed(kept)))


def sealed(vault: Vault, study: Study) -> Vault:
    """The vault with the audit and the folder as they stand."""
    recordings = tuple(entry.id for entry in vault.recordings)
    return replace(
        vault,
        audit=audit.sealed_anew(study.audit_path, vault.audit),
        inventory=inventory.taken(study, vault.inventory, recordings),
    )


class Unlocked:
    """A study whose identity is at hand. The vault is read afresh for each change, under its lock."""

    def __init__(self, study: Study, identity: Identity) -> None:
        self.study = study
        self.identity = identity
        self.vault = self._read()
        self.found_seal = self.vault.audit
        if study.notes():
            self.change(lambda vault: vault)

    def __repr__(self) -> str:
        return "<Unlocked>"

    def _read(self) -> Vault:
        stamp = store.stamp(self.study.vault_path)
        try:
            vault = store.load(self.study.vault_path, Vault, self.identity).value
        except NewerError:
            raise
        except StoreError:
            self.check_key()
            raise StoreError(
                "the vault is damaged or another study's", advice="see `transcribe doctor STUDY`"
            ) from None
        self._stamp = stamp
        return vault

    def check_key(self) -> None:
        """Raises LockedError where the study's key was replaced after we unlocked it."""
        if self.study.public_key != str(self.identity.to_public()):
            raise LockedError("the study's key was replaced meanwhile", advice="open it with the new passphrase")

    def look(self) -> None:
        """Read the vault again where another process has changed it."""
        if store.stamp(self.study.vault_path) != self._stamp:
            self.vault = self._read()

    def change(self, how: Callable[[Vault], Vault], wait_s: float = 30.0, *, seal: bool = False) -> None:
        """Merge waiting notes, apply `how` to the vault as it stands on the disk, and write it back if it changed;
        `seal`: or if what it seals did.
        """
        with self.study.lock("vault", wait_s=wait_s):
            before = self._read()
            vault, notes = before, self._whole_notes()
            for note in notes:
                vault = with_recording(vault, self._noted(note))
            vault = how(vault)
            if seal or vault != before:
                vault = sealed(vault, self.study)
            if vault != before:
                # first: a key that is forgotten must not outlive that in the copy, wherever we are stopped
                self.study.vault_copy_path.unlink(missing_ok=True)
                store.save(self.study.vault_path, vault, self.identity.to_public())
                self._stamp = store.stamp(self.study.vault_path)
            for note in notes:
                note.unlink()
            self.vault = vault
            self._copy()

    def _copy(self) -> None:
        """Put the vault's bytes into a second file where they do not stand there: a spoilt bit costs one of the two."""
        path, copy = self.study.vault_path, self.study.vault_copy_path
        data = path.read_bytes()
        with suppress(OSError):  # it comes with the next change or unlock
            if not copy.exists() or copy.read_bytes() != data:
                store.write_bytes(copy, data)

    def seal(self) -> None:
        """Keep in the vault how the audit and the folder stand; left to the next unlock where somebody else is at the
        vault, or where the study can only be read.
        """
        with suppress(StudyError, OSError):
            if sealed(self.vault, self.study) != self.vault or not self.study.vault_copy_path.exists():
                self.change(lambda vault: vault, wait_s=0.0, seal=True)

    def _whole_notes(self) -> list[Path]:
        """Notes of recordings that were added whole; a killed `add` leaves one without its recording."""
        return [note for note in self.study.notes() if (note.parent / "recording.age").exists()]

    def _noted(self, note: Path) -> RecordingEntry:
        try:
            return store.load(note, RecordingEntry, self.identity).value
        except StoreError as error:
            error.recording_id, error.advice = note.parent.name, "see `transcribe doctor STUDY`"
            raise

    def recordings(self) -> tuple[str, ...]:
        """The ids of all recordings, sorted: those that were added whole, and those that only the vault tells of, since
        a part of them is lost.
        """
        return tuple(sorted({*self.study.recordings(), *(entry.id for entry in self.vault.recordings)}))

    def recording_key(self, recording_id: str) -> Identity:
        """The key pair that everything of a recording is encrypted to. Raises StudyError for an unknown id."""
        known = any(entry.id == recording_id for entry in self.vault.recordings)
        if not known and self.study.artefact_path(recording_id, "note").exists():
            self.change(lambda vault: vault)  # added by another process since we unlocked
        return store.identity(self.vault.entry(recording_id).secret)

    def save(self, recording_id: str, name: str, value: object, key: str = "") -> None:
        """Write an artefact of a recording."""
        self.study.save(recording_id, name, value, self.recording_key(recording_id).to_public(), key)

    def load(self, recording_id: str, name: str, cls: type[T]) -> Stored[T] | None:
        """Read an artefact of a recording; None when there is none. Raises StoreError that names the recording."""
        try:
            return self.study.load(recording_id, name, cls, self.recording_key(recording_id))
        except StoreError as error:
            error.recording_id = recording_id
            raise

    def standing(self, recording_id: str, name: str, cls: type[T]) -> Stored[T] | None:
        """The same for what can be made again: None also when it is damaged, which the journal notes."""
        try:
            return self.load(recording_id, name, cls)
        except StoreError:
            self.study.log("damaged", recording=recording_id, artefact=name)
            return None

    @contextmanager
    def adding(self, recording_id: str) -> Iterator[Callable[[object], None]]:
        """What adds an entry to the log of a recording, to which nobody else does until the end of the block; without
        an id to that of the study's people, and then nobody else changes the vault either.
        """
        path = self.study.log_path(recording_id)
        if recording_id:
            key = self.recording_key(recording_id).to_public()
            with store.adding(path, key, self._last_entry(recording_id)) as add:
                yield add
            return
        with self.study.lock("vault", wait_s=30.0):  # else another key might be put in place just then
            self.check_key()
            with store.adding(path, self.identity.to_public(), self._last_entry(recording_id)) as add:
                yield add

    def _last_entry(self, recording_id: str) -> int:
        """The number up to which a log is known to have come: one that is lost is not given again, which would hide
        the loss.
        """
        return dict(self.vault.inventory.entries).get(recording_id, 0)

    def append(self, recording_id: str, value: object) -> None:
        """Add an entry to the log of a recording; without an id to that of the study's people."""
        with self.adding(recording_id) as add:
            add(value)

    def appended(self, recording_id: str, cls: type[T], after: int = 0) -> tuple[T, ...]:
        """The entries of a recording's log, but for the first `after`. Raises StoreError that names the recording, also
        where an entry is not there any more: it may have withheld a name.
        """
        try:
            key = self.recording_key(recording_id) if recording_id else self.identity
            paths = store.numbered(self.study.log_path(recording_id))
            if len(paths) < max([after, self._last_entry(recording_id), *(int(path.stem) for path in paths[-1:])]):
                raise StoreError("a decision is lost", advice="see `transcribe doctor STUDY`")
            return tuple(store.load(path, cls, key).value for path in paths[after:])
        except StoreError as error:
            if not recording_id:
                self.check_key()
            error.recording_id = recording_id
            raise

    def rewrite(self, recording_id: str, cls: type[T], how: Callable[[T], T]) -> None:
        """Change entries of a log that was only ever added to: for what must be forgotten, and for nothing else."""
        key = self.recording_key(recording_id) if recording_id else self.identity
        with self.study.lock("vault", wait_s=30.0):
            self.check_key()
            for path in store.numbered(self.study.log_path(recording_id)):
                entry = store.load(path, cls, key).value
                changed = how(entry)
                if changed != entry:
                    store.save(path, changed, key.to_public())

    def digest_of(self, stored: Stored[T]) -> str:
        """The keyed digest of an artefact's content."""
        return self.vault.digest(stored.body_sha256)


def create(study: Study, identity: Identity) -> Unlocked:
    """Write an empty vault with a fresh digest key into a new study."""
    store.save(study.vault_path, Vault(hmac_key=secrets.token_hex(32)), identity.to_public())
    return Unlocked(study, identity)


def unlock(study: Study, given: str) -> Unlocked:
    """Open a study's key. Raises LockedError for a wrong passphrase; takes seconds by design (scrypt).

    The recovery sheet's secret key is taken in the place of a passphrase, so that a forgotten one loses nothing, and so
    is the key of anybody whom the study was opened to.
    """
    study.end_replacement()
    unlocked = Unlocked(study, keys.opened(given, study.public_key, study.sealed_keys()))
    unlocked.seal()
    return unlocked
