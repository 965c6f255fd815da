"""Who is it that a finding names? Known people by their forms, in the scope of the recording; new ones in order.

Somebody found in one family's interview is not taken for her namesake in another family's: found people belong to a
participant (`of`), and count only in recordings that she took part in. Of several people of the roster who share a
name, one of the recording's own is meant. Two people of one name in one interview stay two where the speakers say so
("my sister Emma", "my friend Emma"); a bare "Emma" then goes to the one mentioned last and is marked as shared, which
makes it a question of who it is.
"""

import re
from dataclasses import replace

from transcribe.detect import defaults, lexicon, merge
from transcribe.detect.namesakes import SHARED, Namesakes, Scope, is_public
from transcribe.detect.relations import agree
from transcribe.schema import Finding, Kind, Person, Transcript, Utterance
from transcribe.wordforms import folded, halves, names_alone

# What a search for it elsewhere makes sense for; an age, a date or a birth weight is bound to its place.
SEARCHED = (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION, Kind.SERVICE, Kind.CONTACT, Kind.ID_NUMBER)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
# A piece of a number: "six", "twenty one", "461".
_SHORT = re.compile(r"\W*(?:\w\W*){1,4}|[^\W\d_]+(?:[\s-]+[^\W\d_]+)?")


class Identities:
    """Who is known in a pass, by folded form, and who is new in it, in order of position."""

    def __init__(self, transcript: Transcript, people: tuple[Person, ...], scope: Scope) -> None:
        self.people = {person.id: person for person in people}
        self.new: list[Person] = []
        self.lower = lower_words(transcript.utterances)
        self._scope = scope
        self._by_form: dict[tuple[Kind, str], list[str]] = {}
        self._by_token: dict[str, list[str]] = {}
        self._namesakes = Namesakes(self.people, scope)
        self._last: dict[str, str] = {}  # the bearer of a shared form who was mentioned last
        for person in people:
            self._learn(person)

    def _learn(self, person: Person) -> None:
        if not self._scope.holds(person):
            return
        self._namesakes.learn(person)
        for form in person.forms:
            self._by_form.setdefault((person.kind, folded(form)), []).append(person.id)
            tokens = [part for name in folded(form).split() for part in (name, *halves(name))]
            if person.kind is Kind.PERSON and len(tokens) > 1:
                for token in tokens:
                    ids = self._by_token.setdefault(token, [])
                    if person.id not in ids:
                        ids.append(person.id)

    def settle(self, merged: merge.Merged, text: str) -> Finding:
        """The finding with a person; whoever is nobody known becomes a new one, where it is likely that it is one."""
        finding = merged.finding
        for start, end in merged.aliases:
            self._person_for(replace(finding, start=start, end=end, person_id=None), text)
        if finding.person_id is not None and not self._scope.holds(self.people[finding.person_id]):
            finding = replace(finding, person_id=None)
        person_id, shared = self._whose(finding, text)
        detail = finding.reason.detail.replace(f", {SHARED}", "") + (f", {SHARED}" if shared else "")
        return replace(finding, person_id=person_id, reason=replace(finding.reason, detail=detail))

    def _whose(self, finding: Finding, text: str) -> tuple[str | None, bool]:
        """The id, and whether several people could be meant."""
        form = folded(text[finding.start : finding.end])
        namesakes = self._namesakes.of(finding, form)
        here = self._namesakes.here(namesakes)
        if finding.relation:
            agreeing = [i for i in here if agree(self.people[i].relation, finding.relation)]
            if namesakes and not agreeing and finding.kind is Kind.PERSON and finding.score >= _balance():
                self._last[form] = self._add(finding, text)
                return self._last[form], False
            if len(agreeing) == 1:
                self._last[form] = agreeing[0]
                return agreeing[0], False
            here = agreeing or here
        here = self._namesakes.meant(finding, text, here)
        if len(here) == 1:
            return here[0], False
        if not namesakes:
            return self._person_for(finding, text), False
        meant = here or namesakes  # nobody here: somebody of another family, or somebody whom the roster does not know
        last = self._last.get(form)
        sure = len(meant) == 1 and self._namesakes.in_full(meant[0], form)
        return last if last in meant else meant[0], not sure

    def _person_for(self, finding: Finding, text: str) -> str | None:
        form = folded(text[finding.start : finding.end])
        known = self._by_form.get((finding.kind, form))
        if known:
            return known[0]
        if finding.kind is Kind.PERSON and len(self._by_token.get(form, ())) == 1:
            return self._by_token[form][0]
        speaker = self._who_took_part(finding)
        if speaker is not None:
            return speaker
        if finding.kind not in SEARCHED or finding.score < _balance():
            return None  # bound to its place, or only a question: nobody until a person says so
        return self._in_full(finding, text) or self._add(finding, text)

    def _in_full(self, finding: Finding, text: str) -> str | None:
        """Whoever was new in this pass by a first name alone and is now told in full: Orla, then Orla Venn."""
        first, _, more = folded(text[finding.start : finding.end]).partition(" ")
        fitting = [p for p in self.new if p.kind is finding.kind is Kind.PERSON and [*map(folded, p.forms)] == [first]]
        if not more or len(fitting) != 1 or not agree(fitting[0].relation, finding.relation):
            return None
        short, full = fitting[0], new_person(fitting[0].id, finding, text, self.lower)
        if finding.score < defaults.load().scores["search"]:
            full = replace(full, position_only=True)
        both = replace(
            short,
            forms=(*full.forms, *short.forms),
            role=short.role if short.relation else full.role,
            relation=short.relation or full.relation,
            position_only=short.position_only and full.position_only,
            bound=() if short.position_only and full.position_only else (*_bound(full), *_bound(short)),
        )
        both = replace(both, of="" if is_public(both) else both.of)
        self.new[self.new.index(short)] = self.people[short.id] = both
        self._learn(both)
        return both.id

    def _who_took_part(self, finding: Finding) -> str | None:
        """Who introduces herself by a name that nobody has is the participant or interviewer herself, heard wrongly."""
        if finding.kind is not Kind.PERSON or finding.role not in ("participant", "interviewer"):
            return None
        ids = [i for i in self._scope.who if i in self.people and self.people[i].role == finding.role]
        return ids[0] if len(ids) == 1 else None

    def _add(self, finding: Finding, text: str) -> str:
        number = 1 + len(self.new)
        while f"{self._scope.recording_id}-F{number:02d}" in self.people:
            number += 1
        person = new_person(f"{self._scope.recording_id}-F{number:02d}", finding, text, self.lower)
        if finding.score < defaults.load().scores["search"]:
            person = replace(person, position_only=True)
        person = person if is_public(person) else replace(person, of=self._scope.of)
        self.new.append(person)
        self.people[person.id] = person
        self._learn(person)
        return person.id


