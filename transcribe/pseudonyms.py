"""People to stable pseudonyms: chosen ones as written, first names from a pool that collide with nobody, tags.

An assigned pseudonym never changes. Which name of the pool a person gets is drawn by the vault's key, so that nobody
can guess it from the roster's order. Sounding alike: equal metaphone codes (jellyfish) or a Jaro-Winkler similarity of
at least .88 (rapidfuzz) of the folded names.
"""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import jellyfish
from rapidfuzz.distance import JaroWinkler

from transcribe import vaguer
from transcribe.config import Action, Policy, known_role
from transcribe.detect import diminutives
from transcribe.schema import Kind, Person
from transcribe.wordforms import FormIndex, folded, names_alone, search_forms

ALIKE = 0.88
NUMBERED = (Kind.PERSON, Kind.PLACE, Kind.ORGANISATION, Kind.SERVICE)
WITH_PSEUDONYM = {"pseudonyms": ("participant", "infant", "therapist"), "brackets": ("participant",)}
# Relations short and sure enough to stand in a tag, as the published study has them.
RELATIONS = frozenset(
    "husband|wife|ex-husband|ex-wife|partner|ex-partner|boyfriend|girlfriend|fiancé|fiancée|mother|father|sister|"
    "brother|older sister|younger sister|older brother|younger brother|older daughter|older son|younger daughter|"
    "younger son|daughter|son|twin|stepdaughter|stepson|stepmother|stepfather|grandmother|grandfather|mother-in-law|"
    "father-in-law|sister-in-law|brother-in-law|daughter-in-law|son-in-law|aunt|uncle|cousin|niece|nephew|friend|"
    "neighbour|godmother|godfather|flatmate|colleague|ex-boyfriend|ex-girlfriend|participant's mother|"
    "participant's father|participant's sister|participant's brother|participant's older sister|"
    "participant's younger sister|participant's older brother|participant's younger brother|"
    "participant's grandmother|participant's grandfather|participant's stepmother|participant's stepfather|"
    "participant's stepsister|participant's stepbrother|child|older child|younger child|middle child|"
    "middle daughter|middle son|middle sister|middle brother|baby|therapist|counsellor|gp|doctor|midwife|"
    "health visitor|nurse|consultant|psychologist|psychiatrist|paediatrician|obstetrician|surgeon|registrar|"
    "anaesthetist|physiotherapist|psychiatric nurse|doula|social worker|key worker|support worker|family worker|"
    "teacher|head teacher|childminder|solicitor|vicar|researcher|interpreter".split("|")
)
TWINS = "multiple birth"
_TWIN = re.compile(r"\b(?:twin|triplet|quadruplet)s?\b", re.IGNORECASE)
FEMALE = re.compile(r"\b(mother|mum|wife|daughter|sister|girl|aunt|niece|grandmother|female|woman|stepmother)\b", re.I)
MALE = re.compile(r"\b(father|dad|husband|son|brother|boy|uncle|nephew|grandfather|male|man|stepfather)\b", re.I)


def action(person: Person, policy: Policy) -> Action:
    """What the policy says of a person, place, ... : by role first, then by kind, then the defaults, by convention.

    Whoever has a pseudonym that was chosen for her is never kept.
    """
    said = _said_of(person, policy)
    return Action.PSEUDONYM if said is Action.KEEP and person.chosen and person.pseudonym else said


def _said_of(person: Person, policy: Policy) -> Action:
    role = known_role(person.role)  # ours, too, may have capitals: "NHS number"
    if role in policy.roles:
        return policy.roles[role]
    if role in policy.inherited.get(person.kind, {}):
        return policy.inherited[person.kind][role]
    if person.kind in policy.kinds:
        return policy.kinds[person.kind]
    if person.role in table()["roles"]:
        return Action(table()["roles"][person.role])
    by_name = person.kind is Kind.PERSON and person.role in WITH_PSEUDONYM[policy.convention]
    return Action.PSEUDONYM if by_name else Action.TAG


