"""From the sound to the release: which of the identifiers that were spoken can still be read, in any spelling?

The gold is an interview with every word and identifier timed; what was released stands beside it by time. A released
word is *context* where the gold has that very word outside identifiers at that moment. Of each distinctive word of an
identifier (titles, "street" and the like aside) we ask what is written where it was spoken:

- readable: words that are no context and resemble it: the same letters folded, Jaro-Winkler of at least .8, the same
  double metaphone, the same consonants, one inside the other, or alike by ear ("Eva" for Aoife), five words joined;
- withheld: a replacement stands there, and nothing readable;
- doubtful: neither - the recogniser wrote something unlike it, or nothing.

An identifier is readable when one of its words is. Of numbers, addresses and dates, half of the digits and letters in
order are enough. The strict rate counts the doubtful ones as readable: "we left" for "Will left" tells who knows them.
A name that stands anywhere else in the release outside context counts, too (`elsewhere`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from doublemetaphone import doublemetaphone
from rapidfuzz.distance import JaroWinkler, LCSseq

from transcribe.detect.sounds import likeness
from transcribe.evaluate.pii import Rate, rate
from transcribe.evaluate.tables import PERSON_GROUP, group_of, load
from transcribe.schema import Kind, Person, Quiet, record
from transcribe.wordforms import folded, search_forms

WITHHELD, READABLE, DOUBTFUL = "withheld", "readable", "doubtful"
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_NUMBERED = ("direct", "date", "detail")
_ALIKE = 0.8  # by ear; sounds.likeness in [0, 1]
_REACH_S = 0.6  # how far a word's time may be off: recognisers time words by attention


@record
class _Heard(Quiet):
    """A word with its time; `mask`: a replacement stands there; `outside`: of the gold, no word of an identifier."""

    text: str
    start_s: float
    end_s: float
    mask: bool = False
    outside: bool = True

    @property
    def middle_s(self) -> float:
        return (self.start_s + self.end_s) / 2


@record
class Identifier(Quiet):
    """What became of one spoken identifier; `known`: somebody or something on the roster is called so."""

    document: int
    role: str
    group: str
    known: bool
    state: str


@record
class LeakCounts(Quiet):
    """Counts of interviews; add them before taking rates. `keep` and `outside` are (count, of) pairs, one each."""

    identifiers: tuple[Identifier, ...] = ()
    keep: tuple[tuple[int, int], ...] = ()
    outside: tuple[tuple[int, int], ...] = ()
    elsewhere: int = 0

    def __add__(self, other: "LeakCounts") -> "LeakCounts":
        shift = len(self.keep)
        moved = (replace(i, document=i.document + shift) for i in other.identifiers)
        return LeakCounts(
            identifiers=(*self.identifiers, *moved),
            keep=self.keep + other.keep,
            outside=self.outside + other.outside,
            elsewhere=self.elsewhere + other.elsewhere,
        )


def count(gold: Mapping[str, Any], released: Mapping[str, Any], roster: tuple[Person, ...] = ()) -> LeakCounts:
    """What of an interview (its JSON, see the development data) can be read in a released JSON document."""
    said = _said(gold)
    written = _written(released)
    context = [word for word in said if word.outside]
    free = _unexplained(written, context)
    masks = [word for word in written if word.mask]
    forms = [
        (one.kind is Kind.PERSON, {token for form in search_forms(one) for token in _tokens(form)}) for one in roster
    ]
    identifiers = []
    names: set[str] = set()
    for one in gold["identifiers"]:
        group = group_of(one["role"])
        tokens = _distinctive(one["text"])
        human = group == PERSON_GROUP
        known = bool(tokens) and any(kind is human and set(tokens) <= own for kind, own in forms)
        state = _number_state(one, free, masks) if group in _NUMBERED else _name_state(one, said, free, masks)
        identifiers.append(Identifier(document=0, role=one["role"], group=group, known=known, state=state))
        names |= set(tokens) if human else set()
    labels = {token for turn in released["turns"] for token in _tokens(str(turn.get("speaker", "")))}
    elsewhere = len(labels & names) + sum(_strays(word, names, gold["identifiers"]) for word in free)
    hidden = sum(_hidden(word, masks, written) for word in context)
    kept = [_Heard(text=folded(k["text"]), start_s=k["start_time"], end_s=k["end_time"]) for k in gold["keep_words"]]
    return LeakCounts(
        identifiers=tuple(identifiers),
        keep=((sum(not _hidden(word, masks, written) for word in kept), len(kept)),),
        outside=((hidden, len(context)),),
        elsewhere=elsewhere,
    )


def _said(gold: Mapping[str, Any]) -> list[_Heard]:
    spans: dict[int, list[tuple[int, int]]] = {}
    for one in gold["identifiers"]:
        spans.setdefault(one["turn"], []).append((one["start_char"], one["end_char"]))
    words = []
    for turn in gold["turns"]:
        for word in turn["words"]:
            inside = any(s < word["end_char"] and word["start_char"] < e for s, e in spans.get(turn["index"], ()))
            for token in _tokens(word["text"]):
                words.append(_Heard(text=token, start_s=word["start"], end_s=word["end"], outside=not inside))
    return sorted(words, key=lambda w: w.start_s)


def _written(released: Mapping[str, Any]) -> list[_Heard]:
    words = []
    for turn in released["turns"]:
        place, whole = 0, "".join(word["text"] for word in turn["words"])
        for word in turn["words"]:
            start, end = place, place + len(word["text"])
            place = end
            start_s, end_s = float(word["start_s"]), float(word["end_s"])
            inside = [(r["start"], r["end"]) for r in turn["replaced"] if start < r["end"] and r["start"] < end]
            if inside:
                instead = " ".join(_tokens(whole[min(s for s, _ in inside) : max(e for _, e in inside)]))
                words.append(_Heard(text=instead, start_s=start_s, end_s=end_s, mask=True))
            rest = "".join(" " if any(s <= start + n < e for s, e in inside) else c for n, c in enumerate(word["text"]))
            left = [w for w in _tokens(rest) if not (inside and w == "s")]
            words += [_Heard(text=w, start_s=start_s, end_s=end_s) for w in left]
    return sorted(words, key=lambda w: w.start_s)


def _tokens(text: str) -> list[str]:
    return [folded(m.group()) for m in _WORD.finditer(text)]


def _distinctive(text: str) -> list[str]:
    plain = load().plain
    return [t for t in (token.removesuffix("'s") for token in _tokens(text)) if t not in plain and len(t) > 1]


def _near(one: _Heard, start_s: float, end_s: float, reach_s: float = _REACH_S) -> bool:
    return one.start_s < end_s + reach_s and start_s - reach_s < one.end_s


def _unexplained(written: list[_Heard], context: list[_Heard]) -> list[_Heard]:
    """Words that stand for none said outside identifiers: each of those explains the nearest equal one, once."""
    left = [word for word in written if not word.mask]
    for said in context:
        same = [w for w in left if w.text == said.text and _near(said, w.start_s, w.end_s)]
        if same:
            nearest = min(same, key=lambda w: abs(w.middle_s - said.middle_s))
            left = [word for word in left if word is not nearest]
    return left


def _strays(word: _Heard, names: set[str], identifiers: list[Mapping[str, Any]]) -> bool:
    """Whether a name is written where nobody said it; where somebody did, the identifier's own state tells."""
    text = word.text.removesuffix("'s")
    return text in names and not any(
        text in _distinctive(one["text"]) and _near(word, one["start_time"], one["end_time"]) for one in identifiers
    )


