"""Who bears the same name, and whom of them a recording means: its own people before others of the study.

Who took part in a recording, who belongs to her, and who was found in it are its own. Who belongs to nobody in
particular may be met in any. Somebody of another family is meant only where nobody else can be, which is a question.
"""

import re
from collections.abc import Mapping

from rapidfuzz.distance import Indel

from transcribe.detect import diminutives
from transcribe.detect.relations import gender, gender_of_title
from transcribe.detect.wider import INITIALLED
from transcribe.schema import Finding, Kind, Person, Quiet, record
from transcribe.wordforms import bare_surname, folded, letters_alone, search_forms

SHARED = "shared form"
_ELSEWHERE = 2
_WORD = re.compile(r"[^\W\d_]+")
_LAST_WORD = re.compile(r"[^\W\d_]+(?=\.?\s+$)")
_PUBLIC = ("therapist", "clinician", "professional", "interviewer")  # may be met by many families


@record
class Scope(Quiet):
    """The recording's id, ids of those who took part in it, and the participant that people found in it belong to."""

    recording_id: str
    who: tuple[str, ...] = ()
    of: str = ""

    def holds(self, person: Person) -> bool:
        """Whether a mention in this recording can be of that person."""
        return not person.found or not person.of or self.linked(person)

    def linked(self, person: Person) -> bool:
        """Whether she took part in it, belongs to somebody who did, or was found in it."""
        here = person.found and person.id.startswith(f"{self.recording_id}-")
        return here or person.id in self.who or person.of in self.who

    def distance(self, person: Person) -> int:
        """0: of this recording, or of nobody in particular; 1: of others, but met by many; 2: of another family."""
        if self.linked(person) or not (self.who or person.found):
            return 0
        if person.found:
            return 1
        if not person.of and person.role != "participant":
            return 0
        return 1 if is_public(person) else _ELSEWHERE

    def ordered(self, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """Those who took part first, then who belongs to them."""
        return tuple(sorted(people, key=lambda p: (p.id not in self.who, not self.linked(p))))


def is_public(person: Person) -> bool:
    """Whether many families may meet her, or come to it."""
    return person.kind is not Kind.PERSON or person.role in _PUBLIC


class Namesakes:
    """Who of those who are learnt goes by which name."""

    def __init__(self, people: Mapping[str, Person], scope: Scope) -> None:
        self._people, self._scope = people, scope
        self._by_name: dict[str, list[str]] = {}
        self._by_short: dict[str, list[str]] = {}
        self._distance: dict[str, int] = {}

    def learn(self, person: Person) -> None:
        """What she is called; who was found to be somebody else brings that one near."""
        whom = person.same_as or person.id
        self._distance[whom] = min(self._distance.get(whom, _ELSEWHERE), self._scope.distance(person))
        for name in dict.fromkeys(folded(form) for form in (*person.forms, *search_forms(person))):
            self._by_name.setdefault(name, []).append(person.id)
        if person.kind is Kind.PERSON and not person.position_only:
            firsts = {folded(form).partition(" ")[0] for form in person.forms}
            for short in {short for first in firsts for short in diminutives.of(first)}:
                self._by_short.setdefault(short, []).append(person.id)

    def of(self, finding: Finding, form: str) -> list[str]:
        """All who may be meant, the recording's own first: who bear the folded form, or go by it for short."""
        owner = self._people[finding.person_id] if finding.person_id else None
        doubt = SHARED in finding.reason.detail  # also whether it is a person or a place
        ids = [*(self._by_name.get(form) or self._by_name.get(bare_surname(form), []))]
        if owner is not None:
            ids += self._by_short.get(form, ())
            told = finding.reason.detail == INITIALLED  # the initial says which of those who have the name
            like = [] if told else self._by_name.get(_likest(owner, form), [])
            ids += [] if owner.id in ids else [owner.id, *like]
        could = [
            i
            for i in dict.fromkeys(ids)
            if finding.kind is self._people[i].kind is Kind.PERSON
            or i == finding.person_id
            or (doubt and not self._people[i].found)
        ]
        ordered = self._scope.ordered(tuple(self._people[i] for i in could))
        return [i for i in dict.fromkeys(p.same_as or p.id for p in ordered) if i in self._people]

    def here(self, ids: list[str]) -> list[str]:
        """Those who are of no other family."""
        return [i for i in ids if self._distance.get(i, _ELSEWHERE) < _ELSEWHERE]

    def meant(self, finding: Finding, text: str, ids: list[str]) -> list[str]:
        """Those of `ids`, all of them `here`, who are meant for all that the words beside the name tell: the likeliest
        first.
        """
        told = self._as_told(finding, text, ids)
        nearest = min((self._distance[i] for i in told), default=0)
        near = [i for i in told if self._distance[i] == nearest]
        form = folded(text[finding.start : finding.end])
        return [i for i in near if i in self._by_name.get(form, ())] or near

    def in_full(self, person_id: str, form: str) -> bool:
        """Whether a folded form is a full name of hers."""
        return " " in form and form in map(folded, self._people[person_id].forms)

    def _as_told(self, finding: Finding, text: str, ids: list[str]) -> list[str]:
        """Those whom a title before the name may mean; who speaks, where she says that it is her name."""
        words = (_LAST_WORD.search(text[: finding.start]), _WORD.match(text, finding.start))
        said = "".join(gender_of_title(word[0]) for word in words if word)
        if said:
            ids = [i for i in ids if self._may_be_called(i, said)] or ids
            ids = sorted(ids, key=lambda i: gender(self._people[i].relation) != said)
        if finding.role in ("participant", "interviewer"):
            ids = [i for i in ids if i in self._scope.who and self._people[i].role == finding.role] or ids
        return ids

    def _may_be_called(self, person_id: str, said: str) -> bool:
        """Whether she may have a title of that gender, which no infant has."""
        person = self._people[person_id]
        adult = person.kind is Kind.PERSON and person.role != "infant"
        return adult and gender(person.relation) in ("", said)


def _likest(person: Person, form: str) -> str:
    """The one of her forms that is spelt out, broken off or heard wrongly as this one."""
    said = letters_alone(form)
    names = [folded(name) for name in search_forms(person)] if len(said) > 2 else []
    return max(names, key=lambda name: Indel.normalized_similarity(said, letters_alone(name)), default="")
