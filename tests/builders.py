"""Small values for the tests of the core: words, transcripts, people, findings, and an unlocked study."""

import itertools
import re
import resource
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from transcribe import pipeline, store, study, vault
from transcribe.engines import Engines
from transcribe.errors import TranscribeError
from transcribe.schema import (
    Cause,
    Finding,
    Findings,
    Kind,
    MadeBy,
    Person,
    Reason,
    Recording,
    Speaker,
    SpeakerBounds,
    Transcript,
    Turn,
    Turns,
    Unclear,
    Utterance,
    Word,
    Words,
)
from transcribe.vault import RecordingEntry, Unlocked
from transcribe.wordforms import FormIndex

MADE_BY = MadeBy(stage="test", engine="fake", version="1", model="", model_sha256="")


def words(text: str, start_s: float = 0.0, each_s: float = 0.4) -> tuple[Word, ...]:
    """One word for each piece that starts with white space, `each_s` seconds long, one after the other."""
    pieces = re.findall(r"\s*\S+|\s+$", text)
    return tuple(
        Word(start_s=start_s + n * each_s, end_s=start_s + (n + 1) * each_s, text=piece, probability=0.9)
        for n, piece in enumerate(pieces)
    )


def heard(text: str, start_s: float = 0.0, each_s: float = 0.4, language: str = "en") -> Words:
    """What recognition says: every word with its leading space."""
    return Words(words=words(" " + text, start_s, each_s), language=language, language_probability=1.0, made_by=MADE_BY)


def turns(*spans: tuple[float, float, str]) -> Turns:
    """All and exclusive turns alike."""
    listed = tuple(Turn(start_s=start, end_s=end, speaker=speaker) for start, end, speaker in spans)
    return Turns(all=listed, exclusive=listed, made_by=MADE_BY)


def transcript(*said: tuple[str, str], recording_id: str = "R001", language: str = "en", **fields: Any) -> Transcript:
    """A transcript of (label, text) turns, ten seconds each."""
    utterances = tuple(
        Utterance(
            id=f"U{number:04d}",
            speaker=label,
            start_s=10.0 * number,
            end_s=10.0 * number + 9.0,
            words=words(text, 10.0 * number),
        )
        for number, (label, text) in enumerate(said, 1)
    )
    labels = dict.fromkeys(label for label, _ in said)
    speakers = tuple(Speaker(label=label, role="speaker", person_id=None, confidence=0.0) for label in labels)
    given = {"speakers": speakers, **fields}
    return Transcript(recording_id=recording_id, language=language, utterances=utterances, made_by=(MADE_BY,), **given)


def person(person_id: str, *forms: str, kind: Kind = Kind.PERSON, role: str = "participant", **fields: Any) -> Person:
    return Person(id=person_id, kind=kind, role=role, forms=forms, **fields)


def finding(utterance_id: str, start: int, end: int, whom: Person | None, **fields: Any) -> Finding:
    given: dict[str, Any] = {
        "id": "F0001",
        "kind": whom.kind if whom else Kind.OTHER,
        "person_id": whom.id if whom else None,
        "score": 1.0,
        "reason": Reason(rule="roster"),
        **fields,
    }
    return Finding(utterance_id=utterance_id, start=start, end=end, **given)


def stretch(said: Transcript, turn: str, first: int, last: int, stretch_id: str = "X0001") -> Unclear:
    """These words of a turn, flagged as nobody's."""
    spoken = next(u.words for u in said.utterances if u.id == turn)
    before, here = ("".join(w.text for w in spoken[a:b]) for a, b in ((0, first), (first, last + 1)))
    return Unclear(
        id=stretch_id, utterance_id=turn, first_word=first, last_word=last,
        start=len(before) + len(here) - len(here.lstrip()), end=len(before + here),
        start_s=spoken[first].start_s, end_s=spoken[last].end_s, causes=(Cause.NOBODY,),
    )  # fmt: skip


def all_findings(said: Transcript, people: Iterable[Person]) -> tuple[Finding, ...]:
    """Every form of everybody, the longest match first and without overlap, as a perfect detector would say."""
    known = {p.id: p for p in people}
    index = FormIndex(known.values())
    found: list[Finding] = []
    for utterance in said.utterances:
        reached = 0
        for match in index.find(utterance.text):
            if match.start >= reached:
                found.append(finding(utterance.id, match.start, match.end, known[match.person_id]))
                reached = match.end
            elif match.end > reached:  # overlaps in part: one span over both
                last = found.pop()
                found.append(finding(utterance.id, last.start, match.end, known[match.person_id]))
                reached = match.end
    return tuple(found)


