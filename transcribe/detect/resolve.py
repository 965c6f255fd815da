"""Settles between rules: overlapping candidates become disjoint findings, and everybody found gets an identity.

A pass merges, assigns and names new people; the next sees these among the people, so that the repeats of a new name
are found by its forms. Passes go on until none brings anybody new, which makes the result idempotent by construction:
resolving again with the new people is the last pass once more.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from transcribe.detect import Tagger, defaults, merge, roster
from transcribe.detect.ordinary import has_capitals
from transcribe.schema import Finding, Findings, Kind, MadeBy, Person, Quiet, Reason, Transcript, Utterance, record
from transcribe.wordforms import folded

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@record
class Resolution(Quiet):
    """Settled findings, and the people that they name and nobody knew; these belong into the vault."""

    findings: Findings
    new_people: tuple[Person, ...]


@record
class _Passed(Quiet):
    found: tuple[Finding, ...]
    kept: tuple[Finding, ...]
    new: tuple[Person, ...]


def resolve(
    transcript: Transcript,
    candidates: tuple[Finding, ...],
    people: tuple[Person, ...],
    *,
    tagger: Tagger | None = None,
    made_by: tuple[MadeBy, ...] = (),
) -> Resolution:
    """Findings without overlap, each with a person, and the people found outside `people`.

    `candidates` are the models' (the roster rule runs in here, so its findings may be left out); their ids are not
    read. New people are called RECORDING-F01 ... by position. Every form of everybody who is not `position_only` is
    found or kept wherever it occurs.
    """
    models = tuple(c for c in candidates if c.reason.rule != roster.RULE)
    new: tuple[Person, ...] = ()
    passed = _pass(transcript, models, people, tagger)
    while passed.new:  # ends: each new person is another stretch of a finite text
        new += passed.new
        passed = _pass(transcript, models, people + new, tagger)
    order = {utterance.id: place for place, utterance in enumerate(transcript.utterances)}
    return Resolution(
        findings=Findings(
            found=_numbered(passed.found, order, "F"), kept=_numbered(passed.kept, order, "K"), made_by=made_by
        ),
        new_people=new,
    )


def _numbered(findings: Iterable[Finding], order: dict[str, int], letter: str) -> tuple[Finding, ...]:
    ordered = sorted(findings, key=lambda f: (order[f.utterance_id], f.start, f.end))
    return tuple(replace(finding, id=f"{letter}{n:04d}") for n, finding in enumerate(ordered, 1))


def _pass(
    transcript: Transcript, models: tuple[Finding, ...], people: tuple[Person, ...], tagger: Tagger | None
) -> _Passed:
    by_roster, kept = roster.find(transcript.utterances, people, tagger)
    texts = {utterance.id: utterance.text for utterance in transcript.utterances}
    names = _Names(transcript, people)
    all_models = models + _repeats(transcript.utterances, models, names.lower)
    found: list[Finding] = []
    still_kept: list[Finding] = []
    for utterance in transcript.utterances:
        known, ordinary, seen = (
            [f for f in group if f.utterance_id == utterance.id] for group in (by_roster, kept, all_models)
        )
        merged, left = merge.merge(texts[utterance.id], known, ordinary, seen, names.people)
        found += [names.settle(finding, utterance.text) for finding in merged]
        still_kept += left
    return _Passed(found=tuple(found), kept=tuple(still_kept), new=tuple(names.new))


class _Names:
    """Who is known in a pass, by folded form, and who is new in it, in order of position."""

    def __init__(self, transcript: Transcript, people: tuple[Person, ...]) -> None:
        self.people = {person.id: person for person in people}
        self.new: list[Person] = []
        self._recording_id = transcript.recording_id
        self.lower = _lower_words(transcript.utterances)
        self._by_form: dict[tuple[Kind, str], str] = {}
        self._by_token: dict[str, list[str]] = {}
        for person in people:
            self._learn(person)

    def _learn(self, person: Person) -> None:
        for form in person.forms:
            self._by_form.setdefault((person.kind, folded(form)), person.id)
            tokens = folded(form).split()
            if person.kind is Kind.PERSON and len(tokens) > 1:
                for token in tokens:
                    ids = self._by_token.setdefault(token, [])
                    if person.id not in ids:
                        ids.append(person.id)

    def settle(self, merged: merge.Merged, text: str) -> Finding:
        """The finding with a person; whoever is nobody known becomes a new one."""
        finding = merged.finding
        for start, end in merged.aliases:
            self._person_for(replace(finding, start=start, end=end, person_id=None), text)
        if finding.person_id is not None:
            return finding
        return replace(finding, person_id=self._person_for(finding, text))

    def _person_for(self, finding: Finding, text: str) -> str:
        surface = text[finding.start : finding.end]
        form = folded(surface)
        known = self._by_form.get((finding.kind, form))
        if known is not None:
            return known
        if finding.kind is Kind.PERSON and len(self._by_token.get(form, ())) == 1:
            return self._by_token[form][0]
        person = self._new_person(finding, surface)
        self.new.append(person)
        self.people[person.id] = person
        self._learn(person)
        return person.id

    def _new_person(self, finding: Finding, surface: str) -> Person:
        number = 1 + len(self.new)
        while f"{self._recording_id}-F{number:02d}" in self.people:
            number += 1
        compact = re.sub(r"[\s.,()-]", "", surface)
        numeric = finding.kind in (Kind.CONTACT, Kind.ID_NUMBER) and any(char.isdigit() for char in compact)
        forms = (surface, compact) if numeric and compact != surface else (surface,)
        return Person(
            id=f"{self._recording_id}-F{number:02d}",
            kind=finding.kind,
            role=defaults.role(finding),
            forms=forms,
            found=True,
            position_only=self._position_only(finding.kind, surface),
        )

    def _position_only(self, kind: Kind, surface: str) -> bool:
        """Bound to its findings: a date, an ordinary word or phrase, or a form too short to search for."""
        if kind in (Kind.DATE, Kind.AGE):
            return True
        if kind in (Kind.CONTACT, Kind.ID_NUMBER):
            return False
        words = defaults.load().words
        tokens = [folded(m.group()) for m in _WORD.finditer(surface)]
        if sum(char.isalpha() for char in surface) < 3 or not tokens:
            return True
        # Each name of a person's full name is searched for alone, so one ordinary word among them binds them all.
        common = [token in self.lower or words.needs_context(token) or token in words.never for token in tokens]
        return any(common) if kind is Kind.PERSON or len(tokens) == 1 else all(common)


def _lower_words(utterances: tuple[Utterance, ...]) -> frozenset[str]:
    """Folded words that the transcript somewhere writes in lower case."""
    return frozenset(
        folded(m.group()) for u in utterances for m in _WORD.finditer(u.text) if m.group() == m.group().lower()
    )


def _repeats(
    utterances: tuple[Utterance, ...], models: tuple[Finding, ...], lower: frozenset[str]
) -> tuple[Finding, ...]:
    """The same names elsewhere, as written: a model that sees a name once often misses it the next time.

    Of a name of several words each capitalised one counts, unless the transcript has it in lower case, too.
    """
    texts = {utterance.id: utterance.text for utterance in utterances}
    cased = has_capitals(tuple(texts.values()))
    if not cased:  # then lower case says nothing
        lower = frozenset()
    surfaces = _surfaces(texts, models, lower, cased)
    words = defaults.load().words
    common = {name for name in surfaces if folded(name) in lower or words.needs_context(folded(name))}
    return tuple(
        _repeat(utterance, hit.start(), hit.end(), source)
        for name, source in sorted(surfaces.items())
        for utterance in utterances
        for hit in re.finditer(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", utterance.text)
        if not (name in common and _opens(utterance.text, hit.start()))
    )


def _surfaces(
    texts: dict[str, str], models: tuple[Finding, ...], lower: frozenset[str], cased: bool
) -> dict[str, Finding]:
    """What to look for again, and the first finding that says so."""
    words = defaults.load().words
    surfaces: dict[str, Finding] = {}
    for finding in models:
        if finding.kind not in (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION) or finding.utterance_id not in texts:
            continue
        surface = texts[finding.utterance_id][finding.start : finding.end]
        parts = [m.group() for m in _WORD.finditer(surface)] if finding.kind is Kind.PERSON else []
        for name in dict.fromkeys([surface, *parts]):
            plain = folded(name)
            ordinary = words.needs_context(plain)
            if len(plain) < 3 or plain in words.never | words.trim:
                continue
            if not name[:1].isupper() and (cased or ordinary):
                continue
            if name == surface or not (plain in lower or ordinary):
                surfaces.setdefault(name, finding)
    return surfaces


def _opens(text: str, start: int) -> bool:
    """Whether a sentence starts here, where any word has a capital."""
    return bool(re.search(r"(?:^|[.?!…:;])[\s\"“”‘'—–-]*$", text[:start]))


def _repeat(utterance: Utterance, start: int, end: int, source: Finding) -> Finding:
    return Finding(
        id="",
        utterance_id=utterance.id,
        start=start,
        end=end,
        kind=source.kind,
        person_id=None,
        score=defaults.load().scores["repeat"],
        reason=Reason(rule=merge.REPEAT, detail=source.reason.detail),
    )
