"""A recording as the review page sees it, and what differs between two such views. JSON-ready values, no disk.

An id of a mark is its place, so that it stays while the mark does; offsets are code points of a turn's text.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from transcribe.anonymise import speaker_names
from transcribe.config import Policy
from transcribe.detect.namesakes import SHARED
from transcribe.pseudonyms import written
from transcribe.ready import Ready
from transcribe.reread import RULE as SECOND_READING
from transcribe.review import uncommon
from transcribe.review.agreement import Agreement, Choice
from transcribe.review.decisions import RULE, touches, unclear_place
from transcribe.review.decisions import decided as decided_stretch
from transcribe.review.log import Act, Entry, History
from transcribe.review.searching import Hit
from transcribe.review.suggesting import Suggestion
from transcribe.schema import (
    Decision,
    Finding,
    Kind,
    Person,
    Quiet,
    Speaker,
    Transcript,
    Unclear,
    Utterance,
    Verdict,
    record,
)

Json = dict[str, Any]
WITHHELD, KEPT, QUESTION, WHO, UNCLEAR = "withheld", "kept", "question", "who", "unclear"
OPEN = (QUESTION, WHO)
CONTEXT = 60  # characters shown on both sides of a hit


@record
class Mark(Quiet):
    """A finding, or what a reviewer marked, as it stands: its state, who decided it, whether it keeps a turn open."""

    finding: Finding
    state: str
    by: str | None
    open: bool

    @property
    def id(self) -> str:
        return mark_id(self.finding)


@record
class Known(Quiet):
    """Everybody, with what is written instead of her, and the policy by which."""

    people: Mapping[str, Person]
    policy: Policy


@record
class View(Quiet):
    """All that a page shows of a recording: turns in order, marks by turn, the rest as JSON; `known` is by whom."""

    version: str
    known: Known
    utterances: Mapping[str, Utterance]
    marks: Mapping[str, tuple[Mark, ...]]
    shown: Mapping[str, list[Json]]
    uncommon: Mapping[str, list[int]]
    facts: Json


def mark_id(finding: Finding) -> str:
    return f"{finding.utterance_id}-{finding.start}-{finding.end}"


# --- marks ----------------------------------------------------------------------------------------------------------


def marks(ready: Ready, decisions: Iterable[Decision]) -> dict[str, tuple[Mark, ...]]:
    """Utterance id -> its marks, in order. `ready` is as it would stand if a reviewer settled it without a change."""
    by_place: dict[tuple[str, int, int], Decision] = {(d.utterance_id, d.start, d.end): d for d in decisions}
    rules = {_place(f): f for f in ready.findings.found}
    found: list[Mark] = []
    for finding in ready.settled.replaced:
        found.append(_mark(rules.get(_place(finding), finding), finding, by_place, WITHHELD))
    for finding in ready.settled.kept:
        if finding.reason.rule == RULE:
            found.append(_mark(rules.get(_place(finding), finding), finding, by_place, KEPT))
        elif _place(finding) in rules:
            found.append(_mark(finding, finding, by_place, QUESTION))
    standing = {_place(mark.finding) for mark in found}
    for stretch in ready.settled.unclear:
        inside = [f for f in ready.findings.found if touches(f, stretch) and _place(f) not in standing]
        found += [Mark(finding=f, state=UNCLEAR, by=None, open=False) for f in inside]
    by_turn: dict[str, list[Mark]] = {}
    for mark in found:
        by_turn.setdefault(mark.finding.utterance_id, []).append(mark)
    return {turn: tuple(sorted(group, key=lambda m: m.finding.start)) for turn, group in by_turn.items()}


def _place(finding: Finding) -> tuple[str, int, int]:
    return finding.utterance_id, finding.start, finding.end


def _mark(rule: Finding, stands: Finding, by_place: Mapping[tuple[str, int, int], Decision], state: str) -> Mark:
    """A rule's finding with what was decided of it: whose it is comes from the decision, why from the rule."""
    decision = by_place.get(_place(stands)) if stands.reason.rule == RULE else None
    if decision is None:
        shared = state == WITHHELD and rule.reason.detail.endswith(SHARED)
        again = rule.reason.rule == SECOND_READING
        state = WHO if shared else state
        return Mark(finding=rule, state=state, by=None, open=state in OPEN or again)
    shown = Finding(
        id=rule.id,
        utterance_id=stands.utterance_id,
        start=stands.start,
        end=stands.end,
        kind=stands.kind,
        person_id=stands.person_id,
        score=rule.score,
        reason=rule.reason,
        role=rule.role if stands.kind is rule.kind else "",
        relation=rule.relation if stands.kind is rule.kind else "",
        evidence=rule.evidence,
    )
    return Mark(finding=shown, state=state, by=decision.reviewer, open=False)


