"""What speaks for and against a word being a name: one row of numbers a word, the columns named here.

Read from the utterances alone, from what the models said (their findings) and from a tagger. All of a transcript is
looked at together: a word that stands elsewhere in lower case is hardly a name, one that is a name elsewhere is one.
"""

import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from math import log

import numpy as np
import numpy.typing as npt

from transcribe.detect import Tagger, defaults, lexicon
from transcribe.schema import Finding, Quiet, Utterance, record
from transcribe.wordforms import folded

WORD = re.compile(r"[^\W_]+(?:['’&][^\W_]+)*")
_CLITIC = re.compile(r"(?:n['’]t|['’](?:s|ll|re|ve|d|m|em))$", re.IGNORECASE)
_END = re.compile(r"[.?!…:;]")
_ENTITIES = {"PERSON": "spacy_person", "LOCATION": "spacy_place", "ORGANIZATION": "spacy_organisation"}
_RAMPART = {
    "GIVEN_NAME": "rampart_given",
    "SURNAME": "rampart_surname",
    "CITY": "rampart_city",
    "STATE": "rampart_state",
    "STREET_NAME": "rampart_street",
}
_TAGS = {
    "PROPN": "tag_name",
    "NOUN": "tag_noun",
    "VERB": "tag_verb",
    "AUX": "tag_verb",
    "ADJ": "tag_adjective",
    "NUM": "tag_number",
    **dict.fromkeys("ADV PRON DET ADP SCONJ CCONJ PART INTJ".split(), "tag_function"),
}
LEAST_LOGIT = -7.0  # log odds of what a model does not mention
Matrix = npt.NDArray[np.float64]


@record
class Token(Quiet):
    """A word without its clitic, at [start, end) of the utterance of that index; `form` is folded."""

    utterance: int
    start: int
    end: int
    form: str
    gap: str  # what parts it from the word before
    text: str  # as written
    possessive: bool


@record
class Columns(Quiet):
    """Names of columns and rows of values, (words, columns)."""

    names: tuple[str, ...]
    values: Matrix


def tokens(utterances: tuple[Utterance, ...]) -> list[Token]:
    """All words of a transcript in order."""
    found = []
    for index, utterance in enumerate(utterances):
        text, last = utterance.text, 0
        for match in WORD.finditer(text):
            bare = _CLITIC.sub("", match.group()) or match.group()
            start, end = match.start(), match.start() + len(bare)
            possessive = bool(re.fullmatch(r"['’]s", text[end : match.end()], re.IGNORECASE))
            gap = text[last : match.start()]
            found.append(
                Token(
                    utterance=index, start=start, end=end, form=folded(bare), gap=gap, text=bare, possessive=possessive
                )
            )  # fmt: skip
            last = match.end()
    return found


def table(
    utterances: tuple[Utterance, ...], words: list[Token], candidates: Iterable[Finding], tagger: Tagger | None
) -> Columns:
    """Everything that is known of each word before its neighbours' and namesakes' own probability."""
    rows: list[dict[str, float]] = [{} for _ in words]
    _models(rows, utterances, words, candidates)
    if tagger is not None:
        for row, word in zip(rows, words, strict=True):
            tag = tagger.part_of_speech(utterances[word.utterance].text, word.start, word.end)
            if tag in _TAGS:
                row[_TAGS[tag]] = 1.0
    types = _types(words)
    for row, word in zip(rows, words, strict=True):
        row.update(types[word.form])
    _context(rows, words)
    _crosses(rows)
    _neighbours(rows, words)
    return _columns(rows)


def _models(
    rows: list[dict[str, float]], utterances: tuple[Utterance, ...], words: list[Token], candidates: Iterable[Finding]
) -> None:
    ids = {utterance.id: index for index, utterance in enumerate(utterances)}
    by_utterance: dict[int, list[int]] = defaultdict(list)
    for place, word in enumerate(words):
        by_utterance[word.utterance].append(place)
    for finding in candidates:
        name = _RAMPART.get(finding.reason.detail) or _ENTITIES.get(finding.reason.detail)
        if name is None or finding.utterance_id not in ids:
            continue
        score = _logit(finding.score) - LEAST_LOGIT if name.startswith("rampart") else 1.0
        for place in by_utterance[ids[finding.utterance_id]]:
            word = words[place]
            if word.start < finding.end and finding.start < word.end:
                rows[place][name] = max(rows[place].get(name, 0.0), score)


