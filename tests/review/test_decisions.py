"""Decisions over findings: what is replaced, what is kept, and whether a person answers for it."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import finding, person
from transcribe.review.decisions import RULE, Review, decide, outside, place, settle
from transcribe.schema import Decision, Finding, Findings, Kind, ReviewState, Verdict

ANNA = person("P1", "Anna")


def found(start: int, end: int, utterance_id: str = "U0001") -> Finding:
    return finding(utterance_id, start, end, ANNA)


def findings(*spans: Finding, kept: tuple[Finding, ...] = ()) -> Findings:
    return Findings(found=spans, kept=kept, made_by=())


def decision(start: int, end: int, verdict: Verdict, utterance_id: str = "U0001") -> Decision:
    return Decision(
        utterance_id=utterance_id, start=start, end=end, verdict=verdict, kind=Kind.PERSON, person_id="P1",
        reviewer="AB", at="2026-02-03T00:00:00Z",
    )  # fmt: skip


def review(*decisions: Decision, seen: tuple[Finding, ...] = (), source: str = "digest") -> Review:
    return Review(
        decisions=decisions, source=source, seen=tuple(map(place, seen)), reviewer="AB", settled_on="2026-02-03"
    )


def spans(listed: tuple[Finding, ...]) -> list[tuple[int, int]]:
    return [(f.start, f.end) for f in listed]


def test_without_a_review_the_rules_stand_unreviewed() -> None:
    state = settle(findings(found(0, 4), kept=(found(6, 8),)), None, "digest", "2026-01-01")
    assert (spans(state.replaced), spans(state.kept)) == ([(0, 4)], [(6, 8)])
    assert (state.review, state.settled_on) == (ReviewState.UNREVIEWED, "2026-01-01")


def test_a_review_of_another_transcript_does_not_count() -> None:
    stale = review(decision(0, 4, Verdict.KEEP), seen=(found(0, 4),), source="other")
    state = settle(findings(found(0, 4)), stale, "digest", "2026-01-01")
    assert (spans(state.replaced), state.review, state.settled_on) == ([(0, 4)], ReviewState.UNREVIEWED, "2026-01-01")


@pytest.mark.parametrize(
    ("decisions", "replaced", "kept"),
    [
        ((), [(0, 4), (10, 14)], [(20, 24)]),
        ((decision(0, 4, Verdict.KEEP),), [(10, 14)], [(0, 4), (20, 24)]),
        ((decision(20, 24, Verdict.ADD),), [(0, 4), (10, 14), (20, 24)], []),
        ((decision(2, 12, Verdict.ADD),), [(2, 12)], [(20, 24)]),  # outweighs all that it touches
        ((decision(4, 10, Verdict.ADD),), [(0, 4), (4, 10), (10, 14)], [(20, 24)]),  # neighbours touch nothing
        ((decision(0, 4, Verdict.KEEP), decision(0, 4, Verdict.ACCEPT)), [(0, 4), (10, 14)], [(20, 24)]),
        ((decision(0, 4, Verdict.ADD), decision(0, 4, Verdict.KEEP)), [(10, 14)], [(0, 4), (20, 24)]),
        ((decision(0, 4, Verdict.KEEP, "U0002"),), [(0, 4), (10, 14)], [(20, 24), (0, 4)]),
    ],
)
def test_a_decision_outweighs_the_rules_and_a_later_one_the_earlier(
    decisions: tuple[Decision, ...], replaced: list[tuple[int, int]], kept: list[tuple[int, int]]
) -> None:
    rules = findings(found(0, 4), found(10, 14), kept=(found(20, 24),))
    state = settle(rules, review(*decisions, seen=rules.found), "digest", "2026-01-01")
    assert (spans(state.replaced), spans(state.kept)) == (replaced, kept)
    assert (state.review, state.settled_on) == (ReviewState.REVIEWED, "2026-02-03")


@pytest.mark.parametrize("new", [found(30, 34), found(0, 5), found(0, 4, "U0002")])
def test_a_finding_she_has_not_seen_is_open(new: Finding) -> None:
    seen = found(0, 4)
    state = settle(findings(seen, new), review(seen=(seen,)), "digest", "2026-01-01")
    assert state.review is ReviewState.UNREVIEWED
    assert len(state.replaced) == 2


def test_an_unseen_finding_that_a_decision_covers_is_settled_by_it() -> None:
    late = found(1, 3)
    state = settle(findings(late), review(decision(0, 4, Verdict.KEEP)), "digest", "2026-01-01")
    assert (state.review, spans(state.replaced)) == (ReviewState.REVIEWED, [])


def test_order_is_that_of_the_transcript_beyond_ten_thousand_turns() -> None:
    listed = [found(0, 4, "U10000"), found(5, 9, "U9999"), found(0, 4, "U9999")]
    state = settle(findings(*listed), review(seen=tuple(listed)), "digest", "x")
    assert [place(f) for f in state.replaced] == ["U9999:0-4", "U9999:5-9", "U10000:0-4"]


def test_a_decision_is_taken_from_a_finding_as_it_stands() -> None:
    made = decide(found(3, 7), Verdict.KEEP, "AB", "now")
    assert (made.start, made.end, made.person_id, made.reviewer, made.at) == (3, 7, "P1", "AB", "now")


@pytest.mark.parametrize("stored", ["by this version", "before roles were kept"])
def test_what_is_accepted_stays_what_it_is(stored: str) -> None:
    birth = finding("U0001", 3, 7, None, kind=Kind.DATE, role="date of birth")
    accepted = decide(birth, Verdict.ACCEPT, "AB", "now")
    if stored == "by this version":
        rules = findings()
    else:
        rules, accepted = findings(birth), replace(accepted, role="")
    state = settle(rules, review(accepted, seen=(birth,)), "digest", "x")
    assert [(f.kind, f.role) for f in state.replaced] == [(Kind.DATE, "date of birth")]


def test_a_mention_of_nobody_in_particular_tells_no_role() -> None:
    mention = finding("U0001", 0, 4, ANNA, role="sister", relation="sister")
    forgotten = replace(decide(mention, Verdict.ACCEPT, "AB", "now"), person_id=None)
    state = settle(findings(mention), review(forgotten), "digest", "x")
    assert [(f.role, f.relation) for f in state.replaced] == [("", "")]


@pytest.mark.parametrize(
    ("decided", "left"),
    [
        ((decision(5, 9, Verdict.ACCEPT),), ["Brown"]),
        ((decision(5, 9, Verdict.KEEP),), ["Brown"]),
        ((decision(10, 15, Verdict.ACCEPT),), ["Emma"]),
        ((decision(5, 9, Verdict.ACCEPT), decision(10, 15, Verdict.KEEP)), ["Emma Brown"]),  # both are decided
        ((decision(5, 15, Verdict.KEEP),), ["Emma Brown"]),
        ((decision(5, 9, Verdict.ADD),), ["Emma Brown"]),  # as narrow as she marked it
        ((decision(5, 9, Verdict.ADD), decision(5, 9, Verdict.ACCEPT)), ["Emma Brown"]),
        ((decision(0, 2, Verdict.ACCEPT),), ["Emma Brown"]),
        ((decision(5, 9, Verdict.ACCEPT, "U0002"),), ["Emma Brown"]),
    ],
)
def test_of_a_finding_that_reaches_beyond_a_decision_the_rest_is_a_finding(
    decided: tuple[Decision, ...], left: list[str]
) -> None:
    text = "When Emma Brown came"
    there = outside((found(5, 15),), decided, {"U0001": text})
    assert [text[f.start : f.end] for f in there] == left
    assert left == ["Emma Brown"] or [f.id for f in there] == [f"F{place(f)[1:]}" for f in there]


@pytest.mark.parametrize(("text", "left"), [("Emma's", "Emma's"), ("Emma's Tom", "Tom"), ("Emma-Sue", "Sue")])
def test_no_possessive_is_left_over(text: str, left: str) -> None:
    (there,) = outside((found(0, len(text)),), (decision(0, 4, Verdict.ACCEPT),), {"U0001": text})
    assert text[there.start : there.end] == left


SPANS = st.tuples(st.integers(0, 30), st.integers(1, 6)).map(lambda t: (t[0], t[0] + t[1]))
DECISIONS = st.lists(st.tuples(SPANS, st.sampled_from([Verdict.KEEP, Verdict.ADD, Verdict.ACCEPT])), max_size=8)


@given(st.lists(SPANS, max_size=8), DECISIONS)
def test_what_is_settled_never_overlaps_and_the_last_decision_always_stands(
    listed: list[tuple[int, int]], decided: list[tuple[tuple[int, int], Verdict]]
) -> None:
    disjoint: list[Finding] = []
    for start, end in sorted(listed):
        if not disjoint or start >= disjoint[-1].end:
            disjoint.append(found(start, end))
    rules = Findings(found=tuple(disjoint[::2]), kept=tuple(disjoint[1::2]), made_by=())
    decisions = tuple(decision(*span, verdict) for span, verdict in decided)
    state = settle(rules, review(*decisions), "digest", "x")
    whole = sorted([*state.replaced, *state.kept], key=lambda f: f.start)
    assert all(a.end <= b.start for a, b in pairwise(whole))
    if decisions:
        last = decisions[-1]
        side = state.kept if last.verdict is Verdict.KEEP else state.replaced
        assert (last.start, last.end) in spans(side)
    assert settle(rules, review(*decisions), "digest", "x") == state
    assert all(f.reason.rule == RULE or replace(f) in disjoint for f in whole)
