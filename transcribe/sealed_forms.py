"""Spellings that can be recognised but not read: what is kept of the names of somebody who is forgotten.

A spelling is kept as the HMAC-SHA256 of its folded words under a random key. The key stands in the vault beside it, so
whoever has both can try names one after the other; whoever reads the vault as text learns none.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator
from functools import lru_cache

from transcribe.schema import Sealed

_TOKEN = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(r"[\W_]+")  # which marks a name has is not kept, so any may part its words


def seal(folded_forms: Iterable[str]) -> Sealed:
    """The spellings sealed under a new key: with their words apart, and as one word where no space parts them."""
    key = secrets.token_hex(32)
    spellings = {spelling for form in folded_forms for spelling in _spellings(form)}
    return Sealed(
        key=key,
        longest=max((len(spelling.split()) for spelling in spellings), default=0),
        digests=tuple(sorted(_digest(key, spelling) for spelling in spellings)),
    )


def _spellings(form: str) -> Iterator[str]:
    words = [_TOKEN.findall(part) for part in form.split()]
    yield " ".join(token for tokens in words for token in tokens)
    yield " ".join("".join(tokens) for tokens in words if tokens)


def find(folded_text: str, sealed: Sealed) -> Iterator[tuple[int, int]]:
    """[start, end) of every stretch of whole words that reads as one of the spellings."""
    digests = frozenset(sealed.digests)
    tokens = [(hit.start(), hit.end()) for hit in _TOKEN.finditer(folded_text)]
    for first, (start, end) in enumerate(tokens):
        words = [folded_text[start:end]]
        while True:
            if _digest(sealed.key, " ".join(words)) in digests:
                yield start, end
            following = first + len(words)
            if len(words) == sealed.longest or following == len(tokens):
                break
            if not _BETWEEN.fullmatch(folded_text[end : tokens[following][0]]):
                break
            words.append(folded_text[slice(*tokens[following])])
            end = tokens[following][1]


@lru_cache(maxsize=1 << 18)
def _digest(key: str, spelling: str) -> str:
    return hmac.digest(bytes.fromhex(key), spelling.encode(), hashlib.sha256).hex()
