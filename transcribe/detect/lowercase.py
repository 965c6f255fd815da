"""Names that are ordinary words, written in lower case: how probably is "hope" or "will" a name here?

Logistic regression over clues of the words around and their parts of speech (lowercase.toml), since recognisers write
such names in lower case now and then, and some transcripts have no capitals at all.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from transcribe.detect import Tagger, defaults
from transcribe.schema import Quiet, record
from transcribe.wordforms import folded

if TYPE_CHECKING:  # ordinary.py asks this file
    from transcribe.detect.ordinary import Place

_APART = re.compile(r"[,.?!…;:–—]")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


@record
class _Table(Quiet):
    clues: Mapping[str, float]
    untagged: Mapping[str, float]
    fixed: tuple[str, ...]
    report: float
    words: Mapping[str, frozenset[str]]


@cache
def _table() -> _Table:
    raw = tomllib.loads((files("transcribe.detect") / "lowercase.toml").read_text(encoding="utf-8"))
    return _Table(
        clues=raw["clues"],
        untagged=raw["untagged"],
        report=raw["scores"]["report"],
        fixed=tuple(f" {phrase}" for phrase in raw["words"].pop("fixed")),
        words={name: frozenset(line.split()) for name, line in raw["words"].items()},
    )


def reportable(probability: float) -> bool:
    """Whether a reviewer should be asked; below it the word is held for a word."""
    return probability >= _table().report


def no_auxiliary_before(word: str) -> bool:
    """Whether no auxiliary verb stands directly before this folded word."""
    return word in _table().words["auxiliary_follows"]


def is_auxiliary(form: str) -> bool:
    """Whether a folded word is an auxiliary verb and nothing else that its neighbours would show; May is a month."""
    words = defaults.load().words
    return form in words.auxiliary and form not in words.months


def no_auxiliary(here: Place) -> bool:
    """Whether an auxiliary verb cannot stand here, so that the word is somebody's name."""
    found = {*_before(here), *_after(here)}
    if "auxiliary after conjunction" in found and here.after and here.after[0] not in defaults.load().words.subjects:
        return True
    return here.possessive or not found.isdisjoint(
        ("auxiliary subject", "auxiliary object", "auxiliary after auxiliary")
    )


def probability(here: Place, cased: bool, tagger: Tagger | None) -> float:
    """That the lower-case word is a name, in [0, 1]; `cased`: the transcript has capitals elsewhere."""
    seen = clues(here, cased, tagger)
    weights = _table().clues if any(clue.startswith("is ") for clue in seen) else _table().untagged
    return 1.0 / (1.0 + math.exp(-sum(weights.get(clue, 0.0) for clue in seen)))


def clues(here: Place, cased: bool, tagger: Tagger | None) -> frozenset[str]:
    """What there is to see, each by its name in [clues] (with a tagger) or [untagged] of lowercase.toml."""
    words = defaults.load().words
    found = {"bias"} | ({"cased"} if cased else set())
    found |= {name for name in ("function", "auxiliary", "months") if here.form in getattr(words, name)}
    if here.possessive:
        found.add("auxiliary possessive" if is_auxiliary(here.form) else "possessive")
    found.update(_before(here))
    found.update(_after(here))
    if tagger is not None and tagger.part_of_speech(here.text, here.start, here.end):
        found.update(_tags(here, tagger))
    return frozenset(found)


def _before(here: Place) -> Iterator[str]:
    words, tables = defaults.load().words, _table().words
    if not here.before:
        yield "opens"
        return
    if _APART.search(here.gap):
        yield "apart before"
        return
    previous, lead = here.before[-1], f" {' '.join(here.before)}"
    if f"{lead} {here.form}".endswith(_table().fixed):
        yield "fixed"
    if here.form in words.auxiliary and previous in tables["conjunction"]:
        yield "auxiliary after conjunction"
    if here.form not in words.auxiliary and _after_another(here):
        yield "coordinated"
    if is_auxiliary(here.form) and previous in tables["inverted"]:
        yield "auxiliary after auxiliary"
    if any(lead.endswith(f" {naming}") for naming in words.naming):
        yield "naming"
    elif previous in words.kin | words.titles_weak:
        yield "kin" if len(here.before) < 2 or here.before[-2] not in ("a", "the") else "article"
    for name in ("greeted", "article", "pronoun", "degree", "strong"):
        if previous in tables[name]:
            yield name


def opens_sentence(text: str, start: int) -> bool:
    """Whether a sentence starts here, where any word has a capital."""
    return bool(re.search(r"(?:^|[.?!…:;])[\s\"“”‘'—–-]*$", text[:start]))


def _after_another(here: Place) -> bool:
    """After "Emeka and": a word with a capital inside a sentence, and nothing else between."""
    beside = re.search(r"([^\W\d_]+(?:['’-][^\W\d_]+)*),? (?:and|or) $", here.text[: here.start])
    if beside is None or not beside.group(1)[0].isupper() or folded(beside.group(1)) == "i":
        return False
    return not opens_sentence(here.text, beside.start())


def _after(here: Place) -> Iterator[str]:
    words, tables = defaults.load().words, _table().words
    gap = re.match(r"(?:['’]s\b)?[^\w]*", here.text[here.end :])
    apart = bool(here.after and gap and _APART.search(gap.group()))
    clause = bool(here.after and here.after[0] in tables["clause_follows"])
    object_of = bool(here.before and here.before[-1] in tables["strong"])
    if is_auxiliary(here.form) and object_of and (not here.after or apart or clause):
        yield "auxiliary object"
    if not here.after:
        yield "ends"
    elif apart:
        yield "apart after"
    elif here.form in words.auxiliary and here.after[0] in tables["auxiliary_follows"]:
        yield "subject" if here.before and here.before[-1] in tables["article"] else "auxiliary subject"
    elif here.form not in words.auxiliary and here.after[0] in tables["finite"]:
        yield "subject"
    elif clause:
        yield "clause follows"


def _tags(here: Place, tagger: Tagger) -> Iterator[str]:
    """Part of speech of the word itself and of those beside it in the same clause."""
    own = tagger.part_of_speech(here.text, here.start, here.end)
    yield f"is {own}"
    previous = list(_WORD.finditer(here.text, max(0, here.start - 30), here.start))[-1:]
    following = _WORD.search(here.text, here.end)
    if previous and not _APART.search(here.text, previous[0].end(), here.start):
        yield f"before {tagger.part_of_speech(here.text, *previous[0].span())}"
    if following and not here.possessive and not _APART.search(here.text, here.end, following.start()):
        yield f"after {tagger.part_of_speech(here.text, *following.span())}"
