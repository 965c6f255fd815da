"""Word errors that count who said it: the concatenated minimum-permutation word error rate.

All that a speaker said is one text; hypothesis speakers are given to reference speakers, one to one, so that the errors
are fewest. A renamed label costs nothing, a word given to the wrong speaker costs two errors: one is missing here and
one too many there. Definition: Watanabe et al., "CHiME-6 Challenge", 2020, section 4.2; computed by meeteval (von
Neumann et al., "MeetEval: A Toolkit for Computation of Word Error Rates for Meeting Transcription Systems", 2023).
"""

from collections.abc import Mapping
from typing import Any

from transcribe.errors import StudyError
from transcribe.evaluate.wer import ErrorCounts, normalised
from transcribe.schema import Quiet, record

MOST_SPEAKERS = 20
"""meeteval's own limit."""


@record
class SpeakerErrors(Quiet):
    """Word errors by speaker, and how the speakers were matched; all of it adds over recordings.

    `assigned`: pairs of a reference and a hypothesis speaker; `missed`: reference speakers left without one;
    `invented`: hypothesis speakers left over. Speakers who say no word are none.
    """

    errors: ErrorCounts = ErrorCounts()
    assigned: int = 0
    missed: int = 0
    invented: int = 0

    def __add__(self, other: "SpeakerErrors") -> "SpeakerErrors":
        return SpeakerErrors(
            errors=self.errors + other.errors,
            assigned=self.assigned + other.assigned,
            missed=self.missed + other.missed,
            invented=self.invented + other.invented,
        )

    @property
    def rate(self) -> float:
        """Errors per reference word; see `ErrorCounts.rate`."""
        return self.errors.rate


def speaker_errors(reference: Mapping[str, str], hypothesis: Mapping[str, str]) -> SpeakerErrors:
    """The errors of what each speaker said against what she is said to have said, both normalised as for the WER.

    Raises StudyError for more than 20 speakers on a side, or where meeteval is not installed.
    """
    said, heard = _texts(reference), _texts(hypothesis)
    if max(len(said), len(heard)) > MOST_SPEAKERS:
        raise StudyError(f"there are more than {MOST_SPEAKERS} speakers", advice="check the speaker column")
    found = _meeteval()(said, heard, reference_sort=False, hypothesis_sort=False)
    assigned = sum(one is not None and other is not None for one, other in found.assignment)
    return SpeakerErrors(
        errors=ErrorCounts(
            substitutions=found.substitutions,
            deletions=found.deletions,
            insertions=found.insertions,
            words=found.length,
        ),
        assigned=assigned,
        missed=len(said) - assigned,
        invented=len(heard) - assigned,
    )


def _texts(speech: Mapping[str, str]) -> dict[str, str]:
    """Normalised texts of those who say anything."""
    texts = {speaker: normalised(text) for speaker, text in speech.items()}
    return {speaker: text for speaker, text in texts.items() if text}


def _meeteval() -> Any:
    try:
        from meeteval.wer import cp_word_error_rate
    except ImportError:
        advice = "install a C++ compiler (apt-get install g++ python3-dev) and run `scripts/setup --dev`"
        raise StudyError("meeteval is not installed", advice=advice) from None
    return cp_word_error_rate
