"""Recognition by faster-whisper: CTranslate2, float16 on a GPU; on the CPU float32, and int8 for large models.

Whisper base in int8 makes 10.96 % word errors on the three LibriSpeech conversations of the development data where
float32 makes 9.74 %, as openai-whisper does (9.64 %), and on two cores of an AMD EPYC it saves little time (54 to 64 s
against 66 s). A wrong word misquotes somebody, so the exact arithmetic is taken wherever the memory allows.

Only temperature 0, a beam search without sampling. Whisper's usual fall-back to temperatures above 0 draws from
CTranslate2's generator, which is seeded once a thread and not again, so equal runs would give different words. Yet
something must break the loops that Whisper falls into: a window whose text repeats itself (the usual sign, a
compression ratio above 2.4) is decoded again with no five tokens allowed twice. The sample call with tiny.en loops
without it; with base, at Silero's own threshold, no window of the interviews, AMI pieces or that call fell back.

Names that it is primed with can make Whisper go on with their list and leave out all that was said in a window. Where
a primed window has little text it is decoded again without the names, and the richer text is taken. A stretch of three
seconds of what Silero calls speech without a word, primed or not, is decoded by itself.
"""

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from transcribe.asr import AsrOptions
from transcribe.asr.common import (
    check_language,
    failed,
    file_sha256,
    is_leftover,
    language_windows,
    made_by,
    speech_regions,
    unusable,
)
from transcribe.asr.scoring import LONGEST_S, Passage, mended, tokens, total
from transcribe.asr.sections import Section, sections, tidy, unsaid
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Word, Words

LARGE_BYTES = 1_000_000_000
"""Weights (fp16) of this size, Whisper medium and large, would take gigabytes in float32."""
TEMPERATURE = 0.0
LOOPING = 2.4
"""Above this zlib ratio a text repeats itself (openai/whisper, transcribe.py)."""
LONGEST_REPEAT = 5
SPARSE = 60
"""Fewer text tokens than this in a window of 30 s is less than two thirds of ordinary talk (about 100)."""
RICHER = 1.3
BELIEVED = 0.5
"""Mean probability of words in a stretch that had none: below it they are as likely invented from noise."""

# Its records can carry what was heard; nothing below an error is anybody's business.
logging.getLogger("faster_whisper").setLevel(logging.ERROR)


def load(model: str, weights: Path, device: str = "cpu", threads: int = 0) -> "FasterWhisper":
    """The engine over a CTranslate2 folder; `device` cpu, cuda or cuda:N. Raises EngineError if it cannot be loaded."""
    return FasterWhisper(model, weights, device, threads)


def _compute_type(device: str, weights: Path) -> str:
    if device != "cpu":
        return "float16"
    return "float32" if weights.stat().st_size < LARGE_BYTES else "int8"


class _WithoutLoops(WhisperModel):  # type: ignore[misc]
    """faster-whisper with a fall-back that is the same every time."""

    def generate_with_fallback(self, encoder_output: Any, prompt: Any, tokenizer: Any, options: Any) -> Any:
        """The (result, average log probability, temperature, compression ratio) of one window."""
        result = self._decode(encoder_output, prompt, tokenizer, options)
        if prompt[0] != tokenizer.sot_prev or (count := _text_tokens(result, tokenizer)) >= SPARSE:
            return result
        unprimed = self._decode(encoder_output, prompt[prompt.index(tokenizer.sot) :], tokenizer, options)
        return unprimed if _text_tokens(unprimed, tokenizer) > RICHER * count else result

    def _decode(self, encoder_output: Any, prompt: Any, tokenizer: Any, options: Any) -> Any:
        result = super().generate_with_fallback(encoder_output, prompt, tokenizer, options)
        if result[3] <= LOOPING:
            return result
        once = replace(options, no_repeat_ngram_size=LONGEST_REPEAT)
        again = super().generate_with_fallback(encoder_output, prompt, tokenizer, once)
        return min(result, again, key=lambda one: one[3])


