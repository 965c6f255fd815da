"""faster-whisper on a real call: the words, where they are, the same each time, and nothing said aloud."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from transcribe import plugins, pulse
from transcribe.asr import AsrOptions, Transcriber, load, skipped
from transcribe.asr.fake import FakeTranscriber
from transcribe.asr.sections import Samples
from transcribe.asr.whisper_faster import FasterWhisper
from transcribe.errors import EngineError
from transcribe.evaluate.wer import word_errors
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Word, Words

ENGINES = ("faster-whisper", "openai-whisper")
Path_of = Callable[[str], Path]


def text(words: Words) -> str:
    return "".join(word.text for word in words.words)


def assert_in_order(words: Words, audio: Audio) -> None:
    assert words.words
    assert all(0 <= word.start_s <= word.end_s <= audio.duration_s for word in words.words)
    assert all(word.text.strip() and 0 <= word.probability <= 1 for word in words.words)
    starts = [word.start_s for word in words.words]
    assert starts == sorted(starts)


@pytest.fixture(scope="module")
def engine(model_path: Path_of) -> Transcriber:
    return load("faster-whisper", "whisper-tiny.en", model_path("whisper-tiny.en"), "cpu", 2)


@pytest.mark.weights
def test_a_real_call(
    engine: Transcriber, sample_audio: Audio, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    words = engine.transcribe(sample_audio, AsrOptions(names=("Diane", "Sheila")))
    assert_in_order(words, sample_audio)
    for name in ("Diane", "Sheila", "Chicago"):
        assert name in text(words)
    (diane,) = [word for word in words.words if word.text.startswith(" Diane")][:1]
    assert 5 < diane.start_s < 15
    assert (words.language, words.language_probability) == ("en", 1.0)
    out, err = capfd.readouterr()
    assert out + err + caplog.text == ""
    made_by = words.made_by
    assert (made_by.stage, made_by.engine, made_by.model) == ("recognise", "faster-whisper", "whisper-tiny.en")
    assert made_by.model_sha256 == "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
    assert dict(made_by.options)["names_count"] == "2"
    assert "Diane" not in str(made_by.options)
    assert list(made_by.options) == sorted(made_by.options)


@pytest.mark.weights
def test_equal_runs_give_equal_words(engine: Transcriber, sample_audio: Audio) -> None:
    first, second = (engine.transcribe(sample_audio, AsrOptions()) for _ in range(2))
    assert first == second
    assert text(first).lower().count("see you in the next video") < 3  # tiny.en falls into a loop here, base does not


@pytest.mark.weights
def test_silence_and_nothing_have_no_words(engine: Transcriber) -> None:
    for seconds in (0, 5):
        audio = Audio(samples=np.zeros(seconds * SAMPLE_RATE_HZ, dtype=np.float32))
        words = engine.transcribe(audio, AsrOptions())
        assert (words.words, words.language, words.language_probability) == ((), "und", 0.0)
        assert engine.transcribe(audio, AsrOptions(language="en")).language == "en"


@pytest.mark.weights
def test_words_stand_where_they_were_said_after_a_long_silence(engine: Transcriber, sample_audio: Audio) -> None:
    silence = np.zeros(60 * SAMPLE_RATE_HZ, dtype=np.float32)
    later = Audio(samples=np.concatenate([silence, sample_audio.samples]))
    alone, shifted = (engine.transcribe(audio, AsrOptions()) for audio in (sample_audio, later))
    assert_in_order(shifted, later)
    assert shifted.words[0].start_s > 60
    assert abs(len(shifted.words) - len(alone.words)) < 30


@pytest.mark.weights
def test_a_sentence_that_was_skipped_in_a_window_is_heard(
    engine: FasterWhisper, sample_audio: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whisper base skips eight seconds of d1 so: the word after them spans them."""
    whole = engine.transcribe(sample_audio, AsrOptions()).words
    first = next(number for number, word in enumerate(whole) if word.start_s > 8)
    last = next(number for number, word in enumerate(whole) if word.end_s > whole[first].start_s + 5)
    words, calls = engine._windows.words, []

    def skipping(windows: Sequence[Samples], language: str, options: AsrOptions) -> Iterator[tuple[Word, ...]]:
        calls.append(len(windows))
        for heard in words(windows, language, options):
            spanning = replace(heard[last], start_s=heard[first].start_s) if len(calls) == 1 else None
            yield heard if spanning is None else (*heard[:first], spanning, *heard[last + 1 :])

    monkeypatch.setattr(engine._windows, "words", skipping)
    found = engine.transcribe(sample_audio, AsrOptions()).words
    assert calls == [1, 1]
    said = " ".join(word.text for word in whole[first : last + 1])
    again = " ".join(word.text for word in found if whole[first].start_s - 0.1 < word.start_s < whole[last].end_s)
    assert word_errors(said, again).rate < 0.3
    assert [word.text for word in found[:first]] == [word.text for word in whole[:first]]
    monkeypatch.setattr(skipped, "BELIEVED", 1.0)
    calls.clear()
    unbelieved = engine.transcribe(sample_audio, AsrOptions()).words
    assert [word.text for word in unbelieved] == [word.text for word in (*whole[:first], *whole[last:])]


