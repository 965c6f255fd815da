"""Who the voices of a recording are: as corrected by a person, the others guessed around that."""

from dataclasses import replace

from transcribe.diarise import voices
from transcribe.schema import Quiet, Speaker, Transcript, record
from transcribe.vault import Unlocked


@record
class SpeakerFixes(Quiet):
    """Speakers that a person corrected; they outweigh the guess."""

    speakers: tuple[Speaker, ...] = ()


def with_speakers(unlocked: Unlocked, transcript: Transcript) -> Transcript:
    """The transcript with its labels' roles: corrected ones as corrected, the others guessed around them."""
    stored = unlocked.load(transcript.recording_id, "speakers", SpeakerFixes)
    fixed = {speaker.label: speaker for speaker in (stored.value.speakers if stored else ())}
    if unlocked.study.sound_path(transcript.recording_id).exists():
        taken = {speaker.person_id for speaker in fixed.values()}
        who = set(unlocked.vault.entry(transcript.recording_id).who) - taken
        people = tuple(person for person in unlocked.vault.people if person.id in who)
        guessed = voices.who_is_who(transcript, people, fixed)
    else:
        guessed = transcript.speakers  # the labels of an imported transcript say who they are
    return replace(transcript, speakers=tuple(fixed.get(speaker.label, speaker) for speaker in guessed))