def _hidden(word: _Heard, masks: list[_Heard], written: list[_Heard]) -> bool:
    """Whether a replacement stands where this word was said, and the word does not."""
    covered = any(_near(mask, word.middle_s, word.middle_s, _REACH_S / 3) for mask in masks)
    return covered and not any(
        not w.mask and w.text == word.text and _near(w, word.start_s, word.end_s) for w in written
    )


def _name_state(one: Mapping[str, Any], said: list[_Heard], free: list[_Heard], masks: list[_Heard]) -> str:
    states = []
    wanted = set(_distinctive(one["spoken"])) or set(_tokens(one["spoken"]))
    start_s, end_s = one["start_time"], one["end_time"]
    for word in said:
        if word.outside or word.text.removesuffix("'s") not in wanted or not start_s - 0.01 <= word.middle_s <= end_s:
            continue
        name = word.text.removesuffix("'s")
        here = [f.text for f in free if _near(f, word.start_s, word.end_s)]
        told = any(name in mask.text.split() for mask in masks if _near(mask, word.start_s, word.end_s, 0.0))
        # A word unlike the name in its very place: the replacement beside it is somebody else's.
        reach_s = 0.0 if any(word.start_s <= f.middle_s <= word.end_s for f in free) else _REACH_S / 2
        if told or any(resembles(run, name) for run in _runs(here)):
            states.append(READABLE)
        elif any(_near(mask, word.start_s, word.end_s, reach_s) for mask in masks):
            states.append(WITHHELD)
        else:
            states.append(DOUBTFUL)
    letters = _tokens(one["spoken"])
    if len(letters) > 1 and all(len(letter) == 1 for letter in letters):  # spelt out; it may be written as a word
        here = [f.text for f in free if _near(f, start_s, end_s)]
        states += [READABLE] if any(resembles(run, "".join(letters)) for run in _runs(here)) else []
    return next((state for state in (READABLE, DOUBTFUL) if state in states), WITHHELD if states else DOUBTFUL)


