"""A passage as papers print it: cuts marked, a pronoun explained where the speaker's own words say who is meant. Pure.

"…" stands where the passage begins or ends inside a turn, "[…]" where something in between is left out: what lies
between two ranges, and another speaker's "mm" or "yeah" that answers nothing. A pronoun is explained only where nobody
is named before it in the passage; whoever was named last, by anybody, was named by the same speaker in the same
sentence or the one before; nothing else stands there that might be somebody; and nobody else of whom anybody spoke in
the minute before fits: a wrong word misquotes somebody.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from transcribe.anonymise import with_tags
from transcribe.errors import StudyError
from transcribe.export.layout import one_line
from transcribe.pseudonyms import FEMALE, MALE, RELATIONS
from transcribe.schema import AnonymisedTranscript, Case, Kind, Line, Quiet, record
from transcribe.verbatim import spoken

CUT, GAP = "…", "[…]"
BEFORE_S = 60.0
_CLOCK = re.compile(r"(?:(\d{1,2}):)?(\d{1,2}):(\d{2}(?:\.\d+)?)")
_NOISES = frozenset("mm mhm mmhm hm hmm uh-huh uh huh yeah yes yep okay ok right sure oh ah".split())
_PRONOUN = re.compile(r"\b(he|she|him)\b(?P<short>['’]\w)?", re.IGNORECASE)
_FITS = {"he": MALE, "him": MALE, "she": FEMALE}
_PEOPLE = RELATIONS | frozenset(
    "mum mummy mam mom dad daddy nan nana gran granny grandma grandad grandpa man woman lady guy girl boy person nurse "
    "boss manager friend ex".split()
)
_KIN = re.compile(
    rf"\b(?P<whose>my|your|his|her|our|their|the|an?|this|that|\w+['’]s) (?:\w+ )?"
    rf"(?P<who>{'|'.join(sorted(map(re.escape, _PEOPLE), key=len, reverse=True))})\b(?P<of>['’]s)?",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?…]+(?=\s|$)")
_ELSE = re.compile(
    r"\b(?i:an?|the|this|that|these|those|some|any|another|other|others|each|every|both|all|no|several|many|few|two|three|"
    r"four|five|six|seven|eight|nine|ten|\d+|my|your|his|her|our|their|\w+['’]s?)\s+(?=\w)"
    r"|\b(?i:(?:some|any|every|no)(?:body|one)|one|who|people|men|women|children)\b"
    r"|(?<=[^.!?…\s] )(?!I\b)[A-Z]\w"
)
"""What may be somebody: words that begin a noun phrase, those for people whom nobody names, a capital in a sentence."""
_SOMEBODY = ""
"""Of whom somebody speaks without saying enough to explain a pronoun by."""


@record
class Quote(Quiet):
    """A passage to print, who says it, and where it stands, for the author's file only."""

    text: str
    speaker: str
    recording_id: str
    where: str


@record
class _Part(Quiet):
    """Words of one turn inside one range: half-open positions in the line's text."""

    line: Line
    start: int
    end: int


@record
class _Mention(Quiet):
    """Where in a line's text somebody is spoken of (half-open), and what is told of her."""

    start: int
    end: int
    who: str = _SOMEBODY


def ranges(texts: Sequence[str]) -> tuple[tuple[float, float], ...]:
    """`00:12:30-00:13:10` as seconds, in order, those that touch as one. Raises StudyError for what is none."""
    found = []
    for text in texts:
        halves = [_CLOCK.fullmatch(half.strip()) for half in text.split("-")]
        times = [3600.0 * int(m[1] or 0) + 60.0 * int(m[2]) + float(m[3]) for m in halves if m is not None]
        if len(halves) != 2 or len(times) != 2 or times[0] >= times[1]:
            raise StudyError("a passage is given as 00:12:30-00:13:10", advice="correct the times")
        found.append((times[0], times[1]))
    merged: list[tuple[float, float]] = []
    for start_s, end_s in sorted(found):
        if merged and start_s <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end_s, merged[-1][1]))
        else:
            merged.append((start_s, end_s))
    return tuple(merged)


