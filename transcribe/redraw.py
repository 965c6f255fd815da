"""Another pseudonym for somebody, and the released files that bear the old one."""

import re
import zlib
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

from lxml.etree import LxmlError

from transcribe import audit, export, levels, pseudonyms
from transcribe.config import Policy
from transcribe.errors import StudyError
from transcribe.publishing import MANIFEST
from transcribe.ready import named_people
from transcribe.schema import Person
from transcribe.vault import Unlocked, Vault, with_people, with_renderings, with_retired

_UNREADABLE = (OSError, ValueError, LookupError, RuntimeError, EOFError, BadZipFile, zlib.error, LxmlError)
"""Of what others left in a release's folder, or made of a file there."""


def draw_again(unlocked: Unlocked, person_id: str) -> tuple[str, ...]:
    """Give a person another pseudonym at every level that has one; the released files that bear an old one.

    Raises StudyError where there is no other: what is written is a tag, which says what she is.
    """
    vault = unlocked.vault
    person = vault.person(person_id)
    mine = [r for r in vault.renderings if r.person_id == person_id]
    shown = next(p.pseudonym for p in named_people(unlocked) if p.id == person_id)  # maybe not kept yet
    old = tuple(dict.fromkeys(text for text in (person.pseudonym or shown, *(r.text for r in mine)) if text))
    vault = with_retired(vault, old)  # they are not drawn again
    team = unlocked.study.config.policy
    new = _drawn(vault, vault.people, person_id, team)
    given = []
    for one in mine:
        policy = levels.at_level(team, one.level)
        people = levels.standing(with_people(vault, (new,)).people, vault.renderings, policy, team)
        given += list(levels.renderings(policy, (_drawn(vault, people, person_id, policy),)))
    if {new.pseudonym, *(r.text for r in given)} <= {"", *old}:
        raise StudyError(f"there is nothing else to write for {person_id}", advice="choose words of your own for her")

    def changed(known: Vault) -> Vault:
        called = replace(known.person(person_id), pseudonym=new.pseudonym, chosen=False)  # as she is known by now
        return with_renderings(with_people(with_retired(known, old), (called,)), tuple(given))

    unlocked.change(changed)
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
    """Whether a released file may hold a name, in the spelling of a format that it may be of: one that cannot be read
    may.
    """
    for exporter in export.fitting(path.name) if path.is_file() else ():
        pattern = re.compile(rf"(?<!\w){re.escape(exporter.spell(name))}(?!\w)")
        try:
            strings = exporter.read_text(path.read_bytes())
        except _UNREADABLE:
            return True
        if any(pattern.search(string) for string in strings):
            return True
    return False
