"""The gate: rendered lines, vault forms and settled positions to what would leak. Its word is final.

Two checks (DESIGN, "What the gate checks"). First the rendered lines: no form of anybody in the vault whose policy
is not `keep`, as whole words, case- and accent-folded, across line breaks too, except inside a replacement or an
`[unclear]` we inserted or a word a decision kept. Second each written file, unpacked and parsed: whatever it holds is
those lines, or what the same exporter writes for an empty transcript.
"""

import csv
import io
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain

from transcribe import export
from transcribe.anonymise import label_of
from transcribe.config import Action, Policy
from transcribe.errors import LeakError
from transcribe.export import Exporter, StudyExporter
from transcribe.export.layout import OVERLAP_MARK, one_line
from transcribe.pseudonyms import action
from transcribe.schema import AnonymisedTranscript, Kind, Person, Quiet, record
from transcribe.wordforms import FormIndex, Match, parted


@record
class Leak(Quiet):
    """Where something would get through: never the word itself. Line 0 is outside the lines (a header, a name)."""

    recording_id: str
    line: int
    start: int
    kind: Kind


@record
class _Rendered(Quiet):
    """A line as read, the stretches of it that may hold a form, and where in it what was said begins."""

    number: int
    speaker: str
    text: str
    allowed: tuple[tuple[int, int], ...]
    said: int = 0


class Gate:
    """The forms of all people of the vault, made ready once for all transcripts of a release."""

    def __init__(self, people: tuple[Person, ...], policy: Policy) -> None:
        by_id = {person.id: person for person in people}  # who is found to be somebody else is kept as that one is
        searched = [one for one in people if action(by_id.get(one.same_as, one), policy) is not Action.KEEP]
        self._index = FormIndex(searched)
        self._kinds = {person.id: person.kind for person in searched}
        self._lines: dict[tuple[int, Callable[[str], str]], tuple[AnonymisedTranscript, list[_Rendered]]] = {}
        self._pseudonyms = {label_of(person.pseudonym) for person in searched if person.pseudonym}

    def check_lines(self, transcript: AnonymisedTranscript) -> tuple[Leak, ...]:
        """What the rendered lines would give away, and what a researcher wrote beside them, for which none accounts."""
        bare = _bare(transcript)
        by_speaker = [[n for n in bare if n.speaker == speaker] for speaker in dict.fromkeys(n.speaker for n in bare)]
        leaks = {
            leak for lines in (self._render(transcript), bare, *by_speaker) for leak in self._in(lines, transcript)
        }
        leaks |= {
            self._leak(transcript, 0, match.start, match)
            for string in _written_by_hand(transcript)
            for match in self._index.find(string)
        }
        return tuple(sorted(leaks, key=lambda leak: (leak.line, leak.start, leak.kind)))

    def _in(self, lines: list[_Rendered], transcript: AnonymisedTranscript) -> list[Leak]:
        """What lines give away, read one after the other; places count from the start of what was said."""
        starts, place = [], 0
        for line in lines:
            starts.append(place)
            place += len(line.text) + 1
        leaks = []
        for match in self._index.find("\n".join(line.text for line in lines)):
            here = bisect_right(starts, match.start) - 1
            line, at = lines[here], match.start - starts[here]
            if not any(start <= at and at + match.end - match.start <= end for start, end in line.allowed):
                leaks.append(self._leak(transcript, line.number, max(0, at - line.said), match))
        return leaks

    def check_file(
        self,
        transcripts: tuple[AnonymisedTranscript, ...],
        exporter: Exporter | StudyExporter,
        data: bytes,
        name: str,
    ) -> None:
        """Raises LeakError when a written file or its name holds a form that the lines do not account for."""
        spell = exporter.spell
        empty = export.written(exporter, tuple(_emptied(one) for one in transcripts))
        exempt = {one_line(string) for string in exporter.read_text(empty)}
        lines = [line for one in transcripts for line in self._spelt(one, spell)]
        exempt |= {line.text for line in lines}  # the lines themselves have passed
        exempt |= {spell(label) for one in transcripts for label in self._labels(one)}
        strings = dict.fromkeys(one_line(string) for string in exporter.read_text(data))
        first = transcripts[0]
        leaks = [
            self._leak(first, 0, match.start, match)
            for string in strings
            if string not in exempt
            for match in self._index.find(string)
            if not any(_accounts_for(line, string, match) for line in lines)
        ]
        leaks += [
            self._leak(first, 0, match.start, match)
            for string in (*(text for one in transcripts for text in (one.recording_id, one.audio)), name)
            for match in self._index.find(parted(string))
        ]
        self.refuse(tuple(leaks))

    def _spelt(self, transcript: AnonymisedTranscript, spell: Callable[[str], str]) -> list[_Rendered]:
        """The lines as a format writes them, with and without their speakers; made once for all formats alike."""
        known = self._lines.get((id(transcript), spell))
        if known is None or known[0] is not transcript:
            rendered = self._render(transcript)
            spoken_over = [_marked(r) for r, line in zip(rendered, transcript.lines, strict=True) if line.overlapped]
            lines = [_squeezed(line, spell) for line in (*rendered, *spoken_over, *_bare(transcript))]
            known = self._lines[id(transcript), spell] = transcript, lines
        return known[1]

    def check_table(self, transcripts: tuple[AnonymisedTranscript, ...], data: bytes, name: str) -> None:
        """Raises LeakError when a cell under a CSV file's header holds a form and is no replacement of these lines."""
        exempt = {label for one in transcripts for label in self._labels(one)}
        exempt |= {one_line(line.text[s.start : s.end]) for t in transcripts for line in t.lines for s in line.replaced}
        rows = list(csv.reader(io.StringIO(data.decode())))[1:]
        cells = dict.fromkeys(one_line(cell) for row in rows for cell in row)
        leaks = [
            self._leak(transcripts[0], 0, match.start, match)
            for string in (*(cell for cell in cells if cell not in exempt), parted(name))
            for match in self._index.find(string)
        ]
        self.refuse(tuple(leaks))

    def check_words(self, transcripts: tuple[AnonymisedTranscript, ...], strings: Iterable[str]) -> None:
        """Raises LeakError when one of these strings holds a form."""
        found = [self._leak(transcripts[0], 0, m.start, m) for text in strings for m in self._index.find(parted(text))]
        self.refuse(tuple(found))

    def _labels(self, transcript: AnonymisedTranscript) -> set[str]:
        """What stands for people as labels of speakers and names of cases, where it is a pseudonym."""
        said = (*(line.speaker for line in transcript.lines), *(case.name for case in transcript.cases))
        return {one_line(label) for label in said if self._is_label(label)}

    def refuse(self, leaks: tuple[Leak, ...]) -> None:
        """Raises LeakError when there are any."""
        if leaks:
            first = leaks[0]
            where = f"line {first.line}, character {first.start + 1}" if first.line else "outside the lines"
            how = (
                "run `transcribe run STUDY` again, or settle that place"
                if first.line
                else "look for it in roles, attributes, topics, ids and study.toml"
            )
            more = f" and {len(leaks) - 1} more" if len(leaks) > 1 else ""
            raise LeakError(
                f"a {first.kind.value} of this study would be readable ({where}{more})",
                advice=f"nothing was written; {how}",
                recording_id=first.recording_id,
                stage="release",
            )

    def _is_label(self, speaker: str) -> bool:
        """Whether a label is a pseudonym, perhaps with a number: then it may be somebody else's name, too."""
        return re.sub(r" \d+$", "", speaker) in self._pseudonyms

    def _render(self, transcript: AnonymisedTranscript) -> list[_Rendered]:
        """`Speaker: text`, as most formats write it."""
        rendered = []
        for line in _bare(transcript):
            said = len(line.speaker) + 2
            label = [(0, len(line.speaker))] if self._is_label(line.speaker) else []
            spans = [(said + start, said + end) for start, end in line.allowed]
            text = f"{line.speaker}: {line.text}"
            rendered.append(replace(line, text=text, allowed=(*label, *spans), said=said))
        return rendered

    def _leak(self, transcript: AnonymisedTranscript, line: int, start: int, match: Match) -> Leak:
        kind = self._kinds[match.person_id]
        return Leak(recording_id=transcript.recording_id, line=line, start=start, kind=kind)


