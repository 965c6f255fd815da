"""How well names and other identifiers are found in texts: counts of mentions that add, rates and intervals last.

A mention counts as found only when every letter and digit of it is covered by found spans of any kind: a name that is
covered in part is readable. `touched` is the looser count. A found span is right when it overlaps a gold span of any
identifying kind; one that only overlaps a span scored neither way (scoring.toml) counts neither way.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from transcribe.detect.ordinary import has_capitals
from transcribe.evaluate.intervals import interval
from transcribe.evaluate.tables import is_listed, is_ordinary, kind_of
from transcribe.schema import Kind, Quiet, record
from transcribe.wordforms import TITLES, folded

_LETTER = re.compile(r"[^\W_]")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


Span = tuple[int, int, str, float | None]
BANDS = ((0.0, 0.3), (0.3, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01))  # of probability


@record
class Mention(Quiet):
    """A gold mention: whose it is within its document, whether each of its words is an ordinary one, what was found."""

    document: int
    kind: Kind
    person: str
    origin: str
    ordinary: bool
    cased: bool
    covered: bool
    touched: bool


@record
class Claim(Quiet):
    """A found span: whether it overlaps something that identifies, and something of its own kind; how sure it was."""

    document: int
    kind: Kind
    right: bool
    kind_right: bool
    probability: float | None = None


@record
class PiiCounts(Quiet):
    """Mentions and claims of documents with so many words each; add them before taking rates."""

    mentions: tuple[Mention, ...] = ()
    claims: tuple[Claim, ...] = ()
    words: tuple[int, ...] = ()

    def __add__(self, other: "PiiCounts") -> "PiiCounts":
        shift = len(self.words)
        return PiiCounts(
            mentions=(*self.mentions, *(replace(m, document=m.document + shift) for m in other.mentions)),
            claims=(*self.claims, *(replace(c, document=c.document + shift) for c in other.claims)),
            words=self.words + other.words,
        )


@record
class Rate(Quiet):
    """A share of counted cases with its 95 % interval; None where there is no case."""

    name: str
    count: int
    of: int
    low: float | None
    high: float | None

    @property
    def rate(self) -> float | None:
        return self.count / self.of if self.of else None


def score(gold: Iterable[Mapping[str, Any]], found: Iterable[Mapping[str, Any]]) -> PiiCounts:
    """Gold rows {id, text, spans: [[start, end, label, person?, origin?]]} against found rows {id, spans}.

    Found spans are [start, end, label, probability?].

    A document that `found` does not name counts as one in which nothing was found.
    """
    by_id = {row["id"]: row["spans"] for row in found}
    counts = PiiCounts()
    for row in gold:
        spans = [
            (int(s[0]), int(s[1]), str(s[2]), float(s[3]) if len(s) > 3 else None) for s in by_id.get(row["id"], [])
        ]
        counts += _document(row, spans)
    return counts


def unscored(gold: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Labels of gold spans that scoring.toml does not list, and how many have each: they are scored neither way."""
    labels = (str(span[2]) for row in gold for span in row["spans"])
    return dict(sorted(Counter(label for label in labels if not is_listed(label)).items()))


def _document(row: Mapping[str, Any], found: list[Span]) -> PiiCounts:
    text = str(row["text"])
    gold = [(int(s[0]), int(s[1]), kind_of(str(s[2])), tuple(s[3:])) for s in row["spans"]]
    cased = has_capitals((text,))
    hidden = {i for start, end, *_ in found for i in range(start, end)}
    mentions = []
    for start, end, kind, more in gold:
        if kind is None:
            continue
        letters = [i for i in range(start, end) if _LETTER.match(text[i])]
        tokens = [folded(m.group()) for m in _WORD.finditer(text, start, end)]
        mentions.append(
            Mention(
                document=0,
                kind=kind,
                person=str(more[0]) if more and more[0] else " ".join(token.removesuffix("'s") for token in tokens),
                origin=str(more[1]) if len(more) > 1 else str(row.get("origin", "")),
                cased=cased,
                ordinary=any(is_ordinary(token) for token in tokens),
                covered=bool(letters) and all(i in hidden for i in letters),
                touched=any(i in hidden for i in letters),
            )
        )
    claims = [claim for span in found if (claim := _claim(span, gold)) is not None]
    return PiiCounts(mentions=tuple(mentions), claims=tuple(claims), words=(len(_WORD.findall(text)),))


