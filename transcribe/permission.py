"""What may be done with a recording, by what the people in it agreed to. Every door to such a deed asks here."""

from dataclasses import replace

from transcribe import consent
from transcribe.consent import Obstacle
from transcribe.errors import ConsentError
from transcribe.levels import TEAM
from transcribe.participants import PARTICIPANT, took_part
from transcribe.schema import Purpose
from transcribe.speakers import speaking
from transcribe.vault import Unlocked, Vault


def obstacles(unlocked: Unlocked, recording_id: str, *purposes: Purpose) -> tuple[Obstacle, ...]:
    """What stands against having a recording, transcribing it and these further purposes; none without consents.

    Concerned are those who were said to take part and those whom its voices are taken for; where that is nobody who
    could agree, every participant of the study. An id that nobody has may stand for somebody who refused.
    """
    unlocked.look()
    vault = unlocked.vault
    if not vault.consents:
        return ()
    sound = (Purpose.RECORD,) if unlocked.study.sound_path(recording_id).exists() else ()
    wanted = (*sound, Purpose.TRANSCRIBE, *purposes)
    who = {*took_part(vault.people, vault.entry(recording_id).who), *speaking(unlocked, recording_id)}
    unknown = (Obstacle(person_id="", unknown=True),) if misnamed(vault, recording_id) else ()
    if consent.asked(vault.people, who):
        return (*unknown, *consent.obstacles(vault.people, vault.consents, who, wanted))
    everybody = {person.id for person in vault.people if person.role == PARTICIPANT}
    found = consent.obstacles(vault.people, vault.consents, who | everybody, wanted)
    return (*unknown, *(replace(one, linked=False) for one in found))


def misnamed(vault: Vault, recording_id: str) -> bool:
    """Whether who took part was said with an id that nobody has: `add` cannot look without the key."""
    return not {person.id for person in vault.people}.issuperset(vault.entry(recording_id).who)


def of_level(level: str) -> tuple[Purpose, ...]:
    """What a release at an anonymity level has to be agreed to by name; nothing for the team."""
    return () if level == TEAM else (Purpose.ARCHIVE,)


def refuse(unlocked: Unlocked, recording_id: str, *purposes: Purpose, stage: str = "") -> None:
    """Raises ConsentError where something stands against it."""
    found = obstacles(unlocked, recording_id, *purposes)
    if found:
        raise ConsentError(
            consent.told(found), recording_id=recording_id, stage=stage, advice=_advice(found[0], recording_id)
        )


def _advice(worst: Obstacle, recording_id: str) -> str:
    if worst.unknown or not worst.linked:
        return f"say who took part with `transcribe who STUDY {recording_id} P1,R1`"
    if worst.said == "withdrawn":
        return f"leave it out, or destroy it with `transcribe forget STUDY {recording_id}`"
    if worst.said == "no":
        return "leave it out; if that has changed, correct the roster and import it again"
    return f"if she did agree, write yes into the roster's column {worst.purpose} and import it again"
