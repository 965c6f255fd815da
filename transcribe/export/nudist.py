"""NUD*IST N4, N5 and N6: ASCII with CRLF, `*` before header and speakers, a line a text unit (FORMATS 1.7).

Lines with an asterisk before the first line without one are the header, which is neither searched nor coded; later
ones are sub-headers and begin a section (http://www.researchsupport.com.au/N6_setup.htm). So the last header line is
written without an asterisk: it ends the header, and the first turn's sub-header is one.

A spoken line that begins with `*` gets a space before it. Text search does not reach beyond a unit.
"""

import re
from bisect import bisect_left
from functools import cache
from hashlib import sha256
from unicodedata import category

from anyascii import anyascii

from transcribe.export import Exporter
from transcribe.export.layout import OVERLAP_MARK, header_lines, one_line
from transcribe.schema import AnonymisedTranscript, Line

LINE_CHARACTERS = 72
_DIGEST_CHARACTERS = 6
_CONSONANTS = "0123456789BCDFGHJKLMNPQRSTVWXZ"  # a digest without vowels spells no name
_DEVICES = re.compile(r"CON|PRN|AUX|NUL|(?:COM|LPT)\d")  # no file can be called so on Windows
# Where anyascii's choice reads as something else: dashes as hyphens, a times sign as `*`, no letter at all for alef.
# A zero-width non-joiner parts pieces of a Persian word.
_OWN = {"—": "--", "―": "--", "•": "-", "×": "x", "\u0627": "a", "\u200c": "-"}
_MAY_VANISH = ("Mn", "Mc", "Me", "Lm", "Cf")
_SENTENCE_END = re.compile(r"(?<!\()(?<!\(\.)[.!?…؟۔।][\"'’”»)\]]*(?=\s+(\S))")
_ABBREVIATION = re.compile(r"(?<!\w)(?:drs?|mrs?|m[sx]|prof|rev|st|fr|hr|[js]r|mme|mlle|e\.g|i\.e|vs)\.$", re.I)
_LONGEST_ABBREVIATION = 6


def spell(text: str) -> str:
    """The text in ASCII, each character by itself. What would leave nothing, unless it marks a letter, becomes `?`."""
    return text if text.isascii() else "".join(map(_ascii, text))


@cache
def _ascii(char: str) -> str:
    return _OWN.get(char) or anyascii(char) or ("" if category(char) in _MAY_VANISH else "?")


def file_name(recording_id: str, suffix: str) -> str:
    """A name of at most eight characters and the suffix: the id, or its first letter and a digest of it."""
    name = recording_id.upper()
    if not re.fullmatch(r"[A-Z0-9]{1,8}", name) or _DEVICES.fullmatch(name):
        number = int.from_bytes(sha256(name.encode()).digest())
        places = range(_DIGEST_CHARACTERS)
        digest = "".join(_CONSONANTS[number // len(_CONSONANTS) ** place % len(_CONSONANTS)] for place in places)
        name = f"{name[:1]}_{digest}"  # no id that is written whole has an underscore
    return f"{name}{suffix}"


def write(transcript: AnonymisedTranscript) -> bytes:
    """The file: header, then for each turn a sub-header with the speaker, and what is said in the units asked for."""
    unit = transcript.layout.unit
    *header, ending = map(_plain, header_lines(transcript))
    rows = [*(f"*{title}" for title in header), *(_wrapped(ending) if unit == "line72" else [ending])]
    for line in transcript.lines:
        rows.append(f"*{_plain(line.speaker) or '-'}")
        rows += map(_escaped, _units(line, unit))
    return "".join(f"{row}\r\n" for row in rows).encode("ascii")


def _plain(text: str) -> str:
    return " ".join(spell(one_line(text)).split())


def _escaped(unit: str) -> str:
    return f" {unit}" if unit.startswith("*") else unit


def _units(line: Line, unit: str) -> list[str]:
    said = [_plain(piece) for piece in (_sentences(line) if unit == "sentence" else [line.text])]
    if line.overlapped:
        said[0] = f"{OVERLAP_MARK} {said[0]}".rstrip()
    units = [piece for piece in said if piece]
    return [row for piece in units for row in _wrapped(piece)] if unit == "line72" else units


def _sentences(line: Line) -> list[str]:
    """The text cut after sentences; not inside a replacement, after an abbreviation or a written pause, (.) or (..), or
    before a small letter.
    """
    text = line.text
    spans = sorted((span.start, span.end) for span in line.replaced)
    pieces, start = [], 0
    for match in _SENTENCE_END.finditer(text):
        end = match.end()
        before = bisect_left(spans, (end,)) - 1
        inside = before >= 0 and end < spans[before][1]
        shortened = _ABBREVIATION.search(text[max(0, end - _LONGEST_ABBREVIATION) : end])
        if not (inside or shortened or match[1].islower()):
            pieces.append(text[start:end])
            start = end
    return [*pieces, text[start:]]


def _wrapped(text: str) -> list[str]:
    """Lines within the limit, cut at spaces; a longer word has a line of its own."""
    rows: list[str] = []
    for word in text.split():
        if rows and len(rows[-1]) + 1 + len(word) <= LINE_CHARACTERS:
            rows[-1] += f" {word}"
        else:
            rows.append(_escaped(word))
    return rows


def read_text(data: bytes) -> tuple[str, ...]:
    """Header lines and sub-headers without their asterisks, and what stands below each as one string."""
    strings: list[str] = []
    below: list[str] = []
    for row in data.decode().splitlines():
        if row.startswith("*"):
            strings += [" ".join(below), row.removeprefix("*")]
            below = []
        else:
            below.append(row.strip())
    return tuple(string for string in (*strings, " ".join(below)) if string.strip())


EXPORTER = Exporter(
    name="nudist",
    suffix=".txt",
    summary="NUD*IST N4, N5, N6: ASCII, a section a turn; [export] unit sets what a text unit is",
    write=write,
    read_text=read_text,
    spell=spell,
    file_name=file_name,
)