def _logit(score: float) -> float:
    bounded = min(max(score, 0.0009), 0.9991)
    return log(bounded / (1 - bounded))


def _types(words: list[Token]) -> dict[str, dict[str, float]]:
    """What is known of each word form by itself and by its count in lower and upper case."""
    lists, tables = lexicon.load(), defaults.load().words
    small = Counter(word.form for word in words if word.text[0].islower())
    total = Counter(word.form for word in words)
    found = {}
    for form, count in total.items():
        usual = lexicon.zipf(form)
        row = {
            "given": log(1 + lists.given.get(form, 0)),
            "surname": log(1 + lists.surnames.get(form, 0)),
            "place": log(1 + lists.places.get(form, 0)),
            "zipf": usual,
            "zipf_common": max(0.0, usual - 4.5),
            "unknown": float(usual == 0),
            "rare": float(usual < 3),
            "listed_given": float(form in lists.given),
            "listed_surname": float(form in lists.surnames),
            "listed_place": float(form in lists.places),
            "ordinary": float(form in tables.ordinary or form in tables.auxiliary),
            "function": float(form in tables.function),
            "month": float(form in tables.months),
            "never": float(form in tables.never or form in tables.kin),
            "short": float(len(form) < 3),
            "digit": float(any(char.isdigit() for char in form)),
            "small_elsewhere": small[form] / count,
            "repeated": log(count),
        }
        found[form] = {name: value for name, value in row.items() if value}
    return found


def _context(rows: list[dict[str, float]], words: list[Token]) -> None:
    tables = defaults.load().words
    around = _around()
    for place, (row, word) in enumerate(zip(rows, words, strict=True)):
        first = not place or words[place - 1].utterance != word.utterance
        last = place + 1 == len(words) or words[place + 1].utterance != word.utterance
        before = "" if first else words[place - 1].form
        two = "" if first or place < 2 else f"{words[place - 2].form} {before}"
        after = "" if last else words[place + 1].form
        opens = first or bool(_END.search(word.gap))
        capital = word.text[0].isupper()
        row["capital_inside"] = float(capital and not opens)
        row["capital_opening"] = float(capital and opens)
        row["all_capitals"] = float(len(word.text) > 1 and word.text.isupper())
        row["inner_capital"] = float(
            len(word.text) > 2 and capital and not word.text[1:].islower() and not word.text.isupper()
        )
        row["alone"] = float(first and last)
        row["possessive"] = float(word.possessive)
        row["after_title"] = float(before in tables.titles)
        row["after_weak_title"] = float(before in tables.titles_weak)
        row["after_kin"] = float(before in tables.kin)
        row["after_kin_possessive"] = float(before in tables.kin and two.split(" ")[0] in around["own"])
        row["after_naming"] = float(before in tables.naming or two in tables.naming or two in around["naming"])
        row["after_greeting"] = float(before in around["greetings"])
        row["after_place_word"] = float(before in tables.place_before)
        row["after_article"] = float(before in around["articles"])
        row["after_to"] = float(before == "to")
        row["after_pronoun"] = float(before in tables.subjects)
        row["before_follower"] = float(after in tables.followers)
        row["before_and"] = float(after == "and")
        row["before_noun_of_organisation"] = float(after in around["organisations"])
        row["is_noun_of_organisation"] = float(word.form in around["organisations"])
        row["between_commas"] = float("," in word.gap)


@cache
def _around() -> dict[str, frozenset[str]]:
    """The tables of fusion_features.toml."""
    raw = tomllib.loads((files("transcribe.detect") / "fusion_features.toml").read_text(encoding="utf-8"))
    return {name: frozenset(value if isinstance(value, list) else value.split()) for name, value in raw.items()}