def written(person: Person, policy: Policy) -> str | None:
    """What is written instead of her: her pseudonym, or what fits who has none of her own; None where she is kept."""
    what = action(person, policy)
    if what is Action.KEEP:
        return None
    tag = _tag_text(person, policy, FormIndex(()))
    return person.pseudonym or (_general(person, tag, policy.dates) if what is Action.GENERALISE else f"[{tag}]")


def assign(
    people: tuple[Person, ...], policy: Policy, draw: Callable[[str], str], taken: Mapping[str, str] | None = None
) -> tuple[Person, ...]:
    """Everybody with what is written instead of her; those who have it keep it, and who is found to be somebody else
    needs nothing. `draw` is a keyed digest; `taken` are names that are drawn for nobody but the person of that id.

    `people` come in the order in which tags are numbered: roster order, then found ones by first mention.
    """
    real = FormIndex(people)
    done = {person.id: person for person in people if person.pseudonym}
    waiting = [person for person in people if not person.pseudonym and not person.same_as]
    tagged: dict[str, dict[str, list[Person]]] = {}  # by tag, then by whose they are
    for person in waiting:
        what, tag = action(person, policy), _tag_text(person, policy, real)
        name = ""
        if what is Action.PSEUDONYM:
            everybody = tuple({**{p.id: p for p in people}, **done}.values())
            name = "" if _clashes(person, everybody) else _draw_name(person, everybody, real, draw, taken or {})
        if name:
            done[person.id] = replace(person, pseudonym=name)
        elif what is Action.GENERALISE:
            done[person.id] = replace(person, pseudonym=_general(_unnamed(person, real), tag, policy.dates))
        elif person.kind not in NUMBERED:
            done[person.id] = replace(person, pseudonym=f"[{tag}]")
        else:
            tagged.setdefault(tag, {}).setdefault(person.of, []).append(person)
    for text, groups in tagged.items():
        for of in groups:
            done.update({person.id: person for person in _numbered(text, of, groups, tuple(done.values()))})
    return tuple(done.get(person.id, person) for person in people)


def refusals(people: Iterable[Person]) -> dict[str, str]:
    """id -> why she cannot have the pseudonym she has, for those who cannot."""
    everybody = tuple(people)
    real = FormIndex(everybody)
    participants: dict[str, list[str]] = {}
    for person in everybody:
        if person.pseudonym and person.role == "participant":
            participants.setdefault(folded(person.pseudonym), []).append(person.id)
    found: dict[str, str] = {}
    for person in everybody:
        ids = borne(person.pseudonym, real)
        others = [i for i in ids if i != person.id]
        shared = participants.get(folded(person.pseudonym), []) if person.role == "participant" else []
        doubles = [i for i in shared if i != person.id]
        if others:
            found[person.id] = f"is a real name of this study (of {others[0]})"
        elif ids:
            found[person.id] = "is her own real name"
        elif doubles:
            found[person.id] = f"is already the pseudonym of {doubles[0]}"
    return found


def objection(person: Person, people: Iterable[Person]) -> str:
    """Why somebody should not be given the pseudonym that was chosen for her now; nothing where she may be."""
    if _other_forms(frozenset(_names_alone(person))).intersection(_said(person.pseudonym)):
        return "is a short or full form of her own real name"
    drawn = (p for p in people if p.id != person.id and _said(p.pseudonym) and not (p.chosen or p.same_as))
    doubles = [p.id for p in drawn if folded(p.pseudonym) == folded(person.pseudonym)]
    return f"is already the pseudonym of {doubles[0]}" if doubles else ""


def clashes(people: tuple[Person, ...]) -> tuple[Person, ...]:
    """Those whose pseudonym has meanwhile turned out to hold a real name of the study, be it her own; not an assigned
    tag, which is made anew where it does. How she was misheard is no name of hers.
    """
    real, own = FormIndex(people), revealing(people)
    asked = (p for p in people if p.chosen or "[" not in p.pseudonym)
    return tuple(p for p in asked if p in own or any(i != p.id for i in borne(p.pseudonym, real)))


