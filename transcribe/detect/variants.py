"""Forms of known names that no form index has: short, plural, half of one, initials, spelt out, broken off, together.

What is found here binds to its position: none of it is a word to search a release for. Scores are in variants.toml.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

from rapidfuzz.distance import Indel

from transcribe.detect import defaults, diminutives, lexicon
from transcribe.schema import Finding, Kind, Person, Quiet, Reason, Utterance, record
from transcribe.wordforms import KIN, TITLES, folded, halves, letters_alone, search_forms

RULE = "roster"  # a part of the roster rule
SHORT_NAME = "short name"
_HALF = "half of a name"
_HYPHEN = "hyphen in a name"
_JOINED = 5  # letters of a part of a full name that is written as one word
NAME = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_HYPHENATED = re.compile(rf"{NAME.pattern}(?:[-\u2010-\u2013]{NAME.pattern})+")
_LETTER = r"(?:double[ -]?(?:u|you)|(?:double|treble|triple)[ -]?[^\W\d_]|[^\W\d_])"
_SPELT = re.compile(rf"(?<![\w'’.@])({_LETTER})(?:[\s,.–-]+(?:and\s+)?{_LETTER}(?![\w'’@]))+", re.IGNORECASE)
_PAIR = re.compile(r"[^\W\d_]\s*[-–,]\s*[^\W\d_]")  # spells a name of two letters; "I a" and "U.S" are other things
_ALPHABET = re.compile(
    r"(?<![\w'’])([^\W\d_])\s+(?:for|as in)\s+([^\W\d_]+)(?:[\s,.]+(?:and\s+)?[^\W\d_]\s+(?:for|as in)\s+[^\W\d_]+)+",
    re.IGNORECASE,
)
_INITIALS = re.compile(r"(?<![\w.])([^\W\d_])\.\s?([^\W\d_])(?:\.|(?![\w.]))")
_APART = re.compile(r"(?<![\w.])([^\W\d_])(?:\.\s?|\s)([^\W\d_])(?:\.|(?![\w.]))")
_BOTH = re.compile(r"(?<![\w.])([^\W\d_]{2})(?![\w-])")
_CUT = re.compile(r"(?<![\w'’])([^\W\d_]{1,8})(\s*[-–—]+|\s*…|\.{2,3}|,)(?=\s|$|[^\W\d_])")


@record
class _Form(Quiet):
    """A folded form, whose it is, and how it comes about; `ordinary`: an English word, too."""

    form: str
    person_id: str
    why: str
    ordinary: bool


@record
class _Known(Quiet):
    """Of a set of people: forms of one word, names by their letters alone, initials, names of two capitals."""

    forms: dict[str, tuple[_Form, ...]]
    names: dict[str, str]
    initials: dict[str, str]
    capitals: dict[str, str]


@record
class _Hit(Quiet):
    start: int
    end: int
    person_id: str
    why: str
    score: float


@cache
def scores() -> dict[str, Any]:
    """The scores of variants.toml."""
    return tomllib.loads((files("transcribe.detect") / "variants.toml").read_text(encoding="utf-8"))


@lru_cache(maxsize=32)
def _known(people: tuple[Person, ...]) -> _Known:
    exact = {folded(form) for person in people for form in search_forms(person)}
    forms: dict[str, list[_Form]] = {}
    names: dict[str, str] = {}
    initials: dict[str, str] = {}
    capitals: dict[str, str] = {}
    for person in people:
        if person.position_only:
            continue
        for form, why, ordinary in _derived(person):
            if form not in exact and not any(f.person_id == person.id for f in forms.get(form, ())):
                entry = _Form(form=form, person_id=person.id, why=why, ordinary=ordinary)
                forms.setdefault(form, []).append(entry)
        for name in _single_names(person):
            for part in (name, *(halves(name) if person.kind is Kind.PERSON else ())):
                names.setdefault(letters_alone(part), person.id)
        for several in full_names(person):
            initials.setdefault(several[0][0] + several[-1][0], person.id)
        for form in search_forms(person) if person.kind is Kind.PERSON else ():
            if len(form) == 2 and form.isalpha() and form.isupper():
                capitals.setdefault(form, person.id)
    return _Known(
        forms={form: tuple(entries) for form, entries in forms.items()},
        names=names,
        initials=initials,
        capitals=capitals,
    )


def _names_of(person: Person, form: str) -> list[str]:
    """The names of one of a person's forms, folded, without titles."""
    if person.kind is not Kind.PERSON:
        return []
    words = NAME.findall(folded(form))
    first = next((place for place, word in enumerate(words) if word not in TITLES), len(words))
    return [word for place, word in enumerate(words) if place >= first and (word not in TITLES or word in KIN)]


