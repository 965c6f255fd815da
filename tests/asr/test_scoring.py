"""Scoring: Whisper's own tokens, finite sums, and a real call whose names are told from others by their sound."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers

from transcribe.asr import AsrOptions, Transcriber, load
from transcribe.asr.scoring import Passage, Scorer, mended, tokens, total
from transcribe.schema import SAMPLE_RATE_HZ, Audio


@pytest.fixture(scope="module")
def engine(model_path: Callable[[str], Path]) -> Transcriber:
    return load("faster-whisper", "whisper-tiny.en", model_path("whisper-tiny.en"), "cpu", 2)


def passage(*readings: str, start_s: float = 0.0, end_s: float = 4.0, before: str = "", after: str = "") -> Passage:
    return Passage(
        start_s=start_s, end_s=end_s, before=before, readings=readings, after=after, names=("Diane",), language="en"
    )


def small_tokenizer(merges: list[tuple[str, str]]) -> Tokenizer:
    vocabulary = {piece: number for number, piece in enumerate(["Ġ", "t", "h", "e", "Ġt", "he"])}
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return made


def test_the_merge_of_space_and_t_is_put_back() -> None:
    lacking = small_tokenizer([("h", "e")])
    assert tokens(lacking, " the") == [0, 1, 5]
    assert tokens(mended(lacking), " the") == [4, 5]


def test_a_tokenizer_that_has_the_merge_stays_as_it_is() -> None:
    whole = small_tokenizer([("Ġ", "t"), ("h", "e")])
    assert mended(whole).to_str() == whole.to_str()


@pytest.mark.parametrize(("probabilities", "nats"), [([], 0.0), ([1.0, 0.5], np.log(0.5)), ([0.0], np.log(1e-30))])
def test_sums_are_finite(probabilities: list[float], nats: float) -> None:
    assert total(probabilities) == pytest.approx(nats)


@pytest.mark.weights
def test_mended_tokens_are_those_of_openai_whisper(model_path: Callable[[str], Path]) -> None:
    from whisper.tokenizer import get_tokenizer

    ours = mended(Tokenizer.from_file(str(model_path("whisper-base") / "tokenizer.json")))
    theirs = get_tokenizer(True, num_languages=99, language="en", task="transcribe")
    for text in (" the two of them thought that", " She told Tamsin, twice.", " it's 07700 900461"):
        assert tokens(ours, text) == theirs.encode(text)


@pytest.mark.weights
def test_the_name_that_was_said_scores_best(engine: Transcriber, sample_audio: Audio) -> None:
    assert isinstance(engine, Scorer)
    words = engine.transcribe(sample_audio, AsrOptions()).words
    at = next(number for number, word in enumerate(words) if word.text.strip(" .,") == "Diane")
    before, after = (
        "".join(w.text for w in words[at - 3 : at]),
        "".join(w.text for w in words[at + 1 : at + 3]),
    )
    asked = passage(
        " Diane",
        " Oliver",
        " Bartholomew",
        start_s=words[at - 3].start_s - 0.3,
        end_s=words[at + 2].end_s + 0.3,
        before=before,
        after=after,
    )
    said, *others = engine.score(sample_audio, asked)
    assert said > max(others) + 10
    assert engine.score(sample_audio, asked) == engine.score(sample_audio, asked)


@pytest.mark.weights
@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 0.0), (-1.0, 0.01), (90.0, 95.0)])
def test_no_sound_says_nothing(engine: Transcriber, start_s: float, end_s: float) -> None:
    assert isinstance(engine, Scorer)
    audio = Audio(samples=np.zeros(5 * SAMPLE_RATE_HZ, dtype=np.float32))
    assert engine.score(audio, passage(" a", " b", start_s=start_s, end_s=end_s)) == (0.0, 0.0)
