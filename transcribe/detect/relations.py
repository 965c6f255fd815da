"""What "my older boy" or "the health visitor" says of somebody: her role in the study and her relation, normalised.

Nothing is said where it is unclear: "his mother" is somebody's, "my daughter" may be the infant or not (role child).
"""

import re
import tomllib
from functools import cache
from importlib.resources import files

from transcribe.schema import Quiet, record
from transcribe.wordforms import folded

OWN, ANY = "own", "any"
_TO_HER = ("interviewer", "therapist", "clinician", "professional")  # who says "your" of the participant's people


@record
class Role(Quiet):
    """Who somebody is: her role in the study and her relation to the participant; either may be empty."""

    role: str
    relation: str = ""


@record
class _Head(Quiet):
    """What a relation word stands for; `whose` is own, any or none."""

    role: str
    relation: str
    whose: str
    prefix: str


@record
class Tables(Quiet):
    """The tables of relations.toml."""

    heads: dict[str, tuple[_Head, ...]]
    titles: dict[str, Role]
    ages: dict[str, str]
    little: frozenset[str]
    little_child: frozenset[str]
    idle: frozenset[str]
    step: dict[str, str]
    in_law: dict[str, str]
    female: frozenset[str]
    male: frozenset[str]
    female_titles: frozenset[str]
    male_titles: frozenset[str]
    wider: dict[str, frozenset[str]]
    means: dict[str, frozenset[str]]


@cache
def load() -> Tables:
    """relations.toml, read once."""
    raw = tomllib.loads((files("transcribe.detect") / "relations.toml").read_text(encoding="utf-8"))
    heads: dict[str, list[_Head]] = {}
    for group in raw["group"]:
        for relation, words in group["words"].items():
            head = _Head(role=group["role"], relation=relation, whose=group["whose"], prefix=group.get("prefix", ""))
            for word in words.split("|"):
                heads.setdefault(folded(word), []).append(head)
    titles = {word: Role(role=(pair := text.split(": "))[0], relation=pair[1]) for word, text in raw["titles"].items()}
    wider = {wide: frozenset(_listed(narrow)) for wide, narrow in raw["wider"]}
    return Tables(
        heads={word: tuple(some) for word, some in heads.items()},
        titles=titles,
        ages={word: age for age, words in raw["ages"].items() for word in words.split()},
        little=frozenset(raw["little"].split()),
        little_child=frozenset(raw["little_child"].split()),
        idle=frozenset(folded(word) for word in raw["idle"].split()),
        step=raw["step"],
        in_law=raw["in_law"],
        female=frozenset(raw["female"].split()),
        male=frozenset(raw["male"].split()),
        female_titles=frozenset(raw["female_titles"].split()),
        male_titles=frozenset(raw["male_titles"].split()),
        wider=wider,
        means={word: frozenset(meant.split("|")) for word, meant in raw["means"].items()},
    )


def _listed(words: str) -> list[str]:
    return words.split("|") if "|" in words else words.split()


@cache
def phrase(*, named: bool = True) -> str:
    """A regular expression (ignoring case) of a relation and what stands before it: groups mods, rel and law."""
    tables = load()
    mods = sorted(
        tables.idle | set(tables.ages) | tables.little | tables.little_child | {"ex", "former", "step", "twin"}
    )
    heads = sorted(
        {*tables.heads, *(f"{word[:-1]}ies" for word in tables.heads if word.endswith("y"))}, key=len, reverse=True
    )
    words = "|".join(re.escape(word).replace("\\ ", r"[\s-]") for word in heads)
    mods_part, rel_part = rf"(?:(?:{'|'.join(mods)})[\s-]+){{0,4}}", rf"(?:{words})(?:e?s)?"
    if not named:
        return rf"{mods_part}{rel_part}(?:[\s-]in[\s-]law)?"
    return rf"(?P<mods>{mods_part})(?P<rel>{rel_part})(?P<law>[\s-]in[\s-]law)?"


def resolve(own: str, mods: str, rel: str, law: bool, speaker: str) -> Role | None:
    """The role and relation of "OWN MODS REL", as somebody of the role `speaker` ("" = unknown) says it.

    None where this says nothing: another's relative, or a speaker whose people are not the participant's.
    """
    head, plain = _head(rel), set(re.findall(r"[^\W_]+", folded(f"{mods} {rel}")))
    if head is None:
        return None
    if head.whose == ANY:
        return Role(role=head.role, relation=head.relation)
    owner = folded(own)
    through = re.fullmatch(rf"(?:my|our)\s+{phrase()}'s", owner, re.IGNORECASE)
    if through is not None and _whose(owner.split()[0], speaker):
        return _in_law(through, head)
    if head.whose != OWN or not _whose(owner, speaker, baby=head.role == "infant"):
        return None
    if speaker == "partner" and head.role not in ("child", "infant"):
        return None
    if head.relation == "twin" and not is_plural(rel) and plain.isdisjoint(load().ages):
        return None  # "my twin" is her own twin as often as one of her children
    return _composed(head, plain, law)


def is_plural(rel: str) -> bool:
    """Whether a relation word means several people: "sisters", not "boss"."""
    plain = re.sub(r"\s+", " ", folded(rel))
    return plain.endswith("s") and plain not in load().heads


