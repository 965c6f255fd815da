"""What a recogniser skipped is put where it was said, and nothing else is moved."""

from collections.abc import Iterator, Sequence

import numpy as np

from transcribe.asr.skipped import BELIEVED, Places, filled
from transcribe.schema import SAMPLE_RATE_HZ, Word


def said(*words: tuple[str, float, float], sure: float = 0.9) -> list[Word]:
    return [Word(start_s=start, end_s=end, text=f" {text}", probability=sure) for text, start, end in words]


def heard(words: list[Word], *answers: list[Word], seconds: float = 20.0) -> str:
    """The text, where these are the answers to what is asked again."""
    asked: list[tuple[int, int]] = []

    def decoded(places: Places) -> Iterator[Sequence[Word]]:
        asked.extend(places)
        yield from answers

    found = filled(words, np.zeros(int(seconds * SAMPLE_RATE_HZ), dtype=np.float32), decoded)
    assert len(asked) == len(answers)
    return "".join(word.text for word in found)


def test_a_stretch_without_words_is_heard_again_and_put_in_its_place() -> None:
    words = said(("a", 0, 1), ("d", 9, 10))
    assert heard(words, said(("b", 3, 4), ("c", 5, 6)), seconds=12) == " a b c d"
    assert heard(words, [], seconds=12) == " a d"
    assert heard(words, said(("b", 3, 4), sure=BELIEVED - 0.1), seconds=12) == " a d"
    assert heard(said(("a", 0, 1), ("d", 3, 4)), seconds=5) == " a d"


def test_a_word_that_spans_what_was_skipped_gives_way_to_more_of_them() -> None:
    words = said(("a", 0, 1), ("x", 1, 9), ("d", 9, 10))
    assert heard(words, said(("b", 3, 4), ("c", 5, 6)), seconds=12) == " a b c d"
    assert heard(words, said(("b", 3, 4)), seconds=12) == " a x d"


def test_where_times_fall_words_stay_in_the_order_in_which_they_were_said() -> None:
    """The libraries' rules for over-long words can time a sentence's first word before the last of the one before."""
    words = said(("a", 0, 1), ("c", 5, 6), ("d", 4.5, 7), ("e", 7, 8))
    assert heard(words, seconds=10) == " a c d e"
    words = said(("a", 0, 1), ("c", 5, 6), ("d", 5.5, 7), ("d", 5, 7.5), ("e", 8, 9), ("f", 8.5, 9), ("e", 8, 9))
    assert heard(words, said(("b", 2, 3)), seconds=10) == " a b c d d e f e"


def test_what_another_word_was_said_in_is_not_heard_twice() -> None:
    assert heard(said(("a", 0, 1), ("c", 5, 6), ("d", 1.5, 7), ("e", 7, 8)), seconds=10) == " a c d e"
