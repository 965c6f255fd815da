"""What timed formats share: turns cut into cues, turns sorted into tiers without overlap, and the refusal of no times.

A cue is a caption: short enough to read while it stands on the screen.
"""

import re

from transcribe.errors import EngineError
from transcribe.export.layout import clean, one_line
from transcribe.schema import AnonymisedTranscript, Line, Quiet, Word, record

# Two lines of 42 characters and 7 seconds: the usual limits for captions (BBC and Netflix guides give 6-7 s, 37-42).
CUE_CHARACTERS = 84
CUE_S = 7.0
SHORTEST_CUE_S = 0.1
_SENTENCE_END = re.compile(r"[.!?…][\"'’”)]*$")


@record
class Cue(Quiet):
    """Part `number` (from 1) of the `of` parts that a turn is cut into; `end_s` may be no later than `start_s`."""

    number: int
    of: int
    start_s: float
    end_s: float
    text: str


def need_times(transcript: AnonymisedTranscript, name: str) -> None:
    """Raises EngineError for a transcript without clock times; `name` is the format's."""
    if not transcript.timed:
        raise EngineError(
            f"{name} needs times and this transcript has none",
            advice="choose txt, docx or json",
            recording_id=transcript.recording_id,
            stage="release",
        )


def milliseconds(time_s: float) -> int:
    """Whole milliseconds, none before the start."""
    return max(0, round(time_s * 1000))


def clock(time_s: float, point: str) -> str:
    """`hh:mm:ss.mmm` with that decimal point."""
    ms = milliseconds(time_s)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{point}{ms % 1000:03}"


def cut(line: Line) -> list[Cue]:
    """The turn's cues, one at least; the first begins and the last ends with the turn."""
    parts = _parts(_atoms(line)) or [()]
    return [
        Cue(
            number=number,
            of=len(parts),
            start_s=part[0].start_s if number > 1 else line.start_s,
            end_s=part[-1].end_s if number < len(parts) else line.end_s,
            text=_text(part),
        )
        for number, part in enumerate(parts, start=1)
    ]


def _text(words: tuple[Word, ...]) -> str:
    return one_line("".join(word.text for word in words))


def _atoms(line: Line) -> list[tuple[Word, ...]]:
    """Groups of words that stay together: a name written in pieces, and everything inside one replacement."""
    atoms: list[tuple[Word, ...]] = []
    position = 0
    for word in line.words:
        parts_here = clean(word.text)[:1].isspace()
        # a break just before a replacement's space is one before the replacement
        text_at = position + len(word.text) - len(word.text.lstrip())
        inside = any(span.start < text_at < span.end for span in line.replaced)
        if atoms and (inside or not parts_here):
            atoms[-1] += (word,)
        else:
            atoms.append((word,))
        position += len(word.text)
    return atoms


def _parts(atoms: list[tuple[Word, ...]]) -> list[tuple[Word, ...]]:
    """The atoms of a turn as cues within both limits, cut after a sentence if one ends in a cue's second half."""
    parts: list[tuple[Word, ...]] = []
    current: list[tuple[Word, ...]] = []
    for atom in atoms:
        if current and not _fits((*_flat(current), *atom)):
            at = _cut_at(current)
            parts.append(_flat(current[:at]))
            current = current[at:]
            if current and not _fits((*_flat(current), *atom)):
                parts.append(_flat(current))
                current = []
        current.append(atom)
    return [*parts, _flat(current)] if current else parts


def _flat(atoms: list[tuple[Word, ...]]) -> tuple[Word, ...]:
    return tuple(word for atom in atoms for word in atom)


def _fits(words: tuple[Word, ...]) -> bool:
    return len(_text(words)) <= CUE_CHARACTERS and words[-1].end_s - words[0].start_s <= CUE_S


def _cut_at(atoms: list[tuple[Word, ...]]) -> int:
    for position in range(len(atoms), len(atoms) // 2, -1):
        if _SENTENCE_END.search(_text(atoms[position - 1])):
            return position
    return len(atoms)


@record
class Tier(Quiet):
    """Turns of one speaker, none of which begins before the one before it has ended. `name` is unlike any other's.

    `turns` are (start ms, end ms, the turn's place in the transcript), each a millisecond long at least.
    """

    name: str
    speaker: str
    turns: tuple[tuple[int, int, int], ...]


_COUNTED = re.compile(r" \(\d+\)$")


def tiers(lines: tuple[Line, ...], *taken: str) -> list[Tier]:
    """A tier a speaker in order of first turn; `Amelia (2)` and so on for turns that overlap her own.

    `taken` are names that no tier may bear.
    """
    layers: dict[str, list[list[tuple[int, int, int]]]] = {}
    for place, line in sorted(enumerate(lines), key=lambda turn: turn[1].start_s):
        start = milliseconds(line.start_s)
        turn = (start, max(milliseconds(line.end_s), start + 1), place)
        own = layers.setdefault(one_line(line.speaker) or "-", [])
        free = next((layer for layer in own if layer[-1][1] <= start), None)
        if free is None:
            own.append([turn])
        else:
            free.append(turn)
    names = set(taken)
    made = []
    for speaker, own in layers.items():
        for turns in own:
            name, count = speaker, 1
            while name in names:
                count += 1
                name = f"{speaker} ({count})"
            names.add(name)
            made.append(Tier(name=name, speaker=speaker, turns=tuple(turns)))
    return made


def uncounted(name: str) -> str:
    """A tier's name without the number that told it from others: the speaker's label."""
    return _COUNTED.sub("", name)