def full_names(person: Person) -> list[list[str]]:
    """The names of each form of hers that has several."""
    return [names for form in person.forms if len(names := _names_of(person, form)) > 1]


def _single_names(person: Person) -> list[str]:
    """Those of her search forms, folded, that are one name, perhaps with a hyphen or an apostrophe in it."""
    names = [folded(form) for form in search_forms(person)]
    return [name for name in names if len(name) > 1 and (NAME.fullmatch(name) or _HYPHENATED.fullmatch(name))]


def _derived(person: Person) -> Iterator[tuple[str, str, bool]]:
    """(form, why, whether it is an ordinary word, too) of one word each."""
    if person.kind is not Kind.PERSON:
        return
    firsts = [names[0] for form in person.forms if (names := _names_of(person, form))]
    for first in dict.fromkeys(firsts):
        for short in sorted(diminutives.of(first)):
            yield short, SHORT_NAME, _ordinary(short)
    for name in _single_names(person):
        if len(name) > 2:
            for plural in dict.fromkeys((_plural(name), _plural(letters_alone(name)))):
                yield plural, "plural", _ordinary(plural)
        for half in halves(name):
            usual = defaults.load().words.needs_context(half) or lexicon.is_usual_word(half)
            yield half, _HALF, usual
            yield _plural(half), _HALF, usual
    for together in _run_together(person):
        yield together, "names run together", _ordinary(together)


def _run_together(person: Person) -> Iterator[str]:
    """A full name and parts of it as one word: "desouza" and "maryann" of Mary Ann de Souza."""
    for names in full_names(person):
        yield letters_alone("".join(names))
        for first in range(len(names)):
            for last in range(first + 2, len(names) + 1):
                together = letters_alone("".join(names[first:last]))
                if len(together) >= _JOINED:
                    yield together


def _plural(name: str) -> str:
    return f"{name}es" if name.endswith(("s", "x", "z", "ch", "sh")) else f"{name}s"


@lru_cache(maxsize=65536)
def _ordinary(form: str) -> bool:
    """Whether a form is an English word that is no name: in our table, or frequent and not in the name tables."""
    words = defaults.load().words
    if words.needs_context(form) or form in words.never or form in words.trim:
        return True
    return lexicon.zipf(form) >= scores()["ordinary_from"] and not diminutives.of(form)


def find(utterances: tuple[Utterance, ...], people: tuple[Person, ...], cased: bool) -> tuple[Finding, ...]:
    """Findings, possibly overlapping; `cased`: the transcript distinguishes capitals."""
    known = _known(people)
    kinds = {person.id: person.kind for person in people}
    return tuple(
        Finding(
            id="",
            utterance_id=utterance.id,
            start=hit.start,
            end=hit.end,
            kind=kinds[hit.person_id],
            person_id=hit.person_id,
            score=hit.score,
            reason=Reason(rule=RULE, detail=hit.why, score=hit.score),
        )
        for utterance in utterances
        for hit in _hits(utterance.text, known, cased)
    )


