"""Detection: where does a transcript say something that identifies? Rules find spans, `resolve` settles between them.

A model-backed rule is found by name at the door `transcribe.detect`; the roster rule needs none and always runs.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

from transcribe import plugins
from transcribe.schema import Finding, MadeBy, Utterance


class Rule(Protocol):
    """Finds spans in utterances; positions and reasons, never the words. Ids are given later, by `resolve`."""

    made_by: MadeBy

    def find(self, utterances: tuple[Utterance, ...]) -> tuple[Finding, ...]: ...


@runtime_checkable
class Tagger(Protocol):
    """Tells the part of speech (Universal Dependencies, e.g. PROPN, AUX; "" if unknown) of text[start:end]."""

    def part_of_speech(self, text: str, start: int, end: int) -> str: ...


def load(name: str, weights: Path) -> Rule:
    """The rule of that name over its verified weights folder. Raises EngineError for an unknown name."""
    rule: Rule = plugins.load("transcribe.detect", name)(weights)
    return rule


def tagger_of(rules: Iterable[Rule]) -> Tagger | None:
    """The first rule that can also tell parts of speech, if any."""
    return next((rule for rule in rules if isinstance(rule, Tagger)), None)
