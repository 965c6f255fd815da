"""Diarisation: sound to turns. An engine is one verb behind `Diariser`, found at the door `transcribe.diarise`."""

from pathlib import Path
from typing import Protocol

from transcribe import plugins
from transcribe.schema import Audio, Quiet, SpeakerBounds, Turns, record

Regions = tuple[tuple[float, float], ...]
"""Half-open stretches in seconds, sorted and disjoint."""


@record
class Segmented(Quiet):
    """Where anybody speaks, made once and used three times: for recognition, for the turns, for overlaps.

    `speech`: where anybody may be speaking: what recognition need not hear lies outside, and nothing is left out
    lightly. `frames` and `shape`: what the engine itself goes on from, in its own form; empty where it needs
    nothing. `non_speech`: loud stretches outside `speech` (see `non_speech`), None while nobody listened for any.
    """

    speech: Regions
    frames: str = ""
    shape: tuple[int, ...] = ()
    non_speech: Regions | None = None


class Diariser(Protocol):
    """Says who speaks when; labels S1, S2, ... in order of first speech. Nobody speaks: no turns."""

    def segment(self, audio: Audio) -> Segmented: ...

    def diarise(self, audio: Audio, bounds: SpeakerBounds, segmented: Segmented) -> Turns:
        """The turns of a recording that this engine segmented."""
        ...


def load(engine: str, weights: tuple[Path, ...], device: str = "cpu", threads: int = 0) -> Diariser:
    """The engine of that name over verified weight folders (pyannote: segmentation, embedding).

    `threads` 0 = all cores. Raises EngineError for an unknown engine or weights it cannot load.
    """
    diariser: Diariser = plugins.load("transcribe.diarise", engine)(weights, device, threads)
    return diariser
