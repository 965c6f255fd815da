"""Names of users of social networks: "my Instagram's tilda_q", "on Mumsnet I'm tilda92", "Tilda Quill 92"."""

import re
from collections.abc import Iterator
from functools import cache

from transcribe.detect import defaults, lexicon
from transcribe.detect.numerals import Tokens, read, tables
from transcribe.schema import Quiet, record
from transcribe.wordforms import folded

_JOINTS = ("underscore", "dot", "hyphen", "dash")
_OWNERS = ("my", "your", "his", "her", "our", "their")
_WORDS = 8  # at most so many steps from the first word of a name to its last
_LOOK_BACK, _LOOK_AHEAD = 15, 5
_LETTERS = 3  # so many before the digits: "B12" and "MP3" name nobody


@record
class UserName(Quiet):
    """Words first..last name a user, and how sure that is."""

    first: int
    last: int
    score: float


def find(tokens: Tokens, index: int) -> Iterator[UserName]:
    """The name of a user that a word is part of, or that follows it, where it names a network or a handle."""
    word = tokens.words[index].removesuffix("'s")
    if tokens.gap(index) == "_":
        first = index
        while first > max(0, index - _WORDS) and tokens.gap(first) in ("_", ".", ""):
            first -= 1
        if re.search(r"(?:^|[\s(\"'“‘@])$", tokens.gap(first) or ""):  # no piece of a web address
            yield UserName(first=first, last=end(tokens, index), score=0.8)
    elif tokens.gap(index) == "" and word.isdecimal() and _glued(tokens, index - 1) and _near(tokens, index):
        yield UserName(first=index - 1, last=end(tokens, index), score=0.7)
    elif word in _talk():
        yield from _said(tokens, index)


@cache
def _talk() -> frozenset[str]:
    social = tables()["social"]
    return frozenset(social["names"] | social["handles"])


def _glued(tokens: Tokens, index: int) -> bool:
    return len(tokens.words[index]) >= _LETTERS and tokens.written(index).isalpha() and tokens.gap(index) != ""


def _near(tokens: Tokens, index: int) -> bool:
    around = tokens.words[max(0, index - _LOOK_BACK) : index + _LOOK_AHEAD]
    return any(word.removesuffix("'s") in _talk() for word in around)


def _said(tokens: Tokens, index: int) -> Iterator[UserName]:
    """ "my Instagram is tilda_q", "on Twitter as tilda q": what follows the service's name and a word that names."""
    words, after = tokens.words, index
    while tokens.near(after + 1) and words[after + 1].removesuffix("'s") in tables()["social"]["nouns"]:
        after += 1
    owned = index > 0 and words[index - 1] in _OWNERS
    if words[after].endswith("'s"):
        named = after > index or owned
        after += 2 if tokens.near(after + 1) and words[after + 1] == "called" else 1
    else:
        after += 2
        verb = words[after - 1] if tokens.near(after - 1) else ""
        named = verb in ("as", "under") or (verb in ("is", "called", "was") and (owned or after > index + 2))
    if tokens.near(after) and words[after] == "at":
        after += 1
    if not named or not tokens.near(after) or tokens.stops(after):
        return
    last = end(tokens, after)
    plain = all(tokens.gap(word) == " " for word in range(after + 1, last + 1))
    if not (plain and all(_is_talk(tokens, word) for word in range(after, last + 1))):
        joined = any(words[word] in _JOINTS or tokens.tie(word) for word in range(after + 1, last + 1))
        yield UserName(first=after, last=last, score=0.8 if joined else 0.5)


def _is_talk(tokens: Tokens, index: int) -> bool:
    """Whether a word is an ordinary one that begins no name: "my Facebook is private", "on Instagram as soon as"."""
    word = folded(tokens.words[index])
    if word in defaults.load().words.function or len(word) == 1 or word.isdecimal():
        return True
    if tokens.written(index)[0].isupper():
        return False
    known = lexicon.load()
    rare = lexicon.zipf(word) < lexicon.RARE or word in known.given or word in known.surnames
    return lexicon.is_usual_word(word) or not rare


def end(tokens: Tokens, index: int) -> int:
    """The last word of a name that a word is in: over what is tied to it, said joints, letters, numbers, capitals."""
    last = index
    for _ in range(_WORDS):
        following = _next(tokens, last + 1, first=last == index)
        if following is None:
            break
        last = following
    return last


def _next(tokens: Tokens, index: int, first: bool) -> int | None:
    if not tokens.near(index):
        return None
    gap, word = tokens.gap(index), tokens.words[index]
    if gap == "" or tokens.tie(index) in (".", "_"):
        return index
    if gap not in (" ", ", "):
        return None
    if word in _JOINTS and tokens.near(index + 1) and not tokens.stops(index + 1):
        return index + 1
    if _counts(tokens, index) or (len(word) == 1 and word not in "ai" and gap == " "):
        item = read(tokens, index)
        return item.last if item is not None and item.numeric else index
    if gap == ", " or _is_talk(tokens, index):
        return None
    further = first and tokens.near(index + 1) and tokens.gap(index + 1) == " " and _counts(tokens, index + 1)
    return index if tokens.written(index)[0].isupper() or further else None


def _counts(tokens: Tokens, index: int) -> bool:
    """Whether a number stands here that counts nothing: "tilda quill 92", but not "tilda, two years now"."""
    item = read(tokens, index)
    if item is None or not item.numeric or tokens.words[index] in ("o", "oh", "ow"):
        return False
    return not (tokens.near(item.last + 1) and tokens.words[item.last + 1] in tables()["context"]["units"])
