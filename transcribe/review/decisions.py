"""Findings and decisions to what is settled: which spans are replaced, which words are kept. Pure."""

from transcribe.schema import Decision, Finding, Findings, Quiet, Reason, ReviewState, Verdict, record

RULE = "review"


@record
class Settled(Quiet):
    """What stands after decisions: spans to replace and words kept, disjoint, in order; and who answers for it."""

    replaced: tuple[Finding, ...]
    kept: tuple[Finding, ...]
    review: ReviewState
    settled_on: str


@record
class Review(Quiet):
    """A reviewer's settling of one transcript: `source` is the digest of that transcript, `seen` the places (`place`)
    that she had before her. Decisions stay good while the transcript stands; a finding she has not seen is open.
    """

    decisions: tuple[Decision, ...]
    source: str
    seen: tuple[str, ...]
    reviewer: str
    settled_on: str


def settle(findings: Findings, review: Review | None, source: str, found_on: str, balance: float = 0.0) -> Settled:
    """Apply decisions to findings. A review of another transcript (`source` differs) is stale and does not count.

    A decision about a span outweighs every rule on the words it touches; the later decision outweighs the earlier.
    A question (a score under `balance`) that the reviewer saw and did not answer leaves the words as they are. With a
    finding that she has not seen, the transcript counts as unreviewed. Unreviewed, every question is withheld.
    """
    if review is None or review.source != source:
        return Settled(replaced=findings.found, kept=findings.kept, review=ReviewState.UNREVIEWED, settled_on=found_on)
    replaced, kept = list(findings.found), list(findings.kept)
    for decision in review.decisions:
        replaced = [f for f in replaced if not _touches(f, decision)]
        kept = [f for f in kept if not _touches(f, decision)]
        (kept if decision.verdict is Verdict.KEEP else replaced).append(_as_finding(decision))
    seen = set(review.seen)
    unseen = {place(f) for f in replaced if f.reason.rule != RULE} - seen
    passed = [f for f in replaced if f.score < balance and place(f) in seen]
    replaced, kept = [f for f in replaced if f not in passed], kept + passed
    return Settled(
        replaced=tuple(sorted(replaced, key=_order)),
        kept=tuple(sorted(kept, key=_order)),
        review=ReviewState.UNREVIEWED if unseen else ReviewState.REVIEWED,
        settled_on=review.settled_on,
    )


def place(finding: Finding) -> str:
    """A span's place in its transcript, as text."""
    return f"{finding.utterance_id}:{finding.start}-{finding.end}"


def unchanged(findings: Findings, source: str, on: str) -> Review:
    """The review of somebody who has seen everything and changed nothing: what the rules propose."""
    return Review(decisions=(), source=source, seen=tuple(map(place, findings.found)), reviewer="", settled_on=on)


def decide(finding: Finding, verdict: Verdict, reviewer: str, at: str) -> Decision:
    """A decision about a finding as it stands."""
    return Decision(
        utterance_id=finding.utterance_id,
        start=finding.start,
        end=finding.end,
        verdict=verdict,
        kind=finding.kind,
        person_id=finding.person_id,
        reviewer=reviewer,
        at=at,
    )


def _as_finding(decision: Decision) -> Finding:
    return Finding(
        id="",
        utterance_id=decision.utterance_id,
        start=decision.start,
        end=decision.end,
        kind=decision.kind,
        person_id=decision.person_id,
        score=1.0,
        reason=Reason(rule=RULE, detail=decision.verdict.value),
    )


def _touches(finding: Finding, decision: Decision) -> bool:
    same = finding.utterance_id == decision.utterance_id
    return same and finding.start < decision.end and decision.start < finding.end


def _order(finding: Finding) -> tuple[int, str, int]:
    return len(finding.utterance_id), finding.utterance_id, finding.start  # U9999 before U10000