def revealing(people: tuple[Person, ...]) -> tuple[Person, ...]:
    """Those whose pseudonym holds a name of their own."""
    asked = (p for p in people if p.pseudonym and "[" not in p.pseudonym)
    return tuple(p for p in asked if borne(p.pseudonym, FormIndex((replace(p, heard=()),))))


def telling(people: Iterable[Person]) -> tuple[str, ...]:
    """The ids of those whose vaguer words hold a real name of the study."""
    everybody = tuple(people)
    vague = [person for person in everybody if person.general]
    real = FormIndex(everybody if vague else ())
    return tuple(person.id for person in vague if borne(person.general, real))


def borne(text: str, real: FormIndex) -> tuple[str, ...]:
    """The ids of those who bear a real name that a text holds, as it stands or as it would be written in a tag."""
    texts = dict.fromkeys((text, _plain(text)))
    return tuple(dict.fromkeys(match.person_id for said in texts for match in real.find(said)))


def _plain(text: str) -> str:
    """A text as it may stand in the brackets of a tag."""
    return re.sub(r"[^\w' -]", " ", text).strip()


def _said(pseudonym: str) -> list[str]:
    """The folded pseudonym and each of its words; none of a tag, which is no name."""
    whole = folded(pseudonym)
    return [] if not whole or "[" in whole else list(dict.fromkeys((whole, *whole.split())))


def _unsearched(person: Person) -> set[str]:
    """Her folded names, those too that are searched for only once a reviewer accepts her: of a person each alone."""
    if person.kind is Kind.PERSON:
        return _names_alone(person)
    forms = (*person.forms, *person.heard, *person.bound)
    return {folded(form) for form in forms} if person.kind in NUMBERED else set()


def _names_alone(person: Person) -> set[str]:
    """Each folded name of a person alone; none of a place."""
    forms = (*person.forms, *person.heard, *person.bound) if person.kind is Kind.PERSON else ()
    return {folded(name) for form in forms for name in names_alone(form)}


def _clashes(person: Person, people: tuple[Person, ...]) -> bool:
    """Whether a real name of hers is somebody's pseudonym already: then she is tagged, so that nobody mixes them up."""
    names = {folded(form) for form in search_forms(person)} | _unsearched(person)
    return any(names & set(_said(other.pseudonym)) for other in people if other.id != person.id)


def _draw_name(
    person: Person,
    people: tuple[Person, ...],
    index: FormIndex,
    draw: Callable[[str], str],
    taken: Mapping[str, str],
) -> str:
    real = {folded(part) for other in people for form in search_forms(other) for part in form.split()}
    real = real.union(*map(_unsearched, people))
    used = {folded(other.pseudonym) for other in people if other.pseudonym and "[" not in other.pseudonym}
    used |= {folded(name) for name, person_id in taken.items() if person_id != person.id and "[" not in name}
    forms = _other_forms(frozenset(name for other in people for name in _names_alone(other)))
    barred = sorted(real | used)
    for names in _pools(person):
        for name in sorted(names, key=lambda n: draw(f"{person.id}:{n}")):
            plain = folded(name)
            if plain not in forms and not any(_too_near(plain, other) for other in barred) and not borne(name, index):
                return name
    return ""


@lru_cache(maxsize=8)
def _other_forms(names: frozenset[str]) -> frozenset[str]:
    """Short and full forms of names: Robert of Bob, who could be called so by who knows him."""
    return frozenset(form for name in names for form in diminutives.of(name))


def _too_near(name: str, other: str) -> bool:
    if name in other or (len(other) > 2 and other in name):
        return True
    alike: float = JaroWinkler.similarity(name, other)
    return alike >= ALIKE or _sound(name) == _sound(other)


@lru_cache(maxsize=4096)
def _sound(name: str) -> str:
    return str(jellyfish.metaphone(name))


