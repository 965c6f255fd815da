"""The language is told by windows spread over a whole recording, each with its say."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from whisper.tokenizer import LANGUAGES as WHISPER_LANGUAGES

from transcribe.asr import load
from transcribe.asr.common import LANGUAGE_WINDOWS, LEAST, SEARCHED, WINDOW, language_windows, most_likely
from transcribe.config import LANGUAGES
from transcribe.schema import SAMPLE_RATE_HZ, Audio

Samples = np.ndarray
HEARD = np.full(2 * WINDOW, 7, dtype=np.float32)


def counted(length: int) -> Samples:
    """Samples that say where they stand."""
    return np.arange(length, dtype=np.float64)


def everywhere(samples: Samples) -> list[tuple[int, int]]:
    assert len(samples) <= SEARCHED
    return [(0, len(samples))] if len(samples) else []


def nowhere(samples: Samples) -> list[tuple[int, int]]:
    return []


@given(st.integers(LEAST, 400 * WINDOW))
def test_windows_are_spread_over_the_whole_recording(length: int) -> None:
    windows = language_windows(np.broadcast_to(np.float32(1), length), everywhere, HEARD)
    assert len(windows) == min(LANGUAGE_WINDOWS, max(1, length // WINDOW))
    assert all(0 < len(window) <= WINDOW for window in windows)


def test_each_part_of_the_recording_has_its_window() -> None:
    length = 60 * WINDOW
    starts = [window[0] / length for window in language_windows(counted(length), everywhere, HEARD)]
    assert all(n <= start * LANGUAGE_WINDOWS < n + 1 for n, start in enumerate(starts))


def test_silence_has_no_say_and_speech_is_joined() -> None:
    def second_half(samples: Samples) -> list[tuple[int, int]]:
        if samples[0] < 30 * WINDOW:
            return []
        return [(0, WINDOW // 3), (WINDOW, 2 * WINDOW)]

    windows = language_windows(counted(60 * WINDOW), second_half, HEARD)
    assert len(windows) == LANGUAGE_WINDOWS // 2
    assert {len(window) for window in windows} == {WINDOW}
    assert windows[0][WINDOW // 3] - windows[0][0] == WINDOW


def test_a_moment_of_what_may_be_speech_has_no_say() -> None:
    windows = language_windows(counted(60 * WINDOW), lambda samples: [(0, LEAST - 1)], HEARD)
    assert [set(window) for window in windows] == [{7.0}]


def test_where_no_place_has_speech_the_speech_that_is_known_of_is_heard() -> None:
    (window,) = language_windows(counted(60 * WINDOW), nowhere, HEARD)
    assert len(window) == WINDOW
    assert set(window) == {7.0}


@pytest.mark.parametrize(
    ("guesses", "expected"),
    [
        ([{"en": 0.9, "cy": 0.1}], ("en", 0.9)),
        ([{"nn": 0.95, "en": 0.05}, {"en": 0.6, "cy": 0.3}, {"en": 0.7, "cy": 0.3}], ("en", 0.45)),  # noise first
        ([{"en": 0.8, "cy": 0.2}, {"cy": 0.9, "en": 0.1}, {"cy": 0.9, "en": 0.1}], ("cy", 2 / 3)),  # greetings first
        ([{"en": 0.5, "cy": 0.5}], ("cy", 0.5)),
    ],
)
def test_the_sum_over_all_windows_decides(guesses: list[dict[str, float]], expected: tuple[str, float]) -> None:
    language, probability = most_likely(iter(guesses))
    assert language == expected[0]
    assert probability == pytest.approx(expected[1])


GUESS = st.dictionaries(st.sampled_from(["en", "cy", "de", "nn"]), st.floats(0, 1), min_size=1)


@given(st.lists(GUESS, min_size=1))
def test_the_order_of_the_windows_does_not_matter(guesses: list[dict[str, float]]) -> None:
    language, probability = most_likely(guesses)
    totals = {code: sum(guess.get(code, 0.0) for guess in guesses) for guess in guesses for code in guess}
    assert totals[language] == pytest.approx(max(totals.values()))
    assert 0 <= probability <= 1
    assert most_likely(guesses[::-1])[1] == pytest.approx(probability)


def test_no_window_is_no_guess() -> None:
    with pytest.raises(ValueError, match="empty"):
        most_likely([])


def test_the_codes_that_can_be_chosen_are_whispers_own() -> None:
    assert set(WHISPER_LANGUAGES) == LANGUAGES


@pytest.mark.weights
@pytest.mark.parametrize("engine", ["faster-whisper", "openai-whisper"])
def test_a_minute_of_noise_does_not_decide(engine: str, model_path: Callable[[str], Path], sample_audio: Audio) -> None:
    """Both engines, over noise that is longer than the first windows, and speech after it."""
    noise = np.random.default_rng(0).normal(0, 0.05, 60 * SAMPLE_RATE_HZ).astype(np.float32)
    samples = np.concatenate([noise, sample_audio.samples, sample_audio.samples])
    loaded = load(engine, "whisper-base", model_path("whisper-base"), "cpu", 1)
    language, probability = loaded._detect(samples, sample_audio.samples)  # type: ignore[attr-defined]
    assert language == "en"
    assert 0 < probability <= 1
