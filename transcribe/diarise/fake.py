"""A diariser without a model: turns of equal length, taken in turn. For tests of everything that comes after."""

from pathlib import Path

from transcribe.diarise import Segmented
from transcribe.schema import Audio, MadeBy, SpeakerBounds, Turn, Turns


class FakeDiariser:
    """Answers with prepared turns, or with as many voices as allowed (two where open) taking turns of equal length."""

    def __init__(self, turns: tuple[Turn, ...] | None = None, *, turn_s: float = 2.0) -> None:
        """`turns`: the prepared answer, free of overlap, or None; `turn_s`: seconds of a turn otherwise."""
        self._turns = turns
        self._turn_s = turn_s

    def segment(self, audio: Audio) -> Segmented:
        return Segmented(speech=((0.0, audio.duration_s),) if audio.duration_s else ())

    def diarise(self, audio: Audio, bounds: SpeakerBounds, segmented: Segmented) -> Turns:
        turns = self._taken_in_turn(audio.duration_s, bounds) if self._turns is None else self._turns
        made_by = MadeBy(stage="diarise", engine="fake", version="1", model="none", model_sha256="")
        return Turns(all=turns, exclusive=turns, made_by=made_by)

    def _taken_in_turn(self, duration_s: float, bounds: SpeakerBounds) -> tuple[Turn, ...]:
        voices = bounds.at_most or max(bounds.at_least or 2, 1)
        starts = [i * self._turn_s for i in range(int(-(-duration_s // self._turn_s)))]
        return tuple(
            Turn(start_s=start, end_s=min(start + self._turn_s, duration_s), speaker=f"S{i % voices + 1}")
            for i, start in enumerate(starts)
        )


def load(weights: tuple[Path, ...], device: str = "cpu", threads: int = 0) -> FakeDiariser:
    """A fake diariser; it reads none of its arguments."""
    return FakeDiariser()