def _text_tokens(result: Any, tokenizer: Any) -> int:
    """How many tokens of text a window has; timestamps are above the end token."""
    return sum(token < tokenizer.eot for token in result[0].sequences_ids[0])


class FasterWhisper:
    """A loaded model; safe to use for any number of recordings, one at a time."""

    def __init__(self, model: str, weights: Path, device: str, threads: int) -> None:
        self._name = model
        self._sha256 = file_sha256(weights / "model.bin")
        kind, _, index = device.partition(":")
        self._settings = {
            "compute_type": _compute_type(kind, weights / "model.bin"),
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
                words.extend(section.place(word) for word in self._heard(section, language, options))
        except (RuntimeError, ValueError) as error:
            raise failed(error) from error
        return Words(
            words=tidy(words, audio.duration_s),
            language=language or "und",
            language_probability=probability,
            made_by=made_by("faster-whisper", self._name, self._sha256, options, self._settings),
        )

    def score(self, audio: Audio, passage: Passage) -> tuple[float, ...]:
        """See `scoring.Scorer`. Raises EngineError when the library fails."""
        try:
            return self._score(audio, passage)
        except (RuntimeError, ValueError) as error:
            raise failed(error) from error

    def _score(self, audio: Audio, passage: Passage) -> tuple[float, ...]:
        first, last = (int(edge * SAMPLE_RATE_HZ) for edge in (passage.start_s, passage.end_s))
        samples = audio.samples[max(first, 0) : min(last, max(first, 0) + int(LONGEST_S * SAMPLE_RATE_HZ))]
        frames = len(samples) // self._model.feature_extractor.hop_length
        if frames < 2 or not passage.readings:
            return (0.0,) * len(passage.readings)
        features = self._model.feature_extractor(samples)[np.newaxis, :, :frames]
        encoded = self._model.model.encode(StorageView.from_array(np.ascontiguousarray(features)), to_cpu=True)
        each = np.repeat(np.asarray(encoded), len(passage.readings), axis=0)
        start = self._start(passage)
        before = tokens(self._tokenizer, passage.before)
        texts = [[*before, *tokens(self._tokenizer, reading + passage.after)] for reading in passage.readings]
        results = self._model.model.align(StorageView.from_array(each), start, texts, [frames] * len(texts))
        return tuple(total(result.text_token_probs[len(before) :]) for result in results)

    @cached_property
    def _tokenizer(self) -> Any:
        return mended(self._model.hf_tokenizer)

    def _start(self, passage: Passage) -> list[int]:
        """What the decoder is given before the text: the names as text that went before, then language and task."""
        multilingual = self._model.model.is_multilingual
        told = Tokenizer(self._model.hf_tokenizer, multilingual, task="transcribe", language=passage.language)
        names = tokens(self._tokenizer, f" {', '.join(passage.names)}") if passage.names else []
        return [*([told.sot_prev] if names else []), *names, *told.sot_sequence]

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

    def _heard(self, section: Section, language: str, options: AsrOptions) -> list[Word]:
        """The words of a section, timed in its samples; where it has none for long it is decoded again by itself."""
        words = list(self._decode(section, language, options))
        for start_s, end_s in unsaid(words, len(section.samples) / SAMPLE_RATE_HZ):
            first, last = int(start_s * SAMPLE_RATE_HZ), int(end_s * SAMPLE_RATE_HZ)
            gap = replace(section, samples=section.samples[first:last])
            missed = list(self._decode(gap, language, replace(options, names=())))
            if missed and sum(word.probability for word in missed) / len(missed) >= BELIEVED:
                words += [replace(w, start_s=w.start_s + start_s, end_s=w.end_s + start_s) for w in missed]
        return sorted(words, key=lambda word: word.start_s)

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
            if is_leftover(segment.seek, section):
                continue
            for word in segment.words or ():
                yield Word(
                    start_s=float(word.start),
                    end_s=float(word.end),
                    text=word.word,
                    probability=float(word.probability),
                )