def _balance() -> float:
    return defaults.load().scores["balance"]


def new_person(person_id: str, finding: Finding, text: str, lower: frozenset[str] = frozenset()) -> Person:
    """Who nobody knew, as a finding shows her; `lower`: the words that the transcript has in lower case, folded."""
    surface = text[finding.start : finding.end]
    compact = re.sub(r"[\s.,()-]", "", surface)
    numeric = finding.kind in (Kind.CONTACT, Kind.ID_NUMBER) and any(char.isdigit() for char in compact)
    ordinary = ordinary_names(finding.kind, surface, lower)
    return Person(
        id=person_id,
        kind=finding.kind,
        role=finding.role or defaults.role(finding),
        forms=(surface, compact) if numeric and compact != surface else (surface,),
        relation=finding.relation,
        found=True,
        position_only=not ordinary and position_only(finding.kind, surface, lower),
        bound=ordinary,
    )


def acknowledged(person: Person, lower: frozenset[str] = frozenset()) -> Person:
    """Somebody whom a reviewer accepted: an ordinary word still binds her to her findings, a rule's doubt no longer."""
    bound = _bound(person)
    if not bound or person.sealed is not None:
        return person
    still: list[str] = []
    for form in bound:
        ordinary = ordinary_names(person.kind, form, lower)
        still += ordinary or ((form,) if position_only(person.kind, form, lower) else ())
    return person if tuple(still) == bound else replace(person, position_only=False, bound=tuple(still))


def with_more(before: Person, after: Person) -> Person:
    """`after` with forms that `before` had not: these are searched for, since a person gave them; what was bound to its
    findings stays so.
    """
    known = {folded(form) for form in (*before.forms, *before.heard)}
    more = {folded(form) for form in (*after.forms, *after.heard)} - known
    if not more:
        return after
    still = tuple(form for form in _bound(before) if folded(form) not in more)
    return replace(after, position_only=False, bound=still)


def _bound(person: Person) -> tuple[str, ...]:
    """Those of her forms that are bound to her findings."""
    return person.forms if person.position_only else person.bound


def position_only(kind: Kind, surface: str, lower: frozenset[str] = frozenset()) -> bool:
    """Bound to its findings: a date, an ordinary word or phrase, or a form too short to search for."""
    if kind not in SEARCHED:
        return True
    if kind in (Kind.CONTACT, Kind.ID_NUMBER):
        return _SHORT.fullmatch(surface) is not None
    tokens = [m.group() for m in _WORD.finditer(folded(surface))]
    if sum(char.isalpha() for char in surface) < 3 or not tokens:
        return True
    if kind is Kind.PERSON or len(tokens) == 1:
        return any(_is_ordinary(token, lower) for token in tokens)
    return all(_is_common(token, lower) for token in tokens)


def ordinary_names(kind: Kind, surface: str, lower: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """The names of a person's full name that are ordinary words, where others are none: each name of it is searched
    for alone, so that Grace Kellerman is found as Kellerman and no grace with her. Else none.
    """
    names = [match.group() for match in _WORD.finditer(surface)] if kind is Kind.PERSON else []
    ordinary = tuple(dict.fromkeys(name for name in names if _is_ordinary(folded(name), lower)))
    rare = [name for name in names_alone(surface) if name not in ordinary]
    return ordinary if any(sum(char.isalpha() for char in name) >= 3 for name in rare) else ()


def _is_ordinary(token: str, lower: frozenset[str]) -> bool:
    """A model that takes "Number" for a name must not spread it."""
    return _is_common(token, lower) or lexicon.is_usual_word(token)


def _is_common(token: str, lower: frozenset[str]) -> bool:
    words = defaults.load().words
    return (
        (token in lower and lexicon.zipf(token) >= lexicon.RARE) or words.needs_context(token) or token in words.never
    )


def lower_words(utterances: tuple[Utterance, ...]) -> frozenset[str]:
    """Folded words that the transcript somewhere writes in lower case."""
    return frozenset(
        folded(m.group()) for u in utterances for m in _WORD.finditer(u.text) if m.group() == m.group().lower()
    )
