"""What an act changes outside of a recording's log, and can be taken back: people of the vault, who a speaker is."""

from collections.abc import Sequence
from dataclasses import replace

from transcribe.review.log import Swap
from transcribe.schema import Person, Speaker
from transcribe.speakers import SpeakerFixes
from transcribe.vault import Unlocked, Vault


def swap(unlocked: Unlocked, recording_id: str, swaps: Sequence[Swap]) -> None:
    """Put what is `after` in the place of what is `before`, wherever that still stands."""
    people = [(s.before, s.after) for s in swaps if not isinstance(s.before or s.after, Speaker)]
    speakers = [(s.before, s.after) for s in swaps if isinstance(s.before or s.after, Speaker)]
    if people:
        unlocked.change(lambda vault: _with_people(vault, people))
    if speakers:
        stored = unlocked.load(recording_id, "speakers", SpeakerFixes)
        fixed: dict[str, object] = {s.label: s for s in (stored.value.speakers if stored else ())}
        _swapped(fixed, [(s, _label(s[0] or s[1])) for s in speakers])
        listed = tuple(s for _, s in sorted(fixed.items()) if isinstance(s, Speaker))
        unlocked.save(recording_id, "speakers", SpeakerFixes(speakers=listed))


def _with_people(vault: Vault, pairs: Sequence[tuple[object, object]]) -> Vault:
    known: dict[str, object] = {person.id: person for person in vault.people}
    _swapped(known, [(pair, _id(pair[0] or pair[1])) for pair in pairs])
    return replace(vault, people=tuple(p for p in known.values() if isinstance(p, Person)))


def _swapped(known: dict[str, object], pairs: Sequence[tuple[tuple[object, object], str]]) -> None:
    for (before, after), name in pairs:
        if known.get(name) != before:
            continue
        if after is None:
            del known[name]
        else:
            known[name] = after


def _id(one: object) -> str:
    return one.id if isinstance(one, Person) else ""


def _label(one: object) -> str:
    return one.label if isinstance(one, Speaker) else ""
