"""The Rampart rule over the real model: names in either case, pieces of a word together, long texts in windows."""

from collections.abc import Callable
from pathlib import Path

import pytest
from presidio_analyzer import RecognizerRegistry

from tests.detect.helpers import utterances
from transcribe.detect import rampart
from transcribe.detect.rampart import RampartDetector, RampartRecognizer
from transcribe.errors import EngineError
from transcribe.schema import Kind


@pytest.fixture(scope="module")
def rule(model_path: Callable[[str], Path]) -> RampartDetector:
    return rampart.load(model_path("rampart"))


def likely(rule: RampartDetector, text: str) -> dict[str, Kind]:
    return {text[f.start : f.end]: f.kind for f in rule.find(utterances(text)) if f.score >= 0.3}


@pytest.mark.weights
@pytest.mark.parametrize(
    ("text", "word", "kind"),
    [
        ("My name is Sarah Whitcombe and I live in Manchester.", "Whitcombe", Kind.PERSON),
        ("my name is sarah whitcombe and i live in manchester", "sarah", Kind.PERSON),
        ("I live in Manchester with my husband.", "Manchester", Kind.PLACE),
        ("My friend Sinead O'Connor came.", "O'Connor", Kind.PERSON),
        ("My name is Anne-Marie Whitcombe.", "Anne-Marie", Kind.PERSON),
    ],
)
def test_found(rule: RampartDetector, text: str, word: str, kind: Kind) -> None:
    assert likely(rule, text).get(word) is kind


@pytest.mark.weights
@pytest.mark.parametrize("text", ["", "...", "Yeah, no, I was just really tired.", "we had toast for breakfast"])
def test_left_alone(rule: RampartDetector, text: str) -> None:
    assert likely(rule, text) == {}


@pytest.mark.weights
def test_a_long_text_is_read_in_windows(rule: RampartDetector) -> None:
    padding = "and then we went home and had some tea " * 60
    text = f"{padding}my name is sarah whitcombe {padding}"
    found = [f for f in rule.find(utterances(text)) if f.score >= 0.3]
    assert {"sarah", "whitcombe"} <= {text[f.start : f.end] for f in found}
    spans = [(f.start, f.end, f.reason.detail) for f in rule.find(utterances(text))]
    assert len(spans) == len(set(spans))


@pytest.mark.weights
def test_a_presidio_registry_takes_it(model_path: Callable[[str], Path]) -> None:
    recognizer = RampartRecognizer(model_path("rampart"))
    registry = RecognizerRegistry(recognizers=[recognizer])
    assert registry.recognizers == [recognizer]
    assert recognizer.get_supported_entities() == list(rampart.KINDS)


@pytest.mark.weights
def test_made_by(rule: RampartDetector) -> None:
    assert (rule.made_by.engine, rule.made_by.model, len(rule.made_by.model_sha256)) == ("onnxruntime", "rampart", 64)


def test_missing_weights(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="could not be loaded"):
        rampart.load(tmp_path / "none")
