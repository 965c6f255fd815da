"""How well texts fit the sound: the log probability that a recogniser's decoder gives each of several readings.

An engine that can tell is a `Scorer`; the second listen (detect/second_listen.py) asks it. The sound asked about is a
few seconds and is encoded alone: Whisper's encoder takes any length up to 30 s, and its cost grows with it.
"""

import json
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from tokenizers import Tokenizer

from transcribe.schema import Audio, Quiet, record

LONGEST_S = 30.0
FIRST_MERGE = ("Ġ", "t")
_LEAST = 1e-30  # a probability below this is taken for it, so that its logarithm is finite


@record
class Passage(Quiet):
    """Readings of what was said at one place: each of `readings` stands between `before` and `after`, all as written.

    Texts keep their leading spaces. The sound is that from `start_s` to `end_s`, at most 30 s. `names` are told to the
    decoder beforehand, as the text that went before.
    """

    start_s: float
    end_s: float
    before: str
    readings: tuple[str, ...]
    after: str
    names: tuple[str, ...]
    language: str


@runtime_checkable
class Scorer(Protocol):
    """Gives each reading, with what follows it, its log probability in nats, given the sound and what stands before."""

    def score(self, audio: Audio, passage: Passage) -> tuple[float, ...]: ...


def mended(tokenizer: Tokenizer) -> Tokenizer:
    """The tokenizer with Whisper's first merge rule, space and t, which its tokenizer.json lacks.

    Hugging Face's conversion took that line of merges.txt for a header: without it " the" is written with two tokens
    that Whisper never saw side by side, and a text with one of them looks 15 nats less likely than it is.
    """
    described: dict[str, Any] = json.loads(tokenizer.to_str())
    merges = described["model"]["merges"]
    first = list(FIRST_MERGE) if merges and isinstance(merges[0], list) else " ".join(FIRST_MERGE)
    if "".join(FIRST_MERGE) in described["model"]["vocab"] and first not in merges:
        merges.insert(0, first)
    return Tokenizer.from_str(json.dumps(described))


def tokens(tokenizer: Tokenizer, text: str) -> list[int]:
    """The tokens of a text as Whisper itself would write it."""
    ids: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return ids


def total(probabilities: Sequence[float]) -> float:
    """The logarithm of the product, in nats; finite."""
    return float(np.log(np.maximum(np.asarray(probabilities, dtype=np.float64), _LEAST)).sum())
