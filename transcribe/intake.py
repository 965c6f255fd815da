"""Taking recordings into a study: inspect, encrypt, compare, and only then count as added."""

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from pyrage.x25519 import Identity

from transcribe import audio, audit, bundle, channels, consent, folders, imports, labels, store, stored_sound
from transcribe.errors import AudioError, ConsentError, StudyError, TranscribeError
from transcribe.media import Probe, Refusal
from transcribe.participants import took_part
from transcribe.schema import (
    Audio,
    Purpose,
    Quiet,
    Recording,
    SpeakerBounds,
    Turns,
    Words,
    record,
)
from transcribe.study import Study
from transcribe.vault import RecordingEntry, Unlocked, with_people, with_recording
from transcribe.wordforms import FormIndex, parted

LARGEST_TRANSCRIPT = 200_000_000
_NOT_BY_CHANNEL = "add it without --as channels"


@record
class Request(Quiet):
    """What the researcher says of a recording: her own id for it, who took part, how many speak, in which language.

    `language` is a code that `config.check_language` passed or "auto"; empty = as the study's settings say.
    `by_channel`: each of its two channels is one speaker's.
    """

    id: str | None = None
    who: tuple[str, ...] = ()
    bounds: SpeakerBounds = SpeakerBounds()
    language: str = ""
    by_channel: bool = False


@record
class Spoken(Quiet):
    """A recording's language: as asked for (a code or "auto"), whether for this recording alone; as last recognised,
    and how surely, None before that.
    """

    language: str
    chosen: bool
    heard: str | None
    probability: float | None


def add(study: Study, source: Path, request: Request, unlocked: Unlocked | None = None) -> Recording:
    """Take one recording in; with the key at hand duplicates, unknown people and those who said no are refused at once.

    Raises AudioError for a file that cannot be used (nothing is kept of it), StudyError for an id or a person,
    ConsentError.
    """
    descriptor = open_source(source)
    try:
        probe, duration_s = inspected(descriptor)
        apart = _apart(descriptor, probe.channels, must_be=request.by_channel)
        sha256 = sum_of(descriptor)
        if unlocked is not None:
            check(unlocked, request, sha256)
            ask(unlocked, request, Purpose.RECORD)
        with study.claim(request.id) as recording_id:
            recording = Recording(
                id=recording_id,
                sha256=sha256,
                duration_s=duration_s,
                sample_rate_hz=probe.sample_rate_hz,
                channels=probe.channels,
                apart=apart,
            )
            entry = replace(entry_of(recording, request), original_name=source.name, source_path=path_of(source))
            with reader(descriptor) as sound:
                seal(study, sound, recording, entry)
    finally:
        os.close(descriptor)
    if unlocked is not None:
        unlocked.change(lambda vault: vault)
    return recording


def add_transcript(unlocked: Unlocked, source: Path, request: Request) -> Recording:
    """Take a transcript that exists already (txt, docx, vtt, srt) into the study, as a recording without sound.

    The labels in it may be real names: where one is somebody's of the study it is linked to her, where it is not, it
    becomes a found person's form, so that it is withheld wherever it occurs. Raises StudyError for a bad file or id,
    ConsentError.
    """
    study = unlocked.study
    data = _read_all(source)
    sha256 = hashlib.sha256(data).hexdigest()
    check(unlocked, request, sha256)
    language = "en" if study.config.language == "auto" else study.config.language
    with study.claim(request.id, "T") as recording_id:
        imported = imports.read_transcript(data, source.suffix, recording_id, language)
        transcript, strangers = labels.linked(imported, unlocked.vault.people, request.who)
        labelled = tuple(speaker.person_id for speaker in transcript.speakers if speaker.person_id)
        ask(unlocked, request, Purpose.TRANSCRIBE, labelled)
        recording = Recording(id=recording_id, sha256=sha256, duration_s=0.0, sample_rate_hz=0, channels=0)
        entry = replace(entry_of(recording, request), original_name=source.name, source_path=path_of(source))
        public = store.identity(entry.secret).to_public()
        unlocked.change(lambda vault: with_people(vault, strangers))  # first: without them nothing withholds them
        study.save(recording_id, "note", entry, study.recipient)
        study.save(recording_id, "transcript", transcript, public, "imported")
        study.save(recording_id, "recording", recording, public)
    study.log("added", recording=recording_id, recipient=str(public))
    audit.append(study.audit_path, "transcript added", recording=recording_id)
    unlocked.change(lambda vault: vault)
    return recording


