"""What both recognition engines share: where speech is, which windows tell the language, and what they answer for."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
from faster_whisper.vad import VadOptions, get_speech_timestamps

from transcribe.asr import AsrOptions
from transcribe.asr.sections import LONGEST_S, Regions, Samples
from transcribe.errors import EngineError
from transcribe.schema import SAMPLE_RATE_HZ, MadeBy

SPEECH_THRESHOLD = 0.2
"""Silero's 0.5 leaves out far voices: 7.5 % of the speech of an AMI piece (trn00), none at 0.2. Chosen by coverage of
gold turns; its effect on word errors was not measured apart. Speech that is left out is lost for good."""
MARGIN_S = 0.4
"""What faster-whisper's use of Silero leaves on both sides of speech."""
WINDOW = 30 * SAMPLE_RATE_HZ
LANGUAGE_WINDOWS = 6
"""How many windows are heard for the language: a recording may begin with noise, or with words of another language."""
LEAST = 3 * SAMPLE_RATE_HZ
"""Less speech than this in a window says little, and is often a noise."""
SEARCHED = 4 * WINDOW
"""How much sound is searched for speech around the place of a window."""


def speech_regions(samples: Samples) -> list[tuple[int, int]]:
    """Where speech is, by the silero network that faster-whisper carries: half-open sample positions.

    Pauses under two seconds stay in, and 0.4 s of margin: faster-whisper's own values.
    """
    found = get_speech_timestamps(samples, VadOptions(threshold=SPEECH_THRESHOLD))
    return [(region["start"], region["end"]) for region in found]


def language_windows(samples: Samples, speech: Callable[[Samples], Regions], heard: Samples) -> list[Samples]:
    """Up to LANGUAGE_WINDOWS windows of up to 30 s of speech each that the language is detected from.

    The whole recording is divided into equal parts of 30 s or more, and the speech around the middle of each is taken;
    where there is hardly any, there is no window. `speech` is as `sections` wants it, and asked for SEARCHED samples at
    most. `heard` is speech that is known of, for a recording with none at these places.
    """
    count = min(LANGUAGE_WINDOWS, max(1, len(samples) // WINDOW))
    windows = []
    for part in range(count):
        first, last = len(samples) * part // count, len(samples) * (part + 1) // count
        start = max(first, (first + last - SEARCHED) // 2)
        stretch = samples[start : min(last, start + SEARCHED)]
        spoken = [stretch[begin:end] for begin, end in speech(stretch)]
        if sum(map(len, spoken)) >= LEAST:
            windows.append(np.concatenate(spoken)[:WINDOW])
    return windows or [heard[:WINDOW]]


def most_likely(guesses: Iterable[Mapping[str, float]]) -> tuple[str, float]:
    """The language with the greatest sum of probabilities over all windows, and the mean of its probabilities.

    Each guess has the probabilities of a window by language code. One window of noise, which Whisper may take for any
    language with much confidence, is outvoted. Raises ValueError where there is no guess.
    """
    windows = tuple(guesses)
    sums = {code: sum(window.get(code, 0.0) for window in windows) for window in windows for code in window}
    best = min(sums, key=lambda code: (-sums[code], code))
    return best, sums[best] / len(windows)


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
        "speech": f"silero {SPEECH_THRESHOLD}" if options.speech is None else "segmentation",
    }
    return MadeBy(
        stage="recognise",
        engine=engine,
        version=version(engine),
        model=model,
        model_sha256=sha256,
        options=tuple(sorted(read.items())),
    )


def is_leftover(seek: int, samples: Samples) -> bool:
    """Whether a window that begins at `seek` (frames of 10 ms) holds less than the margin that Silero leaves at an end.

    Where Whisper ends its last sentence a little before the sound ends, it is given that rest as a window of its own,
    and invents: 30 words in 0.14 s of the sample call, more likely so when it is primed with names.
    """
    return seek > 0 and len(samples) / SAMPLE_RATE_HZ - seek / 100 < MARGIN_S
