"""How names sound: respellings by ear, and how like a name sounds what was written.

Spelling is mapped to a coarse string of sounds, a weighted edit distance compares two such strings: what a recogniser
often confuses (p/b, s/z, vowels) is cheap. All tables are in sounds.toml. Pure, and cached by word and by name.
"""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from itertools import islice, product
from typing import Any

from rapidfuzz.distance import JaroWinkler

from transcribe.schema import Quiet, record
from transcribe.wordforms import folded

_LETTERS = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_FAMILIES_AT_MOST = 4  # families whose rules are tried on a name that no table has
_FORMS_AT_MOST = 12  # respellings of one name


@record
class _Family(Quiet):
    signs: re.Pattern[str]
    respell: Callable[[str], str]


@record
class _Sounds(Quiet):
    families: tuple[_Family, ...]
    names: Mapping[str, tuple[str, ...]]
    to_phones: Callable[[str], str]
    indel: Mapping[str, float]
    swap: Mapping[str, float]


@record
class Sounding(Quiet):
    """One way to write a name: its letters joined, its sounds, and what losing them all would cost."""

    letters: str
    phones: str
    weight: float


@cache
def _load() -> _Sounds:
    raw = tomllib.loads((files("transcribe.detect") / "sounds.toml").read_text(encoding="utf-8"))
    english = raw.pop("phones")
    names: dict[str, tuple[str, ...]] = {}
    for family in raw.values():
        for name, written in family["names"].items():
            names[name] = tuple(dict.fromkeys((*names.get(name, ()), *written.split(", "))))
    return _Sounds(
        families=tuple(
            _Family(signs=re.compile(family["signs"]), respell=_rewriter(family["rules"])) for family in raw.values()
        ),
        names=names,
        to_phones=_rewriter(english["rules"]),
        indel=english["indel"],
        swap=_swaps(english),
    )


def _rewriter(rules: list[list[str]]) -> Callable[[str], str]:
    """One pass from left to right; at each place the first rule that fits writes its letters, "" of a group itself."""
    if not rules:
        return lambda word: word
    # each rule is a group of its own; a rule's own groups follow it
    pattern, owner, opened = [], {}, 1
    for source, target in rules:
        pattern.append(f"({source})")
        owner[opened] = source, target
        opened += 1 + re.compile(source).groups
    whole = re.compile("|".join(pattern))

    def write(match: re.Match[str]) -> str:
        for group, (source, target) in owner.items():
            if match.group(group) is not None:
                return match.group(group) if source.startswith("([") else target
        return ""

    return lambda word: whole.sub(write, word)


def _swaps(english: Mapping[str, Any]) -> dict[str, float]:
    """The cost of each ordered pair of sounds that may stand for each other."""
    costs: dict[str, float] = {}
    for pair, cost in english["swap"].items():
        costs[pair] = costs[pair[::-1]] = cost
    places = english["place"]
    for one, (front, height) in places.items():
        for other, (far_front, far_height) in places.items():
            apart = ((front - far_front) ** 2 + (height - far_height) ** 2) ** 0.5
            costs[one + other] = 0.0 if one == other else min(0.55, 0.08 + 0.45 * apart)
    return costs


# --- respellings ----------------------------------------------------------------------------------------------------


@lru_cache(maxsize=65536)
def respellings(name: str) -> tuple[str, ...]:
    """How an English-speaking recogniser may write `name` by ear: likeliest first, lower case, `name` itself not.

    A name of several words has its words respelt together. At most a dozen; none for a name that reads as it sounds.
    """
    words = _LETTERS.findall(name)
    options = [(folded(word), *_respelt(word)) for word in words]
    if len(words) == 1:
        return options[0][1:]
    combined = (" ".join(choice) for choice in product(*(option[:4] for option in options)))
    return tuple(islice((form for form in combined if form != folded(" ".join(words))), _FORMS_AT_MOST))


@lru_cache(maxsize=65536)
def _respelt(word: str) -> tuple[str, ...]:
    plain = re.sub(r"['’]", "", folded(word))
    listed = _load().names.get(plain)
    if listed is not None:
        return listed[:_FORMS_AT_MOST]
    lower = unicodedata.normalize("NFC", word.casefold())
    fitting = [family for family in _load().families if family.signs.search(lower)][:_FAMILIES_AT_MOST]
    written = (re.sub(r"[^a-z ]", "", folded(family.respell(lower))) for family in fitting)
    return tuple(dict.fromkeys(form for form in written if len(form) > 1 and phones(form) != phones(plain)))


# --- likeness -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=262144)
def phones(word: str) -> str:
    """The coarse sounds of a word or of several, without the gaps between them."""
    lower = re.sub(r"['’]", "", folded(word))
    return "".join(_load().to_phones(part) for part in re.findall(r"[a-z]+", lower))


@lru_cache(maxsize=65536)
def soundings(name: str) -> tuple[Sounding, ...]:
    """The name as written and each respelling, no two that sound alike."""
    by_phones: dict[str, Sounding] = {}
    for form in (folded(name), *respellings(name)):
        sounds = phones(form)
        if sounds:
            by_phones.setdefault(sounds, Sounding(letters=letters(form), phones=sounds, weight=weight(sounds)))
    return tuple(by_phones.values())


def letters(text: str) -> str:
    """Only its folded letters."""
    return re.sub(r"[^a-z]", "", folded(text))


@lru_cache(maxsize=262144)
def weight(sounds: str) -> float:
    """What losing all these sounds costs."""
    indel = _load().indel
    return sum(indel.get(sound, 1.0) for sound in sounds)


@lru_cache(maxsize=262144)
def distance(one: str, other: str) -> float:
    """Weighted edit distance between two strings of sounds (Wagner and Fischer 1974, costs of sounds.toml)."""
    indel, swap = _load().indel, _load().swap
    row = [0.0]
    for sound in other:
        row.append(row[-1] + indel.get(sound, 1.0))
    for mine in one:
        lose = indel.get(mine, 1.0)
        above, row = row, [row[0] + lose]
        for place, sound in enumerate(other):
            gain = indel.get(sound, 1.0)
            change = 0.0 if mine == sound else swap.get(mine + sound, min(1.0, lose + gain))
            row.append(min(above[place] + change, above[place + 1] + lose, row[place] + gain))
    return row[-1]


def alike(heard: str, sounds: str, target: Sounding) -> float:
    """Likeness in [0, 1] of letters `heard` that sound as `sounds` to one way of writing a name."""
    whole = max(weight(sounds), target.weight)
    by_ear = max(0.0, 1.0 - distance(sounds, target.phones) / whole) if whole else 0.0
    by_eye = JaroWinkler.similarity(heard, target.letters)
    return max(by_ear, 0.6 * by_ear + 0.4 * by_eye)


@lru_cache(maxsize=262144)
def likeness(heard: str, name: str) -> float:
    """How much what was written (one or several words) sounds like the name or a respelling of it, in [0, 1]."""
    plain, sounds = letters(heard), phones(heard)
    return max((alike(plain, sounds, target) for target in soundings(name)), default=0.0)
