"""The presidio rule over the real model: right and wrong cases, invented names."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.detect.helpers import surfaces, utterances
from transcribe.detect import presidio_detector, rows
from transcribe.detect.presidio_detector import PresidioDetector, name_spans
from transcribe.errors import EngineError
from transcribe.schema import Kind


@pytest.fixture(scope="module")
def rule(model_path: Callable[[str], Path]) -> PresidioDetector:
    return presidio_detector.load(model_path("en_core_web_md"))


@pytest.mark.weights
@pytest.mark.parametrize(
    ("text", "surface", "kind"),
    [
        ("My name is Sarah Whitcombe and I live in Manchester.", "Sarah Whitcombe", Kind.PERSON),
        ("My name is Sarah Whitcombe and I live in Manchester.", "Manchester", Kind.PLACE),
        ("We saw Dr Johnson on Tuesday.", "Johnson", Kind.PERSON),
        ("It was David's idea.", "David", Kind.PERSON),
        ("My number is 07700 900123.", "07700 900123", Kind.CONTACT),
        ("He was born on the 3rd of June 2021.", "3rd of June 2021", Kind.DATE),
        ("She worked for Barclays in Leeds.", "Barclays", Kind.ORGANISATION),
        ("It's tilda@example.org.", "tilda@example.org", Kind.CONTACT),
    ],
)
def test_found(rule: PresidioDetector, text: str, surface: str, kind: Kind) -> None:
    found = rule.find(utterances(text))
    assert (surface, kind) in list(zip(surfaces((text,), found), (f.kind for f in found), strict=True))


@pytest.mark.weights
@pytest.mark.parametrize(
    "text",
    [
        "Mm. Yeah. Okay. Right, so, erm, I don't know.",
        "Mummy was tired and Daddy was asleep, and Nan came.",
        "Oh God, it was hard, honestly, last week and on Monday, about thirty minutes.",
        "The N H S sent a health visitor two years ago.",
        "",
    ],
)
def test_left_alone(rule: PresidioDetector, text: str) -> None:
    assert surfaces((text,), rule.find(utterances(text))) == []


@pytest.mark.weights
def test_tags_and_made_by(rule: PresidioDetector) -> None:
    assert rule.part_of_speech("Will you come?", 0, 4) == "AUX"
    assert rule.part_of_speech("I saw Anna there.", 6, 10) == "PROPN"
    assert (rule.made_by.engine, rule.made_by.model, len(rule.made_by.model_sha256)) == (
        "presidio-analyzer", "en_core_web_md", 64,
    )  # fmt: skip


@pytest.mark.weights
def test_a_text_without_capitals_is_read_with_some(rule: PresidioDetector) -> None:
    text = "i rang siobhan in manchester and she was lovely"
    found = rule.find(utterances(text))
    assert {(text[f.start : f.end], f.kind) for f in found} >= {("siobhan", Kind.PERSON), ("manchester", Kind.PLACE)}
    assert rule.part_of_speech(text, 7, 14) == "PROPN"


@pytest.mark.weights
def test_logs_hold_nothing(rule: PresidioDetector, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        rule.find(utterances("My name is Sarah Whitcombe, tilda@example.org."))
    assert "Sarah" not in caplog.text


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="could not be loaded"):
        presidio_detector.load(tmp_path / "none")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the Orla Venn's", "Orla Venn"),
        ("Dr Venn", "Venn"),
        ("Yeah Orla", "Orla"),
        ("Orla, yeah", "Orla"),
        ("Mum", ""),
        ("Oh God", ""),
        ("1234", ""),
        ("...", ""),
        ("Jean-Luc O'Venn", "Jean-Luc O'Venn"),
    ],
)
def test_trimming(text: str, expected: str) -> None:
    assert "".join(text[start:end] for start, end in name_spans(text, 0, len(text))) == expected


@pytest.mark.weights
def test_rows_map_lines_back(rule: PresidioDetector) -> None:
    text = "Hello there.\n\nMy name is Sarah Whitcombe.\nI was born in Leeds."
    assert [(text[a:b], kind) for a, b, kind, _ in rows.detect_text(text, (rule,))] == [
        ("Sarah Whitcombe", "person"),
        ("Leeds", "place"),
    ]