def _hits(text: str, known: _Known, cased: bool) -> Iterator[_Hit]:
    words = [(m.start(), m.end(), folded(m.group())) for m in NAME.finditer(text)]
    hyphenated = [(m.start(), m.end(), folded(m.group())) for m in _HYPHENATED.finditer(text)]
    for start, end, word in (*words, *hyphenated):
        end, word = (end - 2, word[:-2]) if word.endswith("'s") else (end, word)
        entries = known.forms.get(word)
        if entries:
            score = _score(text, start, entries, cased)
            if score:
                shared = ", shared form" if len({e.person_id for e in entries}) > 1 else ""
                yield _Hit(
                    start=start, end=end, person_id=entries[0].person_id, why=entries[0].why + shared, score=score
                )
    yield from _parted(text, hyphenated, known, cased)
    yield from _spelt(text, known)
    yield from _initialled(text, known)
    yield from _cut_off(text, known, words)


def _parted(text: str, hyphenated: list[tuple[int, int, str]], known: _Known, cased: bool) -> Iterator[_Hit]:
    """ "Feather-stone" for Featherstone: the hyphen is the recogniser's, or that of a line's end."""
    for start, end, word in hyphenated:
        end, word = (end - 2, word[:-2]) if word.endswith("'s") else (end, word)
        name = letters_alone(word)
        spelt = max(map(len, re.split(r"[^\w']", word))) == 1  # "A-O-I-F-E" is another thing
        if len(name) < _JOINED or name not in known.names or spelt:
            continue
        entry = _Form(form=name, person_id=known.names[name], why=_HYPHEN, ordinary=_ordinary(name))
        score = _score(text, start, (entry,), cased)
        if score:
            yield _Hit(start=start, end=end, person_id=entry.person_id, why=_HYPHEN, score=score)


def _score(text: str, start: int, entries: tuple[_Form, ...], cased: bool) -> float:
    """0.0 where a derived form is no name here."""
    entry = entries[0]
    table = scores()[entry.why.replace(" ", "_")]
    capital = text[start].isupper()
    opens = bool(re.search(r"(?:^|[.?!…:;])[\s\"“‘'—–-]*$", text[:start]))
    if entry.ordinary:
        the = entry.why == "plural" and bool(re.search(r"\b[Tt]he\s+$", text[:start]))
        if not (cased and capital and not opens and (the or entry.why != "plural")):
            return 0.0
        score = float(table["ordinary"])
    elif cased and not capital:
        score = float(table["lower"])
    else:
        score = float(table["score"])
    return min(score, scores()["shared"]) if len({e.person_id for e in entries}) > 1 else score


def _spelt(text: str, known: _Known) -> Iterator[_Hit]:
    """ "A-O-I-F-E", "a, o, i, f, e", "double l", "A for apple": compared with every name by its letters."""
    for pattern in (_SPELT, _ALPHABET):
        for match in pattern.finditer(text):
            hits = [
                hit
                for start, end in _ends(match, pattern is _ALPHABET)
                if (hit := _spelling(text, start, end, known, pattern is _ALPHABET)) is not None
            ]
            hits += _pairs(match, known, pattern is _ALPHABET)
            if hits:
                yield max(hits, key=lambda hit: hit.score)


def _ends(match: re.Match[str], alphabet: bool) -> Iterator[tuple[int, int]]:
    """The span, and it without its first or last letter, which may be a word: "I", "a"."""
    yield match.span()
    if not alphabet:
        pieces = list(re.finditer(_LETTER, match.group(), re.IGNORECASE))
        yield match.start(), match.start() + pieces[-2].end()
        yield match.start() + pieces[1].start(), match.end()


def _pairs(match: re.Match[str], known: _Known, alphabet: bool) -> Iterator[_Hit]:
    """ "J-O", "J, O, I think": two letters spell only a name of just these, and none where a third may go with them."""
    text = match.string
    for start, end in _ends(match, alphabet):
        letters = _letters(text[start:end], alphabet)
        rest = folded(text[match.start() : start] + text[end : match.end()]).strip(" ,.-")
        if letters in known.names and rest in ("", "i", "a") and (alphabet or _PAIR.fullmatch(text, start, end)):
            score = float(scores()["spelt"]["exact"])
            yield _Hit(start=start, end=end, person_id=known.names[letters], why="spelt out", score=score)


