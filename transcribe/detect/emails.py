"""E-mail and web addresses and user names as said ("siobhan dot kelly at gmail dot com") or written without an @."""

import re
from collections.abc import Iterator
from functools import cache

from transcribe.detect import usernames
from transcribe.detect.numerals import LISTENED, SAYS, Tokens, tables
from transcribe.schema import Quiet, record

_LOCAL_WORDS = 12  # at most so many words before "at"
_DOMAIN_WORDS = 9
_NAMES = 4  # so many words after "www dot" may be one name
_ALONE = 3  # so few words from the beginning of a sentence to "at" are all of the address
_LOOK_BACK = 15


@record
class Address(Quiet):
    """Stretches of words (first, last) that are an address of the net: which entity, and how sure that is."""

    words: tuple[tuple[int, int], ...]
    entity: str
    score: float


def find(tokens: Tokens) -> Iterator[Address]:
    """E-mail addresses, web addresses outside them, and names of users, in order of position."""
    found = tuple(_all(tokens))
    emails = (words for a in found if a.entity == "EMAIL_ADDRESS" for words in a.words)
    inside = {index for first, last in emails for index in range(first, last + 1)}
    for address in found:
        if address.entity == "EMAIL_ADDRESS" or not {index for words in address.words for index in words} <= inside:
            yield address


def _all(tokens: Tokens) -> Iterator[Address]:
    done = -1  # the last word of the last web address or user name
    for index, word in enumerate(tokens.words):
        if word == "at" or tokens.tie(index) == "@":
            yield from _at(tokens, index)
        elif index > done and (word in ("dot", "underscore") or tokens.tie(index) == "."):
            for address in _dotted(tokens, index):
                done = address.words[-1][1]
                yield address
        elif index > done:
            for user in usernames.find(tokens, index):
                done = user.last
                yield Address(words=((user.first, user.last),), entity="USER_NAME", score=user.score)


# --- turns ----------------------------------------------------------------------------------------------------------


def _turn(tokens: Tokens, here: int) -> tuple[int, int]:
    """The first and the last word of a turn without a listener's "yeah" at either end; last < first where all is."""
    first, last = tokens.first[here], tokens.first[here + 1] - 1
    if tokens.listens(here):
        return first, first - 1
    backchannel = tables()["between"]["backchannel"]
    for _ in range(SAYS):
        if first < last and tokens.words[first] in backchannel and _parted(tokens, first + 1):
            first += 1
        if first < last and tokens.words[last] in backchannel and _parted(tokens, last):
            last -= 1
    return first, last


def _parted(tokens: Tokens, index: int) -> bool:
    return re.search(r"[,.?!…]", tokens.gap(index) or "") is not None


def _before(tokens: Tokens, index: int) -> int:
    """The word before another, over what a listener says between two turns; -1 where there is none."""
    if (
        index > 0
        and tokens.words[index - 1] not in tables()["between"]["backchannel"]
        and tokens.gap(index) is not None
    ):
        return index - 1
    here = tokens.utterance_of(index)
    if index > _turn(tokens, here)[0]:
        return index - 1
    turns = (_turn(tokens, turn) for turn in range(here - 1, max(-1, here - 2 - LISTENED), -1))
    return next((last for first, last in turns if first <= last), -1)


def _after(tokens: Tokens, index: int) -> int:
    """The word after another, over what a listener says between two turns; the number of words where there is none."""
    here = tokens.utterance_of(index)
    if index < _turn(tokens, here)[1]:
        return index + 1
    turns = (_turn(tokens, turn) for turn in range(here + 1, min(here + 2 + LISTENED, len(tokens.texts))))
    return next((first for first, last in turns if first <= last), len(tokens.words))


def _spoken(tokens: Tokens, first: int, last: int) -> Iterator[tuple[int, int]]:
    """What of words first..last is no listener's, a stretch for each turn."""
    for here in range(tokens.utterance_of(first), tokens.utterance_of(last) + 1):
        begin, end = _turn(tokens, here)
        begin, end = max(first, begin), min(last, end)
        if begin <= end:
            yield begin, end


# --- e-mail ---------------------------------------------------------------------------------------------------------


def _at(tokens: Tokens, index: int) -> Iterator[Address]:
    """`index` is "at", or the first word after an "@"."""
    word = tokens.words[index] == "at" and tokens.tie(index) != "@"
    begin = _after(tokens, index) if word else index
    last = _domain(tokens, begin)
    if last is None:
        return
    end = _before(tokens, index)
    first = _local(tokens, end, spoken=word)
    bare = first > end or (last == begin and first == end)  # "works at Yahoo"
    words = tuple(_spoken(tokens, index if first > end else first, last))
    if first <= end:
        words = (*_echoed(tokens, first, end), *words)
    yield Address(words=words, entity="EMAIL_ADDRESS", score=0.97 if not bare or _talk(tokens, index) else 0.4)


def _echoed(tokens: Tokens, first: int, end: int) -> Iterator[tuple[int, int]]:
    """Where the turn before ends with words first..end, or what these end with: one of both says it after the other."""
    turn, _ = _turn(tokens, tokens.utterance_of(first))
    said = _before(tokens, turn)
    if said >= 0:
        begin = _local(tokens, said, spoken=True)
        this, other = "".join(tokens.words[first : end + 1]), "".join(tokens.words[begin : said + 1])
        if this.endswith(other) or other.endswith(this):
            yield from _spoken(tokens, begin, said)


