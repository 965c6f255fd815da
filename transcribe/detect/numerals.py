"""Numbers and letters as they are said: "oh double seven, nine hundred", "C F eleven", "O7700", to what they spell.

A run is a stretch of such words, over commas, fillers and a listener's "mm", and over the end of a turn. In its
characters "O" is a nought or the letter, as the place decides; all other digits and capitals are themselves.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from transcribe.schema import Quiet, record

_TOKEN = re.compile(r"\d*(?:1st|2nd|3rd|\dth)\b|\d+(?:s|am|pm|k|kg|ml|lb|lbs|oz|cm)\b|\d+|[^\W\d_]+(?:['’][^\W\d_]+)*")
_GAP = re.compile(r"[\s,.\-–—()…?+]{0,8}")
_A_HUNDRED = re.compile(r"\ba(?= hundred\b)", re.IGNORECASE)
_FILLERS = 3  # at most so many in a row inside a number
LISTENED = 2  # at most so many of the listener's turns inside what is read out
SAYS = 3  # at most so many words


@cache
def tables() -> Mapping[str, Any]:
    """spoken.toml; strings of words as sets."""
    raw = tomllib.loads((files("transcribe.detect") / "spoken.toml").read_text(encoding="utf-8"))
    return {
        name: {key: frozenset(value.split()) if isinstance(value, str) else value for key, value in table.items()}
        for name, table in raw.items()
    }


class Tokens:
    """The words of all texts (of utterances) in a row: spans, words in lower case, and which text each stands in."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.spans: list[tuple[int, int]] = []
        self.words: list[str] = []
        self.first: list[int] = []  # of each utterance the index of its first word
        self._within: list[int] = []  # of each word the number of its utterance
        for here, text in enumerate(self.texts):
            self.first.append(len(self.spans))
            self.spans += [m.span() for m in _TOKEN.finditer(text)]
            self.words += [text[start:end].lower().replace("’", "'") for start, end in self.spans[self.first[-1] :]]
            self._within += [here] * (len(self.words) - len(self._within))
        self.first.append(len(self.spans))

    def utterance_of(self, index: int) -> int:
        """The number of the utterance that a word stands in."""
        return self._within[index]

    def written(self, index: int) -> str:
        """The word as it stands in the text."""
        return self.texts[self.utterance_of(index)][slice(*self.spans[index])]

    def gap(self, index: int) -> str | None:
        """What stands between a word and the one before; None where an utterance begins."""
        here = self.utterance_of(index)
        if index == self.first[here]:
            return None
        return self.texts[here][self.spans[index - 1][1] : self.spans[index][0]]

    def near(self, index: int) -> bool:
        """Whether a word follows the one before it in the same utterance."""
        return index < len(self.words) and self.gap(index) is not None

    def stops(self, index: int) -> bool:
        """Whether a sentence ends before a word of the same utterance."""
        gap = self.gap(index) if index < len(self.words) else ""
        return gap is not None and re.search(r"[.?!]\s", gap) is not None

    def tie(self, index: int) -> str:
        """ ".", "@" or "_" where that ties a word to the one before, a blank more or less; else nothing."""
        gap = self.gap(index)
        if gap is None or len(gap) > 3:
            return ""
        return "." if gap == "." else "@" if "@" in gap else "_" if gap in ("_", "-") else ""

    def listens(self, here: int) -> bool:
        """Whether an utterance is no more than what a listener says: "Yeah.", "Mm, okay."."""
        first, end = self.first[here], self.first[here + 1]
        backchannel = tables()["between"]["backchannel"]
        return 0 < end - first <= SAYS and all(word in backchannel for word in self.words[first:end])

    def pieces(self, first: int, last: int) -> Iterator[tuple[int, int, int]]:
        """(utterance, start, end) of words first..last, one for each utterance they stand in."""
        for here in range(self.utterance_of(first), self.utterance_of(last) + 1):
            a, b = max(first, self.first[here]), min(last, self.first[here + 1] - 1)
            if a <= b:
                yield here, self.spans[a][0], self.spans[b][1]


def numbers(text: str) -> tuple[int, ...]:
    """The values of all numbers in a text, written or said."""
    tokens = Tokens((_A_HUNDRED.sub("one", text),))  # the values alone count here, no position
    found, index = [], 0
    while index < len(tokens.words):
        item = read(tokens, index)
        if item is not None and item.numeric and item.chars[0] != "O":
            found.append(int(item.digits))
        index = item.last + 1 if item else index + 1
    return tuple(found)


@record
class Item(Quiet):
    """What words first..last spell: digits (`O` counts as one), or capitals."""

    first: int
    last: int
    chars: str

    @property
    def digits(self) -> str:
        return self.chars.replace("O", "0")

    @property
    def numeric(self) -> bool:
        return all(char.isdigit() or char == "O" for char in self.chars)


def spelt(items: Iterable[Item]) -> str:
    """All their digits."""
    return "".join(item.digits for item in items)


def runs(tokens: Tokens) -> Iterator[tuple[Item, ...]]:
    """Maximal runs of two items and more, or of one that holds four characters and more."""
    index, end = 0, len(tokens.words)
    while index < end:
        item = read(tokens, index)
        if item is None:
            index += 1
            continue
        items = [item]
        while (following := _following(tokens, items[-1].last + 1, items)) is not None:
            items.append(following)
        if len(items) > 1 or len(item.chars) > 3:
            yield tuple(items)
        index = items[-1].last + 1


