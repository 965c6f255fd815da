"""Recognition by openai-whisper, the reference implementation: fp32 on the CPU, fp16 on a GPU.

It is given the same sections, beam and language as faster-whisper, and takes the same weights: a CTranslate2 folder
is converted in memory (`checkpoint`), an original checkpoint (`NAME.pt`) is loaded as it is. Its fall-back to sampling
breaks the loops that Whisper falls into, and draws from a seed set for each section: equal runs give equal words. What
is skipped is decoded again by itself: see asr/skipped.py.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import whisper
from whisper.audio import N_SAMPLES, log_mel_spectrogram, pad_or_trim
from whisper.model import ModelDimensions, Whisper
from whisper.tokenizer import LANGUAGES, get_tokenizer

from transcribe import pulse
from transcribe.asr import AsrOptions, checkpoint
from transcribe.asr.common import (
    check_language,
    failed,
    file_sha256,
    is_leftover,
    language_windows,
    made_by,
    most_likely,
    speech_regions,
    unusable,
)
from transcribe.asr.sections import Samples, Section, sections, tidy
from transcribe.asr.skipped import Places, filled, shifted
from transcribe.errors import EngineError
from transcribe.schema import Audio, Word, Words

TEMPERATURES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Whisper's own: tried in turn while a window's text repeats itself or is improbable."""
SEED = 0

# Without Triton's compiler, timing falls back to slower kernels, and says so for every window; on the CPU of a machine
# with a GPU it says that too.
warnings.filterwarnings("ignore", message="Failed to launch Triton kernels", module="whisper")
warnings.filterwarnings("ignore", message="Performing inference on CPU", module="whisper")


def load(model: str, weights: Path, device: str = "cpu", threads: int = 0) -> "OpenaiWhisper":
    """The engine over a CTranslate2 folder, or one with an original `*.pt`. Raises EngineError if it cannot be loaded.

    `device` is cpu, cuda or cuda:N. `threads` is set for the whole process, as PyTorch knows no other way.
    """
    if threads > 0:
        torch.set_num_threads(threads)
    return OpenaiWhisper(model, weights, device)


