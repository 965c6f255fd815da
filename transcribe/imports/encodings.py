"""A text file's bytes to text: UTF-8, UTF-16, or Windows 1252 where nothing speaks for another code page.

Read in the wrong code page a name is spelt as nowhere else, and so is not found: whatever may be of another is refused.
Windows 1252 has a meaning for nearly every byte, so that texts of other code pages show by what no Western text has
alone: marks within words (Mac Roman, DOS, Polish), capitals within them (Mac Roman), words of accented letters
(Cyrillic, Greek, Chinese), letters of languages that do not meet (Czech, Serbian), letters that Turkish has elsewhere.
"""

import re

from transcribe.detect.lexicon import is_usual_word
from transcribe.errors import StudyError
from transcribe.wordforms import folded

_NOT_TEXT = (b"PK\x03\x04", b"%PDF", b"{\\rtf", b"\xd0\xcf\x11\xe0")
_LOST = "\ufffd"
# UTF-8 that was read as Windows 1252 and saved again: Zoë as ZoÃ«, it’s as itâ€™s.
_MANGLED = re.compile(r"Ã[\x80-\xba\xbc-\xbf€‚ƒ„†‡ˆ‰‹•˜™›]|[ÄÅ][\x80-\x9f\xa1-\xaa\xac-\xba\xbc-\xbf€‚ƒ„†‡ˆ‰‹•˜™›]|â€")

_HIGH = "À-ÖØ-öø-ÿŒœŠšŽžŸ"
_LETTER = f"A-Za-z{_HIGH}"
_CONSONANT = "bcdfghjklmnpqrstvwxz"
_STRANGE = re.compile(
    "|".join(
        (
            "[ƒˆ˜ðþýÐÞÝ]",  # Turkish has ğ, ş and ı where these are
            rf"(?<=[{_LETTER}])[€‚„†‡‰‹‘“”•™›¡-¬®-³µ-¶¸-¿×÷](?=[{_LETTER}])",
            rf"(?<=[{_LETTER}])(?<![mM](?=[²³]))[€‚„†‡‰‹¡-¨¬¯±³¶¸¹¼-¿×÷](?![{_LETTER}])",
            rf"(?<![{_LETTER}])[£¥¦¬®©¯±³¶¹¼¾](?=[{_LETTER}])",
            rf"[{_HIGH}]{{3}}",
            rf"(?<![{_LETTER}])[{_HIGH}]{{2,}}(?![{_LETTER}])",
            rf"[ÆØÅæøå](?=[{_HIGH}])|(?<=[{_HIGH}])[ÆØÅæøå]|(?i:[aeiouy]æ)(?![{_LETTER}])",  # Dvořák, Petrović
            "(?i:è[aeiou]|[aeiouy]œ)",
            rf"(?i:[{_CONSONANT}][šž][{_CONSONANT}])",
        )
    )
)
_GERMAN_QUOTE = re.compile(r"‚[^‚‘\n]*‘")
_AFTER_WORD = re.compile(rf"(?<=[{_LETTER}])‘")
_CAPITAL_INSIDE = re.compile(rf"[{_LETTER}]+(?=[À-ÖØ-ÞŒŠŽŸ])[{_LETTER}]+")
_CAPITAL_AFTER = re.compile(r"(?:[a-z]|Ma?c|Fitz|D[aeiu]|L[ae]|V[ao]n)[À-ÖØ-ÞŒŠŽŸ]")  # hÉireann, MacÉil
_APOSTROPHE = re.compile(rf"([{_LETTER}]+)’([{_LETTER}]+)")
_BEFORE_APOSTROPHE = frozenset("all aujourd dall dell jusqu lorsqu nell presqu puisqu quelqu quest rock sull".split())
_AFTER_APOSTROPHE = frozenset("s t m d re ve ll em er n un an i all til clock cause".split())
_DASH = re.compile(rf"([{_LETTER}]+)[–—](?=([{_LETTER}]+))")
# Letters that code pages other than the Western one have otherwise: no text has those of several of these.
_DIFFERING = frozenset("àèêìïòùûœÿñãõåæø")
_TOGETHER = (frozenset("àèêìïòùûœÿñ"), frozenset("àèêñãõ"), frozenset("åæø"))


def decode(data: bytes) -> str:
    """The text of a file. Raises StudyError where it is none, or where what its letters are cannot be told."""
    try:
        text = _text(data)
    except ValueError:
        raise StudyError("the file is not plain text", advice="save it as txt or docx") from None
    if "\0" in text:
        raise StudyError("the file is not plain text", advice="save it as txt or docx")
    if _LOST in text or _MANGLED.search(text):
        raise StudyError(
            "letters of the file were mangled when it was saved", advice="save it as UTF-8 from where it came from"
        )
    return text


def _text(data: bytes) -> str:
    if data.startswith(_NOT_TEXT):
        raise ValueError("another format")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    if b"\0" in data[:2000]:
        first, second = (data[:2000][half::2].count(0) for half in (0, 1))
        return data.decode("utf-16-be" if first > second else "utf-16-le")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _western(data)


def _western(data: bytes) -> str:
    """Text in Windows 1252 (as Word saves txt in Britain). Raises StudyError where it may be another code page's."""
    partly_utf8 = any("\x7f" < char < "\udc80" or char > "\udcff" for char in data.decode("utf-8", "surrogateescape"))
    text = data.decode("cp1252", "replace")
    if _LOST in text or partly_utf8 or _is_strange(text):
        raise StudyError("the file's encoding cannot be told", advice="open it, look it through, and save it as UTF-8")
    return text


def _is_strange(text: str) -> bool:
    differing = _DIFFERING & {*text.lower()}
    return (
        not any(differing <= together for together in _TOGETHER)
        or bool(_STRANGE.search(text) or _AFTER_WORD.search(_GERMAN_QUOTE.sub("", text)))
        or any(map(_has_capital_inside, _CAPITAL_INSIDE.findall(text)))
        or any(not _is_apostrophe(*match.groups()) for match in _APOSTROPHE.finditer(text))
        or any(not _is_dash(*match.groups()) for match in _DASH.finditer(text))
    )


def _has_capital_inside(word: str) -> bool:
    return any(map(str.islower, word)) and not _CAPITAL_AFTER.match(word)


def _is_apostrophe(before: str, after: str) -> bool:
    """Whether it is one, and no í of Mac Roman: it's, O'Brien, ma'am, Ja'Quan."""
    contracted = len(before) < 3 or before.lower() in _BEFORE_APOSTROPHE or after.lower() in _AFTER_APOSTROPHE
    return contracted or after[0].isupper()


def _is_dash(before: str, after: str) -> bool:
    """Whether it is one, and no ñ or ó of Mac Roman: beside a word, in a stutter, before a name."""
    if after[0].isupper() or after.lower().startswith(before.lower()):
        return True
    usual = [word for word in (before, after) if len(word) > 1 and is_usual_word(folded(word))]
    return (len(after) > 1 or after in "ai") and (len(usual) == 2 or any(len(word) > 2 for word in usual))