def _following(tokens: Tokens, index: int, items: list[Item]) -> Item | None:
    """The next item of a run that goes on at word `index`, after fillers and what a listener says."""
    between = tables()["between"]
    fillers = listened = 0
    while index < len(tokens.words):
        gap = tokens.gap(index)
        if gap is None:
            if sum(len(item.chars) for item in items) < 2:
                return None
            here = tokens.utterance_of(index)
            if tokens.listens(here) or _interrupts(tokens, here):
                listened += 1
                if listened > LISTENED:
                    return None
                index = tokens.first[here + 1]
                continue
        elif not _GAP.fullmatch(gap):
            return None
        item = read(tokens, index, inside=True)
        if item is not None:
            return item
        fillers += 1
        if fillers > _FILLERS or tokens.words[index] not in between["fillers"] | between["backchannel"]:
            return None
        index += 1
    return None


def _interrupts(tokens: Tokens, here: int) -> bool:
    """Whether an utterance is a few words that spell nothing: "Alright.", "I see.", "Oh, thanks.", "One second."."""
    first, end = tokens.first[here], tokens.first[here + 1]
    noughts = {"o", "oh", "ow"}
    if end - first > SAYS or noughts.issuperset(tokens.words[first:end]):
        return False
    loose = tables()["letters"]["loose"] | noughts | {"i", "a"}
    context = tables()["context"]
    units = context["units"] | context["measures"]
    return not any(
        read(tokens, index)
        for index in range(first, end)
        if tokens.words[index] not in loose and units.isdisjoint(tokens.words[index + 1 : min(index + 2, end)])
    )


def read(tokens: Tokens, index: int, inside: bool = False) -> Item | None:
    """The item that begins with a word; `inside`: after another item, where misheard digits count, too."""
    word = tokens.words[index]
    numbers, letters = tables()["numbers"], tables()["letters"]
    if word.isdecimal() and word.isascii():
        return Item(first=index, last=index, chars=word)
    if word in numbers["units"] or word in numbers["teens"] or word in numbers["tens"]:
        return _number(tokens, index)
    if word in numbers["repeat"] and tokens.near(index + 1):
        nxt = read(tokens, index + 1)
        if nxt is None or len(nxt.chars) != 1:
            return None
        return Item(first=index, last=nxt.last, chars=nxt.chars * numbers["repeat"][word])
    if word in letters["names"]:
        return Item(first=index, last=index, chars=letters["names"][word])
    if len(word) <= 4 and word.isascii() and word.isalpha() and _spelt(tokens, index, word):
        return Item(first=index, last=index, chars=word.upper())
    if inside and word in numbers["homophones"] and _single(tokens.words[index - 1]) and _leads(tokens, index + 1):
        return Item(first=index, last=index, chars=numbers["homophones"][word])
    return None


def _leads(tokens: Tokens, index: int) -> bool:
    """Whether a digit follows, or a word that repeats one."""
    if not tokens.near(index):
        return False
    return _single(tokens.words[index]) or tokens.words[index] in tables()["numbers"]["repeat"]


def _single(word: str) -> bool:
    """Whether a word is one digit: "10 to 12" is no number of five digits."""
    return (len(word) == 1 and word.isdecimal()) or word in tables()["numbers"]["units"]


def _spelt(tokens: Tokens, index: int, word: str) -> bool:
    """Whether a short word is letters: one alone, capitals, tied to a digit, or the beginning or end of a postcode."""
    if len(word) == 1 or tokens.written(index).isupper():
        return True
    before = index > 0 and _counts(tokens.words[index - 1])
    after = tokens.near(index + 1) and _counts(tokens.words[index + 1])
    if (before and tokens.gap(index) == "") or (after and tokens.gap(index + 1) == ""):
        return True
    between = tables()["between"]
    if len(word) != 2 or word in tables()["letters"]["words"] | between["fillers"] | between["backchannel"]:
        return False
    consonants = {"a", "e", "i", "o", "u", "y"}.isdisjoint(word)  # "jc 12 34 56 c", a National Insurance number
    return before or (after and (consonants or word.upper() in tables()["postcode"]["areas"]))


def _counts(word: str) -> bool:
    """Whether a word is digits, or says some: "five", "eleven"."""
    return word.isdecimal() or (_starts(word) and word not in ("o", "oh", "ow"))


def _joined(tokens: Tokens, index: int) -> bool:
    return tokens.near(index) and tokens.gap(index) in (" ", "-")


def _number(tokens: Tokens, index: int) -> Item:
    """ "seven", "twenty-one", "nine hundred", "nine hundred and five", "two thousand and twenty-two"."""
    chars, last = _below_hundred(tokens, index)
    for scale, zeros in (("hundred", 2), ("thousand", 3)):
        if not (_joined(tokens, last + 1) and tokens.words[last + 1] == scale and "O" not in chars):
            continue
        last += 1
        value = int(chars) * 10**zeros
        rest = last + 2 if _joined(tokens, last + 1) and tokens.words[last + 1] == "and" else 0
        if rest and _joined(tokens, rest) and _starts(tokens.words[rest]):
            more, end = _below_hundred(tokens, rest)
            if "O" not in more:
                value, last = value + int(more), end
        chars = str(value)
    return Item(first=index, last=last, chars=chars)


def _starts(word: str) -> bool:
    numbers = tables()["numbers"]
    return word in numbers["units"] or word in numbers["teens"] or word in numbers["tens"]


def _below_hundred(tokens: Tokens, index: int) -> tuple[str, int]:
    numbers = tables()["numbers"]
    word = tokens.words[index]
    if word in numbers["tens"]:
        if _joined(tokens, index + 1):
            unit = numbers["units"].get(tokens.words[index + 1], "0")
            if unit not in "0O":
                return numbers["tens"][word][0] + unit, index + 1
        return numbers["tens"][word], index
    return numbers["teens"].get(word) or numbers["units"][word], index