def mark_json(mark: Mark, known: Known) -> Json:
    """A mark as the page takes it."""
    finding = mark.finding
    person = known.people.get(finding.person_id or "")
    return {
        "id": mark.id,
        "start": finding.start,
        "end": finding.end,
        "kind": finding.kind.value,
        "person": person.id if person else None,
        "role": person.role if person else finding.role or finding.kind.value,
        "relation": person.relation if person else finding.relation,
        "name": person.forms[0] if person else "",
        "rule": finding.reason.rule,
        "score": round(finding.score, 3),
        "state": mark.state,
        "decided": mark.by is not None,
        "by": mark.by,
        "written": _written(finding, person, known.policy),
    }


def _written(finding: Finding, person: Person | None, policy: Policy) -> str:
    role = finding.role or finding.kind.value
    nobody = Person(id="", kind=finding.kind, role=role, forms=("",), relation=finding.relation)
    return written(person or nobody, policy) or ""


# --- the whole ------------------------------------------------------------------------------------------------------


def view(ready: Ready, known: Known, version: str, facts: Json, *, second: bool, before: View | None) -> View:
    """What the page shows now. What stands as it stood `before` is taken over from there."""
    past = ready.history
    decisions = past.second if second else past.first
    found = marks(ready, decisions)
    utterances = {u.id: u for u in ready.transcript.value.utterances}
    shown = {turn: _shown(turn, group, known, before) for turn, group in found.items()}
    odd = {u.id: _uncommon(u, found.get(u.id, ()), before) for u in utterances.values()}
    flagged = [_flagged(stretch, ready, decisions, second) for stretch in ready.flagged]
    return View(
        version=version,
        known=known,
        utterances=utterances,
        marks=found,
        shown=shown,
        uncommon={turn: words for turn, words in odd.items() if words},
        facts={
            **facts,
            "second": second,
            "speakers": _speakers(ready, known),
            "flagged": flagged,
            "foreign": list(ready.foreign),
            "carried": _carried(past.carried),
            "open": _open(utterances, found, flagged),
        },
    )


def _shown(turn: str, group: tuple[Mark, ...], known: Known, before: View | None) -> list[Json]:
    if before is not None and before.known is known and before.marks.get(turn) == group:
        return before.shown[turn]
    return [mark_json(mark, known) for mark in group]


def _uncommon(utterance: Utterance, group: tuple[Mark, ...], before: View | None) -> list[int]:
    spans = [(mark.finding.start, mark.finding.end) for mark in group]
    if before is not None and before.utterances.get(utterance.id) is utterance:
        former = [(mark.finding.start, mark.finding.end) for mark in before.marks.get(utterance.id, ())]
        if former == spans:
            return before.uncommon.get(utterance.id, [])
    return list(uncommon.uncommon(utterance, spans))


def _speakers(ready: Ready, known: Known) -> list[Json]:
    transcript = ready.transcript.value
    names = speaker_names(transcript, known.people, known.policy)
    return [
        {
            "label": s.label,
            "role": s.role,
            "person": s.person_id,
            "name": _real_name(s, known.people),
            "written": names[s.label],
            "by": s.by.value if s.by else "",
            "confidence": round(s.confidence, 2),
        }
        for s in transcript.speakers
    ]


def _real_name(speaker: Speaker, people: Mapping[str, Person]) -> str:
    person = people.get(speaker.person_id or "")
    return person.forms[0] if person else speaker.label


def _flagged(stretch: Unclear, ready: Ready, decisions: tuple[Decision, ...], second: bool) -> Json:
    verdict = decided_stretch(stretch, decisions)
    return {
        "id": stretch.id,
        "turn": stretch.utterance_id,
        "first_word": stretch.first_word,
        "last_word": stretch.last_word,
        "start": stretch.start,
        "end": stretch.end,
        "start_s": stretch.start_s,
        "end_s": stretch.end_s,
        "reasons": [cause.value for cause in stretch.causes],
        "state": "restored" if verdict is Verdict.RESTORE else UNCLEAR,
        "decided": _is_decided(stretch, ready, decisions, second),
    }


def _is_decided(stretch: Unclear, ready: Ready, decisions: tuple[Decision, ...], second: bool) -> bool:
    """What was settled before the page was there was seen, too."""
    seen = ready.history.review(second=second).seen
    return decided_stretch(stretch, decisions) is not None or unclear_place(stretch) in seen


def _carried(entry: Entry | None) -> Json | None:
    if entry is None:
        return None
    lost = [{"turn": one.utterance_id or None, "what": one.what, "text": one.text} for one in entry.lost]
    kept = len(entry.decisions) + len(entry.second_decisions) + len(entry.corrections)
    kept -= sum(one.withheld for one in entry.lost)
    return {"kept": kept, "lost": lost}


def _open(
    utterances: Mapping[str, Utterance], found: Mapping[str, tuple[Mark, ...]], flagged: list[Json]
) -> list[Json]:
    """What keeps it from being settled, in order."""
    stretches: dict[str, list[Json]] = {}
    for stretch in flagged:
        if not stretch["decided"]:
            stretches.setdefault(stretch["turn"], []).append(stretch)
    opened: list[Json] = []
    for turn in utterances:
        here = [
            {"id": m.id, "turn": turn, "start": m.finding.start, "end": m.finding.end}
            for m in found.get(turn, ())
            if m.open
        ]
        here += [{"id": s["id"], "turn": turn, "start": s["start"], "end": s["end"]} for s in stretches.get(turn, [])]
        opened += sorted(here, key=lambda one: int(one["start"]))
    return opened