def quote(transcript: AnonymisedTranscript, passages: Sequence[tuple[float, float]]) -> Quote:
    """The words of these ranges (seconds), printed. Raises StudyError where nobody speaks there."""
    parts = [part for start_s, end_s in passages for line in transcript.lines for part in _part(line, start_s, end_s)]
    if not transcript.timed or not parts:
        raise StudyError("nobody speaks there", recording_id=transcript.recording_id, advice="check the times")
    words = Counter[str]()
    for part in parts:
        words[part.line.speaker] += len(spoken(_said(part)).split())
    main = max(words, key=lambda speaker: words[speaker])
    kept = [
        part for part in parts if part.line.speaker == main or not _is_noise(part) or _answers(part.line, transcript)
    ]
    paragraphs = _paragraphs(kept, main, transcript)
    alone = len({part.line.speaker for part in kept}) == 1
    text = paragraphs[0][1] if alone else "\n".join(f"{speaker}: {said}" for speaker, said in paragraphs)
    where = ", ".join(f"{_clock(start_s)}-{_clock(end_s)}" for start_s, end_s in passages)
    return Quote(text=text, speaker=main, recording_id=transcript.recording_id, where=where)


def _part(line: Line, start_s: float, end_s: float) -> Iterator[_Part]:
    """The words of a line whose middle lies in the range; no replacement is cut in two."""
    position, inside = 0, []
    for word in line.words:
        if start_s <= (word.start_s + word.end_s) / 2 < end_s:
            inside.append((position, position + len(word.text)))
        position += len(word.text)
    if inside:
        spans = [(s.start, s.end) for s in (*line.replaced, *line.unclear)]
        start = min([inside[0][0], *(a for a, b in spans if a < inside[0][0] < b)])
        end = max([inside[-1][1], *(b for a, b in spans if a < inside[-1][1] < b)])
        yield _Part(line=line, start=start, end=end)


def _said(part: _Part) -> str:
    return one_line(part.line.text[part.start : part.end])


def _is_noise(part: _Part) -> bool:
    return all(word.strip(".,!?…").lower() in _NOISES for word in spoken(_said(part)).split())


def _answers(line: Line, transcript: AnonymisedTranscript) -> bool:
    """Whether the turn before, another speaker's, ends with a question."""
    before = [one for one in transcript.lines if one.number < line.number][-1:]
    return any(one.speaker != line.speaker and one_line(one.text).endswith("?") for one in before)


def _paragraphs(parts: Sequence[_Part], main: str, transcript: AnonymisedTranscript) -> list[tuple[str, str]]:
    """(speaker, text) of each run of parts of one speaker, with the marks of what is left out."""
    runs: list[tuple[str, list[str]]] = []
    last: _Part | None = None
    named = False
    for part in parts:
        said = _said(part)
        if part.line.speaker == main and not named:
            said, named = _explained(part, said, transcript)
        gap = last is not None and not _follows(last, part)
        if runs and runs[-1][0] == part.line.speaker:
            runs[-1][1].extend([GAP, said] if gap else [said])
        else:
            runs.append((part.line.speaker, [GAP, said] if gap else [said]))
        last = part
    first, final = parts[0], parts[-1]
    if one_line(first.line.text[: first.start]):
        runs[0][1].insert(0, CUT)
    if one_line(final.line.text[final.end :]):
        runs[-1][1].append(CUT)
    return [(speaker, " ".join(said)) for speaker, said in runs]


def _follows(before: _Part, after: _Part) -> bool:
    """Whether nothing is left out between two parts."""
    if before.line.number == after.line.number:
        return not one_line(before.line.text[before.end : after.start])
    whole = not one_line(before.line.text[before.end :]) and not one_line(after.line.text[: after.start])
    return whole and after.line.number == before.line.number + 1


