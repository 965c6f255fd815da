"""Whom a reviewer may mean by words that she selects, the likeliest first. Pure."""

import re
from collections.abc import Iterator, Sequence

from rapidfuzz.distance import JaroWinkler, Levenshtein

from transcribe.detect import addresses, defaults, diminutives, field, kinship, numerals, sounds, spoken
from transcribe.detect.relations import Role, agree
from transcribe.errors import StudyError
from transcribe.schema import Kind, Person, Quiet, Transcript, Utterance, record
from transcribe.wordforms import folded, search_forms

MOST = 12
SAME, SHORT, SOUNDS, LOOKS = "the same name", "a short name", "sounds alike", "looks alike"
SAID, HERE, NEW, NOBODY, NUMBER = (
    "as the words around it say",
    "of this interview",
    "new",
    "no person",
    "a number or date",
)
_KNOWN = 4  # at most so many known people who have no such name, and so many new ones
_ALIKE = 0.7  # likeness by ear, from which somebody may be meant
_LOOKS = 0.88  # likeness by eye (Jaro and Winkler)
_ROUGH = 0.3  # likeness of sounds, unweighted, below which a name is not compared closely
_LINKED = 0.1  # how much likeness somebody else needs more than one who is linked to the recording
_NAMED = (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION, Kind.SERVICE)
_ONE_EACH = ("partner", "infant")  # a new one where the recording has none yet
_USUAL = ("child", "relative", "friend", "professional")
_KINDS = (
    Kind.PLACE,
    Kind.ORGANISATION,
    Kind.SERVICE,
    Kind.DATE,
    Kind.AGE,
    Kind.CONTACT,
    Kind.ID_NUMBER,
    Kind.OTHER,
)
_WORD = re.compile(r"[^\W\d_]+")
_DAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())
_POSSESSIVE = re.compile(r"['’]s?$", re.IGNORECASE)


@record
class Suggestion(Quiet):
    """Somebody known, somebody new of a role, or, where both are empty, what is bound to its place.

    `why` is a phrase that holds no word of the interview.
    """

    person_id: str | None
    kind: Kind
    role: str
    relation: str
    why: str


def suggestions(
    transcript: Transcript,
    utterance_id: str,
    start: int,
    end: int,
    people: Sequence[Person],
    linked: Sequence[str],
) -> tuple[Suggestion, ...]:
    """At most twelve, of [start, end) of an utterance; `linked` are the ids of the recording's own people.

    Whoever has that very name comes first, then whose name is like it, whom the words around it mean, be it somebody
    new, who else is of this recording, others who are new, and the kinds of what is bound to its place: of a number or
    a date these come second.
    Raises StudyError where there is no such utterance.
    """
    utterance = next((u for u in transcript.utterances if u.id == utterance_id), None)
    if utterance is None:
        raise StudyError("the transcript has no such turn", advice="read it again: it may have changed")
    start, end = _bare(utterance.text, start, end)
    written = utterance.text[start:end]
    meant = sorted((p for p in people if not p.same_as), key=lambda person: person.id not in linked)
    others = {person.id: person.same_as for person in people if person.same_as}
    same = _same(written, people, others)
    first = [_known(person, SAME) for person in meant if person.id in same]
    numbers = [_kind(kind, NUMBER) for kind in _numbers(utterance, start, end)]
    speaker = next((s.role for s in transcript.speakers if s.label == utterance.speaker), "")
    context = kinship.context(utterance.text, start, end, speaker)
    own = [person for person in meant if person.id in linked]
    named = _once([*first, *_like(written, people, meant, linked), *_said(context, own)])
    told = [_new(context.role, context.relation, SAID)] if context and context.role else []
    known = _once([*named, *told, *_own(own)])[: max(_KNOWN, len(first))]
    new = _once([*told, *_usual(own)])[:_KNOWN]
    kinds = [_kind(kind, NOBODY) for kind in _KINDS]
    return _once([*first, *numbers, *kinds, *known, *new] if numbers else [*known, *new, *kinds])


