"""Another pseudonym for somebody, and the released files that bear the old one."""

import re
from dataclasses import replace
from pathlib import Path

from transcribe import audit, export, pseudonyms
from transcribe.publishing import MANIFEST
from transcribe.vault import Unlocked, with_people, without_renderings


def draw_again(unlocked: Unlocked, person_id: str) -> tuple[str, ...]:
    """Give a person another pseudonym; the released files that still bear the old one, to be replaced."""
    person = unlocked.vault.person(person_id)
    old = person.pseudonym
    if not old:
        return ()
    held = tuple(replace(p, pseudonym="", chosen=False) if p.id == person_id else p for p in unlocked.vault.people)
    barred = replace(person, id=f"{person_id}/old", forms=(old,))  # the old one is not drawn again
    policy = unlocked.study.config.policy
    drawn = pseudonyms.assign((*held, barred), policy, unlocked.vault.digest)
    own = tuple(person for person in drawn if person.id == person_id)
    unlocked.change(lambda vault: with_people(without_renderings(vault, person_id), own))
    audit.append(unlocked.study.audit_path, "pseudonym drawn again", person=person_id)
    return tuple(
        str(path.relative_to(unlocked.study.root))
        for path in sorted(unlocked.study.releases.glob("*/*"))
        if path.name != MANIFEST and _mentions(path, old)
    )


def _mentions(path: Path, name: str) -> bool:
    """Whether a released file holds a name, in the spelling of a format that the file may be of."""
    for exporter in export.fitting(path.name):
        pattern = re.compile(rf"(?<!\w){re.escape(exporter.spell(name))}(?!\w)")
        if any(pattern.search(string) for string in exporter.read_text(path.read_bytes())):
            return True
    return False
