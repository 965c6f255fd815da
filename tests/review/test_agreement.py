"""Two reviewers compared: places, what each made of them, and Cohen's kappa as reckoned by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import builders
from transcribe.review.agreement import KEPT, WITHHELD, Choice, agreement
from transcribe.review.decisions import RULE, Settled
from transcribe.schema import Cause, Finding, Kind, Reason, ReviewState, Unclear

ORDER = ("U0001", "U0009", "U0002")  # U0009 was split off U0001
P1 = builders.person("P1", "Dave")
REVIEWED = Reason(rule=RULE)


def at(place: int, whom: str | None = "P1", *, size: int = 4, rule: bool = False, **fields: object) -> Finding:
    """The place number `place`, ten characters each in one utterance."""
    given_ = {"person_id": whom, "kind": Kind.PERSON, "reason": Reason(rule="roster") if rule else REVIEWED, **fields}
    return builders.finding("U0001", 10 * place, 10 * place + size, None, **given_)


def settled(withheld: list[Finding], kept: list[Finding] | None = None, unclear: tuple[Unclear, ...] = ()) -> Settled:
    return Settled(
        replaced=tuple(withheld),
        kept=tuple(kept or ()),
        review=ReviewState.REVIEWED,
        settled_on="2026-11-24",
        unclear=unclear,
    )


def table(both: int, first: int, second: int, neither: int) -> tuple[list[Finding], Settled, Settled]:
    """So many places of the rules that both withheld, only the first, only the second, neither."""
    places = [at(n, rule=True) for n in range(both + first + second + neither)]
    one, other = places[: both + first], places[:both] + places[both + first : both + first + second]
    return places, settled(one), settled(other)


KAPPAS = [  # both withheld, the first alone, the second alone, both kept; kappa = (observed - chance) / (1 - chance)
    ((20, 5, 10, 15), (0.7 - 0.5) / (1 - 0.5)),  # chance: 0.5 * 0.6 + 0.5 * 0.4
    ((45, 15, 25, 15), (0.6 - 0.54) / (1 - 0.54)),  # 0.6 * 0.7 + 0.4 * 0.3
    ((25, 35, 5, 35), (0.6 - 0.46) / (1 - 0.46)),  # 0.6 * 0.3 + 0.4 * 0.7
    ((3, 0, 0, 2), 1.0),
    ((0, 2, 2, 0), -1.0),  # 0.5 * 0.5 + 0.5 * 0.5; (0 - 0.5) / (1 - 0.5)
    ((1, 1, 0, 0), 0.0),  # 1 * 0.5 + 0 * 0.5, and as much observed
    ((0, 4, 0, 0), 0.0),
    ((4, 0, 0, 0), None),
    ((0, 0, 0, 4), None),
    ((0, 0, 0, 0), None),
]


@pytest.mark.parametrize(("counts", "kappa"), KAPPAS)
def test_kappa_is_as_reckoned_by_hand(counts: tuple[int, int, int, int], kappa: float | None) -> None:
    found = agreement(*table(*counts), ORDER)
    assert found.units == sum(counts)
    assert found.agreed == found.agreed_who == counts[0] + counts[3]
    assert len(found.differences) == counts[1] + counts[2]
    assert found.kappa == (None if kappa is None else pytest.approx(kappa))
    assert found.kappa_who == found.kappa  # all are one person's


def test_whose_they_are_is_reckoned_apart() -> None:
    places = [at(n, rule=True) for n in range(5)]
    first = settled([at(0), at(1), at(2, "P2"), at(3, None, kind=Kind.PLACE)], [at(4)])
    second = settled([at(0), at(1, "P2"), at(2, "P2"), at(3, None, kind=Kind.DATE)], [at(4)])
    found = agreement(places, first, second, ORDER)
    assert (found.units, found.agreed, found.agreed_who) == (5, 5, 3)
    assert found.kappa == pytest.approx(1.0)
    # chance: P1 2/5 * 1/5, P2 1/5 * 2/5, place and date 0, nobody 1/5 * 1/5
    assert found.kappa_who == pytest.approx((3 / 5 - 5 / 25) / (1 - 5 / 25))
    assert [(d.start, d.first.who, d.second.who) for d in found.differences] == [
        (10, ("P1",), ("P2",)),
        (30, ("place",), ("date",)),
    ]


UNITS = [  # the rules' places, the first's withheld and kept, the second's withheld and kept; states place by place
    ([], ([], []), ([], []), []),
    ([at(0, rule=True)], ([at(0)], []), ([], [at(0)]), [(0, 4, WITHHELD, KEPT)]),
    ([], ([at(0)], []), ([], []), [(0, 4, WITHHELD, KEPT)]),
    ([], ([], [at(0)]), ([], []), [(0, 4, KEPT, KEPT)]),
    ([], ([], [at(0, rule=True)]), ([at(0, rule=True)], []), []),  # nobody marked it, and it is no finding
    ([], ([at(0, size=4)], []), ([at(0, size=9)], []), [(0, 9, WITHHELD, WITHHELD)]),
    ([at(0, size=12, rule=True)], ([at(1)], []), ([], [at(0)]), [(0, 14, WITHHELD, KEPT)]),
    ([at(0, size=10, rule=True), at(1, rule=True)], ([], []), ([], []), [(0, 10, KEPT, KEPT), (10, 14, KEPT, KEPT)]),
]


@pytest.mark.parametrize(("places", "first", "second", "states"), UNITS)
def test_a_unit_is_what_was_found_or_marked(
    places: list[Finding],
    first: tuple[list[Finding], list[Finding]],
    second: tuple[list[Finding], list[Finding]],
    states: list[tuple[int, int, str, str]],
) -> None:
    found = agreement(places, settled(*first), settled(*second), ORDER)
    assert found.units == len(states)
    assert sorted((one.state, other.state) for one, other, n in found.counts for _ in range(n)) == sorted(
        (one, other) for *_, one, other in states
    )
    differing = [state for state in states if state[2] != state[3]]
    assert [(d.start, d.end, d.first.state, d.second.state) for d in found.differences] == differing


def test_of_several_people_in_a_place_all_count() -> None:
    first, second = settled([at(0, "P2", size=2), at(0, size=9)]), settled([at(0, size=4)])
    found = agreement([], first, second, ORDER)
    assert found.differences[0].first == Choice(state=WITHHELD, who=("P1", "P2"))


def test_what_stays_unclear_is_withheld_and_nobodys() -> None:
    stretch = Unclear(
        id="X0001",
        utterance_id="U0001",
        first_word=0,
        last_word=3,
        start=0,
        end=20,
        start_s=0.0,
        end_s=1.0,
        causes=(Cause.NOBODY,),
    )
    found = agreement([at(1, rule=True)], settled([], unclear=(stretch,)), settled([at(1)]), ORDER)
    assert (found.agreed, found.agreed_who) == (1, 0)
    assert found.differences[0].first == Choice(state=WITHHELD, who=("unclear",))


def test_differences_are_in_the_order_of_the_transcript() -> None:
    marks = [
        builders.finding(utterance_id, start, start + 3, P1, reason=REVIEWED)
        for utterance_id, start in (("U0002", 0), ("U0001", 8), ("U0009", 4), ("U0001", 2))
    ]
    found = agreement([], settled(marks[:2]), settled(marks[2:]), ORDER)
    assert [(d.utterance_id, d.start) for d in found.differences] == [
        ("U0001", 2), ("U0001", 8), ("U0009", 4), ("U0002", 0)
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 25), st.sampled_from(["P1", "P2"])), max_size=8),
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 25), st.sampled_from(["P1", "P2"])), max_size=8),
)
def test_counts_add_and_both_ways_are_one(one: list[tuple[int, int, str]], other: list[tuple[int, int, str]]) -> None:
    first, second = (settled([at(n, who, size=size) for n, size, who in marks]) for marks in (one, other))
    there, back = agreement([], first, second, ORDER), agreement([], second, first, ORDER)
    assert there.agreed_who <= there.agreed <= there.units <= len(one) + len(other)
    assert len(there.differences) == there.units - there.agreed_who
    assert (there.units, there.agreed, there.agreed_who) == (back.units, back.agreed, back.agreed_who)
    assert there.kappa == (None if back.kappa is None else pytest.approx(back.kappa))
    assert there.kappa_who == (None if back.kappa_who is None else pytest.approx(back.kappa_who))
    same = agreement([], first, first, ORDER)
    assert same.agreed_who == same.units
    assert not same.differences
    assert same.kappa_who in (None, pytest.approx(1.0))
