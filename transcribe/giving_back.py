"""Recordings as they came: decrypted into a folder, bit for bit, each named by its id."""

import re
from pathlib import Path
from typing import BinaryIO

from transcribe import audit, store
from transcribe.errors import StoreError, StudyError, TranscribeError
from transcribe.schema import Quiet, record
from transcribe.vault import Unlocked

_SUFFIX = re.compile(r"\.[a-z0-9]{1,5}")


@record
class Given(Quiet):
    """A recording that was given back, and the name of its file."""

    id: str
    name: str


def give_back(unlocked: Unlocked, folder: Path, ids: tuple[str, ...] = ()) -> tuple[Given, ...]:
    """Write the recordings (all that have sound when none is named) into a folder; nothing there is replaced.

    Each is compared with what was taken in before it gets its name. Raises StudyError, StoreError.
    """
    study = unlocked.study
    wanted = ids or tuple(one for one in study.recordings() if study.sound_path(one).exists())
    if not wanted:
        raise StudyError("no recording of this study has sound", advice="nothing is to be exported")
    planned = tuple(Given(id=one, name=_name(unlocked, one)) for one in wanted)
    taken = next((one for one in planned if (folder / one.name).exists()), None)
    if taken is not None:
        raise StudyError("a file of that name is there already", recording_id=taken.id, advice="choose another folder")
    for one in planned:
        _write(unlocked, one, folder / one.name)
        audit.append(study.audit_path, "recording exported", recording=one.id)
    return planned


def _name(unlocked: Unlocked, recording_id: str) -> str:
    """Its id and the suffix that it came with: the original name may name somebody."""
    entry = unlocked.vault.entry(recording_id)
    if not unlocked.study.sound_path(recording_id).exists():
        raise StudyError("a transcript that came without sound", recording_id=recording_id, advice="leave it out")
    suffix = Path(entry.original_name).suffix.lower()
    return recording_id + (suffix if _SUFFIX.fullmatch(suffix) else "")


def _write(unlocked: Unlocked, one: Given, path: Path) -> None:
    study, key = unlocked.study, unlocked.recording_key(one.id)

    def write(sink: BinaryIO, temporary: Path) -> None:
        store.decrypt_file(study.sound_path(one.id), sink, key)
        sink.flush()
        with temporary.open("rb") as file:
            back = store.HashingReader(file).to_end()
        if back != unlocked.vault.entry(one.id).sha256:
            raise StoreError("the recording is not what was taken in", advice="restore it from a backup")

    try:
        with store.disk_trouble("the recording cannot be written"):
            store.write_atomically(path, write)
    except TranscribeError as error:
        error.recording_id = one.id
        raise
