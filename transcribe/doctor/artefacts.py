"""Everything of a recording that the program made or took in: each file against its checksum, all against the
inventory.
"""

from collections.abc import Callable
from enum import Enum
from functools import partial
from pathlib import Path

from transcribe import audit, changes, intake, inventory, levels, store, stored_sound
from transcribe.companions import artefact as remembered
from transcribe.doctor.chart import Chart, readable
from transcribe.doctor.trouble import Trouble, What
from transcribe.invented import Flagged
from transcribe.inventory import SOUND
from transcribe.listening import ARTEFACT as LISTENING
from transcribe.pipeline import ARTEFACTS, Candidates, Priming
from transcribe.replacements import Originals
from transcribe.reread import Clean, Reread
from transcribe.review.decisions import Review
from transcribe.schema import Findings, Recording
from transcribe.speakers import Recognised, SpeakerFixes

FACTS, TRANSCRIPT, ORIGINALS = "recording", "transcript", "replacements-"
TYPES: dict[str, type] = {
    **ARTEFACTS,
    **{remembered(level): changes.Turns for level in levels.LEVELS},
    FACTS: Recording,
    "priming": Priming,
    "invented": Flagged,
    "findings": Findings,
    "amended": Candidates,
    "reread": Reread,
    "clean": Clean,
    "recognised": Recognised,
    "speakers": SpeakerFixes,
    "review": Review,
}


class Origin(Enum):
    """Where an artefact comes from, and so what becomes of it when it is lost."""

    RUN = "`transcribe run` makes it again"
    WHEN_ASKED_FOR = "it is made again when a stage asks for it"
    READING = "the next settling or release reads the text again"
    RELEASE = "the next release cannot say what it changes"
    VOICES = "who was known by voice in a recording that is settled; see `transcribe speakers`"
    SPEAKERS = "who the voices are, as a person said, is lost and has to be said again: `transcribe speakers`"
    DECISIONS = "what a person decided is lost and has to be decided again, unless a backup has it"
    ORIGINALS = "what that release replaced is lost unless a backup has it; the release itself is none the worse"
    TAKEN_IN = "nothing can make it again: a backup has it, or the file that it came from"


ORIGINS = {
    **dict.fromkeys((*ARTEFACTS, "priming", "invented", "findings", LISTENING), Origin.RUN),
    "segmented": Origin.WHEN_ASKED_FOR,
    "amended": Origin.READING,
    "reread": Origin.READING,
    "clean": Origin.READING,
    "recognised": Origin.VOICES,
    "speakers": Origin.SPEAKERS,
    "review": Origin.DECISIONS,
    **{remembered(level): Origin.RELEASE for level in levels.LEVELS},
}
DECIDED = (Origin.SPEAKERS, Origin.DECISIONS)


def recording(chart: Chart, recording_id: str) -> list[Trouble]:
    """What of a recording is damaged or missing, its log excepted."""
    there = inventory.present(chart.study, (recording_id,))
    stood = {name for name in chart.vault.inventory.artefacts if inventory.recording_of(name) == recording_id}
    sound = f"{SOUND}/{recording_id}"
    had_sound = sound in stood | there or f"{recording_id}/words" in there
    needed = {f"{recording_id}/{FACTS}", sound if had_sound else f"{recording_id}/{TRANSCRIPT}"}
    troubles = [_trouble(chart, name, What.MISSING, had_sound) for name in sorted((stood | needed) - there)]
    for name in sorted(there):
        if not readable(partial(_as_written, chart, name)):
            troubles.append(_trouble(chart, name, What.DAMAGED, had_sound))
    return troubles


def _path(chart: Chart, name: str) -> Path:
    return chart.study.private / f"{name}.age"


def _as_written(chart: Chart, name: str) -> bool:
    """Whether a file is what was written. Raises StoreError where it cannot be read."""
    recording_id, own, path = inventory.recording_of(name), name.partition("/")[2], _path(chart, name)
    key = chart.key(recording_id)
    if name.startswith(f"{SOUND}/"):
        plain = store.HashingWriter()
        store.decrypt_file(path, plain, key)
        return plain.sha256.hexdigest() == chart.vault.entry(recording_id).sha256
    data = store.decrypt(store.read(path), key)
    if own != LISTENING:
        store.unpack(data, Originals if own.startswith(ORIGINALS) else TYPES[own]) if _known(own) else store.raw(data)
    return True


def _known(own: str) -> bool:
    return own in TYPES or own.startswith(ORIGINALS)


def _trouble(chart: Chart, name: str, what: What, had_sound: bool) -> Trouble:
    recording_id, own = inventory.recording_of(name), name.partition("/")[2]
    where = f"private/{name}.age"
    if name.startswith(f"{SOUND}/"):
        said = (
            "the recording itself: only a backup has it, or the file that it came from; transcripts are none the worse"
        )
        return Trouble(what=what, where=where, said=said, recording_id=recording_id)
    if own == FACTS:
        repair = partial(_facts_anew, chart, recording_id, had_sound, _aside(chart, name, what))
        said, remedy = "length and form of the recording", "read them from the recording again"
        return Trouble(what=what, where=where, said=said, recording_id=recording_id, remedy=remedy, repair=repair)
    origin = _origin(own, had_sound)
    if origin is Origin.TAKEN_IN or (origin is Origin.RUN and what is What.MISSING):
        return Trouble(what=what, where=where, said=origin.value, recording_id=recording_id)
    return Trouble(
        what=what,
        where=where,
        said=origin.value,
        recording_id=recording_id,
        remedy="set it aside" if what is What.DAMAGED else "expect it no longer",
        repair=partial(_let_go, chart, name, origin, _aside(chart, name, what)),
    )


def _origin(own: str, had_sound: bool) -> Origin:
    if own == TRANSCRIPT and not had_sound:
        return Origin.TAKEN_IN
    return Origin.ORIGINALS if own.startswith(ORIGINALS) else ORIGINS.get(own, Origin.TAKEN_IN)


def _aside(chart: Chart, name: str, what: What) -> Callable[[], None]:
    if what is What.MISSING:
        return lambda: None
    return lambda: chart.study.set_aside(_path(chart, name))


def _let_go(chart: Chart, name: str, origin: Origin, aside: Callable[[], None]) -> None:
    """Out of the way; what no run makes again is not missed from now on, and a decision's loss is written down."""
    aside()
    if origin is Origin.RUN:
        return
    chart.forget(name)
    if origin in DECIDED:
        recording_id, own = name.split("/")
        audit.append(chart.study.audit_path, "decisions lost", recording=recording_id, artefact=own)


def _facts_anew(chart: Chart, recording_id: str, had_sound: bool, aside: Callable[[], None]) -> None:
    unlocked = chart.unlocked
    sha256 = unlocked.vault.entry(recording_id).sha256
    facts = Recording(id=recording_id, sha256=sha256, duration_s=0.0, sample_rate_hz=0, channels=0)
    if had_sound:
        with intake.opened(unlocked, recording_id) as sound:
            probe, duration_s = stored_sound.inspect(sound)
        facts = Recording(
            id=recording_id,
            sha256=sha256,
            duration_s=duration_s,
            sample_rate_hz=probe.sample_rate_hz,
            channels=probe.channels,
        )
    aside()
    unlocked.save(recording_id, FACTS, facts)
