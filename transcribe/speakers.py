"""Who the voices of a recording are: as corrected by a person, then by voice, the others guessed around that."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace

from transcribe import audit, channels, intake, store, stored_sound
from transcribe.config import INTERVIEWER
from transcribe.diarise import voices
from transcribe.diarise.voiceprints import Match
from transcribe.errors import StudyError
from transcribe.history import current
from transcribe.participants import took_part
from transcribe.schema import By, Person, Quiet, Recording, Speaker, Transcript, Turns, record
from transcribe.vault import Unlocked, with_recording


@record
class SpeakerFixes(Quiet):
    """Speakers that a person corrected; they outweigh the guess. Carried over, they stand under the checksum of the
    transcript whose labels these are.
    """

    speakers: tuple[Speaker, ...] = ()


@record
class Recognised(Quiet):
    """Whom the labels of a recording were taken for by voice; no voice is in it. `source`: checksum of its turns."""

    source: str
    matches: tuple[Match, ...]


def tell_apart(unlocked: Unlocked, recording_id: str, *, by_channel: bool) -> None:
    """Say that speakers are told apart by their channel, or by their voices again; the next run makes the turns anew.

    Who a label is was said of other turns, so it is asked anew. Raises StudyError for an unknown id, and for sound
    whose channels tell nothing.
    """
    entry = unlocked.vault.entry(recording_id)
    if by_channel:
        facts = unlocked.load(recording_id, "recording", Recording)
        parts = () if entry.at_once else entry.parts
        counts = {part.channels for part in parts} or {facts.value.channels if facts else 0}
        if counts != {2}:
            raise StudyError("there is not one channel for each of two speakers", recording_id=recording_id,
                             advice="leave it to the voices")  # fmt: skip
        with intake.opened(unlocked, recording_id) as sound:
            if channels.same(stored_sound.levels(sound, channels.LISTENED_S)):
                raise StudyError("both channels hold the same sound", recording_id=recording_id,
                                 advice="leave it to the voices")  # fmt: skip
    if entry.by_channel == by_channel:
        return
    unlocked.change(lambda vault: with_recording(vault, replace(vault.entry(recording_id), by_channel=by_channel)))
    if unlocked.load(recording_id, "speakers", SpeakerFixes) is not None:
        unlocked.save(recording_id, "speakers", SpeakerFixes())
    audit.append(unlocked.study.audit_path, "speakers told apart", recording=recording_id, by_channel=by_channel)


def follow(
    unlocked: Unlocked, recording_id: str, new: Transcript, turns: Turns
) -> tuple[SpeakerFixes | None, tuple[Speaker, ...]]:
    """What a person said of labels, said of those of a transcript that is about to take the former one's place, `turns`
    those of its voices; and what of it is left without a voice. None where it stays as it is.
    """
    stored = unlocked.load(recording_id, "speakers", SpeakerFixes)
    former = unlocked.standing(recording_id, "transcript", Transcript)
    if stored is None or former is None or store.body_sha256(new) in (stored.key, former.body_sha256):
        return None, ()
    there = same_voices(former.value, turns)
    fixes = stored.value.speakers
    carried = (replace(fix, label=there[fix.label]) for fix in fixes if fix.label in there)
    followed = SpeakerFixes(speakers=tuple(sorted(carried, key=lambda speaker: speaker.label)))
    return followed, tuple(fix for fix in fixes if fix.label not in there)


def same_voices(former: Transcript, turns: Turns) -> dict[str, str]:
    """Label -> the one of these turns with which it shares the most time, where that one shares the most with it."""
    shared: dict[tuple[str, str], float] = defaultdict(float)
    ends = [turn.end_s for turn in turns.exclusive]
    for said in former.utterances:
        for turn in turns.exclusive[bisect_right(ends, said.start_s) :]:
            if turn.start_s >= said.end_s:
                break
            shared[said.speaker, turn.speaker] += min(said.end_s, turn.end_s) - max(said.start_s, turn.start_s)
    most: dict[tuple[int, str], float] = {}
    for pair, seconds in shared.items():
        for side in enumerate(pair):
            most[side] = max(seconds, most.get(side, 0.0))
    return dict(pair for pair, seconds in shared.items() if all(seconds == most[side] for side in enumerate(pair)))


def with_speakers(unlocked: Unlocked, transcript: Transcript) -> Transcript:
    """The transcript with its labels' roles: as corrected, by voice, the others guessed around these."""
    stored = unlocked.load(transcript.recording_id, "speakers", SpeakerFixes)
    corrected = stored.value.speakers if stored else ()
    fixed = {speaker.label: replace(speaker, by=By.CORRECTED) for speaker in corrected}
    if unlocked.study.sound_path(transcript.recording_id).exists():
        known = {**fixed, **_by_voice(unlocked, transcript.recording_id, fixed)}
        taken = {speaker.person_id for speaker in known.values()}
        who = {*took_part(unlocked.vault.people, unlocked.vault.entry(transcript.recording_id).who)} - taken
        people = tuple(person for person in unlocked.vault.people if person.id in who)
        guessed = voices.who_is_who(transcript, people, known)
        otherwise = By.WORDS
    else:
        guessed = transcript.speakers  # the labels of an imported transcript say who they are
        otherwise = By.LABEL
    settled = (fixed.get(speaker.label, speaker) for speaker in guessed)
    return replace(transcript, speakers=tuple(s if s.by else replace(s, by=otherwise) for s in settled))


def speaking(unlocked: Unlocked, recording_id: str) -> frozenset[str]:
    """The ids of those whom the voices of a recording are taken for, or were when it was settled; nobody's before there
    is a transcript.
    """
    here = current(unlocked, recording_id)
    fixes = unlocked.load(recording_id, "speakers", SpeakerFixes)
    guessed = with_speakers(unlocked, here.transcript.value).speakers if here else ()
    signed = here.history.settled.speakers if here and here.history.settled else ()
    corrected = fixes.value.speakers if fixes else ()
    return frozenset(s.person_id for s in (*guessed, *signed, *corrected) if s.person_id)


def consents(unlocked: Unlocked, whom: str) -> bool:
    """Whether study.toml says that somebody, a person's id or "interviewer", agreed to be recognised by voice."""
    agreed = unlocked.study.config.voices
    role = next((person.role for person in unlocked.vault.people if person.id == whom), whom)
    return whom in agreed or (role == INTERVIEWER and INTERVIEWER in agreed)


def _by_voice(unlocked: Unlocked, recording_id: str, fixed: Mapping[str, Speaker]) -> dict[str, Speaker]:
    """label -> whom it was recognised as, but for what a person corrected, and whom she put elsewhere.

    Only of people who still agree and whose voice is still known.
    """
    if not unlocked.study.config.voices:
        return {}
    stored = unlocked.standing(recording_id, "recognised", Recognised)
    kept = {voiceprint.whom for voiceprint in unlocked.vault.voiceprints}
    people = {person.id: person for person in unlocked.vault.people}
    put = {speaker.person_id or speaker.role for speaker in fixed.values()}
    return {
        match.label: _speaker(match, people.get(match.whom))
        for match in (stored.value.matches if stored else ())
        if match.label not in fixed and match.whom not in put and match.whom in kept and consents(unlocked, match.whom)
    }


def _speaker(match: Match, person: Person | None) -> Speaker:
    return Speaker(
        label=match.label,
        role=person.role if person else INTERVIEWER,
        person_id=person.id if person else None,
        confidence=match.probability,
        by=By.VOICE,
    )
