"""The rule for what is read out: phone, NHS, NI and other numbers, postcodes, number plates, e-mail and web addresses.

Presidio's patterns see what is written as usual and in one turn; this rule reads the words themselves, as said or as a
recogniser writes them ("oh double seven double oh", "O7700-900, 461", "C F eleven, nine Z Z"), over fillers and over
turns. NHS check digit: NHS Data Dictionary, modulo 11. Phone numbers: Ofcom's plan, 0 and nine or ten digits.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from transcribe.detect import counted, emails, parted
from transcribe.detect.numerals import Item, Tokens, runs, spelt, tables
from transcribe.schema import Finding, Kind, Quiet, Reason, Utterance, record

RULE = "spoken"
_CODES = ("id", "nhs", "number")  # what letters may be part of
_LIKELY = 0.5
_PARTS = 12  # of a code, at most so many on either side of its number
_NEAR = 2  # words: "her badge's number", "prison number"
_BESIDE = 4  # words between what an item is and its short number: "the card ends in 4471"
_LONG = 6  # digits; hardly anything is counted in so many
_LOOK_BACK = 14  # words before a number that may say what it is
_NHS_DIGITS = 10
_PHONE_ITEMS = 11  # at most; each a digit or more
_DIGIT = "[0-9O]"
_PHONE = re.compile(r"(?:0044|44|0)?0?[1-9]\d{8,9}")
_PLATES = (
    re.compile(rf"[A-Z]{{2}}{_DIGIT}{{2}}[A-Z]{{3}}"),
    re.compile(rf"[A-Z](?:{_DIGIT}){{2,3}}[A-Z]{{3}}"),
    re.compile(rf"[A-Z]{{3}}{_DIGIT}{{2,3}}[A-Z]"),
)
_NINO = re.compile(
    rf"[A-Z]{{2}}{_DIGIT}{{6}}[A-D]"
)  # which first letters are given out is not asked: they are misheard
_PRISONER = re.compile(r"[A-Z]\d{4}[A-Z]{2}")  # HMPPS
_YEARS = re.compile(r"(?:(?:19|20)\d\d)+")
_ROAD = re.compile(r"[ABM]\d{4}")


@record
class _Found(Quiet):
    """What some stretches of words are; each is the first and the last word."""

    words: tuple[tuple[int, int], ...]
    kind: Kind
    entity: str
    score: float


def find(utterances: tuple[Utterance, ...]) -> tuple[Finding, ...]:
    """Spans sorted by position, one for each turn that a number or an address stands in; without a person."""
    tokens = Tokens([utterance.text for utterance in utterances])
    ids = [utterance.id for utterance in utterances]
    found: list[Finding] = []
    taken: set[int] = set()
    left: list[Sequence[Item]] = []
    for run in runs(tokens):
        for one in _in_run(tokens, run, left):
            found += _findings(tokens, ids, one)
            taken.update(range(one.words[0][0], one.words[-1][1] + 1))
    for items in parted.find(left):
        one = _Found(words=_words(items), kind=Kind.CONTACT, entity="PHONE_NUMBER", score=0.8)
        found += _findings(tokens, ids, one)
    for one in _glued(tokens, taken):
        found += _findings(tokens, ids, one)
    for address in emails.find(tokens):
        one = _Found(words=address.words, kind=Kind.CONTACT, entity=address.entity, score=address.score)
        found += _findings(tokens, ids, one)
    order = {i: place for place, i in enumerate(ids)}
    return tuple(sorted(dict.fromkeys(found), key=lambda f: (order[f.utterance_id], f.start, f.end, f.reason.detail)))


def _findings(tokens: Tokens, ids: list[str], one: _Found) -> Iterator[Finding]:
    spans: dict[int, tuple[int, int]] = {}
    for first, last in one.words:
        for here, start, end in tokens.pieces(first, last):
            spans[here] = (spans.get(here, (start, end))[0], end)
    for here, (start, end) in spans.items():
        before = re.search(r"[+(]+\s?$", tokens.texts[here][max(0, start - 3) : start])
        yield Finding(
            id="",
            utterance_id=ids[here],
            start=start - len(before.group()) if before else start,
            end=end,
            kind=one.kind,
            person_id=None,
            score=one.score,
            reason=Reason(rule=RULE, detail=one.entity, score=one.score),
        )


def _in_run(tokens: Tokens, run: tuple[Item, ...], left: list[Sequence[Item]]) -> Iterator[_Found]:
    """Codes first; what digits they leave are read as numbers, and those that are likely none are added to `left`."""
    if sum(len(item.chars) for item in run if item.numeric) < 2:
        return
    taken: set[int] = set()
    for first, last, entity, score in _codes(tokens, run):
        kind = Kind.CONTACT if entity == "UK_POSTCODE" else Kind.ID_NUMBER
        yield _Found(words=_words(run[first : last + 1]), kind=kind, entity=entity, score=score)
        taken.update(range(first, last + 1))
    stretch: list[int] = []
    for index, item in enumerate((*run, None)):
        if item is not None and item.numeric and index not in taken:
            stretch.append(index)
            continue
        while len(stretch) > 1 and run[stretch[0]].chars == "O" and run[stretch[1]].chars[0] == "0":
            stretch.pop(0)  # "Oh, 0117": the nought is there already
        items = run[stretch[0] : index] if stretch else ()
        one = _number(tokens, items) if items else None
        if one:
            yield _whole(tokens, run, (stretch[0], index - 1), taken, one)
        if items and (one is None or one.score < _LIKELY):
            left.append(items)
        stretch = []


def _words(items: Sequence[Item]) -> tuple[tuple[int, int], ...]:
    return tuple((item.first, item.last) for item in items)


# --- codes of letters and digits ------------------------------------------------------------------------------------


def _codes(tokens: Tokens, run: tuple[Item, ...]) -> Iterator[tuple[int, int, str, float]]:
    """(first item, last item, entity, score) of whole codes; they begin and end where items do, and do not overlap."""
    if not any(not item.numeric for item in run):
        return
    text = "".join(item.chars for item in run)
    starts, ends, place = {}, {}, 0
    for index, item in enumerate(run):
        starts[place] = index
        place += len(item.chars)
        ends[place] = index
    free = 0
    for start in starts:
        if start < free:
            continue
        for entity, pattern, score in _code_patterns():
            match = pattern.match(text, start)
            if match and match.end() in ends:
                first, last = starts[start], ends[match.end()]
                sure = _sure(tokens, run[first : last + 1], entity, score)
                if not sure:
                    continue
                yield first, last, entity, sure
                free = match.end()
                break


@cache
def _code_patterns() -> tuple[tuple[str, re.Pattern[str], float], ...]:
    areas = sorted(tables()["postcode"]["areas"], key=len, reverse=True)
    area = "|".join(area.replace("O", "[O0]") for area in areas)
    postcode = rf"(?:{area})(?:[1-9]{_DIGIT}?[ABEHMNPRVWXYCDFGJKSTU]?){_DIGIT}[ABD-HJLNP-UW-Z]{{2}}"
    return (
        ("UK_NINO", _NINO, 0.95),
        ("UK_POSTCODE", re.compile(postcode), 0.9),
        *(("VEHICLE_PLATE", pattern, 0.6) for pattern in _PLATES),
        ("LONG_NUMBER", _PRISONER, 0.9),
    )


def _sure(tokens: Tokens, items: Sequence[Item], entity: str, score: float) -> float:
    """How sure a code is; a plate only as it is written or where a car is spoken of, a prisoner's number as well."""
    item = items[0]
    glued = all(tokens.gap(word) == "" for word in range(item.first + 1, items[-1].last + 1))
    if entity == "LONG_NUMBER":
        singly = all(len(item.chars) == 1 for item in items)  # not "a 1990 VW"
        return score if singly or glued or _about(tokens, item.first) in _CODES else 0.0
    if entity != "VEHICLE_PLATE":
        return score
    if _context(tokens, item.first, "plate"):
        return 0.95
    return score if glued or (len(item.chars) > 1 and tokens.written(item.first).isupper()) else 0.2