def _pools(person: Person) -> tuple[tuple[str, ...], ...]:
    """The name lists to draw from, best first: by what role and relation say of gender, else names for anybody."""
    said = f"{person.role} {person.relation}"
    female, male, either = (pool(name) for name in ("female", "male", "either"))
    if FEMALE.search(said):
        return (female, either)
    return (male, either) if MALE.search(said) else (either, female + male)


@cache
def pool(name: str) -> tuple[str, ...]:
    """A list of first names that are no ordinary words: female, male or either."""
    text = files("transcribe").joinpath("pseudonyms.toml").read_text(encoding="utf-8")
    return tuple(tomllib.loads(text)[name].split())


def _unnamed(person: Person, real: FormIndex) -> Person:
    """The person without the vaguer words that the researcher gave, where these hold a real name."""
    return replace(person, general="") if borne(person.general, real) else person


def _general(person: Person, tag: str, dates: str) -> str:
    """A vaguer word: the researcher's own, of a date its month or year, of an age the years around it, of all else what
    it is.
    """
    if person.general:
        return f"[{_plain(person.general)}]"
    if person.kind is Kind.DATE and (date := vaguer.date_in(person.forms[0], with_month=dates == "month")):
        return f"[{date}]"
    aged = person.kind is Kind.AGE and person.role not in table()["general"]
    band = vaguer.age_band(person.forms[0], table()["ages"]["bands"]) if aged else ""
    article = "an" if tag[:1].lower() in "aeiou" else "a"
    return f"[{band or table()['general'].get(person.role, f'{article} {tag}')}]"


@cache
def table() -> Mapping[str, Any]:
    """policy.toml."""
    return tomllib.loads(files("transcribe").joinpath("policy.toml").read_text(encoding="utf-8"))


def tells_of_twins(text: str, policy: Policy) -> bool:
    """Whether a text says that somebody is a twin where twins are withheld."""
    twins = Person(id="", kind=Kind.OTHER, role=TWINS, forms=())
    return bool(_TWIN.search(text)) and action(twins, policy) is not Action.KEEP


def relation_of(person: Person, policy: Policy) -> str:
    """Her relation as it may be written, empty where it is no usual one. A twin is a child where twins are withheld."""
    relation = person.relation.lower()
    if relation == "twin" and tells_of_twins(relation, policy):
        return "child"
    return person.relation if relation in RELATIONS else ""


def role_of(person: Person, policy: Policy) -> str:
    """Her role as it may be written: a child where it tells of twins and these are withheld."""
    return "child" if person.kind is Kind.PERSON and tells_of_twins(person.role, policy) else person.role


def _tag_text(person: Person, policy: Policy, real: FormIndex) -> str:
    """Her relation or role; what she is where the role, which anybody may write as she likes, holds a real name."""
    text = (relation_of(person, policy) if person.kind is Kind.PERSON else "") or role_of(person, policy)
    if borne(text, real):
        return person.kind.value.replace("_", " ")
    text = table()["tags"].get(text, text)
    return _plain(text.replace("_", " ")) or person.kind.value


def _numbered(text: str, of: str, groups: Mapping[str, list[Person]], done: tuple[Person, ...]) -> Iterable[Person]:
    """[sister], or [sister 1], [sister 2] where one participant has several; numbers once given never change.

    `groups`: all who wait for this tag, by whose they are. Who is nobody's may be met in any participant's recording.
    """
    pattern = re.compile(rf"\[{re.escape(text)}(?: (\d+))?\]")
    given = [int(m[1] or 1) for p in done if may_meet(p.of, of) and (m := pattern.fullmatch(p.pseudonym))]
    first = max(given, default=0) + 1
    alone = not given and sum(len(group) for other, group in groups.items() if may_meet(other, of)) == 1
    for number, person in enumerate(groups[of], first):
        yield replace(person, pseudonym=f"[{text}]" if alone else f"[{text} {number}]")


def may_meet(one: str, other: str) -> bool:
    """Whether people of these two may be spoken of in one recording: of nobody is who is found in anybody's."""
    return one == other or not one or not other
