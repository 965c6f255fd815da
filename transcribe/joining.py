"""Several files taken in as one recording, parts or microphones: all or none, each to be had back as it came."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

from transcribe import audio, channels, folders, intake, microphones, store, stored_sound
from transcribe.audio import LONGEST_S
from transcribe.bundle import Bundle, Packed, Piece, suffix
from transcribe.errors import AudioError, StudyError, TranscribeError
from transcribe.intake import Request
from transcribe.media import Probe, Refusal, look
from transcribe.schema import Purpose, Quiet, Recording, record
from transcribe.study import Study
from transcribe.vault import Part, Unlocked

PART, MICROPHONE = "part", "microphone"


@record
class _File(Quiet):
    """A file that can be used: what it says of itself, the seconds that it lasts, and its checksum."""

    descriptor: int
    probe: Probe
    duration_s: float
    sha256: str


def add(study: Study, sources: tuple[Path, ...], request: Request, unlocked: Unlocked | None = None) -> Recording:
    """Take files in as the parts of one recording, which sound one after the other in this order.

    Raises AudioError for a file that cannot be used, with its number, StudyError for one that is in the study or for an
    order that nobody chose, ConsentError; then nothing is kept of any.
    """
    if len(sources) < 2:
        raise StudyError(
            "one file has no parts", advice="name all files in the order of their sound, or leave out --as"
        )
    _check_order(sources)
    with _all_opened(sources, request, unlocked, PART) as files:
        _check_together(files)
        recording = _seal(study, sources, files, request, _one_after_the_other(sources, files))
    if unlocked is not None:
        unlocked.change(lambda vault: vault)
    return recording


def add_microphones(
    study: Study, sources: tuple[Path, ...], request: Request, unlocked: Unlocked | None = None
) -> Recording:
    """Take two files in as one recording, made by two recorders at the same time, one near each speaker.

    Raises as `add` does, and AudioError for two that do not belong together.
    """
    if len(sources) != 2:
        raise StudyError("microphones are two files", advice="name the two, the first speaker's first")
    with _all_opened(sources, request, unlocked, MICROPHONE) as files:
        bundle = _at_once(sources, files)
        if bundle.duration_s > LONGEST_S:
            raise Refusal.TOO_LONG.error()
        recording = _seal(study, sources, files, replace(request, by_channel=True), bundle)
    if unlocked is not None:
        unlocked.change(lambda vault: vault)
    return recording


def remove(
    study: Study, recording: Recording, sources: tuple[Path, ...], before: tuple[tuple[int, ...] | None, ...]
) -> list[tuple[int, TranscribeError]]:
    """Delete the files of a recording, all of which were verified, as `intake.remove` does; (number of file, why it is
    still there).
    """
    left: list[tuple[int, TranscribeError]] = []
    for number, (source, was) in enumerate(zip(sources, before, strict=True), 1):
        try:
            intake.remove(study, recording.id, source, was)
        except StudyError as error:
            left.append((number, error))
    return left


@contextmanager
def _of(what: str, number: int) -> Iterator[None]:
    """An error tells which of the files it is about."""
    try:
        yield
    except TranscribeError as error:
        error.what = f"{what} {number}: {error.what}"
        raise


@contextmanager
def _all_opened(
    sources: tuple[Path, ...], request: Request, unlocked: Unlocked | None, what: str
) -> Iterator[list[_File]]:
    """The files, each of which could be added, and no two of which are one."""
    with ExitStack() as stack:
        files = [_opened(stack, what, number, source) for number, source in enumerate(sources, 1)]
        seen: dict[str, int] = {}
        for number, file in enumerate(files, 1):
            if seen.setdefault(file.sha256, number) != number:
                raise StudyError(
                    f"{what} {number} is the same file as {what} {seen[file.sha256]}", advice=f"name each {what} once"
                )
        if unlocked is not None:
            for number, file in enumerate(files, 1):
                with _of(what, number):
                    intake.check(unlocked, request, file.sha256)
            intake.ask(unlocked, request, Purpose.RECORD)
        yield files


def _opened(stack: ExitStack, what: str, number: int, source: Path) -> _File:
    with _of(what, number):
        descriptor = intake.open_source(source)
        stack.callback(os.close, descriptor)
        probe, duration_s = intake.inspected(descriptor)
        return _File(descriptor=descriptor, probe=probe, duration_s=duration_s, sha256=intake.sum_of(descriptor))


def _check_order(sources: tuple[Path, ...]) -> None:
    """Raises StudyError where a shell's `*` has put part 10 before part 2."""
    given = list(sources)
    plain = (sorted(given, key=str), sorted(given, key=lambda path: [c for c in str(path).casefold() if c.isalnum()]))
    if given in plain and given != folders.in_order(given):
        raise StudyError(
            "the parts stand in the order 1, 10, 2, which is that of letters and not of numbers",
            advice="name them one by one in the order of their sound, or number them 01, 02, 10",
        )


def _check_together(files: list[_File]) -> None:
    if sum(file.duration_s for file in files) > LONGEST_S:
        raise Refusal.TOO_LONG.error()
    counts = {file.probe.channels for file in files}
    if len(counts) > 1 and max(counts) > 2:  # ffmpeg mixes mono and stereo alike everywhere, other layouts it does not
        raise AudioError("parts with more than two channels do not have equally many", advice="convert them to stereo")


def _seal(study: Study, sources: tuple[Path, ...], files: list[_File], request: Request, bundle: Bundle) -> Recording:
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
            channels=len(files) if bundle.at_once else max(file.probe.channels for file in files),
        )
        entry = replace(intake.entry_of(recording, request), parts=parts, at_once=bundle.at_once)
        intake.seal(study, Packed(bundle, descriptors), recording, entry)
    return recording


def _one_after_the_other(sources: tuple[Path, ...], files: list[_File]) -> Bundle:
    """The parts; each begins where the one before ends."""
    starts = accumulate((file.duration_s for file in files[:-1]), initial=0.0)
    return Bundle(pieces=_pieces(sources, files, starts))


def _at_once(sources: tuple[Path, ...], files: list[_File]) -> Bundle:
    """The microphones where they stand to each other; the recording begins with the one that began first."""
    found = microphones.offset(*(_heard(file) for file in files))
    later_s, clock = round(found.later_s, 3), round(found.clock, 7)  # a millisecond in three hours
    first, second = _pieces(sources, files, (max(0.0, -later_s), max(0.0, later_s)))
    second = replace(second, duration_s=second.duration_s * clock, clock=clock)
    bundle = Bundle(pieces=(first, second), at_once=True)
    descriptors = [file.descriptor for file in files]
    levels = stored_sound.levels_of(
        lambda sink: stored_sound.beside(descriptors, bundle, channels.FORM, sink), channels.LISTENED_S
    )
    if channels.same(levels):
        raise AudioError("both files hold the same sound", advice="add one of them alone")
    return bundle


def _heard(file: _File) -> microphones.Heard:
    heard = microphones.Heard()
    audio.stream(file.descriptor, look(file.descriptor), audio.MONO, heard.take)
    return heard


def _pieces(sources: tuple[Path, ...], files: list[_File], starts_s: Iterable[float]) -> tuple[Piece, ...]:
    return tuple(
        Piece(name=f"{number}{suffix(source.name)}", start_s=start_s, duration_s=file.duration_s)
        for number, (source, file, start_s) in enumerate(zip(sources, files, starts_s, strict=True), 1)
    )
