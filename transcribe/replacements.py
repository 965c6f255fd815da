"""The anonymisation log: which words of a release stand for others, and why. Two forms, one for others, one for us.

replacements.csv may be shared: it holds no original. Its columns are those that archives ask for (FORMATS 2): places in
the text that is released, what was written and how it was found; each row bears the SHA-256 of the row before, so that
a row taken out or changed is seen. Words that a reviewer kept are no rows: they would tell where a name-like word
stands. The table of originals stays in private/, encrypted to the recording's key.
"""

import hashlib
from collections.abc import Iterable, Iterator

from transcribe import __version__, tables
from transcribe.export.layout import clean
from transcribe.review.decisions import RULE
from transcribe.schema import (
    AnonymisedTranscript,
    Finding,
    Line,
    Quiet,
    ReviewState,
    Span,
    Transcript,
    Verdict,
    record,
)

COLUMNS = (
    "project", "recording", "turn", "start_ms", "end_ms", "start", "end", "kind", "replacement", "method", "rule",
    "version", "confidence", "decision", "reviewer", "at", "previous",
)  # fmt: skip
ORIGINALS = ("recording", "turn", "start_ms", "original", "replacement", "kind", "person")
METHODS = {"roster": "roster", "approximate": "approximate", "second listen": "sound", "presidio": "model",
           "rampart": "model", "names": "model", RULE: "manual"}  # fmt: skip
_START = "0" * 64


@record
class Replaced(Quiet):
    """One replacement: where in the recording (ms), the words that were said, what is written, who is meant."""

    turn: int
    start_ms: int
    end_ms: int
    original: str
    replacement: str
    kind: str
    person_id: str


@record
class Originals(Quiet):
    """What a release replaced in one recording, for the key holder alone."""

    release: int
    rows: tuple[Replaced, ...]


@record
class Logged(Quiet):
    """A released transcript with what was settled for it: `found` are all spans, kept ones too."""

    identified: Transcript
    released: AnonymisedTranscript
    found: tuple[Finding, ...]
    reviewer: str
    settled_on: str


def originals(logged: Logged, release: int) -> Originals:
    """The table of originals of one recording."""
    texts = {utterance.id: utterance.text for utterance in logged.identified.utterances}
    rows = []
    for line, span, finding in pairs(logged):
        start_ms, end_ms = _times(line, span)
        rows.append(
            Replaced(
                turn=line.number,
                start_ms=start_ms,
                end_ms=end_ms,
                original=texts[finding.utterance_id][finding.start : finding.end],
                replacement=line.text[span.start : span.end],
                kind=finding.kind.value,
                person_id=finding.person_id or "",
            )
        )
    return Originals(release=release, rows=tuple(rows))


def originals_table(recording_id: str, table: Originals) -> bytes:
    """The same as CSV: holds names."""
    rows = [(recording_id, r.turn, r.start_ms, r.original, r.replacement, r.kind, r.person_id) for r in table.rows]
    return tables.write(ORIGINALS, rows)


def log(project: str, logged: Iterable[Logged]) -> bytes:
    """replacements.csv of a release; `start` and `end` are offsets in the turn's text as the json format has it."""
    previous, rows = _START, []
    for one in logged:
        for facts in _rows(one):
            row = (project, *map(str, facts), previous)
            previous = hashlib.sha256("\x1f".join(row).encode()).hexdigest()
            rows.append(row)
    return tables.write(COLUMNS, rows)


def _rows(logged: Logged) -> Iterator[tuple[object, ...]]:
    for line, span, finding in pairs(logged):
        rule = finding.reason.rule
        decision = _decision(logged, finding)
        yield (
            logged.released.recording_id,
            line.number,
            *(_times(line, span) if logged.released.timed else ("", "")),
            len(clean(line.text[: span.start])),
            len(clean(line.text[: span.end])),
            finding.kind.value,
            clean(line.text[span.start : span.end]),
            METHODS.get(rule, "rule"),
            rule,
            f"transcribe {__version__}",
            round(finding.score, 3),
            decision,
            *((logged.reviewer, logged.settled_on) if decision != "automatic" else ("", "")),
        )


def _decision(logged: Logged, finding: Finding) -> str:
    """How it came to stand: nobody looked, a reviewer let it stand, said so, or marked it herself."""
    if logged.released.review is ReviewState.UNREVIEWED:
        return "automatic"
    if finding.reason.rule == RULE:
        return "added" if finding.reason.detail == Verdict.ADD.value else "accepted"
    return "accepted"


def pairs(logged: Logged) -> Iterator[tuple[Line, Span, Finding]]:
    """Each replacement with the finding that it stands for.

    Spans and findings are disjoint and in order in their turn; a finding whose kind the policy keeps is a kept span.
    """
    order = {utterance.id: number for number, utterance in enumerate(logged.identified.utterances)}
    by_line: dict[int, list[Finding]] = {}
    for finding in sorted(logged.found, key=lambda f: (order[f.utterance_id], f.start)):
        by_line.setdefault(order[finding.utterance_id], []).append(finding)
    for number, line in enumerate(logged.released.lines):
        spans = sorted((*line.replaced, *line.kept), key=lambda span: span.start)
        for span, finding in zip(spans, by_line.get(number, []), strict=True):
            if span.kind is not None:
                yield line, span, finding


def _times(line: Line, span: Span) -> tuple[int, int]:
    """When the words that a span touches are said, in ms."""
    position, touched = 0, []
    for word in line.words:
        start, position = position, position + len(word.text)
        if start < span.end and span.start < position:
            touched.append(word)
    if not touched:
        return round(line.start_s * 1000), round(line.end_s * 1000)
    return round(touched[0].start_s * 1000), round(touched[-1].end_s * 1000)
