"""Whose voices a study knows: learnt from corrections and samples, used in the next recordings, forgotten on demand.

A voiceprint is special-category data (UK GDPR, article 9). So nothing is kept of anybody whom study.toml does not list
under `voices`, what is kept stands in the vault alone, and the vectors of all other labels are gone when a comparison
is done. Whoever is taken off that list is forgotten at the next run.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from transcribe import audit, intake, weights
from transcribe.config import INTERVIEWER
from transcribe.diarise import Diariser, voiceprints
from transcribe.errors import StudyError
from transcribe.schema import (
    SAMPLE_RATE_HZ,
    Audio,
    Kind,
    Quiet,
    Speaker,
    SpeakerBounds,
    Transcript,
    Turn,
    Turns,
    record,
)
from transcribe.speakers import Recognised, SpeakerFixes, consents, same_voices
from transcribe.store import Stored
from transcribe.vault import Unlocked, Vault, Voiceprint, with_voiceprints

LONGEST_SAMPLE_S = 600  # what comes later is not heard
MODELS = (voiceprints.MODEL,)
_ADVICE = "see `transcribe people STUDY list`"


@record
class Known(Quiet):
    """Somebody who agreed, or whose voice is kept: from how many recordings and samples."""

    whom: str
    consents: bool
    recordings: tuple[str, ...]
    samples: int


def check(unlocked: Unlocked) -> None:
    """Raises StudyError when study.toml lists somebody under `voices` who is nobody in the study."""
    people = {person.id for person in unlocked.vault.people if person.kind is Kind.PERSON}
    for number, one in enumerate(unlocked.study.config.voices, 1):
        if one != INTERVIEWER and one not in people:
            raise StudyError(f"study.toml, voices: entry {number} is no person's id in this study", advice=_ADVICE)


def withdraw(unlocked: Unlocked) -> None:
    """Forget everybody whom study.toml does not list any more.

    What was learnt of "the interviewer" goes to the one whom the roster has named since.
    """
    sole = _interviewer(unlocked.vault)
    if sole and any(one.whom == INTERVIEWER != sole for one in unlocked.vault.voiceprints):
        unlocked.change(lambda vault: replace(vault, voiceprints=_renamed(vault.voiceprints, sole)))
    for whom in sorted({one.whom for one in unlocked.vault.voiceprints}):
        if not consents(unlocked, whom):
            forget(unlocked, whom)


def recognise(unlocked: Unlocked, recording_id: str, turns: Stored[Turns], sound: Callable[[], Audio]) -> None:
    """Keep whom the labels of a recording are by voice: with new turns, and whenever other voices are known.

    A settled recording stays as it is. The sound is asked for only when somebody's voice is known.
    """
    withdraw(unlocked)
    if not unlocked.study.config.voices:
        return
    prints = _elsewhere(unlocked, recording_id)
    parts = [part for one in prints for part in (one.whom, one.recording_id, one.label, repr(one.vector))]
    key = unlocked.vault.digest("voices", turns.body_sha256, *parts)
    stored = unlocked.standing(recording_id, "recognised", Recognised)
    settled = unlocked.study.is_reviewed(recording_id)
    if _stands(stored, key, turns, settled=settled):
        return
    known: dict[str, tuple[voiceprints.Vector, ...]] = {}
    for one in prints:
        known[one.whom] = (*known.get(one.whom, ()), _vector(one))
    heard = voiceprints.vectors(sound(), turns.value, _network()) if known else {}
    matches = voiceprints.match(heard, known)
    unlocked.save(recording_id, "recognised", Recognised(source=turns.body_sha256, matches=matches), key)


def _stands(stored: Stored[Recognised] | None, key: str, turns: Stored[Turns], *, settled: bool) -> bool:
    """A settled recording is not compared anew unless its turns were made again."""
    if stored is None:
        return settled
    return stored.key == key or (settled and stored.value.source == turns.body_sha256)


def learn(unlocked: Unlocked, recording_id: str, labels: frozenset[str]) -> tuple[str, ...]:
    """Take what a person said of these labels for the truth; the ids of those whose voices were learnt by it.

    Each label's vector is computed from the sound and goes to whom she named, if that one agreed; nobody else keeps
    one of that label. Where somebody was recognised wrongly, what of hers was as near as can be goes too: it was this
    voice under her name. A label that speaks alone for too short a time teaches nothing; of one of which nothing is
    said any more, nothing is kept.
    """
    named = _named(unlocked, recording_id, labels)
    agreed = {label: whom for label, whom in named.items() if whom is not None and consents(unlocked, whom)}
    turns = unlocked.load(recording_id, "turns", Turns)
    wrong = _wrong(unlocked, recording_id, turns, named) if turns else {}
    heard: dict[str, voiceprints.Vector] = {}
    if turns is not None and (agreed or wrong) and unlocked.study.sound_path(recording_id).exists():
        heard = _voices(unlocked, recording_id, turns.value, frozenset((*agreed, *wrong)))
    learnt = tuple(_print(agreed[label], heard[label], recording_id, label) for label in agreed if label in heard)

    def stays(one: Voiceprint) -> bool:
        misled = [heard[label] for label, whom in wrong.items() if whom == one.whom and label in heard]
        return not (one.recording_id == recording_id and one.label in labels) and not any(
            voiceprints.probability(float(vector @ _vector(one))) >= voiceprints.MOST for vector in misled
        )

    unlocked.change(lambda v: with_voiceprints(replace(v, voiceprints=tuple(filter(stays, v.voiceprints))), learnt))
    whose = tuple(sorted({one.whom for one in learnt}))
    for whom in whose:
        audit.append(unlocked.study.audit_path, "voice learnt", person=whom, recording=recording_id)
    return whose


def _voices(
    unlocked: Unlocked, recording_id: str, turns: Turns, labels: frozenset[str]
) -> dict[str, voiceprints.Vector]:
    """The vectors of the transcript's labels. The turns may be others than it was made of: a run may be under way."""
    transcript = unlocked.standing(recording_id, "transcript", Transcript)
    there = same_voices(transcript.value, turns) if transcript else {}
    wanted = {label: there[label] for label in labels if label in there}
    if not wanted:
        return {}
    heard = voiceprints.vectors(intake.sound(unlocked, recording_id), turns, _network(), frozenset(wanted.values()))
    return {label: heard[voice] for label, voice in wanted.items() if voice in heard}


