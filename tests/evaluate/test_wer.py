"""Word errors: counts by hand, normalised as Whisper's paper does, added before the rate."""

import math

import pytest

from transcribe.evaluate.wer import ErrorCounts, word_errors


@pytest.mark.parametrize(
    ("said", "heard", "expected"),
    [
        ("she slept well", "she slept well", (0, 0, 0, 3)),
        ("my name is Karen", "my name was Karen", (1, 0, 0, 4)),
        ("she slept all night", "she slept night", (0, 1, 0, 4)),
        ("she slept", "yes she slept", (0, 0, 1, 2)),
        ("Mister Jamieson liked the colour", "mr. jamieson liked the color", (0, 0, 0, 5)),
        ("she, um, cried", "She cried!", (0, 0, 0, 2)),
        ("", "thank you", (0, 0, 2, 0)),
        ("[noise]", "thank you", (0, 0, 2, 0)),
        ("thank you", "", (0, 2, 0, 2)),
        ("", "", (0, 0, 0, 0)),
    ],
)
def test_errors_are_counted(said: str, heard: str, expected: tuple[int, int, int, int]) -> None:
    counts = word_errors(said, heard)
    assert (counts.substitutions, counts.deletions, counts.insertions, counts.words) == expected


def test_counts_add_and_the_rate_comes_last() -> None:
    short = word_errors("yes", "no")
    long = word_errors("she slept all night and so did he", "she slept all night and so did he")
    total = sum((short, long), ErrorCounts())
    assert short.rate == 1.0
    assert long.rate == 0.0
    assert total.rate == pytest.approx(total.errors / total.words)
    assert total.rate < (short.rate + long.rate) / 2


def test_words_out_of_nothing_are_infinitely_wrong() -> None:
    assert word_errors("", "thank you").rate == math.inf
    assert ErrorCounts().rate == 0.0