def _bare(transcript: AnonymisedTranscript) -> list[_Rendered]:
    """What is said alone, so that a name is found that goes on in the next line."""
    return [
        _Rendered(
            number=number,
            speaker=line.speaker,
            text=line.text,
            allowed=tuple((s.start, s.end) for s in (*line.replaced, *line.kept, *line.unclear)),
        )
        for number, line in enumerate(transcript.lines, 1)
    ]


def _written_by_hand(transcript: AnonymisedTranscript) -> list[str]:
    """Topics, roles, relations, attributes and variables with their titles."""
    pairs = [*transcript.variables, *(pair for case in transcript.cases for pair in case.attributes)]
    beside = [text for case in transcript.cases for text in (case.role, case.relation)]
    return [one_line(text) for text in (*beside, *(title for _, title in transcript.topics), *chain(*pairs))]


def _marked(line: _Rendered) -> _Rendered:
    """A rendered line as most formats write it where somebody else spoke, too."""
    mark = f"{OVERLAP_MARK} "
    moved = ((start, end) if end <= line.said else (start + len(mark), end + len(mark)) for start, end in line.allowed)
    return replace(line, text=f"{line.text[: line.said]}{mark}{line.text[line.said :]}", allowed=tuple(moved))


def _emptied(transcript: AnonymisedTranscript) -> AnonymisedTranscript:
    """The same with nothing in it that comes from what was said or from what a researcher wrote about people."""
    return replace(transcript, lines=(), counts=(), cases=(), variables=(), topics=())


def _squeezed(line: _Rendered, spell: Callable[[str], str]) -> _Rendered:
    """The line as exporters write it, in single spaces and without what could hide a word, in the format's spelling."""
    spans = [_squeezed_span(line.text, start, end, spell) for start, end in line.allowed]
    return replace(line, text=one_line(spell(one_line(line.text))), allowed=tuple(spans))


def _squeezed_span(text: str, start: int, end: int, spell: Callable[[str], str]) -> tuple[int, int]:
    # one_line drops white space at the ends: a letter on each side holds it
    first = len(one_line(spell(one_line(f"{text[:start]}x")))) - 1
    return first, first + len(one_line(spell(one_line(f"x{text[start:end]}x")))) - 2


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
