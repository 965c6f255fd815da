"""What a reviewer does on the page, from the request to the change that it comes to in a recording."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from transcribe import audit
from transcribe.detect.identity import SEARCHED, acknowledged, lower_words
from transcribe.errors import StudyError
from transcribe.review import corrections, settling
from transcribe.review.corrections import Correction
from transcribe.review.decisions import OF_STRETCHES, decide, restore
from transcribe.review.desk import Change, Desk
from transcribe.review.documents import WHO, Json, Mark
from transcribe.review.log import Swap
from transcribe.review.refusals import Malformed, Unknown
from transcribe.schema import Decision, Finding, Kind, Person, Quiet, Reason, Speaker, Transcript, Verdict, record
from transcribe.speakers import SpeakerFixes
from transcribe.wordforms import FormIndex, folded

_Short = Annotated[str, Field(max_length=64)]
_Ids = Annotated[tuple[_Short, ...], Field(min_length=1, max_length=10_000)]
_Place = Annotated[int, Field(ge=0, le=10_000_000)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Who(_Sent):
    """Somebody known (`person`), or somebody or something new of this kind and role."""

    person: _Short = ""
    kind: Literal["", "person", "place", "organisation", "service", "date", "age", "contact", "id_number", "other"] = ""
    role: _Short = ""
    relation: _Short = ""


class _Act(_Sent):
    version: _Short


class _Judge(_Act):
    do: Literal["accept", "keep"]
    marks: _Ids
    everywhere: bool = False


class _Reassign(_Act):
    do: Literal["change"]
    marks: _Ids
    who: Who
    everywhere: bool = False


class _Add(_Act):
    do: Literal["add"]
    turn: _Short
    start: _Place
    end: _Place
    who: Who
    everywhere: bool = False


class _Stretches(_Act):
    do: Literal["restore", "drop", "unclear"]
    flagged: _Ids


class _Words(_Act):
    do: Literal["words"]
    turn: _Short
    first_word: _Place
    last_word: _Place
    text: Annotated[str, Field(max_length=20_000)]


class _Split(_Act):
    do: Literal["split"]
    turn: _Short
    word: _Place


class _Merge(_Act):
    do: Literal["merge"]
    turn: _Short


class _Voice(_Act):
    do: Literal["speaker"]
    turn: _Short
    speaker: _Short


class _Role(_Act):
    do: Literal["role"]
    label: _Short
    who: Who


Act = Annotated[
    _Judge | _Reassign | _Add | _Stretches | _Words | _Split | _Merge | _Voice | _Role, Field(discriminator="do")
]
_ACTS: TypeAdapter[Act] = TypeAdapter(Act)


@record
class Everywhere(Quiet):
    """What is decided of words that read the same, wherever in the study they stand; `unmarked`: also where no rule
    saw them. `whose` are the ids of those whose the words are that it was decided at; `stood` is how her own decisions
    there stood before, if they were decided.
    """

    forms: frozenset[str]
    verdict: Verdict
    kind: Kind
    person_id: str | None
    unmarked: bool = False
    whose: frozenset[str] = frozenset()
    stood: frozenset[tuple[str, str, str | None]] = frozenset()


def read(body: Json) -> Act:
    """Raises Malformed for what the page never sends; its message holds nothing of it."""
    try:
        return _ACTS.validate_json(_dumped(body))
    except ValidationError:
        raise Malformed("what was sent is nothing that this page does") from None


def _dumped(body: Json) -> bytes:
    from transcribe.review.bodies import written

    return written(body)


def change(desk: Desk, act: Act) -> tuple[Change, Everywhere | None]:
    """What an act comes to here, and what it says of all other places, where that was asked for.

    Raises Conflict where the page shows something else, Unknown, StudyError.
    """
    stood = desk.stood
    made, rest = _change(desk, act)
    return replace(made, stood=stood), rest


def _change(desk: Desk, act: Act) -> tuple[Change, Everywhere | None]:
    if isinstance(act, _Judge):
        return _judged(desk, act)
    if isinstance(act, _Reassign):
        return _reassigned(desk, act)
    if isinstance(act, _Add):
        return _added(desk, act)
    if isinstance(act, _Role):
        return _named(desk, act), None
    return _of_text(desk, act), None


# --- decisions ------------------------------------------------------------------------------------------------------


def _decision(desk: Desk, finding: Finding, verdict: Verdict) -> Decision:
    return decide(finding, verdict, desk.reviewer.alias, audit.now())


def _judged(desk: Desk, act: _Judge) -> tuple[Change, Everywhere | None]:
    verdict = Verdict.KEEP if act.do == "keep" else Verdict.ACCEPT
    accept = verdict is Verdict.ACCEPT
    marks = desk.marks(act.version, act.marks, accept=accept)
    found = [mark.finding for mark in marks]
    swaps: list[Swap] = []
    if accept:
        found = [_with_somebody(desk, finding, swaps) for finding in found]
    decisions = tuple(_decision(desk, finding, verdict) for finding in found)
    person_id = found[0].person_id if accept else None
    rest = _everywhere(desk, marks, verdict, found[0].kind, person_id) if act.everywhere else None
    return Change(name=act.do, decisions=decisions, swaps=tuple(swaps)), rest


def _with_somebody(desk: Desk, finding: Finding, swaps: list[Swap]) -> Finding:
    """An accepted finding names somebody: somebody new where nobody is known."""
    if finding.person_id is not None:
        _acknowledge(desk, finding.person_id, swaps)
    if finding.person_id is not None or finding.kind not in SEARCHED:
        return finding
    person = _newcomer(desk, finding, swaps)
    return replace(finding, person_id=person.id)


def _reassigned(desk: Desk, act: _Reassign) -> tuple[Change, Everywhere | None]:
    marks = desk.marks(act.version, act.marks)
    swaps: list[Swap] = []
    person = _person(desk, act.who, marks[0].finding, swaps)
    found = [replace(mark.finding, kind=person.kind, person_id=person.id) for mark in marks]
    decisions = tuple(_decision(desk, finding, Verdict.ADD) for finding in found)
    rest = _everywhere(desk, marks, Verdict.ADD, person.kind, person.id) if act.everywhere else None
    return Change(name="change", decisions=decisions, swaps=tuple(swaps)), rest


def _everywhere(desk: Desk, marks: Sequence[Mark], verdict: Verdict, kind: Kind, person_id: str | None) -> Everywhere:
    return Everywhere(
        forms=frozenset(_surface(desk, mark.finding) for mark in marks),
        verdict=verdict,
        kind=kind,
        person_id=person_id,
        whose=frozenset(mark.finding.person_id for mark in marks if mark.finding.person_id),
        stood=frozenset(_as_decided(mark) for mark in marks if mark.by == desk.reviewer.alias),
    )


def _as_decided(mark: Mark) -> tuple[str, str, str | None]:
    return mark.state, mark.finding.kind.value, mark.finding.person_id


def _added(desk: Desk, act: _Add) -> tuple[Change, Everywhere | None]:
    utterance = desk.turn(act.version, act.turn)
    marked = utterance.text[act.start : act.end]
    if not 0 <= act.start < act.end <= len(utterance.text) or not marked.strip():
        raise Unknown("the span lies outside the words of this turn", advice="select words")
    start = act.start + len(marked) - len(marked.lstrip())
    end = act.end - len(marked) + len(marked.rstrip())
    blank = Finding(
        id="",
        utterance_id=utterance.id,
        start=start,
        end=end,
        kind=Kind(act.who.kind or Kind.PERSON),
        person_id=None,
        score=1.0,
        reason=Reason(rule="review"),
    )
    swaps: list[Swap] = []
    person = _person(desk, act.who, blank, swaps)
    finding = replace(blank, kind=person.kind, person_id=person.id)
    rest = Everywhere(
        forms=frozenset((_surface(desk, finding),)),
        verdict=Verdict.ADD,
        kind=person.kind,
        person_id=person.id,
        unmarked=True,
    )
    made = Change(name="mark", decisions=(_decision(desk, finding, Verdict.ADD),), swaps=tuple(swaps))
    return made, rest if act.everywhere else None


def _person(desk: Desk, who: Who, finding: Finding, swaps: list[Swap]) -> Person:
    """Who is meant; somebody new is made known by a swap. Raises Unknown."""
    if who.person:
        _acknowledge(desk, who.person, swaps)
        return _known(desk, who.person)
    if not who.kind:
        raise Malformed("nobody is named")
    role = who.role or who.kind.replace("_", " ")
    asked = replace(finding, kind=Kind(who.kind), role=role, relation=who.relation)
    return _newcomer(desk, asked, swaps)


def _acknowledge(desk: Desk, person_id: str, swaps: list[Swap]) -> None:
    """Whom a reviewer accepts is searched for in the whole study from now on, unless she is an ordinary word."""
    person = next((p for p in desk.unlocked.vault.people if p.id == person_id), None)
    if person is None or not person.position_only or any(s.before == person for s in swaps):
        return
    now = acknowledged(person, lower_words(desk.ready.transcript.value.utterances))
    if now != person:
        swaps.append(Swap(before=person, after=now))


def _known(desk: Desk, person_id: str) -> Person:
    try:
        return desk.unlocked.vault.person(person_id)
    except StudyError:
        raise Unknown("nobody in this study has that id", advice="look at it again") from None


def _newcomer(desk: Desk, finding: Finding, swaps: list[Swap]) -> Person:
    """One person for all marks of an act that read the same."""
    transcript = desk.ready.transcript.value
    surface = _surface(desk, finding)
    for before in swaps:
        if isinstance(before.after, Person) and folded(before.after.forms[0]) == surface:
            return before.after
    taken = {s.after.id for s in swaps if isinstance(s.after, Person)}
    person = settling.newcomer(desk.unlocked, transcript, finding, desk.past.named | taken)
    swaps.append(Swap(before=None, after=person))
    return person


def _surface(desk: Desk, finding: Finding) -> str:
    text = next(u.text for u in desk.ready.transcript.value.utterances if u.id == finding.utterance_id)
    return folded(text[finding.start : finding.end])


def elsewhere(desk: Desk, rest: Everywhere, marks: Iterable[Mark], done: Sequence[Decision]) -> tuple[Decision, ...]:
    """What the same decision comes to at all other places of a recording: at marks that read the same, and where asked
    for at words that no rule saw. `done` are places that are decided already.

    What a reviewer decided at a place stays, but for what she herself decided as she had decided where she acts now.
    """
    texts = {u.id: u.text for u in desk.ready.transcript.value.utterances}
    taken = {(d.utterance_id, d.start, d.end) for d in done}
    decided = [d for d in desk.decisions if d.verdict not in OF_STRETCHES]
    before = {(d.utterance_id, d.start, d.end) for d in decided}
    found: list[Decision] = []
    covered: dict[str, list[tuple[int, int]]] = {}
    for mark in marks:
        at = mark.finding
        place = at.utterance_id, at.start, at.end
        covered.setdefault(at.utterance_id, []).append((at.start, at.end))
        if place in taken or folded(texts[at.utterance_id][at.start : at.end]) not in rest.forms:
            continue
        own = mark.by == desk.reviewer.alias and _as_decided(mark) in rest.stood
        if not (own if place in before else _holds(desk, rest, mark)):
            continue
        if rest.person_id is not None and not (rest.verdict is Verdict.ACCEPT and at.person_id):
            at = replace(at, kind=rest.kind, person_id=rest.person_id)
        found.append(_decision(desk, at, rest.verdict))
    for decision in (*decided, *done):
        covered.setdefault(decision.utterance_id, []).append((decision.start, decision.end))
    return (*found, *(_unmarked(desk, rest, texts, covered) if rest.unmarked else ()))


def _holds(desk: Desk, rest: Everywhere, mark: Mark) -> bool:
    """Whether what is decided of these words holds for a mark that nobody has decided: not where somebody else whom the
    roster knows is named, who may be withheld as herself; and whose a shared name is may be said of all at once.
    """
    known = desk.known.people.get(mark.finding.person_id or "")
    if known is None or known.found or known.id in {*rest.whose, rest.person_id}:
        return True
    return rest.verdict is (Verdict.ADD if mark.state == WHO else Verdict.ACCEPT)


def _unmarked(
    desk: Desk, rest: Everywhere, texts: dict[str, str], covered: dict[str, list[tuple[int, int]]]
) -> list[Decision]:
    index = FormIndex([Person(id="-", kind=Kind.OTHER, role="other", forms=tuple(rest.forms))])
    found = []
    for turn, text in texts.items():
        for match in index.find(text):
            if any(match.start < end and start < match.end for start, end in covered.get(turn, [])):
                continue
            at = Finding(
                id="",
                utterance_id=turn,
                start=match.start,
                end=match.end,
                kind=rest.kind,
                person_id=rest.person_id,
                score=1.0,
                reason=Reason(rule="review"),
            )
            found.append(_decision(desk, at, rest.verdict))
    return found


# --- the transcript itself ------------------------------------------------------------------------------------------


def _of_text(desk: Desk, act: _Stretches | _Words | _Split | _Merge | _Voice) -> Change:
    transcript = desk.ready.transcript.value
    if isinstance(act, _Stretches):
        return _stretches(desk, act, transcript)
    desk.turn(act.version, act.turn)
    if isinstance(act, _Words):
        made = corrections.words(transcript, act.turn, act.first_word, act.last_word, act.text)
    elif isinstance(act, _Split):
        made = corrections.split(transcript, act.turn, act.word)
    elif isinstance(act, _Merge):
        made = corrections.merge(transcript, act.turn)
        for utterance in made.before:
            desk.turn(act.version, utterance.id)
    else:
        made = corrections.speaker(transcript, act.turn, act.speaker)
    return Change(name=act.do, corrections=(made,))


def _stretches(desk: Desk, act: _Stretches, transcript: Transcript) -> Change:
    listed = desk.stretches(act.version, act.flagged)
    if act.do != "drop":
        verdict = Verdict.RESTORE if act.do == "restore" else Verdict.UNCLEAR
        alias, at = desk.reviewer.alias, audit.now()
        return Change(name=act.do, decisions=tuple(restore(s, alias, at, verdict) for s in listed))
    made: list[Correction] = []
    while listed:
        here, *listed = listed
        one = corrections.words(transcript, here.utterance_id, here.first_word, here.last_word, "")
        transcript = corrections.corrected(transcript, (one,))
        listed = list(corrections.moved(listed, (one,)))
        made.append(one)
    return Change(name="drop", corrections=tuple(made))


def _named(desk: Desk, act: _Role) -> Change:
    """Who a speaker is: somebody, or a role."""
    transcript, unlocked = desk.ready.transcript.value, desk.unlocked
    if act.label not in {s.label for s in transcript.speakers}:
        raise Unknown("there is no such speaker", advice="look at it again")
    desk.speaker(act.version, act.label)
    stored = unlocked.load(desk.recording_id, "speakers", SpeakerFixes)
    before = next((s for s in (stored.value.speakers if stored else ()) if s.label == act.label), None)
    person = _known(desk, act.who.person) if act.who.person else None
    role = person.role if person else act.who.role.strip().lower()
    if not role:
        raise Malformed("no role is named")
    after = Speaker(label=act.label, role=role, person_id=person.id if person else None, confidence=1.0)
    return Change(name="role", swaps=(Swap(before=before, after=after),))
