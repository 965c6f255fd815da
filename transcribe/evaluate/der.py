"""Diarisation errors as counts that add, without a collar and with overlap counted; and turns as RTTM.

Definition: NIST RT-09 evaluation plan, section 4.1, with a collar of 0 as in DIHARD; computed by pyannote.metrics.
RTTM: the same plan, appendix A.
"""

import math
from typing import TYPE_CHECKING

from transcribe.schema import Quiet, Turn, record

if TYPE_CHECKING:
    from pyannote.core import Annotation


@record
class DiarisationErrors(Quiet):
    """Seconds of speech wrongly put, which add; the rate is taken last. `total_s`: all speech in the reference."""

    false_alarm_s: float = 0.0
    missed_s: float = 0.0
    confusion_s: float = 0.0
    total_s: float = 0.0

    def __add__(self, other: "DiarisationErrors") -> "DiarisationErrors":
        return DiarisationErrors(
            false_alarm_s=self.false_alarm_s + other.false_alarm_s,
            missed_s=self.missed_s + other.missed_s,
            confusion_s=self.confusion_s + other.confusion_s,
            total_s=self.total_s + other.total_s,
        )

    @property
    def rate(self) -> float:
        """The diarisation error rate; without any speech in the reference 0, or infinite if some was heard."""
        wrong_s = self.false_alarm_s + self.missed_s + self.confusion_s
        if self.total_s == 0:
            return float("inf") if wrong_s else 0.0
        return wrong_s / self.total_s


def diarisation_errors(reference: tuple[Turn, ...], hypothesis: tuple[Turn, ...]) -> DiarisationErrors:
    """The errors of a hypothesis under the best one-to-one mapping of its labels to the reference's speakers.

    Scored is everything from the first start to the last end in either.
    """
    from pyannote.core import Segment, Timeline
    from pyannote.metrics.diarization import DiarizationErrorRate

    both = [turn for turn in (*reference, *hypothesis) if turn.end_s > turn.start_s]
    if not both:
        return DiarisationErrors()
    scored = Timeline([Segment(min(turn.start_s for turn in both), max(turn.end_s for turn in both))])
    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    found = metric.compute_components(_annotation(reference), _annotation(hypothesis), uem=scored)
    return DiarisationErrors(
        false_alarm_s=found["false alarm"],
        missed_s=found["missed detection"],
        confusion_s=found["confusion"],
        total_s=found["total"],
    )


def _annotation(turns: tuple[Turn, ...]) -> "Annotation":
    from pyannote.core import Annotation, Segment

    annotation = Annotation()
    for number, turn in enumerate(turns):
        if turn.end_s > turn.start_s:
            annotation[Segment(turn.start_s, turn.end_s), number] = turn.speaker
    return annotation.support()  # what a speaker says twice at a time is speech once


def read_rttm(text: str) -> tuple[Turn, ...]:
    """The turns of an RTTM text of one recording, sorted by start; other kinds of line and comments are passed over.

    Raises ValueError with the number of a SPEAKER line that has too few fields, no times or a negative length.
    """
    turns = []
    for number, line in enumerate(text.splitlines(), 1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            continue
        try:
            start_s, duration_s, speaker = float(fields[3]), float(fields[4]), fields[7]
        except (IndexError, ValueError):
            raise ValueError(f"RTTM line {number} is not a SPEAKER line of ten fields") from None
        if not (math.isfinite(start_s) and math.isfinite(duration_s) and duration_s >= 0):
            raise ValueError(f"RTTM line {number} has no real times, or ends before it starts")
        turns.append(Turn(start_s=start_s, end_s=start_s + duration_s, speaker=speaker))
    return tuple(sorted(turns, key=lambda turn: (turn.start_s, turn.end_s)))


def write_rttm(recording_id: str, turns: tuple[Turn, ...]) -> str:
    """The turns as RTTM, one line each, to the millisecond."""
    lines = []
    for turn in turns:
        times = f"{turn.start_s:.3f} {turn.end_s - turn.start_s:.3f}"
        lines.append(f"SPEAKER {recording_id} 1 {times} <NA> <NA> {turn.speaker} <NA> <NA>\n")
    return "".join(lines)
