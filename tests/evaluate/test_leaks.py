"""What can still be read of what was spoken: a name left in, misspelt, split or written by ear. Invented names."""

from typing import Any

import pytest

from tests.builders import person
from transcribe.evaluate import leaks
from transcribe.evaluate.leaks import DOUBTFUL, READABLE, WITHHELD, count, resembles
from transcribe.evaluate.tables import group_of

ROSTER = (person("P1", "Aoibhra Penhaligan"), person("X1", "Will", role="partner"))


def gold(*said: tuple[str, str | None], keep: str = "") -> dict[str, Any]:
    """One turn; each piece is said one second after the other, with the role of an identifier or None."""
    text, words, identifiers, keeps = "", [], [], []
    time = 0.0
    for piece, role in said:
        start, began = len(text), time
        for word in piece.split():
            words.append(
                {
                    "text": word,
                    "start": time,
                    "end": time + 0.8,
                    "start_char": len(text),
                    "end_char": len(text) + len(word),
                }
            )
            if word == keep and role is None:
                keeps.append({"turn": 0, "text": word, "start_time": time, "end_time": time + 0.8})
            text, time = text + word + " ", time + 1.0
        if role:
            identifiers.append({"turn": 0, "role": role, "text": piece, "spoken": piece, "start_char": start,
                                "end_char": len(text) - 1, "start_time": began, "end_time": time - 0.2})  # fmt: skip
    return {"turns": [{"index": 0, "words": words, "text": text}], "identifiers": identifiers, "keep_words": keeps}


def released(*written: tuple[str, float, float, bool]) -> dict[str, Any]:
    """One turn of words with times; the last item says whether it is a replacement."""
    words, replaced, place = [], [], 0
    for text, start_s, end_s, mask in written:
        words.append({"text": f" {text}", "start_s": start_s, "end_s": end_s})
        if mask:
            replaced.append({"start": place + 1, "end": place + 1 + len(text), "kind": "person"})
        place += len(text) + 1
    return {"turns": [{"words": words, "replaced": replaced}]}


def state(document: dict[str, Any], said: dict[str, Any] | None = None) -> str:
    return (
        count(said or gold(("then", None), ("Aoibhra", "parent"), ("left", None)), document, ROSTER)
        .identifiers[0]
        .state
    )


THEN, LEFT = ("then", 0.0, 0.8, False), ("left", 2.0, 2.8, False)


def test_a_name_that_was_replaced_is_withheld() -> None:
    assert state(released(THEN, ("Ilona", 1.0, 1.8, True), LEFT)) == WITHHELD
    assert state(released(THEN, ("Ilona's", 1.3, 2.0, True), LEFT)) == WITHHELD  # times are never exact


@pytest.mark.parametrize("written", ["Aoibhra", "aoibhra", "Aoibra", "Eevra", "Aobhra,"])
def test_a_name_in_any_spelling_that_can_be_recognised_is_readable(written: str) -> None:
    assert state(released(THEN, (written, 1.1, 1.9, False), LEFT)) == READABLE


def test_split_words_are_read_together() -> None:
    said = gold(("then", None), ("Penhaligan", "parent"), ("left", None))
    words = [("pen", 1.0, 1.2, False), ("her", 1.2, 1.4, False), ("ligand", 1.4, 1.8, False)]
    assert state(released(THEN, *words, LEFT), said) == READABLE
    assert state(released(THEN, ("Ilona", 1.0, 1.8, True), LEFT), said) == WITHHELD


def test_half_of_a_full_name_left_in_makes_it_readable() -> None:
    said = gold(("then", None), ("Aoibhra Penhaligan", "parent"), ("left", None))
    half = released(THEN, ("Ilona", 1.0, 1.8, True), ("Penhaligan", 2.0, 2.8, False), ("left", 3.0, 3.8, False))
    assert state(half, said) == READABLE


def test_something_else_in_its_place_is_doubtful_and_counts_in_the_strict_rate() -> None:
    lost = released(THEN, LEFT)
    assert state(lost) == DOUBTFUL
    rates = {
        r.name: (r.count, r.of) for r in leaks.rates(count(gold(("then", None), ("Aoibhra", "parent")), lost, ROSTER))
    }
    assert (rates["roster people readable"], rates["roster people readable, strict"]) == ((0, 1), (1, 1))


def test_an_ordinary_word_that_was_said_there_is_context() -> None:
    said = gold(("I", None), ("will", None), ("ask", None), ("Will", "partner"), keep="will")
    words = [("I", 0.0, 0.8, False), ("will", 1.0, 1.8, False), ("ask", 2.0, 2.8, False)]
    assert state(released(*words, ("Tom", 3.0, 3.8, True)), said) == WITHHELD
    assert state(released(*words, ("Will", 3.0, 3.8, False)), said) == READABLE
    assert state(released(*words, ("we'll", 3.0, 3.8, False)), said) == READABLE


def test_keep_words_and_words_outside_are_counted_where_something_stands_for_them() -> None:
    said = gold(("I", None), ("will", None), ("go", None), keep="will")
    kept = count(said, released(("I", 0.0, 0.8, False), ("will", 1.0, 1.8, False), ("go", 2.0, 2.8, False)))
    lost = count(said, released(("I", 0.0, 0.8, False), ("[person]", 1.0, 1.8, True), ("go", 2.0, 2.8, False)))
    assert (kept.keep, kept.outside) == (((1, 1),), ((0, 3),))
    assert (lost.keep, lost.outside) == (((0, 1),), ((1, 3),))


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("07700 900461", READABLE),
        ("oh treble 7 oh oh 9", READABLE),
        ("oh 7700 9", READABLE),
        ("[phone]", WITHHELD),
        ("61", DOUBTFUL),
    ],
)
def test_half_of_a_number_is_enough(written: str, expected: str) -> None:
    said = gold(("oh double seven double oh nine hundred four six one", "phone"), ("yes", None))
    pieces = written.split()
    words = [(w, 1.0 + n, 1.8 + n, w.startswith("[")) for n, w in enumerate(pieces)]
    assert state(released(*words, ("yes", 12.0, 12.8, False)), said) == expected


