"""The finished text is read again, as a stranger would: does any rule still see a name outside what was settled?

Names that were taken out change what stands beside them, so a rule may see now what it did not see before; and a rule
that looks at what will be released needs no trust in the steps that led there. What it finds becomes a finding of the
transcript (rule "second reading"), to be settled like any other.
"""

from collections.abc import Callable
from dataclasses import replace

from transcribe.detect import approximate, defaults
from transcribe.detect.merge import words_outside
from transcribe.schema import (
    AnonymisedTranscript,
    Finding,
    Line,
    Quiet,
    Reason,
    Transcript,
    Unclear,
    Utterance,
    record,
)

RULE = "second reading"
Detect = Callable[[Transcript], tuple[Finding, ...]]


@record
class Reread(Quiet):
    """What second readings of a transcript found so far; `source` is the checksum of the transcript."""

    source: str
    found: tuple[Finding, ...]


@record
class Clean(Quiet):
    """The keyed digest of a finished text that was read again without finding anything."""

    digest: str


def read_again(
    transcript: Transcript, finished: AnonymisedTranscript, settled: tuple[Finding | Unclear, ...], detect: Detect
) -> tuple[Finding, ...]:
    """What `detect` sees in the finished lines outside replacements and kept words, in positions of `transcript`.

    `settled` are the findings and stretches that the lines' replaced, kept and unclear spans stand for. Only what is
    likely counts (a score of at least `balance`): the questions were asked at the first reading. What sounds like a
    name together with a replacement is nothing either: nobody said the replacement.
    """
    utterances = transcript.utterances
    as_read = tuple(
        Utterance(id=u.id, speaker=u.speaker, start_s=u.start_s, end_s=u.end_s, words=line.words)
        for u, line in zip(utterances, finished.lines, strict=True)
    )
    hits = detect(replace(transcript, utterances=as_read))
    lines = {u.id: line for u, line in zip(utterances, finished.lines, strict=True)}
    balance = defaults.load().scores["balance"]
    found = []
    for hit in hits:
        if hit.score < balance:
            continue
        line = lines[hit.utterance_id]
        mine = sorted((f for f in settled if f.utterance_id == hit.utterance_id), key=lambda f: f.start)
        taken = [(span.start, span.end) for span in (*line.replaced, *line.kept, *line.unclear)]
        unsaid = any(span.start < hit.end and hit.start < span.end for span in (*line.replaced, *line.unclear))
        if unsaid and hit.reason.rule == approximate.RULE:
            continue
        left = words_outside(line.text, hit.start, hit.end, taken)
        found += [_moved(hit, start, end, line, mine) for start, end in left]
    return tuple(found)


def _moved(hit: Finding, start: int, end: int, line: Line, settled: list[Finding | Unclear]) -> Finding:
    """The hit at its place in the utterance: every replacement before it has another length than what it replaced."""
    shift = 0
    spans = sorted((*line.replaced, *line.kept, *line.unclear), key=lambda s: s.start)
    for span, finding in zip(spans, settled, strict=True):
        if span.end <= start:
            shift = finding.end - span.end
    return replace(
        hit,
        id="",
        start=start + shift,
        end=end + shift,
        person_id=None,
        role=hit.role or defaults.role(hit),
        reason=Reason(rule=RULE, detail=hit.reason.rule, score=hit.score),
        evidence=(),
    )