def _once(listed: Sequence[Suggestion]) -> tuple[Suggestion, ...]:
    """Each once, for the first reason, and no more than there is room for."""
    unique: dict[tuple[str | None, Kind, str, str], Suggestion] = {}
    for one in listed:
        unique.setdefault((one.person_id, one.kind, one.role, one.relation), one)
    return tuple(unique.values())[:MOST]


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without what is no letter or digit at its ends, and without a possessive."""
    match = re.fullmatch(r"[\W_]*(.*?)[\W_]*", text[start:end], re.DOTALL)
    begin, stop = match.span(1) if match else (0, 0)
    bare = _POSSESSIVE.sub("", text[start + begin : start + stop])
    return start + begin, start + begin + len(bare)


def _known(person: Person, why: str) -> Suggestion:
    return Suggestion(person_id=person.id, kind=person.kind, role=person.role, relation=person.relation, why=why)


def _new(role: str, relation: str, why: str) -> Suggestion:
    return Suggestion(person_id=None, kind=Kind.PERSON, role=role, relation=relation, why=why)


def _kind(kind: Kind, why: str) -> Suggestion:
    return Suggestion(person_id=None, kind=kind, role="", relation="", why=why)


# --- somebody known -------------------------------------------------------------------------------------------------


def _same(written: str, people: Sequence[Person], others: dict[str, str]) -> set[str]:
    """The ids of those who have this very name, forms that nobody searches for included."""
    plain = folded(written)
    return {
        others.get(person.id, person.id)
        for person in people
        if plain in {folded(form) for form in (*person.forms, *person.heard, *search_forms(person))}
    }


def _like(written: str, people: Sequence[Person], meant: Sequence[Person], linked: Sequence[str]) -> list[Suggestion]:
    """Those with a short name or a name like it, the likest first; who is linked needs less."""
    phones, short = sounds.phones(written), diminutives.of(written)
    likest: dict[str, tuple[float, str]] = {}
    for person in people:
        if person.kind not in _NAMED:
            continue
        who = person.same_as or person.id
        more = _LINKED if who in linked else 0.0
        for form in search_forms(person):
            found = _likeness(written, phones, short, form, person.kind)
            if found is not None and found[0] + more > likest.get(who, (0.0, ""))[0]:
                likest[who] = found[0] + more, found[1]
    ranked = sorted((p for p in meant if p.id in likest), key=lambda person: -likest[person.id][0])
    return [_known(person, likest[person.id][1]) for person in ranked]


def _likeness(written: str, phones: str, short: frozenset[str], form: str, kind: Kind) -> tuple[float, str] | None:
    """(how like, why); None where it is not."""
    if kind is Kind.PERSON and folded(form) in short:
        return 1.0, SHORT
    by_eye = JaroWinkler.similarity(folded(written), folded(form))
    rough = any(
        Levenshtein.normalized_similarity(phones, sounding.phones) >= _ROUGH for sounding in sounds.soundings(form)
    )
    by_ear = sounds.likeness(written, form) if rough else 0.0
    if by_ear >= _ALIKE:
        return by_ear, SOUNDS
    return (by_eye, LOOKS) if by_eye >= _LOOKS else None


def _said(context: Role | None, own: Sequence[Person]) -> Iterator[Suggestion]:
    """Those of this recording who are what the words around it say."""
    for person in own:
        if context is None or person.kind is not Kind.PERSON:
            continue
        if person.role == context.role and agree(person.relation, context.relation):
            yield _known(person, SAID)


def _own(own: Sequence[Person]) -> list[Suggestion]:
    return [_known(person, HERE) for person in own if person.kind is Kind.PERSON and not person.found]


# --- somebody new, or nobody ----------------------------------------------------------------------------------------


def _usual(own: Sequence[Person]) -> list[Suggestion]:
    """Whom interviews speak of, those of whom there is one each only where there is none."""
    there = {person.role for person in own}
    return [_new(role, "", NEW) for role in (*(r for r in _ONE_EACH if r not in there), *_USUAL)]


def _numbers(utterance: Utterance, start: int, end: int) -> list[Kind]:
    """The kinds that a number or a date may be, the likeliest first; none where it is neither."""
    written = utterance.text[start:end]
    if not written:
        return []
    alone = (utterance,)
    pieces = spoken.find(alone)
    found = (*field.find(alone), *pieces, *addresses.find(alone, pieces))
    told = [f for f in found if f.start < end and start < f.end and f.kind in _KINDS[3:]]
    kinds = [f.kind for f in sorted(told, key=lambda f: -f.score)]
    words = {folded(word) for word in _WORD.findall(written)}
    digits = sum(char.isdigit() for char in written)
    if words & (defaults.load().words.months | _DAYS):
        kinds += [Kind.DATE]
    elif digits > 6:
        dialled = re.match(r"\D*(?:0|44)", written)
        kinds += [Kind.CONTACT, Kind.ID_NUMBER] if dialled else [Kind.ID_NUMBER, Kind.CONTACT]
    elif digits or numerals.numbers(written):
        kinds += [Kind.DATE, Kind.AGE] if digits != 2 else [Kind.AGE, Kind.DATE]
    if not kinds:
        return []
    return list(dict.fromkeys([*kinds, Kind.DATE, Kind.AGE, Kind.CONTACT, Kind.ID_NUMBER]))
