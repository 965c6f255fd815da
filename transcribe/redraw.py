"""Another pseudonym for somebody, and the released files that bear the old one."""

import re
from dataclasses import replace
from pathlib import Path

from transcribe import audit, export, levels, pseudonyms
from transcribe.config import Policy
from transcribe.publishing import MANIFEST
from transcribe.schema import Person
from transcribe.vault import Unlocked, Vault, with_people, with_renderings, with_retired


def draw_again(unlocked: Unlocked, person_id: str) -> tuple[str, ...]:
    """Give a person another pseudonym at every level that has one; the released files that bear an old one."""
    vault = unlocked.vault
    person = vault.person(person_id)
    mine = [r for r in vault.renderings if r.person_id == person_id]
    old = tuple(dict.fromkeys(text for text in (person.pseudonym, *(r.text for r in mine)) if text))
    if not old:
        return ()
    vault = with_retired(vault, old)  # they are not drawn again
    team = unlocked.study.config.policy
    new = _drawn(vault, vault.people, person_id, team)
    given = []
    for one in mine:
        policy = levels.at_level(team, one.level)
        people = levels.standing(with_people(vault, (new,)).people, vault.renderings, policy, team)
        given += list(levels.renderings(policy, (_drawn(vault, people, person_id, policy),)))
    unlocked.change(lambda known: with_renderings(with_people(with_retired(known, old), (new,)), tuple(given)))
    audit.append(unlocked.study.audit_path, "pseudonym drawn again", person=person_id)
    return tuple(
        str(path.relative_to(unlocked.study.root))
        for path in sorted(unlocked.study.releases.glob("*/*"))
        if path.name != MANIFEST and any(_mentions(path, name) for name in old)
    )


def _drawn(vault: Vault, people: tuple[Person, ...], person_id: str, policy: Policy) -> Person:
    held = tuple(replace(p, pseudonym="", chosen=False) if p.id == person_id else p for p in people)
    given = pseudonyms.assign(held, policy, vault.digest, levels.taken(vault))
    return next(p for p in given if p.id == person_id)


def _mentions(path: Path, name: str) -> bool:
    """Whether a released file holds a name, in the spelling of a format that the file may be of."""
    for exporter in export.fitting(path.name):
        pattern = re.compile(rf"(?<!\w){re.escape(exporter.spell(name))}(?!\w)")
        if any(pattern.search(string) for string in exporter.read_text(path.read_bytes())):
            return True
    return False