def new_unlocked(root: Path, people: tuple[Person, ...] = ()) -> Unlocked:
    """A study laid out as `study.create` does, without the seconds of its passphrase."""
    identity = store.new_identity()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "seal_secret", lambda secret, passphrase: b"age-encryption.org/v1\n")
        opened = study.create(root, identity, "not used here")
    unlocked = vault.create(opened, identity)
    if people:
        unlocked.change(lambda known: vault.with_people(known, people))
    return unlocked


def add_recording(
    unlocked: Unlocked, recording_id: str, *, sound: bytes | None = None, who: tuple[str, ...] = (), name: str = "x.wav"
) -> None:
    """A recording as `add` leaves it, with `sound` for its bytes."""
    entry = RecordingEntry(
        id=recording_id,
        secret=str(store.new_identity()),
        sha256=store.hashlib.sha256(sound or recording_id.encode()).hexdigest(),
        original_name=name,
        source_path=f"/nowhere/{name}",
        who=who,
        bounds=SpeakerBounds(),
        added_on="2026-01-02",
    )
    key_pair = store.identity(entry.secret)
    unlocked.study.save(recording_id, "note", entry, unlocked.study.recipient)
    if sound is not None:
        path = unlocked.study.sound_path(recording_id)
        store.write_bytes(path, store.pyrage.encrypt(sound, [key_pair.to_public()]))
    facts = Recording(id=recording_id, sha256=entry.sha256, duration_s=60.0, sample_rate_hz=16_000, channels=1)
    unlocked.study.save(recording_id, "recording", facts, key_pair.to_public())
    unlocked.change(lambda known: known)


def ciphertext_alone(unlocked: Unlocked) -> bool:
    """Whether nothing in private/ can be read."""
    files = [p for p in unlocked.study.private.rglob("*") if p.is_file()]
    return all(p.read_bytes().startswith(b"age-encryption.org/v1") for p in files)


def study_of(root: Path, *ids: str) -> Unlocked:
    """A study with these recordings, added in this order and no more."""
    unlocked = new_unlocked(root)
    for recording_id in ids:
        add_recording(unlocked, recording_id)
    return unlocked


def add_detected(unlocked: Unlocked, said: Transcript, *, looked: bool = True, **recording: Any) -> None:
    """A recording with all artefacts that `run` leaves, made by nobody."""
    recording_id = said.recording_id
    add_recording(unlocked, recording_id, **recording)
    unlocked.save(recording_id, "words", heard(" ".join(u.text for u in said.utterances)), "k")
    unlocked.save(recording_id, "turns", turns(*((u.start_s, u.end_s, u.speaker) for u in said.utterances)), "k")
    unlocked.save(recording_id, "transcript", said, "k")
    save_candidates(unlocked, said, looked=looked)
    unlocked.save(recording_id, "findings", Findings(found=(), kept=(), made_by=()), "stale")


def save_candidates(unlocked: Unlocked, said: Transcript, *, looked: bool = True) -> None:
    """What detection leaves of the stored transcript when no model finds anything."""
    stored = unlocked.load(said.recording_id, "transcript", Transcript)
    assert stored
    candidates = pipeline.Candidates(source=stored.body_sha256, found=(), language=said.language, looked=looked)
    unlocked.save(said.recording_id, "candidates", candidates, "k")


class NoEngines(Engines):
    """Engines without a model-backed rule: the roster rule alone speaks."""

    rules = ()  # type: ignore[assignment]


def says_nothing_of(error: TranscribeError | str, *secrets: str) -> None:
    """Fails when a message holds one of these names, words or file names."""
    message = str(error).casefold()
    for secret in secrets:
        for word in {secret, *secret.split()}:
            if len(word) > 2:
                assert not re.search(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", message), "a message holds a name"


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Cut(Exception):
    """The process ends here."""


@contextmanager
def cut_at(number: int) -> Iterator[None]:
    """Changes of the disk are counted; instead of that one and of all after it comes `Cut`."""
    counted = itertools.count(1)

    def guarded(real: Any) -> Any:
        def step(*arguments: object, **named: object) -> object:
            if next(counted) >= number:
                raise Cut
            return real(*arguments, **named)

        return step

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((store, "append_line"), (store, "write_bytes"), (Path, "unlink"), (shutil, "rmtree")):
            patch.setattr(owner, name, guarded(getattr(owner, name)))
        yield


def stands(root: Path) -> dict[Path, bytes]:
    """Every file below a folder but the vault, which is sealed anew at each unlock."""
    found = (path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith("vault."))
    return {path: path.read_bytes() for path in found}


def unreadable(path: Path) -> None:
    """The disk does not give this file back any more (EIO)."""
    path.unlink()
    path.symlink_to("/proc/self/mem")
