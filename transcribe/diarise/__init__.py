"""Diarisation: sound to turns. An engine is one verb behind `Diariser`, found at the door `transcribe.diarise`."""

from pathlib import Path
from typing import Protocol

from transcribe import plugins
from transcribe.schema import Audio, SpeakerBounds, Turns

Regions = tuple[tuple[float, float], ...]
"""Half-open stretches in seconds, sorted and disjoint."""


class Diariser(Protocol):
    """Says who speaks when; labels S1, S2, ... in order of first speech. Nobody speaks: no turns."""

    def speech(self, audio: Audio) -> Regions:
        """Where anybody may be speaking: what recognition need not hear lies outside. Nothing is left out lightly."""
        ...

    def diarise(self, audio: Audio, bounds: SpeakerBounds) -> Turns: ...


def load(engine: str, weights: tuple[Path, ...], device: str = "cpu", threads: int = 0) -> Diariser:
    """The engine of that name over verified weight folders (pyannote: segmentation, embedding).

    `threads` 0 = all cores. Raises EngineError for an unknown engine or weights it cannot load.
    """
    diariser: Diariser = plugins.load("transcribe.diarise", engine)(weights, device, threads)
    return diariser
