"""What an act changes outside of a recording's log, and can be taken back: people of the vault, who a speaker is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from transcribe import history, store
from transcribe.review.log import Deed, Entry, Swap
from transcribe.review.refusals import Conflict
from transcribe.schema import Person, Speaker
from transcribe.speakers import SpeakerFixes
from transcribe.vault import Unlocked, Vault, with_retired

CLOCK = timedelta(days=1)  # a machine's clock is never put back by more


def write(unlocked: Unlocked, recording_id: str, entry: Entry, since: tuple[int, ...]) -> None:
    """Do what an entry does outside of the log, and write it down, about the recording as it `stood` then.

    In this order a process that is killed leaves somebody known too many, not too few. Raises Conflict where something
    came in between, or what is to be swapped does not stand any more; then nothing was changed.
    """
    with history.adding(unlocked, recording_id, since) as add:
        if entry.deed is not Deed.UNDO:
            swap(unlocked, recording_id, entry.swaps)
        add(entry)
        if entry.deed is Deed.UNDO:
            swap(unlocked, recording_id, entry.swaps, where_it_stands=True)


def swap(unlocked: Unlocked, recording_id: str, swaps: Sequence[Swap], *, where_it_stands: bool = False) -> None:
    """Put what is `after` in the place of what is `before`; `where_it_stands`: and leave what was changed since.

    Raises Conflict where neither stands; then nothing was changed.
    """
    people = [s for s in swaps if not isinstance(s.before or s.after, Speaker)]
    speakers = [s for s in swaps if isinstance(s.before or s.after, Speaker)]
    if people:
        unlocked.change(lambda vault: _with_people(vault, people, where_it_stands))
    if speakers:
        stored = unlocked.load(recording_id, "speakers", SpeakerFixes)
        fixed: dict[str, object] = {s.label: s for s in (stored.value.speakers if stored else ())}
        _swap(fixed, speakers, where_it_stands)
        listed = tuple(s for _, s in sorted(fixed.items()) if isinstance(s, Speaker))
        unlocked.save(recording_id, "speakers", SpeakerFixes(speakers=listed))


def _with_people(vault: Vault, swaps: Sequence[Swap], where_it_stands: bool) -> Vault:
    known: dict[str, object] = {person.id: person for person in vault.people}
    _swap(known, swaps, where_it_stands)
    people = tuple(p for p in known.values() if isinstance(p, Person))
    kept = {person.pseudonym for person in people}
    return with_retired(replace(vault, people=people), (p.pseudonym for p in vault.people if p.pseudonym not in kept))


def _swap(known: dict[str, object], swaps: Sequence[Swap], where_it_stands: bool) -> None:
    for one in swaps:
        name = _name(one.before or one.after)
        if known.get(name) == one.before:
            known[name] = one.after
        elif known.get(name) != one.after and not where_it_stands:
            raise Conflict("what this is about was changed meanwhile", advice="look at it again")


def _name(one: Person | Speaker | None) -> str:
    return one.id if isinstance(one, Person) else one.label if one else ""


# --- taking back and doing again --------------------------------------------------------------------------------------


def back(unlocked: Unlocked, act: Entry) -> tuple[Swap, ...]:
    """What takes back the swaps of an act. Whom somebody else has named since stays known."""
    made = {s.after.id for s in act.swaps if s.before is None and isinstance(s.after, Person)}
    named = set(_named(unlocked, act)) if made else set[str]()
    swaps = (Swap(before=s.after, after=s.before) for s in reversed(act.swaps))
    return tuple(s for s in swaps if s.after or not isinstance(s.before, Person) or s.before.id not in named)


def again(unlocked: Unlocked, act: Entry) -> tuple[Swap, ...]:
    """What does the swaps of an act again. Who is known as that person, and maybe as more, need not be made known, nor
    be searched for who is since.
    """
    known = {person.id: person for person in unlocked.vault.people}
    return tuple(s for s in act.swaps if not _is_known(s, known))


def _is_known(one: Swap, known: Mapping[str, Person]) -> bool:
    here, new = known.get(_name(one.after)), one.after
    if here is None or not isinstance(new, Person):
        return False
    if one.before is not None:  # she was accepted
        return here not in (one.before, new) and not here.position_only and {*here.bound} <= {*new.bound}
    return here.kind is new.kind and {*new.forms} <= {*here.forms, *here.heard}


def _named(unlocked: Unlocked, act: Entry) -> Iterator[str]:
    """Whom decisions of other acts name that stand, in any recording, and other people of the study; of logs only what
    was written since that act, since nobody was named before being known.
    """
    yield from (whom for p in unlocked.vault.people for whom in (p.same_as, p.of))
    since = (datetime.fromisoformat(act.at) - CLOCK).timestamp() * 1e9
    for recording_id in unlocked.study.recordings():
        paths = store.numbered(unlocked.study.log_path(recording_id))
        former = sum(store.stamp(path)[0] < since for path in paths)
        by_group: dict[str, set[str]] = {}
        gone = set[str]()
        for entry in unlocked.appended(recording_id, Entry, former):
            (gone.add if entry.deed is Deed.UNDO else gone.discard)(entry.group)
            by_group.setdefault(entry.group, set()).update(entry.decided)
        yield from (whom for group, ids in by_group.items() if group not in gone | {act.group} for whom in ids)
