"""Numbers before the lines of a text, as word processors print them and people type them: no part of what was said."""

import re
from collections.abc import Sequence

from transcribe.imports.pieces import labelled

_NUMBERED = re.compile(r"\s*[\[(]?(\d{1,6})[\])]?[.:]?(?:\s+|$)")
_FEWEST = 3
_EVERY = (5, 10)


def without(lines: Sequence[str]) -> list[str]:
    """The lines without their numbers, where these count up: before each line, each turn, or every fifth or tenth line.

    Lines before the first one with a number may stand without, as a title does; a line of a number alone is left out.
    """
    lines = [line for line in lines if line.strip()]
    found = {at: match for at, line in enumerate(lines) if (match := _NUMBERED.match(line))}
    if not _count_up(lines, found):
        return lines
    rests = (line[found[at].end() :] if at in found else line for at, line in enumerate(lines))
    return [rest for rest in rests if rest.strip()]


def _count_up(lines: list[str], found: dict[int, re.Match[str]]) -> bool:
    numbers, places = [int(match[1]) for match in found.values()], list(found)
    if len(found) < _FEWEST:
        return False
    step = numbers[1] - numbers[0]
    if numbers != list(range(numbers[0], numbers[0] + step * len(numbers), step or 1)):
        return False
    if step in _EVERY:
        return places == list(range(places[0], places[0] + step * len(places), step))
    turns = all(labelled(lines[at][match.end() :].strip()).label for at, match in found.items())
    return step == 1 and (turns or len(found) == len(lines) - places[0])
