"""Fusion of what the models say: names in either case, ordinary words left, scores that are probabilities."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.detect.helpers import utterances
from transcribe.detect import Rule, fusion, fusion_features, presidio_detector, rampart, tagger_of
from transcribe.schema import Finding, Kind, Reason


@pytest.fixture(scope="module")
def rules(model_path: Callable[[str], Path]) -> tuple[Rule, ...]:
    return (presidio_detector.load(model_path("en_core_web_md")), rampart.load(model_path("rampart")))


def fused(rules: tuple[Rule, ...], *texts: str) -> list[tuple[str, Kind, float]]:
    spoken = utterances(*texts)
    found = fusion.fuse(spoken, tuple(f for rule in rules for f in rule.find(spoken)), tagger_of(rules))
    by_id = {utterance.id: utterance.text for utterance in spoken}
    return [(by_id[f.utterance_id][f.start : f.end], f.kind, f.score) for f in found if f.reason.rule == fusion.RULE]


def told(start: int, end: int, rule: str = "rampart", detail: str = "GIVEN_NAME", score: float = 0.99) -> Finding:
    return Finding(
        id="", utterance_id="U0001", start=start, end=end, kind=Kind.PERSON, person_id=None, score=score,
        reason=Reason(rule=rule, detail=detail, score=score),
    )  # fmt: skip


CASES = [
    ("My husband Oluwaseun was at work and Niamh was asleep.", {"Oluwaseun", "Niamh"}),
    ("my husband oluwaseun was at work and niamh was asleep", {"oluwaseun", "niamh"}),
    ("I rang Angharad Pugh and she said it would pass.", {"Angharad Pugh"}),
    ("My daughter Grace is four and I asked Will to hold her.", {"Grace", "Will"}),
    ("So Zofia said to me, just leave it.", {"Zofia"}),
]
LEFT = [
    "Mm. Yeah. Okay. Right, so, erm, I don't know.",
    "They said it will get better, so may it come soon, and to be frank I was tired.",
    "i hope it will get better and to be frank i was tired of it all",
    "She picked a rose and we went out into the sun.",
    "",
]


@pytest.mark.weights
@pytest.mark.parametrize(("text", "names"), CASES)
def test_found(rules: tuple[Rule, ...], text: str, names: set[str]) -> None:
    assert names <= {surface for surface, _, score in fused(rules, text) if score >= 0.5}


@pytest.mark.weights
@pytest.mark.parametrize("text", LEFT)
def test_left_alone(rules: tuple[Rule, ...], text: str) -> None:
    assert [surface for surface, _, score in fused(rules, text) if score >= 0.5] == []


@pytest.mark.weights
def test_places_and_organisations_have_their_kind(rules: tuple[Rule, ...]) -> None:
    found = {
        surface: kind for surface, kind, _ in fused(rules, "We moved from Lagos to Manchester, she's at Barclays.")
    }
    assert (found["Lagos"], found["Manchester"]) == (Kind.PLACE, Kind.PLACE)
    assert "Barclays" in found


@pytest.mark.weights
def test_evidence_holds_no_word(rules: tuple[Rule, ...]) -> None:
    spoken = utterances("My name is Sarah Whitcombe and I live in Leeds.")
    found = fusion.fuse(spoken, tuple(f for rule in rules for f in rule.find(spoken)), tagger_of(rules))
    details = {reason.detail for f in found for reason in f.evidence}
    assert details <= {"probability", "PERSON", "LOCATION", "ORGANIZATION", *rampart.KINDS}
    assert all(f.evidence[0].score <= f.score for f in found)  # a missed name weighs more than a wrong one


@pytest.mark.weights
@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(("small", "recall", "precision"), [(False, 0.90, 0.66), (True, 0.87, 0.61)])
def test_level_on_spoken_names(
    rules: tuple[Rule, ...], shared_data: Path, small: bool, recall: float, precision: float
) -> None:
    """Person mentions met by any name, and person spans that meet one, in the half that nothing was trained on."""
    hits = total = right = given = 0
    lines = (shared_data / "text" / "gum_spoken_names" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    for line in lines[1::2]:
        row = json.loads(line)
        text = re.sub(r"[^\w\s'’]", " ", row["text"]).lower() if small else row["text"]
        gold = [(a, b) for a, b, label in row["spans"] if label == "PERSON"]
        either = [(a, b) for a, b, label in row["spans"] if label in ("PERSON_MAYBE", "ROLE")]
        spans = spans_of(rules, text)
        persons = [(a, b) for a, b, kind in spans if kind is Kind.PERSON]
        total += len(gold)
        hits += sum(meets(span, [(a, b) for a, b, _ in spans]) for span in gold)
        given += sum(meets(span, gold) or not meets(span, either) for span in persons)
        right += sum(meets(span, gold) for span in persons)
    assert hits / total >= recall
    assert right / given >= precision


def meets(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    return any(start < span[1] and span[0] < end for start, end in others)


def spans_of(rules: tuple[Rule, ...], text: str) -> list[tuple[int, int, Kind]]:
    """What is replaced (a score of .5 and more) in a text of a line an utterance."""
    spoken = utterances(*text.split("\n"))
    starts, at = {}, 0
    for utterance in spoken:
        starts[utterance.id] = at
        at += len(utterance.text) + 1
    found = fusion.fuse(spoken, tuple(f for rule in rules for f in rule.find(spoken)), tagger_of(rules))
    return [
        (starts[f.utterance_id] + f.start, starts[f.utterance_id] + f.end, f.kind)
        for f in found
        if f.reason.rule == fusion.RULE and f.score >= 0.5
    ]


def test_nothing_is_fused_where_no_model_spoke() -> None:
    spoken = utterances("I saw Anna in Leeds.")
    other = (told(6, 10, rule="fake", detail="person"),)
    assert fusion.fuse(spoken, other) == other
    assert fusion.fuse(spoken, ()) == ()


def test_other_rules_candidates_come_through() -> None:
    spoken = utterances("I told Anna, call 07700 900123.")
    number = told(18, 30, rule="presidio", detail="PHONE_NUMBER")
    found = fusion.fuse(spoken, (told(7, 11), number))
    assert number in found
    assert [(f.start, f.end) for f in found if f.reason.rule == fusion.RULE] == [(7, 11)]


@pytest.mark.parametrize(
    ("text", "form", "possessive"),
    [("Anna's here", "anna", True), ("we'll", "we", False), ("don't", "do", False), ("O'Connor", "o'connor", False)],
)
def test_words_lose_their_clitics(text: str, form: str, possessive: bool) -> None:
    first = fusion_features.tokens(utterances(text))[0]
    assert (first.form, first.possessive) == (form, possessive)


@given(st.lists(st.text(alphabet="abAB .'’-\n1é", max_size=30), max_size=4), st.floats(0, 1))
def test_spans_lie_in_their_utterance_and_apart(texts: list[str], score: float) -> None:
    spoken = utterances(*texts)
    heard = tuple(
        Finding(
            id="", utterance_id=u.id, start=0, end=len(u.text), kind=Kind.PERSON, person_id=None, score=score,
            reason=Reason(rule="rampart", detail="GIVEN_NAME", score=score),
        )
        for u in spoken if u.text
    )  # fmt: skip
    lengths = {u.id: len(u.text) for u in spoken}
    last: dict[str, int] = {}
    for finding in fusion.fuse(spoken, heard):
        assert last.get(finding.utterance_id, 0) <= finding.start < finding.end <= lengths[finding.utterance_id]
        assert 0 <= finding.score <= 1
        last[finding.utterance_id] = finding.end