def follow(unlocked: Unlocked, recording_id: str) -> None:
    """What is kept of voices of a recording goes with what a person said of its labels to those of other turns; where
    nothing is said of her any more it is forgotten. Doing it twice does nothing.
    """
    fixes = unlocked.load(recording_id, "speakers", SpeakerFixes)
    speakers = fixes.value.speakers if fixes else ()

    def there(one: Voiceprint) -> tuple[Voiceprint, ...]:
        labels = [s.label for s in speakers if _holder(unlocked.vault, s) == one.whom]
        if one.recording_id != recording_id or one.label in labels:
            return (one,)
        return (replace(one, label=labels[0]),) if len(labels) == 1 else ()

    if any(one.recording_id == recording_id for one in unlocked.vault.voiceprints):
        unlocked.change(lambda v: replace(v, voiceprints=tuple(kept for one in v.voiceprints for kept in there(one))))


def _named(unlocked: Unlocked, recording_id: str, labels: frozenset[str]) -> dict[str, str | None]:
    """Under which ids the voices of these labels are kept, as a person corrected them."""
    fixes = unlocked.load(recording_id, "speakers", SpeakerFixes)
    return {s.label: _holder(unlocked.vault, s) for s in (fixes.value.speakers if fixes else ()) if s.label in labels}


def _wrong(
    unlocked: Unlocked, recording_id: str, turns: Stored[Turns], named: Mapping[str, str | None]
) -> dict[str, str]:
    """label -> whom its voice was taken for, where a person named somebody else."""
    stored = unlocked.standing(recording_id, "recognised", Recognised)
    matches = stored.value.matches if stored and stored.value.source == turns.body_sha256 else ()
    return {one.label: one.whom for one in matches if one.label in named and named[one.label] != one.whom}


def enrol(unlocked: Unlocked, whom: str, source: Path, diariser: Callable[[], Diariser]) -> str:
    """Learn somebody's voice from a sample in which she alone speaks; the id it is kept under. No file is kept.

    Raises StudyError for somebody unknown or who has not agreed, for a sample that is too short or holds more voices;
    AudioError for a file that cannot be read.
    """
    check(unlocked)
    holder = _interviewer(unlocked.vault) if whom == INTERVIEWER else unlocked.vault.person(whom).id
    if holder is None:
        raise StudyError("the study has several interviewers", advice="give the id of one; " + _ADVICE)
    if not consents(unlocked, holder):
        raise StudyError(
            f"study.toml does not list {holder} under voices, so nothing was kept",
            advice=f'once she has agreed, write voices = ["{holder}"]',
        )
    sound = intake.sample(source)
    sound = Audio(samples=sound.samples[: LONGEST_SAMPLE_S * SAMPLE_RATE_HZ])
    engine = diariser()
    vector = _only_voice(sound, engine.diarise(sound, SpeakerBounds(), engine.segment(sound)))
    unlocked.change(lambda vault: with_voiceprints(vault, (_print(holder, vector),)))
    audit.append(unlocked.study.audit_path, "voice enrolled", person=holder)
    return holder