def _runs(words: list[str]) -> Iterable[str]:
    longest = int(load().likeness["joined"])
    for first in range(len(words)):
        for last in range(first + 1, min(first + longest, len(words)) + 1):
            yield "".join(words[first:last])


def resembles(written: str, name: str) -> bool:
    """Whether somebody who knows the name would recognise it in what is written; both folded, one word each."""
    limits = load().likeness
    written, name = (re.sub(r"\W", "", text) for text in (written, name))
    if written == name:
        return True
    if min(len(written), len(name)) < 2:
        return False
    long, short = sorted((written, name), key=len, reverse=True)
    if len(short) >= limits["part_letters"] and short in long:
        return True
    if JaroWinkler.similarity(written, name) >= limits["jaro_winkler"]:
        return True
    codes = (doublemetaphone(written)[0], doublemetaphone(name)[0])
    bare = tuple(re.sub(r"[aeiouyhw]", "", text) for text in (written, name))
    same = (codes[0] == codes[1] and len(codes[0]) > 1) or (bare[0] == bare[1] and len(bare[0]) > 1)
    return same or likeness(written, name) >= _ALIKE


def _number_state(one: Mapping[str, Any], free: list[_Heard], masks: list[_Heard]) -> str:
    start_s, end_s = one["start_time"], one["end_time"]
    here = [f.text for f in free if _near(f, start_s, end_s, 0.25)]
    wanted, left = _signs(_tokens(one["spoken"])), _signs(here)
    distinctive = [t for t in _distinctive(one["text"]) if not t.isdigit() and len(t) > 2]
    named = any(resembles(run, token) for token in distinctive for run in _runs(here))
    if named or (wanted and LCSseq.similarity(wanted, left) >= load().likeness["digits"] * len(wanted)):
        return READABLE
    return WITHHELD if any(_near(mask, start_s, end_s, 0.0) for mask in masks) else DOUBTFUL


def _signs(words: list[str]) -> str:
    """The digits and single letters that words spell out: "oh double seven" is 077."""
    tables, out, twice = load(), "", 1
    for word in words:
        if word in tables.repeats:
            twice = 2 if word.startswith("d") else 3
            continue
        sign = tables.numbers.get(word) or (word if len(word) == 1 or any(c.isdigit() for c in word) else "")
        out, twice = out + sign * twice, 1
    return out


def rates(counts: LeakCounts) -> tuple[Rate, ...]:
    """Readable shares by class, keep words left alone, words outside identifiers withheld, over interviews."""
    classes = {
        "roster people": [i for i in counts.identifiers if i.known and i.group == PERSON_GROUP],
        "other people": [i for i in counts.identifiers if not i.known and i.group == PERSON_GROUP],
        **{
            group: [i for i in counts.identifiers if i.group == group]
            for group in sorted({i.group for i in counts.identifiers} - {PERSON_GROUP})
        },
    }
    made = []
    for name, members in classes.items():
        for label, states in (("readable", (READABLE,)), ("readable, strict", (READABLE, DOUBTFUL))):
            pairs = [
                (sum(i.state in states for i in mine), len(mine))
                for mine in ([i for i in members if i.document == d] for d in range(len(counts.keep)))
            ]
            made.append(rate(f"{name} {label}", pairs, within=True))
    made.append(rate("keep words left alone", list(counts.keep), within=True))
    made.append(rate("words outside withheld", list(counts.outside), within=True))
    return tuple(made)
