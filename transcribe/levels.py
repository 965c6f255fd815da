"""Anonymity levels: what the policy says at each, and what everybody is called there. Pure.

What the team's release calls somebody is hers in `Person.pseudonym`. A stricter level inherits it where it treats her
alike; what it has once written of her stays, so that two of its releases can be read together (`vault.Rendering`). A
vaguer word is made anew each time: it says what somebody is, not who.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from transcribe.config import Action, Level, Policy
from transcribe.errors import ConfigError
from transcribe.pseudonyms import NUMBERED, action, borne, clashes, may_meet, table, tells_of_twins, written
from transcribe.schema import Kind, Person
from transcribe.vault import Rendering, Vault
from transcribe.wordforms import FormIndex, folded

T = TypeVar("T")
TEAM = "team"
LEVELS = (TEAM, "archive", "public")
_STRICTER = (Action.KEEP, Action.GENERALISE, Action.PSEUDONYM, Action.TAG)
_TAGGED = Policy(kinds=dict.fromkeys(Kind, Action.TAG))
_VAGUE = (
    Policy(kinds=dict.fromkeys(Kind, Action.GENERALISE)),
    Policy(kinds=dict.fromkeys(Kind, Action.GENERALISE), dates="month"),
)


def at_level(policy: Policy, name: str) -> Policy:
    """The policy at a level. Raises ConfigError for a name that is none.

    What the study says of a level counts first, then the stricter of what it says of its team and what policy.toml says
    of the level; what it says of a role for its team bows to a stricter word on all of that kind at the level. What the
    team keeps is not kept elsewhere unless the study says so there.
    """
    if name not in LEVELS:
        raise ConfigError(f"there is no policy {name!r}", advice=f"choose one of {', '.join(LEVELS)}")
    if name == TEAM:
        return policy
    own: Level = getattr(policy, name)
    ours = table()[name]
    kinds = {Kind(kind): Action(what) for kind, what in ours["kinds"].items()}
    roles = {
        role: _stricter(Action(what), policy.roles.get(role, policy.kinds.get(Kind(kind))))
        for kind, said in ours["roles"].items()
        for role, what in said.items()
        if Kind(kind) not in own.kinds
    }
    stricter = {kind: _stricter(what, policy.kinds.get(kind)) for kind, what in kinds.items()}
    said, team = {**kinds, **own.kinds}, _without_kept(policy.roles)
    return policy.model_copy(
        update={
            "level": name,
            "roles": {**roles, **own.roles},
            "inherited": {
                kind: {role: _stricter(what, said.get(kind)) for role, what in team.items()} for kind in Kind
            },
            "kinds": {**_without_kept(policy.kinds), **stricter, **own.kinds},
            "dates": own.dates or ours["dates"],
            "attributes": own.attributes,
            "topics": own.topics,
        }
    )


def _stricter(one: Action, other: Action | None) -> Action:
    return max(one, other or one, key=_STRICTER.index)


def _without_kept(actions: Mapping[T, Action]) -> dict[T, Action]:
    return {what: action for what, action in actions.items() if action is not Action.KEEP}


def standing(
    people: Iterable[Person], renderings: Iterable[Rendering], policy: Policy, team: Policy
) -> tuple[Person, ...]:
    """Everybody with what she is called at this level so far: nothing where that is to be assigned."""
    everybody = tuple(people)
    real = FormIndex(everybody)
    given = {r.person_id: r for r in renderings if r.level == policy.level}
    found = []
    for person in everybody:
        text = person.pseudonym if person.chosen else _called(person, given, everybody, policy, team)
        twin = person.kind is Kind.PERSON and tells_of_twins(text, policy)
        if text.startswith("[") and not person.chosen and (twin or borne(text, real)):
            text = ""  # who is known by now is named in it, or it tells what is withheld by now or at this level
        found.append(replace(person, pseudonym=text))
    return tuple(found)


def _called(
    person: Person, given: Mapping[str, Rendering], people: tuple[Person, ...], policy: Policy, team: Policy
) -> str:
    what = action(person, policy)
    rendering = given.get(person.id)
    if what is Action.GENERALISE:
        return ""
    if rendering is not None and rendering.action == what.value and not _is_vague(rendering.text, person):
        return rendering.text
    if what is not action(person, team) or _is_vague(person.pseudonym, person):
        return ""
    of = {other.id: other.of for other in people}
    taken = any(
        folded(r.text) == folded(person.pseudonym)
        and (what is Action.PSEUDONYM or may_meet(of.get(r.person_id, ""), person.of))
        for r in given.values()
        if r.person_id != person.id
    )
    return "" if taken else person.pseudonym


def _is_vague(text: str, person: Person) -> bool:
    """Whether a text that was stored is a vaguer word for her and not her tag: releases once stored these, too."""
    if not text.startswith("["):
        return False
    plain = replace(person, pseudonym="")
    vague = {written(one, policy) for one in (plain, replace(plain, general="")) for policy in _VAGUE}
    return text in vague and text != written(plain, _TAGGED)


def lasting(named: Iterable[Person], team: Policy) -> tuple[Person, ...]:
    """Those whom the team's release calls so for good."""
    return tuple(person for person in named if action(person, team) is not Action.GENERALISE)


def renderings(policy: Policy, named: Iterable[Person]) -> tuple[Rendering, ...]:
    """What a release at this level has to remember of what it calls people; nothing of the team's."""
    if policy.level == TEAM:
        return ()
    return tuple(
        Rendering(level=policy.level, person_id=one.id, action=action(one, policy).value, text=one.pseudonym)
        for one in named
        if one.kind in NUMBERED and action(one, policy) in (Action.PSEUDONYM, Action.TAG)
        if not one.chosen and not one.same_as
    )


def taken(vault: Vault) -> dict[str, str]:
    """Names that are not drawn anew: name -> the id of who is called so at a level, nobody's where it is retired."""
    return {r.text: r.person_id for r in vault.renderings} | dict.fromkeys(vault.retired, "")


def clashing(people: tuple[Person, ...], given: Iterable[Rendering]) -> tuple[str, ...]:
    """The ids of those who are called, at any level, by what has turned out to be a real name of the study."""
    by_id = {person.id: person for person in people}
    elsewhere = [replace(by_id[r.person_id], pseudonym=r.text) for r in given if r.person_id in by_id]
    found = clashes((*people, *elsewhere))
    return tuple(dict.fromkeys(person.id for person in found))