def _whole(tokens: Tokens, run: tuple[Item, ...], place: tuple[int, int], taken: set[int], number: _Found) -> _Found:
    """A number at `place` of a run with the rest of the code that it is part of: "K 4 5 6 7 8 9", "AB/123456/7"."""
    first, last = place
    if number.score < _LIKELY or _about(tokens, run[first].first) not in _CODES:
        return number
    for _ in range(_PARTS):
        if first > 0 and first - 1 not in taken and _belongs(tokens, run[first - 1], run[first]):
            first -= 1
        if last + 1 < len(run) and last + 1 not in taken and _belongs(tokens, run[last + 1], run[last]):
            last += 1
    words = list(_words(run[first : last + 1]))
    begin, end = words[0][0], words[-1][1]
    begin -= _is_surname(tokens, begin - 1)
    for _ in range(_PARTS):
        begin -= tokens.gap(begin) in ("", "/")
        end += end + 1 < len(tokens.words) and tokens.gap(end + 1) in ("", "/")
    words[0] = (begin, words[0][1])
    words[-1] = (words[-1][0], end)
    if (begin, end) == (run[place[0]].first, run[place[1]].last):
        return number
    entity = "UK_NHS" if number.entity == "UK_NHS" else "LONG_NUMBER"
    return _Found(words=tuple(words), kind=Kind.ID_NUMBER, entity=entity, score=number.score)