class OpenaiWhisper:
    """A loaded model; safe to use for any number of recordings, one at a time."""

    def __init__(self, model: str, weights: Path, device: str) -> None:
        original = next(iter(sorted(weights.glob("*.pt"))), None)
        self._name = model
        self._sha256 = file_sha256(original or weights / "model.bin")
        self._fp16 = device.startswith("cuda")
        try:
            self._model = (_original(original) if original else converted(weights)).to(device)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise unusable("the weights are damaged, or the device is not there") from error
        self._model.decoder.register_forward_hook(_beat)
        self._languages = set(list(LANGUAGES)[: self._model.num_languages]) if self._model.is_multilingual else {"en"}

    def transcribe(self, audio: Audio, options: AsrOptions) -> Words:
        """Raises EngineError for a language the model does not know, or when the library fails."""
        check_language(options.language, self._languages, self._name)
        language, probability = options.language, 1.0 if options.language else 0.0
        words: list[Word] = []
        try:
            for section in sections(audio.samples, speech_regions, known=options.speech):
                if language is None:
                    language, probability = self._detect(audio.samples, section.samples)
                words.extend(section.place(word) for word in self._heard(section, language, options))
        except (RuntimeError, ValueError) as error:
            raise failed(error) from error
        settings = {
            "compute_type": "float16" if self._fp16 else "float32",
            "device": self._model.device.type,
            "seed": str(SEED),
            "temperature": " ".join(map(str, TEMPERATURES)),
        }
        return Words(
            words=tidy(words, audio.duration_s),
            language=language or "und",
            language_probability=probability,
            made_by=made_by("openai-whisper", self._name, self._sha256, options, settings),
        )

    def _detect(self, samples: Samples, heard: Samples) -> tuple[str, float]:
        if not self._model.is_multilingual:
            return "en", 1.0
        return most_likely(map(self._guess, language_windows(samples, speech_regions, heard)))

    def _guess(self, window: Samples) -> dict[str, float]:
        """The probability of each language in a window."""
        mel = log_mel_spectrogram(pad_or_trim(window, N_SAMPLES), self._model.dims.n_mels)
        _, probabilities = self._model.detect_language(mel.to(self._model.device))
        return {code: float(probability) for code, probability in probabilities.items()}

    def _heard(self, section: Section, language: str, options: AsrOptions) -> list[Word]:
        """The words of a section, timed in its samples; where it has none for long it is decoded again by itself."""
        unprimed = replace(options, names=())

        def decoded(places: Places) -> Iterator[list[Word]]:
            for first, last in places:
                yield shifted(self._decode(section.samples[first:last], language, unprimed), first)

        return filled(list(self._decode(section.samples, language, options)), section.samples, decoded)

    def _decode(self, samples: Samples, language: str, options: AsrOptions) -> Iterator[Word]:
        with torch.random.fork_rng(devices=[self._model.device] if self._fp16 else []):
            torch.manual_seed(SEED)
            result = whisper.transcribe(
                self._model,
                samples,
                verbose=None,  # False shows a progress bar, True the text
                language=language,
                beam_size=options.beam_size,
                temperature=TEMPERATURES,
                condition_on_previous_text=False,
                initial_prompt=self._prompt(options.names, language),
                carry_initial_prompt=True,  # otherwise the names are known for the first 30 seconds only
                word_timestamps=True,
                fp16=self._fp16,
            )
        for segment in result["segments"]:
            if is_leftover(segment["seek"], samples):
                continue
            for word in segment["words"]:
                yield Word(
                    start_s=float(word["start"]),
                    end_s=float(word["end"]),
                    text=word["word"],
                    probability=float(word["probability"]),
                )

    def _prompt(self, names: tuple[str, ...], language: str) -> str | None:
        """`Names: A, B.`, of as many names as the model can be told: it would drop the first ones, we drop the last."""
        model = self._model
        encode = get_tokenizer(model.is_multilingual, num_languages=model.num_languages, language=language).encode
        for count in range(len(names), 0, -1):
            prompt = f"Names: {', '.join(names[:count])}."
            if len(encode(f" {prompt}")) < model.dims.n_text_ctx // 2:
                return prompt
        return None


def _beat(*_: object) -> None:
    """At every token: a section of ten minutes takes a large model on a slow machine an hour."""
    pulse.beat(pulse.RECOGNITION)


def converted(folder: Path) -> Whisper:
    """The model over converted CTranslate2 weights; its own arithmetic is fp32 on every device, fp16 when cast."""
    made = checkpoint.convert(folder)
    heads = made.alignment_heads
    return _build(made.dims, {key: torch.from_numpy(np.array(value)) for key, value in made.state.items()}, heads)


def _original(path: Path) -> Whisper:
    """The model over an original checkpoint; its alignment heads are known by the file's name, such as small.pt."""
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    model = _build(loaded["dims"], loaded["model_state_dict"], None)
    known = whisper._ALIGNMENT_HEADS.get(path.stem)
    if known is not None:
        model.set_alignment_heads(known)
    return model


def _build(dims: Mapping[str, Any], state: dict[str, Any], heads: tuple[tuple[int, int], ...] | None) -> Whisper:
    """Raises EngineError when `state` is not exactly what `dims` ask for, or a head is none of the decoder's."""
    model = Whisper(ModelDimensions(**dims))
    try:
        model.load_state_dict(state, strict=True)
        if heads is not None:
            mask = torch.zeros(dims["n_text_layer"], dims["n_text_head"], dtype=torch.bool)
            for layer, head in heads:
                mask[layer, head] = True
            model.register_buffer("alignment_heads", mask.to_sparse(), persistent=False)
    except (RuntimeError, IndexError):
        raise EngineError("the weights are not those of a Whisper model", stage="recognise") from None
    return model.eval()
