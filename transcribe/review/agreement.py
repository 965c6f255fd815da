"""How far two reviewers agree who settled one transcript, neither knowing what the other did. Pure.

Cohen's kappa is the share of places on which they agree beyond what chance would bring: J. Cohen, "A coefficient of
agreement for nominal scales", Educational and Psychological Measurement 20 (1960), 37-46.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from transcribe.review.decisions import RULE, Settled
from transcribe.schema import Finding, Quiet, record

WITHHELD, KEPT = "withheld", "kept"
UNCLEAR = "unclear"  # whose words of a stretch are that nobody may have said


@record
class Choice(Quiet):
    """What a reviewer made of a place: `state` is withheld or kept; `who` are the ids of those whom the words withheld
    there are of, or kinds where that is nobody in particular, or unclear; none where all words are kept.
    """

    state: str
    who: tuple[str, ...] = ()


@record
class Difference(Quiet):
    """A place [start, end) of an utterance of which the reviewers made different things."""

    utterance_id: str
    start: int
    end: int
    first: Choice
    second: Choice


@record
class Agreement(Quiet):
    """`counts`: how many places the first and the second reviewer made this of; they add over transcripts.

    `differences` are in the order of the transcript.
    """

    counts: tuple[tuple[Choice, Choice, int], ...]
    differences: tuple[Difference, ...]

    @property
    def units(self) -> int:
        return sum(count for *_, count in self.counts)

    @property
    def agreed(self) -> int:
        """Places that both withheld or both kept."""
        return sum(count for first, second, count in self.counts if first.state == second.state)

    @property
    def agreed_who(self) -> int:
        """Of these the ones that both take for the same people's."""
        return sum(count for first, second, count in self.counts if first == second)

    @property
    def kappa(self) -> float | None:
        """Of withheld and kept; None without places, or where all of both are one of these."""
        return _kappa([(first.state, second.state, count) for first, second, count in self.counts])

    @property
    def kappa_who(self) -> float | None:
        """The same of whose the words are, kept ones being nobody's."""
        return _kappa([(" ".join(first.who), " ".join(second.who), count) for first, second, count in self.counts])


def agreement(places: Sequence[Finding], first: Settled, second: Settled, order: Sequence[str]) -> Agreement:
    """Compare two passes over one transcript; `places`: what the rules found, `order`: the ids of its utterances.

    A unit is a place that the rules found or that either reviewer marked; those that overlap are one. It is withheld
    where any word of it is, stretches that stay unclear included.
    """
    marked = [f for settled in (first, second) for f in (*settled.replaced, *settled.kept) if f.reason.rule == RULE]
    number = {utterance_id: n for n, utterance_id in enumerate(order)}
    units = _units([*places, *marked], number)
    one_made, other_made = _Made(first), _Made(second)
    choices = [(one_made.of(unit), other_made.of(unit)) for unit in units]
    return Agreement(
        counts=tuple((one, other, count) for (one, other), count in Counter(choices).items()),
        differences=tuple(
            Difference(utterance_id=unit[0], start=unit[1], end=unit[2], first=one, second=other)
            for unit, (one, other) in zip(units, choices, strict=True)
            if one != other
        ),
    )


_Unit = tuple[str, int, int]


def _units(findings: Iterable[Finding], number: dict[str, int]) -> list[_Unit]:
    """(utterance, start, end) of places, those that overlap as one, in order."""
    units: list[_Unit] = []
    for finding in sorted(findings, key=lambda f: (number[f.utterance_id], f.start, f.end)):
        here, start, end = units[-1] if units else ("", 0, 0)
        if finding.utterance_id == here and finding.start < end:
            units[-1] = here, start, max(end, finding.end)
        else:
            units.append((finding.utterance_id, finding.start, finding.end))
    return units


class _Made:
    """What a reviewer made of each place."""

    def __init__(self, settled: Settled) -> None:
        self._withheld: dict[str, list[tuple[int, int, str]]] = {}
        for finding in settled.replaced:
            who = finding.person_id or finding.kind.value
            self._withheld.setdefault(finding.utterance_id, []).append((finding.start, finding.end, who))
        for stretch in settled.unclear:
            self._withheld.setdefault(stretch.utterance_id, []).append((stretch.start, stretch.end, UNCLEAR))

    def of(self, unit: _Unit) -> Choice:
        utterance_id, unit_start, unit_end = unit
        here = self._withheld.get(utterance_id, ())
        who = {who for start, end, who in here if start < unit_end and unit_start < end}
        return Choice(state=WITHHELD if who else KEPT, who=tuple(sorted(who)))


def _kappa(counts: Sequence[tuple[str, str, int]]) -> float | None:
    if len({category for one, other, _ in counts for category in (one, other)}) < 2:
        return None
    from sklearn.metrics import cohen_kappa_score

    first, second, weights = zip(*counts, strict=True)
    return float(cohen_kappa_score(first, second, sample_weight=weights))
