"""Recognition by faster-whisper: CTranslate2, int8 on the CPU, float16 on a GPU.

Only temperature 0, a beam search without sampling. Whisper's usual fall-back to temperatures above 0 draws from
CTranslate2's generator, which is seeded once a thread and not again, so equal runs would give different words. Yet
something must break the loops that Whisper falls into: a window whose text repeats itself (the usual sign, a
compression ratio above 2.4) is decoded again with no five tokens allowed twice. The sample call with tiny.en loops
without it; with base, at Silero's own threshold, no window of the interviews, AMI pieces or that call fell back.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from faster_whisper import WhisperModel
from faster_whisper.vad import VadOptions, get_speech_timestamps

from transcribe.asr import AsrOptions
from transcribe.asr.sections import LONGEST_S, Samples, Section, sections, tidy
from transcribe.errors import EngineError
from transcribe.schema import SAMPLE_RATE_HZ, Audio, MadeBy, Word, Words

SPEECH_THRESHOLD = 0.2
"""Silero's 0.5 leaves out far voices: 7.5 % of the speech of an AMI piece (trn00), none at 0.2. Chosen by coverage of
gold turns; its effect on word errors was not measured apart. Speech that is left out is lost for good."""
TEMPERATURE = 0.0
LOOPING = 2.4
"""Above this zlib ratio a text repeats itself (openai/whisper, transcribe.py)."""
LONGEST_REPEAT = 5
WINDOW = 30 * SAMPLE_RATE_HZ
LANGUAGE_WINDOWS = 4
"""How many windows are heard for the language until one is more likely than not: a recording may begin with noise."""

# Its records can carry what was heard; nothing below an error is anybody's business.
logging.getLogger("faster_whisper").setLevel(logging.ERROR)


def load(model: str, weights: Path, device: str = "cpu", threads: int = 0) -> "FasterWhisper":
    """The engine over a CTranslate2 folder; `device` cpu, cuda or cuda:N. Raises EngineError if it cannot be loaded."""
    return FasterWhisper(model, weights, device, threads)


def speech_regions(samples: Samples) -> list[tuple[int, int]]:
    """Where speech is, by the silero network that faster-whisper carries: half-open sample positions.

    Pauses under two seconds stay in, and 0.4 s of margin: faster-whisper's own values.
    """
    found = get_speech_timestamps(samples, VadOptions(threshold=SPEECH_THRESHOLD))
    return [(region["start"], region["end"]) for region in found]


def language_windows(section: Section) -> list[Samples]:
    """The 30-second windows that the language is detected from."""
    starts = range(0, len(section.samples), WINDOW)[:LANGUAGE_WINDOWS]
    return [section.samples[start : start + WINDOW] for start in starts]


def check_language(language: str | None, known: set[str], model: str) -> None:
    """Raises EngineError for a language that the model does not know; an English-only one would write English."""
    if language is not None and language not in known:
        raise EngineError(
            f"the model {model} does not know the language {language!r}",
            advice="choose another model or language" if len(known) > 1 else "choose a multilingual model",
            stage="recognise",
        )


def failed(error: Exception) -> EngineError:
    """A failure of the library while it decodes; its own message stays in the chain and holds no words."""
    memory = "memory" in str(error).lower()
    return EngineError(
        "recognition ran out of memory" if memory else f"recognition failed ({type(error).__name__})",
        advice="use a smaller model or the CPU" if memory else "try the other engine, and report it",
        stage="recognise",
    )


def file_sha256(path: Path) -> str:
    """The checksum of a file of weights, in hex. Raises EngineError if it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        raise unusable("a file is missing") from None


def unusable(why: str) -> EngineError:
    return EngineError(
        f"the recognition model cannot be loaded: {why}", advice="run `transcribe models verify`", stage="recognise"
    )


