"""Recordings as they came: decrypted into a folder, bit for bit, each named by its id."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

from transcribe import audit, bundle, intake, store
from transcribe.errors import StoreError, StudyError, TranscribeError
from transcribe.schema import Quiet, record
from transcribe.vault import Unlocked


@record
class Given(Quiet):
    """A file that was given back, and its recording's id; a recording that came in several files gives several."""

    id: str
    name: str


def give_back(unlocked: Unlocked, folder: Path, ids: tuple[str, ...] = ()) -> tuple[Given, ...]:
    """Write the recordings (all that have sound when none is named) into a folder; nothing there is replaced.

    Each file is compared with what was taken in before it gets its name. Raises StudyError; StoreError for recordings
    that are damaged, once all others are written.
    """
    study = unlocked.study
    wanted = ids or tuple(one for one in unlocked.recordings() if study.sound_path(one).exists())
    if not wanted:
        raise StudyError("no recording of this study has sound", advice="nothing is to be exported")
    planned = {one: _names(unlocked, one) for one in dict.fromkeys(wanted)}
    with store.disk_trouble("the folder cannot be read"):
        for name in (name for names in planned.values() for name in names):
            store.remove_unfinished(folder / name)
    taken = next((one for one, names in planned.items() if any((folder / name).exists() for name in names)), None)
    if taken is not None:
        raise StudyError("a file of that name is there already", recording_id=taken, advice="choose another folder")
    damaged: list[StoreError] = []
    for one, names in planned.items():
        try:
            _write_all(unlocked, one, [folder / name for name in names])
        except StoreError as error:
            damaged.append(error)
    if damaged:
        first = damaged[0]
        first.recording_id = ", ".join(error.recording_id for error in damaged)
        first.advice += "; all others are given back" if len(damaged) < len(planned) else ""
        raise first
    return tuple(Given(id=one, name=name) for one, names in planned.items() for name in names)


def _names(unlocked: Unlocked, recording_id: str) -> tuple[str, ...]:
    """Its id, the number of the part where there are several, and the suffix that each file came with: the original
    name may name somebody.
    """
    entry = unlocked.vault.entry(recording_id)
    if not unlocked.study.sound_path(recording_id).exists():
        raise StudyError("a transcript that came without sound", recording_id=recording_id, advice="leave it out")
    if not entry.parts:
        return (recording_id + bundle.suffix(entry.original_name),)
    return tuple(
        f"{recording_id}.part{number}{bundle.suffix(part.original_name)}" for number, part in enumerate(entry.parts, 1)
    )


def _write_all(unlocked: Unlocked, recording_id: str, paths: list[Path]) -> None:
    """Its files. It is noted before the first gets its name: nothing lies outside of which the audit does not tell."""
    entry, key = unlocked.vault.entry(recording_id), unlocked.recording_key(recording_id)

    def note() -> None:
        audit.append(unlocked.study.audit_path, "recording exported", recording=recording_id)

    try:
        with store.disk_trouble("the recording cannot be written"):
            if not entry.parts:
                sound = unlocked.study.sound_path(recording_id)
                _write(paths[0], lambda sink: store.decrypt_file(sound, sink, key), entry.sha256, note)
                return
            with intake.opened(unlocked, recording_id) as files:
                found = bundle.read(files)
                pieces = found.pieces if found is not None else ()
                for path, piece, part in zip(paths, pieces, entry.parts, strict=True):
                    noting = note if path == paths[0] else None
                    _write(path, partial(bundle.copy, files, piece.name), part.sha256, noting)
    except TranscribeError as error:
        error.recording_id = recording_id
        raise


def _write(path: Path, put: Callable[[BinaryIO], None], sha256: str, note: Callable[[], None] | None) -> None:
    """Let `put` fill a file, compare what then stands in it, and note that it is about to get its name."""

    def write(sink: BinaryIO, temporary: Path) -> None:
        put(sink)
        sink.flush()
        with temporary.open("rb") as file:
            back = store.HashingReader(file).to_end()
        if back != sha256:
            raise StoreError("the recording is not what was taken in", advice="restore it from a backup")
        if note is not None:
            note()

    store.write_unnamed(path, write)