def turn_json(utterance: Utterance) -> Json:
    """A turn with its words."""
    return {
        "id": utterance.id,
        "speaker": utterance.speaker,
        "start_s": utterance.start_s,
        "end_s": utterance.end_s,
        "overlapped": utterance.overlapped,
        "words": [[w.text, w.start_s, w.end_s, round(w.probability, 3)] for w in utterance.words],
    }


def document(seen: View) -> Json:
    """The whole, for a page that has nothing yet."""
    return {
        **seen.facts,
        "version": seen.version,
        "turns": [turn_json(utterance) for utterance in seen.utterances.values()],
        "marks": seen.shown,
        "uncommon": seen.uncommon,
    }


def patch(before: View, now: View) -> Json:
    """What a page that shows `before` needs to show `now`."""
    if before.version == now.version:
        return {"version": now.version, "busy": now.facts["busy"]}
    changed = [
        turn
        for turn, utterance in now.utterances.items()
        if before.utterances.get(turn) is not utterance and before.utterances.get(turn) != utterance
    ]
    gone = [turn for turn in before.utterances if turn not in now.utterances]
    touched = [
        turn
        for turn in {**before.shown, **now.shown}
        if before.shown.get(turn) != now.shown.get(turn) and turn in now.utterances
    ]
    odd = [
        turn
        for turn in {**before.uncommon, **now.uncommon}
        if before.uncommon.get(turn) != now.uncommon.get(turn) and turn in now.utterances
    ]
    found: Json = {
        **now.facts,
        "version": now.version,
        "turns": {**{turn: turn_json(now.utterances[turn]) for turn in changed}, **dict.fromkeys(gone)},
        "marks": {turn: now.shown.get(turn, []) for turn in dict.fromkeys([*touched, *changed])},
        "uncommon": {turn: now.uncommon.get(turn, []) for turn in dict.fromkeys([*odd, *changed])},
    }
    if list(before.utterances) != list(now.utterances):
        found["order"] = list(now.utterances)
    return found


def undecided(ready: Ready, decisions: tuple[Decision, ...], *, second: bool) -> int:
    """How many flagged stretches wait for a decision."""
    return sum(not _is_decided(stretch, ready, decisions, second) for stretch in ready.flagged)


def suggestion(one: Suggestion, known: Known) -> Json:
    """Whom selected words may mean, with the way to say so."""
    person = known.people.get(one.person_id or "")
    if person is not None:
        label = f"{person.forms[0]}, {person.role}"
        return {
            "label": label,
            "who": {"person": person.id},
            "written": written(person, known.policy) or "",
            "why": one.why,
        }
    who = {"kind": one.kind.value, "role": one.role, "relation": one.relation}
    nobody = Person(id="", kind=one.kind, role=one.role or one.kind.value, forms=("",), relation=one.relation)
    label = f"somebody new: {one.relation or one.role}" if one.kind is Kind.PERSON else one.kind.value.replace("_", " ")
    return {"label": label, "who": who, "written": written(nobody, known.policy) or "", "why": one.why}


def hit(recording_id: str, transcript: Transcript, one: Hit) -> Json:
    """A place that was searched for, with the words around it."""
    utterance = next(u for u in transcript.utterances if u.id == one.utterance_id)
    text = utterance.text
    return {
        "recording": recording_id,
        "turn": utterance.id,
        "start_s": utterance.start_s,
        "before": text[: one.start][-CONTEXT:],
        "text": text[one.start : one.end],
        "after": text[one.end :][:CONTEXT],
    }


def agreement(compared: Agreement, ready: Ready, known: Known, past: History) -> Json:
    """How far two passes agree, with the words on which they do not."""
    texts = {u.id: u.text for u in ready.transcript.value.utterances}

    def told(choice: Choice) -> Json:
        people = [known.people.get(one) for one in choice.who]
        called = [
            written(p, known.policy) or p.forms[0] if p else one for p, one in zip(people, choice.who, strict=True)
        ]
        return {"state": choice.state, "written": ", ".join(called)}

    return {
        "first": list(past.reviewers),
        "second": list(past.second_reviewers),
        "units": compared.units,
        "agreed": compared.agreed,
        "kappa": compared.kappa,
        "kappa_who": compared.kappa_who,
        "differences": [
            {
                "turn": one.utterance_id,
                "start": one.start,
                "end": one.end,
                "text": texts[one.utterance_id][one.start : one.end],
                "first": told(one.first),
                "second": told(one.second),
            }
            for one in compared.differences
        ],
    }


def undoable(act: Act | None) -> str | None:
    """The name of what would be taken back or done again."""
    return act.name if act else None