@record
class Taken(Quiet):
    """What became of a file, the `number`th of `count`: taken in, refused, or both where only its removal failed."""

    number: int
    count: int
    added: Recording | None = None
    refused: TranscribeError | None = None


def add_each(
    study: Study, paths: tuple[Path, ...], request: Request, unlocked: Unlocked | None, *, remove_source: bool
) -> Iterator[Taken]:
    """Add every recording among the paths, each told as soon as it is dealt with; one that is refused stops no other.

    Raises StudyError: there is none, or an id for several.
    """
    released = study.releases.resolve()
    sources = tuple(path for path in folders.media_files(paths) if not Path(path_of(path)).is_relative_to(released))
    if not sources:
        others = folders.left(paths, study.root)
        by_name = f": {others} file{'s are' if others > 1 else ' is'} none by the name" if others else ""
        raise StudyError(f"there is no recording in that folder{by_name}", advice="name the files themselves")
    if request.id and len(sources) > 1:
        raise StudyError("an id is for one file", advice="add the files one by one, or without --id")
    for number, source in enumerate(sources, 1):
        taken = Taken(number=number, count=len(sources))
        before = seen(source)
        try:
            taken = replace(taken, added=add(study, source, request, unlocked))
            if remove_source and taken.added:
                remove(study, taken.added.id, source, before)
        except TranscribeError as error:
            taken = replace(taken, refused=error)
        yield taken


def add_all(
    study: Study, paths: tuple[Path, ...], request: Request, unlocked: Unlocked | None, *, remove_source: bool
) -> tuple[list[Recording], list[tuple[int, TranscribeError]]]:
    """The same at once: (added, (number of file, why))."""
    taken = list(add_each(study, paths, request, unlocked, remove_source=remove_source))
    return [one.added for one in taken if one.added], [(one.number, one.refused) for one in taken if one.refused]


def set_language(unlocked: Unlocked, recording_id: str, language: str) -> None:
    """Say in which language a recording is: a checked code, "auto", or "" for what the study's settings say.

    The next run recognises that recording again. Raises StudyError for an unknown id, or one without sound.
    """
    unlocked.recording_key(recording_id)
    if not unlocked.study.sound_path(recording_id).exists():
        raise StudyError(
            "a transcript that came without sound is not recognised, so its language cannot be chosen",
            recording_id=recording_id,
            advice="set language in study.toml and add it again",
        )
    unlocked.change(
        lambda vault: with_recording(vault, replace(vault.entry(recording_id), language=language)),
    )
    audit.append(unlocked.study.audit_path, "language chosen", recording=recording_id)


def set_who(unlocked: Unlocked, recording_id: str, who: tuple[str, ...]) -> None:
    """Say who took part in a recording. Raises StudyError for an unknown id; then nothing is changed."""
    unlocked.recording_key(recording_id)
    for person_id in who:
        unlocked.vault.person(person_id)
    unlocked.change(lambda vault: with_recording(vault, replace(vault.entry(recording_id), who=who)))
    audit.append(unlocked.study.audit_path, "who took part said", recording=recording_id, people=list(who))


def spoken(unlocked: Unlocked, recording_id: str) -> Spoken:
    """In which language a recording is recognised, and in which it was. Raises StudyError for an unknown id."""
    words = unlocked.load(recording_id, "words", Words)
    chosen = unlocked.vault.entry(recording_id).language
    return Spoken(
        language=chosen or unlocked.study.config.language,
        chosen=bool(chosen),
        heard=words.value.language if words else None,
        probability=words.value.language_probability if words else None,
    )


def seen(source: Path) -> tuple[int, ...] | None:
    """What tells a file as it is now from the same path with another file, or with more in it; None for no file."""
    try:
        found = source.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def being_written(source: Path) -> bool:
    """Whether a program has the file open to write in it, as one that copies it here; False where nobody can tell.

    The kernel grants no lease to read a file that is open for writing (fcntl(2), F_SETLEASE); on files of others, and
    on most network shares, it grants none at all.
    """
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)  # ends with the descriptor
    except OSError as error:
        return error.errno == errno.EAGAIN
    finally:
        os.close(descriptor)
    return False


