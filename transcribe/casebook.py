"""What an analyst needs to know of the people of a release: people.csv, and sample.csv for the Methods section. Pure.

In the sample no cell stands for one or two people, since an age and a town can identify. Such a cell is written
"suppressed", and further small ones with it, until the rest and the total no longer tell what any of them holds
(primary and secondary suppression: Hundepool et al., Statistical Disclosure Control, Wiley 2012, chapter 4).
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

from transcribe import tables
from transcribe.export.layout import one_line
from transcribe.schema import AnonymisedTranscript, Case, Quiet, record

PEOPLE = ("pseudonym", "kind", "role", "relation", "recordings", "speaks in", "turns", "words", "mentions")
SAMPLE = ("attribute", "value", "participants", "percent")
SMALLEST = 3
SUPPRESSED = "suppressed"


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
                words=row.words + sum(len(one_line(line.text).split()) for line in said),
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
    """sample.csv: participants who speak, counted by each attribute; None where no attribute is known of them.

    Small cells are suppressed. Percentages are of all participants, whole numbers.
    """
    participants = {
        case.key: dict(case.attributes)
        for transcript in transcripts
        for case in transcript.cases
        if case.role == "participant" and case.label
    }
    columns = dict.fromkeys(name for attributes in participants.values() for name in attributes)
    if not columns:
        return None
    total = len(participants)
    rows: list[tuple[object, ...]] = [("participants", "all", total, 100)]
    for name in columns:
        counts = Counter(attributes.get(name, "not known") for attributes in participants.values())
        hidden = to_suppress(counts)
        for value, count in sorted(counts.items()):
            shown = (SUPPRESSED, "") if value in hidden else (count, round(100 * count / total))
            rows.append((name, value, *shown))
    return tables.write(SAMPLE, rows)


def to_suppress(counts: dict[str, int]) -> frozenset[str]:
    """The values whose counts may not be shown: small ones, and as many more, smallest first, as hide these.

    With at least two hidden, and not each of them one, their sum (which the total tells) leaves more than one way.
    """
    by_size: dict[int, list[str]] = defaultdict(list)
    for value, count in counts.items():
        by_size[count].append(value)
    ordered = [value for count in sorted(by_size) for value in sorted(by_size[count])]
    hidden = [value for value in ordered if counts[value] < SMALLEST]
    waiting = [value for value in ordered if counts[value] >= SMALLEST]
    while hidden and waiting and (len(hidden) < 2 or sum(counts[value] for value in hidden) == len(hidden)):
        hidden.append(waiting.pop(0))
    return frozenset(hidden)
