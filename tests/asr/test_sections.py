"""Cutting and placing: nothing lost at a cut, times exact, words in order."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from transcribe.asr.sections import Section, Word, cut, sections, tidy, unsaid
from transcribe.schema import SAMPLE_RATE_HZ

RATE = SAMPLE_RATE_HZ


def word(start_s: float, end_s: float, text: str = " w", probability: float = 0.5) -> Word:
    return Word(start_s=start_s, end_s=end_s, text=text, probability=probability)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, int(seconds * RATE)).astype(np.float32)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 12 * RATE), st.floats(1.0, 5.0))
def test_cuts_cover_everything_once(length: int, longest_s: float) -> None:
    ranges = cut(np.zeros(length, dtype=np.float32), longest_s)
    assert [position for start, end in ranges for position in (start, end)][:1] in ([0], [])
    assert all(before[1] == after[0] for before, after in pairwise(ranges))
    assert all(0 < end - start <= longest_s * RATE for start, end in ranges)
    assert sum(end - start for start, end in ranges) == length


def test_a_cut_falls_in_the_pause() -> None:
    samples = noise(30)
    samples[int(18.2 * RATE) : int(18.9 * RATE)] *= 0.001
    (_, first), _ = cut(samples, 20.0)
    assert 18.2 < first / RATE < 18.9


def test_two_hours_make_few_long_sections() -> None:
    ranges = cut(np.zeros(2 * 3600 * RATE, dtype=np.float32))
    assert len(ranges) <= 16
    assert max(end - start for start, end in ranges) <= 600 * RATE


def test_sections_hold_exactly_the_speech() -> None:
    samples = noise(50)
    speech = [(RATE, 3 * RATE), (5 * RATE, 6 * RATE)]
    made = list(sections(samples, lambda stretch: [(a, min(b, len(stretch))) for a, b in speech], longest_s=20.0))
    assert len(made) >= 3
    for section in made:
        heard = np.concatenate([samples[start:end] for start, end in section.regions])
        assert np.array_equal(section.samples, heard)


def test_silence_makes_no_section() -> None:
    assert list(sections(noise(3), lambda _: [])) == []
    assert list(sections(np.zeros(0, dtype=np.float32), lambda _: [(0, 0)])) == []


@pytest.mark.parametrize(
    ("inside", "placed"),
    [
        ((0.0, 0.5), (1.0, 1.5)),
        ((1.5, 2.0), (2.5, 3.0)),
        ((2.0, 2.25), (5.0, 5.25)),
        ((2.5, 3.0), (5.5, 6.0)),
        ((1.9, 2.5), (5.0, 5.5)),  # across the joint: to the side that holds its middle, and kept inside it
        ((1.0, 2.5), (2.0, 3.0)),
        ((2.9, 3.4), (5.9, 6.0)),  # beyond the end
    ],
)
def test_words_are_placed_where_they_were_said(inside: tuple[float, float], placed: tuple[float, float]) -> None:
    section = Section(samples=noise(3), regions=((RATE, 3 * RATE), (5 * RATE, 6 * RATE)))
    there = section.place(word(*inside))
    assert (there.start_s, there.end_s) == pytest.approx(placed)
    assert there.text == " w"


@given(st.lists(st.tuples(st.floats(-5, 50), st.floats(-5, 50), st.sampled_from([" a", " ", "", "b"])), max_size=20))
def test_tidy_words_are_in_order_and_inside(raw: list[tuple[float, float, str]]) -> None:
    tidied = tidy([word(start, end, text) for start, end, text in raw], 40.0)
    assert "".join(one.text for one in tidied) == "".join(text for _, _, text in raw if text.strip())
    assert all(0 <= one.start_s <= one.end_s <= 40.0 for one in tidied)
    starts = [one.start_s for one in tidied]
    assert starts == sorted(starts)


@pytest.mark.parametrize(
    ("spans", "duration_s", "gaps"),
    [
        ([(0.2, 1.0), (1.2, 2.0)], 4.0, ()),
        ([(0.2, 1.0), (6.0, 7.0)], 8.0, ((1.0, 6.0),)),
        ([(4.0, 5.0)], 9.0, ((0.0, 4.0), (5.0, 9.0))),
        ([(0.0, 1.0), (4.0, 5.0)], 5.0, ()),
        ([(0.0, 3.0), (2.0, 2.5), (9.0, 9.5)], 9.5, ((2.5, 9.0),)),
        ([(0.0, 0.5), (0.5, 8.5), (8.5, 8.8)], 9.0, ((0.5, 8.5),)),  # one word spans what was skipped
        ([(0.0, 3.0), (3.0, 6.0)], 6.0, ()),
        ([], 60.0, ()),
    ],
)
def test_stretches_without_a_word(
    spans: list[tuple[float, float]], duration_s: float, gaps: tuple[tuple[float, float], ...]
) -> None:
    assert unsaid([word(*span) for span in spans], duration_s) == gaps