def _explained(part: _Part, said: str, transcript: AnonymisedTranscript) -> tuple[str, bool]:
    """The words with their first pronoun explained, and whether somebody is named by now."""
    pronoun = _PRONOUN.search(said)
    spoken_of = [m.start for m in _mentions(part.line, transcript) if part.start <= m.start < part.end]
    if pronoun is None:
        return said, bool(spoken_of)
    first = len(one_line(f"{part.line.text[part.start : min(spoken_of)]}x")) - 1 if spoken_of else len(said)
    if first < pronoun.start() or pronoun["short"]:
        return said, True
    who = _meant(part, pronoun[1].lower(), transcript)
    tag = with_tags(f"[{who}]", transcript.layout.tags)
    return f"{said[: pronoun.end()]} {tag}{said[pronoun.end() :]}" if who else said, True


def _meant(part: _Part, pronoun: str, transcript: AnonymisedTranscript) -> str:
    """Who the speaker means, if what was said before tells; nothing where there is any doubt."""
    before = [
        line
        for line in transcript.lines
        if line.number <= part.line.number and line.end_s >= part.line.start_s - BEFORE_S
    ]
    named = [
        (line, mention)
        for line in before
        for mention in _mentions(line, transcript)
        if line.number != part.line.number or mention.start < part.start
    ]
    other = FEMALE if _FITS[pronoun] is MALE else MALE
    fitting = {one.who for _, one in named if not other.search(one.who) or _FITS[pronoun].search(one.who)}
    if len(fitting) != 1 or named[-1][0].speaker != part.line.speaker or named[-1][1].who not in fitting:
        return ""
    return fitting.pop() if _is_alone(named[-1][1], named[-1][0], part, transcript) else ""


def _is_alone(mention: _Mention, line: Line, part: _Part, transcript: AnonymisedTranscript) -> bool:
    """Whether from the sentence of a mention to the pronoun's there is one end of a sentence and nobody else."""
    pronoun = _PRONOUN.search(part.line.text, part.start)
    said = ""
    for one in transcript.lines:
        if line.number <= one.number <= part.line.number:
            until = pronoun.start() if pronoun and one.number == part.line.number else len(one.text)
            said += f" {_without_known(one, transcript)[:until]}"
    # what is known was made blank, so that a position in the first line is one in what was said
    begins = max((end.end() for end in _END.finditer(said, 0, mention.start + 1)), default=0)
    return len(_END.findall(said, begins)) <= 1 and not _ELSE.search(said, begins)


def _without_known(line: Line, transcript: AnonymisedTranscript) -> str:
    """A line's text with blanks for all that was replaced and for whoever is mentioned."""
    text = line.text
    known = [(m.start, m.end) for m in _mentions(line, transcript) if m.who]
    for start, end in (*known, *((span.start, span.end) for span in line.replaced)):
        text = f"{text[:start]}{' ' * (end - start)}{text[end:]}"
    return text


def _mentions(line: Line, transcript: AnonymisedTranscript) -> list[_Mention]:
    """Where in a line somebody else is spoken of, and what she is: "my husband", or a name that was replaced."""
    cases = {case.key: case for case in transcript.cases if case.label != line.speaker}
    named = [
        _Mention(start=span.start, end=span.end, who=_what(cases[span.case], line.text[span.start : span.end]))
        if span.case in cases
        else _Mention(start=span.start, end=span.end)
        for span in (*line.replaced, *line.kept)
        if span.kind in (Kind.PERSON, None)
    ]
    for match in _KIN.finditer(line.text):
        told = match["whose"].lower() == "my" and match["who"].lower() in RELATIONS and not match["of"]
        if told or not any(match.start() <= one.start <= match.end() + 1 for one in named):
            who = match["who"].lower() if told else _SOMEBODY
            named.append(_Mention(start=match.start(), end=match.end(), who=who))
    return sorted(named, key=lambda one: one.start)


def _what(case: Case, written: str) -> str:
    """What somebody is called in an explanation: never the role as it was typed, which may hold a name."""
    return case.relation or (case.name if case.name in written else case.name.lower())


def _clock(time_s: float) -> str:
    whole = int(time_s)
    return f"{whole // 3600:02}:{whole % 3600 // 60:02}:{whole % 60:02}"