def _belongs(tokens: Tokens, item: Item, other: Item) -> bool:
    """Whether an item is a letter or number beside another of a code, and no word of the talk around it."""
    before, after = sorted((item, other), key=lambda one: one.first)
    gap = tokens.gap(after.first)
    if gap == "" or item.numeric:
        return before.last + 1 == after.first
    if gap is not None and (before.last + 1 < after.first or re.search(r"[.?!]", gap)):
        return False
    word, letters = tokens.words[item.first], tables()["letters"]
    if word in letters["names"]:
        return word not in letters["loose"]
    written = tokens.written(item.first)
    return written not in ("a", "i", "I") if len(word) == 1 else written.isupper()


def _is_surname(tokens: Tokens, index: int) -> bool:
    """Whether a word is the five letters of a surname with which a driving licence's number begins: "HARTL 912154"."""
    near = index >= 0 and tokens.gap(index + 1) == " " and len(tokens.words[index]) == 5
    licence = {"licence", "license"}.intersection(tokens.words[max(0, index - _LOOK_BACK) : max(0, index)])
    return near and bool(licence) and (tokens.written(index).isupper() or len(tokens.words[index + 1]) == 6)


def _glued(tokens: Tokens, taken: set[int]) -> Iterator[_Found]:
    """Codes written as one of letters and four digits or more (in lower case five), which nothing has found: a driving
    licence's number.
    """
    first = 0
    for last in range(len(tokens.words)):
        if last + 1 < len(tokens.words) and tokens.gap(last + 1) == "":
            continue
        code = "".join(tokens.written(index) for index in range(first, last + 1)) if last > first else ""
        digits = "".join(char for char in code if char.isdecimal())
        least = 4 if code.isupper() else 5
        if len(digits) >= least and code[0].isalpha() and not taken.issuperset(range(first, last + 1)):
            about = _about(tokens, first) in _CODES
            if about or not (_YEARS.fullmatch(digits) or _ROAD.fullmatch(code.upper())):
                score = 0.85 if about else 0.6
                yield _Found(words=((first, last),), kind=Kind.ID_NUMBER, entity="LONG_NUMBER", score=score)
        first = last + 1


# --- numbers --------------------------------------------------------------------------------------------------------