def _spelling(text: str, start: int, end: int, known: _Known, alphabet: bool) -> _Hit | None:
    table = scores()["spelt"]
    letters = _letters(text[start:end], alphabet)
    if len(letters) < 3:
        return None
    names = [name for name in known.names if len(name) > 2]
    likest = max(names, key=lambda name: Indel.normalized_similarity(letters, name), default="")
    alike = Indel.normalized_similarity(letters, likest) if likest else 0.0
    if alike < table["from"]:
        return None
    score = table["exact"] if letters == likest else round(table["like"] * alike, 3)
    return _Hit(start=start, end=end, person_id=known.names[likest], why="spelt out", score=score)


def _letters(spelt: str, alphabet: bool) -> str:
    """The letters that a spelling says."""
    plain = folded(spelt)
    if alphabet:
        return "".join(re.findall(r"\b(\w)\s+(?:for|as in)\b", plain))
    plain = re.sub(r"double[ -]?(?:u|you)\b", "w", plain)
    plain = re.sub(r"double[ -]?(\w)\b", r"\1\1", plain)
    plain = re.sub(r"(?:treble|triple)[ -]?(\w)\b", r"\1\1\1", plain)
    return re.sub(r"[^a-z]", "", re.sub(r"\band\b", "", plain))


def _initialled(text: str, known: _Known) -> Iterator[_Hit]:
    """ "S.B." or "SB" for Siobhan Bell: a question, since many things are written so; "J.J." for JJ is none."""
    for match in _INITIALS.finditer(text):
        person_id = known.initials.get(folded(match.group(1) + match.group(2)))
        if person_id and match.group(1).isupper() and match.group(2).isupper():
            score = float(scores()["initials"])
            yield _Hit(start=match.start(), end=match.end(), person_id=person_id, why="initials", score=score)
    for match in _APART.finditer(text):
        person_id = known.capitals.get(match.group(1) + match.group(2))
        if person_id:
            score = float(scores()["spelt"]["exact"])
            yield _Hit(start=match.start(), end=match.end(), person_id=person_id, why="spelt out", score=score)
    for match in _BOTH.finditer(text):
        plain = folded(match.group(1))
        person_id = known.initials.get(plain)
        if person_id and match.group(1).isupper() and not _ordinary(plain):
            score = float(scores()["initials_joined"])
            yield _Hit(start=match.start(), end=match.end(), person_id=person_id, why="initials", score=score)


def _cut_off(text: str, known: _Known, words: list[tuple[int, int, str]]) -> Iterator[_Hit]:
    """ "Seb- Sebastian", "Sio-": the beginning of a name, broken off."""
    table = scores()["cut_off"]
    after = {one[0]: two[2] for one, two in pairwise(words)}
    for match in _CUT.finditer(text):
        fragment, comma = folded(match.group(1)), match.group(2).strip() == ","
        following = letters_alone(re.sub(r"'s$", "", after.get(match.start(), "")))
        repeated = following in known.names and following != fragment and following.startswith(fragment)
        ordinary = fragment in known.names or lexicon.zipf(fragment) >= scores()["ordinary_from"]
        if repeated and not (comma and (ordinary or len(fragment) < 2)):
            owner, score = known.names[following], float(table["repeated"])
        elif len(fragment) > 2 and not ordinary and not comma:
            owners = [i for name, i in known.names.items() if name.startswith(fragment) and name != fragment]
            if not owners:
                continue
            owner, score = owners[0], float(table["alone"])
        else:
            continue
        yield _Hit(start=match.start(1), end=match.end(1), person_id=owner, why="broken off", score=score)
