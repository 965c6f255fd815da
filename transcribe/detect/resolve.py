"""Settles between rules: overlapping candidates become disjoint findings, and everybody found gets an identity.

A pass merges, assigns and names new people; the next sees these among the people, so that the repeats of a new name
are found by its forms. Passes go on until none brings anybody new, which makes the result idempotent by construction:
resolving again with the new people is the last pass once more.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from transcribe.detect import Tagger, approximate, defaults, lowercase, merge, ordinary, roster
from transcribe.detect.identity import Identities, lower_words
from transcribe.detect.namesakes import Scope
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


@record
class _Given(Quiet):
    """What does not change between passes."""

    transcript: Transcript
    candidates: tuple[Finding, ...]
    scope: Scope
    tagger: Tagger | None


def resolve(
    transcript: Transcript,
    candidates: tuple[Finding, ...],
    people: tuple[Person, ...],
    *,
    tagger: Tagger | None = None,
    made_by: tuple[MadeBy, ...] = (),
    scope: Scope | None = None,
) -> Resolution:
    """Findings without overlap; those likely to name somebody each with a person, also with one not yet in `people`.

    `candidates` are all other rules' (the roster rule runs in here, so its findings may be left out); their ids are
    not read, and a person they name counts only where she is among `people`. New people are called RECORDING-F01 ...
    by position. Every form of everybody who is not `position_only` is found or kept wherever it occurs. A finding
    without a person is a question, or of a kind that is bound to its place.
    """
    own = (roster.RULE, approximate.RULE)
    ids = {person.id for person in people}
    others = tuple(c for c in candidates if c.reason.rule not in own and (c.person_id is None or c.person_id in ids))
    given = _Given(
        transcript=transcript,
        candidates=tuple(c for c in others + _heard_wrongly(transcript, people, tagger) if c.score >= _ask()),
        scope=scope or Scope(recording_id=transcript.recording_id),
        tagger=tagger,
    )
    new: tuple[Person, ...] = ()
    passed = _pass(given, people)
    while passed.new:  # ends: each new person is another stretch of a finite text
        new += passed.new
        passed = _pass(given, people + new)
    order = {utterance.id: place for place, utterance in enumerate(transcript.utterances)}
    return Resolution(
        findings=Findings(found=_sorted(passed.found, order), kept=_sorted(passed.kept, order), made_by=made_by),
        new_people=new,
    )


def by_roster(transcript: Transcript, people: tuple[Person, ...], tagger: Tagger | None) -> tuple[Finding, ...]:
    """What the text alone tells of people: where they are named, as they are written or in another spelling."""
    found, kept = roster.find(transcript.utterances, people, tagger)
    return found + approximate.find(transcript.utterances, people, found + kept)


def _heard_wrongly(transcript: Transcript, people: tuple[Person, ...], tagger: Tagger | None) -> tuple[Finding, ...]:
    """Where names of the roster may stand in another spelling, outside of where they stand as they are written."""
    known = tuple(person for person in people if not person.found)
    if not known:
        return ()
    return tuple(f for f in by_roster(transcript, known, tagger) if f.reason.rule == approximate.RULE)


def _found_heard_wrongly(
    given: _Given, people: tuple[Person, ...], settled: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """The same for people found in this recording, outside of all that is `settled` and of the roster's names.

    It is worth less: how their names are spelt is what a recogniser made of them.
    """
    own = f"{given.scope.recording_id}-"
    found = tuple(p for p in people if p.found and p.kind is Kind.PERSON and p.id.startswith(own))
    if not found:
        return ()
    weight, known = defaults.load().scores["heard_wrongly_found"], tuple(c for c in given.candidates if c.person_id)
    alike = approximate.find(given.transcript.utterances, found, settled + known)
    return tuple(f for f in (replace(f, score=round(f.score * weight, 4)) for f in alike) if f.score >= _ask())


def _ask() -> float:
    return defaults.load().scores["ask"]


def _sorted(findings: Iterable[Finding], order: dict[str, int]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda f: (order[f.utterance_id], f.start, f.end)))


def _pass(given: _Given, people: tuple[Person, ...]) -> _Passed:
    utterances, people = given.transcript.utterances, given.scope.ordered(people)
    by_roster, kept = roster.find(utterances, people, given.tagger)
    identities = Identities(given.transcript, people, given.scope)
    seen = given.candidates + _repeats(utterances, given.candidates)
    seen += _found_heard_wrongly(given, people, by_roster + kept)
    grouped = [_by_utterance(group) for group in (by_roster, kept, seen)]
    found: list[Finding] = []
    still_kept: list[Finding] = []
    for utterance in utterances:
        known, ordinary, others = (group.get(utterance.id, []) for group in grouped)
        merged, left = merge.merge(utterance.text, known, ordinary, others, identities.people)
        found += [identities.settle(finding, utterance.text) for finding in merged]
        still_kept += left
    return _Passed(found=tuple(found), kept=tuple(still_kept), new=tuple(identities.new))


def _by_utterance(findings: Iterable[Finding]) -> dict[str, list[Finding]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.utterance_id, []).append(finding)
    return groups


def _repeats(utterances: tuple[Utterance, ...], models: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The same names elsewhere, as written: a model that sees a name once often misses it the next time.

    Of a name of several words each capitalised one counts, unless the transcript has it in lower case, too.
    """
    texts = {utterance.id: utterance.text for utterance in utterances}
    cased = ordinary.has_capitals(tuple(texts.values()))
    lower = lower_words(utterances) if cased else frozenset()  # in a text without capitals lower case says nothing
    surfaces = _surfaces(texts, models, lower, cased)
    words = defaults.load().words
    common = {name for name in surfaces if folded(name) in lower or words.needs_context(folded(name))}
    return tuple(
        _repeat(utterance, start, end, source)
        for name, source in sorted(surfaces.items())
        for utterance in utterances
        for start, end in _places(utterance.text, name, name in common)
    )


def _places(text: str, name: str, common: bool) -> Iterator[tuple[int, int]]:
    """Where a name stands again: as written, and one that is an auxiliary verb also where none can stand."""
    for hit in re.finditer(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", text):
        if not (common and lowercase.opens_sentence(text, hit.start())):
            yield hit.span()
    if lowercase.is_auxiliary(folded(name)):
        yield from (span for span in ordinary.no_auxiliaries(text, name) if text[slice(*span)] != name)


def _surfaces(
    texts: dict[str, str], models: tuple[Finding, ...], lower: frozenset[str], cased: bool
) -> dict[str, Finding]:
    """What to look for again, and the first finding that says so."""
    words = defaults.load().words
    surfaces: dict[str, Finding] = {}
    for finding in sorted(models, key=lambda f: -f.score):
        named = finding.kind in (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION) and finding.person_id is None
        if not named or finding.score < defaults.load().scores["balance"] or finding.utterance_id not in texts:
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


def _repeat(utterance: Utterance, start: int, end: int, source: Finding) -> Finding:
    scores = defaults.load().scores
    return Finding(
        id="",
        utterance_id=utterance.id,
        start=start,
        end=end,
        kind=source.kind,
        person_id=None,
        score=scores["repeat"] if source.score >= scores["search"] else scores["weak_repeat"],
        reason=Reason(rule=merge.REPEAT, detail=source.reason.detail),
    )