def remove(study: Study, recording_id: str, source: Path, before: tuple[int, ...] | None) -> None:
    """Delete a file whose copy was verified, if it is what it was `before` it was copied and nobody is writing it.

    Raises StudyError: it is still there.
    """
    if source.is_symlink():
        raise StudyError(
            "added, but the source is only a link, so nothing was removed",
            recording_id=recording_id,
            advice="delete the file that it leads to, and the link, yourself",
        )
    if before is None or being_written(source) or seen(source) != before:
        raise StudyError(
            "added, but somebody is writing the source, or it has changed, so it was not removed",
            recording_id=recording_id,
            advice="if it was not whole, forget this recording and add it again",
        )
    try:
        source.unlink()
    except OSError:
        raise StudyError("added, but the source cannot be removed", advice="remove it yourself") from None
    audit.append(study.audit_path, "source removed", recording=recording_id)


def add_transcripts(
    unlocked: Unlocked, paths: tuple[Path, ...], request: Request
) -> tuple[tuple[str, ...], list[tuple[int, TranscribeError]]]:
    """Add transcripts that exist already; one that is refused stops no other. (ids, (number of file, why)).

    What is in the study counts as added, so that a command which was stopped can be given again.
    """
    if request.id and len(paths) > 1:
        raise StudyError("an id is for one file", advice="add the files one by one, or without --id")
    ids: list[str] = []
    refused: list[tuple[int, TranscribeError]] = []
    for number, path in enumerate(paths, 1):
        try:
            ids.append(_known(unlocked, path, request) or add_transcript(unlocked, path, request).id)
        except TranscribeError as error:
            refused.append((number, error))
    return tuple(dict.fromkeys(ids)), refused


def _known(unlocked: Unlocked, path: Path, request: Request) -> str:
    """The id under which a file is in the study, if no other was asked for; else empty."""
    sha256 = hashlib.sha256(_read_all(path)).hexdigest()
    ids = (entry.id for entry in unlocked.vault.recordings if sha256 in entry.sums)
    return next((one for one in ids if request.id in (None, one)), "")


def _read_all(source: Path) -> bytes:
    descriptor = open_source(source)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(LARGEST_TRANSCRIPT + 1)
    if len(data) > LARGEST_TRANSCRIPT:
        raise StudyError("the file is larger than 200 MB", advice="give a transcript, not a recording")
    return data


