"""The labels of an imported transcript: whom of the study they name, and who is a stranger."""

from dataclasses import replace
from itertools import count

from transcribe import imports
from transcribe.config import INTERVIEWER
from transcribe.imports import Imported
from transcribe.participants import took_part
from transcribe.schema import Kind, Person, Speaker, Transcript
from transcribe.wordforms import FormIndex, folded

_UNLIKE = frozenset(("participant", INTERVIEWER, "therapist"))
_YOUNG = frozenset(("baby", "infant", "child"))


def linked(
    imported: Imported, people: tuple[Person, ...], who: tuple[str, ...]
) -> tuple[Transcript, tuple[Person, ...]]:
    """The transcript with its labels linked to people of the study, and the strangers among the labels.

    `who` took part, as far as that is said: of several of a name it is one of these or of their families.
    """
    index = FormIndex(people)
    by_id = {person.id: person for person in people}
    here = took_part(people, who)
    written = dict(imported.labels)
    numbers = (f"{imported.transcript.recording_id}-L{number:02d}" for number in count(1))
    speakers: list[Speaker] = []
    strangers: list[Person] = []
    for speaker in imported.transcript.speakers:
        text = written.get(speaker.label, "")
        name = imports.named(text)
        bearers = [by_id[one] for one in _borne(index, text) or _borne(index, name)]
        person = _meant(name, [one for one in bearers if _fits(speaker, text, one)], here)
        if person is not None:
            speaker = replace(speaker, role=person.role, person_id=person.id, confidence=1.0)
        elif not imports.is_term(text):
            stranger_id = next(one for one in numbers if one not in by_id)  # a former recording's may be known still
            strangers.append(Person(id=stranger_id, kind=Kind.PERSON, role="speaker", forms=(name,), found=True))
        speakers.append(speaker)
    return replace(imported.transcript, speakers=tuple(speakers)), tuple(strangers)


def _borne(index: FormIndex, name: str) -> list[str]:
    """The ids of those who are called so and not longer."""
    return sorted({m.person_id for m in index.find(name) if folded(name[m.start : m.end]) == folded(name)})


def _fits(speaker: Speaker, label: str, person: Person) -> bool:
    """Whether a label that also says what somebody is ("Baby Rose") says it of this person."""
    if person.role not in _UNLIKE:
        return True
    words = {folded(word.strip("()[]{}")) for word in label.split()}
    return speaker.role in ("speaker", person.role) and not (words & _YOUNG)


def _meant(label: str, bearers: list[Person], here: tuple[str, ...]) -> Person | None:
    """The one of a label's bearers who is meant, if one is: who took part, or belongs to who did, before any other.

    Elsewhere one name alone is another's, but for an interviewer's, or where nobody said who took part and she is known
    beforehand.
    """
    present = [one for one in bearers if one.id in here or one.same_as in here]
    present = present or [one for one in bearers if one.of in here]
    if present:
        return present[0] if len(present) == 1 else None
    if len(bearers) != 1:
        return None
    (person,) = bearers
    known = not person.found and (not here or person.role == INTERVIEWER)
    return person if known or len(label.split()) > 1 else None
