"""E-mail and web addresses and user names as said ("siobhan dot kelly at gmail dot com") or written without an @."""

import re
from collections.abc import Iterator
from functools import cache

from transcribe.detect.numerals import Tokens, tables
from transcribe.schema import Quiet, record

_LOCAL_WORDS = 12  # at most so many words before "at"
_DOMAIN_WORDS = 9
_ALONE = 3  # so few words from the beginning of a sentence to "at" are all of the address
_LOOK_BACK = 15


@record
class Address(Quiet):
    """Words first..last are an address of the net: which entity, and how sure that is."""

    first: int
    last: int
    entity: str
    score: float


def find(tokens: Tokens) -> Iterator[Address]:
    """E-mail addresses, web addresses outside them, and names of users, in order of position."""
    found = tuple(_all(tokens))
    inside = {index for a in found if a.entity == "EMAIL_ADDRESS" for index in range(a.first, a.last + 1)}
    for address in found:
        if address.entity == "EMAIL_ADDRESS" or not {address.first, address.last} <= inside:
            yield address


def _all(tokens: Tokens) -> Iterator[Address]:
    done = -1  # the last word of the last web address or user name
    for index, word in enumerate(tokens.words):
        if word == "at" or _tie(tokens, index) == "@":
            yield from _at(tokens, index)
        elif index > done and (word in ("dot", "underscore") or _tie(tokens, index) == "."):
            for address in _dotted(tokens, index):
                done = address.last
                yield address
        elif word in tables()["social"]["names"]:
            yield from _user(tokens, index)


def _tie(tokens: Tokens, index: int) -> str:
    """ "." or "@" where that ties a word to the one before, a blank more or less; else nothing."""
    gap = tokens.gap(index)
    if gap is None or len(gap) > 3:
        return ""
    return "." if gap == "." else "@" if "@" in gap else "_" if gap in ("_", "-") else ""


def _at(tokens: Tokens, index: int) -> Iterator[Address]:
    """`index` is "at", or the first word after an "@"."""
    word = tokens.words[index] == "at" and _tie(tokens, index) != "@"
    begin = index + 1 if word else index
    last = _domain(tokens, begin)
    if last is None:
        return
    first = _local(tokens, index - 1, spoken=word)
    bare = first == index or (last == begin and index - first < 2)  # "works at Yahoo"
    yield Address(
        first=first, last=last, entity="EMAIL_ADDRESS", score=0.97 if not bare or _talk(tokens, index) else 0.4
    )


def _domain(tokens: Tokens, begin: int) -> int | None:
    """The last word of a domain that begins here: words with a dot before a known ending, or a provider alone."""
    email = tables()["email"]
    last: int | None = None
    dots = 0
    for index in range(begin, min(begin + _DOMAIN_WORDS, len(tokens.words))):
        here = tokens.gap(index)
        if index > begin and (here is None or tokens.words[index] == "at" or "@" in here):
            break
        dotted = index > begin and _tie(tokens, index) == "."
        if here is not None and index > begin and not dotted and re.search(r"[.?!]\s", here) and not dots:
            break
        spoken = tokens.words[index - 1] in email["dot"] and index > begin + 1
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
    while index >= 0 and end - index < _LOCAL_WORDS and not _stops(tokens, index + 1):
        word = tokens.words[index]
        joint = word in email["joint"]
        follows = tied <= end and (tokens.words[tied] in email["joint"] or _tie(tokens, tied) != "")
        short = len(word) == 1 or word.isdecimal()
        if not (index == end or joint or follows or short or (tied <= end and _short(tokens.words[tied]))):
            break
        if index < end and _plain(word) and not (joint or follows or short):
            break
        tied = index
        index -= 1
    if not spoken:
        return tied
    for opener in range(tied - 1, max(-2, end - 6), -1):
        if opener < 0 or _stops(tokens, opener + 1) or tokens.gap(opener + 1) is None:
            return opener + 1 if end - opener <= _ALONE else tied
        if tokens.words[opener] in email["opening"]:
            return opener + 1
    return tied


def _short(word: str) -> bool:
    return len(word) == 1 or word.isdecimal()


def _plain(word: str) -> bool:
    return word in tables()["email"]["opening"] or word in tables()["between"]["fillers"]


def _stops(tokens: Tokens, index: int) -> bool:
    """Whether a sentence ends before a word."""
    gap = tokens.gap(index) if index < len(tokens.words) else ""
    return gap is not None and re.search(r"[.?!]\s", gap) is not None


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
        and _near(tokens, last + 1)
        and (tokens.words[last] in ("dot", "underscore") or _joins(tokens, last + 1))
    ):
        last += 1
    if first >= index or tokens.gap(index) is None or (last == index and said):
        return
    ending = tokens.words[last] in _web() or tokens.words[last - 1] in _web()
    if ending and (said or last - first > 1 or tokens.words[last] != "me"):
        yield Address(first=first, last=last, entity="WEB_ADDRESS", score=0.85 if said else 0.7)
    elif said and (_talk(tokens, index) or tokens.words[index] == "underscore"):
        yield Address(first=first, last=last, entity="USER_NAME", score=0.8)


def _talk(tokens: Tokens, index: int) -> bool:
    """Whether an e-mail or a social network is spoken of shortly before."""
    context = tables()["context"]["email"] | tables()["social"]["names"]
    return any(word.removesuffix("'s") in context for word in tokens.words[max(0, index - _LOOK_BACK) : index])


def _joins(tokens: Tokens, index: int) -> bool:
    return tokens.words[index] in ("dot", "underscore") or _tie(tokens, index) == "." or _glued(tokens, index)


def _glued(tokens: Tokens, index: int) -> bool:
    """Whether nothing parts a word from the one before: "hartley92smith"."""
    return tokens.gap(index) == ""


def _near(tokens: Tokens, index: int) -> bool:
    return index < len(tokens.words) and tokens.gap(index) is not None


def _user(tokens: Tokens, index: int) -> Iterator[Address]:
    """ "my Instagram is tilda_q", "on Twitter as tilda q": what follows the service's name and a word that names."""
    words = tokens.words
    after = index + 1
    while after < len(words) and words[after] in ("name", "handle", "username", "account", "user", "profile"):
        after += 1
    if after < len(words) and _near(tokens, after + 1) and words[after] in ("is", "called", "as", "under", "was"):
        named = after > index + 1 or words[index - 1 : index] == ["my"] or words[after] in ("as", "under")
        if named and words[after + 1] not in ("a", "the", "really", "so", "just", "not", "very", "my", "where", "how"):
            last = after + 1
            while _near(tokens, last + 1) and (
                len(words[last + 1]) == 1 or _tie(tokens, last + 1) or _glued(tokens, last + 1)
            ):
                last += 1
            yield Address(first=after + 1, last=last, entity="USER_NAME", score=0.5)
