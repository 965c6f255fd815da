"""The rule for house numbers whose street no pattern sees: beside a place, or shortly before a postcode.

Recognisers mishear streets ("7B Harrow Muse", "112 are Beacon's Field"), so that nothing but the company they keep
shows these numbers to be part of an address. It reads what the other rules found.
"""

import re
from collections.abc import Iterator

from transcribe.detect.numerals import Item, Tokens, read, tables
from transcribe.schema import Finding, Kind, Quiet, Reason, Utterance, record

RULE = "address"
_ENTITY = "ADDRESS"
_AHEAD = 14  # words from a house number to its postcode, at most
_BACK = 25  # words before it that may speak of an address
_STREET = 3  # words of a street's name, at most
_TAKEN = (Kind.DATE, Kind.CONTACT, Kind.ID_NUMBER, Kind.AGE, Kind.OTHER)
_LARGEST = 1999  # no house number is larger
_PLACE, _POSTCODE = 0.2, 0.6  # least scores of what a number stands beside
_BEFORE_POSTCODE, _SPOKEN_OF, _BESIDE, _COUNT = 0.8, 0.8, 0.5, 0.2
_JOINT = re.compile(r"[\s,.\-]*")
_SPACE = re.compile(r"[ \-]?")


@record
class _House(Quiet):
    """Words first..last are a number, with its letter and "flat" before it; they end at `end` in the utterance."""

    first: int
    last: int
    start: int
    end: int
    counted: bool  # a number word under eleven, which may count what follows


def find(utterances: tuple[Utterance, ...], found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Spans from a house number to the end of what stands beside it, by position; `found`: what other rules found."""
    if not any(f.kind is Kind.PLACE or _is_postcode(f) for f in found):
        return ()
    tokens = Tokens([utterance.text for utterance in utterances])
    numbers = {utterance.id: number for number, utterance in enumerate(utterances)}
    beside: dict[int, list[Finding]] = {}
    for finding in found:
        beside.setdefault(numbers[finding.utterance_id], []).append(finding)
    postcodes = sorted(_postcodes(tokens, beside))
    spans: list[Finding] = []
    for here, utterance in enumerate(utterances):
        others = beside.get(here, [])
        for house in _houses(tokens, here, others):
            end, score = _address(tokens, here, house, others, postcodes)
            if score:
                reason = Reason(rule=RULE, detail=_ENTITY, score=score)
                spans.append(
                    Finding(id="", utterance_id=utterance.id, start=house.start, end=end, kind=Kind.CONTACT,
                            person_id=None, score=score, reason=reason)
                )  # fmt: skip
    return tuple(spans)


def _is_postcode(finding: Finding) -> bool:
    return finding.reason.detail == "UK_POSTCODE" and finding.score >= _POSTCODE


def _postcodes(tokens: Tokens, beside: dict[int, list[Finding]]) -> Iterator[int]:
    """The first word of each."""
    for here, findings in beside.items():
        for finding in findings:
            if _is_postcode(finding):
                words = range(tokens.first[here], tokens.first[here + 1])
                yield next((word for word in words if tokens.spans[word][1] > finding.start), words.stop)


def _houses(tokens: Tokens, here: int, others: list[Finding]) -> Iterator[_House]:
    """Numbers of up to four digits that are no part of anything else, with the word that calls them a house's."""
    index, stop = tokens.first[here], tokens.first[here + 1]
    while index < stop:
        item = read(tokens, index)
        if item is None or not item.numeric:
            index += 1
            continue
        index = item.last + 1
        if "O" in item.chars or item.chars[0] == "0" or not 0 < int(item.chars) <= _LARGEST or item.last >= stop:
            continue
        last = _with_letter(tokens, item, stop)
        first = item.first
        if first > tokens.first[here] and tokens.words[first - 1] in tables()["context"]["house"]:
            first -= 1
        start, end = tokens.spans[first][0], tokens.spans[last][1]
        if any(f.start < end and start < f.end and f.kind in _TAKEN for f in others):
            continue
        counted = not tokens.words[item.first][0].isdecimal() and int(item.chars) <= 10
        yield _House(first=first, last=last, start=start, end=end, counted=counted)


def _with_letter(tokens: Tokens, item: Item, stop: int) -> int:
    """The last word of a number with the letter that belongs to it: "7 B", "112 are"."""
    following = item.last + 1
    if following >= stop or not _SPACE.fullmatch(tokens.gap(following) or ""):
        return item.last
    word = tokens.words[following]
    letter = tables()["letters"]["names"].get(word, word.upper())
    return following if len(letter) == 1 and letter.isalpha() and word not in ("i", "o") else item.last


def _address(
    tokens: Tokens, here: int, house: _House, others: list[Finding], postcodes: list[int]
) -> tuple[int, float]:
    """Where the address ends and how sure it is one; no score where nothing speaks for it."""
    text = tokens.texts[here]
    place = next(
        (f for f in others if f.kind is Kind.PLACE and f.score >= _PLACE and f.end > house.end
         and (f.start < house.end or _JOINT.fullmatch(text[house.end : f.start]))), None,
    )  # fmt: skip
    end = place.end if place else house.end
    if any(0 < word - house.last <= _AHEAD for word in postcodes) and not _measures(tokens, house):
        end = max(end, _capitals_end(tokens, here, house))
        if end > house.end or not house.counted:
            return end, _BEFORE_POSTCODE
    if place is None:
        return end, 0.0
    if any(word in tables()["context"]["postcode"] for word in tokens.words[max(0, house.first - _BACK) : house.first]):
        return end, _SPOKEN_OF
    return end, _COUNT if house.counted else _BESIDE


def _capitals_end(tokens: Tokens, here: int, house: _House) -> int:
    """The end of the words with capitals that follow a number, as a street has them: "7B Harrow Muse"."""
    last = house.last
    for word in range(house.last + 1, min(house.last + _STREET + 1, tokens.first[here + 1])):
        if not _SPACE.fullmatch(tokens.gap(word) or "") or not tokens.written(word)[0].isupper():
            break
        last = word
    return tokens.spans[last][1]


def _measures(tokens: Tokens, house: _House) -> bool:
    """Whether a unit follows: "five minutes from here, B21 9ZZ"."""
    following = tokens.words[house.last + 1 : house.last + 2]
    return bool(following) and following[0] in tables()["context"]["units"]