def _number(tokens: Tokens, items: Sequence[Item]) -> _Found | None:
    digits = spelt(items)
    if len(digits) < 4 or not digits.strip("0") or (len(digits) < 9 and _YEARS.fullmatch(digits)):
        return None
    about = _about(tokens, items[0].first, len(digits))
    called = about == "id" and any(_context(tokens, items[0].first, name) for name in ("id", "number"))
    if _public().fullmatch(digits) or counted.some(tokens, items, about == "id", called):
        return None
    kind, entity, score = Kind.ID_NUMBER, "LONG_NUMBER", 0.0
    if _is_nhs(digits) and not (about == "phone" and digits[0] == "0"):
        entity, score = "UK_NHS", 0.98
    elif about == "nhs" and len(digits) > 5:
        entity, score = "UK_NHS", 0.95
    elif len(digits) < 14 and _PHONE.fullmatch(digits) and digits[0] in "04" and len(digits) > 9:
        kind, entity, score = Kind.CONTACT, "PHONE_NUMBER", 0.97
    elif about == "phone" and (len(digits) > 4 or digits[0] == "0"):
        kind, entity, score = Kind.CONTACT, "PHONE_NUMBER", 0.9 if len(digits) > 5 else 0.6
    elif digits[0] == "0" and len(digits) > 8:
        kind, entity, score = Kind.CONTACT, "PHONE_NUMBER", 0.85
    elif about == "id":
        score = 0.85
    elif _holds_phone(tokens, items) or (about == "number" and len(digits) >= (5 if digits[0] == "0" else _LONG)):
        kind, entity, score = Kind.CONTACT, "PHONE_NUMBER", 0.8
    elif len(digits) > 6 and not counted.ordinary(tokens, items):
        score = 0.6 if len(digits) > 8 and len(items) < len(digits) - 1 else 0.4
    return _Found(words=_words(items), kind=kind, entity=entity, score=score) if score else None


def _holds_phone(tokens: Tokens, items: Sequence[Item]) -> bool:
    """Whether "plus" leads ten digits and more, or another number goes before: "There were two. Oh seven seven ..."."""
    ending = items[-_PHONE_ITEMS:]
    rest = [spelt(ending[first:]) for first in range(len(ending))]
    if (
        sum(len(item.chars) for item in items) > 9
        and "plus" in tokens.words[max(0, items[0].first - 1) : items[0].first]
    ):
        return True
    return any(digits[0] == "0" and len(digits) > 9 and _PHONE.fullmatch(digits) for digits in rest)


@cache
def _public() -> re.Pattern[str]:
    return re.compile(f"(?:{'|'.join(sorted(tables()['numbers']['public']))})+")


def _is_nhs(digits: str) -> bool:
    """Ten digits whose last one checks the others."""
    if len(digits) != _NHS_DIGITS or len(set(digits)) == 1:
        return False
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return rest % 11 == int(digits[9]) and rest != 10


# --- what is spoken of ----------------------------------------------------------------------------------------------


def _about(tokens: Tokens, index: int, digits: int = _LONG) -> str:
    """What the words before a number of so many digits call it, the nearest first: phone, nhs, id, number, or "" for
    nothing.
    """
    context = tables()["context"]
    said = [word.removesuffix("'s") for word in tokens.words[max(0, index - _LOOK_BACK) : index]]
    for place in range(len(said) - 1, -1, -1):
        for about in ("nhs", "phone", "id"):
            if said[place] in context[about]:
                return about
        near = digits >= _LONG or len(said) - place <= _BESIDE
        idiom = said[place] == "case" and not context["no_item"].isdisjoint(said[max(0, place - 1) : place])
        if near and said[place] in context["item"] and not idiom:
            return "id"
        if said[place] in context["numbered"] | context["item"] and not context["number"].isdisjoint(
            said[place + 1 : place + 1 + _NEAR]
        ):
            return "id"  # "prison number"; prison alone says nothing of a number
    return "number" if not context["number"].isdisjoint(said) else ""


def _context(tokens: Tokens, index: int, name: str) -> bool:
    words = tables()["context"][name]
    return any(word.removesuffix("'s") in words for word in tokens.words[max(0, index - _LOOK_BACK) : index])