def open_source(source: Path) -> int:
    """The descriptor of an ordinary file. Raises AudioError."""
    try:
        f"{source.absolute()}{path_of(source)}".encode()
        descriptor = os.open(source, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe would wait for its writer
    except UnicodeEncodeError:
        what = "the name of the file, or of a folder above it, is not UTF-8 text"
        raise AudioError(what, advice="rename it and add it again") from None
    except OSError as error:
        raise AudioError(f"the file cannot be opened ({os.strerror(error.errno or 0)})", advice="check it") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise AudioError("this is not an ordinary file", advice="give a recording or a folder of recordings")
    return descriptor


def reader(descriptor: int) -> BinaryIO:
    """The file from its start, over a descriptor that stays open."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.fdopen(os.dup(descriptor), "rb")


def sum_of(descriptor: int) -> str:
    """The SHA-256 of a file."""
    with reader(descriptor) as source:
        return store.HashingReader(source).to_end()


def inspected(descriptor: int) -> tuple[Probe, float]:
    """What `audio.inspect` tells of a file that somebody gives us. Raises AudioError, also for a bundle of ours."""
    if bundle.is_bundle(descriptor):
        raise Refusal.NOT_MEDIA.error()
    return audio.inspect(descriptor)


def _apart(descriptor: int, count: int, *, must_be: bool) -> bool:
    """Whether the channels plainly hold two speakers, by the first minutes: a hint, which stops no recording.

    Raises AudioError where they `must_be` two speakers' and cannot.
    """
    if count != 2:
        if must_be:
            what = f"the recording has {count} channel{'s' if count != 1 else ''}, not one for each of two speakers"
            raise AudioError(what, advice=_NOT_BY_CHANNEL)
        return False
    try:
        levels = stored_sound.levels(descriptor, channels.LISTENED_S)
    except AudioError:  # `inspect` took it
        return False
    if must_be and channels.same(levels):
        raise AudioError("both channels hold the same sound", advice=_NOT_BY_CHANNEL)
    return channels.apart(levels)


def check(unlocked: Unlocked, request: Request, *sums: str) -> None:
    """Raises StudyError for a file that is in the study, an unknown person or an id that tells a name."""
    for entry in unlocked.vault.recordings:
        if set(sums) & {*entry.sums}:
            raise StudyError(f"this recording is already in the study as {entry.id}", advice="nothing was added")
    for person_id in request.who:
        unlocked.vault.person(person_id)
    if request.id and FormIndex(unlocked.vault.people).find(parted(request.id)):
        raise StudyError("the id holds a name of this study", advice="choose one that says nothing, such as P03")


def ask(unlocked: Unlocked, request: Request, purpose: Purpose, labelled: tuple[str, ...] = ()) -> None:
    """Raises ConsentError where somebody who took part, or whom a label names, said no to it or has withdrawn."""
    people = unlocked.vault.people
    who = {*took_part(people, request.who), *labelled}
    found = consent.obstacles(people, unlocked.vault.consents, who, (purpose,))
    if found:
        raise ConsentError(
            consent.told(found),
            recording_id=request.id or "",
            advice="leave it out; if that has changed, correct the roster and import it again",
        )


def seal(study: Study, sound: store.Readable, recording: Recording, entry: RecordingEntry) -> None:
    """Note, sound, facts - in this order: a recording counts as added once its facts are there, and not before."""
    key_pair = store.identity(entry.secret)
    public = key_pair.to_public()
    study.save(recording.id, "note", entry, study.recipient)
    copied = store.encrypt_file(sound, study.sound_path(recording.id), key_pair)
    if copied != recording.sha256:
        raise StudyError("the recording changed while it was read", advice="wait until it is whole and add it again")
    study.save(recording.id, "recording", recording, public)
    study.log("added", recording=recording.id, recipient=str(public))
    audit.append(study.audit_path, "recording added", recording=recording.id)


def entry_of(recording: Recording, request: Request) -> RecordingEntry:
    """What the vault keeps of a recording, with a key of its own; whoever asks for it says where it came from."""
    return RecordingEntry(
        id=recording.id,
        secret=str(store.new_identity()),
        sha256=recording.sha256,
        original_name="",
        source_path="",
        who=request.who,
        bounds=request.bounds,
        added_on=datetime.now(UTC).date().isoformat(),
        language=request.language,
        by_channel=request.by_channel,
    )


def path_of(source: Path) -> str:
    """Where a file lies, for the vault: not a link to it, which may go while the file stays."""
    return os.path.realpath(source)


def sample(source: Path) -> Audio:
    """The sound of a file that does not become a recording; nothing is kept of it. Raises AudioError."""
    descriptor = open_source(source)
    try:
        return audio.decode(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def opened(unlocked: Unlocked, recording_id: str) -> Iterator[int]:
    """The descriptor of a recording's file, decrypted in memory; it is gone on leaving."""
    with plain(unlocked.study.sound_path(recording_id), unlocked.recording_key(recording_id)) as descriptor:
        yield descriptor


@contextmanager
def plain(path: Path, key: Identity) -> Iterator[int]:
    """The same, for whoever has the recording's key alone."""
    with open(os.memfd_create("sound", os.MFD_CLOEXEC), "w+b") as memory:  # noqa: PTH123 - a descriptor
        store.decrypt_file(path, memory, key)
        memory.flush()
        yield memory.fileno()


def turns_by_channel(unlocked: Unlocked, recording_id: str, speech: channels.Regions) -> Turns:
    """Who speaks when by the channels of a recording, within `speech`. Raises AudioError, StoreError."""
    with opened(unlocked, recording_id) as descriptor:
        return channels.turns(stored_sound.levels(descriptor), speech)


def sound(unlocked: Unlocked, recording_id: str) -> Audio:
    """The sound of a recording, decrypted and decoded in memory."""
    with opened(unlocked, recording_id) as descriptor:
        return stored_sound.decode(descriptor)
