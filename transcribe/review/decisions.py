"""Findings and decisions to what is settled: which spans are replaced, which words are kept. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import accumulate

from transcribe.detect.identity import SEARCHED
from transcribe.schema import Decision, Finding, Findings, Kind, Quiet, Reason, ReviewState, Unclear, Verdict, record

RULE = "review"
WITHHELD = "every question withheld"
"""Stands among what was seen where the reviewer settled while the study withheld what she did not answer."""
_BARE = re.compile(r"[\W_]*(?:s\b[\W_]*)?(?!s\b)([^\W_](?:.*[^\W_])?)[\W_]*", re.DOTALL)  # no possessive before it
OF_STRETCHES = (Verdict.RESTORE, Verdict.UNCLEAR)
"""What is decided of words that nobody may have said."""
WITHHOLDING = (Verdict.ACCEPT, Verdict.ADD)


@record
class Settled(Quiet):
    """What stands after decisions: spans to replace, words kept and stretches that stay unclear, disjoint, in order;
    and who answers for it. `waiting`: words kept inside stretches, and `covered` what is replaced there, should these
    be restored.
    """

    replaced: tuple[Finding, ...]
    kept: tuple[Finding, ...]
    review: ReviewState
    settled_on: str
    unclear: tuple[Unclear, ...] = ()
    waiting: tuple[Finding, ...] = ()
    covered: tuple[Finding, ...] = ()


@record
class Review(Quiet):
    """A reviewer's decisions about one transcript: `source` is the digest of that transcript, `seen` the places
    (`place`, `unclear_place`) that she had before her when she settled it. Decisions stay good while the transcript
    stands; a finding she has not seen is open. Without a date nothing is settled yet.
    """

    decisions: tuple[Decision, ...]
    source: str
    seen: tuple[str, ...]
    reviewer: str
    settled_on: str


def settle(
    findings: Findings,
    review: Review | None,
    source: str,
    found_on: str,
    balance: float = 0.0,
    flagged: tuple[Unclear, ...] = (),
) -> Settled:
    """Apply decisions to findings. A review of another transcript (`source` differs) is stale and does not count.

    A decision about a span outweighs every rule on the words it touches; the later decision outweighs the earlier.
    A question (a score under `balance`) that the reviewer saw and did not answer leaves the words as they are, unless
    all of them were withheld when she settled. With a finding that she has not seen, the transcript counts as
    unreviewed. Unreviewed, every question that nobody has answered is withheld. What was `flagged` as nobody's words is
    unclear until she restores it; findings in it wait until then.
    """
    if review is None or review.source != source:
        state = ReviewState.UNREVIEWED
        settled = Settled(replaced=findings.found, kept=findings.kept, review=state, settled_on=found_on)
        return _covered(settled, flagged)
    unclear = tuple(stretch for stretch in flagged if decided(stretch, review.decisions) is not Verdict.RESTORE)
    replaced, kept = _decided(findings, review.decisions)
    seen = set(review.seen)
    balance = 0.0 if WITHHELD in seen else balance
    unseen = {*(place(f) for f in replaced if f.reason.rule != RULE), *map(unclear_place, unclear)} - seen
    passed = {place(f) for f in replaced if f.score < balance and place(f) in seen}
    kept += [f for f in replaced if place(f) in passed]
    replaced = [f for f in replaced if place(f) not in passed]
    settled = Settled(
        replaced=tuple(sorted(replaced, key=_order)),
        kept=tuple(sorted(kept, key=_order)),
        review=ReviewState.UNREVIEWED if unseen or not review.settled_on else ReviewState.REVIEWED,
        settled_on=review.settled_on or found_on,
    )
    return _covered(settled, unclear)


def _decided(findings: Findings, decisions: tuple[Decision, ...]) -> tuple[list[Finding], list[Finding]]:
    """What is replaced and what is kept, turn by turn: a decision looks at its own turn alone."""
    by_turn: dict[str, tuple[list[Finding], list[Finding]]] = {}
    for side, found in enumerate((findings.found, findings.kept)):
        for finding in found:
            by_turn.setdefault(finding.utterance_id, ([], []))[side].append(finding)
    for decision in (d for d in decisions if d.verdict not in OF_STRETCHES):
        replaced, kept = by_turn.get(decision.utterance_id, ([], []))
        stands = _as_found(decision, replaced)
        replaced = [f for f in replaced if not touches(f, decision)]
        kept = [f for f in kept if not touches(f, decision)]
        (kept if decision.verdict is Verdict.KEEP else replaced).append(stands)
        by_turn[decision.utterance_id] = replaced, kept
    sides = by_turn.values()
    return [f for replaced, _ in sides for f in replaced], [f for _, kept in sides for f in kept]


def outside(found: Iterable[Finding], decisions: Iterable[Decision], texts: Mapping[str, str]) -> tuple[Finding, ...]:
    """Findings, of those that reach beyond a decision only what lies outside of it: nobody has decided about that. Whom
    she accepted as Emma may since be known as Emma Brown. A span that a person marked is as narrow as she wanted it.
    """
    listed = tuple(decisions)
    marked = {(d.utterance_id, d.start, d.end) for d in listed if d.verdict is Verdict.ADD}
    by_turn: dict[str, list[Decision]] = {}
    for one in listed:
        if one.verdict in (Verdict.ACCEPT, Verdict.KEEP) and (one.utterance_id, one.start, one.end) not in marked:
            by_turn.setdefault(one.utterance_id, []).append(one)
    return tuple(
        part
        for finding in found
        for part in _outside(finding, by_turn.get(finding.utterance_id, ()), texts[finding.utterance_id])
    )


def _outside(finding: Finding, decisions: Iterable[Decision], text: str) -> tuple[Finding, ...]:
    cut = sorted((d.start, d.end) for d in decisions if touches(finding, d))
    if not cut:
        return (finding,)
    starts = [finding.start, *(end for _, end in cut)]
    ends = [*(start for start, _ in cut), finding.end]
    spans = [(start, end) for start, end in zip(accumulate(starts, max), ends, strict=True) if start < end]
    parts = [
        replace(finding, start=start + bare.start(1), end=start + bare.end(1))
        for start, end in spans
        if (bare := _BARE.fullmatch(text[start:end]))
    ]
    return tuple(replace(part, id=f"{finding.id[:1]}{place(part)[1:]}") for part in parts) or (finding,)


def _as_found(decision: Decision, found: Iterable[Finding]) -> Finding:
    """What a decision puts in the place of findings. One that earlier versions took kept no role: of what is bound to
    its place, and nobody's, it is that of the finding.
    """
    stands = as_finding(decision)
    if stands.role or stands.person_id is not None or stands.kind in SEARCHED:
        return stands
    same = next((f for f in found if (place(f), f.kind) == (place(stands), stands.kind)), stands)
    return replace(stands, role=same.role, relation=same.relation)


def place(finding: Finding) -> str:
    """A span's place in its transcript, as text."""
    return f"{finding.utterance_id}:{finding.start}-{finding.end}"


