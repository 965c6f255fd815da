"""The gate: rendered lines, vault forms and settled positions to what would leak. Its word is final.

Two checks (DESIGN, "What the gate checks"). First the rendered lines: no form of anybody in the vault whose policy
is not `keep`, as whole words, case- and accent-folded, across line breaks too, except inside a replacement we
inserted or a word a decision kept. Second each written file, unpacked and parsed: whatever it holds is those lines,
or what the same exporter writes for an empty transcript.
"""

from dataclasses import replace

from transcribe.config import Action, Policy
from transcribe.errors import LeakError
from transcribe.export import Exporter
from transcribe.pseudonyms import action
from transcribe.schema import AnonymisedTranscript, Kind, Person, Quiet, record
from transcribe.wordforms import FormIndex, Match


@record
class Leak(Quiet):
    """Where something would get through: never the word itself. Line 0 is outside the lines (a header, a name)."""

    recording_id: str
    line: int
    start: int
    kind: Kind


@record
class _Rendered(Quiet):
    """A line as read, `Speaker: text`, and the stretches of it that may hold a form."""

    text: str
    allowed: tuple[tuple[int, int], ...]


class Gate:
    """The forms of all people of the vault, made ready once for all transcripts of a release."""

    def __init__(self, people: tuple[Person, ...], policy: Policy) -> None:
        searched = [person for person in people if action(person, policy) is not Action.KEEP]
        self._index = FormIndex(searched)
        self._kinds = {person.id: person.kind for person in searched}

    def check_lines(self, transcript: AnonymisedTranscript) -> tuple[Leak, ...]:
        """What the rendered lines would give away."""
        lines = _render(transcript)
        text = "\n".join(line.text for line in lines)
        starts, allowed, place = [], [], 0
        for line in lines:
            starts.append(place)
            allowed += [(place + start, place + end) for start, end in line.allowed]
            place += len(line.text) + 1
        leaks = []
        for match in self._index.find(text):
            if not any(start <= match.start and match.end <= end for start, end in allowed):
                number = sum(start <= match.start for start in starts)
                leaks.append(self._leak(transcript, number, match.start - starts[number - 1], match))
        return tuple(leaks)

    def check_file(self, transcript: AnonymisedTranscript, exporter: Exporter, data: bytes, name: str) -> None:
        """Raises LeakError when a written file or its name holds a form that the lines do not account for."""
        empty = replace(transcript, lines=(), counts=())
        exempt = set(exporter.read_text(exporter.write(empty)))
        lines = _render(transcript)
        bare = [_Rendered(text=line.text, allowed=()) for line in transcript.lines]
        for line, known in zip(transcript.lines, bare, strict=True):
            spans = tuple((s.start, s.end) for s in (*line.replaced, *line.kept))
            lines.append(replace(known, allowed=spans))
        labels = {line.speaker for line in transcript.lines}
        strings = [s for s in exporter.read_text(data) if s not in exempt and s not in labels]
        leaks = [
            self._leak(transcript, 0, match.start, match)
            for string in (*strings, transcript.recording_id, name)
            for match in self._index.find(string)
            if not any(_accounts_for(line, string, match) for line in lines)
        ]
        self.refuse(tuple(leaks))

    def refuse(self, leaks: tuple[Leak, ...]) -> None:
        """Raises LeakError when there are any."""
        if leaks:
            first = leaks[0]
            where = f"line {first.line}, character {first.start + 1}" if first.line else "outside the lines"
            more = f" and {len(leaks) - 1} more" if len(leaks) > 1 else ""
            raise LeakError(
                f"a {first.kind.value} of this study would be readable ({where}{more})",
                advice="nothing was written; run `transcribe run STUDY` again, or settle that place",
                recording_id=first.recording_id,
                stage="release",
            )

    def _leak(self, transcript: AnonymisedTranscript, line: int, start: int, match: Match) -> Leak:
        kind = self._kinds[match.person_id]
        return Leak(recording_id=transcript.recording_id, line=line, start=start, kind=kind)


def _render(transcript: AnonymisedTranscript) -> list[_Rendered]:
    rendered = []
    for line in transcript.lines:
        offset = len(line.speaker) + 2
        spans = [(offset + s.start, offset + s.end) for s in (*line.replaced, *line.kept)]
        label = (0, len(line.speaker))
        rendered.append(_Rendered(text=f"{line.speaker}: {line.text}", allowed=(label, *spans)))
    return rendered


def _accounts_for(line: _Rendered, string: str, match: Match) -> bool:
    """Whether the match stands in an allowed stretch of this line, line and string agreeing all around it."""
    found = string[match.start : match.end]
    for start, end in line.allowed:
        at = line.text.find(found, start, end)
        while at >= 0:
            if _agree(line.text, at, string, match):
                return True
            at = line.text.find(found, at + 1, end)
    return False


def _agree(text: str, at: int, string: str, match: Match) -> bool:
    """Walk outwards from the match until the line or the string ends on each side."""
    before = min(at, match.start)
    after = min(len(text) - at, len(string) - match.start)
    return text[at - before : at + after] == string[match.start - before : match.start + after]
