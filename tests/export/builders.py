"""Small anonymised transcripts for the exporters' tests, and awkward ones for their properties."""

import re
from typing import Any

from hypothesis import strategies as st

from transcribe.export.layout import one_line
from transcribe.schema import AnonymisedTranscript, Case, Kind, Line, MadeBy, ReviewState, Span, Word

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


# --- awkward text ---------------------------------------------------------------------------------------------------

# What formats take for something else. No character is outside the basic plane: these are gone before any export.
_WORDS = "#TEXT #00:00:01-0# [00:00:01] @@ ## ]]> --> &amp; a: Amelia: {b} =1+1 Zoë e\u0301 \u05d0\u05d1 well yes"
_CHARACTERS = "'\"#*[]<>&.;,|`%\\ \t\n\r\x00\x85\xa0\u200d\u2019\u2026\u2014\u2028\ufffd"
_PIECES = st.sampled_from([*_WORDS.split(" "), *_CHARACTERS, ". "])
AWKWARD = st.lists(_PIECES, max_size=12).map("".join)


@st.composite
def awkward_transcripts(draw: st.DrawFn, **fields: Any) -> AnonymisedTranscript:
    """Turns of awkward text, some of them empty, each perhaps with a replacement that can be told by its kind."""
    lines = []
    for number in range(1, draw(st.integers(0, 4)) + 1):
        before, after = draw(AWKWARD), draw(AWKWARD)
        tag = draw(st.sampled_from(["", " [infant]", " Amelia"]))
        start = len(before) + 1
        spans = (Span(start=start, end=start + len(tag) - 1, kind=Kind.PERSON, case="c1"),) if tag else ()
        speaker = draw(st.sampled_from(["Interviewer", "Amelia", "Speaker 2", "Zoë"]))
        overlapped = draw(st.booleans())
        lines.append(line(number, speaker, before + tag + after, replaced=spans, overlapped=overlapped))
    return transcript(*lines, **fields)


def turns(made: AnonymisedTranscript) -> list[tuple[str, str]]:
    """(speaker, text) of each turn as every format has to give it back."""
    return [(one_line(one.speaker), one_line(one.text)) for one in made.lines]


def study() -> tuple[AnonymisedTranscript, ...]:
    """Two interviews of a study with people, attributes, topics and what made them."""
    amelia = Case(
        key="a1" * 32, kind=Kind.PERSON, name="Amelia", role="participant", label="Amelia", relation="",
        attributes=(("age band", "30-39"), ("education", "degree")),
    )  # fmt: skip
    infant = Case(key="b2" * 32, kind=Kind.PERSON, name="Infant", role="infant", relation="daughter")
    made_by = (
        MadeBy(
            stage="recognise", engine="faster-whisper", version="1.2.1", model="whisper-base", model_sha256="ab" * 32
        ),
    )
    first = conversation(
        cases=(amelia, infant),
        variables=(("wave", "1"),),
        topics=((0.0, "Pregnancy"),),
        made_by=made_by,
        duration_s=130.0,
    )
    second = transcript(
        line(0, "Interviewer", "And now?"),
        line(1, "Amelia", "I told [partner] about Zoë & all.", replaced=(Span(start=7, end=16, kind=Kind.PERSON),)),
        recording_id="R002", cases=(amelia,), variables=(("wave", "2"),), made_by=made_by, duration_s=70.0,
    )  # fmt: skip
    return first, second
