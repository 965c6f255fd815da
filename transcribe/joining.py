"""Several files taken in as one recording: all of them or none, each to be had back as it came."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

from transcribe import intake, store
from transcribe.audio import LONGEST_S
from transcribe.bundle import Bundle, Packed, Piece, suffix
from transcribe.errors import AudioError, StudyError, TranscribeError
from transcribe.intake import Request
from transcribe.media import Probe, Refusal
from transcribe.schema import Purpose, Quiet, Recording, record
from transcribe.study import Study
from transcribe.vault import Part, Unlocked


@record
class _File(Quiet):
    """A file that can be used: what it says of itself, the seconds that it lasts, and its checksum."""

    descriptor: int
    probe: Probe
    duration_s: float
    sha256: str


def add(study: Study, sources: tuple[Path, ...], request: Request, unlocked: Unlocked | None = None) -> Recording:
    """Take files in as the parts of one recording, which sound one after the other in this order.

    Raises AudioError for a file that cannot be used, with its number, StudyError for one that is in the study,
    ConsentError; then nothing is kept of any.
    """
    if len(sources) < 2:
        raise StudyError(
            "one file has no parts", advice="name all files in the order of their sound, or leave out --as"
        )
    with ExitStack() as stack:
        files = [_opened(stack, number, source) for number, source in enumerate(sources, 1)]
        _check_together(files)
        if unlocked is not None:
            for number, file in enumerate(files, 1):
                with _of_part(number):
                    intake.check(unlocked, request, file.sha256)
            intake.ask(unlocked, request, Purpose.RECORD)
        recording = _seal(study, sources, files, request)
    if unlocked is not None:
        unlocked.change(lambda vault: vault)
    return recording


def remove(study: Study, recording: Recording, sources: tuple[Path, ...]) -> list[tuple[int, TranscribeError]]:
    """Delete the files of a recording, all of which were verified; (number of file, why it is still there)."""
    left: list[tuple[int, TranscribeError]] = []
    for number, source in enumerate(sources, 1):
        try:
            intake.remove(study, recording.id, source)
        except StudyError as error:
            left.append((number, error))
    return left


@contextmanager
def _of_part(number: int) -> Iterator[None]:
    """An error tells which of the files it is about."""
    try:
        yield
    except TranscribeError as error:
        error.what = f"part {number}: {error.what}"
        raise


def _opened(stack: ExitStack, number: int, source: Path) -> _File:
    with _of_part(number):
        descriptor = intake.open_source(source)
        stack.callback(os.close, descriptor)
        probe, duration_s = intake.inspected(descriptor)
        return _File(descriptor=descriptor, probe=probe, duration_s=duration_s, sha256=intake.sum_of(descriptor))


def _check_together(files: list[_File]) -> None:
    seen: dict[str, int] = {}
    for number, file in enumerate(files, 1):
        if seen.setdefault(file.sha256, number) != number:
            raise StudyError(
                f"part {number} is the same file as part {seen[file.sha256]}", advice="name each part once"
            )
    if sum(file.duration_s for file in files) > LONGEST_S:
        raise Refusal.TOO_LONG.error()
    counts = {file.probe.channels for file in files}
    if len(counts) > 1 and max(counts) > 2:  # ffmpeg mixes mono and stereo alike everywhere, other layouts it does not
        raise AudioError("parts with more than two channels do not have equally many", advice="convert them to stereo")


def _seal(study: Study, sources: tuple[Path, ...], files: list[_File], request: Request) -> Recording:
    bundle = _bundle(sources, files)
    descriptors = [file.descriptor for file in files]
    sha256 = store.HashingReader(Packed(bundle, descriptors)).to_end()
    parts = tuple(
        Part(
            sha256=file.sha256,
            original_name=source.name,
            source_path=intake.path_of(source),
            start_s=piece.start_s,
            duration_s=piece.duration_s,
            channels=file.probe.channels,
        )
        for source, file, piece in zip(sources, files, bundle.pieces, strict=True)
    )
    with study.claim(request.id) as recording_id:
        recording = Recording(
            id=recording_id,
            sha256=sha256,
            duration_s=bundle.duration_s,
            sample_rate_hz=max(file.probe.sample_rate_hz for file in files),
            channels=max(file.probe.channels for file in files),
        )
        entry = replace(intake.entry_of(recording, request), parts=parts)
        intake.seal(study, Packed(bundle, descriptors), recording, entry)
    return recording


def _bundle(sources: tuple[Path, ...], files: list[_File]) -> Bundle:
    """The parts one after the other; each begins where the one before ends."""
    pieces, at_s = [], 0.0
    for number, (source, file) in enumerate(zip(sources, files, strict=True), 1):
        pieces.append(Piece(name=f"{number}{suffix(source.name)}", start_s=at_s, duration_s=file.duration_s))
        at_s += file.duration_s
    return Bundle(pieces=tuple(pieces))
