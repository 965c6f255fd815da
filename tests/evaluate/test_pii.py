"""Recall, precision and false alarms of names in texts, on small cases counted by hand. All names are invented."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcribe.evaluate import pii
from transcribe.evaluate.pii import PiiCounts, lowered, rates, score
from transcribe.schema import Kind

TEXT = "Orla Venn met Grace in Abercwmboi, and Orla left."
GOLD = {
    "id": "a",
    "text": TEXT,
    "spans": [[0, 9, "PERSON"], [14, 19, "PER"], [23, 33, "GPE"], [39, 43, "person"], [39, 43, "ROLE"]],
}


def counted(*spans: list[object]) -> dict[str, tuple[int, int]]:
    return {r.name: (r.count, r.of) for r in rates(score([GOLD], [{"id": "a", "spans": list(spans)}]))}


def test_a_mention_is_found_only_when_all_of_it_is_covered() -> None:
    part = counted([0, 4, "person"])
    assert (part["recall"], part["recall, touched"]) == ((0, 4), (1, 4))
    assert counted([0, 4, "person"], [5, 9, "place"])["recall"] == (1, 4)
    assert counted([0, 9, "person"])["recall"] == (1, 4)


def test_what_is_no_name_counts_against_precision_and_among_false_alarms() -> None:
    seen = counted([0, 9, "person"], [10, 13, "person"], [23, 33, "person"])
    assert (seen["precision"], seen["precision, kind"]) == ((2, 3), (1, 3))
    assert seen["false alarms a word"] == (1, 9)


def test_a_person_is_safe_only_when_every_mention_is() -> None:
    assert counted([39, 43, "person"])["people safe"] == (0, 3)  # "orla" is "orla venn", who is not safe
    named = {**GOLD, "spans": [[0, 9, "PERSON", "P1"], [39, 43, "PERSON", "P1"]]}
    one = score([named], [{"id": "a", "spans": [[39, 43, "person"]]}])
    assert [(r.count, r.of) for r in rates(one) if r.name == "people safe"] == [(0, 1)]


def test_labels_scored_neither_way_are_no_miss_and_no_false_alarm() -> None:
    gold = {"id": "a", "text": "Mum and Orla", "spans": [[0, 3, "ROLE"]]}
    seen = {r.name: (r.count, r.of) for r in rates(score([gold], [{"id": "a", "spans": [[0, 3, "person"]]}]))}
    assert (seen["recall"], seen["precision"]) == ((0, 0), (0, 0))


def test_names_that_are_words_and_origins_are_counted_apart() -> None:
    gold = {"id": "a", "text": TEXT, "spans": [[14, 19, "PER", "x", "English"], [0, 9, "PER", "y", "Irish"]]}
    seen = {r.name: (r.count, r.of) for r in rates(score([gold], [{"id": "a", "spans": [[14, 19, "person"]]}]))}
    assert (seen["recall, ordinary words"], seen["recall, English"], seen["recall, Irish"]) == ((1, 1), (1, 1), (0, 1))


def test_texts_without_capitals_are_counted_apart() -> None:
    low = {"id": "b", "text": "then orla venn left", "spans": [[5, 14, "PERSON"]]}
    seen = {r.name: (r.count, r.of) for r in rates(score([GOLD, low], [{"id": "b", "spans": [[5, 14, "person"]]}]))}
    assert (seen["recall"], seen["recall, texts without capitals"]) == ((1, 5), (1, 1))


def test_a_document_that_was_not_looked_at_counts_as_missed() -> None:
    assert [(r.count, r.of) for r in rates(score([GOLD], [])) if r.name == "recall"] == [(0, 4)]


def test_counts_of_documents_add_and_keep_them_apart() -> None:
    one = score([GOLD], [{"id": "a", "spans": [[0, 9, "person"]]}])
    both = one + one
    assert {m.document for m in both.mentions} == {0, 1}
    assert [(r.count, r.of) for r in rates(both) if r.name == "recall"] == [(2, 8)]
    assert rates(PiiCounts() + one) == rates(one)
    assert all(r.low is None or r.low <= r.count / r.of <= r.high for r in rates(both) if r.of and r.high is not None)


def test_kinds_can_be_told_apart() -> None:
    seen = score([GOLD], [{"id": "a", "spans": [[23, 33, "place"]]}])
    assert [(r.count, r.of) for r in rates(seen, Kind.PLACE) if r.name == "recall"] == [(1, 1)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Well, O'Brien-Smith said: no!", "well o'brien smith said no "), ("A.\nB", "a\nb"), ("don’t", "don't")],
)
def test_lower_case_without_punctuation(text: str, expected: str) -> None:
    assert lowered({"id": "a", "text": text, "spans": []})["text"] == expected


@given(st.lists(st.sampled_from(["Orla", "Venn,", "İda", "said", "— no", "O'Brien", "\n"]), min_size=1, max_size=12))
def test_spans_keep_their_letters_when_lowered(pieces: list[str]) -> None:
    text, spans = "", []
    for piece in pieces:
        start = len(text)
        text += piece + " "
        if piece[0].isalpha():
            spans.append([start, start + len(piece.rstrip(",")), "PERSON"])
    low = lowered({"id": "a", "text": text, "spans": spans})
    for (start, end, _), (first, last, _) in zip(spans, low["spans"], strict=True):
        assert low["text"][first:last] == pii.lowered({"id": "", "text": text[start:end], "spans": []})["text"]


def test_a_person_is_safe_only_if_every_form_of_her_name_is_found() -> None:
    text = "Siobhra Kellan came. Dr Kellan cried. Kellan is a town. Ewan Kellan left."
    spans = [[0, 14, "PERSON"], [21, 30, "PERSON"], [38, 44, "PLACE"], [56, 67, "PERSON"]]
    row = {"id": 1, "text": text, "spans": spans}

    def safe(found: list[list[object]]) -> tuple[int, int]:
        made = pii.rates(pii.score([row], [{"id": 1, "spans": found}]), Kind.PERSON)
        return next((r.count, r.of) for r in made if r.name == "people safe")

    assert safe([[0, 14, "person"], [21, 30, "person"], [56, 67, "person"]]) == (2, 2)
    assert safe([[0, 14, "person"], [21, 30, "person"]]) == (1, 2)
    assert safe([[0, 14, "person"], [56, 67, "person"]]) == (0, 2)  # a surname alone may be either's


def test_calibration_counts_what_is_right_by_band_and_leaves_out_what_has_no_probability() -> None:
    gold = [{"id": 1, "text": "Anna met Bob and Cara in May", "spans": [[0, 4, "PERSON"], [9, 12, "PERSON"]]}]
    found = [{"id": 1, "spans": [[0, 4, "person", 0.97], [9, 12, "person", 0.6], [17, 21, "person", 0.55],
                                 [25, 28, "date"]]}]  # fmt: skip
    told = {rate.name: (rate.count, rate.of) for rate in pii.calibration(pii.score(gold, found))}
    assert told == {"right, of those given 0.50 to 0.80": (1, 2), "right, of those given 0.95 to 1.00": (1, 1)}


def test_a_mention_without_a_letter_is_not_found() -> None:
    gold = {"id": 1, "text": "... Orla", "spans": [[0, 3, "PERSON"], [4, 8, "PERSON"]]}
    seen = {r.name: (r.count, r.of) for r in rates(score([gold], [{"id": 1, "spans": [[4, 8, "person"]]}]))}
    assert seen["recall"] == (1, 2)


def test_labels_that_are_not_listed_are_told() -> None:
    gold = [{"id": 1, "text": "Orla", "spans": [[0, 4, "NAME"], [0, 4, "NAME"], [0, 4, "ROLE"], [0, 4, "PER"]]}]
    assert pii.unscored(gold) == {"NAME": 2}