def _crosses(rows: list[dict[str, float]]) -> None:
    """A sign may count only together with another: a list with rarity, a capital with a list."""
    for row in rows:
        usual = row.get("zipf", 0.0)
        listed = max(row.get("given", 0.0), row.get("surname", 0.0))
        rampart = row["rampart_person"] = max(row.get("rampart_given", 0.0), row.get("rampart_surname", 0.0))
        row["rampart_place"] = max(row.get("rampart_city", 0.0), row.get("rampart_state", 0.0))
        row["given_rare"] = row.get("given", 0.0) * max(0.0, 5 - usual)
        row["surname_rare"] = row.get("surname", 0.0) * max(0.0, 5 - usual)
        row["place_rare"] = row.get("place", 0.0) * max(0.0, 5.5 - usual)
        row["rampart_listed"] = rampart * min(1.0, listed)
        row["rampart_rare"] = rampart * max(0.0, 5 - usual) / 2
        row["rampart_tag"] = rampart * row.get("tag_name", 0.0)
        row["rampart_spacy"] = rampart * row.get("spacy_person", 0.0)
        row["rampart_capital"] = rampart * row["capital_inside"]
        row["spacy_listed"] = row.get("spacy_person", 0.0) * min(1.0, listed)
        row["capital_listed"] = row["capital_inside"] * min(1.0, row.get("given", 0.0))
        row["capital_unlisted"] = row["capital_inside"] * float(not listed and not row.get("place"))
        row["opening_listed"] = row["capital_opening"] * row.get("given_rare", 0.0)
        row["capital_ordinary"] = row["capital_inside"] * row.get("ordinary", 0.0)
        row["naming_listed"] = (row["after_naming"] + row["after_kin"]) * min(1.0, listed)
        row["ordinary_tag"] = row.get("ordinary", 0.0) * row.get("tag_name", 0.0)


_SHARED = """rampart_person rampart_place spacy_person spacy_place spacy_organisation tag_name given_rare surname_rare
place_rare capital_inside listed_given tag_verb tag_noun""".split()


def _neighbours(rows: list[dict[str, float]], words: list[Token]) -> None:
    """The same signs at the word before and the word after, where no end of a sentence parts them."""
    seen = [{name: row[name] for name in _SHARED if row.get(name)} for row in rows]
    for place in range(1, len(words)):
        word = words[place]
        if words[place - 1].utterance != word.utterance or _END.search(word.gap) or "," in word.gap:
            continue
        rows[place].update({f"before_{name}": value for name, value in seen[place - 1].items()})
        rows[place - 1].update({f"after_{name}": value for name, value in seen[place].items()})


def _columns(rows: list[dict[str, float]]) -> Columns:
    names = sorted({name for row in rows for name, value in row.items() if value})
    index = {name: number for number, name in enumerate(names)}
    values = np.zeros((len(rows), len(names)))
    for number, row in enumerate(rows):
        for name, value in row.items():
            if value:
                values[number, index[name]] = value
    return Columns(names=tuple(names), values=values)


def second(words: list[Token], likely: Matrix) -> Columns:
    """What the first estimate, (words, kinds + 1), says of a word's neighbours and of the same word elsewhere."""
    kinds = ("person", "place", "organisation")
    groups: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(words):
        groups[word.form].append(place)
    most, mean = np.zeros((len(words), 3)), np.zeros((len(words), 3))
    for places in groups.values():
        if len(places) > 1:
            own = likely[places, :3]
            order = np.sort(own, axis=0)
            most[places] = np.where(own == order[-1], order[-2], order[-1])
            mean[places] = (own.sum(axis=0) - own) / (len(places) - 1)
    beside = np.zeros((2, len(words), 3))
    for place in range(1, len(words)):
        if words[place - 1].utterance == words[place].utterance and not _END.search(words[place].gap):
            beside[0, place] = likely[place - 1, :3]
            beside[1, place - 1] = likely[place, :3]
    own = np.log(np.clip(likely[:, :3], 1e-6, 1) / np.clip(likely[:, 3:], 1e-6, 1))
    parts = {"own": own, "most": most, "mean": mean, "left": beside[0], "right": beside[1]}
    names = tuple(f"{part}_{kind}" for part in parts for kind in kinds)
    return Columns(names=names, values=np.concatenate(list(parts.values()), axis=1))
