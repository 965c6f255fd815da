"""All rules that need neither people nor sound, over one transcript: models, fused, and patterns of speech."""

from collections.abc import Iterable
from dataclasses import replace

from transcribe.detect import Rule, addresses, field, fusion, kinship, languages, spoken, tagger_of
from transcribe.schema import Finding, Kind, Quiet, Transcript, record


@record
class Seen(Quiet):
    """Candidates, and the ids of utterances that are in a language no rule knows."""

    found: tuple[Finding, ...]
    foreign: tuple[str, ...]


def look(transcript: Transcript, rules: Iterable[Rule]) -> Seen:
    """What the rules find in an English transcript. Overlaps are settled later, by `resolve`."""
    rules = tuple(rules)
    utterances = transcript.utterances
    seen = tuple(f for rule in rules for f in rule.find(utterances))
    found = fusion.fuse(utterances, seen, tagger_of(rules))
    found += spoken.find(utterances) + field.find(utterances)
    found += kinship.find(utterances, transcript.speakers, tagger_of(rules))
    found += addresses.find(utterances, found)
    roles = {speaker.label: speaker.role for speaker in transcript.speakers}
    said = {u.id: (u.text, roles.get(u.speaker, "")) for u in utterances}
    foreign = {stretch.utterance_id for stretch in languages.stretches(utterances, transcript.language)}
    return Seen(
        found=tuple(_in_context(f, *said[f.utterance_id]) for f in found),
        foreign=tuple(u.id for u in utterances if u.id in foreign),
    )


def _in_context(finding: Finding, text: str, speaker: str) -> Finding:
    """With what the words around it say of a person whom another rule found."""
    if finding.kind is not Kind.PERSON or finding.role or finding.relation:
        return finding
    said = kinship.context(text, finding.start, finding.end, speaker)
    return finding if said is None else replace(finding, role=said.role, relation=said.relation)
