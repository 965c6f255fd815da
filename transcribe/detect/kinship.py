"""Patterns of speech that introduce or address a person: "my husband Dave", "her name's ...", "Thank you, ..."."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.resources import files

from transcribe.detect import Tagger, defaults, lexicon, relations
from transcribe.detect.ordinary import has_capitals
from transcribe.detect.relations import Role
from transcribe.schema import Finding, Kind, Quiet, Reason, Speaker, Utterance, record
from transcribe.wordforms import folded

RULE = "kinship"
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LOCALES = (
    "en en_GB en_IE en_US en_IN en_NZ en_NG en_PK yo_NG ig_NG ha_NG ga_IE pl_PL es_ES tr_TR hu_HU fr_FR pt_PT ro_RO"
)
_NO_NAME_TAGS = frozenset("VERB AUX ADV ADJ ADP DET PRON CCONJ SCONJ PART NUM INTJ".split())
_OWNER = (
    r"(?P<own>my|our|his|her|their|your|the|this|that|an?|"
    r"(?:i|we)(?:['’]ve| have| had|['’]d)?(?: also)?(?: got)? an?|{THROUGH}|[^\W\d_]+['’]s)"
)


@record
class _Pattern(Quiet):
    name: str
    lead: re.Pattern[str] | None
    tail: re.Pattern[str] | None
    who: str
    needs: str
    score: float
    lower: float


@record
class _Tables(Quiet):
    patterns: tuple[_Pattern, ...]
    kin: re.Pattern[str]
    before: int
    rare: float
    rare_lower: float
    common_lower: float
    gift: float
    things: re.Pattern[str]
    not_names: frozenset[str]
    institutions: frozenset[str]
    families_not: frozenset[str]
    particles: frozenset[str]


@record
class _Candidate(Quiet):
    """A stretch that may be a name; `given`, `rare`, `surname`: what is known of its words."""

    start: int
    end: int
    given: bool
    rare: bool
    surname: bool


@cache
def _load() -> _Tables:
    raw = tomllib.loads((files("transcribe.detect") / "kinship.toml").read_text(encoding="utf-8"))
    bare = relations.phrase(named=False)
    owner = _OWNER.replace("{THROUGH}", rf"(?:my|our)\s+{bare}['’]s")
    fragments = {
        "KIN": rf"{owner}\s+{relations.phrase()}",
        "OWNED": rf"(?P<own>my|our|his|her|their|your|the)\s+{relations.phrase()}",
        "REL": bare,
        **raw["fragments"],
    }
    patterns = tuple(
        _Pattern(
            name=entry["name"],
            lead=_compiled(entry.get("lead"), fragments),
            tail=_compiled(entry.get("tail"), fragments),
            who=entry["who"],
            needs=entry["needs"],
            score=entry["score"],
            lower=entry["lower"],
        )
        for entry in raw["pattern"]
    )
    words = {name: frozenset(text.split()) for name, text in raw["words"].items()}
    kin = re.compile(rf"\b{fragments['KIN']}\b", re.IGNORECASE)
    things = re.compile(raw["things"]["regex"], re.IGNORECASE)
    return _Tables(patterns=patterns, kin=kin, things=things, **{**raw["limits"], **words})


def _compiled(text: str | None, fragments: dict[str, str]) -> re.Pattern[str] | None:
    if text is None:
        return None
    for name, fragment in fragments.items():
        text = text.replace("{" + name + "}", fragment)
    return re.compile(text, re.IGNORECASE)


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    """(given names, surnames), folded, of Faker's lists (MIT) for the languages that Britain's names come from."""
    given: set[str] = set()
    surnames: set[str] = set()
    for locale in _LOCALES.split():
        provider = import_module(f"faker.providers.person.{locale}").Provider
        for attribute in ("first_names", "first_names_male", "first_names_female"):
            given.update(folded(name) for name in getattr(provider, attribute, ()))
        surnames.update(folded(name) for name in getattr(provider, "last_names", ()))
    return frozenset(given), frozenset(surnames)


def find(
    utterances: tuple[Utterance, ...], speakers: tuple[Speaker, ...] = (), tagger: Tagger | None = None
) -> tuple[Finding, ...]:
    """People that somebody introduces or addresses, each with what is said of her role and relation."""
    cased = has_capitals(tuple(u.text for u in utterances))
    roles = {speaker.label: speaker.role for speaker in speakers}
    return tuple(
        finding
        for utterance in utterances
        for finding in _of_utterance(utterance, roles.get(utterance.speaker, ""), cased, tagger)
    )


def context(text: str, start: int, end: int, speaker: str = "") -> Role | None:
    """What the words around a name at text[start:end] say of its bearer; `speaker` is the role of who says it."""
    for pattern, lead, tail in _matches(text, start, end):
        role = _role(pattern, lead, tail, text[:start], speaker)
        if role is not None:
            return role
    return None


def _of_utterance(utterance: Utterance, speaker: str, cased: bool, tagger: Tagger | None) -> Iterator[Finding]:
    text = utterance.text
    for candidate in _cased(text) if cased else _lower(text, tagger):
        if _load().things.search(text[max(0, candidate.start - _load().before) : candidate.end]):
            continue
        best = 0.0
        name = ""
        for pattern, lead, _ in _matches(text, candidate.start, candidate.end):
            score = pattern.score if cased else pattern.lower
            if _is_gift(lead, candidate):
                score = min(score, _load().gift)
            if score > best and _enough(pattern, text, candidate, cased):
                best, name = score, pattern.name
        if not best:
            continue
        role = context(text, candidate.start, candidate.end, speaker) or Role(role="")
        yield Finding(
            id="",
            utterance_id=utterance.id,
            start=candidate.start,
            end=candidate.end,
            kind=Kind.PERSON,
            person_id=None,
            score=best,
            reason=Reason(rule=RULE, detail=name, score=best),
            role=role.role,
            relation=role.relation,
        )


def _matches(text: str, start: int, end: int) -> Iterator[tuple[_Pattern, re.Match[str] | None, re.Match[str] | None]]:
    before, after = text[max(0, start - _load().before) : start], text[end : end + _load().before]
    for pattern in _load().patterns:
        lead = pattern.lead.search(before) if pattern.lead else None
        if pattern.lead and lead is None:
            continue
        tail = pattern.tail.search(after) if pattern.tail else None
        if pattern.tail is None or tail is not None:
            yield pattern, lead, tail


def _is_gift(lead: re.Match[str] | None, candidate: _Candidate) -> bool:
    """Whether it may be what kin are given, not who they are: no comma parts it from them, and it is no given name."""
    if lead is None or candidate.given or not lead.groupdict().get("giving"):
        return False
    return not lead.group().rstrip().endswith(",")


def _enough(pattern: _Pattern, text: str, candidate: _Candidate, cased: bool) -> bool:
    known = candidate.given or candidate.surname or candidate.rare
    surface = text[candidate.start : candidate.end]
    if pattern.needs == "surname":
        plain = folded(surface)
        singular = plain[:-1] if plain.endswith("s") else ""
        ordinary = defaults.load().words.needs_context(singular) or plain in _load().families_not
        return singular in _names()[1] and not ordinary
    if pattern.needs == "given":
        return candidate.given
    if pattern.needs == "title":
        title = re.search(r"([^\W\d_]+)\.?\s+$", text[: candidate.start])
        weak = title is not None and folded(title[1]) not in defaults.load().words.titles
        return known or (cased and title is not None and (title[1][0].isupper() or not weak))
    return known or (cased and pattern.needs == "capital")


def _cased(text: str) -> Iterator[_Candidate]:
    """Runs of capitalised words, without titles and words that no name has at its ends."""
    run: list[re.Match[str]] = []
    for word in [*_WORD.finditer(text), None]:
        joined = bool(run) and word is not None and re.fullmatch(r"\s+", text[run[-1].end() : word.start()])
        ended = bool(run) and re.search(r"['’]s$", run[-1].group(), re.IGNORECASE)
        if word is not None and word.group()[0].isupper() and (not run or (joined and not ended)):
            run.append(word)
            continue
        if run:
            yield from _run(run)
        run = [word] if word is not None and word.group()[0].isupper() else []


def _run(run: list[re.Match[str]]) -> Iterator[_Candidate]:
    tables, words = _load(), defaults.load().words
    plain = [re.sub(r"['’]s$", "", folded(word.group())) for word in run]
    if any(word in tables.institutions for word in plain):
        return
    idle = (words.never | words.titles | words.titles_weak | words.trim | tables.not_names | words.function) - {"jean"}
    while plain and plain[0] in idle:
        plain, run = plain[1:], run[1:]
    while plain and plain[-1] in words.never | tables.not_names:
        plain, run = plain[:-1], run[:-1]
    if plain and len(plain) <= 4:
        last = re.sub(r"['’][sS]$", "", run[-1].group())
        yield _candidate(run[0].start(), run[-1].start() + len(last), plain, tables.rare)


def _candidate(start: int, end: int, plain: list[str], rare: float) -> _Candidate:
    given, surnames = _names()
    return _Candidate(
        start=start,
        end=end,
        given=plain[0] in given,
        surname=any(word in surnames for word in plain),
        rare=any(lexicon.zipf(word) < rare for word in plain),
    )


def _lower(text: str, tagger: Tagger | None) -> Iterator[_Candidate]:
    """Single words that are a given name no commoner than a name is, or so rare that they may be one."""
    tables, words = _load(), defaults.load().words
    idle = words.never | words.titles | words.titles_weak | words.trim | tables.not_names | words.function | words.kin
    for word in _WORD.finditer(text):
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


def _role(
    pattern: _Pattern, lead: re.Match[str] | None, tail: re.Match[str] | None, before: str, speaker: str
) -> Role | None:
    if pattern.who in ("rel", "plural"):
        told = lead if lead is not None and "rel" in lead.re.groupindex else tail
        plural = pattern.who == "plural"
        if told is None or (plural and not told["rel"].lower().endswith("s")):
            return None
        return relations.resolve(told["own"], told["mods"], told["rel"], bool(told["law"]), speaker)
    if pattern.who == "title" and lead is not None:
        return relations.of_title(lead["title"])
    if pattern.who == "self" or (pattern.who == "pronoun" and lead is not None and lead["pronoun"].lower() == "my"):
        return Role(role=speaker) if speaker not in ("", "speaker") else None
    if pattern.who == "little" and lead is not None and lead["little"].lower() == "baby":
        return Role(role="infant") if speaker in ("participant", "partner") else None
    if pattern.who == "pronoun" and lead is not None:
        return _antecedent(lead["pronoun"], before, speaker)
    return None


def _antecedent(pronoun: str, before: str, speaker: str) -> Role | None:
    """The one person spoken of before "her name is"; None where several could be meant, or it is no third person."""
    if folded(pronoun).split("'")[0] not in ("her", "his", "him", "she", "he", "called", "named"):
        return None
    told = [
        relations.resolve(m["own"], m["mods"], m["rel"], bool(m["law"]), speaker)
        for m in _load().kin.finditer(before[-_load().before :])
    ]
    word = folded(pronoun).split("'")[0]
    wanted = "f" if word in ("her", "she") else "m" if word in ("his", "him", "he") else ""
    fitting = [role for role in told if role is None or not wanted or relations.gender(role.relation) in ("", wanted)]
    return fitting[0] if len(fitting) == 1 else None