def _head(rel: str) -> _Head | None:
    heads = load().heads
    plain = re.sub(r"\s+", " ", folded(rel))
    singles = [plain, plain[:-1], plain[:-2]] if plain.endswith("s") else [plain]
    singles += [f"{plain[:-3]}y"] if plain.endswith("ies") else []
    for word in (*singles, *(word.replace("-", " ") for word in singles)):
        if word in heads:
            return heads[word][0]
    return None


def _whose(owner: str, speaker: str, *, baby: bool = False) -> bool:
    """Whether the owner word, from this speaker, is the participant."""
    if re.fullmatch(r"my|our|(?:i|we)\b.*", owner):
        return speaker in ("", "speaker", "participant", "partner")
    if owner == "your":
        return speaker in _TO_HER
    return baby and owner == "the" and speaker not in ("therapist",)


def _composed(head: _Head, mods: set[str], law: bool) -> Role | None:
    tables = load()
    relation, role = head.relation, head.role
    if relation in ("father", "mother") and mods & {"baby", "kid"}:
        return None  # "my baby daddy" is the baby's father: a partner, or one no longer
    if "then" in mods:
        return None  # "my then boyfriend": one no longer, or her husband now
    if law or "step" in mods:
        table = tables.in_law if law else tables.step
        if relation not in table:
            return None
        return Role(role="grandparent" if law and role == "grandparent" else _beside(role), relation=table[relation])
    if mods & {"ex", "former"}:
        known = role == "partner" and relation != "ex-partner"
        return Role(role=role, relation=f"ex-{relation}") if known else None
    age = next((tables.ages[word] for word in sorted(mods) if word in tables.ages), "")
    if relation in ("sister", "brother") and not age and mods & tables.little:
        age = "younger"
    if relation in ("sister", "brother", "sibling", "daughter", "son", "child") and age:
        relation = f"{age} {relation}"
    if "twin" in mods and role == "child":
        relation = "twin"
    if role == "child" and age in ("older", "middle"):
        role = "sibling"
    return Role(role=role, relation=f"{head.prefix}{relation}")


def _beside(role: str) -> str:
    return "relative" if role == "grandparent" else role


def _in_law(owner: re.Match[str], head: _Head) -> Role | None:
    """ "My husband's mother": a mother-in-law; of an ex-husband or anybody else nothing that we would write."""
    first = _head(owner["rel"])
    current = first is not None and first.role == "partner" and not first.relation.startswith("ex-")
    if not current or re.search(r"\b(?:ex|former|late)\b", owner["mods"], re.IGNORECASE):
        return None
    relation = load().in_law.get(head.relation)
    return Role(role=head.role, relation=relation) if relation and head.prefix else None


def of_title(title: str) -> Role | None:
    """What a title before a name says: "Doctor", "Auntie"."""
    return load().titles.get(folded(title).strip("."))


def gender(relation: str) -> str:
    """f, m or "" (either)."""
    last = relation.split()[-1] if relation else ""
    if last in load().female:
        return "f"
    return "m" if last in load().male else ""


def gender_of_title(word: str) -> str:
    """The same of a title before a name; "" where it is none or tells nothing."""
    plain = folded(word)
    if plain in load().female_titles:
        return "f"
    return "m" if plain in load().male_titles else ""


def agree(known: str, said: str) -> bool:
    """Whether two relation texts can be of one person: one says nothing that we know, or some meaning of both is the
    same or wider than the other's.
    """
    (age, ones), (other_age, others) = _meanings(known), _meanings(said)
    if not ones or not others:
        return True
    wider = load().wider
    heads = any(one == two or two in wider.get(one, ()) or one in wider.get(two, ()) for one in ones for two in others)
    return heads and len({age, other_age} - {""}) < 2


def _meanings(text: str) -> tuple[str, frozenset[str]]:
    """(age, what it may be to the participant) of a text as we write it or as a roster has it: "older brother of the
    infant"; nothing where no table knows it.
    """
    infants = re.search(r"\b(?:infant|baby|child)['’]s\b|\bof (?:the )?(?:infant|baby|child)\b", text, re.IGNORECASE)
    plain = re.sub(r"\s+of\s+.*$", "", text.strip(), flags=re.IGNORECASE)
    hers = re.match(r"(?:the\s+)?(?:participant|infant|baby|child|parent)['’]s\s+", plain, re.IGNORECASE)
    plain = plain[hers.end() :] if hers else plain
    age, relation = _plain(plain)
    word = relation or folded(plain)
    own = frozenset({relation} - {""})
    if infants:
        return age, load().means.get(word, own)
    return age, own if hers else own | load().means.get(word, frozenset())


def _plain(text: str) -> tuple[str, str]:
    """(age, relation) of a relation without whose it is; empty where no table knows it."""
    said = _said().fullmatch(text)
    head = _head(said["rel"]) if said else None
    words = set(re.findall(r"[^\W_]+", folded(text)))
    role = _composed(head, words, bool(said["law"])) if said and head and head.relation else None
    if role is None:
        return "", ""
    relation = role.relation.removeprefix(head.prefix if head else "")
    age, _, rest = relation.partition(" ")
    return (age, rest) if age in load().ages.values() else ("", relation)


@cache
def _said() -> re.Pattern[str]:
    return re.compile(phrase(), re.IGNORECASE)
