"""Windows decoded several at once: what is tried again, what is taken, and what happens when memory is short."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from faster_whisper import WhisperModel
from hypothesis import given
from hypothesis import strategies as st

from transcribe.asr import AsrOptions
from transcribe.asr.sections import unsaid
from transcribe.asr.windows import LONGEST_REPEAT, SPARSE, Windows, in_batches
from transcribe.schema import Word

SECOND = np.zeros(16_000, dtype=np.float32)
NAMES, PLAIN = [1, 0, 2], [2]


class FakeModel:
    """Gives each window as many different tokens as `counts` say for the prompt; a looping one repeats one token."""

    frames_per_second, max_length = 100, 448
    hf_tokenizer = None

    def __init__(self, primed: Sequence[int], plain: Sequence[int], looping: tuple[int, ...] = ()) -> None:
        self._counts = {tuple(NAMES): primed, tuple(PLAIN): plain}
        self._looping = looping
        self.asked: list[tuple[tuple[int, ...], list[int], int]] = []
        self.aligned: list[int] = []
        self.model = SimpleNamespace(is_multilingual=False, generate=self.generate, device="cuda")

    def feature_extractor(self, samples: Any) -> Any:
        return np.full((80, 3001), samples[0], dtype=np.float32)

    def encode(self, features: Any) -> Any:
        return [int(one[0, 0]) for one in features]  # which window it is

    def get_prompt(self, *_: Any, hotwords: str | None = None, **__: Any) -> Any:
        return NAMES if hotwords else PLAIN

    def generate(self, encoded: list[int], prompts: list[list[int]], *, no_repeat_ngram_size: int, **_: Any) -> Any:
        self.asked.append((tuple(prompts[0]), encoded, no_repeat_ngram_size))
        return [self._one(window, tuple(prompts[0]), no_repeat_ngram_size) for window in encoded]

    def _one(self, window: int, prompt: tuple[int, ...], repeat: int) -> Any:
        count = self._counts[prompt][window]
        loops = window in self._looping and not repeat
        tokens = [7] * 200 if loops else list(range(10, 10 + count))
        return SimpleNamespace(sequences_ids=[tokens], scores=[-0.3], no_speech_prob=0.0)

    def add_word_timestamps(self, *arguments: Any) -> Any:
        return WhisperModel.add_word_timestamps(self, *arguments)  # type: ignore[arg-type]

    def find_alignment(self, _: Any, texts: list[list[int]], *__: Any) -> Any:
        """Words of 0.3 s each, but for the first, which lasts from the very start to 8.2 s."""
        self.aligned.append(len(texts))
        ends = [8.2 + 0.3 * number for number in range(200)]
        return [
            [
                {"word": f" {token}", "tokens": [token], "start": start, "end": end, "probability": 1.0}
                for token, start, end in zip(tokens, [0.0, *ends], ends, strict=False)
            ]
            for tokens in texts
        ]


@pytest.fixture
def tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = SimpleNamespace(eot=1000, decode=lambda tokens: " ".join(map(str, tokens)))
    monkeypatch.setattr("transcribe.asr.windows.Tokenizer", lambda *_, **__: fake)
    monkeypatch.setattr("transcribe.asr.windows.get_suppressed_tokens", lambda *_: [])


def heard(
    model: FakeModel, windows: int, names: tuple[str, ...] = ("Tilda",), at_once: int = 8
) -> list[tuple[Word, ...]]:
    sounds = [np.repeat(SECOND + number, 30) for number in range(windows)]
    return list(Windows(model, at_once).words(sounds, "en", AsrOptions(names=names)))  # type: ignore[arg-type]


def counts(model: FakeModel, windows: int, names: tuple[str, ...] = ("Tilda",)) -> list[int]:
    return [len(one) for one in heard(model, windows, names)]


@pytest.mark.usefixtures("tokenizer")
@pytest.mark.parametrize(
    ("primed", "plain", "taken"),
    [
        (8, 100, 100),  # it went on with the list of names and left the talk out
        (SPARSE, 100, SPARSE),
        (8, 9, 8),  # little was said
    ],
)
def test_a_window_that_priming_left_empty_is_decoded_without_names(primed: int, plain: int, taken: int) -> None:
    model = FakeModel(primed=(90, primed), plain=(90, plain))
    assert counts(model, 2) == [90, taken]
    assert counts(FakeModel(primed=(), plain=(90, plain)), 2, names=()) == [90, plain]


@pytest.mark.usefixtures("tokenizer")
def test_a_window_that_loops_is_decoded_with_no_run_of_tokens_twice() -> None:
    model = FakeModel(primed=(90, 70, 80), plain=(90, 70, 80), looping=(1,))
    assert counts(model, 3) == [90, 70, 80]
    assert model.asked == [((1, 0, 2), [0, 1, 2], 0), ((1, 0, 2), [1], LONGEST_REPEAT)]


@pytest.mark.usefixtures("tokenizer")
def test_what_was_skipped_at_the_start_is_seen_in_every_window_of_a_batch() -> None:
    """A first word begins where its window does, so a rule of the library has to shorten it."""
    model = FakeModel(primed=(), plain=(40, 40, 40))
    windows = heard(model, 3, names=())
    assert model.aligned == [3]  # all at once all the same
    assert windows[0][0].start_s == pytest.approx(7.6)
    assert [[(word.start_s, word.end_s) for word in words] for words in windows[1:]] == [
        [(word.start_s, word.end_s) for word in windows[0]]
    ] * 2
    assert all(unsaid(words, 30.0) == ((0.0, pytest.approx(7.6)), (20.2 - 0.3, 30.0)) for words in windows)
    assert heard(FakeModel(primed=(), plain=(40, 40, 40)), 3, names=(), at_once=1) == windows


@pytest.mark.usefixtures("tokenizer")
def test_no_window_no_word() -> None:
    assert counts(FakeModel(primed=(), plain=()), 0) == []


@given(st.integers(0, 40), st.integers(1, 16), st.integers(1, 16))
def test_where_memory_is_short_fewer_go_at_once_and_none_is_lost(count: int, at_once: int, room: int) -> None:
    tried: list[int] = []

    def work(some: Sequence[int]) -> list[int]:
        tried.append(len(some))
        if len(some) > room:
            raise RuntimeError("CUDA failed with error out of memory")
        return [one * 2 for one in some]

    left, done = in_batches(range(count), at_once, work, lambda error: "out of memory" in str(error))
    assert done == [one * 2 for one in range(count)]
    assert left == at_once or (left <= room and max(tried) > room)


def test_what_is_too_much_alone_or_fails_otherwise_is_raised() -> None:
    def work(some: Sequence[int]) -> list[int]:
        raise RuntimeError("out of memory" if some[0] else "another")

    for first in (0, 1):
        with pytest.raises(RuntimeError):
            in_batches([first, first], 2, work, lambda error: "memory" in str(error))
