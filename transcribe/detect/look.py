"""All rules that need neither people nor sound, over one transcript: models, fused, and patterns of speech."""

from collections.abc import Iterable

from transcribe.detect import Rule, field, spoken
from transcribe.schema import Finding, Quiet, Transcript, record


@record
class Seen(Quiet):
    """Candidates, and the ids of utterances that are in a language no rule knows."""

    found: tuple[Finding, ...]
    foreign: tuple[str, ...]


def look(transcript: Transcript, rules: Iterable[Rule]) -> Seen:
    """What the rules find in an English transcript. Overlaps are settled later, by `resolve`."""
    found = tuple(f for rule in rules for f in rule.find(transcript.utterances))
    found += spoken.find(transcript.utterances) + field.find(transcript.utterances)
    return Seen(found=found, foreign=())
