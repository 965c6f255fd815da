"""Stretches of a text that may be a person's name, for the patterns of speech: by capitals, and in a text without any.

Their tables stand in kinship.toml.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from transcribe.detect import Tagger, defaults, diminutives, lexicon, relations
from transcribe.schema import Quiet, record
from transcribe.wordforms import folded

_LETTERS = r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\u00ad\u200b-\u200d\u2060])*"  # loose accents, soft hyphens
WORD = re.compile(rf"{_LETTERS}(?:['’\u2010\u2011-]{_LETTERS})*")
_LOCALES = (
    "en en_GB en_IE en_US en_IN en_NZ en_NG en_PK yo_NG ig_NG ha_NG ga_IE pl_PL es_ES tr_TR hu_HU fr_FR pt_PT ro_RO"
)
_NO_NAME_TAGS = frozenset("VERB AUX ADV ADJ ADP DET PRON CCONJ SCONJ PART NUM INTJ".split())


@record
class Candidate(Quiet):
    """A stretch that may be a name; `given`, `rare`, `surname`: what is known of its words; `doubtful`: one of these
    is another thing, too, so that only what introduces people makes it a name ("my son Leo", "Mrs White").
    """

    start: int
    end: int
    given: bool
    rare: bool
    surname: bool
    doubtful: bool = False


@record
class _Tables(Quiet):
    rare: float
    rare_lower: float
    common_lower: float
    not_names: frozenset[str]
    institutions: frozenset[str]
    particles: frozenset[str]
    also_given: frozenset[str]
    also_surnames: frozenset[str]


@cache
def _load() -> _Tables:
    raw = tomllib.loads((files("transcribe.detect") / "kinship.toml").read_text(encoding="utf-8"))
    fields: dict[str, Any] = {name: raw["limits"][name] for name in ("rare", "rare_lower", "common_lower")}
    for name in ("not_names", "institutions", "particles", "also_given", "also_surnames"):
        fields[name] = frozenset(raw["words"][name].split())
    return _Tables(**fields)


@cache
def names() -> tuple[frozenset[str], frozenset[str]]:
    """(given names, surnames), folded, of Faker's lists (MIT) for the languages that Britain's names come from."""
    return _listed("first_names", "first_names_male", "first_names_female"), _listed("last_names")


@cache
def by_gender() -> tuple[frozenset[str], frozenset[str]]:
    """Of these given names those that only women, only men have."""
    women, men = _listed("first_names_female"), _listed("first_names_male")
    return women - men, men - women


def _listed(*lists: str) -> frozenset[str]:
    providers = [import_module(f"faker.providers.person.{locale}").Provider for locale in _LOCALES.split()]
    return frozenset(folded(name) for one in providers for listed in lists for name in getattr(one, listed, ()))


def cased(text: str) -> Iterator[Candidate]:
    """Runs of capitalised words, with particles between them, without titles and words that no name has at its ends."""
    run: list[re.Match[str]] = []
    held: list[re.Match[str]] = []  # particles that the name may go on with: "van der"
    for word in [*WORD.finditer(text), None]:
        last = [*run, *held][-1:]
        joined = bool(last) and word is not None and text[last[0].end() : word.start()].isspace()
        joined = joined and not re.search(r"['’]s$", run[-1].group(), re.IGNORECASE)
        capital = word is not None and word.group()[0].isupper()
        if word is not None and joined and not capital and folded(word.group()) in _load().particles:
            held.append(word)
            continue
        if word is not None and capital and (joined or not run):
            run, held = [*run, *held, word], []
            continue
        if run:
            yield from _run(run)
        run, held = [word] if word is not None and capital else [], []


def _run(run: list[re.Match[str]]) -> Iterator[Candidate]:
    tables, words = _load(), defaults.load().words
    plain = [re.sub(r"['’]s$", "", folded(word.group())) for word in run]
    idle = (words.never | words.titles | words.titles_weak | words.trim | tables.not_names | words.function) - {"jean"}
    while plain and plain[0] in idle - tables.also_given and not _is_surname(run, plain):
        plain, run = plain[1:], run[1:]
    while plain and plain[-1] in words.never | tables.not_names and not _is_another_thing_too(run, plain):
        plain, run = plain[:-1], run[:-1]
    if any(word in tables.institutions for word in plain) and not (
        tables.institutions.isdisjoint(plain[:-1]) and _is_surname(run, plain)
    ):
        return
    own = [word for word, said in zip(plain, run, strict=True) if said.group()[0].isupper()]
    if own and len(own) <= 4:
        last = re.sub(r"['’][sS]$", "", run[-1].group())
        doubtful = not (tables.not_names | tables.institutions).isdisjoint((plain[0], plain[-1]))
        yield _candidate(run[0].start(), run[-1].start() + len(last), own, tables.rare, doubtful=doubtful, cased=True)


def _is_another_thing_too(run: list[re.Match[str]], plain: list[str]) -> bool:
    """Whether the last word of a run may be a name for all that: Leo as a given name, White as a surname."""
    return (len(plain) == 1 and plain[0] in _load().also_given) or _is_surname(run, plain)


def _is_surname(run: list[re.Match[str]], plain: list[str]) -> bool:
    """Whether the run ends with a surname that is another thing, too, behind a title or a given name."""
    if plain[-1] not in _load().also_surnames:
        return False
    if len(plain) > 1:
        return plain[0] in names()[0]
    before = re.search(r"([^\W\d_]+)\.?\s+$", run[0].string[: run[0].start()])
    words = defaults.load().words
    titles = (words.titles | words.titles_weak) - {"st", "saint", "little", "baby"}
    return before is not None and folded(before[1]) in titles


def _candidate(
    start: int, end: int, plain: list[str], rare: float, *, doubtful: bool = False, cased: bool = False
) -> Candidate:
    given, surnames = names()
    short = cased and plain[0] in diminutives.known() and not defaults.load().words.needs_context(plain[0])
    return Candidate(
        start=start,
        end=end,
        given=plain[0] in given or short,
        surname=any(word in surnames for word in plain),
        rare=any(lexicon.zipf(word) < rare for word in plain),
        doubtful=doubtful,
    )


def lower(text: str, tagger: Tagger | None) -> Iterator[Candidate]:
    """Single words that are a given name no commoner than a name is, or so rare that they may be one."""
    tables, words = _load(), defaults.load().words
    idle = words.never | words.titles | words.titles_weak | words.trim | tables.not_names | words.function | words.kin
    for word in WORD.finditer(text):
        surface = re.sub(r"['’]s$", "", word.group())
        plain = folded(surface)
        if len(plain) < 3 or plain in idle or plain in relations.load().heads:
            continue
        end = word.start() + len(surface)
        candidate = _candidate(word.start(), end, [plain], tables.rare_lower)
        frequency = lexicon.zipf(plain)
        tag = tagger.part_of_speech(text, word.start(), end) if tagger and (candidate.given or candidate.rare) else ""
        doubtful = words.needs_context(plain) or not candidate.given
        formed = bool(re.search(r"(?:ing|ed|ly|s)$", plain)) and not candidate.given
        if (tag in _NO_NAME_TAGS and doubtful) or (formed and tag != "PROPN"):
            continue
        if (candidate.given and frequency < tables.common_lower) or candidate.rare:
            yield candidate