@pytest.mark.weights
def test_signs_of_life_come_between_the_steps_of_a_window(
    engine: FasterWhisper, sample_audio: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two windows, decoded three times, take a large model on a slow core more than a quarter of an hour."""
    beats: list[str] = []
    monkeypatch.setattr(pulse, "beat", beats.append)
    engine.transcribe(replace(sample_audio, samples=sample_audio.samples[: 5 * SAMPLE_RATE_HZ]), AsrOptions())
    assert len(beats) >= 3


@pytest.mark.weights
def test_the_language_is_detected(model_path: Path_of, sample_audio: Audio) -> None:
    engine = load("faster-whisper", "whisper-base", model_path("whisper-base"), "cpu", 2)
    words = engine.transcribe(sample_audio, AsrOptions(beam_size=1))
    assert words.language == "en"
    assert 0.5 < words.language_probability <= 1
    with pytest.raises(EngineError, match="does not know the language"):
        engine.transcribe(sample_audio, AsrOptions(language="xx"))


@pytest.mark.weights
def test_an_english_model_refuses_another_language(engine: Transcriber, sample_audio: Audio) -> None:
    with pytest.raises(EngineError, match="does not know the language"):
        engine.transcribe(sample_audio, AsrOptions(language="cy"))


@pytest.mark.parametrize("engine_name", ENGINES)
def test_missing_weights_are_refused(engine_name: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError):
        load(engine_name, "whisper-tiny.en", tmp_path)


@pytest.mark.weights
@pytest.mark.parametrize("engine_name", ENGINES)
def test_damaged_weights_are_refused(engine_name: str, tmp_path: Path, model_path: Path_of) -> None:
    shutil.copytree(model_path("whisper-tiny.en"), tmp_path / "m")
    with (tmp_path / "m" / "model.bin").open("r+b") as file:
        file.truncate(1_000_000)
    with pytest.raises(EngineError):
        load(engine_name, "whisper-tiny.en", tmp_path / "m")


def test_both_engines_stand_at_the_door() -> None:
    assert set(ENGINES) <= set(plugins.names("transcribe.asr"))


def test_the_fake_says_its_script() -> None:
    audio = Audio(samples=np.zeros(4 * SAMPLE_RATE_HZ, dtype=np.float32))
    fake = FakeTranscriber("My name is Amelia.")
    words = fake.transcribe(audio, AsrOptions(names=("Amelia",)))
    assert text(words) == "My name is Amelia."
    assert [word.start_s for word in words.words] == [0, 1, 2, 3]
    assert fake.asked[0].names == ("Amelia",)
    timed = (Word(start_s=1, end_s=9, text=" Hello", probability=1),)
    assert FakeTranscriber(timed).transcribe(audio, AsrOptions()).words[0].end_s == 4


@pytest.mark.weights
@pytest.mark.data
@pytest.mark.slow
def test_both_engines_recognise_as_well_as_the_plain_one(model_path: Path_of, shared_data: Path) -> None:
    """Word errors of one LibriSpeech conversation; over all three together see `scripts/bench accuracy`."""
    import soundfile
    from faster_whisper import WhisperModel

    folder = model_path("whisper-base")
    plain = WhisperModel(str(folder), device="cpu", compute_type="float32", cpu_threads=2, local_files_only=True)
    engines = [load(name, "whisper-base", folder, "cpu", 2) for name in ENGINES]
    path = min((shared_data / "audio" / "librispeech").glob("*.flac"))
    samples, _ = soundfile.read(path, dtype="float32")
    said = " ".join(turn["text"] for turn in json.loads(path.with_suffix(".turns.json").read_text()))
    segments, _ = plain.transcribe(samples, language="en", beam_size=5, condition_on_previous_text=False)
    heard = ["".join(segment.text for segment in segments)]
    heard += [text(one.transcribe(Audio(samples=samples), AsrOptions(language="en"))) for one in engines]
    rates = [word_errors(said, one).rate for one in heard]
    assert max(rates) - min(rates) <= 0.015, rates


@pytest.mark.weights
@pytest.mark.parametrize("engine", ENGINES)
def test_the_rest_of_a_window_after_the_last_word_is_not_made_into_words(
    engine: str, model_path: Path_of, sample_audio: Audio
) -> None:
    """Primed with these names, Whisper wrote thirty words into the last 0.14 s of the call."""
    names = ("Diane", "Abercwmboi")
    words = load(engine, "whisper-base", model_path("whisper-base"), "cpu", 2).transcribe(
        sample_audio, AsrOptions(language="en", names=names)
    )
    assert text(words).rstrip(" .").endswith("New Jersey now")


@pytest.mark.weights
@pytest.mark.data
@pytest.mark.slow
def test_priming_loses_no_speech(model_path: Path_of, shared_data: Path) -> None:
    """Primed with these five names Whisper base left out 151 of 680 words, three stretches of this interview."""
    import soundfile

    samples, _ = soundfile.read(shared_data / "interviews" / "d2_siobhan.flac", dtype="float32")
    said = json.loads((shared_data / "interviews" / "d2_siobhan.json").read_text())["turns"]
    names = ("Siobhan Bristol", "Callum", "Mohammed Iqbal", "Willow Tree Clinic", "Mark Bowen")
    engine = load("faster-whisper", "whisper-base", model_path("whisper-base"), "cpu", 2)
    words = engine.transcribe(Audio(samples=samples), AsrOptions(language="en", names=names))
    errors = word_errors(" ".join(turn["spoken"] for turn in said), text(words))
    assert errors.rate < 0.09
