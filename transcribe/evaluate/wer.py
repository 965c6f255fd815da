"""Word error rate: counts that add over recordings, the rate last."""

import math
from functools import lru_cache
from typing import Any

import jiwer

from transcribe.schema import record


@record
class ErrorCounts:
    """Word errors against a reference of `words` words; add them over recordings before taking the rate."""

    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0
    words: int = 0

    def __add__(self, other: "ErrorCounts") -> "ErrorCounts":
        return ErrorCounts(
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
            words=self.words + other.words,
        )

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Errors per reference word, a fraction that can exceed 1; infinite where nothing was said but words appear."""
        if self.words:
            return self.errors / self.words
        return math.inf if self.errors else 0.0


def word_errors(reference: str, hypothesis: str) -> ErrorCounts:
    """The errors of an English text after Whisper's normaliser (Radford et al. 2022, appendix C) on both sides."""
    said, heard = normalised(reference), normalised(hypothesis)
    if not said:  # jiwer refuses an empty reference
        return ErrorCounts(insertions=len(heard.split()))
    found = jiwer.process_words(said, heard)
    return ErrorCounts(
        substitutions=found.substitutions,
        deletions=found.deletions,
        insertions=found.insertions,
        words=found.hits + found.substitutions + found.deletions,
    )


def normalised(text: str) -> str:
    """The text as it is scored: English, normalised by Whisper's rules, words parted by single spaces."""
    return " ".join(str(_normaliser()(text)).split())


@lru_cache(maxsize=1)
def _normaliser() -> Any:
    """Made on first use: the whisper package brings PyTorch with it."""
    from whisper.normalizers import EnglishTextNormalizer

    return EnglishTextNormalizer()
