"""What the written formats share: the header that every file carries, time stamps, and text made safe to write."""

import re
import unicodedata

from transcribe.schema import AnonymisedTranscript, Line, ReviewState

# MAXQDA reads everything up to a colon within this many characters of a paragraph's start as a speaker (FORMATS 1.4).
SPEAKER_REACH = 63
OVERLAP_MARK = "(overlapping)"
NO_SOUND = "This file holds text alone. The recording and the voices in it are not included."
SOUND = "In the sound beside this file names are covered. The voices still identify, disguised or not."

_STATES = {
    ReviewState.UNREVIEWED: "UNREVIEWED - no person has checked these replacements.",
    ReviewState.REVIEWED: "REVIEWED - a person has settled these replacements.",
}
# Zero-width (non-)joiners spell words in Persian and Indic scripts; all other format characters only hide or reorder.
_JOINERS = "\u200c\u200d"


def clean(text: str) -> str:
    """The text without characters that could break a file or hide a word in it; white space becomes plain spaces.

    Works on each character alone, so that `len(clean(text[:n]))` carries an offset over. Left out: controls (C0, C1),
    surrogates, non-characters (XML 1.0, section 2.2) and format characters, bidirectional ones included (UAX 9).
    """
    return text if text.isascii() and text.isprintable() else text.translate(_CLEAN)


class _Clean(dict[int, int | str | None]):
    """Code point to what is written for it, worked out when it is first met."""

    def __missing__(self, code: int) -> int | str | None:
        char = chr(code)
        self[code] = " " if char.isspace() else code if _is_safe(char) else None
        return self[code]


_CLEAN = _Clean()


def _is_safe(char: str) -> bool:
    if char in _JOINERS:
        return True
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs") and ord(char) & 0xFFFE != 0xFFFE


def one_line(text: str) -> str:
    """The cleaned text with single spaces, none at its ends."""
    return " ".join(clean(text).split())


def speech(line: Line) -> str:
    """What a turn's paragraph says after its speaker label; overlapped turns say so in round brackets."""
    text = one_line(line.text)
    return f"{OVERLAP_MARK} {text}".rstrip() if line.overlapped else text


def stamp(time_s: float) -> str:
    """Seconds as `[hh:mm:ss]`, cut to the whole second, as players seek (FORMATS 1.2, 1.3, 1.5)."""
    whole = max(0, int(time_s))
    return f"[{whole // 3600:02}:{whole % 3600 // 60:02}:{whole % 60:02}]"


def review_line(transcript: AnonymisedTranscript) -> str:
    """One sentence on whether a person has looked."""
    return _STATES[transcript.review]


def header_lines(transcript: AnonymisedTranscript) -> tuple[str, ...]:
    """The lines before the first turn, none of which a coding tool takes for a speaker."""
    counts = ", ".join(f"{kind.value.replace('_', ' ')} {count}" for kind, count in transcript.counts)
    lines = (
        f"Transcript {transcript.recording_id}",
        transcript.statement,
        review_line(transcript),
        f"Settled on {transcript.settled_on}",
        f"Replacements by kind - {counts or 'none'}",
        _unclear(transcript),
        SOUND if transcript.audio else NO_SOUND,
    )
    return tuple(title for title in map(_title, lines) if title)


def _unclear(transcript: AnonymisedTranscript) -> str:
    """How much stands as `[unclear]`: words that nobody may have said; nothing where there is none."""
    count = transcript.unclear
    stretches = "1 stretch" if count == 1 else f"{count} stretches"
    return f"Unclear: {stretches}, {transcript.unclear_s:.1f} s" if count else ""


def _title(text: str) -> str:
    """A header line whose colons within a speaker's reach are written as dashes."""
    line = one_line(text)
    while ":" in line[: SPEAKER_REACH + 1]:
        line = one_line(re.sub(r"\s*:\s*", " - ", line, count=1))
    return line