def _claim(span: Span, gold: list[tuple[int, int, Kind | None, Any]]) -> Claim | None:
    start, end, label, probability = span
    met = [kind for first, last, kind, _ in gold if start < last and first < end]
    if met and all(kind is None for kind in met):
        return None
    kind = kind_of(label) or Kind.OTHER
    return Claim(document=0, kind=kind, right=bool(met), kind_right=kind in met, probability=probability)


def rates(counts: PiiCounts, kind: Kind | None = None) -> tuple[Rate, ...]:
    """Recall, precision, person-level recall and false alarms, of one kind or all, each over documents."""
    mentions = [m for m in counts.mentions if kind in (None, m.kind)]
    claims = [c for c in counts.claims if kind in (None, c.kind)]
    documents = range(len(counts.words))
    wrong = [sum(not c.right for c in claims if c.document == d) for d in documents]
    safe = [_safe([m for m in mentions if m.document == document]) for document in documents]
    return (
        _rate("recall", mentions, lambda m: m.covered, counts),
        _rate("recall, touched", mentions, lambda m: m.touched, counts),
        _rate("recall, texts without capitals", [m for m in mentions if not m.cased], lambda m: m.covered, counts),
        _rate("recall, ordinary words", [m for m in mentions if m.ordinary], lambda m: m.covered, counts),
        *(
            _rate(f"recall, {origin}", [m for m in mentions if m.origin == origin], lambda m: m.covered, counts)
            for origin in sorted({m.origin for m in mentions if m.origin})
        ),
        rate("people safe", [(sum(ok), len(ok)) for ok in safe]),
        _rate("precision", claims, lambda c: c.right, counts),
        _rate("precision, kind", claims, lambda c: c.kind_right, counts),
        rate("false alarms a word", list(zip(wrong, counts.words, strict=True))),
    )


def calibration(counts: PiiCounts) -> tuple[Rate, ...]:
    """How many found spans of each band of probability are right: what a probability is worth (reliability diagram)."""
    told = [c for c in counts.claims if c.probability is not None]
    return tuple(
        _rate(f"right, of those given {low:.2f} to {min(high, 1.0):.2f}", band, lambda c: c.right, counts)
        for low, high in BANDS
        if (band := [c for c in told if c.probability is not None and low <= c.probability < high])
    )


def _safe(mentions: list[Mention]) -> list[bool]:
    """For each person of a document whether every mention of hers was found.

    Whose words all lie in a longer name's is that person's, too: "Hope" and "Hope Ansah" are one; where two people
    are called so, it speaks against both.
    """
    people: dict[tuple[Kind, frozenset[str]], bool] = {}
    for m in mentions:
        key = m.kind, frozenset(m.person.split()) - TITLES or frozenset([m.person])
        people[key] = people.get(key, True) and m.covered
    whole = [(kind, name) for kind, name in people if not any(kind is k and name < other for k, other in people)]
    return [all(ok for (k, name), ok in people.items() if k is kind and name <= full) for kind, full in whole]


def _rate(name: str, cases: list[Any], holds: Callable[[Any], bool], counts: PiiCounts) -> Rate:
    pairs = [[0, 0] for _ in counts.words]
    for case in cases:
        pairs[case.document][0] += holds(case)
        pairs[case.document][1] += 1
    return rate(name, [(count, of) for count, of in pairs])


def rate(name: str, pairs: list[tuple[int, int]], *, within: bool = False) -> Rate:
    """The rate of pairs (count, of), one a document."""
    bounds = interval(pairs, within=within) or (None, None)
    return Rate(name=name, count=sum(c for c, _ in pairs), of=sum(o for _, o in pairs), low=bounds[0], high=bounds[1])


def lowered(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row in lower case without punctuation, as a recogniser without case writes it, spans moved along.

    Every run of what is no letter, digit or apostrophe inside a word becomes one space, or one line end where it holds
    one.
    """
    text = str(row["text"])
    out: list[str] = []
    place = [0] * (len(text) + 1)
    for index, char in enumerate(text):
        place[index] = len(out)
        inside = char in "'’" and 0 < index < len(text) - 1 and text[index - 1].isalnum() and text[index + 1].isalnum()
        if char.isalnum() or inside:
            low = char.lower()
            out.append("'" if inside else low if len(low) == 1 else char)
        elif char == "\n":
            out[-1:] = ["\n"] if out and out[-1] == " " else [*out[-1:], "\n"]
        elif out and out[-1] not in " \n":
            out.append(" ")
    place[len(text)] = len(out)
    spans = [[place[int(s[0])], place[int(s[1]) - 1] + 1, *s[2:]] for s in row["spans"]]
    return {**row, "text": "".join(out), "spans": spans}
