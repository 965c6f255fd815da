"""What an analyst needs to know of the people of a release: people.csv, and sample.csv for the Methods section. Pure.

In the sample no cell stands for one or two people, since an age and a town can identify. Values that do are counted
together as "other", with as many more as it takes for that to stand for three; of an attribute of which nothing else is
left only that is told, and of fewer than three participants nothing. So no total gives a cell away (recoding: Hundepool
et al., Statistical Disclosure Control, Wiley 2012, chapters 3 and 4).
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from transcribe import tables
from transcribe.schema import AnonymisedTranscript, Case, Quiet, record
from transcribe.verbatim import spoken

PEOPLE = ("pseudonym", "kind", "role", "relation", "recordings", "speaks in", "turns", "words", "mentions")
SAMPLE = ("attribute", "value", "participants", "percent")
SMALLEST = 3
OTHER = "other"


@record
class _Row(Quiet):
    """Somebody over all recordings of a release."""

    case: Case
    recordings: tuple[str, ...] = ()
    speaks_in: tuple[str, ...] = ()
    turns: int = 0
    words: int = 0
    mentions: int = 0


def people(transcripts: Iterable[AnonymisedTranscript]) -> bytes:
    """people.csv: everybody who speaks or is spoken of, with counts of turns, words and mentions."""
    rows: dict[str, _Row] = {}
    for transcript in transcripts:
        mentions = Counter(span.case for line in transcript.lines for span in line.replaced)
        for case in transcript.cases:
            row = rows.get(case.key) or _Row(case=case)
            said = [line for line in transcript.lines if case.label and line.speaker == case.label]
            rows[case.key] = replace(
                row,
                case=case if case.label else row.case,
                recordings=(*row.recordings, transcript.recording_id),
                speaks_in=(*row.speaks_in, transcript.recording_id) if said else row.speaks_in,
                turns=row.turns + len(said),
                words=row.words + sum(len(spoken(line.text).split()) for line in said),
                mentions=row.mentions + mentions[case.key],
            )
    return tables.write(PEOPLE, [_cells(row) for row in rows.values()])


def _cells(row: _Row) -> tuple[object, ...]:
    case = row.case
    return (
        case.name,
        case.kind.value,
        case.role,
        case.relation,
        " ".join(row.recordings),
        " ".join(row.speaks_in),
        row.turns,
        row.words,
        row.mentions,
    )


def sample(transcripts: Iterable[AnonymisedTranscript]) -> bytes | None:
    """sample.csv: participants who speak, counted by each attribute; None of fewer than three, or without attributes.

    Percentages are of all participants, whole numbers.
    """
    participants = {
        case.key: dict(case.attributes)
        for transcript in transcripts
        for case in transcript.cases
        if case.role == "participant" and case.label
    }
    columns = dict.fromkeys(name for attributes in participants.values() for name in attributes)
    total = len(participants)
    if not columns or total < SMALLEST:
        return None
    rows: list[tuple[object, ...]] = [("participants", "all", total, 100)]
    for name in columns:
        counts = Counter(attributes.get(name, "not known") for attributes in participants.values())
        rows += [(name, value, count, round(100 * count / total)) for value, count in recoded(counts)]
    return tables.write(SAMPLE, rows)


def recoded(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Values with their counts, in order, small ones together as "other" at the end: no count is under SMALLEST.

    Where the small ones are fewer than that together, the next larger ones join them, equals all at once.
    """
    small = {value for value, count in counts.items() if count < SMALLEST}
    while small and sum(counts[value] for value in small) < SMALLEST and len(small) < len(counts):
        least = min(count for value, count in counts.items() if value not in small)
        small |= {value for value, count in counts.items() if count == least}
    shown = [(value, count) for value, count in sorted(counts.items()) if value not in small]
    return [*shown, (OTHER, sum(counts[value] for value in small))] if small else shown