def _only_voice(sound: Audio, turns: Turns) -> voiceprints.Vector:
    """The vector of the one voice of a sample, in which labels that are surely one voice are one.

    In doubt there are two, and one of them has not agreed. Whoever speaks too shortly to tell is somebody else, who is
    left out. Raises StudyError.
    """
    embed = _network()
    heard = voiceprints.vectors(sound, turns, embed)
    if not heard:
        seconds = f"{voiceprints.LEAST_S:.0f} seconds"
        raise StudyError(f"the sample holds less than {seconds} of one voice", advice="give half a minute or more")
    each = heard.values()
    if any(voiceprints.probability(float(one @ other)) < voiceprints.SURE for one in each for other in each):
        raise StudyError("more than one voice is in the sample, so nothing was kept", advice="give one of her alone")
    whose = min(heard)

    def united(spoken: tuple[Turn, ...]) -> tuple[Turn, ...]:
        return tuple(replace(turn, speaker=whose) if turn.speaker in heard else turn for turn in spoken)

    as_one = replace(turns, all=united(turns.all), exclusive=united(turns.exclusive))
    return voiceprints.vectors(sound, as_one, embed, frozenset((whose,)))[whose]


def forget(unlocked: Unlocked, whom: str) -> int:
    """Remove all that is kept of somebody's voice, and where it was recognised; how many vectors there were.

    Raises StudyError for an id that is nobody's.
    """
    count = sum(one.whom == whom for one in unlocked.vault.voiceprints)
    if not count and whom != INTERVIEWER:
        unlocked.vault.person(whom)
    unlocked.change(lambda v: replace(v, voiceprints=tuple(one for one in v.voiceprints if one.whom != whom)))
    for recording_id in unlocked.study.recordings():
        stored = unlocked.standing(recording_id, "recognised", Recognised)
        if stored is not None and any(match.whom == whom for match in stored.value.matches):
            matches = tuple(match for match in stored.value.matches if match.whom != whom)
            unlocked.save(recording_id, "recognised", replace(stored.value, matches=matches), stored.key)
    if count:
        audit.append(unlocked.study.audit_path, "voice forgotten", person=whom)
    return count


def listing(unlocked: Unlocked) -> tuple[Known, ...]:
    """Everybody of the roster who agreed, and everybody whose voice is kept."""
    prints = unlocked.vault.voiceprints
    agreed = [p.id for p in unlocked.vault.people if p.kind is Kind.PERSON and not p.found and consents(unlocked, p.id)]
    return tuple(
        Known(
            whom=whom,
            consents=consents(unlocked, whom),
            recordings=tuple(one.recording_id for one in prints if one.whom == whom and one.recording_id),
            samples=sum(one.whom == whom and not one.recording_id for one in prints),
        )
        for whom in dict.fromkeys((*agreed, *(one.whom for one in prints)))
    )


def _network() -> voiceprints.Embed:
    """Raises WeightsError when the speaker model is not here."""
    return voiceprints.network(weights.path(voiceprints.MODEL))


def _vector(one: Voiceprint) -> voiceprints.Vector:
    return np.array(one.vector, dtype=np.float32)


def _print(whom: str, vector: voiceprints.Vector, recording_id: str = "", label: str = "") -> Voiceprint:
    return Voiceprint(
        whom=whom,
        recording_id=recording_id,
        label=label,
        model_sha256=weights.sha256(voiceprints.MODEL),
        vector=tuple(round(float(value), 5) for value in vector),
    )


def _holder(vault: Vault, speaker: Speaker) -> str | None:
    """Under which id a speaker's voice is kept; None where nobody is named."""
    return _interviewer(vault) if speaker.role == INTERVIEWER and not speaker.person_id else speaker.person_id


def _interviewer(vault: Vault) -> str | None:
    """The id of the study's one interviewer; "interviewer" where the roster names none, None where several."""
    ids = [person.id for person in vault.people if person.role == INTERVIEWER and not person.found]
    return (ids or [INTERVIEWER])[0] if len(ids) < 2 else None


def _renamed(prints: tuple[Voiceprint, ...], interviewer: str) -> tuple[Voiceprint, ...]:
    return tuple(replace(one, whom=interviewer) if one.whom == INTERVIEWER else one for one in prints)


def _elsewhere(unlocked: Unlocked, recording_id: str) -> tuple[Voiceprint, ...]:
    """What this recording's labels are compared with: of other recordings and of samples, of this very model."""
    model = weights.sha256(voiceprints.MODEL)
    prints = unlocked.vault.voiceprints
    return tuple(one for one in prints if one.model_sha256 == model and one.recording_id != recording_id)
