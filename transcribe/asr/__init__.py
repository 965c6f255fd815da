"""Recognition: sound to words. An engine is one verb behind `Transcriber`, found at the door `transcribe.asr`."""

from pathlib import Path
from typing import Protocol

from transcribe import plugins
from transcribe.schema import Audio, Words, record


@record
class AsrOptions:
    """What recognition reads. `language` None = detected; `names` prime the recogniser.

    `speech`: where to listen, half-open stretches in seconds, sorted and disjoint; None = the engine finds out itself.
    `lean`: how many times to halve what is decoded at once, where memory was short before.
    """

    language: str | None = None
    names: tuple[str, ...] = ()
    beam_size: int = 5
    speech: tuple[tuple[float, float], ...] | None = None
    lean: int = 0


class Transcriber(Protocol):
    """Turns sound into words, in order, times in seconds from the start of `audio`."""

    def transcribe(self, audio: Audio, options: AsrOptions) -> Words: ...


def load(engine: str, model: str, weights: Path, device: str = "cpu", threads: int = 0) -> Transcriber:
    """The engine of that name over the verified `weights` folder of the registry entry `model`.

    `threads` 0 = all cores. Raises EngineError for an unknown engine or weights it cannot load.
    """
    transcriber: Transcriber = plugins.load("transcribe.asr", engine)(model, weights, device, threads)
    return transcriber
