"""House numbers beside streets that a recogniser misheard. Invented; postcodes that no post town has."""

import pytest

from tests.detect.helpers import utterances
from transcribe.detect import addresses, spoken
from transcribe.schema import Finding, Kind, Reason


def _found(*texts: str, place: str = "", score: float = 0.6) -> list[str]:
    """What is found where `place` is what the name models call a place."""
    us = utterances(*texts)
    seen = list(spoken.find(us))
    for u in us:
        if place and place in u.text:
            start = u.text.index(place)
            reason = Reason(rule="names", detail="place")
            seen.append(
                Finding(id="", utterance_id=u.id, start=start, end=start + len(place), kind=Kind.PLACE, person_id=None,
                        score=score, reason=reason)
            )  # fmt: skip
    texts_of = {u.id: u.text for u in us}
    return [texts_of[f.utterance_id][f.start : f.end] for f in addresses.find(us, seen) if f.score >= 0.5]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("And the old one was 7B Harrow Muse, the postcode was SE13 7ZX", "7B Harrow Muse"),
        ("The voucher? 112 are Beacon's Field, UB1 1ZZ", "112 are Beacon's Field"),
        ("It's sixteen Tannery Roe. BS3 5ZZ.", "sixteen Tannery Roe"),
        ("at 48, B21 9ZZ", "48"),
        ("on the estate, number fifty, and hers is B21 9ZZ", "number fifty"),
    ],
)
def test_a_number_shortly_before_a_postcode(text: str, address: str) -> None:
    assert _found(text) == [address]


def test_the_postcode_may_follow_in_the_next_turn() -> None:
    assert _found("So that's 63 Thorn Hill.", "Thank you.", "B21 9ZZ.") == ["63 Thorn Hill"]


def test_a_number_beside_a_place() -> None:
    assert _found("We were at 14 Sevenoaks for a bit.", place="Sevenoaks") == ["14 Sevenoaks"]
    assert _found("We live at nine Sevenoaks now.", place="Sevenoaks") == ["nine Sevenoaks"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("She is five minutes from Peckham, SE15 3ZZ.", "Peckham"),
        ("The old one was in SE15 3ZZ.", ""),
        ("There were two London hospitals.", "London"),
        ("It was 2019 Peckham all over again.", "Peckham"),
        ("I was 19 and Peckham was rough.", "Peckham"),
        ("She waited for 40 minutes with 3 others.", ""),
        ("", ""),
    ],
)
def test_other_numbers_are_none(text: str, place: str) -> None:
    assert _found(text, place=place) == []