@pytest.mark.parametrize(
    ("role", "said", "masked", "expected"),
    [
        ("address", "27 Ivy Lane", 1, READABLE),
        ("address", "27 Brook Lane", 1, READABLE),
        ("address", "27 Ivy Lane", 3, WITHHELD),
        ("date_of_birth", "fourth of May 2022", 1, READABLE),
    ],
)
def test_a_short_word_of_an_address_or_a_date_that_is_left_makes_it_readable(
    role: str, said: str, masked: int, expected: str
) -> None:
    words = said.split()
    written = [("[x]" if n < masked else w, float(n), n + 0.8, n < masked) for n, w in enumerate(words)]
    if role == "date_of_birth":
        written[-1] = ("[year]", 3.0, 3.8, True)
    assert state(released(*written), gold((said, role))) == expected


@pytest.mark.parametrize(
    ("role", "group"),
    [("date_of_birth", "date"), ("date of birth", "date"), ("E-mail", "direct"), ("NHS number", "direct"),
     ("city", "place"), ("parent", "person")],
)  # fmt: skip
def test_a_role_is_known_however_its_words_are_joined(role: str, group: str) -> None:
    assert group_of(role) == group


@pytest.mark.parametrize("written", ["Aoibhra", "AOIBHRA.", "A-O-I-B-H-R-A"])
def test_a_name_that_was_spelt_out_is_readable_as_a_word_too(written: str) -> None:
    said = gold(("then", None), ("A O I B H R A", "parent"), ("left", None))
    words = [(written, 1.0, 7.8, False), ("left", 8.0, 8.8, False)]
    assert state(released(THEN, *words), said) == READABLE
    assert state(released(THEN, ("Ilona", 1.0, 7.8, True), words[1]), said) == WITHHELD


def test_an_identifier_whose_words_are_not_in_the_gold_is_doubtful() -> None:
    said = gold(("then", None), ("Aoibhra", "parent"), ("left", None))
    said["identifiers"][0]["start_time"] = said["identifiers"][0]["end_time"] = 30.0
    assert state(released(THEN, ("Ilona", 1.0, 1.8, True), LEFT), said) == DOUBTFUL


def test_a_name_elsewhere_in_the_release_is_told() -> None:
    said = gold(("then", None), ("Aoibhra", "parent"), ("left", None))
    away = released(THEN, ("Ilona", 1.0, 1.8, True), LEFT, ("Aoibhra", 30.0, 30.8, False))
    assert count(said, away, ROSTER).elsewhere == 1


def test_counts_of_interviews_add() -> None:
    one = count(gold(("then", None), ("Aoibhra", "parent")), released(THEN, ("Aoibhra", 1.0, 1.8, False)), ROSTER)
    rates = {r.name: r for r in leaks.rates(one + one)}
    assert (rates["roster people readable"].count, rates["roster people readable"].of) == (2, 2)
    assert rates["roster people readable"].low is not None


@pytest.mark.parametrize(
    ("written", "name", "expected"),
    [("eva", "aoife", True), ("neve", "niamh", True), ("shavorn", "siobhan", True), ("thompson", "tamsin", True),
     ("table", "siobhan", False), ("and", "hannah", False), ("table", "hope", False), ("we", "will", False)],
)  # fmt: skip
def test_what_resembles_a_name(written: str, name: str, expected: bool) -> None:
    assert resembles(written, name) is expected


def test_a_name_elsewhere_is_told_beside_a_misspelt_mention_and_as_a_label() -> None:
    said = gold(("then", None), ("Aoibhra", "parent"), ("left", None))
    away = released(THEN, ("Eevra", 1.1, 1.9, False), LEFT, ("Aoibhra's", 30.0, 30.8, False))
    assert (state(away, said), count(said, away, ROSTER).elsewhere) == (READABLE, 1)
    labelled = released(THEN, ("Ilona", 1.0, 1.8, True), LEFT)
    labelled["turns"][0]["speaker"] = "Aoibhra"
    assert count(said, labelled, ROSTER).elsewhere == 1


def test_a_neighbours_replacement_hides_nothing_that_stands_in_the_place_itself() -> None:
    said = gold(("then", None), ("Aoibhra", "parent"), ("Will", "partner"), ("left", None))
    beside = released(THEN, ("table", 1.0, 1.8, False), ("[partner]", 2.0, 2.8, True), ("left", 3.0, 3.8, False))
    assert [one.state for one in count(said, beside, ROSTER).identifiers] == [DOUBTFUL, WITHHELD]


def test_a_name_replaced_by_itself_is_readable() -> None:
    assert state(released(THEN, ("Aoibhra", 1.0, 1.8, True), LEFT)) == READABLE


def test_a_word_said_once_explains_one_written_word() -> None:
    said = gold(("I", None), ("will", None), ("Will", "partner"), ("left", None))
    both = released(
        ("I", 0.0, 0.8, False), ("will", 1.0, 1.8, False), ("Will", 2.0, 2.8, False), ("left", 3.0, 3.8, False)
    )
    assert state(both, said) == READABLE


def test_somebody_else_with_a_surname_of_the_roster_is_not_on_it() -> None:
    said = gold(("Daniel Penhaligan", "clinician"), ("Penhaligan", "parent"), ("Aoibhra", "place"))
    assert [one.known for one in count(said, released(), ROSTER).identifiers] == [False, True, False]
