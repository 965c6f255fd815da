"""Recognition by faster-whisper: CTranslate2, float16 on a GPU; on the CPU float32, and int8 for large models.

Whisper base in int8 makes 10.96 % word errors on the three LibriSpeech conversations of the development data where
float32 makes 9.74 %, as openai-whisper does (9.64 %), and on two cores of an AMD EPYC it saves little time (54 to 64 s
against 66 s). A wrong word misquotes somebody, so the exact arithmetic is taken wherever the memory allows.

Windows of up to 30 s, cut at pauses, are decoded several at once: see asr/windows.py. What is skipped is decoded again
by itself: see asr/skipped.py.
"""

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer

from transcribe import pulse
from transcribe.asr import AsrOptions
from transcribe.asr.common import (
    check_language,
    failed,
    file_sha256,
    language_windows,
    made_by,
    most_likely,
    speech_regions,
    unusable,
)
from transcribe.asr.scoring import LONGEST_S, Passage, mended, tokens, total
from transcribe.asr.sections import Samples, Section, sections, tidy
from transcribe.asr.skipped import Places, filled, shifted, windows
from transcribe.asr.windows import LONGEST_REPEAT, Windows
from transcribe.schema import SAMPLE_RATE_HZ, Audio, Word, Words

LARGE_BYTES = 1_000_000_000
"""Weights (fp16) of this size, Whisper medium and large, would take gigabytes in float32."""
AT_ONCE = {"cpu": 2, "cuda": 16}
"""Windows that are decoded together; where a GPU's memory is too short, fewer."""
WORKERS = 8
"""Batches that are decoded at the same time on a CPU, at most: each on its own thread two do more than one on two."""

# Its records can carry what was heard; nothing below an error is anybody's business.
logging.getLogger("faster_whisper").setLevel(logging.ERROR)


def load(model: str, weights: Path, device: str = "cpu", threads: int = 0) -> "FasterWhisper":
    """The engine over a CTranslate2 folder; `device` cpu, cuda or cuda:N. Raises EngineError if it cannot be loaded."""
    return FasterWhisper(model, weights, device, threads)


def _compute_type(device: str, weights: Path) -> str:
    if device != "cpu":
        return "float16"
    return "float32" if weights.stat().st_size < LARGE_BYTES else "int8"


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
            "temperature": "0",
            "windows_at_once": str(AT_ONCE[kind]),
        }
        cores = threads or len(os.sched_getaffinity(0))
        workers = min(cores, WORKERS) if kind == "cpu" else 1
        try:
            # faster-whisper would go to the hub for a missing tokenizer, and raises a bare Exception for a damaged one
            json.loads((weights / "tokenizer.json").read_text(encoding="utf-8"))
            self._model = WhisperModel(
                str(weights),
                device=kind,
                device_index=int(index or 0),
                compute_type=self._settings["compute_type"],
                cpu_threads=max(1, cores // workers),
                num_workers=workers,
                local_files_only=True,
            )
        except (OSError, RuntimeError, ValueError) as error:
            raise unusable("the weights are damaged, or the device is not there") from error
        self._windows = Windows(self._model, AT_ONCE[kind], workers)

    def transcribe(self, audio: Audio, options: AsrOptions) -> Words:
        """Raises EngineError for a language the model does not know, or when the library fails."""
        check_language(options.language, set(self._model.supported_languages), self._name)
        language, probability = options.language, 1.0 if options.language else 0.0
        words: list[Word] = []
        try:
            for section in sections(audio.samples, speech_regions, known=options.speech):
                if language is None:
                    language, probability = self._detect(audio.samples, section.samples)
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
        pulse.beat(pulse.RECOGNITION)
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

    def _detect(self, samples: Samples, heard: Samples) -> tuple[str, float]:
        if not self._model.model.is_multilingual:
            return "en", 1.0
        return most_likely(
            {code: float(probability) for code, probability in self._model.detect_language(audio=window)[2]}
            for window in language_windows(samples, speech_regions, heard)
        )

    def _heard(self, section: Section, language: str, options: AsrOptions) -> list[Word]:
        """The words of a section, timed in its samples; where it has none for long it is decoded again by itself."""
        whole = windows(section.samples, 0, len(section.samples))
        words = [word for some in self._decoded(section, whole, language, options) for word in some]
        unprimed = replace(options, names=())
        return filled(words, section.samples, lambda places: self._decoded(section, places, language, unprimed))

    def _decoded(self, section: Section, places: Places, language: str, options: AsrOptions) -> Iterator[list[Word]]:
        """Of each of the half-open sample ranges its words, timed in the section."""
        pieces = [section.samples[first:last] for first, last in places]
        for (first, _), words in zip(places, self._windows.words(pieces, language, options), strict=True):
            yield shifted(words, first)
