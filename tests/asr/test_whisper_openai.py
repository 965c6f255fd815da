"""openai-whisper over converted weights: the same promises as faster-whisper, and an original checkpoint too."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from transcribe import pulse
from transcribe.asr import AsrOptions, Transcriber, checkpoint, load
from transcribe.asr.sections import Samples
from transcribe.asr.whisper_openai import OpenaiWhisper
from transcribe.errors import EngineError
from transcribe.evaluate.wer import word_errors
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Word

from .test_whisper_faster import assert_in_order, text

Path_of = Callable[[str], Path]


@pytest.fixture(scope="module")
def engine(model_path: Path_of) -> Transcriber:
    return load("openai-whisper", "whisper-tiny.en", model_path("whisper-tiny.en"), "cpu", 2)


@pytest.mark.weights
def test_a_real_call_twice(
    engine: Transcriber, sample_audio: Audio, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    engine.transcribe(sample_audio, AsrOptions(beam_size=1))  # Numba compiles, and logs what it compiles, once
    caplog.set_level(logging.DEBUG)
    options = AsrOptions(names=("Diane", "Sheila"))
    words, again = (engine.transcribe(sample_audio, options) for _ in range(2))
    assert words == again
    assert_in_order(words, sample_audio)
    for name in ("Diane", "Sheila", "Chicago"):
        assert name in text(words)
    assert words.language == "en"
    out, err = capfd.readouterr()
    assert out + err + caplog.text == ""
    assert words.made_by.engine == "openai-whisper"
    assert dict(words.made_by.options)["names_count"] == "2"
    assert "Diane" not in str(words.made_by.options)


@pytest.mark.weights
def test_a_sentence_that_was_skipped_is_heard(
    engine: OpenaiWhisper, sample_audio: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine.transcribe(sample_audio, AsrOptions(beam_size=1))
    decode, asked = engine._decode, []

    def skipping(samples: Samples, language: str, options: AsrOptions) -> Iterator[Word]:
        asked.append(options.names)
        lost = (8.0, 14.0) if len(asked) == 1 else (0.0, 0.0)
        return (word for word in decode(samples, language, options) if not lost[0] < word.start_s < lost[1])

    monkeypatch.setattr(engine, "_decode", skipping)
    found = engine.transcribe(sample_audio, AsrOptions(beam_size=1, names=("Diane",)))
    assert asked == [("Diane",), ()]
    assert_in_order(found, sample_audio)
    assert word_errors(text(whole), text(found)).rate < 0.15


@pytest.mark.weights
def test_signs_of_life_come_within_a_section(
    engine: OpenaiWhisper, sample_audio: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    beats: list[str] = []
    monkeypatch.setattr(pulse, "beat", beats.append)
    engine.transcribe(sample_audio, AsrOptions(beam_size=1))
    assert len(beats) > 30


@pytest.mark.weights
def test_the_other_engine_hears_nearly_the_same(engine: Transcriber, model_path: Path_of, sample_audio: Audio) -> None:
    other = load("faster-whisper", "whisper-tiny.en", model_path("whisper-tiny.en"), "cpu", 2)
    ours, theirs = (one.transcribe(sample_audio, AsrOptions()) for one in (engine, other))
    assert word_errors(text(theirs), text(ours)).rate < 0.2
    shared = {word.text: word.start_s for word in theirs.words if len(word.text) > 6}
    apart = [abs(word.start_s - shared[word.text]) for word in ours.words if word.text in shared]
    assert len(apart) >= 5
    assert np.median(apart) < 0.2


@pytest.mark.weights
def test_silence_and_nothing_have_no_words(engine: Transcriber) -> None:
    for seconds in (0, 5):
        audio = Audio(samples=np.zeros(seconds * SAMPLE_RATE_HZ, dtype=np.float32))
        assert engine.transcribe(audio, AsrOptions()).words == ()
        assert engine.transcribe(audio, AsrOptions()).language == "und"


@pytest.mark.weights
def test_the_language_is_detected_and_long_rosters_are_cut(model_path: Path_of, sample_audio: Audio) -> None:
    engine = load("openai-whisper", "whisper-base", model_path("whisper-base"), "cpu", 2)
    many = tuple(f"Person{number}" for number in range(300))
    prompt = engine._prompt(many, "en")  # type: ignore[attr-defined]
    assert prompt.startswith("Names: Person0, Person1,")
    assert "Person299" not in prompt
    assert engine._prompt((), "en") is None  # type: ignore[attr-defined]
    words = engine.transcribe(sample_audio, AsrOptions(beam_size=1))
    assert words.language == "en"
    assert 0.5 < words.language_probability <= 1
    with pytest.raises(EngineError, match="does not know the language"):
        engine.transcribe(sample_audio, AsrOptions(language="xx"))


@pytest.mark.weights
def test_an_original_checkpoint_gives_the_same_words(
    engine: Transcriber, model_path: Path_of, sample_audio: Audio, tmp_path: Path
) -> None:
    made = checkpoint.convert(model_path("whisper-tiny.en"))
    state = {key: torch.from_numpy(np.array(value)) for key, value in made.state.items()}
    torch.save({"dims": dict(made.dims), "model_state_dict": state}, tmp_path / "tiny.en.pt")
    original = load("openai-whisper", "whisper-tiny.en", tmp_path, "cpu", 2)
    first, second = (one.transcribe(sample_audio, AsrOptions(beam_size=1)) for one in (engine, original))
    assert first.words == second.words


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    torch.save({"weights": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(EngineError):
        load("openai-whisper", "other", tmp_path)
