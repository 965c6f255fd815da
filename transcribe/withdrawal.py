"""Releases that are withdrawn since somebody in them is forgotten, and what is released again in their place."""

import shutil
from collections.abc import Collection
from dataclasses import replace

from transcribe import export, release, sound_copies, store
from transcribe.engines import Engines
from transcribe.errors import StudyError, TranscribeError
from transcribe.parting import Withdrawn
from transcribe.publishing import last_number, originals_of, originals_paths, read_manifest
from transcribe.ready import settled
from transcribe.replacements import Originals
from transcribe.schema import Quiet, ReviewState, record
from transcribe.study import Study
from transcribe.vault import Unlocked

WAITS = "it was changed since it was reviewed: settle it, then release it"


@record
class Renewed(Quiet):
    """What stands in the place of withdrawn releases of one level: a new release (0 = none, and why not)."""

    level: str
    recordings: tuple[str, ...]
    number: int
    why: str = ""


def telling(unlocked: Unlocked, recordings: Collection[str], people: Collection[str]) -> tuple[int, ...]:
    """The numbers of the releases, wherever they lie now, of which a table of originals is one of these recordings' or
    names one of these people.
    """
    found = set()
    for entry in unlocked.vault.recordings:
        for number, name in originals_of(unlocked.study, entry.id):
            table = unlocked.standing(entry.id, name, Originals)
            rows = table.value.rows if table else ()
            if entry.id in recordings or any(row.person_id in people for row in rows):
                found.add(number)
    return tuple(sorted(found))


def holding(study: Study, recordings: tuple[str, ...]) -> tuple[int, ...]:
    """The numbers of the releases that hold one of these and still lie in the study."""
    released = study.released()
    found = []
    for number, folder in study.standing_releases().items():
        manifest = None if number in released else read_manifest(folder)  # stopped before it was noted
        if set(recordings).intersection(manifest.ids if manifest else released.get(number, ())):
            found.append(number)
    return tuple(found)


def read(study: Study, number: int) -> Withdrawn:
    """What a release holds, as its manifest says. Raises StudyError where that is damaged."""
    folder = study.release_path(number)
    with store.disk_trouble("a release cannot be read"):
        manifest = read_manifest(folder)
        names = {path.name for path in folder.iterdir()}
    if manifest is None:
        raise StudyError(f"the manifest of release {number:03d} is damaged", advice="delete that release first")
    formats = tuple(one.name for one in export.everything() if names.intersection(_names(one, manifest.ids)))
    return Withdrawn(
        number=number,
        level=manifest.level,
        recordings=manifest.ids,
        formats=formats,
        unreviewed=tuple(one for one, review in manifest.recordings if review == ReviewState.UNREVIEWED.value),
        sound=sound_copies.LISTING in names,
    )


def _names(one: export.Exporter | export.StudyExporter, recordings: tuple[str, ...]) -> set[str]:
    """The files that a format writes of these recordings."""
    if isinstance(one, export.StudyExporter):
        return {export.marked_name("study", one.suffix)}
    return {one.file_name(recording_id, one.suffix) for recording_id in recordings}


def remove(unlocked: Unlocked, number: int) -> None:
    """Delete a release and what is kept of the words that it replaced; nothing where there is none."""
    study = unlocked.study
    folder = study.release_path(number)
    if folder.exists():
        shutil.rmtree(folder)
    store.sync_folder(study.releases)
    paths = originals_paths(study, number)
    for path in paths:
        path.unlink()
    gone = {f"{path.parent.name}/{path.stem}" for path in paths}
    unlocked.change(lambda vault: replace(vault, inventory=vault.inventory.without(gone)))


def remove_stopped(unlocked: Unlocked) -> None:
    """Delete what is kept of releases that were stopped before they stood. Needs "work"."""
    tables = (table for entry in unlocked.vault.recordings for table in originals_of(unlocked.study, entry.id))
    last = last_number(unlocked.study)
    for number in sorted({number for number, _ in tables if number > last}):  # the next release will have it
        remove(unlocked, number)


def renew(unlocked: Unlocked, withdrawn: tuple[Withdrawn, ...], engines: Engines, before: int) -> tuple[Renewed, ...]:
    """Release what is left of withdrawn releases, once for each level; what cannot be released yet is told.

    What a release held as reviewed is not released unreviewed. What stands already of a renewal that was cut off, a
    release with a number above `before`, is not released again.
    """
    renewed = []
    for level in dict.fromkeys(one.level for one in withdrawn):
        these = [one for one in withdrawn if one.level == level]
        held = {recording_id for one in these for recording_id in one.recordings}
        unreviewed = {recording_id for one in these for recording_id in one.unreviewed}
        there = [recording_id for recording_id in unlocked.study.recordings() if recording_id in held]
        waiting = tuple(one for one in there if one not in unreviewed and _waits(unlocked, one))
        if waiting:
            renewed.append(Renewed(level=level, recordings=waiting, number=0, why=WAITS))
        left = tuple(one for one in there if one not in waiting)
        formats = tuple(dict.fromkeys(name for one in these for name in one.formats))
        if not left or not formats:
            continue
        try:
            allowed = not unreviewed.isdisjoint(left)
            number = _standing(unlocked.study, level, left, formats, before)
            number = number or release.write(unlocked, left, formats, engines, unreviewed=allowed, level=level).number
            renewed.append(Renewed(level=level, recordings=left, number=number))
        except TranscribeError as error:  # what is forgotten is forgotten all the same
            renewed.append(Renewed(level=level, recordings=left, number=0, why=str(error)))
    return tuple(renewed)


def _standing(study: Study, level: str, recordings: tuple[str, ...], formats: tuple[str, ...], before: int) -> int:
    """The number of a later release of just these; 0 where there is none."""
    for number in study.standing_releases():
        one = read(study, number) if number > before else None
        if one and (one.level, set(one.recordings)) == (level, set(recordings)) and {*formats} <= {*one.formats}:
            return number
    return 0


def _waits(unlocked: Unlocked, recording_id: str) -> bool:
    """Whether a recording is to be settled first."""
    ready = settled(unlocked, recording_id)
    return ready is not None and ready.settled.review is not ReviewState.REVIEWED