def _domain(tokens: Tokens, begin: int) -> int | None:
    """The last word of a domain that begins here: words with a dot before a known ending, or a provider alone."""
    email = tables()["email"]
    last: int | None = None
    dots = place = 0
    index = before = begin
    for place in range(_DOMAIN_WORDS):
        before, index = index, _after(tokens, index) if place else begin
        if index == len(tokens.words):
            break
        here = tokens.gap(index)
        over = place > 0 and tokens.utterance_of(before) < tokens.utterance_of(index)
        if place and (tokens.words[index] == "at" or "@" in (here or "")):
            break
        if over and "dot" not in (tokens.words[before], tokens.words[index]):
            break
        dotted = place > 0 and tokens.tie(index) == "."
        if not over and place and not dotted and re.search(r"[.?!]\s", here or "") and not dots:
            break
        spoken = tokens.words[before] in email["dot"] and place > 1
        if dotted or spoken:
            dots += 1
            if tokens.words[index] in email["top"]:
                last = index
        elif tokens.words[index] in email["dot"]:
            continue
        elif last is not None or dots > 0:
            break
    if last is None and begin < len(tokens.words) and tokens.words[begin] in email["providers"]:
        return begin
    return last


def _local(tokens: Tokens, end: int, spoken: bool) -> int:
    """The first word of what stands before "at", whose last word is `end`; end + 1 where there is nothing.

    Words tied by dots, underscores or spelling belong to it; and all words after one that opens an address ("it's").
    """
    email = tables()["email"]
    tied = end + 1
    index = end
    while index >= 0 and end - index < _LOCAL_WORDS and not tokens.stops(index + 1):
        word = tokens.words[index]
        joint = word in email["joint"]
        follows = tied <= end and (tokens.words[tied] in email["joint"] or tokens.tie(tied) != "")
        short = _short(tokens, index)
        if not (index == end or joint or follows or short or (tied <= end and _short(tokens, tied))):
            break
        if index < end and _plain(word) and not (joint or follows or short):
            break
        tied = index
        index = _before(tokens, index)
    if not spoken:
        return tied
    for opener in range(tied - 1, max(-2, end - 6), -1):
        if opener < 0 or tokens.stops(opener + 1) or tokens.gap(opener + 1) is None:
            few = sum(not _short(tokens, index) for index in range(opener + 1, end + 1)) <= _ALONE
            return opener + 1 if few else tied
        if tokens.words[opener] in email["opening"]:
            return opener + 1
    return tied


def _short(tokens: Tokens, index: int) -> bool:
    """Whether a word is a letter or a number."""
    word = tokens.words[index]
    return len(word) == 1 or word.isdecimal() or word in _numbers()


@cache
def _numbers() -> frozenset[str]:
    numbers = tables()["numbers"]
    units = (word for word, digit in numbers["units"].items() if digit != "O")  # "Oh, tilda dot quill"
    return frozenset((*units, *numbers["teens"], *numbers["tens"], *numbers["repeat"], "hundred"))


def _plain(word: str) -> bool:
    return word in tables()["email"]["opening"] or word in tables()["between"]["fillers"]


@cache
def _web() -> frozenset[str]:
    return frozenset(tables()["email"]["top"]) - {"me", "co", "io"}


def _dotted(tokens: Tokens, index: int) -> Iterator[Address]:
    """A web address, said or written ("x dot co dot uk"), and words tied by "dot" or "underscore" in talk of e-mail."""
    said = tokens.words[index] in ("dot", "underscore")
    first = _local(tokens, index - 1, spoken=False)
    last = index
    while (
        last - index < _DOMAIN_WORDS
        and tokens.near(last + 1)
        and (tokens.words[last] in ("dot", "underscore") or _joins(tokens, last + 1))
    ):
        last += 1
    if first >= index or tokens.gap(index) is None or (last == index and said):
        return
    ending = tokens.words[last] in _web() or tokens.words[last - 1] in _web()
    if ending and (said or last - first > 1 or tokens.words[last] != "me"):
        words = tuple(_spoken(tokens, _www(tokens, first), _path(tokens, last)))
        yield Address(words=words, entity="WEB_ADDRESS", score=0.85 if said else 0.7)
    elif said and (_talk(tokens, index) or tokens.words[index] == "underscore"):
        words = tuple(_spoken(tokens, first, usernames.end(tokens, last)))
        yield Address(words=words, entity="USER_NAME", score=0.8)


def _path(tokens: Tokens, last: int) -> int:
    """Where an address ends whose domain ends with word `last`: after "slash tilda quill", "forward slash tilda"."""
    while tokens.near(last + 1):
        slash = last + 1 + (tokens.words[last + 1] == "forward")
        if not tokens.near(slash) or tokens.words[slash] != "slash" or not tokens.near(slash + 1):
            break
        last = usernames.end(tokens, slash + 1)
    return last


def _www(tokens: Tokens, first: int) -> int:
    """Where an address begins whose last name is word `first`: at "www dot" or "w w w dot" shortly before it."""
    words = tokens.words
    for dot in range(first - 1, max(0, first - _NAMES - 1), -1):
        if not tokens.near(dot + 1) or tokens.stops(dot + 1):
            break
        if words[dot] == "dot" and words[dot - 1] in ("w", "www"):
            begin = dot - 1
            while begin > dot - 3 and words[begin] == words[begin - 1] == "w" and tokens.near(begin):
                begin -= 1
            return begin
    return first


def _talk(tokens: Tokens, index: int) -> bool:
    """Whether an e-mail or a social network is spoken of shortly before."""
    context = tables()["context"]["email"] | tables()["social"]["names"]
    return any(word.removesuffix("'s") in context for word in tokens.words[max(0, index - _LOOK_BACK) : index])


def _joins(tokens: Tokens, index: int) -> bool:
    return tokens.words[index] in ("dot", "underscore") or tokens.tie(index) == "." or _glued(tokens, index)


def _glued(tokens: Tokens, index: int) -> bool:
    """Whether nothing parts a word from the one before: "hartley92smith"."""
    return tokens.gap(index) == ""
