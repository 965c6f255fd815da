"""Small anonymised transcripts for the exporters' tests."""

import re
from typing import Any

from transcribe.schema import AnonymisedTranscript, Kind, Line, ReviewState, Span, Word

STATEMENT = "Pseudonymised, not anonymous. A key exists and is kept apart from this file."
HOSTILE = "a --> b\n\nNOTE x\x00\x07\u202e<v Eve>]]>&amp;\ufffe\ud800\u2028- \x85&\ufeff "


def words(text: str, start_s: float, end_s: float) -> tuple[Word, ...]:
    """One word for each piece that starts with white space, spread evenly."""
    pieces = re.findall(r"\s*\S+|\s+$", text)
    step_s = (end_s - start_s) / max(1, len(pieces))
    return tuple(
        Word(start_s=start_s + n * step_s, end_s=start_s + (n + 1) * step_s, text=piece, probability=0.9)
        for n, piece in enumerate(pieces)
    )


def line(number: int, speaker: str, text: str, **fields: Any) -> Line:
    """A turn that starts a minute after the one before and lasts `seconds` (5)."""
    start_s = 60.0 * number + 2
    end_s = start_s + fields.pop("seconds", 5.0)
    fields = {"replaced": (), "kept": (), **fields}
    return Line(
        number=number,
        speaker=speaker,
        start_s=start_s,
        end_s=end_s,
        words=words(text, start_s, end_s),
        **fields,
    )


def transcript(*lines: Line, **fields: Any) -> AnonymisedTranscript:
    """A transcript of these turns; any field can be given."""
    given: dict[str, Any] = {
        "recording_id": "R001",
        "language": "en",
        "policy": "default",
        "statement": STATEMENT,
        "review": ReviewState.REVIEWED,
        "settled_on": "2026-03-04",
        "source_digest": "0f" * 32,
        "counts": ((Kind.PERSON, 2), (Kind.ID_NUMBER, 1)),
    }
    return AnonymisedTranscript(lines=lines, **{**given, **fields})


def conversation(**fields: Any) -> AnonymisedTranscript:
    """Three turns, one of them overlapped, with a tag and a kept word."""
    return transcript(
        line(0, "Interviewer", "How was it with [infant]?", replaced=(Span(start=16, end=24, kind=Kind.PERSON),)),
        line(1, "Amelia", "Grace is a fine word.", kept=(Span(start=0, end=5, kind=None),)),
        line(2, "Interviewer", "Yes.", overlapped=True),
        **fields,
    )
