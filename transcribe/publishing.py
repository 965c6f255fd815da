"""A numbered release on the disk: all of it or nothing, and what is kept of it in private/."""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from transcribe import __version__, audit, changes, companions, replacements, store
from transcribe.errors import StudyError
from transcribe.levels import TEAM
from transcribe.replacements import Logged, Originals
from transcribe.schema import AnonymisedTranscript, Quiet, record
from transcribe.study import Study
from transcribe.vault import Unlocked

MANIFEST = "manifest.json"
_REPLACED = "replacements-"


@record
class Manifest(Quiet):
    """What a release says of itself: its level, (id, review state) of its recordings, file name -> keyed digest."""

    level: str
    recordings: tuple[tuple[str, str], ...]
    files: Mapping[str, str]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(recording_id for recording_id, _ in self.recordings)


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a release by any version; None where it is damaged. Raises OSError where it cannot be read."""
    try:
        said = json.loads((folder / MANIFEST).read_bytes())
        return Manifest(
            level=str(said.get("level", TEAM)),  # version 0.1 knew no other
            recordings=tuple((str(one["id"]), str(one["review"])) for one in said["recordings"]),
            files={str(one["name"]): str(one["hmac_sha256"]) for one in said["files"]},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def publish(
    unlocked: Unlocked,
    logged: tuple[Logged, ...],
    level: str,
    files: Mapping[str, bytes],
    more: Callable[[Path], None],
) -> tuple[int, Path]:
    """Write a folder beside its final place, sync it, and move it there whole; its number and its path.

    `more` writes further files into it. Where anything fails, nothing is left. What it replaced, and how its turns
    read, is kept in private/.
    """
    study = unlocked.study
    number = last_number(study) + 1
    final = study.release_path(number)
    temporary = study.releases / f".{number:03d}.{secrets.token_hex(4)}.tmp"
    temporary.mkdir(mode=0o700)
    try:
        for name, data in files.items():
            store.write_bytes(temporary / name, data)
        more(temporary)
        manifest = _manifest(unlocked, number, level, [one.released for one in logged], temporary)
        store.write_bytes(temporary / MANIFEST, json.dumps(manifest, indent=1).encode() + b"\n")
        for one in logged:
            unlocked.save(one.released.recording_id, _replaced(number), replacements.originals(one, number))
        os.rename(temporary, final)  # noqa: PTH104 - must fail, not replace, when the folder exists and holds files
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    store.sync_folder(study.releases)
    for one in logged:  # after the folder stands: a killed release must not count as the last one
        turns = changes.turns(unlocked.vault, one.released, number)
        unlocked.save(one.released.recording_id, companions.artefact(level), turns)
    ids = [one.released.recording_id for one in logged]
    _note(unlocked, number, ids)
    return number, final


def note_stopped(unlocked: Unlocked) -> None:
    """A release stands once its folder does; one whose process was stopped before it was noted is noted now."""
    for number, folder in unlocked.study.standing_releases().items():
        manifest = read_manifest(folder) if (folder / MANIFEST).is_file() else None
        if manifest is not None:  # a damaged one is the doctor's to tell
            _note(unlocked, number, list(manifest.ids))


def _note(unlocked: Unlocked, number: int, ids: list[str]) -> None:
    """In the journal and in the audit, once each."""
    study = unlocked.study
    if number not in study.released():
        digest = unlocked.vault.digest_of_file(study.release_path(number) / MANIFEST)
        study.log("released", release=number, recordings=" ".join(ids), manifest=digest)
    audited = (event for event in store.read_lines(study.audit_path) if event.get("event") == "released")
    if number not in {int(str(event["release"])) for event in audited}:
        audit.append(study.audit_path, "released", release=number, recordings=ids)


def last_number(study: Study) -> int:
    """The highest number that a release ever had; 0 before the first."""
    # a release that was moved away keeps its number: copies of it are with others
    return max((*study.standing_releases(), *study.released()), default=0)


def originals(unlocked: Unlocked, recording_id: str, number: int = 0) -> Originals:
    """What a release (the latest, if none is named) replaced in a recording. Raises StudyError where there is none."""
    unlocked.vault.entry(recording_id)
    released = [number for number, ids in unlocked.study.released().items() if recording_id in ids]
    wanted = number or max(released, default=0)
    stored = unlocked.load(recording_id, _replaced(wanted), Originals)
    if stored is None:
        raise StudyError("no such release holds it", recording_id=recording_id, advice="see `transcribe status`")
    return stored.value


def originals_paths(study: Study, number: int) -> tuple[Path, ...]:
    """Where the words that a release replaced are kept."""
    return tuple(sorted(study.private.glob(f"*/{_replaced(number)}.age")))


def originals_of(study: Study, recording_id: str) -> tuple[tuple[int, str], ...]:
    """The releases of which the words that they replaced in a recording are kept, with the names of these artefacts."""
    names = sorted(path.stem for path in (study.private / recording_id).glob(f"{_REPLACED}*.age"))
    numbered = ((name.removeprefix(_REPLACED), name) for name in names)
    return tuple((int(number), name) for number, name in numbered if number.isdecimal())


def _replaced(number: int) -> str:
    """The name of the artefact that holds a release's originals."""
    return f"{_REPLACED}{number:03d}"


def _manifest(
    unlocked: Unlocked, number: int, level: str, transcripts: list[AnonymisedTranscript], folder: Path
) -> dict[str, object]:
    return {
        "release": number,
        "level": level,
        "program": f"transcribe {__version__}",
        "state": "pseudonymised: a key exists",
        "recordings": [
            {
                "id": transcript.recording_id,
                "review": transcript.review.value,
                "settled_on": transcript.settled_on,
                "source_digest": transcript.source_digest,
                "replacements": {kind.value: count for kind, count in transcript.counts},
                "unclear": {"stretches": transcript.unclear, "seconds": round(transcript.unclear_s, 3)},
            }
            for transcript in transcripts
        ],
        "files": [
            {"name": path.name, "hmac_sha256": unlocked.vault.digest_of_file(path)} for path in sorted(folder.iterdir())
        ],
    }
