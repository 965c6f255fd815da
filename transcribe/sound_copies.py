"""The sound of a release: a copy of each recording with all covered that its text withholds or that a person took out
of it, heard once more.

A voice identifies, disguised or not: sound.txt says so beside every copy.
"""

import os
from dataclasses import replace
from pathlib import Path

from transcribe import audio_writing, intake, redact, replacements, store
from transcribe.asr import AsrOptions
from transcribe.config import Action, Policy
from transcribe.detect import tagger_of
from transcribe.engines import Engines
from transcribe.errors import NotSettledError
from transcribe.history import need_current
from transcribe.pseudonyms import action
from transcribe.ready import Ready
from transcribe.redact import Covered
from transcribe.replacements import Logged
from transcribe.schema import AnonymisedTranscript, Person, Quiet, ReviewState, record
from transcribe.vault import Unlocked

LISTING, NOTE = "covered.csv", "sound.txt"
SAID = (
    "The sound files in this folder are copies in which every stretch that the transcript withholds, or from which a "
    "person took words out or replaced them, is covered by a tone; covered.csv lists the stretches. The voices in them "
    "still identify the people who speak{disguise}. Treat these files as personal data.\n"
)
DISGUISE = ", although they were disguised: a disguise is no anonymisation and can be undone"


@record
class Wish(Quiet):
    """Which sound a release is to have: wav, flac or m4a, and whether voices are disguised."""

    form: str
    disguise: bool = False


def named(unlocked: Unlocked, transcript: AnonymisedTranscript, wish: Wish) -> AnonymisedTranscript:
    """The transcript with the name of its sound's file, where it has any sound. Raises NotSettledError, EngineError."""
    suffix = audio_writing.format_named(wish.form).suffix
    if not transcript.timed or not unlocked.study.sound_path(transcript.recording_id).exists():
        return transcript
    if transcript.review is not ReviewState.REVIEWED:
        raise NotSettledError(
            "sound is released only of what a person has reviewed",
            recording_id=transcript.recording_id,
            stage="release",
            advice="settle it, or release without --audio",
        )
    return replace(transcript, audio=f"{transcript.recording_id}_covered{suffix}")


def write_all(
    unlocked: Unlocked,
    recordings: tuple[tuple[Ready, Logged], ...],
    people: tuple[Person, ...],
    policy: Policy,
    engines: Engines,
    wish: Wish,
    folder: Path,
) -> None:
    """All copies into a folder, with their list and note. Raises LeakError where a name can still be heard in one."""
    withheld = tuple(person for person in people if action(person, policy) is not Action.KEEP)
    covered = [
        (logged.released.recording_id, _write(unlocked, ready, logged, withheld, engines, wish, folder))
        for ready, logged in recordings
        if logged.released.audio
    ]
    if covered:
        store.write_bytes(folder / LISTING, redact.listing(covered))
        store.write_bytes(folder / NOTE, SAID.format(disguise=DISGUISE if wish.disguise else "").encode())


def _write(
    unlocked: Unlocked,
    ready: Ready,
    logged: Logged,
    people: tuple[Person, ...],
    engines: Engines,
    wish: Wish,
    folder: Path,
) -> tuple[Covered, ...]:
    released = logged.released
    replaced = tuple(finding for _, _, finding in replacements.pairs(logged))
    kept = tuple(one for one in logged.found if one not in replaced)
    settled = replace(ready.settled, replaced=replaced, kept=kept)
    recognised = need_current(unlocked, released.recording_id).base.value
    spans = redact.covered_spans(logged.identified, settled, recognised, released.duration_s)
    path = folder / released.audio
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with intake.opened(unlocked, released.recording_id) as original:
            redact.write_copy(original, spans, wish.form, descriptor, disguise=wish.disguise)
        os.fsync(descriptor)
        heard = redact.heard_again(
            descriptor,
            spans,
            people,
            engines.transcriber,
            AsrOptions(language=released.language, beam_size=engines.config.recognition.beam_size),
            kept=redact.kept_spans(logged.identified, settled),
            tagger=tagger_of(engines.rules),
        )
    finally:
        os.close(descriptor)
    redact.refuse(released.recording_id, heard)
    return spans
