"""Another pseudonym for somebody, and the released files that bear the old one."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from transcribe import audit, export, levels, pseudonyms
from transcribe.config import Policy
from transcribe.publishing import MANIFEST
from transcribe.schema import Person
from transcribe.vault import Unlocked, with_people, with_renderings


def draw_again(unlocked: Unlocked, person_id: str) -> tuple[str, ...]:
    """Give a person another pseudonym at every level that has one; the released files that bear an old one."""
    vault = unlocked.vault
    person = vault.person(person_id)
    mine = [r for r in vault.renderings if r.person_id == person_id]
    old = tuple(dict.fromkeys(text for text in (person.pseudonym, *(r.text for r in mine)) if text))
    if not old:
        return ()
    barred = replace(person, id=f"{person_id}/old", forms=old)  # the old ones are not drawn again
    team = unlocked.study.config.policy
    new = _drawn(vault.people, person_id, barred, team, vault.digest)
    given = []
    for one in mine:
        policy = levels.at_level(team, one.level)
        people = levels.standing(with_people(vault, (new,)).people, vault.renderings, policy, team)
        again = _drawn(people, person_id, barred, policy, vault.digest)
        given += list(levels.renderings(policy, (again,)))
    unlocked.change(lambda known: with_renderings(with_people(known, (new,)), tuple(given)))
    audit.append(unlocked.study.audit_path, "pseudonym drawn again", person=person_id)
    return tuple(
        str(path.relative_to(unlocked.study.root))
        for path in sorted(unlocked.study.releases.glob("*/*"))
        if path.name != MANIFEST and any(_mentions(path, name) for name in old)
    )


def _drawn(
    people: tuple[Person, ...], person_id: str, barred: Person, policy: Policy, draw: Callable[[str], str]
) -> Person:
    held = tuple(replace(p, pseudonym="", chosen=False) if p.id == person_id else p for p in people)
    return next(p for p in pseudonyms.assign((*held, barred), policy, draw) if p.id == person_id)


def _mentions(path: Path, name: str) -> bool:
    """Whether a released file holds a name, in the spelling of a format that the file may be of."""
    for exporter in export.fitting(path.name):
        pattern = re.compile(rf"(?<!\w){re.escape(exporter.spell(name))}(?!\w)")
        if any(pattern.search(string) for string in exporter.read_text(path.read_bytes())):
            return True
    return False
