"""Capitals for a text that has none, so that a model trained on written English sees where names may be.

A capital is given to a word that a list of names holds and that is no common word, and to one that English hardly has.
"""

import re

from transcribe.detect import defaults, lexicon
from transcribe.wordforms import folded

_WORD = re.compile(r"(?<![\w'’])[od]['’][^\W_]+|[^\W_]+")  # "o'brien" is one
COMMON = 4.3  # Zipf value from which a listed name is left small: "mark" and "will", not "siobhan" and "karen"
UNKNOWN = 1.5  # Zipf value below which a word gets a capital though no list holds it


def recased(text: str) -> str:
    """The text with capitals, of the same length."""
    words = defaults.load().words

    def cased(match: re.Match[str]) -> str:
        word = match.group()
        plain = folded(word)
        after_apostrophe = text[max(0, match.start() - 1) : match.start()] in ("'", "’")
        if word == "i" and not after_apostrophe:
            return "I"
        if len(plain) < 3 or after_apostrophe or not re.sub("['’]", "", word).isalpha() or plain in words.never:
            return word
        usual = lexicon.zipf(plain)
        if "'" in plain:
            known = lexicon.load().holds(plain) or usual < UNKNOWN
            return f"{word[0].upper()}{word[1]}{word[2].upper()}{word[3:]}" if known and word[2].isascii() else word
        if usual < UNKNOWN or (lexicon.load().holds(plain) and usual < COMMON and not words.needs_context(plain)):
            capital = word[0].upper()
            return capital + word[1:] if len(capital) == 1 else word
        return word

    return _WORD.sub(cased, text)