def made_by(engine: str, model: str, sha256: str, options: AsrOptions, settings: Mapping[str, str]) -> MadeBy:
    """What made the words; the names are counted only: none may stand here. An engine has its package's name."""
    read = dict(settings) | {
        "beam_size": str(options.beam_size),
        "language": options.language or "detect",
        "longest_section_s": str(LONGEST_S),
        "names_count": str(len(options.names)),
        "speech_threshold": str(SPEECH_THRESHOLD),
    }
    return MadeBy(
        stage="recognise",
        engine=engine,
        version=version(engine),
        model=model,
        model_sha256=sha256,
        options=tuple(sorted(read.items())),
    )


class _WithoutLoops(WhisperModel):  # type: ignore[misc]
    """faster-whisper with a fall-back that is the same every time."""

    def generate_with_fallback(self, encoder_output: Any, prompt: Any, tokenizer: Any, options: Any) -> Any:
        """The (result, average log probability, temperature, compression ratio) of one window."""
        result = super().generate_with_fallback(encoder_output, prompt, tokenizer, options)
        if result[3] <= LOOPING:
            return result
        once = replace(options, no_repeat_ngram_size=LONGEST_REPEAT)
        again = super().generate_with_fallback(encoder_output, prompt, tokenizer, once)
        return min(result, again, key=lambda one: one[3])


class FasterWhisper:
    """A loaded model; safe to use for any number of recordings, one at a time."""

    def __init__(self, model: str, weights: Path, device: str, threads: int) -> None:
        self._name = model
        self._sha256 = file_sha256(weights / "model.bin")
        kind, _, index = device.partition(":")
        self._settings = {
            "compute_type": "int8" if kind == "cpu" else "float16",
            "device": kind,
            "no_repeat_when_looping": str(LONGEST_REPEAT),
            "temperature": str(TEMPERATURE),
        }
        try:
            # faster-whisper would go to the hub for a missing tokenizer, and raises a bare Exception for a damaged one
            json.loads((weights / "tokenizer.json").read_text(encoding="utf-8"))
            self._model = _WithoutLoops(
                str(weights),
                device=kind,
                device_index=int(index or 0),
                compute_type=self._settings["compute_type"],
                cpu_threads=threads,
                local_files_only=True,
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise unusable("the weights are damaged, or the device is not there") from error

    def transcribe(self, audio: Audio, options: AsrOptions) -> Words:
        """Raises EngineError for a language the model does not know, or when the library fails."""
        check_language(options.language, set(self._model.supported_languages), self._name)
        language, probability = options.language, 1.0 if options.language else 0.0
        words: list[Word] = []
        try:
            for section in sections(audio.samples, speech_regions):
                if language is None:
                    language, probability = self._detect(section)
                words.extend(section.place(word) for word in self._decode(section, language, options))
        except (RuntimeError, ValueError) as error:
            raise failed(error) from error
        return Words(
            words=tidy(words, audio.duration_s),
            language=language or "und",
            language_probability=probability,
            made_by=made_by("faster-whisper", self._name, self._sha256, options, self._settings),
        )

    def _detect(self, section: Section) -> tuple[str, float]:
        if not self._model.model.is_multilingual:
            return "en", 1.0
        best = ("en", 0.0)
        for window in language_windows(section):
            language, probability, _ = self._model.detect_language(audio=window)
            best = max(best, (language, float(probability)), key=lambda guess: guess[1])
            if probability > 0.5:
                break
        return best

    def _decode(self, section: Section, language: str, options: AsrOptions) -> Iterator[Word]:
        segments, _ = self._model.transcribe(
            section.samples,
            language=language,
            beam_size=options.beam_size,
            temperature=[TEMPERATURE],
            condition_on_previous_text=False,
            word_timestamps=True,
            hotwords=", ".join(options.names) or None,
        )
        for segment in segments:
            for word in segment.words or ():
                yield Word(
                    start_s=float(word.start),
                    end_s=float(word.end),
                    text=word.word,
                    probability=float(word.probability),
                )