def unclear_place(stretch: Unclear) -> str:
    """The same of words that nobody may have said: a finding at that place is another question."""
    return f"unclear {stretch.utterance_id}:{stretch.start}-{stretch.end}"


def places(findings: Findings, flagged: Iterable[Unclear]) -> tuple[str, ...]:
    """All that a reviewer has before her."""
    return (*map(place, findings.found), *map(unclear_place, flagged))


def unchanged(findings: Findings, source: str, on: str, flagged: tuple[Unclear, ...] = ()) -> Review:
    """The review of somebody who has seen everything and changed nothing: what the rules propose."""
    return Review(decisions=(), source=source, seen=places(findings, flagged), reviewer="", settled_on=on)


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
        role=finding.role if finding.person_id is None else "",
        relation=finding.relation if finding.person_id is None else "",
    )


def decided(stretch: Unclear, decisions: Iterable[Decision]) -> Verdict | None:
    """What was decided last of a flagged stretch: that it was said, or that it stays unclear."""
    verdicts = [d.verdict for d in decisions if d.verdict in OF_STRETCHES and _covers(d, stretch)]
    return verdicts[-1] if verdicts else None


def restore(stretch: Unclear, reviewer: str, at: str, verdict: Verdict = Verdict.RESTORE) -> Decision:
    """The decision that flagged words were said, or that they stay unclear."""
    return Decision(
        utterance_id=stretch.utterance_id,
        start=stretch.start,
        end=stretch.end,
        verdict=verdict,
        kind=Kind.OTHER,
        person_id=None,
        reviewer=reviewer,
        at=at,
    )


def _covers(decision: Decision, stretch: Unclear) -> bool:
    """Whether it is about all of a stretch: where the table has changed since, its places may have, too."""
    within = decision.start <= stretch.start and stretch.end <= decision.end
    return decision.utterance_id == stretch.utterance_id and within


def _covered(settled: Settled, unclear: tuple[Unclear, ...]) -> Settled:
    """With unclear stretches, and without the spans inside them. One that cuts a span is widened over all of it."""
    wide: list[Unclear] = []
    for stretch in unclear:
        cut = [f for f in (*settled.replaced, *settled.kept) if touches(f, stretch)]
        start, end = min([stretch.start, *(f.start for f in cut)]), max([stretch.end, *(f.end for f in cut)])
        last = wide[-1] if wide else None
        if last is not None and last.utterance_id == stretch.utterance_id and start < last.end:
            wide[-1] = replace(last, end=max(last.end, end), last_word=stretch.last_word, end_s=stretch.end_s)
        else:
            wide.append(replace(stretch, start=start, end=end))
    return replace(
        settled,
        replaced=tuple(f for f in settled.replaced if not any(touches(f, stretch) for stretch in wide)),
        kept=tuple(f for f in settled.kept if not any(touches(f, stretch) for stretch in wide)),
        unclear=tuple(wide),
        waiting=tuple(f for f in settled.kept if any(touches(f, stretch) for stretch in wide)),
        covered=tuple(f for f in settled.replaced if any(touches(f, stretch) for stretch in wide)),
    )


def as_finding(decision: Decision) -> Finding:
    """A decision as what stands in the place of the rules' findings."""
    return Finding(
        id="",
        utterance_id=decision.utterance_id,
        start=decision.start,
        end=decision.end,
        kind=decision.kind,
        person_id=decision.person_id,
        score=1.0,
        reason=Reason(rule=RULE, detail=decision.verdict.value),
        role=decision.role,
        relation=decision.relation,
    )


def touches(one: Finding | Decision, other: Finding | Decision | Unclear) -> bool:
    """Whether two spans share a character of an utterance."""
    return one.utterance_id == other.utterance_id and one.start < other.end and other.start < one.end


def _order(finding: Finding) -> tuple[int, str, int]:
    return len(finding.utterance_id), finding.utterance_id, finding.start  # U9999 before U10000
