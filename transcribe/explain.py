"""Why a finding is one: its rule, all that spoke for it, its probability, and what becomes of it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from transcribe.detect.namesakes import SHARED
from transcribe.errors import StudyError, typed
from transcribe.ready import Ready, need
from transcribe.review.decisions import RULE, Settled, place, touches
from transcribe.schema import Finding, Person, Reason
from transcribe.vault import Unlocked

WITHHELD, KEPT, QUESTION, WHO = "withheld", "kept", "question", "withheld, but who is it?"
UNCLEAR, RESTORED, WAITING = "unclear", "restored", "unclear, and a question if it was said"


def by_place(ready: Ready) -> list[Finding]:
    """All findings and what a reviewer added, in order of the transcript."""
    order = {u.id: n for n, u in enumerate(ready.transcript.value.utterances)}
    found = as_decided(ready.findings.found, ready.settled)
    added = [f for f in ready.settled.replaced if f.reason.rule == RULE and not any(_same(f, g) for g in found)]
    return sorted((*found, *added), key=lambda f: (order[f.utterance_id], f.start, f.end))


def as_decided(found: Iterable[Finding], settled: Settled) -> list[Finding]:
    """Findings as what was decided of them, where anything was: whose they are was said then."""
    standing = (*settled.replaced, *settled.covered, *settled.kept, *settled.waiting)
    decided = {place(f): f for f in standing if f.reason.rule == RULE}
    return [_decided(f, decided[place(f)]) if place(f) in decided else f for f in found]


def _decided(finding: Finding, as_what: Finding) -> Finding:
    role, relation = as_what.role, as_what.relation
    if as_what.kind is finding.kind:
        role, relation = role or finding.role, relation or finding.relation
    return replace(finding, kind=as_what.kind, person_id=as_what.person_id, role=role, relation=relation)


def _same(one: Finding, other: Finding) -> bool:
    return (one.utterance_id, one.start, one.end) == (other.utterance_id, other.start, other.end)


def state_of(ready: Ready, finding: Finding) -> str:
    """What becomes of it as things stand: withheld, kept, inside words that nobody may have said, or a question
    (whether it is a name, or whose it is).
    """
    if any(touches(finding, stretch) for stretch in ready.settled.unclear):
        asked = any(_same(finding, f) and f.reason.rule != RULE for f in ready.settled.waiting)
        return WAITING if asked else UNCLEAR
    stands = next((f for f in ready.settled.replaced if _same(finding, f)), None)
    if stands is not None:
        return WHO if stands.reason.detail.endswith(SHARED) else WITHHELD
    mine = [f for f in ready.settled.kept if _same(finding, f)]
    return KEPT if not mine or mine[0].reason.rule == RULE else QUESTION


def told(ready: Ready, finding: Finding, people: dict[str, Person]) -> dict[str, object]:
    """A finding with its words, for the key holder's eyes."""
    text = next(u.text for u in ready.transcript.value.utterances if u.id == finding.utterance_id)
    person = people.get(finding.person_id or "")
    return {
        "id": finding.id,
        "turn": finding.utterance_id,
        "start": finding.start,
        "end": finding.end,
        "text": text[finding.start : finding.end],
        "kind": finding.kind.value,
        "person": person.id if person else None,
        "role": person.role if person else finding.role or None,
        "relation": (person.relation if person else finding.relation) or None,
        "rule": finding.reason.rule,
        "score": round(finding.score, 3),
        "state": state_of(ready, finding),
    }


def flagged(ready: Ready) -> list[dict[str, object]]:
    """The stretches that nobody may have said: where, how long, why, and what becomes of them. Without their words."""
    standing = {(s.utterance_id, at) for s in ready.settled.unclear for at in range(s.first_word, s.last_word + 1)}
    return [
        {
            "id": stretch.id,
            "turn": stretch.utterance_id,
            "first_word": stretch.first_word,
            "last_word": stretch.last_word,
            "start": stretch.start,
            "end": stretch.end,
            "start_s": stretch.start_s,
            "end_s": stretch.end_s,
            "reasons": [cause.value for cause in stretch.causes],
            "state": UNCLEAR if (stretch.utterance_id, stretch.first_word) in standing else RESTORED,
        }
        for stretch in ready.flagged
    ]


def explain(unlocked: Unlocked, recording_id: str, finding_id: str) -> dict[str, Any]:
    """A finding with its evidence. Raises StudyError for an id that is none."""
    ready = need(unlocked, recording_id, proposed=True)
    finding = next((f for f in as_decided(ready.findings.found, ready.settled) if f.id == finding_id), None)
    if finding is None:
        raise StudyError(
            f"there is no finding with the id {typed(finding_id)}",
            recording_id=recording_id,
            advice="see `transcribe show`",
        )
    people = {person.id: person for person in unlocked.vault.people}
    return {**told(ready, finding, people), "evidence": evidence(finding)}


def evidence(finding: Finding) -> list[dict[str, object]]:
    """All rules that spoke for a finding, with the probability that each gives it."""
    return [_evidence(reason, finding) for reason in finding.evidence or (finding.reason,)]


def _evidence(reason: Reason, finding: Finding) -> dict[str, object]:
    return {"rule": reason.rule, "detail": reason.detail, "score": round(reason.score or finding.score, 3)}
